/* Step a state by a trained network, as a simulation does, and compare it with the true states.
 *
 *   cc rollout.c $(pkg-config --cflags --libs lockstep) -lm -o rollout
 *   ./rollout RUN STATES.f32 [STEPS]
 *
 * STATES.f32 are states one after another, as float32 (prepare_kdv.py writes them).  The network makes
 * STEPS (20) steps from the first of them, each from what it said itself; a line a step is the step
 * and the norm of the difference over the norm of the truth. */
#include <lockstep/checkpoint.h>
#include <lockstep/model.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double relative_error(size_t n, const float *state, const float *truth) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < n; i++) {
    const double d = (double)state[i] - (double)truth[i];
    difference += d * d;
    norm += (double)truth[i] * (double)truth[i];
  }
  return sqrt(difference / norm);
}

static ls_status roll_out(ls_model *model, FILE *file, const char *path, long steps) {
  const ls_shape shape = ls_model_input_shape(model), out = ls_model_output_shape(model);
  const size_t n = ls_shape_count(&shape);
  if (ls_shape_count(&out) != n) return ls_fail(LS_EUSAGE, "the network's output is no next state");
  float *state = malloc(n * sizeof *state), *next = malloc(n * sizeof *next);
  float *truth = malloc(n * sizeof *truth);
  ls_status st = state && next && truth ? LS_OK : ls_fail(LS_ENOMEM, "no memory for states");
  if (st == LS_OK && fread(state, sizeof *state, n, file) != n)
    st = ls_fail(LS_EDATA, "%s: no state of %zu numbers", path, n);
  for (long step = 1; step <= steps && st == LS_OK; step++) {
    if (fread(truth, sizeof *truth, n, file) != n) {
      st = ls_fail(LS_EDATA, "%s: no state after step %ld", path, step);
      break;
    }
    st = ls_model_predict(model, 1, state, next);
    if (st == LS_OK) printf("%ld %.6e\n", step, relative_error(n, next, truth));
    float *swap = state;
    state = next;
    next = swap;
  }
  free(state);
  free(next);
  free(truth);
  return st;
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 4) {
    fprintf(stderr, "usage: rollout RUN STATES.f32 [STEPS]\n");
    return 2;
  }
  ls_model *model = NULL;
  ls_status st = ls_model_load(argv[1], &model);
  FILE *file = fopen(argv[2], "rb");
  if (st == LS_OK && !file) st = ls_fail(LS_EIO, "%s: cannot be opened", argv[2]);
  if (st == LS_OK) st = roll_out(model, file, argv[2], argc == 4 ? strtol(argv[3], NULL, 10) : 20);
  if (st != LS_OK) fprintf(stderr, "rollout: %s\n", ls_error_message());
  if (file) fclose(file);
  ls_model_destroy(model);
  return ls_status_exit_code(st);
}

/* Saving a network of so many million parameters and loading it again (checkpoint.sh):
 *
 *   checkpoint FILE MILLIONS
 *
 * prints, of saving and of loading, the seconds, and the bytes that went through read and write. */
#include <lockstep/checkpoint.h>
#include <lockstep/config.h>
#include <lockstep/status.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What this process has read and written; 0 where the system doesn't say. */
static void count(double bytes[2]) {
  FILE *in = fopen("/proc/self/io", "r");
  bytes[0] = bytes[1] = 0;
  if (in == NULL) return;
  if (fscanf(in, "rchar: %lf wchar: %lf", &bytes[0], &bytes[1]) != 2) bytes[0] = bytes[1] = 0;
  fclose(in);
}

static int failed(void) {
  fprintf(stderr, "checkpoint: %s\n", ls_error_message());
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  char text[256];
  const int units = (int)sqrt(1e6 * atof(argv[2]) / 3); /* three layers of so many by so many */
  ls_shape shape = {1, {(size_t)units}};
  ls_config *config = NULL;
  ls_model *model = NULL, *again = NULL;
  double before[2], saved[2], loaded[2];
  snprintf(text, sizeof text,
           "model: [{dense: {units: %d}}, {dense: {units: %d}}, {dense: {units: %d}}]", units,
           units, units);
  if (ls_config_parse(text, "checkpoint", &config) != LS_OK ||
      ls_model_create(config, &shape, 1, &model) != LS_OK)
    return failed();
  count(before);
  const double t0 = now();
  if (ls_model_save(model, argv[1]) != LS_OK) return failed();
  const double t1 = now();
  count(saved);
  const double t2 = now();
  if (ls_model_load(argv[1], &again) != LS_OK) return failed();
  const double t3 = now();
  count(loaded);
  printf("%.4f %.4f %.0f %.0f %.0f\n", t1 - t0, t3 - t2, saved[1] - before[1], saved[0] - before[0],
         loaded[0] - saved[0]);
  const int same = ls_model_hash(model) == ls_model_hash(again);
  ls_model_destroy(model);
  ls_model_destroy(again);
  ls_config_destroy(config);
  return same ? 0 : 1;
}

/* Gradients against central differences, (L(w + h) - L(w - h)) / 2h, in every parameter tensor.
 *
 * The forward pass is in float32, so a difference carries noise of about 1e-7 L / h, and an error of
 * order h^2 from the curvature; kinks (relu) add more when a unit changes sides.  No one h is good
 * for all, so several are tried, and where a unit is too near its kink for any of them, other points:
 * the parameters are moved a little.  A tensor passes when its best is good, for a wrong gradient is
 * wrong for each h and at each point.  The error of a tensor is |numeric - analytic| / max(|numeric|, |analytic|), norms
 * over the elements that were looked at. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/gemm.h"
#include "train/report.h"
#include "train/trainer.h"

enum { SAMPLES = 16, ELEMENTS = 24, POINTS = 4 };
static const double limit = 1e-3;

typedef struct checker {
  ls_model *model;
  ls__task task;
  ls__run *run;
  float *x, *y, *gradients;
  double *error; /* a tensor's best */
  size_t n;
  uint64_t seed;
} checker;

/* The loss summed over the samples.  Dropout acts, with the same mask every time. */
static double loss_of(checker *c, float *dyhat) {
  const ls__run_place place = {c->seed, 1, 0};
  memcpy(ls__run_input(c->run, 0), c->x, c->n * c->task.x_count * sizeof *c->x);
  ls__run_forward(c->run, c->model->parameters, c->n, &place);
  return ls__loss_run(c->task.loss, &c->task.prediction, &c->task.target, c->n,
                      ls__run_result(c->run, 0), c->y, dyhat);
}

/* Elements of a tensor to look at: all of a small one, else some drawn by the seed. */
static size_t pick(uint64_t seed, size_t n, size_t i) {
  const ls__rng rng = ls__rng_key(seed, LS__RNG_TEST, 0, n);
  return n <= ELEMENTS ? i : (size_t)ls__rng_permute(&rng, n, i);
}

static double check_tensor(checker *c, size_t offset, size_t n) {
  static const double steps[] = {3e-2, 1e-2, 3e-3, 1e-3, 3e-4};
  float *w = c->model->parameters + offset;
  const float *analytic = c->gradients + offset;
  size_t m = n < ELEMENTS ? n : ELEMENTS;
  double best = (double)INFINITY;
  for (size_t s = 0; s < sizeof steps / sizeof *steps && best >= limit / 10; s++) {
    double apart = 0, a2 = 0, b2 = 0;
    for (size_t i = 0; i < m; i++) {
      size_t e = pick(c->seed, n, i);
      const float at = w[e];
      const float up = at + (float)steps[s], down = at - (float)steps[s];
      w[e] = up;
      double high = loss_of(c, NULL);
      w[e] = down;
      double low = loss_of(c, NULL);
      w[e] = at;
      double numeric = (high - low) / ((double)up - (double)down), a = (double)analytic[e];
      apart += (numeric - a) * (numeric - a);
      a2 += a * a;
      b2 += numeric * numeric;
    }
    double scale = sqrt(a2 > b2 ? a2 : b2);
    double error = scale > 1e-7 * (double)c->n ? sqrt(apart) / scale : 0; /* both are zero */
    if (error < best) best = error;
  }
  return best;
}

/* Move every parameter a little, and compute the gradients there.  Biases start at zero, where relu
 * of an all-zero input has its kink. */
static void move(checker *c, uint64_t point) {
  const ls__rng rng = ls__rng_key(c->seed, LS__RNG_TEST, 1 + point, 0);
  for (size_t i = 0; i < c->model->graph->arena; i++)
    c->model->parameters[i] += 0.02F * (ls__rng_uniform(&rng, i) - 0.5F);
  (void)loss_of(c, ls__run_result_gradient(c->run, 0));
  ls__run_backward(c->run, c->model->parameters, c->gradients, NULL, NULL);
}

/* The best error of each tensor, in the graph's order. */
static void measure(checker *c) {
  const ls__graph *graph = c->model->graph;
  bool wrong = true;
  for (uint64_t point = 0; point < POINTS && wrong; point++) {
    size_t k = 0;
    wrong = false;
    move(c, point);
    for (int i = 0; i < graph->n_nodes; i++)
      for (int p = 0; p < graph->node[i].layer.n_parameters; p++, k++) {
        if (point > 0 && c->error[k] < limit) continue;
        double error = check_tensor(c, graph->node[i].offset[p],
                                    ls_shape_count(&graph->node[i].layer.parameters[p].shape));
        if (point == 0 || error < c->error[k]) c->error[k] = error;
        if (!(c->error[k] < limit)) wrong = true;
      }
  }
}

static ls_status print_all(const checker *c, bool json, FILE *out) {
  ls_status st = LS_OK;
  const ls__graph *graph = c->model->graph;
  double worst = 0;
  size_t k = 0;
  char worst_name[2 * LS__NAME_BYTES] = "";
  ls__json j = {.out = out};
  if (json) {
    ls__json_open(&j, NULL, '{');
    ls__json_number(&j, "limit", limit);
    ls__json_open(&j, "parameters", '[');
  } else
    fprintf(out, "%-28s %10s %14s\n", "parameter", "elements", "relative error");
  for (int i = 0; i < graph->n_nodes; i++)
    for (int p = 0; p < graph->node[i].layer.n_parameters; p++, k++) {
      const ls__parameter *parameter = &graph->node[i].layer.parameters[p];
      size_t n = ls_shape_count(&parameter->shape);
      double error = c->error[k];
      char name[2 * LS__NAME_BYTES];
      snprintf(name, sizeof name, "%s/%.40s", graph->node[i].layer.name, parameter->name);
      if (json) {
        ls__json_open(&j, NULL, '{');
        ls__json_string(&j, "name", name);
        ls__json_whole(&j, "elements", n);
        ls__json_number(&j, "relative_error", error);
        ls__json_close(&j, '}');
      } else
        fprintf(out, "%-28s %10zu %14.2e%s\n", name, n, error, error < limit ? "" : "  WRONG");
      if (!(error <= worst)) {
        worst = error;
        snprintf(worst_name, sizeof worst_name, "%s", name);
      }
    }
  if (json) {
    ls__json_close(&j, ']');
    ls__json_number(&j, "worst", worst);
    ls__json_bool(&j, "passed", worst < limit);
    ls__json_close(&j, '}');
    fputc('\n', out);
  }
  if (!(worst < limit))
    st = ls__fail(LS_ECHECK, "the gradient of %s is wrong: its relative error is %.2e", worst_name,
                  worst);
  else if (!json)
    fprintf(out, "all gradients agree with central differences (worst %.1e)\n", worst);
  return st;
}

static ls_status prepare(checker *c, ls_config *config, ls_data *data) {
  ls_status st = LS_OK;
  ls_shape x = ls_data_x_shape(data), y = ls_data_y_shape(data);
  c->n = ls_data_count(data, LS_TRAIN) < SAMPLES ? ls_data_count(data, LS_TRAIN) : SAMPLES;
  if (c->n == 0) LS_FAIL(LS_EDATA, "data: the training part is empty");
  LS_TRY(ls_model_create(config, &x, c->seed, &c->model));
  LS_TRY(ls__task_create(config, c->model->graph, &y, &c->model->y, &c->task));
  LS_TRY(ls__alloc(&c->x, c->n * c->task.x_count, sizeof *c->x, "samples"));
  LS_TRY(ls__alloc(&c->y, c->n * c->task.y_count, sizeof *c->y, "targets"));
  LS_TRY(ls__alloc(&c->gradients, c->model->graph->arena, sizeof *c->gradients, "gradients"));
  LS_TRY(ls__run_create(c->model->graph, c->n, LS__RUN_TRAIN, &c->run));
  void *to[LS__MAX_ARRAYS];
  ls__batch_rooms(data, c->x, c->y, to);
  LS_TRY(ls__data_rows(data, LS_TRAIN, 0, c->n, to));
  LS_TRY(ls__loss_check_targets(c->task.loss, &c->task.prediction, &c->task.target, c->y, c->n, 0));
  size_t tensors = 0;
  for (int i = 0; i < c->model->graph->n_nodes; i++)
    tensors += (size_t)c->model->graph->node[i].layer.n_parameters;
  LS_TRY(ls__alloc(&c->error, tensors, sizeof *c->error, "errors"));
out:
  return st;
}

ls_status ls_gradcheck(ls_config *config, bool json, FILE *out) {
  ls_status st = LS_OK;
  checker c;
  ls_data *data = NULL;
  ls__settings settings;
  memset(&c, 0, sizeof c);
  LS_TRY(ls__settings_read(config, NULL, &settings));
  c.seed = settings.seed;
  ls_config *section = ls__config_child(config, "data");
  if (section == NULL) LS_FAIL(LS_ECONFIG, "data: is missing; gradients are checked on its samples");
  LS_TRY(ls_data_open(NULL, section, &data));
  LS_TRY(prepare(&c, config, data));
  measure(&c);
  LS_TRY(print_all(&c, json, out));
out:
  ls__run_destroy(c.run);
  ls__task_reset(&c.task);
  ls_model_destroy(c.model);
  ls__free(c.x);
  ls__free(c.y);
  ls__free(c.gradients);
  ls__free(c.error);
  ls_data_close(data);
  return st;
}

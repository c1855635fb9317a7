/* Gradients against central differences, (L(w + h) - L(w - h)) / 2h, in every parameter tensor.
 *
 * The forward pass is in float32, so a difference carries noise of about 1e-7 L / h, and an error of
 * order h^2 from the curvature; kinks (relu) add more when a unit changes sides.  No single h is
 * good for all, so several are tried; and where a unit is too near its kink for any of them, the
 * parameters are moved a little and it is tried there.  A tensor passes when its best result is
 * good: a wrong gradient is wrong for every h and at every point.  The error of a tensor is
 * |numeric - analytic| / max(|numeric|, |analytic|), norms over the elements looked at. */
#include <lockstep/train.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "model/model.h"
#include "train/settings.h"
#include "train/task.h"

enum { SAMPLES = 16, ELEMENTS = 24, POINTS = 4 };
static const double limit = 1e-3;

typedef struct checker {
  ls_model *model;
  ls__task task;
  ls__run *run;
  ls__rows rows;
  const ls__array *arrays; /* the samples, in the run's inputs whenever it runs */
  size_t n_arrays;
  void *kept[LS_MAX_PORTS]; /* a copy of each input: a run may write over its own */
  float *gradients;
  double *sums;  /* the task's */
  double *error; /* a tensor's best */
  size_t n;
  uint64_t seed;
} checker;

/* The loss summed over the samples.  Dropout acts, with the same mask every time. */
static double loss_of(checker *c, bool gradients) {
  const ls__run_place place = {c->seed, 1, 0};
  const ls__graph *graph = c->model->graph;
  for (int i = 0; i < graph->n_inputs; i++)
    memcpy(ls__run_input(c->run, i), c->kept[i], c->n * ls_shape_count(&graph->input[i].shape) * sizeof(float));
  ls__run_forward(c->run, c->model->parameters, c->n, &place);
  memset(c->sums, 0, c->task.width * sizeof *c->sums);
  ls__task_score(&c->task, c->n, c->run, &c->rows, gradients, false, c->sums);
  return ls__task_loss(&c->task, c->sums);
}

/* Elements of a tensor to look at: all of a small one, else some drawn by the seed. */
static size_t pick(uint64_t seed, size_t n, size_t i) {
  const ls__rng rng = ls__rng_key(seed, LS__RNG_TEST, 0, n);
  return n <= ELEMENTS ? i : (size_t)ls__rng_permute(&rng, n, i);
}

/* What rounding alone may leave of a difference: two losses, each about `loss` and exact to about
 * 2^-22 of it, are subtracted and divided by the distance.  A smaller difference says nothing, as
 * that of a bias before a normalisation, whose true gradient is 0. */
static double noise_of(double loss, double distance) {
  return fabs(loss) * 0x1p-22 / distance;
}

static double check_tensor(checker *c, size_t offset, size_t n) {
  static const double steps[] = {3e-2, 1e-2, 3e-3, 1e-3, 3e-4};
  float *w = c->model->parameters + offset;
  const float *analytic = c->gradients + offset;
  const size_t m = n < ELEMENTS ? n : ELEMENTS;
  double best = (double)INFINITY;
  for (size_t s = 0; s < sizeof steps / sizeof *steps && best >= limit / 10; s++) {
    double apart = 0, a2 = 0, b2 = 0, noise2 = 0;
    for (size_t i = 0; i < m; i++) {
      size_t e = pick(c->seed, n, i);
      const float at = w[e];
      const float up = at + (float)steps[s], down = at - (float)steps[s];
      w[e] = up;
      double high = loss_of(c, false);
      w[e] = down;
      double low = loss_of(c, false);
      w[e] = at;
      const double distance = (double)up - (double)down;
      double numeric = (high - low) / distance, a = (double)analytic[e];
      double noise = noise_of(high, distance);
      apart += (numeric - a) * (numeric - a);
      a2 += a * a;
      b2 += numeric * numeric;
      noise2 += noise * noise;
    }
    double scale = sqrt(a2 > b2 ? a2 : b2);
    double error = scale > 1e-7 * (double)c->n ? sqrt(apart) / scale : 0; /* both are zero */
    /* Rounding explains a small part of a difference, and is left out where it can't hide more. */
    if (sqrt(noise2) < 0.001 * scale) error = error > sqrt(noise2) / scale ? error - sqrt(noise2) / scale : 0;
    /* Both are zero, but for rounding; the largest step has the least of it. */
    if (s == 0 && a2 <= noise2 && b2 <= noise2) error = 0;
    if (error < best) best = error;
  }
  return best;
}

/* Move every parameter a little, and compute the gradients there.  Biases start at zero, where relu
 * of an all-zero input has its kink. */
static void move(checker *c, uint64_t point) {
  const ls__rng rng = ls__rng_key(c->seed, LS__RNG_TEST, 1 + point, 0);
  for (size_t i = 0; i < c->model->graph->trained; i++)
    c->model->parameters[i] += 0.02F * (ls__rng_uniform(&rng, i) - 0.5F);
  (void)loss_of(c, true);
  ls__run_backward(c->run, c->model->parameters, c->gradients, NULL, NULL);
}

/* The best error of each tensor that is trained, in the graph's order. */
static void measure(checker *c) {
  const ls__graph *graph = c->model->graph;
  bool wrong = true;
  for (uint64_t point = 0; point < POINTS && wrong; point++) {
    wrong = false;
    move(c, point);
    for (int t = 0; t < graph->n_tensors; t++) {
      const ls__tensor *tensor = &graph->tensor[t];
      if (tensor->role != LS__WEIGHT || (point > 0 && c->error[t] < limit)) continue;
      double error = check_tensor(c, tensor->offset, tensor->n);
      if (point == 0 || error < c->error[t]) c->error[t] = error;
      if (!(c->error[t] < limit)) wrong = true;
    }
  }
}

static ls_status print_all(const checker *c, bool json, FILE *out) {
  ls_status st = LS_OK;
  const ls__graph *graph = c->model->graph;
  double worst = 0;
  const char *worst_name = "";
  ls__json j = {.out = out};
  if (json) {
    ls__json_open(&j, NULL, '{');
    ls__json_number(&j, "limit", limit);
    ls__json_open(&j, "parameters", '[');
  } else
    fprintf(out, "%-28s %10s %14s\n", "parameter", "elements", "relative error");
  for (int t = 0; t < graph->n_tensors; t++) {
    const ls__tensor *tensor = &graph->tensor[t];
    const double error = c->error[t];
    if (tensor->role != LS__WEIGHT) continue;
    if (json) {
      ls__json_open(&j, NULL, '{');
      ls__json_string(&j, "name", tensor->name);
      ls__json_whole(&j, "elements", tensor->n);
      ls__json_number(&j, "relative_error", error);
      ls__json_close(&j, '}');
    } else
      fprintf(out, "%-28s %10zu %14.2e%s\n", tensor->name, tensor->n, error, error < limit ? "" : "  WRONG");
    if (!(error <= worst)) {
      worst = error;
      worst_name = tensor->name;
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

/* The samples, a copy of the inputs kept aside. */
static ls_status take_samples(checker *c, ls_data *data) {
  ls_status st = LS_OK;
  void *to[LS__MAX_ARRAYS];
  ls__rows_places(&c->rows, c->n_arrays, c->arrays, c->run, to);
  LS_TRY(ls__data_rows(data, LS_TRAIN, 0, c->n, to));
  LS_TRY(ls__task_check(&c->task, &c->rows, c->n, 0));
  LS_TRY(ls__run_check_indices(c->run, c->n));
  for (int i = 0; i < c->model->graph->n_inputs; i++) {
    const size_t bytes = c->n * ls_shape_count(&c->model->graph->input[i].shape) * sizeof(float);
    LS_TRY(ls__alloc(&c->kept[i], bytes, 1, "samples"));
    memcpy(c->kept[i], ls__run_input(c->run, i), bytes);
  }
out:
  return st;
}

static ls_status prepare(checker *c, ls_config *config, ls_data *data) {
  ls_status st = LS_OK;
  ls_port inputs[LS_MAX_PORTS];
  size_t n_inputs = 0;
  c->n_arrays = ls__data_arrays(data, &c->arrays);
  c->n = ls_data_count(data, LS_TRAIN) < SAMPLES ? ls_data_count(data, LS_TRAIN) : SAMPLES;
  if (c->n == 0) LS_FAIL(LS_EDATA, "data: the training part is empty");
  for (size_t i = 0; i < c->n_arrays; i++)
    if (c->arrays[i].use == LS_INPUT) inputs[n_inputs++] = c->arrays[i].port;
  LS_TRY(ls_model_create_ports(config, n_inputs, inputs, c->seed, &c->model));
  for (size_t i = 0, input = 0; i < c->n_arrays; i++)
    if (c->arrays[i].use == LS_INPUT && c->model->graph->input[input++].type == LS_INDEX)
      LS_TRY(ls__data_set_index(data, i));
  LS_TRY(ls__data_load(data));
  LS_TRY(ls__task_create(config, c->model->graph, c->n_arrays, c->arrays, c->model->output, &c->task));
  if (c->task.n_heads == 0) LS_FAIL(LS_ECONFIG, "loss: is missing; its gradient is what is checked");
  LS_TRY(ls__rows_create(&c->task, c->n_arrays, c->arrays, c->n, &c->rows));
  LS_TRY(ls__alloc(&c->gradients, c->model->graph->moving, sizeof *c->gradients, "gradients"));
  LS_TRY(ls__alloc(&c->sums, c->task.width, sizeof *c->sums, "sums"));
  LS_TRY(ls__alloc(&c->error, (size_t)c->model->graph->n_tensors, sizeof *c->error, "errors"));
  LS_TRY(ls__run_create(c->model->graph, c->n, true, c->task.n_values, c->task.value, &c->run));
  LS_TRY(take_samples(c, data));
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
  LS_TRY(ls__data_open_for(NULL, section, LS__DATA_TRAIN, 0, &data));
  LS_TRY(prepare(&c, config, data));
  measure(&c);
  LS_TRY(print_all(&c, json, out));
out:
  ls__run_destroy(c.run);
  ls__rows_reset(&c.rows);
  ls__task_reset(&c.task);
  ls_model_destroy(c.model);
  for (int i = 0; i < LS_MAX_PORTS; i++) ls__free(c.kept[i]);
  ls__free(c.gradients);
  ls__free(c.sums);
  ls__free(c.error);
  ls_data_close(data);
  return st;
}

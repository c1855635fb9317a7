/* Gradients against central differences, (L(w + h) - L(w - h)) / 2h, in every parameter tensor.
 *
 * The forward pass is in float32, so a difference carries noise of about 1e-7 L / h, and an error
 * of order h^2 from the curvature; kinks (relu) add more when a unit changes sides.  No one h is
 * good for all, so several are tried; where none is, without the elements whose step crosses a
 * kink, as their differences at h and h / 2 tell; and where too few are left, at other points: the
 * parameters are moved a little, and the samples are fewer, repeated, so that fewer units can change
 * sides.  Weights of convolutions over large images move so many that none is ever without: then
 * what kinks explain is taken off, where that is less than 3 % and so can't hide more.  A tensor
 * passes when its best is good, for a wrong gradient is wrong for each h and at each point.  The
 * error of a tensor is |numeric - analytic| / max(|numeric|, |analytic|), norms over the elements
 * that were looked at. */
#include <lockstep/train.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "model/model.h"
#include "train/fit.h"
#include "train/settings.h"
#include "train/task.h"

enum { SAMPLES = 16, ELEMENTS = 24, POINTS = 12 };
static const size_t samples[POINTS] = {16, 16, 16, 16, 16, 16,
                                       8,  4,  4,  2,  2,  1}; /* different ones at each */
static const double limit = 1e-3, hidden = 0.03;
static const double steps[] = {3e-2, 1e-2, 3e-3, 1e-3, 3e-4};

typedef struct checker {
  ls_model *model;
  ls__task task;
  ls__run *run;
  ls__rows rows;
  const ls__array *arrays; /* the samples, in the run's inputs whenever it runs */
  size_t n_arrays;
  void *kept[LS_MAX_PORTS]; /* a copy of each input: a run may write over its own */
  float *gradients;
  double *sums;   /* the task's */
  double *error;  /* a tensor's best */
  double *beyond; /* the best beyond what kinks explain */
  size_t n;
  uint64_t seed;
} checker;

/* The loss summed over the samples.  Dropout acts, with the same mask every time. */
static double loss_of(checker *c, bool gradients) {
  const ls__run_place place = {.seed = c->seed, .step = 1};
  const ls__graph *graph = c->model->graph;
  for (int i = 0; i < graph->n_inputs; i++)
    memcpy(ls__run_input(c->run, i), c->kept[i],
           c->n * ls_shape_count(&graph->input[i].shape) * sizeof(float));
  ls__run_forward(c->run, c->model->parameters, c->n, &place);
  memset(c->sums, 0, c->task.width * sizeof *c->sums);
  ls__task_score(&c->task, 0, c->n, c->run, &c->rows, gradients, false, c->sums);
  return ls__task_loss(&c->task, c->sums);
}

/* Elements of a tensor to look at: all of a small one, else some drawn by the seed. */
static size_t pick(uint64_t seed, size_t n, size_t i) {
  const ls__rng rng = ls__rng_key(seed, LS__RNG_TEST, 0, n);
  return n <= ELEMENTS ? i : (size_t)ls__rng_permute(&rng, n, i);
}

/* An element whose difference is below what rounding leaves of it says nothing: the two losses,
 * each about `loss` and exact to some 2^-22 of it, are subtracted and divided by the distance.  A
 * bias in front of a normalisation has a true gradient of 0, and nothing but that. */
static double noise_of(double loss, double distance) {
  return fabs(loss) * 0x1p-22 / distance;
}

/* An element's differences. */
typedef struct element {
  double analytic, numeric, noise;
  double kinks; /* at least half of what units that change sides within the step make wrong */
  bool dropped; /* it is too much */
} element;

/* The loss with w[e] moved by h; *moved is how far it really went. */
static double loss_at(checker *c, float *w, size_t e, double h, double *moved) {
  const float at = w[e];
  w[e] = at + (float)h;
  *moved = (double)w[e] - (double)at;
  const double loss = loss_of(c, false);
  w[e] = at;
  return loss;
}

static element difference(checker *c, float *w, size_t e, double h) {
  double up, down;
  const double high = loss_at(c, w, e, h, &up), low = loss_at(c, w, e, -h, &down);
  return (element){.numeric = (high - low) / (up - down), .noise = noise_of(high, up - down)};
}

/* The error of m elements, of those that are not dropped. */
static double error_of(const checker *c, const element *x, size_t m, bool largest_step) {
  double apart = 0, a2 = 0, b2 = 0, noise2 = 0;
  for (size_t i = 0; i < m; i++) {
    if (x[i].dropped) continue;
    apart += (x[i].numeric - x[i].analytic) * (x[i].numeric - x[i].analytic);
    a2 += x[i].analytic * x[i].analytic;
    b2 += x[i].numeric * x[i].numeric;
    noise2 += x[i].noise * x[i].noise;
  }
  double scale = sqrt(a2 > b2 ? a2 : b2);
  double error = scale > 1e-7 * (double)c->n ? sqrt(apart) / scale : 0; /* both are zero */
  /* Rounding explains a small part of a difference, and is left out where it can't hide more. */
  if (sqrt(noise2) < 0.001 * scale)
    error = error > sqrt(noise2) / scale ? error - sqrt(noise2) / scale : 0;
  /* Both are zero, but for rounding; the largest step has the least of it. */
  if (largest_step && a2 <= noise2 && b2 <= noise2) error = 0;
  return error;
}

/* Drop the elements whose step h crosses a kink.  What is smooth has D(h), the central difference,
 * the same at h and h / 2 but for h^2, and S(h), the right-hand difference less the left-hand one,
 * twice as large at h as at h / 2.  A slope that changes by k at a distance d = r h gives
 *
 *   D(h) wrong by     k (1 - r) / 2
 *   D(h) - D(h/2)   = k r / 2 where r < 1/2, else k (1 - r) / 2
 *   S(h) - 2 S(h/2) = -k (1 - 3 r) where r < 1/2, else k (1 - r)
 *
 * so that the larger of the first and half the second shows at least half of what is wrong,
 * wherever the kink is.  The gradient that is checked is not asked.  Elements that are left. */
static size_t drop_kinks(checker *c, float *w, size_t n, double h, element *x, size_t m) {
  double size = 0, ignore;
  size_t left = 0;
  const double here = loss_at(c, w, 0, 0, &ignore);
  for (size_t i = 0; i < m; i++) size += x[i].numeric * x[i].numeric;
  for (size_t i = 0; i < m; i++) {
    const size_t e = pick(c->seed, n, i);
    double d[4], l[4];
    for (int k = 0; k < 4; k++) l[k] = loss_at(c, w, e, (k % 2 ? -h : h) / (k < 2 ? 1 : 2), &d[k]);
    const double right = (l[0] - here) / d[0], left_hand = (l[1] - here) / d[1];
    const double near_right = (l[2] - here) / d[2], near_left = (l[3] - here) / d[3];
    const double central = fabs((right + left_hand) / 2 - (near_right + near_left) / 2);
    const double second = fabs(right - left_hand - 2 * (near_right - near_left)) / 2;
    x[i].kinks = central > second ? central : second;
    x[i].dropped = x[i].kinks > 0.1 * limit * sqrt(size / (double)m) + 4 * x[i].noise;
    left += !x[i].dropped;
  }
  return left;
}

static void differences(checker *c, size_t offset, size_t n, double h, element *x) {
  const size_t m = n < ELEMENTS ? n : ELEMENTS;
  for (size_t i = 0; i < m; i++) {
    const size_t e = pick(c->seed, n, i);
    x[i] = difference(c, c->model->parameters + offset, e, h);
    x[i].analytic = (double)c->gradients[offset + e];
  }
}

/* How much of an error rounding alone may make. */
static double rounding_of(const element *x, size_t m) {
  double noise2 = 0, size2 = 0;
  for (size_t i = 0; i < m; i++) {
    if (x[i].dropped) continue;
    noise2 += x[i].noise * x[i].noise;
    size2 += x[i].numeric * x[i].numeric;
  }
  return size2 > 0 ? sqrt(noise2 / size2) : 0;
}

/* The error of all m elements beyond what kinks explain; infinite where that could hide more than
 * `hidden`. */
static double error_beyond_kinks(const element *x, size_t m) {
  double apart = 0, a2 = 0, b2 = 0, kinks = 0;
  for (size_t i = 0; i < m; i++) {
    apart += (x[i].numeric - x[i].analytic) * (x[i].numeric - x[i].analytic);
    a2 += x[i].analytic * x[i].analytic;
    b2 += x[i].numeric * x[i].numeric;
    kinks += 4 * x[i].kinks * x[i].kinks;
  }
  const double scale = sqrt(a2 > b2 ? a2 : b2), rest = sqrt(apart) - sqrt(kinks);
  if (!(sqrt(kinks) < hidden * scale)) return (double)INFINITY;
  return rest > 0 ? rest / scale : 0;
}

/* The same where no step is good for all elements: each must be good in a step that it doesn't
 * cross a kink with.  One that is kept, and only where it is kept all is wrong, is wrong: so a
 * wrong gradient can't hide behind the kinks of one step. */
static double check_without_kinks(checker *c, size_t offset, size_t n, double error,
                                  double *beyond) {
  const size_t m = n < ELEMENTS ? n : ELEMENTS;
  element x[ELEMENTS];
  bool good[ELEMENTS] = {false}, bad[ELEMENTS] = {false};
  double worst = 0;
  for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
    differences(c, offset, n, steps[s], x);
    const size_t left = drop_kinks(c, c->model->parameters + offset, n, steps[s], x, m);
    const double rest = error_beyond_kinks(x, m);
    if (rest < *beyond) *beyond = rest;
    if (4 * left < m) continue;
    const double here = error_of(c, x, m, false);
    for (size_t i = 0; i < m; i++) {
      if (x[i].dropped) continue;
      if (here < limit)
        good[i] = true;
      else if (here > limit + 4 * rounding_of(x, m))
        bad[i] = true;
    }
    if (here < limit && here > worst) worst = here;
  }
  size_t sure = 0;
  for (size_t i = 0; i < m; i++) {
    if (bad[i] && !good[i]) return error;
    sure += good[i];
  }
  return 2 * sure >= m ? worst : error;
}

static double check_tensor(checker *c, size_t offset, size_t n, double *beyond) {
  const size_t m = n < ELEMENTS ? n : ELEMENTS;
  element x[ELEMENTS];
  double best = (double)INFINITY;
  for (size_t s = 0; s < sizeof steps / sizeof *steps && best >= limit / 10; s++) {
    differences(c, offset, n, steps[s], x);
    const double error = error_of(c, x, m, s == 0);
    if (error < best) best = error;
  }
  return best < limit ? best : check_without_kinks(c, offset, n, best, beyond);
}

/* An array of n samples, float or int32, whose first ones are different. */
static void repeat_in(void *array, const ls_shape *shape, size_t different, size_t n) {
  const size_t numbers = ls_shape_count(shape);
  if (array == NULL) return;
  for (size_t i = different * numbers; i < n * numbers; i++)
    ((uint32_t *)array)[i] = ((const uint32_t *)array)[i - different * numbers];
}

/* n samples of `different` ones, again and again.  Kinks are fewer: the same units change sides in
 * all copies of a sample. */
static void repeat(const checker *c, size_t different) {
  for (int i = 0; i < c->model->graph->n_inputs; i++)
    repeat_in(c->kept[i], &c->model->graph->input[i].shape, different, c->n);
  for (size_t i = 0; i < c->n_arrays; i++)
    repeat_in(c->rows.array[i], &c->arrays[i].port.shape, different, c->n);
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
    repeat(c, samples[point]);
    move(c, point);
    for (int t = 0; t < graph->n_tensors; t++) {
      const ls__tensor *tensor = &graph->tensor[t];
      if (tensor->role != LS__WEIGHT || (point > 0 && c->error[t] < limit)) continue;
      /* No kinks are so large: samples that are alike must not hide what mixes them up. */
      if (point > 0 && samples[point] < SAMPLES && c->error[t] > 0.2) continue;
      if (point == 0) c->beyond[t] = (double)INFINITY;
      const double error = check_tensor(c, tensor->offset, tensor->n, &c->beyond[t]);
      if (point == 0 || error < c->error[t]) c->error[t] = error;
      if (!(c->error[t] < limit)) wrong = true;
    }
  }
}

/* A tensor with kinks in every step is judged by what they leave. */
static bool is_beyond_kinks(const checker *c, int t) {
  return !(c->error[t] < limit) && c->beyond[t] < limit;
}

static ls_status print_all(const checker *c, bool json, FILE *out) {
  ls_status st = LS_OK;
  const ls__graph *graph = c->model->graph;
  int width = 28;
  double worst = 0;
  const char *worst_name = "";
  ls__json j = {.out = out};
  for (int t = 0; t < graph->n_tensors; t++)
    if (strlen(graph->tensor[t].name) > (size_t)width) width = (int)strlen(graph->tensor[t].name);
  if (json) {
    ls__json_open(&j, NULL, '{');
    ls__json_number(&j, "limit", limit);
    ls__json_open(&j, "parameters", '[');
  } else
    fprintf(out, "%-*s %10s %14s\n", width, "parameter", "elements", "relative error");
  for (int t = 0; t < graph->n_tensors; t++) {
    const ls__tensor *tensor = &graph->tensor[t];
    const bool beyond = is_beyond_kinks(c, t);
    const double error = beyond ? c->beyond[t] : c->error[t];
    if (tensor->role != LS__WEIGHT) continue;
    if (json) {
      ls__json_open(&j, NULL, '{');
      ls__json_string(&j, "name", tensor->name);
      ls__json_whole(&j, "elements", tensor->n);
      ls__json_number(&j, "relative_error", error);
      ls__json_bool(&j, "beyond_kinks", beyond);
      ls__json_close(&j, '}');
    } else
      fprintf(out, "%-*s %10zu %14.2e%s\n", width, tensor->name, tensor->n, error,
              !(error < limit) ? "  WRONG"
              : beyond         ? "  beyond kinks"
                               : "");
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
  LS_TRY(ls__fit_indices(c->run, c->n, &(ls__taken_from){data, LS_TRAIN, false, 0}));
  LS_TRY(ls__task_check(&c->task, &c->rows, c->run, c->n, 0));
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
  LS_TRY(
      ls__task_create(config, c->model->graph, c->n_arrays, c->arrays, c->model->output, &c->task));
  LS_TRY(ls__task_name_weights(&c->task, config, NULL, c->arrays));
  LS_TRY(ls__task_tell(&c->task, config, data, NULL));
  LS_TRY(ls__data_load(data));
  LS_TRY(ls__task_balance(NULL, &c->task, data, config, NULL, NULL));
  if (c->task.n_heads == 0)
    LS_FAIL(LS_ECONFIG, "loss: is missing; its gradient is what is checked");
  LS_TRY(ls__rows_create(&c->task, c->n_arrays, c->arrays, c->n, &c->rows));
  LS_TRY(ls__alloc(&c->gradients, c->model->graph->moving, sizeof *c->gradients, "gradients"));
  LS_TRY(ls__alloc(&c->sums, c->task.width, sizeof *c->sums, "sums"));
  LS_TRY(ls__alloc(&c->beyond, (size_t)c->model->graph->n_tensors, sizeof *c->beyond, "errors"));
  LS_TRY(ls__alloc(&c->error, (size_t)c->model->graph->n_tensors, sizeof *c->error, "errors"));
  const ls__run_plan plan = {.max_n = c->n,
                             .max_lanes = 1,
                             .training = true,
                             .n_values = c->task.n_values,
                             .values = c->task.value};
  LS_TRY(ls__run_create(c->model->graph, &plan, &c->run));
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
  if (section == NULL)
    LS_FAIL(LS_ECONFIG, "data: is missing; gradients are checked on its samples");
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
  ls__free(c.beyond);
  ls_data_close(data);
  return st;
}

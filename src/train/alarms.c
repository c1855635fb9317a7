/* Training that goes wrong without failing (alarms.h).
 *
 *   grows      the loss of an epoch is a thousand times the first one's, and larger than the one before
 *   r2         at the end: 1 - sum (prediction - target)^2 / sum (target - mean)^2 below -10
 *   inputs     not normalised, and very large or of very different size
 *   constant   the same prediction for every sample, where targets differ
 *   one class  the same class for every sample, where no class has nine tenths of them
 *   dead       all units of a relu layer give 0 for every sample
 *
 * A look is at a few samples, taken from all over the validation part (or the training part, where
 * there is none).  What a first epoch may show, constant and one class, counts only when the next
 * look, or the end, shows it again. */
#include "train/alarms.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"

enum { SAMPLES = 64, TEXT = 320 };
enum { GROWS, R2, INPUTS, CONSTANT, ONE_CLASS, DEAD, ALARMS };

typedef struct alarm {
  char text[TEXT]; /* "": never */
  uint64_t epoch;  /* when it was first said */
  bool now;        /* at the last look */
  bool before;     /* at the one before */
  bool said;
} alarm;

struct ls__alarms {
  bool silent; /* not rank 0, or a measurement */
  double first_loss, last_loss;
  alarm alarm[ALARMS];
};

bool ls__alarms_due(uint64_t epoch) {
  return epoch > 0 && (epoch & (epoch - 1)) == 0;
}

static void see(ls__alarms *a, int which, const char *format, ...) LS_PRINTF(3, 4);
static void see(ls__alarms *a, int which, const char *format, ...) {
  alarm *it = &a->alarm[which];
  va_list arguments;
  if (it->now) return; /* one line is enough */
  va_start(arguments, format);
  vsnprintf(it->text, sizeof it->text, format, arguments);
  va_end(arguments);
  it->now = true;
}

/* Say what has just been seen for the first time. */
static void speak(ls__alarms *a, uint64_t epoch, bool end) {
  for (int i = 0; i < ALARMS; i++) {
    alarm *it = &a->alarm[i];
    const bool patient = i == CONSTANT || i == ONE_CLASS;
    if (!it->now || it->said || (patient && !it->before && !end)) continue;
    it->said = true;
    it->epoch = epoch;
    if (epoch > 0)
      fprintf(stderr, "lockstep: warning: epoch %llu: %s\n", (unsigned long long)epoch, it->text);
    else
      fprintf(stderr, "lockstep: warning: %s\n", it->text);
  }
}

/* ---- Samples */

static ls_split part_of(const ls_trainer *t) {
  return ls_data_count(t->data, LS_VALIDATION) > 1 ? LS_VALIDATION : LS_TRAIN;
}

/* Samples from all over a part: inputs into the run, the rest into the rows. */
static ls_status take(ls_trainer *t, ls_split part, size_t n, ls__run *run, const ls__rows *rows) {
  ls_status st = LS_OK;
  const size_t all = ls_data_count(t->data, part);
  void *to[LS__MAX_ARRAYS] = {NULL}, *one[LS__MAX_ARRAYS];
  for (size_t i = 0, input = 0; i < t->n_arrays; i++) {
    if (t->arrays[i].use == LS_INPUT)
      to[i] = ls__run_input(run, (int)input++);
    else if (rows != NULL)
      to[i] = rows->array[i];
  }
  for (size_t k = 0; k < n; k++) {
    const size_t row = ls__cut(all, k, n);
    for (size_t i = 0; i < LS__MAX_ARRAYS; i++)
      one[i] = to[i] == NULL ? NULL : (float *)to[i] + k * t->arrays[i].count;
    LS_TRY(ls__data_rows(t->data, part, row, row + 1, one));
  }
out:
  return st;
}

/* ---- Inputs */

/* Whether a layer that normalises reads the input. */
static bool is_normalised_inside(const ls__graph *graph, int input) {
  for (int i = 0; i < graph->n_nodes; i++)
    if (graph->node[i].in[0] == input &&
        strstr(graph->node[i].layer.kind->kind.name, "norm") != NULL)
      return true;
  return false;
}

static void judge_input(ls__alarms *a, const ls_port *port, const float *x, size_t n) {
  const size_t count = ls_shape_count(&port->shape);
  double largest = 0, widest = 0, narrowest = (double)INFINITY;
  size_t wide = 0, narrow = 0;
  for (size_t j = 0; j < count; j++) {
    double low = (double)x[j], high = low;
    for (size_t i = 0; i < n; i++) {
      const double v = (double)x[i * count + j];
      low = v < low ? v : low;
      high = v > high ? v : high;
      largest = fabs(v) > largest ? fabs(v) : largest;
    }
    if (high - low > widest) widest = high - low, wide = j;
    if (high > low && high - low < narrowest) narrowest = high - low, narrow = j;
  }
  if (largest > 1e4)
    see(a, INPUTS,
        "input \"%s\" has values as large as %.2g, which networks learn badly from; "
        "data.normalize: true takes them to a mean of 0 and a standard deviation of 1",
        port->name, largest);
  else if (port->shape.ndim == 1 && widest > 1e4 * narrowest) /* columns of a table */
    see(a, INPUTS,
        "input \"%s\": column %zu spreads over %.2g and column %zu over %.2g, and the smaller one "
        "will hardly count; data.normalize: true takes both to a standard deviation of 1",
        port->name, wide, widest, narrow, narrowest);
}

static ls_status look_at_inputs(ls__alarms *a, ls_trainer *t) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  const size_t n = t->n < SAMPLES ? t->n : SAMPLES;
  bool plain = false;
  for (int i = 0; i < graph->n_inputs; i++)
    if (graph->input[i].type == LS_REAL && t->model->input[i].n == 0) plain = true;
  if (!plain) return LS_OK;
  LS_TRY(take(t, LS_TRAIN, n, t->evaluation, NULL));
  for (int i = 0; i < graph->n_inputs; i++)
    if (graph->input[i].type == LS_REAL && t->model->input[i].n == 0 &&
        !is_normalised_inside(graph, i))
      judge_input(a, &graph->input[i], ls__run_input(t->evaluation, i), n);
out:
  return st;
}

/* ---- Outputs */

static size_t argmax(const float *y, size_t n) {
  size_t best = 0;
  for (size_t j = 1; j < n; j++) best = y[j] > y[best] ? j : best;
  return best;
}

/* Classes of the samples' first places: predicted, and true. */
static void judge_classes(ls__alarms *a, const ls__head *head, const char *who, const float *yhat,
                          const float *y, size_t n) {
  const bool binary = head->kind.binary;
  const float half = head->kind.logits ? 0.0F : 0.5F;
  const size_t k = binary ? 1 : ls__loss_width(head->loss);
  size_t predicted[SAMPLES], truth[SAMPLES], most = 0;
  bool one = true;
  for (size_t i = 0; i < n; i++) {
    const float *p = yhat + i * head->prediction_count, *q = y + i * head->target_count;
    predicted[i] = binary ? p[0] > half : argmax(p, k);
    truth[i] = binary ? q[0] > 0.5F : head->loss->classes ? (size_t)q[0] : argmax(q, k);
    one = one && predicted[i] == predicted[0];
  }
  for (size_t i = 0; i < n; i++) {
    size_t same = 0;
    for (size_t j = 0; j < n; j++) same += truth[j] == truth[i];
    most = same > most ? same : most;
  }
  if (one && 10 * most < 9 * n)
    see(a, ONE_CLASS,
        "%sclass %zu is predicted for all of %zu samples, of which at most %zu are of one class",
        who, predicted[0], n, most);
}

/* The largest distance from the first sample. */
static double spread_of(const float *x, size_t n, size_t count) {
  double spread = 0;
  for (size_t i = count; i < n * count; i++) {
    const double d = fabs((double)x[i] - (double)x[i % count]);
    spread = d > spread ? d : spread;
  }
  return spread;
}

static double r2_of(const float *yhat, const float *y, size_t n, size_t count) {
  double error = 0, spread = 0;
  for (size_t j = 0; j < count; j++) {
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += (double)y[i * count + j] / (double)n;
    for (size_t i = 0; i < n; i++) {
      const double d = (double)yhat[i * count + j] - (double)y[i * count + j],
                   m = (double)y[i * count + j] - mean;
      error += d * d;
      spread += m * m;
    }
  }
  return spread > 0 ? 1 - error / spread : 1;
}

static void judge_numbers(ls__alarms *a, const ls__head *head, const char *who, const float *yhat,
                          const float *y, size_t n, bool end) {
  const size_t count = head->target_count;
  const double truth = spread_of(y, n, count), r2 = r2_of(yhat, y, n, count);
  if (truth > 0 && spread_of(yhat, n, count) <= 1e-6 * truth)
    see(a, CONSTANT,
        "%sthe prediction is the same for all of %zu samples, and their targets are not", who, n);
  if (end && r2 < -10)
    see(a, R2,
        "%sr2 is %.3g on %zu samples: to predict the mean would be far better; a smaller learning "
        "rate, clip: {norm: 1} or data.normalize: true may help",
        who, r2, n);
}

static void judge_head(ls__alarms *a, const ls_trainer *t, int h, const float *yhat, const float *y,
                       size_t n, bool end) {
  const ls__head *head = &t->task.head[h];
  char who[LS_NAME_BYTES + 16] = "";
  if (t->task.n_heads > 1) snprintf(who, sizeof who, "output \"%s\": ", head->name);
  if (head->lengths >= 0 || head->loss->ignores) return; /* padding counts for nothing */
  if (head->loss->about == LS__ABOUT_CLASSES ||
      (head->loss->about == LS__ABOUT_YES_NO && head->target_count == 1))
    judge_classes(a, head, who, yhat, y, n);
  else if (head->loss->about == LS__ABOUT_NUMBERS && !head->loss->far &&
           head->target_count == head->prediction_count)
    judge_numbers(a, head, who, yhat, y, n, end);
}

/* ---- The network */

static bool is_zero(const float *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (x[i] != 0.0F) return false;
  return true;
}

/* Forward to the heads' values and some relus. */
static ls_status look_at(ls__alarms *a, ls_trainer *t, size_t n, const ls__rows *rows, int n_values,
                         const int *values, bool heads, bool end) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  ls__run *run = NULL;
  ls__no_index none;
  const ls__run_plan plan = {.max_n = n,
                             .max_lanes = 1,
                             .n_values = n_values,
                             .values = values,
                             .within = t->passes[0].run};
  LS_TRY(ls__run_create(graph, &plan, &run));
  LS_TRY(take(t, part_of(t), n, run, rows));
  if (ls__run_find_no_index(run, n, &none)) goto out; /* it is told of where it is trained on */
  ls__run_forward(run, t->model->parameters, n, NULL);
  for (int i = heads ? t->task.n_values : 0; i < n_values; i++) {
    const ls_shape shape = ls__graph_shape(graph, values[i]);
    if (is_zero(ls__run_result(run, i), n * ls_shape_count(&shape)))
      see(a, DEAD,
          "all units of the relu \"%s\" give 0 for all of %zu samples: nothing before it learns "
          "any more; a smaller learning rate, data.normalize: true or leaky_relu may help",
          ls__graph_name(graph, values[i]), n);
  }
  for (int h = 0; heads && h < t->task.n_heads; h++)
    judge_head(a, t, h, ls__run_result(run, h), rows->array[t->task.head[h].target], n, end);
out:
  ls__run_destroy(run);
  return st;
}

static ls_status look(ls__alarms *a, ls_trainer *t, bool end) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  const size_t all = ls_data_count(t->data, part_of(t)), n = all < SAMPLES ? all : SAMPLES;
  int values[LS_MAX_PORTS], n_values = t->task.n_values, looks = 0;
  ls__rows rows;
  memcpy(values, t->task.value, sizeof values);
  st = ls__rows_create(&t->task, t->n_arrays, t->arrays, n, &rows);
  for (int i = 0; i < graph->n_nodes && st == LS_OK; i++) {
    if (strcmp(graph->node[i].layer.kind->kind.name, "relu") != 0) continue;
    if (n_values == LS_MAX_PORTS) {
      st = look_at(a, t, n, &rows, n_values, values, looks++ == 0, end);
      n_values = 0;
    }
    values[n_values++] = graph->n_inputs + i;
  }
  if (n_values > 0) LS_THEN(st, look_at(a, t, n, &rows, n_values, values, looks == 0, end));
  ls__rows_reset(&rows);
  if (st != LS_ENOMEM) return st;
  ls__error_set(""); /* no room to look: the run itself has what it needs */
  return LS_OK;
}

static void forget(ls__alarms *a) {
  for (int i = 0; i < ALARMS; i++) {
    alarm *it = &a->alarm[i];
    if (i == INPUTS || i == GROWS) continue;
    it->before = it->now;
    it->now = false;
  }
}

/* ---- The run */

ls_status ls__alarms_create(ls_trainer *t, ls__alarms **out) {
  ls_status st = LS_OK;
  LS_TRY(ls__alloc(out, 1, sizeof **out, "warnings"));
  ls__alarms *a = *out;
  a->silent = ls_comm_rank(t->comm) != 0 || t->task.n_heads == 0 || t->mute;
  a->first_loss = a->last_loss = (double)NAN;
  if (a->silent) goto out;
  LS_TRY(look_at_inputs(a, t));
  speak(a, 0, false);
out:
  return st;
}

void ls__alarms_destroy(ls__alarms *alarms) {
  ls__free(alarms);
}

ls_status ls__alarms_epoch(ls__alarms *a, ls_trainer *t, double loss) {
  ls_status st = LS_OK;
  if (a->silent) return LS_OK;
  a->alarm[GROWS].now = false;
  if (isnan(a->first_loss)) a->first_loss = loss;
  if (a->first_loss > 0 && loss > 1e3 * a->first_loss && loss > a->last_loss)
    see(a, GROWS,
        "the loss has grown from %.3g to %.3g; a smaller learning rate or clip: {norm: 1} may help",
        a->first_loss, loss);
  a->last_loss = loss;
  if (ls__alarms_due(t->now.epoch)) {
    forget(a);
    LS_TRY(look(a, t, false));
  }
  speak(a, t->now.epoch, false);
out:
  return st;
}

ls_status ls__alarms_end(ls__alarms *a, ls_trainer *t) {
  ls_status st = LS_OK;
  bool said[ALARMS];
  if (a->silent || t->trained_samples == 0) return LS_OK;
  forget(a);
  LS_TRY(look(a, t, true));
  for (int i = 0; i < ALARMS; i++) said[i] = a->alarm[i].said;
  speak(a, t->now.epoch, true);
  for (int i = 0; i < ALARMS; i++)
    if (said[i] && a->alarm[i].now)
      fprintf(stderr, "lockstep: warning: at the end still: %s\n", a->alarm[i].text);
out:
  return st;
}

void ls__alarms_json(const ls__alarms *a, ls__json *json) {
  ls__json_open(json, "warnings", '[');
  for (int i = 0; i < ALARMS; i++) {
    const alarm *it = &a->alarm[i];
    char text[TEXT + 40];
    if (!it->said) continue;
    if (it->epoch > 0)
      snprintf(text, sizeof text, "epoch %llu: %s", (unsigned long long)it->epoch, it->text);
    else
      snprintf(text, sizeof text, "%s", it->text);
    ls__json_string(json, NULL, text);
  }
  ls__json_close(json, ']');
}

/* Setting a run up and taking it down. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/stop.h"
#include "nn/kinds.h"
#include "tensor/blas.h"
#include "tensor/port.h"
#include "tensor/product.h"
#include "train/average.h"
#include "train/feed.h"
#include "train/fit.h"
#include "train/identity.h"
#include "train/initialize.h"
#include "train/resume.h"
#include "train/together.h"

/* The dataset, opened but not loaded: the network, built from its shapes, decides which inputs it
 * reads as indices. */
static ls_status open_data(ls_trainer *t, ls_data *data) {
  ls_status st = LS_OK;
  ls_config *section = ls__config_child(t->config, "data");
  t->data = data;
  if (data != NULL) goto out;
  if (section == NULL)
    LS_REFUSE(t->config, "data: is missing; a map with file: at least is wanted");
  t->owns_data = true;
  LS_TRY(ls__data_open_for(t->comm, section, LS__DATA_TRAIN, 0, &t->data));
out:
  return st;
}

/* Without dataset: the arrays that the caller says it will feed. */
static ls_status expect_feed(ls_trainer *t) {
  const ls_train_options *o = &t->options;
  if (o->n_inputs > LS_MAX_PORTS || o->n_targets > LS_MAX_PORTS)
    return ls__fail(LS_EUSAGE, "at most %d inputs and %d targets can be fed", LS_MAX_PORTS,
                    LS_MAX_PORTS);
  for (size_t i = 0; i < o->n_inputs + o->n_targets; i++) {
    const bool input = i < o->n_inputs;
    const ls_port *ports = input ? o->inputs : o->targets;
    const ls_port *port = ports == NULL ? NULL : &ports[input ? i : i - o->n_inputs];
    if (port == NULL)
      return ls__fail(LS_EUSAGE, "inputs or targets to be fed are counted, but not given");
    ls_status st = ls__port_check(port, !input);
    if (st != LS_OK) return st;
    if (!input && port->type != LS_REAL)
      return ls__fail(LS_EUSAGE, "target \"%s\" is of indices: targets are float", port->name);
    t->fed[i] = (ls__array){
        .port = *port,
        .use = input ? LS_INPUT : LS_TARGET,
        .of = -1,
        .count = ls_shape_count(&port->shape),
    };
  }
  t->arrays = t->fed;
  t->n_arrays = o->n_inputs + o->n_targets;
  return LS_OK;
}

/* ---- The network and what it learns */

static ls_status copy_normal(const ls__affine *from, ls__affine *to) {
  return from->n == 0 ? LS_OK : ls__affine_set(to, from->n, from->mean, from->rstd, from->rest);
}

/* An input must have the type that the network reads; a file gives either, a caller its own. */
static ls_status take_type(ls_trainer *t, size_t array, ls_type type) {
  const ls__array *input = &t->arrays[array];
  if (input->port.type == type) return LS_OK;
  if (t->data != NULL && type == LS_INDEX) return ls__data_set_index(t->data, array);
  return ls__fail(LS_ECONFIG, "input \"%s\" is given as %s, and the network reads %s",
                  input->port.name, type == LS_REAL ? "indices (int32)" : "real numbers",
                  type == LS_REAL ? "real numbers (float)" : "indices (int32)");
}

/* Everything that needs no other rank and no values, and may fail on one alone. */
static ls_status make_model(ls_trainer *t) {
  ls_status st = LS_OK;
  ls_port inputs[LS_MAX_PORTS];
  int n_inputs = 0;
  for (size_t i = 0; i < t->n_arrays; i++)
    if (t->arrays[i].use == LS_INPUT) inputs[n_inputs++] = t->arrays[i].port;
  LS_TRY(ls__model_empty(t->config, n_inputs, inputs, &t->model));
  for (size_t i = 0, input = 0; i < t->n_arrays; i++)
    if (t->arrays[i].use == LS_INPUT) LS_TRY(take_type(t, i, t->model->graph->input[input++].type));
  LS_TRY(ls__task_create(t->config, t->model->graph, t->n_arrays, t->arrays, t->model->output,
                         &t->task));
  LS_TRY(ls__task_name_weights(&t->task, t->config, t->model->config, t->arrays));
  if (t->data == NULL) LS_TRY(ls__task_refuse_balanced(&t->task, t->config));
  if (t->data != NULL)
    LS_TRY(ls__task_tell(&t->task, t->config, t->data, ls_comm_rank(t->comm) == 0 ? stderr : NULL));
  if (t->model->graph->trained == 0)
    LS_FAIL(LS_ECONFIG, "model: no layer has parameters that are trained, there is nothing to do");
  LS_TRY(ls__products_init(t->set.by.products));
  LS_TRY(ls__updater_init(&t->updater, t->config, &t->set));
  LS_TRY(ls__schedule_create(ls__config_child(t->config, "schedule"), &t->schedule));
  LS_TRY(ls__schedule_read_scale(t->schedule, t->config));
  LS_TRY(ls__initialize_check(t));
  if (t->data == NULL) (void)ls__config_child(t->config, "data"); /* known, though not used */
  LS_TRY(ls__config_finish(t->config));
  LS_TRY(ls__settings_name_output(t->config, &t->set));
out:
  return st;
}

/* Settings that need a loss or a validation part must have one. */
static ls_status check_wishes(ls_trainer *t) {
  ls_status st = LS_OK;
  const bool validation = t->data != NULL && ls_data_count(t->data, LS_VALIDATION) > 0;
  const char *monitor = ls__schedule_monitor(t->schedule);
  if (t->task.n_heads == 0 && t->data != NULL) {
    char known[256];
    LS_REFUSE(t->config, "loss: is missing; one of %s",
              ls__registry_names(&ls__losses, known, sizeof known));
  }
  if (t->task.n_heads > 0)
    LS_TRY(ls__monitor_choose(&t->task, t->config, &t->set, validation, &t->monitor));
  if (monitor != NULL && strcmp(monitor, "validation_loss") == 0 && !validation)
    LS_FAIL(LS_ECONFIG, "schedule.reduce_on_plateau.monitor: there is no validation_loss without a "
                        "validation part; give data.split.validation, or monitor: loss");
  if (ls__schedule_needs_end(t->schedule) && t->set.epochs == 0 && t->set.max_steps == 0)
    LS_FAIL(LS_ECONFIG, "schedule.one_cycle: the run's steps must be known; give train.epochs or "
                        "max_steps");
  if (t->model->graph->moving > t->model->graph->trained) {
    if (t->set.codec.code == LS__CODE_TOP_K)
      LS_FAIL(LS_ECONFIG, "compression: top_k would hold back parts of the statistics that layers "
                          "keep; bf16 doesn't");
    if (t->set.codec.code == LS__CODE_FP16)
      LS_FAIL(LS_ECONFIG, "compression: fp16 ends at 65504, and sums of the statistics that layers "
                          "keep may be larger; bf16 holds them");
  }
out:
  return st;
}

/* The layer `lengths` knows padding by its number, which normalisation makes another one; where the data have
 * the lengths it stays 0. */
static ls_status check_padding(const ls_trainer *t, size_t array, int input) {
  const ls__graph *graph = t->model->graph;
  if (t->model->input[input].n == 0) return LS_OK;
  for (size_t k = 0; k < t->n_arrays; k++)
    if (t->arrays[k].use == LS_LENGTH && t->arrays[k].of == (int)array) return LS_OK;
  for (int i = 0; i < graph->n_nodes; i++)
    if (graph->node[i].in[0] == input && graph->node[i].layer.kind == &ls__kind_lengths)
      return ls__fail(LS_ECONFIG,
                      "data.normalize: the layer \"%s\" knows the end of \"%s\" by its padding, "
                      "which is another "
                      "number once it is normalised; leave it as it is by normalize: {inputs: {%s: "
                      "none}}, or say "
                      "by data.lengths how long sequences are",
                      graph->node[i].layer.name, graph->input[input].name,
                      graph->input[input].name);
  return LS_OK;
}

/* Read the values, now that their types are known, and measure their statistics. */
static ls_status load_data(ls_trainer *t) {
  ls_status st = LS_OK, local = LS_OK;
  if (t->data == NULL) return LS_OK;
  LS_TRY(ls__data_load(t->data));
  for (size_t i = 0, input = 0; i < t->n_arrays && local == LS_OK; i++)
    if (t->arrays[i].use == LS_INPUT) {
      local = copy_normal(ls__data_normal(t->data, i), &t->model->input[input]);
      LS_THEN(local, check_padding(t, i, (int)input));
      input++;
    }
  for (int h = 0; h < t->task.n_heads && local == LS_OK; h++) {
    const ls__head *head = &t->task.head[h];
    const ls__affine *normal = ls__data_normal(t->data, head->target);
    if (normal->n > 0 && head->target_count != head->prediction_count)
      local = ls__fail(LS_ECONFIG,
                       "data.normalize: the targets of \"%s\" have %zu numbers and its outputs "
                       "%zu: they can't be normalised",
                       head->name, head->target_count, head->prediction_count);
    else
      local = copy_normal(normal, &t->model->output[h]);
  }
  t->model->train_rows = ls__data_train_rows(t->data);
  if (ls_comm_rank(t->comm) == 0) /* which writes checkpoints */
    LS_THEN(local, ls__data_drawn_hash(t->data, &t->model->drawn));
  LS_TRY(ls_comm_agree(t->comm, local));
out:
  return st;
}

/* Whether a label of these rows counts, of each head: `counts`, of their part. */
static void look_at_ignored(const ls_trainer *t, const ls__rows *rows, size_t n, double *counts) {
  for (int h = 0; h < t->task.n_heads; h++) {
    const ls__head *head = &t->task.head[h];
    const float *y = rows->array[head->target];
    for (size_t i = 0; i < n * head->target_count && counts[h] <= 0; i++)
      counts[h] = head->loss->kind->own_lengths || !ls__loss_ignores(head->loss, y[i]);
  }
}

/* Targets that a loss can't take are found before the first step, each rank looking at a part. */
static ls_status check_targets(ls_trainer *t) {
  enum { ROWS = 1024 };
  static const char *const part[] = {"training", "validation", "test"};
  ls_status st = LS_OK;
  ls__rows rows;
  void *to[LS__MAX_ARRAYS] = {NULL};
  bool needed = false;
  double weights = 0; /* of the training part, on this rank */
  double counts[LS_TEST][LS_MAX_PORTS] = {{0}};
  for (int h = 0; h < t->task.n_heads; h++)
    needed = needed || t->task.head[h].loss->kind->check != NULL;
  if (!(needed || t->task.weights >= 0) || t->data == NULL) return LS_OK;
  st = ls__rows_create(&t->task, t->n_arrays, t->arrays, ROWS, &rows);
  for (size_t i = 0; i < t->n_arrays; i++) to[i] = rows.array[i]; /* of inputs NULL */
  for (int split = LS_TRAIN; split <= LS_TEST && st == LS_OK; split++) {
    size_t n = ls_data_count(t->data, (ls_split)split);
    size_t chunks = (n + ROWS - 1) / ROWS, size = (size_t)ls_comm_size(t->comm);
    for (size_t c = (size_t)ls_comm_rank(t->comm); c < chunks && st == LS_OK; c += size) {
      size_t lo = c * ROWS, hi = lo + ROWS < n ? lo + ROWS : n;
      st = ls__stop_check();
      LS_THEN(st, ls__data_rows(t->data, (ls_split)split, lo, hi, to));
      LS_THEN(st, ls__task_check(&t->task, &rows, NULL, hi - lo, lo));
      const float *weight = split == LS_TRAIN && t->task.weights >= 0 ? rows.array[t->task.weights]
                                                                      : NULL;
      for (size_t i = 0; weight != NULL && i < hi - lo; i++) weights += (double)weight[i];
      if (st == LS_OK && split < LS_TEST) look_at_ignored(t, &rows, hi - lo, counts[split]);
      if (st == LS_EDATA) st = ls__fail_context(st, "%s part", part[split]);
    }
  }
  ls__rows_reset(&rows);
  st = ls_comm_agree(t->comm, st);
  LS_THEN(st, ls__comm_max(t->comm, &counts[0][0], (size_t)LS_TEST * LS_MAX_PORTS));
  for (int split = LS_TRAIN; split < LS_TEST && st == LS_OK; split++)
    for (int h = 0; h < t->task.n_heads && st == LS_OK; h++)
      if (counts[split][h] <= 0 && ls_data_count(t->data, (ls_split)split) > 0)
        st = ls__fail(LS_EDATA,
                      "%s part: all targets of \"%s\" are %.9g, the ignore_index: none counts",
                      part[split], t->task.head[h].name, (double)t->task.head[h].loss->ignored);
  if (st != LS_OK || t->task.weights < 0) return st;
  st = ls__comm_max(t->comm, &weights, 1);
  if (st == LS_OK && weights == 0)
    st = ls__fail(LS_EDATA, "data.sample_weight: the weights of all training samples are 0");
  return st;
}

/* ---- Memory */

/* Samples of so many lanes, at most. */
static size_t most_samples(const ls_trainer *t, size_t lanes) {
  const size_t n = lanes * ((t->batch + t->lanes - 1) / t->lanes);
  return n < t->batch ? n : t->batch;
}

/* How many lanes a rank computes at once: as many as its activations have room for.  Where a tensor
 * has several readers, its gradient is summed over them lane by lane: one. */
static ls_status plan_pass(ls_trainer *t, ls__run_plan *plan) {
  ls_status st = LS_OK;
  const bool own = ls__products_here(t->set.by.products) == LS__PRODUCTS_OWN;
  ls__run_memory memory;
  size_t most = 1;
  for (size_t lo = t->lane_lo, hi; lo < t->lane_hi; lo = hi) {
    hi = ls__pass_end(lo, t->lane_hi, t->lanes, t->lanes);
    if (hi - lo > most) most = hi - lo;
  }
  if (!own || ls__graph_ties(t->model->graph)) most = 1;
  for (;; most = (most + 1) / 2) {
    *plan = (ls__run_plan){
        .max_lanes = most,
        .max_n = most_samples(t, most),
        .training = true,
        .n_values = t->task.n_values,
        .values = t->task.value,
        .by = t->set.by,
    };
    LS_TRY(ls__run_measure(t->model->graph, plan, &memory));
    if (most == 1 || (double)memory.planned <= t->set.pass_mb * 1e6) break;
  }
  t->pass = most;
out:
  return st;
}

/* One pass as planned; where layers need sums over the whole batch, one for each of this rank's. */
static ls_status make_passes(ls_trainer *t, ls__run_plan *plan) {
  ls_status st = LS_OK;
  size_t n = 0, most = 0, largest = 0, lo, hi;
  for (lo = t->lane_lo; lo < t->lane_hi; lo = hi, n++)
    hi = ls__pass_end(lo, t->lane_hi, t->lanes, t->pass);
  LS_TRY(ls__alloc(&t->passes, n > 0 ? n : 1, sizeof *t->passes, "passes"));
  for (int i = 0; i < t->task.n_values; i++) {
    const ls_shape shape = ls__graph_shape(t->model->graph, t->task.value[i]);
    t->result_count[i] = ls_shape_count(&shape);
  }
  t->n_passes = 1;
  LS_TRY(ls__pass_create(t, plan, &t->passes[0]));
  if (ls__run_stages(t->passes[0].run) == 1 || n == 0) goto out;
  ls__pass_reset(&t->passes[0]);
  memset(&t->passes[0], 0, sizeof t->passes[0]);
  for (lo = t->lane_lo, n = 0; lo < t->lane_hi; lo = hi, n++) {
    hi = ls__pass_end(lo, t->lane_hi, t->lanes, t->pass);
    plan->max_lanes = hi - lo;
    plan->max_n = most_samples(t, hi - lo);
    t->n_passes = n + 1;
    LS_TRY(ls__pass_create(t, plan, &t->passes[n]));
    if (hi - lo > most) most = hi - lo, largest = n;
  }
  for (size_t p = 0; p < n; p++)
    if (p != largest) ls__run_share_scratch(t->passes[p].run, t->passes[largest].run);
out:
  return st;
}

/* What each rank sizes for itself: lanes, activations, targets. */
static ls_status make_memory(ls_trainer *t) {
  ls_status st = LS_OK;
  const size_t size = (size_t)ls_comm_size(t->comm), rank = (size_t)ls_comm_rank(t->comm);
  const size_t sums = t->lanes * t->task.width;
  ls__run_plan plan, evaluation;
  t->lane_lo = ls__cut(t->lanes, rank, size);
  t->lane_hi = ls__cut(t->lanes, rank + 1, size);
  LS_TRY(ls__alloc(&t->lane_count, size, sizeof *t->lane_count, "lanes"));
  for (size_t r = 0; r < size; r++)
    t->lane_count[r] = ls__cut(t->lanes, r + 1, size) - ls__cut(t->lanes, r, size);
  LS_TRY(ls__alloc(&t->sums, sums, sizeof *t->sums, "sums of the epoch"));
  LS_TRY(ls__alloc(&t->all_sums, sums + LS__BEHIND_SUMS, sizeof *t->all_sums, "sums of the epoch"));
  LS_TRY(ls__alloc(&t->lane_loss, t->lanes, sizeof *t->lane_loss, "losses of lanes"));
  LS_TRY(ls__alloc(&t->all_loss, t->lanes, sizeof *t->all_loss, "losses of lanes"));
  LS_TRY(plan_pass(t, &plan));
  LS_TRY(make_passes(t, &plan));
  evaluation = (ls__run_plan){.max_n = LS__PREDICT_BATCH,
                              .max_lanes = 1,
                              .n_values = t->task.n_values,
                              .values = t->task.value,
                              .within = t->passes[0].run};
  LS_TRY(ls__run_create(t->model->graph, &evaluation, &t->evaluation));
out:
  return st;
}

static ls_status make_state(ls_trainer *t) {
  ls_status st = LS_OK;
  LS_TRY(ls__alloc(&t->slice, ls__exchange_buckets(t->exchange), sizeof *t->slice, "slices"));
  LS_TRY(ls__updater_fit(&t->updater, t->model->graph, t->model->settings,
                         ls__exchange_owned(t->exchange)));
  if (ls__optimizer_average_slot(t->updater.optimizer) >= 0 && ls_comm_rank(t->comm) == 0)
    LS_TRY(ls__alloc(&t->weights, t->model->graph->moving, sizeof *t->weights, "weights"));
out:
  return st;
}

/* The bits are the same only where products are computed by the same.  One line says so where ranks
 * differ from rank 0, or where the run began by something else. */
static ls_status note_kernels(ls_trainer *t, const char *before) {
  ls_status st = LS_OK;
  char root[sizeof t->now.kernels];
  double differs;
  snprintf(t->now.kernels, sizeof t->now.kernels, "%s", ls__products_library(t->set.by));
  memcpy(root, t->now.kernels, sizeof root);
  LS_TRY(ls__comm_bcast(t->comm, root, sizeof root));
  differs = strcmp(root, t->now.kernels) != 0 ? (double)(ls_comm_rank(t->comm) + 1) : 0;
  LS_TRY(ls__comm_max(t->comm, &differs, 1));
  if (differs > 0 && ls_comm_rank(t->comm) == (int)differs - 1)
    fprintf(stderr,
            "lockstep: note: rank %d (%s) computes with the kernels %s, and rank 0 with %s: the "
            "last bits depend on which rank runs where\n",
            ls_comm_rank(t->comm), ls__comm_host(t->comm), t->now.kernels, root);
  if (ls_comm_rank(t->comm) != 0) goto out;
  if (before[0] != '\0' && strcmp(before, root) != 0)
    fprintf(stderr,
            "lockstep: note: this run began with the kernels \"%s\" and goes on with \"%s\": the "
            "last bits may differ from an uninterrupted run\n",
            before, root);
out:
  return st;
}

/* OpenBLAS can't be loaded again from here: the program does that as it starts. */
static void note_blas(const ls_trainer *t) {
  static atomic_flag told = ATOMIC_FLAG_INIT;
  const char *better = ls__blas_better_core();
  if (ls__products_here(t->set.by.products) == LS__PRODUCTS_OWN) return;
  if (better == NULL || getenv("OPENBLAS_CORETYPE") != NULL || ls_comm_rank(t->comm) != 0 ||
      atomic_flag_test_and_set(&told))
    return;
  fprintf(stderr,
          "lockstep: note: OpenBLAS doesn't know this processor and computes with its kernels for "
          "%s, which is slow: set OPENBLAS_CORETYPE=%s before the program starts, or call "
          "ls_blas_restart first in main\n",
          ls__blas_core(), better);
}

uint64_t ls__total_steps(const ls__settings *set, uint64_t epoch_steps) {
  const uint64_t all = set->epochs > UINT64_MAX / epoch_steps ? UINT64_MAX
                                                              : set->epochs * epoch_steps;
  return set->max_steps > 0 && (set->max_steps < all || set->epochs == 0) ? set->max_steps : all;
}

static void count_steps(ls_trainer *t) {
  t->n = t->data != NULL ? ls_data_count(t->data, LS_TRAIN) : 0;
  t->batch = t->set.batch == 0 || (t->data != NULL && t->set.batch > t->n) ? t->n : t->set.batch;
  t->epoch_steps = t->data != NULL ? (t->n + t->batch - 1) / t->batch : 1;
  t->total_steps = ls__total_steps(&t->set, t->epoch_steps);
  ls__schedule_set_batch(t->schedule, t->batch);
}

double ls__trainer_sums_of(const ls_trainer *t) {
  return (double)(ls__task_identity(&t->task) >> 12);
}

/* The running sums of the epoch that a checkpoint is in the middle of.  With other lanes only their
 * total is kept; with other metrics they start from zero. */
static void take_sums(ls_trainer *t, const double *sums, size_t lanes) {
  size_t n = lanes * t->task.width;
  t->logged = (ls__logged){(double)t->now.step, (double)t->now.position, 0};
  /* By an earlier version; what counts from an origin now counted from zero then. */
  const bool unnamed = t->now.n_sums == n + LS__LOGGED && !ls__task_wants_origin(&t->task);
  const bool named = t->now.n_sums == n + LS__BEHIND_SUMS;
  if (sums == NULL || !(unnamed || (named && sums[n + LS__LOGGED] == ls__trainer_sums_of(t))))
    return;
  ls__logged logged;
  memcpy(&logged, sums + n, sizeof logged);
  if (logged.step >= 0 && logged.step <= t->logged.step && logged.position >= 0 &&
      logged.position <= t->logged.position)
    t->logged = logged;
  if (lanes == t->lanes)
    memcpy(t->sums, sums, n * sizeof *sums);
  else
    for (size_t i = 0; i < n; i++) t->sums[i % t->task.width] += sums[i];
}

static void stand_at_start(ls_trainer *t) {
  memset(&t->now, 0, sizeof t->now);
  t->now.seed = t->set.seed;
  t->now.best = (double)INFINITY;
  t->now.loss = t->now.validation_loss = (double)NAN;
}

/* Data, network and task: all that must be known before memory for a step is sized. */
static ls_status prepare(ls_trainer *t, ls_data *data, ls__chosen *earlier) {
  ls_status st = LS_OK;
  const bool fed = data == NULL && t->options.n_inputs > 0;
  if (fed)
    LS_TRY(ls_comm_agree(t->comm, expect_feed(t)));
  else
    LS_TRY(open_data(t, data));
  if (!fed) t->n_arrays = ls__data_arrays(t->data, &t->arrays);
  if (!fed && ls_data_count(t->data, LS_TRAIN) == 0)
    LS_FAIL(LS_EDATA, "data: the training part is empty");
  if (fed && t->set.batch == 0)
    LS_FAIL(LS_ECONFIG, "train.batch: all of what? There is no dataset");
  ls_status local = make_model(t);
  LS_THEN(local, check_wishes(t));
  LS_TRY(ls_comm_agree(t->comm, local));
  stand_at_start(t);
  if (t->options.resume || t->options.checkpoint != NULL) LS_TRY(ls__trainer_find(t, earlier));
  LS_TRY(ls__resume_names(t, earlier->model, earlier->path));
  LS_TRY(load_data(t));
  count_steps(t);
  if (t->data != NULL)
    LS_TRY(ls__task_balance(t->comm, &t->task, t->data, t->config, t->model->config,
                            ls_comm_rank(t->comm) == 0 ? stderr : NULL));
  LS_TRY(ls__resume_data(t, earlier->model, earlier->path));
  LS_TRY(check_targets(t));
out:
  return st;
}

/* Lanes, exchange, memory of parameters and optimizer. */
static ls_status make_exchange(ls_trainer *t) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  LS_TRY(ls_comm_agree(t->comm, make_memory(t)));
  if (ls__run_stages(t->passes[0].run) > 1) LS_TRY(ls__side_by_side_create(t, &t->side_by_side));
  const ls__exchange_plan plan = {
      .n = graph->moving,
      .still = graph->arena - graph->moving,
      .lanes = t->lanes,
      .pass = t->pass,
      .bucket_bytes = (size_t)(t->set.bucket_mb * 1048576.0),
      .codec = t->set.codec,
  };
  LS_TRY(ls__exchange_create(t->comm, t->set.exchange, &plan, &t->exchange));
  LS_TRY(ls_comm_agree(t->comm, make_state(t)));
  if (t->set.clip_norm > 0) LS_TRY(ls__clip_create(t->comm, t->exchange, graph->trained, &t->clip));
  if (ls__optimizer_layerwise(t->updater.optimizer))
    LS_TRY(ls__trust_create(t->comm, t->exchange, &t->updater, graph->trained, &t->trust));
  ls__free(t->model->parameters);
  t->model->parameters = ls__exchange_parameters(t->exchange);
  t->model->borrowed = true;
out:
  return st;
}

/* What of the options must be the same on all ranks, in lines. */
static void name_options(const ls_train_options *options, const ls_data *data, char *text,
                         size_t bytes) {
  static const ls_train_options usual;
  const ls_train_options *o = options != NULL ? options : &usual;
  snprintf(text, bytes,
           "--resume: %s\n"
           "--force: %s\n"
           "the checkpoint: %.100s\n"
           "the data: %s\n"
           "the inputs to be fed: %zu\n"
           "the targets to be fed: %zu\n",
           o->resume ? "given" : "not given", o->force ? "given" : "not given",
           o->checkpoint != NULL ? o->checkpoint : "not given",
           data != NULL ? "the caller's" : "the configuration's", o->n_inputs, o->n_targets);
}

ls_status ls_trainer_create(ls_comm *comm, ls_config *config, ls_data *data,
                            const ls_train_options *options, ls_trainer **trainer) {
  ls_status st = LS_OK;
  ls__chosen earlier = {.path = ""};
  char how[512];
  ls_trainer *t = NULL;
  *trainer = NULL;
  ls__stop_prepare(true);
  name_options(options, data, how, sizeof how);
  LS_TRY(ls__together(comm, "train", how, config));
  LS_TRY(ls_comm_agree(comm, ls__alloc(&t, 1, sizeof *t, "trainer")));
  t->bad_where = (double)INFINITY; /* nothing */
  t->comm = comm;
  t->config = config;
  if (options != NULL) t->options = *options;
  if (t->options.out == NULL) t->options.out = stdout;
  LS_TRY(ls_comm_agree(comm, ls__settings_read(config, t->options.default_output, &t->set)));
  ls_comm_set_watchdog(comm, t->set.watchdog);
  LS_TRY(prepare(t, data, &earlier));
  t->lanes = ls__trainer_choose_lanes(t);
  const size_t saved_lanes = (size_t)t->now.lanes;
  LS_TRY(ls_comm_agree(comm, ls__trainer_name_lanes(t)));
  LS_TRY(
      ls_comm_agree(comm, ls_comm_rank(comm) == 0 ? ls__identity_take(t, earlier.model) : LS_OK));
  t->now.lanes = t->lanes;
  t->now.batch = t->batch;
  t->now.samples = t->n;
  char before[sizeof t->now.kernels];
  memcpy(before, t->now.kernels, sizeof before);
  LS_TRY(note_kernels(t, before));
  note_blas(t);
  LS_TRY(make_exchange(t));
  if (t->taken.found) {
    take_sums(t, earlier.sums, saved_lanes);
    LS_TRY(ls__trainer_restore(t, earlier.model, earlier.path, true));
  } else {
    ls_status local = LS_OK;
    if (ls_comm_rank(comm) == 0) {
      ls__graph_init(t->model->graph, t->set.seed, t->model->parameters);
      local = ls__initialize(t);
    }
    LS_TRY(ls_comm_agree(comm, local));
    LS_TRY(ls__exchange_publish(t->exchange));
    ls__average_start(t);
  }
  *trainer = t;
  t = NULL;
out:
  ls__stop_prepare(false);
  if (st == LS_ESTOPPED) ls__stop_forget(); /* the next run of this process is another one */
  ls__chosen_reset(&earlier);
  ls_trainer_destroy(t);
  return st;
}

void ls__trainer_restart(ls_trainer *t) {
  stand_at_start(t);
  memset(t->sums, 0, t->lanes * t->task.width * sizeof *t->sums);
  memset(&t->total, 0, sizeof t->total);
  memset(&t->times, 0, sizeof t->times);
}

ls_model *ls_trainer_model(ls_trainer *trainer) {
  ls__exchange_settle(trainer->exchange);
  return trainer->model;
}

void ls_trainer_destroy(ls_trainer *t) {
  if (t == NULL) return;
  ls__feeding_destroy(t->feeding);
  ls__side_by_side_destroy(t->side_by_side);
  ls__run_destroy(t->evaluation);
  for (size_t p = 0; t->passes != NULL && p < t->n_passes; p++) ls__pass_reset(&t->passes[p]);
  ls__task_reset(&t->task);
  ls__updater_reset(&t->updater);
  ls__schedule_destroy(t->schedule);
  ls_model_destroy(t->model);
  ls__clip_destroy(t->clip);
  ls__trust_destroy(t->trust);
  ls__exchange_destroy(t->exchange);
  if (t->owns_data) ls_data_close(t->data);
  ls__free(t->changes);
  ls__free(t->passed);
  ls__free(t->slice);
  ls__free(t->weights);
  ls__free(t->sums);
  ls__free(t->all_sums);
  ls__free(t->lane_loss);
  ls__free(t->all_loss);
  ls__free(t->lane_count);
  ls__free(t->passes);
  ls__free(t);
}

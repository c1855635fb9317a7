/* Setting a run up and taking it down. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"
#include "tensor/gemm.h"
#include "train/trainer.h"

static ls_status open_data(ls_trainer *t, ls_data *data) {
  ls_status st = LS_OK;
  ls_config *section = ls__config_child(t->config, "data");
  if (data != NULL) {
    t->data = data;
    return LS_OK;
  }
  if (section == NULL) {
    st = ls__config_fail(t->config, "data: is missing; a map with file: at least is wanted");
    goto out;
  }
  t->owns_data = true;
  LS_TRY(ls_data_open(t->comm, section, &t->data));
out:
  return st;
}

/* Targets that the loss can't take are found before the first step, each rank looking at a part. */
static ls_status check_targets(ls_trainer *t) {
  ls_status st = LS_OK;
  float *y = NULL;
  enum { ROWS = 1024 };
  if (!t->task.kind.classes && !t->task.kind.binary) return LS_OK;
  void *to[LS__MAX_ARRAYS];
  st = ls__alloc(&y, ROWS * t->task.y_count, sizeof *y, "targets");
  ls__batch_rooms(t->data, NULL, y, to);
  for (int split = LS_TRAIN; split <= LS_TEST && st == LS_OK; split++) {
    size_t n = ls_data_count(t->data, (ls_split)split);
    size_t chunks = (n + ROWS - 1) / ROWS, size = (size_t)ls_comm_size(t->comm);
    for (size_t c = (size_t)ls_comm_rank(t->comm); c < chunks && st == LS_OK; c += size) {
      size_t lo = c * ROWS, hi = lo + ROWS < n ? lo + ROWS : n;
      st = ls__data_rows(t->data, (ls_split)split, lo, hi, to);
      if (st == LS_OK)
        st = ls__loss_check_targets(t->task.loss, &t->task.prediction, &t->task.target, y, hi - lo, lo);
      if (st == LS_EDATA) {
        static const char *const part[] = {"training", "validation", "test"};
        st = ls__fail_context(st, "%s part", part[split]);
      }
    }
  }
  ls__free(y);
  return ls_comm_agree(t->comm, st);
}

static ls_status make_segments(ls_trainer *t) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  size_t most = 1;
  for (int i = 0; i < graph->n_nodes; i++) most += (size_t)graph->node[i].layer.n_parameters;
  LS_TRY(ls__alloc(&t->segment, most, sizeof *t->segment, "parameters"));
  if (t->set.l1 == 0 && t->set.l2 == 0) { /* all alike: padding between them stays zero */
    t->segment[t->n_segments++] = (ls__segment){0, graph->arena, false};
    goto out;
  }
  for (int i = graph->n_nodes - 1; i >= 0; i--)
    for (int p = 0; p < graph->node[i].layer.n_parameters; p++)
      t->segment[t->n_segments++] =
          (ls__segment){graph->node[i].offset[p],
                        ls_shape_count(&graph->node[i].layer.parameters[p].shape),
                        graph->node[i].layer.parameters[p].decay};
out:
  return st;
}

/* Clipping by norm: which rank sends the squares of which blocks. */
static ls_status make_blocks(ls_trainer *t) {
  ls_status st = LS_OK;
  size_t size = (size_t)ls_comm_size(t->comm);
  size_t blocks = (t->model->graph->arena + LS__BLOCK - 1) / LS__BLOCK, own = 0, total = 0;
  uint64_t *mine = NULL, *counts = NULL, my_count = 0;
  ls_status local = LS_OK;
  if (local == LS_OK) local = ls__alloc(&mine, blocks, sizeof *mine, "clipping");
  if (local == LS_OK) local = ls__alloc(&counts, size, sizeof *counts, "clipping");
  if (local == LS_OK) local = ls__alloc(&t->block_count, size, sizeof *t->block_count, "clipping");
  if (local == LS_OK) local = ls__alloc(&t->own_squares, blocks, sizeof(double), "clipping");
  if (local == LS_OK) local = ls__alloc(&t->block_squares, blocks, sizeof(double), "clipping");
  LS_TRY(ls_comm_agree(t->comm, local));
  for (size_t b = 0; b < ls__exchange_buckets(t->exchange); b++) {
    ls__slice slice;
    ls__exchange_slice_range(t->exchange, b, &slice);
    for (size_t at = 0; at < slice.n; at += LS__BLOCK) mine[own++] = (slice.offset + at) / LS__BLOCK;
  }
  my_count = own;
  LS_TRY(ls__comm_allgatherv(t->comm, &my_count, counts, NULL, sizeof my_count));
  for (size_t r = 0; r < size; r++) total += t->block_count[r] = (size_t)counts[r];
  local = ls__alloc(&t->block_index, total, sizeof *t->block_index, "clipping");
  if (local == LS_OK) local = ls__alloc(&t->all_squares, total, sizeof(double), "clipping");
  LS_TRY(ls_comm_agree(t->comm, local));
  LS_TRY(ls__comm_allgatherv(t->comm, mine, t->block_index, t->block_count, sizeof *mine));
out:
  ls__free(mine);
  ls__free(counts);
  return st;
}

/* What each rank sizes for itself: lanes, activations, optimizer state. */
static ls_status make_memory(ls_trainer *t) {
  ls_status st = LS_OK;
  size_t size = (size_t)ls_comm_size(t->comm), rank = (size_t)ls_comm_rank(t->comm);
  size_t largest = (t->batch + t->lanes - 1) / t->lanes;
  t->lane_lo = ls__cut(t->lanes, rank, size);
  t->lane_hi = ls__cut(t->lanes, rank + 1, size);
  t->width = ls__task_width(&t->task);
  LS_TRY(ls__alloc(&t->lane_count, size, sizeof *t->lane_count, "lanes"));
  for (size_t r = 0; r < size; r++)
    t->lane_count[r] = ls__cut(t->lanes, r + 1, size) - ls__cut(t->lanes, r, size);
  LS_TRY(ls__alloc(&t->sums, t->lanes * t->width, sizeof *t->sums, "sums of the epoch"));
  LS_TRY(ls__alloc(&t->all_sums, t->lanes * t->width + LS__LOGGED, sizeof *t->all_sums, "sums of the epoch"));
  LS_TRY(ls__alloc(&t->y, largest * t->task.y_count, sizeof *t->y, "targets of a lane"));
  if (t->task.y_normal->n > 0) {
    LS_TRY(ls__alloc(&t->shown, largest * t->task.y_count, sizeof *t->shown, "predictions of a lane"));
    LS_TRY(ls__alloc(&t->shown_y, largest * t->task.y_count, sizeof *t->shown_y, "targets of a lane"));
  }
  LS_TRY(ls__run_create(t->model->graph, largest, LS__RUN_TRAIN, &t->run));
  LS_TRY(ls__run_create(t->model->graph, LS__PREDICT_BATCH, LS__RUN_LOGITS, &t->evaluation));
  LS_TRY(make_segments(t));
out:
  return st;
}

static ls_status make_state(ls_trainer *t) {
  ls_status st = LS_OK;
  size_t owned = ls__exchange_owned(t->exchange);
  LS_TRY(ls__alloc(&t->slice, ls__exchange_buckets(t->exchange), sizeof *t->slice, "slices"));
  for (int k = 0; k < ls__optimizer_slots(t->optimizer); k++) {
    float start = ls__optimizer_slot_start(t->optimizer, k);
    LS_TRY(ls__alloc(&t->slot[k], owned, sizeof *t->slot[k], "optimizer state"));
    for (size_t i = 0; start != 0 && i < owned; i++) t->slot[k][i] = start;
  }
out:
  return st;
}

/* Everything that needs no other rank and may fail on one alone. */
static ls_status make_model(ls_trainer *t) {
  ls_status st = LS_OK;
  char known[512];
  size_t n_classes = 0;
  const char *const *classes = ls_data_classes(t->data, &n_classes);
  const ls__affine none = {0, NULL, NULL}, *x_normal = ls__data_normal(t->data, 0);
  const ls__affine *y_normal = !ls__data_has_targets(t->data)
                                   ? &none
                                   : ls__data_normal(t->data, ls__data_first(t->data, LS_TARGET));
  ls_shape x = ls_data_x_shape(t->data), y = ls_data_y_shape(t->data);
  LS_TRY(ls__model_empty(t->config, &x, &t->model));
  LS_TRY(ls__affine_set(&t->model->x, x_normal->n, x_normal->mean, x_normal->rstd));
  LS_TRY(ls__affine_set(&t->model->y, y_normal->n, y_normal->mean, y_normal->rstd));
  LS_TRY(ls__model_set_classes(t->model, classes, n_classes));
  t->model->train_rows = ls__data_train_rows(t->data);
  LS_TRY(ls__task_create(t->config, t->model->graph, &y, &t->model->y, &t->task));
  if (t->model->graph->parameters == 0)
    LS_FAIL(LS_ECONFIG, "model: no layer has parameters, there is nothing to train");
  ls_config *optimizer = ls__config_child(t->config, "optimizer");
  if (optimizer == NULL)
    LS_REFUSE(t->config, "optimizer: is missing; one of %s",
              ls__registry_names(&ls__optimizers, known, sizeof known));
  LS_TRY(ls__optimizer_create(optimizer, &t->optimizer));
  LS_TRY(ls__schedule_create(ls__config_child(t->config, "schedule"), &t->schedule));
  LS_TRY(ls__config_finish(t->config));
  if (t->set.early && !t->set.early_on_training && ls_data_count(t->data, LS_VALIDATION) == 0)
    LS_FAIL(LS_ECONFIG, "early_stopping: it monitors validation_loss, and there is no validation "
                        "part; give data.split.validation, or monitor: loss");
  const char *monitor = ls__schedule_monitor(t->schedule);
  if (monitor != NULL && strcmp(monitor, "validation_loss") == 0 &&
      ls_data_count(t->data, LS_VALIDATION) == 0)
    LS_FAIL(LS_ECONFIG, "schedule.reduce_on_plateau.monitor: there is no validation_loss without a "
                        "validation part; give data.split.validation, or monitor: loss");
out:
  return st;
}

/* What the last bits of results depend on, besides the configuration. */
static void name_kernels(char *text, size_t bytes) {
  snprintf(text, bytes, "%s; %s", ls__simd_name(ls__simd_level_now()), ls__gemm_library());
}

/* Same bits are promised on processors that pick the same kernels; where they don't, one line says
 * so: ranks that differ from rank 0, or a run that began on others. */
static ls_status note_kernels(ls_trainer *t, const char *before) {
  ls_status st = LS_OK;
  char root[sizeof t->now.kernels];
  double differs;
  name_kernels(t->now.kernels, sizeof t->now.kernels);
  memcpy(root, t->now.kernels, sizeof root);
  LS_TRY(ls__comm_bcast(t->comm, root, sizeof root, 0));
  differs = strcmp(root, t->now.kernels) != 0 ? (double)(ls_comm_rank(t->comm) + 1) : 0;
  LS_TRY(ls__comm_max(t->comm, &differs, 1));
  if (ls_comm_rank(t->comm) != 0) goto out;
  if (differs > 0)
    fprintf(stderr, "lockstep: note: rank %.0f computes with other kernels than rank 0 (%s): the last "
                    "bits depend on which rank runs where\n", differs - 1, root);
  if (before[0] != '\0' && strcmp(before, root) != 0)
    fprintf(stderr, "lockstep: note: this run began with the kernels \"%s\" and goes on with \"%s\": "
                    "the last bits may differ from an uninterrupted run\n", before, root);
out:
  return st;
}

static void count_steps(ls_trainer *t) {
  t->n = ls_data_count(t->data, LS_TRAIN);
  t->batch = t->set.batch == 0 || t->set.batch > t->n ? t->n : t->set.batch;
  t->epoch_steps = (t->n + t->batch - 1) / t->batch;
  t->total_steps = t->set.epochs > UINT64_MAX / t->epoch_steps ? UINT64_MAX
                                                               : t->set.epochs * t->epoch_steps;
  if (t->set.max_steps > 0 && (t->set.max_steps < t->total_steps || t->set.epochs == 0))
    t->total_steps = t->set.max_steps;
}

/* The running sums of the epoch that a checkpoint is in the middle of.  With other lanes only their
 * total counts; with other metrics they begin anew. */
static void take_sums(ls_trainer *t, const double *sums, size_t lanes) {
  size_t n = lanes * t->width;
  t->logged = (ls__logged){(double)t->now.step, (double)t->now.position, 0};
  if (sums == NULL || t->now.n_sums != n + LS__LOGGED) return;
  ls__logged logged;
  memcpy(&logged, sums + n, sizeof logged);
  if (logged.step >= 0 && logged.step <= t->logged.step && logged.position >= 0 &&
      logged.position <= t->logged.position)
    t->logged = logged;
  if (lanes == t->lanes)
    memcpy(t->sums, sums, n * sizeof *sums);
  else
    for (size_t i = 0; i < n; i++) t->sums[i % t->width] += sums[i];
}

ls_status ls_trainer_create(ls_comm *comm, ls_config *config, ls_data *data,
                            const ls_train_options *options, ls_trainer **trainer) {
  ls_status st = LS_OK;
  ls_model *saved = NULL;
  double *sums = NULL;
  char path[4096] = "";
  bool found = false;
  ls_trainer *t = NULL;
  *trainer = NULL;
  ls_status local = ls__alloc(&t, 1, sizeof *t, "trainer");
  LS_TRY(ls_comm_agree(comm, local));
  t->comm = comm;
  t->config = config;
  if (options != NULL) t->options = *options;
  if (t->options.out == NULL) t->options.out = stdout;
  LS_TRY(ls_comm_agree(comm, ls__settings_read(config, t->options.default_output, &t->set)));
  ls_comm_set_watchdog(comm, t->set.watchdog);
  LS_TRY(open_data(t, data));
  LS_TRY(ls_comm_agree(comm, ls_data_count(t->data, LS_TRAIN) > 0
                                 ? make_model(t)
                                 : ls__fail(LS_EDATA, "data: the training part is empty")));
  count_steps(t);
  LS_TRY(check_targets(t));
  t->now.seed = t->set.seed;
  t->now.best = (double)INFINITY;
  t->now.loss = t->now.validation_loss = (double)NAN;
  if (t->options.resume) LS_TRY(ls__trainer_find(t, &saved, path, sizeof path, &sums, &found));
  t->lanes = t->set.lanes > 0 ? t->set.lanes : found ? t->now.lanes : (size_t)ls_comm_size(comm);
  const size_t saved_lanes = (size_t)t->now.lanes;
  t->now.lanes = t->lanes;
  t->now.batch = t->batch;
  t->now.samples = t->n;
  char before[sizeof t->now.kernels];
  memcpy(before, t->now.kernels, sizeof before);
  LS_TRY(note_kernels(t, before));
  LS_TRY(ls_comm_agree(comm, make_memory(t)));
  const ls__exchange_plan plan = {.n = t->model->graph->arena,
                                  .lanes = t->lanes,
                                  .bucket_bytes = (size_t)(t->set.bucket_mb * 1048576.0),
                                  .codec = t->set.codec};
  LS_TRY(ls__exchange_create(comm, t->set.exchange, &plan, &t->exchange));
  LS_TRY(ls_comm_agree(comm, make_state(t)));
  if (t->set.clip_norm > 0) LS_TRY(make_blocks(t));
  ls__free(t->model->parameters);
  t->model->parameters = ls__exchange_parameters(t->exchange);
  t->model->borrowed = true;
  if (found) {
    take_sums(t, sums, saved_lanes);
    LS_TRY(ls__trainer_restore(t, saved, path, true));
  } else {
    if (ls_comm_rank(comm) == 0) ls__graph_init(t->model->graph, t->set.seed, t->model->parameters);
    LS_TRY(ls__exchange_publish(t->exchange));
  }
  *trainer = t;
  t = NULL;
out:
  ls_model_destroy(saved);
  ls__free(sums);
  ls_trainer_destroy(t);
  return st;
}

ls_model *ls_trainer_model(ls_trainer *trainer) {
  return trainer->model;
}

void ls_trainer_destroy(ls_trainer *t) {
  if (t == NULL) return;
  ls__run_destroy(t->run);
  ls__run_destroy(t->evaluation);
  ls__task_reset(&t->task);
  ls__optimizer_destroy(t->optimizer);
  ls__schedule_destroy(t->schedule);
  ls_model_destroy(t->model);
  ls__exchange_destroy(t->exchange);
  if (t->owns_data) ls_data_close(t->data);
  for (int k = 0; k < LS__MAX_SLOTS; k++) ls__free(t->slot[k]);
  ls__free(t->segment);
  ls__free(t->slice);
  ls__free(t->y);
  ls__free(t->shown);
  ls__free(t->shown_y);
  ls__free(t->block_squares);
  ls__free(t->own_squares);
  ls__free(t->all_squares);
  ls__free(t->block_count);
  ls__free(t->block_index);
  ls__free(t->sums);
  ls__free(t->all_sums);
  ls__free(t->lane_count);
  ls__free(t);
}

/* Checkpoints of a run: gathering it to rank 0, and spreading it again over other ranks. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "train/average.h"
#include "train/resume.h"

/* Floats that compression keeps on each rank, [size], owned by the caller; and the largest. */
static ls_status held_lengths(ls_trainer *t, size_t n, uint64_t **lengths, size_t *longest) {
  ls_status st = LS_OK;
  const size_t size = (size_t)ls_comm_size(t->comm);
  const uint64_t mine = n;
  LS_TRY(ls_comm_agree(t->comm, ls__alloc(lengths, size, sizeof **lengths, "compression")));
  LS_TRY(ls__comm_allgatherv(t->comm, &mine, *lengths, NULL, sizeof mine));
  *longest = 0;
  for (size_t r = 0; r < size; r++)
    if ((*lengths)[r] > *longest) *longest = (size_t)(*lengths)[r];
out:
  return st;
}

/* Rank 0 writes what each rank keeps, one by one.  *local is its status: it takes part in the
 * transfers even after a failure. */
static ls_status save_held(ls_trainer *t, ls__checkpoint_writer *writer, ls_status *local) {
  ls_status st = LS_OK, alone = LS_OK;
  const int rank = ls_comm_rank(t->comm);
  uint64_t layout, *lengths = NULL;
  size_t n, longest = 0;
  float *other = NULL;
  if (!ls__exchange_holds(t->exchange, &n, &layout)) return LS_OK;
  LS_TRY(held_lengths(t, n, &lengths, &longest));
  if (rank == 0) alone = ls__alloc(&other, longest, sizeof *other, "compression");
  LS_TRY(ls_comm_agree(t->comm, alone));
  for (int r = 0; r < ls_comm_size(t->comm); r++) {
    ls__exchange_held_gather(t->exchange, r, other, (size_t)lengths[r]);
    if (rank == 0 && *local == LS_OK)
      *local = ls__checkpoint_held(writer, layout, r, other, (size_t)lengths[r]);
  }
out:
  ls__free(other);
  ls__free(lengths);
  return st;
}

/* Every rank gets its own back, unless ranks, nodes, lanes or buckets are others now. */
static ls_status restore_held(ls_trainer *t, const ls_model *saved, const char *path) {
  ls_status st = LS_OK, alone = LS_OK;
  const int rank = ls_comm_rank(t->comm);
  uint64_t layout, *lengths = NULL;
  size_t n, longest = 0;
  bool fits = false;
  float *other = NULL;
  if (!ls__exchange_holds(t->exchange, &n, &layout)) return LS_OK;
  LS_TRY(held_lengths(t, n, &lengths, &longest));
  if (rank == 0) {
    alone = ls__alloc(&other, longest, sizeof *other, "compression");
    if (alone == LS_OK) alone = ls__checkpoint_has_held(path, saved, layout, &fits);
    alone = ls__run_blame(t->set.output, path, alone);
  }
  LS_TRY(ls_comm_agree(t->comm, alone));
  LS_TRY(ls__comm_bcast(t->comm, &fits, sizeof fits));
  if (!fits && rank == 0)
    fprintf(stderr,
            "lockstep: note: %s: it was written with other ranks, nodes, lanes, bucket_mb or "
            "compression: what had not been sent is left out\n",
            path);
  for (int r = 0; fits && r < ls_comm_size(t->comm); r++) {
    if (rank == 0) alone = ls__checkpoint_load_held(path, saved, r, other, (size_t)lengths[r]);
    LS_TRY(ls_comm_agree(t->comm, alone));
    ls__exchange_held_scatter(t->exchange, r, other, (size_t)lengths[r]);
  }
out:
  ls__free(other);
  ls__free(lengths);
  return st;
}

/* What was passed over keeps its bytes under another name: this run's checkpoints are the newer
 * ones from now on, and may come to have the same names. */
static void set_passed_aside(ls_trainer *t) {
  for (size_t i = 0; i < t->n_passed; i++) {
    char path[LS__FILE_PATH];
    ls__checkpoint_path(t->set.output, t->passed[i].step, path, sizeof path);
    ls__checkpoint_set_aside(path, t->passed[i].flaw);
  }
  t->n_passed = 0;
}

ls_status ls__trainer_save(ls_trainer *t, const char *path) {
  ls_status st = LS_OK;
  const bool writes = ls_comm_rank(t->comm) == 0;
  ls__checkpoint_writer *writer = NULL;
  double *sums = NULL;
  float *arena = NULL;
  ls_status local = ls__alloc(&sums, t->task.width, sizeof *sums, "sums");
  if (local == LS_OK && writes)
    local = ls__alloc(&arena, t->model->graph->arena, sizeof *arena, path);
  LS_TRY(ls_comm_agree(t->comm, local));
  ls__exchange_settle(t->exchange); /* the weights are read below */
  LS_TRY(ls__trainer_epoch_sums(t, sums));
  t->now.n_sums = t->lanes * t->task.width + LS__BEHIND_SUMS;
  t->all_sums[t->now.n_sums - 1] = ls__trainer_sums_of(t);
  memcpy(t->all_sums + t->lanes * t->task.width, &t->logged, sizeof t->logged);
  ls__schedule_state(t->schedule, t->now.schedule);
  if (writes) set_passed_aside(t);
  if (writes) local = ls__checkpoint_begin(path, t->model, &t->now, t->all_sums, &writer);
  for (int k = 0; k < ls__optimizer_slots(t->updater.optimizer); k++) {
    LS_TRY(ls__exchange_gather(t->exchange, t->updater.slot[k], arena));
    if (writes && local == LS_OK)
      local = ls__checkpoint_slot(writer, ls__optimizer_slot_name(t->updater.optimizer, k), arena);
  }
  LS_TRY(save_held(t, writer, &local));
  if (writer != NULL && local == LS_OK) {
    local = ls__checkpoint_end(writer);
    writer = NULL;
  }
  LS_TRY(ls_comm_agree(t->comm, local));
out:
  ls__checkpoint_abandon(writer); /* a peer failed in between */
  ls__free(sums);
  ls__free(arena);
  return st;
}

/* Whether the run was done: then its last network lies beside the checkpoint, and the summary,
 * which is written after it, says so. */
static ls_status look_for_end(ls_trainer *t) {
  ls_status st = LS_OK;
  bool last = false, summary = false;
  char path[LS__FILE_PATH];
  ls__checkpoint_named(t->set.output, LS__FINAL, path);
  LS_TRY(ls__file_there(path, &last));
  snprintf(path, sizeof path, "%s/summary.json", t->set.output);
  LS_TRY(ls__file_there(path, &summary));
  t->taken.finished = last && summary;
out:
  return st;
}

/* The file that the caller names. */
static ls_status load_given(const char *path, ls__chosen *chosen) {
  ls_status st = LS_OK;
  if (snprintf(chosen->path, sizeof chosen->path, "%s", path) >= (int)sizeof chosen->path)
    LS_FAIL(LS_EIO, "%.100s...: the name is too long", path);
  LS_TRY(ls__checkpoint_load(path, &chosen->model, &chosen->standing, &chosen->sums));
  chosen->step = chosen->standing.step;
out:
  return st;
}

static ls_status find_on_root(ls_trainer *t, ls__chosen *chosen) {
  ls_status st = LS_OK;
  const char *given = t->options.checkpoint;
  if (given != NULL)
    LS_TRY(load_given(given, chosen));
  else
    LS_TRY(ls__run_blame(t->set.output, NULL, ls__checkpoint_newest(t->set.output, true, chosen)));
  if (chosen->path[0] == '\0') goto out;
  ls__checkpoint_tell(chosen->path, chosen->model);
  LS_TRY(ls__resume_config(t, chosen->model, &chosen->standing, chosen->path, false));
  if (!ls__graph_same_tensors(chosen->model->graph, t->model->graph))
    LS_FAIL(LS_ECONFIG, "%s: the checkpoint holds another network than the configuration's",
            chosen->path);
  LS_TRY(ls__resume_monitor(t, chosen->model, &chosen->standing));
  if (given != NULL) goto out;
  LS_TRY(look_for_end(t));
  t->taken.newest = chosen->n_passed > 0 ? chosen->passed[0].step : chosen->step;
  t->passed = chosen->passed;
  t->n_passed = chosen->n_passed;
  chosen->passed = NULL;
out:
  return st;
}

ls_status ls__trainer_find(ls_trainer *t, ls__chosen *chosen) {
  ls_status st = LS_OK, local = LS_OK;
  if (t->set.output == NULL && t->options.checkpoint == NULL) return LS_OK;
  if (ls_comm_rank(t->comm) == 0) local = find_on_root(t, chosen);
  LS_TRY(ls_comm_agree(t->comm, local));
  LS_TRY(ls__comm_bcast(t->comm, chosen->path, sizeof chosen->path));
  if (chosen->path[0] == '\0') goto out;
  LS_TRY(ls__comm_bcast(t->comm, &chosen->standing, sizeof chosen->standing));
  const size_t n = (size_t)chosen->standing.n_sums;
  if (n > 0) {
    if (chosen->sums == NULL) local = ls__alloc(&chosen->sums, n, sizeof(double), "running sums");
    LS_TRY(ls_comm_agree(t->comm, local));
    LS_TRY(ls__comm_bcast(t->comm, chosen->sums, n * sizeof(double)));
  }
  t->now = chosen->standing;
  t->now.seed = t->set.seed;
  t->taken.found = true;
  t->taken.step = t->now.step;
out:
  return st;
}

ls_status ls__trainer_restore(ls_trainer *t, const ls_model *saved, const char *path, bool whole) {
  ls_status st = LS_OK, local = LS_OK;
  const bool reads = ls_comm_rank(t->comm) == 0;
  float *arena = NULL;
  if (reads) {
    local = ls__alloc(&arena, t->model->graph->arena, sizeof *arena, path);
    memcpy(t->model->parameters, saved->parameters, t->model->graph->arena * sizeof(float));
  }
  LS_TRY(ls_comm_agree(t->comm, local));
  LS_TRY(ls__exchange_publish(t->exchange));
  for (int k = 0; whole && k < ls__optimizer_slots(t->updater.optimizer); k++) {
    const char *slot = ls__optimizer_slot_name(t->updater.optimizer, k);
    bool there = !t->taken.new_state;
    if (reads && there && t->options.force)
      local = ls__checkpoint_has_slot(path, saved, slot, &there);
    if (reads && there) LS_THEN(local, ls__checkpoint_load_slot(path, saved, slot, arena));
    LS_TRY(ls_comm_agree(t->comm, ls__run_blame(t->set.output, path, local)));
    if (t->options.force) LS_TRY(ls__comm_bcast(t->comm, &there, sizeof there));
    if (!there && k == ls__optimizer_average_slot(t->updater.optimizer)) ls__average_start(t);
    if (!there) continue; /* forced: it is as before step 1 */
    LS_TRY(ls__exchange_scatter(t->exchange, arena, t->updater.slot[k]));
  }
  if (whole) LS_TRY(restore_held(t, saved, path));
  if (whole) ls__schedule_restore(t->schedule, t->now.schedule);
out:
  ls__free(arena);
  return st;
}

/* Samples that each rank gives (feed.h), as a step like any other:
 *
 *   feed:      look at all that is given -> agree -> lanes of all ranks -> the step, whose feed
 *              copies samples from where the caller has them
 *   forward:   this rank's passes, one after the other; what backward needs is kept: the pass
 *              itself, or, of several, which use the same memory, the inputs
 *   backward:  look, agree, and the step, whose score is the caller's gradients
 *
 * While a step is under way t->lane_at says which samples of the batch each lane has. */
#include "train/feed.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/span.h"
#include "train/fit.h"
#include "train/trainer.h"

struct ls__feeding {
  ls_trainer *t;
  size_t passes; /* of this rank */
  size_t room;   /* samples of all its lanes, at most */
  size_t *count; /* [own lanes] samples that were given */
  size_t *all;   /* [lanes] those of all ranks */
  size_t *at;    /* [lanes + 1] first samples of lanes */
  /* What is trained on: the caller's arrays, or what was kept of them. */
  size_t n;
  const void *input[LS_MAX_PORTS];
  const float *const *targets;
  const float *weights;
  const float *const *gradients;
  bool broken;              /* a step has failed, here or on another rank */
  bool forwarded;           /* n samples have gone forward, in these lanes, and may go backward */
  void *kept[LS_MAX_PORTS]; /* [room, input]: their inputs, where there are several passes */
};

/* ---- Memory, made by the first call */

static size_t passes_of(const ls_trainer *t) {
  size_t n = 0;
  for (size_t lo = t->lane_lo; lo < t->lane_hi; n++)
    lo = ls__pass_end(lo, t->lane_hi, t->lanes, t->pass);
  return n;
}

static size_t lane_room(const ls_trainer *t) {
  return (t->batch + t->lanes - 1) / t->lanes;
}

static ls_status make(ls_trainer *t) {
  ls_status st = LS_OK;
  ls__feeding *f = NULL;
  const size_t own = t->lane_hi - t->lane_lo;
  if (t->feeding != NULL) return LS_OK;
  LS_TRY(ls__alloc(&f, 1, sizeof *f, "samples"));
  f->t = t;
  f->passes = passes_of(t);
  f->room = own * lane_room(t) < t->batch ? own * lane_room(t) : t->batch;
  LS_TRY(ls__alloc(&f->count, own + 1, sizeof *f->count, "lanes"));
  LS_TRY(ls__alloc(&f->all, t->lanes, sizeof *f->all, "lanes"));
  LS_TRY(ls__alloc(&f->at, t->lanes + 1, sizeof *f->at, "lanes"));
  t->feeding = f;
  f = NULL;
out:
  ls__feeding_destroy(f);
  return st;
}

static ls_status make_kept(ls__feeding *f) {
  ls_status st = LS_OK;
  const ls__graph *graph = f->t->model->graph;
  for (int i = 0; f->passes > 1 && i < graph->n_inputs; i++)
    if (f->kept[i] == NULL)
      LS_TRY(ls__alloc((char **)&f->kept[i], f->room,
                       ls_shape_count(&graph->input[i].shape) * sizeof(float), "inputs"));
out:
  return st;
}

void ls__feeding_destroy(ls__feeding *f) {
  if (f == NULL) return;
  for (int i = 0; i < LS_MAX_PORTS; i++) ls__free(f->kept[i]);
  ls__free(f->count);
  ls__free(f->all);
  ls__free(f->at);
  ls__free(f);
}

/* ---- What is given */

/* The samples of this rank's lanes. */
static ls_status count_lanes(ls__feeding *f, size_t n, const size_t *lane_samples) {
  const ls_trainer *t = f->t;
  const size_t own = t->lane_hi - t->lane_lo, room = lane_room(t);
  const int rank = ls_comm_rank(t->comm);
  size_t sum = 0;
  if (own == 0 && n > 0)
    return ls__fail(LS_EUSAGE,
                    "rank %d gives %zu samples and has no lane: train.lanes is %zu, and there are "
                    "%d ranks",
                    rank, n, t->lanes, ls_comm_size(t->comm));
  if (n > f->room)
    return ls__fail(LS_EUSAGE,
                    "rank %d gives %zu samples, and train.batch: %zu has room for %zu in its %zu "
                    "of "
                    "%zu lanes",
                    rank, n, t->batch, f->room, own, t->lanes);
  for (size_t l = 0; l < own; l++) {
    f->count[l] = lane_samples != NULL ? lane_samples[l]
                                       : ls__cut(n, l + 1, own) - ls__cut(n, l, own);
    if (f->count[l] > room)
      return ls__fail(LS_EUSAGE,
                      "rank %d gives lane %zu %zu samples, and train.batch: %zu has room for %zu "
                      "in "
                      "each of %zu lanes",
                      rank, t->lane_lo + l, f->count[l], t->batch, room, t->lanes);
    sum += f->count[l];
  }
  if (sum != n)
    return ls__fail(LS_EUSAGE, "rank %d gives %zu samples, and %zu in its lanes", rank, n, sum);
  return LS_OK;
}

static ls_status check_finite(const ls_trainer *t, const char *what, const char *name,
                              const float *x, size_t n, size_t each) {
  const int rank = ls_comm_rank(t->comm);
  size_t i = 0;
  if (x == NULL) return ls__fail(LS_EUSAGE, "rank %d: %s%s is NULL", rank, what, name);
  if (ls__span()->all_finite(x, n * each)) return LS_OK;
  while (isfinite(x[i])) i++;
  return ls__fail(LS_EDATA, "rank %d, sample %zu: %s%s is not finite (%s)", rank, i / each, what,
                  name,
                  isnan(x[i]) ? "nan"
                  : x[i] > 0  ? "inf"
                              : "-inf");
}

static ls_status check_inputs(const ls_trainer *t, size_t n, const void *const *inputs) {
  const ls__graph *graph = t->model->graph;
  ls__no_index none;
  ls_status st = LS_OK;
  if (n > 0 && inputs == NULL)
    return ls__fail(LS_EUSAGE, "rank %d: inputs are NULL", ls_comm_rank(t->comm));
  for (int i = 0; n > 0 && i < graph->n_inputs && st == LS_OK; i++) {
    const ls_port *port = &graph->input[i];
    char name[LS_NAME_BYTES + 2];
    snprintf(name, sizeof name, "\"%s\"", port->name);
    if (port->type == LS_REAL)
      st = check_finite(t, "input ", name, inputs[i], n, ls_shape_count(&port->shape));
    else if (inputs[i] == NULL)
      st = ls__fail(LS_EUSAGE, "rank %d: input %s is NULL", ls_comm_rank(t->comm), name);
    else if (ls__graph_find_no_index(graph, i, inputs[i], n, &none))
      st = ls__fail(LS_EDATA, "rank %d, sample %zu: %s", ls_comm_rank(t->comm), none.sample,
                    none.why);
  }
  return st;
}

/* The array of a head's targets, of those that are given. */
static size_t target_of(const ls_trainer *t, int head) {
  return t->task.head[head].target - t->options.n_inputs;
}

static ls_status check_targets(const ls_trainer *t, size_t n, const void *const *inputs,
                               const float *const *targets, const float *weights) {
  ls_status st = LS_OK;
  if (n > 0 && targets == NULL)
    return ls__fail(LS_EUSAGE, "rank %d: targets are NULL", ls_comm_rank(t->comm));
  for (int h = 0; n > 0 && h < t->task.n_heads && st == LS_OK; h++) {
    const ls__head *head = &t->task.head[h];
    const float *y = targets[target_of(t, h)];
    char name[LS_NAME_BYTES + 2];
    snprintf(name, sizeof name, "\"%s\"", t->arrays[head->target].port.name);
    st = check_finite(t, "target ", name, y, n, head->target_count);
    const int32_t *counted = head->steps.input >= 0 ? inputs[head->steps.input] : NULL;
    LS_THEN(st, ls__head_check(head, y, NULL, counted, n, 0));
    if (st == LS_EDATA && strncmp(ls_error_message(), "rank ", 5) != 0)
      st = ls__fail_context(st, "rank %d, target %s", ls_comm_rank(t->comm), name);
  }
  if (st == LS_OK && weights != NULL) st = check_finite(t, "the weight", "", weights, n, 1);
  return st;
}

static ls_status check_whole(const ls_trainer *t, const char *what) {
  if (t->failed != LS_OK || t->bad_step > 0 || (t->feeding != NULL && t->feeding->broken))
    return ls__fail(LS_EUSAGE, "%s: a step has failed: the trainer can only be destroyed", what);
  return LS_OK;
}

static ls_status check_fed(const ls_trainer *t, const char *what) {
  if (t->data == NULL) return check_whole(t, what);
  return ls__fail(LS_EUSAGE, "%s: the trainer has a dataset; ls_trainer_step trains on it", what);
}

/* ---- A step */

static ls_status load(void *context, size_t lo, size_t hi, void *const *inputs,
                      float *const *targets) {
  ls__feeding *f = context;
  const ls_trainer *t = f->t;
  const ls__graph *graph = t->model->graph;
  const size_t at = lo - f->at[t->lane_lo], n = hi - lo;
  for (int i = 0; i < graph->n_inputs; i++) {
    const size_t bytes = ls_shape_count(&graph->input[i].shape) * sizeof(float);
    memcpy(inputs[i], (const char *)f->input[i] + at * bytes, n * bytes);
  }
  for (int h = 0; targets != NULL && h < t->task.n_heads; h++) {
    const size_t count = t->task.head[h].target_count;
    memcpy(targets[h], f->targets[target_of(t, h)] + at * count, n * count * sizeof(float));
  }
  t->step.at->rows.given = f->weights != NULL ? f->weights + at : NULL;
  return LS_OK;
}

static ls_status score(void *context, size_t lo, size_t hi, const float *const *outputs,
                       float *const *gradients, double *loss) {
  const ls__feeding *f = context;
  const ls_trainer *t = f->t;
  const size_t at = lo - f->at[t->lane_lo];
  (void)outputs;
  for (int i = 0; i < t->task.n_values; i++) {
    const size_t count = t->result_count[i];
    memcpy(gradients[i], f->gradients[i] + at * count, (hi - lo) * count * sizeof(float));
  }
  *loss = 0;
  return LS_OK;
}

/* How many samples all lanes have, and in all.  Collective. */
static ls_status gather_lanes(ls__feeding *f, size_t *samples) {
  ls_status st = LS_OK;
  const ls_trainer *t = f->t;
  LS_TRY(ls__comm_allgatherv(t->comm, f->count, f->all, t->lane_count, sizeof *f->count));
  *samples = 0;
  for (size_t lane = 0; lane < t->lanes; lane++) *samples += f->all[lane];
  if (*samples > t->batch)
    LS_FAIL(LS_EUSAGE, "a step of %zu samples, and train.batch is %zu", *samples, t->batch);
out:
  return st;
}

/* The lanes' first samples: in the batch of all ranks, or, before that is known, in one in which
 * every lane before this rank's has all that it can hold. */
static void place_lanes(ls__feeding *f, bool everywhere) {
  const ls_trainer *t = f->t;
  size_t lo = everywhere ? 0 : t->lane_lo, hi = everywhere ? t->lanes : t->lane_hi;
  f->at[lo] = everywhere ? 0 : t->lane_lo * lane_room(t);
  for (size_t lane = lo; lane < hi; lane++)
    f->at[lane + 1] = f->at[lane] + (everywhere ? f->all[lane] : f->count[lane - t->lane_lo]);
}

/* One step on what is given; `samples` of all ranks. */
static ls_status step(ls__feeding *f, size_t samples, bool scores) {
  ls_trainer *t = f->t;
  const ls_feed feed = {f, load, scores ? score : NULL};
  t->lane_at = f->at;
  memset(t->sums, 0, t->lanes * t->task.width * sizeof *t->sums); /* of an epoch: not kept here */
  ls__error_set("");
  ls_status st = ls__trainer_step(t, samples, &feed);
  t->lane_at = NULL;
  for (size_t p = 0; p < t->n_passes; p++) t->passes[p].rows.given = NULL;
  LS_THEN(st, ls__trainer_agree(t));
  f->broken = st != LS_OK;
  return st;
}

ls_status ls_trainer_feed(ls_trainer *t, size_t n, const void *const *inputs,
                          const float *const *targets, const float *weights,
                          const size_t *lane_samples, double *loss) {
  ls_status st = LS_OK;
  size_t samples = 0;
  ls_status local = check_fed(t, "ls_trainer_feed");
  if (local == LS_OK && t->task.n_heads == 0)
    local = ls__fail(LS_EUSAGE, "ls_trainer_feed: the configuration has no loss; "
                                "ls_trainer_backward trains without one");
  LS_THEN(local, make(t));
  LS_THEN(local, count_lanes(t->feeding, n, lane_samples));
  LS_THEN(local, check_inputs(t, n, inputs));
  LS_THEN(local, check_targets(t, n, inputs, targets, weights));
  if (t->feeding != NULL) t->feeding->forwarded = false; /* its lanes are others now */
  LS_TRY(ls_comm_agree(t->comm, local));
  ls__feeding *f = t->feeding;
  LS_TRY(gather_lanes(f, &samples));
  if (loss != NULL) *loss = (double)NAN;
  if (samples == 0) goto out;
  place_lanes(f, true);
  f->n = n;
  for (int i = 0; n > 0 && i < t->model->graph->n_inputs; i++) f->input[i] = inputs[i];
  f->targets = targets;
  f->weights = weights;
  LS_TRY(step(f, samples, false));
  if (loss != NULL) LS_TRY(ls__trainer_step_loss(t, samples, loss));
out:
  return st;
}

/* ---- Forward, and backward */

static void forward_pass(ls__feeding *f, size_t lo, size_t hi, float *const *outputs) {
  ls_trainer *t = f->t;
  ls__pass *p = &t->passes[0];
  ls__pass_place(t, p, 0, lo, hi);
  if (p->n == 0) return;
  t->step.at = p;
  (void)!load(f, p->first, p->first + p->n, p->input, NULL);
  const ls__run_place place = ls__pass_at(t, p);
  ls__run_forward(p->run, t->model->parameters, p->n, &place);
  const size_t at = p->first - f->at[t->lane_lo];
  for (int i = 0; outputs != NULL && i < t->task.n_values; i++)
    if (outputs[i] != NULL)
      memcpy(outputs[i] + at * t->result_count[i], p->result[i],
             p->n * t->result_count[i] * sizeof(float));
}

ls_status ls_trainer_forward(ls_trainer *t, size_t n, const void *const *inputs,
                             const size_t *lane_samples, float *const *outputs) {
  ls_status st = LS_OK;
  LS_TRY(check_fed(t, "ls_trainer_forward"));
  if (t->side_by_side != NULL)
    LS_FAIL(LS_EUSAGE, "ls_trainer_forward: a layer needs sums over the whole batch, as batch_norm "
                       "does, and no rank has that alone; ls_trainer_feed trains such networks");
  LS_TRY(make(t));
  ls__feeding *f = t->feeding;
  LS_TRY(make_kept(f));
  f->forwarded = false;
  LS_TRY(count_lanes(f, n, lane_samples));
  LS_TRY(check_inputs(t, n, inputs));
  ls__exchange_settle(t->exchange);
  place_lanes(f, false);
  for (int i = 0; n > 0 && i < t->model->graph->n_inputs; i++) {
    const size_t bytes = ls_shape_count(&t->model->graph->input[i].shape) * sizeof(float);
    if (f->passes > 1) memcpy(f->kept[i], inputs[i], n * bytes);
    f->input[i] = f->passes > 1 ? f->kept[i] : inputs[i];
  }
  f->n = n;
  f->weights = NULL;
  t->lane_at = f->at;
  for (size_t lo = t->lane_lo, hi; lo < t->lane_hi; lo = hi) {
    hi = ls__pass_end(lo, t->lane_hi, t->lanes, t->pass);
    forward_pass(f, lo, hi, outputs);
  }
  t->lane_at = NULL;
  f->forwarded = true;
out:
  return st;
}

static ls_status check_gradients(const ls_trainer *t, const float *const *gradients) {
  const ls__feeding *f = t->feeding;
  const int rank = ls_comm_rank(t->comm);
  ls_status st = LS_OK;
  if (gradients != NULL && !f->forwarded)
    return ls__fail(LS_EUSAGE,
                    "ls_trainer_backward: rank %d has made no ls_trainer_forward since the last "
                    "step",
                    rank);
  if (gradients == NULL && f->forwarded && f->n > 0)
    return ls__fail(LS_EUSAGE, "ls_trainer_backward: rank %d: gradients are NULL", rank);
  for (int i = 0; f->forwarded && f->n > 0 && i < t->task.n_values && st == LS_OK; i++)
    st = check_finite(t, "a gradient", "", gradients[i], f->n, t->result_count[i]);
  return st;
}

ls_status ls_trainer_backward(ls_trainer *t, const float *const *gradients) {
  ls_status st = LS_OK;
  size_t samples = 0;
  ls_status local = check_fed(t, "ls_trainer_backward");
  if (local == LS_OK && t->side_by_side != NULL)
    local = ls__fail(LS_EUSAGE, "ls_trainer_backward: a layer needs sums over the whole batch");
  LS_THEN(local, make(t));
  LS_THEN(local, check_gradients(t, gradients));
  LS_TRY(ls_comm_agree(t->comm, local));
  ls__feeding *f = t->feeding;
  if (!f->forwarded) {
    f->n = 0;
    memset(f->count, 0, (t->lane_hi - t->lane_lo) * sizeof *f->count);
  }
  LS_TRY(gather_lanes(f, &samples));
  if (samples == 0) goto out;
  place_lanes(f, false); /* as in forward */
  f->gradients = gradients;
  t->forwarded = f->passes == 1 && f->n > 0;
  st = step(f, samples, true);
  t->forwarded = false;
  f->forwarded = false;
out:
  return st;
}

/* ---- What a trainer says and is told */

enum { PORTS_TEXT = 2 * LS_MAX_PORTS * (LS_NAME_BYTES + LS_SHAPE_TEXT) };

static void name_ports(const char *what, size_t n, const ls_port *ports, char *text) {
  char shape[LS_SHAPE_TEXT];
  size_t used = strlen(text);
  used += (size_t)snprintf(text + used, PORTS_TEXT - used, "%s%s:", used > 0 ? "; " : "", what);
  for (size_t i = 0; ports != NULL && i < n && i < LS_MAX_PORTS; i++) {
    const bool good = ports[i].shape.ndim >= 0 && ports[i].shape.ndim <= LS_MAX_DIMS;
    used += (size_t)snprintf(text + used, PORTS_TEXT - used, " %.63s %s%.128s", ports[i].name,
                             ports[i].type == LS_REAL ? "" : "int32 ",
                             good ? ls_shape_format(&ports[i].shape, shape) : "of no shape");
  }
}

/* Ranks that are to be fed other things would wait for each other for ever. */
static ls_status same_ports(const ls_train_options *o, ls_comm *comm) {
  ls_status st = LS_OK;
  char mine[PORTS_TEXT] = "", first[PORTS_TEXT];
  name_ports("inputs", o->n_inputs, o->inputs, mine);
  name_ports("targets", o->n_targets, o->targets, mine);
  memcpy(first, mine, sizeof first);
  LS_TRY(ls__comm_bcast(comm, first, sizeof first));
  if (strcmp(first, mine) != 0)
    st = ls__fail(LS_EUSAGE, "the ranks differ: rank %d is to be fed %.400s; and rank 0 %.400s",
                  ls_comm_rank(comm), mine, first);
  st = ls_comm_agree(comm, st);
out:
  return st;
}

ls_status ls_trainer_create_fed(ls_comm *comm, ls_config *config, size_t n_inputs,
                                const ls_port *inputs, size_t n_targets, const ls_port *targets,
                                const char *checkpoint, ls_trainer **trainer) {
  const ls_train_options options = {.progress = LS_PROGRESS_NONE,
                                    .inputs = inputs,
                                    .n_inputs = n_inputs,
                                    .targets = targets,
                                    .n_targets = n_targets,
                                    .checkpoint = checkpoint};
  ls_status st = LS_OK;
  *trainer = NULL;
  LS_TRY(same_ports(&options, comm));
  if (n_inputs == 0) LS_FAIL(LS_EUSAGE, "ls_trainer_create_fed: no input will be fed");
  LS_TRY(ls_trainer_create(comm, config, NULL, &options, trainer));
out:
  return st;
}

ls_lanes ls_trainer_lanes(const ls_trainer *t) {
  return (ls_lanes){t->lanes, t->lane_lo, t->lane_hi, lane_room(t)};
}

uint64_t ls_trainer_steps(const ls_trainer *t) {
  return t->now.step;
}

double ls_trainer_lr(const ls_trainer *t) {
  return ls__schedule_lr(t->schedule, ls__optimizer_lr(t->updater.optimizer), t->now.step + 1,
                         t->epoch_steps, t->total_steps);
}

ls_status ls_trainer_set_lr(ls_trainer *t, double lr) {
  ls_status st = LS_OK;
  ls_status local = LS_OK;
  double range[] = {lr, -lr};
  if (!(lr >= 0 && lr <= 1e6)) {
    local = ls__fail(LS_EUSAGE, "ls_trainer_set_lr: %g on rank %d; it is 0 to 1e6", lr,
                     ls_comm_rank(t->comm));
    range[0] = range[1] = 0;
  }
  LS_TRY(ls_comm_agree(t->comm, local));
  LS_TRY(ls__comm_max(t->comm, range, 2));
  if (range[0] != -range[1])
    LS_FAIL(LS_EUSAGE, "ls_trainer_set_lr: %g on one rank and %g on another", -range[1], range[0]);
  ls__schedule_fix(t->schedule, lr);
out:
  return st;
}

ls_status ls_trainer_save(ls_trainer *t, const char *path) {
  ls_status st = LS_OK;
  ls_status local = check_whole(t, "ls_trainer_save");
  if (local == LS_OK && (path == NULL || path[0] == '\0'))
    local = ls__fail(LS_EUSAGE, "ls_trainer_save: a file is wanted");
  LS_TRY(ls_comm_agree(t->comm, local));
  LS_TRY(ls__trainer_save(t, path));
out:
  return st;
}

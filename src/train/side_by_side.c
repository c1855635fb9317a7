/* A step whose passes go side by side (side_by_side.h):
 *
 *   all passes:  load
 *   stage 0 of forward: all passes up to the first layer that needs sums over the batch
 *     gather: this rank's lanes' sums -> all lanes' sums on every rank -> merged in lane order
 *   stage 1 of forward ... then all passes are scored, and backward goes the same way back
 *
 * Every rank merges the same numbers in the same order, and so has the same bits.  A rank without
 * lanes or samples, or one that has failed, gives zeros: nobody waits for it in vain.
 *
 * The first pass writes its gradients into the exchange's memory, as passes one by one do: so a
 * rank with one pass overlaps the exchange with its backward.  Others have memory of their own, and
 * are handed over when all of them are done. */
#include "train/side_by_side.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "train/trainer.h"

struct ls__side_by_side {
  ls_trainer *t;
  size_t passes;         /* of this rank; none without lanes */
  size_t stages, widest; /* most doubles a lane */
  /* Ranks of one node write the sums of their lanes to one sheet that all of them read.  There are
   * two, used in turn: who writes on one again has met all others since, and so they have read
   * it. */
  ls__window *window; /* NULL: a rank is alone, or there are several nodes */
  double *sheet[2];   /* [lanes, widest]; of several nodes the first is the rank's own */
  double *mine;       /* [own lanes, widest]; NULL where they go straight to the sheet */
  double *batch;      /* [stages, widest] what they are merged into, at the end of each stage */
  size_t rounds;
};

static size_t widest_of(const ls__run *run) {
  size_t widest = 0;
  for (size_t k = 0; k + 1 < ls__run_stages(run); k++) {
    const size_t width = ls__run_sums_width(run, k, false);
    if (width > widest) widest = width;
  }
  return widest;
}

static ls_status make_memory(ls__side_by_side *s) {
  ls_status st = LS_OK;
  const ls_trainer *t = s->t;
  const bool alone = ls_comm_size(t->comm) == 1, node = ls_comm_nodes(t->comm) == 1;
  LS_TRY(ls__alloc(&s->batch, s->stages * s->widest, sizeof *s->batch, "sums of the batch"));
  if (alone || !node)
    LS_TRY(ls__alloc(&s->sheet[0], t->lanes * s->widest, sizeof *s->batch, "sums of the batch"));
  if (!node)
    LS_TRY(ls__alloc(&s->mine, (t->lane_hi - t->lane_lo) * s->widest, sizeof *s->mine,
                     "sums of the batch"));
  for (size_t p = 1; p < s->passes; p++)
    LS_TRY(ls__alloc(&t->passes[p].own, t->model->graph->moving, sizeof(float), "gradients"));
out:
  return st;
}

ls_status ls__side_by_side_create(ls_trainer *t, ls__side_by_side **out) {
  ls_status st = LS_OK;
  ls__side_by_side *s = NULL;
  ls_status local = ls__alloc(&s, 1, sizeof *s, "sums of the batch");
  *out = NULL;
  if (local == LS_OK) {
    s->t = t;
    s->passes = t->lane_lo < t->lane_hi ? t->n_passes : 0;
    s->stages = ls__run_stages(t->passes[0].run);
    s->widest = widest_of(t->passes[0].run);
  }
  LS_THEN(local, make_memory(s));
  LS_TRY(ls_comm_agree(t->comm, local));
  if (ls_comm_size(t->comm) > 1 && ls_comm_nodes(t->comm) == 1) {
    const size_t floats = (t->lanes * s->widest + 15) / 16 * 16;
    LS_TRY(ls__window_create(t->comm, 2 * floats * sizeof(double), &s->window));
    s->sheet[0] = ls__window_memory(s->window);
    s->sheet[1] = s->sheet[0] + floats;
  }
  *out = s;
  s = NULL;
out:
  ls__side_by_side_destroy(s);
  return st;
}

void ls__side_by_side_destroy(ls__side_by_side *s) {
  if (s == NULL) return;
  if (s->window == NULL)
    ls__free(s->sheet[0]);
  else
    ls__window_destroy(s->window);
  ls__free(s->mine);
  ls__free(s->batch);
  ls__free(s);
}

/* The sums of this rank's lanes, to [own lanes, width]. */
static void collect(const ls__side_by_side *s, size_t width, double *to) {
  const ls_trainer *t = s->t;
  for (size_t p = 0; p < s->passes; p++) {
    const ls__pass *pass = &t->passes[p];
    double *at = to + (pass->lane_lo - t->lane_lo) * width;
    const size_t n = (pass->lane_hi - pass->lane_lo) * width;
    if (n > 0 && ls__pass_runs(t, pass))
      memcpy(at, ls__run_sums(pass->run), n * sizeof *at);
    else if (n > 0)
      memset(at, 0, n * sizeof *at);
  }
}

/* What stage k takes of the batch: the merged sums at the end of the stage before. */
static double *before(const ls__side_by_side *s, size_t k) {
  return s->batch + (k > 0 ? k - 1 : 0) * s->widest;
}

/* The end of stage k: what stage k + 1 takes, from the sums of all lanes. */
static ls_status gather(ls__side_by_side *s, size_t k, bool backward, double *waited) {
  ls_status st = LS_OK;
  const ls_trainer *t = s->t;
  const ls__run *run = t->passes[0].run;
  const size_t width = ls__run_sums_width(run, k, backward);
  double *sheet = s->sheet[0];
  if (s->window != NULL) sheet = s->sheet[s->rounds++ % 2];
  collect(s, width, s->mine != NULL ? s->mine : sheet + t->lane_lo * width);
  const double start = ls__clock();
  if (s->window != NULL)
    LS_TRY(ls__window_fence(t->comm));
  else if (s->mine != NULL)
    LS_TRY(ls__comm_allgatherv(t->comm, s->mine, sheet, t->lane_count, width * sizeof *s->mine));
  *waited += ls__clock() - start;
  ls__run_merge(run, k, backward, t->lanes, sheet, before(s, k + 1));
out:
  return st;
}

static ls_status forward(ls__side_by_side *s, double *waited) {
  ls_status st = LS_OK;
  ls_trainer *t = s->t;
  for (size_t k = 0; k < s->stages; k++) {
    for (size_t p = 0; p < s->passes; p++) {
      ls__pass *pass = &t->passes[p];
      const ls__run_place place = ls__pass_at(t, pass);
      if (ls__pass_runs(t, pass))
        ls__run_forward_stage(pass->run, t->model->parameters, pass->n, &place, k, before(s, k));
    }
    if (k + 1 < s->stages) LS_TRY(gather(s, k, false, waited));
  }
out:
  return st;
}

void ls__side_by_side_again(const ls__side_by_side *s, const ls__pass *pass) {
  const ls_trainer *t = s->t;
  const ls__run_place place = ls__pass_at(t, pass);
  for (size_t k = 0; k < s->stages; k++)
    ls__run_forward_stage(pass->run, t->model->parameters, pass->n, &place, k, before(s, k));
}

static ls_status backward(ls__side_by_side *s, ls__finished_fn finished, double *waited) {
  ls_status st = LS_OK;
  ls_trainer *t = s->t;
  for (size_t k = 0; k < s->stages; k++) {
    for (size_t p = 0; p < s->passes; p++) {
      ls__pass *pass = &t->passes[p];
      if (ls__pass_runs(t, pass))
        ls__run_backward_stage(pass->run, t->model->parameters, pass->gradients, k, before(s, k),
                               pass->own == NULL ? finished : NULL, t);
    }
    if (k + 1 < s->stages) LS_TRY(gather(s, k, true, waited));
  }
out:
  return st;
}

/* The gradients of each pass to the exchange, where they aren't already. */
static void hand_over(ls__side_by_side *s, ls__finished_fn finished) {
  ls_trainer *t = s->t;
  const size_t moving = t->model->graph->moving;
  for (size_t p = 0; p < s->passes; p++) {
    ls__pass *pass = &t->passes[p];
    const bool runs = ls__pass_runs(t, pass);
    t->step.last_pass = p + 1 == s->passes;
    if (pass->own != NULL) {
      pass->gradients = ls__exchange_pass(t->exchange, pass->lane_lo, pass->lane_hi);
      if (runs) memcpy(pass->gradients, pass->own, moving * sizeof *pass->own);
    }
    if (!runs) ls__pass_give_zeros(t, pass);
    if (!runs)
      ls__exchange_finished(t->exchange, moving);
    else if (pass->own != NULL)
      finished(t, moving);
  }
}

ls_status ls__side_by_side_step(ls__side_by_side *s, const ls_feed *feed, ls__finished_fn finished,
                                double *waited) {
  ls_status st = LS_OK;
  ls_trainer *t = s->t;
  for (size_t p = 0; p < s->passes; p++) {
    ls__pass *pass = &t->passes[p];
    pass->gradients = pass->own;
    if (p == 0) pass->gradients = ls__exchange_pass(t->exchange, pass->lane_lo, pass->lane_hi);
  }
  ls__exchange_settle(t->exchange); /* of a rank without lanes, too */
  t->step.last_pass = s->passes == 1;
  LS_TRY(forward(s, waited));
  for (size_t p = 0; p < s->passes; p++) ls__pass_score(t, &t->passes[p], feed);
  LS_TRY(backward(s, finished, waited));
  hand_over(s, finished);
out:
  return st;
}

/* `exchange: auto`: measure a few candidates on this machine for some milliseconds each, and pick.
 *
 * Only kinds with R2 take part, so that the choice, which depends on timing, changes no result. */
#include "base/clock.h"
#include "comm/comm_internal.h"
#include "comm/exchange_internal.h"

enum {
  PROBE_FLOATS = 4 << 20, /* the longest arena that is tried: 16 MB */
  LEAST_STEPS = 3,
  MOST_STEPS = 50
};
static const double PROBE_SECONDS = 0.01;

/* The fastest of some steps without any computation, the slowest rank counting; the same on all
 * ranks.  Which steps are run is decided by the agreed times. */
static ls_status probe(ls_comm *comm, const char *name, const ls__exchange_plan *plan,
                       double *seconds) {
  ls_status st = LS_OK;
  ls__exchange *x = NULL;
  double spent = 0;
  LS_TRY(ls__exchange_create(comm, name, plan, &x));
  for (int step = 0; step < LEAST_STEPS || (spent < PROBE_SECONDS && step < MOST_STEPS); step++) {
    LS_TRY(ls__comm_barrier(comm));
    double start = ls__clock();
    ls__exchange_begin(x);
    for (size_t lo = x->lane_lo, hi; lo < x->lane_hi; lo = hi) {
      hi = ls__pass_end(lo, x->lane_hi, x->lanes, x->pass);
      ls__exchange_pass(x, lo, hi);
      for (size_t b = 0; b < x->buckets; b++)
        ls__exchange_finished(x, ls__exchange_bucket_start(x, b + 1));
    }
    for (size_t b = 0; b < x->buckets; b++) {
      ls__slice slice;
      LS_TRY(ls__exchange_slice(x, b, &slice));
      /* About as much work as the simplest update: who owns more has more to do. */
      for (size_t i = 0; i < slice.n; i++) slice.w[i] -= slice.g[i];
      LS_TRY(ls__exchange_updated(x, b));
    }
    LS_TRY(ls__exchange_end(x));
    double took = ls__clock() - start;
    LS_TRY(ls__comm_max(comm, &took, 1));
    if (step == 0 || took < *seconds) *seconds = took; /* the first touches memory */
    spent += took;
  }
out:
  ls__exchange_destroy(x);
  return st;
}

/* Bucket sizes that are tried, in order. */
static const size_t bucket_sizes[] = {256 << 10, 1 << 20, 4 << 20, 16 << 20};
enum { SIZES = sizeof bucket_sizes / sizeof *bucket_sizes };

ls_status ls__exchange_tune(ls_comm *comm, const ls__exchange_plan *plan, const char **name,
                            size_t *bucket_bytes) {
  ls_status st = LS_OK;
  bool nodes_share = ls_comm_size(comm) > ls_comm_nodes(comm);
  /* On one node messages only repeat what shared memory does; with one rank a node nothing can be
   * shared.  In between both are tried. */
  const char *candidates[] = {nodes_share ? "shared" : "tree",
                              nodes_share && ls_comm_nodes(comm) > 1 ? "tree" : NULL};
  double best = -1;
  const bool pinned = plan->bucket_bytes != 0;
  *name = candidates[0];
  *bucket_bytes = pinned ? plan->bucket_bytes : bucket_sizes[1];
  if (pinned && candidates[1] == NULL) return LS_OK; /* nothing to choose */
  for (int c = 0; c < 2 && candidates[c] != NULL && ls_comm_size(comm) > 1; c++) {
    for (int i = 0; i < (pinned ? 1 : SIZES); i++) {
      ls__exchange_plan trial = *plan;
      if (!pinned) trial.bucket_bytes = bucket_sizes[i];
      if (trial.n > PROBE_FLOATS) trial.n = PROBE_FLOATS;
      if (i > 0 && bucket_sizes[i - 1] >= trial.n * sizeof(float)) break; /* one bucket already */
      double seconds = 0;
      st = probe(comm, candidates[c], &trial, &seconds);
      if (st == LS_ENOMEM) break; /* no room here: the next candidate, if there is one */
      LS_TRY(st);
      /* A later candidate must be clearly faster: small buckets overlap more with backward. */
      if (best >= 0 && seconds > 0.9 * best) continue;
      best = seconds;
      *name = candidates[c];
      *bucket_bytes = trial.bucket_bytes;
    }
  }
  st = LS_OK;
out:
  return st;
}

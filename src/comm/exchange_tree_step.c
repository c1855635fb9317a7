/* One step of the exchanges "tree" and "shared"; the stages are those of exchange_tree.h.
 *
 * Who may touch what, when:
 *   own gradients      this rank until ready(b); then, slice by slice, whoever owns or sums the
 *                      slice, until every rank of the node has closed the bucket
 *   the node's weights all ranks of the node read bucket b until all of them are ready(b); then the
 *                      owner of a slice, or the message that brings it, writes it; all read again
 *                      when every rank of the node has closed it
 *
 * A rank closes a bucket when its slice is updated and all messages of the bucket have come and
 * gone: nothing that it must still do touches the node's memory there. */
#include "base/clock.h"
#include "comm/exchange_tree.h"

/* Work is timed where it is done, in sums and in calls of MPI: a clock costs as much as a look at
 * the flags, and a step of a small network looks often.  Asking for messages while there is nothing
 * else to do is no work, and a sum that takes no longer than reading the clock isn't timed. */
enum { LEAST_TIMED = 4096 };

static void start(ls__exchange *x, ls__message_range range) {
  ls__tree *t = x->state;
  if (range.n == 0) return;
  double began = ls__clock();
  ls__mpi_must(x->comm, MPI_Startall((int)range.n, t->request + range.first), "starting messages");
  x->times.work += ls__clock() - began;
}

static bool arrived(ls__exchange *x, ls__message_range range) {
  ls__tree *t = x->state;
  int done = 1;
  if (range.n == 0) return true;
  double began = t->waiting ? 0 : ls__clock();
  ls__mpi_must(x->comm,
               MPI_Testall((int)range.n, t->request + range.first, &done, MPI_STATUSES_IGNORE),
               "the exchange");
  if (!t->waiting) x->times.work += ls__clock() - began;
  return done != 0;
}

/* A sum, timed where it is long. */
static void sum(ls__exchange *x, ls__reduce *reduce, float *out, size_t n) {
  const ls__tree *t = x->state;
  double began = n < LEAST_TIMED ? 0 : ls__clock();
  ls__reduce_run(reduce, t->operand, out, n);
  if (n >= LEAST_TIMED) x->times.work += ls__clock() - began;
}

/* A turn of a wait in which this rank also works; *worked: its seconds before the first turn. */
static void turn(ls__exchange *x, ls__wait *wait, double *worked) {
  ls__tree *t = x->state;
  if (wait->turns == 0) *worked = x->times.work;
  t->waiting = true;
  ls__wait_turn(x->comm, wait);
}

static void wait_over(ls__exchange *x, ls__wait *wait, double worked) {
  ls__tree *t = x->state;
  ls__wait_done(x->comm, wait);
  if (wait->turns > 0) x->comm->waited -= x->times.work - worked;
  t->waiting = false;
}

/* Whether all ranks of the node have passed a count; the load acquires what they wrote before. */
static bool all_ready(const ls__exchange *x, size_t b) {
  const ls__tree *t = x->state;
  if (t->flags == NULL) return b < x->handed;
  for (int p = 0; p < t->node_size; p++)
    if (atomic_load_explicit(&t->flags[p].ready, memory_order_acquire) < t->base + b + 1)
      return false;
  return true;
}

/* Stage 1: sum this rank's share of other nodes' slices, as far as the node's lanes join, in place
 * in the first leaf of each subtree, and send it. */
static void contribute(ls__exchange *x, ls__bucket *b) {
  ls__tree *t = x->state;
  for (int j = 0; j < t->nodes; j++) {
    if (j == t->node) continue;
    size_t lo, hi;
    ls__tree_share(x, b, t->node, t->node_rank, j, &lo, &hi);
    for (size_t i = 0; i < t->trees; i++) {
      const ls__node_tree *tree = &t->tree[i];
      if (tree->n == 1) continue;
      for (size_t k = 0; k < tree->n; k++) t->operand[k] = t->leaf[tree->first + k] + lo;
      sum(x, tree->reduce, t->leaf[tree->first] + lo, hi - lo);
    }
    if (b->whole) break; /* the same share for every node */
  }
  if (t->coding != NULL) ls__coded_gradients(x, b);
  start(x, b->gradients_out);
  start(x, b->weights_in); /* nobody on this node reads the old weights any more */
}

/* Stage 2: sum the own slice. */
static void sum_slice(ls__exchange *x, ls__bucket *b) {
  ls__tree *t = x->state;
  const ls__leaf *leaf = b->whole ? t->all : t->cut;
  size_t n = b->whole ? t->n_all : t->n_cut;
  if (t->coding != NULL) ls__coded_stage(x, b);
  for (size_t i = 0; i < n; i++)
    t->operand[i] = leaf[i].arena != NULL ? leaf[i].arena + b->own
                                          : b->stage + leaf[i].staged * b->own_n;
  sum(x, b->whole ? t->reduce_whole : t->reduce_cut, b->sum, b->own_n);
}

void ls__tree_begin(ls__exchange *x) {
  ls__tree *t = x->state;
  t->contributed = t->reduced = 0;
  for (size_t b = 0; b < x->buckets; b++) start(x, t->bucket[b].gradients_in);
}

void ls__tree_ready(ls__exchange *x, size_t b) {
  ls__tree *t = x->state;
  /* Release: the gradients up to here are seen by whoever reads the counter. */
  if (t->flags != NULL)
    atomic_store_explicit(&t->flags[t->node_rank].ready, t->base + b + 1, memory_order_release);
}

void ls__tree_progress(ls__exchange *x) {
  ls__tree *t = x->state;
  while (t->contributed < x->buckets && all_ready(x, t->contributed))
    contribute(x, &t->bucket[t->contributed++]);
  /* Asking for messages also moves those that are under way, so ask even when it is too early. */
  while (t->reduced < x->buckets && arrived(x, t->bucket[t->reduced].gradients_in) &&
         t->reduced < t->contributed)
    sum_slice(x, &t->bucket[t->reduced++]);
}

bool ls__tree_reduced(ls__exchange *x, size_t b) {
  const ls__tree *t = x->state;
  if (b >= t->reduced) ls__tree_progress(x);
  return b < t->reduced;
}

void ls__tree_slice_wait(ls__exchange *x, size_t b, ls__slice *slice) {
  const ls__tree *t = x->state;
  ls__wait wait = ls__wait_for("the gradients of a bucket");
  double worked = 0;
  while (!ls__tree_reduced(x, b)) turn(x, &wait, &worked);
  wait_over(x, &wait, worked);
  slice->g = t->bucket[b].sum;
  slice->w = t->coding == NULL ? x->w + slice->offset : t->bucket[b].master;
}

/* Close what can be closed, in order. */
static void close_buckets(ls__exchange *x) {
  ls__tree *t = x->state;
  while (t->closed < t->updated) {
    const ls__bucket *b = &t->bucket[t->closed % x->buckets];
    if (!arrived(x, b->weights_in) || !arrived(x, b->gradients_out) || !arrived(x, b->weights_out))
      break;
    if (t->coding != NULL) ls__coded_arrived(x, b);
    t->closed++;
    /* Release: the new weights are seen by whoever reads the counter. */
    if (t->flags != NULL)
      atomic_store_explicit(&t->flags[t->node_rank].closed, t->closed, memory_order_release);
  }
}

void ls__tree_updated(ls__exchange *x, size_t b) {
  ls__tree *t = x->state;
  LS_ASSERT(t->updated == t->base + b);
  if (t->coding != NULL) ls__coded_weights(x, &t->bucket[b]);
  start(x, t->bucket[b].weights_out);
  t->updated++;
  close_buckets(x);
}

void ls__tree_end(ls__exchange *x) {
  ls__tree *t = x->state;
  t->base += x->buckets;
  LS_ASSERT(t->updated == t->base);
  close_buckets(x);
}

void ls__tree_settle(ls__exchange *x) {
  ls__tree *t = x->state;
  double worked = 0;
  ls__wait wait = ls__wait_for("the new weights of a bucket");
  for (close_buckets(x); t->closed < t->base; close_buckets(x)) turn(x, &wait, &worked);
  wait_over(x, &wait, worked);
  if (t->flags == NULL) return;
  wait = ls__wait_for("the ranks of its node to update their weights");
  for (int p = 0; p < t->node_size; p++)
    while (atomic_load_explicit(&t->flags[p].closed, memory_order_acquire) < t->base)
      ls__wait_turn(x->comm, &wait);
  ls__wait_done(x->comm, &wait);
}

/* The exchange as its caller sees it: lanes joined along the tree, buckets handed to one of the
 * algorithms (exchange_internal.h), state gathered for checkpoints. */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "comm/comm_internal.h"
#include "comm/exchange_internal.h"
#include "comm/reduce.h"

/* What a name stands for: an algorithm, and whether ranks of a node share memory in it. */
typedef struct choice {
  const char *name;
  const ls__exchange_kind *kind;
  bool shared;
} choice;

static const choice choices[] = {{"shared", &ls__exchange_tree, true},
                                 {"tree", &ls__exchange_tree, false},
                                 {"mpi", &ls__exchange_mpi, false}};
enum { CHOICES = sizeof choices / sizeof *choices };

const char *const *ls__exchange_names(void) {
  static const char *const names[] = {"auto", "shared", "tree", "mpi", NULL};
  return names;
}

static const choice *find(const char *name) {
  for (int i = 0; i < CHOICES; i++)
    if (strcmp(choices[i].name, name) == 0) return &choices[i];
  return NULL;
}

/* The kinds' waits are counted by the communicator; those of a call are moved to the exchange. */
static double waited(const ls__exchange *x) {
  return x->comm == NULL ? 0 : x->comm->waited;
}

static void take_waits(ls__exchange *x, double before) {
  if (x->comm == NULL) return;
  x->times.wait += x->comm->waited - before;
  x->comm->waited = before;
}

size_t ls__exchange_first_lane(const ls__exchange *x, int rank) {
  return ls__cut(x->lanes, (size_t)rank, (size_t)x->size);
}

void ls__exchange_cut(size_t lo, size_t hi, size_t i, size_t parts, size_t *part_lo,
                      size_t *part_hi) {
  /* lo is a multiple of a block; hi is one too, or the arena's end. */
  size_t blocks = (hi - lo + LS__BLOCK - 1) / LS__BLOCK;
  size_t from = lo + ls__cut(blocks, i, parts) * LS__BLOCK;
  size_t to = lo + ls__cut(blocks, i + 1, parts) * LS__BLOCK;
  *part_lo = from < hi ? from : hi;
  *part_hi = to < hi ? to : hi;
}

/* Put a finished pass on the stack; returns how many pairs of siblings were joined.  Without tree
 * order every pass is added to the first. */
static int push(const ls__exchange *x, ls__subtree *stack, int *depth, size_t lo, size_t hi) {
  int joined = 0;
  LS_ASSERT(*depth <= LS__MAX_SUBTREES);
  stack[(*depth)++] = (ls__subtree){lo, hi};
  while (*depth >= 2 &&
         (!x->kind->tree_order || ls__siblings(stack[*depth - 2], stack[*depth - 1], x->lanes))) {
    stack[*depth - 2].hi = stack[*depth - 1].hi;
    (*depth)--;
    joined++;
  }
  return joined;
}

/* Go through this rank's lanes: which subtrees they join into, and how many arenas that takes. */
static void plan_lanes(ls__exchange *x) {
  ls__subtree stack[LS__MAX_SUBTREES + 1];
  int depth = 0;
  for (size_t lo = x->lane_lo, hi; lo < x->lane_hi; lo = hi) {
    hi = ls__pass_end(lo, x->lane_hi, x->lanes, x->pass);
    if (depth + 1 > x->arenas) x->arenas = depth + 1;
    push(x, stack, &depth, lo, hi);
  }
  x->subtrees = depth;
  memcpy(x->subtree, stack, (size_t)depth * sizeof *stack);
}

ls_status ls__exchange_private_memory(ls__exchange *x) {
  ls_status st = LS_OK;
  LS_TRY(ls__alloc(&x->w, x->n + x->still, sizeof *x->w, "parameters"));
  for (int i = 0; i < x->arenas; i++)
    LS_TRY(ls__alloc(&x->arena[i], x->n, sizeof **x->arena, "gradients"));
  x->bytes += ((size_t)(x->arenas + 1) * x->n + x->still) * sizeof *x->w;
out:
  return st;
}

/* Buckets of about `bytes`, in whole blocks; 0: one bucket. */
static void cut_buckets(ls__exchange *x, size_t bytes) {
  size_t blocks = (bytes / sizeof(float) + LS__BLOCK / 2) / LS__BLOCK;
  x->bucket_floats = (blocks == 0 ? 1 : blocks) * LS__BLOCK;
  if (bytes == 0 || x->bucket_floats > x->n)
    x->bucket_floats = (x->n + LS__BLOCK - 1) / LS__BLOCK * LS__BLOCK;
  x->buckets = x->n == 0 ? 0 : (x->n - 1) / x->bucket_floats + 1;
}

static ls_status create(ls_comm *comm, const choice *c, const ls__exchange_plan *plan,
                        ls__exchange **out) {
  ls_status st = LS_OK;
  ls__exchange *x = NULL;
  LS_ASSERT(plan->lanes >= 1);
  st = ls__alloc(&x, 1, sizeof *x, "exchange");
  if (st == LS_OK) {
    x->name = c->name;
    x->kind = c->kind;
    x->shared = c->shared;
    x->codec = plan->codec;
    x->comm = comm;
    x->rank = ls_comm_rank(comm);
    x->size = ls_comm_size(comm);
    x->n = plan->n;
    x->still = plan->still;
    x->lanes = plan->lanes;
    x->pass = plan->pass > 0 ? plan->pass : 1;
    x->lane_lo = ls__exchange_first_lane(x, x->rank);
    x->lane_hi = ls__exchange_first_lane(x, x->rank + 1);
    cut_buckets(x, plan->bucket_bytes);
    plan_lanes(x);
    st = ls__alloc(&x->arena, (size_t)x->arenas + 1, sizeof *x->arena, "gradients");
  }
  LS_TRY(ls_comm_agree(comm, st));
  LS_TRY(x->kind->create(x));
  *out = x;
out:
  if (st != LS_OK) ls__exchange_destroy(x);
  return st;
}

ls_status ls__exchange_create(ls_comm *comm, const char *name, const ls__exchange_plan *plan,
                              ls__exchange **out) {
  ls_status st = LS_OK;
  ls__exchange_plan tuned = *plan;
  bool automatic = strcmp(name, "auto") == 0;
  *out = NULL;
  const bool coded = plan->codec.code != LS__CODE_NONE;
  if (coded && tuned.bucket_bytes == 0) tuned.bucket_bytes = LS__CODED_BUCKET;
  if (automatic && coded) name = "shared";
  if (automatic && !coded) LS_TRY(ls__exchange_tune(comm, plan, &name, &tuned.bucket_bytes));
  const choice *c = find(name);
  if (c == NULL) LS_FAIL(LS_ECONFIG, "exchange: %s is none of auto, shared, tree, mpi", name);
  if (coded && !c->kind->compresses)
    LS_FAIL(LS_ECONFIG, "exchange: %s can't compress; take auto, shared or tree", name);
  st = create(comm, c, &tuned, out);
  /* Shared memory may be small (in containers it often is): messages need none. */
  if (st != LS_OK && automatic && c->shared) st = create(comm, find("tree"), &tuned, out);
out:
  return st;
}

void ls__exchange_destroy(ls__exchange *x) {
  if (x == NULL) return;
  ls__exchange_settle(x);
  if (x->kind != NULL) x->kind->destroy(x);
  ls__free(x->arena);
  ls__free(x);
}

const char *ls__exchange_name(const ls__exchange *x) {
  return x->name;
}

float *ls__exchange_parameters(ls__exchange *x) {
  ls__exchange_settle(x);
  return x->w;
}

size_t ls__exchange_buckets(const ls__exchange *x) {
  return x->buckets;
}

size_t ls__exchange_bucket_start(const ls__exchange *x, size_t b) {
  return b < x->buckets ? b * x->bucket_floats : x->n;
}

size_t ls__exchange_bucket_bytes(const ls__exchange *x) {
  return x->bucket_floats * sizeof(float);
}

size_t ls__exchange_memory(const ls__exchange *x) {
  return x->bytes;
}

void ls__exchange_slice_of(const ls__exchange *x, size_t b, int rank, ls__slice *slice) {
  *slice = (ls__slice){0};
  x->kind->owner(x, b, rank, &slice->offset, &slice->n);
}

void ls__exchange_slice_range(const ls__exchange *x, size_t b, ls__slice *slice) {
  ls__exchange_slice_of(x, b, x->rank, slice);
}

bool ls__exchange_counts(const ls__exchange *x, size_t b, int rank) {
  size_t offset, n;
  return x->kind->owner(x, b, rank, &offset, &n);
}

size_t ls__exchange_owned(const ls__exchange *x) {
  size_t owned = 0;
  for (size_t b = 0; b < x->buckets; b++) {
    ls__slice slice;
    ls__exchange_slice_range(x, b, &slice);
    owned += slice.n;
  }
  return owned;
}

/* ---- one step ---- */

static void hand_over(ls__exchange *x, size_t b) {
  x->handed = b + 1;
  x->kind->ready(x, b);
}

/* The buckets of the running pass up to `upto` are final: join them up the stack while they are in
 * cache; after the last pass they are this rank's part of the exchange. */
static void merge(ls__exchange *x, size_t upto) {
  ls__subtree stack[LS__MAX_SUBTREES + 1];
  int depth = x->depth;
  memcpy(stack, x->stack, (size_t)depth * sizeof *stack);
  int joined = push(x, stack, &depth, x->lane, x->upto);
  const ls__reduce_ops *ops = ls__reduce_kernels();
  while (x->merged < x->buckets && ls__exchange_bucket_start(x, x->merged + 1) <= upto) {
    size_t b = x->merged++;
    size_t from = ls__exchange_bucket_start(x, b), to = ls__exchange_bucket_start(x, b + 1);
    double start = joined > 0 ? ls__clock() : 0;
    for (int i = 0; i < joined; i++) {
      float *left = x->arena[x->depth - 1 - i] + from, *right = x->arena[x->depth - i] + from;
      ops->sum(left, left, right, to - from);
    }
    if (joined > 0) x->times.work += ls__clock() - start;
    if (x->upto == x->lane_hi) hand_over(x, b);
  }
}

static void end_pass(ls__exchange *x) {
  if (!x->running) return;
  merge(x, x->n);
  push(x, x->stack, &x->depth, x->lane, x->upto);
  x->running = false;
  x->lane = x->upto;
}

static void begin_pass(ls__exchange *x) {
  x->upto = ls__pass_end(x->lane, x->lane_hi, x->lanes, x->pass);
  x->running = true;
  x->merged = 0;
}

/* Passes before this lane that the caller left out had no samples: zeros. */
static void skip_lanes(ls__exchange *x, size_t lane) {
  end_pass(x);
  while (x->lane < lane) {
    memset(x->arena[x->depth], 0, x->n * sizeof(float));
    begin_pass(x);
    end_pass(x);
  }
}

void ls__exchange_begin(ls__exchange *x) {
  x->depth = 0;
  x->handed = 0;
  x->lane = x->lane_lo;
  x->running = false;
  x->kind->begin(x);
  if (x->lane_lo < x->lane_hi) return;
  ls__exchange_settle(x);
  for (size_t b = 0; b < x->buckets; b++) hand_over(x, b);
}

float *ls__exchange_pass(ls__exchange *x, size_t lo, size_t hi) {
  LS_ASSERT(lo >= x->lane && lo < hi && hi <= x->lane_hi);
  ls__exchange_settle(x); /* now nobody still reads the gradients of the step before */
  skip_lanes(x, lo);
  LS_ASSERT(x->lane == lo);
  begin_pass(x);
  LS_ASSERT(x->upto == hi);
  return x->arena[x->depth];
}

void ls__exchange_finished(ls__exchange *x, size_t upto) {
  LS_ASSERT(x->running);
  merge(x, upto);
  x->kind->progress(x);
}

bool ls__exchange_ready(ls__exchange *x, size_t b) {
  return x->kind->reduced(x, b);
}

ls_status ls__exchange_slice(ls__exchange *x, size_t b, ls__slice *slice) {
  /* A bucket may be taken while the last pass still runs, but only one that is ready. */
  if (!x->kind->reduced(x, b)) skip_lanes(x, x->lane_hi);
  const double before = waited(x);
  ls__exchange_slice_range(x, b, slice);
  x->kind->slice(x, b, slice);
  take_waits(x, before);
  return LS_OK;
}

ls_status ls__exchange_updated(ls__exchange *x, size_t b) {
  x->kind->updated(x, b);
  return LS_OK;
}

ls_status ls__exchange_end_lazily(ls__exchange *x) {
  const double before = waited(x);
  skip_lanes(x, x->lane_hi);
  x->kind->end(x);
  x->settling = true;
  take_waits(x, before);
  return LS_OK;
}

void ls__exchange_settle(ls__exchange *x) {
  if (!x->settling) return;
  const double before = waited(x);
  x->kind->settle(x);
  x->settling = false;
  take_waits(x, before);
}

ls_status ls__exchange_end(ls__exchange *x) {
  ls_status st = LS_OK;
  LS_TRY(ls__exchange_end_lazily(x));
  ls__exchange_settle(x);
out:
  return st;
}

/* ---- outside steps ---- */

/* Move the slices of `rank` between own, which has them one after the other, and full, which is
 * in the order of the arena; either may lie on this rank or not. */
static void move_slices(ls__exchange *x, int rank, const float *from_own, float *to_full,
                        const float *from_full, float *to_own) {
  size_t at = 0;
  for (size_t b = 0; b < x->buckets; b++) {
    ls__slice s;
    ls__exchange_slice_of(x, b, rank, &s);
    size_t bytes = s.n * sizeof(float);
    bool counts = ls__exchange_counts(x, b, rank);
    if (bytes == 0) continue;
    if (from_own != NULL && to_full != NULL && counts) {
      memcpy(to_full + s.offset, from_own + at, bytes);
    } else if (from_own != NULL && counts) {
      ls__comm_send(x->comm, from_own + at, bytes, 0);
    } else if (to_full != NULL && counts) {
      ls__comm_receive(x->comm, to_full + s.offset, bytes, rank);
    } else if (from_full != NULL && to_own != NULL) {
      memcpy(to_own + at, from_full + s.offset, bytes);
    } else if (from_full != NULL) {
      ls__comm_send(x->comm, from_full + s.offset, bytes, rank);
    } else if (to_own != NULL) {
      ls__comm_receive(x->comm, to_own + at, bytes, 0);
    }
    at += s.n;
  }
}

ls_status ls__exchange_gather(ls__exchange *x, const float *own, float *full) {
  if (x->rank == 0) {
    move_slices(x, 0, own, full, NULL, NULL);
    for (int r = 1; r < x->size; r++) move_slices(x, r, NULL, full, NULL, NULL);
  } else {
    move_slices(x, x->rank, own, NULL, NULL, NULL);
  }
  return LS_OK;
}

ls_status ls__exchange_scatter(ls__exchange *x, const float *full, float *own) {
  if (x->rank == 0) {
    move_slices(x, 0, NULL, NULL, full, own);
    for (int r = 1; r < x->size; r++) move_slices(x, r, NULL, NULL, full, NULL);
  } else {
    move_slices(x, x->rank, NULL, NULL, NULL, own);
  }
  return LS_OK;
}

ls_status ls__exchange_publish(ls__exchange *x) {
  ls_status st = LS_OK;
  size_t bytes = (x->n + x->still) * sizeof *x->w;
  ls__exchange_settle(x);
  if (x->shared) {
    LS_TRY(ls__window_fence(x->comm)); /* everybody has read the old ones */
    LS_TRY(ls__comm_bcast_leaders(x->comm, x->w, bytes));
    LS_TRY(ls__window_fence(x->comm));
  } else {
    LS_TRY(ls__comm_bcast(x->comm, x->w, bytes));
  }
  if (x->kind->published != NULL) x->kind->published(x);
out:
  return st;
}

bool ls__exchange_holds(const ls__exchange *x, size_t *n, uint64_t *layout) {
  return x->kind->held != NULL && x->kind->held(x, n, layout) != NULL;
}

static float *held(ls__exchange *x, size_t n) {
  size_t have = 0;
  uint64_t layout;
  ls__exchange_settle(x);
  float *values = x->kind->held(x, &have, &layout);
  LS_ASSERT(have == n);
  return values;
}

void ls__exchange_held_gather(ls__exchange *x, int rank, float *values, size_t n) {
  const size_t bytes = n * sizeof *values;
  if (rank == 0 && x->rank == 0)
    memcpy(values, held(x, n), bytes);
  else if (x->rank == rank)
    ls__comm_send(x->comm, held(x, n), bytes, 0);
  else if (x->rank == 0)
    ls__comm_receive(x->comm, values, bytes, rank);
}

void ls__exchange_held_scatter(ls__exchange *x, int rank, const float *values, size_t n) {
  const size_t bytes = n * sizeof *values;
  if (rank == 0 && x->rank == 0)
    memcpy(held(x, n), values, bytes);
  else if (x->rank == rank)
    ls__comm_receive(x->comm, held(x, n), bytes, 0);
  else if (x->rank == 0)
    ls__comm_send(x->comm, values, bytes, rank);
}

ls__exchange_times ls__exchange_timing(ls__exchange *x) {
  ls__exchange_times times = x->times;
  x->times = (ls__exchange_times){0, 0};
  return times;
}

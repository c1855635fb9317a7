/* The gradient exchange: from the gradients of each lane to new weights on every rank.
 *
 * The exchange owns the memory of parameters and gradients, because where they lie (private,
 * shared by a node) is its business.  The arena of n floats is cut into buckets, contiguous runs
 * in the order in which backward finishes them; of every bucket a rank owns one slice, reduces its
 * gradient and updates its weights.  A rank may own nothing of a bucket, or all of it.
 *
 *   ls__exchange_begin(x)                               a step starts
 *   for each pass over lanes of this rank, in order:
 *     g = ls__exchange_pass(x, lo, hi)                  where its backward writes, [n], not zeroed
 *     ... backward: ls__exchange_finished(x, upto)      g[0, upto) is final; also makes progress
 *   for each bucket b, in order:
 *     ls__exchange_slice(x, b, &slice)                  waits; slice.g is the sum over all lanes
 *     ... update slice.w from slice.g
 *     ls__exchange_updated(x, b)                        slice.w may go to the other ranks
 *   ls__exchange_end(x)                                 every rank has all new weights
 *
 * With clipping by norm all slices are taken before the first is updated.  Without it, a bucket may
 * be taken and updated as soon as ls__exchange_ready says so, even between two layers of backward.
 * When a rank calls finished(upto) in its last pass, it reads the weights in [0, upto) no more in
 * this step: new ones may appear there from then on.  A lane that the caller leaves out (a short
 * batch has no samples for it) counts as zeros.  Between end and the next begin,
 * ls__exchange_parameters is readable in full on every rank, and may be written on rank 0 alone,
 * followed by publish: where a node shares them, it is one copy.
 *
 * Collective: create, destroy, begin ... end, gather, scatter, publish; each rank must make the
 * same calls, except for its own lanes.  A rank without lanes goes straight to the slices. */
#ifndef LS_COMM_EXCHANGE_H
#define LS_COMM_EXCHANGE_H

#include "comm/codec.h"
#include "comm/comm.h"

/* Slices begin and end at multiples of this many floats from the arena's start (except its end), so
 * that sums over blocks don't depend on the rank count. */
enum { LS__BLOCK = 512, LS__CODED_BUCKET = 1 << 20 };

typedef struct ls__exchange ls__exchange;

typedef struct ls__exchange_plan {
  size_t n;     /* floats in the arena */
  size_t still; /* floats of parameters behind them that no step changes */
  size_t lanes;
  size_t pass;         /* lanes of a pass, at most; 0: 1 */
  size_t bucket_bytes; /* about; rounded to blocks; 0: all in one, or "auto" measures */
  ls__codec codec;     /* compression between nodes, of "shared" and "tree" (each rank a node) */
} ls__exchange_plan;

typedef struct ls__slice {
  size_t offset, n; /* in the arena */
  float *w;         /* [n] weights, to be updated in place */
  float *g;         /* [n] the sum of gradients; may be overwritten by the update */
} ls__slice;

/* Names: "shared" (through the memory of a node, by messages between nodes; R2), "tree" (by
 * messages between all ranks; R2), "mpi" (order and timing are the MPI library's; R0), and "auto",
 * which measures and picks one of the R2 kinds, and a bucket size where the plan leaves it open;
 * its choice changes no bit.  With compression a result depends on which ranks share a node and on
 * the buckets, though not on time (R1), so "auto" then measures nothing: "shared", and buckets of
 * LS__CODED_BUCKET bytes.  NULL-terminated. */
const char *const *ls__exchange_names(void);

LS_CHECKED ls_status ls__exchange_create(ls_comm *comm, const char *name,
                                         const ls__exchange_plan *plan, ls__exchange **out);
void ls__exchange_destroy(ls__exchange *x);

const char *ls__exchange_name(const ls__exchange *x); /* never "auto": what it has picked */
size_t ls__exchange_bucket_bytes(const ls__exchange *x);
float *ls__exchange_parameters(ls__exchange *x); /* [n + still], zeroed at first */
size_t ls__exchange_buckets(const ls__exchange *x);
size_t ls__exchange_bucket_start(const ls__exchange *x, size_t b); /* b == buckets: n */
/* Bytes on this rank; memory that a node shares is divided among its ranks. */
size_t ls__exchange_memory(const ls__exchange *x);

/* Offset and n of this rank's slice of bucket b, w and g NULL.  Known from creation. */
void ls__exchange_slice_range(const ls__exchange *x, size_t b, ls__slice *slice);
/* The same of any rank.  Several ranks may own the same floats and do the same work on them; counts
 * is true for one of these ranks: the one whose values enter a sum over ranks. */
void ls__exchange_slice_of(const ls__exchange *x, size_t b, int rank, ls__slice *slice);
bool ls__exchange_counts(const ls__exchange *x, size_t b, int rank);
/* Floats in all own slices together: the length of own optimizer state. */
size_t ls__exchange_owned(const ls__exchange *x);

void ls__exchange_begin(ls__exchange *x);
/* Lanes [lo, hi): as ls__pass_end cuts them, with the plan's `pass`. */
float *ls__exchange_pass(ls__exchange *x, size_t lo, size_t hi);
void ls__exchange_finished(ls__exchange *x, size_t upto);
bool ls__exchange_ready(ls__exchange *x, size_t b); /* whether slice(b) would return at once */
LS_CHECKED ls_status ls__exchange_slice(ls__exchange *x, size_t b, ls__slice *slice);
LS_CHECKED ls_status ls__exchange_updated(ls__exchange *x, size_t b);
LS_CHECKED ls_status ls__exchange_end(ls__exchange *x);

/* The end in two parts: the first doesn't wait for other ranks, the second does.  In between the
 * next step may begin, but neither weights may be read nor gradients be written; ls__exchange_pass
 * settles by itself, so a caller that loads its samples before it asks for the pass's memory loads
 * them while other ranks still update.  Waiting for only some of the weights would
 * gain nothing more: forward begins with those that backward finishes last, and which are
 * therefore updated last. */
LS_CHECKED ls_status ls__exchange_end_lazily(ls__exchange *x);
void ls__exchange_settle(ls__exchange *x);

/* All own slices' values, concatenated in bucket order, to one full array on rank 0 and back;
 * `full` may be NULL on other ranks.  For optimizer state. */
LS_CHECKED ls_status ls__exchange_gather(ls__exchange *x, const float *own, float *full);
LS_CHECKED ls_status ls__exchange_scatter(ls__exchange *x, const float *full, float *own);

/* What compression keeps on this rank from step to step: n floats, meant for an exchange of the
 * same layout (which ranks share nodes, lanes, buckets, code).  True with compression, on all ranks
 * or on none.  A run can go on without these values: only what had not been sent is lost. */
bool ls__exchange_holds(const ls__exchange *x, size_t *n, uint64_t *layout);
/* The n floats of `rank` to rank 0, into `values`, and, after a publish, back from there.  The
 * others do nothing. */
void ls__exchange_held_gather(ls__exchange *x, int rank, float *values, size_t n);
void ls__exchange_held_scatter(ls__exchange *x, int rank, const float *values, size_t n);

/* Every rank gets rank 0's parameters (after initialisation or a resume). */
LS_CHECKED ls_status ls__exchange_publish(ls__exchange *x);

/* Seconds since the last call: waiting for others; everything else the exchange did. */
typedef struct ls__exchange_times {
  double wait, work;
} ls__exchange_times;
ls__exchange_times ls__exchange_timing(ls__exchange *x);

#endif

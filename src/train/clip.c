/* The norm of a gradient that is spread over the ranks (clip.h). */
#include "train/clip.h"

#include "base/alloc.h"
#include "tensor/span.h"

struct ls__clip {
  ls_comm *comm;
  size_t buckets, trained;
  size_t blocks;   /* of LS__BLOCK floats, in the arena */
  double *own;     /* squares of the own blocks, slice after slice */
  double *all;     /* of all ranks, rank after rank */
  double *square;  /* [blocks] in the arena's order */
  size_t *count;   /* [ranks] blocks that each rank sends */
  uint64_t *index; /* their places in the arena, rank after rank */
};

/* Which rank sends the squares of which blocks. */
static ls_status exchange_places(ls__clip *clip, const ls__exchange *exchange) {
  ls_status st = LS_OK, local = LS_OK;
  const size_t size = (size_t)ls_comm_size(clip->comm);
  uint64_t *mine = NULL, *counts = NULL, own = 0;
  size_t total = 0;
  local = ls__alloc(&mine, clip->blocks, sizeof *mine, "clipping");
  LS_THEN(local, ls__alloc(&counts, size, sizeof *counts, "clipping"));
  LS_TRY(ls_comm_agree(clip->comm, local));
  for (size_t b = 0; b < clip->buckets; b++) {
    ls__slice slice;
    ls__exchange_slice_range(exchange, b, &slice);
    for (size_t at = 0; at < slice.n; at += LS__BLOCK)
      mine[own++] = (slice.offset + at) / LS__BLOCK;
  }
  LS_TRY(ls__comm_allgatherv(clip->comm, &own, counts, NULL, sizeof own));
  for (size_t r = 0; r < size; r++) total += clip->count[r] = (size_t)counts[r];
  local = ls__alloc(&clip->index, total, sizeof *clip->index, "clipping");
  LS_THEN(local, ls__alloc(&clip->all, total, sizeof *clip->all, "clipping"));
  LS_TRY(ls_comm_agree(clip->comm, local));
  LS_TRY(ls__comm_allgatherv(clip->comm, mine, clip->index, clip->count, sizeof *mine));
out:
  ls__free(mine);
  ls__free(counts);
  return st;
}

ls_status ls__clip_create(ls_comm *comm, const ls__exchange *exchange, size_t trained,
                          ls__clip **out) {
  ls_status st = LS_OK, local = LS_OK;
  ls__clip *clip = NULL;
  *out = NULL;
  LS_TRY(ls_comm_agree(comm, ls__alloc(&clip, 1, sizeof *clip, "clipping")));
  clip->comm = comm;
  clip->trained = trained;
  clip->buckets = ls__exchange_buckets(exchange);
  clip->blocks = (ls__exchange_bucket_start(exchange, clip->buckets) + LS__BLOCK - 1) / LS__BLOCK;
  local = ls__alloc(&clip->count, (size_t)ls_comm_size(comm), sizeof *clip->count, "clipping");
  LS_THEN(local, ls__alloc(&clip->own, clip->blocks, sizeof *clip->own, "clipping"));
  LS_THEN(local, ls__alloc(&clip->square, clip->blocks, sizeof *clip->square, "clipping"));
  LS_TRY(ls_comm_agree(comm, local));
  LS_TRY(exchange_places(clip, exchange));
  *out = clip;
  clip = NULL;
out:
  ls__clip_destroy(clip);
  return st;
}

void ls__clip_destroy(ls__clip *clip) {
  if (clip == NULL) return;
  ls__free(clip->own);
  ls__free(clip->all);
  ls__free(clip->square);
  ls__free(clip->count);
  ls__free(clip->index);
  ls__free(clip);
}

/* Of floats [at, at + n) of the arena those that are gradients, not sums of statistics. */
static size_t gradients_in(const ls__clip *clip, size_t at, size_t n) {
  return at >= clip->trained ? 0 : clip->trained - at < n ? clip->trained - at : n;
}

ls_status ls__clip_squares(ls__clip *clip, const ls__slice *slice, double *sum) {
  ls_status st = LS_OK;
  size_t own = 0, all = 0;
  for (size_t b = 0; b < clip->buckets; b++)
    for (size_t at = 0; at < slice[b].n; at += LS__BLOCK) {
      const size_t n = slice[b].n - at < LS__BLOCK ? slice[b].n - at : LS__BLOCK;
      clip->own[own++] = ls__span()->sum_squares(slice[b].g + at,
                                                 gradients_in(clip, slice[b].offset + at, n));
    }
  LS_TRY(ls__comm_allgatherv(clip->comm, clip->own, clip->all, clip->count, sizeof(double)));
  for (int r = 0; r < ls_comm_size(clip->comm); r++)
    for (size_t i = 0; i < clip->count[r]; i++, all++)
      clip->square[clip->index[all]] = clip->all[all];
  *sum = 0;
  for (size_t k = 0; k < clip->blocks; k++) *sum += clip->square[k];
out:
  return st;
}

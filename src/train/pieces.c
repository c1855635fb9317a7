/* Numbers of pieces of the arena, from their owners to all ranks (pieces.h). */
#include "train/pieces.h"

#include <string.h>

#include "base/alloc.h"

/* Pieces side by side. */
typedef struct range {
  size_t first, n;
} range;

struct ls__pieces {
  ls_comm *comm;
  size_t buckets, width, count;
  size_t *start; /* [count + 1] */
  range *range;  /* [ranks, buckets] what each rank owns */
  size_t *owned; /* [ranks] pieces of each */
  double *own;   /* [own, width] */
  double *sent;  /* [all ranks' pieces, width], rank after rank */
  double *all;   /* [count, width] in the arena's order */
};

/* Where pieces begin, into start [room]; NULL: they are only counted. */
static size_t cut_arena(size_t upto, const size_t *cut, size_t n_cuts, size_t *start) {
  size_t n = 0, c = 0;
  for (size_t at = 0; at < upto; n++) {
    size_t end = (at / LS__BLOCK + 1) * LS__BLOCK;
    while (c < n_cuts && cut[c] <= at) c++;
    if (c < n_cuts && cut[c] < end) end = cut[c];
    if (start != NULL) start[n] = at;
    at = end;
  }
  if (start != NULL) start[n] = upto;
  return n;
}

/* The number of the first piece at float `at` or behind. */
static size_t find(const ls__pieces *p, size_t at) {
  size_t lo = 0, hi = p->count;
  while (lo < hi) {
    const size_t middle = lo + (hi - lo) / 2;
    if (p->start[middle] < at)
      lo = middle + 1;
    else
      hi = middle;
  }
  return lo;
}

static ls_status make(ls__pieces *p, const ls__exchange *exchange, size_t upto, const size_t *cut,
                      size_t n_cuts) {
  ls_status st = LS_OK;
  const size_t ranks = (size_t)ls_comm_size(p->comm), rank = (size_t)ls_comm_rank(p->comm);
  size_t total = 0;
  p->count = cut_arena(upto, cut, n_cuts, NULL);
  LS_TRY(ls__alloc(&p->start, p->count + 1, sizeof *p->start, "norms"));
  (void)cut_arena(upto, cut, n_cuts, p->start);
  LS_TRY(ls__alloc(&p->range, ranks * p->buckets, sizeof *p->range, "norms"));
  LS_TRY(ls__alloc(&p->owned, ranks, sizeof *p->owned, "norms"));
  for (size_t r = 0; r < ranks; r++) {
    for (size_t b = 0; b < p->buckets; b++) {
      ls__slice slice;
      ls__exchange_slice_of(exchange, b, (int)r, &slice);
      range *it = &p->range[r * p->buckets + b];
      it->first = find(p, slice.offset);
      it->n = slice.n == 0 ? 0 : find(p, slice.offset + slice.n) - it->first;
      p->owned[r] += it->n;
    }
    total += p->owned[r];
  }
  LS_TRY(ls__alloc(&p->own, p->owned[rank] * p->width, sizeof *p->own, "norms"));
  LS_TRY(ls__alloc(&p->sent, total * p->width, sizeof *p->sent, "norms"));
  LS_TRY(ls__alloc(&p->all, p->count * p->width, sizeof *p->all, "norms"));
out:
  return st;
}

ls_status ls__pieces_create(ls_comm *comm, const ls__exchange *exchange, size_t upto,
                            const size_t *cut, size_t n_cuts, size_t width, ls__pieces **out) {
  ls_status st = LS_OK;
  ls__pieces *p = NULL;
  *out = NULL;
  LS_TRY(ls_comm_agree(comm, ls__alloc(&p, 1, sizeof *p, "norms")));
  p->comm = comm;
  p->buckets = ls__exchange_buckets(exchange);
  p->width = width;
  LS_TRY(ls_comm_agree(comm, make(p, exchange, upto, cut, n_cuts)));
  *out = p;
  p = NULL;
out:
  ls__pieces_destroy(p);
  return st;
}

void ls__pieces_destroy(ls__pieces *p) {
  if (p == NULL) return;
  ls__free(p->start);
  ls__free(p->range);
  ls__free(p->owned);
  ls__free(p->own);
  ls__free(p->sent);
  ls__free(p->all);
  ls__free(p);
}

size_t ls__pieces_count(const ls__pieces *p) {
  return p->count;
}

const size_t *ls__pieces_start(const ls__pieces *p) {
  return p->start;
}

void ls__pieces_of_bucket(const ls__pieces *p, size_t bucket, size_t *first, size_t *n) {
  const range *it = &p->range[(size_t)ls_comm_rank(p->comm) * p->buckets + bucket];
  *first = it->first;
  *n = it->n;
}

double *ls__pieces_own(ls__pieces *p) {
  return p->own;
}

/* What several ranks own comes several times, with the same bits. */
ls_status ls__pieces_share(ls__pieces *p, const double **all) {
  ls_status st = LS_OK;
  const size_t ranges = (size_t)ls_comm_size(p->comm) * p->buckets;
  const double *from = p->sent;
  LS_TRY(ls__comm_allgatherv(p->comm, p->own, p->sent, p->owned, p->width * sizeof *p->own));
  for (size_t k = 0; k < ranges; k++) {
    const range *it = &p->range[k];
    if (it->n == 0) continue;
    memcpy(p->all + it->first * p->width, from, it->n * p->width * sizeof *p->all);
    from += it->n * p->width;
  }
  *all = p->all;
out:
  return st;
}

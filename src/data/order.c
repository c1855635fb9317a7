/* Dealing blocks into windows, and permuting within them (order.h). */
#include "data/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/simd.h"
#include "comm/lanes.h"

LS_SIMD_DECLARE(ls__feistel_ops, ls__feistel_ops);

void ls__permute_span(const ls__rng *rng, uint64_t n, uint64_t first, size_t count, uint64_t *out) {
  const ls__feistel_ops *feistel = LS_SIMD_PICK(ls__feistel_ops);
  uint32_t left[LS__PERMUTE], right[LS__PERMUTE], at[LS__PERMUTE];
  LS_ASSERT(count <= LS__PERMUTE);
  unsigned half = 1;
  while (half < 32 && (UINT64_C(1) << 2 * half) < n) half++;
  const uint64_t mask = (UINT64_C(1) << half) - 1;
  for (size_t k = 0; k < count; k++) {
    left[k] = (uint32_t)((first + k) >> half);
    right[k] = (uint32_t)((first + k) & mask);
    at[k] = (uint32_t)k;
  }
  /* Numbers that fall outside [0, n) go through again. */
  for (size_t open = count; open > 0;) {
    feistel->pass(rng, half, left, right, open);
    size_t still = 0;
    for (size_t k = 0; k < open; k++) {
      uint64_t i = (uint64_t)left[k] << half | right[k];
      if (i < n) {
        out[at[k]] = i;
      } else {
        left[still] = left[k];
        right[still] = right[k];
        at[still++] = at[k];
      }
    }
    open = still;
  }
}

/* Keys: 0 deals the blocks, w + 1 permutes window w, and SORTED + w its batches. */
#define SORTED (UINT64_C(1) << 62)
static ls__rng key(const ls__order *order, uint64_t which) {
  return ls__rng_key(order->seed, LS__RNG_ORDER, order->epoch, which);
}

static size_t at_least_one(double x) {
  return x < 1 ? 1 : x > 1e18 ? (size_t)1e18 : (size_t)x;
}

ls_status ls__order_init(ls__order *order, size_t n, size_t sample_bytes, double window_bytes,
                         bool shuffle) {
  enum { BLOCK_BYTES = 1 << 20, BLOCKS_A_WINDOW = 16 /* at least, where samples allow it */ };
  ls_status st = LS_OK;
  memset(order, 0, sizeof *order);
  order->n = n;
  order->shuffle = shuffle;
  const double bytes = sample_bytes == 0 ? 1 : (double)sample_bytes;
  const size_t window = at_least_one(window_bytes / bytes);
  size_t block = at_least_one(BLOCK_BYTES / bytes);
  if (block > window / BLOCKS_A_WINDOW) block = window / BLOCKS_A_WINDOW;
  if (n <= window || block == 0) block = n <= window ? (n == 0 ? 1 : n) : 1;
  order->block = block;
  order->n_blocks = (n + block - 1) / block;
  const size_t blocks = n <= window ? order->n_blocks : window / block; /* of a window */
  order->n_windows = order->n_blocks == 0 ? 0 : (order->n_blocks + blocks - 1) / blocks;
  LS_TRY(ls__alloc(&order->dealt, order->n_blocks, sizeof *order->dealt, "order of samples"));
  LS_TRY(ls__alloc(&order->start, order->n_windows + 1, sizeof *order->start, "order of samples"));
  ls__order_start(order, 0, 0);
out:
  if (st != LS_OK) ls__order_reset(order);
  return st;
}

void ls__order_reset(ls__order *order) {
  ls__free(order->dealt);
  ls__free(order->start);
  ls__free(order->length);
  ls__free(order->sorted);
  memset(order, 0, sizeof *order);
}

static int ascending(const void *a, const void *b) {
  size_t x = *(const size_t *)a, y = *(const size_t *)b;
  return (x > y) - (x < y);
}

void ls__order_start(ls__order *order, uint64_t seed, uint64_t epoch) {
  const size_t n_blocks = order->n_blocks, n_windows = order->n_windows;
  order->seed = seed;
  order->epoch = epoch;
  for (size_t b = 0; b < n_blocks; b++) order->dealt[b] = b;
  if (order->shuffle && n_windows > 1) {
    const ls__rng deal = key(order, 0);
    uint64_t some[LS__PERMUTE];
    for (size_t b = 0; b < n_blocks; b += LS__PERMUTE) {
      size_t count = n_blocks - b < LS__PERMUTE ? n_blocks - b : LS__PERMUTE;
      ls__permute_span(&deal, n_blocks, b, count, some);
      for (size_t k = 0; k < count; k++) order->dealt[b + k] = (size_t)some[k];
    }
  }
  size_t p = 0;
  for (size_t w = 0; w < n_windows; w++) {
    const size_t lo = ls__cut(n_blocks, w, n_windows), hi = ls__cut(n_blocks, w + 1, n_windows);
    qsort(order->dealt + lo, hi - lo, sizeof *order->dealt, ascending);
    order->start[w] = p;
    p += (hi - lo) * order->block;
    if (order->dealt[hi - 1] == n_blocks - 1) p -= n_blocks * order->block - order->n;
  }
  if (order->start != NULL) order->start[n_windows] = p;
}

size_t ls__order_window(const ls__order *order, size_t p) {
  size_t lo = 0, hi = order->n_windows;
  while (hi - lo > 1) {
    size_t middle = lo + (hi - lo) / 2;
    if (order->start[middle] <= p)
      lo = middle;
    else
      hi = middle;
  }
  return lo;
}

void ls__order_at(const ls__order *order, size_t lo, size_t hi, uint64_t *sample) {
  LS_ASSERT(lo <= hi && hi <= order->n);
  if (order->sorted != NULL) {
    memcpy(sample, order->sorted + lo, (hi - lo) * sizeof *sample);
    return;
  }
  if (!order->shuffle) {
    for (size_t p = lo; p < hi; p++) sample[p - lo] = p;
    return;
  }
  while (lo < hi) {
    const size_t w = ls__order_window(order, lo);
    const size_t first = order->start[w], end = order->start[w + 1];
    const size_t *blocks = order->dealt + ls__cut(order->n_blocks, w, order->n_windows);
    const ls__rng rng = key(order, w + 1);
    size_t stop = hi < end ? hi : end;
    while (lo < stop) {
      const size_t count = stop - lo < LS__PERMUTE ? stop - lo : LS__PERMUTE;
      ls__permute_span(&rng, end - first, lo - first, count, sample);
      if (order->n_windows > 1) /* number in the window -> block and place in it -> sample */
        for (size_t k = 0; k < count; k++)
          sample[k] = blocks[sample[k] / order->block] * order->block + sample[k] % order->block;
      sample += count;
      lo += count;
    }
  }
}

/* ---- By length */

/* A sample on its way, and where it stood. */
typedef struct standing {
  int32_t length;
  uint64_t sample;
  size_t at;
} standing;

static int by_length(const void *a, const void *b) {
  const standing *x = a, *y = b;
  if (x->length != y->length) return (x->length > y->length) - (x->length < y->length);
  return (x->at > y->at) - (x->at < y->at);
}

/* Positions [lo, hi), of window w: batches that lie in it as a whole are filled first, those at its
 * ends, of which other windows have a part, with what is left. */
static void sort_window(ls__order *order, size_t w, size_t batch, standing *room) {
  enum { PIECE = 64 };
  const size_t lo = order->start[w], hi = order->start[w + 1], n = hi - lo;
  const size_t first = (lo + batch - 1) / batch * batch; /* of the whole batches */
  const size_t batches = first < hi ? (hi - first) / batch : 0;
  uint64_t *to = order->sorted + lo;
  for (size_t k = 0; k < n; k++) room[k] = (standing){order->length[to[k]], to[k], k};
  const size_t piece = batch < n / PIECE + 1 ? PIECE * batch : n;
  for (size_t k = 0; k < n; k += piece)
    qsort(room + k, n - k < piece ? n - k : piece, sizeof *room, by_length);
  const ls__rng rng = key(order, SORTED + w);
  for (size_t b = 0; b < batches; b++) {
    uint64_t place = b;
    if (order->shuffle) ls__permute_span(&rng, batches, b, 1, &place);
    for (size_t k = 0; k < batch; k++)
      to[first - lo + (size_t)place * batch + k] = room[b * batch + k].sample;
  }
  const standing *rest = room + batches * batch;
  for (size_t p = lo; p < hi; p++)
    if (p < first || p >= first + batches * batch) to[p - lo] = rest++->sample;
}

ls_status ls__order_sort(ls__order *order, size_t batch) {
  ls_status st = LS_OK;
  standing *room = NULL;
  if (order->length == NULL) return LS_OK;
  ls__free(order->sorted);
  order->sorted = NULL;
  uint64_t *sorted = NULL;
  LS_TRY(ls__alloc(&sorted, order->n, sizeof *sorted, "order of samples"));
  ls__order_at(order, 0, order->n, sorted);
  order->sorted = sorted;
  LS_TRY(ls__alloc(&room, order->n, sizeof *room, "order of samples"));
  for (size_t w = 0; w < order->n_windows; w++) sort_window(order, w, batch, room);
out:
  ls__free(room);
  return st;
}

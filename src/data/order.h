/* The order of an epoch: position p -> sample, a permutation that (seed, epoch) alone fix.
 *
 * Samples are cut into blocks of neighbours in the file.  The blocks are put in random order and
 * dealt into windows of about equal size; within a window the samples are permuted.  So a reader
 * needs one window at a time, and reads whole blocks.  A dataset no larger than a window is one
 * window: simply permuted.
 *
 *   10 samples, blocks of 2, windows of 2 blocks   blocks     0 1 2 3 4
 *   in random order, dealt                          windows    3 | 0 4 | 2 1
 *   samples of a window, in the file's order        6 7 | 0 1 8 9 | 2 3 4 5
 *   permuted                                        7 6 | 8 1 0 9 | 3 5 2 4
 *
 * Where batches are to have samples of like length, the positions of a window are dealt out anew:
 * PIECE batches at a time are sorted by length, then cut into batches, and these are shuffled.
 *
 * Block and window sizes come from the sample's size, the number of samples and the config. */
#ifndef LS_DATA_ORDER_H
#define LS_DATA_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"

typedef struct ls__order {
  size_t n;     /* samples */
  bool shuffle; /* false: p -> p */
  size_t block; /* samples of a block; the last block may be shorter */
  size_t n_blocks, n_windows;
  uint64_t seed, epoch;
  size_t *dealt;    /* [n_blocks] blocks in window order, ascending within a window; owned */
  size_t *start;    /* [n_windows + 1] first position of each window; owned */
  int32_t *length;  /* [n] of samples; owned; NULL: batches are as they come */
  uint64_t *sorted; /* [n] the sample at each position; owned, with length */
} ls__order;

/* sample_bytes and window_bytes count x as floats, whatever the file has. */
LS_CHECKED ls_status ls__order_init(ls__order *order, size_t n, size_t sample_bytes,
                                    double window_bytes, bool shuffle);
void ls__order_reset(ls__order *order);

/* The order of one epoch from now on. */
void ls__order_start(ls__order *order, uint64_t seed, uint64_t epoch);
/* Then, where there are lengths, by these, for batches of this size. */
LS_CHECKED ls_status ls__order_sort(ls__order *order, size_t batch);

/* The samples at positions [lo, hi). */
void ls__order_at(const ls__order *order, size_t lo, size_t hi, uint64_t *sample);

/* The window that position p is in. */
size_t ls__order_window(const ls__order *order, size_t p);

/* out[k] = ls__rng_permute(rng, n, first + k) for k < count, several at a time; count at most
 * LS__PERMUTE. */
enum { LS__PERMUTE = 256 };
void ls__permute_span(const ls__rng *rng, uint64_t n, uint64_t first, size_t count, uint64_t *out);

/* One pass of the network under ls__rng_permute, without the walk into [0, n): numbers of
 * 2 * half bits, as their two halves, in place. */
typedef struct ls__feistel_ops {
  void (*pass)(const ls__rng *rng, unsigned half, uint32_t *left, uint32_t *right, size_t n);
} ls__feistel_ops;

#endif

/* Products in bfloat16, by AMX or AVX512_BF16.
 *
 * Parts of A and B are packed as strips, as many as there is room for (product_bf16_pack.h).  A
 * tile of C is 16 x 16; tiles of A and B are 16 pairs deep, or 8 where lanes are that short.
 *
 * Lanes: a tile's sums over some lanes are put side by side, and added along the tree of
 * comm/lanes.h.  Where a lane is one tile deep, AMX adds it to what it has in one rounding, so two
 * neighbours are joined at once.  Longer lanes are done one by one, into pieces of C that wait in
 * buffers. */
#include "tensor/product_bf16.h"

#if defined(__AVX512BF16__)
#include <string.h>

#include "base/tree.h"
#include "tensor/lane_sum.h"
#include "tensor/product_bf16_pack.h"

enum {
  PAIRS = 16,        /* of a tile of A or B */
  SHORT_PAIRS = 8,   /* where lanes are short */
  CACHE = 320 << 10, /* pairs of strips that the second cache has room for */
  GROUP = 16,        /* sums of lanes, or of two, that are added at once */
  GROUP_PAIRS = 32,  /* of a lane, at most, in a group */
  LANES_PAIRS =
      256,     /* of some lanes, at a time: a strip of A and one of B stay in the first cache */
  DEPTH = 2,   /* sums of groups that wait at once, of LANES_PAIRS */
  LEVELS = 16, /* pieces that wait at once, at most: of 2^16 lanes */
  PIECES_ROOM = LEVELS * 96 * 256,
  /* Where the least exponents of two operands, plus 127, add up to this, all sums of products are
   * multiples of 2^-126, down to the last bit: AMX takes no sum as zero that isn't. */
  NORMAL = 2 * 127 + 2 * 7 - 126,
};

/* Parts of the work memory. */
enum {
  AT_PIECES = PACK_WORK,
  AT_STRIPS = AT_PIECES + PIECES_ROOM,
  STRIPS_ROOM = LS__PRODUCT_WORK - AT_STRIPS /* and the pieces, where none wait */
};
_Static_assert((int)STRIPS_ROOM >= 8 * (int)TURN_ROOM, "the work memory is too small");
_Static_assert(LANES_PAIRS <= (int)DEPTH * GROUP * SHORT_PAIRS, "the stack is too small");

/* ---- Instructions */

/* Two strips of A, two of B, and the block of C that they make: 2 x 2 tiles, or fewer. */
typedef struct block_job {
  size_t pairs;
  const float *a[2]; /* a[1], b[1]: where there are more than 16 rows or columns */
  size_t lda;
  const float *b[2];
  const float *start; /* NULL: zero */
  size_t ld_start;
  float *c;
  size_t ldc;
  size_t m, n; /* rows and columns, up to 32 */
} block_job;

typedef struct instructions {
  void (*begin)(size_t pairs); /* of a tile */
  void (*end)(void);
  void (*block)(const block_job *job);
  /* sums[i] = a tile of C, of each lane alone: tiles of `pairs` pairs, `depth` of them a lane;
   * each = 2: of lanes 2 i and 2 i + 1, one tile deep */
  void (*group)(const float *a, size_t lda, const float *b, size_t lanes, size_t pairs,
                size_t depth, size_t each, float (*sums)[TILE * TILE]);
  bool joins; /* each may be 2, where no sum can be subnormal */
} instructions;

/* ---- Lanes */

typedef float tile[TILE * TILE];

/* The sum of `lanes` tiles along the tree, row i. */
INLINE vec tree_row(tile *t, const int lanes, size_t i) {
#define ONE(l) vec_load(t[l] + i * TILE)
#define TWO(l) vec_add(ONE(l), ONE((l) + 1))
#define FOUR(l) vec_add(TWO(l), TWO((l) + 2))
#define EIGHT(l) vec_add(FOUR(l), FOUR((l) + 4))
  switch (lanes) {
    case 1: return ONE(0);
    case 2: return TWO(0);
    case 3: return vec_add(TWO(0), ONE(2));
    case 4: return FOUR(0);
    case 5: return vec_add(FOUR(0), ONE(4));
    case 6: return vec_add(FOUR(0), TWO(4));
    case 7: return vec_add(FOUR(0), vec_add(TWO(4), ONE(6)));
    case 8: return EIGHT(0);
    case 9: return vec_add(EIGHT(0), ONE(8));
    case 10: return vec_add(EIGHT(0), TWO(8));
    case 11: return vec_add(EIGHT(0), vec_add(TWO(8), ONE(10)));
    case 12: return vec_add(EIGHT(0), FOUR(8));
    case 13: return vec_add(EIGHT(0), vec_add(FOUR(8), ONE(12)));
    case 14: return vec_add(EIGHT(0), vec_add(FOUR(8), TWO(12)));
    case 15: return vec_add(EIGHT(0), vec_add(FOUR(8), vec_add(TWO(12), ONE(14))));
    default: return vec_add(EIGHT(0), EIGHT(8));
  }
#undef ONE
#undef TWO
#undef FOUR
#undef EIGHT
}

/* Rows of C, up to n numbers each, of a tile's lanes. */
INLINE void put_tree(tile *t, const int lanes, float *c, size_t ldc, size_t m, size_t n,
                     bool stream) {
  for (size_t i = 0; i < m; i++, c += ldc) {
    const vec sum = tree_row(t, lanes, i);
    if (stream)
      vec_stream(c, sum);
    else if (n == TILE)
      vec_store(c, sum);
    else
      vec_store_some(c, sum, n);
  }
}

static void put_lanes(tile *t, size_t lanes, float *c, size_t ldc, size_t m, size_t n,
                      bool stream) {
  switch (lanes) {
#define CASE(l) \
  case l: put_tree(t, l, c, ldc, m, n, stream); break;
    CASE(1)
    CASE(2)
    CASE(3)
    CASE(4)
    CASE(5)
    CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14) CASE(15) CASE(16)
#undef CASE
  }
}

/* A tile of C over all lanes of the range, of which `each` may be summed at once. */
static void lanes_tile(const instructions *by, const float *a, size_t lda, const float *b,
                       const range *r, size_t tile_pairs, size_t each, float *c, size_t ldc,
                       size_t m, size_t n, bool stream) {
  _Alignas(64) tile sums[GROUP], stack[DEPTH];
  const size_t most = GROUP * each, groups = (r->lanes + most - 1) / most;
  size_t depth = 0;
  for (size_t g = 0; g < groups; g++, a += most * r->pairs, b += most * r->pairs * TILE) {
    const size_t lanes = g + 1 < groups ? most : r->lanes - g * most;
    by->group(a, lda, b, lanes, tile_pairs, r->pairs / tile_pairs, each, sums);
    if (groups == 1) {
      put_lanes(sums, (lanes + each - 1) / each, c, ldc, m, n, stream);
      return;
    }
    put_lanes(sums, (lanes + each - 1) / each, stack[depth++], TILE, TILE, TILE, false);
    for (size_t joins = ls__lane_joins(g, groups, depth); joins > 0; joins--, depth--)
      for (size_t i = 0; i < TILE * TILE; i++) stack[depth - 2][i] += stack[depth - 1][i];
  }
  put_lanes(stack, 1, c, ldc, m, n, stream);
}

/* ---- A product */

typedef struct job {
  const ls__product *p;
  const instructions *by;
  size_t tile_pairs;
  bool stream;
  size_t m_block, n_block; /* of a piece of C that waits */
  float *room;             /* for strips */
  size_t room_size;
} job;

/* What a product makes of a part of C, from some of k. */
typedef struct part {
  size_t m0, m, n0, n;
  const float *start;
  size_t ld_start;
  float *c;
  size_t ldc;
  bool complete; /* and nothing more is added */
} part;

/* m x n numbers of C, at c, from packed strips. */
static void tiles(const job *j, const range *r, const part *t, const float *a, const float *b,
                  size_t each) {
  const ls__product *p = j->p;
  const size_t row = strip_row(r), strip = strip_size(r);
  const size_t step = r->lanes > 1 ? TILE : 2 * TILE;
  for (size_t i = 0; i < t->m; i += step, a += step / TILE * strip) {
    const size_t m = t->m - i < step ? t->m - i : step;
    const float *at = b;
    for (size_t e = 0; e < t->n; e += step, at += step / TILE * strip) {
      const size_t n = t->n - e < step ? t->n - e : step;
      float *c = t->c + i * t->ldc + e;
      if (r->lanes > 1) {
        lanes_tile(j->by, a, row, at, r, j->tile_pairs, each, c, t->ldc, m, n,
                   j->stream && n == TILE);
        continue;
      }
      j->by->block(&(block_job){
          .pairs = r->pairs,
          .a = {a, a + strip},
          .lda = row,
          .b = {at, at + strip},
          .start = t->start != NULL ? t->start + i * t->ld_start + e : NULL,
          .ld_start = t->ld_start,
          .c = c,
          .ldc = t->ldc,
          .m = m,
          .n = n,
      });
    }
    for (size_t e = 0; t->complete && p->finish != NULL && e < m; e++)
      p->finish(p->context, t->c + (i + e) * t->ldc, t->n);
  }
}

static size_t even(size_t strips) {
  return strips + strips % 2;
}

/* A part of C from a range of k.  Of B as many strips at a time as stay in the cache, beside all of
 * A if that is small; of A as many as there is room for: both are packed once if one of them is
 * small, or A is not too large. */
static void sum_range(const job *j, const range *r, const part *t) {
  const ls__product *p = j->p;
  const size_t strip = strip_size(r), room = j->room_size / strip;
  const size_t cache = CACHE / strip < room ? CACHE / strip : room;
  const size_t all_a = even((t->m + TILE - 1) / TILE), all_b = even((t->n + TILE - 1) / TILE);
  const size_t most_b = all_a <= cache / 2 ? cache - all_a : cache / 2;
  const size_t of_b = all_b <= most_b ? all_b : even(share(all_b, most_b - 1));
  const size_t of_a = all_a <= room - of_b ? all_a : even(share(all_a, room - of_b - 1));
  float *a = j->room, *b = j->room + of_a * strip;
  unsigned least_a = 0;
  for (size_t e = 0; e < t->n; e += of_b * TILE) {
    const size_t n = t->n - e < of_b * TILE ? t->n - e : of_b * TILE;
    const unsigned least_b = pack_strips(&p->b, false, t->n0 + e, n, r, b, p->work);
    for (size_t i = 0; i < t->m; i += of_a * TILE) {
      const size_t m = t->m - i < of_a * TILE ? t->m - i : of_a * TILE;
      if (e == 0 || of_a < all_a) least_a = pack_strips(&p->a, true, t->m0 + i, m, r, a, p->work);
      const bool two = j->by->joins && r->pairs == j->tile_pairs && least_a + least_b >= NORMAL;
      part piece = *t;
      piece.m = m;
      piece.n = n;
      piece.c += i * t->ldc + e;
      if (t->start != NULL) piece.start += i * t->ld_start + e;
      tiles(j, r, &piece, a, b, two ? 2 : 1);
    }
  }
}

static size_t pairs_of(size_t k, size_t tile_pairs) {
  return (k + 2 * tile_pairs - 1) / (2 * tile_pairs) * tile_pairs;
}

/* One chain, over k numbers from p0: blocks of whole tiles. */
static void sum_chain(const job *j, size_t p0, size_t k, const part *t) {
  part now = *t;
  size_t done = 0;
  do {
    size_t some = k - done;
    if (some > 2 * MOST_PAIRS)
      some = share(pairs_of(some, PAIRS) / PAIRS, MOST_PAIRS / PAIRS) * 2 * PAIRS;
    const range r = {.p0 = p0 + done, .k = some, .lanes = 1, .pairs = pairs_of(some, PAIRS)};
    done += some;
    now.complete = t->complete && done == k;
    sum_range(j, &r, &now);
    now.start = t->c;
    now.ld_start = t->ldc;
  } while (done < k);
}

/* Whether lanes of so many pairs are summed at once. */
static bool fits(size_t lanes, size_t pairs) {
  return pairs <= GROUP_PAIRS && lanes * pairs <= LANES_PAIRS;
}

/* Lanes [lo, hi): as one range, or halved where the tree halves it. */
static void sum_lanes(const job *j, size_t lo, size_t hi, size_t pairs, const part *t,
                      float *pieces) {
  const ls__product *p = j->p;
  const size_t *lane = p->lane;
  if (lane[lo] == lane[hi]) {
    for (size_t i = 0; i < t->m; i++) {
      memset(t->c + i * t->ldc, 0, t->n * sizeof *t->c);
      if (t->complete && p->finish != NULL) p->finish(p->context, t->c + i * t->ldc, t->n);
    }
    return;
  }
  if (hi - lo == 1) {
    sum_chain(j, lane[lo] * p->each, (lane[hi] - lane[lo]) * p->each, t);
    return;
  }
  if (fits(hi - lo, pairs)) {
    sum_range(j, &(range){.lanes = hi - lo, .lane = lane + lo, .each = p->each, .pairs = pairs}, t);
    return;
  }
  const size_t half = ls__tree_half(hi - lo);
  part other = *t;
  other.c = pieces;
  other.ldc = j->n_block;
  sum_lanes(j, lo, lo + half, pairs, t, pieces);
  sum_lanes(j, lo + half, hi, pairs, &other, pieces + j->m_block * j->n_block);
  for (size_t i = 0; i < t->m; i++)
    for (size_t e = 0; e < t->n; e++) t->c[i * t->ldc + e] += pieces[i * j->n_block + e];
}

static void multiply(const ls__product *p, const instructions *by) {
  job j = {.p = p, .by = by, .tile_pairs = PAIRS};
  const part all = {.m = p->m,
                    .n = p->n,
                    .start = p->start,
                    .ld_start = p->ld_start,
                    .c = p->c,
                    .ldc = p->ldc,
                    .complete = true};
  size_t longest = 0;
  for (size_t l = 0; p->lanes > 1 && l < p->lanes; l++) {
    const size_t k = (p->lane[l + 1] - p->lane[l]) * p->each;
    if (k > longest) longest = k;
  }
  if (p->lanes > 1 && longest <= 2 * SHORT_PAIRS) j.tile_pairs = SHORT_PAIRS;
  const size_t pairs = longest > 0 ? pairs_of(longest, j.tile_pairs) : SHORT_PAIRS;
  size_t levels = 0;
  for (size_t lanes = p->lanes; lanes > 1 && !fits(lanes, pairs); lanes = ls__tree_half(lanes))
    levels++;
  LS_ASSERT(levels <= LEVELS);
  j.room = p->work + (levels > 0 ? AT_STRIPS : AT_PIECES);
  j.room_size = STRIPS_ROOM + (levels > 0 ? 0 : PIECES_ROOM);
  by->begin(j.tile_pairs);
  if (p->lanes <= 1) {
    sum_chain(&j, 0, p->k, &all);
  } else if (levels == 0) {
    j.stream = p->n % VEC == 0 && p->ldc % VEC == 0 && (uintptr_t)p->c % 64 == 0 &&
               p->finish == NULL && p->m * p->n >= STREAM_BYTES / sizeof *p->c;
    sum_lanes(&j, 0, p->lanes, pairs, &all, NULL);
  } else {
    const size_t piece = PIECES_ROOM / levels, rows = even((p->m + TILE - 1) / TILE) * TILE;
    j.m_block = rows < piece / 256 ? rows : piece / 256 / 32 * 32;
    j.n_block = piece / j.m_block / 32 * 32;
    part t = all;
    for (t.m0 = 0; t.m0 < p->m; t.m0 += j.m_block)
      for (t.n0 = 0; t.n0 < p->n; t.n0 += j.n_block) {
        t.m = p->m - t.m0 < j.m_block ? p->m - t.m0 : j.m_block;
        t.n = p->n - t.n0 < j.n_block ? p->n - t.n0 : j.n_block;
        t.c = p->c + t.m0 * p->ldc + t.n0;
        t.complete = false;
        sum_lanes(&j, 0, p->lanes, pairs, &t, p->work + AT_PIECES);
        for (size_t i = 0; p->finish != NULL && i < t.m; i++)
          p->finish(p->context, t.c + i * t.ldc, t.n);
      }
  }
  by->end();
  if (j.stream) vec_stream_end(); /* before anyone is told that C is ready */
}

/* ---- AVX512_BF16 */

/* sum[i] += row i of A times a tile of B */
INLINE void chain(const float *a, size_t lda, const float *b, size_t pairs, vec sum[TILE]) {
  for (size_t q = 0; q < pairs; q++, a++, b += TILE) {
    const __m512bh bv = (__m512bh)vec_load(b);
    UNROLL for (size_t i = 0; i < TILE; i++)
        sum[i] = _mm512_dpbf16_ps(sum[i], (__m512bh)vec_set(a[i * lda]), bv);
  }
}

static void avx512_block(const block_job *t) {
  for (size_t i = 0; i < t->m; i += TILE)
    for (size_t e = 0; e < t->n; e += TILE) {
      const size_t m = t->m - i < TILE ? t->m - i : TILE, n = t->n - e < TILE ? t->n - e : TILE;
      const float *start = t->start != NULL ? t->start + i * t->ld_start + e : NULL;
      vec sum[TILE];
      UNROLL for (size_t r = 0; r < TILE; r++)
          sum[r] = start != NULL && r < m ? vec_load_some(start + r * t->ld_start, n) : vec_zero();
      chain(t->a[i / TILE], t->lda, t->b[e / TILE], t->pairs, sum);
      float *c = t->c + i * t->ldc + e;
      UNROLL for (size_t r = 0; r < TILE; r++) {
        if (r < m) vec_store_some(c + r * t->ldc, sum[r], n);
      }
    }
}

static void avx512_group(const float *a, size_t lda, const float *b, size_t lanes, size_t pairs,
                         size_t depth, size_t each, tile *sums) {
  const size_t step = pairs * depth;
  (void)each;
  for (size_t l = 0; l < lanes; l++, a += step, b += step * TILE) {
    vec sum[TILE];
    UNROLL for (size_t r = 0; r < TILE; r++) sum[r] = vec_zero();
    chain(a, lda, b, step, sum);
    UNROLL for (size_t r = 0; r < TILE; r++) vec_store(sums[l] + r * TILE, sum[r]);
  }
}

static void nothing(size_t pairs) {
  (void)pairs;
}
static void no_end(void) {
}

static void by_avx512(const ls__product *p) {
  static const instructions avx512 = {nothing, no_end, avx512_block, avx512_group, false};
  multiply(p, &avx512);
}
const ls__bf16_multiply ls__bf16_by_avx512 = by_avx512;

#else
const ls__bf16_multiply ls__bf16_by_avx512 = NULL;
#endif

/* ---- AMX */

#if defined(__AVX512BF16__) && defined(LS__KNOWS_AMX)
#include "tensor/amx.h"

static void amx_begin_pairs(size_t pairs) {
  amx_begin(TILE, pairs, TILE);
}

static void amx_block(const block_job *t) {
  _Alignas(64) tile edge[4];
  const float *from[4] = {NULL}; /* NULL: zero */
  float *to[4] = {NULL};         /* NULL: this tile is not there */
  size_t ld_from[4] = {0}, ld_to[4] = {0}, m[4] = {0}, n[4] = {0};
  for (size_t q = 0; q < 4; q++) {
    const size_t i = q / 2 * TILE, e = q % 2 * TILE;
    if (i >= t->m || e >= t->n) continue;
    m[q] = t->m - i < TILE ? t->m - i : TILE;
    n[q] = t->n - e < TILE ? t->n - e : TILE;
    const bool whole = m[q] == TILE && n[q] == TILE;
    to[q] = whole ? t->c + i * t->ldc + e : edge[q];
    ld_to[q] = whole ? t->ldc : TILE;
    if (t->start == NULL) continue;
    from[q] = t->start + i * t->ld_start + e;
    ld_from[q] = t->ld_start;
    if (whole) continue;
    for (size_t r = 0; r < TILE; r++)
      vec_store(edge[q] + r * TILE,
                r < m[q] ? vec_load_some(from[q] + r * t->ld_start, n[q]) : vec_zero());
    from[q] = edge[q];
    ld_from[q] = TILE;
  }
#define BEGIN(q)       \
  if (from[q] == NULL) \
    ZERO(q);           \
  else                 \
    LOAD(q, from[q], ld_from[q])
  BEGIN(0);
  BEGIN(1);
  BEGIN(2);
  BEGIN(3);
  const float *a = t->a[0], *b = t->b[0], *below = t->a[1], *right = t->b[1];
  for (size_t s = 0; s < t->pairs; s += PAIRS) {
    LOAD(4, a + s, t->lda);
    LOAD(6, b + s * TILE, TILE);
    ADD_PRODUCT(0, 4, 6);
    if (to[1] != NULL) {
      LOAD(7, right + s * TILE, TILE);
      ADD_PRODUCT(1, 4, 7);
    }
    if (to[2] != NULL) {
      LOAD(5, below + s, t->lda);
      ADD_PRODUCT(2, 5, 6);
    }
    if (to[3] != NULL) ADD_PRODUCT(3, 5, 7);
  }
#define END(q) \
  if (to[q] != NULL) STORE(q, to[q], ld_to[q])
  END(0);
  END(1);
  END(2);
  END(3);
  for (size_t q = 0; q < 4; q++)
    for (size_t r = 0; to[q] == edge[q] && r < m[q]; r++)
      vec_store_some(t->c + (q / 2 * TILE + r) * t->ldc + q % 2 * TILE,
                     vec_load(edge[q] + r * TILE), n[q]);
}

/* Where a lane is one tile deep: a sum is stored while the next but one is computed, which takes
 * other registers. */
INLINE void amx_lanes(const size_t each, const float *a, size_t lda, const float *b, size_t lanes,
                      size_t pairs, tile *sums) {
#define LANE(l, of_c, of_a, of_b)         \
  LOAD(of_a, a + (l)*pairs, lda);         \
  LOAD(of_b, b + (l)*pairs * TILE, TILE); \
  ADD_PRODUCT(of_c, of_a, of_b)
#define SUM(s, of_c, of_a, of_b)    \
  ZERO(of_c);                       \
  LANE((s)*each, of_c, of_a, of_b); \
  if (each == 2) {                  \
    LANE(2 * (s) + 1, of_c, 5, 7);  \
  }
  const size_t n = lanes / each;
  for (size_t s = 0; s < n; s += 4) {
    SUM(s, 0, 4, 6);
    if (s > 0) STORE(2, sums[s - 2], TILE);
    SUM(s + 1, 1, 4, 6);
    if (s > 0) STORE(3, sums[s - 1], TILE);
    SUM(s + 2, 2, 4, 6);
    STORE(0, sums[s], TILE);
    SUM(s + 3, 3, 4, 6);
    STORE(1, sums[s + 1], TILE);
  }
  STORE(2, sums[n - 2], TILE);
  STORE(3, sums[n - 1], TILE);
}

static void amx_group(const float *a, size_t lda, const float *b, size_t lanes, size_t pairs,
                      size_t depth, size_t each, tile *sums) {
  if (depth == 1 && each == 2 && lanes % 8 == 0) {
    amx_lanes(2, a, lda, b, lanes, pairs, sums);
  } else if (depth == 1 && each == 1 && lanes % 4 == 0) {
    amx_lanes(1, a, lda, b, lanes, pairs, sums);
  } else {
    for (size_t l = 0; l < lanes; l++) {
      if (l % each == 0) ZERO(0);
      for (size_t s = 0; s < depth; s++, a += pairs, b += pairs * TILE) {
        LOAD(4, a, lda);
        LOAD(6, b, TILE);
        ADD_PRODUCT(0, 4, 6);
      }
      if (l % each + 1 == each || l + 1 == lanes) STORE(0, sums[l / each], TILE);
    }
  }
}

static void by_amx(const ls__product *p) {
  static const instructions amx = {amx_begin_pairs, amx_end, amx_block, amx_group, true};
  multiply(p, &amx);
}
const ls__bf16_multiply ls__bf16_by_amx = by_amx;
#else
const ls__bf16_multiply ls__bf16_by_amx = NULL;
#endif

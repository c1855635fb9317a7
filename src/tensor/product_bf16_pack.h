/* Packing in bfloat16, for product_bf16_tiles.c.
 *
 * Two numbers that are neighbours along k are a pair, 32 bits that lie in the place of a float.
 * Parts of A are packed as strips of 16 rows, parts of B as strips of 16 columns:
 *
 *   A   [16][pairs]   a row's pairs side by side
 *   B   [pairs][16]   a pair of each column side by side
 *
 * What runs the other way in memory is packed as it lies, and then turned over in blocks of
 * 16 x 16.  Beyond the ends of k, and of each lane, there are zeros. */
#ifndef LS_TENSOR_PRODUCT_BF16_PACK_H
#define LS_TENSOR_PRODUCT_BF16_PACK_H

#include "tensor/panel.h"

enum {
  TILE = 16,
  MOST_PAIRS = 512, /* of a strip */
  ABREAST = 8,      /* strips that are packed at once, where their rows lie side by side */
  PANEL = 64,       /* pairs of a strip that an operand's own packer is asked for at once */
  TURN_ROOM = TILE * (MOST_PAIRS + TILE),
  PACK_WORK = 2 * PANEL * TILE + TURN_ROOM
};

/* The k numbers of a sum from p0; of lanes: what each lane has, from where it begins. */
typedef struct range {
  size_t p0, k;
  size_t lanes;       /* 1: none */
  const size_t *lane; /* [lanes + 1], times `each` */
  size_t each;
  size_t pairs; /* of a lane, with the zeros behind it */
} range;

static inline size_t range_begin(const range *r, size_t l) {
  return r->lane == NULL ? r->p0 : r->lane[l] * r->each;
}
static inline size_t range_k(const range *r, size_t l) {
  return r->lane == NULL ? r->k : (r->lane[l + 1] - r->lane[l]) * r->each;
}
/* From row to row of a strip of A, so that rows don't share a set of the cache, and from strip to
 * strip of either. */
static inline size_t strip_row(const range *r) {
  return (r->lanes * r->pairs + TILE - 1) / TILE * TILE + TILE;
}
static inline size_t strip_size(const range *r) {
  return TILE * strip_row(r);
}

/* low[i] and high[i] side by side. */
INLINE vec pair(vec low, vec high) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
  return _mm512_castsi512_ps(_mm512_permutexvar_epi16(order, both));
}

/* The smallest magnitudes of bfloat16 less one step, of which zero then is the largest. */
INLINE __m512i smaller(__m512i least, __m512i numbers) {
  const __m512i size = _mm512_and_si512(numbers, _mm512_set1_epi16(0x7fff));
  return _mm512_min_epu16(least, _mm512_sub_epi16(size, _mm512_set1_epi16(1)));
}

/* to[s strip + q TILE + i] = the pair q of column s TILE + i of x [k][n]; zero beyond. */
static inline void pack_across(const float *x, size_t ldx, size_t n, size_t k, float *to,
                               size_t strip, size_t pairs, __m512i *least) {
  __m512i min = *least;
  for (size_t q = 0; q < pairs; q++, to += TILE) {
    const float *low = x + 2 * q * ldx, *high = low + ldx;
    float *at = to;
    size_t j = 0;
    if (2 * q + 1 < k)
      for (; j + TILE <= n; j += TILE, at += strip) {
        const vec both = pair(vec_load(low + j), vec_load(high + j));
        vec_store(at, both);
        min = smaller(min, _mm512_castps_si512(both));
      }
    for (; j < n; j += TILE, at += strip) {
      const size_t some = n - j < TILE ? n - j : TILE;
      vec a = vec_zero(), b = vec_zero();
      if (2 * q < k) a = vec_load_some(low + j, some);
      if (2 * q + 1 < k) b = vec_load_some(high + j, some);
      const vec both = pair(a, b);
      vec_store(at, both);
      min = smaller(min, _mm512_castps_si512(both));
    }
  }
  *least = min;
}

/* to[q] = pair q of x [k]; zero beyond, up to `pairs`, a multiple of 8. */
static inline void pack_along(const float *x, size_t k, float *to, size_t pairs, __m512i *least) {
  __m512i min = *least;
  size_t p = 0, q = 0;
  for (; p + 2 * VEC <= k; p += 2 * VEC, q += VEC) {
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(vec_load(x + p + VEC), vec_load(x + p));
    _mm512_storeu_si512(to + q, both);
    min = smaller(min, both);
  }
  for (; q < pairs; p += VEC, q += VEC / 2) {
    const vec some = p < k ? vec_load_some(x + p, k - p < VEC ? k - p : VEC) : vec_zero();
    const __m256i both = (__m256i)_mm512_cvtneps_pbh(some);
    _mm256_storeu_si256((__m256i *)(void *)(to + q), both);
    min = smaller(min, _mm512_zextsi256_si512(both));
  }
  *least = min;
}

/* Rows or columns j0 to j0 + n of an operand as strips: of A (rows), or of B.  Returns the least
 * exponent of those that are not zero, plus 127.  work: PACK_WORK floats. */
static inline unsigned pack_strips(const ls__operand *o, bool rows, size_t j0, size_t n,
                                   const range *r, float *to, float *work) {
  const size_t row = strip_row(r), strip = strip_size(r);
  const bool along = o->pack == NULL && o->outer != 1;
  float *turned = work + 2 * PANEL * TILE;
  __m512i least = _mm512_set1_epi16(-1);
  size_t abreast = along || o->pack != NULL ? 1 : ABREAST;
  if (along != rows && abreast > TURN_ROOM / strip) abreast = TURN_ROOM / strip;
  for (size_t j = 0; j < n; j += abreast * TILE, to += abreast * strip) {
    const size_t some = n - j < abreast * TILE ? n - j : abreast * TILE;
    float *at = along == rows ? to : turned;
    for (size_t l = 0; l < r->lanes; l++) {
      const size_t p0 = range_begin(r, l), k = range_k(r, l);
      if (along) {
        for (size_t i = 0; i < TILE; i++)
          pack_along(o->at + (j0 + j + i) * o->outer + p0, i < some ? k : 0,
                     at + i * row + l * r->pairs, r->pairs, &least);
      } else if (o->pack == NULL) {
        pack_across(o->at + j0 + j + p0 * o->inner, o->inner, some, k, at + l * r->pairs * TILE,
                    strip, r->pairs, &least);
      } else {
        float *panel = work;
        for (size_t q = 0; q < r->pairs; q += PANEL) {
          const size_t left = 2 * q < k ? k - 2 * q : 0, now = left < 2 * PANEL ? left : 2 * PANEL;
          if (now > 0) o->pack(o, j0 + j, some, p0 + 2 * q, now, panel, TILE);
          pack_across(panel, TILE, some, now, at + (l * r->pairs + q) * TILE, strip,
                      r->pairs - q < PANEL ? r->pairs - q : PANEL, &least);
        }
      }
    }
    for (size_t s = 0; along != rows && s * TILE < some; s++)
      for (size_t q = 0; q < r->lanes * r->pairs; q += TILE) {
        float *of_a = to + s * strip + q, *of_b = to + s * strip + q * TILE;
        if (rows)
          vec_turn(of_a, row, turned + s * strip + q * TILE, TILE, TILE);
        else
          vec_turn(of_b, TILE, turned + s * strip + q, row, TILE);
      }
  }
  uint16_t all[32];
  unsigned min = 0xffff;
  _mm512_storeu_si512(all, least);
  for (size_t i = 0; i < 32; i++) min = all[i] < min ? all[i] : min;
  return (min + 1) >> 7;
}

#endif

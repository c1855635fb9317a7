/* The innermost loops of a matrix product: a tile of C in registers, while p goes by.  For
 * product.simd.c and convolve.simd.c, which say what comes before and after. */
#ifndef LS_TENSOR_TILE_H
#define LS_TENSOR_TILE_H

#include <stdbool.h>
#include <stddef.h>

#include "tensor/panel.h"

enum {
  /* The tile fills most of the registers; the fewer vectors wide, the more rows. */
  WIDE = VECTORS == 32 ? 4 : 2,
  ROWS = VECTORS == 1 ? 2 : 6, /* of the widest */
  MOST_ROWS = ROWS * WIDE,     /* of the narrowest */
  MOST_DIRECT = MOST_ROWS < 16 ? MOST_ROWS : 16,
  K_BLOCK = 512,      /* p at a time */
  ROW = K_BLOCK + 16, /* from row to row of a strip that runs along k */
  DEPTH = 20,         /* tiles that wait at once: of 2^20 lanes in a group */
};

typedef struct tile_job {
  size_t k;
  const float *a; /* as strip_kind says */
  size_t step_a;
  const float *b;
  size_t ldb;
  const float *start; /* NULL: zero */
  size_t ld_start;
  float *c;
  size_t ldc;
  size_t last;        /* floats of the tile's last vector that are there */
  bool stream;        /* past the caches */
  const float *soon;  /* NULL, or a line of the next panel where it lies: of the first of k rows, */
  size_t ld_soon;     /* from row to row */
  size_t lanes;       /* of a tile with lanes: */
  const size_t *lane; /* [lanes + 1] where they begin, from lane[0], */
  size_t each;        /* in so many p */
} tile_job;

typedef vec sums[MOST_ROWS][WIDE];

/* How a tile reads A. */
typedef enum strip_kind {
  ALONG,  /* copied, rows along k: row r at p is a[r ROW + p] */
  DIRECT, /* the same where it lies: a[r step_a + p]; rows <= MOST_DIRECT */
  ACROSS, /* copied or where it lies, rows across k: a[p step_a + r] */
  KINDS
} strip_kind;

/* sum += a b: one p, for each row and vector of the tile. */
INLINE void step(const int rows, const int wide, const strip_kind kind, const float *a,
                 const float *const *from, size_t step_a, const float *b, sums sum) {
  vec bv[WIDE];
  UNROLL for (int v = 0; v < wide; v++) bv[v] = vec_load(b + v * VEC);
  UNROLL for (int r = 0; r < rows; r++) {
    const float *x = kind == DIRECT  ? from[r / 3] + (size_t)(r % 3) * step_a
                     : kind == ALONG ? a + r * ROW
                                     : a + r;
    const vec av = vec_set(*x);
    UNROLL for (int v = 0; v < wide; v++) sum[r][v] = vec_fma(av, bv[v], sum[r][v]);
  }
}

/* sum += A B over k of p. */
INLINE void chain(const int rows, const int wide, const strip_kind kind, size_t k, const float *a,
                  size_t step_a, const float *b, size_t ldb, sums sum) {
  const float *from[MOST_DIRECT / 3 + 1]; /* every third row: an address is a base and a multiple */
  UNROLL for (int r = 0; kind == DIRECT && r < rows; r += 3) from[r / 3] = a + (size_t)r * step_a;
  for (size_t p = 0; p < k; p++, b += ldb) {
    step(rows, wide, kind, a, from, step_a, b, sum);
    a += kind == ACROSS ? step_a : 1;
    UNROLL for (int r = 0; kind == DIRECT && r < rows; r += 3) from[r / 3]++;
  }
}

/* The same, and the next panel's lines are asked for, a few at a time: all at once would keep the
 * lines of this one waiting. */
INLINE void chain_ahead(const int rows, const int wide, const strip_kind kind, const tile_job *t,
                        sums sum) {
  enum { FEW = 16 };
  const float *a = t->a, *b = t->b, *soon = t->soon;
  for (size_t k = t->k, some; k > 0; k -= some) {
    some = k < FEW ? k : FEW;
    for (size_t p = 0; p < some; p++, soon += t->ld_soon) prefetch(soon);
    chain(rows, wide, kind, some, a, t->step_a, b, t->ldb, sum);
    a += some * (kind == ACROSS ? t->step_a : 1);
    b += some * t->ldb;
  }
}

INLINE void zero(const int rows, const int wide, sums sum) {
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < wide; v++) sum[r][v] = vec_zero();
  }
}

INLINE void put(const int rows, const int wide, const tile_job *t, sums sum) {
  UNROLL for (int r = 0; r < rows; r++) {
    float *c = t->c + (size_t)r * t->ldc;
    if (t->stream) {
      UNROLL for (int v = 0; v < wide; v++) vec_stream(c + v * VEC, sum[r][v]);
    } else {
      UNROLL for (int v = 0; v < wide - 1; v++) vec_store(c + v * VEC, sum[r][v]);
      if (t->last == VEC)
        vec_store(c + (wide - 1) * VEC, sum[r][wide - 1]);
      else
        vec_store_some(c + (wide - 1) * VEC, sum[r][wide - 1], t->last);
    }
  }
}

/* Row r of C is on its way while p goes by. */
INLINE void expect_row(const int wide, const tile_job *t, size_t r) {
  UNROLL for (int v = 0; v < wide * VEC; v += 16) prefetch_to_write(t->c + r * t->ldc + v);
}

/* sum = the start of the tile. */
INLINE void begin(const int rows, const int wide, const tile_job *t, sums sum) {
  if (t->start == NULL) {
    zero(rows, wide, sum);
    return;
  }
  UNROLL for (int r = 0; r < rows; r++) {
    const float *start = t->start + (size_t)r * t->ld_start;
    UNROLL for (int v = 0; v < wide - 1; v++) sum[r][v] = vec_load(start + v * VEC);
    sum[r][wide - 1] = vec_load_some(start + (wide - 1) * VEC, t->last);
  }
}

INLINE void plain_tile(const int rows, const int wide, const strip_kind kind, const tile_job *t) {
  sums sum;
  begin(rows, wide, t, sum);
  if (t->start != t->c && !t->stream && t->k >= 32)
    UNROLL for (int r = 0; r < rows; r++) expect_row(wide, t, (size_t)r);
  if (rows == ROWS && wide == WIDE && kind != DIRECT && t->soon != NULL)
    chain_ahead(rows, wide, kind, t, sum);
  else
    chain(rows, wide, kind, t->k, t->a, t->step_a, t->b, t->ldb, sum);
  put(rows, wide, t, sum);
}

/* sum = top + sum, top [rows, wide] vectors. */
INLINE void join(const int rows, const int wide, const float *top, sums sum) {
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < wide; v++)
        sum[r][v] = vec_add(vec_load(top + (r * wide + v) * VEC), sum[r][v]);
  }
}

/* Two lanes at a time, so that only their sum has to wait on the stack.  The longer one ends alone. */
INLINE void two_lanes(const int rows, const int wide, const tile_job *t, size_t lo, size_t mid,
                      size_t hi, sums left) {
  sums right;
  const float *a0 = t->a + lo * t->step_a, *a1 = t->a + mid * t->step_a;
  const float *b0 = t->b + lo * t->ldb, *b1 = t->b + mid * t->ldb;
  const size_t both = mid - lo < hi - mid ? mid - lo : hi - mid;
  zero(rows, wide, left);
  zero(rows, wide, right);
  for (size_t p = 0; p < both; p++) {
    step(rows, wide, ACROSS, a0, NULL, 0, b0, left);
    step(rows, wide, ACROSS, a1, NULL, 0, b1, right);
    a0 += t->step_a, a1 += t->step_a, b0 += t->ldb, b1 += t->ldb;
  }
  chain(rows, wide, ACROSS, mid - lo - both, a0, t->step_a, b0, t->ldb, left);
  chain(rows, wide, ACROSS, hi - mid - both, a1, t->step_a, b1, t->ldb, right);
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < wide; v++) left[r][v] = vec_add(left[r][v], right[r][v]);
  }
}

INLINE void lane_tile(const int rows, const int wide, const tile_job *t) {
  _Alignas(64) float stack[DEPTH][MOST_ROWS / 2 * VEC];
  sums sum;
  int depth = 0;
  const size_t first = t->lane[0];
  for (size_t l = 0;; l += 2) {
    const size_t lo = (t->lane[l] - first) * t->each, mid = (t->lane[l + 1] - first) * t->each;
    if (l + 1 == t->lanes) {
      zero(rows, wide, sum);
      chain(rows, wide, ACROSS, mid - lo, t->a + lo * t->step_a, t->step_a, t->b + lo * t->ldb,
            t->ldb, sum);
      break;
    }
    for (size_t r = l / 2; r < (size_t)rows; r += t->lanes / 2) expect_row(wide, t, r);
    two_lanes(rows, wide, t, lo, mid, (t->lane[l + 2] - first) * t->each, sum);
    for (size_t n = l / 2; n & 1; n >>= 1) join(rows, wide, stack[--depth], sum);
    if (l + 2 == t->lanes) break;
    float *top = stack[depth++];
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < wide; v++) vec_store(top + (r * wide + v) * VEC, sum[r][v]);
    }
  }
  while (depth > 0) join(rows, wide, stack[--depth], sum); /* not a power of two */
  put(rows, wide, t, sum);
}

/* A function for every size of tile: SIZES(X, AS_IS) defines X(rows, wide) of each, SIZES(Y, ROW_OF)
 * lists them. */
/* clang-format off */
#define SIX(X_, w) X_(1, w) X_(2, w) X_(3, w) X_(4, w) X_(5, w) X_(6, w)
#define EIGHT(X_, w) SIX(X_, w) X_(7, w) X_(8, w)
#define TWELVE(X_, w) EIGHT(X_, w) X_(9, w) X_(10, w) X_(11, w) X_(12, w)
#define ALL(X_, w) \
  TWELVE(X_, w) X_(13, w) X_(14, w) X_(15, w) X_(16, w) X_(17, w) X_(18, w) \
  X_(19, w) X_(20, w) X_(21, w) X_(22, w) X_(23, w) X_(24, w)
#if defined(VEC_SLOW)
#define SIZES(X_, W_) W_(1, X_(1, 1) X_(2, 1) X_(3, 1) X_(4, 1)) W_(2, X_(1, 2) X_(2, 2))
#elif defined(__AVX2__) && !defined(__AVX512F__)
#define SIZES(X_, W_) W_(1, TWELVE(X_, 1)) W_(2, SIX(X_, 2))
#else
#define SIZES(X_, W_) W_(1, ALL(X_, 1)) W_(2, TWELVE(X_, 2)) W_(3, EIGHT(X_, 3)) W_(4, SIX(X_, 4))
#endif
#define AS_IS(wide, ...) __VA_ARGS__
#define ROW_OF(wide, ...) [wide - 1] = {__VA_ARGS__},
/* clang-format on */

#endif

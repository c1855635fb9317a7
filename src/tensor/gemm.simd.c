/* Matrix products for the shapes of training, with AVX-512: a batch of tens to hundreds of rows
 * against a weight matrix.  A general library first copies both operands into a layout of its own;
 * with so few rows the copies are used too seldom to pay.
 *
 * A tile of C, ROWS rows by WIDE vectors, stays in registers while k goes by: each step loads WIDE
 * vectors of a row of B and one number each of ROWS rows of A.  A is read where it lies, under any
 * strides; B too where its rows run along n; a transposed B is turned over, a panel at a time.
 *
 *            n0 .. n0 + WIDE vectors
 *   k0 ..  [ B panel, K_BLOCK rows  ]     in the second cache
 *    i     [ tile ]                       in registers
 *    i+6   [ tile ]
 *
 * An element of C is one chain of fused multiply-adds, k ascending, whatever tile it falls into:
 * its bits depend on its row of A, its column of B and k, not on the number of rows. */
#include "tensor/gemm_ops.h"

#if defined(__AVX512F__)
#include <immintrin.h>

/* Functions are inlined with constant sizes, and loops over a tile written out, so that an array
 * of vectors is registers. */
#if defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#else
#define INLINE static inline
#define UNROLL
#endif

enum {
  LANES = 16,
  ROWS = 6,
  WIDE = 4, /* 24 of the 32 registers hold the tile */
  K_BLOCK = 512,
  M_BLOCK = 192,
  STREAM_BYTES = 16 << 20 /* a C of this size is gone from the cache before anyone reads it */
};

INLINE __mmask16 first_lanes(size_t n) {
  return (__mmask16)(0xffffU >> (LANES - n));
}

/* The last vector of a tile's rows is cut by `last`.  The tile starts from zero, or from `start` at
 * row length ld_start: C itself to add to it, a bias at length 0.  `stream`: past the caches. */
INLINE void tile(const int rows, const int wide, size_t k, const float *a, size_t row_a,
                 size_t step_a, const float *b, size_t ldb, const float *start, size_t ld_start,
                 float *c, size_t ldc, bool stream, __mmask16 last) {
  __m512 sum[ROWS][WIDE];
  if (start != NULL) {
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < wide; v++)
          sum[r][v] = _mm512_maskz_loadu_ps(v < wide - 1 ? (__mmask16)0xffff : last,
                                            start + (size_t)r * ld_start + v * LANES);
    }
  } else {
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < wide; v++) sum[r][v] = _mm512_setzero_ps();
    }
  }
  if (start != c && !stream) { /* C is on its way while k goes by */
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < wide; v++)
          _mm_prefetch((const char *)(c + (size_t)r * ldc + v * LANES), _MM_HINT_T0);
    }
  }
  for (size_t p = 0; p < k; p++, a += step_a, b += ldb) {
    __m512 bv[WIDE];
    UNROLL for (int v = 0; v < wide - 1; v++) bv[v] = _mm512_loadu_ps(b + v * LANES);
    bv[wide - 1] = _mm512_maskz_loadu_ps(last, b + (wide - 1) * LANES);
    UNROLL for (int r = 0; r < rows; r++) {
      __m512 av = _mm512_set1_ps(a[(size_t)r * row_a]);
      UNROLL for (int v = 0; v < wide; v++) sum[r][v] = _mm512_fmadd_ps(av, bv[v], sum[r][v]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++) {
    float *cr = c + (size_t)r * ldc;
    if (stream) {
      UNROLL for (int v = 0; v < wide; v++) _mm512_stream_ps(cr + v * LANES, sum[r][v]);
    } else {
      UNROLL for (int v = 0; v < wide - 1; v++) _mm512_storeu_ps(cr + v * LANES, sum[r][v]);
      _mm512_mask_storeu_ps(cr + (wide - 1) * LANES, last, sum[r][wide - 1]);
    }
  }
}

/* A function for every size of tile. */
typedef void (*tile_fn)(size_t k, const float *a, size_t row_a, size_t step_a, const float *b,
                        size_t ldb, const float *start, size_t ld_start, float *c, size_t ldc,
                        bool stream, __mmask16 last);
#define TILE(rows, wide)                                                                  \
  static void tile_##rows##_##wide(size_t k, const float *a, size_t row_a, size_t step_a, \
                                   const float *b, size_t ldb, const float *start,        \
                                   size_t ld_start, float *c, size_t ldc, bool stream,    \
                                   __mmask16 last) {                                      \
    tile(rows, wide, k, a, row_a, step_a, b, ldb, start, ld_start, c, ldc, stream, last); \
  }
#define TILES(wide) \
  TILE(1, wide) TILE(2, wide) TILE(3, wide) TILE(4, wide) TILE(5, wide) TILE(6, wide)
#define NAMES(wide) \
  { tile_1_##wide, tile_2_##wide, tile_3_##wide, tile_4_##wide, tile_5_##wide, tile_6_##wide }
TILES(1)
TILES(2)
TILES(3)
TILES(4)
static tile_fn const tiles[WIDE][ROWS] = {NAMES(1), NAMES(2), NAMES(3), NAMES(4)};

/* The next piece of `left`, `most` at most: as few pieces as possible, nearly equal, so that no
 * small one is left over. */
static size_t share(size_t left, size_t most) {
  size_t pieces = (left + most - 1) / most;
  return (left + pieces - 1) / pieces;
}

/* t[i] lane j = r[j] lane i: pairs, then fours, then quarters of registers. */
INLINE void transpose(__m512 r[LANES]) {
  __m512 t[LANES];
  UNROLL for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    r[4 * i] = _mm512_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm512_shuffle_ps(t[4 * i], t[4 * i + 2], 0xEE);
    r[4 * i + 2] = _mm512_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm512_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xEE);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xDD);
    t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xDD);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xDD);
    r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xDD);
  }
}

/* panel[p][j] = b[j][p] for j < n, p < k; the panel's rows are `width` long, a multiple of LANES,
 * zero beyond n. */
static void turn(float *panel, size_t width, const float *b, size_t ldb, size_t n, size_t k) {
  for (size_t j = 0; j < width; j += LANES) {
    size_t rows = n - j < LANES ? n - j : LANES;
    for (size_t p = 0; p < k; p += LANES) {
      size_t columns = k - p < LANES ? k - p : LANES;
      __mmask16 some = first_lanes(columns);
      const float *from = b + j * ldb + p;
      float *to = panel + p * width + j;
      __m512 block[LANES];
      if (rows == LANES) {
        UNROLL for (size_t i = 0; i < LANES; i++)
            block[i] = _mm512_maskz_loadu_ps(some, from + i * ldb);
      } else {
        UNROLL for (size_t i = 0; i < LANES; i++)
            block[i] = i < rows ? _mm512_maskz_loadu_ps(some, from + i * ldb) : _mm512_setzero_ps();
      }
      transpose(block);
      UNROLL for (size_t i = 0; i < LANES; i++) if (i < columns)
          _mm512_store_ps(to + i * width, block[i]);
    }
  }
}

static void product(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                    const float *a, size_t lda, const float *b, size_t ldb, const float *start,
                    size_t ld_start, float *c, size_t ldc) {
  _Alignas(64) float panel[K_BLOCK * WIDE * LANES];
  const size_t row_a = transpose_a ? 1 : lda, step_a = transpose_a ? lda : 1;
  /* A turned panel is worth using for all rows; else A's rows go in blocks that stay in the second
   * cache. */
  const size_t m_block = transpose_b ? m : M_BLOCK;
  const bool stream = start != c && k <= K_BLOCK && n % LANES == 0 && ldc % LANES == 0 &&
                      (size_t)c % 64 == 0 && m * n >= STREAM_BYTES / sizeof *c;
  for (size_t k0 = 0, kc; k0 < k; k0 += kc) {
    kc = share(k - k0, K_BLOCK);
    if (k0 > 0) {
      start = c;
      ld_start = ldc;
    }
    for (size_t m0 = 0, mc; m0 < m; m0 += mc) {
      mc = share(m - m0, m_block);
      for (size_t n0 = 0, wide; n0 < n; n0 += wide * LANES) {
        wide = share((n - n0 + LANES - 1) / LANES, WIDE);
        size_t nc = n - n0 < wide * LANES ? n - n0 : wide * LANES;
        __mmask16 last = first_lanes(nc - (wide - 1) * LANES);
        const float *bp = transpose_b ? panel : b + k0 * ldb + n0;
        size_t step_b = transpose_b ? wide * LANES : ldb;
        if (transpose_b) turn(panel, step_b, b + n0 * ldb + k0, ldb, nc, kc);
        for (size_t i = m0, rows; i < m0 + mc; i += rows) {
          rows = share(m0 + mc - i, ROWS);
          tiles[wide - 1][rows - 1](kc, a + i * row_a + k0 * step_a, row_a, step_a, bp, step_b,
                                    start != NULL ? start + i * ld_start + n0 : NULL, ld_start,
                                    c + i * ldc + n0, ldc, stream, last);
        }
      }
    }
  }
  if (stream) _mm_sfence(); /* before anyone is told that C is ready */
}

#define PRODUCT product
#else
#define PRODUCT NULL
#endif

LS_SIMD_DECLARE(ls__gemm_ops, ls__gemm_ops);
const ls__gemm_ops LS_SIMD(ls__gemm_ops) = {PRODUCT};

/* A vector of floats as wide as the instruction set that this file is compiled for, and the few
 * operations that a matrix product is made of.  For kernels in NAME.simd.c.
 *
 *   VEC                    floats in a vector: 16 (AVX-512), 8 (AVX2), 4 (NEON and the rest)
 *   vec_fma(a, b, c)       a b + c, rounded once: the same bits at every width
 *   vec_load_some(x, n)    x[0..n), zero beyond; reads nothing there
 *   vec_turn(y, ldy, x, ldx, rows)   y[p][j] = x[j][p], a block of VEC x VEC; of x only `rows` are
 *                          there, and the last of them stands for the rest */
#ifndef LS_TENSOR_VECTOR_H
#define LS_TENSOR_VECTOR_H

#include <math.h>
#include <stddef.h>

/* Functions are inlined with constant sizes, and loops over a tile written out, so that an array
 * of vectors is registers. */
#if defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 24")
#else
#define INLINE static inline
#define UNROLL
#endif

INLINE size_t vec_row(size_t i, size_t rows) {
  return i < rows ? i : rows - 1;
}

#if defined(__AVX512F__)
#include <immintrin.h>
enum { VEC = 16, VECTORS = 32 /* registers */ };
typedef __m512 vec;
INLINE vec vec_zero(void) {
  return _mm512_setzero_ps();
}
INLINE vec vec_set(float a) {
  return _mm512_set1_ps(a);
}
INLINE vec vec_load(const float *x) {
  return _mm512_loadu_ps(x);
}
INLINE void vec_store(float *x, vec v) {
  _mm512_storeu_ps(x, v);
}
INLINE void vec_stream(float *x, vec v) {
  _mm512_stream_ps(x, v);
}
INLINE void vec_stream_end(void) {
  _mm_sfence();
}
INLINE vec vec_add(vec a, vec b) {
  return _mm512_add_ps(a, b);
}
INLINE vec vec_fma(vec a, vec b, vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
INLINE __mmask16 vec_first(size_t n) {
  return (__mmask16)(0xffffU >> (16 - n));
}
INLINE vec vec_load_some(const float *x, size_t n) {
  return _mm512_maskz_loadu_ps(vec_first(n), x);
}
INLINE void vec_store_some(float *x, vec v, size_t n) {
  _mm512_mask_storeu_ps(x, vec_first(n), v);
}
/* Every row is loaded once and whole: rows whose length is a power of two share a set of the cache.
 * Blocks of 4 x 4 within quarters, then whole quarters. */
INLINE void vec_turn(float *y, size_t ldy, const float *x, size_t ldx, size_t rows) {
  __m512 t[16];
  UNROLL for (size_t i = 0; i < 16; i += 4) {
    const __m512 r0 = _mm512_loadu_ps(x + vec_row(i, rows) * ldx);
    const __m512 r1 = _mm512_loadu_ps(x + vec_row(i + 1, rows) * ldx);
    const __m512 r2 = _mm512_loadu_ps(x + vec_row(i + 2, rows) * ldx);
    const __m512 r3 = _mm512_loadu_ps(x + vec_row(i + 3, rows) * ldx);
    const __m512 a = _mm512_unpacklo_ps(r0, r1), b = _mm512_unpackhi_ps(r0, r1);
    const __m512 c = _mm512_unpacklo_ps(r2, r3), d = _mm512_unpackhi_ps(r2, r3);
    t[i] = _mm512_shuffle_ps(a, c, 0x44); /* quarter q: column 4 q of rows i to i + 3 */
    t[i + 1] = _mm512_shuffle_ps(a, c, 0xEE);
    t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm512_shuffle_ps(b, d, 0xEE);
  }
  UNROLL for (size_t c = 0; c < 4; c++) { /* columns c, 4 + c, 8 + c, 12 + c */
    const __m512 even01 = _mm512_shuffle_f32x4(t[c], t[4 + c], 0x88);
    const __m512 odd01 = _mm512_shuffle_f32x4(t[c], t[4 + c], 0xDD);
    const __m512 even23 = _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0x88);
    const __m512 odd23 = _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0xDD);
    _mm512_storeu_ps(y + c * ldy, _mm512_shuffle_f32x4(even01, even23, 0x88));
    _mm512_storeu_ps(y + (4 + c) * ldy, _mm512_shuffle_f32x4(odd01, odd23, 0x88));
    _mm512_storeu_ps(y + (8 + c) * ldy, _mm512_shuffle_f32x4(even01, even23, 0xDD));
    _mm512_storeu_ps(y + (12 + c) * ldy, _mm512_shuffle_f32x4(odd01, odd23, 0xDD));
  }
}

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
enum { VEC = 8, VECTORS = 16 };
typedef __m256 vec;
INLINE vec vec_zero(void) {
  return _mm256_setzero_ps();
}
INLINE vec vec_set(float a) {
  return _mm256_set1_ps(a);
}
INLINE vec vec_load(const float *x) {
  return _mm256_loadu_ps(x);
}
INLINE void vec_store(float *x, vec v) {
  _mm256_storeu_ps(x, v);
}
INLINE void vec_stream(float *x, vec v) {
  _mm256_stream_ps(x, v);
}
INLINE void vec_stream_end(void) {
  _mm_sfence();
}
INLINE vec vec_add(vec a, vec b) {
  return _mm256_add_ps(a, b);
}
INLINE vec vec_fma(vec a, vec b, vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
INLINE __m256i vec_first(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vec vec_load_some(const float *x, size_t n) {
  return _mm256_maskload_ps(x, vec_first(n));
}
INLINE void vec_store_some(float *x, vec v, size_t n) {
  _mm256_maskstore_ps(x, vec_first(n), v);
}
/* As above, with halves. */
INLINE void vec_turn(float *y, size_t ldy, const float *x, size_t ldx, size_t rows) {
  UNROLL for (int q = 0; q < 2; q++) {
    __m256 z[4];
    UNROLL for (int i = 0; i < 4; i++) {
      const float *from = x + 4 * q;
      const size_t r = (size_t)i;
      z[i] = _mm256_castps128_ps256(_mm_loadu_ps(from + vec_row(r, rows) * ldx));
      z[i] = _mm256_insertf128_ps(z[i], _mm_loadu_ps(from + vec_row(r + 4, rows) * ldx), 1);
    }
    const __m256 a = _mm256_unpacklo_ps(z[0], z[1]), b = _mm256_unpackhi_ps(z[0], z[1]);
    const __m256 c = _mm256_unpacklo_ps(z[2], z[3]), d = _mm256_unpackhi_ps(z[2], z[3]);
    float *to = y + (size_t)(4 * q) * ldy;
    _mm256_storeu_ps(to, _mm256_shuffle_ps(a, c, 0x44));
    _mm256_storeu_ps(to + ldy, _mm256_shuffle_ps(a, c, 0xEE));
    _mm256_storeu_ps(to + 2 * ldy, _mm256_shuffle_ps(b, d, 0x44));
    _mm256_storeu_ps(to + 3 * ldy, _mm256_shuffle_ps(b, d, 0xEE));
  }
}

#else
#if defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
enum { VEC = 4, VECTORS = 32 };
typedef float32x4_t vec;
INLINE vec vec_zero(void) {
  return vdupq_n_f32(0);
}
INLINE vec vec_set(float a) {
  return vdupq_n_f32(a);
}
INLINE vec vec_load(const float *x) {
  return vld1q_f32(x);
}
INLINE void vec_store(float *x, vec v) {
  vst1q_f32(x, v);
}
INLINE vec vec_add(vec a, vec b) {
  return vaddq_f32(a, b);
}
INLINE vec vec_fma(vec a, vec b, vec c) {
  return vfmaq_f32(c, a, b);
}
#else /* any processor: fmaf is one instruction where there is one, else a function of libm */
#define VEC_SLOW
enum { VEC = 4, VECTORS = 1 };
typedef struct vec {
  float x[4];
} vec;
INLINE vec vec_zero(void) {
  return (vec){{0, 0, 0, 0}};
}
INLINE vec vec_set(float a) {
  return (vec){{a, a, a, a}};
}
INLINE vec vec_load(const float *x) {
  return (vec){{x[0], x[1], x[2], x[3]}};
}
INLINE void vec_store(float *x, vec v) {
  for (int i = 0; i < 4; i++) x[i] = v.x[i];
}
INLINE vec vec_add(vec a, vec b) {
  for (int i = 0; i < 4; i++) a.x[i] += b.x[i];
  return a;
}
INLINE vec vec_fma(vec a, vec b, vec c) {
  for (int i = 0; i < 4; i++) c.x[i] = fmaf(a.x[i], b.x[i], c.x[i]);
  return c;
}
#endif
INLINE void vec_stream(float *x, vec v) {
  vec_store(x, v);
}
INLINE void vec_stream_end(void) {
}
INLINE vec vec_load_some(const float *x, size_t n) {
  float some[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < n; i++) some[i] = x[i];
  return vec_load(some);
}
INLINE void vec_store_some(float *x, vec v, size_t n) {
  float some[4];
  vec_store(some, v);
  for (size_t i = 0; i < n; i++) x[i] = some[i];
}
INLINE void vec_turn(float *y, size_t ldy, const float *x, size_t ldx, size_t rows) {
  for (size_t p = 0; p < 4; p++)
    for (size_t j = 0; j < 4; j++) y[p * ldy + j] = x[vec_row(j, rows) * ldx + p];
}
#endif

#endif

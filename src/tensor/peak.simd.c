/* Chains of multiply-adds that never leave the registers.  One waits 4 cycles for its last step, and
 * two are begun a cycle, so that 8 are needed and 12 are enough. */
#include "tensor/peak.h"

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512 vec;
#define ALL(x) _mm512_set1_ps(x)
#define STEP(s, x, y) _mm512_fmadd_ps(s, x, y)
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
typedef __m256 vec;
#define ALL(x) _mm256_set1_ps(x)
#define STEP(s, x, y) _mm256_fmadd_ps(s, x, y)
#elif defined(__aarch64__)
#include <arm_neon.h>
typedef float32x4_t vec;
#define ALL(x) vdupq_n_f32(x)
#define STEP(s, x, y) vfmaq_f32(y, s, x)
#else
typedef struct vec {
  float lane[4];
} vec;
static inline vec all(float x) {
  return (vec){{x, x, x, x}};
}
static inline vec step(vec s, vec x, vec y) {
  for (int i = 0; i < 4; i++) s.lane[i] = s.lane[i] * x.lane[i] + y.lane[i];
  return s;
}
#define ALL(x) all(x)
#define STEP(s, x, y) step(s, x, y)
#endif

enum { CHAINS = 12, WIDTH = sizeof(vec) / sizeof(float) };

/* s <- 0.999 s + 0.001, which stays near 1. */
static float chains(size_t rounds, float start) {
  const vec x = ALL(0.999F), y = ALL(0.001F);
  vec s0 = ALL(start), s1 = ALL(start + 1), s2 = ALL(start + 2), s3 = ALL(start + 3),
      s4 = ALL(start + 4), s5 = ALL(start + 5), s6 = ALL(start + 6), s7 = ALL(start + 7),
      s8 = ALL(start + 8), s9 = ALL(start + 9), s10 = ALL(start + 10), s11 = ALL(start + 11);
  for (size_t i = 0; i < rounds; i++) {
    s0 = STEP(s0, x, y);
    s1 = STEP(s1, x, y);
    s2 = STEP(s2, x, y);
    s3 = STEP(s3, x, y);
    s4 = STEP(s4, x, y);
    s5 = STEP(s5, x, y);
    s6 = STEP(s6, x, y);
    s7 = STEP(s7, x, y);
    s8 = STEP(s8, x, y);
    s9 = STEP(s9, x, y);
    s10 = STEP(s10, x, y);
    s11 = STEP(s11, x, y);
  }
  const vec sum[CHAINS] = {s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11};
  float total = 0;
  for (int c = 0; c < CHAINS; c++)
    for (int i = 0; i < WIDTH; i++) total += ((const float *)&sum[c])[i];
  return total;
}

LS_SIMD_DECLARE(ls__peak_ops, ls__peak_ops);
const ls__peak_ops LS_SIMD(ls__peak_ops) = {chains, (size_t)2 * CHAINS *WIDTH};

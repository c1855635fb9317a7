/* Asking the processor, once, which instruction set it has. */
#include "base/simd.h"

#include <stdatomic.h>

#include "base/environment.h"

ls__simd_level ls__simd_level_best(void) {
  ls__simd_level level = LS__SIMD_BASELINE;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) level = LS__SIMD_AVX2;
  if (level == LS__SIMD_AVX2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    level = LS__SIMD_AVX512;
#endif
  return level;
}

static ls__simd_level detect(void) {
  const ls__simd_level best = ls__simd_level_best();
  const int wish = ls__environment_choice("LOCKSTEP_SIMD");
  return wish >= 0 && wish < (int)best ? (ls__simd_level)wish : best;
}

ls__simd_level ls__simd_level_now(void) {
  static _Atomic int known = -1; /* racing threads find the same answer */
  int level = atomic_load_explicit(&known, memory_order_relaxed);
  if (level < 0) {
    level = (int)detect();
    atomic_store_explicit(&known, level, memory_order_relaxed);
  }
  return (ls__simd_level)level;
}

const char *ls__simd_name(ls__simd_level level) {
  return level == LS__SIMD_AVX512 ? "avx512" : level == LS__SIMD_AVX2 ? "avx2" : "baseline";
}

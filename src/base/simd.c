/* Asking the processor, once, which instruction set it has. */
#include "base/simd.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  ls__simd_level level = ls__simd_level_best();
  const char *wish = getenv("LOCKSTEP_SIMD");
  if (wish != NULL) {
    ls__simd_level limit = level;
    if (strcmp(wish, "baseline") == 0)
      limit = LS__SIMD_BASELINE;
    else if (strcmp(wish, "avx2") == 0)
      limit = LS__SIMD_AVX2;
    else if (strcmp(wish, "avx512") != 0)
      fprintf(stderr,
              "lockstep: note: LOCKSTEP_SIMD=%.40s is none of baseline, avx2, avx512: ignored\n",
              wish);
    if (limit < level) level = limit;
  }
  return level;
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

/* One source, three builds: a file NAME.simd.c is compiled for plain x86-64 (or whatever the
 * machine is), for AVX2 and for AVX-512, and one of the three is picked at run time.  It ends in
 *
 *   const struct ls__span_ops LS_SIMD(ls__span_ops) = { add, scale, ... };
 *
 * and the room's ordinary source picks: `LS_SIMD_PICK(ls__span_ops)`, a pointer to the table.
 * Kernels are plain loops that the compiler turns into vectors.  Contraction to fused
 * multiply-add is off (-ffp-contract=off), so an element-wise kernel gives the same bits in all
 * three; a kernel that sums must fix its order by hand (16 partial sums, then a tree). */
#ifndef LS_BASE_SIMD_H
#define LS_BASE_SIMD_H

typedef enum ls__simd_level { LS__SIMD_BASELINE, LS__SIMD_AVX2, LS__SIMD_AVX512 } ls__simd_level;

/* What this processor can run, lowered by LOCKSTEP_SIMD=baseline|avx2|avx512 in the environment
 * (for tests and comparisons).  The answer never changes during a process. */
ls__simd_level ls__simd_level_now(void);
ls__simd_level ls__simd_level_best(void); /* whatever LOCKSTEP_SIMD says */
const char *ls__simd_name(ls__simd_level level);

#define LS__SIMD_GLUE2(name, isa) name##_##isa
#define LS__SIMD_GLUE(name, isa) LS__SIMD_GLUE2(name, isa)
/* LS__ISA comes from the build: baseline, avx2 or avx512. */
#define LS_SIMD(name) LS__SIMD_GLUE(name, LS__ISA)

#if defined(__x86_64__)
#define LS_SIMD_DECLARE(type, name) extern const type name##_baseline, name##_avx2, name##_avx512
#define LS_SIMD_PICK(name)                                  \
  (ls__simd_level_now() == LS__SIMD_AVX512 ? &name##_avx512 \
   : ls__simd_level_now() == LS__SIMD_AVX2 ? &name##_avx2   \
                                           : &name##_baseline)
#else
#define LS_SIMD_DECLARE(type, name) extern const type name##_baseline
#define LS_SIMD_PICK(name) (&name##_baseline)
#endif

#endif

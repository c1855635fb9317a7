/* The instructions of AMX that products in bfloat16 are made of, where LS__KNOWS_AMX.  In
 * assembler, since intrinsics of older compilers don't say that they touch memory.
 *
 * Registers: 0 to 3 for tiles of C, 4 and 5 of A, 6 and 7 of B. */
#ifndef LS_TENSOR_AMX_H
#define LS_TENSOR_AMX_H

#include <stdint.h>

#define ZERO(t) __asm__ volatile("tilezero %%tmm" #t ::)
/* clang-format off */
#define LOAD(t, at, ld) \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t ::"r"(at), "r"((ld) * sizeof(float)) : "memory")
/* clang-format on */
#define STORE(t, at, ld)                                                                    \
  __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" ::"r"(at), "r"((ld) * sizeof(float)) \
                   : "memory")
#define ADD_PRODUCT(c, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c ::)

/* Tiles of C of rows x columns, of A rows x pairs, of B pairs x columns: 16 at most. */
static inline void amx_begin(size_t rows, size_t pairs, size_t columns) {
  struct {
    uint8_t palette, start, none[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } config = {.palette = 1};
  for (int t = 0; t < 8; t++) {
    config.rows[t] = (uint8_t)(t >= 6 ? pairs : rows);
    config.row_bytes[t] = (uint16_t)((t == 4 || t == 5 ? pairs : columns) * sizeof(float));
  }
  __asm__ volatile("ldtilecfg %0" ::"m"(config));
}

static inline void amx_end(void) {
  __asm__ volatile("tilerelease" ::);
}

#endif

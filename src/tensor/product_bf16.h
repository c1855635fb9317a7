/* Products of numbers that are rounded to bfloat16, 8 bits of fraction, while they are packed:
 *
 *   C[m,n] = start + sum over p < k of bf16(A[i,p]) bf16(B[p,j])
 *
 * Rounding is to nearest, ties to even.  Products of such numbers are exact in float32, in which
 * they are summed, in an order that k alone decides about; which one depends on the instructions:
 *
 *   amx       32 numbers at a time: those at even p in a chain from zero, those at odd p in another,
 *             both added, and the sum added to what came before
 *   avx512    one chain, of each two neighbours the one at odd p first (AVX512_BF16)
 *   emulated  the chain of product.h, on rounded numbers
 *
 * amx and avx512 take numbers below 2^-126 as zero. */
#ifndef LS_TENSOR_PRODUCT_BF16_H
#define LS_TENSOR_PRODUCT_BF16_H

#include "tensor/product.h"

typedef enum ls__bf16_kind { LS__BF16_EMULATED, LS__BF16_AVX512, LS__BF16_AMX } ls__bf16_kind;

/* What this processor can run, and the kernel lets us, lowered by LOCKSTEP_SIMD and by
 * LOCKSTEP_BF16=emulated|avx512|amx in the environment.  It never changes during a process. */
ls__bf16_kind ls__bf16_now(void);
const char *ls__bf16_name(ls__bf16_kind kind);

/* x rounded to bfloat16; NaN stays NaN. */
float ls__bf16_round(float x);

/* m, n >= 1; `floats` multiplies in float32, for the emulation. */
void ls__multiply_bf16(ls__bf16_kind kind, const ls__product *product,
                       void (*floats)(const ls__product *product));

/* product_bf16_tiles.c: NULL where the compiler doesn't know the instructions. */
typedef void (*ls__bf16_multiply)(const ls__product *product);
extern const ls__bf16_multiply ls__bf16_by_avx512, ls__bf16_by_amx;

#endif

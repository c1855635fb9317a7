/* By which instructions products in bfloat16 are computed; and how, where there are none. */
#define _DEFAULT_SOURCE /* syscall */
#include "tensor/product_bf16.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/environment.h"
#include "base/simd.h"

/* ---- Which */

#if defined(__x86_64__) && defined(__GNUC__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bits of CPUID leaf 7, of XCR0, and what arch_prctl is asked. */
enum {
  HAS_BF16 = 1 << 5, /* subleaf 1, eax */
  HAS_AMX_BF16 = 1 << 22,
  HAS_AMX_TILE = 1 << 24, /* subleaf 0, edx */
  OS_TILES = 1 << 17 | 1 << 18,
  ASK_FOR_STATE = 0x1023,
  TILE_DATA = 18
};

static ls__bf16_kind detect(void) {
  unsigned eax, ebx, ecx, edx, xcr0, high;
  if (ls__simd_level_now() != LS__SIMD_AVX512 || ls__bf16_by_avx512 == NULL ||
      !__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) || (eax & HAS_BF16) == 0)
    return LS__BF16_EMULATED;
  const unsigned wanted = HAS_AMX_BF16 | HAS_AMX_TILE;
  if (ls__bf16_by_amx == NULL || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) ||
      (edx & wanted) != wanted)
    return LS__BF16_AVX512;
  __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
  if ((xcr0 & OS_TILES) != OS_TILES || syscall(SYS_arch_prctl, ASK_FOR_STATE, TILE_DATA) != 0)
    return LS__BF16_AVX512;
  return LS__BF16_AMX;
}
#else
static ls__bf16_kind detect(void) {
  return LS__BF16_EMULATED;
}
#endif

static const char *const names[] = {"emulated", "avx512", "amx"};

ls__bf16_kind ls__bf16_now(void) {
  static _Atomic int known = -1; /* racing threads find the same answer */
  int kind = atomic_load_explicit(&known, memory_order_relaxed);
  if (kind >= 0) return (ls__bf16_kind)kind;
  const int wish = ls__environment_choice("LOCKSTEP_BF16");
  kind = (int)detect();
  if (wish >= 0 && wish < kind) kind = wish;
  atomic_store_explicit(&known, kind, memory_order_relaxed);
  return (ls__bf16_kind)kind;
}

const char *ls__bf16_name(ls__bf16_kind kind) {
  return names[kind];
}

/* ---- The emulation: a product in float32 of rounded numbers */

/* Half a step of the last kept bit is added, less one where that bit is even. */
float ls__bf16_round(float x) {
  const uint32_t u = ls__bits_of(x);
  const uint32_t rounded = (u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000;
  const uint32_t nan = (u | 0x400000) & 0xffff0000;
  return ls__float_of((u & 0x7fffffff) > 0x7f800000 ? nan : rounded);
}

/* The packer of an operand whose context is another, exact one. */
static void pack_rounded(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                         float *panel, size_t width) {
  const ls__operand *exact = self->context;
  if (exact->pack != NULL) {
    exact->pack(exact, j0, n, p0, k, panel, width);
  } else if (exact->outer == 1) {
    for (size_t p = 0; p < k; p++)
      memcpy(panel + p * width, exact->at + j0 + (p0 + p) * exact->inner, n * sizeof *panel);
  } else {
    for (size_t p = 0; p < k; p++)
      for (size_t j = 0; j < n; j++)
        panel[p * width + j] = exact->at[(j0 + j) * exact->outer + p0 + p];
  }
  for (size_t p = 0; p < k; p++) {
    for (size_t j = 0; j < n; j++) panel[p * width + j] = ls__bf16_round(panel[p * width + j]);
    for (size_t j = n; j < width; j++) panel[p * width + j] = 0;
  }
}

void ls__multiply_bf16(ls__bf16_kind kind, const ls__product *product,
                       void (*floats)(const ls__product *product)) {
  if (kind == LS__BF16_AMX) {
    ls__bf16_by_amx(product);
  } else if (kind == LS__BF16_AVX512) {
    ls__bf16_by_avx512(product);
  } else {
    ls__product rounded = *product;
    rounded.by.precision = LS__FLOAT32;
    rounded.a = (ls__operand){.pack = pack_rounded, .context = &product->a};
    rounded.b = (ls__operand){.pack = pack_rounded, .context = &product->b};
    floats(&rounded);
  }
}

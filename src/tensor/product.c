/* Who computes a product: our own kernel (product.simd.c), or OpenBLAS. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "tensor/product.h"

#include <cblas.h> /* brings <complex.h>, whose I is a macro */
#undef I
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/room.h"
#include "tensor/blas.h"
#include "tensor/fastest.h"
#include "tensor/product_bf16.h"
#include "tensor/product_ops.h"

LS_SIMD_DECLARE(ls__product_ops, ls__product_ops);
LS_SIMD_DECLARE(ls__product_row_ops, ls__product_row_ops);

static _Thread_local bool timing;
static _Thread_local double seconds;

/* ---- OpenBLAS */

/* C = start: what OpenBLAS then adds to. */
static void begin(const ls__product *p) {
  if (p->start == p->c) return;
  for (size_t i = 0; i < p->m; i++) {
    float *c = p->c + i * p->ldc;
    if (p->start == NULL)
      memset(c, 0, p->n * sizeof *c);
    else
      memcpy(c, p->start + i * p->ld_start, p->n * sizeof *c);
  }
}

/* A matrix in memory, or a panel of it in `room`: [k][n] from element (j0, p0). */
static const float *matrix(const ls__operand *o, size_t j0, size_t n, size_t p0, size_t k,
                           float *room, bool *along_k, size_t *ld) {
  if (o->pack == NULL) {
    *along_k = o->inner == 1 && (o->outer > 1 || n == 1);
    *ld = *along_k ? o->outer : o->inner;
    if (*along_k && *ld < k) *ld = k; /* a single row, whose length nobody knows */
    if (!*along_k && *ld < n) *ld = n;
    return o->at + j0 * o->outer + p0 * o->inner;
  }
  o->pack(o, j0, n, p0, k, room, n);
  *along_k = false;
  *ld = n;
  return room;
}

/* In blocks, so that panels of operands that have no matrix in memory have room. */
static void by_openblas(const ls__product *p) {
  enum { BLOCK = 512 };
  _Static_assert(2 * BLOCK * BLOCK <= LS__PRODUCT_WORK, "the work memory is too small");
  LS_ASSERT(p->lanes <= 1);
  const bool panels = p->a.pack != NULL || p->b.pack != NULL;
  const size_t most = panels ? BLOCK : (size_t)1 << 30; /* OpenBLAS counts in int */
  const size_t mb = p->m < most ? p->m : most, nb = p->n < most ? p->n : most,
               kb = p->k < most ? p->k : most;
  begin(p);
  for (size_t n0 = 0; n0 < p->n; n0 += nb)
    for (size_t p0 = 0; p0 < p->k; p0 += kb)
      for (size_t m0 = 0; m0 < p->m; m0 += mb) {
        const size_t m = p->m - m0 < mb ? p->m - m0 : mb, n = p->n - n0 < nb ? p->n - n0 : nb,
                     k = p->k - p0 < kb ? p->k - p0 : kb;
        bool a_along, b_along;
        size_t lda, ldb;
        const float *a = matrix(&p->a, m0, m, p0, k, p->work, &a_along, &lda);
        const float *b = matrix(&p->b, n0, n, p0, k, p->work + BLOCK * BLOCK, &b_along, &ldb);
        ls__blas_product(!a_along, b_along, m, n, k, a, lda, b, ldb, 1.0F, p->c + m0 * p->ldc + n0,
                         p->ldc);
      }
  for (size_t i = 0; p->finish != NULL && i < p->m; i++)
    p->finish(p->context, p->c + i * p->ldc, p->n);
}

/* ---- Which */

ls__products ls__products_here(ls__products products) {
#if defined(__x86_64__)
  if (ls__simd_level_now() == LS__SIMD_BASELINE) return LS__PRODUCTS_OPENBLAS;
#endif
  return products;
}

static void by_own(const ls__product *p) {
  if (p->m == 1 && p->lanes <= 1 && p->a.pack == NULL && p->b.pack == NULL && p->a.inner == 1 &&
      p->b.panels == NULL)
    LS_SIMD_PICK(ls__product_row_ops)->multiply(p);
  else
    LS_SIMD_PICK(ls__product_ops)->multiply(p);
}

static void by_floats(const ls__product *p) {
  const ls__products products = ls__products_here(p->by.products);
  if (products == LS__PRODUCTS_OPENBLAS && p->lanes <= 1)
    by_openblas(p);
  else if (products == LS__PRODUCTS_FASTEST && p->lanes <= 1)
    ls__multiply_fastest(p, by_own, by_openblas);
  else
    by_own(p);
}

void ls__multiply(const ls__product *p) {
  LS_ASSERT(p->lanes <= LS__MOST_LANES);
  LS_ASSERT(p->b.panels == NULL || (p->lanes <= 1 && ls__reads_panels(p->by)));
  if (p->m == 0 || p->n == 0) return;
  const double start = ls__products_begin();
  if (p->by.precision == LS__BFLOAT16)
    ls__multiply_bf16(ls__bf16_now(), p, by_floats);
  else
    by_floats(p);
  ls__products_end(start);
}

bool ls__reads_panels(ls__arithmetic by) {
  return by.precision == LS__FLOAT32 && ls__products_here(by.products) == LS__PRODUCTS_OWN;
}

void ls__pack_b(const ls__operand *b, size_t n, size_t k, size_t at_k, size_t packed_k,
                float *panels) {
  const double start = ls__products_begin();
  LS_SIMD_PICK(ls__product_ops)->pack(b, n, k, at_k, packed_k, panels);
  ls__products_end(start);
}

double ls__products_begin(void) {
  return timing ? ls__clock() : 0;
}

void ls__products_end(double start) {
  if (timing) seconds += ls__clock() - start;
}

void ls__products_timing(bool on) {
  timing = on;
}

double ls__products_seconds(bool reset) {
  double now = seconds;
  if (reset) seconds = 0;
  return now;
}

/* ---- Set-up */

size_t ls__cache_ways(void) {
  static atomic_size_t known;
  size_t ways = atomic_load_explicit(&known, memory_order_relaxed);
  if (ways > 0) return ways;
#ifdef _SC_LEVEL1_DCACHE_ASSOC
  const long said = sysconf(_SC_LEVEL1_DCACHE_ASSOC);
  ways = said >= 4 && said <= 16 ? (size_t)said : 8;
#else
  ways = 8;
#endif
  atomic_store_explicit(&known, ways, memory_order_relaxed);
  return ways;
}

/* Where there is no memory for its buffer (128 MB, of which it touches little), OpenBLAS tries
 * again for ever: it is looked for first, and then taken at once, by a product that always needs
 * it. */
ls_status ls__products_init(ls__products products) {
  enum { BUFFER = 128 << 20, ROOM = BUFFER + (4 << 20) };
  static _Thread_local bool taken;
  float one = 1.0F, product = 0.0F;
  if (ls__products_here(products) == LS__PRODUCTS_OWN) return LS_OK;
  openblas_set_num_threads(1);
  if (taken) return LS_OK;
  void *room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
  if (room == MAP_FAILED) {
    char why[LS__ROOM_TEXT];
    ls__room_why(ROOM, why);
    return ls__fail(LS_ENOMEM,
                    "out of memory: OpenBLAS needs %d MB of address space for matrix products%s%s",
                    BUFFER >> 20, why[0] != '\0' ? ": " : "", why);
  }
  (void)munmap(room, ROOM);
  cblas_ssyrk(CblasRowMajor, CblasUpper, CblasNoTrans, 1, 1, 1.0F, &one, 1, 0.0F, &product, 1);
  taken = true;
  return LS_OK;
}

const char *ls__products_library(ls__arithmetic by) {
  static _Thread_local char text[256];
  const ls__products products = ls__products_here(by.products);
  const bool bf16 = by.precision == LS__BFLOAT16;
  snprintf(text, sizeof text, "%s%s%s%s%s", products != LS__PRODUCTS_OPENBLAS ? "lockstep" : "",
           products == LS__PRODUCTS_FASTEST ? "; " : "",
           products != LS__PRODUCTS_OWN ? openblas_get_config() : "", bf16 ? "; bfloat16 " : "",
           bf16 ? ls__bf16_name(ls__bf16_now()) : "");
  return text;
}

/* doctor's measurements: products, multiply-adds in registers, copies. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tensor/blas.h"
#include "tensor/peak.h"
#include "tensor/product.h"
#include "train/doctor.h"

const ls__doctor_shape ls__doctor_shapes[LS__DOCTOR_SHAPES] = {
    {512, 512, 512, false}, {256, 1024, 1024, true}, /* y = x W^T of a dense layer */
};

/* A x W^T or A B, by our own kernel or OpenBLAS: the mean, and not the best, since ranks that share a
 * core are to be seen. */
static double rate(const ls__doctor_shape *s, ls__products products, const float *a, const float *b,
                   float *c, float *work) {
  const ls__product product = {.by = {products},
                               .m = s->m,
                               .n = s->n,
                               .k = s->k,
                               .a = ls__operand_a(a, s->k, false),
                               .b = ls__operand_b(b, s->transpose_b ? s->k : s->n, s->transpose_b),
                               .c = c,
                               .ldc = s->n,
                               .work = work};
  ls__multiply(&product); /* warms up */
  double start = ls__clock(), seconds = 0;
  int runs = 0;
  do {
    ls__multiply(&product);
    runs++;
    seconds = ls__clock() - start;
  } while (seconds < 0.12);
  return 2e-9 * (double)s->m * (double)s->n * (double)s->k * runs / seconds;
}

static ls_status measure_products(ls__rates *rates) {
  ls_status st = LS_OK;
  float *a = NULL, *b = NULL, *c = NULL, *work = NULL;
  LS_TRY(ls__products_init(LS__PRODUCTS_OPENBLAS));
  LS_TRY(ls__alloc(&work, LS__PRODUCT_WORK, sizeof *work, "measurement"));
  for (int i = 0; i < LS__DOCTOR_SHAPES; i++) {
    const ls__doctor_shape *s = &ls__doctor_shapes[i];
    LS_TRY(ls__alloc(&a, s->m * s->k, sizeof *a, "measurement"));
    LS_TRY(ls__alloc(&b, s->k * s->n, sizeof *b, "measurement"));
    LS_TRY(ls__alloc(&c, s->m * s->n, sizeof *c, "measurement"));
    for (size_t at = 0; at < s->m * s->k; at++) a[at] = 1.0F;
    for (size_t at = 0; at < s->k * s->n; at++) b[at] = 1.0F;
    rates->ours[i] = rate(s, LS__PRODUCTS_OWN, a, b, c, work);
    rates->blas[i] = rate(s, LS__PRODUCTS_OPENBLAS, a, b, c, work);
    ls__free(a);
    ls__free(b);
    ls__free(c);
    a = b = c = NULL;
  }
out:
  ls__free(a);
  ls__free(b);
  ls__free(c);
  ls__free(work);
  return st;
}

/* Two blocks that the last cache can't hold, shared by so many ranks; but no great part of the
 * memory that is left. */
static size_t copy_bytes(double memory, int ranks) {
  const double least = 32 << 20, most = 192 << 20;
  double bytes = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
  bytes = (double)sysconf(_SC_LEVEL3_CACHE_SIZE) / ranks;
#endif
  bytes = bytes < least ? least : bytes > most ? most : bytes;
  if (memory > 0 && bytes > memory / (8.0 * ranks)) bytes = memory / (8.0 * ranks);
  return (size_t)bytes;
}

static double measure_copy(double memory, int ranks) {
  const size_t bytes = copy_bytes(memory, ranks);
  float *from = ls__calloc(bytes, 1), *to = ls__calloc(bytes, 1);
  double gbytes = 0;
  if (from != NULL && to != NULL && bytes > 0) {
    memset(from, 1, bytes); /* before it, all pages may be one */
    memset(to, 1, bytes);
    gbytes = ls__copy_gbytes(to, from, bytes, 0.15);
  }
  ls__free(from);
  ls__free(to);
  return gbytes;
}

static double thread_seconds(void) {
  struct timespec now = {0};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

ls_status ls__rates_measure(double memory, int ranks, ls__rates *rates) {
  const double start = ls__clock(), computed = thread_seconds();
  rates->peak = ls__peak_gflops();
  rates->copy = measure_copy(memory, ranks);
  ls_status st = measure_products(rates);
  rates->share = (thread_seconds() - computed) / (ls__clock() - start);
  return st;
}

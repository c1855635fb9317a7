/* Matrix products, bit for bit against chains of fmaf. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "tensor/product.h"

static void small(void **state) {
  (void)state;
  float *work = ls__calloc(LS__PRODUCT_WORK, sizeof *work);
  const float a[2] = {1, 2}, b[2] = {3, 4};
  float c[1] = {10};
  assert_non_null(work);
  ls__multiply(&(ls__product){.m = 1,
                              .n = 1,
                              .k = 2,
                              .a = ls__operand_a(a, 2, false),
                              .b = ls__operand_b(b, 1, false),
                              .start = c,
                              .ld_start = 1,
                              .c = c,
                              .ldc = 1,
                              .work = work});
  assert_true(c[0] == 21.0F);
  ls__free(work);
}

int main(void) {
  if (ls__products_init() != LS_OK) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(small)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

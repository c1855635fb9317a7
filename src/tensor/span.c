/* Picking the build of span.simd.c that this processor runs best. */
#include "tensor/span.h"

LS_SIMD_DECLARE(ls__span_ops, ls__span_ops);

const ls__span_ops *ls__span(void) {
  return LS_SIMD_PICK(ls__span_ops);
}

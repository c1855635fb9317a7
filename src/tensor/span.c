#include "tensor/span.h"

LS_SIMD_DECLARE(ls__span_ops, ls__span_ops);

const ls__span_ops *ls__span(void) {
  return LS_SIMD_PICK(ls__span_ops);
}

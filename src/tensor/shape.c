/* Counting, comparing and printing shapes. */
#include <lockstep/shape.h>
#include <stdio.h>
#include <string.h>

size_t ls_shape_count(const ls_shape *shape) {
  size_t count = 1;
  for (int i = 0; i < shape->ndim; i++) count *= shape->dim[i];
  return count;
}

bool ls_shape_equal(const ls_shape *a, const ls_shape *b) {
  return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

char *ls_shape_format(const ls_shape *shape, char text[LS_SHAPE_TEXT]) {
  size_t used = 0;
  text[used++] = '[';
  for (int i = 0; i < shape->ndim && used + 24 < LS_SHAPE_TEXT; i++) {
    int n = snprintf(text + used, LS_SHAPE_TEXT - used, i > 0 ? ", %zu" : "%zu", shape->dim[i]);
    used += n > 0 ? (size_t)n : 0;
  }
  text[used++] = ']';
  text[used] = '\0';
  return text;
}

/* The best path's labels, and the distance of two sequences (decode.h). */
#include "metrics/decode.h"

#include "metrics/classes.h"

size_t ls__decode_path(const float *score, size_t steps, size_t width, size_t blank,
                       size_t *label) {
  size_t n = 0, before = blank;
  for (size_t t = 0; t < steps; t++) {
    const size_t best = ls__argmax(score + t * width, width);
    if (best != before && best != blank) label[n++] = best;
    before = best;
  }
  return n;
}

/* Row by row: work[j] is the distance of the first i of a and the first j of b. */
size_t ls__edit_distance(const size_t *a, size_t n, const size_t *b, size_t m, size_t *work) {
  for (size_t j = 0; j <= m; j++) work[j] = j;
  for (size_t i = 0; i < n; i++) {
    size_t diagonal = work[0];
    work[0] = i + 1;
    for (size_t j = 0; j < m; j++) {
      const size_t replaced = diagonal + (a[i] != b[j]);
      const size_t one_more = (work[j] < work[j + 1] ? work[j] : work[j + 1]) + 1;
      diagonal = work[j + 1];
      work[j + 1] = replaced < one_more ? replaced : one_more;
    }
  }
  return work[m];
}

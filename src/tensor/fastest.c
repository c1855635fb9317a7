/* Remembering, for each shape of product, which way was faster. */
#include "tensor/fastest.h"

#include "base/clock.h"

enum { SHAPES = 64, TRIALS = 3, LARGE = 1000000 /* multiplications; less is not worth a clock */ };

typedef struct shape {
  size_t m, n, k, strides[2];
  int trials;     /* done, of both ways in turn */
  double best[2]; /* seconds */
} shape;

static _Thread_local shape known[SHAPES];
static _Thread_local int n_known;

static shape *find(const ls__product *p) {
  for (int i = 0; i < n_known; i++) {
    const shape *s = &known[i];
    if (s->m == p->m && s->n == p->n && s->k == p->k && s->strides[0] == p->a.inner &&
        s->strides[1] == p->b.inner)
      return &known[i];
  }
  if (n_known == SHAPES) return NULL;
  known[n_known] = (shape){p->m, p->n, p->k, {p->a.inner, p->b.inner}, 0, {0, 0}};
  return &known[n_known++];
}

void ls__multiply_fastest(const ls__product *p, void (*first)(const ls__product *),
                          void (*other)(const ls__product *)) {
  shape *s = NULL;
  if ((double)p->m * (double)p->n * (double)p->k >= LARGE) s = find(p);
  if (s == NULL) {
    first(p);
  } else if (s->trials < 2 * TRIALS) {
    const int way = s->trials % 2;
    const double start = ls__clock();
    (way == 0 ? first : other)(p);
    const double took = ls__clock() - start;
    if (s->trials < 2 || took < s->best[way]) s->best[way] = took;
    s->trials++;
  } else {
    (s->best[1] < 0.9 * s->best[0] ? other : first)(p);
  }
}

/* Placing blocks of memory, the largest first. */
#include "model/plan.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Larger first; of equals the earlier. */
static int by_size(const void *a, const void *b) {
  const ls__block *x = *(ls__block *const *)a, *y = *(ls__block *const *)b;
  if (x->size != y->size) return x->size < y->size ? 1 : -1;
  return x < y ? -1 : x > y;
}

static bool meet(const ls__block *a, const ls__block *b) {
  return a->first <= b->last && b->first <= a->last;
}

ls_status ls__plan(ls__block *blocks, size_t n, size_t *total) {
  ls_status st = LS_OK;
  ls__block **todo = NULL, **placed = NULL; /* by size; by offset */
  *total = 0;
  LS_TRY(ls__alloc(&todo, n, sizeof *todo, "memory plan"));
  LS_TRY(ls__alloc(&placed, n, sizeof *placed, "memory plan"));
  for (size_t i = 0; i < n; i++) {
    todo[i] = &blocks[i];
    blocks[i].size = ls__whole_lines(blocks[i].size);
  }
  qsort(todo, n, sizeof *todo, by_size);
  for (size_t i = 0; i < n; i++) {
    size_t at = 0, k = 0;
    for (; k < i && placed[k]->offset < at + todo[i]->size; k++)
      if (meet(todo[i], placed[k]) && placed[k]->offset + placed[k]->size > at)
        at = placed[k]->offset + placed[k]->size;
    todo[i]->offset = at;
    if (at + todo[i]->size > *total) *total = at + todo[i]->size;
    for (k = i; k > 0 && placed[k - 1]->offset > at; k--) placed[k] = placed[k - 1];
    placed[k] = todo[i];
  }
out:
  ls__free(todo);
  ls__free(placed);
  return st;
}

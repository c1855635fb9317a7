/* Groups of rows, and their parts. */
#include "convert/csv_group.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "convert/csv_category.h"

typedef struct drawn {
  double at;
  size_t group;
} drawn;

static int by_place(const void *a, const void *b) {
  const drawn *x = a, *y = b;
  if (x->at < y->at || x->at > y->at) return x->at < y->at ? -1 : 1;
  return x->group < y->group ? -1 : 1;
}

ls_status ls__csv_group_add(ls__csv_group *g, const char *text, bool test) {
  ls_status st = LS_OK;
  size_t index;
  const size_t before = g->capacity;
  g->values.most = LS__MOST_CATEGORIES;
  LS_TRY(ls__classes_note(&g->values, text, !test, &index));
  LS_TRY(ls__grow(&g->in_test, &g->capacity, g->values.n, sizeof *g->in_test, "groups"));
  if (g->capacity > before) memset(g->in_test + before, 0, g->capacity - before);
  g->in_test[index] = g->in_test[index] || test;
  g->rows += !test;
out:
  return st;
}

/* Give groups, in the order that was drawn, to a part until it has its share, or as near to it as
 * whole groups come. */
static void fill(ls__csv_group *g, const drawn *order, size_t *next, ls_split split, double share) {
  const double wanted = share * (double)g->rows;
  double rows = 0.0;
  for (; share > 0.0 && *next < g->values.n; ++*next) {
    const ls__class *value = &g->values.list[order[*next].group];
    if (value->count == 0) continue; /* of the test source alone */
    if (rows > 0.0 && rows + 0.5 * (double)value->count > wanted) break;
    rows += (double)value->count;
    g->part[order[*next].group] = (uint8_t)split;
  }
}

ls_status ls__csv_group_draw(ls__csv_group *g, const char *name, const ls__share *share,
                             ls__csv_notes *notes) {
  ls_status st = LS_OK;
  drawn *order = NULL;
  size_t next = 0, parts[LS__PARTS] = {0}, both = 0, test = 0;
  for (size_t k = 0; k < g->values.n; k++) {
    both += g->in_test[k] && g->values.list[k].count > 0;
    test += g->in_test[k];
  }
  LS_TRY(ls__classes_sort(&g->values));
  LS_TRY(ls__alloc(&g->part, g->values.n, sizeof *g->part, "groups"));
  LS_TRY(ls__alloc(&order, g->values.n, sizeof *order, "groups"));
  for (size_t k = 0; k < g->values.n; k++) {
    order[k] = (drawn){(double)ls__rng_uniform(&share->rng, k), k};
    g->part[k] = LS_TRAIN;
  }
  qsort(order, g->values.n, sizeof *order, by_place);
  fill(g, order, &next, LS_TEST, share->test);
  fill(g, order, &next, LS_VALIDATION, share->validation);
  for (size_t k = 0; k < g->values.n; k++)
    if (g->values.list[k].count > 0) parts[g->part[k]]++;
  ls__csv_note(notes, false, "group %s: %zu: %zu in training, %zu in validation, %zu in test", name,
               g->values.n, parts[LS_TRAIN], parts[LS_VALIDATION], parts[LS_TEST] + test);
  if (both > 0)
    ls__csv_note(notes, true,
                 "group %s: %zu of the groups of the test source are also in the training", name,
                 both);
out:
  ls__free(order);
  return st;
}

bool ls__csv_group_find(ls__csv_group *g, const char *text, ls_split *split) {
  size_t index;
  if (!ls__classes_find(&g->values, text, &index)) return false;
  g->row = (int32_t)index;
  *split = (ls_split)g->part[index];
  return true;
}

void ls__csv_group_reset(ls__csv_group *g) {
  ls__classes_reset(&g->values);
  ls__free(g->in_test);
  ls__free(g->part);
  memset(g, 0, sizeof *g);
}

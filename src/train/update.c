/* Updating slices of the arena (update.h). */
#include "train/update.h"

#include <string.h>

#include "base/alloc.h"

ls_status ls__updater_init(ls__updater *u, ls_config *root, const ls__settings *set) {
  char known[256];
  ls_config *node = ls__config_child(root, "optimizer");
  memset(u, 0, sizeof *u);
  u->set = set;
  if (node == NULL)
    return ls__config_fail(root, "optimizer: is missing; one of %s",
                           ls__registry_names(&ls__optimizers, known, sizeof known));
  return ls__optimizer_create(node, &u->optimizer);
}

static bool alike(const ls__segment *a, const ls__segment *b) {
  return a->decay == b->decay && a->statistic == b->statistic && a->keep == b->keep;
}

static int by_offset(const void *a, const void *b) {
  const ls__segment *x = a, *y = b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

/* One segment a tensor; neighbours of the same kind are joined, since the padding between them
 * stays zero. */
static ls_status make_segments(ls__updater *u, const ls__graph *graph) {
  ls_status st = LS_OK;
  const bool decays = u->set->l1 != 0 || u->set->l2 != 0;
  size_t n = 0;
  LS_TRY(ls__alloc(&u->segment, (size_t)graph->n_tensors, sizeof *u->segment, "parameters"));
  for (int t = 0; t < graph->n_tensors; t++) {
    const ls__tensor *tensor = &graph->tensor[t];
    const bool statistic = tensor->role == LS__STATISTIC;
    if (tensor->role == LS__FROZEN) continue;
    u->segment[n++] = (ls__segment){tensor->offset, tensor->n,
                                    decays && !statistic && tensor->spec->decay, statistic,
                                    statistic ? tensor->spec->keep : 0};
  }
  qsort(u->segment, n, sizeof *u->segment, by_offset);
  for (size_t i = 0; i < n; i++) {
    ls__segment *last = u->n_segments > 0 ? &u->segment[u->n_segments - 1] : NULL;
    if (last != NULL && alike(last, &u->segment[i]))
      last->n = u->segment[i].offset + u->segment[i].n - last->offset;
    else
      u->segment[u->n_segments++] = u->segment[i];
  }
out:
  return st;
}

ls_status ls__updater_fit(ls__updater *u, const ls__graph *graph, size_t owned) {
  ls_status st = LS_OK;
  u->owned = owned;
  LS_TRY(make_segments(u, graph));
  for (int k = 0; k < ls__optimizer_slots(u->optimizer); k++) {
    const float start = ls__optimizer_slot_start(u->optimizer, k);
    LS_TRY(ls__alloc(&u->slot[k], owned, sizeof *u->slot[k], "optimizer state"));
    for (size_t i = 0; start != 0 && i < owned; i++) u->slot[k][i] = start;
  }
out:
  return st;
}

void ls__updater_reset(ls__updater *u) {
  ls__optimizer_destroy(u->optimizer);
  for (int k = 0; k < LS__MAX_SLOTS; k++) ls__free(u->slot[k]);
  ls__free(u->segment);
  memset(u, 0, sizeof *u);
}

/* w = keep w + (1 - keep) mean, where g is the sum over the batch */
static void update_statistic(double keep, double share, float *w, const float *g, size_t n) {
  const float old = (float)keep, fresh = (float)((1 - keep) * share);
  for (size_t i = 0; i < n; i++) w[i] = old * w[i] + fresh * g[i];
}

void ls__updater_slice(const ls__updater *u, const ls__update_step *step, const ls__slice *slice,
                       size_t owned) {
  const int slots = ls__optimizer_slots(u->optimizer);
  for (size_t s = 0; s < u->n_segments; s++) {
    const ls__segment *segment = &u->segment[s];
    size_t lo = segment->offset > slice->offset ? segment->offset : slice->offset;
    size_t hi = segment->offset + segment->n;
    if (hi > slice->offset + slice->n) hi = slice->offset + slice->n;
    if (lo >= hi) continue;
    const size_t at = lo - slice->offset;
    if (segment->statistic) {
      update_statistic(segment->keep, step->share, slice->w + at, slice->g + at, hi - lo);
      continue;
    }
    ls__update update = {.w = slice->w + at,
                         .g = slice->g + at,
                         .n = hi - lo,
                         .step = step->step,
                         .lr = step->lr,
                         .scale = step->scale,
                         .meanwhile = step->meanwhile,
                         .context = step->context,
                         .clip_value = u->set->clip_value,
                         .l1 = segment->decay ? u->set->l1 : 0,
                         .l2 = segment->decay ? u->set->l2 : 0};
    for (int k = 0; k < slots; k++) update.slot[k] = u->slot[k] + owned + at;
    ls__optimizer_update(u->optimizer, &update);
  }
}

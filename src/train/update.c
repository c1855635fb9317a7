/* Updating slices of the arena (update.h). */
#include "train/update.h"

#include <math.h>
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
  return a->statistic == b->statistic && a->keep == b->keep && a->lr_scale == b->lr_scale &&
         a->weight_decay == b->weight_decay && a->l1 == b->l1 && a->l2 == b->l2 && !a->adapts &&
         !b->adapts;
}

static int by_offset(const void *a, const void *b) {
  const ls__segment *x = a, *y = b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

static double given(double own, double usual) {
  return isnan(own) ? usual : own;
}

static ls__segment segment_of(const ls__updater *u, const ls__tensor *tensor,
                              const ls__tensor_settings *own) {
  const ls__settings *set = u->set;
  const ls__segment statistic = {.offset = tensor->offset,
                                 .n = tensor->n,
                                 .statistic = true,
                                 .keep = tensor->spec->keep};
  if (tensor->role == LS__STATISTIC) return statistic;
  const bool regular = tensor->spec->decay, layerwise = ls__optimizer_layerwise(u->optimizer),
             adapts = ls__optimizer_adapts(u->optimizer, tensor->spec->shape.ndim);
  return (ls__segment){
      .offset = tensor->offset,
      .n = tensor->n,
      .lr_scale = own->lr_scale,
      .weight_decay = given(own->weight_decay,
                            adapts ? ls__optimizer_weight_decay(u->optimizer) : 0),
      .l1 = given(own->l1, regular ? set->l1 : 0),
      .l2 = given(own->l2, regular ? set->l2 : 0),
      .adapts = layerwise && adapts,
      .trust = 1,
  };
}

/* One segment a tensor; neighbours of the same settings are joined, since the padding between them
 * stays zero. */
static ls_status make_segments(ls__updater *u, const ls__graph *graph,
                               const ls__tensor_settings *settings) {
  ls_status st = LS_OK;
  size_t n = 0;
  LS_TRY(ls__alloc(&u->segment, (size_t)graph->n_tensors, sizeof *u->segment, "parameters"));
  for (int t = 0; t < graph->n_tensors; t++)
    if (graph->tensor[t].role != LS__FROZEN)
      u->segment[n++] = segment_of(u, &graph->tensor[t], &settings[t]);
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

ls_status ls__updater_fit(ls__updater *u, const ls__graph *graph,
                          const ls__tensor_settings *settings, size_t owned) {
  ls_status st = LS_OK;
  u->owned = owned;
  LS_TRY(make_segments(u, graph, settings));
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

/* An update of floats [lo, hi) of the arena, which lie in the segment and in the slice. */
static ls__update update_of(const ls__updater *u, const ls__update_step *step,
                            const ls__segment *segment, const ls__slice *slice, size_t owned,
                            size_t lo, size_t hi) {
  const size_t at = lo - slice->offset;
  ls__update update = {.w = slice->w + at,
                       .g = slice->g + at,
                       .n = hi - lo,
                       .step = step->step,
                       .lr = step->lr * segment->lr_scale,
                       .scale = step->scale,
                       .meanwhile = step->meanwhile,
                       .context = step->context,
                       .clip_value = u->set->clip_value,
                       .l1 = segment->l1,
                       .l2 = segment->l2,
                       .weight_decay = &segment->weight_decay,
                       .direction = slice->g + at,
                       .trust = segment->trust};
  for (int k = 0; k < ls__optimizer_slots(u->optimizer); k++)
    update.slot[k] = u->slot[k] + owned + at;
  return update;
}

void ls__updater_direction(const ls__updater *u, const ls__update_step *step,
                           const ls__segment *segment, const ls__slice *slice, size_t owned,
                           size_t lo, size_t hi) {
  const ls__update update = update_of(u, step, segment, slice, owned, lo, hi);
  ls__optimizer_direction(u->optimizer, &update);
}

void ls__updater_slice(const ls__updater *u, const ls__update_step *step, const ls__slice *slice,
                       size_t owned) {
  for (size_t s = 0; s < u->n_segments; s++) {
    const ls__segment *segment = &u->segment[s];
    size_t lo = segment->offset > slice->offset ? segment->offset : slice->offset;
    size_t hi = segment->offset + segment->n;
    if (hi > slice->offset + slice->n) hi = slice->offset + slice->n;
    if (lo >= hi) continue;
    if (segment->statistic) {
      const size_t at = lo - slice->offset;
      update_statistic(segment->keep, step->share, slice->w + at, slice->g + at, hi - lo);
      continue;
    }
    const ls__update update = update_of(u, step, segment, slice, owned, lo, hi);
    ls__optimizer_update(u->optimizer, &update);
  }
}

/* A list of transforms: read, held against the images, applied (augment.h). */
#include "augment/augment.h"

#include <string.h>

#include "augment/kinds.h"
#include "base/alloc.h"

#define X(name) &ls__augment_##name.kind,
static const ls__kind *const kinds[] = {LS__AUGMENT_MAP(X) NULL};
#undef X

const ls__registry ls__augment_kinds = {"transform", kinds, NULL, NULL};

enum { MOST = 64 };

typedef struct transform {
  const ls__augment_kind *kind;
  void *options;         /* owned */
  const ls_config *node; /* until it is fitted */
  ls__rng rng;           /* of the epoch */
} transform;

struct ls__augment {
  size_t n;
  transform item[MOST];
  ls__value_range range;
};

/* ---- Reading */

static ls_status read_transform(ls_config *node, transform *t) {
  ls_status st = LS_OK;
  const ls__kind *kind = NULL;
  ls_config *map = NULL;
  if (ls__config_kind_of(node) == LS__MAP && ls__config_count(node) == 1) {
    LS_TRY(
        ls__registry_need(&ls__augment_kinds, node, ls__config_key(ls__config_at(node, 0)), &kind));
    const char *brief = ((const ls__augment_kind *)kind)->brief;
    if (brief != NULL) LS_TRY(ls__config_brief(node, brief));
  }
  LS_TRY(ls__registry_read(&ls__augment_kinds, node, &kind, &map));
  t->kind = (const ls__augment_kind *)kind;
  t->node = node;
  LS_TRY(ls__alloc(&t->options, 1, t->kind->options_bytes, "augmentation"));
  LS_TRY(ls__options_read(kind->options, map, t->options));
  if (t->kind->configure != NULL) LS_TRY(t->kind->configure(t->options, map));
  LS_TRY(ls__config_finish(map));
out:
  return st;
}

ls_status ls__augment_read(ls_config *list, ls__augment **out) {
  ls_status st = LS_OK;
  ls__augment *augment = NULL;
  const size_t n = ls__config_count(list);
  *out = NULL;
  if (list == NULL) return LS_OK;
  if (ls__config_kind_of(list) != LS__LIST)
    return ls__config_fail(list, "must be a list of transforms, as [{flip: {horizontal: true}}]");
  if (n > MOST) return ls__config_fail(list, "more than %d transforms", MOST);
  if (n == 0) return LS_OK;
  LS_TRY(ls__alloc(&augment, 1, sizeof *augment, "augmentation"));
  for (size_t i = 0; i < n; i++) {
    augment->n = i + 1; /* now it is freed with the others */
    LS_TRY(read_transform(ls__config_at(list, i), &augment->item[i]));
    if (augment->item[i].kind == &ls__augment_mixup && i + 1 < n)
      LS_REFUSE(ls__config_at(list, i), "mixup mixes what the other transforms have made: it comes "
                                        "last");
  }
  *out = augment;
  augment = NULL;
out:
  ls__augment_destroy(augment);
  return st;
}

void ls__augment_destroy(ls__augment *augment) {
  for (size_t i = 0; augment != NULL && i < augment->n; i++) ls__free(augment->item[i].options);
  ls__free(augment);
}

ls_status ls__augment_fit(ls__augment *augment, const ls__image *image,
                          const ls__value_range *range) {
  ls_status st = LS_OK;
  augment->range = *range;
  for (size_t i = 0; i < augment->n; i++) {
    transform *t = &augment->item[i];
    if (t->kind->fit != NULL) LS_TRY(t->kind->fit(t->options, image, range, t->node));
    t->node = NULL;
  }
out:
  return st;
}

bool ls__augment_moves(const ls__augment *augment) {
  for (size_t i = 0; i < augment->n; i++)
    if (augment->item[i].kind->moves) return true;
  return false;
}

ls__augment_targets ls__augment_targets_of(const ls__augment *augment) {
  ls__augment_targets all = LS__TARGET_STAYS;
  for (size_t i = 0; i < augment->n; i++) {
    const transform *t = &augment->item[i];
    const ls__augment_targets its = t->kind->targets == NULL ? LS__TARGET_STAYS
                                                             : t->kind->targets(t->options);
    if (its < all) all = its;
  }
  return all;
}

bool ls__augment_mixes(const ls__augment *augment) {
  return augment->item[augment->n - 1].kind == &ls__augment_mixup;
}

bool ls__augment_transforms(const ls__augment *augment) {
  return augment->n > 1 || !ls__augment_mixes(augment);
}

/* ---- Applying */

void ls__augment_start(ls__augment *augment, uint64_t seed, uint64_t epoch) {
  for (size_t i = 0; i < augment->n; i++)
    augment->item[i].rng = ls__rng_key(seed, LS__RNG_AUGMENT, epoch, i);
}

/* Whether what belongs to an image goes along. */
static bool takes_along(const transform *t, bool in_time) {
  if (t->kind->targets == NULL) return t->kind->moves && !in_time;
  return t->kind->targets(t->options) != LS__TARGET_STAYS;
}

void ls__augment_run(const ls__augment *augment, const ls__augmented *what) {
  const size_t bytes = what->image.height * what->image.width * what->image.channels *
                       sizeof(float);
  float *now = what->pixels, *other = what->spare;
  for (size_t i = 0; i < augment->n; i++) {
    const transform *t = &augment->item[i];
    if (t->kind->run == NULL || (what->follows && !takes_along(t, what->in_time))) continue;
    const ls__augment_call call = {
        .options = t->options,
        .image = what->image,
        .from = now,
        .to = other,
        .nearest = what->nearest,
        .range = augment->range,
        .rng = &t->rng,
        .sample = what->sample,
        .first = what->first,
    };
    if (!t->kind->run(&call)) continue;
    float *swap = now;
    now = other;
    other = swap;
  }
  if (now != what->pixels) memcpy(what->pixels, now, bytes);
}

size_t ls__augment_partner(const ls__augment *augment, uint64_t sample, size_t n) {
  const ls__augment_call call = {.rng = &augment->item[augment->n - 1].rng, .sample = sample};
  return ls__augment_pick(&call, 0, n);
}

float ls__augment_share(const ls__augment *augment, uint64_t sample) {
  const transform *t = &augment->item[augment->n - 1];
  return ls__mixup_share(t->options, &t->rng, sample);
}

/* Private to this room: what a transform is made of, what several have in common, and the one list
 * of them.  A new one is its file and its word here. */
#ifndef LS_AUGMENT_KINDS_H
#define LS_AUGMENT_KINDS_H

#include "augment/augment.h"
#include "base/rng.h"

/* One transform of one image. */
typedef struct ls__augment_call {
  const void *options;
  ls__image image;
  const float *from; /* [height, width, channels] */
  float *to;         /* the same; written whole where `run` says true */
  bool nearest;
  ls__value_range range;
  const ls__rng *rng; /* of the transform and the epoch */
  uint64_t sample, first;
} ls__augment_call;

typedef struct ls__augment_kind {
  ls__kind kind;     /* its options are read into kind->options_bytes, zeroed before */
  const char *brief; /* the option that stands for itself, as in `cutout: 8`; NULL: none */
  bool moves;        /* pixels: what belongs to the image goes along */
  /* Of one that moves along the first dimension alone: what becomes of targets with as many
   * entries; NULL: it moves in both. */
  ls__augment_targets (*targets)(const void *options);
  size_t options_bytes;
  /* What tables can't say; may be NULL. */
  ls_status (*configure)(void *options, ls_config *map);
  /* Whether it can be done; `node` is for messages.  May be NULL. */
  ls_status (*fit)(const void *options, const ls__image *image, const ls__value_range *range,
                   const ls_config *node);
  /* False: this sample stays as it is, and nothing was written.  NULL: of mixup, which is no
   * transform of a sample alone. */
  bool (*run)(const ls__augment_call *call);
} ls__augment_kind;

/* Numbers that a transform draws of a sample, at most. */
enum { LS__MOST_DRAWS = 8 };
/* Draw k of the sample: uniform in [0,1); in [interval[0], interval[1]); one of 0 .. n-1. */
float ls__augment_draw(const ls__augment_call *call, unsigned k);
double ls__augment_between(const ls__augment_call *call, unsigned k, const double interval[2]);
size_t ls__augment_pick(const ls__augment_call *call, unsigned k, size_t n);

/* Read `key: f`, which is -f to f, or `key: [low, high]`; all within [least, most]. */
LS_CHECKED ls_status ls__augment_interval(ls_config *map, const char *key, double fallback,
                                          double least, double most, double interval[2]);

/* What lies beyond the border. */
typedef enum ls__fill {
  LS__FILL_ZEROS,
  LS__FILL_EDGE,    /* a a a | a b c d | d d d */
  LS__FILL_REFLECT, /* d c b | a b c d | c b a */
  LS__FILL_PERIODIC /* b c d | a b c d | a b c */
} ls__fill;
extern const char *const ls__fill_names[];
/* Where index i is looked for in 0 .. n-1; n: nowhere, it is 0. */
size_t ls__fill_index(ls__fill fill, int64_t i, size_t n);

/* to(y, x) = from(m[0][0] y + m[0][1] x + m[0][2], m[1][0] y + m[1][1] x + m[1][2]), where y and x
 * count from the image's centre, and m[.][2] is in pixels. */
typedef struct ls__warp {
  double m[2][3];
  ls__fill fill;
  bool nearest; /* the pixel beside it, not what lies between four */
} ls__warp;
void ls__augment_warp(const ls__augment_call *call, const ls__warp *warp);

/* Options of those that change values: the range that these have, `value_range: [low, high]`. */
#define LS__VALUE_RANGE                                                                            \
  LS__BY_HAND("value_range", "list", "0 to 255 of bytes",                                          \
              "[low, high] of the pixels, as the file has them; of anything but bytes it must be " \
              "given")
LS_CHECKED ls_status ls__augment_range(ls_config *map, ls__value_range *range);
/* What was given, or else what the pixels' type says; LS_ECONFIG where neither is. */
LS_CHECKED ls_status ls__augment_need_range(const ls__value_range *given,
                                            const ls__value_range *range, const ls_config *node);
bool ls__augment_known(const ls__value_range *range);

/* mixup.c: the part that a sample is of its mixture, 0.5 to 1. */
typedef struct ls__mixup {
  double alpha;
} ls__mixup;
float ls__mixup_share(const ls__mixup *mixup, const ls__rng *rng, uint64_t sample);

#define LS__AUGMENT_MAP(X) \
  X(random_crop)           \
  X(flip)                  \
  X(shift)                 \
  X(rotation)              \
  X(zoom)                  \
  X(brightness) X(contrast) X(noise) X(cutout) X(time_shift) X(time_mask) X(frequency_mask) X(mixup)

#define X(name) extern const ls__augment_kind ls__augment_##name;
LS__AUGMENT_MAP(X)
#undef X

#endif

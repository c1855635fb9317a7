/* Augmentation: images that are changed at random while they are trained on.
 *
 * A list of transforms is applied to each training sample, one after the other.  What is drawn is a
 * function of seed, epoch, the transform's place in the list and the sample's number in the dataset
 * (base/rng.h): no rank, order or resume changes it.  A transform sees values as the file has them,
 * before `scale` and `normalize`.
 *
 * An image is [height, width, channels]; so is a sequence, [time, bands] or [time, bands, channels].
 * What belongs to it pixel by pixel, a field or a mask that
 * is the target, is moved by the same draws as the image; its values are left alone. */
#ifndef LS_AUGMENT_AUGMENT_H
#define LS_AUGMENT_AUGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/registry.h"

typedef struct ls__image {
  size_t height, width, channels;
} ls__image;

/* The least and greatest value that pixels can have; least > greatest: nobody knows. */
typedef struct ls__value_range {
  double low, high;
} ls__value_range;

typedef struct ls__augment ls__augment;

/* The kinds, for `data.augment`. */
extern const ls__registry ls__augment_kinds;

/* Read the list; NULL in *out where it is empty or missing.  The nodes must stay until
 * ls__augment_fit. */
LS_CHECKED ls_status ls__augment_read(ls_config *list, ls__augment **out);
void ls__augment_destroy(ls__augment *augment);

/* Whether images of this size can be transformed so; `range` is what their pixels' type says.
 * LS_ECONFIG at the transform that can't.  Before anything else; once for all images, which have
 * one height and width. */
LS_CHECKED ls_status ls__augment_fit(ls__augment *augment, const ls__image *image,
                                     const ls__value_range *range);

/* Whether a transform moves pixels. */
bool ls__augment_moves(const ls__augment *augment);

/* What becomes of a target whose first dimension alone is that of the images: of sequences it may
 * be the same time.  ASKED: nobody has said.  STAYS: also where no transform moves along it. */
typedef enum ls__augment_targets {
  LS__TARGET_ASKED,
  LS__TARGET_MOVES,
  LS__TARGET_STAYS
} ls__augment_targets;
ls__augment_targets ls__augment_targets_of(const ls__augment *augment);

/* Whether it transforms samples at all; whether it mixes them with others (mixup). */
bool ls__augment_transforms(const ls__augment *augment);
bool ls__augment_mixes(const ls__augment *augment);

/* Draw for this epoch from now on. */
void ls__augment_start(ls__augment *augment, uint64_t seed, uint64_t epoch);

/* One image of one sample, or what belongs to one.  Of a sequence the height is its own length:
 * what lies behind is left alone. */
typedef struct ls__augmented {
  ls__image image;
  float *pixels; /* [height, width, channels] changed in place */
  float *spare;  /* as large */
  bool follows;  /* it belongs to an image: is moved alone */
  bool nearest;  /* its values are classes, say: none lies between two */
  uint64_t sample;
  uint64_t first; /* of draws for each element: no other image has [first, first + elements) */
  bool in_time;   /* it follows, and has nothing but its first dimension in common with the image */
} ls__augmented;
void ls__augment_run(const ls__augment *augment, const ls__augmented *what);

/* Of one that mixes: which of n others a sample is mixed with, and what part it stays itself. */
size_t ls__augment_partner(const ls__augment *augment, uint64_t sample, size_t n);
float ls__augment_share(const ls__augment *augment, uint64_t sample);

#endif

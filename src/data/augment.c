/* Augmentation of training samples (augment/augment.h), where they are taken: they come into the
 * batch as the file has them, are transformed there, and normalised after that.
 *
 * Images are the real inputs of [height, width] or [height, width, channels].  Targets of the same
 * height and width are fields or masks, and are moved with them; whole numbers among those without
 * anything between two of them, for they may be classes.  Sequences are images as high as they are
 * long; a target with as many entries may be moved in time with them. */
#include <string.h>

#include "augment/augment.h"
#include "base/alloc.h"
#include "data/inside.h"

/* [height, width] or [height, width, channels] */
static bool image_of(const ls__array *array, ls__image *image) {
  const ls_shape *shape = &array->port.shape;
  if (shape->ndim < 2 || shape->ndim > 3) return false;
  *image = (ls__image){shape->dim[0], shape->dim[1], shape->ndim == 3 ? shape->dim[2] : 1};
  return true;
}

/* A target that has the time of the inputs, it seems. */
static ls_status follow_in_time(ls_data *data, size_t i, const ls__augment *augment,
                                const ls_config *config) {
  const ls__augment_targets targets = ls__augment_targets_of(augment);
  if (targets == LS__TARGET_MOVES) data->kept[i].augmented = LS__FOLLOWS_IN_TIME;
  if (targets != LS__TARGET_ASKED) return LS_OK;
  return ls__config_fail(config,
                         "augment: \"%s\" has as many entries as the inputs, %zu: say "
                         "time_shift: {..., targets: move} if they are of the same times, or stay",
                         data->array[i].port.name, data->array[i].port.shape.dim[0]);
}

ls_status ls__augment_choose(ls_data *data, ls__augment *augment, const ls_config *config) {
  ls_status st = LS_OK;
  ls__image first = {0, 0, 0}, image;
  ls__value_range range = {0, 255};
  size_t most = 0;
  if (augment == NULL || data->purpose != LS__DATA_TRAIN) return LS_OK;
  for (size_t i = 0; i < data->n_arrays && ls__augment_mixes(augment); i++)
    if (data->array[i].use == LS_SAMPLE_WEIGHT || data->array[i].use == LS_LENGTH)
      LS_REFUSE(config, "augment: mixup can't mix samples that have weights or lengths");
  if (!ls__augment_transforms(augment)) goto out;
  for (size_t i = 0; i < data->n_arrays; i++) {
    ls__kept *kept = &data->kept[i];
    if (data->array[i].use != LS_INPUT || !image_of(&data->array[i], &image)) continue;
    if (first.height > 0 && (image.height != first.height || image.width != first.width))
      LS_REFUSE(config,
                "augment: the inputs are images of %zu x %zu and of %zu x %zu: all must "
                "have one size",
                first.height, first.width, image.height, image.width);
    first = image;
    kept->augmented = LS__AUGMENTED;
    if (!kept->bytes_in_file) range = (ls__value_range){1, 0};
  }
  if (first.height == 0)
    LS_REFUSE(config, "augment: no input is an image, [height, width] or [height, width, "
                      "channels]");
  if (data->settings.missing == LS__MISSING_MEAN)
    LS_REFUSE(config, "augment: images with missing values can't be transformed; missing: drop "
                      "leaves them out");
  LS_TRY(ls__augment_fit(augment, &first, &range));
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls__array *array = &data->array[i];
    if (array->use == LS_TARGET && ls__augment_moves(augment) && image_of(array, &image) &&
        image.height == first.height && image.width == first.width)
      data->kept[i].augmented = LS__FOLLOWS;
    else if (array->use == LS_TARGET && array->port.shape.ndim > 0 &&
             array->port.shape.dim[0] == first.height)
      LS_TRY(follow_in_time(data, i, augment, config));
    if (data->kept[i].augmented != LS__AS_IT_IS && array->count > most) most = array->count;
  }
  LS_TRY(ls__alloc(&data->spare, most, sizeof *data->spare, "augmentation"));
out:
  return st;
}

ls_status ls__augment_settle(ls_data *data) {
  for (size_t i = 0; i < data->n_arrays; i++) {
    ls__kept *kept = &data->kept[i];
    const size_t stored = kept->same >= 0 ? (size_t)kept->same : i;
    if (data->augment == NULL || data->kept[stored].index) kept->augmented = LS__AS_IT_IS;
    if (data->array[i].use == LS_INPUT && kept->index && ls__data_mixes(data))
      return ls__fail(LS_ECONFIG, "data.augment: mixup mixes numbers, and %s is read as indices",
                      data->array[i].port.name);
    if (kept->augmented != LS__AS_IT_IS && data->kept[stored].type == LS__F64)
      return ls__fail(LS_ECONFIG,
                      "data.augment: the values of %s lie too close together, for their size, to "
                      "be transformed as floats",
                      data->array[i].port.name);
  }
  return LS_OK;
}

/* One array of n samples, which are those of the training part with these numbers. */
static void run_array(const ls_data *data, size_t i, const uint64_t *sample, size_t n, float *x) {
  const ls__kept *kept = &data->kept[i], *stored = kept->same >= 0 ? &data->kept[kept->same] : kept;
  const size_t count = kept->count;
  size_t all = 0, before = 0; /* elements of a sample's arrays, of those before this one */
  const bool follows = kept->augmented != LS__AUGMENTED;
  ls__augmented what = {.spare = data->spare,
                        .follows = follows,
                        .nearest = follows && kept->same < 0 && data->array[i].integer,
                        .in_time = kept->augmented == LS__FOLLOWS_IN_TIME};
  if (!image_of(&data->array[i], &what.image) || what.in_time) {
    const size_t entries = data->array[i].port.shape.dim[0];
    what.image = (ls__image){entries, count / entries, 1};
  }
  for (size_t k = 0; k < data->n_arrays; k++) {
    if (k == i) before = all;
    all += data->kept[k].count;
  }
  for (size_t k = 0; k < n; k++, x += count) {
    what.pixels = x;
    what.sample = sample[k];
    what.first = sample[k] * all + before;
    if (stored->length != NULL) what.image.height = (size_t)stored->length[sample[k]];
    ls__augment_run(data->augment, &what);
    if (stored->mean != NULL) ls__span()->load_f32(x, x, stored->mean, stored->rstd, count);
    if (stored->length == NULL) continue;
    const size_t real = ls__kept_real(stored, &stored->length[sample[k]]);
    if (real < count) ls__kept_pad(stored, real, x);
  }
}

void ls__augment_take(const ls_data *data, const uint64_t *sample, size_t n, size_t done,
                      void *const *to) {
  for (size_t i = 0; i < data->n_arrays; i++)
    if (to[i] != NULL && data->kept[i].augmented != LS__AS_IT_IS)
      run_array(data, i, sample, n, (float *)to[i] + done * data->kept[i].count);
}

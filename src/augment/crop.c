/* random_crop: as if the image had `padding` more pixels on each side, and a part of its own size
 * were cut out at random; whole pixels, so no value changes. */
#include <string.h>

#include "augment/kinds.h"

typedef struct options {
  size_t padding;
  int fill;
} options;

static const ls__option table[] = {
    LS__SIZE(options, padding, NULL, 1, 1e6, "pixels on each side"),
    {"fill_mode", LS__OPTION_CHOICE, offsetof(options, fill), "zeros", 0, 0, ls__fill_names, NULL,
     "what they are"},
    LS__END,
};

/* A row of the image: columns [first, end) lie within it, and the others are looked for one by one. */
static void crop_row(const ls__augment_call *call, const float *from, int64_t dx, float *to) {
  const options *o = call->options;
  const size_t c = call->image.channels, w = call->image.width;
  const size_t far = (size_t)(dx < 0 ? -dx : dx), off = far < w ? far : w;
  const size_t first = dx < 0 ? off : 0, end = dx < 0 ? w : w - off;
  for (size_t x = 0; x < w; x++) {
    if (x == first && end > first) {
      memcpy(to + x * c, from + (size_t)((int64_t)x + dx) * c, (end - first) * c * sizeof *to);
      x = end - 1;
      continue;
    }
    const size_t column = ls__fill_index((ls__fill)o->fill, (int64_t)x + dx, w);
    for (size_t k = 0; k < c; k++) to[x * c + k] = column == w ? 0 : from[column * c + k];
  }
}

static bool run(const ls__augment_call *call) {
  const options *o = call->options;
  const ls__image *image = &call->image;
  const size_t row_size = image->width * image->channels, offsets = 2 * o->padding + 1;
  const int64_t dy = (int64_t)ls__augment_pick(call, 0, offsets) - (int64_t)o->padding,
                dx = (int64_t)ls__augment_pick(call, 1, offsets) - (int64_t)o->padding;
  if (dy == 0 && dx == 0) return false;
  for (size_t y = 0; y < image->height; y++) {
    const size_t row = ls__fill_index((ls__fill)o->fill, (int64_t)y + dy, image->height);
    if (row == image->height)
      memset(call->to + y * row_size, 0, row_size * sizeof *call->to);
    else
      crop_row(call, call->from + row * row_size, dx, call->to + y * row_size);
  }
  return true;
}

/* Beyond its size zeros may be all that is left of an image. */
static ls_status fit(const void *options_, const ls__image *image, const ls__value_range *range,
                     const ls_config *node) {
  const options *o = options_;
  (void)range;
  if (o->fill != LS__FILL_ZEROS || (o->padding < image->height && o->padding < image->width))
    return LS_OK;
  return ls__config_fail(node, "a padding of %zu moves images of %zu x %zu out of sight",
                         o->padding, image->height, image->width);
}

const ls__augment_kind ls__augment_random_crop = {
    .kind = {"random_crop", "moved by whole pixels, up to `padding` each way", table},
    .moves = true,
    .options_bytes = sizeof(options),
    .fit = fit,
    .run = run,
};

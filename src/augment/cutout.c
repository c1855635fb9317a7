/* cutout: a square of one value, somewhere (DeVries and Taylor 2017).  Its middle is a pixel of the
 * image; what of it lies beyond the border is not there. */
#include <string.h>

#include "augment/kinds.h"

typedef struct options {
  size_t size;
  double value;
} options;

static const ls__option table[] = {
    LS__SIZE(options, size, NULL, 1, 1e6, "pixels of a side; `cutout: 8` says it alone"),
    LS__NUMBER(options, value, "0", -1e30, 1e30, "of the square's pixels, as the file has them"),
    LS__END,
};

/* Pixels of a side [first, end) of n, with its middle at pixel m. */
static void side(size_t size, size_t m, size_t n, size_t *first, size_t *end) {
  const size_t before = size / 2;
  *first = m > before ? m - before : 0;
  *end = n - m < size - before ? n : m + size - before;
}

static bool run(const ls__augment_call *call) {
  const options *o = call->options;
  const ls__image *image = &call->image;
  const size_t w = image->width, c = image->channels;
  size_t top, bottom, left, right;
  side(o->size, ls__augment_pick(call, 0, image->height), image->height, &top, &bottom);
  side(o->size, ls__augment_pick(call, 1, w), w, &left, &right);
  memcpy(call->to, call->from, image->height * w * c * sizeof *call->to);
  for (size_t y = top; y < bottom; y++)
    for (size_t i = (y * w + left) * c; i < (y * w + right) * c; i++) call->to[i] = (float)o->value;
  return true;
}

static ls_status fit(const void *options_, const ls__image *image, const ls__value_range *range,
                     const ls_config *node) {
  const options *o = options_;
  (void)range;
  if (o->size <= image->height && o->size <= image->width) return LS_OK;
  return ls__config_fail(node, "a square of %zu x %zu is larger than the images of %zu x %zu",
                         o->size, o->size, image->height, image->width);
}

const ls__augment_kind ls__augment_cutout = {
    .kind = {"cutout", "a square of it is covered", table},
    .brief = "size",
    .options_bytes = sizeof(options),
    .fit = fit,
    .run = run,
};

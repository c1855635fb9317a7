/* time_mask and frequency_mask: stretches of time, or of bands, that are covered (SpecAugment, Park
 * et al. 2019).  `count` times a width of 0 .. width is drawn, then where it lies. */
#include <string.h>

#include "augment/kinds.h"
#include "base/number.h"

enum { MOST_MASKS = 32, DRAWS = 2 * MOST_MASKS };

typedef struct options {
  size_t width, count;
  double share, value;
  bool mean;
} options;

#define COMMON                                                                                  \
  LS__SIZE(options, count, "1", 1, MOST_MASKS, "masks"),                                        \
      LS__BY_HAND("value", "number or `mean`", "mean",                                          \
                  "what they are covered with, as the file has it; mean: the mean of the "      \
                  "sample's band over its time, with which nothing but the mask changes after " \
                  "`normalize`")

static const ls__option time_table[] = {
    LS__SIZE(options, width, NULL, 1, 1e9,
             "entries of a mask, at most; `time_mask: 20` says it alone"),
    LS__NUMBER(options, share, "1", 0, 1, "of the sample's length that a mask covers, at most"),
    COMMON,
    LS__END,
};

static const ls__option band_table[] = {
    LS__SIZE(options, width, NULL, 1, 1e9,
             "bands of a mask, at most; `frequency_mask: 8` says it alone"),
    COMMON,
    LS__END,
};

static ls_status configure(void *into, ls_config *map) {
  ls_status st = LS_OK;
  options *o = into;
  const char *text;
  LS_TRY(ls__config_string(map, "value", "mean", &text));
  o->mean = strcmp(text, "mean") == 0;
  if (!o->mean && !(ls__number_parse(text, &o->value) && o->value >= -1e30 && o->value <= 1e30))
    st = ls__config_fail(ls__config_child(map, "value"), "must be a number from -1e30 to 1e30, or "
                                                         "mean");
out:
  return st;
}

/* Number k that is drawn for the sample: one of 0 .. n-1. */
static size_t pick(const ls__augment_call *call, uint64_t k, size_t n) {
  const uint64_t u = ls__rng_u32(call->rng, call->sample * DRAWS + k);
  return n >> 32 == 0 ? (size_t)(u * n >> 32) : (size_t)(u % n);
}

/* Mask i of a dimension of n: [*first, *end). */
static void draw(const ls__augment_call *call, size_t i, size_t most, size_t n, size_t *first,
                 size_t *end) {
  const size_t width = pick(call, 2 * i, (most < n ? most : n) + 1);
  *first = pick(call, 2 * i + 1, n - width + 1);
  *end = *first + width;
}

/* Cover rows [y0, y1) and columns [x0, x1) with each element's value. */
static void cover(const ls__augment_call *call, size_t y0, size_t y1, size_t x0, size_t x1) {
  const options *o = call->options;
  const size_t c = call->image.channels, entry = call->image.width * c, n = call->image.height;
  for (size_t i = x0 * c; y0 < y1 && i < x1 * c; i++) {
    double sum = 0;
    for (size_t t = 0; o->mean && t < n; t++) sum += (double)call->from[t * entry + i];
    const float value = (float)(o->mean ? sum / (double)n : o->value);
    for (size_t t = y0; t < y1; t++) call->to[t * entry + i] = value;
  }
}

static void copy(const ls__augment_call *call) {
  const size_t n = call->image.height * call->image.width * call->image.channels;
  memcpy(call->to, call->from, n * sizeof *call->to);
}

static bool run_time(const ls__augment_call *call) {
  const options *o = call->options;
  const size_t n = call->image.height, part = (size_t)(o->share * (double)n),
               most = o->width < part ? o->width : part;
  copy(call);
  for (size_t i = 0; i < o->count; i++) {
    size_t first, end;
    draw(call, i, most, n, &first, &end);
    cover(call, first, end, 0, call->image.width);
  }
  return true;
}

static bool run_bands(const ls__augment_call *call) {
  const options *o = call->options;
  copy(call);
  for (size_t i = 0; i < o->count; i++) {
    size_t first, end;
    draw(call, i, o->width, call->image.width, &first, &end);
    cover(call, 0, call->image.height, first, end);
  }
  return true;
}

static ls_status fit_time(const void *from, const ls__image *image, const ls__value_range *range,
                          const ls_config *node) {
  const options *o = from;
  (void)range;
  if (o->width <= image->height) return LS_OK;
  return ls__config_fail(node, "a mask of %zu entries is longer than samples are, %zu", o->width,
                         image->height);
}

static ls_status fit_bands(const void *from, const ls__image *image, const ls__value_range *range,
                           const ls_config *node) {
  const options *o = from;
  (void)range;
  if (o->width < image->width) return LS_OK;
  return ls__config_fail(node, "a mask of %zu bands can cover all %zu", o->width, image->width);
}

const ls__augment_kind ls__augment_time_mask = {
    .kind = {"time_mask", "stretches of the first dimension are covered", time_table},
    .brief = "width",
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit_time,
    .run = run_time,
};

const ls__augment_kind ls__augment_frequency_mask = {
    .kind = {"frequency_mask", "stretches of the second dimension are covered", band_table},
    .brief = "width",
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit_bands,
    .run = run_bands,
};

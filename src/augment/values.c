/* brightness, contrast and noise: what changes values, and moves nothing.  R is the width of the
 * range of values.
 *
 *   brightness  y = x + u R              u drawn once for an image; kept within the range
 *   contrast    y = m + (x - m) (1 + u)  m the mean of the channel; kept within the range
 *   noise       y = x + s R n            n normal, drawn for each value */
#include "augment/kinds.h"

typedef struct options {
  double factor[2]; /* of noise: s, in the first */
  ls__value_range range;
} options;

static ls__value_range range_of(const ls__augment_call *call) {
  const options *o = call->options;
  return ls__augment_known(&o->range) ? o->range : call->range;
}

static ls_status fit(const void *from, const ls__image *image, const ls__value_range *range,
                     const ls_config *node) {
  const options *o = from;
  (void)image;
  return ls__augment_need_range(&o->range, range, node);
}

static float within(float x, const ls__value_range *range) {
  const float low = (float)range->low, high = (float)range->high;
  return x < low ? low : x > high ? high : x;
}

static size_t count_of(const ls__augment_call *call) {
  return call->image.height * call->image.width * call->image.channels;
}

/* ---- brightness */

static const ls__option brightness_table[] = {
    LS__BY_HAND("factor", "number or list", NULL,
                "darker or brighter, at most by this share of the range; or [low, high]; "
                "`brightness: 0.2` says it alone"),
    LS__VALUE_RANGE,
    LS__END,
};

static ls_status configure(void *into, ls_config *map) {
  ls_status st = LS_OK;
  options *o = into;
  LS_TRY(ls__augment_interval(map, "factor", LS__REQUIRED_DOUBLE, -1, 1, o->factor));
  LS_TRY(ls__augment_range(map, &o->range));
out:
  return st;
}

static bool run_brightness(const ls__augment_call *call) {
  const options *o = call->options;
  const ls__value_range range = range_of(call);
  const float more = (float)(ls__augment_between(call, 0, o->factor) * (range.high - range.low));
  for (size_t i = 0; i < count_of(call); i++) call->to[i] = within(call->from[i] + more, &range);
  return true;
}

const ls__augment_kind ls__augment_brightness = {
    .kind = {"brightness", "darker or brighter", brightness_table},
    .brief = "factor",
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit,
    .run = run_brightness,
};

/* ---- contrast */

static const ls__option contrast_table[] = {
    LS__BY_HAND("factor", "number or list", NULL,
                "distances from the channel's mean become at most so much smaller or larger; or "
                "[low, high]; `contrast: 0.2` says it alone"),
    LS__VALUE_RANGE,
    LS__END,
};

static bool run_contrast(const ls__augment_call *call) {
  const options *o = call->options;
  const ls__value_range range = range_of(call);
  const size_t channels = call->image.channels, n = count_of(call);
  const float by = (float)(1 + ls__augment_between(call, 0, o->factor));
  for (size_t c = 0; c < channels; c++) {
    double sum = 0;
    for (size_t i = c; i < n; i += channels) sum += (double)call->from[i];
    const float mean = (float)(sum * (double)channels / (double)n);
    for (size_t i = c; i < n; i += channels)
      call->to[i] = within(mean + (call->from[i] - mean) * by, &range);
  }
  return true;
}

const ls__augment_kind ls__augment_contrast = {
    .kind = {"contrast", "less or more contrast", contrast_table},
    .brief = "factor",
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit,
    .run = run_contrast,
};

/* ---- noise */

static const ls__option noise_table[] = {
    LS__NUMBER_AS(options, factor[0], "stddev", NULL, 0, 1e6,
                  "the standard deviation, as a share of the range; `noise: 0.05` says it alone"),
    LS__VALUE_RANGE,
    LS__END,
};

static ls_status configure_noise(void *into, ls_config *map) {
  options *o = into;
  return ls__augment_range(map, &o->range);
}

static bool run_noise(const ls__augment_call *call) {
  const options *o = call->options;
  const ls__value_range range = range_of(call);
  const double s = o->factor[0] * (range.high - range.low);
  for (size_t i = 0; i < count_of(call); i++)
    call->to[i] = call->from[i] + (float)(s * ls__rng_normal(call->rng, call->first + i));
  return true;
}

const ls__augment_kind ls__augment_noise = {
    .kind = {"noise", "normal noise is added", noise_table},
    .brief = "stddev",
    .options_bytes = sizeof(options),
    .configure = configure_noise,
    .fit = fit,
    .run = run_noise,
};

/* solarize: what is brighter than a threshold is inverted, y = low + high - x, in half of the images. */
#include "augment/kinds.h"

typedef struct options {
  double threshold;
  ls__value_range range;
} options;

static const ls__option table[] = {
    LS__NUMBER(options, threshold, "0.5", 0, 1, "as a share of the range"),
    LS__VALUE_RANGE,
    LS__END,
};

static ls_status configure(void *into, ls_config *map) {
  options *o = into;
  return ls__augment_range(map, &o->range);
}

static ls_status fit(const void *from, LS_UNUSED const ls__image *image,
                     const ls__value_range *range, const ls_config *node) {
  const options *o = from;
  return ls__augment_need_range(&o->range, range, node);
}

static bool run(const ls__augment_call *call) {
  const options *o = call->options;
  const ls__value_range r = ls__augment_known(&o->range) ? o->range : call->range;
  const size_t n = call->image.height * call->image.width * call->image.channels;
  const float most = (float)(r.low + o->threshold * (r.high - r.low));
  if (ls__augment_draw(call, 0) < 0.5F) return false;
  for (size_t i = 0; i < n; i++)
    call->to[i] = call->from[i] > most ? (float)(r.low + r.high) - call->from[i] : call->from[i];
  return true;
}

const ls__augment_kind ls__augment_solarize = {
    .kind = {"solarize", "what is bright becomes dark in half of them", table},
    .brief = "threshold",
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit,
    .run = run,
};

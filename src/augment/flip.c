/* flip: left and right, up and down, each in half of the samples. */
#include <string.h>

#include "augment/kinds.h"

typedef struct options {
  bool horizontal, vertical;
} options;

static const ls__option table[] = {
    LS__SWITCH(options, horizontal, "true", "left becomes right in half of the samples"),
    LS__SWITCH(options, vertical, "false", "up becomes down in half of the samples"),
    LS__END,
};

static ls_status configure(void *into, ls_config *map) {
  const options *o = into;
  if (!o->horizontal && !o->vertical)
    return ls__config_fail(map, "flips nothing: say horizontal: true or vertical: true");
  return LS_OK;
}

static bool run(const ls__augment_call *call) {
  const options *o = call->options;
  const ls__image *image = &call->image;
  const size_t c = image->channels, w = image->width, h = image->height;
  const bool across = o->horizontal && ls__augment_draw(call, 0) < 0.5F,
             down = o->vertical && ls__augment_draw(call, 1) < 0.5F;
  if (!across && !down) return false;
  for (size_t y = 0; y < h; y++) {
    const float *from = call->from + (down ? h - 1 - y : y) * w * c;
    float *to = call->to + y * w * c;
    if (!across) memcpy(to, from, w * c * sizeof *to);
    for (size_t x = 0; across && x < w; x++)
      for (size_t k = 0; k < c; k++) to[x * c + k] = from[(w - 1 - x) * c + k];
  }
  return true;
}

const ls__augment_kind ls__augment_flip = {
    .kind = {"flip", "mirrored", table},
    .moves = true,
    .options_bytes = sizeof(options),
    .configure = configure,
    .run = run,
};

/* shift, rotation and zoom: each pixel is looked for elsewhere in the image, between four of its
 * pixels (bilinear) or at the nearest one.
 *
 *   shift     (y, x) = (y - dy, x - dx)
 *   rotation  (y, x) = (y cos a + x sin a, x cos a - y sin a)    counterclockwise by a
 *   zoom      (y, x) = (y (1 + v), x (1 + u))                    above 0: further away
 *
 * with y downwards and x to the right of the centre. */
#include <math.h>
#include <string.h>

#include "augment/kinds.h"
#include "base/real.h"

typedef struct options {
  double height[2], width[2]; /* of a rotation: turns, in the first */
  int fill, interpolation;
} options;

static const char *const interpolations[] = {"bilinear", "nearest", NULL};

#define COMMON                                                       \
  {"fill_mode",                                                      \
   LS__OPTION_CHOICE,                                                \
   offsetof(options, fill),                                          \
   "reflect",                                                        \
   0,                                                                \
   0,                                                                \
   ls__fill_names,                                                   \
   NULL,                                                             \
   "what lies beyond the border"},                                   \
      LS__CHOICE(options, interpolation, "bilinear", interpolations, \
                 "the mean of the four pixels around a place, by their distances, or the nearest")

/* ---- Looking elsewhere */

/* A place along one axis: two neighbours, and how far from the first it is. */
typedef struct place {
  size_t at[2]; /* the size of the axis: beyond the border, 0 */
  float share;  /* of the second */
} place;

static place place_of(double s, size_t n, const ls__warp *warp) {
  const double whole = floor(warp->nearest ? s + 0.5 : s);
  const int64_t i = (int64_t)whole;
  place p = {{ls__fill_index(warp->fill, i, n), n}, 0};
  if (warp->nearest) return p;
  p.share = (float)(s - whole);
  p.at[1] = ls__fill_index(warp->fill, i + 1, n);
  return p;
}

static float value_at(const ls__augment_call *call, size_t y, size_t x, size_t c) {
  const ls__image *image = &call->image;
  if (y == image->height || x == image->width) return 0;
  return call->from[(y * image->width + x) * image->channels + c];
}

void ls__augment_warp(const ls__augment_call *call, const ls__warp *warp) {
  const ls__image *image = &call->image;
  const double middle_y = ((double)image->height - 1) / 2,
               middle_x = ((double)image->width - 1) / 2;
  float *to = call->to;
  for (size_t i = 0; i < image->height; i++)
    for (size_t j = 0; j < image->width; j++) {
      const double y = (double)i - middle_y, x = (double)j - middle_x;
      const double from_y = warp->m[0][0] * y + warp->m[0][1] * x + warp->m[0][2] + middle_y,
                   from_x = warp->m[1][0] * y + warp->m[1][1] * x + warp->m[1][2] + middle_x;
      const place v = place_of(from_y, image->height, warp),
                  u = place_of(from_x, image->width, warp);
      for (size_t c = 0; c < image->channels; c++, to++) {
        *to = value_at(call, v.at[0], u.at[0], c);
        if (warp->nearest) continue;
        const float above = *to + u.share * (value_at(call, v.at[0], u.at[1], c) - *to),
                    left = value_at(call, v.at[1], u.at[0], c),
                    below = left + u.share * (value_at(call, v.at[1], u.at[1], c) - left);
        *to = above + v.share * (below - above);
      }
    }
}

static ls__warp warp_of(const ls__augment_call *call) {
  const options *o = call->options;
  return (ls__warp){.m = {{1, 0, 0}, {0, 1, 0}},
                    .fill = (ls__fill)o->fill,
                    .nearest = call->nearest || o->interpolation == 1};
}

/* ---- shift */

static const ls__option shift_table[] = {
    LS__BY_HAND("height", "number or list", "0",
                "up or down, at most this share of the height; or [low, high], above 0 is down"),
    LS__BY_HAND("width", "number or list", "0",
                "left or right, at most this share of the width; or [low, high], above 0 is right"),
    COMMON,
    LS__END,
};

static ls_status configure_shift(void *into, ls_config *map) {
  ls_status st = LS_OK;
  options *o = into;
  LS_TRY(ls__augment_interval(map, "height", 0, -1, 1, o->height));
  LS_TRY(ls__augment_interval(map, "width", 0, -1, 1, o->width));
  if (o->height[0] >= o->height[1] && o->width[0] >= o->width[1] && fabs(o->height[0]) <= 0 &&
      fabs(o->width[0]) <= 0)
    LS_REFUSE(map, "shifts nothing: say height or width");
out:
  return st;
}

static bool run_shift(const ls__augment_call *call) {
  const options *o = call->options;
  ls__warp warp = warp_of(call);
  warp.m[0][2] = -ls__augment_between(call, 0, o->height) * (double)call->image.height;
  warp.m[1][2] = -ls__augment_between(call, 1, o->width) * (double)call->image.width;
  ls__augment_warp(call, &warp);
  return true;
}

const ls__augment_kind ls__augment_shift = {
    .kind = {"shift", "moved by a share of its size", shift_table},
    .moves = true,
    .options_bytes = sizeof(options),
    .configure = configure_shift,
    .run = run_shift,
};

/* ---- rotation */

static const ls__option rotation_table[] = {
    LS__BY_HAND("factor", "number or list", NULL,
                "either way, at most this part of a full turn; or [low, high], above 0 is "
                "counterclockwise; `rotation: 0.05` says it alone"),
    COMMON,
    LS__END,
};

static ls_status configure_rotation(void *into, ls_config *map) {
  options *o = into;
  return ls__augment_interval(map, "factor", LS__REQUIRED_DOUBLE, -1, 1, o->height);
}

static bool run_rotation(const ls__augment_call *call) {
  const options *o = call->options;
  const double turn = ls__augment_between(call, 0, o->height);
  const double u = turn < 0 ? turn + 1 : turn, quarter = u < 0.25 ? u + 0.75 : u - 0.25;
  const double cosine = ls__cos_turn(u), sine = ls__cos_turn(quarter);
  ls__warp warp = warp_of(call);
  warp.m[0][0] = warp.m[1][1] = cosine;
  warp.m[0][1] = sine;
  warp.m[1][0] = -sine;
  ls__augment_warp(call, &warp);
  return true;
}

const ls__augment_kind ls__augment_rotation = {
    .kind = {"rotation", "turned about its centre", rotation_table},
    .brief = "factor",
    .moves = true,
    .options_bytes = sizeof(options),
    .configure = configure_rotation,
    .run = run_rotation,
};

/* ---- zoom */

static const ls__option zoom_table[] = {
    LS__BY_HAND("height", "number or list", NULL,
                "nearer or further, at most by this share; or [low, high], above 0 is further "
                "away; `zoom: 0.1` says it alone"),
    LS__BY_HAND("width", "number or list", "as the height",
                "of the width; unless given, by the same draw as the height"),
    COMMON,
    LS__END,
};

/* width[0] > width[1]: as the height. */
static ls_status configure_zoom(void *into, ls_config *map) {
  ls_status st = LS_OK;
  options *o = into;
  LS_TRY(ls__augment_interval(map, "height", LS__REQUIRED_DOUBLE, -0.99, 10, o->height));
  o->width[0] = 1;
  o->width[1] = 0;
  if (ls__config_child(map, "width") != NULL)
    LS_TRY(ls__augment_interval(map, "width", 0, -0.99, 10, o->width));
out:
  return st;
}

static bool run_zoom(const ls__augment_call *call) {
  const options *o = call->options;
  ls__warp warp = warp_of(call);
  const double height = ls__augment_between(call, 0, o->height);
  warp.m[0][0] = 1 + height;
  warp.m[1][1] = 1 + (o->width[0] > o->width[1] ? height : ls__augment_between(call, 1, o->width));
  ls__augment_warp(call, &warp);
  return true;
}

const ls__augment_kind ls__augment_zoom = {
    .kind = {"zoom", "nearer or further away", zoom_table},
    .brief = "height",
    .moves = true,
    .options_bytes = sizeof(options),
    .configure = configure_zoom,
    .run = run_zoom,
};

/* Sizes of windows and padding, from options to positions. */
#include "nn/geometry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Options */

/* A number of a list. */
static ls_status read_item(const ls_config *item, size_t low, size_t *out) {
  const char *text = ls__config_kind_of(item) == LS__SCALAR ? ls__config_text(item) : "";
  char *end = NULL;
  const long long x = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || x < (long long)low || x > INT_MAX)
    return ls__config_fail(item, "\"%s\" is not allowed, it must be a whole number from %zu to %d",
                           text, low, INT_MAX);
  *out = (size_t)x;
  return LS_OK;
}

/* The list at a key with d items, of 0: 1 to LS__SPATIAL; NULL where there is none, but a number or
 * nothing. */
static ls_status find_list(ls_config *map, const char *key, int d, const ls_config **list) {
  const ls_config *node = ls__config_child(map, key);
  *list = node != NULL && ls__config_kind_of(node) == LS__LIST ? node : NULL;
  if (*list != NULL && d > 0 && ls__config_count(node) != (size_t)d)
    return ls__config_fail(node, "has %zu entries, it must be a number or a list of %d",
                           ls__config_count(node), d);
  if (*list != NULL && (ls__config_count(node) < 1 || ls__config_count(node) > LS__SPATIAL))
    return ls__config_fail(node, "has %zu entries, it must be a number, or a list of 1 to %d",
                           ls__config_count(node), LS__SPATIAL);
  return LS_OK;
}

ls_status ls__sizes_read(ls_config *map, const char *key, int d, size_t fallback, size_t low,
                         ls__sizes *out) {
  ls_status st = LS_OK;
  const ls_config *list;
  memset(out, 0, sizeof *out);
  LS_TRY(find_list(map, key, d, &list));
  if (list == NULL) {
    LS_TRY(ls__config_size(map, key, fallback, low, INT_MAX, &out->at[0]));
    for (int i = 1; i < LS__SPATIAL; i++) out->at[i] = out->at[0];
    goto out;
  }
  out->listed = (int)ls__config_count(list);
  for (int i = 0; i < out->listed; i++)
    LS_TRY(read_item(ls__config_at(list, (size_t)i), low, &out->at[i]));
out:
  return st;
}

ls_status ls__sizes_read_or(ls_config *map, const char *key, const ls__sizes *other, size_t low,
                            ls__sizes *out) {
  *out = *other;
  return ls__config_child(map, key) == NULL
             ? LS_OK
             : ls__sizes_read(map, key, 0, LS__REQUIRED_SIZE, low, out);
}

/* `2` or `[1, 2]`, in a list. */
static ls_status read_pair(const ls_config *item, size_t pair[2]) {
  ls_status st = LS_OK;
  if (ls__config_kind_of(item) != LS__LIST) {
    LS_TRY(read_item(item, 0, &pair[0]));
    pair[1] = pair[0];
    goto out;
  }
  if (ls__config_count(item) != 2)
    LS_REFUSE(item, "has %zu entries, it must be two numbers, [before, after]",
              ls__config_count(item));
  for (size_t k = 0; k < 2; k++) LS_TRY(read_item(ls__config_at(item, k), 0, &pair[k]));
out:
  return st;
}

ls_status ls__sides_read(ls_config *map, const char *key, size_t fallback, ls__sides *out) {
  ls_status st = LS_OK;
  const ls_config *list;
  memset(out, 0, sizeof *out);
  LS_TRY(find_list(map, key, 0, &list));
  if (list == NULL) {
    size_t all = 0;
    LS_TRY(ls__config_size(map, key, fallback, 0, INT_MAX, &all));
    for (int i = 0; i < LS__SPATIAL; i++) out->at[i][0] = out->at[i][1] = all;
    goto out;
  }
  out->listed = (int)ls__config_count(list);
  for (int i = 0; i < out->listed; i++) {
    const ls_config *item = ls__config_at(list, (size_t)i);
    out->pairs = out->pairs || ls__config_kind_of(item) == LS__LIST;
    LS_TRY(read_pair(item, out->at[i]));
  }
out:
  return st;
}

ls_status ls__padding_read(ls_config *map, const char *key, ls__padding *out) {
  ls_status st = LS_OK;
  const char *word = "";
  const ls_config *node = ls__config_child(map, key);
  memset(out, 0, sizeof *out);
  if (node == NULL || (ls__config_kind_of(node) == LS__SCALAR &&
                       strspn(ls__config_text(node), "+-.0123456789") == 0)) {
    LS_TRY(ls__config_string(map, key, "valid", &word));
    out->kind = strcmp(word, "same") == 0 ? LS__PADDING_SAME : LS__PADDING_VALID;
    if (out->kind == LS__PADDING_VALID && strcmp(word, "valid") != 0)
      LS_REFUSE(node, "\"%s\" is not allowed, it must be valid, same, a number or a list of them",
                word);
  } else {
    out->kind = LS__PADDING_GIVEN;
    LS_TRY(ls__sides_read(map, key, LS__REQUIRED_SIZE, &out->sides));
  }
out:
  return st;
}

ls_status ls__listed_fit(const ls_config *node, const char *layer, const char *key, int listed,
                         int d) {
  if (listed == 0 || listed == d) return LS_OK;
  return ls__config_fail(node, "%s: %s has %d entr%s, and the data have %d spatial dimension%s",
                         layer, key, listed, listed == 1 ? "y" : "ies", d, d == 1 ? "" : "s");
}

ls_status ls__sides_fit(const ls_config *node, const char *layer, const char *key,
                        const ls__sides *sides, int d, size_t at[LS__SPATIAL][2]) {
  memcpy(at, sides->at, sizeof sides->at);
  if (d == 1 && sides->listed == 2 && !sides->pairs) {
    at[0][1] = sides->at[1][0];
    return LS_OK;
  }
  return ls__listed_fit(node, layer, key, sides->listed, d);
}

/* ---- Windows */

ls_status ls__geometry_of(const ls_config *node, const char *layer, int d, const ls_shape *in,
                          ls__geometry *out) {
  static const char *const wanted[] = {"[width, channels], [height, width, channels] or [depth, "
                                       "height, width, channels]",
                                       "[width, channels]", "[height, width, channels]",
                                       "[depth, height, width, channels]"};
  char shape[LS_SHAPE_TEXT];
  memset(out, 0, sizeof *out);
  out->d = d > 0 ? d : in->ndim - 1;
  if (out->d < 1 || out->d > LS__SPATIAL || in->ndim != out->d + 1)
    return ls__config_fail(node, "%s needs an input of shape %s, not %s", layer, wanted[d],
                           ls_shape_format(in, shape));
  for (int i = 0; i < LS__SPATIAL; i++) {
    ls__axis *a = &out->axis[i];
    const int place = i - (LS__SPATIAL - out->d);
    *a = (ls__axis){.kernel = 1, .stride = 1, .dilation = 1};
    a->in = a->out = place < 0 ? 1 : in->dim[place];
  }
  out->channels = in->dim[out->d];
  return LS_OK;
}

/* "3 x 3" */
static const char *sizes_text(const ls__geometry *g, bool padded, char text[LS_SHAPE_TEXT]) {
  size_t used = 0;
  text[0] = '\0';
  for (int i = LS__SPATIAL - g->d; i < LS__SPATIAL; i++) {
    const ls__axis *a = &g->axis[i];
    const size_t size = padded ? a->in + a->before + a->after : (a->kernel - 1) * a->dilation + 1;
    const int n = snprintf(text + used, LS_SHAPE_TEXT - used, "%s%zu",
                           i > LS__SPATIAL - g->d ? " x " : "", size);
    used += n > 0 ? (size_t)n : 0;
  }
  return text;
}

bool ls__axis_slide(ls__axis *a, ls__padding_kind padding, const size_t sides[2]) {
  const size_t reach = (a->kernel - 1) * a->dilation + 1;
  if (padding == LS__PADDING_SAME) {
    a->out = (a->in - 1) / a->stride + 1;
    const size_t needed = (a->out - 1) * a->stride + reach;
    const size_t all = needed > a->in ? needed - a->in : 0;
    a->before = all / 2;
    a->after = all - a->before;
    return true;
  }
  if (padding == LS__PADDING_GIVEN) a->before = sides[0], a->after = sides[1];
  if (a->in + a->before + a->after < reach) return false;
  a->out = (a->in + a->before + a->after - reach) / a->stride + 1;
  return true;
}

ls_status ls__geometry_slide(const ls_config *node, const char *layer, int d, const ls_shape *in,
                             const ls__window_options *w, ls__geometry *out) {
  ls_status st = LS_OK;
  size_t sides[LS__SPATIAL][2] = {{0}};
  char shape[LS_SHAPE_TEXT], window[LS_SHAPE_TEXT], padded[LS_SHAPE_TEXT];
  bool fits = true, bare = false;
  size_t most = INT_MAX; /* taps */
  LS_TRY(ls__geometry_of(node, layer, d, in, out));
  LS_TRY(ls__listed_fit(node, layer, w->kernel_key, w->kernel->listed, out->d));
  LS_TRY(ls__listed_fit(node, layer, "strides", w->stride->listed, out->d));
  if (w->dilation != NULL)
    LS_TRY(ls__listed_fit(node, layer, "dilation_rate", w->dilation->listed, out->d));
  if (w->padding->kind == LS__PADDING_GIVEN)
    LS_TRY(ls__sides_fit(node, layer, "padding", &w->padding->sides, out->d, sides));
  for (int i = 0; i < out->d; i++) {
    ls__axis *a = &out->axis[LS__SPATIAL - out->d + i];
    a->kernel = w->kernel->at[i];
    a->stride = w->stride->at[i];
    if (w->dilation != NULL) a->dilation = w->dilation->at[i];
    fits = ls__axis_slide(a, w->padding->kind, sides[i]) && fits;
    bare = bare || a->before >= a->kernel || a->after >= a->kernel;
    most /= a->kernel;
  }
  if (most == 0 || ls_shape_count(in) > INT_MAX)
    LS_REFUSE(node, "%s: a window of %s over an input of shape %s is too large", layer,
              sizes_text(out, false, window), ls_shape_format(in, shape));
  if (!fits)
    LS_REFUSE(node, "%s: a window of %s is larger than an input of shape %s, padded to %s", layer,
              sizes_text(out, false, window), ls_shape_format(in, shape),
              sizes_text(out, true, padded));
  if (w->inside && bare)
    LS_REFUSE(node,
              "%s: padding of an input of shape %s to %s must be less than the window of %s "
              "on each side",
              layer, ls_shape_format(in, shape), sizes_text(out, true, padded),
              sizes_text(out, false, window));
out:
  return st;
}

ls_status ls__geometry_shape(const ls_config *node, const char *layer, const ls__geometry *g,
                             size_t channels, ls_shape *out) {
  size_t most = INT_MAX;
  out->ndim = g->d + 1;
  for (int i = 0; i < g->d; i++) out->dim[i] = g->axis[LS__SPATIAL - g->d + i].out;
  out->dim[g->d] = channels;
  for (int i = 0; i <= g->d && most > 0; i++) most /= out->dim[i];
  if (most == 0) {
    char shape[LS_SHAPE_TEXT];
    return ls__config_fail(node, "%s: an output of shape %s is too large", layer,
                           ls_shape_format(out, shape));
  }
  return LS_OK;
}

/* ---- What stands in the padding */

ls_status ls__pad_fits(const ls_config *node, const char *layer, ls__border_mode mode,
                       const ls__axis *a, const ls_shape *in) {
  const size_t most = ls__border_most(mode, a->in);
  char shape[LS_SHAPE_TEXT];
  if (a->before <= most && a->after <= most) return LS_OK;
  return ls__config_fail(node,
                         "%s: padding of %zu and %zu of an input of shape %s: with mode %s at most "
                         "%zu of a dimension of %zu",
                         layer, a->before, a->after, ls_shape_format(in, shape),
                         ls__border_modes[mode], most, a->in);
}

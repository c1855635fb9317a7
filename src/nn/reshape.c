/* flatten and reshape: the same numbers under another shape; no work at all. */
#include <limits.h>
#include <stdlib.h>

#include "nn/kinds.h"

static ls_status infer_flatten(ls__layer *layer, const ls_config *node) {
  (void)node;
  layer->out.ndim = 1;
  layer->out.dim[0] = ls_shape_count(&layer->in[0]);
  layer->needs = LS__VIEW;
  return LS_OK;
}

const ls__layer_kind ls__kind_flatten = {
    .kind = {"flatten", "a sample's numbers as one row", NULL},
    .min_in = 1,
    .max_in = 1,
    .infer = infer_flatten,
};

/* reshape: {shape: [4, -1]}; -1, once, is whatever is left. */

typedef struct options {
  ls_shape shape;
  int open; /* the dimension that is -1, or -1 */
} options;

static const ls__option table[] = {
    LS__BY_HAND("shape", "list", NULL, "of a sample; one -1 stands for what is left"),
    LS__END,
};

static ls_status configure_reshape(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  o->open = -1;
  ls_config *list = ls__config_child(map, "shape");
  if (list == NULL || ls__config_kind_of(list) != LS__LIST || ls__config_count(list) > LS_MAX_DIMS)
    return ls__config_fail(list != NULL ? list : map,
                           "reshape needs shape: a list of at most %d dimensions, as [8, 8]",
                           LS_MAX_DIMS);
  o->shape.ndim = (int)ls__config_count(list);
  for (int i = 0; i < o->shape.ndim; i++) {
    const ls_config *item = ls__config_at(list, (size_t)i);
    const char *text = ls__config_kind_of(item) == LS__SCALAR ? ls__config_text(item) : "";
    char *end = NULL;
    long value = strtol(text, &end, 10);
    bool whole = end != text && *end == '\0';
    if (whole && value == -1 && o->open < 0) {
      o->open = i;
      o->shape.dim[i] = 1;
    } else if (whole && value >= 1 && value <= INT_MAX) {
      o->shape.dim[i] = (size_t)value;
    } else {
      return ls__config_fail(item, "a dimension is a whole number from 1, or -1 for one of them");
    }
  }
  return LS_OK;
}

static ls_status infer_reshape(ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  size_t have = ls_shape_count(&layer->in[0]), want = 1;
  bool fits = true;
  layer->out = o->shape;
  for (int i = 0; i < o->shape.ndim; i++) {
    fits = fits && o->shape.dim[i] <= have / want; /* and so want never overflows */
    if (fits) want *= o->shape.dim[i];
  }
  if (fits && o->open >= 0) layer->out.dim[o->open] = have / want;
  if (!fits || (o->open >= 0 ? have % want != 0 : have != want)) {
    char in[LS_SHAPE_TEXT], out[LS_SHAPE_TEXT];
    return ls__config_fail(node, "an input of shape %s, %zu numbers, cannot be given shape %s",
                           ls_shape_format(&layer->in[0], in), have,
                           ls_shape_format(&o->shape, out));
  }
  layer->needs = LS__VIEW;
  return LS_OK;
}

const ls__layer_kind ls__kind_reshape = {
    .kind = {"reshape", "a sample's numbers under another shape", table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure_reshape,
    .infer = infer_reshape,
};

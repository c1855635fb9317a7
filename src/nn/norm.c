/* What normalising layers share (norm.h). */
#include "nn/norm.h"

#include <string.h>

#include "tensor/span.h"

LS_SIMD_DECLARE(ls__norm_ops, ls__norm_ops);

const ls__norm_ops *ls__norm(void) {
  return LS_SIMD_PICK(ls__norm_ops);
}

ls_status ls__norm_configure(ls__norm_options *o, ls_config *map) {
  ls_status st = LS_OK;
  if (o->center) LS_TRY(ls__init_read(map, "beta_initializer", "zeros", &o->beta_initializer));
  if (o->scale) LS_TRY(ls__init_read(map, "gamma_initializer", "ones", &o->gamma_initializer));
out:
  return st;
}

void ls__norm_parameters(ls__layer *layer, ls__norm_options *o, const ls_shape *shape) {
  const size_t n = ls_shape_count(shape);
  o->gamma = o->beta = -1;
  if (o->scale) {
    o->gamma = layer->n_parameters++;
    layer->parameters[o->gamma] = (ls__parameter){.name = "gamma",
                                                  .shape = *shape,
                                                  .init = o->gamma_initializer,
                                                  .fan_in = n,
                                                  .fan_out = n};
  }
  if (o->center) {
    o->beta = layer->n_parameters++;
    layer->parameters[o->beta] = (ls__parameter){.name = "beta",
                                                 .shape = *shape,
                                                 .init = o->beta_initializer,
                                                 .fan_in = n,
                                                 .fan_out = n};
  }
}

static const float *filled(float *x, float with, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = with;
  return x;
}

const float *ls__norm_gamma(const ls__norm_options *o, const ls__call *call, size_t n,
                            float *none) {
  return o->gamma >= 0 ? call->w[o->gamma] : filled(none, 1, n);
}

const float *ls__norm_beta(const ls__norm_options *o, const ls__call *call, size_t n, float *none) {
  return o->beta >= 0 ? call->w[o->beta] : filled(none, 0, n);
}

void ls__norm_give(const ls__call *call, int p, const float *sum, size_t n) {
  if (p < 0 || call->dw[p] == NULL) return;
  if (call->dw_accumulate[p])
    ls__span()->add(call->dw[p], sum, n);
  else
    memcpy(call->dw[p], sum, n * sizeof *sum);
}

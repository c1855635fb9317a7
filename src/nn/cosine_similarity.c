/* Minus the cosine of the angle between prediction and target, vectors of the last dimension; the mean
 * over the positions of a sample (Keras; PyTorch's CosineEmbeddingLoss is 1 more).  A vector of zeros
 * has cosine 0, and no gradient.  The kernel is in distance.simd.c. */
#include "nn/distance.h"
#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__distance_ops, ls__distance_ops);

static ls_status configure(ls__loss *loss, LS_UNUSED ls_config *map) {
  loss->far = true; /* any length of a prediction is right */
  return LS_OK;
}

static ls_status fit(ls__loss *loss) {
  char p[LS_SHAPE_TEXT];
  if (ls__loss_width(loss) < 2)
    return ls__fail(LS_ECONFIG,
                    "cosine_similarity compares vectors of the last dimension, and the model's "
                    "output is %s",
                    ls_shape_format(&loss->prediction, p));
  return ls__loss_fit_equal(loss);
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const size_t rows = ls__loss_rows_of(loss, call);
  const bool cut = loss->prediction.ndim == 1 && call->lengths != NULL; /* the vector itself */
  const double mean = (double)call->n / (double)rows;
  return mean * LS_SIMD_PICK(ls__distance_ops)
                    ->cosine(call->dyhat, call->yhat, call->y, (float)mean, rows,
                             cut ? call->positions : ls__loss_width(loss));
}

const ls__loss_kind ls__loss_cosine_similarity = {
    .kind = {"cosine_similarity",
             "minus the cosine between prediction and target, over the last "
             "dimension: -1 where they have one direction",
             NULL},
    .configure = configure,
    .fit = fit,
    .run = run,
};

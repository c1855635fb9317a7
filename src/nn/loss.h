/* Losses.  The loss of a sample is written beside each; sums are in double and in an order that
 * depends on the shapes alone.  Targets are floats: class indices as [n] (target shape []), or
 * numbers in the prediction's shape, [n, K].  Dimensions of 1 don't count when shapes are compared.
 *
 * A prediction [T, K] of cross_entropy takes T classes, or [T, K]; its loss is the mean over T. */
#ifndef LS_NN_LOSS_H
#define LS_NN_LOSS_H

#include <lockstep/shape.h>
#include <stdbool.h>

#include "config/config.h"

typedef struct ls__loss ls__loss;

/* Read `loss: mse`, `loss: {cross_entropy: {label_smoothing: 0.1}}`.  Options:
 *   every loss             reduction: mean (default; over the batch) | sum
 *   mse                    half: false; true gives 1/2 (y - yhat)^2.  Mean over outputs.
 *   mae                    mean over outputs
 *   huber                  delta: 1
 *   cross_entropy          from_logits: true; label_smoothing: 0 (as PyTorch: towards 1/K)
 *   binary_cross_entropy   from_logits: true; label_smoothing: 0 (towards 1/2).  Mean over outputs.
 * from_logits: false takes the logarithm of the prediction itself, kept above -100. */
LS_CHECKED ls_status ls__loss_create(ls_config *node, ls__loss **out);
void ls__loss_destroy(ls__loss *loss);

const char *ls__loss_name(const ls__loss *loss);
bool ls__loss_sums(const ls__loss *loss); /* reduction: sum */

/* Whether the loss takes the input of this final activation instead of its output: cross_entropy
 * from logits after "softmax", binary_cross_entropy from logits after "sigmoid". */
bool ls__loss_absorbs(const ls__loss *loss, const char *activation);

/* Whether the targets are classes: a cross_entropy whose target has the prediction's shape without
 * its last dimension. */
bool ls__loss_classes(const ls__loss *loss, const ls_shape *prediction, const ls_shape *target);

/* Refuse shapes that don't fit: LS_ECONFIG. */
LS_CHECKED ls_status ls__loss_check(const ls__loss *loss, const ls_shape *prediction,
                                    const ls_shape *target);

/* Refuse targets that the loss cannot take (a class outside [0, K), a probability outside [0, 1]);
 * LS_EDATA, "sample I: label 12 is not in 0..9", I counted from `first`.  Cheap enough for every
 * batch, needed once a dataset. */
LS_CHECKED ls_status ls__loss_check_targets(const ls__loss *loss, const ls_shape *prediction,
                                            const ls_shape *target, const float *y, size_t n,
                                            size_t first);

/* The loss summed over n samples; dyhat (or NULL) gets its gradient, unscaled: d(sum)/d(yhat).
 * dyhat overlaps neither yhat nor y.  NaN for a class that is none. */
double ls__loss_run(const ls__loss *loss, const ls_shape *prediction, const ls_shape *target,
                    size_t n, const float *yhat, const float *y, float *dyhat);

/* Names for messages and help, NULL-terminated. */
const char *const *ls__loss_names(void);

#endif

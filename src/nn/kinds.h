/* The kinds of layers, losses and initialisers: the one list of each. */
#ifndef LS_NN_KINDS_H
#define LS_NN_KINDS_H

#include "nn/layer.h"
#include "nn/loss.h"

/* clang-format off */
#define LS__LAYER_MAP(X) \
  X(dense) X(embedding) X(dropout) \
  X(rnn) X(lstm) X(gru) X(last_step) X(lengths) \
  X(flatten) X(reshape) X(permute) X(pad) X(crop) \
  X(add) X(multiply) X(concatenate) \
  X(conv1d) X(conv2d) X(conv3d) X(depthwise_conv1d) X(depthwise_conv2d) \
  X(conv1d_transpose) X(conv2d_transpose) X(conv3d_transpose) \
  X(max_pool1d) X(max_pool2d) X(max_pool3d) X(avg_pool1d) X(avg_pool2d) X(avg_pool3d) \
  X(global_avg_pool) X(global_max_pool) X(upsample) \
  X(attention) X(position_embedding) \
  X(prelu) X(batch_norm) X(layer_norm) X(rms_norm) X(group_norm)

/* Activation functions: layers too, and what `activation:` may name. */
#define LS__ACTIVATION_KIND_MAP(X) \
  X(sigmoid) X(tanh) X(relu) X(leaky_relu) X(elu) X(selu) X(gelu) X(silu) X(mish) \
  X(softplus) X(softsign) X(hard_sigmoid) X(hard_swish) X(softmax) X(linear)

#define LS__LOSS_MAP(X) \
  X(mse) X(mae) X(huber) X(log_cosh) X(relative_l2) X(cosine_similarity) X(poisson) \
  X(cross_entropy) X(focal) X(kl_divergence) X(binary_cross_entropy) X(binary_focal) X(hinge) \
  X(dice)
/* clang-format on */

#define X(name) extern const ls__layer_kind ls__kind_##name;
LS__LAYER_MAP(X)
LS__ACTIVATION_KIND_MAP(X)
#undef X

#define X(name) extern const ls__loss_kind ls__loss_##name;
LS__LOSS_MAP(X)
#undef X

#endif

/** @file
 * A trained (or not yet trained) network: its shapes, its parameters, its predictions. */
#ifndef LOCKSTEP_MODEL_H
#define LOCKSTEP_MODEL_H

#include <lockstep/config.h>
#include <lockstep/shape.h>
#include <lockstep/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network with its weights and, where it was trained on normalised data, their statistics. */
typedef struct ls_model ls_model;

/** Build a network from a configuration with a `model:` list, with initial weights.
 *
 * Local; needs no MPI.  @param x  shape of one sample's input
 * @param seed   of the initial weights: element e of parameter p depends on (seed, p, e) alone
 * @param model  owned by the caller
 * @return       LS_ECONFIG, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_model_create(ls_config *config, const ls_shape *x, uint64_t seed,
                                               ls_model **model);

/** The same with any number of inputs, which layers read `from:` their names.
 *
 * Local.  @param inputs  [n_inputs]; their types are found out from the layers that read them
 * @return LS_ECONFIG, LS_EUSAGE, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_model_create_ports(ls_config *config, size_t n_inputs,
                                                     const ls_port *inputs, uint64_t seed,
                                                     ls_model **model);

/** Free it.  Local; does nothing for NULL. */
LS_PUBLIC void ls_model_destroy(ls_model *model);

/** Predict n samples with a network of one input and one output.
 *
 * Local; needs no MPI; not for one model on several threads at once.  Inputs are as in the data
 * file: normalisation, where the network was trained with it, is applied here, and taken back from
 * predictions.  Where the configuration's `loss:` is cross_entropy or binary_cross_entropy,
 * predictions are probabilities: the softmax or sigmoid that the loss applies is applied here too,
 * if the network does not end with it (not with `from_logits: false`, which says that they are
 * probabilities already).
 *
 * @param x  [n, input shape]
 * @param y  [n, output shape], written
 * @return   LS_EUSAGE (several inputs or outputs), LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_model_predict(ls_model *model, size_t n, const float *x,
                                                float *y);

/** Predict n samples with any network.  Local; as ls_model_predict.
 *
 * @param inputs   [inputs] each [n, shape] of float, or of int32_t where its type is LS_INDEX
 * @param outputs  [outputs] each [n, shape], written; NULL where nobody wants it
 * @return         LS_EDATA (an index that is none), LS_EUSAGE, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_model_predict_ports(ls_model *model, size_t n,
                                                      const void *const *inputs,
                                                      float *const *outputs);

/** Number of inputs, 1 to LS_MAX_PORTS.  Local. */
LS_PUBLIC size_t ls_model_inputs(const ls_model *model);

/** Number of outputs, 1 to LS_MAX_PORTS.  Local. */
LS_PUBLIC size_t ls_model_outputs(const ls_model *model);

/** Name, type and sample shape of input i, i < ls_model_inputs.  Local. */
LS_PUBLIC ls_port ls_model_input(const ls_model *model, size_t i);

/** Name, type and sample shape of output i, i < ls_model_outputs.  Local. */
LS_PUBLIC ls_port ls_model_output(const ls_model *model, size_t i);

/** Shape of one sample of the first input.  Local. */
LS_PUBLIC ls_shape ls_model_input_shape(const ls_model *model);

/** Shape of one sample of the first output.  Local. */
LS_PUBLIC ls_shape ls_model_output_shape(const ls_model *model);

/** Names of the classes that the first output was trained on, in label order, or NULL; borrowed.
 * Local.
 * @param n  gets their number */
LS_PUBLIC const char *const *ls_model_classes(const ls_model *model, size_t *n);

/** The same for output i, i < ls_model_outputs.  Local. */
LS_PUBLIC const char *const *ls_model_output_classes(const ls_model *model, size_t i, size_t *n);

/** Number of parameters, those that are not trained included.  Local. */
LS_PUBLIC size_t ls_model_parameter_count(const ls_model *model);

/** A parameter by name, "dense_1/weight"; row-major, borrowed from the model, writable; NULL when
 * there is none of that name.  Local.
 * @param shape  gets its shape; may be NULL */
LS_PUBLIC float *ls_model_parameter(ls_model *model, const char *name, ls_shape *shape);

/** Hash of all parameter bits in model order; the same bits, the same hash.  Local. */
LS_PUBLIC uint64_t ls_model_hash(const ls_model *model);

#ifdef __cplusplus
}
#endif

#endif

/** @file
 * A loss of your own: registered by name, then used in configurations like the built-in ones. */
#ifndef LOCKSTEP_LOSS_H
#define LOCKSTEP_LOSS_H

#include <lockstep/shape.h>
#include <lockstep/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Samples to score: a part of the batch, such as one lane, or one sample of its own length. */
typedef struct ls_loss_samples {
  size_t n;
  const ls_shape *prediction, *target; /**< of one sample */
  const float *predictions;            /**< [n, prediction] what the network gives */
  const float *targets;                /**< [n, target] */
  /** [n, prediction] in: anything; out: d(sum of losses)/d(predictions).  NULL: not wanted, as in
   * validation. */
  float *gradients;
} ls_loss_samples;

/** A loss: name, a line about it, and the function that computes it. */
typedef struct ls_loss_definition {
  const char *name; /**< as in `loss: NAME`; letters, digits and _ */
  const char *what; /**< for `help`; may be NULL */
  /** The loss summed over the samples, and its gradient.  What it gives for a sample must not
   * depend on the samples beside it, or results depend on the number of ranks. */
  double (*run)(void *context, const ls_loss_samples *samples);
  void *context; /**< given to run */
} ls_loss_definition;

/** Most losses that a process can register. */
#define LS_MAX_LOSSES 32

/** Make a loss known to this process: to training, evaluation and gradient checks.
 *
 * Local; call it on every rank before the configuration is used, not while others use the library.
 * Targets may have any shape; run gets them as they are.
 * @param definition  borrowed: must stay as it is until the process ends
 * @return            LS_EUSAGE: the name is empty or taken, or there are too many */
LS_PUBLIC LS_CHECKED ls_status ls_loss_register(const ls_loss_definition *definition);

#ifdef __cplusplus
}
#endif

#endif

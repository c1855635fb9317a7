/** @file
 * Training driven by the caller's program: each rank gives samples of its own, step by step.
 *
 * A trainer without dataset (ls_trainer_create_fed) has lanes as any other: a step's batch is cut
 * into `train.lanes` parts, of which each rank computes some (ls_trainer_lanes).  Each rank gives
 * the samples of its lanes, as many as it has: another number on each rank, and none on some.  A
 * step trains on all of them.
 *
 * How results depend on the number of ranks: what is summed over samples is summed lane by lane, a
 * lane's samples in the order in which they are given, and the lanes along a fixed tree.  So the
 * weights are the same, bit for bit, on any number of ranks up to train.lanes, where the caller
 * decides which samples are in which lane: `lane_samples`, and lane l with the same samples,
 * whichever rank has it.  (An episode or a part of the simulation a lane, its random numbers from
 * the number of lane and step alone.)  Without lane_samples a rank's samples are dealt out over its
 * lanes evenly, and weights are the same again only on the same number of ranks.
 *
 *   ls_trainer_create_fed(comm, config, 1, &input, 1, &target, NULL, &trainer);
 *   lanes = ls_trainer_lanes(trainer);
 *   for each step:
 *     for each lane from lanes.first to lanes.end - 1:  make its samples, count them
 *     ls_trainer_feed(trainer, n, inputs, targets, weights, lane_samples, &loss);
 *
 * Failures: ls_trainer_feed and ls_trainer_backward look at what every rank gives before anything
 * is computed.  Where one rank gives what can't be (NaN, an index that is none, more than there is
 * room for) all ranks return the same status and that rank's message, and nothing has been done:
 * the trainer is as before.  LS_ENONFINITE, LS_EMPI and LS_ELOST end it: it can only be destroyed.
 * A rank that never comes ends the job, after the watchdog's time, with exit code 5. */
#ifndef LOCKSTEP_FEED_H
#define LOCKSTEP_FEED_H

#include <lockstep/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Set up a trainer that its caller feeds: ls_trainer_create without dataset, in plain arguments.
 *
 * Collective; inputs and targets must be the same on all ranks.
 * @param config      a step has at most `train.batch` samples, over all ranks; where it has no
 *                    `loss:`, ls_trainer_backward alone trains
 * @param inputs      [n_inputs] one at least, at most LS_MAX_PORTS
 * @param targets     [n_targets] of LS_REAL (classes as floats), named as the outputs that they are
 *                    compared with (any name, of one); may be 0
 * @param checkpoint  a file of ls_trainer_save to go on from, written on any number of ranks; NULL:
 *                    from the beginning
 * @return            as ls_trainer_create */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_create_fed(ls_comm *comm, ls_config *config,
                                                     size_t n_inputs, const ls_port *inputs,
                                                     size_t n_targets, const ls_port *targets,
                                                     const char *checkpoint, ls_trainer **trainer);

/** Lanes, and those of this rank: from `first` to `end` - 1. */
typedef struct ls_lanes {
  size_t all, first, end;
  size_t room; /**< samples that a lane holds, at most: train.batch / all, rounded up */
} ls_lanes;

/** The lanes of a step.  Local; the same in all steps. */
LS_PUBLIC ls_lanes ls_trainer_lanes(const ls_trainer *trainer);

/** One step on the samples that the ranks give: forward, the configured losses, backward, the
 * exchange of gradients, the update.
 *
 * Collective; whether loss is NULL must be the same on all ranks.  The gradient is the mean over
 * all samples of all ranks, each times its weight (the sum with `reduction: sum`): it is divided by
 * the samples, not by their weights.  Without a sample on any rank nothing happens.
 *
 * @param n             of this rank, at most lanes.room for each of its lanes; over all ranks at
 *                      most train.batch
 * @param inputs        [inputs] each [n, input] of float, or int32_t where its type is LS_INDEX;
 *                      may be NULL where n is 0
 * @param targets       [targets] each [n, target] in the order of their creation; as inputs
 * @param weights       [n] finite, of any sign: an advantage, where the loss is that of an action;
 *                      NULL: 1
 * @param lane_samples  [lanes.end - lanes.first] how many of the n samples, in their order, each of
 *                      this rank's lanes gets; NULL: about the same
 * @param loss          the loss before the update, the mean over all samples (or the sum), the same
 *                      on every rank; NAN without samples.  NULL: not wanted, which saves a message
 * @return              LS_EUSAGE, LS_EDATA (nothing has been done), LS_ENOMEM (in the first step);
 *                      LS_ENONFINITE; the same on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_feed(ls_trainer *trainer, size_t n,
                                               const void *const *inputs,
                                               const float *const *targets, const float *weights,
                                               const size_t *lane_samples, double *loss);

/** Forward as in training, for ls_trainer_backward.  (Whoever wants predictions alone calls
 * ls_model_predict on ls_trainer_model: dropout is off there, and outputs are probabilities after
 * cross_entropy.)
 *
 * Local; after a step it may wait until other ranks have ended it.  What dropout drops depends on
 * how the samples lie in the rank's lanes: with it, weights are the same again only on the same
 * number of ranks.
 * @param outputs  [outputs] each [n, output], written; NULL where nobody wants it.  Of an output
 *                 whose configured loss applies a final softmax or sigmoid itself, what goes into
 *                 that
 * @return         LS_EUSAGE (too many samples; a layer needs sums over the whole batch, as
 *                 batch_norm does: no rank has them alone), LS_EDATA, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_forward(ls_trainer *trainer, size_t n,
                                                  const void *const *inputs,
                                                  const size_t *lane_samples,
                                                  float *const *outputs);

/** One step from gradients of the caller's: backward of this rank's last ls_trainer_forward, the
 * exchange, the update.
 *
 * Collective.  The gradient of the weights is the mean over all samples of all ranks.
 * @param gradients  [outputs] each [n, output] of that forward: d(loss of the sample)/d(output).  A
 *                   rank that has made no forward since the last step has no samples, and gives
 *                   NULL
 * @return           LS_EUSAGE, LS_EDATA (a gradient is not finite): nothing has been done, and the
 *                   samples are there still; LS_EMPI; the same on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_backward(ls_trainer *trainer,
                                                   const float *const *gradients);

/** Steps done, those before a resume included.  Local; the same on every rank. */
LS_PUBLIC uint64_t ls_trainer_steps(const ls_trainer *trainer);

/** The learning rate of the next step, as the schedule or ls_trainer_set_lr has it.  Local. */
LS_PUBLIC double ls_trainer_lr(const ls_trainer *trainer);

/** Set the learning rate of all steps to come: it takes the place of the optimizer's `lr` and of
 * the schedule with its warm-up and `lr_scale`, which go on counting steps meanwhile.  Checkpoints
 * keep it.
 *
 * Collective.
 * @param lr  the same on every rank; 0: the schedule's again
 * @return    LS_EUSAGE (not finite, negative, not the same), and nothing has changed */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_set_lr(ls_trainer *trainer, double lr);

/** Write all that training goes on from: weights, optimizer state, step, learning rate.  Also
 * ls_model_load, `lockstep inspect` and `lockstep predict` read it.
 *
 * Also of a trainer with a dataset, whose place in the epoch it keeps (`checkpoint` of
 * ls_train_options goes on from it).  Collective; rank 0 writes, and the file appears whole or not
 * at all, in the place of one that is there.  What the caller's program is made of besides is the
 * caller's to keep.
 * @return LS_EIO, LS_ENOMEM; training can go on after them */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_save(ls_trainer *trainer, const char *path);

#ifdef __cplusplus
}
#endif

#endif

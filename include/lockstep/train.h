/** @file
 * Training, and what one does with the result: evaluate, predict, check gradients. */
#ifndef LOCKSTEP_TRAIN_H
#define LOCKSTEP_TRAIN_H

#include <lockstep/config.h>
#include <lockstep/data.h>
#include <lockstep/model.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How training shows its progress. */
typedef enum ls_progress {
  LS_PROGRESS_AUTO, /**< a bar on a terminal, plain lines elsewhere */
  LS_PROGRESS_BAR,
  LS_PROGRESS_PLAIN, /**< a line an epoch */
  LS_PROGRESS_NONE
} ls_progress;

/** An epoch that has just ended: the same on every rank. */
typedef struct ls_epoch {
  uint64_t epoch, step;   /**< epochs and steps done */
  double lr;              /**< learning rate of its first step */
  double loss;            /**< of the training samples, while they were trained on */
  double validation_loss; /**< NAN without a validation part */
  size_t n_metrics;
  const char *const *names;         /**< [n_metrics] "accuracy"; of several outputs "price_mae" */
  const double *metrics;            /**< [n_metrics] of the training samples; auc: NAN */
  const double *validation_metrics; /**< [n_metrics], NAN without a validation part */
} ls_epoch;

/** What a caller decides about a run besides its configuration; zeros are the usual. */
typedef struct ls_train_options {
  bool resume; /**< continue from the newest whole checkpoint, if there is one */
  bool force;  /**< resume with other settings or data than those of the checkpoint, too */
  const char *checkpoint; /**< continue from this file of ls_trainer_save (lockstep/feed.h), in a
                               loop of the caller's own; the same on all ranks; NULL: none */
  ls_progress progress;
  FILE *out;                  /**< where progress goes on rank 0; NULL: standard output */
  bool next;                  /**< the run's end names the program's commands that come next */
  const char *default_output; /**< run directory where the config has no `output:`; NULL: none */

  /** Called on every rank at the end of each epoch of ls_trainer_run; NULL: not called.
   * A status other than LS_OK, from any rank, ends the run with that status on all ranks;
   * LS_ESTOPPED ends it as ls_stop does. */
  ls_status (*on_epoch)(void *context, const ls_epoch *epoch);
  void *context; /**< given to on_epoch */

  /** For a trainer without dataset, which its caller feeds (ls_trainer_step, lockstep/feed.h): what
   * the feed will give.  Targets are named as the outputs that they are compared with (any name, of
   * one). */
  const ls_port *inputs; /**< [n_inputs] */
  size_t n_inputs;
  const ls_port *targets; /**< [n_targets] */
  size_t n_targets;
} ls_train_options;

/** A caller's own source of samples for a step, and optionally its own loss.
 *
 * A step's batch of n samples is cut into lanes, and each rank computes some of them, several at
 * once: it calls load for the samples of all of these, runs the network forward, calls score for
 * one lane after another, and runs the network backward.  (Where a layer looks at the whole batch,
 * as batch_norm does, all lanes of the rank are loaded, in one call or several, before the first is
 * scored.)  The callbacks of a rank are called for ascending samples, and must give the same for a
 * sample whichever rank asks, and whichever samples are beside it: then the weights are the same,
 * bit for bit, on any number of ranks.  A rank may have no samples; then it makes no call.  A
 * callback that fails (with any status) ends the step on all ranks, with the message that it left
 * by ls_fail. */
typedef struct ls_feed {
  void *context; /**< given to both */
  /** Fill in samples [lo, hi) of the step's batch: inputs[i] is [hi - lo, input i], of float, or
   * int32_t where its type is LS_INDEX; targets[i] is [hi - lo, target of output i], or NULL where
   * score is given. */
  ls_status (*load)(void *context, size_t lo, size_t hi, void *const *inputs,
                    float *const *targets);
  /** The loss of samples [lo, hi), of those that load gave before, summed, and its gradient:
   * outputs[i] and gradients[i] are [hi - lo, output i].  Of an output whose configured loss
   * applies a final softmax or sigmoid itself, what goes into that.  NULL: the configured losses,
   * with the targets that load gives. */
  ls_status (*score)(void *context, size_t lo, size_t hi, const float *const *outputs,
                     float *const *gradients, double *loss);
} ls_feed;

/** How a training ended. */
typedef struct ls_train_summary {
  uint64_t epochs, steps;
  double loss;               /**< of the last epoch */
  double validation_loss;    /**< NAN without a validation part */
  double samples_per_second; /**< of training, evaluation and files apart */
  uint64_t weights_hash;
} ls_train_summary;

/** A training run: configuration, data, network, optimizer state. */
typedef struct ls_trainer ls_trainer;

/** Set up a run, ready for its first step.
 *
 * Collective.  Nothing is written yet; with `resume` the run's checkpoint is read.
 *
 * @param comm     the ranks, or NULL for one process without MPI; must outlive the trainer
 * @param config   gets its defaults filled in; must outlive the trainer
 * @param data     NULL: opened from the config's `data:`, or none where options->inputs are given;
 *                 else borrowed, must outlive the trainer
 * @param options  NULL: the usual
 * @param trainer  owned by the caller
 * @return         LS_ECONFIG, LS_EDATA, LS_ECHECKPOINT, LS_EIO, LS_ENOMEM; LS_ESTOPPED after
 *                 ls_stop, which long passes over the data look at; the same on all ranks */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_create(ls_comm *comm, ls_config *config, ls_data *data,
                                                 const ls_train_options *options,
                                                 ls_trainer **trainer);

/** Train to the end that the configuration sets.
 *
 * Collective.  Writes the run directory, if the run has one.
 * @param summary  may be NULL
 * @return LS_ESTOPPED after ls_stop, with a checkpoint written; LS_ENONFINITE; LS_EIO; LS_EDATA */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_run(ls_trainer *trainer, ls_train_summary *summary);

/** One step: forward and backward on `samples` samples, the exchange of gradients, the update.
 *
 * Collective; samples, and whether feed and loss are NULL, must be the same on all ranks.  This is
 * what ls_trainer_run does between its checks; a loop of your own may call it instead
 * (scripts/examples/own_loop.c).
 *
 * @param samples  of all ranks together, at most the configured batch; 0: the batch.  The dataset
 *                 gives whole batches, and at the end of an epoch what is left: 0 then
 * @param feed     NULL: the next samples of the dataset, in the order of the epoch; after its last
 *                 sample the next epoch begins.  Where the dataset has weights or lengths of
 *                 samples, a feed must score
 * @param loss     the loss of the batch before the update (the mean over its samples, or the sum
 *                 with `reduction: sum`), the same on every rank; NULL: not wanted, which saves a
 *                 message
 * @return         LS_EUSAGE; LS_ENONFINITE; what a callback returned; the same on every rank.
 *                 After a failure the weights are of no use: the trainer can only be destroyed */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_step(ls_trainer *trainer, size_t samples,
                                               const ls_feed *feed, double *loss);

/** The loss of a part of the dataset with the weights as they are, or with their average where the
 * optimizer keeps one (`use_ema`).
 *
 * Collective.
 * @param loss  the mean over the part's samples, or the sum with `reduction: sum`; the same on
 *              every rank
 * @return      LS_EUSAGE (no dataset, no loss, no such part), LS_EDATA, LS_EIO, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_evaluate(ls_trainer *trainer, ls_split split,
                                                   double *loss);

/** The network being trained.  Local, but after a step it may wait until other ranks have ended it;
 * borrowed from the trainer; not during ls_trainer_run.  Where the optimizer keeps an average of
 * the weights (`use_ema`), they are the average after ls_trainer_run, and not before. */
LS_PUBLIC ls_model *ls_trainer_model(ls_trainer *trainer);

/** The folder of the pictures that the last ls_trainer_run left to be drawn by ls_pictures_draw, or
 * NULL: there are none, or this is not rank 0.  Local; borrowed from the trainer. */
LS_PUBLIC const char *ls_trainer_pictures(const ls_trainer *trainer);

/** Print the model table, the memory that a rank needs, the lanes and the buckets.
 * Collective; rank 0 prints.  @return LS_OK */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_print_plan(ls_trainer *trainer, FILE *out);

/** Free it.  Collective; does nothing for NULL. */
LS_PUBLIC void ls_trainer_destroy(ls_trainer *trainer);

/** Ask the run of this process to stop at the next step on which all ranks agree, or while
 * ls_trainer_create prepares it.  Local; async-signal-safe. */
LS_PUBLIC void ls_stop(void);

/** Seconds of the watchdog, before anything is opened: for ls_comm_create_within.
 *
 * Local; nothing fails.
 * @param arguments  [n] of a command line.  The first that names a configuration, a run directory or
 *                   a checkpoint in one says it, unless one of them is "watchdog=SECONDS"
 * @param otherwise  what it is where none of them says it */
LS_PUBLIC double ls_train_watchdog(const char *const *arguments, size_t n, double otherwise);

/** Evaluate a checkpoint (or run directory) on a part of a dataset and print the part, its samples,
 * loss, metrics and, for classes, a table of precision, recall and F1 with the confusion matrix.
 *
 * Collective.  The data are those of the checkpoint's own configuration, with overrides such as
 * "data.file=other.h5"; normalisation is the checkpoint's.  Columns and classes are found by their
 * names, in any order, where file and checkpoint have names.  A relative data.file that isn't there
 * is looked for where the training's directory was, and in the run directory and its folder.  Parts
 * that `data.split` drew for the training are drawn again, the same rows, from a file with as many
 * rows as the training's; in a file of another length there are none, unless an override gives a
 * data.split.
 *
 * A data.file that is a table (.csv, .tsv, .txt, .dat, .data, also with .gz) is read as the table
 * was that the training's data were converted from, by what the checkpoint keeps of that; all its
 * rows are the part.  Meanwhile each node holds its numbers in a folder of its own in $TMPDIR, else
 * /tmp.
 *
 * @param overrides  [n] as for ls_config_override; data, loss and metrics alone may be set
 * @param split      LS_EDATA where the data have no such part
 * @param json       one JSON object, not words
 * @param out        where rank 0 prints
 * @return           LS_ECHECKPOINT, LS_EDATA, LS_ECONFIG, LS_EUSAGE, LS_EIO */
LS_PUBLIC LS_CHECKED ls_status ls_evaluate(ls_comm *comm, const char *checkpoint,
                                           const char *const *overrides, size_t n, ls_split split,
                                           bool json, FILE *out);

/** What ls_predict_to writes; zeros and NULL are the usual. */
typedef struct ls_predict_options {
  const char *output;      /**< the file; its ending says what it becomes */
  const char *const *keep; /**< [n_keep] columns of the data's table, or one-dimensional datasets of
                              their file, that go before the predictions; of a table of text */
  size_t n_keep;
  bool with_targets; /**< true values beside the predictions, in their own units */
  bool classes_only; /**< of classes the most probable and its probability, not those of all, in a
                        table of text; of sequences of labels no /predictions in HDF5 */
  size_t beam; /**< sequences of labels (loss ctc) are the best of a prefix beam search of this
                        width; 0: those of the best path */
  FILE *out;   /**< where rank 0 says in one line what was written; NULL: nowhere */
} ls_predict_options;

/** Predict a part of a dataset, or all rows of a table of text, into a file:
 *
 * - `.csv`, `.tsv`, also with `.gz`: a header, then a row a sample.  Numbers have the names of the
 *   targets' columns, where these are known, else `prediction`; of several outputs OUTPUT_NAME.  A
 * class is called by its name, and followed by `probability`, and `probability_NAME` of each class
 *   (`score` where these are no probabilities).  True values are called NAME_true.
 * - `.npy`: the numbers of one output, as floats.
 * - `.h5`, `.hdf5`, or no ending: HDF5.  /predictions [N, output]; for classes /classes [N] (or [N,
 *   positions]), the most probable, of one output 1 above one half; /targets.  Of several outputs
 *   /predictions/NAME and so on.  Attributes of /predictions: `split` names the part, `values` is
 *   "probabilities" after cross_entropy and binary_cross_entropy, else "numbers"; of /classes:
 *   `classes`, their names, if they have some.
 *
 * Of an output that was trained with `ctc` the sequence of labels is written: in tables one column
 * `sequence`, the labels' names or numbers, with spaces between them unless each name is one
 * character; in HDF5 /sequences [N, steps], -1 behind the last label, and /sequence_lengths [N], beside
 * the probabilities in /predictions.
 *
 * Where samples are of several files, or aren't rows of a dataset, it is said where each is from:
 * in HDF5 /index [N, k], whose attribute `columns` names the k numbers and `files` the files; in
 * tables columns of these names.
 *
 * Collective; as ls_evaluate, but targets are not needed unless asked for.  The same bytes on any
 * number of ranks.
 * @param options  the same on every rank; the file appears whole or not at all
 * @return         as ls_evaluate, and LS_ENOMEM; LS_EUSAGE: an ending that is none of these, or
 *                 what such a file can't hold */
LS_PUBLIC LS_CHECKED ls_status ls_predict_to(ls_comm *comm, const char *checkpoint,
                                             const char *const *overrides, size_t n, ls_split split,
                                             const ls_predict_options *options);

/** The same with nothing but the file given. */
LS_PUBLIC LS_CHECKED ls_status ls_predict(ls_comm *comm, const char *checkpoint,
                                          const char *const *overrides, size_t n, ls_split split,
                                          const char *output);

/** Labels out of the probabilities that a network trained with `ctc` gives for one sample.
 *
 * Local.
 * @param probabilities  [steps, classes] as ls_model_predict gives them
 * @param steps          those that are real
 * @param blank          the class that is no label
 * @param beam           0: the labels of the best path; else of a prefix beam search of this width
 * @param labels         [steps] gets the labels
 * @param n              gets how many
 * @return               LS_ENOMEM, LS_EUSAGE */
LS_PUBLIC LS_CHECKED ls_status ls_ctc_decode(const float *probabilities, size_t steps,
                                             size_t classes, size_t blank, size_t beam,
                                             int32_t *labels, size_t *n);

/** Compare the gradient of every parameter tensor with central differences on a few samples.
 *
 * Local, one process.
 * @param json  one JSON object, not words
 * @return      LS_ECHECK when a relative error is 1e-3 or more; LS_ECONFIG, LS_EDATA, LS_EIO,
 *              LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_gradcheck(ls_config *config, bool json, FILE *out);

/** Print what this machine, MPI, BLAS, HDF5, processor binding and SLURM will do to a run, and the
 * rates that it measures in about a second.
 *
 * Collective; rank 0 prints.
 * @param json  one JSON object, not words
 * @return      LS_ENOMEM, LS_EMPI */
LS_PUBLIC LS_CHECKED ls_status ls_doctor(ls_comm *comm, bool json, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

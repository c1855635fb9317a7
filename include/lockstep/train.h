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

/** How training shows that it goes on. */
typedef enum ls_progress {
  LS_PROGRESS_AUTO,  /**< a bar on a terminal, plain lines elsewhere */
  LS_PROGRESS_BAR,
  LS_PROGRESS_PLAIN, /**< a line an epoch */
  LS_PROGRESS_NONE
} ls_progress;

/** What a caller decides about a run besides its configuration; zeros are the usual. */
typedef struct ls_train_options {
  bool resume;                /**< continue from the newest whole checkpoint, if there is one */
  ls_progress progress;
  FILE *out;                  /**< where progress goes on rank 0; NULL: standard output */
  const char *default_output; /**< run directory where the config has no `output:`; NULL: none */
} ls_train_options;

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

/** Set a run up, up to the point where the first step could start.
 *
 * Collective.  Nothing is written yet; with `resume` the run's checkpoint is read.
 *
 * @param comm     the ranks, or NULL for one process without MPI; must outlive the trainer
 * @param config   gets its defaults filled in; must outlive the trainer
 * @param data     NULL: opened from the config's `data:`; else borrowed, must outlive the trainer
 * @param options  NULL: the usual
 * @param trainer  owned by the caller
 * @return         LS_ECONFIG, LS_EDATA, LS_ECHECKPOINT, LS_EIO, LS_ENOMEM; the same on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_create(ls_comm *comm, ls_config *config, ls_data *data,
                                                 const ls_train_options *options,
                                                 ls_trainer **trainer);

/** Train to the end that the configuration sets.
 *
 * Collective.  Writes the run directory, if the run has one.
 * @param summary  may be NULL
 * @return LS_OK; LS_ESTOPPED after ls_stop, a checkpoint written; LS_ENONFINITE; LS_EIO; LS_EDATA */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_run(ls_trainer *trainer, ls_train_summary *summary);

/** The network being trained.  Local; borrowed from the trainer; not during ls_trainer_run. */
LS_PUBLIC ls_model *ls_trainer_model(ls_trainer *trainer);

/** Print the model table, the memory plan a rank, the lanes and the buckets.
 * Collective; rank 0 prints. */
LS_PUBLIC LS_CHECKED ls_status ls_trainer_print_plan(ls_trainer *trainer, FILE *out);

/** Free it.  Collective; NULL is nothing. */
LS_PUBLIC void ls_trainer_destroy(ls_trainer *trainer);

/** Ask the run of this process to stop at the next step on which all ranks agree.  Local;
 * async-signal-safe. */
LS_PUBLIC void ls_stop(void);

/** Evaluate a checkpoint (or run directory) on a part of a dataset and print the part, its samples,
 * loss, metrics and, for classes, a table of precision, recall and F1 with the confusion matrix.
 *
 * Collective.  The data are those of the checkpoint's own configuration, with overrides such as
 * "data.file=other.h5"; normalisation is the checkpoint's.  Parts that `data.split` drew for the
 * training are drawn again, the same rows, from a file with as many rows as the training's; in a
 * file of another length there are none, unless an override gives a data.split.
 *
 * @param overrides  [n] as for ls_config_override
 * @param split      LS_EDATA where the data have no such part
 * @return LS_ECHECKPOINT, LS_EDATA, LS_ECONFIG, LS_EUSAGE, LS_EIO */
LS_PUBLIC LS_CHECKED ls_status ls_evaluate(ls_comm *comm, const char *checkpoint,
                                           const char *const *overrides, size_t n, ls_split split,
                                           bool json, FILE *out);

/** Predict a part of a dataset into an HDF5 file: /predictions [N, output], and for classes
 * /classes [N]; the attribute `split` of /predictions names the part.  Collective; as ls_evaluate,
 * but targets are not needed. */
LS_PUBLIC LS_CHECKED ls_status ls_predict(ls_comm *comm, const char *checkpoint,
                                          const char *const *overrides, size_t n, ls_split split,
                                          const char *output);

/** Compare the gradient of every parameter tensor with central differences on a few samples.
 * Local, one process.  @return LS_ECHECK when a relative error is 1e-3 or more */
LS_PUBLIC LS_CHECKED ls_status ls_gradcheck(ls_config *config, bool json, FILE *out);

/** Print what this machine, MPI, BLAS, HDF5, processor binding and SLURM will do to a run.
 * Collective; rank 0 prints. */
LS_PUBLIC LS_CHECKED ls_status ls_doctor(ls_comm *comm, bool json, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

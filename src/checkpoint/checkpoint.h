/* Checkpoints of a training run.  Local: one rank calls, the training room gathers and spreads. */
#ifndef LS_CHECKPOINT_CHECKPOINT_H
#define LS_CHECKPOINT_CHECKPOINT_H

#include <lockstep/checkpoint.h>

#include "base/file.h"
#include "h5/h5.h"
#include "model/model.h"

/* The state of a run: everything besides parameters and optimizer state that the next step
 * depends on.  Without pointers, so that its bytes can be sent to other ranks. */
typedef struct ls__standing {
  uint64_t step;     /* updates done */
  uint64_t epoch;    /* epochs finished */
  uint64_t position; /* samples of the current epoch that are done */
  uint64_t seed, batch, lanes;
  uint64_t samples;             /* of the training part */
  double seconds;               /* of training so far, over all runs */
  double schedule[4];           /* ls__schedule_state */
  double best;                  /* best monitored value, INFINITY: none yet */
  uint64_t best_epoch, waited;  /* epochs since */
  double loss, validation_loss; /* of the last finished epoch; NAN: there is none */
  uint64_t data;                /* ls__data_fingerprint of what was trained on; 0: unknown */
  uint64_t n_sums;   /* doubles below: running sums of the current epoch, lane after lane, and
                       * the place of the last "step" line */
  char kernels[192]; /* by what products were computed: the last bits depend on it */
} ls__standing;

typedef struct ls__checkpoint_writer ls__checkpoint_writer;

/* Writing: begin; slot for each optimizer slot, a whole arena each; then end, which makes the file
 * appear, or abandon, which leaves no trace and accepts NULL.  Both free the writer. */
LS_CHECKED ls_status ls__checkpoint_begin(const char *path, const ls_model *model,
                                          const ls__standing *standing, const double *sums,
                                          ls__checkpoint_writer **out);
LS_CHECKED ls_status ls__checkpoint_slot(ls__checkpoint_writer *writer, const char *slot,
                                         const float *arena);
/* What the exchange keeps on `rank` (ls__exchange_holds), and the layout that it belongs to. */
LS_CHECKED ls_status ls__checkpoint_held(ls__checkpoint_writer *writer, uint64_t layout, int rank,
                                         const float *held, size_t n);
LS_CHECKED ls_status ls__checkpoint_end(ls__checkpoint_writer *writer);
void ls__checkpoint_abandon(ls__checkpoint_writer *writer);

/* The optimizer's slot that holds the average of the weights. */
#define LS__CHECKPOINT_AVERAGE "ema"

/* Load the network; where its weights have an average, by that, unless the run is to go on; unless
 * standing is NULL also the standing and *sums (owned by the caller), and check the optimizer's
 * state, so that a run can go on from a checkpoint that loads. */
LS_CHECKED ls_status ls__checkpoint_load(const char *path, ls_model **model, ls__standing *standing,
                                         double **sums);
/* What follows reads more of the file that ls__checkpoint_load made the model of.  It is not hashed
 * again, and where another has got its name, that is LS_EIO. */

/* One slot into a whole arena. */
LS_CHECKED ls_status ls__checkpoint_load_slot(const char *path, const ls_model *model,
                                              const char *slot, float *arena);

/* Whether it has this slot. */
LS_CHECKED ls_status ls__checkpoint_has_slot(const char *path, const ls_model *model,
                                             const char *slot, bool *has);

/* Whether the checkpoint has what an exchange of this layout keeps; read the part of one rank. */
LS_CHECKED ls_status ls__checkpoint_has_held(const char *path, const ls_model *model,
                                             uint64_t layout, bool *has);
LS_CHECKED ls_status ls__checkpoint_load_held(const char *path, const ls_model *model, int rank,
                                              float *held, size_t n);

/* Which checkpoint a file is, wherever it lies and whatever it is called: those of one identity
 * have the same bytes.  Without pointers, so that its bytes can be sent to other ranks. */
typedef struct ls__checkpoint_identity {
  uint64_t bytes, hash;
  uint64_t sealed; /* 1: it has a checksum of its own; 0: from elsewhere, or from before */
} ls__checkpoint_identity;
/* Of a sealed file that costs reading 512 bytes; of another, reading it all.  The rest of a sealed
 * file is not checked here but by ls__checkpoint_load. */
LS_CHECKED ls_status ls__checkpoint_identify(const char *path, ls__checkpoint_identity *out);
bool ls__checkpoint_same(const ls__checkpoint_identity *a, const ls__checkpoint_identity *b);
/* Whose weights a training has that stands there. */
ls__weights_at ls__weights_after(const ls__standing *standing);
/* Of the file that ls__checkpoint_load made this model of; zeros: of none. */
ls__checkpoint_identity ls__checkpoint_identity_of(const ls_model *model);
/* One line on standard error where that file is not sealed, and one where a weight is huge; for one
 * rank to call. */
void ls__checkpoint_tell(const char *path, const ls_model *model);
/* The latter, of a network that is called `what`. */
void ls__checkpoint_tell_huge(const char *what, const ls_model *model);

/* ---- choose.c: which checkpoint of a run directory is meant ---- */

/* Why a checkpoint can't be used: it may be thrown away only where it is damaged. */
typedef enum ls__flaw {
  LS__DAMAGED,
  LS__UNREADABLE,
  LS__NEWER,
  LS__FOREIGN /* of another run, which who loads it says */
} ls__flaw;
ls__flaw ls__flaw_of(ls_status st); /* of what loading it returned */
/* Whether that says nothing of the file: memory was short, or a stop was asked for. */
bool ls__flaw_is_none(ls_status st);

/* A checkpoint that was passed over. */
typedef struct ls__passed {
  uint64_t step;
  ls__flaw flaw;
} ls__passed;

/* The checkpoint that a run is taken up from. */
typedef struct ls__chosen {
  char path[LS__FILE_PATH]; /* "": there is none */
  uint64_t step;
  ls_model *model;
  ls__standing standing;
  double *sums;
  ls__passed *passed; /* [n_passed] newer ones */
  size_t n_passed, room;
} ls__chosen;
void ls__chosen_reset(ls__chosen *chosen);

/* The newest checkpoint of a run directory that can be read and is whole, with a line on standard
 * error for each that was passed over.  One that is deleted meanwhile is looked up again.  Where
 * there are some and none can be used: LS_EIO, where one could not be read; else LS_EVERSION or
 * LS_ECHECKPOINT.  Without standing (resume: false) the network alone. */
LS_CHECKED ls_status ls__checkpoint_newest(const char *run_directory, bool resume,
                                           ls__chosen *chosen);

/* The network as it was at the end of this epoch, of any checkpoint that stands there; else
 * NULL. */
LS_CHECKED ls_status ls__checkpoint_at_epoch(const char *run_directory, uint64_t epoch,
                                             ls_model **model);

/* As ls__checkpoint_load, for files that may be damaged: one that HDF5 crashed on is not read again
 * as long as FILE.crashed lies beside it, which the crash guard leaves. */
LS_CHECKED ls_status ls__checkpoint_try(const char *path, ls_model **model, ls__standing *standing,
                                        double **sums);

/* As ls_model_load; and which file of the run directory it was, such as "checkpoints/final.h5", so
 * that other ranks read the same: "" where `path` is the file. */
enum { LS__CHOICE_BYTES = 64 };
LS_CHECKED ls_status ls__checkpoint_choose(const char *path, char name[LS__CHOICE_BYTES],
                                           ls_model **model);

/* ---- folder.c: its files ---- */

/* "RUN/checkpoints/step-000000123.h5" */
void ls__checkpoint_path(const char *run_directory, uint64_t step, char *path, size_t bytes);

/* The networks beside them: the end's, and that of early stopping's best epoch. */
#define LS__FINAL "checkpoints/final.h5"
#define LS__BEST "checkpoints/best.h5"
void ls__checkpoint_named(const char *run_directory, const char *name, char path[LS__FILE_PATH]);

/* The steps of all of them, newest first; *steps is owned by the caller. */
LS_CHECKED ls_status ls__checkpoint_steps(const char *run_directory, uint64_t **steps, size_t *n);

/* A line on standard error for each file that is called nearly as a checkpoint of a step, and is
 * looked at by nobody: step-70.h5. */
void ls__checkpoint_tell_names(const char *run_directory);

/* Give a file that can't be used another name, FILE.damaged, .unreadable, .newer or .foreign: a run
 * that goes on from another one neither takes it for its own nor writes over it. */
void ls__checkpoint_set_aside(const char *path, ls__flaw flaw);

/* Delete what a killed run left half-written.  For whoever has locked the run directory. */
void ls__checkpoint_tidy(const char *run_directory);

/* After writing the checkpoint of `step`, once it is safe on disk: delete all but the `keep` newest
 * up to this one.  False: it isn't safe, and nothing is deleted. */
bool ls__checkpoint_prune(const char *run_directory, uint64_t step, size_t keep);

#endif

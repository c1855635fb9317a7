/* A training run, inside: what its own sources share (trainer.c, step.c, loop.c, resume.c and those
 * that measure or describe a run).  Heads are in task.h, the update in update.h, clipping in
 * clip.h, what a run shows and writes in report.h. */
#ifndef LS_TRAIN_TRAINER_H
#define LS_TRAIN_TRAINER_H

#include <lockstep/train.h>

#include "checkpoint/checkpoint.h"
#include "comm/exchange.h"
#include "comm/lanes.h"
#include "data/data.h"
#include "model/model.h"
#include "optim/schedule.h"
#include "train/clip.h"
#include "train/monitor.h"
#include "train/pass.h"
#include "train/run_directory.h"
#include "train/settings.h"
#include "train/side_by_side.h"
#include "train/task.h"
#include "train/times.h"
#include "train/trust.h"
#include "train/update.h"

/* The place in the epoch of the last "step" line of metrics.jsonl, or the epoch's beginning. */
typedef struct ls__logged {
  double step, position, loss; /* loss: summed over the epoch */
} ls__logged;
enum { LS__LOGGED = sizeof(ls__logged) / sizeof(double) };

/* What a checkpoint keeps behind the sums of all lanes: where the last line stood, and the hash of
 * what the sums are of, as a whole number. */
enum { LS__BEHIND_SUMS = LS__LOGGED + 1 };

struct ls_trainer {
  ls_comm *comm;
  ls_config *config;
  ls__settings set;
  ls_train_options options;
  ls_data *data; /* NULL: the trainer is fed by its caller */
  bool owns_data;
  bool epoch_begun; /* the data's epoch is under way */

  ls_model *model; /* its parameters are the exchange's */
  size_t n_arrays;
  const ls__array *arrays; /* the data's, or those that the caller says it will feed */
  ls__array fed[2 * LS_MAX_PORTS];
  ls__task task;
  ls__monitor monitor; /* by what an epoch is the best */
  ls__updater updater;
  ls__schedule *schedule;
  ls__exchange *exchange;
  ls__clip *clip;   /* NULL: no clipping by norm */
  ls__trust *trust; /* NULL: no layer-wise rule */
  float
      *weights; /* rank 0: the weights while their average is in their place; NULL: there is none */
  ls__run *evaluation;
  ls__pass *passes; /* [n_passes]: one, which passes use one after the other, or side by side */
  size_t n_passes;  /* all of this rank; 1 or more */
  ls__side_by_side *side_by_side;    /* NULL: one after the other */
  size_t result_count[LS_MAX_PORTS]; /* floats a sample */

  size_t n, batch, lanes, lane_lo, lane_hi; /* samples in the training part; this rank's lanes */
  size_t pass;                              /* lanes of a pass, at most */
  uint64_t epoch_steps, total_steps;
  ls__slice *slice;      /* [buckets] of the current step */
  const size_t *lane_at; /* [lanes + 1] first samples of lanes in the step; NULL: as they are cut */
  bool forwarded;        /* the step's one pass has gone forward already */
  struct ls__feeding *feeding; /* what the caller gives (feed.h); NULL: nothing yet */

  struct { /* the step under way */
    ls__update_step update;
    size_t bucket;  /* the next to be updated */
    size_t owned;   /* floats of own slices before it */
    size_t updated; /* floats of own slices that are done, of those that the optimizer updates */
    ls__pass *at;   /* what is loaded or scored */
    bool last_pass; /* this rank's last pass is running */
    double waited;  /* seconds, for sums of the batch */
    ls_status status;
  } step;

  double *sums;     /* [lanes, width] running sums of the epoch (own lanes) */
  double *all_sums; /* [lanes, width] by ls__trainer_epoch_sums; then [LS__BEHIND_SUMS] */
  double *lane_loss, *all_loss; /* [lanes] of the last step: own lanes', all lanes' */
  ls__logged logged;
  size_t *lane_count; /* [ranks] lanes that each owns */
  ls__standing now;
  struct { /* the checkpoint that the run was taken up from */
    bool found;
    bool finished;  /* rank 0: the run was done there; its files stay until a step is made */
    bool bad_final; /* rank 0: there is a final.h5 that is not this run's, because: */
    ls__flaw final_flaw;
    bool new_state;  /* forced: another optimizer, whose state begins anew */
    bool new_normal; /* forced: another normalisation, which is measured */
    uint64_t step;
    uint64_t newest; /* of the checkpoints that were there, fit for use or not */
  } taken;
  ls__passed *passed; /* rank 0: [n_passed] those that were passed over; until the first save */
  size_t n_passed;
  char *changes; /* rank 0: in lines, what is otherwise than there; NULL: nothing */
  size_t changes_used, changes_room;
  uint64_t bad_step; /* the first step whose loss was not finite, 0: none */
  double bad_where;  /* what was not finite before it (blame.h) */
  ls_status failed;  /* a local failure, to be agreed on */
  char failure[LS__ERROR_BYTES];
  ls__times times; /* of the current epoch */
  ls__times total;
  double
      *scoring; /* seconds of losses and metrics are added to it; NULL: no clock is read for it */
  bool mute;    /* a measurement: no alarms, no pictures */
  double trained_seconds; /* in steps, this process */
  uint64_t trained_samples;
  char pictures[LS__MOST_OUTPUT + 16]; /* the folder that their scripts are in; "": none */
};

/* --- lanes.c */
size_t ls__trainer_auto_lanes(const ls_trainer *t); /* as `train.lanes: auto` has it */
size_t ls__trainer_choose_lanes(const ls_trainer *t);
/* Into the configuration, where that alone would not give them again. */
LS_CHECKED ls_status ls__trainer_name_lanes(ls_trainer *t);

/* --- trainer.c */
double ls__trainer_sums_of(const ls_trainer *t); /* the hash, of 52 bits */
/* That a run makes, as far as it is known beforehand. */
uint64_t ls__total_steps(const ls__settings *set, uint64_t epoch_steps);
/* Begin again from step 0 with the weights as they are: for measurements. */
void ls__trainer_restart(ls_trainer *t);

/* --- step.c */
/* Samples at positions [lo, hi) of the epoch, into the run and the rows; mixed, where they are. */
LS_CHECKED ls_status ls__trainer_take(ls_trainer *t, size_t lo, size_t hi);
/* One step on `samples` samples that the feed gives.  What fails on this rank alone is kept in
 * t->failed, to be agreed on; the status is that of what all ranks do together. */
LS_CHECKED ls_status ls__trainer_step(ls_trainer *t, size_t samples, const ls_feed *feed);
/* The loss of the last step over all lanes, in lane order.  Collective. */
LS_CHECKED ls_status ls__trainer_step_loss(ls_trainer *t, size_t samples, double *loss);
/* The feed of the dataset: positions now.position ... of the epoch under way. */
ls_feed ls__trainer_dataset(ls_trainer *t);
/* Start the dataset's epoch at now.position.  Collective. */
LS_CHECKED ls_status ls__trainer_epoch(ls_trainer *t);
/* The epoch's sums over all lanes, in lane order.  Collective. */
LS_CHECKED ls_status ls__trainer_epoch_sums(ls_trainer *t, double *sums);
/* t->failed, as agreed on by all; whether the loss of a step was not finite on any rank. */
LS_CHECKED ls_status ls__trainer_agree(ls_trainer *t);
/* `what`: "the loss is"; `why`: ", and ..." */
ls_status ls__not_finite(const ls_trainer *t, double step, const char *what, const char *why);

/* --- resume.c */
LS_CHECKED ls_status ls__trainer_save(ls_trainer *t, const char *path); /* collective */
/* Look for a checkpoint of the run directory whose settings fit: t->taken, the standing and the
 * running sums on all ranks, the network on rank 0.  Collective. */
LS_CHECKED ls_status ls__trainer_find(ls_trainer *t, ls__chosen *chosen);
/* Take its weights and optimizer state.  Collective; saved and path count on rank 0. */
LS_CHECKED ls_status ls__trainer_restore(ls_trainer *t, const ls_model *saved, const char *path,
                                         bool whole);

/* --- run_pictures.c */
/* At the end of a run: the scripts of its pictures, where they are wanted.  Collective; never
 * fails, and says on standard error why there are none. */
void ls__trainer_pictures(ls_trainer *t);

/* Whether the run directory holds a finished run, to which nothing was added. */
static inline bool ls__trainer_idle(const ls_trainer *t) {
  return t->taken.finished && t->now.step == t->taken.step;
}

#endif

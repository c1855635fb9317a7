/* A run and the checkpoint that it is taken up from: what must be the same. */
#ifndef LS_TRAIN_RESUME_H
#define LS_TRAIN_RESUME_H

#include "train/trainer.h"

/* resume_config.c: compare the configurations.  LS_ECONFIG names the first setting that may not
 * change, unless the run is forced; tell: what changes, a line each.  Rank 0 alone. */
LS_CHECKED ls_status ls__resume_config(ls_trainer *t, const ls_model *saved,
                                       const ls__standing *standing, const char *path, bool tell);
/* Add a line of what changes, which is printed when the run begins. */
LS_CHECKED ls_status ls__resume_tell(ls_trainer *t, const char *format, ...) LS_PRINTF(2, 3);

/* Where another thing is monitored now than in the checkpoint, the standing has no best epoch any
 * more, and a line says so.  Rank 0 alone. */
LS_CHECKED ls_status ls__resume_monitor(ls_trainer *t, const ls_model *saved,
                                        ls__standing *standing);

/* resume_data.c: whether two normalisations are of other data: more apart than another processor
 * makes them; *at: the first number that is. */
bool ls__far_apart(const ls__affine *a, const ls__affine *b, size_t *at);
/* Names of columns and classes, the checkpoint's where it has some (saved: rank 0's,
 * or NULL), and the data in their order.  Before the data are loaded.  Collective. */
LS_CHECKED ls_status ls__resume_names(ls_trainer *t, const ls_model *saved, const char *path);
/* And when they are loaded: rows, values and statistics are compared with the checkpoint's, and its
 * normalisation is taken.  Collective; saved and path count on rank 0. */
LS_CHECKED ls_status ls__resume_data(ls_trainer *t, const ls_model *saved, const char *path);

#endif

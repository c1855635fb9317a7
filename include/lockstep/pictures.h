/** @file
 * Pictures of runs, drawn by gnuplot: learning curves, confusion matrices, pages of predictions.
 * They are written as scripts that hold their data, and drawn afterwards. */
#ifndef LOCKSTEP_PICTURES_H
#define LOCKSTEP_PICTURES_H

#include <lockstep/comm.h>
#include <lockstep/data.h>
#include <lockstep/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How they are to look; NULL where one is asked for: as they come. */
typedef struct ls_picture_style {
  unsigned width, height; /**< in points, which are the pixels of a PNG; 0: as large as what is in
                               it, and a PNG of twice as many pixels, for fine screens.  Learning
                               curves and numbers fill it, what has a shape of its own fits in */
  const char *panels;     /**< of learning curves the values to show, as in "loss,accuracy"; NULL:
                               all */
} ls_picture_style;

/** Make anew what ls_trainer_run leaves for ls_pictures_draw, from a run directory: learning
 * curves, and of a part of the data the confusion matrix and a page of predictions, as scripts for
 * gnuplot in its folder `pictures`.
 *
 * Collective; as ls_evaluate, which overrides are for.
 * @param split  LS_AUTO: the validation part; where there is none, the training part
 * @return       as ls_evaluate; LS_EUSAGE for panels that aren't there */
LS_PUBLIC LS_CHECKED ls_status ls_pictures_write(ls_comm *comm, const char *directory,
                                                 const char *const *overrides, size_t n,
                                                 ls_split split, const ls_picture_style *style);

/** Draw the scripts of such a folder as PNG and SVG beside them, by gnuplot, or what the
 * environment variable GNUPLOT names; where that is empty, nothing is done.
 *
 * Local, one process; it starts others, so call it after MPI_Finalize.
 * @param folder  "runs/digits/pictures"
 * @param out     where one line says what was drawn; NULL: nowhere
 * @return        LS_EIO: what was not drawn and why; the scripts stay */
LS_PUBLIC LS_CHECKED ls_status ls_pictures_draw(const char *folder, FILE *out);

/** Write the learning curves of some runs, laid over each other, as a script for gnuplot.  Needs
 * nothing but their metrics.jsonl; runs may go on.
 *
 * Local.
 * @param runs    [n] run directories, n from 1 on; what their paths have in common is no part of
 *                their names in the legend
 * @param script  the file, which appears whole or not at all
 * @return        LS_EIO; LS_EUSAGE for panels that aren't there; LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_curves_write(const char *const *runs, size_t n,
                                               const ls_picture_style *style, const char *script);

/** Draw such a script as one or two pictures, whose names end in .png, .svg or .pdf; each appears
 * whole or not at all.
 *
 * Local, one process; it starts another, so call it after MPI_Finalize.
 * @param pictures  [n] files, n at most 2
 * @return          LS_EIO: why not */
LS_PUBLIC LS_CHECKED ls_status ls_picture_draw(const char *script, const char *const *pictures,
                                               size_t n);

/** Draw the same with characters: one value, the first of style->panels, else the first metric,
 * else the loss.  As ls_curves_write and ls_picture_draw.
 * @param columns  of the terminal */
LS_PUBLIC LS_CHECKED ls_status ls_curves_print(const char *const *runs, size_t n,
                                               const ls_picture_style *style, unsigned columns,
                                               FILE *out);

/** Whether a picture's name ends in what can be drawn: .png, .svg or .pdf.  Local. */
LS_PUBLIC bool ls_picture_can_be(const char *path);

#ifdef __cplusplus
}
#endif

#endif

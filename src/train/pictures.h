/* The pictures of a run, in its directory's folder `pictures`: what is drawn is taken from the run
 * here, and written as scripts for gnuplot, which hold their data.  Drawing them is another
 * matter, for another time (draw.c). */
#ifndef LS_TRAIN_PICTURES_H
#define LS_TRAIN_PICTURES_H

#include <lockstep/pictures.h>

#include "comm/comm.h"
#include "data/data.h"
#include "model/model.h"
#include "train/score.h"
#include "train/task.h"

/* What they are pictures of: a network, its data, loaded, and what its loss makes of them. */
typedef struct ls__pictures {
  ls_comm *comm;
  const char *directory; /* of the run */
  const ls__task *task;
  const ls_model *model;
  ls__run *run; /* for LS__PREDICT_BATCH samples, that ends at the task's values */
  ls_data *data;
  ls_split split;                /* of which samples are shown */
  const ls_picture_style *style; /* or NULL */
} ls__pictures;

/* Write the scripts: learning curves, and for each output its confusion matrix and a page of
 * predictions.  Collective; rank 0 writes. */
LS_CHECKED ls_status ls__pictures_write(const ls__pictures *pictures);

/* Whether anything would draw them: the variable GNUPLOT of the environment is not empty. */
bool ls__pictures_wanted(void);

/* ---- Pages: pages.c, curves.c.  Rank 0; each writes directory/pictures/NAME.gp. */

/* Loss, metrics and learning rate over the epochs of metrics.jsonl. */
LS_CHECKED ls_status ls__page_curves(const char *directory, const ls_picture_style *style);
/* Of several runs, into a file; columns: of characters, not a picture; 0: a picture. */
LS_CHECKED ls_status ls__curves_script(const char *const *runs, size_t n,
                                       const ls_picture_style *style, unsigned columns,
                                       const char *path);

/* counts [k, k]: truth by prediction; names may be NULL. */
LS_CHECKED ls_status ls__page_confusion(const ls__pictures *pictures, const char *name,
                                        const double *counts, size_t k, const char *const *names);

/* A picture: height x width of 1 or 3 channels, row by row. */
typedef struct ls__grid {
  size_t height, width, channels;
} ls__grid;

/* n images with what each is and what the network takes it for; wrong ones last. */
typedef struct ls__shown_image {
  float *pixel; /* [grid] owned */
  size_t truth, guess;
} ls__shown_image;
LS_CHECKED ls_status ls__page_images(const ls__pictures *pictures, const char *name,
                                     const ls__grid *grid, ls__shown_image *image, size_t n,
                                     const char *const *names);

/* n fields: input (NULL: none that is a picture), target and prediction, one channel each. */
typedef struct ls__shown_field {
  float *input, *target, *prediction; /* owned */
  size_t sample;
} ls__shown_field;
LS_CHECKED ls_status ls__page_fields(const ls__pictures *pictures, const char *name,
                                     const ls__grid *input, const ls__grid *output,
                                     ls__shown_field *field, size_t n);
/* The same of fields of one dimension, as lines. */
LS_CHECKED ls_status ls__page_lines(const ls__pictures *pictures, const char *name, size_t width,
                                    const ls__shown_field *field, size_t n);

/* Predictions against targets, a panel a column: target, prediction [n, columns]. */
LS_CHECKED ls_status ls__page_scatter(const ls__pictures *pictures, const char *name, size_t n,
                                      size_t columns, const float *target, const float *prediction,
                                      const char *const *names);

/* ---- For the pages: script.c */

/* A script being written: what it draws, it draws once for each file that it is called with. */
typedef struct ls__script {
  FILE *out;
  char *text;
  size_t bytes;
} ls__script;
/* Data blocks come next, then ls__script_draw, then what is drawn, then ls__script_end, which writes the
 * file, or only frees after a failure (st). */
LS_CHECKED ls_status ls__script_begin(ls__script *script);
/* A page that is so large in a font of 12.  It is made larger or smaller as a whole to fit into a
 * given size.  Sizes of points are multiples of u: "ps 0.4*u". */
void ls__script_draw(ls__script *script, const ls_picture_style *style, double width,
                     double height);
/* A page of this size and font; `given`: by who wants it, to the pixel. */
void ls__script_page(ls__script *script, double width, double height, double font, bool given);
LS_CHECKED ls_status ls__script_end(ls__script *script, const char *path, ls_status st);
/* The same as directory/pictures/NAME.gp. */
LS_CHECKED ls_status ls__script_end_in(ls__script *script, const char *directory, const char *name,
                                       ls_status st);
/* Text in quotes of gnuplot's, at most `most` letters of it. */
void ls__script_quote(ls__script *script, const char *text, size_t most);
/* Text of at most so many letters, 8 or more: the middle is left out, as names that belong together
 * often differ at their ends. */
void ls__script_shorten(const char *text, size_t most, char *to, size_t bytes);
/* A round step, 1, 2 or 5 times a power of ten, of which at most `most` fit into a range. */
double ls__script_step(double range, int most);
/* "validation part", ... */
const char *ls__script_part(const ls__pictures *pictures);

/* Okabe and Ito's colours, told apart by people with any colour vision. */
#define LS__BLUE "#0072b2"
#define LS__RED "#d55e00"
#define LS__GREY "#8a8a8a"

#endif

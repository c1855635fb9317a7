/* Sequences of labels, out of scores at each step (Graves 2006, 3.2), and how far two are apart. */
#ifndef LS_METRICS_DECODE_H
#define LS_METRICS_DECODE_H

#include <lockstep/status.h>
#include <stddef.h>

#include "base/error.h"

/* The labels of the best path: the class with the highest score at each of the steps [steps, width], the
 * first of equal ones, without what repeats the step before and without blanks.  label [steps]; returns
 * how many. */
size_t ls__decode_path(const float *score, size_t steps, size_t width, size_t blank, size_t *label);

/* The most probable labels, of the `width` best beginnings that are kept at each step (prefix beam search,
 * Hannun and others 2014, without a language model): what all paths to the same labels have together is
 * compared.  Of up to `steps` probabilities of `classes` at a time. */
typedef struct ls__beam ls__beam;
LS_CHECKED ls_status ls__beam_create(size_t steps, size_t classes, size_t blank, size_t width,
                                     ls__beam **out);
void ls__beam_destroy(ls__beam *beam);
/* p [steps, classes]; label [steps]; returns how many.  Adds and multiplies in double alone: the same
 * labels on any processor. */
size_t ls__beam_search(ls__beam *beam, const float *p, size_t steps, size_t *label);

/* Insertions, deletions and substitutions that make b [m] of a [n], at least (Levenshtein 1966).
 * work [m + 1]. */
size_t ls__edit_distance(const size_t *a, size_t n, const size_t *b, size_t m, size_t *work);

#endif

/* Basic slicing, as numpy writes it: "[:, :-1]", "[::2, 3]", "[..., 0]". */
#ifndef LS_DATA_SELECT_H
#define LS_DATA_SELECT_H

#include <lockstep/shape.h>
#include <stdint.h>

#include "base/error.h"

/* What is taken of one dimension. */
typedef struct ls__cutout {
  bool index; /* one element, `start`, and the dimension is gone */
  bool has_start, has_stop;
  int64_t start, stop, step; /* negative numbers count from the end */
} ls__cutout;

typedef struct ls__select {
  int n;          /* slices; 0: all of everything */
  int dots;       /* of these so many stand before `...`; n: there is none */
  ls__cutout *of; /* [n] owned */
  char text[80];  /* as it was said */
} ls__select;

/* Read the text.  False: `why` says what is wrong. */
LS_CHECKED ls_status ls__select_parse(const char *text, ls__select *select, char why[160],
                                      bool *good);
void ls__select_reset(ls__select *select);

/* What it takes of a dataset: of dimension i count[i] elements, the k-th being start[i] +
 * k * step[i]. */
typedef struct ls__selected {
  int ndim;
  bool gone[LS_MAX_DIMS]; /* an index was given: count 1 */
  size_t start[LS_MAX_DIMS], count[LS_MAX_DIMS];
  int64_t step[LS_MAX_DIMS];
} ls__selected;

/* False: `why` says what of it does not fit this shape, or that nothing is left. */
bool ls__select_apply(const ls__select *select, const ls_shape *shape, ls__selected *selected,
                      char why[160]);

#endif

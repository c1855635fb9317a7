/* Which part a row goes to: shares of the training sources, drawn by seed. */
#ifndef LS_CONVERT_SHARE_H
#define LS_CONVERT_SHARE_H

#include <lockstep/convert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "data/data.h"

typedef struct ls__share {
  ls__rng rng;
  double validation, test;
} ls__share;

ls__share ls__share_create(const ls_convert_options *options);
/* The part of row i of the training sources: depends on seed and i alone. */
ls_split ls__share_of(const ls__share *share, uint64_t row);
/* Refuses a share that was asked for and got no row. */
LS_CHECKED ls_status ls__share_check(const size_t rows[LS__PARTS],
                                     const ls_convert_options *options);

#endif

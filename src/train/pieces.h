/* Sums over the arena, of which each rank has slices, the same bits on any number of ranks.
 *
 * The arena is cut into pieces: at every LS__BLOCK floats, where slices begin and end too, and where
 * the caller says (tensors).  A piece lies in one slice whole, whoever owns it; the numbers of all
 * pieces come to all ranks in the arena's order, and are summed in it. */
#ifndef LS_TRAIN_PIECES_H
#define LS_TRAIN_PIECES_H

#include "comm/exchange.h"

typedef struct ls__pieces ls__pieces;

/* Pieces of [0, upto) of the arena, with `width` numbers each; cut [n_cuts], ascending, are places
 * where pieces begin besides blocks.  Collective. */
LS_CHECKED ls_status ls__pieces_create(ls_comm *comm, const ls__exchange *exchange, size_t upto,
                                       const size_t *cut, size_t n_cuts, size_t width,
                                       ls__pieces **out);
void ls__pieces_destroy(ls__pieces *pieces);

/* How many, and where piece k begins: start[count] is the end of the last. */
size_t ls__pieces_count(const ls__pieces *pieces);
const size_t *ls__pieces_start(const ls__pieces *pieces);

/* This rank's, which are side by side in every bucket: *n of them from number *first on. */
void ls__pieces_of_bucket(const ls__pieces *pieces, size_t bucket, size_t *first, size_t *n);

/* The numbers of own pieces [own pieces, width], bucket after bucket: to be filled in.  Then the
 * numbers of all [count, width].  Collective. */
double *ls__pieces_own(ls__pieces *pieces);
LS_CHECKED ls_status ls__pieces_share(ls__pieces *pieces, const double **all);

#endif

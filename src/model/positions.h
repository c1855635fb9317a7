/* Networks of sequences, position by position.
 *
 * A graph of one position is a copy of a graph whose input is a sequence: its layers that are
 * LS__EACH have a single position, those that are LS__ONWARD keep a state (nn/layer.h).  Parameters
 * are the same, in the same arena. */
#ifndef LS_MODEL_POSITIONS_H
#define LS_MODEL_POSITIONS_H

#include "model/graph.h"

/* What of a graph's outputs is known. */
typedef struct ls__positions_of {
  bool ahead;                    /* a position looks at later ones */
  bool all;                      /* every layer can be run position by position */
  size_t most;                   /* so many of them at most; 0: any number */
  const char *name;              /* of the first layer that can't; NULL */
  char why[LS__NAME_BYTES + 96]; /* and why: "attention_1: it is not causal"; "" */
} ls__positions_of;

/* From the graph, whose one input is [T, ...]: what its layers say, and where all can, the graph of
 * one position; NULL where not.  The graph must outlive it. */
LS_CHECKED ls_status ls__graph_at_one(const ls__graph *graph, ls__positions_of *about,
                                      ls__graph **out);
void ls__graph_at_one_destroy(ls__graph *one);

#endif

/* A graph at work: one plan of memory, then forward and backward on one pass at a time: some lanes
 * of a batch, or any rows. */
#ifndef LS_MODEL_RUN_H
#define LS_MODEL_RUN_H

#include "model/graph.h"

typedef struct ls__run ls__run;

/* Passes of up to max_n samples in up to max_lanes lanes (1 outside training), forward up to
 * `values` (what a loss takes, or the graph's outputs), and backward from them where the run is for
 * training. */
typedef struct ls__run_plan {
  size_t max_n, max_lanes;
  bool training;
  int n_values;
  const int *values;
  ls__arithmetic by;
  bool steps;    /* of a graph of one position (model/positions.h), outside of training */
  bool keep_all; /* `recompute:` of blocks is not heeded */
  const ls__run
      *within; /* of a plan outside training: the run of the same graph whose memory it may
                            use, as they run in turns, and this one is destroyed first; NULL: none */
} ls__run_plan;

/* Plan and allocate.  The graph must outlive it.  Outside training a forward of many samples is one of
 * a part of them after another, so that their activations fit into those of `within`, or into
 * LS__PARTS_BYTES: the bits of a sample are the same. */
enum { LS__PARTS_BYTES = 256000000 };
LS_CHECKED ls_status ls__run_create(const ls__graph *graph, const ls__run_plan *plan,
                                    ls__run **out);
void ls__run_destroy(ls__run *run);
/* Give up the own scratch for another run's of the same graph, where that is large enough; they run
 * in turns, and the other stays as long as this one. */
void ls__run_share_scratch(ls__run *run, const ls__run *with);

/* [max_n, input i], float or int32_t: fill before forward. */
void *ls__run_input(ls__run *run, int i);
const float *ls__run_result(const ls__run *run, int i); /* [n, values i] after forward */
float *ls__run_result_gradient(ls__run *run, int i);    /* [n, values i]: fill before backward */

/* The first index of the first n samples that is none; false: all are some. */
typedef struct ls__no_index {
  int input;              /* of the graph */
  size_t sample, element; /* of the pass, of the sample */
  char why[160];          /* "input \"user\": 7 is no index, they are 0 to 4" */
} ls__no_index;
bool ls__run_find_no_index(ls__run *run, size_t n, ls__no_index *found);
/* The same of n samples of one input, wherever they are. */
bool ls__graph_find_no_index(const ls__graph *graph, int input, const int32_t *index, size_t n,
                             ls__no_index *found);

/* Which samples these are: what dropout and its like depend on. */
typedef struct ls__run_place {
  uint64_t seed, step, first_sample;
  size_t lanes;       /* up to max_lanes, a subtree of the tree of lanes; 0: all are one */
  const size_t *lane; /* [lanes + 1] their first samples, counted from first_sample, and n; must
                         stay until backward is done */
} ls__run_place;

/* n in 1..max_n; the place is NULL outside training: rows that are not summed over. */
void ls__run_forward(ls__run *run, const float *parameters, size_t n, const ls__run_place *place);

/* The same where the plan has steps: position 0, 1, ... of n sequences, each after the one before
 * it, with the same n; at 0 others begin. */
void ls__run_step(ls__run *run, const float *parameters, size_t n, size_t position);

/* After forward with the same parameters.  gradients is [graph->moving] floats of an arena: every
 * weight's gradient and every statistic's sum is written (not added to).  finished(context, upto)
 * is called whenever [0, upto) has become final, at each node's end. */
typedef void (*ls__finished_fn)(void *context, size_t upto);
void ls__run_backward(ls__run *run, const float *parameters, float *gradients,
                      ls__finished_fn finished, void *context);

/* ---- Several passes of a batch side by side
 *
 * A layer with sums (nn/layer.h) is a place where forward and backward wait for all lanes of the
 * batch: the passes of this rank and of the others.  With m such layers a pass is run in m + 1
 * stages each way.  A stage k < m ends before the k-th of them on this way, with its sums of the
 * pass's lanes; stage k + 1 begins with that layer, and with what `merge` makes of those of all
 * lanes:
 *
 *   for k = 0 ... m:
 *     for each pass:  ls__run_forward_stage(run, ..., k, batch)
 *     if k < m:       all = ls__run_sums of all passes, in lane order;  ls__run_merge(run, k, ...)
 *
 * ls__run_forward and ls__run_backward do so for a pass that is the whole batch. */
size_t ls__run_stages(const ls__run *run); /* m + 1, the same in all runs of a graph for training */
/* Doubles a lane at the end of stage k < m. */
size_t ls__run_sums_width(const ls__run *run, size_t k, bool backward);
const double *ls__run_sums(const ls__run *run); /* [lanes of the pass, width], until the next stage
                                                   is over */
void ls__run_merge(const ls__run *run, size_t k, bool backward, size_t lanes, const double *all,
                   double *batch);
void ls__run_forward_stage(ls__run *run, const float *parameters, size_t n,
                           const ls__run_place *place, size_t k, const double *batch);
void ls__run_backward_stage(ls__run *run, const float *parameters, float *gradients, size_t k,
                            const double *batch, ls__finished_fn finished, void *context);

/* For measurements: from now on the seconds of node i's calls are added to seconds[i], of [nodes];
 * NULL, as at first: no clock is read. */
typedef struct ls__node_seconds {
  double forward, backward;
} ls__node_seconds;
void ls__run_time(ls__run *run, ls__node_seconds *seconds);
/* Whether the layer before node i applies it, within its own forward. */
bool ls__run_fused(const ls__run *run, int i);

/* For messages: from now on forward looks at the outputs of its nodes, for those lanes whose loss
 * is not finite; NULL, as at first: it doesn't.  Inputs stay until all of forward is done, so that
 * it can be run again. */
typedef struct ls__run_watch {
  const double *loss; /* [lanes] of the pass */
  int first;          /* the least node whose output isn't finite; set it to `nodes` before */
} ls__run_watch;
void ls__run_watch_outputs(ls__run *run, ls__run_watch *watch);

/* Bytes of activations and their gradients as planned, without reuse of memory, and of scratch; what is
 * another run's memory is not counted. */
typedef struct ls__run_memory {
  size_t planned, unplanned, scratch;
} ls__run_memory;
ls__run_memory ls__run_memory_of(const ls__run *run);
/* What a run of this plan would take. */
LS_CHECKED ls_status ls__run_measure(const ls__graph *graph, const ls__run_plan *plan,
                                     ls__run_memory *out);
/* What this run would take if it kept all that blocks with `recompute: true` compute again; false: there
 * are none. */
LS_CHECKED ls_status ls__run_measure_kept(const ls__run *run, bool *less, ls__run_memory *out);

#endif

/* Inside the exchanges "tree" and "shared", which are one algorithm.
 *
 * Ranks are grouped into nodes that share memory: for "shared" the machine's nodes, for "tree" each
 * rank is a node of its own and nothing is shared.  The gradients of all ranks of a node lie where
 * each of them can read them, and the node has one copy of the parameters.
 *
 * A bucket is cut into one slice a rank.  For every bucket
 *
 *   1. when all ranks of a node have finished it, each of them sums its share of what the ranks of
 *      other nodes own, as far as the tree joins the node's lanes, and sends it there;
 *   2. each rank sums its own slice: its node's gradients, read where they lie, and what has come
 *      from the other nodes;
 *   3. the caller updates the slice, in the node's parameters;
 *   4. each rank sends its new weights to every other node, once.
 *
 * What two nodes send each other is cut twice, by the slices of the receiving ranks and evenly
 * among the sending ranks; a message is an overlap of the two cuts.  With as many ranks on both
 * nodes these are the same cuts, and a rank has one partner on each other node.
 *
 * Example: 5 lanes, 3 ranks, so rank 0 runs lane 0, rank 1 lanes 1 2, rank 2 lanes 3 4, and the
 * tree is ((0+1)+(2+3))+4.  A bucket is cut into slices a b c; 0a is lane 0's gradient of slice a,
 * W the new weights.
 *
 *   "tree", three nodes          rank 0           rank 1           rank 2
 *     after backward             0a 0b 0c         1a 1b 1c         3a 3b 3c
 *                                                 2a 2b 2c         4a 4b 4c
 *     after 1                    0a 1a 2a 3a 4a   0b 1b 2b 3b 4b   0c 1c 2c 3c 4c
 *     after 2                    sum a            sum b            sum c
 *     after 3                    Wa               Wb               Wc
 *     after 4                    Wa Wb Wc         Wa Wb Wc         Wa Wb Wc
 *
 *   "shared", ranks 0 1 on one node and rank 2 on another
 *     after backward             0a 0b 0c         1a 1b 1c         3a 3b 3c
 *                                                 2a 2b 2c         4a 4b 4c
 *     summed for 1               0c+1c, first half  second half    -
 *     after 1                    0a 1a 2a 3a 4a   0b 1b 2b 3b 4b   (0+1)c 2c 3c 4c
 *        (of these rank 0 reads 1a 2a, and rank 1 0b, in the other's memory)
 *     after 2, 3, 4              as above; Wa Wb lie in one copy that ranks 0 and 1 share
 *
 * The bits are the same, because sums are joined only where the tree says so.  Lanes 1 and 2 are
 * not siblings, so rank 1 keeps them apart.
 *
 * For small buckets two rounds of messages cost more than the work they divide.  Then each node
 * sums and updates all of the bucket ("whole"): in 1 every node sends its lanes to all others, and
 * 4 is left out.
 *
 * With compression (exchange_coded.c) the messages of 1 and 4 are in code, and no bucket is whole:
 * a node's own part of a sum is exact, so all nodes' sums would differ. */
#ifndef LS_COMM_EXCHANGE_TREE_H
#define LS_COMM_EXCHANGE_TREE_H

#include <mpi.h>
#include <stdatomic.h>

#include "comm/comm_internal.h"
#include "comm/exchange_internal.h"
#include "comm/reduce.h"

/* How far a rank of the node has come, in buckets since the first step; each counter is written by
 * its rank alone and has two cache lines for itself. */
typedef struct ls__flags {
  _Atomic uint64_t ready; /* gradients are final, old weights are not read any more */
  char pad1[120];
  _Atomic uint64_t closed; /* this rank will not touch the node's memory there again */
  char pad2[120];
} ls__flags;

/* Some of the messages, in a row: in the array of all requests, or among those in code. */
typedef struct ls__message_range {
  size_t first, n;
} ls__message_range;

/* Floats [lo, hi) of the arena that go to or come from a rank. */
typedef struct ls__piece {
  size_t lo, hi;
} ls__piece;

typedef struct ls__bucket {
  size_t lo, hi;     /* the whole bucket */
  size_t own, own_n; /* this rank's slice */
  bool whole;        /* every node sums and updates all of it */
  float *stage;      /* [staged leaves][own_n] what comes from the other nodes */
  float *sum;        /* [own_n] where the sum goes */
  ls__message_range gradients_in, gradients_out, weights_in, weights_out;
  /* In ls__coding.message: */
  ls__message_range coded_in, coded_out, coded_weights_in, coded_weights_out;
  float *master; /* [own_n] with compression: the weights that the optimizer updates */
} ls__bucket;

/* A message in code: floats [lo, lo + n) of the arena. */
typedef struct ls__coded {
  size_t lo, n;
  void *code;
  float *plain;      /* [n] gradients out: what has not been sent yet; gradients in: their stage */
  const float *leaf; /* gradients out: the arena that they are in */
} ls__coded;

/* Compression: all messages, and what is kept from step to step. */
typedef struct ls__coding {
  ls__coded *message;
  size_t messages;
  float *held; /* [n_held] of gradients what has not been sent, then master weights */
  size_t n_held, n_rests;
  float *scratch; /* [n_scratch] */
  size_t n_scratch;
  char *codes; /* [n_codes] */
  size_t n_codes;
} ls__coding;

/* A leaf of the final sum: gradients in the memory of this node, or staged ones. */
typedef struct ls__leaf {
  const float *arena; /* NULL: staged */
  size_t staged;
} ls__leaf;

/* A subtree that a node's lanes join into, and how to sum it from the node's leaves. */
typedef struct ls__node_tree {
  size_t first, n; /* of the node's leaves */
  ls__reduce *reduce;
} ls__node_tree;

typedef struct ls__tree {
  /* nodes as this exchange sees them */
  int nodes, node, node_size, node_rank;
  int *first; /* [nodes + 1] */
  ls__window *window;
  ls__flags *flags; /* [node_size]; NULL where a node is one rank */

  float **leaf; /* [leaves] arenas of this node's leaves, in lane order */
  size_t leaves, trees;
  ls__node_tree tree[LS__MAX_SUBTREES];

  ls__reduce *reduce_cut, *reduce_whole; /* own slice, for buckets that are cut or whole */
  ls__leaf *cut, *all;                   /* their leaves */
  size_t n_cut, n_all, staged;
  const float **operand; /* room for the leaves of one sum */

  ls__bucket *bucket;
  MPI_Request *request;
  size_t requests, room;
  float *memory; /* of stages and sums */

  uint64_t base;            /* buckets of all steps before this one */
  uint64_t updated, closed; /* buckets of all steps */
  size_t contributed;       /* buckets of which this rank's messages are under way */
  size_t reduced;           /* buckets of which the own slice is summed */
  bool waiting;             /* this rank can do nothing but ask for messages */
  ls__coding *coding;       /* NULL: no compression, or nobody to compress for */
} ls__tree;

/* The part of b's floats that node `by` sends to node `to`, summed by its rank `node_rank`. */
void ls__tree_share(const ls__exchange *x, const ls__bucket *b, int by, int node_rank, int to,
                    size_t *lo, size_t *hi);
/* The slice of a rank. */
void ls__tree_slice(const ls__exchange *x, const ls__bucket *b, int node, int node_rank, size_t *lo,
                    size_t *hi);

static inline int ls__tree_node_size(const ls__tree *t, int node) {
  return t->first[node + 1] - t->first[node];
}

/* What (by, by_node_rank) sends to node `to` of what (to, to_node_rank) owns; false: nothing. */
bool ls__tree_overlap(const ls__exchange *x, const ls__bucket *b, int by, int by_node_rank, int to,
                      int to_node_rank, ls__piece *piece);
/* Subtrees of a node's lanes; where the first of them is staged on the ranks of other nodes. */
int ls__tree_subtrees(const ls__exchange *x, int node, ls__subtree out[LS__MAX_SUBTREES]);
size_t ls__tree_first_staged(const ls__exchange *x, int node);
/* Tag of a bucket's gradients; the next one is that of its weights. */
int ls__tree_tag(size_t bucket);
/* Longest message. */
size_t ls__tree_message_bytes(const ls__exchange *x);
/* One more persistent request, the last of `range`: `count` of `type` at `at`. */
LS_CHECKED ls_status ls__tree_request(ls__exchange *x, ls__message_range *range, bool send,
                                      void *at, size_t count, MPI_Datatype type, int peer, int tag);

/* Compression: exchange_coded.c.  Plan makes the requests of all buckets. */
LS_CHECKED ls_status ls__coded_plan(ls__exchange *x);
void ls__coded_destroy(ls__exchange *x);
void ls__coded_gradients(ls__exchange *x, ls__bucket *b); /* into code, before they are sent */
void ls__coded_stage(ls__exchange *x, ls__bucket *b);     /* out of code, before they are summed */
void ls__coded_weights(ls__exchange *x, ls__bucket *b);   /* into code, and into the own node's */
void ls__coded_arrived(ls__exchange *x, const ls__bucket *b); /* into the own node's weights */
void ls__coded_published(ls__exchange *x);
float *ls__coded_held(const ls__exchange *x, size_t *n, uint64_t *layout);

/* One step: exchange_tree_step.c. */
void ls__tree_begin(ls__exchange *x);
void ls__tree_ready(ls__exchange *x, size_t b);
void ls__tree_progress(ls__exchange *x);
bool ls__tree_reduced(ls__exchange *x, size_t b);
void ls__tree_slice_wait(ls__exchange *x, size_t b, ls__slice *slice);
void ls__tree_updated(ls__exchange *x, size_t b);
void ls__tree_end(ls__exchange *x);
void ls__tree_settle(ls__exchange *x);

#endif

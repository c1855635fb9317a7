/* Inside an exchange: what is common to all kinds, and what a kind brings. */
#ifndef LS_COMM_EXCHANGE_INTERNAL_H
#define LS_COMM_EXCHANGE_INTERNAL_H

#include "comm/exchange.h"
#include "comm/lanes.h"

/* One algorithm of exchange.  exchange.c keeps the lanes and calls these; the functions that wait
 * do so with ls__wait and can't fail (a lost rank ends the job). */
typedef struct ls__exchange_kind {
  bool tree_order; /* own lanes are joined along the tree; else passes are added in order */
  bool compresses; /* what nodes send each other, when the plan says so */
  /* Allocate x->w, x->arena and x->state; everything else in x is known.  Collective. */
  ls_status (*create)(ls__exchange *x);
  void (*destroy)(ls__exchange *x);
  /* The slice of bucket b that `rank` owns; returns whether its copy counts where several ranks
   * own the same. */
  bool (*owner)(const ls__exchange *x, size_t b, int rank, size_t *offset, size_t *n);
  void (*begin)(ls__exchange *x);
  void (*ready)(ls__exchange *x, size_t b); /* this rank's part of bucket b is final */
  void (*progress)(ls__exchange *x);
  bool (*reduced)(ls__exchange *x, size_t b); /* whether own slice b is summed; doesn't wait */
  void (*slice)(ls__exchange *x, size_t b, ls__slice *slice); /* waits for it; fills in w and g */
  void (*updated)(ls__exchange *x, size_t b);
  void (*end)(ls__exchange *x);    /* all buckets are updated on this rank */
  void (*settle)(ls__exchange *x); /* waits until they are on all, and nothing is under way */
  /* Of a kind that compresses: called when parameters were written from outside; what is kept on
   * this rank, NULL: nothing (ls__exchange_holds). */
  void (*published)(ls__exchange *x);
  float *(*held)(const ls__exchange *x, size_t *n, uint64_t *layout);
} ls__exchange_kind;

extern const ls__exchange_kind ls__exchange_mpi, ls__exchange_tree;

struct ls__exchange {
  const char *name;
  const ls__exchange_kind *kind;
  ls_comm *comm;
  int rank, size;
  size_t n, still, lanes;
  size_t bucket_floats, buckets;

  size_t lane_lo, lane_hi; /* this rank's */
  float *w;                /* [n + still] */
  ls__codec codec;         /* of what nodes send each other; LS__CODE_NONE where the kind can't */
  size_t bytes;            /* what ls__exchange_memory says; kinds add to it */
  float **arena;           /* [arenas], [n] each; room for one more */
  int arenas;              /* gradient arenas of this rank */
  int subtrees;            /* what this rank's lanes join into, subtree i in arena i */
  ls__subtree subtree[LS__MAX_SUBTREES];

  /* The lanes done so far, as a stack; the running pass is not on it and writes to arena[depth]. */
  ls__subtree stack[LS__MAX_SUBTREES + 1];
  size_t pass;   /* lanes of a pass, at most */
  size_t lane;   /* the first of the running pass, or the next one */
  size_t upto;   /* the end of the running pass */
  size_t merged; /* buckets of the running pass that have been added up the stack */
  size_t handed; /* buckets of which this rank's part is final: ready() has been called */
  int depth;     /* of the stack */
  bool running;  /* between ls__exchange_pass and the end of that pass */
  bool settling; /* after a step that was ended lazily, until it is settled */
  bool shared;   /* w is one copy a node, not one a rank; the same on all ranks */

  ls__exchange_times times;
  void *state; /* the kind's own */
};

/* Arenas in private memory, for kinds that share nothing. */
LS_CHECKED ls_status ls__exchange_private_memory(ls__exchange *x);

/* Lanes of a rank. */
size_t ls__exchange_first_lane(const ls__exchange *x, int rank);

/* Blocks-aligned cut: part `i` of `parts` of the floats [lo, hi) of the arena. */
void ls__exchange_cut(size_t lo, size_t hi, size_t i, size_t parts, size_t *part_lo,
                      size_t *part_hi);

/* Choose for `auto`: measures, and fills in a name and a bucket size.  Collective. */
LS_CHECKED ls_status ls__exchange_tune(ls_comm *comm, const ls__exchange_plan *plan,
                                       const char **name, size_t *bucket_bytes);

/* For tests: buckets of at most this many bytes are summed whole on every node; SIZE_MAX asks for
 * the default.  Process-wide, before ls__exchange_create. */
void ls__exchange_set_whole_bytes(size_t bytes);

#endif

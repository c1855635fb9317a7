/* A graph under construction: what its files share.  names.c: what layers are called and what a
 * name means; layers.c: one entry that is a layer; blocks.c: one that holds others; build.c: the
 * list, the outputs, what must be true of the whole. */
#ifndef LS_MODEL_BUILD_H
#define LS_MODEL_BUILD_H

#include "base/lookup.h"
#include "model/graph.h"

/* Blocks within blocks; and layers in all, those that `activation:` makes included. */
enum { LS__MAX_BLOCK_DEPTH = 16, LS__MAX_NODES = 10000 };

/* What a name means.  Names are full: "block_2/dense_1" is dense_1 in the scope "block_2/". */
typedef struct ls__named {
  char name[LS__NAME_BYTES];
  size_t scope;         /* letters of the name that are its scope */
  const ls__kind *kind; /* a layer's or a block's; NULL: an input, or a part of a block */
  const ls_config *at;  /* where it stands; NULL: an input */
  int value;            /* its output, behind its activation; -1: not made yet, or a part */
  int node;             /* of a layer; -1: it is none */
} ls__named;

/* How many things of a kind have a name in a scope. */
typedef struct ls__named_kind {
  const ls__kind *kind;
  char scope[LS__NAME_BYTES];
  size_t n, last; /* and the last number that ls__name_make has given to one */
} ls__named_kind;

typedef struct ls__builder {
  ls__graph *graph;
  size_t
      node_capacity; /* nodes there is room for: they stay where they are, tensors point at them */
  size_t tensor_capacity;
  ls__named *named;
  size_t n_named, named_capacity;
  ls__lookup names; /* of them */
  ls__named_kind *kinds;
  size_t n_kinds, kinds_capacity;
  ls__lookup kind_names;      /* of these */
  char scope[LS__NAME_BYTES]; /* of the entries that are being read: "", or ends with "/" */
  int depth;                  /* blocks around them */
  int again, last_again;      /* their number, and the last that was given (graph.h) */
} ls__builder;

/* ---- Names */

/* A name in the present scope, with no meaning yet: *out is its place in b->named.  An error where
 * it is taken, or too long. */
LS_CHECKED ls_status ls__name_add(ls__builder *b, const ls_config *at, const ls__kind *kind,
                                  const char *name, size_t *out);
/* The same by the option `name:`; without it KIND_k, the first that is free from the k-th on. */
LS_CHECKED ls_status ls__name_read(ls__builder *b, ls_config *options, const ls_config *at,
                                   const ls__kind *kind, size_t *out);
/* The same for what has no options. */
LS_CHECKED ls_status ls__name_make(ls__builder *b, const ls_config *at, const ls__kind *kind,
                                   size_t *out);
/* What a name means here: in this scope, else in the one around it, and so on.  NULL: nothing that
 * is made.  The pointer lives until the next name is added. */
const ls__named *ls__name_find(const ls__builder *b, const char *name);
/* Whether a full name has a meaning, or will have. */
bool ls__name_taken(const ls__builder *b, const char *full);
/* The thing that a value is, the outermost where it is several; NULL: none. */
const ls__named *ls__name_of_value(const ls__builder *b, int value);

/* From here on names are in the scope NAME/ within the present one; leave with its length
 * before. */
LS_CHECKED ls_status ls__scope_enter(ls__builder *b, const ls_config *at, const char *name,
                                     size_t *before);
void ls__scope_leave(ls__builder *b, size_t before);

/* `from:`, or the value `before`; n_in is at most LS__MAX_INPUTS. */
LS_CHECKED ls_status ls__from_read(const ls__builder *b, ls_config *options, int before, int *in,
                                   int *n_in);
/* The value that one entry of a list of names means. */
LS_CHECKED ls_status ls__from_name(const ls__builder *b, const ls_config *entry, int *value);

/* ---- Entries */

/* One layer: a node; and its activation as a node of its own. */
LS_CHECKED ls_status ls__build_layer(ls__builder *b, const ls__layer_kind *kind, ls_config *entry,
                                     ls_config *options, int before, int *value);
/* The node of a thing that has its name, from these values.  `options` may be NULL: none are
 * read. */
LS_CHECKED ls_status ls__build_node(ls__builder *b, size_t named, const ls__layer_kind *kind,
                                    const int *in, int n_in, ls_config *at, ls_config *options);
/* The option `activation:`, of the thing that has just got its node. */
LS_CHECKED ls_status ls__build_activation(ls__builder *b, size_t named, ls_config *options);

/* All entries of a list, one behind the other, the first from the value `before`. */
LS_CHECKED ls_status ls__build_list(ls__builder *b, ls_config *list, int before, int *value);

/* ---- Blocks */

typedef struct ls__block_kind {
  ls__kind kind;
  size_t nodes; /* at most, besides those within */
  ls_status (*build)(ls__builder *b, const struct ls__block_kind *kind, ls_config *entry,
                     ls_config *options, int before, int *value);
} ls__block_kind;

extern const ls__registry ls__blocks;

/* The kind of block of this name, or NULL. */
const ls__block_kind *ls__block_find(const char *name);
LS_CHECKED ls_status ls__build_block(ls__builder *b, const ls__block_kind *kind, ls_config *entry,
                                     ls_config *options, int before, int *value);

#endif

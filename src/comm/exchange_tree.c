/* Making the exchanges "tree" and "shared" (exchange_tree.h): who owns, sums and sends what.  All
 * of it is decided here, once; the messages are MPI's persistent requests. */
#include "comm/exchange_tree.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"

enum {
  PAGE_FLOATS = 1024,      /* arenas in shared memory begin at pages of 4 KB */
  WHOLE_BYTES = 256 << 10, /* a bucket is not cut when all that a node receives is at most this */
  /* Longest message.  Open MPI's TCP sends up to 64 KB at once, and more only after a handshake;
   * many pieces under way are also faster than one long transfer. */
  MESSAGE_BYTES = 60 << 10,
  TAG_FIRST = 16,     /* the first tag of messages, two a bucket, */
  TAG_BUCKETS = 16000 /* after so many buckets from the start again */
};

static size_t whole_bytes = SIZE_MAX;

void ls__exchange_set_whole_bytes(size_t bytes) {
  whole_bytes = bytes;
}

void ls__tree_slice(const ls__exchange *x, const ls__bucket *b, int node, int node_rank, size_t *lo,
                    size_t *hi) {
  const ls__tree *t = x->state;
  if (b->whole) {
    ls__exchange_cut(b->lo, b->hi, (size_t)node_rank, (size_t)ls__tree_node_size(t, node), lo, hi);
  } else {
    ls__exchange_cut(b->lo, b->hi, (size_t)t->first[node] + (size_t)node_rank, (size_t)x->size, lo,
                     hi);
  }
}

void ls__tree_share(const ls__exchange *x, const ls__bucket *b, int by, int node_rank, int to,
                    size_t *lo, size_t *hi) {
  const ls__tree *t = x->state;
  size_t from = b->lo, upto = b->hi, unused;
  if (!b->whole) {
    ls__tree_slice(x, b, to, 0, &from, &unused);
    ls__tree_slice(x, b, to, ls__tree_node_size(t, to) - 1, &unused, &upto);
  }
  ls__exchange_cut(from, upto, (size_t)node_rank, (size_t)ls__tree_node_size(t, by), lo, hi);
}

bool ls__tree_overlap(const ls__exchange *x, const ls__bucket *b, int by, int by_node_rank, int to,
                      int to_node_rank, ls__piece *piece) {
  size_t share_lo, share_hi, slice_lo, slice_hi;
  ls__tree_share(x, b, by, by_node_rank, to, &share_lo, &share_hi);
  ls__tree_slice(x, b, to, to_node_rank, &slice_lo, &slice_hi);
  piece->lo = share_lo > slice_lo ? share_lo : slice_lo;
  piece->hi = share_hi < slice_hi ? share_hi : slice_hi;
  return piece->lo < piece->hi;
}

/* ---- messages ---- */

int ls__tree_tag(size_t bucket) {
  return TAG_FIRST + 2 * (int)(bucket % TAG_BUCKETS);
}

ls_status ls__tree_request(ls__exchange *x, ls__message_range *range, bool send, void *at,
                           size_t count, MPI_Datatype type, int peer, int tag) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  LS_TRY(
      ls__grow(&t->request, &t->room, t->requests + 1, sizeof *t->request, "exchange: messages"));
  MPI_Request *request = &t->request[t->requests];
  int code = send ? MPI_Send_init(at, (int)count, type, peer, tag, x->comm->mpi, request)
                  : MPI_Recv_init(at, (int)count, type, peer, tag, x->comm->mpi, request);
  LS_TRY(ls__mpi_status(code, "exchange"));
  t->requests++;
  range->n++;
out:
  return st;
}

size_t ls__tree_message_bytes(const ls__exchange *x) {
  return x->comm->message_bytes < MESSAGE_BYTES ? x->comm->message_bytes : MESSAGE_BYTES;
}

/* One transfer as persistent requests, as many as its length needs. */
static ls_status add_message(ls__exchange *x, ls__message_range *range, bool send, float *at,
                             size_t n, int peer, int tag) {
  ls_status st = LS_OK;
  size_t limit = ls__tree_message_bytes(x) / sizeof *at;
  while (n > 0) {
    size_t piece = n < limit ? n : limit;
    LS_TRY(ls__tree_request(x, range, send, at, piece, MPI_FLOAT, peer, tag));
    at += piece;
    n -= piece;
  }
out:
  return st;
}

int ls__tree_subtrees(const ls__exchange *x, int node, ls__subtree out[LS__MAX_SUBTREES]) {
  const ls__tree *t = x->state;
  return ls__subtrees(ls__exchange_first_lane(x, t->first[node]),
                      ls__exchange_first_lane(x, t->first[node + 1]), x->lanes, out);
}

/* The subtrees of other nodes are in node order. */
size_t ls__tree_first_staged(const ls__exchange *x, int node) {
  const ls__tree *t = x->state;
  ls__subtree trees[LS__MAX_SUBTREES];
  size_t at = 0;
  for (int j = 0; j < node; j++)
    if (j != t->node) at += (size_t)ls__tree_subtrees(x, j, trees);
  return at;
}

/* All four kinds of messages of a bucket.  Gradients go out in the pieces in which weights come in,
 * and the other way round. */
typedef enum direction { GRADIENTS_IN, GRADIENTS_OUT, WEIGHTS_IN, WEIGHTS_OUT } direction;

static ls_status add_messages(ls__exchange *x, size_t number, direction what,
                              ls__message_range *range) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  ls__bucket *b = &t->bucket[number];
  const int tag = ls__tree_tag(number);
  range->first = t->requests;
  if (b->whole && (what == WEIGHTS_IN || what == WEIGHTS_OUT)) return LS_OK;
  for (int j = 0; j < t->nodes; j++) {
    if (j == t->node) continue;
    ls__subtree trees[LS__MAX_SUBTREES];
    size_t staged = ls__tree_first_staged(x, j), n_trees = (size_t)ls__tree_subtrees(x, j, trees);
    for (int q = 0; q < ls__tree_node_size(t, j); q++) {
      bool outward = what == GRADIENTS_OUT || what == WEIGHTS_IN; /* my share of what j owns */
      int peer = t->first[j] + q;
      ls__piece p;
      if (outward ? !ls__tree_overlap(x, b, t->node, t->node_rank, j, q, &p)
                  : !ls__tree_overlap(x, b, j, q, t->node, t->node_rank, &p))
        continue;
      size_t n = p.hi - p.lo;
      if (what == WEIGHTS_IN || what == WEIGHTS_OUT)
        LS_TRY(add_message(x, range, what == WEIGHTS_OUT, x->w + p.lo, n, peer, tag + 1));
      for (size_t i = 0; what == GRADIENTS_OUT && i < t->trees; i++)
        LS_TRY(add_message(x, range, true, t->leaf[t->tree[i].first] + p.lo, n, peer, tag));
      for (size_t i = 0; what == GRADIENTS_IN && i < n_trees; i++)
        LS_TRY(add_message(x, range, false, b->stage + (staged + i) * b->own_n + (p.lo - b->own), n,
                           peer, tag));
    }
  }
out:
  return st;
}

/* ---- what is summed ---- */

/* The leaves of the final sum, in lane order: this node's, one by one or as the subtrees that they
 * have been joined to, between the staged ones of the nodes before and after it. */
static ls_status plan_sum(ls__exchange *x, bool joined, ls__leaf **leaves, size_t *n,
                          ls__reduce **reduce) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  ls__subtree *ranges = NULL;
  size_t own = joined ? t->trees : t->leaves, at = 0, staged = 0;
  LS_TRY(ls__alloc(leaves, own + t->staged, sizeof **leaves, "exchange"));
  LS_TRY(ls__alloc(&ranges, own + t->staged, sizeof *ranges, "exchange"));
  for (int j = 0; j < t->nodes; j++) {
    ls__subtree trees[LS__MAX_SUBTREES];
    int found = ls__tree_subtrees(x, j, trees);
    if (j != t->node || joined) {
      for (int i = 0; i < found; i++, at++) {
        ranges[at] = trees[i];
        (*leaves)[at].arena = j == t->node ? t->leaf[t->tree[i].first] : NULL;
        if (j != t->node) (*leaves)[at].staged = staged++;
      }
    } else {
      size_t leaf = 0;
      for (int r = t->first[j]; r < t->first[j + 1]; r++) {
        int held = ls__subtrees(ls__exchange_first_lane(x, r), ls__exchange_first_lane(x, r + 1),
                                x->lanes, trees);
        for (int i = 0; i < held; i++, at++) {
          ranges[at] = trees[i];
          (*leaves)[at].arena = t->leaf[leaf++];
        }
      }
    }
  }
  *n = at;
  LS_TRY(ls__reduce_create(ranges, at, x->lanes, reduce));
out:
  ls__free(ranges);
  return st;
}

/* How this node's leaves make up its subtrees. */
static ls_status plan_node(ls__exchange *x) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  ls__subtree trees[LS__MAX_SUBTREES], held[LS__MAX_SUBTREES], *ranges = NULL;
  size_t at = 0;
  t->trees = (size_t)ls__tree_subtrees(x, t->node, trees);
  LS_TRY(ls__alloc(&ranges, t->leaves, sizeof *ranges, "exchange"));
  for (int r = t->first[t->node]; r < t->first[t->node + 1]; r++) {
    int n = ls__subtrees(ls__exchange_first_lane(x, r), ls__exchange_first_lane(x, r + 1), x->lanes,
                         held);
    for (int i = 0; i < n; i++) ranges[at++] = held[i];
  }
  at = 0;
  for (size_t i = 0; i < t->trees; i++) {
    t->tree[i].first = at;
    while (at < t->leaves && ranges[at].hi <= trees[i].hi) at++;
    t->tree[i].n = at - t->tree[i].first;
    LS_TRY(
        ls__reduce_create(ranges + t->tree[i].first, t->tree[i].n, x->lanes, &t->tree[i].reduce));
  }
out:
  ls__free(ranges);
  return st;
}

/* ---- memory ---- */

static size_t page_floats(size_t n) {
  return (n + PAGE_FLOATS - 1) / PAGE_FLOATS * PAGE_FLOATS;
}

/* One window a node: flags, parameters, then each rank's arenas, arenas[node rank] of them. */
static ls_status shared_memory(ls__exchange *x, const int *arenas) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  size_t stride = page_floats(x->n), weights = page_floats(x->n + x->still), count = 0;
  size_t head = page_floats((size_t)t->node_size * sizeof(ls__flags) / sizeof(float));
  for (int p = 0; p < t->node_size; p++) count += (size_t)arenas[p];
  LS_TRY(ls__window_create(x->comm, (head + weights + count * stride) * sizeof(float), &t->window));
  float *at = ls__window_memory(t->window);
  t->flags = (ls__flags *)(void *)at;
  x->w = at + head;
  at = x->w + weights;
  size_t leaf = 0;
  for (int p = 0; p < t->node_size; p++) {
    int rank = t->first[t->node] + p;
    ls__subtree held[LS__MAX_SUBTREES];
    int n = ls__subtrees(ls__exchange_first_lane(x, rank), ls__exchange_first_lane(x, rank + 1),
                         x->lanes, held);
    for (int i = 0; i < n; i++) t->leaf[leaf++] = at + (size_t)i * stride;
    for (int i = 0; i < arenas[p]; i++, at += stride) {
      if (p != t->node_rank) continue;
      x->arena[i] = at;
      memset(at, 0, stride * sizeof *at); /* touched first by the rank that writes it */
    }
  }
  x->bytes += (head + weights + count * stride) * sizeof(float) / (size_t)t->node_size;
out:
  return st;
}

static ls_status private_memory(ls__exchange *x) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  LS_TRY(ls__exchange_private_memory(x));
  for (int i = 0; i < x->subtrees; i++) t->leaf[i] = x->arena[i];
out:
  return st;
}

/* Cut a bucket and decide whether every node takes all of it. */
static void cut_bucket(ls__exchange *x, size_t number) {
  ls__tree *t = x->state;
  ls__bucket *b = &t->bucket[number];
  b->lo = ls__exchange_bucket_start(x, number);
  b->hi = ls__exchange_bucket_start(x, number + 1);
  size_t bytes = (b->hi - b->lo) * sizeof(float), senders = (size_t)t->nodes - 1;
  b->whole = t->nodes > 1 && x->codec.code == LS__CODE_NONE &&
             (whole_bytes == SIZE_MAX ? bytes * senders <= WHOLE_BYTES : bytes <= whole_bytes);
  size_t hi;
  ls__tree_slice(x, b, t->node, t->node_rank, &b->own, &hi);
  b->own_n = hi - b->own;
}

/* Stages and sums of all buckets, in one block. */
static ls_status plan_buckets(ls__exchange *x) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  size_t floats = 0;
  LS_TRY(ls__alloc(&t->bucket, x->buckets, sizeof *t->bucket, "exchange"));
  for (size_t i = 0; i < x->buckets; i++) {
    cut_bucket(x, i);
    floats += (t->staged + (t->bucket[i].whole ? 1 : 0)) * t->bucket[i].own_n;
  }
  LS_TRY(ls__alloc(&t->memory, floats, sizeof *t->memory, "gradients of other ranks"));
  x->bytes += floats * sizeof *t->memory;
  float *at = t->memory;
  for (size_t i = 0; i < x->buckets; i++) {
    ls__bucket *b = &t->bucket[i];
    b->stage = at;
    at += t->staged * b->own_n;
    /* The sum takes the place of a leaf that nobody else reads: this rank's slice in its own
     * gradients, or else in the first leaf.  In a whole bucket these may still be on their way to
     * others, so it has a place of its own. */
    if (b->whole) {
      b->sum = at;
      at += b->own_n;
    } else if (x->subtrees > 0) {
      b->sum = x->arena[0] + b->own;
    } else if (t->leaves > 0) {
      b->sum = t->leaf[0] + b->own;
    } else {
      b->sum = b->stage;
    }
  }
out:
  return st;
}

/* Everything that is local after the memory is there. */
static ls_status plan_all(ls__exchange *x) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  LS_TRY(plan_node(x));
  t->staged = ls__tree_first_staged(x, t->nodes);
  LS_TRY(plan_sum(x, false, &t->cut, &t->n_cut, &t->reduce_cut));
  LS_TRY(plan_sum(x, true, &t->all, &t->n_all, &t->reduce_whole));
  LS_TRY(ls__alloc(&t->operand, t->n_cut, sizeof *t->operand, "exchange"));
  LS_TRY(plan_buckets(x));
  if (x->codec.code != LS__CODE_NONE && t->nodes > 1) return ls__coded_plan(x);
  for (size_t i = 0; i < x->buckets; i++) {
    ls__bucket *b = &t->bucket[i];
    LS_TRY(add_messages(x, i, GRADIENTS_IN, &b->gradients_in));
    LS_TRY(add_messages(x, i, GRADIENTS_OUT, &b->gradients_out));
    LS_TRY(add_messages(x, i, WEIGHTS_IN, &b->weights_in));
    LS_TRY(add_messages(x, i, WEIGHTS_OUT, &b->weights_out));
  }
out:
  return st;
}

/* Nodes as this exchange sees them, and room for the node's leaves. */
static ls_status group(ls__exchange *x) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  const bool shared = x->shared;
  t->nodes = shared ? ls_comm_nodes(x->comm) : x->size;
  t->node = shared ? ls__comm_node(x->comm) : x->rank;
  t->node_size = shared ? ls__comm_node_size(x->comm) : 1;
  t->node_rank = shared ? ls__comm_node_rank(x->comm) : 0;
  LS_TRY(ls__alloc(&t->first, (size_t)t->nodes + 1, sizeof *t->first, "exchange"));
  for (int j = 0; j <= t->nodes; j++) t->first[j] = shared && x->comm ? x->comm->first[j] : j;
  ls__subtree held[LS__MAX_SUBTREES];
  for (int r = t->first[t->node]; r < t->first[t->node + 1]; r++)
    t->leaves += (size_t)ls__subtrees(ls__exchange_first_lane(x, r),
                                      ls__exchange_first_lane(x, r + 1), x->lanes, held);
  LS_TRY(ls__alloc(&t->leaf, t->leaves, sizeof *t->leaf, "exchange"));
out:
  return st;
}

static ls_status create(ls__exchange *x) {
  ls_status st = LS_OK;
  int *arenas = NULL;
  st = ls__alloc(&x->state, 1, sizeof(ls__tree), "exchange");
  LS_THEN(st, group(x));
  LS_THEN(st, ls__alloc(&arenas, (size_t)x->size, sizeof *arenas, "exchange"));
  LS_TRY(ls_comm_agree(x->comm, st));
  ls__tree *t = x->state;
  LS_TRY(ls__comm_allgatherv(x->comm, &x->arenas, arenas, NULL, sizeof *arenas));
  bool windows = x->shared && x->comm != NULL && x->size > x->comm->nodes;
  if (windows && t->node_size > 1) {
    LS_TRY(shared_memory(x, arenas + t->first[t->node]));
  } else if (windows) { /* the other nodes make one, and that is collective */
    LS_TRY(ls__window_create(x->comm, 1, &t->window));
    st = private_memory(x);
  } else {
    st = private_memory(x);
  }
  LS_THEN(st, plan_all(x));
  LS_TRY(ls_comm_agree(x->comm, st));
out:
  ls__free(arenas);
  return st;
}

static void destroy(ls__exchange *x) {
  ls__tree *t = x->state;
  if (t == NULL) return;
  for (size_t i = 0; i < t->requests; i++) MPI_Request_free(&t->request[i]);
  ls__coded_destroy(x);
  for (size_t i = 0; i < t->trees; i++) ls__reduce_destroy(t->tree[i].reduce);
  ls__reduce_destroy(t->reduce_cut);
  ls__reduce_destroy(t->reduce_whole);
  if (t->flags == NULL) { /* private memory */
    for (int i = 0; i < x->arenas; i++) ls__free(x->arena[i]);
    ls__free(x->w);
  }
  ls__window_destroy(t->window);
  ls__free(t->memory);
  ls__free(t->request);
  ls__free(t->bucket);
  ls__free(t->operand);
  ls__free(t->cut);
  ls__free(t->all);
  ls__free(t->leaf);
  ls__free(t->first);
  ls__free(t);
}

static bool owner(const ls__exchange *x, size_t b, int rank, size_t *offset, size_t *n) {
  const ls__tree *t = x->state;
  int node = 0;
  while (t->first[node + 1] <= rank) node++;
  size_t hi;
  ls__tree_slice(x, &t->bucket[b], node, rank - t->first[node], offset, &hi);
  *n = hi - *offset;
  return !t->bucket[b].whole || node == 0;
}

const ls__exchange_kind ls__exchange_tree = {
    .tree_order = true,
    .compresses = true,
    .create = create,
    .destroy = destroy,
    .owner = owner,
    .begin = ls__tree_begin,
    .ready = ls__tree_ready,
    .progress = ls__tree_progress,
    .reduced = ls__tree_reduced,
    .slice = ls__tree_slice_wait,
    .updated = ls__tree_updated,
    .end = ls__tree_end,
    .settle = ls__tree_settle,
    .published = ls__coded_published,
    .held = ls__coded_held,
};

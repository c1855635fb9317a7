/* Compression of what nodes send each other, in the exchanges "tree" and "shared" (codec.h, with
 * error feedback on both ways).
 *
 * Gradients: a rank keeps, for every message that it sends, what has not been sent yet (its rest),
 * adds the new gradients and sends as much of that as the code can hold.  The owner of the slice
 * adds it to its own node's gradients, which are exact.
 *
 * Weights: every node holds the same weights w.  The owner of a slice keeps its master weights m,
 * which the optimizer updates, and sends C(m - w); all nodes, its own too, do w += D(C(m - w)).
 * Here m - w is the rest: what has been left out is part of the next difference.
 *
 * Per element and step, two nodes exchange 2 x 4 bytes in full, 2 x 2 as bf16 or fp16, and
 * 2 x 8 k / n as top_k.  Memory on a node: n floats a subtree of its lanes for the rests, n floats
 * divided among all ranks for the masters. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "comm/exchange_tree.h"

/* ---- plan ----
 *
 * The plan is made in two passes: the first counts, the second, with memory, makes requests. */

static bool counting(const ls__coding *c) {
  return c->codes == NULL;
}

static void *take_code(ls__coding *c, size_t bytes) {
  char *at = counting(c) ? NULL : c->codes + c->n_codes;
  c->n_codes += (bytes + LS__ALIGN - 1) / LS__ALIGN * LS__ALIGN;
  return at;
}

static float *take_held(ls__coding *c, size_t n) {
  float *at = counting(c) ? NULL : c->held + c->n_held;
  c->n_held += n;
  return at;
}

/* A message of floats [lo, lo + n), the last of `range`. */
static void add_coded(ls__exchange *x, ls__message_range *range, const ls__coded *coded) {
  ls__tree *t = x->state;
  ls__coding *c = t->coding;
  void *code = take_code(c, ls__codec_bytes(&x->codec, coded->n));
  if (!counting(c)) {
    c->message[c->messages] = *coded;
    c->message[c->messages].code = code;
  }
  c->messages++;
  range->n++;
}

/* The request that moves the newest message to or from a peer. */
static ls_status add_request(ls__exchange *x, ls__message_range *range, bool send, int peer,
                             int tag) {
  ls__tree *t = x->state;
  const ls__coding *c = t->coding;
  if (counting(c)) return LS_OK;
  const ls__coded *m = &c->message[c->messages - 1];
  return ls__tree_request(x, range, send, m->code, ls__codec_bytes(&x->codec, m->n), MPI_BYTE, peer,
                          tag);
}

/* As many floats as make a message of full length. */
static size_t floats_a_message(const ls__exchange *x) {
  const size_t bytes = ls__tree_message_bytes(x);
  size_t n = bytes / sizeof(uint16_t);
  if (x->codec.code == LS__CODE_TOP_K) n = (size_t)((double)(bytes / 8) / x->codec.fraction);
  while (n > 1 && ls__codec_bytes(&x->codec, n) > bytes) n--;
  return n;
}

/* Gradients that this rank sends (outward) or gets: the messages are cut as they are without
 * compression, and every one is a code of its own. */
static ls_status plan_gradients(ls__exchange *x, size_t number, bool outward) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  ls__bucket *b = &t->bucket[number];
  ls__message_range *range = outward ? &b->coded_out : &b->coded_in;
  ls__message_range *requests = outward ? &b->gradients_out : &b->gradients_in;
  *range = (ls__message_range){t->coding->messages, 0};
  *requests = (ls__message_range){t->requests, 0};
  for (int j = 0; j < t->nodes; j++) {
    if (j == t->node) continue;
    ls__subtree unused[LS__MAX_SUBTREES];
    const size_t staged = ls__tree_first_staged(x, j);
    const size_t trees = outward ? t->trees : (size_t)ls__tree_subtrees(x, j, unused);
    for (int q = 0; q < ls__tree_node_size(t, j); q++) {
      ls__piece p;
      if (outward ? !ls__tree_overlap(x, b, t->node, t->node_rank, j, q, &p)
                  : !ls__tree_overlap(x, b, j, q, t->node, t->node_rank, &p))
        continue;
      for (size_t i = 0; i < trees; i++)
        for (size_t lo = p.lo, n; lo < p.hi; lo += n) {
          n = p.hi - lo < floats_a_message(x) ? p.hi - lo : floats_a_message(x);
          ls__coded m = {.lo = lo, .n = n};
          if (outward) {
            m.plain = take_held(t->coding, n);
            m.leaf = t->leaf[t->tree[i].first];
          } else {
            m.plain = b->stage + (staged + i) * b->own_n + (lo - b->own);
          }
          add_coded(x, range, &m);
          LS_TRY(add_request(x, requests, outward, t->first[j] + q, ls__tree_tag(number)));
        }
    }
  }
out:
  return st;
}

/* New weights: a slice is coded once, in pieces of its own, because all nodes must add the same;
 * one rank of every other node gets it. */
static ls_status plan_weights(ls__exchange *x, size_t number) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  ls__bucket *b = &t->bucket[number];
  const int tag = ls__tree_tag(number) + 1;
  const size_t most = floats_a_message(x);
  b->coded_weights_out = (ls__message_range){t->coding->messages, 0};
  b->weights_out = (ls__message_range){t->requests, 0};
  for (size_t at = 0, n; at < b->own_n; at += n) {
    n = b->own_n - at < most ? b->own_n - at : most;
    if (n > t->coding->n_scratch) t->coding->n_scratch = n;
    add_coded(x, &b->coded_weights_out, &(ls__coded){.lo = b->own + at, .n = n});
    for (int j = 0; j < t->nodes; j++)
      if (j != t->node)
        LS_TRY(add_request(x, &b->weights_out, true,
                           t->first[j] + t->node_rank % ls__tree_node_size(t, j), tag));
  }
  b->coded_weights_in = (ls__message_range){t->coding->messages, 0};
  b->weights_in = (ls__message_range){t->requests, 0};
  for (int j = 0; j < t->nodes; j++)
    for (int q = 0; j != t->node && q < ls__tree_node_size(t, j); q++) {
      if (q % t->node_size != t->node_rank) continue;
      size_t lo, hi;
      ls__tree_slice(x, b, j, q, &lo, &hi);
      for (size_t at = lo, n; at < hi; at += n) {
        n = hi - at < most ? hi - at : most;
        add_coded(x, &b->coded_weights_in, &(ls__coded){.lo = at, .n = n});
        LS_TRY(add_request(x, &b->weights_in, false, t->first[j] + q, tag));
      }
    }
out:
  return st;
}

static ls_status plan_once(ls__exchange *x) {
  ls_status st = LS_OK;
  const ls__tree *t = x->state;
  ls__coding *c = t->coding;
  c->messages = c->n_codes = c->n_held = 0;
  for (size_t b = 0; b < x->buckets; b++) {
    LS_TRY(plan_gradients(x, b, false));
    LS_TRY(plan_gradients(x, b, true));
    LS_TRY(plan_weights(x, b));
  }
  c->n_rests = c->n_held;
  for (size_t b = 0; b < x->buckets; b++) t->bucket[b].master = take_held(c, t->bucket[b].own_n);
out:
  return st;
}

ls_status ls__coded_plan(ls__exchange *x) {
  ls_status st = LS_OK;
  ls__tree *t = x->state;
  LS_TRY(ls__alloc(&t->coding, 1, sizeof *t->coding, "compression"));
  ls__coding *c = t->coding;
  LS_TRY(plan_once(x));
  LS_TRY(ls__alloc(&c->message, c->messages, sizeof *c->message, "compression"));
  LS_TRY(ls__alloc(&c->held, c->n_held, sizeof *c->held, "compression"));
  LS_TRY(ls__alloc(&c->scratch, c->n_scratch, sizeof *c->scratch, "compression"));
  x->bytes += c->n_codes + (c->n_held + c->n_scratch) * sizeof(float);
  LS_TRY(ls__alloc(&c->codes, c->n_codes, 1, "compression"));
  LS_TRY(plan_once(x));
out:
  return st;
}

void ls__coded_destroy(ls__exchange *x) {
  const ls__tree *t = x->state;
  if (t->coding == NULL) return;
  ls__free(t->coding->message);
  ls__free(t->coding->held);
  ls__free(t->coding->scratch);
  ls__free(t->coding->codes);
  ls__free(t->coding);
}

/* ---- a step ---- */

void ls__coded_gradients(ls__exchange *x, ls__bucket *b) {
  const ls__tree *t = x->state;
  const ls__reduce_ops *ops = ls__reduce_kernels();
  const double start = ls__clock();
  for (size_t i = 0; i < b->coded_out.n; i++) {
    const ls__coded *m = &t->coding->message[b->coded_out.first + i];
    ops->sum(m->plain, m->plain, m->leaf + m->lo, m->n);
    ls__codec_encode(&x->codec, m->plain, m->n, m->code);
  }
  x->times.work += ls__clock() - start;
}

void ls__coded_stage(ls__exchange *x, ls__bucket *b) {
  const ls__tree *t = x->state;
  const double start = ls__clock();
  for (size_t i = 0; i < b->coded_in.n; i++) {
    const ls__coded *m = &t->coding->message[b->coded_in.first + i];
    ls__codec_decode(&x->codec, m->code, m->plain, m->n);
  }
  x->times.work += ls__clock() - start;
}

/* The own node adds to its weights what it decodes, as the others do: all stay the same. */
void ls__coded_weights(ls__exchange *x, ls__bucket *b) {
  const ls__tree *t = x->state;
  const double start = ls__clock();
  for (size_t i = 0; i < b->coded_weights_out.n; i++) {
    const ls__coded *m = &t->coding->message[b->coded_weights_out.first + i];
    const float *master = b->master + (m->lo - b->own);
    float *w = x->w + m->lo, *rest = t->coding->scratch;
    for (size_t k = 0; k < m->n; k++) rest[k] = master[k] - w[k];
    ls__codec_encode(&x->codec, rest, m->n, m->code);
    ls__codec_decode_add(&x->codec, m->code, w, m->n);
  }
  x->times.work += ls__clock() - start;
}

void ls__coded_arrived(ls__exchange *x, const ls__bucket *b) {
  const ls__tree *t = x->state;
  const double start = ls__clock();
  for (size_t i = 0; i < b->coded_weights_in.n; i++) {
    const ls__coded *m = &t->coding->message[b->coded_weights_in.first + i];
    ls__codec_decode_add(&x->codec, m->code, x->w + m->lo, m->n);
  }
  x->times.work += ls__clock() - start;
}

/* ---- between steps ---- */

void ls__coded_published(ls__exchange *x) {
  const ls__tree *t = x->state;
  if (t->coding == NULL) return;
  memset(t->coding->held, 0, t->coding->n_rests * sizeof *t->coding->held);
  for (size_t i = 0; i < x->buckets; i++) {
    const ls__bucket *b = &t->bucket[i];
    memcpy(b->master, x->w + b->own, b->own_n * sizeof *x->w);
  }
}

float *ls__coded_held(const ls__exchange *x, size_t *n, uint64_t *layout) {
  const ls__tree *t = x->state;
  if (t->coding == NULL) return NULL;
  const uint64_t numbers[] = {(uint64_t)x->size, x->n, x->lanes, x->bucket_floats,
                              (uint64_t)x->codec.code};
  uint64_t hash = ls__hash(LS__HASH_START, numbers, sizeof numbers);
  hash = ls__hash(hash, &x->codec.fraction, sizeof x->codec.fraction);
  *layout = ls__hash(hash, t->first, ((size_t)t->nodes + 1) * sizeof *t->first);
  *n = t->coding->n_held;
  return t->coding->held;
}

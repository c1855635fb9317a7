/* Prefix beam search (decode.h).  Beginnings of label sequences are nodes of a tree; of each that is kept
 * two probabilities are known, over all paths that spell it: of those that end in a blank, and of those that
 * end in its last label. */
#include <string.h>

#include "base/alloc.h"
#include "metrics/decode.h"

enum { NONE = -1 };

typedef struct node {
  int parent, child, sibling; /* first child, and the next one of the same parent */
  int place;                  /* among those that are kept, or NONE */
  size_t label;
} node;

typedef struct kept {
  int node;
  double blank, label; /* probabilities, each step's counted from the best of its predecessor */
} kept;

/* What may be kept next: one that is kept, or one of them and a label. */
typedef struct candidate {
  int from;  /* its place */
  int label; /* NONE: as it is */
  double blank, ends, all;
} candidate;

struct ls__beam {
  size_t steps, classes, blank, width;
  node *node; /* [1 + steps * width] */
  int nodes;
  kept *now, *next;     /* [width] */
  candidate *candidate; /* [width] the best so far, the best first */
  size_t n, candidates;
  double *blank_next, *label_next; /* [width] of those that are kept */
  int *child;                      /* [classes] nodes of one of them */
};

ls_status ls__beam_create(size_t steps, size_t classes, size_t blank, size_t width,
                          ls__beam **out) {
  ls_status st = LS_OK;
  ls__beam *b = NULL;
  *out = NULL;
  if (steps > 0 && width > ((size_t)1 << 24) / steps)
    LS_FAIL(LS_EUSAGE, "a beam of %zu over %zu steps is too large", width, steps);
  LS_TRY(ls__alloc(&b, 1, sizeof *b, "a beam"));
  b->steps = steps;
  b->classes = classes;
  b->blank = blank;
  b->width = width;
  LS_TRY(ls__alloc(&b->node, 1 + steps * width, sizeof *b->node, "a beam"));
  LS_TRY(ls__alloc(&b->now, width, sizeof *b->now, "a beam"));
  LS_TRY(ls__alloc(&b->next, width, sizeof *b->next, "a beam"));
  LS_TRY(ls__alloc(&b->candidate, width, sizeof *b->candidate, "a beam"));
  LS_TRY(ls__alloc(&b->blank_next, width, sizeof *b->blank_next, "a beam"));
  LS_TRY(ls__alloc(&b->label_next, width, sizeof *b->label_next, "a beam"));
  LS_TRY(ls__alloc(&b->child, classes, sizeof *b->child, "a beam"));
  *out = b;
  b = NULL;
out:
  ls__beam_destroy(b);
  return st;
}

void ls__beam_destroy(ls__beam *b) {
  if (b == NULL) return;
  ls__free(b->node);
  ls__free(b->now);
  ls__free(b->next);
  ls__free(b->candidate);
  ls__free(b->blank_next);
  ls__free(b->label_next);
  ls__free(b->child);
  ls__free(b);
}

/* Among the best, behind those that are as good; none that is impossible. */
static void propose(ls__beam *b, candidate c) {
  size_t i = b->candidates;
  if (!(c.all > 0) || (i == b->width && !(c.all > b->candidate[i - 1].all))) return;
  if (i == b->width) i--;
  for (; i > 0 && b->candidate[i - 1].all < c.all; i--) b->candidate[i] = b->candidate[i - 1];
  b->candidate[i] = c;
  if (b->candidates < b->width) b->candidates++;
}

/* Nodes of the labels behind a kept one. */
static void find_children(ls__beam *b, const kept *k) {
  for (size_t c = 0; c < b->classes; c++) b->child[c] = NONE;
  for (int i = b->node[k->node].child; i != NONE; i = b->node[i].sibling)
    b->child[b->node[i].label] = i;
}

/* The probability that this label is put behind a kept one: again the same only behind a blank. */
static double put_behind(const ls__beam *b, const kept *k, size_t label, const float *p) {
  const bool again = k->node != 0 && b->node[k->node].label == label;
  return (double)p[label] * (again ? k->blank : k->blank + k->label);
}

static void propose_all(ls__beam *b, const float *p) {
  b->candidates = 0;
  for (size_t i = 0; i < b->n; i++) { /* those that stay as they are */
    const kept *k = &b->now[i];
    b->blank_next[i] = (double)p[b->blank] * (k->blank + k->label);
    b->label_next[i] = k->node == 0 ? 0 : (double)p[b->node[k->node].label] * k->label;
  }
  for (int pass = 0; pass < 2; pass++) /* first what leads to another one that is kept */
    for (size_t i = 0; i < b->n; i++) {
      const kept *k = &b->now[i];
      find_children(b, k);
      for (size_t c = 0; c < b->classes; c++) {
        if (c == b->blank) continue;
        const int place = b->child[c] == NONE ? NONE : b->node[b->child[c]].place;
        if ((place == NONE) != (pass == 1)) continue;
        const double gain = put_behind(b, k, c, p);
        if (place != NONE)
          b->label_next[place] += gain;
        else
          propose(b, (candidate){(int)i, (int)c, 0, gain, gain});
      }
      if (pass == 1)
        propose(b, (candidate){(int)i, NONE, b->blank_next[i], b->label_next[i],
                               b->blank_next[i] + b->label_next[i]});
    }
}

static int child_of(ls__beam *b, int parent, size_t label) {
  int i = b->node[parent].child;
  while (i != NONE && b->node[i].label != label) i = b->node[i].sibling;
  if (i != NONE) return i;
  i = b->nodes++;
  b->node[i] = (node){parent, NONE, b->node[parent].child, NONE, label};
  b->node[parent].child = i;
  return i;
}

static void keep_best(ls__beam *b) {
  const double best = b->candidate[0].all;
  for (size_t i = 0; i < b->candidates; i++) {
    const candidate *c = &b->candidate[i];
    const int from = b->now[c->from].node;
    b->next[i] = (kept){c->label == NONE ? from : child_of(b, from, (size_t)c->label),
                        c->blank / best, c->ends / best};
  }
  for (size_t i = 0; i < b->n; i++) b->node[b->now[i].node].place = NONE;
  b->n = b->candidates;
  for (size_t i = 0; i < b->n; i++) {
    b->now[i] = b->next[i];
    b->node[b->now[i].node].place = (int)i;
  }
}

size_t ls__beam_search(ls__beam *b, const float *p, size_t steps, size_t *label) {
  size_t n = 0;
  LS_ASSERT(steps <= b->steps);
  b->node[0] = (node){NONE, NONE, NONE, 0, 0};
  b->nodes = 1;
  b->now[0] = (kept){0, 1, 0};
  b->n = 1;
  for (size_t t = 0; t < steps; t++) {
    propose_all(b, p + t * b->classes);
    if (b->candidates == 0) break; /* no finite probabilities */
    keep_best(b);
  }
  for (int i = b->now[0].node; i != 0; i = b->node[i].parent) label[n++] = b->node[i].label;
  for (size_t i = 0; i < n / 2; i++) {
    const size_t other = label[i];
    label[i] = label[n - 1 - i];
    label[n - 1 - i] = other;
  }
  return n;
}

/* Byte pairs (Gage 1994; Sennrich, Haddow, Birch 2016, section 3.2): the pair of neighbouring tokens
 * that comes most often becomes a token of its own, again and again.  Of pairs that come equally often
 * the one of the smaller numbers is taken, so that a text has one vocabulary.
 *
 * Pairs are looked for in words, which are counted once: a word is letters (and bytes above 127),
 * digits, other signs, or blanks; a single space before it belongs to it.  No word is longer than
 * LS__TOKEN_BYTES: the rest of it is another one.
 *
 * Counts only fall, but for those of pairs with the token just made.  So a heap may hold counts that are
 * too large: what is taken from it is compared with what the pair has now, and put back if that is
 * less. */
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "text/vocabulary_inside.h"

/* ---- Words ---- */

enum { BLANK, LETTER, DIGIT, SIGN };

static int sort_of(char byte) {
  const unsigned char c = (unsigned char)byte, lower = c | 0x20;
  if (c >= 0x80 || (lower >= 'a' && lower <= 'z')) return LETTER;
  if (c >= '0' && c <= '9') return DIGIT;
  return c == ' ' || (c >= '\t' && c <= '\r') ? BLANK : SIGN;
}

size_t ls__byte_pairs_word(const char *text, size_t bytes) {
  const size_t most = bytes < LS__TOKEN_BYTES ? bytes : LS__TOKEN_BYTES;
  const bool spaced = text[0] == ' ' && bytes > 1 && sort_of(text[1]) != BLANK;
  const int sort = sort_of(text[spaced]);
  size_t n = spaced ? 2 : 1;
  while (n < most && sort_of(text[n]) == sort) n++;
  if (sort == BLANK && n > 1 && n < bytes && text[n - 1] == ' ' && sort_of(text[n]) != BLANK) n--;
  return n;
}

/* ---- Pairs that are tokens ---- */

static uint64_t hash_pair(int32_t left, int32_t right) {
  const ls__merge pair = {left, right};
  return ls__hash(LS__HASH_START, &pair, sizeof pair);
}

/* The token that a pair makes; INT32_MAX: none. */
static int32_t made_of(const ls__vocabulary *v, int32_t left, int32_t right) {
  size_t at, probe = 0;
  while (ls__lookup_next(&v->made, hash_pair(left, right), &probe, &at))
    if (v->pair[at].left == left && v->pair[at].right == right) return (int32_t)at + 256;
  return INT32_MAX;
}

ls_status ls__byte_pairs_add(ls__vocabulary *v, int32_t left, int32_t right) {
  ls_status st = LS_OK;
  char both[2 * LS__TOKEN_BYTES];
  size_t a, b;
  const char *const first = ls__vocabulary_token(v, left, &a),
                    *const second = ls__vocabulary_token(v, right, &b);
  if (first == NULL || second == NULL)
    LS_FAIL(LS_EDATA, "token %zu of the vocabulary is no pair of tokens before it", v->n);
  if (a + b > LS__TOKEN_BYTES)
    LS_FAIL(LS_EDATA, "token %zu of the vocabulary has %zu bytes, at most %d are allowed", v->n,
            a + b, LS__TOKEN_BYTES);
  if (made_of(v, left, right) != INT32_MAX)
    LS_FAIL(LS_EDATA, "token %zu of the vocabulary is the same pair as token %d", v->n,
            (int)made_of(v, left, right));
  memcpy(both, first, a);
  memcpy(both + a, second, b);
  const size_t at = v->n - 256;
  LS_TRY(ls__grow(&v->pair, &v->room, at + 1, sizeof *v->pair, "vocabulary"));
  LS_TRY(ls__vocabulary_add(v, both, a + b));
  v->pair[at] = (ls__merge){left, right};
  LS_TRY(ls__lookup_add(&v->made, hash_pair(left, right), at));
out:
  return st;
}

size_t ls__byte_pairs_encode(const ls__vocabulary *v, const char *word, size_t bytes,
                             int32_t *tokens) {
  int32_t made[LS__TOKEN_BYTES];
  size_t n = bytes;
  for (size_t i = 0; i < n; i++) tokens[i] = (unsigned char)word[i];
  for (size_t i = 0; i + 1 < n; i++) made[i] = made_of(v, tokens[i], tokens[i + 1]);
  for (;;) { /* the pair that was learned first, from left to right */
    size_t at = 0;
    for (size_t i = 1; i + 1 < n; i++)
      if (made[i] < made[at]) at = i;
    if (n < 2 || made[at] == INT32_MAX) return n;
    tokens[at] = made[at];
    n--;
    for (size_t i = at + 1; i < n; i++) {
      tokens[i] = tokens[i + 1];
      if (i + 1 < n) made[i] = made[i + 1];
    }
    if (at > 0) made[at - 1] = made_of(v, tokens[at - 1], tokens[at]);
    if (at + 1 < n) made[at] = made_of(v, tokens[at], tokens[at + 1]);
  }
}

/* ---- Learning ---- */

typedef struct word {
  size_t from; /* in the text */
  size_t at;   /* of its tokens */
  uint32_t bytes, n;
  uint64_t count;
} word;

typedef struct pair {
  ls__merge of;
  uint64_t count;
  size_t *word; /* [n] the words that have had it; some of them not any more */
  size_t n, room;
} pair;

typedef struct best { /* an entry of the heap */
  uint64_t count;
  size_t pair;
} best;

typedef struct learner {
  ls__vocabulary *v;
  const char *text;
  word *words;
  size_t n_words, words_room;
  ls__lookup words_by; /* hash of their bytes */
  int32_t *tokens;     /* of all words */
  pair *pairs;
  size_t n_pairs, pairs_room;
  ls__lookup pairs_by;
  best *heap;
  size_t n_heap, heap_room;
} learner;

static ls_status count_word(learner *l, size_t from, size_t bytes, size_t *tokens) {
  ls_status st = LS_OK;
  const uint64_t hash = ls__hash(LS__HASH_START, l->text + from, bytes);
  size_t at, probe = 0;
  while (ls__lookup_next(&l->words_by, hash, &probe, &at)) {
    if (l->words[at].bytes != bytes ||
        memcmp(l->text + l->words[at].from, l->text + from, bytes) != 0)
      continue;
    l->words[at].count++;
    return LS_OK;
  }
  LS_TRY(ls__grow(&l->words, &l->words_room, l->n_words + 1, sizeof *l->words, "words"));
  LS_TRY(ls__lookup_add(&l->words_by, hash, l->n_words));
  l->words[l->n_words++] = (word){from, *tokens, (uint32_t)bytes, (uint32_t)bytes, 1};
  *tokens += bytes;
out:
  return st;
}

/* Whether a comes out of the heap before b. */
static bool before(const learner *l, const best *a, const best *b) {
  const ls__merge *p = &l->pairs[a->pair].of, *q = &l->pairs[b->pair].of;
  if (a->count != b->count) return a->count > b->count;
  return p->left != q->left ? p->left < q->left : p->right < q->right;
}

static ls_status push(learner *l, size_t p) {
  ls_status st = LS_OK;
  LS_TRY(ls__grow(&l->heap, &l->heap_room, l->n_heap + 1, sizeof *l->heap, "pairs"));
  const best new = {l->pairs[p].count, p};
  size_t i = l->n_heap++;
  for (; i > 0 && before(l, &new, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
    l->heap[i] = l->heap[(i - 1) / 2];
  l->heap[i] = new;
out:
  return st;
}

static best pop(learner *l) {
  const best top = l->heap[0], last = l->heap[--l->n_heap];
  size_t i = 0;
  for (size_t child = 1; child < l->n_heap; child = 2 * i + 1) {
    if (child + 1 < l->n_heap && before(l, &l->heap[child + 1], &l->heap[child])) child++;
    if (!before(l, &l->heap[child], &last)) break;
    l->heap[i] = l->heap[child];
    i = child;
  }
  l->heap[i] = last;
  return top;
}

/* The pair of two tokens, made if it isn't there. */
static ls_status find(learner *l, int32_t left, int32_t right, pair **out) {
  ls_status st = LS_OK;
  const uint64_t hash = hash_pair(left, right);
  size_t at, probe = 0;
  while (ls__lookup_next(&l->pairs_by, hash, &probe, &at)) {
    *out = &l->pairs[at];
    if ((*out)->of.left == left && (*out)->of.right == right) return LS_OK;
  }
  LS_TRY(ls__grow(&l->pairs, &l->pairs_room, l->n_pairs + 1, sizeof *l->pairs, "pairs"));
  LS_TRY(ls__lookup_add(&l->pairs_by, hash, l->n_pairs));
  *out = &l->pairs[l->n_pairs++];
  memset(*out, 0, sizeof **out);
  (*out)->of = (ls__merge){left, right};
out:
  return st;
}

/* Count the pairs of a word.  Of those with the token `new`, or of all where it is -1, it is noted
 * that this word has them. */
static ls_status add_pairs(learner *l, size_t w, int32_t new) {
  ls_status st = LS_OK;
  const word *of = &l->words[w];
  const int32_t *t = l->tokens + of->at;
  for (size_t i = 0; i + 1 < of->n; i++) {
    pair *p;
    LS_TRY(find(l, t[i], t[i + 1], &p));
    p->count += of->count;
    if (new >= 0 && t[i] != new &&t[i + 1] != new) continue;
    if (p->n > 0 && p->word[p->n - 1] == w) continue;
    LS_TRY(ls__grow(&p->word, &p->room, p->n + 1, sizeof *p->word, "pairs"));
    p->word[p->n++] = w;
  }
out:
  return st;
}

static ls_status take_pairs(learner *l, size_t w) {
  ls_status st = LS_OK;
  const word *of = &l->words[w];
  const int32_t *t = l->tokens + of->at;
  for (size_t i = 0; i + 1 < of->n; i++) {
    pair *p;
    LS_TRY(find(l, t[i], t[i + 1], &p));
    p->count -= of->count;
  }
out:
  return st;
}

static bool has(const learner *l, const word *w, ls__merge m) {
  const int32_t *t = l->tokens + w->at;
  for (size_t i = 0; i + 1 < w->n; i++)
    if (t[i] == m.left && t[i + 1] == m.right) return true;
  return false;
}

/* Make one token of a pair, in all words. */
static ls_status merge(learner *l, size_t p) {
  ls_status st = LS_OK;
  const ls__merge m = l->pairs[p].of;
  const int32_t new = (int32_t)l->v->n;
  const size_t known = l->n_pairs;
  size_t *list = l->pairs[p].word;
  const size_t n = l->pairs[p].n;
  l->pairs[p].word = NULL; /* it comes nowhere any more */
  l->pairs[p].n = l->pairs[p].room = 0;
  LS_TRY(ls__byte_pairs_add(l->v, m.left, m.right));
  for (size_t i = 0; i < n; i++) {
    word *w = &l->words[list[i]];
    if (!has(l, w, m)) continue;
    LS_TRY(take_pairs(l, list[i]));
    int32_t *t = l->tokens + w->at;
    uint32_t k = 0;
    for (uint32_t j = 0; j < w->n; k++) {
      const bool is = j + 1 < w->n && t[j] == m.left && t[j + 1] == m.right;
      t[k] = is ? new : t[j];
      j += is ? 2 : 1;
    }
    w->n = k;
    LS_TRY(add_pairs(l, list[i], new));
  }
  for (size_t i = known; i < l->n_pairs; i++) LS_TRY(push(l, i));
out:
  ls__free(list);
  return st;
}

static ls_status learn(learner *l, size_t size, size_t bytes) {
  ls_status st = LS_OK;
  size_t tokens = 0;
  for (size_t at = 0, n; at < bytes; at += n) {
    n = ls__byte_pairs_word(l->text + at, bytes - at);
    LS_TRY(count_word(l, at, n, &tokens));
  }
  LS_TRY(ls__alloc(&l->tokens, tokens, sizeof *l->tokens, "words"));
  for (size_t w = 0; w < l->n_words; w++) {
    const word *of = &l->words[w];
    for (size_t i = 0; i < of->n; i++) l->tokens[of->at + i] = (unsigned char)l->text[of->from + i];
    LS_TRY(add_pairs(l, w, -1));
  }
  for (size_t i = 0; i < l->n_pairs; i++) LS_TRY(push(l, i));
  while (l->v->n < size && l->n_heap > 0) {
    const best top = pop(l);
    const uint64_t now = l->pairs[top.pair].count;
    if (now < 2) continue;
    if (now < top.count)
      LS_TRY(push(l, top.pair));
    else
      LS_TRY(merge(l, top.pair));
  }
out:
  return st;
}

ls_status ls__byte_pairs_learn(ls__vocabulary *v, size_t size, const char *text, size_t bytes) {
  learner l = {.v = v, .text = text};
  const ls_status st = learn(&l, size, bytes);
  for (size_t i = 0; i < l.n_pairs; i++) ls__free(l.pairs[i].word);
  ls__lookup_reset(&l.words_by);
  ls__lookup_reset(&l.pairs_by);
  ls__free(l.words);
  ls__free(l.tokens);
  ls__free(l.pairs);
  ls__free(l.heap);
  return st;
}

/* What the files of vocabularies share. */
#ifndef LS_TEXT_VOCABULARY_INSIDE_H
#define LS_TEXT_VOCABULARY_INSIDE_H

#include "base/lookup.h"
#include "text/vocabulary.h"

typedef struct ls__merge {
  int32_t left, right;
} ls__merge;

struct ls__vocabulary {
  ls__vocabulary_kind kind;
  size_t n, room; /* tokens */
  char *bytes;    /* of all tokens, one behind the other */
  size_t *start;  /* [n + 1] */
  size_t used, bytes_room, start_room;
  uint32_t *code;  /* [n] of characters: their numbers, ascending */
  ls__merge *pair; /* [n - 256] of byte_pairs: token 256 + i is made of pair[i] */
  ls__lookup made; /* the place of a pair in `pair` */
};

/* Add a token of these bytes. */
LS_CHECKED ls_status ls__vocabulary_add(ls__vocabulary *v, const char *bytes, size_t n);
/* 256 tokens, a byte each. */
LS_CHECKED ls_status ls__vocabulary_add_bytes(ls__vocabulary *v);

/* Add the token that a pair makes.  LS_EDATA: there is no such token, the pair is known, or it would
 * be too long. */
LS_CHECKED ls_status ls__byte_pairs_add(ls__vocabulary *v, int32_t left, int32_t right);
/* Learn pairs until there are `size` tokens, or no pair comes twice. */
LS_CHECKED ls_status ls__byte_pairs_learn(ls__vocabulary *v, size_t size, const char *text,
                                          size_t bytes);
/* Bytes of the word that the text begins with, 1 to LS__TOKEN_BYTES. */
size_t ls__byte_pairs_word(const char *text, size_t bytes);
/* The tokens of a word; returns how many. */
size_t ls__byte_pairs_encode(const ls__vocabulary *v, const char *word, size_t bytes,
                             int32_t *tokens);

#endif

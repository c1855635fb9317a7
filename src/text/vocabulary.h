/* Vocabularies: from text to tokens, whole numbers from 0 on, and back.
 *
 *   bytes        each byte is a token: 256 of them, any file fits
 *   characters   each letter of UTF-8 (code point) of the text that it was learned from, in the order
 *                of their numbers; another one is an error
 *   byte_pairs   a token is a byte, or a sequence of bytes that was frequent: pairs of tokens become
 *                one, the most frequent first, in words (byte_pairs.c); any file fits
 *
 *   LS_TRY(ls__vocabulary_learn(&v, LS__CHARACTERS, 0, "hamlet.txt", text, bytes));
 *   LS_TRY(ls__vocabulary_encode(v, "the prompt", "To be", 5, &tokens, &n));
 *   bytes = ls__vocabulary_token(v, tokens[0], &size);
 *   LS_TRY(ls__vocabulary_write(v, &json));
 *
 * As JSON: {"kind":"bytes"}, {"kind":"characters","tokens":["\n"," ","!"]},
 * {"kind":"byte_pairs","merges":[[32,116],[256,104]]}, of which the first makes token 256.  The same
 * vocabulary is the same text. */
#ifndef LS_TEXT_VOCABULARY_H
#define LS_TEXT_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ls__vocabulary ls__vocabulary;

typedef enum ls__vocabulary_kind { LS__BYTES, LS__CHARACTERS, LS__BYTE_PAIRS } ls__vocabulary_kind;
extern const char *const ls__vocabulary_kinds[]; /* their names; ends with NULL */

enum {
  LS__VOCABULARY_LEAST = 257, /* tokens of byte_pairs */
  LS__VOCABULARY_MOST = 1 << 20,
  LS__TOKEN_BYTES = 64 /* the longest token */
};

/* Learn one from `bytes` bytes of text; `size`: the tokens that byte_pairs may have (fewer, where no
 * pair comes twice any more), else of no meaning.  LS_EDATA: of characters, what is no UTF-8, or a
 * zero byte; "WHERE: line 3, byte 57: ...", counted from 1 and from 0. */
LS_CHECKED ls_status ls__vocabulary_learn(ls__vocabulary **out, ls__vocabulary_kind kind,
                                          size_t size, const char *where, const char *text,
                                          size_t bytes);

/* The tokens of a text, owned by the caller (ls__free): never more than bytes.  LS_EDATA names the
 * first character that isn't in the vocabulary, its line and byte. */
LS_CHECKED ls_status ls__vocabulary_encode(const ls__vocabulary *vocabulary, const char *where,
                                           const char *text, size_t bytes, int32_t **tokens,
                                           size_t *n);
/* The same a piece at a time: from byte *from of the text on, which moves; *n tokens at most `room`,
 * which is at least LS__TOKEN_BYTES.  All is done when *from is `bytes`. */
LS_CHECKED ls_status ls__vocabulary_encode_some(const ls__vocabulary *vocabulary, const char *where,
                                                const char *text, size_t bytes, size_t *from,
                                                int32_t *tokens, size_t room, size_t *n);

/* Whether a vocabulary of this kind can be learned of a text: of characters it must be UTF-8. */
LS_CHECKED ls_status ls__vocabulary_check(ls__vocabulary_kind kind, const char *where,
                                          const char *text, size_t bytes);

size_t ls__vocabulary_size(const ls__vocabulary *vocabulary); /* tokens */
ls__vocabulary_kind ls__vocabulary_kind_of(const ls__vocabulary *vocabulary);
/* The bytes of a token, no string: a zero byte may be among them, and the token may be part of a letter
 * alone.  NULL: it is out of range. */
const char *ls__vocabulary_token(const ls__vocabulary *vocabulary, int32_t token, size_t *bytes);

/* "65 characters", "256 bytes", "1024 byte pairs" */
enum { LS__VOCABULARY_TEXT = 48 };
void ls__vocabulary_describe(const ls__vocabulary *vocabulary, char text[LS__VOCABULARY_TEXT]);
/* A token fit for one line of a message, at most `bytes` with its closing zero. */
void ls__vocabulary_show(const ls__vocabulary *vocabulary, int32_t token, char *text, size_t bytes);

/* As JSON; owned by the caller (ls__free). */
LS_CHECKED ls_status ls__vocabulary_write(const ls__vocabulary *vocabulary, char **json);
/* LS_EDATA: "WHERE: ..." */
LS_CHECKED ls_status ls__vocabulary_read(ls__vocabulary **out, const char *json, const char *where);
void ls__vocabulary_destroy(ls__vocabulary *vocabulary);

#endif

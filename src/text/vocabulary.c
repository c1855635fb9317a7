/* Vocabularies: bytes and characters, and what all kinds have in common. */
#include "text/vocabulary.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/text.h"
#include "text/vocabulary_inside.h"

enum { CODES = 0x110000 };

const char *const ls__vocabulary_kinds[] = {"bytes", "characters", "byte_pairs", NULL};

static ls_status create(ls__vocabulary **out, ls__vocabulary_kind kind) {
  ls_status st = ls__alloc(out, 1, sizeof **out, "vocabulary");
  if (st == LS_OK) (*out)->kind = kind;
  return st;
}

void ls__vocabulary_destroy(ls__vocabulary *v) {
  if (v == NULL) return;
  ls__lookup_reset(&v->made);
  ls__free(v->bytes);
  ls__free(v->start);
  ls__free(v->code);
  ls__free(v->pair);
  ls__free(v);
}

ls_status ls__vocabulary_add(ls__vocabulary *v, const char *bytes, size_t n) {
  ls_status st = LS_OK;
  LS_TRY(ls__grow(&v->bytes, &v->bytes_room, v->used + n, 1, "vocabulary"));
  LS_TRY(ls__grow(&v->start, &v->start_room, v->n + 2, sizeof *v->start, "vocabulary"));
  memcpy(v->bytes + v->used, bytes, n);
  v->start[v->n++] = v->used;
  v->used += n;
  v->start[v->n] = v->used;
out:
  return st;
}

ls_status ls__vocabulary_add_bytes(ls__vocabulary *v) {
  ls_status st = LS_OK;
  for (int i = 0; i < 256; i++) {
    const char byte = (char)i;
    LS_TRY(ls__vocabulary_add(v, &byte, 1));
  }
out:
  return st;
}

/* ---- Characters ---- */

/* The number of a letter of n bytes. */
static uint32_t code_of(const char *text, size_t n) {
  const unsigned char *p = (const unsigned char *)text;
  if (n == 1) return p[0];
  uint32_t code = p[0] & (0x7FU >> n);
  for (size_t i = 1; i < n; i++) code = code << 6 | (p[i] & 0x3FU);
  return code;
}

/* The letter of a number, which is none of a surrogate; its bytes. */
static size_t letter_of(uint32_t code, char letter[4]) {
  const size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--, code >>= 6) letter[i] = (char)(0x80 | (code & 0x3F));
  letter[0] = (char)(n == 1 ? code : (0xF00U >> n & 0xFFU) | code);
  return n;
}

/* "WHERE: line 3, byte 57: what" of a place in a text. */
static ls_status fail_at(const char *where, const char *text, size_t at, const char *what) {
  size_t line = 1;
  for (size_t i = 0; i < at; i++) line += text[i] == '\n';
  return ls__fail(LS_EDATA, "%s: line %zu, byte %zu: %s", where, line, at, what);
}

/* The letter at a place of a text; *n its bytes. */
static ls_status take_letter(const char *where, const char *text, size_t bytes, size_t at,
                             uint32_t *code, size_t *n) {
  char what[100];
  *n = ls__text_letter_in(text + at, bytes - at);
  if (*n > 0) {
    *code = code_of(text + at, *n);
    if (*code != 0) return LS_OK;
    return fail_at(where, text, at, "a zero byte, which no text has");
  }
  snprintf(what, sizeof what, "the byte 0x%02x begins no letter of UTF-8",
           (unsigned)(unsigned char)text[at]);
  return fail_at(where, text, at, what);
}

static ls_status add_letter(ls__vocabulary *v, uint32_t code) {
  ls_status st = LS_OK;
  char letter[4];
  LS_TRY(ls__grow(&v->code, &v->room, v->n + 1, sizeof *v->code, "vocabulary"));
  v->code[v->n] = code;
  LS_TRY(ls__vocabulary_add(v, letter, letter_of(code, letter)));
out:
  return st;
}

static ls_status learn_characters(ls__vocabulary *v, const char *where, const char *text,
                                  size_t bytes) {
  ls_status st = LS_OK;
  unsigned char *seen = NULL;
  LS_TRY(ls__alloc(&seen, CODES, 1, "characters"));
  for (size_t at = 0, n; at < bytes; at += n) {
    uint32_t code;
    LS_TRY(take_letter(where, text, bytes, at, &code, &n));
    seen[code] = 1;
  }
  for (uint32_t code = 0; code < CODES; code++)
    if (seen[code]) LS_TRY(add_letter(v, code));
out:
  ls__free(seen);
  return st;
}

/* The token of a character; v->n: it has none. */
static size_t token_of(const ls__vocabulary *v, uint32_t code) {
  size_t low = 0, high = v->n;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (v->code[middle] < code)
      low = middle + 1;
    else
      high = middle;
  }
  return low < v->n && v->code[low] == code ? low : v->n;
}

static ls_status encode_letter(const ls__vocabulary *v, const char *where, const char *text,
                               size_t bytes, size_t *at, int32_t *token) {
  ls_status st = LS_OK;
  char shown[16], letter[5] = "", what[100];
  uint32_t code;
  size_t n;
  LS_TRY(take_letter(where, text, bytes, *at, &code, &n));
  const size_t found = token_of(v, code);
  if (found == v->n) {
    memcpy(letter, text + *at, n);
    ls__text_show(letter, 8, shown, sizeof shown);
    snprintf(what, sizeof what, "the character \"%s\" (U+%04X) is not in the vocabulary of %zu",
             shown, (unsigned)code, v->n);
    st = fail_at(where, text, *at, what);
    goto out;
  }
  *token = (int32_t)found;
  *at += n;
out:
  return st;
}

ls_status ls__vocabulary_check(ls__vocabulary_kind kind, const char *where, const char *text,
                               size_t bytes) {
  ls_status st = LS_OK;
  for (size_t at = 0, n; at < bytes && kind == LS__CHARACTERS; at += n) {
    uint32_t code;
    LS_TRY(take_letter(where, text, bytes, at, &code, &n));
  }
out:
  return st;
}

/* ---- Learning and encoding ---- */

ls_status ls__vocabulary_learn(ls__vocabulary **out, ls__vocabulary_kind kind, size_t size,
                               const char *where, const char *text, size_t bytes) {
  ls_status st = LS_OK;
  ls__vocabulary *v = NULL;
  *out = NULL;
  LS_TRY(create(&v, kind));
  if (kind == LS__CHARACTERS) {
    LS_TRY(learn_characters(v, where, text, bytes));
  } else {
    LS_TRY(ls__vocabulary_add_bytes(v));
    if (kind == LS__BYTE_PAIRS) LS_TRY(ls__byte_pairs_learn(v, size, text, bytes));
  }
  *out = v;
  v = NULL;
out:
  ls__vocabulary_destroy(v);
  return st;
}

ls_status ls__vocabulary_encode_some(const ls__vocabulary *v, const char *where, const char *text,
                                     size_t bytes, size_t *from, int32_t *tokens, size_t room,
                                     size_t *n) {
  ls_status st = LS_OK;
  LS_ASSERT(room >= LS__TOKEN_BYTES);
  *n = 0;
  while (*from < bytes && *n + LS__TOKEN_BYTES <= room) {
    if (v->kind == LS__BYTES) {
      tokens[(*n)++] = (unsigned char)text[(*from)++];
    } else if (v->kind == LS__CHARACTERS) {
      LS_TRY(encode_letter(v, where, text, bytes, from, &tokens[*n]));
      (*n)++;
    } else {
      const size_t word = ls__byte_pairs_word(text + *from, bytes - *from);
      *n += ls__byte_pairs_encode(v, text + *from, word, tokens + *n);
      *from += word;
    }
  }
out:
  return st;
}

ls_status ls__vocabulary_encode(const ls__vocabulary *v, const char *where, const char *text,
                                size_t bytes, int32_t **tokens, size_t *n) {
  ls_status st = LS_OK;
  int32_t *list = NULL;
  size_t from = 0;
  *tokens = NULL;
  *n = 0;
  if (bytes > SIZE_MAX / 8) return ls__no_memory("tokens", bytes, sizeof *list);
  LS_TRY(ls__alloc(&list, bytes + LS__TOKEN_BYTES, sizeof *list, "tokens"));
  LS_TRY(
      ls__vocabulary_encode_some(v, where, text, bytes, &from, list, bytes + LS__TOKEN_BYTES, n));
  *tokens = list;
  list = NULL;
out:
  ls__free(list);
  return st;
}

size_t ls__vocabulary_size(const ls__vocabulary *v) {
  return v->n;
}

ls__vocabulary_kind ls__vocabulary_kind_of(const ls__vocabulary *v) {
  return v->kind;
}

const char *ls__vocabulary_token(const ls__vocabulary *v, int32_t token, size_t *bytes) {
  *bytes = 0;
  if (token < 0 || (size_t)token >= v->n) return NULL;
  *bytes = v->start[token + 1] - v->start[token];
  return v->bytes + v->start[token];
}

void ls__vocabulary_describe(const ls__vocabulary *v, char text[LS__VOCABULARY_TEXT]) {
  static const char *const what[] = {"bytes", "characters", "byte pairs"};
  snprintf(text, LS__VOCABULARY_TEXT, "%zu %s", v->n, what[v->kind]);
}

void ls__vocabulary_show(const ls__vocabulary *v, int32_t token, char *text, size_t bytes) {
  char whole[LS__TOKEN_BYTES + 1] = "";
  size_t n;
  const char *from = ls__vocabulary_token(v, token, &n);
  if (from != NULL) memcpy(whole, from, n);
  if (n == 1 && whole[0] == '\0')
    snprintf(text, bytes, "\\x00");
  else
    ls__text_show(whole, SIZE_MAX, text, bytes);
}

/* ---- As JSON ---- */

static void put(ls__json *j, const ls__vocabulary *v) {
  ls__json_open(j, NULL, '{');
  ls__json_string(j, "kind", ls__vocabulary_kinds[v->kind]);
  if (v->kind == LS__CHARACTERS) {
    ls__json_open(j, "tokens", '[');
    for (size_t i = 0; i < v->n; i++) {
      char letter[5] = "";
      letter_of(v->code[i], letter);
      ls__json_string(j, NULL, letter);
    }
    ls__json_close(j, ']');
  } else if (v->kind == LS__BYTE_PAIRS) {
    ls__json_open(j, "merges", '[');
    for (size_t i = 0; i + 256 < v->n; i++) {
      ls__json_open(j, NULL, '[');
      ls__json_integer(j, NULL, v->pair[i].left);
      ls__json_integer(j, NULL, v->pair[i].right);
      ls__json_close(j, ']');
    }
    ls__json_close(j, ']');
  }
  ls__json_close(j, '}');
}

ls_status ls__vocabulary_write(const ls__vocabulary *v, char **json) {
  ls_status st = LS_OK;
  char *memory = NULL;
  size_t bytes = 0;
  *json = NULL;
  FILE *out = open_memstream(&memory, &bytes);
  if (out == NULL) LS_FAIL(LS_ENOMEM, "vocabulary: out of memory");
  ls__json j = {.out = out};
  put(&j, v);
  const bool bad = ferror(out) != 0;
  if (fclose(out) != 0 || bad || memory == NULL) LS_FAIL(LS_ENOMEM, "vocabulary: out of memory");
  *json = ls__strdup(memory); /* which ls__free frees */
  if (*json == NULL) LS_FAIL(LS_ENOMEM, "vocabulary: out of memory");
out:
  free(memory);
  return st;
}

static ls_status read_characters(ls__vocabulary *v, const ls__json_tree *tree, const char *where) {
  ls_status st = LS_OK;
  const ls__json_value *list = ls__json_get(tree, tree->value, "tokens");
  if (list == NULL || list->kind != LS__JSON_LIST || list->n == 0)
    LS_FAIL(LS_EDATA, "%s: a vocabulary of characters without a list of tokens", where);
  for (const ls__json_value *t = ls__json_first(tree, list); t != NULL;
       t = ls__json_after(tree, t)) {
    const size_t n = t->kind == LS__JSON_TEXT && t->text[0] != '\0' ? ls__text_letter(t->text) : 0;
    if (n == 0 || t->text[n] != '\0')
      LS_FAIL(LS_EDATA, "%s: token %zu of the vocabulary is no character", where, v->n);
    const uint32_t code = code_of(t->text, n);
    if (v->n > 0 && code <= v->code[v->n - 1])
      LS_FAIL(LS_EDATA, "%s: the vocabulary is not in order at token %zu", where, v->n);
    LS_TRY(add_letter(v, code));
  }
out:
  return st;
}

/* A token's number; -1: it is none. */
static int32_t number_of(const ls__json_value *value) {
  if (value == NULL || value->kind != LS__JSON_NUMBER) return -1;
  const bool fits = value->number >= 0 && value->number < (double)LS__VOCABULARY_MOST;
  const int32_t whole = fits ? (int32_t)value->number : -1;
  return whole >= 0 && (double)whole < value->number ? -1 : whole;
}

static ls_status read_pairs(ls__vocabulary *v, const ls__json_tree *tree, const char *where) {
  ls_status st = LS_OK;
  const ls__json_value *list = ls__json_get(tree, tree->value, "merges");
  if (list == NULL || list->kind != LS__JSON_LIST)
    LS_FAIL(LS_EDATA, "%s: a vocabulary of byte pairs without a list of merges", where);
  if (list->n > (size_t)LS__VOCABULARY_MOST - 256)
    LS_FAIL(LS_EDATA, "%s: a vocabulary of %zu tokens, which is more than %d", where, list->n + 256,
            LS__VOCABULARY_MOST);
  LS_TRY(ls__vocabulary_add_bytes(v));
  for (const ls__json_value *m = ls__json_first(tree, list); m != NULL;
       m = ls__json_after(tree, m)) {
    const ls__json_value *left = m->kind == LS__JSON_LIST && m->n == 2 ? ls__json_first(tree, m)
                                                                       : NULL;
    const ls__json_value *right = left == NULL ? NULL : ls__json_after(tree, left);
    st = ls__byte_pairs_add(v, number_of(left), number_of(right));
    if (st != LS_OK) {
      st = ls__fail_context(st, "%s", where);
      goto out;
    }
  }
out:
  return st;
}

ls_status ls__vocabulary_read(ls__vocabulary **out, const char *json, const char *where) {
  ls_status st = LS_OK;
  ls__vocabulary *v = NULL;
  ls__json_tree tree = {0};
  int kind = 0;
  *out = NULL;
  LS_TRY(ls__json_read(&tree, json, where));
  const char *name = ls__json_text(&tree, tree.value, "kind", "");
  while (ls__vocabulary_kinds[kind] != NULL && strcmp(ls__vocabulary_kinds[kind], name) != 0)
    kind++;
  if (ls__vocabulary_kinds[kind] == NULL)
    LS_FAIL(LS_EDATA, "%s: a vocabulary of the kind \"%.40s\", which is not known here", where,
            name);
  LS_TRY(create(&v, (ls__vocabulary_kind)kind));
  if (kind == LS__CHARACTERS)
    LS_TRY(read_characters(v, &tree, where));
  else if (kind == LS__BYTE_PAIRS)
    LS_TRY(read_pairs(v, &tree, where));
  else
    LS_TRY(ls__vocabulary_add_bytes(v));
  *out = v;
  v = NULL;
out:
  ls__vocabulary_destroy(v);
  ls__json_reset(&tree);
  return st;
}

/* Reading JSON: one walk over the text, values into one array, in the order in which they begin. */
#include "base/json_read.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/number.h"

enum { DEEPEST = 32 };

typedef struct parser {
  ls__json_tree *tree;
  char *p;
  const char *where;
} parser;

static ls_status fail(const parser *r, const char *why) {
  return ls__fail(LS_EDATA, "%s: byte %zu: %s", r->where, (size_t)(r->p - r->tree->text), why);
}

static void skip(parser *r) {
  r->p += strspn(r->p, " \t\r\n");
}

static bool take(parser *r, char c) {
  skip(r);
  if (*r->p != c) return false;
  r->p++;
  return true;
}

static bool take_word(parser *r, const char *word) {
  const size_t n = strlen(word);
  if (strncmp(r->p, word, n) != 0) return false;
  r->p += n;
  return true;
}

/* Four digits at p; false: they are none. */
static bool take_hex(const char *p, unsigned *code) {
  *code = 0;
  for (int i = 0; i < 4; i++) {
    static const char digits[] = "0123456789abcdef";
    const char c = p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] + 32) : p[i];
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    if (at == NULL) return false;
    *code = 16 * *code + (unsigned)(at - digits);
  }
  return true;
}

static char *put_letter(char *to, unsigned c) {
  if (c < 0x80) {
    *to++ = (char)c;
  } else if (c < 0x800) {
    *to++ = (char)(0xC0 | c >> 6);
    *to++ = (char)(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *to++ = (char)(0xE0 | c >> 12);
    *to++ = (char)(0x80 | (c >> 6 & 0x3F));
    *to++ = (char)(0x80 | (c & 0x3F));
  } else {
    *to++ = (char)(0xF0 | c >> 18);
    *to++ = (char)(0x80 | (c >> 12 & 0x3F));
    *to++ = (char)(0x80 | (c >> 6 & 0x3F));
    *to++ = (char)(0x80 | (c & 0x3F));
  }
  return to;
}

/* What stands behind \u, and a second half of a pair. */
static bool take_code(parser *r, unsigned *code) {
  unsigned low;
  if (!take_hex(r->p, code)) return false;
  r->p += 4;
  if (*code >= 0xDC00 && *code < 0xE000) return false;
  if (*code < 0xD800 || *code >= 0xE000) return true;
  if (r->p[0] != '\\' || r->p[1] != 'u' || !take_hex(r->p + 2, &low)) return false;
  if (low < 0xDC00 || low >= 0xE000) return false;
  r->p += 6;
  *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

/* A text, whose quote is behind p; it becomes shorter, and stays where it is. */
static ls_status take_text(parser *r, const char **text) {
  static const char escaped[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  char *to = r->p;
  *text = to;
  for (;;) {
    const unsigned char c = (unsigned char)*r->p;
    if (c < 32) return fail(r, c == 0 ? "a text is never closed" : "a control character");
    r->p++;
    if (c == '"') break;
    if (c != '\\') {
      *to++ = (char)c;
      continue;
    }
    const char *at = *r->p == '\0' ? NULL : strchr(escaped, *r->p);
    unsigned code;
    if (at != NULL) {
      *to++ = meant[at - escaped];
      r->p++;
    } else if (*r->p++ == 'u' && take_code(r, &code)) {
      to = put_letter(to, code);
    } else {
      return fail(r, "an unknown escape");
    }
  }
  *to = '\0';
  return LS_OK;
}

static ls_status take_number(parser *r, double *x) {
  const size_t n = strspn(r->p, "+-.0123456789eE");
  char text[64];
  if (n == 0 || n >= sizeof text) return fail(r, "no value");
  memcpy(text, r->p, n);
  text[n] = '\0';
  if (!ls__number_parse(text, x)) return fail(r, "no value");
  r->p += n;
  return LS_OK;
}

static ls_status take_value(parser *r, const char *key, int depth, size_t *index);

/* What is in a list or object, whose bracket is behind p. */
static ls_status take_items(parser *r, size_t of, bool object, int depth) {
  ls_status st = LS_OK;
  size_t last = 0, item;
  if (take(r, object ? '}' : ']')) return LS_OK;
  do {
    const char *key = NULL;
    if (object) {
      if (!take(r, '"')) return fail(r, "a key is missing");
      LS_TRY(take_text(r, &key));
      if (!take(r, ':')) return fail(r, "a colon is missing");
    }
    LS_TRY(take_value(r, key, depth + 1, &item));
    if (last > 0) r->tree->value[last].after = item;
    last = item;
    r->tree->value[of].n++;
  } while (take(r, ','));
  if (!take(r, object ? '}' : ']')) return fail(r, "a bracket is missing");
out:
  return st;
}

static ls_status take_value(parser *r, const char *key, int depth, size_t *index) {
  ls_status st = LS_OK;
  ls__json_tree *tree = r->tree;
  ls__json_value v = {.key = key};
  if (depth > DEEPEST) return fail(r, "too deep");
  LS_TRY(ls__grow(&tree->value, &tree->capacity, tree->n + 1, sizeof v, r->where));
  *index = tree->n++;
  skip(r);
  const bool object = *r->p == '{';
  if (object || *r->p == '[') {
    r->p++;
    v.kind = object ? LS__JSON_OBJECT : LS__JSON_LIST;
    tree->value[*index] = v;
    return take_items(r, *index, object, depth);
  }
  if (*r->p == '"') {
    r->p++;
    v.kind = LS__JSON_TEXT;
    LS_TRY(take_text(r, &v.text));
  } else if (take_word(r, "true")) {
    v.kind = LS__JSON_BOOL;
    v.number = 1.0;
  } else if (take_word(r, "false")) {
    v.kind = LS__JSON_BOOL;
  } else if (!take_word(r, "null")) {
    v.kind = LS__JSON_NUMBER;
    LS_TRY(take_number(r, &v.number));
  }
  tree->value[*index] = v;
out:
  return st;
}

ls_status ls__json_read(ls__json_tree *tree, const char *text, const char *where) {
  ls_status st = LS_OK;
  size_t whole;
  tree->text = ls__strdup(text);
  if (tree->text == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", where);
  parser r = {tree, tree->text, where};
  LS_TRY(take_value(&r, NULL, 0, &whole));
  skip(&r);
  if (*r.p != '\0') st = fail(&r, "something follows the end");
out:
  return st;
}

void ls__json_reset(ls__json_tree *tree) {
  ls__free(tree->text);
  ls__free(tree->value);
  memset(tree, 0, sizeof *tree);
}

const ls__json_value *ls__json_first(const ls__json_tree *tree, const ls__json_value *of) {
  if (of == NULL || of->n == 0) return NULL;
  return &tree->value[(size_t)(of - tree->value) + 1];
}

const ls__json_value *ls__json_after(const ls__json_tree *tree, const ls__json_value *value) {
  return value->after == 0 ? NULL : &tree->value[value->after];
}

const ls__json_value *ls__json_get(const ls__json_tree *tree, const ls__json_value *of,
                                   const char *key) {
  if (of == NULL || of->kind != LS__JSON_OBJECT) return NULL;
  const ls__json_value *v = ls__json_first(tree, of);
  while (v != NULL && strcmp(v->key, key) != 0) v = ls__json_after(tree, v);
  return v;
}

const char *ls__json_text(const ls__json_tree *tree, const ls__json_value *of, const char *key,
                          const char *fallback) {
  const ls__json_value *v = ls__json_get(tree, of, key);
  return v != NULL && v->kind == LS__JSON_TEXT ? v->text : fallback;
}

double ls__json_real(const ls__json_tree *tree, const ls__json_value *of, const char *key,
                     double fallback) {
  const ls__json_value *v = ls__json_get(tree, of, key);
  return v != NULL && v->kind == LS__JSON_NUMBER ? v->number : fallback;
}

bool ls__json_is(const ls__json_tree *tree, const ls__json_value *of, const char *key) {
  const ls__json_value *v = ls__json_get(tree, of, key);
  return v != NULL && v->kind == LS__JSON_BOOL && v->number > 0.0;
}

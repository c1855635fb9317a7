/* JSON, read: a text that ls__json wrote (base/json.h), or any other of RFC 8259, as a tree.
 *
 *   ls__json_tree tree = {0};
 *   LS_TRY(ls__json_read(&tree, text, "recipe"));
 *   const ls__json_value *shape = ls__json_get(&tree, tree.value, "shape");
 *   for (const ls__json_value *v = ls__json_first(&tree, shape); v != NULL;
 *        v = ls__json_after(&tree, v)) ...
 *   ls__json_reset(&tree);
 */
#ifndef LS_BASE_JSON_READ_H
#define LS_BASE_JSON_READ_H

#include <stddef.h>

#include "base/error.h"

typedef enum ls__json_kind {
  LS__JSON_NULL,
  LS__JSON_BOOL, /* number is 0 or 1 */
  LS__JSON_NUMBER,
  LS__JSON_TEXT,
  LS__JSON_LIST,
  LS__JSON_OBJECT
} ls__json_kind;

typedef struct ls__json_value {
  ls__json_kind kind;
  const char *key;  /* in an object; NULL elsewhere */
  const char *text; /* of a text; what follows \u0000 is cut off */
  double number;
  size_t n;     /* values in a list or object */
  size_t after; /* index of the next in the same list or object; 0: none */
} ls__json_value;

typedef struct ls__json_tree {
  char *text;            /* a copy, with the escapes of texts undone in place */
  ls__json_value *value; /* [n]; the first is the whole, and what is in a list follows it */
  size_t n, capacity;
} ls__json_tree;

/* LS_EDATA: "WHERE: byte 17: ..."; `tree` is zeroed before, and reset after it in every case. */
LS_CHECKED ls_status ls__json_read(ls__json_tree *tree, const char *text, const char *where);
void ls__json_reset(ls__json_tree *tree);

/* NULL is taken as a value that has nothing, and given where there is none. */
const ls__json_value *ls__json_first(const ls__json_tree *tree, const ls__json_value *of);
const ls__json_value *ls__json_after(const ls__json_tree *tree, const ls__json_value *value);
const ls__json_value *ls__json_get(const ls__json_tree *tree, const ls__json_value *of,
                                   const char *key);
/* The value of a key where it is of this kind; else the fallback. */
const char *ls__json_text(const ls__json_tree *tree, const ls__json_value *of, const char *key,
                          const char *fallback);
double ls__json_real(const ls__json_tree *tree, const ls__json_value *of, const char *key,
                     double fallback);
bool ls__json_is(const ls__json_tree *tree, const ls__json_value *of, const char *key);

#endif

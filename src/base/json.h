/* JSON, written value by value: commas, quotes and escapes are added, numbers have a decimal point
 * under every locale, and what JSON can't hold (NaN, infinity) becomes null.
 *
 *   ls__json j = {.out = file};
 *   ls__json_open(&j, NULL, '{');
 *   ls__json_string(&j, "name", "a \"b\"");
 *   ls__json_open(&j, "shape", '[');
 *   ls__json_whole(&j, NULL, 3);
 *   ls__json_close(&j, ']');
 *   ls__json_close(&j, '}');             {"name":"a \"b\"","shape":[3]}
 *
 * key: NULL in a list and at the top.  Failures of writing are left in the FILE, for ferror. */
#ifndef LS_BASE_JSON_H
#define LS_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct ls__json {
  FILE *out;
  bool comma; /* one is due before the next value */
  bool line;  /* the next value begins on a line of its own; set by the caller, once a value */
} ls__json;

void ls__json_open(ls__json *json, const char *key, char bracket); /* '{' or '[' */
void ls__json_close(ls__json *json, char bracket);
/* What isn't UTF-8 becomes U+FFFD; text NULL: null. */
void ls__json_string(ls__json *json, const char *key, const char *text);
void ls__json_number(ls__json *json, const char *key, double x); /* 9 digits; not finite: null */
void ls__json_exact(ls__json *json, const char *key, double x);  /* as many as read back as x */
void ls__json_whole(ls__json *json, const char *key, uint64_t x);
void ls__json_integer(ls__json *json, const char *key, int64_t x);
void ls__json_bool(ls__json *json, const char *key, bool x);

#endif

/* Writing JSON: commas between values, escapes in texts, digits of numbers. */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>

#include "base/number.h"

/* Bytes of the UTF-8 character at p, 0 where there is none (RFC 3629). */
static size_t utf8(const unsigned char *p) {
  size_t n = 0;
  if (p[0] < 0x80)
    n = 1;
  else if (p[0] >= 0xC2 && p[0] < 0xE0)
    n = 2;
  else if (p[0] >= 0xE0 && p[0] < 0xF0)
    n = 3;
  else if (p[0] >= 0xF0 && p[0] < 0xF5)
    n = 4;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xC0) != 0x80) return 0;
  if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
      (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
    return 0;
  return n;
}

static void put_string(FILE *out, const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  fputc('"', out);
  while (*p != '\0') {
    size_t n = utf8(p);
    if (*p == '"' || *p == '\\')
      fprintf(out, "\\%c", *p);
    else if (*p < 32 || *p == 127)
      fprintf(out, "\\u%04x", *p);
    else if (n == 0)
      fputs("\\ufffd", out);
    else
      fwrite(p, 1, n, out);
    p += n == 0 ? 1 : n;
  }
  fputc('"', out);
}

/* What comes before a value: comma, new line, key. */
static void begin(ls__json *json, const char *key) {
  if (json->comma) fputc(',', json->out);
  if (json->line) fputs("\n", json->out);
  json->comma = true;
  json->line = false;
  if (key == NULL) return;
  put_string(json->out, key);
  fputc(':', json->out);
}

void ls__json_open(ls__json *json, const char *key, char bracket) {
  begin(json, key);
  fputc(bracket, json->out);
  json->comma = false;
}

void ls__json_close(ls__json *json, char bracket) {
  fputc(bracket, json->out);
  json->comma = true;
}

void ls__json_string(ls__json *json, const char *key, const char *text) {
  begin(json, key);
  if (text == NULL)
    fputs("null", json->out);
  else
    put_string(json->out, text);
}

void ls__json_number(ls__json *json, const char *key, double x) {
  begin(json, key);
  if (!isfinite(x)) {
    fputs("null", json->out);
    return;
  }
  ls__number_locale locale = ls__number_begin();
  fprintf(json->out, "%.9g", x);
  ls__number_end(&locale);
}

void ls__json_exact(ls__json *json, const char *key, double x) {
  char text[LS__NUMBER_TEXT] = "null";
  if (isfinite(x)) ls__number_format(x, text);
  begin(json, key);
  fputs(text, json->out);
}

void ls__json_whole(ls__json *json, const char *key, uint64_t x) {
  begin(json, key);
  fprintf(json->out, "%" PRIu64, x);
}

void ls__json_integer(ls__json *json, const char *key, int64_t x) {
  begin(json, key);
  fprintf(json->out, "%" PRId64, x);
}

void ls__json_bool(ls__json *json, const char *key, bool x) {
  begin(json, key);
  fputs(x ? "true" : "false", json->out);
}

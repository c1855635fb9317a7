/* Wrapping text into columns, and making it fit for a terminal. */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

enum { CELLS = 8 };

static bool begins_code_point(char c) {
  return ((unsigned char)c & 0xC0) != 0x80;
}

size_t ls__text_width(const char *text) {
  size_t width = 0;
  for (; *text != '\0'; text++) width += begins_code_point(*text);
  return width;
}

/* ---- Letters ---- */

size_t ls__text_letter_in(const char *text, size_t size) {
  const unsigned char *p = (const unsigned char *)text;
  size_t n = 0;
  if (p[0] < 0x80)
    n = 1;
  else if (p[0] >= 0xC2 && p[0] < 0xE0)
    n = 2;
  else if (p[0] >= 0xE0 && p[0] < 0xF0)
    n = 3;
  else if (p[0] >= 0xF0 && p[0] < 0xF5)
    n = 4;
  if (n > size) return 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xC0) != 0x80) return 0;
  if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
      (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
    return 0;
  return n;
}

size_t ls__text_letter(const char *text) {
  return ls__text_letter_in(text, SIZE_MAX); /* its closing zero continues no letter */
}

/* Letters of at most three bytes reach as far as what is escaped. */
static unsigned code_point(const char *text, size_t n) {
  const unsigned char *p = (const unsigned char *)text;
  if (n == 2) return (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU);
  if (n == 3) return (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
  return p[0];
}

/* C0, DEL, C1; ends of lines and paragraphs, and marks that turn the direction (Unicode 9.0
 * bidi). */
static bool is_control(unsigned c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

enum { SHOWN = 8 }; /* bytes of what is shown for one letter */

/* What is shown for the letter at `text`; its own bytes are added to *used.  The bytes shown. */
static size_t show_one(const char *text, size_t *used, char shown[SHOWN]) {
  const size_t n = ls__text_letter(text);
  *used += n > 0 ? n : 1;
  if (n == 0) {
    memcpy(shown, "\xEF\xBF\xBD", 4);
    return 3;
  }
  const unsigned c = n < 4 ? code_point(text, n) : 0x10000;
  if (!is_control(c)) {
    memcpy(shown, text, n);
    return n;
  }
  const char *const plain = "\n\r\t", *at = c < 0x80 ? strchr(plain, (int)c) : NULL;
  if (at != NULL) return (size_t)snprintf(shown, SHOWN, "\\%c", "nrt"[at - plain]);
  return (size_t)snprintf(shown, SHOWN, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
}

/* An escape is as many letters as it shows. */
static size_t letters_of(const char *shown, size_t bytes) {
  return *shown == '\\' ? bytes : 1;
}

size_t ls__text_show(const char *text, size_t most, char *to, size_t bytes) {
  size_t letters = 0, filled = 0;
  LS_ASSERT(bytes > 0);
  for (size_t at = 0; text[at] != '\0';) {
    char shown[SHOWN];
    const size_t n = show_one(text + at, &at, shown), wide = letters_of(shown, n);
    if (letters + wide > most || filled + n >= bytes) break;
    memcpy(to + filled, shown, n);
    filled += n;
    letters += wide;
  }
  to[filled] = '\0';
  return letters;
}

/* At most `most` letters to `out`; NULL: they are counted. */
static size_t put(FILE *out, const char *text, size_t most) {
  size_t letters = 0;
  for (size_t at = 0; text[at] != '\0';) {
    char shown[SHOWN];
    const size_t n = show_one(text + at, &at, shown), wide = letters_of(shown, n);
    if (letters + wide > most) break;
    if (out != NULL) fwrite(shown, 1, n, out);
    letters += wide;
  }
  return letters;
}

void ls__text_put(FILE *out, const char *text) {
  (void)put(out, text, SIZE_MAX);
}

void ls__text_cell(FILE *out, const char *text, int width, size_t most) {
  const int letters = (int)put(NULL, text, most);
  if (width < 0 && -width > letters) fprintf(out, "%*s", -width - letters, "");
  (void)put(out, text, most);
  if (width > letters) fprintf(out, "%*s", width - letters, "");
}

/* ---- Columns ---- */

/* The bytes of the first line of at most `width` code points; *rest is what the next one begins
 * with. */
static size_t first_line(const char *text, size_t width, const char **rest) {
  size_t bytes = 0, used = 0, end = 0; /* end: of the last word that fits */
  bool fits = false;
  for (; text[bytes] != '\0' && text[bytes] != '\n'; bytes++) {
    used += begins_code_point(text[bytes]);
    if (text[bytes] == ' ' && bytes > 0 && text[bytes - 1] != ' ' && used <= width + 1) {
      end = bytes;
      fits = true;
    }
    if (text[bytes] == '|' && bytes > 0 && text[bytes - 1] != ' ' && used <= width) {
      end = bytes + 1;
      fits = true;
    }
    if (used > width && (fits || text[bytes] == ' ')) break;
  }
  if (text[bytes] == '\0' || text[bytes] == '\n') {
    if (used <= width || !fits) end = bytes;
  } else if (!fits) {
    end = bytes;
  }
  *rest = text + end;
  if (**rest == '\n' && end == bytes) {
    ++*rest;
  } else {
    while (**rest == ' ') ++*rest;
  }
  return end;
}

void ls__text_row(FILE *out, size_t indent, size_t n, const size_t *width,
                  const char *const *cell) {
  const char *at[CELLS];
  bool more = true;
  LS_ASSERT(n <= CELLS);
  for (size_t i = 0; i < n; i++) at[i] = cell[i];
  while (more) {
    size_t column = 0, start = indent;
    more = false;
    for (size_t i = 0; i < n; i++) {
      const char *line = at[i];
      size_t bytes = first_line(line, width[i], &at[i]);
      if (bytes > 0) {
        size_t gap = start > column ? start - column : column > 0 ? 1 : 0;
        fprintf(out, "%*s%.*s", (int)gap, "", (int)bytes, line);
        column += gap;
        for (size_t b = 0; b < bytes; b++) column += begins_code_point(line[b]);
      }
      more = more || *at[i] != '\0';
      start += width[i] + 2;
    }
    fputc('\n', out);
  }
}

void ls__text_paragraph(FILE *out, size_t indent, const char *text) {
  const size_t width = LS__TEXT_COLUMNS - indent;
  ls__text_row(out, indent, 1, &width, &text);
}

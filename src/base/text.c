/* Wrapping text into columns. */
#include "base/text.h"

#include <stdbool.h>

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

/* Bytes of the first line of at most `width` code points; *rest is where the next one begins. */
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

void ls__text_row(FILE *out, size_t indent, size_t n, const size_t *width, const char *const *cell) {
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

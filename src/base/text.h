/* Text for people: in columns that wrap, without what a terminal would obey.  Widths count code
 * points. */
#ifndef LS_BASE_TEXT_H
#define LS_BASE_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* The widest line of help. */
enum { LS__TEXT_COLUMNS = 100 };

size_t ls__text_width(const char *text);

/* Bytes of the UTF-8 letter that the text begins with (RFC 3629); 0: it begins with none. */
size_t ls__text_letter(const char *text);
/* The same of `size` bytes, at least 1. */
size_t ls__text_letter_in(const char *text, size_t size);

/* Text that came from a file, made fit for a terminal and for one line: control characters and
 * those that turn the direction of writing become escapes (\n, \x1b, \u202e), what is no UTF-8
 * U+FFFD.  At most `most` letters, and what fits into `bytes` with its closing zero, whole letters
 * and escapes.  Returns the letters. */
size_t ls__text_show(const char *text, size_t most, char *to, size_t bytes);

/* The same to a file, whole. */
void ls__text_put(FILE *out, const char *text);

/* The same, at most `most` letters, in a column `width` wide: to its left; negative: to its
 * right. */
void ls__text_cell(FILE *out, const char *text, int width, size_t most);

/* n cells side by side, two spaces apart: cell i wraps within width[i], at spaces and behind "|".
 * A newline in a cell begins a line of it.  A word that is wider than its cell is not cut. */
void ls__text_row(FILE *out, size_t indent, size_t n, const size_t *width, const char *const *cell);

/* One cell, from the indent to LS__TEXT_COLUMNS. */
void ls__text_paragraph(FILE *out, size_t indent, const char *text);

#endif

/* Text for people, in columns that wrap.  Widths count code points. */
#ifndef LS_BASE_TEXT_H
#define LS_BASE_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* The widest line of help. */
enum { LS__TEXT_COLUMNS = 100 };

size_t ls__text_width(const char *text);

/* n cells side by side, two spaces apart: cell i wraps within width[i], at spaces and after "|".
 * A newline begins a new line of the cell.  A word that is wider than its cell is not cut. */
void ls__text_row(FILE *out, size_t indent, size_t n, const size_t *width, const char *const *cell);

/* One cell, from the indent to LS__TEXT_COLUMNS. */
void ls__text_paragraph(FILE *out, size_t indent, const char *text);

#endif

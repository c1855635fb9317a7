/* What is said of a table: lines for standard error, and its texts in them. */
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "convert/csv.h"

/* Copy whole letters, as many as there is room for. */
static void copy_letters(const char *text, char *to, size_t bytes) {
  size_t used = 0, size = strlen(text);
  for (size_t at = 0, n; at < size; at += n) {
    n = ls__text_letter_in(text + at, size - at);
    const unsigned char c = (unsigned char)text[at];
    const bool control = n == 0 || c < 32 || c == 127 ||
                         (n == 2 && c == 0xC2 && (unsigned char)text[at + 1] < 0xA0);
    if (used + (control ? 1 : n) >= bytes) break;
    if (control)
      to[used++] = '?';
    else
      for (size_t i = 0; i < n; i++) to[used++] = text[at + i];
    if (n == 0) n = 1;
  }
  to[used] = '\0';
}

const char *ls__csv_show(const char *text, char to[LS__CSV_SHOWN]) {
  copy_letters(text, to, LS__CSV_SHOWN);
  return to;
}

void ls__csv_note(ls__csv_notes *notes, bool warning, const char *format, ...) {
  char text[1024], clean[sizeof text];
  va_list args;
  if (notes == NULL) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  size_t at = notes->n;
  if (notes->n == LS__CSV_NOTES) {
    notes->more++;
    if (!warning) return;
    for (at = LS__CSV_NOTES; at > 0 && notes->warning[at - 1];) at--;
    if (at == 0) return;
    ls__free(notes->text[--at]); /* a warning takes the place of something that is none */
    notes->n--;
  }
  copy_letters(text, clean, sizeof clean);
  notes->text[at] = ls__strdup(clean); /* NULL: what is said is no reason to fail */
  notes->warning[at] = warning;
  notes->n++;
}

void ls__csv_tell(ls__csv_notes *notes, bool all) {
  for (size_t i = 0; i < notes->n; i++)
    if (notes->text[i] != NULL && (all || notes->warning[i]))
      fprintf(stderr, "convert: %s%s\n", notes->warning[i] ? "warning: " : "", notes->text[i]);
  if (all && notes->more > 0)
    fprintf(stderr, "convert: %zu more lines of this kind are not shown\n", notes->more);
}

void ls__csv_notes_reset(ls__csv_notes *notes) {
  for (size_t i = 0; i < notes->n; i++) ls__free(notes->text[i]);
  memset(notes, 0, sizeof *notes);
}

/* Numbers as text, the same under every locale: strtod and printf follow the locale of the program
 * that calls the library, and would read 0.5 as 0 where people write 0,5. */
#ifndef LS_BASE_NUMBER_H
#define LS_BASE_NUMBER_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

/* Between the two, this thread reads and writes numbers with a point. */
typedef struct ls__number_locale {
  locale_t mine, before;
} ls__number_locale;
ls__number_locale ls__number_begin(void);
void ls__number_end(ls__number_locale *locale);

/* Whole text to a number: decimal digits, point, exponent; no hexadecimal, no names of infinity.
 * False when the text is anything else.  Overflow gives an infinity. */
bool ls__number_parse(const char *text, double *x);

/* The shortest of %.15g, %.16g and %.17g that reads back as x. */
enum { LS__NUMBER_TEXT = 40 };
void ls__number_format(double x, char text[LS__NUMBER_TEXT]);
/* The fewest of 6 to 9 digits that read back as the float x, fast, as %g writes them, but from 1e6
 * up to 1e9 without an exponent; "NaN", "inf", "-inf".  Returns its bytes. */
size_t ls__number_format_float(float x, char text[LS__NUMBER_TEXT]);

#endif

/* How far two names are apart, for guessing what a misspelt one was meant to be. */
#ifndef LS_BASE_DISTANCE_H
#define LS_BASE_DISTANCE_H

#include <stddef.h>

/* Fewest insertions, deletions, replacements and swaps of neighbours that turn a, of n bytes, into
 * b, of m (optimal string alignment).  SIZE_MAX where one is longer than LS__LONGEST_NAME. */
enum { LS__LONGEST_NAME = 256 };
size_t ls__distance(const char *a, size_t n, const char *b, size_t m);

#endif

/* Patterns of names (match.h). */
#include "base/match.h"

#include <stddef.h>

/* The first n characters of the name.  At a difference the last star takes one more: stars before it
 * need not be looked at again. */
static bool match_first(const char *pattern, const char *name, size_t n) {
  const char *star = NULL;
  size_t i = 0, taken = 0;
  while (i < n) {
    if (*pattern == '*') {
      star = pattern++;
      taken = i;
    } else if (*pattern == '?' || *pattern == name[i]) { /* the zero at its end is in no name */
      pattern++;
      i++;
    } else if (star != NULL) {
      pattern = star + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  while (*pattern == '*') pattern++;
  return *pattern == '\0';
}

bool ls__match(const char *pattern, const char *name) {
  for (size_t n = 0;; n++) {
    if ((name[n] == '/' || name[n] == '\0') && match_first(pattern, name, n)) return true;
    if (name[n] == '\0') return false;
  }
}

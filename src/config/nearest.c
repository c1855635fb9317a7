/* Guessing what a misspelt name was meant to be. */
#include "config/nearest.h"

#include <string.h>

#include "base/distance.h"

enum { LONGEST = 64 };

const char *ls__config_nearest(const char *name, const char *const *names, size_t n) {
  const char *nearest = ls__config_synonym(name, names, n);
  if (nearest != NULL) return nearest;
  const size_t length = strlen(name);
  size_t least = length / 3 + 2; /* with more edits than that it is another word */
  if (length > LONGEST) return NULL;
  for (size_t i = 0; i < n; i++) {
    const size_t distance = ls__distance(name, length, names[i], strlen(names[i]));
    if (distance >= least) continue;
    least = distance;
    nearest = names[i];
  }
  return nearest;
}

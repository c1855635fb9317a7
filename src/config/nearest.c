/* Edit distance, for guessing what a misspelt name was meant to be. */
#include "config/nearest.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST = 64 };

/* Fewest insertions, deletions, replacements and swaps of neighbours that turn a into b
 * (optimal string alignment).  Row i of the table needs the two rows above it. */
static size_t edit_distance(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b);
  size_t row[3][LONGEST + 1];
  if (n > LONGEST || m > LONGEST) return SIZE_MAX;
  for (size_t j = 0; j <= m; j++) row[0][j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t *now = row[i % 3], *above = row[(i + 2) % 3], *above2 = row[(i + 1) % 3];
    now[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
      if (above[j] + 1 < best) best = above[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          above2[j - 2] + 1 < best)
        best = above2[j - 2] + 1;
      now[j] = best;
    }
  }
  return row[n % 3][m];
}

const char *ls__config_nearest(const char *name, const char *const *names, size_t n) {
  const char *nearest = ls__config_synonym(name, names, n);
  if (nearest != NULL) return nearest;
  size_t least = strlen(name) / 3 + 2; /* with more edits than that it is another word */
  for (size_t i = 0; i < n; i++) {
    size_t distance = edit_distance(name, names[i]);
    if (distance >= least) continue;
    least = distance;
    nearest = names[i];
  }
  return nearest;
}

/* Edit distance (distance.h). */
#include "base/distance.h"

#include <stdint.h>

/* Row i of the table needs the two rows above it. */
size_t ls__distance(const char *a, size_t n, const char *b, size_t m) {
  size_t row[3][LS__LONGEST_NAME + 1];
  if (n > LS__LONGEST_NAME || m > LS__LONGEST_NAME) return SIZE_MAX;
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

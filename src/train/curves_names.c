/* What runs are called in a legend: what their paths do not have in common (curves.h). */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "train/curves.h"

enum { MOST_LETTERS = 44 };

/* Bytes that all paths begin with, up to behind a slash. */
static size_t common_beginning(const char *const *path, size_t n) {
  size_t same = 0;
  for (size_t i = 0; path[0][i] != '\0'; i++) {
    for (size_t r = 1; r < n; r++)
      if (path[r][i] != path[0][i]) return same;
    if (path[0][i] == '/') same = i + 1;
  }
  return same;
}

/* Bytes that all end with, from a slash on. */
static size_t common_end(const char *const *path, size_t n) {
  size_t same = 0;
  for (size_t i = 1; i <= strlen(path[0]); i++) {
    const char c = path[0][strlen(path[0]) - i];
    for (size_t r = 1; r < n; r++)
      if (i > strlen(path[r]) || path[r][strlen(path[r]) - i] != c) return same;
    if (c == '/') same = i;
  }
  return same;
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

ls_status ls__curves_names(const char *const *runs, size_t n, char ***names) {
  ls_status st = LS_OK;
  char **name = NULL;
  LS_TRY(ls__alloc(&name, n, sizeof *name, "names of runs"));
  *names = name;
  for (size_t r = 0; r < n; r++) {
    const size_t size = strlen(runs[r]);
    LS_TRY(ls__alloc(&name[r], (size > 256 ? size : 256) + 1, 1, "names of runs"));
    memcpy(name[r], runs[r], size + 1);
    for (size_t k = size; k > 1 && name[r][k - 1] == '/'; k--) name[r][k - 1] = '\0';
  }
  const size_t begin = common_beginning((const char *const *)name, n),
               end = common_end((const char *const *)name, n);
  for (size_t r = 0; r < n; r++) {
    char shown[256];
    const size_t size = strlen(name[r]);
    if (begin + end < size && size - end > begin) {
      name[r][size - end] = '\0';
      ls__script_shorten(name[r] + begin, MOST_LETTERS, shown, sizeof shown);
    } else {
      ls__script_shorten(last_part(name[r]), MOST_LETTERS, shown, sizeof shown);
    }
    memcpy(name[r], shown, sizeof shown);
  }
out:
  return st;
}

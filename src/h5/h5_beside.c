/* Files that a file names: where HDF5 looks for them. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "h5/h5_inside.h"

void ls__h5_folder(const char *path, char *folder, size_t bytes) {
  const char *slash = strrchr(path, '/');
  snprintf(folder, bytes, "%.*s",
           slash == NULL   ? 1
           : slash == path ? 1
                           : (int)(slash - path),
           slash == NULL ? "." : path);
}

/* Whether it is at `path`.  A place that can't be looked at is passed over as HDF5 passes over it,
 * and remembered. */
static bool is_at(const char *path, ls_status *unknown) {
  ls__file_kind kind;
  const ls_status st = ls__file_look(path, &kind);
  if (st != LS_OK) *unknown = st;
  return st == LS_OK && kind != LS__FILE_NONE;
}

static bool in_prefixes(const char *of, const char *prefix, const char *name,
                        char path[LS__FILE_PATH], ls_status *unknown) {
  static const char origin[] = "${ORIGIN}";
  char folder[1024];
  while (prefix != NULL && prefix[0] != '\0') {
    const size_t n = strcspn(prefix, ":");
    ls__h5_folder(of, folder, sizeof folder);
    if (strncmp(prefix, origin, sizeof origin - 1) == 0)
      snprintf(path, 4096, "%s%.*s/%s", folder, (int)(n - (sizeof origin - 1)),
               prefix + sizeof origin - 1, name);
    else
      snprintf(path, 4096, "%.*s/%s", (int)n, prefix, name);
    if (is_at(path, unknown)) return true;
    prefix += n + (prefix[n] == ':');
  }
  return false;
}

ls_status ls__h5_beside(const char *of, const char *variable, const char *name,
                        char path[LS__FILE_PATH], bool *there) {
  char folder[1024], real[LS__FILE_PATH];
  ls_status unknown = LS_OK;
  *there = true;
  if (name[0] == '/') {
    snprintf(path, 4096, "%s", name);
    if (is_at(path, &unknown)) return LS_OK;
    name = strrchr(name, '/') + 1; /* then its last part, as any other */
  }
  if (in_prefixes(of, getenv(variable), name, path, &unknown)) return LS_OK;
  ls__h5_folder(of, folder, sizeof folder);
  snprintf(path, 4096, "%s/%s", folder, name);
  if (is_at(path, &unknown)) return LS_OK;
  snprintf(path, 4096, "%s", name);
  if (is_at(path, &unknown)) return LS_OK;
  const ssize_t n = readlink(of, real, sizeof real - 1);
  if (n > 0) {
    real[n] = '\0';
    ls__h5_folder(real, folder, sizeof folder);
    snprintf(path, 4096, "%s/%s", folder, name);
    if (is_at(path, &unknown)) return LS_OK;
  }
  *there = false;
  return unknown;
}

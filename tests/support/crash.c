/* For tests: a library that is loaded in front of HDF5 (LD_PRELOAD), so that opening a file whose
 * path ends like $CRASH_PATH crashes, as HDF5 does by itself on a few damaged files. */
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* As hdf5.h has it since 1.10: identifiers are of 64 bits. */
int64_t H5Fopen(const char *name, unsigned flags, int64_t access);

int64_t H5Fopen(const char *name, unsigned flags, int64_t access) {
  static int64_t (*next)(const char *, unsigned, int64_t) = NULL;
  const char *end = getenv("CRASH_PATH");
  const size_t n = strlen(name), k = end == NULL ? 0 : strlen(end);
  if (end != NULL && n >= k && strcmp(name + n - k, end) == 0) (void)raise(SIGSEGV);
  if (next == NULL) {
    void *found = dlsym(RTLD_NEXT, "H5Fopen");
    memcpy(&next, &found, sizeof next);
  }
  return next(name, flags, access);
}

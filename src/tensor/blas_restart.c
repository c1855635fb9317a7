/* Executing the program again, so that OpenBLAS is loaded with the right kernels. */
#include <lockstep/blas.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

#include "base/file.h"
#include "tensor/blas.h"

/* Whether what is executed is this program: not where the dynamic loader was told to run it. */
static bool runs_itself(void) {
#if defined(__linux__)
  return getauxval(AT_BASE) != 0;
#else
  return false;
#endif
}

/* By its own name: as /proc/self/exe the process would be listed as "exe".  Returns where it can't
 * be done. */
static void execute_with(const char *name, const char *value, char *const argv[]) {
  char path[LS__FILE_PATH];
  const char *had = getenv(name);
  char before[64] = "";
  if (had != NULL) snprintf(before, sizeof before, "%s", had);
  if (setenv(name, value, 1) != 0) return;
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n > 0) {
    path[n] = '\0';
    (void)execv(path, argv);
  }
  if (had != NULL)
    (void)setenv(name, before, 1);
  else
    (void)unsetenv(name);
}

void ls_blas_restart(char *const argv[]) {
  if (getenv("OPENBLAS_CORETYPE") != NULL || argv == NULL || argv[0] == NULL || !runs_itself())
    return;
  const char *core = ls__blas_better_core();
  if (core != NULL) execute_with("OPENBLAS_CORETYPE", core, argv);
}

static bool is_limited(int resource) {
  struct rlimit limit;
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

void ls_blas_one_thread(char *const argv[]) {
  static const char *const name = "OPENBLAS_NUM_THREADS";
  const char *said = getenv(name);
  if ((said != NULL && strcmp(said, "1") == 0) || argv == NULL || argv[0] == NULL || !runs_itself())
    return;
  bool limited = is_limited(RLIMIT_DATA);
#if defined(RLIMIT_AS)
  limited = limited || is_limited(RLIMIT_AS);
#endif
  if (limited) execute_with(name, "1", argv);
}

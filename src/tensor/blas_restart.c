/* Executing the program again, so that OpenBLAS is loaded with the right kernels. */
#include <lockstep/blas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

#include "tensor/blas.h"

/* Whether what is executed is this program: not where the dynamic loader was told to run it. */
static bool runs_itself(void) {
#if defined(__linux__)
  return getauxval(AT_BASE) != 0;
#else
  return false;
#endif
}

void ls_blas_restart(char *const argv[]) {
  if (getenv("OPENBLAS_CORETYPE") != NULL || argv == NULL || argv[0] == NULL || !runs_itself())
    return;
  const char *core = ls__blas_better_core();
  if (core == NULL || setenv("OPENBLAS_CORETYPE", core, 1) != 0) return;
  /* By its own name: as /proc/self/exe the process would be listed as "exe". */
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n > 0) {
    path[n] = '\0';
    (void)execv(path, argv);
  }
  (void)unsetenv("OPENBLAS_CORETYPE");
}

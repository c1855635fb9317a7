/* Subcommands that are scripts: where those lie, and becoming one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { LONGEST = 4096 };

#ifndef LOCKSTEP_TO_SCRIPTS /* from the program's folder, once it is installed */
#define LOCKSTEP_TO_SCRIPTS "../share/lockstep/scripts"
#endif

/* The folder that the program's file is in, links followed. */
static bool own_folder(char path[LONGEST]) {
  const ssize_t n = readlink("/proc/self/exe", path, LONGEST - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  char *slash = strrchr(path, '/');
  if (slash == NULL) return false;
  *slash = '\0';
  return true;
}

/* The script of this name: in an installed tree, wherever it has been moved to, else in that which
 * the program was built from.  *path is the caller's to free; NULL: there is none. */
static char *find(const char *name) {
  static const char *const places[] = {LOCKSTEP_TO_SCRIPTS, "scripts"};
  char folder[LONGEST], tried[2 * LONGEST];
  if (!own_folder(folder)) return NULL;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(tried, sizeof tried, "%s/%s/%s", folder, places[i], name);
    if (access(tried, R_OK) == 0) return strdup(tried);
  }
  return NULL;
}

/* Tell the script which program to run: the one that was called. */
static bool tell_program(void) {
  char path[LONGEST];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  return setenv("LOCKSTEP", path, 1) == 0;
}

ls_status cli_become_script(const cli *c, const char *name, char *const *arguments, size_t n) {
  const char *rank = getenv("PMIX_RANK"); /* of mpirun and of srun */
  if (rank != NULL && strcmp(rank, "0") != 0) {
    sleep(5); /* rank 0 says it; mpirun ends all with the first that fails */
    return LS_EUSAGE;
  }
  if (rank != NULL) return usage_says("%s starts mpirun by itself: call it without one", c->name);
  char *path = find(name);
  if (path == NULL)
    return usage_says("%s: the script %s is not beside this program, where cmake --install puts it "
                      "(%s)",
                      c->name, name, LOCKSTEP_TO_SCRIPTS);
  char **argv = calloc(n + 3, sizeof *argv);
  static char bash[] = "bash";
  ls_status st = argv == NULL || !tell_program() ? LS_ENOMEM : LS_OK;
  if (st == LS_OK) {
    argv[0] = bash;
    argv[1] = path;
    for (size_t i = 0; i < n; i++) argv[i + 2] = arguments[i];
    (void)execvp(bash, argv);
    st = ls_fail(LS_EIO, "%s: bash can't be started: %s", c->name, strerror(errno));
  } else
    st = ls_fail(st, "%s: out of memory", c->name);
  free(argv);
  free(path);
  return st;
}

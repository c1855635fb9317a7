/* What MPI tests share: a failed check ends all ranks; a folder for files. */
#ifndef MPI_CHECK_H
#define MPI_CHECK_H

#include <lockstep/status.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(what)                                                                             \
  do {                                                                                         \
    ls_status must = (what);                                                                   \
    if (must != LS_OK) {                                                                       \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, ls_error_message());       \
      MPI_Abort(MPI_COMM_WORLD, 1);                                                            \
    }                                                                                          \
  } while (0)
#define CHECK(what)                                                                            \
  do {                                                                                         \
    if (!(what)) {                                                                             \
      fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #what);                      \
      MPI_Abort(MPI_COMM_WORLD, 1);                                                            \
    }                                                                                          \
  } while (0)

/* A folder that all ranks see.  Collective over MPI_COMM_WORLD. */
static inline void make_folder(char *folder, size_t bytes, int rank) {
  const char *tmp = getenv("TMPDIR");
  snprintf(folder, bytes, "%s/lockstep-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
  if (rank == 0) CHECK(mkdtemp(folder) != NULL);
  MPI_Bcast(folder, (int)bytes, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static inline void remove_folder(const char *folder, int rank) {
  char command[600];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (rank == 0) CHECK(system(command) == 0);
}

#endif

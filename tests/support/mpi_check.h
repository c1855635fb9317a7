/* What MPI tests share: a failed check ends all ranks; a status that all must have; a folder for
 * files, and a dataset. */
#ifndef MPI_CHECK_H
#define MPI_CHECK_H

#include <lockstep/status.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "h5/h5.h"

#define MUST(what)                                                                       \
  do {                                                                                   \
    ls_status must = (what);                                                             \
    if (must != LS_OK) {                                                                 \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, ls_error_message()); \
      MPI_Abort(MPI_COMM_WORLD, 1);                                                      \
    }                                                                                    \
  } while (0)
#define CHECK(what)                                                       \
  do {                                                                    \
    if (!(what)) {                                                        \
      fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #what); \
      MPI_Abort(MPI_COMM_WORLD, 1);                                       \
    }                                                                     \
  } while (0)

/* Both status and message must be the same on all ranks.  Collective over MPI_COMM_WORLD. */
static inline void same_everywhere(const char *what, ls_status st) {
  struct {
    int status;
    char message[1024];
  } mine, first;
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  memset(&mine, 0, sizeof mine);
  mine.status = (int)st;
  if (st != LS_OK) snprintf(mine.message, sizeof mine.message, "%s", ls_error_message());
  first = mine;
  MPI_Bcast(&first, sizeof first, MPI_BYTE, 0, MPI_COMM_WORLD);
  if (first.status == mine.status && strcmp(first.message, mine.message) == 0) return;
  fprintf(stderr, "%s: rank %d has status %d \"%s\", rank 0 %d \"%s\"\n", what, rank, mine.status,
          mine.message, first.status, first.message);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* A folder that all ranks see.  Collective over MPI_COMM_WORLD. */
static inline void make_folder(char *folder, size_t bytes, int rank) {
  const char *tmp = getenv("TMPDIR");
  snprintf(folder, bytes, "%s/lockstep-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
  if (rank == 0) CHECK(mkdtemp(folder) != NULL);
  MPI_Bcast(folder, (int)bytes, MPI_CHAR, 0, MPI_COMM_WORLD);
}

/* FOLDER/data.h5: n normal samples, and their classes as class_of tells them from number and x. */
static inline void make_classes(const char *folder, size_t n, size_t inputs,
                                int32_t (*class_of)(size_t i, const float *x)) {
  const ls_shape row = {1, {inputs}}, scalar = {0, {0}};
  const ls__rng rng = ls__rng_key(4, LS__RNG_TEST, 0, 0);
  char path[300];
  ls__h5 *file = NULL;
  float *x = malloc(n * inputs * sizeof *x);
  int32_t *y = malloc(n * sizeof *y);
  CHECK(x != NULL && y != NULL);
  for (size_t i = 0; i < n * inputs; i++) x[i] = (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < n; i++) y[i] = class_of(i, x + i * inputs);
  snprintf(path, sizeof path, "%s/data.h5", folder);
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_dataset(file, "/train/x", LS__F32, n, &row, 32, 0));
  MUST(ls__h5_write_rows(file, "/train/x", 0, n, LS__F32, x));
  MUST(ls__h5_dataset(file, "/train/y", LS__I32, n, &scalar, 32, 0));
  MUST(ls__h5_write_rows(file, "/train/y", 0, n, LS__I32, y));
  MUST(ls__h5_commit(file));
  free(x);
  free(y);
}

static inline void remove_folder(const char *folder, int rank) {
  char command[600];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (rank == 0) CHECK(system(command) == 0);
}

#endif

/* Ranks that crash as if HDF5 did, while the others wait for them.
 *
 *   hdf5_crash VICTIM      a rank, or all */
#include <lockstep/crash_guard.h>
#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "h5/h5_guard.h"

int main(int argc, char **argv) {
  int rank = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  ls_crash_guard_install(rank);
  if (argc == 2 && (strcmp(argv[1], "all") == 0 || atoi(argv[1]) == rank)) {
    volatile int *volatile nowhere = (volatile int *)(uintptr_t)64;
    ls__h5_enter_path("bad.h5", false);
    *nowhere = 1;
  }
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Finalize();
  return 0;
}

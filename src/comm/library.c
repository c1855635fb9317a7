/* The name and version of the MPI library. */
#include <mpi.h>
#include <string.h>

#include "comm/comm.h"

const char *ls__comm_library(void) {
  static char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int n = 0;
  if (text[0] == '\0') {
    MPI_Get_library_version(text, &n); /* allowed before MPI_Init */
    text[strcspn(text, ",\n")] = '\0'; /* "Open MPI v4.1.4, package: ..." */
  }
  return text;
}

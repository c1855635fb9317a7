/* What the exchange is compared with: blocking MPI_Allreduce, and plain messages between nodes. */
#include "comm/measure.h"

#include "comm/comm_internal.h"

void ls__measure_begin(ls_comm *comm) {
  if (comm != NULL) ls__blocking_begin(&comm->measuring, comm, "MPI_Allreduce of all ranks");
}

void ls__measure_end(ls_comm *comm) {
  if (comm != NULL) ls__blocking_end(&comm->measuring);
}

ls_status ls__measure_allreduce(ls_comm *comm, float *x, size_t n) {
  ls_status st = LS_OK;
  if (comm == NULL || comm->size == 1) return LS_OK;
  while (n > 0) {
    ls__blocking_touch(&comm->measuring);
    size_t most = comm->message_bytes / sizeof *x, piece = n < most ? n : most;
    LS_TRY(ls__mpi_status(MPI_Allreduce(MPI_IN_PLACE, x, (int)piece, MPI_FLOAT, MPI_SUM, comm->mpi),
                          "MPI_Allreduce"));
    x += piece;
    n -= piece;
  }
out:
  return st;
}

ls_status ls__measure_pass(ls_comm *comm, const void *out, void *in, size_t n) {
  if (comm == NULL || comm->nodes == 1 || comm->lead_mpi == MPI_COMM_NULL) return LS_OK;
  const char *from = out;
  char *to = in;
  const char *what = "a message of the measurement";
  int next = (comm->node + 1) % comm->nodes, before = (comm->node + comm->nodes - 1) % comm->nodes;
  while (n > 0) {
    size_t piece = n < comm->message_bytes ? n : comm->message_bytes;
    MPI_Request request[2];
    ls__mpi_must(comm, MPI_Irecv(to, (int)piece, MPI_BYTE, before, 0, comm->lead_mpi, &request[0]),
                 what);
    ls__mpi_must(comm, MPI_Isend(from, (int)piece, MPI_BYTE, next, 0, comm->lead_mpi, &request[1]),
                 what);
    ls__wait_requests(comm, 2, request, what);
    from += piece;
    to += piece;
    n -= piece;
  }
  return LS_OK;
}

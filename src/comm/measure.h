/* What the exchange is measured against: the MPI library's own sum, and the bare network. */
#ifndef LS_COMM_MEASURE_H
#define LS_COMM_MEASURE_H

#include "comm/comm.h"

/* x = the sum of x [n] over all ranks, on every rank, by the library's blocking allreduce.  R0: for
 * measurements only, and between begin and end, which hold the watchdog: a thread that looks on ten
 * times a second.  Collective; begin and end are local. */
void ls__measure_begin(ls_comm *comm);
void ls__measure_end(ls_comm *comm);
LS_CHECKED ls_status ls__measure_allreduce(ls_comm *comm, float *x, size_t n);

/* The first rank of every node sends n bytes to the next node's and receives as many from the node
 * before, at once; the other ranks return.  Collective. */
LS_CHECKED ls_status ls__measure_pass(ls_comm *comm, const void *out, void *in, size_t n);

#endif

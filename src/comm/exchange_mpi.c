/* The exchange "mpi": one MPI_Iallreduce a bucket, started while backward goes on.  Every rank
 * gets all of every sum and updates all parameters.  The order of additions is the library's. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "comm/comm_internal.h"
#include "comm/exchange_internal.h"

typedef struct bucket {
  size_t first, n; /* its requests: one, or more where it is longer than a message may be */
} bucket;

typedef struct state {
  MPI_Comm mpi; /* own, so that the other collectives may run in between */
  bucket *bucket;
  MPI_Request *request;
  size_t progressed; /* buckets before this one are done */
} state;

static size_t floats_a_message(const ls__exchange *x) {
  return x->comm->message_bytes / sizeof(float);
}

static ls_status prepare(ls__exchange *x, state *s) {
  ls_status st = LS_OK;
  size_t requests = 0;
  LS_TRY(ls__alloc(&s->bucket, x->buckets, sizeof *s->bucket, "exchange"));
  for (size_t b = 0; b < x->buckets && x->size > 1; b++) {
    size_t n = ls__exchange_bucket_start(x, b + 1) - ls__exchange_bucket_start(x, b);
    s->bucket[b] = (bucket){requests, (n - 1) / floats_a_message(x) + 1};
    requests += s->bucket[b].n;
  }
  LS_TRY(ls__alloc(&s->request, requests, sizeof *s->request, "exchange"));
  for (size_t i = 0; i < requests; i++) s->request[i] = MPI_REQUEST_NULL;
  if (x->arenas == 0) x->arenas = 1; /* a rank without lanes takes part with zeros */
  LS_TRY(ls__exchange_private_memory(x));
out:
  return st;
}

static ls_status create(ls__exchange *x) {
  ls_status st = LS_OK;
  state *s = ls__calloc(1, sizeof *s);
  x->state = s;
  if (s == NULL) {
    st = ls__fail(LS_ENOMEM, "exchange: out of memory");
  } else {
    s->mpi = MPI_COMM_NULL;
    st = prepare(x, s);
  }
  LS_TRY(ls_comm_agree(x->comm, st));
  if (x->size > 1) {
    ls__blocking call;
    ls__blocking_begin(&call, x->comm, "the other ranks to make a communicator");
    const int code = MPI_Comm_dup(x->comm->mpi, &s->mpi);
    ls__blocking_end(&call);
    LS_TRY(ls__mpi_status(code, "exchange mpi"));
    LS_TRY(ls__mpi_status(MPI_Comm_set_errhandler(s->mpi, MPI_ERRORS_RETURN), "exchange mpi"));
  }
out:
  return st;
}

static void destroy(ls__exchange *x) {
  state *s = x->state;
  if (s != NULL) {
    if (s->mpi != MPI_COMM_NULL) MPI_Comm_free(&s->mpi);
    ls__free(s->request);
    ls__free(s->bucket);
    ls__free(s);
  }
  for (int i = 0; x->arena != NULL && i < x->arenas; i++) ls__free(x->arena[i]);
  ls__free(x->w);
}

static bool owner(const ls__exchange *x, size_t b, int rank, size_t *offset, size_t *n) {
  *offset = ls__exchange_bucket_start(x, b);
  *n = ls__exchange_bucket_start(x, b + 1) - *offset;
  return rank == 0;
}

static void begin(ls__exchange *x) {
  state *s = x->state;
  s->progressed = 0;
  if (x->lane_lo == x->lane_hi) memset(x->arena[0], 0, x->n * sizeof **x->arena);
}

static void ready(ls__exchange *x, size_t b) {
  state *s = x->state;
  float *at = x->arena[0] + ls__exchange_bucket_start(x, b);
  size_t left = ls__exchange_bucket_start(x, b + 1) - ls__exchange_bucket_start(x, b);
  const double start = ls__clock();
  for (size_t i = 0; i < s->bucket[b].n; i++) {
    size_t piece = left < floats_a_message(x) ? left : floats_a_message(x);
    ls__mpi_must(x->comm,
                 MPI_Iallreduce(MPI_IN_PLACE, at, (int)piece, MPI_FLOAT, MPI_SUM, s->mpi,
                                &s->request[s->bucket[b].first + i]),
                 "the sum of gradients");
    at += piece;
    left -= piece;
  }
  x->times.work += ls__clock() - start;
}

static bool reduced(ls__exchange *x, size_t b) {
  state *s = x->state;
  int done = 1;
  if (b >= x->handed) return false; /* not started */
  const double start = ls__clock();
  if (s->bucket[b].n > 0)
    ls__mpi_must(x->comm,
                 MPI_Testall((int)s->bucket[b].n, &s->request[s->bucket[b].first], &done,
                             MPI_STATUSES_IGNORE),
                 "the sum of gradients");
  x->times.work += ls__clock() - start;
  return done != 0;
}

static void progress(ls__exchange *x) {
  state *s = x->state;
  while (s->progressed < x->buckets && reduced(x, s->progressed)) s->progressed++;
}

static void wait(ls__exchange *x, size_t b) {
  state *s = x->state;
  ls__wait_requests(x->comm, s->bucket[b].n, s->request + s->bucket[b].first,
                    "the sum of gradients");
}

static void slice(ls__exchange *x, size_t b, ls__slice *slice) {
  wait(x, b);
  slice->w = x->w + slice->offset;
  slice->g = x->arena[0] + slice->offset;
}

static void updated(ls__exchange *x, size_t b) {
  (void)x; /* every rank has updated all of the bucket by itself */
  (void)b;
}

static void end(ls__exchange *x) {
  for (size_t b = 0; b < x->buckets; b++) wait(x, b);
}

static void settle(ls__exchange *x) {
  (void)x; /* a rank's weights are its own */
}

const ls__exchange_kind ls__exchange_mpi = {
    .tree_order = false,
    .create = create,
    .destroy = destroy,
    .owner = owner,
    .begin = begin,
    .ready = ready,
    .progress = progress,
    .reduced = reduced,
    .slice = slice,
    .updated = updated,
    .end = end,
    .settle = settle,
};

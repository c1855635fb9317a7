/* Norms of weights and directions, tensor by tensor (trust.h). */
#include "train/trust.h"

#include <math.h>

#include "base/alloc.h"
#include "tensor/span.h"

struct ls__trust {
  size_t buckets;
  ls__pieces *pieces; /* with two numbers: squares of weights, of directions */
};

ls_status ls__trust_create(ls_comm *comm, const ls__exchange *exchange, const ls__updater *u,
                           size_t trained, ls__trust **out) {
  ls_status st = LS_OK;
  ls__trust *trust = NULL;
  size_t *cut = NULL;
  *out = NULL;
  ls_status local = ls__alloc(&trust, 1, sizeof *trust, "norms");
  LS_THEN(local, ls__alloc(&cut, u->n_segments, sizeof *cut, "norms"));
  LS_TRY(ls_comm_agree(comm, local));
  trust->buckets = ls__exchange_buckets(exchange);
  for (size_t s = 0; s < u->n_segments; s++) cut[s] = u->segment[s].offset;
  LS_TRY(ls__pieces_create(comm, exchange, trained, cut, u->n_segments, 2, &trust->pieces));
  *out = trust;
  trust = NULL;
out:
  ls__free(cut);
  ls__trust_destroy(trust);
  return st;
}

void ls__trust_destroy(ls__trust *trust) {
  if (trust == NULL) return;
  ls__pieces_destroy(trust->pieces);
  ls__free(trust);
}

/* Where piece k of the segment ends: behind the segment there may be padding. */
static size_t end_of(const size_t *start, size_t k, const ls__segment *segment) {
  const size_t end = segment->offset + segment->n;
  return start[k + 1] < end ? start[k + 1] : end;
}

/* Directions and squares of own pieces, some at a time: the sums find in the cache what has just
 * been written. */
static void measure_own(ls__trust *trust, const ls__updater *u, const ls__update_step *step,
                        const ls__slice *slice) {
  enum { SOME = 8 };
  const size_t *start = ls__pieces_start(trust->pieces);
  double *own = ls__pieces_own(trust->pieces);
  size_t owned = 0;
  const ls__segment *segment = u->segment;
  for (size_t b = 0; b < trust->buckets; owned += slice[b].n, b++) {
    size_t first, n;
    ls__pieces_of_bucket(trust->pieces, b, &first, &n);
    for (size_t k = first, to; k < first + n; k = to) {
      while (segment->offset + segment->n <= start[k]) segment++;
      for (to = k + 1; to < first + n && to - k < SOME; to++)
        if (start[to] >= segment->offset + segment->n) break;
      ls__updater_direction(u, step, segment, &slice[b], owned, start[k],
                            end_of(start, to - 1, segment));
      for (size_t i = k; i < to; i++) {
        const size_t at = start[i] - slice[b].offset, floats = end_of(start, i, segment) - start[i];
        *own++ = ls__span()->sum_squares(slice[b].w + at, floats);
        *own++ = ls__span()->sum_squares(slice[b].g + at, floats);
      }
    }
  }
}

ls_status ls__trust_measure(ls__trust *trust, const ls__updater *u, const ls__update_step *step,
                            const ls__slice *slice) {
  ls_status st = LS_OK;
  const size_t *start = ls__pieces_start(trust->pieces), count = ls__pieces_count(trust->pieces);
  const double *all = NULL;
  measure_own(trust, u, step, slice);
  LS_TRY(ls__pieces_share(trust->pieces, &all));
  for (size_t s = 0, k = 0; s < u->n_segments; s++) {
    ls__segment *segment = &u->segment[s];
    double weights = 0, directions = 0;
    for (; k < count && start[k] < segment->offset + segment->n; k++) {
      weights += all[2 * k];
      directions += all[2 * k + 1];
    }
    segment->trust = segment->adapts ? ls__optimizer_trust(u->optimizer, sqrt(weights),
                                                           sqrt(directions), segment->weight_decay)
                                     : 1;
  }
out:
  return st;
}

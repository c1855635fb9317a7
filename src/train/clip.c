/* The norm of a gradient that is spread over the ranks (clip.h). */
#include "train/clip.h"

#include "base/alloc.h"
#include "tensor/span.h"

struct ls__clip {
  size_t buckets;
  ls__pieces *pieces;
};

ls_status ls__clip_create(ls_comm *comm, const ls__exchange *exchange, size_t trained,
                          ls__clip **out) {
  ls_status st = LS_OK;
  ls__clip *clip = NULL;
  *out = NULL;
  LS_TRY(ls_comm_agree(comm, ls__alloc(&clip, 1, sizeof *clip, "clipping")));
  clip->buckets = ls__exchange_buckets(exchange);
  LS_TRY(ls__pieces_create(comm, exchange, trained, NULL, 0, 1, &clip->pieces));
  *out = clip;
  clip = NULL;
out:
  ls__clip_destroy(clip);
  return st;
}

void ls__clip_destroy(ls__clip *clip) {
  if (clip == NULL) return;
  ls__pieces_destroy(clip->pieces);
  ls__free(clip);
}

ls_status ls__clip_squares(ls__clip *clip, const ls__slice *slice, double *sum) {
  ls_status st = LS_OK;
  const size_t *start = ls__pieces_start(clip->pieces), count = ls__pieces_count(clip->pieces);
  const double *all = NULL;
  double *own = ls__pieces_own(clip->pieces);
  for (size_t b = 0; b < clip->buckets; b++) {
    size_t first, n;
    ls__pieces_of_bucket(clip->pieces, b, &first, &n);
    for (size_t k = first; k < first + n; k++)
      *own++ = ls__span()->sum_squares(slice[b].g + (start[k] - slice[b].offset),
                                       start[k + 1] - start[k]);
  }
  LS_TRY(ls__pieces_share(clip->pieces, &all));
  *sum = 0;
  for (size_t k = 0; k < count; k++) *sum += all[k];
out:
  return st;
}

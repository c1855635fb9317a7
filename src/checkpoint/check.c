/* Whether the numbers of a checkpoint belong together. */
#include <inttypes.h>
#include <math.h>

#include "checkpoint/format.h"
#include "tensor/product.h"

ls_status ls__checkpoint_check(const char *path, const ls__standing *s) {
  ls_status st = LS_OK;
  const uint64_t begun = s->epoch + (s->position > 0 ? 1 : 0);
  if (s->samples == 0 || s->batch == 0 || s->lanes == 0)
    LS_FAIL(LS_ECHECKPOINT,
            "%s: samples, batch and lanes are %" PRIu64 ", %" PRIu64 " and %" PRIu64 ", and none "
            "of them can "
            "be 0",
            path, s->samples, s->batch, s->lanes);
  if (s->lanes > LS__MOST_LANES)
    LS_FAIL(LS_ECHECKPOINT, "%s: lanes is %" PRIu64 ", and there can be %d", path, s->lanes,
            (int)LS__MOST_LANES);
  if (s->position > s->samples)
    LS_FAIL(LS_ECHECKPOINT, "%s: position is %" PRIu64 ", and an epoch has %" PRIu64 " samples",
            path, s->position, s->samples);
  /* Batches may have been smaller before, so there is no bound above. */
  if (s->step < begun)
    LS_FAIL(LS_ECHECKPOINT,
            "%s: step is %" PRIu64 ", and %" PRIu64 " epochs were begun, of at least a step each",
            path, s->step, begun);
  if (s->best_epoch > s->epoch || s->waited > s->epoch)
    LS_FAIL(LS_ECHECKPOINT,
            "%s: best_epoch and waited are %" PRIu64 " and %" PRIu64 ", and %" PRIu64 " epochs are "
            "done",
            path, s->best_epoch, s->waited, s->epoch);
  bool good = isfinite(s->seconds) && s->seconds >= 0 && !isnan(s->best);
  for (size_t i = 0; i < sizeof s->schedule / sizeof *s->schedule; i++)
    good = good && !isnan(s->schedule[i]);
  if (!good) LS_FAIL(LS_ECHECKPOINT, "%s: the attribute standing is damaged", path);
out:
  return st;
}

/* Drawing the part of each row. */
#include "convert/share.h"

#include "base/error.h"

ls__share ls__share_create(const ls_convert_options *options) {
  ls__share share = {ls__rng_key(options->seed, LS__RNG_SPLIT, 0, 0), options->validation,
                     options->test};
  return share;
}

ls_split ls__share_of(const ls__share *share, uint64_t row) {
  if (share->validation <= 0.0 && share->test <= 0.0) return LS_TRAIN;
  double u = (double)ls__rng_uniform(&share->rng, row);
  if (u < share->test) return LS_TEST;
  return u < share->test + share->validation ? LS_VALIDATION : LS_TRAIN;
}

ls_status ls__share_check(const size_t rows[LS__PARTS], const ls_convert_options *options) {
  const double share[LS__PARTS] = {1.0 - options->validation - options->test, options->validation,
                                   options->test};
  size_t all = rows[0] + rows[1] + rows[2];
  for (int p = 0; p < LS__PARTS; p++) {
    if (rows[p] > 0 || share[p] <= 0.0) continue;
    if (all == 0) return ls__fail(LS_EDATA, "%s: no rows of data", options->sources[0]);
    return ls__fail(LS_EDATA,
                    "%s: no row fell to the %s part: %zu rows are too few for a share of %g",
                    options->sources[0], ls__split_name((ls_split)p), all, share[p]);
  }
  return LS_OK;
}

/* What several transforms have in common: draws, intervals, borders, ranges of values (kinds.h). */
#include "augment/kinds.h"
#include "base/number.h"

const char *const ls__fill_names[] = {"zeros", "edge", "reflect", "periodic", NULL};

/* ---- Draws */

float ls__augment_draw(const ls__augment_call *call, unsigned k) {
  LS_ASSERT(k < LS__MOST_DRAWS);
  return ls__rng_uniform(call->rng, call->sample * LS__MOST_DRAWS + k);
}

double ls__augment_between(const ls__augment_call *call, unsigned k, const double interval[2]) {
  return interval[0] + (interval[1] - interval[0]) * (double)ls__augment_draw(call, k);
}

size_t ls__augment_pick(const ls__augment_call *call, unsigned k, size_t n) {
  LS_ASSERT(k < LS__MOST_DRAWS);
  const uint64_t u = ls__rng_u32(call->rng, call->sample * LS__MOST_DRAWS + k);
  return n >> 32 == 0 ? (size_t)(u * n >> 32) : (size_t)(u % n);
}

/* ---- Options */

/* `key: [low, high]` */
static ls_status read_pair(const ls_config *list, double least, double most, double pair[2]) {
  ls_status st = LS_OK;
  if (ls__config_count(list) != 2) LS_REFUSE(list, "must be two numbers, [low, high]");
  for (size_t i = 0; i < 2; i++) {
    const ls_config *item = ls__config_at(list, i);
    double x;
    const bool is = ls__config_kind_of(item) == LS__SCALAR &&
                    ls__number_parse(ls__config_text(item), &x);
    if (!is || !(x >= least && x <= most))
      LS_REFUSE(item, "must be a number from %g to %g", least, most);
    pair[i] = x;
  }
  if (pair[0] > pair[1])
    LS_REFUSE(list, "must be [low, high], and %g is above %g", pair[0], pair[1]);
out:
  return st;
}

ls_status ls__augment_interval(ls_config *map, const char *key, double fallback, double least,
                               double most, double interval[2]) {
  ls_status st = LS_OK;
  const ls_config *node = ls__config_child(map, key);
  double f = 0;
  if (ls__config_kind_of(node) == LS__LIST) return read_pair(node, least, most, interval);
  LS_TRY(ls__config_double(map, key, fallback, 0, most < -least ? most : -least, &f));
  interval[0] = -f;
  interval[1] = f;
out:
  return st;
}

ls_status ls__augment_range(ls_config *map, ls__value_range *range) {
  ls_status st = LS_OK;
  const ls_config *node = ls__config_child(map, "value_range");
  double pair[2] = {1, 0};
  if (node != NULL && ls__config_kind_of(node) != LS__LIST)
    LS_REFUSE(node, "must be two numbers, [low, high]");
  if (node != NULL) LS_TRY(read_pair(node, -1e30, 1e30, pair));
  if (node != NULL && !(pair[0] < pair[1])) LS_REFUSE(node, "is empty: low must be below high");
  *range = (ls__value_range){pair[0], pair[1]};
out:
  return st;
}

bool ls__augment_known(const ls__value_range *range) {
  return range->low < range->high;
}

ls_status ls__augment_need_range(const ls__value_range *given, const ls__value_range *range,
                                 const ls_config *node) {
  if (ls__augment_known(given) || ls__augment_known(range)) return LS_OK;
  return ls__config_fail(node, "the pixels are no bytes, and nobody knows which values they can "
                               "have: say value_range: [low, high], as the file has them");
}

/* ---- Borders */

size_t ls__fill_index(ls__fill fill, int64_t i, size_t n) {
  const int64_t size = (int64_t)n, period = fill == LS__FILL_REFLECT ? 2 * (size - 1) : size;
  if (i >= 0 && i < size) return (size_t)i;
  if (fill == LS__FILL_ZEROS) return n;
  if (fill == LS__FILL_EDGE) return i < 0 ? 0 : n - 1;
  if (n == 1) return 0;
  i %= period;
  if (i < 0) i += period;
  return (size_t)(i < size ? i : period - i);
}

/* mixup (augment/mixup.c): of each sample a partner is taken, transformed as it is when its own turn
 * comes in this epoch, and mixed into the sample's inputs.
 *
 * The partner is a sample of the same window of the order, drawn by the sample's number: a stream has
 * no others at hand, and from memory it is the same one. */
#include "base/alloc.h"
#include "data/stream.h"

bool ls__data_mixes(const ls_data *data) {
  return data->augment != NULL && ls__augment_mixes(data->augment);
}

void ls__mix_partners(const ls_data *data, size_t lo, size_t hi, uint64_t *sample) {
  const ls__order *order = &data->order;
  ls__order_at(order, lo, hi, sample);
  for (size_t p = lo; p < hi; p++) {
    const size_t w = ls__order_window(order, p), first = order->start[w],
                 q = first + ls__augment_partner(data->augment, sample[p - lo],
                                                 order->start[w + 1] - first);
    ls__order_at(order, q, q + 1, &sample[p - lo]);
  }
}

void ls__mix(const ls_data *data, const uint64_t *sample, size_t n, size_t done, void *const *to,
             const ls__mixed *mixed) {
  for (size_t k = 0; k < n; k++) {
    const float share = ls__augment_share(data->augment, sample[k]), rest = 1 - share;
    mixed->share[done + k] = share;
    mixed->rest[done + k] = rest;
    for (size_t i = 0; i < data->n_arrays; i++) {
      const size_t count = data->kept[i].count;
      if (data->array[i].use != LS_INPUT || to[i] == NULL) continue;
      float *x = (float *)to[i] + (done + k) * count;
      const float *other = (const float *)mixed->partner[i] + (done + k) * count;
      for (size_t e = 0; e < count; e++) x[e] = share * x[e] + rest * other[e];
    }
  }
}

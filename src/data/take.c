/* Batches: stored samples to network input, in the epoch's order or the file's. */
#include <string.h>

#include "data/stream.h"

#if defined(__GNUC__)
#define PREFETCH(address, level) __builtin_prefetch(address, 0, level)
#else
#define PREFETCH(address, level) ((void)(address))
#endif

enum { SOME = 256 };

/* Where each kept array goes.  Of `targets: inputs` the inputs alone are kept: when only the
 * targets are wanted, the inputs go straight to their place. */
static void resolve(const ls_data *data, void *const *to, void *want[LS__MAX_ARRAYS]) {
  for (size_t i = 0; i < data->n_arrays; i++) {
    const int same = data->kept[i].same; /* an array before this one */
    want[i] = same >= 0 ? NULL : to[i];
    if (same >= 0 && to[i] != NULL && want[same] == NULL) want[same] = to[i];
  }
}

/* Then make the copies. */
static void copy(const ls_data *data, size_t n, void *const *to, void *const *want) {
  for (size_t i = 0; i < data->n_arrays; i++) {
    const int same = data->kept[i].same;
    if (same >= 0 && to[i] != NULL && to[i] != want[same])
      memcpy(to[i], want[same], n * data->kept[i].count * LS__ELEMENT);
  }
}

enum { LINE = 64, LINES = 16 };

/* Ask the memory for the beginning of a row; the processor's own prefetcher sees the rest. */
static void prefetch(const unsigned char *row, size_t bytes) {
  const size_t most = bytes < LINE * LINES ? bytes : LINE * LINES;
  for (size_t i = 0; i < most; i += LINE) PREFETCH(row + i, 3);
}

/* One array on its way into a batch. */
typedef struct moving {
  const ls__kept *kept;
  size_t base;               /* in memory: sample 0 of the part */
  const unsigned char *from; /* else sample 0 */
  const int32_t *length;     /* of sample 0; NULL: it has none */
  unsigned char *to;
} moving;

static size_t real_of(const moving *m, size_t sample) {
  return ls__kept_real(m->kept, m->length != NULL ? m->length + sample : NULL);
}

/* The arrays that are wanted, into the batch's samples from `done` on. */
static size_t list_moving(const ls_data *data, const ls__part *part, size_t done, void *const *want,
                          moving list[LS__MAX_ARRAYS]) {
  size_t count = 0;
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls__kept *kept = &data->kept[i];
    if (want[i] == NULL) continue;
    const int32_t *length = NULL;
    if (kept->lengths >= 0)
      length = (const int32_t *)(const void *)data->kept[kept->lengths].memory + part->base;
    list[count++] = (moving){kept, part->base, NULL, length,
                             (unsigned char *)want[i] + done * kept->count * LS__ELEMENT};
  }
  return count;
}

static void take_from_memory(const ls_data *data, const uint64_t *sample, size_t n, size_t done,
                             void *const *want) {
  enum { AHEAD = 4 }; /* rows on their way from memory while one is worked on */
  const ls__span_ops *ops = ls__span();
  moving list[LS__MAX_ARRAYS];
  const size_t count = list_moving(data, &data->part[LS_TRAIN], done, want, list);
  for (size_t k = 0; k < AHEAD && k < n; k++)
    for (const moving *m = list; m < list + count; m++)
      prefetch(ls__kept_at(m->kept, m->base + (size_t)sample[k]), m->kept->bytes);
  for (size_t k = 0; k < n; k++)
    for (const moving *m = list; m < list + count; m++) {
      const ls__kept *kept = m->kept;
      if (k + AHEAD < n)
        prefetch(ls__kept_at(kept, m->base + (size_t)sample[k + AHEAD]), kept->bytes);
      ls__kept_take(kept, ops, ls__kept_at(kept, m->base + (size_t)sample[k]),
                    m->to + k * kept->count * LS__ELEMENT, real_of(m, (size_t)sample[k]));
    }
}

/* Numbers of the samples at [lo, hi) and, where all that follows is this rank's, of some more at
 * once. */
static void look_ahead(ls_data *data, size_t lo, size_t hi) {
  const ls__epoch *epoch = &data->epoch;
  ls__ahead *ahead = &data->ahead;
  if (lo >= ahead->lo && hi <= ahead->hi) return;
  if (epoch->lane_lo == 0 && epoch->lane_hi == epoch->lanes) hi = data->order.n;
  ahead->lo = lo;
  ahead->hi = hi - lo < LS__AHEAD ? hi : lo + LS__AHEAD;
  ls__order_at(&data->order, lo, ahead->hi, ahead->sample);
}

void ls__data_expect(ls_data *data, size_t lo, size_t hi) {
  enum { MOST_BYTES = 1 << 18 }; /* a part of a second-level cache */
  ls__ahead *ahead = &data->ahead;
  size_t lines = 0, most = LS__AHEAD;
  LS_ASSERT(lo <= hi && hi <= data->order.n);
  ahead->lines = ahead->asked = ahead->array = ahead->byte = 0;
  if (data->memory == NULL || lo == hi) return;
  for (size_t i = 0; i < data->n_arrays; i++) lines += (data->kept[i].bytes + LINE - 1) / LINE;
  if (most > MOST_BYTES / LINE / lines) most = MOST_BYTES / LINE / lines;
  if (hi - lo > most) hi = lo + most;
  look_ahead(data, lo, hi);
  ahead->next = lo;
  ahead->lines = lines * (hi - lo);
}

void ls__data_prefetch(ls_data *data, size_t done, size_t of) {
  ls__ahead *ahead = &data->ahead;
  const size_t upto = ahead->lines * done / of, base = data->part[LS_TRAIN].base;
  for (; ahead->asked < upto; ahead->asked++) {
    const ls__kept *kept = &data->kept[ahead->array];
    const size_t sample = base + (size_t)ahead->sample[ahead->next - ahead->lo];
    PREFETCH(ls__kept_at(kept, sample) + ahead->byte, 2);
    for (ahead->byte += LINE; ahead->byte >= data->kept[ahead->array].bytes; ahead->byte = 0)
      if (++ahead->array == data->n_arrays) {
        ahead->array = 0;
        ahead->next++;
      }
  }
}

/* The samples at positions [lo, hi), at most SOME: as they were expected, or in `room`. */
static const uint64_t *samples_at(const ls_data *data, size_t lo, size_t hi, uint64_t *room) {
  const ls__ahead *ahead = &data->ahead;
  if (lo >= ahead->lo && hi <= ahead->hi) return ahead->sample + (lo - ahead->lo);
  ls__order_at(&data->order, lo, hi, room);
  return room;
}

/* Transform and mix samples [lo, hi) and, where `mixed` isn't NULL, their partners. */
static void augment(const ls_data *data, size_t lo, size_t hi, void *const *to,
                    const ls__mixed *mixed) {
  uint64_t room[SOME], partner[SOME];
  for (size_t p = lo; p < hi; p += SOME) {
    const size_t n = hi - p < SOME ? hi - p : SOME;
    const uint64_t *sample = samples_at(data, p, p + n, room);
    ls__augment_take(data, sample, n, p - lo, to);
    if (mixed == NULL) continue;
    ls__mix_partners(data, p, p + n, partner);
    ls__augment_take(data, partner, n, p - lo, mixed->partner);
    ls__mix(data, sample, n, p - lo, to, mixed);
  }
}

static ls_status take(ls_data *data, size_t lo, size_t hi, void *const *to,
                      const ls__mixed *mixed) {
  ls_status st = LS_OK;
  void *want[LS__MAX_ARRAYS], *partners[LS__MAX_ARRAYS] = {NULL};
  LS_ASSERT(data->loaded && lo <= hi && hi <= data->order.n);
  resolve(data, to, want);
  if (mixed != NULL) resolve(data, mixed->partner, partners);
  if (data->memory != NULL) {
    uint64_t room[SOME], partner[SOME];
    for (size_t p = lo; p < hi; p += SOME) {
      const size_t n = hi - p < SOME ? hi - p : SOME;
      take_from_memory(data, samples_at(data, p, p + n, room), n, p - lo, want);
      if (mixed == NULL) continue;
      ls__mix_partners(data, p, p + n, partner);
      take_from_memory(data, partner, n, p - lo, partners);
    }
  } else {
    LS_TRY(ls__stream_take(data->stream, lo, hi, want, mixed != NULL ? partners : NULL));
  }
  copy(data, hi - lo, to, want);
  if (mixed != NULL) copy(data, hi - lo, mixed->partner, partners);
  if (data->augment != NULL) augment(data, lo, hi, to, mixed);
out:
  return st;
}

ls_status ls__data_take(ls_data *data, size_t lo, size_t hi, void *const *to) {
  return take(data, lo, hi, to, NULL);
}

ls_status ls__data_take_mixed(ls_data *data, size_t lo, size_t hi, void *const *to,
                              const ls__mixed *mixed) {
  LS_ASSERT(ls__data_mixes(data));
  return take(data, lo, hi, to, mixed);
}

/* Rows as they are streamed, into the batch's samples from `done` on: bytes land beside it,
 * anything else in it. */
static ls_status rows_from_file(ls_data *data, const ls__part *part, size_t lo, size_t hi,
                                size_t done, void *const *want) {
  ls_status st = LS_OK;
  const ls__span_ops *ops = ls__span();
  uint64_t row[SOME];
  void *into[LS__MAX_ARRAYS] = {NULL};
  moving list[LS__MAX_ARRAYS];
  while (lo < hi) {
    const size_t n = hi - lo < data->raw_rows ? hi - lo : data->raw_rows;
    size_t count = 0;
    for (size_t k = 0; k < n; k++) row[k] = part->row != NULL ? part->row[lo + k] : lo + k;
    memset(into, 0, sizeof into);
    for (size_t i = 0; i < data->n_arrays; i++) {
      const ls__kept *kept = &data->kept[i];
      if (want[i] == NULL) continue;
      unsigned char *to = (unsigned char *)want[i] + done * kept->count * LS__ELEMENT;
      into[i] = kept->raw != NULL ? kept->raw : to;
      list[count++] = (moving){kept, 0, into[i], NULL, to};
    }
    for (moving *m = list; m < list + count; m++) {
      const int lengths = m->kept->lengths;
      if (lengths < 0) continue;
      if (into[lengths] == NULL) into[lengths] = data->kept[lengths].raw;
      m->length = into[lengths];
    }
    LS_TRY(ls__reader_gather(&data->reader, part->source, row, NULL, n, into));
    for (const moving *m = list; m < list + count; m++)
      for (size_t k = 0; k < n; k++)
        ls__kept_load(m->kept, ops, m->from + k * m->kept->bytes,
                      m->to + k * m->kept->count * LS__ELEMENT, real_of(m, k));
    lo += n;
    done += n;
  }
out:
  return st;
}

/* Rows of all sources, one after another. */
static ls_status all_rows(ls_data *data, size_t lo, size_t hi, void *const *want) {
  ls_status st = LS_OK;
  size_t first = 0, done = 0; /* row 0 of the source; rows taken */
  for (int s = 0; s < data->n_sources && lo < hi;
       first += data->source[s].rows - data->n_bad[s], s++) {
    const ls__part whole = {&data->source[s], data->source[s].rows - data->n_bad[s], data->good[s],
                            0};
    const size_t end = hi < first + whole.n ? hi : first + whole.n;
    if (lo >= end) continue;
    LS_TRY(rows_from_file(data, &whole, lo - first, end - first, done, want));
    done += end - lo;
    lo = end;
  }
out:
  return st;
}

static void rows_from_memory(const ls_data *data, const ls__part *part, size_t lo, size_t hi,
                             void *const *want) {
  const ls__span_ops *ops = ls__span();
  moving list[LS__MAX_ARRAYS];
  const size_t count = list_moving(data, part, 0, want, list);
  for (const moving *m = list; m < list + count; m++)
    for (size_t i = lo; i < hi; i++)
      ls__kept_load(m->kept, ops, ls__kept_at(m->kept, m->base + i),
                    m->to + (i - lo) * m->kept->count * LS__ELEMENT, real_of(m, i));
}

ls_status ls__data_rows(ls_data *data, ls_split split, size_t lo, size_t hi, void *const *to) {
  ls_status st = LS_OK;
  void *want[LS__MAX_ARRAYS] = {NULL};
  LS_ASSERT(data->loaded && lo <= hi && hi <= ls_data_count(data, split));
  resolve(data, to, want);
  if (split == LS_ALL) {
    LS_ASSERT(data->memory == NULL);
    LS_TRY(all_rows(data, lo, hi, want));
  } else if (data->memory == NULL) {
    LS_TRY(rows_from_file(data, &data->part[split], lo, hi, 0, want));
  } else {
    rows_from_memory(data, &data->part[split], lo, hi, want);
  }
  copy(data, hi - lo, to, want);
out:
  return st;
}

ls_status ls__data_epoch(ls_data *data, const ls__epoch *epoch) {
  ls_status st = LS_OK;
  LS_ASSERT(data->loaded && epoch->batch > 0 && epoch->lane_lo <= epoch->lane_hi &&
            epoch->lane_hi <= epoch->lanes);
  /* The thread reads epoch and order: it must rest while they change. */
  if (data->stream != NULL) ls__stream_stop(data->stream);
  data->epoch = *epoch;
  ls__order_start(&data->order, epoch->seed, epoch->epoch);
  data->ahead.lo = data->ahead.hi = 0;
  if (data->augment != NULL) ls__augment_start(data->augment, epoch->seed, epoch->epoch);
  if (data->order.length != NULL) st = ls__order_sort(&data->order, epoch->batch);
  if (data->memory != NULL && data->order.length == NULL) return LS_OK;
  if (data->stream != NULL) LS_THEN(st, ls__stream_start(data->stream));
  return ls_comm_agree(data->comm, st);
}

size_t ls__data_order(const ls_data *data, size_t p) {
  uint64_t sample;
  ls__order_at(&data->order, p, p + 1, &sample);
  return (size_t)sample;
}

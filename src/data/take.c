/* Batches: stored samples to network input, in the epoch's order or the file's. */
#include <string.h>

#include "data/inside.h"
#include "tensor/span.h"

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

enum { SOME = 256 };

static void load_one_x(const ls_data *data, const ls__span_ops *ops, const unsigned char *from,
                       float *x) {
  if (data->layout.x_u8) ops->load_u8(x, from, data->mean, data->rstd, data->layout.x_count);
  else
    ops->load_f32(x, (const float *)(const void *)from, data->mean, data->rstd,
                  data->layout.x_count);
}

void ls__load_x(const ls_data *data, const void *from, float *x) {
  load_one_x(data, ls__span(), from, x);
}

void ls__load_y(const ls_data *data, const float *from, float *y) {
  const size_t n = data->layout.y_count;
  if (n == 1 && data->normal_y.n == 0) *y = *from; /* a class */
  else ls__span()->load_f32(y, from, data->normal_y.mean, data->normal_y.rstd, n);
}

/* Ask the memory for the beginning of a row; the processor's own prefetcher sees the rest. */
static void prefetch(const unsigned char *row, size_t bytes) {
  enum { LINE = 64, LINES = 16 };
  const size_t most = bytes < LINE * LINES ? bytes : LINE * LINES;
  for (size_t i = 0; i < most; i += LINE) PREFETCH(row + i);
}

static void take_from_memory(const ls_data *data, const uint64_t *sample, size_t n, float *x, float *y) {
  const ls__span_ops *ops = ls__span();
  const ls__layout *layout = &data->layout;
  const size_t base = data->part[LS_TRAIN].base;
  const unsigned char *const rows = data->x + base * layout->x_bytes;
  const float *const targets = data->y + base * layout->y_count;
  enum { AHEAD = 4 }; /* rows on their way from memory while one is worked on */
  for (size_t k = 0; k < AHEAD && k < n; k++)
    prefetch(rows + (size_t)sample[k] * layout->x_bytes, layout->x_bytes);
  for (size_t k = 0; k < n; k++) {
    const size_t i = (size_t)sample[k];
    if (k + AHEAD < n) {
      prefetch(rows + (size_t)sample[k + AHEAD] * layout->x_bytes, layout->x_bytes);
      PREFETCH(targets + (size_t)sample[k + AHEAD] * layout->y_count);
    }
    load_one_x(data, ops, rows + i * layout->x_bytes, x + k * layout->x_count);
    if (layout->y_count > 0 && y != NULL)
      ls__load_y(data, targets + i * layout->y_count, y + k * layout->y_count);
  }
}

ls_status ls__data_take(ls_data *data, size_t lo, size_t hi, float *x, float *y) {
  ls_status st = LS_OK;
  const ls__layout *layout = &data->layout;
  LS_ASSERT(lo <= hi && hi <= data->order.n);
  if (data->memory != NULL) {
    uint64_t sample[SOME];
    for (size_t p = lo; p < hi; p += SOME) {
      const size_t n = hi - p < SOME ? hi - p : SOME;
      ls__order_at(&data->order, p, p + n, sample);
      take_from_memory(data, sample, n, x + (p - lo) * layout->x_count,
                       y == NULL ? NULL : y + (p - lo) * layout->y_count);
    }
  } else {
    LS_TRY(ls__stream_take(data->stream, lo, hi, x, y));
  }
  if (layout->y_is_x && y != NULL) memcpy(y, x, (hi - lo) * layout->x_count * sizeof *y);
out:
  return st;
}

/* Rows as they are streamed: floats land in x itself, bytes beside it. */
static ls_status rows_from_file(ls_data *data, const ls__part *part, size_t lo, size_t hi, float *x,
                                float *y) {
  ls_status st = LS_OK;
  const ls__layout *layout = &data->layout;
  uint64_t row[SOME];
  while (lo < hi) {
    const size_t n = hi - lo < data->raw_rows ? hi - lo : data->raw_rows;
    for (size_t k = 0; k < n; k++) row[k] = part->row != NULL ? part->row[lo + k] : lo + k;
    float *into_y = layout->y_count > 0 ? y : NULL;
    LS_TRY(ls__reader_gather(&data->reader, part->source, row, NULL, n,
                             x == NULL      ? NULL
                             : layout->x_u8 ? data->raw
                                            : (void *)x,
                             into_y));
    for (size_t k = 0; k < n; k++) {
      if (x != NULL) {
        float *to = x + k * layout->x_count;
        ls__load_x(data, layout->x_u8 ? (void *)((unsigned char *)data->raw + k * layout->x_bytes)
                                      : (void *)to, to);
      }
      if (into_y != NULL) ls__load_y(data, y + k * layout->y_count, y + k * layout->y_count);
    }
    lo += n;
    if (x != NULL) x += n * layout->x_count;
    if (into_y != NULL) y += n * layout->y_count;
  }
out:
  return st;
}

/* Rows of all sources, one after another. */
static ls_status all_rows(ls_data *data, size_t lo, size_t hi, float *x, float *y) {
  ls_status st = LS_OK;
  const ls__layout *layout = &data->layout;
  size_t first = 0; /* row 0 of the source */
  for (int s = 0; s < data->n_sources && lo < hi; first += data->source[s++].rows) {
    const ls__part whole = {&data->source[s], data->source[s].rows, NULL, 0};
    const size_t end = hi < first + whole.n ? hi : first + whole.n;
    if (lo >= end) continue;
    LS_TRY(rows_from_file(data, &whole, lo - first, end - first, x, y));
    if (x != NULL) x += (end - lo) * layout->x_count;
    if (y != NULL) y += (end - lo) * layout->y_count;
    lo = end;
  }
out:
  return st;
}

ls_status ls__data_rows(ls_data *data, ls_split split, size_t lo, size_t hi, float *x, float *y) {
  ls_status st = LS_OK;
  const ls__layout *layout = &data->layout;
  LS_ASSERT(lo <= hi && hi <= ls_data_count(data, split));
  if (layout->y_is_x && x == NULL) x = y;
  if (split == LS_ALL) {
    LS_ASSERT(data->memory == NULL);
    LS_TRY(all_rows(data, lo, hi, x, y));
  } else if (data->memory == NULL) {
    LS_TRY(rows_from_file(data, &data->part[split], lo, hi, x, y));
  } else {
    const ls__part *part = &data->part[split];
    for (size_t i = lo; i < hi; i++) {
      const size_t at = part->base + i;
      if (x != NULL)
        ls__load_x(data, data->x + at * layout->x_bytes, x + (i - lo) * layout->x_count);
      if (y != NULL && layout->y_count > 0)
        ls__load_y(data, data->y + at * layout->y_count, y + (i - lo) * layout->y_count);
    }
  }
  if (layout->y_is_x && y != NULL && y != x) memcpy(y, x, (hi - lo) * layout->x_count * sizeof *y);
out:
  return st;
}

ls_status ls__data_epoch(ls_data *data, const ls__epoch *epoch) {
  ls_status st = LS_OK;
  LS_ASSERT(epoch->batch > 0 && epoch->lane_lo <= epoch->lane_hi && epoch->lane_hi <= epoch->lanes);
  /* The thread reads epoch and order: it must rest while they change. */
  if (data->stream != NULL) ls__stream_stop(data->stream);
  data->epoch = *epoch;
  ls__order_start(&data->order, epoch->seed, epoch->epoch);
  if (data->memory != NULL) return LS_OK;
  if (data->stream != NULL) st = ls__stream_start(data->stream);
  return ls_comm_agree(data->comm, st);
}

size_t ls__data_order(const ls_data *data, size_t p) {
  uint64_t sample;
  ls__order_at(&data->order, p, p + 1, &sample);
  return (size_t)sample;
}

double ls__data_waited(ls_data *data, bool reset) {
  return data->stream == NULL ? 0 : ls__stream_waited(data->stream, reset);
}

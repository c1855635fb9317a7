/* Normalisation: statistics of the training part, and their use.
 *
 * Samples are cut into a fixed number of chunks, and a chunk into blocks that fit the cache.  A
 * block's mean and sum of squared deviations M2 are computed in two passes, in double; blocks are
 * merged into the chunk, chunks into the whole, in order (Chan, Golub, LeVeque: Algorithms for
 * computing the sample variance, 1983, eq. 2.1):
 *
 *   d = mean_b - mean_a    mean = mean_a + d n_b / n    M2 = M2_a + M2_b + d^2 n_a n_b / n
 *
 * Ranks take chunks; how many chunks there are depends on the data alone, so the result has the
 * same bits for any number of ranks (R2). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/stop.h"
#include "comm/lanes.h"
#include "data/inside.h"

/* ---- Keeping and applying ---- */

const ls__affine *ls__data_normal(const ls_data *data, size_t array) {
  const int same = data->kept[array].same;
  LS_ASSERT(array < data->n_arrays);
  return &data->kept[same >= 0 ? (size_t)same : array].normal;
}

/* Bytes are divided by their scale on the way: (x / s - mean) rstd = (x - s mean) (rstd / s). */
static ls_status apply(ls_data *data, size_t i) {
  ls_status st = LS_OK;
  ls__kept *kept = &data->kept[i];
  const ls__affine *normal = &kept->normal;
  const size_t n = kept->count;
  bool scaled = false;
  ls__free(kept->mean);
  ls__free(kept->rstd);
  kept->mean = kept->rstd = NULL;
  if (kept->type == LS__F64) {
    if (normal->n == 0) goto out; /* what is measured: differences to the center */
    ls__free(kept->center);
    kept->center = NULL;
    LS_TRY(ls__alloc(&kept->center, n, sizeof *kept->center, "normalisation"));
    for (size_t k = 0; k < n; k++)
      kept->center[k] = (double)normal->mean[k] + (normal->rest != NULL ? normal->rest[k] : 0);
  }
  const bool bytes = data->n_sources > 0 && kept->type == LS__U8 && !kept->index;
  const ls__source *source = &data->source[0];
  for (size_t c = 0; bytes && c < source->n; c++)
    if (source->column[c].array == i && source->column[c].scale != 1) scaled = true;
  if (normal->n == 0 && !scaled) goto out;
  LS_TRY(ls__alloc(&kept->mean, n, sizeof *kept->mean, "normalisation"));
  LS_TRY(ls__alloc(&kept->rstd, n, sizeof *kept->rstd, "normalisation"));
  for (size_t k = 0; k < n; k++) {
    kept->mean[k] = normal->n > 0 ? normal->mean[k] : 0;
    kept->rstd[k] = normal->n > 0 ? normal->rstd[k] : 1;
  }
  for (size_t c = 0; scaled && c < source->n; c++) {
    const ls__column *column = &source->column[c];
    if (column->array != i) continue;
    for (size_t e = 0; e < column->count; e++) {
      const size_t k = ls__column_place(column, e);
      kept->mean[k] *= column->scale;
      kept->rstd[k] /= column->scale;
    }
  }
out:
  return st;
}

ls_status ls__normal_apply(ls_data *data) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < data->n_arrays; i++) LS_TRY(apply(data, i));
out:
  return st;
}

ls_status ls__data_set_normal(ls_data *data, size_t i, const ls__affine *normal) {
  ls_status st = LS_OK;
  const ls__affine none = {0, NULL, NULL, NULL};
  LS_ASSERT(i < data->n_arrays);
  const ls__array *array = &data->array[i];
  ls__kept *kept = &data->kept[i];
  if (kept->same >= 0) return LS_OK; /* it has its original's */
  if (normal == NULL) normal = &none;
  if (normal->n > 0 && (array->port.type == LS_INDEX || normal->n != array->count))
    LS_FAIL(LS_EDATA, "%s \"%s\": normalisation is for %zu numbers, the data have %zu%s",
            array->use == LS_INPUT ? "input" : "target", array->port.name, normal->n, array->count,
            array->port.type == LS_INDEX ? " indices" : "");
  LS_TRY(ls__affine_set(&kept->normal, normal->n, normal->mean, normal->rstd, normal->rest));
  kept->given = true;
  if (data->loaded) LS_TRY(apply(data, i));
out:
  return st;
}

/* ---- Measuring ---- */

/* What is known of one element over some samples. */
typedef struct moments {
  double n, mean, m2, low, high;
} moments;

static void merge(moments *a, const moments *b) {
  if (b->n == 0) return;
  if (a->n == 0) {
    *a = *b;
    return;
  }
  const double n = a->n + b->n, d = b->mean - a->mean;
  a->mean += d * (b->n / n);
  a->m2 += b->m2 + d * d * (a->n * b->n / n);
  a->n = n;
  if (b->low < a->low) a->low = b->low;
  if (b->high > a->high) a->high = b->high;
}

static void add_block(moments *all, double before, const float *values, size_t rows, size_t n,
                      double *mean, double *m2) {
  const double count = (double)rows, after = before + count;
  memset(mean, 0, n * sizeof *mean);
  memset(m2, 0, n * sizeof *m2);
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++) mean[i] += (double)values[r * n + i];
  for (size_t i = 0; i < n; i++) mean[i] /= count;
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++) {
      const double d = (double)values[r * n + i] - mean[i];
      m2[i] += d * d;
      if (before + (double)r == 0) all[i].low = all[i].high = (double)values[i];
      if ((double)values[r * n + i] < all[i].low) all[i].low = (double)values[r * n + i];
      if ((double)values[r * n + i] > all[i].high) all[i].high = (double)values[r * n + i];
    }
  for (size_t i = 0; i < n; i++) {
    const double d = mean[i] - all[i].mean;
    all[i].mean += d * (count / after);
    all[i].m2 += m2[i] + d * d * (before * count / after);
    all[i].n = after;
  }
}

/* What is behind the end of a sequence is as if it were missing; those before it that are. */
static size_t blank(const ls__kept *kept, const int32_t *length, size_t rows, float *x) {
  size_t missing = 0;
  for (size_t r = 0; r < rows; r++, x += kept->count) {
    const size_t real = (size_t)length[r] * kept->entry;
    for (size_t i = 0; kept->holes && i < real; i++) missing += isnan(x[i]) != 0;
    for (size_t i = real; i < kept->count; i++) x[i] = NAN;
  }
  return missing;
}

/* The same where values may be missing (NaN): each element counts its own. */
static void add_holed(moments *all, const float *values, size_t rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    moments here = {0};
    for (size_t r = 0; r < rows; r++)
      if (!isnan(values[r * n + i])) here.n++, here.mean += (double)values[r * n + i];
    if (here.n == 0) continue;
    here.mean /= here.n;
    here.low = HUGE_VAL;
    here.high = -HUGE_VAL;
    for (size_t r = 0; r < rows; r++) {
      const double x = (double)values[r * n + i], d = x - here.mean;
      if (isnan(x)) continue;
      here.m2 += d * d;
      here.low = fmin(here.low, x);
      here.high = fmax(here.high, x);
    }
    merge(&all[i], &here);
  }
}

/* Arrays whose values are looked at, side by side: real inputs, and targets. */
typedef struct measured {
  size_t n, array[2 * LS_MAX_PORTS];
  size_t start[2 * LS_MAX_PORTS + 1]; /* where an array's elements begin among all */
  double real[2 * LS_MAX_PORTS];      /* of a target; 1: a value is no whole number */
  double missing[2 * LS_MAX_PORTS];   /* values within sequences that are */
} measured;

static void list_measured(const ls_data *data, measured *m) {
  memset(m, 0, sizeof *m);
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls__array *array = &data->array[i];
    const bool input = array->use == LS_INPUT && array->port.type == LS_REAL;
    if (!input && !(array->use == LS_TARGET && data->kept[i].same < 0)) continue;
    m->start[m->n + 1] = m->start[m->n] + array->count;
    m->array[m->n++] = i;
  }
}

static ls__normal_rule rule_of(const ls__kept *kept) {
  return kept->given ? LS__NORMAL_NONE : kept->rule;
}

/* Samples of a block, from the sample's size alone: about a quarter of a megabyte. */
static size_t block_rows(size_t width) {
  const size_t rows = 65536 / width;
  return rows < 1 ? 1 : rows > 1024 ? 1024 : rows;
}

/* This rank's chunks [lo, hi) of `chunks`: moments of all elements.  Local. */
static ls_status measure_chunks(ls_data *data, size_t lo, size_t hi, size_t chunks, moments *all,
                                measured *m) {
  ls_status st = LS_OK;
  const size_t width = m->start[m->n], rows = block_rows(width), n = data->part[LS_TRAIN].n;
  void *to[LS__MAX_ARRAYS] = {NULL};
  float *values = NULL;
  double *scratch = NULL;
  int32_t *lengths = NULL;
  LS_TRY(ls__alloc(&values, rows * width, sizeof *values, "normalisation"));
  LS_TRY(ls__alloc(&scratch, 2 * width, sizeof *scratch, "normalisation"));
  LS_TRY(ls__alloc(&lengths, rows * m->n, sizeof *lengths, "normalisation"));
  for (size_t a = 0; a < m->n; a++) {
    to[m->array[a]] = values + rows * m->start[a];
    if (data->kept[m->array[a]].lengths >= 0)
      to[data->kept[m->array[a]].lengths] = lengths + a * rows;
  }
  for (size_t c = lo; c < hi; c++) {
    const size_t first = ls__cut(n, c, chunks), end = ls__cut(n, c + 1, chunks);
    for (size_t i = first; i < end; i += rows) {
      const size_t some = end - i < rows ? end - i : rows;
      LS_TRY(ls__stop_check());
      LS_TRY(ls__data_rows(data, LS_TRAIN, i, i + some, to));
      for (size_t a = 0; a < m->n; a++) {
        float *x = to[m->array[a]];
        const ls__kept *kept = &data->kept[m->array[a]];
        const size_t count = m->start[a + 1] - m->start[a];
        moments *of = all + (c - lo) * width + m->start[a];
        if (kept->lengths >= 0) m->missing[a] += (double)blank(kept, lengths + a * rows, some, x);
        if (kept->holes || kept->lengths >= 0)
          add_holed(of, x, some, count);
        else
          add_block(of, (double)(i - first), x, some, count, scratch, scratch + width);
        const bool target = data->array[m->array[a]].use == LS_TARGET;
        if (kept->type == LS__F64) m->real[a] = 1; /* no class is as large */
        for (size_t k = 0; target && m->real[a] == 0 && k < some * count; k++)
          if (!isnan(x[k]) && rintf(x[k]) != x[k]) m->real[a] = 1;
      }
    }
  }
out:
  ls__free(values);
  ls__free(scratch);
  ls__free(lengths);
  return st;
}

/* Merge all ranks' chunks, in order, some elements at a time.  Collective. */
static ls_status merge_chunks(ls_data *data, size_t chunks, size_t width, const moments *mine,
                              moments *all) {
  ls_status st = LS_OK;
  ls_comm *comm = data->comm;
  const size_t ranks = (size_t)ls_comm_size(comm), rank = (size_t)ls_comm_rank(comm);
  const size_t own = ls__cut(chunks, rank + 1, ranks) - ls__cut(chunks, rank, ranks);
  size_t slab = 65536 / chunks, *count = NULL;
  moments *give = NULL, *take = NULL;
  if (slab > width) slab = width;
  st = ls__alloc(&count, ranks, sizeof *count, "normalisation");
  LS_THEN(st, ls__alloc(&give, own * slab, sizeof *give, "normalisation"));
  LS_THEN(st, ls__alloc(&take, chunks * slab, sizeof *take, "normalisation"));
  LS_TRY(ls_comm_agree(comm, st));
  for (size_t first = 0; first < width; first += slab) {
    const size_t some = width - first < slab ? width - first : slab;
    for (size_t c = 0; c < own; c++)
      memcpy(give + c * some, mine + c * width + first, some * sizeof *give);
    for (size_t r = 0; r < ranks; r++)
      count[r] = (ls__cut(chunks, r + 1, ranks) - ls__cut(chunks, r, ranks)) * some;
    LS_TRY(ls__comm_allgatherv(comm, give, take, count, sizeof *give));
    for (size_t c = 0; c < chunks; c++)
      for (size_t i = 0; i < some; i++) merge(&all[first + i], &take[c * some + i]);
  }
out:
  ls__free(count);
  ls__free(give);
  ls__free(take);
  return st;
}

size_t ls__normal_means(const ls_data *data, size_t i) {
  const ls_shape *shape = &data->array[i].port.shape;
  const int per = data->settings.normalize.per;
  /* Of sequences of different lengths all entries are alike. */
  if (data->kept[i].ragged && (per == LS__PER_FEATURE || shape->ndim == 1))
    return per == LS__PER_DATASET ? 1 : data->kept[i].entry;
  if (per == LS__PER_CHANNEL && shape->ndim > 0) return shape->dim[shape->ndim - 1];
  return per == LS__PER_FEATURE ? data->array[i].count : 1;
}

/* Moments of n elements to a normalisation; elements whose places differ by a multiple of `means`
 * share theirs; center NULL, or what they are differences to.  A constant is shifted only. */
static ls_status conclude(const moments *all, size_t n, const double *center, ls__normal_rule rule,
                          size_t means, ls__affine *normal) {
  ls_status st = LS_OK;
  ls__affine_reset(normal);
  if (rule == LS__NORMAL_NONE || n == 0) goto out;
  LS_TRY(ls__alloc(&normal->mean, n, sizeof *normal->mean, "normalisation"));
  LS_TRY(ls__alloc(&normal->rstd, n, sizeof *normal->rstd, "normalisation"));
  if (center != NULL) LS_TRY(ls__alloc(&normal->rest, n, sizeof *normal->rest, "normalisation"));
  normal->n = n;
  for (size_t i = 0; i < n; i++) {
    if (i >= means) { /* its channel was first met at i % means */
      normal->mean[i] = normal->mean[i % means];
      if (center != NULL) normal->rest[i] = normal->rest[i % means];
      normal->rstd[i] = normal->rstd[i % means];
      continue;
    }
    moments together = all[i];
    for (size_t k = i + means; k < n; k += means) merge(&together, &all[k]);
    const moments *m = &together;
    const bool standard = rule == LS__NORMAL_STANDARD;
    const double width = m->n == 0 ? 0 : standard ? sqrt(m->m2 / m->n) : m->high - m->low;
    const float rstd = (float)(1 / width);
    const double mean = (center != NULL ? center[i] : 0) + (standard ? m->mean : m->low);
    normal->mean[i] = (float)mean;
    if (center != NULL) normal->rest[i] = mean - (double)normal->mean[i];
    normal->rstd[i] = width > 0 && isfinite(rstd) ? rstd : 1;
  }
out:
  return st;
}

/* Of all arrays, from the moments of all their elements. */
static ls_status conclude_all(ls_data *data, const measured *m, const moments *all) {
  ls_status st = LS_OK;
  for (size_t a = 0; a < m->n; a++) {
    const size_t i = m->array[a];
    ls__normal_rule rule = rule_of(&data->kept[i]);
    if (data->kept[i].given) continue;
    if (data->kept[i].if_real && m->real[a] == 0) rule = LS__NORMAL_NONE;
    const size_t count = m->start[a + 1] - m->start[a];
    const ls__kept *kept = &data->kept[i];
    LS_TRY(conclude(all + m->start[a], count, kept->type == LS__F64 ? kept->center : NULL, rule,
                    ls__normal_means(data, i), &data->kept[i].normal));
    double missing = 0;
    double values = (double)count * (double)data->part[LS_TRAIN].n;
    for (size_t k = 0; k < count && kept->holes && kept->lengths < 0; k++)
      missing += (double)data->part[LS_TRAIN].n - all[m->start[a] + k].n;
    if (kept->lengths >= 0) values = missing = m->missing[a];
    for (size_t k = 0; k < count && kept->lengths >= 0; k++) values += all[m->start[a] + k].n;
    if (missing > 0)
      ls__note(&data->notes,
               "%s: %s: %.0f of %.0f values of the training part are missing: they become the mean",
               ls__data_path(data), ls__source_first(&data->source[0], i)->name, missing, values);
  }
  LS_TRY(ls__normal_apply(data));
out:
  return st;
}

/* Of all ranks: whole numbers, whose sum has no order.  Collective. */
static ls_status sum_missing(ls_comm *comm, measured *m) {
  ls_status st = LS_OK;
  const size_t ranks = (size_t)ls_comm_size(comm);
  double *all = NULL;
  st = ls__alloc(&all, ranks * m->n, sizeof *all, "normalisation");
  LS_TRY(ls_comm_agree(comm, st));
  LS_TRY(ls__comm_allgatherv(comm, m->missing, all, NULL, m->n * sizeof *all));
  memset(m->missing, 0, sizeof m->missing);
  for (size_t i = 0; i < ranks * m->n; i++) m->missing[i % m->n] += all[i];
out:
  ls__free(all);
  return st;
}

ls_status ls__normal_measure(ls_data *data) {
  ls_status st = LS_OK;
  ls_comm *comm = data->comm;
  const size_t n = data->part[LS_TRAIN].n;
  moments *mine = NULL, *all = NULL;
  measured m;
  bool any = false;
  list_measured(data, &m);
  for (size_t a = 0; a < m.n; a++)
    if (rule_of(&data->kept[m.array[a]]) != LS__NORMAL_NONE) any = true;
  if (!any || n == 0) return LS_OK;
  const size_t width = m.start[m.n];
  size_t chunks = ((size_t)1 << 21) / width;
  chunks = chunks < 8 ? 8 : chunks > 256 ? 256 : chunks;
  if (chunks > n) chunks = n;
  const size_t ranks = (size_t)ls_comm_size(comm), rank = (size_t)ls_comm_rank(comm);
  const size_t lo = ls__cut(chunks, rank, ranks), hi = ls__cut(chunks, rank + 1, ranks);
  st = ls__alloc(&mine, (hi - lo) * width, sizeof *mine, "normalisation");
  LS_THEN(st, ls__alloc(&all, width, sizeof *all, "normalisation"));
  LS_THEN(st, measure_chunks(data, lo, hi, chunks, mine, &m));
  LS_TRY(ls_comm_agree(comm, st));
  LS_TRY(merge_chunks(data, chunks, width, mine, all));
  LS_TRY(ls__comm_max(comm, m.real, m.n));
  LS_TRY(sum_missing(comm, &m));
  LS_TRY(ls_comm_agree(comm, conclude_all(data, &m, all)));
out:
  ls__free(mine);
  ls__free(all);
  return st;
}

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
#include "comm/lanes.h"
#include "data/inside.h"

/* ---- Keeping and applying ---- */

const ls__affine *ls__data_normal_x(const ls_data *data) {
  return &data->normal_x;
}

const ls__affine *ls__data_normal_y(const ls_data *data) {
  return data->layout.y_is_x ? &data->normal_x : &data->normal_y;
}

/* Bytes are divided by their scale on the way: (x / s - mean) rstd = (x - s mean) (rstd / s). */
ls_status ls__normal_apply(ls_data *data) {
  ls_status st = LS_OK;
  const ls__affine *normal = &data->normal_x;
  const size_t n = data->layout.x_count;
  bool scaled = false;
  ls__free(data->mean);
  ls__free(data->rstd);
  data->mean = data->rstd = NULL;
  const ls__source *source = data->n_sources > 0 && data->layout.x_u8 ? &data->source[0] : NULL;
  for (int c = 0; source != NULL && c < source->nx; c++)
    if (source->column[c].scale != 1) scaled = true;
  if (normal->n == 0 && !scaled) goto out;
  LS_TRY(ls__alloc(&data->mean, n, sizeof *data->mean, "normalisation"));
  LS_TRY(ls__alloc(&data->rstd, n, sizeof *data->rstd, "normalisation"));
  for (size_t i = 0; i < n; i++) {
    data->mean[i] = normal->n > 0 ? normal->mean[i] : 0;
    data->rstd[i] = normal->n > 0 ? normal->rstd[i] : 1;
  }
  for (int c = 0; scaled && c < source->nx; c++) {
    const ls__column *column = &source->column[c];
    for (size_t i = column->offset; i < column->offset + column->count; i++) {
      data->mean[i] *= column->scale;
      data->rstd[i] /= column->scale;
    }
  }
out:
  return st;
}

ls_status ls__data_set_normal(ls_data *data, const ls__affine *x, const ls__affine *y) {
  ls_status st = LS_OK;
  const ls__layout *layout = &data->layout;
  if (x != NULL && x->n > 0 && x->n != layout->x_count)
    LS_FAIL(LS_EDATA, "normalisation is for inputs of %zu numbers, the data have %zu", x->n,
            layout->x_count);
  if (y != NULL && y->n > 0 && layout->y_count > 0 && y->n != layout->y_count)
    LS_FAIL(LS_EDATA, "normalisation is for targets of %zu numbers, the data have %zu", y->n,
            layout->y_count);
  const ls__affine none = {0, NULL, NULL};
  if (x == NULL) x = &none;
  if (y == NULL || layout->y_is_x) y = &none;
  LS_TRY(ls__affine_set(&data->normal_x, x->n, x->mean, x->rstd));
  LS_TRY(ls__affine_set(&data->normal_y, y->n, y->mean, y->rstd));
  LS_TRY(ls__normal_apply(data));
out:
  return st;
}

/* ---- Measuring ---- */

/* What is known of one element over some samples. */
typedef struct moments {
  double mean, m2, low, high;
} moments;

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
  }
}

static void merge(moments *a, double n_a, const moments *b, double n_b) {
  if (n_a == 0) {
    *a = *b;
    return;
  }
  const double n = n_a + n_b, d = b->mean - a->mean;
  a->mean += d * (n_b / n);
  a->m2 += b->m2 + d * d * (n_a * n_b / n);
  if (b->low < a->low) a->low = b->low;
  if (b->high > a->high) a->high = b->high;
}

/* Samples of a block, from the sample's size alone: about a quarter of a megabyte. */
static size_t block_rows(const ls__layout *layout) {
  const size_t rows = 65536 / (layout->x_count + layout->y_count);
  return rows < 1 ? 1 : rows > 1024 ? 1024 : rows;
}

/* This rank's chunks [lo, hi) of `chunks`: moments of x then y, and the target's kind.  Local. */
static ls_status measure_chunks(ls_data *data, size_t lo, size_t hi, size_t chunks, moments *all,
                                bool *y_whole) {
  ls_status st = LS_OK;
  const ls__layout *layout = &data->layout;
  const size_t nx = layout->x_count, ny = layout->y_count, rows = block_rows(layout);
  const size_t n = data->part[LS_TRAIN].n;
  float *x = NULL, *y = NULL;
  double *scratch = NULL;
  LS_TRY(ls__alloc(&x, rows * nx, sizeof *x, "normalisation"));
  LS_TRY(ls__alloc(&y, rows * ny, sizeof *y, "normalisation"));
  LS_TRY(ls__alloc(&scratch, 2 * (nx + ny), sizeof *scratch, "normalisation"));
  for (size_t c = lo; c < hi; c++) {
    moments *const mine = all + (c - lo) * (nx + ny);
    const size_t first = ls__cut(n, c, chunks), end = ls__cut(n, c + 1, chunks);
    for (size_t i = first; i < end; i += rows) {
      const size_t some = end - i < rows ? end - i : rows;
      LS_TRY(ls__data_rows(data, LS_TRAIN, i, i + some, x, ny > 0 ? y : NULL));
      add_block(mine, (double)(i - first), x, some, nx, scratch, scratch + nx + ny);
      add_block(mine + nx, (double)(i - first), y, some, ny, scratch, scratch + nx + ny);
      for (size_t k = 0; *y_whole && k < some * ny; k++)
        if (rintf(y[k]) != y[k]) *y_whole = false;
    }
  }
out:
  ls__free(x);
  ls__free(y);
  ls__free(scratch);
  return st;
}

/* Merge all ranks' chunks, in order, some elements at a time.  Collective. */
static ls_status merge_chunks(ls_data *data, size_t chunks, const moments *mine, moments *all) {
  ls_status st = LS_OK;
  ls_comm *comm = data->comm;
  const size_t ranks = (size_t)ls_comm_size(comm), rank = (size_t)ls_comm_rank(comm);
  const size_t width = data->layout.x_count + data->layout.y_count, n = data->part[LS_TRAIN].n;
  const size_t own = ls__cut(chunks, rank + 1, ranks) - ls__cut(chunks, rank, ranks);
  size_t slab = 65536 / chunks, *count = NULL;
  moments *give = NULL, *take = NULL;
  if (slab > width) slab = width;
  st = ls__alloc(&count, ranks, sizeof *count, "normalisation");
  if (st == LS_OK) st = ls__alloc(&give, own * slab, sizeof *give, "normalisation");
  if (st == LS_OK) st = ls__alloc(&take, chunks * slab, sizeof *take, "normalisation");
  LS_TRY(ls_comm_agree(comm, st));
  for (size_t first = 0; first < width; first += slab) {
    const size_t some = width - first < slab ? width - first : slab;
    for (size_t c = 0; c < own; c++)
      memcpy(give + c * some, mine + c * width + first, some * sizeof *give);
    for (size_t r = 0; r < ranks; r++)
      count[r] = (ls__cut(chunks, r + 1, ranks) - ls__cut(chunks, r, ranks)) * some;
    LS_TRY(ls__comm_allgatherv(comm, give, take, count, sizeof *give));
    for (size_t c = 0; c < chunks; c++) {
      const double before = (double)ls__cut(n, c, chunks);
      const double here = (double)ls__cut(n, c + 1, chunks) - before;
      for (size_t i = 0; i < some; i++) merge(&all[first + i], before, &take[c * some + i], here);
    }
  }
out:
  ls__free(count);
  ls__free(give);
  ls__free(take);
  return st;
}

/* Moments of n elements of `rows` samples to a normalisation.  A constant is shifted only. */
static ls_status conclude(const moments *all, size_t n, size_t rows, ls__rule rule, bool whole,
                          ls__affine *normal) {
  ls_status st = LS_OK;
  ls__affine_reset(normal);
  if (rule == LS__RULE_NONE || n == 0) goto out;
  LS_TRY(ls__alloc(&normal->mean, n, sizeof *normal->mean, "normalisation"));
  LS_TRY(ls__alloc(&normal->rstd, n, sizeof *normal->rstd, "normalisation"));
  normal->n = n;
  moments together = all[0];
  for (size_t i = 1; whole && i < n; i++)
    merge(&together, (double)i * (double)rows, &all[i], (double)rows);
  const double samples = (double)rows * (whole ? (double)n : 1);
  for (size_t i = 0; i < n; i++) {
    const moments *m = whole ? &together : &all[i];
    const bool standard = rule == LS__RULE_STANDARD;
    const double width = standard ? sqrt(m->m2 / samples) : m->high - m->low;
    const float rstd = (float)(1 / width);
    normal->mean[i] = (float)(standard ? m->mean : m->low);
    normal->rstd[i] = width > 0 && isfinite(rstd) ? rstd : 1;
  }
out:
  return st;
}

ls_status ls__normal_measure(ls_data *data) {
  ls_status st = LS_OK;
  ls_comm *comm = data->comm;
  const ls__settings *settings = &data->settings;
  const ls__layout *layout = &data->layout;
  const size_t n = data->part[LS_TRAIN].n, width = layout->x_count + layout->y_count;
  moments *mine = NULL, *all = NULL;
  bool y_whole = true;
  if ((settings->x == LS__RULE_NONE && settings->y == LS__RULE_NONE) || n == 0) return LS_OK;
  size_t chunks = ((size_t)1 << 21) / width;
  chunks = chunks < 8 ? 8 : chunks > 256 ? 256 : chunks;
  if (chunks > n) chunks = n;
  const size_t ranks = (size_t)ls_comm_size(comm), rank = (size_t)ls_comm_rank(comm);
  const size_t lo = ls__cut(chunks, rank, ranks), hi = ls__cut(chunks, rank + 1, ranks);
  st = ls__alloc(&mine, (hi - lo) * width, sizeof *mine, "normalisation");
  if (st == LS_OK) st = ls__alloc(&all, width, sizeof *all, "normalisation");
  if (st == LS_OK) st = measure_chunks(data, lo, hi, chunks, mine, &y_whole);
  LS_TRY(ls_comm_agree(comm, st));
  LS_TRY(merge_chunks(data, chunks, mine, all));
  double real = !y_whole;
  LS_TRY(ls__comm_max(comm, &real, 1));
  const ls__rule y_rule = settings->y_if_real && real == 0 ? LS__RULE_NONE : settings->y;
  st = conclude(all, layout->x_count, n, settings->x, settings->whole, &data->normal_x);
  if (st == LS_OK)
    st = conclude(all + layout->x_count, layout->y_count, n, y_rule, settings->whole, &data->normal_y);
  if (st == LS_OK) st = ls__normal_apply(data);
  LS_TRY(ls_comm_agree(comm, st));
out:
  ls__free(mine);
  ls__free(all);
  return st;
}

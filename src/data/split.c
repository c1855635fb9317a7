/* The parts of a dataset: drawn ones, their names, which there are. */
#include <string.h>

#include "data/inside.h"

const char *ls__split_name(ls_split split) {
  static const char *const name[] = {"train", "validation", "test", "all", "auto"};
  return name[split];
}

bool ls__split_is_drawn_from(const ls_data *data, size_t rows) {
  return data->trained_rows == 0 || data->trained_rows == rows;
}

/* Each row for itself. */
void ls__draw_rows(const ls__draw *draw, uint64_t first, size_t n, uint8_t *part) {
  enum { SOME = 256 };
  const ls__rng rng = ls__rng_key(draw->seed, LS__RNG_SPLIT, 0, 0);
  float u[SOME];
  for (size_t i = 0; i < n; i += SOME) {
    const size_t count = n - i < SOME ? n - i : SOME;
    ls__rng_uniform_span(&rng, first + i, u, count);
    for (size_t k = 0; k < count; k++)
      part[i + k] = (uint8_t)((double)u[k] < draw->test                      ? LS_TEST
                              : (double)u[k] < draw->test + draw->validation ? LS_VALIDATION
                                                                             : LS_TRAIN);
  }
}

/* Of windows that are more than those with a target: as where these were drawn. */
static uint8_t draw_window(const ls_data *data, const ls__source *source, uint64_t row) {
  const ls__file_piece *piece = ls__source_piece(source, row);
  const size_t n = piece->n[source->n_axes - 1], trained = piece->trained / (piece->rows / n);
  const size_t at = (size_t)row - piece->first;
  uint8_t part = LS__PARTS;
  size_t before = 0;
  for (const ls__file_piece *p = source->piece; p < piece; p++) before += p->trained;
  if (at % n < trained)
    ls__draw_rows(&data->settings.split, before + at / n * trained + at % n, 1, &part);
  return part;
}

void ls__draw_parts(const ls_data *data, uint64_t first, size_t n, uint8_t *part) {
  const ls__source *source = data->part[LS_TRAIN].source;
  const ls__draw *draw = &data->settings.split;
  if (data->groups.n == 0 && source->rows == source->trained && draw->how != LS__BY_TIME) {
    ls__draw_rows(draw, first, n, part);
    return;
  }
  for (size_t k = 0; k < n; k++)
    part[k] = draw->how == LS__BY_TIME ? ls__part_by_time(data, source, first + k)
              : data->groups.n > 0     ? data->groups.part[ls__group_of(data, source, first + k)]
                                       : draw_window(data, source, first + k);
}

ls_status ls__split_draw(ls_data *data) {
  ls_status st = LS_OK;
  ls__draw *draw = &data->settings.split;
  ls__part *train = &data->part[LS_TRAIN];
  for (int p = LS_VALIDATION; p <= LS_TEST; p++) {
    double *share = p == LS_TEST ? &draw->test : &draw->validation;
    if (*share > 0 && data->part[p].source != NULL) {
      if (data->purpose == LS__DATA_TRAIN)
        LS_FAIL(LS_ECONFIG, "%s: data.split.%s: the file has a group %s already",
                ls__data_path(data), ls__split_name((ls_split)p), data->settings.group[p]);
      *share = 0; /* another file than the one trained on */
    }
    if (train->source == NULL || !ls__split_is_drawn_from(data, train->source->trained)) *share = 0;
  }
  for (int p = 0; p < LS__PARTS; p++)
    if (data->part[p].source != NULL)
      data->part[p].n -= ls__rows_missing(data, data->part[p].source);
  if (train->source == NULL || (draw->validation == 0 && draw->test == 0)) goto out;
  LS_TRY(ls__groups_draw(data));

  enum { SOME = 1024 };
  uint8_t part[SOME];
  size_t count[LS__PARTS + 1] = {0};
  const size_t rows = train->source->rows;
  for (size_t i = 0; i < rows; i += SOME) {
    const size_t n = rows - i < SOME ? rows - i : SOME;
    ls__draw_parts(data, i, n, part);
    for (size_t k = 0; k < n; k++)
      if (!ls__row_is_missing(data, train->source, i + k)) count[part[k]]++;
  }
  train->n = count[LS_TRAIN];
  for (int p = LS_TRAIN; p <= LS_TEST; p++) {
    const double share = p == LS_TRAIN ? 1 : p == LS_TEST ? draw->test : draw->validation;
    if (share > 0 && count[p] == 0)
      LS_FAIL(LS_ECONFIG, "%s: data.split: of %zu samples none falls to the %s part",
              ls__data_path(data), rows, ls__split_name((ls_split)p));
    if (p != LS_TRAIN && share > 0) data->part[p] = (ls__part){train->source, count[p], NULL, 0};
  }
out:
  return st;
}

/* The rows of one source's parts, into row[rows]: the training part, which may be limited,
 * first. */
static void list_source(ls_data *data, const ls__source *source, uint64_t *row, bool write) {
  enum { SOME = 1024 };
  const ls__draw *draw = &data->settings.split;
  const bool drawn = (draw->validation > 0 || draw->test > 0) &&
                     data->part[LS_TRAIN].source == source;
  uint8_t part[SOME];
  uint64_t *next[LS__PARTS] = {0}, *end = row + source->rows;
  int only = LS_TRAIN;
  for (int p = LS_TEST; p >= LS_TRAIN; p--) {
    if (data->part[p].source != source) continue;
    next[p] = p == LS_TRAIN ? row : end - data->part[p].n;
    end = next[p];
    data->part[p].row = next[p];
    only = p;
  }
  for (size_t i = 0; write && i < source->rows; i += SOME) {
    const size_t n = source->rows - i < SOME ? source->rows - i : SOME;
    memset(part, only, sizeof part);
    if (drawn) ls__draw_parts(data, i, n, part);
    for (size_t k = 0; k < n; k++) {
      if (part[k] == LS__PARTS || ls__row_is_missing(data, source, i + k)) continue;
      LS_ASSERT(next[part[k]] != NULL); /* a part without source has no share */
      *next[part[k]]++ = i + k;
    }
  }
}

ls_status ls__split_list(ls_data *data) {
  ls_status st = LS_OK;
  const ls__draw *draw = &data->settings.split;
  const ls__source *train = data->part[LS_TRAIN].source;
  size_t rows = 0, at = 0;
  bool listed[LS__PARTS] = {false};
  if (data->rows != NULL) return LS_OK;
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    bool is_part = false;
    for (int p = 0; p < LS__PARTS; p++) is_part = is_part || data->part[p].source == source;
    listed[s] = is_part && ((train == source && (draw->validation > 0 || draw->test > 0)) ||
                            ls__rows_missing(data, source) > 0);
    if (listed[s]) rows += source->rows;
  }
  if (rows == 0) return LS_OK;
  LS_TRY(ls__window_create(data->comm, rows * sizeof(uint64_t), &data->rows));
  uint64_t *row = ls__window_memory(data->rows);
  for (int s = 0; s < data->n_sources; s++) {
    if (!listed[s]) continue;
    list_source(data, &data->source[s], row + at, ls__comm_node_rank(data->comm) == 0);
    at += data->source[s].rows;
  }
  LS_TRY(ls__window_fence(data->comm));
out:
  return st;
}

/* ---- Which there are ---- */

static size_t count_all(const ls_data *data) {
  size_t n = 0;
  for (int s = 0; s < data->n_sources; s++) n += data->source[s].rows - data->n_bad[s];
  for (int p = 0; data->n_sources == 0 && p < LS__PARTS; p++) n += data->part[p].n;
  return n;
}

static ls_split resolve(const ls_data *data, ls_split split) {
  if (split != LS_AUTO) return split;
  return data->part[LS_TEST].n > 0         ? LS_TEST
         : data->part[LS_VALIDATION].n > 0 ? LS_VALIDATION
                                           : LS_ALL;
}

size_t ls_data_count(const ls_data *data, ls_split split) {
  split = resolve(data, split);
  return split == LS_ALL ? count_all(data) : data->part[split].n;
}

size_t ls__data_train_rows(const ls_data *data) {
  const ls__source *source = data->part[LS_TRAIN].source;
  return source == NULL ? 0 : source->trained;
}

ls_status ls__data_part(const ls_data *data, ls_split *split) {
  const char *path = data->files == NULL ? "data" : ls__data_path(data);
  char there[64] = "";
  *split = resolve(data, *split);
  if (ls_data_count(data, *split) > 0) return LS_OK;
  for (int p = LS_TRAIN; p <= LS_TEST; p++) {
    if (data->part[p].n == 0) continue;
    const size_t used = strlen(there);
    snprintf(there + used, sizeof there - used, "%s, ", ls__split_name((ls_split)p));
  }
  if (there[0] == '\0' && !ls__split_is_drawn_from(data, data->source[0].trained))
    return ls__fail(LS_EDATA,
                    "%s: there is no %s part: it has %zu rows, and the training's parts are of a "
                    "file with %zu; only all rows can be taken",
                    path, ls__split_name(*split), data->source[0].trained, data->trained_rows);
  return ls__fail(LS_EDATA, "%s: there is no %s part; there is: %sall", path,
                  ls__split_name(*split), there);
}

/* Splitting by group: trajectories, files, rows of one value go to one part as a whole, for samples
 * of one are alike, and a network is judged by what it has not seen.
 *
 * Groups are put in an order by seed: each by its number or, where they are values of a dataset, by
 * the value itself.  The first ones are the test, the next ones validation, as many as the shares
 * say: at least one where a share is given. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "data/inside.h"

static const char *noun(const ls__draw *draw) {
  switch (draw->how) {
    case LS__BY_TRAJECTORY: return "trajectories";
    case LS__BY_FILE: return "files";
    case LS__BY_AXIS: return "rows";
    case LS__BY_SAMPLE:
    case LS__BY_TIME:
    case LS__BY_DATASET: break;
  }
  return "groups";
}

/* ---- Which there are ---- */

/* A value of a dataset of groups. */
typedef struct value {
  uint64_t hash;
  size_t at;
} value;

static int by_hash(const void *a, const void *b) {
  const value *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return (x->at > y->at) - (x->at < y->at);
}

static uint64_t hash_of_text(const char *text) {
  return ls__hash(LS__HASH_START, text, strlen(text));
}

static uint64_t hash_of_number(double x) {
  if (x >= 0 && x <= 0) x = 0; /* -0 is 0 */
  return ls__hash(LS__HASH_START, &x, sizeof x);
}

/* One file's: a value for each of `rows` rows. */
static ls_status read_values(ls__h5 *file, const char *name, size_t rows, value *to, size_t at) {
  ls_status st = LS_OK;
  ls__h5_info info;
  char shape[LS_SHAPE_TEXT], **text = NULL;
  double *x = NULL;
  LS_TRY(ls__h5_info_get(file, name, &info));
  const bool flat = info.shape.ndim > 0 && info.shape.dim[0] == rows &&
                    ls_shape_count(&info.shape) == rows;
  if (!flat || (!info.numeric && !info.text))
    LS_FAIL(LS_EDATA,
            "%s: %s: data.split.by: is %s of %s values, and must have one number or text for each "
            "of "
            "the %zu rows",
            ls__h5_path(file), name, ls_shape_format(&info.shape, shape), info.type_name, rows);
  if (info.text) {
    LS_TRY(ls__alloc(&text, rows, sizeof *text, "groups"));
    LS_TRY(ls__h5_read_texts(file, name, 0, rows, text));
  } else {
    LS_TRY(ls__alloc(&x, rows, sizeof *x, "groups"));
    LS_TRY(ls__h5_read_rows(file, name, 0, rows, LS__F64, x));
  }
  for (size_t r = 0; r < rows; r++) {
    if (x != NULL && isnan(x[r]))
      LS_FAIL(LS_EDATA, "%s: %s: row %zu (counted from 0): not a number (NaN) is no group",
              ls__h5_path(file), name, r);
    to[r] = (value){x != NULL ? hash_of_number(x[r]) : hash_of_text(text[r]), at + r};
  }
out:
  if (text != NULL) ls__free_strings(text, rows);
  ls__free(x);
  return st;
}

/* "/group", or "group" in the group of the training part. */
static ls_status find_name(ls_data *data, ls__h5 *file, char name[300]) {
  ls_status st = LS_OK;
  const char *by = data->settings.split.by, *group = data->settings.group[LS_TRAIN];
  bool there = false;
  snprintf(name, 300, "%s", by);
  LS_TRY(ls__h5_exists(file, name, &there));
  if (!there && by[0] != '/' && group != NULL) {
    snprintf(name, 300, "%s%s/%s", group[0] == '/' ? "" : "/", group, by);
    LS_TRY(ls__h5_exists(file, name, &there));
  }
  if (!there) snprintf(name, 300, "%s", by); /* reading it says what there is */
out:
  return st;
}

/* Rows of the same value are one group, whatever file they are in. */
static ls_status read_dataset(ls_data *data, const ls__source *source, size_t rows) {
  ls_status st = LS_OK;
  ls__groups *groups = &data->groups;
  value *all = NULL;
  char name[300];
  LS_TRY(ls__alloc(&all, rows, sizeof *all, "groups"));
  LS_TRY(ls__alloc(&groups->of, rows, sizeof *groups->of, "groups"));
  LS_TRY(ls__alloc(&groups->key, rows, sizeof *groups->key, "groups"));
  for (size_t p = 0; p < source->n_pieces; p++) {
    const ls__file_piece *piece = &source->piece[p];
    ls__h5 *file = NULL;
    LS_TRY(ls__files_take(data->files, piece->file, &file));
    st = find_name(data, file, name);
    LS_THEN(st, read_values(file, name, piece->n[0], all + groups->start[p], groups->start[p]));
    ls__files_give(data->files, piece->file);
    if (st != LS_OK) goto out;
  }
  qsort(all, rows, sizeof *all, by_hash);
  groups->n = 0;
  for (size_t i = 0; i < rows; i++) {
    if (i == 0 || all[i].hash != all[i - 1].hash) groups->key[groups->n++] = all[i].hash;
    groups->of[all[i].at] = groups->n - 1;
  }
out:
  ls__free(all);
  return st;
}

/* Which of the source's axes this dimension of the first input is. */
static ls_status find_axis(const ls_data *data, const ls__source *source, int *axis) {
  const ls__draw *draw = &data->settings.split;
  const ls__column *column = &source->column[0];
  int kept = -1;
  *axis = 0;
  if (draw->axis < 0) return LS_OK;
  if (column->view == NULL && draw->axis == 0) return LS_OK;
  for (int d = 0; column->view != NULL && d < source->piece[0].taken[0].ndim; d++) {
    if (source->piece[0].taken[0].gone[d] || ++kept != draw->axis) continue;
    for (int k = 0; k < column->view->n_axes; k++)
      if (column->view->axis[k] == d) {
        *axis = k;
        return LS_OK;
      }
  }
  return ls__fail(LS_ECONFIG,
                  "data.split.by: dimension %d of %s counts no samples (data.axis and data.time "
                  "say "
                  "which do)",
                  draw->axis, column->name);
}

ls_status ls__groups_read(ls_data *data) {
  ls_status st = LS_OK;
  ls__groups *groups = &data->groups;
  const ls__draw *draw = &data->settings.split;
  const ls__source *source = data->part[LS_TRAIN].source;
  size_t rows = 0;
  if (source == NULL || (draw->validation == 0 && draw->test == 0)) return LS_OK;
  if (!ls__split_is_drawn_from(data, source->trained)) return LS_OK;
  if (source->cut && (draw->how == LS__BY_AXIS || draw->how == LS__BY_DATASET))
    LS_FAIL(LS_ECONFIG,
            "%s: data.split.by: %s: of several series along one time axis either whole ones are "
            "drawn, by: trajectory, or the end of each is taken, by: time",
            ls__data_path(data), draw->by);
  LS_TRY(ls__alloc(&groups->start, source->n_pieces, sizeof *groups->start, "groups"));
  if (draw->how == LS__BY_AXIS) LS_TRY(find_axis(data, source, &groups->axis));
  for (size_t p = 0; p < source->n_pieces; p++) {
    groups->start[p] = rows;
    rows += source->piece[p].n[groups->axis];
  }
  const bool alone = source->n_axes == 1 && !source->timed;
  switch (draw->how) {
    case LS__BY_SAMPLE:
    case LS__BY_TIME: break;
    case LS__BY_TRAJECTORY: groups->n = alone ? 0 : source->trajectories; break;
    case LS__BY_FILE: groups->n = source->piece[source->n_pieces - 1].number + 1; break;
    case LS__BY_AXIS: groups->n = alone ? 0 : rows; break;
    case LS__BY_DATASET: st = read_dataset(data, source, rows); break;
  }
out:
  return st;
}

void ls__groups_reset(ls_data *data) {
  ls__free(data->groups.start);
  ls__free(data->groups.of);
  ls__free(data->groups.key);
  ls__free(data->groups.part);
  memset(&data->groups, 0, sizeof data->groups);
}

uint64_t ls__groups_hash(const ls_data *data) {
  const ls__groups *groups = &data->groups;
  if (groups->key == NULL) return 0;
  uint64_t hash = ls__hash(LS__HASH_START, groups->key, groups->n * sizeof *groups->key);
  const ls__source *source = data->part[LS_TRAIN].source;
  const size_t last = source->n_pieces - 1,
               rows = groups->start[last] + source->piece[last].n[groups->axis];
  for (size_t r = 0; r < rows; r++) {
    const uint64_t of = groups->of[r];
    hash = ls__hash(hash, &of, sizeof of);
  }
  return hash;
}

size_t ls__group_of(const ls_data *data, const ls__source *source, uint64_t row) {
  const ls__groups *groups = &data->groups;
  const ls__split_by how = data->settings.split.how;
  size_t at[LS__MOST_AXES];
  if (how == LS__BY_TRAJECTORY) return ls__source_trajectory(source, row);
  const size_t piece = (size_t)(ls__source_piece(source, row) - source->piece);
  if (how == LS__BY_FILE) return source->piece[piece].number;
  ls__source_at(source, row, at);
  const size_t i = groups->start[piece] + at[groups->axis];
  return groups->of != NULL ? groups->of[i] : i;
}

/* ---- Drawing ---- */

typedef struct drawn {
  float u;
  size_t group;
} drawn;

static int by_draw(const void *a, const void *b) {
  const drawn *x = a, *y = b;
  if (x->u < y->u || x->u > y->u) return x->u < y->u ? -1 : 1;
  return (x->group > y->group) - (x->group < y->group);
}

/* A share of n groups, at least one. */
static size_t share_of(double share, size_t n) {
  const size_t some = (size_t)floor(share * (double)n + 0.5);
  return share > 0 && some == 0 ? 1 : some;
}

static ls_status too_few(const ls_data *data, const ls__source *source) {
  const ls__draw *draw = &data->settings.split;
  const char *to = draw->validation > 0 && draw->test > 0 ? "validation, the test"
                   : draw->test > 0                       ? "the test"
                                                          : "validation";
  return ls__fail(LS_ECONFIG,
                  "%s: data.split: %s: %zu, too few for %s and the training, one each at least%s",
                  ls__data_path(data), noun(draw), data->groups.n, to,
                  source->timed ? "; split: {by: time} takes the end of each trajectory instead"
                                : "; split: {by: sample} draws samples one by one");
}

/* Once, to who trains. */
static void tell(ls_data *data, const ls__source *source, size_t validation, size_t test) {
  const ls__draw *draw = &data->settings.split;
  char text[2][60] = {"", ""};
  if (data->purpose != LS__DATA_TRAIN) return;
  if (validation > 0) snprintf(text[0], sizeof text[0], ", %zu are validation", validation);
  if (test > 0) snprintf(text[1], sizeof text[1], ", %zu the test", test);
  ls__note(&data->notes, "%s: of %zu %s %zu are trained on%s%s%s", ls__data_path(data),
           data->groups.n, noun(draw), data->groups.n - validation - test, text[0], text[1],
           draw->by == NULL && source->timed ? ": whole ones, since neighbours in time are alike "
                                               "(data.split.by)"
           : draw->by == NULL ? ": whole ones, since samples of one are alike (data.split.by)"
                              : "");
}

ls_status ls__groups_draw(ls_data *data) {
  ls_status st = LS_OK;
  ls__groups *groups = &data->groups;
  const ls__draw *draw = &data->settings.split;
  const ls__source *source = data->part[LS_TRAIN].source;
  const ls__rng rng = ls__rng_key(draw->seed, LS__RNG_SPLIT, 0, 1);
  drawn *list = NULL;
  if (groups->n == 0) {
    if (draw->how == LS__BY_SAMPLE && source->timed && data->purpose == LS__DATA_TRAIN)
      ls__note(&data->notes,
               "%s: data.split.by: sample: neighbours in time fall into different parts, which "
               "makes "
               "scores better than the network is",
               ls__data_path(data));
    return LS_OK;
  }
  const size_t test = share_of(draw->test, groups->n),
               validation = share_of(draw->validation, groups->n);
  if (test + validation >= groups->n) return too_few(data, source);
  LS_TRY(ls__alloc(&list, groups->n, sizeof *list, "groups"));
  LS_TRY(ls__alloc(&groups->part, groups->n, 1, "groups"));
  for (size_t g = 0; g < groups->n; g++) {
    list[g].group = g;
    ls__rng_uniform_span(&rng, groups->key != NULL ? groups->key[g] : g, &list[g].u, 1);
  }
  qsort(list, groups->n, sizeof *list, by_draw);
  for (size_t k = 0; k < groups->n; k++)
    groups->part[list[k].group] = (uint8_t)(k < test                ? LS_TEST
                                            : k < test + validation ? LS_VALIDATION
                                                                    : LS_TRAIN);
  tell(data, source, validation, test);
out:
  ls__free(list);
  return st;
}

uint8_t ls__part_by_time(const ls_data *data, const ls__source *source, uint64_t row) {
  const ls__draw *draw = &data->settings.split;
  const ls__file_piece *piece = ls__source_piece(source, row);
  const size_t n = piece->n[source->n_axes - 1], trained = piece->trained / (piece->rows / n);
  const double all = trained == 0 ? 0 : (double)((trained - 1) * source->stride + source->span);
  const size_t test = (size_t)(all - floor(draw->test * all + 0.5)),
               validation = test - (size_t)floor(draw->validation * all + 0.5);
  const size_t first = ((size_t)row - piece->first) % n * source->stride,
               end = first + source->span;
  return (uint8_t)(end <= validation                    ? LS_TRAIN
                   : first >= test                      ? LS_TEST
                   : first >= validation && end <= test ? LS_VALIDATION
                                                        : LS__PARTS);
}

/* What is shown of a run: found by running some samples of a part through the network. */
#include "train/pictures.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/number.h"

/* Samples that are looked at: blocks at equal distances over the part. */
enum { BLOCKS = 16, BLOCK = 128, IMAGES = 16, FIELDS = 4, POINTS = BLOCKS * BLOCK };
/* Larger matrices are no picture; a training part of more samples is not scored once more. */
enum { MOST_CLASSES = 100, MOST_TRAINING = 100000 };

/* How the predictions of a head are shown. */
typedef enum look { LOOK_NOTHING, LOOK_IMAGES, LOOK_FIELDS, LOOK_LINES, LOOK_SCATTER } look;

typedef struct shown {
  const ls__head *head;
  look look;
  size_t input; /* array of the pictures; n_arrays: none */
  ls__grid in, out;
  bool in_planes, out_planes;        /* [channels, height, width] */
  const char *const *names;          /* of classes, or of columns; NULL: numbers */
  ls__shown_image image[2 * IMAGES]; /* right ones, then wrong ones */
  size_t n_right, n_wrong, wrong_row[IMAGES], right_row[IMAGES];
  ls__shown_field field[FIELDS];
  float *target, *prediction; /* [POINTS, columns] */
  size_t points, columns;
} shown;

/* Everything that rank 0 needs to look. */
typedef struct looking {
  const ls__pictures *p;
  size_t n_arrays;
  const ls__array *arrays;
  ls__rows rows;
  void *to[LS__MAX_ARRAYS];
  shown *head; /* [task->n_heads] */
} looking;

/* ---- What there is to see ---- */

/* [h, w], [h, w, 1], [h, w, 3], [1, h, w], [3, h, w]; of fields any number of channels. */
static bool is_picture(const ls_shape *s, bool any_channels, ls__grid *grid, bool *planes) {
  *planes = false;
  if (s->ndim != 2 && s->ndim != 3) return false;
  const size_t last = s->ndim == 3 ? s->dim[2] : 1;
  *grid = (ls__grid){s->dim[0], s->dim[1], last};
  if (s->ndim == 3 && s->dim[0] <= 3 && last > 4) {
    *planes = true;
    *grid = (ls__grid){s->dim[1], s->dim[2], s->dim[0]};
  }
  const bool fits = any_channels || grid->channels == 1 || grid->channels == 3;
  return fits && grid->height >= 4 && grid->width >= 4 && grid->height <= 4096 &&
         grid->width <= 4096;
}

/* A flat sample of 64 numbers or more without names may be a square picture, row by row. */
static bool is_square(const ls__array *array, ls__grid *grid) {
  const size_t side = (size_t)(sqrt((double)array->count) + 0.5);
  if (array->port.shape.ndim != 1 || array->n_columns > 0 || side < 8 || side > 512 ||
      side * side != array->count)
    return false;
  *grid = (ls__grid){side, side, 1};
  return true;
}

/* The first input that is a picture. */
static size_t find_input(const looking *l, bool any_channels, bool flat, ls__grid *grid,
                         bool *planes) {
  size_t i = 0;
  for (; i < l->n_arrays; i++) {
    const ls__array *array = &l->arrays[i];
    if (array->use != LS_INPUT || array->port.type == LS_INDEX) continue;
    if (is_picture(&array->port.shape, any_channels, grid, planes)) break;
    if (flat && is_square(array, grid)) break;
  }
  return i;
}

static look look_of(const looking *l, int h, shown *s) {
  const ls__head *head = s->head;
  const ls__metrics_task *kind = &head->kind;
  const ls_model *model = l->p->model;
  const size_t classes = ls__confusion_classes(kind), places = ls_shape_count(&kind->prediction);
  s->input = l->n_arrays;
  if (head->lengths >= 0 || kind->ignores) return LOOK_NOTHING;
  if (kind->classes || kind->binary) {
    s->names = (const char *const *)model->classes[h].name;
    if (classes < 2 || (kind->classes && places != classes)) return LOOK_NOTHING;
    s->input = find_input(l, false, true, &s->in, &s->in_planes);
    return s->input < l->n_arrays ? LOOK_IMAGES : LOOK_NOTHING;
  }
  if (head->target_count != head->prediction_count) return LOOK_NOTHING;
  if (is_picture(&kind->prediction, true, &s->out, &s->out_planes)) {
    s->input = find_input(l, true, false, &s->in, &s->in_planes);
    return LOOK_FIELDS;
  }
  const ls__class_names *columns = &model->output_columns[h];
  if (kind->prediction.ndim == 1 && places >= 16 && columns->n == 0) return LOOK_LINES;
  s->columns = places;
  if (columns->n == places) s->names = (const char *const *)columns->name;
  return places <= 64 ? LOOK_SCATTER : LOOK_NOTHING;
}

/* ---- Values ---- */

/* Numbers as they are in the file, but for the scale of bytes. */
static void undo(const ls__affine *normal, float *x, size_t n) {
  if (normal != NULL && normal->n > 0) ls__affine_undo(normal, x, n / normal->n);
}

/* One sample of an array into memory of its own. */
static ls_status copy_row(const looking *l, size_t array, size_t row, float **out) {
  ls_status st = LS_OK;
  void *to[LS__MAX_ARRAYS] = {NULL};
  const size_t n = l->arrays[array].count;
  LS_TRY(ls__alloc(out, n, sizeof **out, "pictures"));
  to[array] = *out;
  LS_TRY(ls__data_rows(l->p->data, l->p->split, row, row + 1, to));
  undo(ls__data_normal(l->p->data, array), *out, n);
out:
  return st;
}

/* Planes become channels of pixels; with `one` the first channel alone is kept. */
static ls_status arrange(float *x, ls__grid *grid, bool planes, bool one) {
  ls_status st = LS_OK;
  const size_t n = grid->height * grid->width, c = grid->channels;
  float *copy = NULL;
  if (!planes && (!one || c == 1)) return LS_OK;
  LS_TRY(ls__alloc(&copy, n * c, sizeof *copy, "pictures"));
  memcpy(copy, x, n * c * sizeof *x);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < (one ? 1 : c); k++)
      x[i * (one ? 1 : c) + k] = planes ? copy[k * n + i] : copy[i * c + k];
out:
  ls__free(copy);
  return st;
}

static size_t argmax(const float *x, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (x[i] > x[best]) best = i;
  return best;
}

static void judge(const ls__metrics_task *kind, const float *yhat, const float *y, size_t *truth,
                  size_t *guess) {
  const size_t k = ls_shape_count(&kind->prediction);
  if (kind->binary) {
    *truth = y[0] > 0.5F;
    *guess = yhat[0] > (kind->logits ? 0.0F : 0.5F);
  } else {
    *truth = ls_shape_equal(&kind->target, &kind->prediction) ? argmax(y, k) : (size_t)y[0];
    *guess = argmax(yhat, k);
  }
}

/* ---- Looking ---- */

/* Right ones from every block, wrong ones as they come. */
static void take_classes(shown *s, size_t first, size_t n, size_t blocks, const float *yhat,
                         const float *y) {
  const size_t most = (IMAGES + blocks - 1) / blocks, before = s->n_right;
  for (size_t i = 0; i < n; i++) {
    size_t truth, guess;
    judge(&s->head->kind, yhat + i * s->head->prediction_count, y + i * s->head->target_count,
          &truth, &guess);
    if (truth == guess && s->n_right < IMAGES && s->n_right < before + most) {
      s->right_row[s->n_right] = first + i;
      s->image[s->n_right++] = (ls__shown_image){NULL, truth, guess};
    } else if (truth != guess && s->n_wrong < IMAGES) {
      s->wrong_row[s->n_wrong] = first + i;
      s->image[IMAGES + s->n_wrong++] = (ls__shown_image){NULL, truth, guess};
    }
  }
}

static void take_numbers(shown *s, size_t n, const float *yhat, const float *y) {
  const size_t most = POINTS - s->points, take = n < most ? n : most, c = s->columns;
  float *target = s->target + s->points * c, *prediction = s->prediction + s->points * c;
  memcpy(target, y, take * c * sizeof *y);
  memcpy(prediction, yhat, take * c * sizeof *y);
  undo(s->head->normal, target, take * c);
  undo(s->head->normal, prediction, take * c);
  s->points += take;
}

static ls_status take_field(const looking *l, shown *s, size_t k, size_t row, const float *yhat,
                            const float *y) {
  ls_status st = LS_OK;
  ls__shown_field *f = &s->field[k];
  const size_t n = s->head->prediction_count;
  f->sample = row;
  LS_TRY(ls__alloc(&f->target, n, sizeof *y, "pictures"));
  LS_TRY(ls__alloc(&f->prediction, n, sizeof *y, "pictures"));
  memcpy(f->target, y, n * sizeof *y);
  memcpy(f->prediction, yhat, n * sizeof *y);
  undo(s->head->normal, f->target, n);
  undo(s->head->normal, f->prediction, n);
  if (s->look == LOOK_LINES) goto out;
  LS_TRY(arrange(f->target, &s->out, s->out_planes, true));
  LS_TRY(arrange(f->prediction, &s->out, s->out_planes, true));
  if (s->input == l->n_arrays) goto out;
  LS_TRY(copy_row(l, s->input, row, &f->input));
  LS_TRY(arrange(f->input, &s->in, s->in_planes, true));
out:
  return st;
}

/* Samples [lo, lo + n) through the network. */
static ls_status forward(looking *l, size_t lo, size_t n) {
  ls_status st = LS_OK;
  LS_TRY(ls__data_rows(l->p->data, l->p->split, lo, lo + n, l->to));
  ls__run_forward(l->p->run, l->p->model->parameters, n, NULL);
out:
  return st;
}

static ls_status look_at_samples(looking *l) {
  ls_status st = LS_OK;
  const ls__pictures *p = l->p;
  const size_t all = ls_data_count(p->data, p->split);
  const size_t blocks = all < BLOCKS * BLOCK ? (all + BLOCK - 1) / BLOCK : BLOCKS;
  for (size_t b = 0; b < blocks; b++) {
    const size_t lo = all < BLOCKS * BLOCK ? b * BLOCK : (all - BLOCK) / (BLOCKS - 1) * b,
                 n = all - lo < BLOCK ? all - lo : BLOCK;
    LS_TRY(forward(l, lo, n));
    for (int h = 0; h < p->task->n_heads; h++) {
      shown *s = &l->head[h];
      const float *yhat = ls__run_result(p->run, h), *y = l->rows.array[s->head->target];
      if (s->look == LOOK_IMAGES) take_classes(s, lo, n, blocks, yhat, y);
      if (s->look == LOOK_SCATTER) take_numbers(s, n, yhat, y);
    }
  }
  for (size_t k = 0; k < FIELDS && k < all; k++) {
    const size_t row = all <= FIELDS ? k : (all - 1) / (FIELDS - 1) * k;
    bool any = false;
    for (int h = 0; h < p->task->n_heads; h++)
      any = any || l->head[h].look == LOOK_FIELDS || l->head[h].look == LOOK_LINES;
    if (!any) break;
    LS_TRY(forward(l, row, 1));
    for (int h = 0; h < p->task->n_heads; h++) {
      shown *s = &l->head[h];
      if (s->look == LOOK_FIELDS || s->look == LOOK_LINES)
        LS_TRY(take_field(l, s, k, row, ls__run_result(p->run, h), l->rows.array[s->head->target]));
    }
  }
out:
  return st;
}

/* "predictions", of several outputs "predictions_price". */
static const char *page_name(const ls__pictures *p, const char *what, const ls__head *head,
                             char name[2 * LS_NAME_BYTES]) {
  snprintf(name, 2 * LS_NAME_BYTES, "%s%s%s", what, p->task->n_heads > 1 ? "_" : "",
           p->task->n_heads > 1 ? head->name : "");
  for (char *c = name; *c != '\0'; c++)
    if (*c == '/' || *c == ' ') *c = '_';
  return name;
}

static ls_status draw_head(const looking *l, shown *s) {
  ls_status st = LS_OK;
  char name[2 * LS_NAME_BYTES];
  const ls__pictures *p = l->p;
  size_t fields = 0;
  page_name(p, "predictions", s->head, name);
  if (s->look == LOOK_IMAGES && s->n_right + s->n_wrong > 0) {
    memmove(s->image + s->n_right, s->image + IMAGES, s->n_wrong * sizeof *s->image);
    for (size_t i = 0; i < s->n_wrong; i++) s->image[s->n_right + i].pixel = NULL;
    for (size_t i = 0; i < s->n_right + s->n_wrong; i++) {
      const size_t row = i < s->n_right ? s->right_row[i] : s->wrong_row[i - s->n_right];
      LS_TRY(copy_row(l, s->input, row, &s->image[i].pixel));
      LS_TRY(arrange(s->image[i].pixel, &s->in, s->in_planes, false));
    }
    LS_TRY(ls__page_images(p, name, &s->in, s->image, s->n_right + s->n_wrong, s->names));
  }
  while (fields < FIELDS && s->field[fields].target != NULL) fields++;
  if (s->look == LOOK_FIELDS && fields > 0) {
    const ls__grid in = {s->in.height, s->in.width, 1}, out = {s->out.height, s->out.width, 1};
    LS_TRY(ls__page_fields(p, name, s->input < l->n_arrays ? &in : NULL, &out, s->field, fields));
  }
  if (s->look == LOOK_LINES && fields > 0)
    LS_TRY(ls__page_lines(p, name, s->head->prediction_count, s->field, fields));
  if (s->look == LOOK_SCATTER && s->points > 0)
    LS_TRY(ls__page_scatter(p, name, s->points, s->columns, s->target, s->prediction, s->names));
out:
  return st;
}

static void shown_reset(shown *s) {
  for (size_t i = 0; i < 2 * IMAGES; i++) ls__free(s->image[i].pixel);
  for (size_t i = 0; i < FIELDS; i++) {
    ls__free(s->field[i].input);
    ls__free(s->field[i].target);
    ls__free(s->field[i].prediction);
  }
  ls__free(s->target);
  ls__free(s->prediction);
}

/* Rank 0: all pages but the confusion matrix. */
static ls_status look_and_draw(const ls__pictures *p) {
  ls_status st = LS_OK;
  looking l = {.p = p};
  const int heads = p->task->n_heads;
  l.n_arrays = ls__data_arrays(p->data, &l.arrays);
  LS_TRY(ls__page_curves(p->directory, p->style));
  LS_TRY(ls__alloc(&l.head, (size_t)heads, sizeof *l.head, "pictures"));
  for (int h = 0; h < heads; h++) {
    shown *s = &l.head[h];
    s->head = &p->task->head[h];
    s->look = look_of(&l, h, s);
    if (s->look != LOOK_SCATTER) continue;
    LS_TRY(ls__alloc(&s->target, POINTS * s->columns, sizeof(float), "pictures"));
    LS_TRY(ls__alloc(&s->prediction, POINTS * s->columns, sizeof(float), "pictures"));
  }
  LS_TRY(ls__rows_create(p->task, l.n_arrays, l.arrays, LS__PREDICT_BATCH, &l.rows));
  ls__rows_places(&l.rows, l.n_arrays, l.arrays, p->run, l.to);
  LS_TRY(look_at_samples(&l));
  for (int h = 0; h < heads; h++) LS_TRY(draw_head(&l, &l.head[h]));
out:
  for (int h = 0; h < heads && l.head != NULL; h++) shown_reset(&l.head[h]);
  ls__free(l.head);
  ls__rows_reset(&l.rows);
  return st;
}

/* ---- The confusion matrices, which all ranks count ---- */

static ls_status make_matrices(const ls__pictures *p, double **confusion, bool *any) {
  ls_status st = LS_OK;
  *any = false;
  if (p->split == LS_TRAIN && ls_data_count(p->data, p->split) > MOST_TRAINING) return LS_OK;
  for (int h = 0; h < p->task->n_heads; h++) {
    const size_t k = ls__confusion_classes(&p->task->head[h].kind);
    if (k < 2 || k > MOST_CLASSES) continue;
    LS_TRY(ls__alloc(&confusion[h], k * k, sizeof(double), "confusion matrix"));
    *any = true;
  }
out:
  return st;
}

static ls_status draw_matrices(const ls__pictures *p, double *const *confusion) {
  ls_status st = LS_OK;
  char name[2 * LS_NAME_BYTES];
  for (int h = 0; h < p->task->n_heads; h++) {
    const ls__head *head = &p->task->head[h];
    if (confusion[h] == NULL) continue;
    LS_TRY(ls__page_confusion(p, page_name(p, "confusion", head, name), confusion[h],
                              ls__confusion_classes(&head->kind),
                              (const char *const *)p->model->classes[h].name));
  }
out:
  return st;
}

static ls_status make_folder(const char *directory) {
  char path[LS__FILE_PATH];
  const int n = snprintf(path, sizeof path, "%s/pictures", directory);
  if (n < 0 || (size_t)n >= sizeof path)
    return ls__fail(LS_EIO, "%.100s...: too long a path", directory);
  return ls__file_make_folder(path);
}

ls_status ls__pictures_write(const ls__pictures *p) {
  ls_status st = LS_OK, local = LS_OK;
  const bool root = ls_comm_rank(p->comm) == 0;
  double *confusion[LS_MAX_PORTS] = {NULL};
  bool any = false;
  ls__scores scores;
  ls__number_locale locale = ls__number_begin();
  if (root) local = make_folder(p->directory);
  LS_THEN(local, make_matrices(p, confusion, &any));
  LS_TRY(ls_comm_agree(p->comm, local));
  if (any)
    LS_TRY(ls__score_split(p->comm, p->task, p->run, p->model->parameters, p->data, p->split,
                           &scores, confusion));
  if (root) local = look_and_draw(p); /* first: it reads what may not be readable */
  if (root && any) LS_THEN(local, draw_matrices(p, confusion));
  LS_TRY(ls_comm_agree(p->comm, local));
out:
  for (int h = 0; h < LS_MAX_PORTS; h++) ls__free(confusion[h]);
  ls__number_end(&locale);
  return st;
}

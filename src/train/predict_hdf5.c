/* Predictions as HDF5: /predictions, /classes, /sequences, /targets and /index, with checksums of their
 * rows. */
#include <string.h>

#include "base/alloc.h"
#include "h5/h5.h"
#include "train/prediction.h"

typedef struct file {
  const ls__prediction *what;
  ls__h5 *h5;
  int32_t *class;  /* [what->most, the most places or steps] */
  int32_t *length; /* [what->most] of sequences */
} file;

/* "/predictions" and "/classes"; of several outputs "/predictions/NAME". */
static void name_of(const ls_model *model, const char *what, size_t i,
                    char name[2 * LS_NAME_BYTES]) {
  const ls_port port = ls_model_output(model, i);
  const bool several = ls_model_outputs(model) > 1;
  snprintf(name, 2 * LS_NAME_BYTES, "/%s%s%s", what, several ? "/" : "", several ? port.name : "");
}

/* Chunks of about 1 MB: what is chunked has checksums. */
static ls_status make(const file *f, const char *name, ls__dtype type, const ls_shape *row) {
  const size_t bytes = ls_shape_count(row) * ls__dtype_size(type), n = f->what->session->n;
  size_t rows = ((size_t)1 << 20) / (bytes == 0 ? 1 : bytes);
  if (rows > n) rows = n;
  return ls__h5_dataset(f->h5, name, type, n, row, rows == 0 ? 1 : rows, 0);
}

static ls_status set_names(const file *f, const char *name, const char *attribute,
                           const ls__class_names *names) {
  return names->n == 0 ? LS_OK
                       : ls__h5_set_strings(f->h5, name, attribute,
                                            (const char *const *)names->name, names->n);
}

/* Of sequences that is all that was asked for. */
static bool leaves_predictions(const file *f, size_t i) {
  return f->what->sequences[i].are && f->what->options->classes_only;
}

static ls_status make_sequences(const file *f, size_t i) {
  ls_status st = LS_OK;
  char name[2 * LS_NAME_BYTES];
  const ls__session *s = f->what->session;
  name_of(s->model, "sequences", i, name);
  LS_TRY(make(f, name, LS__I32, &(ls_shape){1, {f->what->sequences[i].steps}}));
  LS_TRY(ls__h5_set_string(f->h5, name, "split", ls__split_name(s->split)));
  LS_TRY(set_names(f, name, "classes", &s->model->classes[i]));
  name_of(s->model, "sequence_lengths", i, name);
  LS_TRY(make(f, name, LS__I32, &(ls_shape){0, {0}}));
out:
  return st;
}

static ls_status make_predictions(const file *f, size_t i) {
  ls_status st = LS_OK;
  char name[2 * LS_NAME_BYTES];
  const ls_model *model = f->what->session->model;
  const ls_port port = ls_model_output(model, i);
  name_of(model, "predictions", i, name);
  LS_TRY(make(f, name, LS__F32, &port.shape));
  LS_TRY(ls__h5_set_string(f->h5, name, "split", ls__split_name(f->what->session->split)));
  LS_TRY(ls__h5_set_string(f->h5, name, "values",
                           model->says[i].probabilities ? "probabilities" : "numbers"));
  if (model->output_columns[i].n == ls_shape_count(&port.shape))
    LS_TRY(set_names(f, name, "columns", &model->output_columns[i]));
out:
  return st;
}

static ls_status make_output(file *f, size_t i) {
  ls_status st = LS_OK;
  char name[2 * LS_NAME_BYTES];
  const ls__session *s = f->what->session;
  const ls_model *model = s->model;
  const ls__choice classes = ls__choice_of(model, i);
  const ls__array *target = f->what->target[i];
  if (!leaves_predictions(f, i)) LS_TRY(make_predictions(f, i));
  if (f->what->sequences[i].are) LS_TRY(make_sequences(f, i));
  if (classes.k > 0) {
    name_of(model, "classes", i, name);
    LS_TRY(make(f, name, LS__I32, &classes.shape));
    LS_TRY(set_names(f, name, "classes", &model->classes[i]));
  }
  if (target == NULL) goto out;
  name_of(model, "targets", i, name);
  LS_TRY(make(f, name, LS__F32, &target->port.shape));
  if (classes.k > 0 || f->what->sequences[i].are)
    LS_TRY(set_names(f, name, "classes", &model->classes[i]));
out:
  return st;
}

/* Which trajectory, time, file each row is of: /index. */
static ls_status write_index(const file *f) {
  enum { SOME = 4096 };
  ls_status st = LS_OK;
  const ls__session *s = f->what->session;
  char name[LS__INDEX_MOST][LS__INDEX_NAME];
  const char *names[LS__INDEX_MOST], **files = NULL;
  int64_t *rows = NULL;
  const size_t k = ls__data_index(s->data, s->split, name), n = ls__data_files(s->data);
  if (k == 0) return LS_OK;
  for (size_t i = 0; i < k; i++) names[i] = name[i];
  LS_TRY(ls__alloc(&rows, SOME * k, sizeof *rows, "predictions"));
  LS_TRY(make(f, "/index", LS__I64, &(ls_shape){1, {k}}));
  LS_TRY(ls__h5_set_strings(f->h5, "/index", "columns", names, k));
  for (size_t lo = 0; lo < s->n; lo += SOME) {
    const size_t hi = s->n - lo < SOME ? s->n : lo + SOME;
    ls__data_index_rows(s->data, s->split, lo, hi, rows);
    LS_TRY(ls__h5_write_rows(f->h5, "/index", lo, hi - lo, LS__I64, rows));
  }
  if (n == 1) goto out;
  LS_TRY(ls__alloc(&files, n, sizeof *files, "predictions"));
  for (size_t i = 0; i < n; i++) files[i] = ls__data_file(s->data, i);
  LS_TRY(ls__h5_set_strings(f->h5, "/index", "files", files, n));
out:
  ls__free(rows);
  ls__free(files);
  return st;
}

static void abandon(void *context) {
  file *f = context;
  if (f == NULL) return;
  ls__h5_close(f->h5);
  ls__free(f->class);
  ls__free(f->length);
  ls__free(f);
}

static ls_status create(ls__prediction *what, void **out) {
  ls_status st = LS_OK;
  const ls_model *model = what->session->model;
  size_t places = 1;
  file *f = NULL;
  if (what->options->n_keep > 0)
    LS_FAIL(LS_EUSAGE,
            "%s: --keep is for .csv and .tsv files; the rows of this one are those of the data, in "
            "their order",
            what->options->output);
  LS_TRY(ls__alloc(&f, 1, sizeof *f, "predictions"));
  f->what = what;
  for (size_t i = 0; i < ls_model_outputs(model); i++)
    if (ls__choice_of(model, i).places > places) places = ls__choice_of(model, i).places;
  for (size_t i = 0; i < ls_model_outputs(model); i++)
    if (what->sequences[i].steps > places) places = what->sequences[i].steps;
  LS_TRY(ls__alloc(&f->class, what->most * places, sizeof *f->class, "predictions"));
  LS_TRY(ls__alloc(&f->length, what->most, sizeof *f->length, "predictions"));
  LS_TRY(ls__h5_create(what->options->output, &f->h5));
  for (size_t i = 0; i < ls_model_outputs(model); i++) LS_TRY(make_output(f, i));
  LS_TRY(write_index(f));
  *out = f;
  f = NULL;
out:
  abandon(f);
  return st;
}

static ls_status take_labels(const file *f, size_t i, size_t at, size_t rows, size_t steps,
                             const float *label) {
  ls_status st = LS_OK;
  char name[2 * LS_NAME_BYTES];
  const ls_model *model = f->what->session->model;
  for (size_t r = 0; r < rows; r++) {
    f->length[r] = 0;
    for (size_t k = r * steps; k < (r + 1) * steps; k++) {
      f->class[k] = (int32_t)label[k];
      f->length[r] += f->class[k] >= 0;
    }
  }
  name_of(model, "sequences", i, name);
  LS_TRY(ls__h5_write_rows(f->h5, name, at, rows, LS__I32, f->class));
  name_of(model, "sequence_lengths", i, name);
  LS_TRY(ls__h5_write_rows(f->h5, name, at, rows, LS__I32, f->length));
out:
  return st;
}

static ls_status take(void *context, size_t i, ls__handed what, size_t at, size_t rows,
                      size_t count, const float *y) {
  ls_status st = LS_OK;
  file *f = context;
  const ls_model *model = f->what->session->model;
  const ls__choice classes = ls__choice_of(model, i);
  char name[2 * LS_NAME_BYTES];
  const bool target = what == LS__TRUE;
  if (what == LS__LABELS) return take_labels(f, i, at, rows, count, y);
  if (!target && leaves_predictions(f, i)) return LS_OK;
  name_of(model, target ? "targets" : "predictions", i, name);
  LS_TRY(ls__h5_write_rows(f->h5, name, at, rows, LS__F32, y));
  if (classes.k == 0 || target) goto out;
  name_of(model, "classes", i, name);
  for (size_t r = 0; r < rows * classes.places; r++)
    f->class[r] = (int32_t)ls__choice_take(&classes, y + r * classes.k);
  LS_TRY(ls__h5_write_rows(f->h5, name, at, rows, LS__I32, f->class));
out:
  return st;
}

static ls_status keep(void *context) {
  file *f = context;
  const ls_status st = ls__h5_commit(f->h5);
  f->h5 = NULL;
  abandon(f);
  return st;
}

static const char *const endings[] = {".h5", ".hdf5", ".hdf", ".he5", NULL};
const ls__prediction_kind ls__prediction_hdf5 = {
    endings, false, create, take, NULL, keep, abandon,
};

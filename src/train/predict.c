/* Predicting a part of a dataset into a file. */
#include <lockstep/train.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "h5/h5.h"
#include "train/fit.h"
#include "train/session.h"

/* "/predictions" and "/classes"; of several outputs "/predictions/NAME". */
static void dataset_name(const ls_model *model, const char *what, size_t i,
                         char name[2 * LS_NAME_BYTES]) {
  const ls_port port = ls_model_output(model, i);
  const bool several = ls_model_outputs(model) > 1;
  snprintf(name, 2 * LS_NAME_BYTES, "/%s%s%s", what, several ? "/" : "", several ? port.name : "");
}

/* How a class follows from an output: the largest of K numbers, for each of the places that an
 * output has them in; of one number (K = 1) whether it is above one half, of a
 * margin above 0.  K 0: no classes. */
typedef struct choice {
  float half; /* K = 1: what a yes is above */
  size_t k, places;
  ls_shape shape; /* of one sample's classes */
} choice;

static choice choice_of(const ls_model *model, size_t i) {
  const ls_port port = ls_model_output(model, i);
  const ls__about about = model->says[i].about;
  const size_t all = ls_shape_count(&port.shape), names = model->classes[i].n;
  const size_t width = port.shape.ndim > 0 ? port.shape.dim[port.shape.ndim - 1] : 1;
  choice c = {model->says[i].margins ? 0.0F : 0.5F, 0, 1, {0, {0}}};
  if (about == LS__ABOUT_CLASSES) {
    c = (choice){0.5F, width, all / width, port.shape};
    c.shape.ndim--;
  } else if (about == LS__ABOUT_YES_NO && all == 1) {
    c.k = 1;
  } else if (names > 1 && names == all) {
    c.k = all;
  }
  return c;
}

static void take_classes(const choice *c, const float *y, size_t rows, int32_t *class) {
  for (size_t r = 0; r < rows * c->places; r++, y += c->k) {
    size_t best = c->k == 1 && y[0] > c->half ? 1 : 0;
    for (size_t j = 1; j < c->k; j++)
      if (y[j] > y[best]) best = j;
    class[r] = (int32_t)best;
  }
}

/* Rows [at, at + rows) of output i. */
static ls_status write_rows(ls__h5 *file, const ls_model *model, size_t i, size_t at, size_t rows,
                            const float *y, int32_t *class) {
  ls_status st = LS_OK;
  char name[2 * LS_NAME_BYTES];
  const choice classes = choice_of(model, i);
  dataset_name(model, "predictions", i, name);
  LS_TRY(ls__h5_write_rows(file, name, at, rows, LS__F32, y));
  if (classes.k == 0) goto out;
  dataset_name(model, "classes", i, name);
  take_classes(&classes, y, rows, class);
  LS_TRY(ls__h5_write_rows(file, name, at, rows, LS__I32, class));
out:
  return st;
}

/* Memory of a rank: its chunk of every output, and on rank 0 those of all ranks of one output. */
typedef struct buffers {
  size_t *count; /* [ranks] rows of each in this round */
  float *mine[LS_MAX_PORTS], *all;
  int32_t *class;
  ls__run *run;
  void *to[LS__MAX_ARRAYS];
} buffers;

static ls_status make_buffers(ls_comm *comm, const ls__session *s, buffers *b) {
  ls_status st = LS_OK;
  const size_t size = (size_t)ls_comm_size(comm);
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(s->data, &arrays);
  size_t widest = 0, places = 1;
  LS_TRY(ls__alloc(&b->count, size, sizeof *b->count, "predictions"));
  for (size_t i = 0; i < ls_model_outputs(s->model); i++) {
    const ls_port port = ls_model_output(s->model, i);
    const size_t k = ls_shape_count(&port.shape);
    if (k > widest) widest = k;
    if (choice_of(s->model, i).places > places) places = choice_of(s->model, i).places;
    LS_TRY(ls__alloc(&b->mine[i], LS__PREDICT_BATCH * k, sizeof(float), "predictions"));
  }
  LS_TRY(ls__alloc(&b->all, size * LS__PREDICT_BATCH * widest, sizeof *b->all, "predictions"));
  LS_TRY(ls__alloc(&b->class, size * LS__PREDICT_BATCH * places, sizeof *b->class, "predictions"));
  LS_TRY(ls__model_run(s->model, &b->run));
  for (size_t i = 0, input = 0; i < n; i++)
    if (arrays[i].use == LS_INPUT) b->to[i] = ls__run_input(b->run, (int)input++);
out:
  return st;
}

static void free_buffers(buffers *b) {
  ls__run_destroy(b->run);
  ls__free(b->count);
  for (int i = 0; i < LS_MAX_PORTS; i++) ls__free(b->mine[i]);
  ls__free(b->all);
  ls__free(b->class);
}

/* This rank's rows of the round that begins at row `at`. */
static ls_status predict_mine(ls_comm *comm, const ls__session *s, buffers *b, size_t at) {
  ls_status st = LS_OK;
  const size_t rank = (size_t)ls_comm_rank(comm), lo = at + rank * LS__PREDICT_BATCH,
               n = b->count[rank];
  if (n == 0) goto out;
  LS_TRY(ls__data_rows(s->data, s->split, lo, lo + n, b->to));
  LS_TRY(ls__fit_indices(b->run, n, &(ls__taken_from){s->data, s->split, false, lo}));
  ls__run_forward(b->run, s->model->parameters, n, NULL);
  for (size_t i = 0; i < ls_model_outputs(s->model); i++)
    ls__model_take_output(s->model, b->run, (int)i, n, b->mine[i]);
out:
  return st;
}

/* Rank 0 writes what all predict, chunk by chunk: rank r's chunk of each round. */
static ls_status predict_rounds(ls_comm *comm, const ls__session *s, ls__h5 *file,
                                ls_status local) {
  ls_status st = LS_OK;
  const size_t size = (size_t)ls_comm_size(comm);
  buffers b;
  memset(&b, 0, sizeof b);
  LS_THEN(local, make_buffers(comm, s, &b));
  LS_TRY(ls_comm_agree(comm, local));
  for (size_t at = 0; at < s->n; at += size * LS__PREDICT_BATCH) {
    size_t rows = 0;
    for (size_t r = 0; r < size; r++) {
      const size_t lo = at + r * LS__PREDICT_BATCH;
      b.count[r] = lo >= s->n ? 0 : s->n - lo < LS__PREDICT_BATCH ? s->n - lo : LS__PREDICT_BATCH;
      rows += b.count[r];
    }
    LS_THEN(local, predict_mine(comm, s, &b, at));
    for (size_t i = 0; i < ls_model_outputs(s->model); i++) {
      const ls_port port = ls_model_output(s->model, i);
      LS_TRY(ls__comm_gatherv(comm, b.mine[i], b.all, b.count,
                              ls_shape_count(&port.shape) * sizeof(float)));
      if (file != NULL && local == LS_OK)
        local = write_rows(file, s->model, i, at, rows, b.all, b.class);
    }
    LS_TRY(ls_comm_agree(comm, local));
  }
out:
  free_buffers(&b);
  return st;
}

/* It must not take the place of what it is made from, by whatever name. */
static ls_status check_output(const char *output, const ls__session *s) {
  ls_status st = LS_OK;
  bool same = false;
  const char *data = ls__data_path(s->data);
  if (data != NULL) LS_TRY(ls__file_same(output, data, &same));
  if (same) LS_FAIL(LS_EUSAGE, "%s: is both the data and the output", output);
  const ls__seal *origin = &s->model->origin;
  struct stat info;
  if (stat(output, &info) == 0 && (uint64_t)info.st_dev == origin->device &&
      (uint64_t)info.st_ino == origin->inode)
    LS_FAIL(LS_EUSAGE, "%s: is both the checkpoint and the output", output);
out:
  return st;
}

/* The datasets, empty. */
static ls_status create_file(const char *output, const ls__session *s, ls__h5 **file) {
  ls_status st = LS_OK;
  char name[2 * LS_NAME_BYTES];
  LS_TRY(check_output(output, s));
  LS_TRY(ls__h5_create(output, file));
  for (size_t i = 0; i < ls_model_outputs(s->model); i++) {
    const ls_port port = ls_model_output(s->model, i);
    const ls__class_names *names = &s->model->classes[i];
    const choice classes = choice_of(s->model, i);
    const char *values = s->model->says[i].probabilities ? "probabilities" : "numbers";
    dataset_name(s->model, "predictions", i, name);
    LS_TRY(ls__h5_dataset(*file, name, LS__F32, s->n, &port.shape, 0, 0));
    LS_TRY(ls__h5_set_string(*file, name, "split", ls__split_name(s->split)));
    LS_TRY(ls__h5_set_string(*file, name, "values", values));
    if (classes.k == 0) continue;
    dataset_name(s->model, "classes", i, name);
    LS_TRY(ls__h5_dataset(*file, name, LS__I32, s->n, &classes.shape, 0, 0));
    if (names->n > 0)
      LS_TRY(
          ls__h5_set_strings(*file, name, "classes", (const char *const *)names->name, names->n));
  }
out:
  return st;
}

ls_status ls_predict(ls_comm *comm, const char *checkpoint, const char *const *overrides, size_t n,
                     ls_split split, const char *output) {
  ls_status st = LS_OK, local = LS_OK;
  ls__session s;
  ls__h5 *file = NULL;
  LS_TRY(ls__session_open(comm, checkpoint, overrides, n, split, LS__DATA_PREDICT, &s));
  if (ls_comm_rank(comm) == 0) local = create_file(output, &s, &file);
  LS_TRY(predict_rounds(comm, &s, file, local));
  if (file != NULL) {
    local = ls__h5_commit(file);
    file = NULL;
  }
  LS_TRY(ls_comm_agree(comm, local));
out:
  ls__h5_close(file);
  ls__session_close(&s);
  return st;
}

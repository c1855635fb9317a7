/* Predictions of one output as a NumPy array of floats, version 1.0: 93 "NUMPY", the version, the
 * length of the header in two bytes, the header, a Python dictionary padded with spaces to a
 * multiple of 64, and the numbers, little-endian
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
#include <string.h>

#include "base/new_file.h"
#include "train/prediction.h"

static ls_status write_header(ls__new_file *file, size_t n, const ls_shape *row) {
  enum { FIRST = 10, ALIGN = 64, LONGEST = 512 };
  char head[LONGEST] = "\x93NUMPY\x01";
  const uint16_t one = 1;
  size_t used = FIRST + (size_t)snprintf(head + FIRST, LONGEST - FIRST,
                                         "{'descr': '%cf4', 'fortran_order': False, 'shape': (%zu,",
                                         memcmp(&one, "\1", 1) == 0 ? '<' : '>', n);
  for (int d = 0; d < row->ndim; d++)
    used += (size_t)snprintf(head + used, LONGEST - used, " %zu%s", row->dim[d],
                             d + 1 < row->ndim ? "," : "");
  used += (size_t)snprintf(head + used, LONGEST - used, "), }");
  while ((used + 1) % ALIGN != 0) head[used++] = ' ';
  head[used++] = '\n';
  head[8] = (char)((used - FIRST) & 0xFF);
  head[9] = (char)((used - FIRST) >> 8);
  return ls__new_file_write(file, head, used);
}

static void abandon(void *file) {
  ls__new_file_abandon(file);
}

static ls_status create(ls__prediction *what, void **out) {
  ls_status st = LS_OK;
  const char *path = what->options->output;
  const ls_model *model = what->session->model;
  const ls_port port = ls_model_output(model, 0);
  ls__new_file *file = NULL;
  if (ls_model_outputs(model) > 1)
    LS_FAIL(LS_EUSAGE, "%s: one array for %zu outputs; name it .h5 or .csv", path,
            ls_model_outputs(model));
  if (what->options->n_keep > 0 || what->target[0] != NULL)
    LS_FAIL(LS_EUSAGE, "%s: holds predictions alone; %s is for .csv and .tsv%s", path,
            what->options->n_keep > 0 ? "--keep" : "--with-targets",
            what->options->n_keep > 0 ? "" : ", and for .h5");
  if (what->options->beam > 0)
    LS_FAIL(LS_EUSAGE, "%s: holds probabilities alone; --beam is for .csv, .tsv and .h5", path);
  LS_TRY(ls__new_file_create(path, false, &file));
  LS_TRY(write_header(file, what->session->n, &port.shape));
  *out = file;
  file = NULL;
out:
  abandon(file);
  return st;
}

static ls_status take(void *file, size_t output, ls__handed what, size_t at, size_t rows,
                      size_t count, const float *y) {
  (void)output, (void)at;
  if (what != LS__PREDICTED) return LS_OK; /* the best path can be read from them */
  return ls__new_file_write(file, y, rows * count * sizeof *y);
}

static ls_status keep(void *file) {
  return ls__new_file_keep(file);
}

static const char *const endings[] = {".npy", NULL};
const ls__prediction_kind ls__prediction_npy = {
    endings, false, create, take, NULL, keep, abandon,
};

/* make_bad FOLDER: HDF5 files with one thing wrong each, for tests/cli/test_bad_input.sh. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "h5/h5.h"

enum { N = 40, INPUTS = 3 };

static ls_status make(const char *folder, const char *name, size_t labels, float spoiled,
                      int32_t label) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  char path[512];
  float x[N * INPUTS];
  int32_t y[N];
  const ls_shape row = {1, {INPUTS}}, scalar = {0, {0}};
  for (int i = 0; i < N * INPUTS; i++) x[i] = (float)(i % 7) - 3.0F;
  for (int i = 0; i < N; i++) y[i] = i % 2;
  x[17 * INPUTS + 1] = spoiled;
  y[23] = label;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  LS_TRY(ls__h5_create(path, &file));
  LS_TRY(ls__h5_dataset(file, "/train/x", LS__F32, N, &row, 8, 0));
  LS_TRY(ls__h5_write_rows(file, "/train/x", 0, N, LS__F32, x));
  LS_TRY(ls__h5_dataset(file, "/train/y", LS__I32, labels, &scalar, 8, 0));
  LS_TRY(ls__h5_write_rows(file, "/train/y", 0, labels, LS__I32, y));
  LS_TRY(ls__h5_commit(file));
  file = NULL;
out:
  ls__h5_close(file);
  return st;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  ls_status st = make(argv[1], "good.h5", N, 0.5F, 1);
  if (st == LS_OK) st = make(argv[1], "lengths.h5", N - 1, 0.5F, 1);
  if (st == LS_OK) st = make(argv[1], "nan.h5", N, NAN, 1);
  if (st == LS_OK) st = make(argv[1], "label.h5", N, 0.5F, 7);
  if (st != LS_OK) fprintf(stderr, "%s\n", ls_error_message());
  return st != LS_OK;
}

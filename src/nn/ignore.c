/* `ignore_index` of losses of classes and of yes or no: positions whose target it is are passed over, and
 * a sample's loss is the mean over those that are left, 0 where none is (loss.h). */
#include <float.h>
#include <string.h>

#include "nn/loss.h"

ls_status ls__loss_read_ignored(ls__loss *loss, ls_config *options) {
  const int64_t most = (int64_t)1 << FLT_MANT_DIG; /* targets are floats */
  int64_t index = 0;
  if (ls__config_child(options, "ignore_index") == NULL) return LS_OK;
  const ls_status st = ls__config_int(options, "ignore_index", 0, -most, most, &index);
  loss->ignores = st == LS_OK;
  loss->ignored = (float)index;
  return st;
}

ls_status ls__loss_fit_ignored(const ls__loss *loss) {
  if (!loss->ignores || loss->classes || loss->about != LS__ABOUT_CLASSES) return LS_OK;
  return ls__fail(LS_ECONFIG,
                  "ignore_index is a class number, and the targets are %zu numbers for each answer",
                  ls__loss_width(loss));
}

/* Rows that follow one another and count go together. */
static double counted(const ls__loss *loss, float *dyhat, const float *yhat, const float *y,
                      size_t rows, size_t width, size_t y_width, ls__loss_of_rows of) {
  size_t left = 0;
  double sum = 0;
  for (size_t r = 0; r < rows; r++) left += !ls__loss_ignores(loss, y[r * y_width]);
  for (size_t r = 0, end; r < rows; r = end) {
    const bool ignored = ls__loss_ignores(loss, y[r * y_width]);
    float *d = dyhat != NULL ? dyhat + r * width : NULL;
    end = r + 1;
    while (end < rows && ls__loss_ignores(loss, y[end * y_width]) == ignored) end++;
    if (!ignored)
      sum += of(loss, d, yhat + r * width, y + r * y_width, 1.0 / (double)left, end - r);
    else if (d != NULL)
      memset(d, 0, (end - r) * width * sizeof *d);
  }
  return sum;
}

double ls__loss_counted(const ls__loss *loss, const ls__loss_call *call, size_t rows, size_t width,
                        size_t y_width, ls__loss_of_rows of) {
  double sum = 0;
  if (!loss->ignores)
    return of(loss, call->dyhat, call->yhat, call->y, 1.0 / (double)rows, call->n * rows);
  for (size_t i = 0; i < call->n; i++)
    sum += counted(loss, call->dyhat != NULL ? call->dyhat + i * rows * width : NULL,
                   call->yhat + i * rows * width, call->y + i * rows * y_width, rows, width,
                   y_width, of);
  return sum;
}

/* What a loss makes of a target: numbers, which are normalised and whose class names may be numbers
 * themselves, or classes, which stay as they are.  Told before the values are loaded. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/stream.h"

void ls__data_read_anew(ls_data *data) {
  if (data->stream != NULL) ls__stream_stop(data->stream); /* its thread reads what changes now */
  data->loaded = false;
}

void ls__data_set_target(ls_data *data, size_t i, ls__target_is is) {
  ls__kept *kept = &data->kept[i];
  LS_ASSERT(i < data->n_arrays && data->array[i].use == LS_TARGET);
  if (data->files == NULL || data->purpose != LS__DATA_TRAIN || kept->same >= 0) return;
  const ls__normal_rule rule = is == LS__TARGET_CLASSES ? LS__NORMAL_NONE : kept->said;
  const bool if_real = is == LS__TARGET_ANY && data->settings.normalize.if_real;
  if (rule == kept->rule && if_real == kept->if_real) return;
  kept->rule = rule;
  kept->if_real = if_real;
  ls__data_read_anew(data);
}

bool ls__data_normalizes_targets(const ls_data *data) {
  if (data->purpose != LS__DATA_TRAIN || data->settings.normalize.if_real) return false;
  for (size_t i = 0; i < data->n_arrays; i++)
    if (data->array[i].use == LS_TARGET && data->kept[i].said != LS__NORMAL_NONE) return true;
  return false;
}

bool ls__data_normalizes_target(const ls_data *data, size_t i) {
  return data->purpose == LS__DATA_TRAIN && data->kept[i].by_name &&
         data->kept[i].said != LS__NORMAL_NONE;
}

ls_status ls__data_set_values(ls_data *data, size_t i, const double *values, size_t n) {
  ls_status st = LS_OK;
  ls__kept *kept = &data->kept[i];
  LS_ASSERT(i < data->n_arrays && data->array[i].use == LS_TARGET && data->files != NULL);
  if (n == kept->n_values && (n == 0 || memcmp(values, kept->values, n * sizeof *values) == 0))
    goto out;
  double *copy = NULL;
  if (n > 0) {
    LS_TRY(ls__alloc(&copy, n, sizeof *copy, "values of classes"));
    memcpy(copy, values, n * sizeof *copy);
  }
  ls__free(kept->values);
  kept->values = copy;
  kept->n_values = n;
  ls__data_read_anew(data);
out:
  return st;
}

static bool is_one_of(float x, size_t n) {
  return x >= 0 && x < (float)n && x == floorf(x);
}

/* The first of these numbers that it is, or n. */
static size_t place_of(const double *number, size_t n, float x) {
  size_t k = 0;
  while (k < n && ((float)number[k] < x || (float)number[k] > x)) k++;
  return k;
}

size_t ls__numbers_take(const ls__kept *kept, float *x, size_t n) {
  for (size_t k = 0; k < n; k++) {
    const size_t place = place_of(kept->number, kept->n_numbers, x[k]);
    if (place == kept->n_numbers) return k;
    x[k] = (float)place;
  }
  return n;
}

size_t ls__labels_take(const ls__kept *kept, float *x, size_t n) {
  size_t k = 0;
  for (; k < n && is_one_of(x[k], kept->n_labels); k++) x[k] = kept->label[(size_t)x[k]];
  return k;
}

size_t ls__values_take(const ls__kept *kept, float *x, size_t n) {
  size_t k = 0;
  for (; k < n && is_one_of(x[k], kept->n_values); k++) x[k] = (float)kept->values[(size_t)x[k]];
  return k;
}

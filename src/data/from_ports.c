/* A dataset from the caller's own arrays. */
#include <string.h>

#include "base/alloc.h"
#include "data/inside.h"
#include "tensor/port.h"

/* ---- What is given ---- */

/* The name of an array where it may have none. */
static const char *name_of(const ls_data_array *array) {
  if (array->name != NULL) return array->name;
  return array->use == LS_SAMPLE_WEIGHT ? "sample_weight"
         : array->use == LS_LENGTH      ? array->of
                                        : NULL;
}

static ls_status check(const ls_data_array *array) {
  const char *name = name_of(array);
  const bool one = array->shape.ndim == 0;
  if ((int)array->use < 0 || array->use > LS_LENGTH || (int)array->type < 0 ||
      array->type > LS_INDEX)
    return ls__fail(LS_EUSAGE, "data: an array of no known use or type");
  if (name == NULL || !ls__port_name_good(name, array->use == LS_TARGET))
    return ls__fail(LS_EUSAGE, "data: \"%s\": a name is 1 to %d letters, digits, _, - and .",
                    name == NULL ? "" : name, LS_NAME_BYTES - 1);
  if (array->values == NULL) return ls__fail(LS_EUSAGE, "data: %s: no values", name);
  if (array->use == LS_SAMPLE_WEIGHT && !(one && array->type == LS_REAL))
    return ls__fail(LS_EUSAGE, "data: %s: a weight is one float a sample", name);
  if (array->use == LS_LENGTH && !(one && array->type == LS_INDEX))
    return ls__fail(LS_EUSAGE, "data: %s: a length is one int32_t a sample", name);
  return ls__shape_check(&array->shape, name);
}

/* In the order of ls__data_arrays; from[i] is what array i is of. */
static ls_status describe(ls_data *data, size_t n, const ls_data_array *arrays,
                          const ls_data_array *from[LS__MAX_ARRAYS]) {
  ls_status st = LS_OK;
  static const size_t most[] = {LS_MAX_PORTS, LS_MAX_PORTS, 1, 2 * LS_MAX_PORTS};
  size_t used[4] = {0};
  for (size_t k = 0; k < n; k++) {
    LS_TRY(check(&arrays[k]));
    if (++used[arrays[k].use] > most[arrays[k].use])
      LS_FAIL(LS_EUSAGE, "data: %s: more arrays of its use than there may be", name_of(&arrays[k]));
  }
  if (used[LS_INPUT] == 0) LS_FAIL(LS_EUSAGE, "data: no input");
  for (int use = LS_INPUT; use <= LS_LENGTH; use++)
    for (size_t k = 0; k < n; k++) {
      if (arrays[k].use != (ls_use)use) continue;
      const size_t i = data->n_arrays;
      ls__array *array = &data->array[i];
      const char *name = name_of(&arrays[k]);
      array->of = -1;
      for (size_t j = 0; j < i; j++) {
        const bool port = data->array[j].use == LS_INPUT || data->array[j].use == LS_TARGET;
        if (use != LS_LENGTH && strcmp(data->array[j].port.name, name) == 0)
          LS_FAIL(LS_EUSAGE, "data: the name %s is taken", name);
        if (use == LS_LENGTH && port && arrays[k].of != NULL &&
            strcmp(data->array[j].port.name, arrays[k].of) == 0)
          array->of = (int)j;
      }
      if (use == LS_LENGTH && (array->of < 0 || data->array[array->of].port.shape.ndim == 0))
        LS_FAIL(LS_EUSAGE, "data: %s: a length is of an input or target that has dimensions", name);
      for (size_t j = 0; use == LS_LENGTH && j < i; j++)
        if (data->array[j].use == LS_LENGTH && data->array[j].of == array->of)
          LS_FAIL(LS_EUSAGE, "data: two lengths of %s", arrays[k].of);
      snprintf(array->port.name, sizeof array->port.name, "%s", name);
      array->port.type = use == LS_TARGET ? LS_REAL : arrays[k].type;
      array->port.shape = arrays[k].shape;
      array->use = (ls_use)use;
      array->count = ls_shape_count(&arrays[k].shape);
      array->integer = arrays[k].type == LS_INDEX;
      data->kept[i].same = -1;
      from[data->n_arrays++] = &arrays[k];
    }
out:
  return st;
}

/* ---- Values ---- */

/* Sample s of whole numbers. */
static ls_status copy_whole(const ls_data *data, size_t i, size_t s, const int32_t *x) {
  const ls__array *array = &data->array[i];
  const ls__kept *kept = &data->kept[i];
  void *to = kept->memory + s * kept->bytes;
  if (array->use == LS_LENGTH) {
    const size_t most = data->array[array->of].port.shape.dim[0];
    if (x[0] < 0 || (size_t)x[0] > most)
      return ls__fail(LS_EDATA,
                      "data: %s of sample %zu is a length of %ld, which is not within 0 to %zu",
                      array->port.name, s, (long)x[0], most);
  }
  if (kept->index) {
    memcpy(to, x, kept->bytes);
    return LS_OK;
  }
  float *y = to;
  for (size_t k = 0; k < kept->count; k++) {
    y[k] = (float)x[k];
    if ((double)y[k] != (double)x[k])
      return ls__fail(LS_EDATA, "data: %s of sample %zu is %ld, which no float is",
                      array->port.name, s, (long)x[k]);
  }
  return LS_OK;
}

static ls_status copy_real(const ls_data *data, size_t i, size_t s, const float *x) {
  const ls__array *array = &data->array[i];
  const ls__kept *kept = &data->kept[i];
  memcpy(kept->memory + s * kept->bytes, x, kept->bytes);
  if (!ls__span()->all_finite(x, kept->count))
    return ls__fail(LS_EDATA, "data: %s of sample %zu is not finite", array->port.name, s);
  if (array->use == LS_SAMPLE_WEIGHT && x[0] < 0)
    return ls__fail(LS_EDATA, "data: %s of sample %zu is %g, a weight is not negative",
                    array->port.name, s, (double)x[0]);
  return LS_OK;
}

ls_status ls_data_from_ports(size_t n, size_t n_arrays, const ls_data_array *arrays,
                             ls_data **out) {
  ls_status st = LS_OK;
  ls_data *data = NULL;
  const ls_data_array *from[LS__MAX_ARRAYS];
  *out = NULL;
  LS_TRY(ls__alloc(&data, 1, sizeof *data, "data"));
  data->settings.shuffle = true;
  data->settings.shuffle_window = 256;
  if (arrays == NULL) LS_FAIL(LS_EUSAGE, "data: no input");
  LS_TRY(describe(data, n_arrays, arrays, from));
  ls__arrays_lengths(data);
  if (n == 0) LS_FAIL(LS_EDATA, "data: no samples");
  for (size_t i = 0; i < data->n_arrays; i++)
    if (n > SIZE_MAX / 64 / data->array[i].count)
      LS_FAIL(LS_EUSAGE, "data: %zu samples are too many", n);
  ls__arrays_settle(data);
  data->part[LS_TRAIN].n = n;
  LS_TRY(ls__memory_create(data, NULL, n));
  for (size_t s = 0; s < n; s++)
    for (size_t i = 0; i < data->n_arrays; i++) {
      const size_t at = s * data->array[i].count;
      if (from[i]->type == LS_INDEX)
        LS_TRY(copy_whole(data, i, s, (const int32_t *)from[i]->values + at));
      else
        LS_TRY(copy_real(data, i, s, (const float *)from[i]->values + at));
    }
  LS_TRY(ls__order_init(&data->order, n, ls__arrays_inputs(data) * sizeof(float),
                        data->settings.shuffle_window * 1048576, true));
  data->loaded = true;
  *out = data;
  data = NULL;
out:
  ls_data_close(data);
  return st;
}

ls_status ls_data_from_arrays(size_t n, const ls_shape *x_shape, const float *x,
                              const ls_shape *y_shape, const float *y, ls_data **out) {
  ls_data_array arrays[2] = {{"input", LS_INPUT, LS_REAL, *x_shape, x, NULL}};
  if (y != NULL) arrays[1] = (ls_data_array){"target", LS_TARGET, LS_REAL, *y_shape, y, NULL};
  return ls_data_from_ports(n, y == NULL ? 1 : 2, arrays, out);
}

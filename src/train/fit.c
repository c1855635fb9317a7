/* Columns and classes of a dataset, in the order that the network knows (fit.h). */
#include "train/fit.h"

#include <string.h>

int ls__fit_output(const ls_model *model, const ls__array *target) {
  const size_t n = ls_model_outputs(model);
  for (size_t k = 0; k < n && target->use == LS_TARGET; k++) {
    const ls_port output = ls_model_output(model, k);
    if (n == 1 || strcmp(output.name, target->port.name) == 0) return (int)k;
  }
  return -1;
}

static ls_status set_columns(ls_data *data, size_t i, const ls__class_names *names) {
  return ls__data_set_columns(data, i, (const char *const *)names->name, names->n);
}

ls_status ls__fit_names(const ls_model *model, ls_data *data, bool named) {
  ls_status st = LS_OK;
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(data, &arrays);
  size_t input = 0;
  if (model->vocabulary.n == 1 && named)
    LS_TRY(ls__data_fit_vocabulary(data, model->vocabulary.name[0]));
  for (size_t i = 0; i < n; i++) {
    if (arrays[i].use == LS_INPUT && input < ls_model_inputs(model)) {
      const ls__class_names *known = &model->input_classes[input];
      const bool index = ls_model_input(model, input).type == LS_INDEX;
      st = set_columns(data, i, &model->input_columns[input++]);
      if (st == LS_EDATA && !named) st = LS_OK;
      LS_TRY(st);
      if (index)
        LS_TRY(ls__data_set_categories(data, i, (const char *const *)known->name, known->n));
    }
    const int output = ls__fit_output(model, &arrays[i]);
    if (output < 0) continue;
    st = set_columns(data, i, &model->output_columns[output]);
    if (st == LS_EDATA && !named) st = LS_OK;
    LS_TRY(st);
    const ls__class_names *classes = &model->classes[output];
    LS_TRY(ls__data_set_classes(data, i, (const char *const *)classes->name, classes->n));
  }
out:
  return st;
}

ls_status ls__fit_indices(ls__run *run, size_t n, const ls__taken_from *from) {
  ls__no_index none;
  const ls__array *arrays = NULL;
  if (!ls__run_find_no_index(run, n, &none)) return LS_OK;
  size_t sample = from->first + none.sample, i = 0;
  if (from->data == NULL)
    return ls__fail(LS_EDATA, "sample %zu of the batch, %s", sample, none.why);
  if (from->epoch) sample = ls__data_order(from->data, sample);
  const size_t n_arrays = ls__data_arrays(from->data, &arrays);
  for (int input = 0; i < n_arrays; i++)
    if (arrays[i].use == LS_INPUT && input++ == none.input) break;
  return ls__data_blame(from->data, from->split, sample, i, none.element, none.why);
}

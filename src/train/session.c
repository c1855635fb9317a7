/* Opening a checkpoint with data to evaluate or predict (session.h). */
#include "train/session.h"

#include <lockstep/checkpoint.h>
#include <string.h>

void ls__session_close(ls__session *s) {
  ls_data_close(s->data);
  ls_config_destroy(s->config);
  ls_model_destroy(s->model);
}

static ls_status load_session(const char *checkpoint, const char *const *overrides, size_t n,
                              ls__session *s) {
  ls_status st = LS_OK;
  LS_TRY(ls_model_load(checkpoint, &s->model));
  LS_TRY(ls__config_copy(s->model->config, &s->config));
  for (size_t i = 0; i < n; i++) {
    size_t key = strcspn(overrides[i], ".=");
    if (!(key == 4 && (strncmp(overrides[i], "data", 4) == 0 || strncmp(overrides[i], "loss", 4) == 0)) &&
        !(key == 7 && strncmp(overrides[i], "metrics", 7) == 0))
      LS_FAIL(LS_EUSAGE, "%s: only data, loss and metrics of a checkpoint's configuration may be set",
              overrides[i]);
    LS_TRY(ls_config_override(s->config, overrides[i]));
  }
  if (ls__config_child(s->config, "data") == NULL)
    LS_FAIL(LS_EUSAGE, "the checkpoint names no data; give a data file");
out:
  return st;
}

/* Whether an override says how to draw the parts: then they are drawn from any file. */
static bool splits_anew(const char *const *overrides, size_t n) {
  static const char *const key[] = {"data=", "data.split=", "data.split."};
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < sizeof key / sizeof *key; k++)
      if (strncmp(overrides[i], key[k], strlen(key[k])) == 0) return true;
  return false;
}

/* The data's inputs must be the network's, one for one in their order. */
static ls_status check_inputs(const ls__session *s) {
  ls_status st = LS_OK;
  char have[LS_SHAPE_TEXT], want[LS_SHAPE_TEXT];
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(s->data, &arrays), inputs = ls_model_inputs(s->model);
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    if (arrays[i].use != LS_INPUT) continue;
    if (k == inputs) LS_FAIL(LS_EDATA, "the data have more inputs than the network's %zu", inputs);
    const ls_port input = ls_model_input(s->model, k++);
    if (inputs > 1 && strcmp(input.name, arrays[i].port.name) != 0)
      LS_FAIL(LS_EDATA, "input %zu of the data is \"%s\", and the network's is \"%s\"", k, arrays[i].port.name,
              input.name);
    if (!ls_shape_equal(&arrays[i].port.shape, &input.shape))
      LS_FAIL(LS_EDATA, "the data's samples have shape %s, and the network reads %s",
              ls_shape_format(&arrays[i].port.shape, have), ls_shape_format(&input.shape, want));
    if (input.type == LS_INDEX) LS_TRY(ls__data_set_index(s->data, i));
  }
  if (k < inputs) LS_FAIL(LS_EDATA, "the network has %zu inputs, and the data have %zu", inputs, k);
out:
  return st;
}

/* Normalisation is the checkpoint's: of inputs in their order, of targets by the outputs. */
static ls_status set_normal(const ls__session *s) {
  ls_status st = LS_OK;
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(s->data, &arrays), outputs = ls_model_outputs(s->model);
  size_t input = 0;
  for (size_t i = 0; i < n; i++) {
    if (arrays[i].use == LS_INPUT) LS_TRY(ls__data_set_normal(s->data, i, &s->model->input[input++]));
    if (arrays[i].use != LS_TARGET) continue;
    for (size_t k = 0; k < outputs; k++) {
      const ls_port output = ls_model_output(s->model, k);
      if (outputs == 1 || strcmp(output.name, arrays[i].port.name) == 0)
        LS_TRY(ls__data_set_normal(s->data, i, &s->model->output[k]));
    }
  }
out:
  return st;
}

ls_status ls__session_open(ls_comm *comm, const char *checkpoint, const char *const *overrides, size_t n,
                           ls_split split, ls__data_purpose purpose, ls__session *s) {
  ls_status st = LS_OK;
  memset(s, 0, sizeof *s);
  LS_TRY(ls_comm_agree(comm, load_session(checkpoint, overrides, n, s)));
  const size_t rows = splits_anew(overrides, n) ? 0 : s->model->train_rows;
  LS_TRY(ls__data_open_for(comm, ls__config_child(s->config, "data"), purpose, rows, &s->data));
  LS_TRY(ls_comm_agree(comm, check_inputs(s)));
  LS_TRY(ls__data_load(s->data));
  s->split = split;
  LS_TRY(ls__data_part(s->data, &s->split));
  s->n = ls_data_count(s->data, s->split);
  LS_TRY(ls_comm_agree(comm, set_normal(s)));
out:
  return st;
}

/* Sequences of labels, read from predictions (sequences.h); and the same for the caller of the library. */
#include "train/sequences.h"

#include <lockstep/train.h>
#include <string.h>

#include "base/alloc.h"

static ls_status create_loss(const ls__session *session, size_t output, ls__loss **loss) {
  ls_status st = LS_OK;
  const ls_model *model = session->model;
  const ls_port port = ls_model_output(model, output);
  ls_config *entry = NULL;
  *loss = NULL;
  LS_TRY(ls__loss_entry(session->config, "loss", (int)ls_model_outputs(model), port.name, &entry));
  if (entry == NULL) goto out;
  LS_TRY(ls__loss_create(entry, loss));
  if ((*loss)->about != LS__ABOUT_SEQUENCES) goto out;
  LS_TRY(ls__loss_fit(*loss, &port.shape, &(ls_shape){1, {1}})); /* whatever the targets are */
out:
  return st;
}

ls_status ls__sequences_find(const ls__session *session, size_t i, size_t beam, ls__sequences *s) {
  ls_status st = LS_OK;
  ls__loss *loss = NULL;
  const ls_model *model = session->model;
  const ls_port port = ls_model_output(model, i);
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(session->data, &arrays);
  memset(s, 0, sizeof *s);
  s->target_length = -1;
  if (model->says[i].about != LS__ABOUT_SEQUENCES) return LS_OK;
  LS_TRY(create_loss(session, i, &loss));
  if (loss == NULL || loss->about != LS__ABOUT_SEQUENCES) goto out; /* another was given */
  s->are = true;
  s->steps = port.shape.dim[0];
  s->classes = port.shape.dim[1];
  s->blank = loss->blank;
  s->padding = loss->ignored;
  LS_TRY(ls__steps_find(loss, model->graph, n, arrays, s->steps, &s->real));
  for (size_t k = 0; k < n; k++)
    if (arrays[k].use == LS_LENGTH && arrays[arrays[k].of].use == LS_TARGET &&
        (ls_model_outputs(model) == 1 || strcmp(arrays[arrays[k].of].port.name, port.name) == 0))
      s->target_length = (int)k;
  LS_TRY(ls__alloc(&s->label, s->steps, sizeof *s->label, "labels"));
  if (beam > 0) LS_TRY(ls__beam_create(s->steps, s->classes, s->blank, beam, &s->beam));
out:
  ls__loss_destroy(loss);
  return st;
}

void ls__sequences_reset(ls__sequences *s) {
  ls__beam_destroy(s->beam);
  ls__free(s->label);
  memset(s, 0, sizeof *s);
}

void ls__sequences_read(const ls__sequences *s, size_t n, const float *p, const int32_t *counted,
                        float *labels) {
  for (size_t i = 0; i < n; i++, p += s->steps * s->classes, labels += s->steps) {
    const size_t steps = counted != NULL ? (size_t)ls__steps_count(&s->real, counted[i]) : s->steps;
    const size_t found = s->beam != NULL
                             ? ls__beam_search(s->beam, p, steps, s->label)
                             : ls__decode_path(p, steps, s->classes, s->blank, s->label);
    for (size_t t = 0; t < s->steps; t++) labels[t] = t < found ? (float)s->label[t] : -1;
  }
}

void ls__sequences_cut(const ls__sequences *s, size_t n, size_t count, const int32_t *lengths,
                       float *y) {
  for (size_t i = 0; i < n; i++, y += count) {
    size_t k = 0;
    const size_t most = lengths != NULL ? (size_t)lengths[i] : count;
    while (k < most && (y[k] < s->padding || y[k] > s->padding)) k++;
    for (; k < count; k++) y[k] = -1;
  }
}

ls_status ls_ctc_decode(const float *probabilities, size_t steps, size_t classes, size_t blank,
                        size_t beam, int32_t *labels, size_t *n) {
  ls_status st = LS_OK;
  ls__beam *search = NULL;
  size_t *label = NULL;
  *n = 0;
  if (probabilities == NULL || labels == NULL || classes == 0 || blank >= classes)
    LS_FAIL(LS_EUSAGE, "ls_ctc_decode: the blank is %zu of %zu classes, or nothing is given", blank,
            classes);
  LS_TRY(ls__alloc(&label, steps, sizeof *label, "labels"));
  if (beam > 0) LS_TRY(ls__beam_create(steps, classes, blank, beam, &search));
  *n = beam > 0 ? ls__beam_search(search, probabilities, steps, label)
                : ls__decode_path(probabilities, steps, classes, blank, label);
  for (size_t i = 0; i < *n; i++) labels[i] = (int32_t)label[i];
out:
  ls__beam_destroy(search);
  ls__free(label);
  return st;
}

/* From another network's checkpoint, by the names of tensors (initialize.h). */
#include "train/initialize.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "train/resume.h"

typedef struct source {
  ls_config *match;
  const char *from;
  ls_model *model;
  bool *chosen; /* [tensors] by `match`, or all */
  bool *frozen; /* [tensors] by `freeze` */
  bool *taken;  /* [tensors] */
} source;

static ls_status read_section(const ls_trainer *t, source *s) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  const size_t n = (size_t)graph->n_tensors;
  ls_config *map = NULL;
  LS_TRY(ls__config_map(t->config, "initialize", &map));
  LS_TRY(ls__config_file(map, "from", NULL, &s->from));
  LS_TRY(ls__alloc(&s->chosen, n, sizeof *s->chosen, "initialize"));
  LS_TRY(ls__alloc(&s->frozen, n, sizeof *s->frozen, "initialize"));
  LS_TRY(ls__alloc(&s->taken, n, sizeof *s->taken, "initialize"));
  s->match = ls__config_child(map, "match");
  LS_TRY(ls__parameters_match(s->match, graph, s->chosen));
  for (size_t k = 0; k < n && s->match == NULL; k++) s->chosen[k] = true;
  LS_TRY(ls__parameters_match(ls__config_child(map, "freeze"), graph, s->frozen));
  LS_TRY(ls__config_finish(map));
out:
  return st;
}

static void reset(source *s) {
  ls_model_destroy(s->model);
  ls__free(s->chosen);
  ls__free(s->frozen);
  ls__free(s->taken);
}

ls_status ls__initialize_check(const ls_trainer *t) {
  source s = {.from = NULL};
  if (ls__config_child(t->config, "initialize") == NULL) return LS_OK;
  ls_status st = read_section(t, &s);
  reset(&s);
  return st;
}

/* Why a tensor is not taken: "dense_1/weight [3, 4] ([5, 4] there)". */
static void tell_apart(const ls__tensor *mine, const ls__tensor *its, char *text, size_t bytes) {
  char here[LS_SHAPE_TEXT], there[LS_SHAPE_TEXT];
  if (its == NULL)
    snprintf(text, bytes, "%s (not there)", mine->name);
  else
    snprintf(text, bytes, "%s %s (%s there)", mine->name, ls_shape_format(&mine->spec->shape, here),
             ls_shape_format(&its->spec->shape, there));
}

static ls_status take_all(const ls_trainer *t, source *s) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  char apart[2 * LS__NAME_BYTES + 3 * LS_SHAPE_TEXT];
  int n = 0;
  for (int k = 0; k < graph->n_tensors; k++) {
    const ls__tensor *mine = &graph->tensor[k], *its = ls__graph_find(s->model->graph, mine->name);
    if (!s->chosen[k]) continue;
    if (its != NULL && ls_shape_equal(&mine->spec->shape, &its->spec->shape)) {
      memcpy(t->model->parameters + mine->offset, s->model->parameters + its->offset,
             mine->n * sizeof(float));
      s->taken[k] = true;
      n++;
      continue;
    }
    tell_apart(mine, its, apart, sizeof apart);
    if (s->match != NULL) LS_REFUSE(s->match, "%s: can't be taken from %s", apart, s->from);
  }
  ls_config *at = ls__config_child(ls__config_child(t->config, "initialize"), "from");
  if (n == 0) LS_REFUSE(at, "%s has no tensor of a name and shape that this network has", s->from);
  for (int k = 0; k < graph->n_tensors; k++)
    if (s->frozen[k] && !s->taken[k])
      LS_REFUSE(ls__config_child(ls__config_child(t->config, "initialize"), "freeze"),
                "%s is not taken from %s: frozen, it would stay as it was drawn",
                graph->tensor[k].name, s->from);
out:
  return st;
}

/* One line: how many were taken, and which were not. */
static void tell_taken(const ls_trainer *t, const source *s) {
  enum { MOST = 6 };
  const ls__graph *graph = t->model->graph;
  char apart[2 * LS__NAME_BYTES + 3 * LS_SHAPE_TEXT];
  int taken = 0, left = 0;
  for (int k = 0; k < graph->n_tensors; k++) taken += s->taken[k];
  fprintf(stderr, "lockstep: note: initialize: %d of %d tensors are taken from %s", taken,
          graph->n_tensors, s->from);
  for (int k = 0; k < graph->n_tensors; k++) {
    if (s->taken[k] || ++left > MOST) continue;
    const ls__tensor *mine = &graph->tensor[k];
    tell_apart(mine, ls__graph_find(s->model->graph, mine->name), apart, sizeof apart);
    fprintf(stderr, "%s%s", left == 1 ? "; not " : ", ", s->chosen[k] ? apart : mine->name);
  }
  if (left > MOST) fprintf(stderr, " and %d more", left - MOST);
  fputc('\n', stderr);
}

/* Weights that were trained on numbers of another scale. */
static void tell_normal(const source *s, const char *name, const ls__affine *here,
                        const ls__affine *there) {
  size_t k = 0;
  if ((here->n > 0) != (there->n > 0))
    fprintf(stderr,
            "lockstep: note: initialize: \"%s\" is%s normalised here, and was%s for %s, whose "
            "weights expect that\n",
            name, here->n > 0 ? "" : " not", there->n > 0 ? "" : " not", s->from);
  else if (ls__far_apart(there, here, &k))
    fprintf(stderr,
            "lockstep: note: initialize: \"%s\" is normalised otherwise than for %s: number %zu "
            "(from 0) by mean %.6g and standard deviation %.6g, and there by %.6g and %.6g\n",
            name, s->from, k, (double)here->mean[k], 1 / (double)here->rstd[k],
            k < there->n ? (double)there->mean[k] : (double)NAN,
            k < there->n ? 1 / (double)there->rstd[k] : (double)NAN);
}

static void tell_normals(const ls_trainer *t, const source *s) {
  for (size_t i = 0; i < ls_model_inputs(t->model) && i < ls_model_inputs(s->model); i++)
    tell_normal(s, ls_model_input(t->model, i).name, &t->model->input[i], &s->model->input[i]);
  for (size_t i = 0; i < ls_model_outputs(t->model) && i < ls_model_outputs(s->model); i++)
    tell_normal(s, ls_model_output(t->model, i).name, &t->model->output[i], &s->model->output[i]);
}

/* Embeddings of which a row stands for another token than here. */
static void tell_vocabulary(const ls_trainer *t, const source *s) {
  const char *here = t->data == NULL ? NULL : ls__data_vocabulary(t->data);
  const ls__class_names *there = &s->model->vocabulary;
  if (here == NULL || there->n != 1 || strcmp(here, there->name[0]) == 0) return;
  fprintf(stderr,
          "lockstep: note: initialize: the text has another vocabulary than that of %s, whose "
          "embeddings and outputs are of its tokens (convert text --vocabulary-from makes them "
          "alike)\n",
          s->from);
}

ls_status ls__initialize(const ls_trainer *t) {
  ls_status st = LS_OK;
  source s = {.from = NULL};
  if (ls__config_child(t->config, "initialize") == NULL) return LS_OK;
  LS_TRY(read_section(t, &s));
  LS_TRY(ls_model_load(s.from, &s.model));
  LS_TRY(take_all(t, &s));
  tell_taken(t, &s);
  tell_normals(t, &s);
  tell_vocabulary(t, &s);
out:
  reset(&s);
  return st;
}

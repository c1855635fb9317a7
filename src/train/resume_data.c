/* The data of a run that is taken up again, against those that its checkpoint tells of
 * (resume.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "train/fit.h"
#include "train/resume.h"

/* ---- Names ---- */

/* Rank 0's names to all. */
static ls_status share(ls_comm *comm, ls__class_names *names) {
  ls_status st = LS_OK;
  char *text = NULL;
  const char **list = NULL;
  const bool root = ls_comm_rank(comm) == 0;
  uint64_t head[2] = {names->n, 0};
  for (size_t k = 0; k < names->n; k++) head[1] += strlen(names->name[k]) + 1;
  LS_TRY(ls__comm_bcast(comm, head, sizeof head));
  if (head[0] == 0) return root ? LS_OK : ls__class_names_set(names, NULL, 0);
  ls_status local = ls__alloc(&text, (size_t)head[1], 1, "names of columns");
  LS_THEN(local, ls__alloc(&list, (size_t)head[0], sizeof *list, "names of columns"));
  LS_TRY(ls_comm_agree(comm, local));
  char *at = text;
  for (size_t k = 0; root && k < names->n; k++) {
    memcpy(at, names->name[k], strlen(names->name[k]) + 1);
    at += strlen(at) + 1;
  }
  LS_TRY(ls__comm_bcast(comm, text, (size_t)head[1]));
  at = text;
  for (size_t k = 0; k < head[0]; k++, at += strlen(at) + 1) list[k] = at;
  if (!root) local = ls__class_names_set(names, list, (size_t)head[0]);
  LS_TRY(ls_comm_agree(comm, local));
out:
  ls__free(text);
  ls__free(list);
  return st;
}

/* The checkpoint's names, which the run keeps. */
static ls_status take_saved(ls_model *model, const ls_model *saved) {
  ls_status st = LS_OK;
  for (int i = 0; i < LS_MAX_PORTS; i++) {
    ls__class_names *to[] = {&model->input_columns[i], &model->output_columns[i],
                             &model->classes[i], &model->input_classes[i]};
    const ls__class_names *from[] = {&saved->input_columns[i], &saved->output_columns[i],
                                     &saved->classes[i], &saved->input_classes[i]};
    for (int k = 0; k < 4; k++)
      LS_TRY(ls__class_names_set(to[k], (const char *const *)from[k]->name, from[k]->n));
  }
  LS_TRY(ls__class_names_set(&model->recipe, (const char *const *)saved->recipe.name,
                             saved->recipe.n));
  LS_TRY(ls__class_names_set(&model->vocabulary, (const char *const *)saved->vocabulary.name,
                             saved->vocabulary.n));
out:
  return st;
}

/* Where the checkpoint has none, those of the data. */
static ls_status take_given(ls_trainer *t) {
  ls_status st = LS_OK;
  ls_model *model = t->model;
  const char *recipe = ls__data_recipe(t->data);
  if (recipe != NULL && model->recipe.n == 0)
    LS_TRY(ls__class_names_set(&model->recipe, &recipe, 1));
  const char *vocabulary = ls__data_vocabulary(t->data);
  if (vocabulary != NULL && model->vocabulary.n == 0)
    LS_TRY(ls__class_names_set(&model->vocabulary, &vocabulary, 1));
  for (size_t i = 0, input = 0; i < t->n_arrays; i++) {
    const ls__array *array = &t->arrays[i];
    const char *const *columns = (const char *const *)array->columns;
    const int output = ls__fit_output(model, array);
    if (array->use == LS_INPUT) {
      ls__class_names *to = &model->input_columns[input], *known = &model->input_classes[input];
      const bool index = ls_model_input(model, input++).type == LS_INDEX;
      if (to->n == 0) LS_TRY(ls__class_names_set(to, columns, array->n_columns));
      if (known->n == 0 && index)
        LS_TRY(ls__class_names_set(known, (const char *const *)array->classes, array->n_classes));
    }
    if (output < 0) continue;
    if (model->output_columns[output].n == 0)
      LS_TRY(ls__class_names_set(&model->output_columns[output], columns, array->n_columns));
    if (model->classes[output].n == 0 && ls__head_has_classes(&t->task.head[output], array))
      LS_TRY(ls__class_names_set(&model->classes[output], (const char *const *)array->classes,
                                 array->n_classes));
  }
out:
  return st;
}

ls_status ls__resume_names(ls_trainer *t, const ls_model *saved, const char *path) {
  ls_status st = LS_OK, local = LS_OK;
  const bool root = ls_comm_rank(t->comm) == 0;
  if (t->data == NULL) return LS_OK;
  if (t->taken.found) {
    if (root) local = take_saved(t->model, saved);
    LS_TRY(ls_comm_agree(t->comm, local));
    LS_TRY(share(t->comm, &t->model->recipe));
    LS_TRY(share(t->comm, &t->model->vocabulary));
    for (size_t i = 0; i < ls_model_inputs(t->model); i++) {
      LS_TRY(share(t->comm, &t->model->input_columns[i]));
      LS_TRY(share(t->comm, &t->model->input_classes[i]));
    }
    for (size_t i = 0; i < ls_model_outputs(t->model); i++) {
      LS_TRY(share(t->comm, &t->model->output_columns[i]));
      LS_TRY(share(t->comm, &t->model->classes[i]));
    }
    local = ls__task_knows(&t->task, t->model->classes);
    LS_THEN(local, ls__fit_names(t->model, t->data, !t->options.force));
    if (local == LS_EDATA && root) local = ls__fail_context(local, "%s", path);
    LS_TRY(ls_comm_agree(t->comm, local));
  }
  LS_TRY(ls_comm_agree(t->comm, take_given(t)));
out:
  return st;
}

/* ---- Values ---- */

bool ls__far_apart(const ls__affine *a, const ls__affine *b, size_t *at) {
  *at = 0;
  if (a->n == 0 || b->n == 0)
    return false; /* whether there are some is the configuration's matter */
  if (a->n != b->n) return true;
  for (size_t k = 0; k < a->n; k++) {
    const double shift = fabs((double)a->mean[k] - (double)b->mean[k]);
    const double size = fabs((double)a->mean[k]) + fabs((double)b->mean[k]) +
                        1 / (double)a->rstd[k];
    *at = k;
    if (shift > 1e-5 * size || fabs((double)a->rstd[k] / (double)b->rstd[k] - 1) > 1e-4)
      return true;
  }
  return false;
}

static ls_status other_statistics(const char *path, const char *what,
                                  const ls__class_names *columns, const ls__affine *before,
                                  const ls__affine *now, size_t k) {
  char element[80];
  if (before->n != now->n)
    return ls__fail(LS_EDATA,
                    "%s: the data have changed: %s had %zu numbers that are normalised and has "
                    "%zu; --force goes on with them",
                    path, what, before->n, now->n);
  if (k < columns->n)
    snprintf(element, sizeof element, "%.79s", columns->name[k]);
  else
    snprintf(element, sizeof element, "number %zu (from 0)", k);
  return ls__fail(LS_EDATA,
                  "%s: the data have changed: %s of the %s had mean %.6g and standard deviation "
                  "%.6g, and has %.6g and %.6g; --force goes on with them",
                  path, element, what, (double)before->mean[k], 1 / (double)before->rstd[k],
                  (double)now->mean[k], 1 / (double)now->rstd[k]);
}

static ls_status compare_statistics(const ls_trainer *t, const ls_model *saved, const char *path) {
  size_t k;
  for (size_t i = 0; i < ls_model_inputs(saved); i++) {
    const ls__affine *before = &saved->input[i], *now = &t->model->input[i];
    const ls_port port = ls_model_input(saved, i);
    if (ls__far_apart(before, now, &k))
      return other_statistics(path, port.name, &t->model->input_columns[i], before, now, k);
  }
  for (size_t i = 0; i < ls_model_outputs(saved); i++) {
    const ls__affine *before = &saved->output[i], *now = &t->model->output[i];
    if (ls__far_apart(before, now, &k))
      return other_statistics(path, "target", &t->model->output_columns[i], before, now, k);
  }
  return LS_OK;
}

/* Rank 0. */
static ls_status compare(const ls_trainer *t, const ls_model *saved, uint64_t fingerprint,
                         const char *path) {
  ls_status st = LS_OK;
  const size_t rows = ls__data_train_rows(t->data);
  if (t->now.samples != t->n)
    LS_FAIL(LS_EDATA,
            "%s: the data have changed: the training part had %llu samples and has %zu; --force "
            "goes on with them",
            path, (unsigned long long)t->now.samples, t->n);
  if (saved->train_rows != 0 && rows != 0 && saved->train_rows != rows)
    LS_FAIL(LS_EDATA,
            "%s: the data have changed: the file had %zu rows and has %zu; --force goes on with "
            "them",
            path, saved->train_rows, rows);
  LS_TRY(compare_statistics(t, saved, path));
  if (t->now.data != 0 && fingerprint != 0 && t->now.data != fingerprint)
    LS_FAIL(LS_EDATA,
            "%s: the data have changed: the file has as many rows as before and other values; "
            "--force goes on with them",
            path);
out:
  return st;
}

/* The checkpoint's normalisation, which its weights were trained with. */
static ls_status take_normal(ls_trainer *t, size_t array, const ls__affine *saved, ls__affine *to) {
  ls_status st = LS_OK, local = LS_OK;
  const bool root = ls_comm_rank(t->comm) == 0;
  ls__affine normal = {0, NULL, NULL, NULL};
  uint64_t head[2] = {root ? saved->n : 0, root && saved->rest != NULL};
  LS_TRY(ls__comm_bcast(t->comm, head, sizeof head));
  const size_t n = (size_t)head[0];
  if (root) {
    local = ls__affine_set(&normal, saved->n, saved->mean, saved->rstd, saved->rest);
  } else if (n > 0) {
    local = ls__alloc(&normal.mean, n, sizeof *normal.mean, "normalisation");
    LS_THEN(local, ls__alloc(&normal.rstd, n, sizeof *normal.rstd, "normalisation"));
    if (head[1] != 0)
      LS_THEN(local, ls__alloc(&normal.rest, n, sizeof *normal.rest, "normalisation"));
    normal.n = n;
  }
  LS_TRY(ls_comm_agree(t->comm, local));
  if (n > 0) LS_TRY(ls__comm_bcast(t->comm, normal.mean, n * sizeof *normal.mean));
  if (n > 0) LS_TRY(ls__comm_bcast(t->comm, normal.rstd, n * sizeof *normal.rstd));
  if (head[1] != 0) LS_TRY(ls__comm_bcast(t->comm, normal.rest, n * sizeof *normal.rest));
  local = ls__data_set_normal(t->data, array, &normal);
  LS_THEN(local, ls__affine_set(to, normal.n, normal.mean, normal.rstd, normal.rest));
  LS_TRY(ls_comm_agree(t->comm, local));
out:
  ls__affine_reset(&normal);
  return st;
}

static ls_status take_normals(ls_trainer *t, const ls_model *saved) {
  ls_status st = LS_OK;
  for (size_t i = 0, input = 0; i < t->n_arrays; i++) {
    const int output = ls__fit_output(t->model, &t->arrays[i]);
    if (t->arrays[i].use == LS_INPUT) {
      LS_TRY(
          take_normal(t, i, saved != NULL ? &saved->input[input] : NULL, &t->model->input[input]));
      input++;
    }
    if (output >= 0)
      LS_TRY(take_normal(t, i, saved != NULL ? &saved->output[output] : NULL,
                         &t->model->output[output]));
  }
out:
  return st;
}

/* Rank 0: is it the same run?  Forced, what isn't is said. */
static ls_status check(ls_trainer *t, const ls_model *saved, uint64_t fingerprint,
                       const char *path) {
  ls_status st = t->data != NULL ? compare(t, saved, fingerprint, path) : LS_OK;
  if (st == LS_EDATA && t->options.force) st = ls__resume_tell(t, "%s", ls_error_message());
  LS_THEN(st, ls__resume_config(t, saved, &t->now, path, false)); /* what is known only now */
  LS_THEN(st, ls__resume_config(t, saved, &t->now, path, true));
  return st;
}

ls_status ls__resume_data(ls_trainer *t, const ls_model *saved, const char *path) {
  ls_status st = LS_OK, local = LS_OK;
  const bool root = ls_comm_rank(t->comm) == 0,
             reads = root && t->data != NULL && t->set.output != NULL &&
                     ls__data_train_rows(t->data) !=
                         0; /* the caller's own may be others each time */
  uint64_t fingerprint = 0;
  if (reads) local = ls__data_fingerprint(t->data, &fingerprint);
  LS_TRY(ls_comm_agree(t->comm, local));
  if (t->taken.found) {
    if (root) local = check(t, saved, fingerprint, path);
    LS_TRY(ls_comm_agree(t->comm, local));
    if (t->now.samples != t->n)
      t->now.position = t->now.n_sums = 0; /* forced: the epoch begins anew */
    LS_TRY(ls__comm_bcast(t->comm, &t->taken, sizeof t->taken));
    if (t->data != NULL && !t->taken.new_normal) LS_TRY(take_normals(t, saved));
  }
  t->now.data = fingerprint;
out:
  return st;
}

/* Evaluating a checkpoint on a part of a dataset. */
#include <lockstep/train.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "train/report.h"
#include "train/score.h"
#include "train/scoring.h"

static void print_json(const ls__task *task, const ls__scores *scores, double *const *confusion,
                       const ls__session *s, FILE *out) {
  ls__json j = {.out = out};
  ls__json_open(&j, NULL, '{');
  ls__json_string(&j, "split", ls__split_name(s->split));
  ls__json_whole(&j, "samples", scores->samples);
  ls__json_scores(&j, task, "", scores);
  for (int h = 0; h < task->n_heads; h++) {
    char key[2 * LS_NAME_BYTES] = "classes";
    if (confusion[h] == NULL) continue;
    if (task->n_heads > 1) snprintf(key, sizeof key, "%s_classes", task->head[h].name);
    ls__confusion_json(&task->head[h].kind, confusion[h],
                       (const char *const *)s->model->classes[h].name, &j, key);
  }
  ls__json_close(&j, '}');
  fputc('\n', out);
}

static void print_text(const ls__task *task, const ls__scores *scores, double *const *confusion,
                       const ls__session *s, FILE *out) {
  char name[2 * LS_NAME_BYTES];
  int width = 12; /* of the column of names */
  for (size_t i = 0; i < ls__task_values(task); i++) {
    const int length = (int)strlen(ls__task_value_name(task, i, name));
    if (length > width) width = length;
  }
  fprintf(out, "%s: %zu samples\n", ls__split_name(s->split), scores->samples);
  fprintf(out, "  %-*s %.6g\n", width, "loss", scores->loss);
  for (size_t i = 0; i < ls__task_values(task); i++) {
    fputs("  ", out);
    ls__text_cell(out, ls__task_value_name(task, i, name), width, SIZE_MAX);
    fprintf(out, " %.6g\n", scores->value[i]);
  }
  for (int h = 0; h < task->n_heads; h++) {
    if (confusion[h] == NULL) continue;
    fputc('\n', out);
    if (task->n_heads > 1) {
      ls__text_put(out, task->head[h].name);
      fputc('\n', out);
    }
    ls__confusion_print(&task->head[h].kind, confusion[h],
                        (const char *const *)s->model->classes[h].name, out);
  }
}

/* None of the tokens of a text, which are too many for a table of what each was taken for. */
static ls_status make_matrices(const ls__scoring *s, double **confusion) {
  ls_status st = LS_OK;
  const ls__task *task = &s->task;
  if (s->session.model->vocabulary.n > 0) return LS_OK;
  for (int h = 0; h < task->n_heads; h++) {
    const size_t k = ls__confusion_classes(&task->head[h].kind);
    if (k > 0) LS_TRY(ls__alloc(&confusion[h], k * k, sizeof(double), "confusion matrix"));
  }
out:
  return st;
}

ls_status ls_evaluate(ls_comm *comm, const char *checkpoint, const char *const *overrides, size_t n,
                      ls_split split, bool json, FILE *out) {
  ls_status st = LS_OK;
  ls__scoring s;
  ls__scores scores;
  double *confusion[LS_MAX_PORTS] = {NULL};
  LS_TRY(ls__scoring_open(comm, checkpoint, overrides, n, split, &s));
  LS_TRY(ls_comm_agree(comm, make_matrices(&s, confusion)));
  LS_TRY(ls__score_split(comm, &s.task, s.run, s.session.model->parameters, s.session.data,
                         s.session.split, &scores, confusion));
  if (ls_comm_rank(comm) == 0)
    (json ? print_json : print_text)(&s.task, &scores, confusion, &s.session, out);
out:
  for (int h = 0; h < LS_MAX_PORTS; h++) ls__free(confusion[h]);
  ls__scoring_close(&s);
  return st;
}

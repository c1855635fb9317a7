/* Learning curves, from the lines of metrics.jsonl: one for each epoch. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "train/pictures.h"

enum { MOST_PANELS = 12 };

/* One panel: a value over the epochs, of training and validation. */
typedef struct panel {
  char key[3 * LS_NAME_BYTES];
  bool alone; /* there is no such value of a validation part: the learning rate */
} panel;

typedef struct epochs {
  double *value; /* [n, columns]: epoch, then training and validation of each panel; NaN: none */
  size_t n, capacity, columns;
} epochs;

/* The number behind "key": in a line; NaN: there is none. */
static double number_of(const char *line, const char *key) {
  char mark[3 * LS_NAME_BYTES + 32];
  snprintf(mark, sizeof mark, "\"%.*s\":", (int)sizeof mark - 4, key);
  const char *at = strstr(line, mark);
  if (at == NULL) return (double)NAN;
  char *end;
  at += strlen(mark);
  const double x = strtod(at, &end);
  return end == at ? (double)NAN : x;
}

static ls_status read_epochs(const ls__pictures *p, const panel *list, size_t panels, epochs *e) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH], key[3 * LS_NAME_BYTES + 16], *line = NULL;
  size_t room = 0;
  snprintf(path, sizeof path, "%.4000s/metrics.jsonl", p->directory);
  FILE *file = fopen(path, "r");
  if (file == NULL) LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno));
  e->columns = 1 + 2 * panels;
  while (getline(&line, &room, file) > 0) {
    if (strstr(line, "\"type\":\"epoch\"") == NULL) continue;
    LS_TRY(ls__grow(&e->value, &e->capacity, e->n + 1, e->columns * sizeof *e->value, "epochs"));
    double *row = e->value + e->n++ * e->columns;
    row[0] = number_of(line, "epoch");
    for (size_t k = 0; k < panels; k++) {
      snprintf(key, sizeof key, "validation_%.190s", list[k].key);
      row[1 + 2 * k] = number_of(line, list[k].key);
      row[2 + 2 * k] = list[k].alone ? (double)NAN : number_of(line, key);
    }
  }
  if (ferror(file)) LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno));
out:
  free(line);
  if (file != NULL) (void)fclose(file);
  return st;
}

/* How large the values of a panel are. */
typedef struct span {
  double low, high;
  bool any[2]; /* of training, of validation */
} span;

static span span_of(const epochs *e, size_t k) {
  span s = {HUGE_VAL, -HUGE_VAL, {false, false}};
  for (size_t i = 0; i < e->n; i++)
    for (size_t which = 0; which < 2; which++) {
      const double x = e->value[i * e->columns + 1 + 2 * k + which];
      if (!isfinite(x)) continue;
      s.any[which] = true;
      s.low = fmin(s.low, x);
      s.high = fmax(s.high, x);
    }
  return s;
}

static bool is_loss(const char *key) {
  const size_t n = strlen(key);
  return n >= 4 && strcmp(key + n - 4, "loss") == 0;
}

/* Whether a panel says something: a learning rate that stays is no picture. */
static bool is_worth(const panel *is, const span *s) {
  return (s->any[0] || s->any[1]) && (!is->alone || s->high > s->low);
}

static void write_panel(ls__script *s, const epochs *e, const panel *is, size_t k, bool legend) {
  const span values = span_of(e, k);
  char title[3 * LS_NAME_BYTES];
  snprintf(title, sizeof title, "%.190s", is->alone ? "learning rate" : is->key);
  for (char *c = title; *c != '\0'; c++)
    if (*c == '_') *c = ' ';
  fputs("set title ", s->out);
  ls__script_quote(s, title, 40);
  /* Losses that shrink by more than a factor of 30 are read on a logarithmic axis. */
  const bool log = values.low > 0 && values.high > 30 * values.low && is_loss(is->key);
  fputs(log ? "\nset logscale y; set format y '%g'\n" : "\nunset logscale y; set format y '%g'\n",
        s->out);
  fputs(legend ? "set key top right spacing 1.2 samplen 2 textcolor rgb '#303030'\n"
               : "unset key\n",
        s->out);
  const bool both = values.any[0] && values.any[1];
  const char *with = e->n > 1 ? "lines" : "points pt 7 ps 1";
  fputs("plot ", s->out);
  if (values.any[0])
    fprintf(s->out, "$epochs using 1:%zu with %s lc rgb '" LS__BLUE "'%s title 'training'",
            2 + 2 * k, with, e->n > 1 ? (both ? " lw 1.6 dt (8,4)" : " lw 2.4") : "");
  if (both) fputs(", ", s->out);
  if (values.any[1])
    fprintf(s->out, "$epochs using 1:%zu with %s lc rgb '" LS__RED "'%s title 'validation'",
            3 + 2 * k, with, e->n > 1 ? " lw 2.4" : "");
  fputc('\n', s->out);
}

static ls_status write_curves(const ls__pictures *p, const epochs *e, const panel *list,
                              size_t panels) {
  ls_status st = LS_OK;
  ls__script s;
  size_t shown = 0;
  for (size_t k = 0; k < panels; k++) {
    const span values = span_of(e, k);
    shown += is_worth(&list[k], &values);
  }
  if (shown == 0) return LS_OK;
  const unsigned across = shown < 3    ? (unsigned)shown
                          : shown == 4 ? 2
                                       : 3,
                 down = ((unsigned)shown + across - 1) / across;
  LS_TRY(ls__script_begin(&s));
  fputs("$epochs << END\n", s.out);
  for (size_t i = 0; i < e->n; i++)
    for (size_t c = 0; c < e->columns; c++)
      if (isfinite(e->value[i * e->columns + c]))
        fprintf(s.out, "%.9g%c", e->value[i * e->columns + c], c + 1 == e->columns ? '\n' : ' ');
      else
        fprintf(s.out, "?%c", c + 1 == e->columns ? '\n' : ' ');
  fputs("END\n", s.out);
  ls__script_draw(&s, 60 + 390 * across, 20 + 300 * down);
  const double last = e->value[(e->n - 1) * e->columns];
  fprintf(s.out,
          "set datafile missing '?'\nset xrange [%g:%g]\nset xlabel 'epoch' offset 0,0.3 textcolor "
          "rgb '#404040'\n%sset multiplot layout %u,%u margins char 9,2.5,4,3 spacing char 9,6\n",
          e->n > 1 ? e->value[0] : last - 1, e->n > 1 ? last : last + 1,
          last - e->value[0] < 10 ? "set xtics 1\n" : "", down, across);
  bool first = true;
  for (size_t k = 0; k < panels; k++) {
    const span values = span_of(e, k);
    if (!is_worth(&list[k], &values)) continue;
    write_panel(&s, e, &list[k], k, first && values.any[1]);
    first = false;
  }
  fputs("unset multiplot\n", s.out);
out:
  return ls__script_end(&s, p, "learning_curves", st);
}

ls_status ls__page_curves(const ls__pictures *p) {
  ls_status st = LS_OK;
  panel list[MOST_PANELS];
  epochs e = {NULL, 0, 0, 0};
  size_t panels = 0;
  char name[2 * LS_NAME_BYTES];
  memset(list, 0, sizeof list);
  snprintf(list[panels++].key, sizeof list[0].key, "loss");
  for (size_t i = 0; i < ls__task_values(p->task) && panels < MOST_PANELS - 1; i++)
    snprintf(list[panels++].key, sizeof list[0].key, "%s", ls__task_value_name(p->task, i, name));
  snprintf(list[panels].key, sizeof list[0].key, "lr");
  list[panels++].alone = true;
  LS_TRY(read_epochs(p, list, panels, &e));
  if (e.n > 0) LS_TRY(write_curves(p, &e, list, panels));
out:
  ls__free(e.value);
  return st;
}

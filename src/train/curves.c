/* Learning curves as scripts for gnuplot: of one run, or of several (curves.h). */
#include "train/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/real.h"
#include "base/text.h"

enum { TITLE = LS__HISTORY_KEY + 96 };

/* How a run looks: told apart by colour, and without it by its marks.  Okabe and Ito's colours
 * without their yellow. */
static const char *const colours[] = {LS__BLUE,  LS__RED,   "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000"};
static const int marks[] = {7, 5, 9, 13, 11, 6, 4, 8, 12, 10, 1, 2};
static const char *const dashes[] = {"", " dt (12,4)", " dt (10,3,2,3)"};
#define COUNT(list) (sizeof(list) / sizeof *(list))

static bool is_one(const ls__curves *page) {
  return page->name == NULL;
}

static const char *colour_of(const ls__curves *page, const ls__curve *c) {
  return colours[(is_one(page) ? c->which : c->run) % COUNT(colours)];
}

/* ---- The legend ---- */

/* "best epoch: 17". */
static bool best_text(const ls__curves *page, char text[64]) {
  bool any = false, stopped = false;
  for (size_t r = 0; r < page->n; r++) {
    any = any || page->history[r].best < page->history[r].n;
    stopped = stopped || page->history[r].stopped;
  }
  const ls__history *h = page->history;
  const char *what = stopped            ? "best epoch"
                     : page->validation ? "lowest validation loss"
                                        : "lowest loss";
  if (is_one(page) && any)
    snprintf(text, 64, "%s: %s%.0f", what, stopped ? "" : "epoch ", ls__history_epoch(h, h->best));
  else
    snprintf(text, 64, "%s", what);
  return any;
}

static bool has_infinite(const ls__curves *page) {
  for (size_t k = 0; k < page->panels; k++)
    for (size_t c = 0; c < page->panel[k].n; c++) {
      const ls__curve *is = &page->panel[k].curve[c];
      for (size_t i = 0; i < is->history->n; i++)
        if (isinf(ls__history_at(is->history, i, is->key, is->which))) return true;
    }
  return false;
}

static void write_look(ls__script *s, const ls__curves *page, const ls__curve *c, bool alone) {
  const size_t every = (c->history->n + 9) / 10, r = is_one(page) ? 0 : c->run;
  const char *colour = colour_of(page, c);
  if (c->points < 2)
    fprintf(s->out, "with points pt %d ps 1.1*u lw 1.4 lc rgb '%s'",
            c->which == 0 && !alone ? 2 : marks[r % COUNT(marks)], colour);
  else if (c->which == 0 && !alone)
    fprintf(s->out, "with lines lc rgb '%s' lw 1.5 dt (6,4)", colour);
  else
    fprintf(s->out, "with linespoints lc rgb '%s' lw 2.2%s pt %d ps 0.7*u pointinterval %zu",
            colour, dashes[r / COUNT(colours) % COUNT(dashes)], marks[r % COUNT(marks)], every);
}

static const char best_look[] = "with points pt 6 ps 1.7*u lw 1.8 lc rgb '#000000'";
static const char infinite_look[] = "with points pt 2 ps 1.1*u lw 1.8 lc rgb '#404040'";

typedef struct entry {
  char text[256], look[256];
} entry;

/* What the legend says, at most 2 + runs + 2 entries. */
static ls_status make_legend(ls__curves *page, entry **out) {
  ls_status st = LS_OK;
  entry *list = NULL;
  char text[64];
  size_t n = 0;
  LS_TRY(ls__alloc(&list, page->n + 4, sizeof *list, "pictures"));
  *out = list;
  for (size_t r = 0; r < (is_one(page) ? 2 : page->n); r++) {
    const ls__curve *found = NULL; /* the run's: of validation, else of training */
    for (size_t k = 0; k < page->panels && (found == NULL || (!is_one(page) && found->which == 0));
         k++)
      for (size_t c = 0; c < page->panel[k].n; c++) {
        const ls__curve *is = &page->panel[k].curve[c];
        if (is_one(page) ? is->which == r : is->run == r) found = is;
      }
    if (found == NULL) continue;
    ls__script look = {NULL, NULL, 0};
    look.out = open_memstream(&look.text, &look.bytes);
    if (look.out == NULL) LS_FAIL(LS_ENOMEM, "pictures: out of memory");
    write_look(&look, page, found, !page->validation);
    if (fclose(look.out) == 0) snprintf(list[n].look, sizeof list[n].look, "%s", look.text);
    free(look.text);
    snprintf(list[n++].text, sizeof list->text, "%s",
             !is_one(page) ? page->name[r]
             : r == 0      ? "training"
                           : "validation");
  }
  if (!is_one(page) && page->both) {
    snprintf(list[n].text, sizeof list->text, "training");
    snprintf(list[n++].look, sizeof list->look, "with lines lc rgb '#606060' lw 1.5 dt (6,4)");
  }
  if (best_text(page, text)) {
    snprintf(list[n].text, sizeof list->text, "%s", text);
    snprintf(list[n++].look, sizeof list->look, "%s", best_look);
  }
  if (has_infinite(page)) {
    snprintf(list[n].text, sizeof list->text, "not finite");
    snprintf(list[n++].look, sizeof list->look, "%s", infinite_look);
  }
  page->entries = n;
  for (size_t i = 0; i < n; i++) {
    const size_t wide = ls__text_width(list[i].text);
    if (wide > page->letters) page->letters = wide;
  }
out:
  return st;
}

static void write_margins(ls__script *s, const ls__curves *page, double x, double y, double width,
                          double height) {
  fprintf(s->out,
          "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.5f\nset "
          "tmargin at screen %.5f\n",
          x / page->width, (x + width) / page->width, 1 - (y + height) / page->height,
          1 - y / page->height);
}

/* A plot of its own, after the panels, without anything but its key: over the corner of one of
 * them, or below all. */
static void write_legend(ls__script *s, const ls__curves *page, const entry *legend) {
  static const char *const corners[] = {"top right", "bottom right", "top left Left reverse",
                                        "bottom left Left reverse"};
  const ls__panel *p = &page->panel[page->legend];
  const double tall = ((double)page->rows * 1.45 + 0.3) * page->font;
  fputs("unset logscale\nunset border\nunset tics\nunset grid\nunset title\nunset xlabel\nset "
        "xrange "
        "[0:1]\nset yrange [0:1]\n",
        s->out);
  if (page->rows == 0) {
    write_margins(s, page, p->x, p->y, p->width, p->height);
    fprintf(s->out, "set key %s", corners[page->corner]);
  } else {
    write_margins(s, page, 0.01 * page->width, page->height - fmin(tall, page->height / 2),
                  0.98 * page->width, fmin(tall, page->height / 2) - 0.2 * page->font);
    fprintf(s->out, "set key center center horizontal maxcols %zu maxrows %zu Left reverse",
            page->across, page->rows);
  }
  fputs(" samplen 2.5 textcolor rgb '#303030'\nplot 2 with lines notitle", s->out);
  for (size_t i = 0; i < page->entries; i++) {
    fprintf(s->out, ", 2 %s title ", legend[i].look);
    ls__script_quote(s, legend[i].text, 250);
  }
  fputc('\n', s->out);
}

/* ---- Writing ---- */

/* Epochs and values of a panel's curves, one column a curve. */
static void write_data(ls__script *s, const ls__curves *page, size_t k) {
  const ls__panel *p = &page->panel[k];
  for (size_t c = 0; c < p->n; c++) {
    const ls__curve *is = &p->curve[c];
    fprintf(s->out, "$p%zuc%zu << END\n", k, c);
    for (size_t i = 0; i < is->history->n; i++) {
      const double x = ls__history_at(is->history, i, is->key, is->which);
      fprintf(s->out, "%.9g ", ls__history_epoch(is->history, i));
      if (isfinite(x))
        fprintf(s->out, "%.9g\n", ls__curves_value(p, x));
      else
        fputs(isnan(x) ? "?\n" : "NaN\n", s->out); /* a line goes on, or ends */
    }
    fputs("END\n", s->out);
  }
  /* Marks: the best epochs, and where there is no number. */
  fprintf(s->out, "$p%zubest << END\n", k);
  size_t best = 0, infinite = 0;
  for (size_t c = 0; c < p->n; c++) {
    const ls__curve *is = &p->curve[c];
    const ls__history *h = is->history;
    const bool last = c + 1 == p->n || p->curve[c + 1].run != is->run; /* validation, if there is */
    const bool none = h->best == h->n || !last || strcmp(p->key, "lr") == 0;
    const double x = none ? (double)NAN : ls__history_at(h, h->best, is->key, is->which);
    if (!isfinite(x)) continue;
    fprintf(s->out, "%.9g %.9g\n", ls__history_epoch(h, h->best), ls__curves_value(p, x));
    best++;
  }
  fprintf(s->out, "%sEND\n$p%zunone << END\n", best == 0 ? "? ?\n" : "", k);
  for (size_t c = 0; c < p->n; c++)
    for (size_t i = 0; i < p->curve[c].history->n; i++) {
      const ls__curve *is = &p->curve[c];
      if (!isinf(ls__history_at(is->history, i, is->key, is->which))) continue;
      fprintf(s->out, "%.9g %.9g\n", ls__history_epoch(is->history, i), p->high);
      infinite++;
    }
  fprintf(s->out, "%sEND\n", infinite == 0 ? "? ?\n" : "");
}

/* "loss (mse)", "learning rate", "val accuracy". */
static void panel_title(const ls__curves *page, const ls__panel *p, char title[TITLE]) {
  const char *loss = page->history[0].loss;
  for (size_t r = 1; r < page->n; r++)
    if (strcmp(page->history[r].loss, loss) != 0) loss = "";
  bool training = false;
  for (size_t c = 0; c < p->n; c++) training = training || p->curve[c].which == 0;
  snprintf(title, TITLE, "%s%.190s", training || is_one(page) ? "" : "validation ",
           strcmp(p->key, "lr") == 0 ? "learning rate" : p->key);
  for (char *c = title; *c != '\0'; c++)
    if (*c == '_') *c = ' ';
  const size_t n = strlen(title);
  snprintf(title + n, TITLE - n, "%s%s%s%s",
           strcmp(p->key, "loss") == 0 && *loss != '\0' ? " (" : "",
           strcmp(p->key, "loss") == 0 ? loss : "",
           strcmp(p->key, "loss") == 0 && *loss != '\0' ? ")" : "",
           p->cut ? ", first epoch cut" : "");
}

static double log_ten(double x) {
  return ls__log(x) / ls__log(10);
}

static double ten_to(int n) {
  return n < 0 ? 1 / ls__power(10, (uint64_t)-n) : ls__power(10, (uint64_t)n);
}

/* Numbers at a logarithmic axis: at least two of them, and not more than there is room for. */
static void write_decades(ls__script *s, const ls__panel *p, int up) {
  const double decades = log_ten(p->high / p->low);
  if (decades > 2.4 || 3 * decades > up + 1)
    fprintf(s->out, "set logscale y\nset ytics %g\n",
            decades <= up ? 10.0 : ten_to((int)ceil(decades / up)));
  else { /* 1, 2, 5, 10, 20, ... */
    static const int each[] = {1, 2, 5};
    bool begun = false;
    fputs("set logscale y\nset ytics (", s->out);
    for (int k = (int)floor(log_ten(p->low)) - 1; k <= (int)ceil(log_ten(p->high)); k++)
      for (size_t i = 0; i < COUNT(each); i++) {
        const double at = each[i] * ten_to(k);
        if (at < p->low || at > p->high) continue;
        fprintf(s->out, "%s'%.6g' %.6g", begun ? ", " : "", at, at);
        begun = true;
      }
    fputs(")\n", s->out);
  }
  if (p->zero) fprintf(s->out, "set ytics add ('0' %.9g)\n", p->low);
}

static void write_axes(ls__script *s, const ls__curves *page, const ls__panel *p) {
  const double F = page->font;
  const int across = (int)fmax(2, fmin(10, p->width / (3.6 * F))),
            up = (int)fmax(2, fmin(8, p->height / (2.2 * F)));
  write_margins(s, page, p->x, p->y, p->width, p->height);
  fprintf(s->out, "set xrange [%.9g:%.9g]\nset xtics %g\nset yrange [%.9g:%.9g]\n", page->first,
          page->last, fmax(1, ls__script_step(page->last - page->first, across)), p->low, p->high);
  if (p->log)
    write_decades(s, p, up);
  else
    fprintf(s->out, "unset logscale y\nset ytics %g\n", ls__script_step(p->high - p->low, up));
}

static void write_panel(ls__script *s, const ls__curves *page, size_t k) {
  const ls__panel *p = &page->panel[k];
  char title[TITLE];
  panel_title(page, p, title);
  fputs("set title ", s->out);
  ls__script_quote(s, title, (size_t)fmax(12, p->width / (0.6 * page->font)));
  fputc('\n', s->out);
  write_axes(s, page, p);
  for (size_t c = 0; c < p->n; c++) {
    fprintf(s->out, "%s$p%zuc%zu using 1:2 ", c == 0 ? "plot " : ", ", k, c);
    const bool alone = (c == 0 || p->curve[c - 1].run != p->curve[c].run) &&
                       (c + 1 == p->n || p->curve[c + 1].run != p->curve[c].run);
    write_look(s, page, &p->curve[c], alone && (!is_one(page) || !page->validation));
    fputs(" notitle", s->out);
  }
  fprintf(s->out, ", $p%zubest using 1:2 %s notitle, $p%zunone using 1:2 %s notitle\n", k,
          best_look, k, infinite_look);
}

static void write_page(ls__script *s, const ls__curves *page, const entry *legend, bool given) {
  for (size_t k = 0; k < page->panels; k++) write_data(s, page, k);
  if (page->left_out > 0)
    fprintf(s->out, "# %zu more values are left out: there is room for %d\n", page->left_out,
            LS__MOST_PANELS);
  ls__script_page(s, page->width, page->height, page->font, given);
  fputs("set datafile missing '?'\nset format '%g'\nset xlabel 'epoch' offset 0,0.4 textcolor "
        "rgb "
        "'#404040'\nset title offset 0,-0.4\nset multiplot\n",
        s->out);
  for (size_t k = 0; k < page->panels; k++) write_panel(s, page, k);
  write_legend(s, page, legend);
  fputs("unset multiplot\n", s->out);
}

/* One value with characters. */
static void write_text(ls__script *s, const ls__curves *page, unsigned columns) {
  size_t k = 0; /* the loss comes first: what follows it */
  for (size_t i = 1; i < page->panels && k == 0; i++)
    if (strcmp(page->panel[i].key, "lr") != 0) k = i;
  const ls__panel *p = &page->panel[k];
  char title[TITLE];
  write_data(s, page, k);
  fprintf(s->out,
          "letters(all, some, few) = all\nset terminal dumb noenhanced size %u,20\nset output "
          "ARG1\nset datafile missing '?'\n"
          "set xlabel 'epoch'\nset border 3\nset tics nomirror\nset format y '%%g'\nset key "
          "outside "
          "bottom center horizontal\nset xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n%s",
          columns, page->first, page->last, p->low, p->high, p->log ? "set logscale y\n" : "");
  panel_title(page, p, title);
  fputs("set title ", s->out);
  ls__script_quote(s, title, columns);
  fputc('\n', s->out);
  for (size_t c = 0; c < p->n; c++) {
    const ls__curve *is = &p->curve[c];
    char name[400];
    snprintf(name, sizeof name, "%s%s%s", is_one(page) ? "" : page->name[is->run],
             is_one(page) || !page->both ? "" : ", ",
             !page->both && !is_one(page) ? ""
             : is->which == 0             ? "training"
                                          : "validation");
    fprintf(s->out, "%s$p%zuc%zu using 1:2 with %s title ", c == 0 ? "plot " : ", ", k, c,
            is->points > 1 ? "lines" : "points");
    ls__script_quote(s, name, columns / 2);
  }
  fputs("\nif (0) {\n", s->out); /* ls__script_end closes it */
}

/* names: NULL: one run. */
static ls_status write_script(const ls__history *history, const char *const *names, size_t n,
                              const ls_picture_style *style, unsigned columns, ls__script *s) {
  ls_status st = LS_OK;
  ls__curves *page = NULL;
  entry *legend = NULL;
  LS_TRY(ls__alloc(&page, 1, sizeof *page, "pictures"));
  page->history = history;
  page->name = names;
  page->n = n;
  LS_TRY(ls__curves_take(page, style));
  LS_TRY(make_legend(page, &legend));
  ls__curves_lay_out(page, style);
  LS_TRY(ls__script_begin(s));
  if (columns > 0)
    write_text(s, page, columns);
  else
    write_page(s, page, legend, style != NULL && style->width > 0);
out:
  for (size_t k = 0; page != NULL && k < page->panels; k++) ls__free(page->panel[k].curve);
  ls__free(page);
  ls__free(legend);
  return st;
}

ls_status ls__page_curves(const char *directory, const ls_picture_style *style) {
  ls_status st = LS_OK;
  ls__script s = {NULL, NULL, 0};
  ls__history history;
  LS_TRY(ls__history_read(directory, &history));
  if (!ls__history_any(&history)) goto out;
  st = write_script(&history, NULL, 1, style, 0, &s);
  st = ls__script_end_in(&s, directory, "learning_curves", st);
out:
  ls__history_reset(&history);
  return st;
}

ls_status ls__curves_script(const char *const *runs, size_t n, const ls_picture_style *style,
                            unsigned columns, const char *path) {
  ls_status st = LS_OK;
  ls__script s = {NULL, NULL, 0};
  ls__history *history = NULL;
  char **names = NULL;
  ls__number_locale locale = ls__number_begin();
  LS_TRY(ls__alloc(&history, n, sizeof *history, "pictures"));
  for (size_t r = 0; r < n; r++) {
    LS_TRY(ls__history_read(runs[r], &history[r]));
    if (history[r].n == 0)
      LS_FAIL(LS_EIO, "%s/metrics.jsonl: no epoch has been finished yet", runs[r]);
    if (!ls__history_any(&history[r]))
      LS_FAIL(LS_EIO, "%s/metrics.jsonl: no epoch has a loss or metric that is finite", runs[r]);
  }
  if (n > 1) LS_TRY(ls__curves_names(runs, n, &names));
  st = write_script(history, (const char *const *)names, n, style, columns, &s);
  st = ls__script_end(&s, path, st);
out:
  for (size_t r = 0; history != NULL && r < n; r++) ls__history_reset(&history[r]);
  for (size_t r = 0; names != NULL && r < n; r++) ls__free(names[r]);
  ls__free(history);
  ls__free(names);
  ls__number_end(&locale);
  return st;
}

ls_status ls_curves_write(const char *const *runs, size_t n, const ls_picture_style *style,
                          const char *script) {
  return ls__curves_script(runs, n, style, 0, script);
}

/* Predictions of numbers against what is true, and what they miss it by. */
#include <math.h>
#include <string.h>

#include "base/real.h"
#include "train/pictures.h"

enum { MOST_TARGETS = 6 };

/* What is said of a column. */
typedef struct column {
  double low, high;      /* of targets and predictions */
  double most;           /* the largest residual */
  double r2, mean, rmse; /* of the residuals */
  size_t n;              /* samples whose numbers are finite */
} column;

static column look_at(size_t n, size_t columns, size_t c, const float *y, const float *yhat) {
  column is = {HUGE_VAL, -HUGE_VAL, 0, (double)NAN, 0, 0, 0};
  double mean = 0, spread = 0;
  for (size_t i = 0; i < n; i++) {
    const double t = (double)y[i * columns + c], p = (double)yhat[i * columns + c];
    if (!isfinite(t) || !isfinite(p)) continue;
    is.n++;
    mean += (t - mean) / (double)is.n;
    is.low = fmin(is.low, fmin(t, p));
    is.high = fmax(is.high, fmax(t, p));
    is.most = fmax(is.most, fabs(p - t));
    is.mean += p - t;
    is.rmse += (p - t) * (p - t);
  }
  for (size_t i = 0; i < n; i++) {
    const double t = (double)y[i * columns + c], p = (double)yhat[i * columns + c];
    if (isfinite(t) && isfinite(p)) spread += (t - mean) * (t - mean);
  }
  if (spread > 0) is.r2 = 1 - is.rmse / spread;
  if (is.n > 0) {
    is.mean /= (double)is.n;
    is.rmse = sqrt(is.rmse / (double)is.n);
  } else {
    is.low = 0;
    is.high = 1;
  }
  if (!(is.high > is.low)) {
    is.low -= 1;
    is.high += 1;
  }
  if (!(is.most > 0)) is.most = 1e-3 * (is.high - is.low);
  return is;
}

/* How many numbers of these values an axis of `room` heights of the font has place for. */
static int most_tics(const column *is, double room) {
  char low[32], high[32];
  const int a = snprintf(low, sizeof low, "%.3g", is->low),
            b = snprintf(high, sizeof high, "%.3g", is->high);
  return (int)fmax(2, fmin(6, room / (0.6 * (a > b ? a : b) + 1.3)));
}

/* The inside of a panel, as shares of the page. */
static void place(ls__script *s, double x, double y, double width, double height) {
  fprintf(s->out,
          "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.5f\nset "
          "tmargin at screen %.5f\n",
          x, x + width, y, y + height);
}

static void title(ls__script *s, const char *text, size_t most) {
  fputs("set title ", s->out);
  ls__script_quote(s, text, most);
  fputc('\n', s->out);
}

static const char points[] = "with points pt 7 ps 0.4*u lc rgb '#900072b2' notitle";

/* Above, predictions against targets; `tics`: how many numbers an axis has room for. */
static void write_values(ls__script *s, size_t c, const column *is, const char *name, size_t most,
                         int tics) {
  const double edge = 0.03 * (is->high - is->low), step = ls__script_step(is->high - is->low, tics);
  char text[200];
  if (isnan(is->r2))
    snprintf(text, sizeof text, "%.120s", name);
  else
    snprintf(text, sizeof text, "%.120s%sR2 %.4f", name, name[0] != '\0' ? ": " : "", is->r2);
  title(s, text, most);
  fprintf(s->out,
          "set xlabel 'target'\nset ylabel 'prediction'\nset xrange [%.9g:%.9g]\nset yrange "
          "[%.9g:%.9g]\nset xtics %g\nset ytics %g\nplot x with lines lw 1.2 lc rgb '#606060' "
          "notitle, $points using %zu:%zu %s\n",
          is->low - edge, is->high + edge, is->low - edge, is->high + edge, step, step, 1 + 2 * c,
          2 + 2 * c, points);
}

/* Below or beside it, what is missed, over the prediction, which is what a user has. */
static void write_residuals(ls__script *s, size_t c, const column *is, size_t most, int across,
                            int up) {
  const double edge = 0.03 * (is->high - is->low);
  char text[100];
  snprintf(text, sizeof text, "rmse %.4g, mean %.2g", is->rmse, is->mean);
  title(s, text, most);
  fprintf(s->out,
          "set xlabel 'prediction'\nset ylabel 'prediction - target'\nset xrange "
          "[%.9g:%.9g]\nset yrange [%.9g:%.9g]\nset xtics %g\nset ytics %g\nplot 0 with lines lw "
          "1.2 lc rgb '#606060' notitle, $points using %zu:($%zu-$%zu) %s\n",
          is->low - edge, is->high + edge, -1.06 * is->most, 1.06 * is->most,
          ls__script_step(is->high - is->low, across), ls__script_step(2 * is->most, up), 2 + 2 * c,
          2 + 2 * c, 1 + 2 * c, points);
}

static size_t at_most(size_t n, size_t most) {
  return n < 1 ? 1 : n < most ? n : most;
}

ls_status ls__page_scatter(const ls__pictures *p, const char *name, size_t n, size_t columns,
                           const float *target, const float *prediction, const char *const *names) {
  ls_status st = LS_OK;
  ls__script s;
  const bool given = p->style != NULL && p->style->width > 0;
  /* Panels that are too small to read are none: fewer targets on a small page. */
  const size_t beside = given ? at_most(p->style->width / 150, 3) : 3,
               rows = given ? at_most(p->style->height / 210, 6) : 2,
               shown = at_most(at_most(columns, MOST_TARGETS), beside * rows),
               across = shown == 1 || (shown == 4 && beside > 1) ? 2 : at_most(shown, beside),
               blocks = (shown + across - 1) / across; /* rows of targets */
  double width = 340 * (double)across, font = 12,
         height = 30 + (shown == 1 ? 320 : 600 * (double)blocks);
  if (given) {
    const double by = fmin(p->style->width / width, p->style->height / height);
    font *= by > 1 ? ls__real_power(by, 0.6) : fmax(sqrt(by), 0.7);
    width = p->style->width;
    height = p->style->height;
  }
  LS_TRY(ls__script_begin(&s));
  fputs("# target and prediction of each column\n$points << END\n", s.out);
  size_t skipped = 0;
  for (size_t i = 0; i < n; i++) {
    bool finite = true;
    for (size_t c = 0; c < shown; c++) {
      const double t = (double)target[i * columns + c], y = (double)prediction[i * columns + c];
      finite = finite && isfinite(t) && isfinite(y);
      fprintf(s.out, "%.7g %.7g%c", isfinite(t) ? t : (double)NAN, isfinite(y) ? y : (double)NAN,
              c + 1 == shown ? '\n' : ' ');
    }
    skipped += !finite;
  }
  fputs("END\n", s.out);
  ls__script_page(&s, width, height, font, given);
  char text[200];
  const int used = snprintf(text, sizeof text, "%zu samples of the %s", n, ls__script_part(p));
  if (shown < columns)
    snprintf(text + used, sizeof text - (size_t)used, "; %zu of %zu targets", shown, columns);
  if (skipped > 0)
    snprintf(text + strlen(text), sizeof text - strlen(text), "; %zu are not finite", skipped);
  fputs("set label 1 ", s.out);
  ls__script_quote(&s, text, 120);
  fprintf(s.out, " at screen 0.5,%.5f center tc rgb '#202020'\n", 1 - 1.1 * font / height);
  fputs("set format '%g'\nset xlabel offset 0,0.3 textcolor rgb '#404040'\nset ylabel offset "
        "-0.2,0 "
        "textcolor rgb '#404040'\nset title offset 0,-0.4\nset multiplot\n",
        s.out);
  const double left = 6.6 * font, right = 1.4 * font, top = 2.4 * font, bottom = 3.6 * font,
               head = 1.6 * font, wide = width / (double)across,
               block = (height - head) / (double)blocks;
  for (size_t c = 0; c < shown; c++) {
    const column is = look_at(n, columns, c, target, prediction);
    char is_called[160] = "";
    if (names != NULL) snprintf(is_called, sizeof is_called, "%.150s", names[c]);
    if (names == NULL && columns > 1) snprintf(is_called, sizeof is_called, "column %zu", c);
    const double inner = wide - left - right;
    const size_t letters = (size_t)fmax(10, (wide - left) / (0.62 * font));
    const int tics = most_tics(&is, inner / font);
    /* Values take two thirds of a block's height, residuals one; of one target they lie beside each
     * other. */
    const double x = (double)(c % across) * wide + left,
                 ground = height - head - (double)(c / across + 1) * block + bottom,
                 inside = block - (shown == 1 ? 1 : 2) * (top + bottom),
                 rest = fmax(shown == 1 ? inside : 0.36 * inside, font),
                 tall = fmax(shown == 1 ? inside : 0.64 * inside, font),
                 above = shown == 1 ? 0 : rest + top + bottom;
    place(&s, x / width, (ground + above) / height, inner / width, tall / height);
    write_values(&s, c, &is, is_called, letters, tics);
    fputs("unset label 1\n", s.out);
    place(&s, (shown == 1 ? x + wide : x) / width, ground / height, inner / width, rest / height);
    write_residuals(&s, c, &is, letters, tics, (int)fmax(2, fmin(6, rest / (2.6 * font))));
  }
  fputs("unset multiplot\n", s.out);
out:
  return ls__script_end_in(&s, p->directory, name, st);
}

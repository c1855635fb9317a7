/* Pages of predictions: confusion matrix, images, fields, lines, numbers against numbers. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "train/pictures.h"

/* ---- The confusion matrix ---- */

/* More classes than these have no per cent in their cells, or no numbers. */
enum { MOST_SHARES = 12, MOST_NUMBERS = 25 };

/* Right answers are blue and wrong ones orange, by their share of the class's `sum` samples; of
 * wrong ones the root, so that few are seen, too. */
static double shade(double n, double sum, bool right) {
  if (sum <= 0) return 0;
  return right ? n / sum : -sqrt(n / sum);
}

/* Letters of the longest name that is shown. */
enum { MOST_NAME = 18 };
static size_t longest_name(size_t k, const char *const *names) {
  size_t longest = 2;
  for (size_t c = 0; c < k && names != NULL; c++) {
    const size_t n = ls__text_width(names[c]);
    if (n > longest) longest = n;
  }
  return longest < MOST_NAME ? longest : MOST_NAME;
}

static void write_class_tics(ls__script *s, size_t k, const char *const *names) {
  const size_t every = k <= 40 ? 1 : (k + 39) / 40;
  char number[24], shown[256];
  for (int axis = 0; axis < 2; axis++) {
    fprintf(s->out, "set %ctics (", axis == 0 ? 'x' : 'y');
    for (size_t c = 0; c < k; c += every) {
      snprintf(number, sizeof number, "%zu", c);
      if (c > 0) fputs(", ", s->out);
      ls__script_shorten(names != NULL ? names[c] : number, MOST_NAME, shown, sizeof shown);
      ls__script_quote(s, shown, sizeof shown);
      fprintf(s->out, " %zu", c);
    }
    fputs(")\n", s->out);
  }
}

/* The numbers of cells: how many, and below it per cent of the truth's samples where there is room;
 * `bright`: those on a dark ground. */
static void write_cells(ls__script *s, size_t k, bool bright) {
  const char *which = bright ? ">" : "<=", *colour = bright ? "#ffffff" : "#202020";
  if (k <= MOST_SHARES)
    fprintf(s->out,
            ", $matrix using 1:($2-0.13):($4 > 0 && abs($3) %s 0.6 ? sprintf('%%d', $4) : '') with "
            "labels font ',11' tc rgb '%s', $matrix using 1:($2+0.2):($4 > 0 && abs($3) %s 0.6 ? "
            "sprintf($5 < 9.95 || ($5 >= 99.5 && $5 < 100) ? '%%.1f %%%%' : '%%.0f %%%%', $5) : "
            "'') with labels font ',8' tc "
            "rgb "
            "'%s'",
            which, colour, which, colour);
  else
    fprintf(s->out,
            ", $matrix using 1:2:($4 > 0 && abs($3) %s 0.6 ? sprintf('%%d', $4) : '') with labels "
            "font ',8' tc rgb '%s'",
            which, colour);
}

ls_status ls__page_confusion(const ls__pictures *p, const char *name, const double *counts,
                             size_t k, const char *const *names) {
  ls_status st = LS_OK;
  ls__script s;
  double right = 0, all = 0;
  const size_t longest = longest_name(k, names);
  char title[200];
  LS_TRY(ls__script_begin(&s));
  fputs("# prediction, truth, shade, samples, per cent of the truth's\n$matrix << END\n", s.out);
  for (size_t truth = 0; truth < k; truth++) {
    double sum = 0;
    for (size_t guess = 0; guess < k; guess++) sum += counts[truth * k + guess];
    for (size_t guess = 0; guess < k; guess++) {
      const double n = counts[truth * k + guess];
      fprintf(s.out, "%zu %zu %.4f %.0f %.2f\n", guess, truth, shade(n, sum, truth == guess), n,
              sum > 0 ? 100 * n / sum : 0.0);
      all += n;
      if (truth == guess) right += n;
    }
  }
  fputs("END\n", s.out);
  unsigned side = (unsigned)(k <= MOST_NUMBERS ? 44 * k : 20 * k);
  side = side < 220 ? 220 : side > 900 ? 900 : side;
  const bool turned = k > MOST_NUMBERS || (double)longest * 7 > 0.9 * side / (double)k;
  const unsigned left = 54 + 7 * (unsigned)longest,
                 bottom = turned ? 54 + 6 * (unsigned)longest : 54, least = 300,
                 width = side + left + 30 < least ? least : side + left + 30,
                 height = side + bottom + 66;
  ls__script_draw(&s, p->style, width, height);
  write_class_tics(&s, k, names);
  snprintf(title, sizeof title, "%s: %.0f of %.0f right (%.2f %%)%s", ls__script_part(p), right,
           all, all > 0 ? 100 * right / all : 0.0,
           k <= MOST_SHARES    ? "\nsamples, and per cent of those of a class"
           : k <= MOST_NUMBERS ? "\nsamples; shades by the share of a class"
                               : "\nshades by the share of a class");
  title[0] = (char)(title[0] - 'a' + 'A');
  char *second = strchr(title, '\n');
  *second++ = '\0';
  fputs("set label 1 ", s.out);
  ls__script_quote(&s, title, 100);
  fprintf(s.out,
          " at screen 0.5,%.4f center tc rgb '#202020'\nset label 2 '%s' at screen 0.5,%.4f "
          "center font ',9' tc rgb '#606060'\n",
          1 - 18.0 / height, second, 1 - 36.0 / height);
  fprintf(s.out,
          "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset bmargin at screen "
          "%.4f\nset tmargin at screen %.4f\n",
          (double)left / width, (double)(left + side) / width, (double)bottom / height,
          1 - 66.0 / height + 14.0 / height);
  fprintf(s.out,
          "set xrange [-0.5:%g]\nset yrange [%g:-0.5]\nunset grid\nset border 15 lc rgb "
          "'#b0b0b0'\nset tics scale 0\n%sset xlabel 'prediction'\nset ylabel 'truth'\nset cbrange "
          "[-1:1]\nunset colorbox\nset palette defined (-1 '#b34700', -0.5 '#e88a4a', -0.2 "
          "'#f7d0b4', 0 '#ffffff', 0.3 '#c3dcec', 0.7 '#4f97c4', 1 '" LS__BLUE "')\n",
          (double)k - 0.5, (double)k - 0.5, turned ? "set xtics rotate by 60 right\n" : "");
  fputs("plot $matrix using 1:2:3 with image", s.out);
  if (k <= MOST_NUMBERS) {
    write_cells(&s, k, false);
    write_cells(&s, k, true);
  }
  fputc('\n', s.out);
out:
  return ls__script_end_in(&s, p->directory, name, st);
}

/* ---- Images ---- */

/* A picture made smaller by a whole number, until no side is above `most`: means of what falls on
 * one pixel. */
static void shrink(ls__grid *grid, float *pixel, size_t most) {
  const size_t larger = grid->height > grid->width ? grid->height : grid->width,
               by = (larger + most - 1) / most, c = grid->channels;
  if (by <= 1) return;
  const ls__grid to = {(grid->height + by - 1) / by, (grid->width + by - 1) / by, c};
  for (size_t y = 0; y < to.height; y++)
    for (size_t x = 0; x < to.width; x++)
      for (size_t k = 0; k < c; k++) {
        double sum = 0, n = 0;
        for (size_t v = y * by; v < (y + 1) * by && v < grid->height; v++)
          for (size_t u = x * by; u < (x + 1) * by && u < grid->width; u++, n++)
            sum += (double)pixel[(v * grid->width + u) * c + k];
        pixel[(y * to.width + x) * c + k] = (float)(sum / n); /* never ahead of what is read */
      }
  *grid = to;
}

static size_t count_of(const ls__grid *grid) {
  return grid->height * grid->width * grid->channels;
}

static void take_range(const float *x, size_t n, double *low, double *high) {
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    if ((double)x[i] < *low) *low = (double)x[i];
    if ((double)x[i] > *high) *high = (double)x[i];
  }
}

/* Values of 0 to 1 are colours as they are; others are spread from the least to the greatest. */
static void image_range(const ls__grid *grid, const ls__shown_image *image, size_t n, double *low,
                        double *high) {
  *low = HUGE_VAL;
  *high = -HUGE_VAL;
  for (size_t i = 0; i < n; i++) take_range(image[i].pixel, count_of(grid), low, high);
  if (*low >= 0 && *high <= 1 && *high > 0.5) {
    *low = 0;
    *high = 1;
  }
  if (!(*high > *low)) *high = *low + 1;
}

static const char *class_name(const char *const *names, size_t c, char number[24]) {
  snprintf(number, 24, "%zu", c);
  return names != NULL ? names[c] : number;
}

ls_status ls__page_images(const ls__pictures *p, const char *name, const ls__grid *given,
                          ls__shown_image *image, size_t n, const char *const *names) {
  enum { ACROSS = 8, CELL = 92, GAP = 12, TEXT = 34, TOP = 44 };
  ls_status st = LS_OK;
  ls__script s;
  ls__grid grid = *given;
  double low, high;
  size_t wrong = 0;
  LS_TRY(ls__script_begin(&s));
  for (size_t i = 0; i < n; i++) {
    grid = *given;
    shrink(&grid, image[i].pixel, 96);
    wrong += image[i].truth != image[i].guess;
  }
  image_range(&grid, image, n, &low, &high);
  const size_t right = n - wrong, right_rows = (right + ACROSS - 1) / ACROSS,
               rows = right_rows + (wrong + ACROSS - 1) / ACROSS;
  const double larger = (double)(grid.height > grid.width ? grid.height : grid.width),
               unit = CELL / larger; /* points a pixel */
  for (size_t i = 0; i < n; i++) {
    fprintf(s.out, "$i%zu << END\n", i);
    for (size_t y = 0; y < grid.height; y++)
      for (size_t x = 0; x < grid.width; x++) {
        int rgb[3];
        for (size_t c = 0; c < 3; c++) {
          const size_t at = (y * grid.width + x) * grid.channels + (grid.channels == 3 ? c : 0);
          const double v = ((double)image[i].pixel[at] - low) / (high - low);
          rgb[c] = v >= 0 && v <= 1 ? (int)(255 * v + 0.5) : v > 1 ? 255 : 0;
        }
        fprintf(s.out, "%zu %zu %d %d %d\n", x, y, rgb[0], rgb[1], rgb[2]);
      }
    fputs("END\n", s.out);
  }
  const double width = ACROSS * (CELL + GAP) + GAP,
               height = TOP + (double)rows * ((double)grid.height * unit + TEXT) + 6;
  ls__script_draw(&s, p->style, width, height);
  fprintf(s.out,
          "set lmargin at screen 0\nset rmargin at screen 1\nset bmargin at screen 0\nset tmargin "
          "at screen 1\nunset border\nunset tics\nunset grid\nset xrange [0:%g]\nset yrange "
          "[%g:0]\n",
          width, height);
  fprintf(s.out, "set label 1 'Predictions for samples of the %s%s' at %d,20 tc rgb '#202020'\n",
          ls__script_part(p), wrong > 0 && right > 0 ? ": right ones, below wrong ones" : "", GAP);
  for (size_t i = 0; i < n; i++) {
    char number[24];
    const bool is_wrong = image[i].truth != image[i].guess;
    const size_t place = is_wrong ? i - right : i,
                 row = place / ACROSS + (is_wrong ? right_rows : 0);
    const double x = GAP + (double)(place % ACROSS) * (CELL + GAP) + CELL / 2.0,
                 y = TOP + (double)row * ((double)grid.height * unit + TEXT) +
                     (double)grid.height * unit;
    fputs("set label ", s.out);
    ls__script_quote(&s, class_name(names, image[i].guess, number), 13);
    fprintf(s.out, " at %g,%g center tc rgb '%s'\n", x, y + 9, is_wrong ? LS__RED : LS__BLUE);
    if (!is_wrong) continue;
    char is[200];
    snprintf(is, sizeof is, "is %.150s", class_name(names, image[i].truth, number));
    fputs("set label ", s.out);
    ls__script_quote(&s, is, 15);
    fprintf(s.out, " at %g,%g center font ',8' tc rgb '#606060'\n", x, y + 22);
  }
  for (size_t i = 0; i < n; i++) {
    const bool is_wrong = image[i].truth != image[i].guess;
    const size_t place = is_wrong ? i - right : i,
                 row = place / ACROSS + (is_wrong ? right_rows : 0);
    const double x = GAP + (double)(place % ACROSS) * (CELL + GAP) +
                     (CELL - (double)grid.width * unit) / 2,
                 y = TOP + (double)row * ((double)grid.height * unit + TEXT);
    fprintf(s.out, "%s$i%zu using (%g+($1+0.5)*%g):(%g+($2+0.5)*%g):3:4:5 with rgbimage",
            i == 0 ? "plot " : ", ", i, x, unit, y, unit);
  }
  fputc('\n', s.out);
out:
  return ls__script_end_in(&s, p->directory, name, st);
}

/* ---- Fields ---- */

static void write_field(ls__script *s, const char *block, size_t i, const ls__grid *grid,
                        const float *x) {
  fprintf(s->out, "$%s%zu << END\n", block, i);
  for (size_t v = 0; v < grid->height; v++)
    for (size_t u = 0; u < grid->width; u++)
      fprintf(s->out, "%zu %zu %.6g\n", u, v, (double)x[v * grid->width + u]);
  fputs("END\n", s->out);
}

static void write_range(ls__script *s, double low, double high) {
  if (!(high > low)) high = low + 1;
  fprintf(s->out, "set cbrange [%.6g:%.6g]\n", low, high);
}

/* |prediction - target| / |target|, both as vectors. */
static double relative_error(const ls__shown_field *f, size_t n) {
  double above = 0, below = 0;
  for (size_t i = 0; i < n; i++) {
    const double d = (double)f->prediction[i] - (double)f->target[i];
    above += d * d;
    below += (double)f->target[i] * (double)f->target[i];
  }
  return below > 0 ? sqrt(above / below) : 0;
}

ls_status ls__page_fields(const ls__pictures *p, const char *name, const ls__grid *input,
                          const ls__grid *output, ls__shown_field *field, size_t n) {
  enum { CELL = 170, GAP = 14, LEFT = 34, RIGHT = 16, TOP = 54, BOTTOM = 62, MOST = 128 };
  static const char *const titles[] = {"input", "target", "prediction", "prediction - target"};
  static const char *const blocks[] = {"input", "target", "prediction", "error"};
  static const char *const palettes[] = {"(0 '#2b2b2b', 0.5 '#8f8f8f', 1 '#f2f2f2')",
                                         "(0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', 0.75 "
                                         "'#5ec962', 1 '#fde725')",
                                         "(0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', 0.75 "
                                         "'#5ec962', 1 '#fde725')",
                                         "(0 '#053061', 0.25 '#4393c3', 0.5 '#f7f7f7', 0.75 "
                                         "'#e08214', 1 '#7f3b08')"};
  ls_status st = LS_OK;
  ls__script s;
  const size_t points = count_of(output), first = input == NULL ? 1 : 0, columns = 4 - first;
  double low[4] = {HUGE_VAL, HUGE_VAL, HUGE_VAL, 0}, high[4] = {-HUGE_VAL, -HUGE_VAL, -HUGE_VAL, 0};
  LS_TRY(ls__script_begin(&s));
  fputs("# samples", s.out);
  for (size_t i = 0; i < n; i++) fprintf(s.out, " %zu", field[i].sample);
  fputs(", counted from 0\n", s.out);
  for (size_t i = 0; i < n; i++) {
    ls__shown_field *f = &field[i];
    const double error = relative_error(f, points);
    ls__grid is = input != NULL ? *input : *output, was = *output;
    if (input != NULL) shrink(&is, f->input, MOST);
    if (input != NULL) take_range(f->input, count_of(&is), &low[0], &high[0]);
    if (input != NULL) write_field(&s, "input", i, &is, f->input);
    is = *output;
    shrink(&is, f->target, MOST);
    shrink(&was, f->prediction, MOST);
    take_range(f->target, count_of(&is), &low[1], &high[1]);
    take_range(f->prediction, count_of(&is), &low[1], &high[1]);
    write_field(&s, "target", i, &is, f->target);
    write_field(&s, "prediction", i, &is, f->prediction);
    for (size_t k = 0; k < count_of(&is); k++) f->prediction[k] -= f->target[k];
    take_range(f->prediction, count_of(&is), &low[3], &high[3]);
    write_field(&s, "error", i, &is, f->prediction);
    fprintf(s.out, "e%zu = %.6g\n", i, error);
  }
  low[2] = low[1];
  high[2] = high[1];
  high[3] = fmax(high[3], -low[3]);
  low[3] = -high[3];
  const double tall = CELL * fmin(2, fmax(0.25, (double)output->height / (double)output->width)),
               width = LEFT + (double)columns * (CELL + GAP) + RIGHT,
               height = TOP + (double)n * (tall + GAP) + BOTTOM;
  ls__script_draw(&s, p->style, width, height);
  fputs("set multiplot\nset border 15 lc rgb '#b0b0b0' lw 0.7\nunset tics\nunset grid\n"
        "set xrange [*:*] noextend\nset yrange [*:*] noextend reverse\n",
        s.out);
  fprintf(s.out,
          "set label 1 'Samples of the %s; at their left |prediction - target| / |target|' at "
          "screen %.4f,%.4f left tc rgb '#202020'\n",
          ls__script_part(p), LEFT / width, 1 - 18 / height);
  for (size_t row = 0; row < n; row++)
    for (size_t c = first; c < 4; c++) {
      const double x = LEFT + (double)(c - first) * (CELL + GAP),
                   y = height - TOP - (double)(row + 1) * (tall + GAP) + GAP;
      fprintf(s.out,
              "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen "
              "%.5f\nset tmargin at screen %.5f\n",
              x / width, (x + CELL) / width, y / height, (y + tall) / height);
      if (row == 0)
        fprintf(s.out, "set label 2 '%s' at screen %.5f,%.5f center tc rgb '#404040'\n", titles[c],
                (x + CELL / 2.0) / width, (y + tall + 12) / height);
      if (c == 3)
        fprintf(s.out,
                "set label 3 sprintf('%%.3g %%%%', 100 * e%zu) at screen %.5f,%.5f center rotate "
                "by "
                "90 font ',9' tc rgb '#606060'\n",
                row, (LEFT - 14) / width, (y + tall / 2) / height);
      fprintf(s.out, "set palette defined %s\n", palettes[c]);
      write_range(&s, low[c], high[c]);
      /* One bar below each column, and one for target and prediction together. */
      if (row + 1 == n && c != 2)
        fprintf(s.out,
                "set colorbox horizontal user origin screen %.5f,%.5f size screen %.5f,%.5f "
                "noborder\nset cbtics %.3g font ',8' scale 0.4 nomirror offset 0,0.4 textcolor "
                "rgb '#404040'\n",
                x / width, (BOTTOM - 24) / height, (c == 1 ? 2 * CELL + GAP : CELL) / width,
                10 / height, ls__script_step(high[c] - low[c], c == 1 ? 8 : 4));
      else
        fputs("unset colorbox\n", s.out);
      fprintf(s.out,
              "plot $%s%zu using 1:2:3 with image\nunset label 1\nunset label 2\nunset "
              "label 3\n",
              blocks[c], row);
    }
  fputs("unset multiplot\n", s.out);
out:
  return ls__script_end_in(&s, p->directory, name, st);
}

ls_status ls__page_lines(const ls__pictures *p, const char *name, size_t width,
                         const ls__shown_field *field, size_t n) {
  ls_status st = LS_OK;
  ls__script s;
  LS_TRY(ls__script_begin(&s));
  for (size_t i = 0; i < n; i++) {
    fprintf(s.out, "$s%zu << END\n", i);
    for (size_t k = 0; k < width; k++)
      fprintf(s.out, "%zu %.6g %.6g\n", k, (double)field[i].target[k],
              (double)field[i].prediction[k]);
    fputs("END\n", s.out);
  }
  const unsigned across = n > 1 ? 2 : 1, down = ((unsigned)n + across - 1) / across;
  ls__script_draw(&s, p->style, 60 + 450 * across, 40 + 290 * down);
  fprintf(s.out,
          "set xrange [0:%zu]\nset xlabel 'position' offset 0,0.3 textcolor rgb '#404040'\nset "
          "multiplot layout %u,%u margins char 9,2.5,4,4.4 spacing char 9,6\n",
          width - 1, down, across);
  for (size_t i = 0; i < n; i++)
    fprintf(s.out,
            "set title 'Sample %zu of the %s: error %.3g %%'\n%s\nplot $s%zu using 1:2 with lines "
            "lw "
            "3.5 lc rgb '#a0a0a0' title 'target', '' using 1:3 with lines lw 1.6 lc rgb '" LS__RED
            "' title 'prediction'\n",
            field[i].sample, ls__script_part(p), 100 * relative_error(&field[i], width),
            i == 0 ? "set key at screen 0.5, screen 0.985 center top horizontal samplen 2 "
                     "textcolor rgb '#303030'"
                   : "unset key",
            i);
  fputs("unset multiplot\n", s.out);
out:
  return ls__script_end_in(&s, p->directory, name, st);
}

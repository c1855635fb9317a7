/* Where learning curves and their legend lie on the page (curves.h). */
#include <math.h>

#include "base/real.h"
#include "train/curves.h"

/* In heights of the font: a letter's mean width, a line, the parts around a plot's inside. */
static const double letter = 0.6, line = 1.45, left = 5, right = 1.7, top = 2.3, bottom = 3.2;
/* A legend's sample with its spaces, in the same. */
static const double sample = 4.2;
/* A panel of this size has a font of 12. */
static const double panel_width = 420, panel_height = 310, font = 12;

double ls__curves_x(const ls__curves *page, const ls__panel *p, double epoch) {
  const double range = page->last - page->first;
  return p->x + p->width * (range > 0 ? (epoch - page->first) / range : 0.5);
}

double ls__curves_value(const ls__panel *p, double value) {
  return fmin(fmax(value, p->low), p->high);
}

double ls__curves_y(const ls__panel *p, double value) {
  const double is = ls__curves_value(p, value),
               share = p->log ? ls__log(is / p->low) / ls__log(p->high / p->low)
                              : (is - p->low) / (p->high - p->low);
  return p->y + p->height * (1 - share);
}

/* How often a curve comes into a rectangle. */
static size_t meets(const ls__curves *page, const ls__panel *p, const ls__curve *c, double x0,
                    double y0, double x1, double y1) {
  size_t met = 0;
  double x = 0, y = 0;
  bool begun = false;
  for (size_t i = 0; i < c->history->n; i++) {
    const double value = ls__history_at(c->history, i, c->key, c->which);
    if (!isfinite(value)) continue;
    const double u = ls__curves_x(page, p, ls__history_epoch(c->history, i)),
                 v = ls__curves_y(p, value);
    const int steps = begun ? 1 + (int)(fmax(fabs(u - x), fabs(v - y)) / 3) : 1;
    for (int k = 1; k <= steps; k++) {
      const double s = (double)k / steps, a = begun ? x + s * (u - x) : u,
                   b = begun ? y + s * (v - y) : v;
      met += a >= x0 && a <= x1 && b >= y0 && b <= y1;
    }
    x = u;
    y = v;
    begun = true;
  }
  return met;
}

/* Whether a corner is free for the legend. */
static bool is_free(const ls__curves *page, const ls__panel *p, int corner) {
  const double F = page->font, wide = ((double)page->letters * letter + sample + 1) * F,
               tall = ((double)page->entries * line + 1.2) * F;
  if (wide > p->width || tall > p->height) return false;
  const double x = corner < 2 ? p->x + p->width - wide : p->x,
               y = corner % 2 == 0 ? p->y : p->y + p->height - tall;
  for (size_t i = 0; i < p->n; i++)
    if (meets(page, p, &p->curve[i], x, y, x + wide, y + tall) > 0) return false;
  return true;
}

static void place_panels(ls__curves *page, size_t across, double below) {
  const double F = page->font;
  const size_t down = (page->panels + across - 1) / across;
  const double wide = page->width / (double)across, tall = (page->height - below) / (double)down;
  for (size_t k = 0; k < page->panels; k++) {
    ls__panel *p = &page->panel[k];
    p->x = (double)(k % across) * wide + left * F;
    p->y = (double)(k / across) * tall + top * F;
    p->width = fmax(wide - (left + right) * F, F);
    p->height = fmax(tall - (top + bottom) * F, F);
  }
}

/* A font for panels of this size: it grows slower than they do, and is never too small to read. */
static double font_for(double wide, double tall) {
  const double by = fmin(wide / panel_width, tall / panel_height);
  return font * (by > 1 ? ls__real_power(by, 0.6) : fmax(sqrt(by), 0.8));
}

void ls__curves_lay_out(ls__curves *page, const ls_picture_style *style) {
  const size_t n = page->panels;
  size_t across = n < 3 ? n : n == 4 ? 2 : 3;
  const bool given = style != NULL && style->width > 0;
  if (given) {
    double best = 0;
    for (size_t a = 1; a <= n; a++) {
      const double wide = (double)style->width / (double)a,
                   tall = (double)style->height / (double)((n + a - 1) / a),
                   by = fmin(wide / panel_width, tall / panel_height);
      if (by <= best * 1.001) continue;
      best = by;
      across = a;
    }
    page->width = style->width;
    page->height = style->height;
    page->font = font_for(page->width / (double)across,
                          page->height / (double)((n + across - 1) / across));
  } else {
    page->width = panel_width * (double)across;
    page->height = panel_height * (double)((n + across - 1) / across);
    page->font = font;
  }
  const double F = page->font, entry = ((double)page->letters + 8) * 0.68 * F;
  page->rows = 0;
  page->across = (size_t)fmax(1, fmin((page->width - 2 * F) / entry, (double)page->entries));
  place_panels(page, across, 0);
  for (size_t k = 0; k < n; k++)
    for (int corner = 0; corner < 4; corner++)
      if (is_free(page, &page->panel[k], corner)) {
        page->legend = k;
        page->corner = corner;
        return;
      }
  page->rows = (page->entries + page->across - 1) / page->across;
  const double below = ((double)page->rows * line + 0.5) * F;
  if (!given) page->height += below;
  place_panels(page, across, fmin(below, page->height / 2));
}

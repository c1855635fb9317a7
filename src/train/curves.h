/* Learning curves: of one run or of several, laid over each other.  What is drawn is chosen in
 * curves_panels.c, laid out in curves_layout.c, and written in curves.c. */
#ifndef LS_TRAIN_CURVES_H
#define LS_TRAIN_CURVES_H

#include "train/history.h"
#include "train/pictures.h"

enum { LS__MOST_PANELS = 24 };

/* One line of a panel. */
typedef struct ls__curve {
  const ls__history *history;
  size_t run, key, which; /* 0: training, 1: validation */
  size_t points;          /* that are finite */
} ls__curve;

/* A value over the epochs, with its axis. */
typedef struct ls__panel {
  char key[LS__HISTORY_KEY];
  ls__curve *curve; /* [n] owned: in the runs' order, training before validation */
  size_t n;
  bool log;
  double low, high; /* of the axis */
  bool zero;        /* some values are not above 0, and lie on the lower edge of a log axis */
  bool cut;         /* and some lie outside of the axis, on its edge */
  double x, y, width, height; /* of the plot's inside on the page, in points from its upper left */
} ls__panel;

/* The page. */
typedef struct ls__curves {
  const ls__history *history;
  const char *const *name; /* of the runs; NULL: there is one */
  size_t n;
  ls__panel panel[LS__MOST_PANELS];
  size_t panels, left_out;
  bool validation, both; /* there is some; there is a panel with training and validation of a run */
  double first, last;    /* epochs */
  double width, height, font;
  size_t letters;       /* of the longest entry of the legend */
  size_t entries, rows; /* of the legend; rows 0: it lies inside of a panel, `corner` of it */
  size_t across;        /* entries beside each other */
  size_t legend;        /* that panel */
  int corner;           /* 0: top right, 1: bottom right, 2: top left, 3: bottom left */
} ls__curves;

/* Panels, their curves and axes, and the epochs, from the histories; page->panel[].curve is then
 * the caller's to free. */
LS_CHECKED ls_status ls__curves_take(ls__curves *page, const ls_picture_style *style);

/* The names of n runs by their paths; the list and each name in it are the caller's to free, also
 * after a failure. */
LS_CHECKED ls_status ls__curves_names(const char *const *runs, size_t n, char ***names);

/* Sizes, places of the panels, and of the legend, where no curve is. */
void ls__curves_lay_out(ls__curves *page, const ls_picture_style *style);

/* Where a point of a panel lies on the page. */
double ls__curves_x(const ls__curves *page, const ls__panel *panel, double epoch);
double ls__curves_y(const ls__panel *panel, double value);
/* The value that is drawn: on the axis' edge where it lies beyond. */
double ls__curves_value(const ls__panel *panel, double value);

#endif

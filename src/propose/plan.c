/* Sizes: of the network, of the parts, of a step, and how many steps, by how much there is to
 * learn from.
 *
 * The numbers of tables come from trials on eight tables of 150 to 20,640 rows beside tuned
 * networks of scikit-learn (scripts/examples/init.py repeats the comparison). */
#include <string.h>

#include "data/inside.h"
#include "propose/propose.h"

/* Below so many rows no part is kept for validation in a table: what its rows teach is worth more
 * than what so few tell, and a loss over some tens of rows stops a run by chance. */
enum { SMALL = 1000, TINY = 20 };

static size_t at_least(size_t x, size_t low) {
  return x < low ? low : x;
}

static size_t within(double x, size_t low, size_t high) {
  return x < (double)low ? low : x > (double)high ? high : (size_t)x;
}

/* ---- What sort of network ---- */

static void choose_sort(const ls__proposal *p, ls__hyperparameters *h) {
  bool flat = p->n_inputs > 1;
  for (size_t i = 0; i < p->n_inputs; i++) flat = flat && p->seen[i].looks == LS__LOOKS_NUMBERS;
  h->joined = flat;
  if (p->reproduce) return;
  h->images = !p->fields && p->seen[0].looks == LS__LOOKS_GRID;
  h->halves = p->fields;
  for (int i = 0; i < p->seen[0].space && p->fields; i++)
    h->halves = h->halves && p->seen[0].place[i] % 4 == 0 && p->seen[0].place[i] >= 12;
}

/* ---- Parts ---- */

/* A part of few rows may come out empty: another seed draws another. */
static void choose_seed(const ls__proposal *p, ls__hyperparameters *h) {
  const size_t rows = p->rows;
  enum { SOME = 1024, TRIES = 1000 };
  uint8_t part[SOME];
  for (h->split_seed = 0; rows <= SOME && h->split_seed < TRIES; h->split_seed++) {
    const ls__draw draw = {.validation = h->validation, .test = h->test, .seed = h->split_seed};
    size_t count[LS__PARTS] = {0};
    ls__draw_rows(&draw, 0, rows, part);
    for (size_t i = 0; i < rows; i++)
      if (p->missing != LS__MISSING_DROP || p->gone == NULL || p->gone[i] == 0) count[part[i]]++;
    if (count[LS_TRAIN] > 0 && (h->test <= 0 || count[LS_TEST] > 0) &&
        (h->validation <= 0 || count[LS_VALIDATION] > 0))
      break;
  }
}

/* Whole groups, of which each part has one at least; else the end of each series. */
static void choose_groups(const ls__proposal *p, ls__hyperparameters *h, size_t groups) {
  const size_t least = (size_t)!p->has[LS_TEST] + !p->has[LS_VALIDATION] + 1;
  const size_t times = p->seen[0].times;
  if (p->timed && groups < least) {
    h->by = "time";
    if (times >= 20 && !p->has[LS_TEST]) h->test = times >= 40 ? 0.1 : 0.2;
    if (times >= 40 && !p->has[LS_VALIDATION]) h->validation = 0.1;
  } else {
    if (!p->timed) h->by = "group";
    if (!p->has[LS_TEST] && groups > 1) h->test = groups < 20 ? 0.2 : 0.1;
    if (!p->has[LS_VALIDATION] && groups >= least && groups > 1 && (p->timed || p->rows >= SMALL))
      h->validation = 0.1;
  }
  h->training = at_least((size_t)((1 - h->test - h->validation) * (double)p->rows), 1);
}

static void choose_parts(const ls__proposal *p, ls__hyperparameters *h) {
  if (p->timed || p->groups > 1) {
    choose_groups(p, h, p->timed ? p->series : p->groups);
    return;
  }
  const bool table = !h->images && !p->fields;
  size_t rows = 0;
  for (size_t i = 0; i < p->rows; i++)
    rows += p->missing != LS__MISSING_DROP || p->gone == NULL || p->gone[i] == 0;
  if (rows >= TINY && !p->has[LS_TEST]) h->test = rows < SMALL ? 0.2 : 0.1;
  const double kept = (1 - h->test) * (double)rows;
  if (kept >= (table ? SMALL : 2 * TINY) && !p->has[LS_VALIDATION]) h->validation = 0.1;
  h->training = at_least((size_t)((1 - h->test - h->validation) * (double)rows), 1);
  choose_seed(p, h);
}

/* ---- Tables ---- */

static void plan_table(ls__hyperparameters *h, bool classes, size_t numbers) {
  const size_t n = h->training;
  h->width = numbers > 5000 ? 64 : 128;
  h->depth = 2;
  h->batch = n < 300       ? 16
             : n < 6000    ? 32
             : n < 10000   ? 64
             : n < 50000   ? 128
             : n < 200000  ? 256
             : n < 2000000 ? 1024
                           : 2048;
  h->lr = 0.003;
  h->weight_decay = n < SMALL ? 0.3 : 0.1;
  if (numbers > 5000) h->weight_decay = 1; /* more columns than rows, mostly */
  if (n >= SMALL) h->dropout = classes ? 0.2 : n >= 10000 ? 0.1 : 0;
  h->parameters = h->width * (numbers + h->width + 1);
  const double steps = classes ? 6000 : 10000;
  h->epochs = within(steps * (double)h->batch / (double)n, 5, classes ? 100 : 400);
}

/* ---- Grids ---- */

static size_t points_of(const ls__seen *s) {
  size_t points = 1;
  for (int i = 0; i < s->space; i++) points *= s->place[i];
  return points;
}

/* Kernels have 3 taps a dimension. */
static double taps_of(const ls__seen *s) {
  return s->space == 1 ? 3 : s->space == 2 ? 9 : 27;
}

/* Multiply-adds of a sample, about. */
static double plan_grid(const ls__proposal *p, ls__hyperparameters *h) {
  const ls__seen *x = &p->seen[0];
  const double points = (double)points_of(x), taps = taps_of(x);
  size_t channels = 0, side = SIZE_MAX;
  for (size_t i = 0; i < p->n_inputs; i++)
    if (p->seen[i].looks == LS__LOOKS_GRID) channels += p->seen[i].channels;
  for (int i = 0; i < x->space; i++) side = x->place[i] < side ? x->place[i] : side;
  h->lr = p->fields ? 0.003 : 0.002;
  h->batch = h->training < 2000 ? 16 : h->training < 20000 ? 32 : 64;
  if (p->fields) {
    h->width = points > 200000 ? 16 : 32;
    h->depth = 4;
    const double w = (double)h->width;
    return points * taps * ((double)channels * w + (h->halves ? 4 : 8) * w * w);
  }
  h->width = channels == 1 && side <= 32 ? 16 : 32;
  double work = 0, in = (double)channels, out = (double)h->width, at = points;
  for (h->depth = 0; h->depth < 5 && (h->depth == 0 || side >= 4); h->depth++) {
    work += at * taps * in * out;
    in = out;
    out = out < 128 ? 2 * out : out;
    at /= x->space == 1 ? 2 : x->space == 2 ? 4 : 8;
    side /= 2;
  }
  h->dropout = 0.3;
  h->weight_decay = 0.01;
  return work;
}

void ls__propose_plan(const ls__proposal *p, ls__hyperparameters *h) {
  bool classes = p->n > p->n_inputs;
  size_t numbers = 0;
  memset(h, 0, sizeof *h);
  for (size_t i = 0; i < p->n_inputs; i++)
    numbers += p->seen[i].looks == LS__LOOKS_IDS ? 16 : p->seen[i].count;
  for (size_t i = p->n_inputs; i < p->n; i++)
    classes = classes && (ls__seen_is_class(&p->seen[i]) || p->seen[i].looks == LS__LOOKS_YES_NO);
  choose_sort(p, h);
  choose_parts(p, h);
  double work;
  if (h->images || p->fields) {
    work = plan_grid(p, h);
    h->epochs = within(20000.0 * (double)h->batch / (double)h->training, 8, p->fields ? 60 : 100);
    if (p->fields) h->weight_decay = 0.001;
  } else {
    plan_table(h, classes, numbers);
    work = (double)h->parameters;
  }
  if (classes && (h->images || h->training >= SMALL) && !p->fields) h->smoothing = 0.1;
  /* Six operations a multiply-add in a step; so many take about two minutes of two cores. */
  const double most = 6e12 / (6 * work * (double)h->training);
  if ((double)h->epochs > most) h->epochs = within(most, 5, h->epochs);
  if (p->has[LS_VALIDATION] || h->validation > 0) h->patience = at_least(h->epochs / 4, 5);
}

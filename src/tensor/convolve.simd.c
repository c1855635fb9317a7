/* Our own convolution: a tile of y, some neighbouring pixels by some vectors of filters, stays in
 * registers while the numbers of its patches go by; and that of the gradient of the kernels, some
 * filters by some vectors of a patch, while pixels go by.
 *
 *                 filters                            part of a patch
 *   of a patch  [ panel of B ]  first cache     p  [ x, where it lies ]
 *
 *     pixels    [ tile of y  ]                f    [ tile of dw ]
 *
 * Each number of x is read where it lies, by every patch that it belongs to.  A part of B that the
 * first cache holds is kept there for all pixels; of the gradient, as many rows of pixels as it
 * holds are taken at a time. */
#include "tensor/convolve_ops.h"

#include <stdint.h>
#include <string.h>

#include "tensor/ahead.h"
#include "tensor/tile.h"

enum {
  NEAR = 8192,     /* floats of B, or of x and dy, in the first cache */
  LARGE = 1 << 18, /* floats of dw */
  MOST_RUNS = 64,
};

/* ---- The size of a tile */

typedef struct tile_size {
  size_t rows, wide, cost; /* cost: about the cycles for each p */
} tile_size;

/* `rows` in tiles of at most `most` by `vectors`, of which tiles have `given`, unless that is 0:
 * multiply-adds, loads and four cycles until a sum can be added to again, two of each in a
 * cycle. */
static tile_size choose(size_t rows, size_t vectors, size_t most, size_t given) {
  tile_size best = {0, 0, SIZE_MAX};
  for (size_t w = given > 0 ? given : 1; w <= (given > 0 ? given : WIDE); w++) {
    const size_t wide = given > 0 ? given : share(vectors, w), limit = MOST_ROWS / wide;
    const size_t tall = share(rows, limit < most ? limit : most);
    const size_t tiles = ((rows + tall - 1) / tall) * ((vectors + wide - 1) / wide);
    const size_t loads = tall + wide, adds = tall * wide;
    const size_t slowest = adds > loads ? adds : loads;
    const size_t cost = tiles * (16 * (slowest > 8 ? slowest : 8) + loads);
    if (cost < best.cost) best = (tile_size){tall, wide, cost};
  }
  return best;
}

static size_t vectors_of(size_t n) {
  return (n + VEC - 1) / VEC;
}

/* ---- y */

/* Floats of a patch that lie side by side. */
typedef struct run {
  size_t at, n;
} run;

typedef struct pixel_job {
  tile_job t;
  const run *runs;
  size_t n_runs;
} pixel_job;

INLINE void pixel_tile(const int rows, const int wide, const pixel_job *j) {
  const tile_job *t = &j->t;
  const float *b = t->b;
  sums sum;
  begin(rows, wide, t, sum);
  if (t->start != t->c && t->k >= 32)
    UNROLL for (int r = 0; r < rows; r++) expect_row(wide, t, (size_t)r);
  for (size_t i = 0; i < j->n_runs; i++) {
    chain(rows, wide, DIRECT, j->runs[i].n, t->a + j->runs[i].at, t->step_a, b, t->ldb, sum);
    b += j->runs[i].n * t->ldb;
  }
  put(rows, wide, t, sum);
}

/* clang-format off */
#define PIXELS(rows, wide)                                                           \
  static void pixels_##rows##_##wide(const pixel_job *j) {                           \
    if (rows <= MOST_DIRECT) pixel_tile(rows <= MOST_DIRECT ? rows : 1, wide, j);    \
  }
#define PIXELS_NAME(rows, wide) [rows - 1] = pixels_##rows##_##wide,
/* clang-format on */
SIZES(PIXELS, AS_IS)
static void (*const pixel_tiles[WIDE][MOST_ROWS])(const pixel_job *j) = {
    SIZES(PIXELS_NAME, ROW_OF)};

/* Tiles lie along the axis on which they are best; the last is preferred. */
static tile_size choose_axis(const ls__windows *w, size_t given, int *axis) {
  tile_size best = {0, 0, SIZE_MAX};
  double least = HUGE_VAL;
  for (int a = LS__PIXEL_AXES - 1; a >= 0; a--) {
    const tile_size size = choose(w->n[a], vectors_of(w->filters), MOST_DIRECT, given);
    const double cost = (double)size.cost / (double)w->n[a] * (a == LS__PIXEL_AXES - 1 ? 1 : 1.2);
    if (cost >= least) continue;
    least = cost;
    best = size;
    *axis = a;
  }
  return best;
}

static size_t width(const ls__windows *w) {
  int axis;
  if (w->alone) return vectors_of(w->filters) * VEC;
  return choose_axis(w, 0, &axis).wide * VEC;
}

/* What is done at a time: some numbers of the patches, by the filters of a panel. */
typedef struct region {
  const ls__convolution *c;
  int axis;    /* of tiles, */
  int over[3]; /* and the others */
  size_t rows;
  bool finishes;
  ahead ahead;
  pixel_job job; /* start: of the panel, or NULL */
  bool adds;
} region;

/* Pixels along the axis, from those at `x` and `y` on. */
static void line(region *r, const float *x, float *y, size_t filter, size_t n_filters) {
  const ls__windows *w = &r->c->at;
  pixel_job *j = &r->job;
  const size_t vectors = vectors_of(n_filters), n = w->n[r->axis];
  for (size_t i = 0, rows; i < n; i += rows) {
    rows = share(n - i, r->rows);
    j->t.a = x + i * j->t.step_a;
    j->t.c = y + i * j->t.ldc + filter;
    if (r->adds) j->t.start = j->t.c;
    pixel_tiles[vectors - 1][rows - 1](j);
    ask(&r->ahead);
  }
}

static void pixels(region *r, size_t filter, size_t n_filters) {
  const ls__convolution *c = r->c;
  const ls__windows *w = &c->at;
  const int *o = r->over;
  const float *x = c->x;
  r->job.t.last = n_filters - (vectors_of(n_filters) - 1) * VEC;
  for (size_t i = 0; i < w->n[o[0]]; i++)
    for (size_t j = 0; j < w->n[o[1]]; j++)
      for (size_t k = 0; k < w->n[o[2]]; k++) {
        float *y = c->y + i * w->y_step[o[0]] + j * w->y_step[o[1]] + k * w->y_step[o[2]];
        line(r, x + i * w->x_step[o[0]] + j * w->x_step[o[1]] + k * w->x_step[o[2]], y, filter,
             n_filters);
        if (r->finishes) c->finish(c->context, y, w->n[3] * w->filters);
      }
}

/* The runs of numbers k0 .. of a patch, at most `most`; returns how many numbers that are. */
static size_t cut_runs(const ls__windows *w, size_t k0, size_t most, run *runs, size_t *n_runs) {
  const size_t each = ls__windows_run(w);
  size_t k = 0;
  for (*n_runs = 0; k < most && *n_runs < MOST_RUNS; ++*n_runs) {
    const size_t r = (k0 + k) / each, in = (k0 + k) % each, left = each - in;
    runs[*n_runs] = (run){ls__windows_run_at(w, r) + in, left < most - k ? left : most - k};
    k += runs[*n_runs].n;
  }
  return k;
}

static void finish_lines(const ls__convolution *c) {
  const ls__windows *w = &c->at;
  for (size_t i = 0; i < w->n[0]; i++)
    for (size_t j = 0; j < w->n[1]; j++)
      for (size_t k = 0; k < w->n[2]; k++)
        c->finish(c->context, c->y + i * w->y_step[0] + j * w->y_step[1] + k * w->y_step[2],
                  w->n[3] * w->filters);
}

/* ---- Channels that are alone: vectors of them, of x and of the other side alike */

enum { ALONE_WIDE = 2, ALONE_ROWS = VECTORS == 1 ? 2 : 6 };

/* A tile of y, rows of pixels, while taps go by; or of dw turned, rows of taps, while pixels do. */
typedef struct alone_job {
  tile_job t; /* step_a: from row to row in x; no k, no ldb */
  size_t n[4], a_step[4], b_step[4];
} alone_job;

INLINE vec load_last(const float *x, const bool whole, size_t last) {
  return whole ? vec_load(x) : vec_load_some(x, last);
}

INLINE void alone_chain(const int rows, const int wide, const bool whole, const alone_job *j,
                        const float *a, const float *b, sums sum) {
  const size_t step = j->t.step_a, last = j->t.last;
  for (size_t p = 0; p < j->n[3]; p++, a += j->a_step[3], b += j->b_step[3]) {
    vec bv[ALONE_WIDE];
    UNROLL for (int v = 0; v < wide; v++)
        bv[v] = load_last(b + v * VEC, whole || v + 1 < wide, last);
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < wide; v++) {
        const float *x = a + (size_t)r * step + v * VEC;
        sum[r][v] = vec_fma(load_last(x, whole || v + 1 < wide, last), bv[v], sum[r][v]);
      }
    }
  }
}

INLINE void alone_tile(const int rows, const int wide, const bool whole, const alone_job *j) {
  sums sum;
  begin(rows, wide, &j->t, sum);
  for (size_t s = 0; s < j->n[0]; s++)
    for (size_t d = 0; d < j->n[1]; d++)
      for (size_t h = 0; h < j->n[2]; h++)
        alone_chain(rows, wide, whole, j,
                    j->t.a + s * j->a_step[0] + d * j->a_step[1] + h * j->a_step[2],
                    j->t.b + s * j->b_step[0] + d * j->b_step[1] + h * j->b_step[2], sum);
  put(rows, wide, &j->t, sum);
}

#define ALONE(rows, wide)                                 \
  static void alone_##rows##_##wide(const alone_job *j) { \
    if (j->t.last == VEC)                                 \
      alone_tile(rows, wide, true, j);                    \
    else                                                  \
      alone_tile(rows, wide, false, j);                   \
  }
#define ALONE_NAME(rows, wide) [rows - 1] = alone_##rows##_##wide,
/* clang-format off */
#if defined(VEC_SLOW)
#define ALONE_SIZES(X_, W_) W_(1, X_(1, 1) X_(2, 1)) W_(2, X_(1, 2) X_(2, 2))
#else
#define ALONE_SIZES(X_, W_) W_(1, SIX(X_, 1)) W_(2, SIX(X_, 2))
#endif
/* clang-format on */
ALONE_SIZES(ALONE, AS_IS)
static void (*const alone_tiles[ALONE_WIDE][ALONE_ROWS])(const alone_job *j) = {
    ALONE_SIZES(ALONE_NAME, ROW_OF)};

/* `tall` rows by all channels, tile by tile. */
static void alone_tiles_of(alone_job *j, size_t tall, size_t channels, const float *start,
                           float *c) {
  const float *a = j->t.a, *b = j->t.b;
  const size_t vectors = vectors_of(channels);
  for (size_t i = 0, rows; i < tall; i += rows) {
    rows = share(tall - i, ALONE_ROWS);
    for (size_t v = 0, wide; v < vectors; v += wide) {
      const size_t left = channels - v * VEC;
      wide = share(vectors - v, ALONE_WIDE);
      j->t.last = left < wide * VEC ? left - (wide - 1) * VEC : VEC;
      j->t.a = a + i * j->t.step_a + v * VEC;
      j->t.b = b + v * VEC;
      j->t.c = c + i * j->t.ldc + v * VEC;
      j->t.start = start != NULL ? start + i * j->t.ld_start + v * VEC : NULL;
      alone_tiles[wide - 1][rows - 1](j);
    }
  }
}

static void convolve_alone(const ls__convolution *c) {
  const ls__windows *w = &c->at;
  const float *x = c->x;
  alone_job j =
      {.t = {.step_a = w->x_step[3], .ldc = w->y_step[3], .ld_start = c->add ? w->y_step[3] : 0},
       .n = {1, w->taps[0], w->taps[1], w->taps[2]},
       .a_step = {0, w->tap_step[0], w->tap_step[1], w->tap_step[2]},
       .b_step = {0, w->taps[1] * w->taps[2] * c->width, w->taps[2] * c->width, c->width}};
  for (size_t s = 0; s < w->n[0]; s++)
    for (size_t d = 0; d < w->n[1]; d++)
      for (size_t h = 0; h < w->n[2]; h++) {
        float *y = c->y + s * w->y_step[0] + d * w->y_step[1] + h * w->y_step[2];
        j.t.a = x + s * w->x_step[0] + d * w->x_step[1] + h * w->x_step[2];
        j.t.b = c->panels;
        alone_tiles_of(&j, w->n[3], w->filters, c->add ? y : c->start, y);
        if (c->finish != NULL) c->finish(c->context, y, w->n[3] * w->filters);
      }
}

/* The pixels of a box: rows of taps, one after the other. */
static void box_alone(const ls__convolution_gradient *g, alone_job *j, const float *x,
                      const float *dy) {
  const ls__windows *w = &g->at;
  float *dw = g->dw;
  for (size_t d = 0; d < w->taps[0]; d++)
    for (size_t h = 0; h < w->taps[1]; h++, dw += w->taps[2] * g->ldw) {
      j->t.a = x + d * w->tap_step[0] + h * w->tap_step[1];
      j->t.b = dy;
      alone_tiles_of(j, w->taps[2], w->filters, dw, dw);
    }
}

static void convolve(const ls__convolution *c) {
  const ls__windows *w = &c->at;
  if (w->alone) {
    convolve_alone(c);
    return;
  }
  const size_t patch = ls__windows_patch(w);
  run runs[MOST_RUNS];
  region r = {.c = c};
  const size_t wide = c->width;
  r.rows = choose_axis(w, wide / VEC, &r.axis).rows;
  r.ahead = spread(c->soon, (double)(w->n[0] * w->n[1] * w->n[2] * w->n[3]) / (double)r.rows *
                                (double)((w->filters + wide - 1) / wide) *
                                (double)((patch * wide + NEAR - 1) / NEAR));
  for (int a = 0, o = 0; a < LS__PIXEL_AXES; a++)
    if (a != r.axis) r.over[o++] = a;
  r.job = (pixel_job){.t = {.step_a = w->x_step[r.axis], .ldc = w->y_step[r.axis], .ldb = wide},
                      .runs = runs};
  size_t k0 = 0;
  do {
    const size_t k = cut_runs(w, k0, share(patch - k0, NEAR / wide), runs, &r.job.n_runs);
    r.job.t.k = k;
    r.adds = c->add || k0 > 0;
    r.job.t.ld_start = r.adds ? r.job.t.ldc : 0;
    for (size_t f = 0; f < w->filters; f += wide) {
      const size_t left = w->filters - f;
      r.finishes = c->finish != NULL && r.axis == 3 && k0 + k == patch && left <= wide;
      r.job.t.b = c->panels + f * patch + k0 * wide;
      r.job.t.start = c->start != NULL ? c->start + f : NULL;
      pixels(&r, f, left < wide ? left : wide);
    }
    k0 += k;
  } while (k0 < patch);
  if (c->finish != NULL && r.axis != 3) finish_lines(c);
}

static void pack(const ls__operand *b, size_t j0, size_t n, size_t k, float *panel, size_t wide) {
  pack_panel(b, j0, n, 0, k, panel, wide, 0);
}

/* ---- dw */

/* A tile of dw, while the pixels of a box go by: t.k along width, and these. */
typedef struct box_job {
  tile_job t;
  ahead ahead[2];
  size_t n[3], a_step[3], b_step[3];
} box_job;

INLINE void box_tile(const int rows, const int wide, const box_job *j) {
  const tile_job *t = &j->t;
  sums sum;
  begin(rows, wide, t, sum);
  for (size_t s = 0; s < j->n[0]; s++)
    for (size_t d = 0; d < j->n[1]; d++) {
      const float *a = t->a + s * j->a_step[0] + d * j->a_step[1];
      const float *b = t->b + s * j->b_step[0] + d * j->b_step[1];
      for (size_t h = 0; h < j->n[2]; h++, a += j->a_step[2], b += j->b_step[2])
        chain(rows, wide, ACROSS, t->k, a, t->step_a, b, t->ldb, sum);
    }
  put(rows, wide, t, sum);
}

#define BOX(rows, wide)                               \
  static void box_##rows##_##wide(const box_job *j) { \
    box_tile(rows, wide, j);                          \
  }
#define BOX_NAME(rows, wide) [rows - 1] = box_##rows##_##wide,
SIZES(BOX, AS_IS)
static void (*const box_tiles[WIDE][MOST_ROWS])(const box_job *j) = {SIZES(BOX_NAME, ROW_OF)};

static tile_size choose_gradient(const ls__windows *w, bool turned) {
  const size_t each = ls__windows_run(w);
  return turned ? choose(each, vectors_of(w->filters), MOST_ROWS, 0)
                : choose(w->filters, vectors_of(each), MOST_ROWS, 0);
}

static bool turned(const ls__windows *w) {
  if (w->alone) return true;
  return w->filters % VEC == 0 && ls__windows_run(w) % VEC != 0 &&
         choose_gradient(w, true).cost < choose_gradient(w, false).cost;
}

/* Rows of dw, of `tall` numbers of one side, by vectors of `across` numbers of the other. */
static void tiles_of_run(box_job *j, tile_size size, size_t tall, size_t across, float *c) {
  const float *a = j->t.a, *b = j->t.b;
  const size_t vectors = vectors_of(across);
  for (size_t v = 0, wide; v < vectors; v += wide) {
    const size_t left = across - v * VEC;
    wide = share(vectors - v, size.wide);
    j->t.last = left < wide * VEC ? left - (wide - 1) * VEC : VEC;
    j->t.b = b + v * VEC;
    for (size_t i = 0, rows; i < tall; i += rows) {
      rows = share(tall - i, size.rows);
      j->t.a = a + i;
      j->t.c = c + i * j->t.ldc + v * VEC;
      j->t.start = j->t.c;
      box_tiles[wide - 1][rows - 1](j);
      ask(&j->ahead[0]);
      ask(&j->ahead[1]);
    }
  }
}

/* The pixels of a box, whose first patch and pixel are at x and dy. */
static void box(const ls__convolution_gradient *g, box_job *j, tile_size size, const float *x,
                const float *dy) {
  const ls__windows *w = &g->at;
  const size_t each = ls__windows_run(w), runs = ls__windows_patch(w) / each;
  for (size_t r = 0; r < runs; r++) {
    const float *at = x + ls__windows_run_at(w, r);
    j->t.a = g->turned ? at : dy;
    j->t.b = g->turned ? dy : at;
    if (g->turned)
      tiles_of_run(j, size, each, w->filters, g->dw + r * each * g->ldw);
    else
      tiles_of_run(j, size, w->filters, each, g->dw + r * each);
  }
}

/* How many pixels along each axis a box has: what stays in the first cache, whole rows of it where
 * there are rows, and so on.  A dw that the second cache doesn't hold goes by less often. */
static void choose_box(const ls__windows *w, size_t most[LS__PIXEL_AXES]) {
  const size_t each = w->x_step[3] + w->y_step[3], few = 64;
  const size_t near = w->filters * ls__windows_patch(w) > LARGE ? 16 * NEAR : NEAR;
  size_t room = each < near / few ? near / each : few;
  for (int a = LS__PIXEL_AXES - 1; a >= 0; a--) {
    most[a] = share(w->n[a], room > 0 ? room : 1);
    room = most[a] == w->n[a] ? room / w->n[a] : 0;
  }
}

static void gradient(const ls__convolution_gradient *g) {
  const ls__windows *w = &g->at;
  const size_t *xs = w->x_step, *ys = w->y_step;
  const tile_size size = choose_gradient(w, g->turned);
  size_t most[LS__PIXEL_AXES], n[LS__PIXEL_AXES], s, d, h, i;
  box_job j = {.t = {.step_a = g->turned ? xs[3] : ys[3],
                     .ldb = g->turned ? ys[3] : xs[3],
                     .ldc = g->ldw,
                     .ld_start = g->ldw}};
  alone_job alone = {.t = {.step_a = w->tap_step[2], .ldc = g->ldw, .ld_start = g->ldw}};
  for (int a = 0; a < 3; a++) {
    j.a_step[a] = g->turned ? xs[a] : ys[a];
    j.b_step[a] = g->turned ? ys[a] : xs[a];
  }
  memcpy(alone.a_step, xs, sizeof alone.a_step);
  memcpy(alone.b_step, ys, sizeof alone.b_step);
  choose_box(w, most);
  const double tiles = (double)(w->filters * ls__windows_patch(w)) /
                       (double)(size.rows * size.wide * VEC) * (double)w->n[0] * (double)w->n[1] *
                       (double)w->n[2] * (double)w->n[3] /
                       (double)(most[0] * most[1] * most[2] * most[3]);
  for (int a = 0; a < 2; a++) j.ahead[a] = spread(g->soon[a], tiles);
  for (s = 0; s < w->n[0]; s += n[0]) {
    n[0] = share(w->n[0] - s, most[0]);
    for (d = 0; d < w->n[1]; d += n[1]) {
      n[1] = share(w->n[1] - d, most[1]);
      for (h = 0; h < w->n[2]; h += n[2]) {
        n[2] = share(w->n[2] - h, most[2]);
        for (i = 0; i < w->n[3]; i += n[3]) {
          n[3] = share(w->n[3] - i, most[3]);
          const float *x = (const float *)g->x + s * xs[0] + d * xs[1] + h * xs[2] + i * xs[3];
          const float *dy = g->dy + s * ys[0] + d * ys[1] + h * ys[2] + i * ys[3];
          memcpy(alone.n, n, sizeof n);
          memcpy(j.n, n, sizeof j.n);
          j.t.k = n[3];
          if (w->alone)
            box_alone(g, &alone, x, dy);
          else
            box(g, &j, size, x, dy);
        }
      }
    }
  }
}

LS_SIMD_DECLARE(ls__convolve_ops, ls__convolve_ops);
const ls__convolve_ops LS_SIMD(ls__convolve_ops) = {width, pack, convolve, gradient, turned};

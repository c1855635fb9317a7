/* Convolutions in bfloat16, by AMX or AVX512_BF16.  A pair, two numbers that are neighbours along a
 * sum, has the place of a float.  A tile of C has up to 16 rows by up to 16 columns:
 *
 *   y    A: pixels of a row, whose patches lie in x, one pixel after the other; nothing is copied
 *        B: the kernels, in strips of 16 filters [patch in pairs][16]
 *   dw   A: dy turned over, of each cut of a row [filters][pairs of pixels]
 *        B: each number of x in one pair with that of the next patch, where it lies in x
 *
 * A cut is how deep tiles of A and B are.  Up to four tiles of C are summed at once. */
#include "tensor/convolve_bf16.h"

#if defined(__AVX512BF16__)
#include <string.h>

#include "tensor/ahead.h"
#include "tensor/product_bf16_pack.h"

enum {
  ABREAST_C = 4, /* tiles of C */
  GROUP = 64     /* of a strip, before the next strip: what they read and write stays near */
};

typedef float tile[TILE * TILE];

/* Tiles of C, some rows of them by some columns, and what is added up for each:
 *   over i < n  A at a[row] + i a_step  times  B at b[column] + i b_step */
typedef struct block {
  size_t tall, wide;
  size_t rows, columns; /* of a tile, */
  size_t pairs;         /* and its depth */
  size_t n[4], a_step[4], b_step[4];
  const float *a[ABREAST_C], *b[ABREAST_C];
  size_t lda, ldb;
  const float *start[ABREAST_C]; /* [row * wide + column]; NULL: zero */
  size_t ld_start[ABREAST_C];
  float *c[ABREAST_C];
  size_t ldc[ABREAST_C];
} block;

typedef struct instructions {
  void (*begin)(size_t rows, size_t pairs, size_t columns); /* of tiles */
  void (*end)(void);
  void (*sum)(const block *b);
} instructions;

/* ---- Tiles that are not whole */

/* Where a tile of C is: of its rows the first `done` and of its columns those outside of some are
 * not this one's to write. */
typedef struct target {
  float *at;
  size_t ld;
  size_t done, rows;
  size_t from, columns; /* from <= column < columns */
} target;

static bool is_whole(const target *t, size_t width) {
  return t->done == 0 && t->from == 0 && t->columns == width;
}

/* Tile q of the block is `t`, or a copy of it at the edge; it begins with what is there, with
 * start [TILE] in each row, or with zeros. */
static void begin_tile(block *b, size_t q, const target *t, bool add, const float *start,
                       float *edge) {
  const bool whole = is_whole(t, b->columns);
  b->c[q] = whole ? t->at : edge;
  b->ldc[q] = whole ? t->ld : TILE;
  b->start[q] = add ? b->c[q] : start;
  b->ld_start[q] = add ? b->ldc[q] : 0;
  if (whole || !add) return;
  for (size_t r = 0; r < t->rows; r++)
    vec_store(edge + r * TILE,
              r < t->done ? vec_zero() : vec_load_some(t->at + r * t->ld, t->columns));
}

static void end_tile(const target *t, size_t width, const float *edge) {
  if (is_whole(t, width)) return;
  for (size_t r = t->done; r < t->rows; r++)
    memcpy(t->at + r * t->ld + t->from, edge + r * TILE + t->from,
           (t->columns - t->from) * sizeof *edge);
}

/* ---- x, and the kernels */

/* to[0..n) = x[0..n) in bfloat16 */
static void narrow(uint16_t *to, const float *x, size_t n) {
  size_t i = 0;
  for (; i + 2 * VEC <= n; i += 2 * VEC)
    _mm512_storeu_si512(to + i,
                        (__m512i)_mm512_cvtne2ps_pbh(vec_load(x + i + VEC), vec_load(x + i)));
  for (; i < n; i += VEC) {
    const size_t some = n - i < VEC ? n - i : VEC;
    _mm256_mask_storeu_epi16(to + i, vec_first(some),
                             (__m256i)_mm512_cvtneps_pbh(vec_load_some(x + i, some)));
  }
}

static void copy(const ls__pixels *self, void *to, const float *x, size_t n) {
  const size_t channels = self->channels, pitch = ls__pixels_pitch(self);
  uint16_t *at = to;
  if (channels == pitch) {
    narrow(at, x, n * channels);
    return;
  }
  if (channels == 1) { /* of gray images */
    for (size_t i = 0; i < n; i += VEC) {
      const size_t some = n - i < VEC ? n - i : VEC;
      vec_store_some((float *)(void *)(at + 2 * i), pair(vec_load_some(x + i, some), vec_zero()),
                     some);
    }
    return;
  }
  for (size_t i = 0; i < n; i++, x += channels, at += pitch) {
    narrow(at, x, channels);
    memset(at + channels, 0, self->padding * sizeof *at);
  }
}

static void pack(const ls__windows *w, const ls__operand *b, size_t first, size_t rows,
                 float *panels) {
  const size_t half = (w->channels + w->padding) / 2;
  const size_t strip = w->taps[0] * w->taps[1] * w->taps[2] * half * TILE;
  _Alignas(64) float panel[2 * PANEL * TILE];
  for (size_t f = 0; f < w->filters; f += TILE, panels += strip) {
    const size_t n = w->filters - f < TILE ? w->filters - f : TILE;
    for (size_t p = 0; p < rows; p += w->channels) {
      float *to = panels + (first + p) / w->channels * half * TILE;
      for (size_t c = 0; c < 2 * half; c += 2 * PANEL) {
        const size_t left = c < w->channels ? w->channels - c : 0;
        const size_t k = left < 2 * PANEL ? left : 2 * PANEL;
        if (k > 0) pack_panel(b, f, n, p + c, k, panel, TILE, 0);
        for (size_t q = 0; q < PANEL && c + 2 * q < 2 * half; q++, to += TILE) {
          vec low = vec_zero(), high = vec_zero();
          if (2 * q < k) low = vec_load_some(panel + 2 * q * TILE, n);
          if (2 * q + 1 < k) high = vec_load_some(panel + (2 * q + 1) * TILE, n);
          vec_store(to, pair(low, high));
        }
      }
    }
  }
}

/* ---- y */

/* Tiles lie along the axis that takes the least time: about 6 and as many as they have rows, a
 * fifth more where pixels are apart. */
static int choose_axis(const ls__windows *w) {
  int best = LS__PIXEL_AXES - 1;
  double least = HUGE_VAL;
  for (int a = LS__PIXEL_AXES - 1; a >= 0; a--) {
    const size_t rows = share(w->n[a], TILE), tiles = (w->n[a] + rows - 1) / rows;
    const double cost = (double)(tiles * (6 + rows)) / (double)w->n[a];
    if (cost * (a == LS__PIXEL_AXES - 1 ? 1 : 1.2) >= least) continue;
    least = cost * (a == LS__PIXEL_AXES - 1 ? 1 : 1.2);
    best = a;
  }
  return best;
}

/* A tile of pixels: its place along each axis, in tiles along theirs. */
typedef struct cursor {
  size_t i[LS__PIXEL_AXES];
} cursor;

static void advance(cursor *at, const size_t n[LS__PIXEL_AXES]) {
  for (int a = LS__PIXEL_AXES - 1; a >= 0; a--) {
    if (++at->i[a] < n[a]) return;
    at->i[a] = 0;
  }
}

/* What all tiles of y have in common. */
typedef struct region {
  const ls__convolution *c;
  const instructions *by;
  int axis;
  size_t n[LS__PIXEL_AXES]; /* pixels, or tiles */
  block b;
  ahead soon;
} region;

/* The next tiles of a strip, from `at` on. */
static void pixels(region *r, cursor *at, size_t tall, size_t f, const float *start) {
  const ls__convolution *c = r->c;
  const ls__windows *w = &c->at;
  block *b = &r->b;
  const size_t left = w->filters - f, last = w->n[r->axis] - b->rows;
  _Alignas(64) tile edge[ABREAST_C];
  target to[ABREAST_C];
  b->tall = tall;
  for (size_t q = 0; q < tall; q++, advance(at, r->n)) {
    const size_t wanted = at->i[r->axis] * b->rows, first = wanted < last ? wanted : last;
    size_t x = 0, y = f;
    for (int a = 0; a < LS__PIXEL_AXES; a++) {
      const size_t i = a == r->axis ? first : at->i[a];
      x += i * w->x_step[a], y += i * w->y_step[a];
    }
    b->a[q] = (const float *)c->x + x / 2;
    to[q] = (target){.at = c->y + y,
                     .ld = w->y_step[r->axis],
                     .done = wanted - first,
                     .rows = b->rows,
                     .columns = left < TILE ? left : TILE};
    begin_tile(b, q, &to[q], c->add, start, edge[q]);
  }
  r->by->sum(b);
  ask(&r->soon);
  for (size_t q = 0; q < tall; q++) {
    end_tile(&to[q], TILE, edge[q]);
    if (c->finish == NULL || left > TILE) continue;
    const size_t rows = b->rows - to[q].done, together = to[q].ld == w->filters ? rows : 1;
    float *y = to[q].at - f + to[q].done * to[q].ld;
    for (size_t i = 0; i < rows; i += together, y += to[q].ld)
      c->finish(c->context, y, together * w->filters);
  }
}

static void convolve(const ls__convolution *c, const instructions *by) {
  const ls__windows *w = &c->at;
  const size_t half = (w->channels + w->padding) / 2, run = ls__bf16_run(w) / 2,
               depth = ls__bf16_cut(w) / 2;
  const size_t runs = run > half ? 1 : w->taps[2], patch = w->taps[0] * w->taps[1] * w->taps[2];
  const int axis = choose_axis(w);
  region r = {.c = c, .by = by, .axis = axis, .n = {w->n[0], w->n[1], w->n[2], w->n[3]}};
  r.b = (block){.wide = 1,
                .rows = share(w->n[axis], TILE),
                .columns = TILE,
                .pairs = depth,
                .n = {w->taps[0], w->taps[1], runs, run / depth},
                .a_step = {w->tap_step[0] / 2, w->tap_step[1] / 2, w->tap_step[2] / 2, depth},
                .b_step = {w->taps[1] * w->taps[2] * half * TILE, w->taps[2] * half * TILE,
                           half * TILE, depth * TILE},
                .lda = w->x_step[axis] / 2,
                .ldb = TILE};
  r.n[axis] = (w->n[axis] + r.b.rows - 1) / r.b.rows;
  const size_t all = r.n[0] * r.n[1] * r.n[2] * r.n[3];
  r.soon = spread(c->soon, (double)all / ABREAST_C * (double)((w->filters + TILE - 1) / TILE));
  cursor group = {{0}};
  by->begin(r.b.rows, depth, TILE);
  for (size_t g = 0, size; g < all; g += size) {
    cursor at = group;
    size = all - g < GROUP ? all - g : GROUP;
    for (size_t f = 0; f < w->filters; f += TILE) {
      const size_t columns = w->filters - f < TILE ? w->filters - f : TILE;
      _Alignas(64) float start[TILE] = {0};
      if (c->start != NULL) memcpy(start, c->start + f, columns * sizeof *start);
      r.b.b[0] = c->panels + f * patch * half;
      at = group;
      for (size_t t = 0; t < size; t += ABREAST_C)
        pixels(&r, &at, size - t < ABREAST_C ? size - t : ABREAST_C, f,
               c->start != NULL ? start : NULL);
    }
    group = at;
  }
  by->end();
}

/* ---- dw */

/* pairs[j] = (x[j], x[j + step]), j < n; beyond the end of x there are zeros */
static void pair_up(float *pairs, const uint16_t *x, size_t n, size_t step) {
  for (size_t j = 0; j < n; j += VEC) {
    const __mmask16 low = vec_first(n - j < VEC ? n - j : VEC);
    const size_t left = n - j > step ? n - j - step : 0;
    const __mmask16 high = left > 0 ? vec_first(left < VEC ? left : VEC) : 0;
    const __m512i a = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(low, x + j));
    const __m512i b = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(high, x + j + step));
    _mm512_storeu_si512(pairs + j, _mm512_or_si512(a, _mm512_slli_epi32(b, 16)));
  }
}

/* Where pixel p of a line of dy is; NULL between and behind its rows. */
static const float *pixel_of(const ls__windows *w, const ls__bf16_line *line, const float *dy,
                             size_t p) {
  const size_t row = p / line->pitch, at = p % line->pitch;
  return p < line->n && at < w->n[3] ? dy + row * w->y_step[2] + at * w->y_step[3] : NULL;
}

/* to[f][q] = pair q < depth of the pixels of a line of dy, from `first` on; in rows of ld. */
static void turn_pixels(const ls__windows *w, const ls__bf16_line *line, const float *dy,
                        size_t first, size_t depth, float *to, size_t ld) {
  _Alignas(64) tile across, along;
  const float *at[2 * TILE];
  for (size_t p = 0; p < 2 * depth; p++) at[p] = pixel_of(w, line, dy, first + p);
  for (size_t q = depth; q < TILE; q++) vec_store(across + q * TILE, vec_zero());
  for (size_t f = 0; f < w->filters; f += TILE, to += TILE * ld) {
    const size_t some = w->filters - f < TILE ? w->filters - f : TILE;
    for (size_t q = 0; q < depth; q++) {
      vec low = vec_zero(), high = vec_zero();
      if (at[2 * q] != NULL) low = vec_load_some(at[2 * q] + f, some);
      if (at[2 * q + 1] != NULL) high = vec_load_some(at[2 * q + 1] + f, some);
      vec_store(across + q * TILE, pair(low, high));
    }
    if (ld == TILE) {
      vec_turn(to, ld, across, TILE, TILE);
    } else {
      vec_turn(along, TILE, across, TILE, TILE);
      for (size_t r = 0; r < TILE; r++)
        vec_store_some(to + r * ld, vec_load(along + r * TILE), depth);
    }
  }
}

/* Tiles along one side of dw: `size` numbers each, the last moved back to the end. */
typedef struct side {
  size_t all, size, tiles;
} side;

static side side_of(size_t all) {
  const size_t size = share(all, TILE);
  return (side){all, size, (all + size - 1) / size};
}

static size_t side_at(const side *s, size_t t) {
  return t * s->size + s->size <= s->all ? t * s->size : s->all - s->size;
}

/* A run of a patch, cut into columns of tiles. */
typedef struct patch_columns {
  const ls__windows *w;
  size_t runs; /* along width */
  side run;
} patch_columns;

static patch_columns columns_of(const ls__windows *w) {
  const bool side_by_side = w->padding == 0 && (w->taps[2] == 1 || w->tap_step[2] == w->channels);
  patch_columns c = {w, side_by_side ? 1 : w->taps[2],
                     side_of(side_by_side ? w->taps[2] * w->channels : w->channels)};
  if (w->padding > 0) /* whole tiles, whose last columns are zeros */
    c.run = (side){(w->channels + w->padding), TILE, (w->channels + w->padding) / TILE};
  return c;
}

/* Column tile t: where it is in x and in dw, and which of its columns are to be written. */
static void column_tile(const patch_columns *c, size_t t, size_t *x, size_t *i, target *to) {
  const ls__windows *w = c->w;
  const size_t k = t % c->run.tiles, r = t / c->run.tiles % c->runs,
               row = t / c->run.tiles / c->runs, at = side_at(&c->run, k);
  const size_t each = w->taps[2] * w->channels / c->runs, left = each - at;
  *x = row / w->taps[1] * w->tap_step[0] + row % w->taps[1] * w->tap_step[1] + r * w->tap_step[2] +
       at;
  *i = (row * c->runs + r) * each + at;
  to->from = k * c->run.size - at;
  to->columns = left < c->run.size ? left : c->run.size;
}

/* What dw is made of: see the head of this file. */
typedef struct sources {
  const float *turned, *pairs;
  size_t ld; /* of rows of dy turned over */
} sources;

static sources prepare(const ls__convolution_gradient *g, const ls__bf16_line *line, size_t depth,
                       size_t cuts) {
  const ls__windows *w = &g->at;
  const size_t numbers = w->n[0] * w->x_step[0],
               behind = (cuts > 1 ? 2 * depth * w->x_step[3] : 0) + TILE;
  const size_t strips = (w->filters + TILE - 1) / TILE;
  const double all = (double)(w->n[0] * w->n[1] * (w->n[2] / line->rows) * cuts);
  ahead soon[2] = {spread(g->soon[0], all), spread(g->soon[1], all)};
  float *pairs = g->room, *turned = g->room + (numbers + behind + 15) / 16 * 16, *to = turned;
  sources s = {turned, pairs, 1};
  while (s.ld < depth) s.ld *= 2;
  pair_up(pairs, g->x, numbers, w->x_step[3]);
  memset(pairs + numbers, 0, behind * sizeof *pairs);
  for (size_t i = 0; i < w->n[0]; i++)
    for (size_t d = 0; d < w->n[1]; d++)
      for (size_t h = 0; h < w->n[2]; h += line->rows)
        for (size_t p = 0; p < cuts; p++, to += strips * TILE * s.ld) {
          const float *dy = g->dy + i * w->y_step[0] + d * w->y_step[1] + h * w->y_step[2];
          turn_pixels(w, line, dy, 2 * depth * p, depth, to, s.ld);
          ask(&soon[0]);
          ask(&soon[1]);
        }
  return s;
}

static void gradient(const ls__convolution_gradient *g, const instructions *by) {
  const ls__windows *w = &g->at;
  const ls__bf16_line line = ls__bf16_line_of(w);
  const size_t depth = ls__bf16_pixel_cut(line.n) / 2, cuts = ls__bf16_cuts(line.n),
               lines = w->n[2] / line.rows;
  const sources from = prepare(g, &line, depth, cuts);
  const size_t each = (w->filters + TILE - 1) / TILE * TILE * from.ld;
  const side rows = side_of(w->filters);
  const patch_columns across = columns_of(w);
  const size_t all = w->taps[0] * w->taps[1] * across.runs * across.run.tiles;
  const size_t most_tall = rows.tiles > 1 ? 2 : 1, most_wide = ABREAST_C / most_tall;
  block b = {.rows = rows.size,
             .columns = across.run.size,
             .pairs = depth,
             .n = {w->n[0], w->n[1], lines, cuts},
             .a_step = {w->n[1] * lines * cuts * each, lines * cuts * each, cuts * each, each},
             .b_step = {w->x_step[0], w->x_step[1], w->x_step[2], 2 * depth * w->x_step[3]},
             .lda = from.ld,
             .ldb = 2 * w->x_step[3]};
  _Alignas(64) tile edge[ABREAST_C];
  target to[ABREAST_C];
  by->begin(rows.size, depth, across.run.size);
  for (size_t r = 0; r < rows.tiles; r += b.tall) {
    b.tall = rows.tiles - r < most_tall ? rows.tiles - r : most_tall;
    for (size_t t = 0; t < all; t += b.wide) {
      b.wide = all - t < most_wide ? all - t : most_wide;
      for (size_t q = 0; q < b.tall * b.wide; q++) {
        const size_t row = r + q / b.wide, first = side_at(&rows, row);
        size_t x, i;
        to[q] = (target){.ld = g->ldw, .done = row * rows.size - first, .rows = rows.size};
        column_tile(&across, t + q % b.wide, &x, &i, &to[q]);
        to[q].at = g->dw + first * g->ldw + i;
        b.a[q / b.wide] = from.turned + first * from.ld;
        b.b[q % b.wide] = from.pairs + x;
        begin_tile(&b, q, &to[q], true, NULL, edge[q]);
      }
      by->sum(&b);
      for (size_t q = 0; q < b.tall * b.wide; q++) end_tile(&to[q], across.run.size, edge[q]);
    }
  }
  by->end();
}

/* ---- Sums */

/* body: with what A and B have moved on by. */
#define EACH_CUT(b, of_a, of_b, body)                                                  \
  for (size_t i0 = 0; i0 < (b)->n[0]; i0++)                                            \
    for (size_t i1 = 0; i1 < (b)->n[1]; i1++)                                          \
      for (size_t i2 = 0; i2 < (b)->n[2]; i2++) {                                      \
        size_t of_a = i0 * (b)->a_step[0] + i1 * (b)->a_step[1] + i2 * (b)->a_step[2]; \
        size_t of_b = i0 * (b)->b_step[0] + i1 * (b)->b_step[1] + i2 * (b)->b_step[2]; \
        for (size_t i3 = 0; i3 < (b)->n[3];                                            \
             i3++, of_a += (b)->a_step[3], of_b += (b)->b_step[3]) {                   \
          body                                                                         \
        }                                                                              \
      }

/* One tile, of so many rows, by AVX512_BF16. */
INLINE void chain(const size_t rows, const block *j, size_t q) {
  const float *a = j->a[q / j->wide], *b = j->b[q % j->wide];
  vec sum[TILE];
  UNROLL for (size_t r = 0; r < rows; r++)
      sum[r] = j->start[q] != NULL ? vec_load_some(j->start[q] + r * j->ld_start[q], j->columns)
                                   : vec_zero();
  EACH_CUT(j, of_a, of_b, {
    for (size_t p = 0; p < j->pairs; p++) {
      const __m512bh right = (__m512bh)vec_load(b + of_b + p * j->ldb);
      UNROLL for (size_t r = 0; r < rows; r++)
          sum[r] = _mm512_dpbf16_ps(sum[r], (__m512bh)vec_set(a[of_a + r * j->lda + p]), right);
    }
  })
  UNROLL for (size_t r = 0; r < rows; r++)
      vec_store_some(j->c[q] + r * j->ldc[q], sum[r], j->columns);
}

static void chains(const block *b) {
  for (size_t q = 0; q < b->tall * b->wide; q++) {
    switch (b->rows) {
#define CASE(r) \
  case r: chain(r, b, q); break;
      CASE(1)
      CASE(2)
      CASE(3)
      CASE(4)
      CASE(5)
      CASE(6)
      CASE(7)
      CASE(8)
      CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14) CASE(15) CASE(16)
#undef CASE
    }
  }
}

static void nothing(size_t rows, size_t pairs, size_t columns) {
  (void)rows, (void)pairs, (void)columns;
}
static void no_end(void) {
}
static const instructions avx512 = {nothing, no_end, chains};

static void convolve_avx512(const ls__convolution *c) {
  convolve(c, &avx512);
}
static void gradient_avx512(const ls__convolution_gradient *g) {
  gradient(g, &avx512);
}
const ls__convolve_tiles ls__convolve_by_avx512 = {copy, pack, convolve_avx512, gradient_avx512};

#if defined(LS__KNOWS_AMX)
#include "tensor/amx.h"

/* A tall by wide block; of two tiles of A or B that are there in turns, one is loaded while the
 * other is multiplied. */
INLINE void amx_block(const size_t tall, const size_t wide, const block *b) {
  const size_t tiles = tall * wide;
#define BEGIN(q)                            \
  if (q < tiles) {                          \
    if (b->start[q] != NULL)                \
      LOAD(q, b->start[q], b->ld_start[q]); \
    else                                    \
      ZERO(q);                              \
  }
  BEGIN(0)
  BEGIN(1)
  BEGIN(2)
  BEGIN(3)
#undef BEGIN
  const float *const a[] = {b->a[0], b->a[1], b->a[2], b->a[3]};
  const float *const at_b[] = {b->b[0], b->b[1], b->b[2], b->b[3]};
  const size_t lda = b->lda, ldb = b->ldb;
#define A(t, r) LOAD(t, a[r] + of_a, lda)
#define B(t, c) LOAD(t, at_b[c] + of_b, ldb)
#define ROW(q, of_tile, r)      \
  if (tall > r) {               \
    A(of_tile, r);              \
    ADD_PRODUCT(q, of_tile, 6); \
  }
#define COLUMN(q, of_tile, c)   \
  if (wide > c) {               \
    B(of_tile, c);              \
    ADD_PRODUCT(q, 4, of_tile); \
  }
  EACH_CUT(b, of_a, of_b, {
    if (wide == 1) {
      B(6, 0);
      ROW(0, 4, 0)
      ROW(1, 5, 1)
      ROW(2, 4, 2)
      ROW(3, 5, 3)
    } else {
      A(4, 0);
      COLUMN(0, 6, 0)
      COLUMN(1, 7, 1)
      if (tall == 2) {
        A(5, 1);
        ADD_PRODUCT(2, 5, 6);
        ADD_PRODUCT(3, 5, 7);
      } else {
        COLUMN(2, 6, 2)
        COLUMN(3, 7, 3)
      }
    }
  })
#undef A
#undef B
#undef ROW
#undef COLUMN
#define END(q) \
  if (q < tiles) STORE(q, b->c[q], b->ldc[q]);
  END(0)
  END(1)
  END(2)
  END(3)
#undef END
}

static void amx_sum(const block *b) {
  switch (8 * b->tall + b->wide) {
#define CASE(tall, wide) \
  case 8 * (tall) + (wide): amx_block(tall, wide, b); break;
    CASE(1, 1)
    CASE(1, 2)
    CASE(1, 3)
    CASE(1, 4)
    CASE(2, 1)
    CASE(2, 2)
    CASE(3, 1)
    CASE(4, 1)
#undef CASE
  }
}

static const instructions amx = {amx_begin, amx_end, amx_sum};

static void convolve_amx(const ls__convolution *c) {
  convolve(c, &amx);
}
static void gradient_amx(const ls__convolution_gradient *g) {
  gradient(g, &amx);
}
const ls__convolve_tiles ls__convolve_by_amx = {copy, pack, convolve_amx, gradient_amx};
#else
const ls__convolve_tiles ls__convolve_by_amx = {NULL, NULL, NULL, NULL};
#endif

#else
const ls__convolve_tiles ls__convolve_by_avx512 = {NULL, NULL, NULL, NULL},
                         ls__convolve_by_amx = {NULL, NULL, NULL, NULL};
#endif

/* Pooling, channels last.
 *
 * The output goes by in pieces: some numbers of y that lie side by side, whose windows have the same
 * taps inside of the data.  A piece is a part of one position's channels; where these are few, it is
 * several positions.  A tap of a piece is then a row of numbers of x, side by side or, where the
 * stride parts them, brought together first.  x is read from memory once and y written once: what a
 * piece goes through is in the first cache. */
#include "nn/pool.h"

#include <math.h>
#include <string.h>

enum {
  PIECE = 128, /* numbers */
  FEW = 8,     /* channels, below which positions share a piece whatever the stride */
  SCATTER = 32 /* taps above which a maximum's gradient is put where it belongs one by one */
};

typedef struct piece {
  size_t y;                /* where it begins in y */
  size_t numbers;          /* positions * channels */
  size_t positions;        /* in a row */
  size_t channels;         /* all of them, or one position's part */
  ptrdiff_t x;             /* where tap 0 of its first number is in x, inside of it or not */
  ls__reach d, h, w;       /* taps inside */
  size_t row, plane, step; /* numbers from a tap to the next in h and in d; to the next position */
} piece;

/* y[0..numbers) of tap t: x itself, or what is gathered from it. */
static inline const float *tap_of(const piece *p, const float *x, float room[PIECE]) {
  if (p->positions == 1 || p->step == p->channels) return x;
  for (size_t c = 0; c < p->channels; c++)
    for (size_t k = 0; k < p->positions; k++) room[k * p->channels + c] = x[k * p->step + c];
  return room;
}

/* For each tap inside: `tap` is its number, `off` its distance in numbers from the piece's tap 0. */
#define FOR_TAPS(g, p, tap, off)                                                                   \
  for (size_t kd = (p)->d.first; kd < (p)->d.end; kd++)                                            \
    for (size_t kh = (p)->h.first; kh < (p)->h.end; kh++)                                          \
      for (size_t                                                                                  \
               kw = (p)->w.first,                                                                  \
               tap = (kd * (g)->axis[1].kernel + kh) * (g)->axis[2].kernel + kw,                   \
               off = kd * (p)->plane + kh * (p)->row + kw * (g)->axis[2].dilation * (g)->channels; \
           kw < (p)->w.end; kw++, tap++, off += (g)->axis[2].dilation * (g)->channels)

typedef struct job job;
typedef void (*piece_fn)(const job *j, const piece *p);

/* What a piece is made with; of each kernel some. */
struct job {
  const ls__geometry *g;
  ls__pool_share share;
  bool add, bytes;
  float *to;
  const float *from;
  void *which;
  const ptrdiff_t *offset; /* of tap t from tap 0, in numbers */
};

/* The outputs [lo, hi) whose windows are inside of the data as a whole. */
static void whole_windows(const ls__axis *a, size_t *lo, size_t *hi) {
  const size_t reach = (a->kernel - 1) * a->dilation + 1, end = a->in + a->before;
  *lo = (a->before + a->stride - 1) / a->stride;
  *hi = end < reach ? 0 : (end - reach) / a->stride + 1;
  if (*hi > a->out) *hi = a->out;
}

static inline void for_pieces(const job *j, piece_fn run) {
  const ls__geometry *g = j->g;
  const ls__axis *d = &g->axis[0], *h = &g->axis[1], *w = &g->axis[2];
  const size_t C = g->channels;
  const bool several = C < FEW || (w->stride == 1 && 2 * C <= PIECE);
  const size_t most = several ? PIECE / C : 1;
  piece p = {.row = h->dilation * w->in * C,
             .plane = d->dilation * h->in * w->in * C,
             .step = w->stride * C};
  size_t lo, hi;
  whole_windows(w, &lo, &hi);
  for (size_t od = 0; od < d->out; od++) {
    p.d = ls__axis_reach(d, od);
    for (size_t oh = 0; oh < h->out; oh++) {
      p.h = ls__axis_reach(h, oh);
      for (size_t ow = 0; ow < w->out; ow += p.positions) {
        const bool whole = ow >= lo && ow < hi;
        p.w = whole ? (ls__reach){.end = w->kernel} : ls__axis_reach(w, ow);
        p.positions = !whole ? 1 : hi - ow < most ? hi - ow : most;
        const ptrdiff_t xd = (ptrdiff_t)(od * d->stride) - (ptrdiff_t)d->before;
        const ptrdiff_t xh = (ptrdiff_t)(oh * h->stride) - (ptrdiff_t)h->before;
        const ptrdiff_t xw = (ptrdiff_t)(ow * w->stride) - (ptrdiff_t)w->before;
        const size_t y = ((od * h->out + oh) * w->out + ow) * C;
        const ptrdiff_t x = ((xd * (ptrdiff_t)h->in + xh) * (ptrdiff_t)w->in + xw) * (ptrdiff_t)C;
        for (size_t c = 0; c < C; c += p.channels) {
          p.channels = C - c < PIECE ? C - c : PIECE;
          p.numbers = p.positions * p.channels;
          p.y = y + c;
          p.x = x + (ptrdiff_t)c;
          run(j, &p);
        }
      }
    }
  }
}

/* ---- Maximum */

static void max_piece(const job *j, const piece *p) {
  float best[PIECE], room[PIECE];
  int32_t which[PIECE];
  bool first = true;
  const size_t n = p->numbers;
  FOR_TAPS(j->g, p, tap, off) {
    const float *x = tap_of(p, j->from + (p->x + (ptrdiff_t)off), room);
    const int32_t number = (int32_t)(j->bytes ? tap : off / j->g->channels);
    if (first) {
      memcpy(best, x, n * sizeof *best);
      for (size_t i = 0; i < n; i++) which[i] = number;
      first = false;
      continue;
    }
    for (size_t i = 0; i < n; i++) {
      const float v = x[i], b = best[i];
      const int32_t old = which[i];
      /* a comparison with NaN is false: a new NaN is taken, and one that is there stays */
      const bool keeps = (v <= b) | isnan(b);
      best[i] = keeps ? b : v;
      which[i] = keeps ? old : number;
    }
  }
  memcpy(j->to + p->y, best, n * sizeof *best);
  if (j->bytes) {
    uint8_t *out = (uint8_t *)j->which + p->y;
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)which[i];
  } else {
    memcpy((int32_t *)j->which + p->y, which, n * sizeof *which);
  }
}

/* The usual one: 2 x 2, stride 2, nothing padded.  Rows a and b of x. */
static inline bool is_2x2(const ls__geometry *g) {
  const ls__axis *d = &g->axis[0], *h = &g->axis[1], *w = &g->axis[2];
  return d->in == 1 && d->kernel == 1 && d->out == 1 && h->kernel == 2 && w->kernel == 2 &&
         h->stride == 2 && w->stride == 2 && h->dilation == 1 && w->dilation == 1 &&
         h->before == 0 && w->before == 0 && 2 * h->out <= h->in && 2 * w->out <= w->in;
}

/* n <= PIECE windows: the first column of window i is at i * step, the second `next` behind it.
 * Comparisons in a chain, and NaN on its own, are what the compiler makes vectors of. */
static inline void max_piece_2x2(float *restrict y, uint8_t *restrict which, const float *a,
                                 const float *b, size_t n, size_t step, size_t next) {
  int32_t at[PIECE];
  for (size_t i = 0; i < n; i++) {
    const float p = a[i * step], q = a[i * step + next], r = b[i * step], s = b[i * step + next];
    float best = q > p ? q : p;
    int32_t t = q > p ? 1 : 0;
    t = r > best ? 2 : t;
    best = r > best ? r : best;
    t = s > best ? 3 : t;
    best = s > best ? s : best;
    t = isnan(s) ? 3 : t;
    best = isnan(s) ? s : best;
    t = isnan(r) ? 2 : t;
    best = isnan(r) ? r : best;
    t = isnan(q) ? 1 : t;
    best = isnan(q) ? q : best;
    at[i] = isnan(p) ? 0 : t;
    y[i] = isnan(p) ? p : best;
  }
  for (size_t i = 0; i < n; i++) which[i] = (uint8_t)at[i];
}

static void max_2x2(const ls__geometry *g, float *y, uint8_t *which, const float *x) {
  const size_t C = g->channels, out = g->axis[2].out, row = g->axis[2].in * C;
  const size_t all = C == 1 ? out : C, steps = C == 1 ? 1 : out;
  for (size_t h = 0; h < g->axis[1].out; h++)
    for (size_t o = 0; o < steps; o++) {
      const float *a = x + 2 * h * row + 2 * o * C, *b = a + row;
      for (size_t i = 0; i < all; i += PIECE) {
        const size_t n = all - i < PIECE ? all - i : PIECE;
        if (C == 1)
          max_piece_2x2(y, which, a + 2 * i, b + 2 * i, n, 2, 1);
        else
          max_piece_2x2(y, which, a + i, b + i, n, 1, C);
        y += n, which += n;
      }
    }
}

static void max(const ls__geometry *g, float *y, void *which, const float *x) {
  if (is_2x2(g) && (g->channels == 1 || g->channels >= FEW)) {
    max_2x2(g, y, which, x);
    return;
  }
  for_pieces(
      &(job){.g = g, .bytes = ls__pool_which_bytes(g) == 1, .to = y, .from = x, .which = which},
      max_piece);
}

/* Whether no number of x is in two windows; and whether each is in one. */
static bool apart(const ls__geometry *g) {
  bool yes = true;
  for (int i = 0; i < LS__SPATIAL; i++) {
    const ls__axis *a = &g->axis[i];
    yes = yes && (a->kernel - 1) * a->dilation < a->stride;
  }
  return yes;
}

static bool covers(const ls__geometry *g) {
  bool yes = true;
  for (int i = 0; i < LS__SPATIAL; i++) {
    const ls__axis *a = &g->axis[i];
    yes = yes && a->dilation == 1 && a->kernel >= a->stride &&
          (a->out - 1) * a->stride + a->kernel >= a->before + a->in;
  }
  return yes;
}

/* Clear dx where needed; whether windows are added to it then, or written. */
static bool begin_back(const ls__geometry *g, float *dx, bool add) {
  if (!add && !(apart(g) && covers(g))) memset(dx, 0, ls__inputs(g) * g->channels * sizeof *dx);
  return add || !apart(g);
}

static void max_back_piece(const job *j, const piece *p) {
  const float *dy = j->from + p->y;
  const uint8_t *which = (const uint8_t *)j->which + p->y;
  const size_t n = p->numbers;
  int32_t at[PIECE];
  for (size_t i = 0; i < n; i++) at[i] = which[i];
  FOR_TAPS(j->g, p, tap, off) {
    float *dx = j->to + (p->x + (ptrdiff_t)off);
    const int32_t number = (int32_t)tap;
    if (j->add)
      for (size_t i = 0; i < n; i++) dx[i] += at[i] == number ? dy[i] : 0.0F;
    else
      for (size_t i = 0; i < n; i++) dx[i] = at[i] == number ? dy[i] : 0.0F;
  }
}

/* Number by number, onto zeros or what else is there. */
static void scatter_piece(const job *j, const piece *p) {
  const float *dy = j->from + p->y;
  const uint8_t *byte = (const uint8_t *)j->which + p->y;
  const int32_t *far = (const int32_t *)j->which + p->y;
  for (size_t k = 0, i = 0; k < p->positions; k++) {
    const ptrdiff_t x = p->x + (ptrdiff_t)(k * p->step), C = (ptrdiff_t)j->g->channels;
    for (size_t c = 0; c < p->channels; c++, i++)
      j->to[x + (ptrdiff_t)c + (j->bytes ? j->offset[byte[i]] : far[i] * C)] += dy[i];
  }
}

/* As max_piece_2x2; windows begin `step` from each other, and a, b, c, d are their four taps. */
static inline void max_back_piece_2x2(float *restrict a, float *restrict b, float *restrict c,
                                      float *restrict d, const uint8_t *restrict which,
                                      const float *restrict dy, size_t n, size_t step, bool add) {
  int32_t at[PIECE];
  for (size_t i = 0; i < n; i++) at[i] = which[i];
  for (size_t i = 0; i < n; i++) {
    const int32_t t = at[i];
    const float v = dy[i];
    const size_t k = i * step;
    a[k] = (add ? a[k] : 0.0F) + (t == 0 ? v : 0.0F);
    b[k] = (add ? b[k] : 0.0F) + (t == 1 ? v : 0.0F);
    c[k] = (add ? c[k] : 0.0F) + (t == 2 ? v : 0.0F);
    d[k] = (add ? d[k] : 0.0F) + (t == 3 ? v : 0.0F);
  }
}

static inline void max_back_2x2(const ls__geometry *g, float *dx, const uint8_t *which,
                                const float *dy, bool add) {
  const size_t C = g->channels, out = g->axis[2].out, row = g->axis[2].in * C;
  const size_t all = C == 1 ? out : C, steps = C == 1 ? 1 : out;
  for (size_t h = 0; h < g->axis[1].out; h++)
    for (size_t o = 0; o < steps; o++) {
      float *a = dx + 2 * h * row + 2 * o * C, *c = a + row;
      for (size_t i = 0; i < all; i += PIECE) {
        const size_t n = all - i < PIECE ? all - i : PIECE;
        if (C == 1)
          max_back_piece_2x2(a, a + 1, c, c + 1, which, dy, n, 2, add), a += 2 * n, c += 2 * n;
        else
          max_back_piece_2x2(a + i, a + i + C, c + i, c + i + C, which, dy, n, 1, add);
        dy += n, which += n;
      }
    }
}

static void max_back(const ls__geometry *g, float *dx, const void *which, const float *dy,
                     bool add) {
  const ls__axis *d = &g->axis[0], *h = &g->axis[1], *w = &g->axis[2];
  const size_t taps = ls__taps(g), C = g->channels;
  ptrdiff_t offset[LS__POOL_BYTE];
  job j = {.g = g, .to = dx, .from = dy, .which = (void *)(uintptr_t)which, .offset = offset};
  if (is_2x2(g)) {
    if (begin_back(g, dx, add))
      max_back_2x2(g, dx, which, dy, true);
    else
      max_back_2x2(g, dx, which, dy, false);
    return;
  }
  if (taps <= SCATTER && (C >= FEW || w->stride == 1)) {
    j.add = begin_back(g, dx, add);
    for_pieces(&j, max_back_piece);
    return;
  }
  if (!add) memset(dx, 0, ls__inputs(g) * C * sizeof *dx);
  j.bytes = ls__pool_which_bytes(g) == 1;
  for (size_t t = 0; j.bytes && t < taps; t++) {
    const size_t kw = t % w->kernel, kh = t / w->kernel % h->kernel, kd = t / w->kernel / h->kernel;
    const size_t row = kd * d->dilation * h->in + kh * h->dilation;
    offset[t] = (ptrdiff_t)((row * w->in + kw * w->dilation) * C);
  }
  for_pieces(&j, scatter_piece);
}

/* ---- Sums */

static float divisor(const job *j, const piece *p) {
  size_t taps = 1;
  if (j->share == LS__POOL_WINDOW) taps = ls__taps(j->g);
  if (j->share == LS__POOL_INSIDE)
    taps = (p->d.end - p->d.first) * (p->h.end - p->h.first) * (p->w.end - p->w.first);
  return (float)taps;
}

static void sum_piece(const job *j, const piece *p) {
  float sum[PIECE], room[PIECE];
  const size_t n = p->numbers;
  const float by = divisor(j, p);
  bool first = true;
  FOR_TAPS(j->g, p, tap, off) {
    const float *x = tap_of(p, j->from + (p->x + (ptrdiff_t)off), room);
    (void)tap;
    if (first)
      memcpy(sum, x, n * sizeof *sum);
    else
      for (size_t i = 0; i < n; i++) sum[i] += x[i];
    first = false;
  }
  float *y = j->to + p->y;
  if (j->share != LS__POOL_SUM)
    for (size_t i = 0; i < n; i++) sum[i] /= by;
  if (j->add)
    for (size_t i = 0; i < n; i++) y[i] += sum[i];
  else
    memcpy(y, sum, n * sizeof *y);
}

static void sum(const ls__geometry *g, ls__pool_share share, float *y, const float *x, bool add) {
  for_pieces(&(job){.g = g, .share = share, .add = add, .to = y, .from = x}, sum_piece);
}

static void sum_back_piece(const job *j, const piece *p) {
  float part[PIECE];
  const float *dy = j->from + p->y, by = divisor(j, p);
  const bool together = p->positions == 1 || p->step == p->channels;
  const size_t n = p->numbers, C = p->channels;
  if (j->share == LS__POOL_SUM)
    memcpy(part, dy, n * sizeof *part);
  else
    for (size_t i = 0; i < n; i++) part[i] = dy[i] / by;
  FOR_TAPS(j->g, p, tap, off) {
    (void)tap;
    float *dx = j->to + (p->x + (ptrdiff_t)off);
    if (together && j->add)
      for (size_t i = 0; i < n; i++) dx[i] += part[i];
    else if (together)
      memcpy(dx, part, n * sizeof *dx);
    else
      for (size_t c = 0; c < C; c++)
        for (size_t k = 0; k < p->positions; k++) {
          float *to = dx + k * p->step + c;
          *to = (j->add ? *to : 0.0F) + part[k * C + c];
        }
  }
}

static void sum_back(const ls__geometry *g, ls__pool_share share, float *dx, const float *dy,
                     bool add) {
  const bool adds = begin_back(g, dx, add);
  for_pieces(&(job){.g = g, .share = share, .add = adds, .to = dx, .from = dy}, sum_back_piece);
}

LS_SIMD_DECLARE(ls__pool_ops, ls__pool_ops);
const ls__pool_ops LS_SIMD(ls__pool_ops) = {max, max_back, sum, sum_back};

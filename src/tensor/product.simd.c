/* Our own matrix product, for the shapes of training: a batch of tens to hundreds of rows against a
 * weight matrix.
 *
 * A tile of C, a few rows by a few vectors, stays in registers while p goes by: each step loads the
 * vectors of a row of a panel of B, and one number for each of its rows from a strip of A.
 *
 *                 n0 .. n0 + width
 *   p0 ..       [ panel of B, K_BLOCK rows ]     in the second cache
 *
 *   strips of A:  [ tile ]                       in registers
 *   in the first  [ tile ]
 *   or second
 *
 * Both are copies, where copying pays: rows of matrices whose length is a power of two fall onto the
 * same sets of a cache, and would drive each other out.  What is read only a few times is read where
 * it lies: a panel of B whose rows run along n, a strip of A.  Where both operands run along k, one
 * of them has to be turned over; the product is then done as C or as its transpose, whichever turns
 * less.
 *
 * Lanes: two neighbours are computed side by side and added, and the tile of their sum is put on a
 * stack; as in a binary counter, tiles of neighbouring ranges of lanes of equal size are added, so
 * that the order is that of the tree in comm/lanes.h.  The stack stays in the first cache. */
#include "tensor/product_ops.h"

#include <stdint.h>

#include "base/tree.h"
#include "tensor/panel.h"

enum {
  /* The tile fills most of the registers; the fewer vectors wide, the more rows. */
  WIDE = VECTORS == 32 ? 4 : 2,
  ROWS = VECTORS == 1 ? 2 : 6, /* of the widest */
  MOST_ROWS = ROWS * WIDE,     /* of the narrowest */
  MOST_DIRECT = MOST_ROWS < 12 ? MOST_ROWS : 12,
  WIDTH = WIDE * VEC, /* of a panel */
  K_BLOCK = 512,
  ROW = K_BLOCK + 16, /* from row to row of a strip that runs along k */
  M_BLOCK = 192,
  A_ROOM = M_BLOCK * ROW,
  N_BLOCK = 256, /* columns at a time, where a piece of C waits in a buffer */
  PIECE = M_BLOCK * N_BLOCK,
  LEVELS = 13,    /* so many may wait at once: smaller ones, if there are more levels */
  DEPTH = 20,     /* tiles that wait at once: of 2^20 lanes in a group */
  NEAR = 1 << 18, /* floats that the second cache holds beside others */
};

/* Parts of the work memory. */
enum {
  AT_A = 0,
  AT_B = AT_A + A_ROOM + M_BLOCK * VEC,
  AT_PIECES = AT_B + K_BLOCK * WIDTH + VEC * WIDTH,
  AT_END = AT_PIECES + LEVELS * PIECE
};
_Static_assert((int)AT_END <= (int)LS__PRODUCT_WORK, "the work memory is too small");

/* ---- Tiles */

typedef struct tile_job {
  size_t k;
  const float *a; /* as strip_kind says */
  size_t step_a;
  const float *b;
  size_t ldb;
  const float *start; /* NULL: zero */
  size_t ld_start;
  float *c;
  size_t ldc;
  size_t last;        /* floats of the tile's last vector that are there */
  bool stream;        /* past the caches */
  size_t lanes;       /* of a tile with lanes: */
  const size_t *lane; /* [lanes + 1] where they begin, from lane[0], */
  size_t each;        /* in so many p */
} tile_job;

typedef vec sums[MOST_ROWS][WIDE];

/* How a tile reads A. */
typedef enum strip_kind {
  ALONG,  /* copied, rows along k: row r at p is a[r ROW + p] */
  DIRECT, /* the same where it lies: a[r step_a + p]; rows <= MOST_DIRECT */
  ACROSS, /* copied or where it lies, rows across k: a[p step_a + r] */
  KINDS
} strip_kind;

/* sum += a b: one p, for each row and vector of the tile. */
INLINE void step(const int rows, const int wide, const strip_kind kind, const float *a,
                 const float *const *from, size_t step_a, const float *b, sums sum) {
  vec bv[WIDE];
  UNROLL for (int v = 0; v < wide; v++) bv[v] = vec_load(b + v * VEC);
  UNROLL for (int r = 0; r < rows; r++) {
    const float *x = kind == DIRECT  ? from[r / 3] + (size_t)(r % 3) * step_a
                     : kind == ALONG ? a + r * ROW
                                     : a + r;
    const vec av = vec_set(*x);
    UNROLL for (int v = 0; v < wide; v++) sum[r][v] = vec_fma(av, bv[v], sum[r][v]);
  }
}

INLINE void chain(const int rows, const int wide, const strip_kind kind, size_t k, const float *a,
                  size_t step_a, const float *b, size_t ldb, sums sum) {
  const float *from[MOST_DIRECT / 3 + 1]; /* every third row: an address is a base and a multiple */
  UNROLL for (int r = 0; kind == DIRECT && r < rows; r += 3) from[r / 3] = a + (size_t)r * step_a;
  for (size_t p = 0; p < k; p++, b += ldb) {
    step(rows, wide, kind, a, from, step_a, b, sum);
    a += kind == ACROSS ? step_a : 1;
    UNROLL for (int r = 0; kind == DIRECT && r < rows; r += 3) from[r / 3]++;
  }
}

INLINE void zero(const int rows, const int wide, sums sum) {
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < wide; v++) sum[r][v] = vec_zero();
  }
}

INLINE void put(const int rows, const int wide, const tile_job *t, sums sum) {
  UNROLL for (int r = 0; r < rows; r++) {
    float *c = t->c + (size_t)r * t->ldc;
    if (t->stream) {
      UNROLL for (int v = 0; v < wide; v++) vec_stream(c + v * VEC, sum[r][v]);
    } else {
      UNROLL for (int v = 0; v < wide - 1; v++) vec_store(c + v * VEC, sum[r][v]);
      if (t->last == VEC)
        vec_store(c + (wide - 1) * VEC, sum[r][wide - 1]);
      else
        vec_store_some(c + (wide - 1) * VEC, sum[r][wide - 1], t->last);
    }
  }
}

INLINE void plain_tile(const int rows, const int wide, const strip_kind kind, const tile_job *t) {
  sums sum;
  if (t->start != NULL) {
    UNROLL for (int r = 0; r < rows; r++) {
      const float *start = t->start + (size_t)r * t->ld_start;
      UNROLL for (int v = 0; v < wide - 1; v++) sum[r][v] = vec_load(start + v * VEC);
      sum[r][wide - 1] = vec_load_some(start + (wide - 1) * VEC, t->last);
    }
  } else {
    zero(rows, wide, sum);
  }
#if defined(__GNUC__)
  if (t->start != t->c && !t->stream && t->k >= 32) { /* C is on its way while p goes by */
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < wide * VEC; v += 16)
          __builtin_prefetch(t->c + (size_t)r * t->ldc + v, 1);
    }
  }
#endif
  chain(rows, wide, kind, t->k, t->a, t->step_a, t->b, t->ldb, sum);
  put(rows, wide, t, sum);
}

/* sum = top + sum, top [rows, wide] vectors. */
INLINE void join(const int rows, const int wide, const float *top, sums sum) {
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < wide; v++)
        sum[r][v] = vec_add(vec_load(top + (r * wide + v) * VEC), sum[r][v]);
  }
}

/* Two lanes at a time, so that only their sum has to wait on the stack.  The longer one ends alone. */
INLINE void two_lanes(const int rows, const int wide, const tile_job *t, size_t lo, size_t mid,
                      size_t hi, sums left) {
  sums right;
  const float *a0 = t->a + lo * t->step_a, *a1 = t->a + mid * t->step_a;
  const float *b0 = t->b + lo * t->ldb, *b1 = t->b + mid * t->ldb;
  const size_t both = mid - lo < hi - mid ? mid - lo : hi - mid;
  zero(rows, wide, left);
  zero(rows, wide, right);
  for (size_t p = 0; p < both; p++) {
    step(rows, wide, ACROSS, a0, NULL, 0, b0, left);
    step(rows, wide, ACROSS, a1, NULL, 0, b1, right);
    a0 += t->step_a, a1 += t->step_a, b0 += t->ldb, b1 += t->ldb;
  }
  chain(rows, wide, ACROSS, mid - lo - both, a0, t->step_a, b0, t->ldb, left);
  chain(rows, wide, ACROSS, hi - mid - both, a1, t->step_a, b1, t->ldb, right);
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < wide; v++) left[r][v] = vec_add(left[r][v], right[r][v]);
  }
}

INLINE void lane_tile(const int rows, const int wide, const tile_job *t) {
  _Alignas(64) float stack[DEPTH][MOST_ROWS / 2 * VEC];
  sums sum;
  int depth = 0;
  const size_t first = t->lane[0];
  for (size_t l = 0;; l += 2) {
    const size_t lo = (t->lane[l] - first) * t->each, mid = (t->lane[l + 1] - first) * t->each;
    if (l + 1 == t->lanes) {
      zero(rows, wide, sum);
      chain(rows, wide, ACROSS, mid - lo, t->a + lo * t->step_a, t->step_a, t->b + lo * t->ldb,
            t->ldb, sum);
      break;
    }
    two_lanes(rows, wide, t, lo, mid, (t->lane[l + 2] - first) * t->each, sum);
    for (size_t n = l / 2; n & 1; n >>= 1) join(rows, wide, stack[--depth], sum);
    if (l + 2 == t->lanes) break;
    float *top = stack[depth++];
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < wide; v++) vec_store(top + (r * wide + v) * VEC, sum[r][v]);
    }
  }
  while (depth > 0) join(rows, wide, stack[--depth], sum); /* not a power of two */
  put(rows, wide, t, sum);
}

/* A function for every size of tile. */
typedef void (*tile_fn)(const tile_job *t);
/* clang-format off */
#define TILE(rows, wide)                                                                      \
  static void along_##rows##_##wide(const tile_job *t) { plain_tile(rows, wide, ALONG, t); }  \
  static void across_##rows##_##wide(const tile_job *t) { plain_tile(rows, wide, ACROSS, t); } \
  static void direct_##rows##_##wide(const tile_job *t) {                                     \
    if (rows <= MOST_DIRECT) plain_tile(rows <= MOST_DIRECT ? rows : 1, wide, DIRECT, t);     \
  }                                                                                           \
  static void lanes_##rows##_##wide(const tile_job *t) {                                      \
    if (2 * rows * wide <= MOST_ROWS) lane_tile(2 * rows * wide <= MOST_ROWS ? rows : 1, wide, t); \
  }
#define NAME(rows, wide) \
  [rows - 1] = {along_##rows##_##wide, direct_##rows##_##wide, across_##rows##_##wide, \
                lanes_##rows##_##wide},
#define SIX(X_, w) X_(1, w) X_(2, w) X_(3, w) X_(4, w) X_(5, w) X_(6, w)
#define EIGHT(X_, w) SIX(X_, w) X_(7, w) X_(8, w)
#define TWELVE(X_, w) EIGHT(X_, w) X_(9, w) X_(10, w) X_(11, w) X_(12, w)
#define ALL(X_, w) \
  TWELVE(X_, w) X_(13, w) X_(14, w) X_(15, w) X_(16, w) X_(17, w) X_(18, w) \
  X_(19, w) X_(20, w) X_(21, w) X_(22, w) X_(23, w) X_(24, w)
#if defined(VEC_SLOW)
#define SIZES(X_, W_) W_(1, X_(1, 1) X_(2, 1) X_(3, 1) X_(4, 1)) W_(2, X_(1, 2) X_(2, 2))
#elif defined(__AVX2__) && !defined(__AVX512F__)
#define SIZES(X_, W_) W_(1, TWELVE(X_, 1)) W_(2, SIX(X_, 2))
#else
#define SIZES(X_, W_) W_(1, ALL(X_, 1)) W_(2, TWELVE(X_, 2)) W_(3, EIGHT(X_, 3)) W_(4, SIX(X_, 4))
#endif
#define AS_IS(wide, ...) __VA_ARGS__
#define ROW_OF(wide, ...) [wide - 1] = {__VA_ARGS__},
/* clang-format on */
SIZES(TILE, AS_IS)
static tile_fn const tiles[WIDE][MOST_ROWS][KINDS + 1] = {SIZES(NAME, ROW_OF)};

/* ---- A product */

/* The product as it is done: as asked for, or turned over (C^T = B^T A^T). */
typedef struct job {
  const ls__product *p;
  size_t m, n;
  ls__operand a, b;
  bool turned;
  bool waits; /* pieces of C wait in buffers, to be turned back or joined */
  strip_kind strips;
  bool copies; /* A into strips */
  bool stream;
  size_t wide, rows;                /* of most tiles */
  size_t k_block, m_block, n_block; /* at most, at a time */
  size_t piece;                     /* floats from one that waits to the next */
} job;

/* k numbers of the sum from p0; lanes > 1: the group of lanes that they are. */
typedef struct range {
  size_t p0, k;
  size_t lanes;
  const size_t *lane;
} range;

/* Rows i0 .. i0 + rows of A, copied to `to`. */
static void pack_strip(const job *j, size_t i0, size_t rows, size_t p0, size_t k, float *to) {
  const ls__operand *a = &j->a;
  if (j->strips == ALONG) {
    for (size_t i = 0; i < rows; i++) {
      const float *from = a->at + (i0 + i) * a->outer + p0;
      size_t p = 0;
      if (i0 + rows + i < j->m) /* the next strip */
        for (; p < k; p += 16) prefetch(from + rows * a->outer + p);
      for (p = 0; p + VEC <= k; p += VEC) vec_store(to + i * ROW + p, vec_load(from + p));
      if (p < k) vec_store(to + i * ROW + p, vec_load_some(from + p, k - p));
    }
  } else if (a->pack != NULL) {
    a->pack(a, i0, rows, p0, k, to, rows);
  } else if (a->outer == 1) { /* whole vectors: what is too much is overwritten by what follows */
    const float *from = a->at + i0 + p0 * a->inner;
    for (size_t p = 0; p < k; p++)
      for (size_t r = 0; r < rows; r += VEC)
        vec_store(to + p * rows + r,
                  vec_load_some(from + p * a->inner + r, rows - r < VEC ? rows - r : VEC));
  } else {
    for (size_t p = 0; p < k; p++)
      for (size_t r = 0; r < rows; r++) to[p * rows + r] = a->at[(i0 + r) * a->outer + p0 + p];
  }
}

/* All strips of mc rows of an A that runs across k, its lines read once: for rows that lie badly,
 * of which a second reading would not find the lines in the cache. */
static void pack_strips(const job *j, size_t m0, size_t mc, size_t p0, size_t k, float *strips) {
  enum { SOME = 8 };
  for (size_t p = 0; p < k; p += SOME) {
    const size_t some = k - p < SOME ? k - p : SOME;
    float *to = strips;
    for (size_t i = 0, rows; i < mc; i += rows, to += rows * k + VEC) {
      rows = share(mc - i, j->rows);
      pack_strip(j, m0 + i, rows, p0 + p, some, to + p * rows);
    }
  }
}

/* Whether k rows of ld floats, of each of which `width` are read again and again, stay in the first
 * cache, of 64 sets. */
static bool lies_well(size_t ld, size_t width, size_t k) {
  size_t lines = ld % 16 == 0 ? ld / 16 : 1, sets = 64;
  const size_t wide = (width + 15) / 16;
  for (; lines % 2 == 0 && sets > 1; lines /= 2) sets /= 2;
  return k * wide <= ls__cache_ways() * (sets * wide < 64 ? sets * wide : 64);
}

/* mc rows by columns n0 .. n0 + nc into `c`, over a range of at most k_block. */
static void block(const job *j, size_t m0, size_t mc, size_t n0, size_t nc, const range *of,
                  const float *start, size_t ld_start, float *c, size_t ldc, bool complete) {
  const ls__product *product = j->p;
  float *panel = product->work + AT_B;
  tile_job t = {.k = of->k,
                .ld_start = ld_start,
                .ldc = ldc,
                .stream = j->stream,
                .lanes = of->lanes,
                .lane = of->lane,
                .each = product->each};
  const int kind = of->lanes > 1 ? KINDS : (int)j->strips;
  const bool finishes = complete && !j->waits && product->finish != NULL;
  const bool at_once = j->copies && j->strips == ACROSS && j->a.pack == NULL && j->a.outer == 1 &&
                       !lies_well(j->a.inner, j->rows, of->k);
  if (at_once) pack_strips(j, m0, mc, of->p0, of->k, product->work + AT_A);
  const bool b_lies = j->b.pack == NULL && j->b.outer == 1;
  const bool b_few = mc <= 3 * j->rows && of->k * j->b.inner <= NEAR;
  for (size_t at = 0, width; at < nc; at += width) {
    const size_t wide = share((nc - at + VEC - 1) / VEC, j->wide);
    width = nc - at < wide * VEC ? nc - at : wide * VEC;
    t.last = width - (wide - 1) * VEC;
    if (b_lies && width % VEC == 0 && (b_few || lies_well(j->b.inner, width, of->k))) {
      t.b = j->b.at + n0 + at + of->p0 * j->b.inner;
      t.ldb = j->b.inner;
    } else {
      pack_panel(&j->b, n0 + at, width, of->p0, of->k, panel, wide * VEC, nc - at - width);
      t.b = panel;
      t.ldb = wide * VEC;
    }
    float *strip = product->work + AT_A;
    for (size_t i = 0, rows; i < mc; i += rows) {
      rows = share(mc - i, j->rows);
      if (!j->copies) {
        t.a = j->a.at + (m0 + i) * j->a.outer + of->p0 * j->a.inner;
        t.step_a = j->strips == DIRECT ? j->a.outer : j->a.inner;
      } else {
        if (at == 0 && !at_once) /* and use it right now */
          pack_strip(j, m0 + i, rows, of->p0, of->k, strip);
        t.a = strip;
        t.step_a = rows;
        strip += j->strips == ALONG ? rows * ROW : rows * of->k + VEC;
      }
      t.start = start != NULL ? start + i * ld_start + at : NULL;
      t.c = c + i * ldc + at;
      tiles[wide - 1][rows - 1][kind](&t);
      for (size_t r = 0; finishes && r < rows; r++)
        product->finish(product->context, t.c + r * ldc, width);
    }
  }
}

/* One chain over all of k, or one group of lanes, into c: k in blocks. */
static void blocks(const job *j, size_t m0, size_t mc, size_t n0, size_t nc, const range *of,
                   const float *start, size_t ld_start, float *c, size_t ldc) {
  range part = *of;
  size_t done = 0;
  do {
    part.p0 = of->p0 + done;
    part.k = of->lanes > 1 ? of->k : share(of->k - done, j->k_block);
    done += part.k;
    block(j, m0, mc, n0, nc, &part, start, ld_start, c, ldc, done == of->k);
    start = c;
    ld_start = ldc;
  } while (done < of->k);
}

/* Lanes [lo, hi) into c.  What is too long for one block is halved where the tree halves it. */
static void lanes(const job *j, size_t m0, size_t mc, size_t n0, size_t nc, size_t lo, size_t hi,
                  float *c, size_t ldc, float *pieces) {
  const size_t *lane = j->p->lane, each = j->p->each;
  const size_t k = (lane[hi] - lane[lo]) * each;
  if (hi - lo == 1 || k <= K_BLOCK) {
    const range of = {lane[lo] * each, k, hi - lo, lane + lo};
    blocks(j, m0, mc, n0, nc, &of, NULL, 0, c, ldc);
    return;
  }
  const size_t half = ls__tree_half(hi - lo);
  lanes(j, m0, mc, n0, nc, lo, lo + half, c, ldc, pieces);
  lanes(j, m0, mc, n0, nc, lo + half, hi, pieces, N_BLOCK, pieces + j->piece);
  for (size_t i = 0; i < mc; i++)
    for (size_t e = 0; e < nc; e++) c[i * ldc + e] += pieces[i * N_BLOCK + e];
}

/* The start of a piece of C that is done turned over: piece[i][e] = start of C[n0 + e][m0 + i]. */
static const float *turn_start(const ls__product *p, size_t m0, size_t mc, size_t n0, size_t nc,
                               float *piece) {
  if (p->start == NULL) return NULL;
  if (p->ld_start == 0) {
    for (size_t i = 0; i < mc; i++)
      for (size_t e = 0; e < nc; e++) piece[i * N_BLOCK + e] = p->start[m0 + i];
  } else {
    turn(piece, N_BLOCK, p->start + n0 * p->ld_start + m0, p->ld_start, nc, mc, 0);
  }
  return piece;
}

/* C[n0 + e][m0 + i] = piece[i][e] */
static void turn_back(const ls__product *p, size_t m0, size_t mc, size_t n0, size_t nc,
                      const float *piece) {
  for (size_t e = 0; e < nc; e += VEC) {
    const size_t some = nc - e < VEC ? nc - e : VEC;
    for (size_t i = 0; i < mc; i += VEC) {
      const size_t rows = mc - i < VEC ? mc - i : VEC;
      float *to = p->c + (n0 + e) * p->ldc + m0 + i;
      const float *from = piece + i * N_BLOCK + e;
      if (some == VEC && rows == VEC) {
        vec_turn(to, p->ldc, from, N_BLOCK, VEC);
      } else {
        for (size_t a = 0; a < some; a++)
          for (size_t b = 0; b < rows; b++) to[a * p->ldc + b] = from[b * N_BLOCK + a];
      }
    }
    for (size_t a = 0; p->finish != NULL && a < some; a++)
      p->finish(p->context, p->c + (n0 + e + a) * p->ldc + m0, mc);
  }
}

/* About the cycles that a product takes: tiles, and copying or turning operands. */
static double cost(size_t m, size_t n, size_t k, const ls__operand *a, const ls__operand *b) {
  const double vectors = (double)((n + VEC - 1) / VEC);
  double cycles = (double)m * vectors * (double)k / 2;
  if (b->pack == NULL && b->outer != 1) cycles += (double)(n * k) * 3 / VEC;
  if (a->pack == NULL && a->inner == 1 && n > 2 * WIDTH) cycles += (double)(m * k) * 1.5 / VEC;
  if (a->pack == NULL && a->inner != 1 && n > 2 * WIDTH) cycles += (double)(m * k) * 2 / ROWS;
  return cycles;
}

/* The tile: as many vectors wide as may be, and not wider than leaves the fewest strips. */
static void choose_tile(job *j, bool has_lanes) {
  if (has_lanes) { /* two of them in the registers */
    j->wide = share((j->n + VEC - 1) / VEC, WIDE / 2);
    j->rows = MOST_ROWS / 2 / j->wide;
    return;
  }
  j->wide = share((j->n + VEC - 1) / VEC, WIDE);
  if (j->wide == WIDE && WIDE == 4 && j->m > ROWS && j->m <= MOST_ROWS / 3) j->wide = 3;
  j->rows = MOST_ROWS / j->wide;
}

/* Whether strips are copied, and how they lie.  A copy pays where several panels read it, and where
 * rows would fall on each other in the cache. */
static void choose_strips(job *j, bool has_lanes) {
  const ls__operand *a = &j->a;
  const size_t k = j->p->k;
  const bool few = j->n <= 2 * WIDTH || j->m <= j->rows;
  j->k_block = K_BLOCK;
  j->copies = true;
  j->strips = ACROSS;
  if (a->pack == NULL && a->inner == 1 && !has_lanes && (a->outer != 1 || k == 1)) {
    j->strips = ALONG;
    if (few) {
      const size_t most = a->outer % 1024 == 0 ? ls__cache_ways() - 1 : MOST_DIRECT;
      j->strips = DIRECT;
      j->copies = false;
      if (j->rows > most) j->rows = most < MOST_DIRECT ? most : MOST_DIRECT;
    } else {
      j->k_block = K_BLOCK * ROWS / j->rows; /* a strip is to stay in the first cache */
    }
  } else if (a->pack == NULL && a->outer == 1) {
    const size_t kc = share(k > 0 ? k : 1, K_BLOCK);
    const bool near = kc <= 64 && (j->n <= 4 * WIDTH || kc <= 16);
    j->copies = !((j->n <= WIDTH && a->inner <= 512) || (near && lies_well(a->inner, j->rows, kc)));
  }
}

/* How the product is done. */
static job plan(const ls__product *p) {
  const bool has_lanes = p->lanes > 1;
  const double back = (double)(p->m * p->n) * 8 / VEC;
  job j = {.p = p, .m = p->m, .n = p->n, .a = p->a, .b = p->b};
  if (cost(p->n, p->m, p->k, &p->b, &p->a) + back < 0.95 * cost(p->m, p->n, p->k, &p->a, &p->b))
    j = (job){.p = p, .m = p->n, .n = p->m, .a = p->b, .b = p->a, .turned = true};
  j.waits = j.turned || (has_lanes && p->k > K_BLOCK);
  choose_tile(&j, has_lanes);
  choose_strips(&j, has_lanes);
  j.stream = !j.waits && p->start != p->c && p->k <= j.k_block && p->n % VEC == 0 &&
             p->ldc % VEC == 0 && (uintptr_t)p->c % 64 == 0 && p->finish == NULL &&
             p->m * p->n >= STREAM_BYTES / sizeof *p->c;
  /* Rows at a time: all, where strips aren't copied; as many as there is room for. */
  const size_t kc = share(p->k > 0 ? p->k : 1, j.k_block);
  size_t levels = j.turned, rows = M_BLOCK;
  for (size_t n = 1; has_lanes && n < p->lanes; n *= 2) levels++;
  if (levels > LEVELS) rows = M_BLOCK * LEVELS / levels;
  j.piece = rows * N_BLOCK;
  if (!j.waits && !j.copies)
    rows = j.m;
  else if (!j.waits && j.strips != ALONG)
    rows = A_ROOM / (kc + VEC);
  j.m_block = share(j.m, rows);
  j.n_block = j.waits ? share(j.n, N_BLOCK) : j.n;
  return j;
}

/* Rows m0 .. m0 + mc by columns n0 .. n0 + nc, over all of k. */
static void part(const job *j, size_t m0, size_t mc, size_t n0, size_t nc) {
  const ls__product *p = j->p;
  float *piece = p->work + AT_PIECES, *c = j->turned ? piece : p->c + m0 * p->ldc + n0;
  const size_t ldc = j->turned ? N_BLOCK : p->ldc;
  if (p->lanes > 1) {
    lanes(j, m0, mc, n0, nc, 0, p->lanes, c, ldc, piece + (j->turned ? j->piece : 0));
    for (size_t i = 0; j->waits && !j->turned && p->finish != NULL && i < mc; i++)
      p->finish(p->context, c + i * ldc, nc);
  } else {
    const range all = {0, p->k, 0, NULL};
    const float *start = p->start == NULL ? NULL
                         : j->turned      ? turn_start(p, m0, mc, n0, nc, piece)
                                          : p->start + m0 * p->ld_start + n0;
    blocks(j, m0, mc, n0, nc, &all, start, j->turned ? N_BLOCK : p->ld_start, c, ldc);
  }
  if (j->turned) turn_back(p, m0, mc, n0, nc, piece);
}

static void multiply(const ls__product *p) {
  const job j = plan(p);
  for (size_t m0 = 0; m0 < j.m; m0 += j.m_block) {
    const size_t mc = j.m - m0 < j.m_block ? j.m - m0 : j.m_block;
    for (size_t n0 = 0; n0 < j.n; n0 += j.n_block)
      part(&j, m0, mc, n0, j.n - n0 < j.n_block ? j.n - n0 : j.n_block);
  }
  if (j.stream) vec_stream_end(); /* before anyone is told that C is ready */
}

LS_SIMD_DECLARE(ls__product_ops, ls__product_ops);
const ls__product_ops LS_SIMD(ls__product_ops) = {multiply};

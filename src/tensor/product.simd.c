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
 * The side that fits is kept whole, for a block of k, and the other one goes by: all strips of a
 * batch's rows, under which one panel after the other is made; or all panels, and one strip after
 * the other, in the first cache.  So a large weight matrix is read from memory, and copied, once.
 *
 * Both are copies, where copying pays: rows of matrices whose length is a power of two fall onto the
 * same sets of a cache, and would drive each other out.  What is read only a few times is read where
 * it lies: a panel of B whose rows run along n, a strip of A.  Where both operands run along k, one
 * of them has to be turned over; the product is then done as C or as its transpose, whichever turns
 * less.
 *
 * Lanes: two neighbours are computed side by side and added, and the tile of their sum is put on a
 * stack; as in a binary counter, tiles of neighbouring ranges of lanes of equal size are added, so
 * that the order is that of the tree in comm/lanes.h.  The stack stays in the first cache.  Lanes too
 * long for that are chains of their own, by wide tiles, and wait as pieces of C. */
#include "tensor/product_ops.h"

#include <stdint.h>

#include "base/tree.h"
#include "tensor/tile.h"

enum {
  WIDTH = WIDE * VEC, /* of a panel */
  M_BLOCK = 256,      /* rows at a time, where A is kept */
  A_ROOM = M_BLOCK * ROW,
  N_BLOCK = 256, /* columns at a time, where B is kept, or a piece of C waits in a buffer */
  B_ROOM = K_BLOCK * N_BLOCK,
  PIECE = 192 * N_BLOCK,
  LEVELS = 13, /* so many may wait at once: smaller ones, if there are more levels */
  DIRECT_ROWS = MOST_DIRECT < 12 ? MOST_DIRECT : 12, /* of rows that lie far apart */
  GROUP = 48,     /* rows of A whose strips are made at once, where B is kept */
  NEAR = 1 << 18, /* floats that the second cache holds beside others */
};

/* Parts of the work memory. */
enum {
  AT_A = 0,
  AT_B = AT_A + A_ROOM + M_BLOCK * VEC,
  AT_PIECES = AT_B + B_ROOM + VEC * WIDTH,
  AT_END = AT_PIECES + LEVELS * PIECE
};
_Static_assert((int)AT_END <= (int)LS__PRODUCT_WORK, "the work memory is too small");

/* ---- A function for every size of tile */

typedef void (*tile_fn)(const tile_job *t);
/* clang-format off */
#define TILE(rows, wide)                                                                      \
  static void along_##rows##_##wide(const tile_job *t) { plain_tile(rows, wide, ALONG, t); }  \
  static void across_##rows##_##wide(const tile_job *t) { plain_tile(rows, wide, ACROSS, t); } \
  static void direct_##rows##_##wide(const tile_job *t) {                                     \
    if (rows <= DIRECT_ROWS) plain_tile(rows <= DIRECT_ROWS ? rows : 1, wide, DIRECT, t);     \
  }                                                                                           \
  static void lanes_##rows##_##wide(const tile_job *t) {                                      \
    if (2 * rows * wide <= MOST_ROWS) lane_tile(2 * rows * wide <= MOST_ROWS ? rows : 1, wide, t); \
  }
#define NAME(rows, wide) \
  [rows - 1] = {along_##rows##_##wide, direct_##rows##_##wide, across_##rows##_##wide, \
                lanes_##rows##_##wide},
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
  bool copies;  /* A into strips */
  bool keeps_b; /* all panels are kept, and strips go by; else the other way round */
  bool stream;
  size_t wide, rows;                /* of most tiles */
  size_t k_block, m_block, n_block; /* at most, at a time */
  size_t ld, piece;                 /* floats of a row of what waits, and from one to the next */
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
      if (!j->keeps_b && i0 + rows + i < j->m) /* the next strip */
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

/* What is done at a time: mc rows by nc columns, over a range of at most k_block, into c. */
typedef struct region {
  const job *j;
  size_t m0, mc, n0, nc;
  const range *of;
  const float *start;
  size_t ld_start;
  float *c;
  size_t ldc;
  int kind;      /* of its tiles */
  bool finishes; /* a tile is complete */
} region;

INLINE bool b_lies(const job *j) {
  return j->b.pack == NULL && j->b.outer == 1 && j->b.panels == NULL;
}

/* The panel of a B that is packed, from column `at` on. */
INLINE const float *packed(const region *x, size_t at, size_t width) {
  const size_t ld = (width + VEC - 1) / VEC * VEC;
  return x->j->b.panels + at * x->j->b.packed_k + x->of->p0 * ld;
}

/* Columns at .. at + width of B copied to `to`, as a panel of whole vectors; `ahead` more of them are
 * wanted soon. */
INLINE void copy_panel(const region *x, size_t at, size_t width, size_t ahead, float *to,
                       tile_job *t) {
  t->b = to;
  t->ldb = (width + VEC - 1) / VEC * VEC;
  pack_panel(&x->j->b, x->n0 + at, width, x->of->p0, x->of->k, to, t->ldb, ahead);
}

/* Rows i .. i + rows of A: where they lie, or as a strip, which is made now or is there.  Returns the
 * floats of the strip. */
INLINE size_t get_strip(const region *x, size_t i, size_t rows, bool make, float *strip,
                        tile_job *t) {
  const job *j = x->j;
  const size_t p0 = x->of->p0, k = x->of->k;
  if (!j->copies) {
    t->a = j->a.at + (x->m0 + i) * j->a.outer + p0 * j->a.inner;
    t->step_a = j->strips == DIRECT ? j->a.outer : j->a.inner;
    return 0;
  }
  if (make) pack_strip(j, x->m0 + i, rows, p0, k, strip);
  t->a = strip;
  t->step_a = rows;
  return j->strips == ALONG ? rows * ROW : rows * k + VEC;
}

INLINE size_t panel_width(const region *x, size_t at) {
  const size_t left = x->nc - at, width = share((left + VEC - 1) / VEC, x->j->wide) * VEC;
  return left < width ? left : width;
}

/* The tile of rows i .. i + rows by columns at .. at + width. */
INLINE void do_tile(const region *x, size_t i, size_t rows, size_t at, size_t width, tile_job *t) {
  const ls__product *product = x->j->p;
  const size_t wide = (width + VEC - 1) / VEC;
  t->last = width - (wide - 1) * VEC;
  t->start = x->start != NULL ? x->start + i * x->ld_start + at : NULL;
  t->c = x->c + i * x->ldc + at;
  tiles[wide - 1][rows - 1][x->kind](t);
  for (size_t r = 0; x->finishes && r < rows; r++)
    product->finish(product->context, t->c + r * x->ldc, width);
}

/* Whether the strips of A are made many at once: by one, they would not find its lines again. */
static bool at_once(const region *x) {
  const job *j = x->j;
  if (!j->copies || j->strips != ACROSS) return false;
  if (j->a.pack != NULL) return j->p->lanes > 1 && x->kind != KINDS;
  return j->a.outer == 1 && !lies_well(j->a.inner, j->rows, x->of->k);
}

/* All panels are kept, and strips go by. */
static void keep_b(const region *x, tile_job *t) {
  const job *j = x->j;
  float *panels = j->p->work + AT_B;
  const bool many = at_once(x);
  const size_t group = many ? GROUP : x->mc;
  for (size_t i = 0, end = 0; i < x->mc;) {
    float *strip = j->p->work + AT_A;
    end = x->mc - i < group ? x->mc : i + group;
    if (many) pack_strips(j, x->m0 + i, end - i, x->of->p0, x->of->k, strip);
    /* The lines of the next group, or of the first one in the next block of k. */
    const size_t p1 = x->of->p0 + (end < x->mc ? 0 : x->of->k);
    const float *next = many && j->a.pack == NULL
                            ? j->a.at + x->m0 + (end < x->mc ? end : 0) + p1 * j->a.inner
                            : NULL;
    size_t line = 0;
    t->ld_soon = j->a.inner;
    for (size_t rows; i < end; i += rows) {
      rows = share(end - i, j->rows);
      const size_t floats = get_strip(x, i, rows, !many, strip, t);
      for (size_t at = 0, width; at < x->nc; at += width, line += 16) {
        width = panel_width(x, at);
        t->soon = next != NULL && line < GROUP ? next + line : NULL;
        if (i == 0) copy_panel(x, at, width, x->nc - at - width, panels + at * x->of->k, t);
        t->b = panels + at * x->of->k;
        t->ldb = (width + VEC - 1) / VEC * VEC;
        do_tile(x, i, rows, at, width, t);
      }
      if (many) strip += floats;
    }
  }
}

/* All strips are kept, and panels go by. */
static void keep_a(const region *x, tile_job *t) {
  const job *j = x->j;
  const range *of = x->of;
  float *strips = j->p->work + AT_A, *panel = j->p->work + AT_B;
  const float *b = b_lies(j) ? j->b.at + x->n0 + of->p0 * j->b.inner : NULL;
  const bool few = x->mc <= 3 * j->rows && of->k * j->b.inner <= NEAR; /* tiles read a panel */
  const bool many = x->mc >= 8 * j->rows && of->k >= 64;
  const bool made = at_once(x);
  if (made) pack_strips(j, x->m0, x->mc, of->p0, of->k, strips);
  for (size_t at = 0, width; at < x->nc; at += width) {
    width = panel_width(x, at);
    const size_t left = x->nc - at - width;
    if (j->b.panels != NULL) {
      t->b = packed(x, at, width);
      t->ldb = (width + VEC - 1) / VEC * VEC;
    } else if (b != NULL && width % VEC == 0 && (few || lies_well(j->b.inner, width, of->k))) {
      t->b = b + at;
      t->ldb = j->b.inner;
    } else {
      copy_panel(x, at, width, b != NULL && many ? 0 : left, panel, t);
    }
    const float *next = b != NULL             ? b + at + width
                        : j->b.panels != NULL ? packed(x, at + width, width)
                                              : NULL;
    t->ld_soon = b != NULL ? j->b.inner : t->ldb;
    float *strip = strips;
    for (size_t i = 0, rows, line = 0; i < x->mc; i += rows, line += 16) {
      rows = share(x->mc - i, j->rows);
      strip += get_strip(x, i, rows, at == 0 && !made, strip, t);
      t->soon = next != NULL && many && line < width && line < left ? next + line : NULL;
      do_tile(x, i, rows, at, width, t);
    }
  }
}

static void block(const region *x) {
  tile_job t = {.k = x->of->k,
                .ld_start = x->ld_start,
                .ldc = x->ldc,
                .stream = x->j->stream,
                .lanes = x->of->lanes,
                .lane = x->of->lane,
                .each = x->j->p->each};
  (x->j->keeps_b ? keep_b : keep_a)(x, &t);
}

/* One chain over all of k, or one group of lanes, into c: k in blocks. */
static void blocks(const job *j, size_t m0, size_t mc, size_t n0, size_t nc, const range *of,
                   const float *start, size_t ld_start, float *c, size_t ldc) {
  range part = *of;
  region x = {j,
              m0,
              mc,
              n0,
              nc,
              &part,
              start,
              ld_start,
              c,
              ldc,
              .kind = of->lanes > 1 ? KINDS : (int)j->strips};
  size_t done = 0;
  do {
    part.p0 = of->p0 + done;
    part.k = of->lanes > 1 ? of->k : share(of->k - done, j->k_block);
    done += part.k;
    x.finishes = done == of->k && !j->waits && j->p->finish != NULL;
    block(&x);
    x.start = c;
    x.ld_start = ldc;
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
  lanes(j, m0, mc, n0, nc, lo + half, hi, pieces, j->ld, pieces + j->piece);
  for (size_t i = 0; i < mc; i++)
    for (size_t e = 0; e < nc; e++) c[i * ldc + e] += pieces[i * j->ld + e];
}

/* The start of a piece of C that is done turned over: piece[i][e] = start of C[n0 + e][m0 + i]. */
static const float *turn_start(const job *j, size_t m0, size_t mc, size_t n0, size_t nc,
                               float *piece) {
  const ls__product *p = j->p;
  if (p->start == NULL) return NULL;
  if (p->ld_start == 0) {
    for (size_t i = 0; i < mc; i++)
      for (size_t e = 0; e < nc; e++) piece[i * j->ld + e] = p->start[m0 + i];
  } else {
    turn(piece, j->ld, p->start + n0 * p->ld_start + m0, p->ld_start, nc, mc, 0);
  }
  return piece;
}

/* C[n0 + e][m0 + i] = piece[i][e] */
static void turn_back(const job *j, size_t m0, size_t mc, size_t n0, size_t nc,
                      const float *piece) {
  const ls__product *p = j->p;
  for (size_t e = 0; e < nc; e += VEC) {
    const size_t some = nc - e < VEC ? nc - e : VEC;
    for (size_t i = 0; i < mc; i += VEC) {
      const size_t rows = mc - i < VEC ? mc - i : VEC;
      float *to = p->c + (n0 + e) * p->ldc + m0 + i;
      const float *from = piece + i * j->ld + e;
      if (some == VEC && rows == VEC) {
        vec_turn(to, p->ldc, from, j->ld, VEC);
      } else {
        for (size_t a = 0; a < some; a++)
          for (size_t b = 0; b < rows; b++) to[a * p->ldc + b] = from[b * j->ld + a];
      }
    }
    for (size_t a = 0; p->finish != NULL && a < some; a++)
      p->finish(p->context, p->c + (n0 + e + a) * p->ldc + m0, mc);
  }
}

/* About the cycles that a product takes: tiles, and copying or turning operands.  `apart`: over long
 * lanes, whose strips come from memory. */
static double cost(size_t m, size_t n, size_t k, const ls__operand *a, const ls__operand *b,
                   bool apart) {
  const double vectors = (double)((n + VEC - 1) / VEC);
  double cycles = (double)m * vectors * (double)k / 2;
  if (b->pack == NULL && b->outer != 1) cycles += (double)(n * k) * 3 / VEC;
  if (apart) return cycles + (double)(m * k) * 5 / ROWS;
  if (a->pack == NULL && a->inner == 1 && n > 2 * WIDTH) cycles += (double)(m * k) * 1.5 / VEC;
  if (a->pack == NULL && a->inner != 1 && n > 2 * WIDTH) cycles += (double)(m * k) * 2 / ROWS;
  return cycles;
}

/* Whether any two lanes are short enough to be computed side by side. */
static bool has_pairs(const ls__product *p) {
  for (size_t l = 0; l + 1 < p->lanes; l += 2)
    if ((p->lane[l + 2] - p->lane[l]) * p->each <= K_BLOCK) return true;
  return false;
}

/* The tile: as many vectors wide as may be, and not wider than leaves the fewest strips. */
static void choose_tile(job *j, bool pairs) {
  if (pairs) { /* two of them in the registers */
    j->wide = share((j->n + VEC - 1) / VEC, WIDE / 2);
    j->rows = MOST_ROWS / 2 / j->wide;
    return;
  }
  j->wide = share((j->n + VEC - 1) / VEC, WIDE);
  if (j->b.panels == NULL && j->wide == WIDE && WIDE == 4 && j->m > ROWS && j->m <= MOST_ROWS / 3)
    j->wide = 3;
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
      const size_t most = a->outer % 1024 == 0 ? ls__cache_ways() - 1 : DIRECT_ROWS;
      j->strips = DIRECT;
      j->copies = false;
      if (j->rows > most) j->rows = most < DIRECT_ROWS ? most : DIRECT_ROWS;
    } else {
      j->k_block = K_BLOCK * ROWS / j->rows; /* a strip is to stay in the first cache */
    }
  } else if (a->pack == NULL && a->outer == 1) {
    const size_t kc = share(k > 0 ? k : 1, K_BLOCK);
    const bool near = kc <= 64 && (j->n <= 4 * WIDTH || kc <= 16);
    j->copies = !((j->n <= WIDTH && a->inner <= 512) || (near && lies_well(a->inner, j->rows, kc)));
  }
}

/* What is kept, and how much is done at a time: as much as there is room for. */
static void choose_blocks(job *j, bool has_lanes, bool pairs) {
  const size_t k = j->p->k, kc = share(k > 0 ? k : 1, j->k_block);
  const bool apart = has_lanes && !pairs;
  size_t rows, columns = j->n, waiting = j->turned;
  for (size_t n = 1; has_lanes && n < j->p->lanes; n *= 2) waiting++;
  j->keeps_b = j->copies && (j->strips == ALONG || apart) && j->m > M_BLOCK && j->n <= j->m &&
               j->b.panels == NULL;
  j->ld = N_BLOCK;
  if (j->keeps_b) {
    rows = j->waits ? LEVELS * PIECE / N_BLOCK / waiting : j->m;
    columns = N_BLOCK;
  } else if (apart && j->copies) {
    rows = A_ROOM / (kc + VEC);
    if (rows > j->m) rows = j->m;
    j->ld = LEVELS * PIECE / waiting / rows / VEC * VEC;
    columns = j->ld;
  } else if (j->waits) {
    rows = PIECE / N_BLOCK;
    if (waiting > LEVELS) rows = rows * LEVELS / waiting;
    columns = N_BLOCK;
  } else if (!j->copies) {
    rows = j->m;
  } else {
    rows = j->strips == ALONG ? M_BLOCK : A_ROOM / (kc + VEC);
  }
  j->m_block = share(j->m, rows);
  j->n_block = share(j->n, columns);
  if (j->ld > (j->n_block + VEC - 1) / VEC * VEC) j->ld = (j->n_block + VEC - 1) / VEC * VEC;
  j->piece = rows * j->ld;
}

/* How the product is done. */
static job plan(const ls__product *p) {
  const bool has_lanes = p->lanes > 1, pairs = has_lanes && has_pairs(p);
  const double back = (double)(p->m * p->n) * 8 / VEC;
  job j = {.p = p, .m = p->m, .n = p->n, .a = p->a, .b = p->b};
  const bool apart = has_lanes && !pairs, fixed = p->b.panels != NULL;
  if (!fixed && cost(p->n, p->m, p->k, &p->b, &p->a, apart) + back <
                    0.95 * cost(p->m, p->n, p->k, &p->a, &p->b, apart))
    j = (job){.p = p, .m = p->n, .n = p->m, .a = p->b, .b = p->a, .turned = true};
  j.waits = j.turned || (has_lanes && p->k > K_BLOCK);
  choose_tile(&j, pairs);
  choose_strips(&j, has_lanes);
  j.stream = !j.waits && p->start != p->c && p->k <= j.k_block && p->n % VEC == 0 &&
             p->ldc % VEC == 0 && (uintptr_t)p->c % 64 == 0 && p->finish == NULL &&
             p->m * p->n >= STREAM_BYTES / sizeof *p->c;
  choose_blocks(&j, has_lanes, pairs);
  return j;
}

/* Rows m0 .. m0 + mc by columns n0 .. n0 + nc, over all of k. */
static void part(const job *j, size_t m0, size_t mc, size_t n0, size_t nc) {
  const ls__product *p = j->p;
  float *piece = p->work + AT_PIECES, *c = j->turned ? piece : p->c + m0 * p->ldc + n0;
  const size_t ldc = j->turned ? j->ld : p->ldc;
  if (p->lanes > 1) {
    lanes(j, m0, mc, n0, nc, 0, p->lanes, c, ldc, piece + (j->turned ? j->piece : 0));
    for (size_t i = 0; j->waits && !j->turned && p->finish != NULL && i < mc; i++)
      p->finish(p->context, c + i * ldc, nc);
  } else {
    const range all = {0, p->k, 0, NULL};
    const float *start = p->start == NULL ? NULL
                         : j->turned      ? turn_start(j, m0, mc, n0, nc, piece)
                                          : p->start + m0 * p->ld_start + n0;
    blocks(j, m0, mc, n0, nc, &all, start, j->turned ? j->ld : p->ld_start, c, ldc);
  }
  if (j->turned) turn_back(j, m0, mc, n0, nc, piece);
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

/* Panels as wide as those of a product of n columns. */
static void pack(const ls__operand *b, size_t n, size_t k, size_t at_k, size_t packed_k,
                 float *panels) {
  const size_t wide = share((n + VEC - 1) / VEC, WIDE);
  for (size_t at = 0, width; at < n; at += width) {
    width = share((n - at + VEC - 1) / VEC, wide) * VEC;
    pack_panel(b, at, n - at < width ? n - at : width, 0, k, panels + at * packed_k + at_k * width,
               width, 0);
  }
}

LS_SIMD_DECLARE(ls__product_ops, ls__product_ops);
const ls__product_ops LS_SIMD(ls__product_ops) = {multiply, pack};

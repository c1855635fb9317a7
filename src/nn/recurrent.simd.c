/* The kernels of recurrent.h: the gates of a step in one loop, for each pair of functions. */
#include "nn/recurrent.h"

#include <string.h>

#include "nn/vmath.h"

/* ---- f and s, and their derivatives by their values */

static inline float tanh_y(float x) {
  return ls__tanhf(x);
}

static inline float tanh_d(float y) {
  return 1.0F - y * y;
}

static inline float relu_y(float x) {
  return x < 0.0F ? 0.0F : x;
}

static inline float relu_d(float y) {
  return y > 0.0F ? 1.0F : 0.0F;
}

static inline float sigmoid_y(float x) {
  return ls__sigmoidf(x);
}

static inline float sigmoid_d(float y) {
  return y * (1.0F - y);
}

static inline float hard_sigmoid_y(float x) {
  const float y = (x + 3.0F) * (1.0F / 6.0F);
  const float above = y < 0.0F ? 0.0F : y;
  return above > 1.0F ? 1.0F : above;
}

static inline float hard_sigmoid_d(float y) {
  return y > 0.0F && y < 1.0F ? 1.0F / 6.0F : 0.0F;
}

/* ---- Cells.  Pieces come as arguments, each `restrict`: pointers made of one another would
 * keep the compiler from vectors. */

#define READ const float *restrict
#define WRITE float *restrict

#define RNN(F)                                                           \
  static void rnn_go_##F(WRITE a, WRITE h, size_t H) {                   \
    for (size_t j = 0; j < H; j++) a[j] = h[j] = F##_y(a[j]);            \
  }                                                                      \
  static void rnn_forward_##F(const ls__cell_step *t, size_t H) {        \
    rnn_go_##F(t->now, t->h, H);                                         \
  }                                                                      \
  static void rnn_back_##F(WRITE a, READ dh, READ dy, size_t H) {        \
    for (size_t j = 0; j < H; j++) a[j] = (dh[j] + dy[j]) * F##_d(a[j]); \
  }                                                                      \
  static void rnn_backward_##F(const ls__cell_step *t, size_t H) {       \
    rnn_back_##F(t->now, t->dh, t->dy, H);                               \
  }

#define LSTM(F, S)                                                                                 \
  static void lstm_go_##F##_##S(WRITE i, WRITE f, WRITE g, WRITE o, WRITE c, WRITE h, READ before, \
                                size_t H) {                                                        \
    for (size_t j = 0; j < H; j++) {                                                               \
      const float in = S##_y(i[j]), keep = S##_y(f[j]), new = F##_y(g[j]), out = S##_y(o[j]);      \
      const float state = keep * before[j] + in * new;                                             \
      i[j] = in, f[j] = keep, g[j] = new, o[j] = out, c[j] = state;                                \
      h[j] = out * F##_y(state);                                                                   \
    }                                                                                              \
  }                                                                                                \
  static void lstm_forward_##F##_##S(const ls__cell_step *t, size_t H) {                           \
    float *a = t->now;                                                                             \
    lstm_go_##F##_##S(a, a + H, a + 2 * H, a + 3 * H, a + 4 * H, t->h, t->c_before, H);            \
  }                                                                                                \
  static void lstm_back_##F##_##S(WRITE i, WRITE f, WRITE g, WRITE o, WRITE dc, READ c,            \
                                  READ before, READ dh, READ dy, size_t H) {                       \
    for (size_t j = 0; j < H; j++) {                                                               \
      const float in = i[j], keep = f[j], new = g[j], out = o[j];                                  \
      const float d = dh[j] + dy[j], shown = F##_y(c[j]);                                          \
      const float state = dc[j] + d * out * F##_d(shown);                                          \
      i[j] = state * new *S##_d(in);                                                               \
      f[j] = state * before[j] * S##_d(keep);                                                      \
      g[j] = state * in * F##_d(new);                                                              \
      o[j] = d * shown * S##_d(out);                                                               \
      dc[j] = state * keep;                                                                        \
    }                                                                                              \
  }                                                                                                \
  static void lstm_backward_##F##_##S(const ls__cell_step *t, size_t H) {                          \
    float *a = t->now;                                                                             \
    lstm_back_##F##_##S(a, a + H, a + 2 * H, a + 3 * H, t->dc, a + 4 * H, t->c_before, t->dh,      \
                        t->dy, H);                                                                 \
  }

#define GRU(F, S)                                                                                \
  static void gru_go_##F##_##S(WRITE n, WRITE r, WRITE z, WRITE q, WRITE h, READ more_r,         \
                               READ more_z, READ more_q, READ before, size_t H) {                \
    for (size_t j = 0; j < H; j++) {                                                             \
      const float reset = S##_y(r[j] + more_r[j]), keep = S##_y(z[j] + more_z[j]);               \
      const float old = more_q[j], new = F##_y(n[j] + reset * old);                              \
      n[j] = new, r[j] = reset, z[j] = keep, q[j] = old;                                         \
      h[j] = (1.0F - keep) * new + keep *before[j];                                              \
    }                                                                                            \
  }                                                                                              \
  static void gru_forward_##F##_##S(const ls__cell_step *t, size_t H) {                          \
    float *a = t->now;                                                                           \
    const float *b = t->more;                                                                    \
    gru_go_##F##_##S(a, a + H, a + 2 * H, a + 3 * H, t->h, b, b + H, b + 2 * H, t->h_before, H); \
  }                                                                                              \
  static void gru_back_##F##_##S(WRITE n, WRITE r, WRITE z, WRITE q, WRITE dh, READ before,      \
                                 READ dy, size_t H) {                                            \
    for (size_t j = 0; j < H; j++) {                                                             \
      const float new = n[j], reset = r[j], keep = z[j], old = q[j], d = dh[j] + dy[j];          \
      const float dn = d * (1.0F - keep) * F##_d(new);                                           \
      n[j] = dn;                                                                                 \
      r[j] = dn * old * S##_d(reset);                                                            \
      z[j] = d * (before[j] - new) * S##_d(keep);                                                \
      q[j] = dn * reset;                                                                         \
      dh[j] = d * keep;                                                                          \
    }                                                                                            \
  }                                                                                              \
  static void gru_backward_##F##_##S(const ls__cell_step *t, size_t H) {                         \
    float *a = t->now;                                                                           \
    gru_back_##F##_##S(a, a + H, a + 2 * H, a + 3 * H, t->dh, t->h_before, t->dy, H);            \
  }

#define GRU_FIRST(F)                                                          \
  static void first_go_##F(WRITE n, READ z, WRITE h, READ before, size_t H) { \
    for (size_t j = 0; j < H; j++) {                                          \
      const float new = F##_y(n[j]);                                          \
      n[j] = new;                                                             \
      h[j] = (1.0F - z[j]) * new + z[j] * before[j];                          \
    }                                                                         \
  }                                                                           \
  static void gru_first_forward_##F(const ls__cell_step *t, size_t H) {       \
    first_go_##F(t->now, t->now + 2 * H, t->h, t->h_before, H);               \
  }
#define GRU_FIRST_BACK(F, S)                                                                     \
  static void first_back_##F##_##S(WRITE n, WRITE z, WRITE dh, READ before, READ dy, size_t H) { \
    for (size_t j = 0; j < H; j++) {                                                             \
      const float new = n[j], keep = z[j], d = dh[j] + dy[j];                                    \
      n[j] = d * (1.0F - keep) * F##_d(new);                                                     \
      z[j] = d * (before[j] - new) * S##_d(keep);                                                \
      dh[j] = d * keep;                                                                          \
    }                                                                                            \
  }                                                                                              \
  static void gru_first_backward_##F##_##S(const ls__cell_step *t, size_t H) {                   \
    first_back_##F##_##S(t->now, t->now + 2 * H, t->dh, t->h_before, t->dy, H);                  \
  }
#define RESET(S)                                                                  \
  static void reset_go_##S(WRITE r, WRITE z, WRITE q, READ before, size_t H) {    \
    for (size_t j = 0; j < H; j++) {                                              \
      const float reset = S##_y(r[j]);                                            \
      r[j] = reset, z[j] = S##_y(z[j]), q[j] = reset * before[j];                 \
    }                                                                             \
  }                                                                               \
  static void reset_forward_##S(const ls__cell_step *t, size_t H) {               \
    reset_go_##S(t->now + H, t->now + 2 * H, t->now + 3 * H, t->h_before, H);     \
  }                                                                               \
  static void reset_back_##S(WRITE r, WRITE dh, READ before, READ dq, size_t H) { \
    for (size_t j = 0; j < H; j++) {                                              \
      const float reset = r[j];                                                   \
      r[j] = dq[j] * before[j] * S##_d(reset);                                    \
      dh[j] += dq[j] * reset;                                                     \
    }                                                                             \
  }                                                                               \
  static void reset_backward_##S(const ls__cell_step *t, size_t H) {              \
    reset_back_##S(t->now + H, t->dh, t->h_before, t->more, H);                   \
  }

#define BOTH(F)                                                                            \
  RNN(F)                                                                                   \
  LSTM(F, sigmoid) LSTM(F, hard_sigmoid) GRU(F, sigmoid) GRU(F, hard_sigmoid) GRU_FIRST(F) \
      GRU_FIRST_BACK(F, sigmoid) GRU_FIRST_BACK(F, hard_sigmoid)
BOTH(tanh)
BOTH(relu)
RESET(sigmoid)
RESET(hard_sigmoid)

static void column_sums(float *restrict s, const float *x, size_t rows, size_t stride, size_t n,
                        int add) {
  size_t r = 0;
  if (!add) memset(s, 0, n * sizeof *s);
  for (; r + 4 <= rows; r += 4) {
    const float *x0 = x + r * stride, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    for (size_t j = 0; j < n; j++) s[j] += (x0[j] + x1[j]) + (x2[j] + x3[j]);
  }
  for (; r < rows; r++)
    for (size_t j = 0; j < n; j++) s[j] += x[r * stride + j];
}

#define GATES(cell, way, F) \
  { cell##_##way##_##F##_sigmoid, cell##_##way##_##F##_hard_sigmoid }
#define SAME(f) \
  { f, f }

LS_SIMD_DECLARE(ls__cell_ops, ls__cell_ops);
const ls__cell_ops LS_SIMD(ls__cell_ops) = {
    {
        [LS__CELL_RNN] = {SAME(rnn_forward_tanh), SAME(rnn_forward_relu)},
        [LS__CELL_LSTM] = {GATES(lstm, forward, tanh), GATES(lstm, forward, relu)},
        [LS__CELL_GRU] = {GATES(gru, forward, tanh), GATES(gru, forward, relu)},
        [LS__CELL_GRU_FIRST] = {SAME(gru_first_forward_tanh), SAME(gru_first_forward_relu)},
    },
    {
        [LS__CELL_RNN] = {SAME(rnn_backward_tanh), SAME(rnn_backward_relu)},
        [LS__CELL_LSTM] = {GATES(lstm, backward, tanh), GATES(lstm, backward, relu)},
        [LS__CELL_GRU] = {GATES(gru, backward, tanh), GATES(gru, backward, relu)},
        [LS__CELL_GRU_FIRST] = {GATES(gru_first, backward, tanh), GATES(gru_first, backward, relu)},
    },
    {reset_forward_sigmoid, reset_forward_hard_sigmoid},
    {reset_backward_sigmoid, reset_backward_hard_sigmoid},
    column_sums,
};

/* Attention: gradients, what every layer promises, values against a direct computation, and who looks
 * at whom: causal, lengths, a memory. */
#include "layer_check.h"
#include "nn/kinds.h"

typedef struct sort {
  const char *options;
  int n_in;
  ls_shape in[3];
} sort;

/* Blocks of rows have 64: one, two, and three of them; heads that are no vector. */
static const sort sorts[] = {
    {"{num_heads: 2}", 1, {{2, {5, 6}}}},
    {"{num_heads: 2, causal: true}", 1, {{2, {5, 6}}}},
    {"{num_heads: 3, key_dim: 5, use_bias: false}", 1, {{2, {3, 7}}}},
    {"{num_heads: 1, key_dim: 2, causal: true}", 1, {{2, {70, 2}}}},
    {"{num_heads: 1, key_dim: 1}", 1, {{2, {67, 1}}}},
    {"{num_heads: 2}", 2, {{2, {5, 6}}, {0, {0}}}},
    {"{num_heads: 2, causal: true}", 2, {{2, {5, 6}}, {1, {1}}}},
    {"{num_heads: 2, key_dim: 3}", 2, {{2, {5, 6}}, {2, {3, 4}}}},
    {"{num_heads: 2, key_dim: 3, use_bias: false}", 3, {{2, {5, 6}}, {2, {3, 4}}, {0, {0}}}},
    {"{num_heads: 1, key_dim: 3, causal: true}", 3, {{2, {4, 3}}, {2, {4, 5}}, {0, {0}}}},
    {"{num_heads: 2, positions: rotary, key_dim: 4}", 2, {{2, {5, 6}}, {0, {0}}}},
    {"{num_heads: 1, positions: rotary, base: 3, causal: true}", 1, {{2, {67, 2}}}},
    {"{num_heads: 2, positions: relative}", 1, {{2, {5, 6}}}},
    {"{num_heads: 2, positions: relative, max_distance: 2}", 2, {{2, {7, 6}}, {0, {0}}}},
    {"{num_heads: 1, positions: relative, max_distance: 3, causal: true}", 1, {{2, {70, 1}}}},
    {"{num_heads: 2, dropout: 0.3}", 2, {{2, {5, 6}}, {0, {0}}}},
    {"{num_heads: 1, dropout: 0.5, causal: true, positions: relative}", 1, {{2, {66, 2}}}},
    {"{num_heads: 2, key_dim: 3, dropout: 0.2}", 2, {{2, {5, 6}}, {2, {3, 4}}}},
};
enum { SORTS = sizeof sorts / sizeof *sorts };

static void start(layer_check *c, const sort *s, size_t n) {
  if (layer_check_init(c, &ls__kind_attention, s->options, n, s->n_in, s->in) != LS_OK)
    fail_msg("%s: %s", s->options, ls_error_message());
}

static void promises(void **state) {
  (void)state;
  for (size_t i = 0; i < SORTS; i++) {
    layer_check c;
    start(&c, &sorts[i], 3);
    if (!layer_check_promises(&c)) fail_msg("sort %zu, %s: %s", i, sorts[i].options, c.fault);
    layer_check_reset(&c);
  }
}

/* ---- The definition, in double, one position after the other */

/* y [out] = W x + b, rows [first, first + out) of W */
static void affine(const layer_check *c, int w, int b, size_t first, size_t out, const double *x,
                   size_t in, double *y) {
  for (size_t o = 0; o < out; o++) {
    y[o] = b < 0 ? 0 : (double)c->w[b][first + o];
    for (size_t i = 0; i < in; i++) y[o] += (double)c->w[w][(first + o) * in + i] * x[i];
  }
}

enum { MOST = 160, WIDE = 24 };

typedef struct how {
  size_t heads, d;
  bool causal, bias;
  double base; /* rotary positions, or 0 */
  size_t far;  /* relative ones, or 0 */
  double dropout;
} how;

/* Pairs j, j + d / 2 of each head turn by position / base^(2 j / d). */
static void rotate(double *x, const how *is, size_t position) {
  for (size_t h = 0; is->base > 0 && h < is->heads; h++)
    for (size_t j = 0; j < is->d / 2; j++) {
      double *u = &x[h * is->d + j], *v = u + is->d / 2, was = *u;
      const double angle = (double)position / pow(is->base, 2.0 * (double)j / (double)is->d);
      *u = was * cos(angle) - *v * sin(angle);
      *v = *v * cos(angle) + was * sin(angle);
    }
}

/* What is added to a score. */
static double distance(const layer_check *c, const how *is, size_t h, size_t i, size_t j) {
  const long far = (long)is->far;
  long by = (long)j - (long)i;
  const int table = c->layer.n_parameters - 1;
  if (far == 0) return 0;
  by = by < -far ? -far : by > far ? far : by;
  return (double)c->w[table][(long)h * (is->causal ? far + 1 : 2 * far + 1) + far + by];
}

/* What a weight is multiplied with. */
static double drop(const layer_check *c, const how *is, size_t sample, size_t h, size_t i, size_t j,
                   size_t t, size_t s) {
  const uint64_t across = (s + 3) / 4 * 4;
  if (is->dropout == 0) return 1;
  const uint64_t at = (((c->call.first_sample + sample) * is->heads + h) * t + i) * across + j;
  return (double)ls__rng_uniform(&c->call.rng, at) < is->dropout ? 0 : 1 / (1 - is->dropout);
}

static void directly(const layer_check *c, size_t sample, const how *is, double y[MOST][WIDE]) {
  const size_t heads = is->heads, d = is->d;
  const bool causal = is->causal, bias = is->bias;
  static double q[MOST][WIDE], k[MOST][WIDE], v[MOST][WIDE], o[MOST][WIDE];
  const ls_shape *in = &c->layer.in[0];
  const bool memory = c->layer.n_in > 1 && c->layer.in[1].ndim == 2;
  const ls_shape *from = &c->layer.in[memory];
  const size_t t = in->dim[0], s = from->dim[0], e = heads * d, last = (size_t)c->layer.n_in - 1;
  const int step = bias ? 2 : 1, kv = memory ? step : 0, out = memory ? 2 * step : step;
  const size_t count = c->layer.type[last] == LS_INDEX ? (size_t)c->call.index[last][sample] : s;
  double row[WIDE];
  memset(o, 0, sizeof o);
  for (size_t i = 0; i < t; i++) {
    for (size_t j = 0; j < in->dim[1]; j++)
      row[j] = (double)c->x[0][(sample * t + i) * in->dim[1] + j];
    affine(c, 0, bias ? 1 : -1, 0, e, row, in->dim[1], q[i]);
    rotate(q[i], is, i);
  }
  for (size_t i = 0; i < s; i++) {
    for (size_t j = 0; j < from->dim[1]; j++)
      row[j] = (double)c->x[memory][(sample * s + i) * from->dim[1] + j];
    affine(c, kv, bias ? kv + 1 : -1, memory ? 0 : e, e, row, from->dim[1], k[i]);
    rotate(k[i], is, i);
    affine(c, kv, bias ? kv + 1 : -1, memory ? e : 2 * e, e, row, from->dim[1], v[i]);
  }
  for (size_t h = 0; h < heads; h++)
    for (size_t i = 0; i < t; i++) {
      const size_t n = causal && i + 1 < count ? i + 1 : count;
      double p[MOST], sum = 0;
      for (size_t j = 0; j < n; j++) {
        p[j] = 0;
        for (size_t a = h * d; a < (h + 1) * d; a++) p[j] += q[i][a] * k[j][a];
        p[j] = exp(p[j] / sqrt((double)d) + distance(c, is, h, i, j));
        sum += p[j];
      }
      for (size_t j = 0; j < n; j++)
        for (size_t a = h * d; a < (h + 1) * d; a++)
          o[i][a] += p[j] / sum * v[j][a] * drop(c, is, sample, h, i, j, t, s);
    }
  for (size_t i = 0; i < t; i++) affine(c, out, bias ? out + 1 : -1, 0, in->dim[1], o[i], e, y[i]);
}

static void values(void **state) {
  (void)state;
  static const struct {
    sort is;
    how how;
  } cases[] = {
      {{"{num_heads: 2}", 1, {{2, {5, 6}}}}, {2, 3, false, true, 0, 0, 0}},
      {{"{num_heads: 2, causal: true}", 1, {{2, {130, 6}}}}, {2, 3, true, true, 0, 0, 0}},
      {{"{num_heads: 3, use_bias: false}", 2, {{2, {65, 6}}, {0, {0}}}},
       {3, 2, false, false, 0, 0, 0}},
      {{"{num_heads: 2, causal: true}", 2, {{2, {9, 6}}, {0, {0}}}}, {2, 3, true, true, 0, 0, 0}},
      {{"{num_heads: 2, key_dim: 5}", 3, {{2, {7, 6}}, {2, {90, 4}}, {0, {0}}}},
       {2, 5, false, true, 0, 0, 0}},
      {{"{num_heads: 2, key_dim: 10, positions: rotary}", 2, {{2, {70, 6}}, {0, {0}}}},
       {2, 10, false, true, 1e4, 0, 0}},
      {{"{num_heads: 1, positions: rotary, base: 2, causal: true}", 1, {{2, {150, 4}}}},
       {1, 4, true, true, 2, 0, 0}},
      {{"{num_heads: 2, positions: relative, max_distance: 20}", 2, {{2, {70, 6}}, {0, {0}}}},
       {2, 3, false, true, 0, 20, 0}},
      {{"{num_heads: 2, positions: relative, max_distance: 66, causal: true}", 1, {{2, {130, 6}}}},
       {2, 3, true, true, 0, 66, 0}},
      {{"{num_heads: 2, dropout: 0.4}", 2, {{2, {67, 6}}, {0, {0}}}},
       {2, 3, false, true, 0, 0, 0.4}},
      {{"{num_heads: 2, key_dim: 5, dropout: 0.1}", 2, {{2, {7, 6}}, {2, {90, 4}}}},
       {2, 5, false, true, 0, 0, 0.1}},
  };
  static double y[MOST][WIDE];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    layer_check c;
    start(&c, &cases[i].is, 3);
    const size_t t = c.layer.in[0].dim[0], width = c.layer.in[0].dim[1];
    c.layer.kind->forward(&c.layer, &c.call);
    for (size_t sample = 0; sample < 3; sample++) {
      directly(&c, sample, &cases[i].how, y);
      for (size_t e = 0; e < t * width; e++) {
        const double is = (double)c.y[sample * t * width + e], wanted = y[e / width][e % width];
        if (!(fabs(is - wanted) < 2e-5))
          fail_msg("case %zu, sample %zu, element %zu is %g, should be %g", i, sample, e, is,
                   wanted);
      }
    }
    layer_check_reset(&c);
  }
}

/* ---- Who looks at whom */

/* After a change of input k from position `from` on, the outputs before `until` are the same to the
 * bit, and some at `until` or behind it are not. */
static void check_change(layer_check *c, int k, size_t from, size_t until) {
  const size_t width = c->layer.in[0].dim[1], t = c->layer.in[0].dim[0];
  const size_t across = c->layer.in[k].dim[1], s = c->layer.in[k].dim[0];
  float *before;
  c->layer.kind->forward(&c->layer, &c->call);
  before = layer_check_copy(c->y, c->y_count);
  for (size_t i = from * across; i < s * across; i++) c->x[k][i] = -2.5F * c->x[k][i] + 1.0F;
  c->layer.kind->forward(&c->layer, &c->call);
  assert_memory_equal(c->y, before, until * width * sizeof *before);
  if (until < t)
    assert_memory_not_equal(c->y + until * width, before + until * width, width * sizeof *before);
  ls__free(before);
}

static void causality(void **state) {
  (void)state;
  static const sort own = {"{num_heads: 2, causal: true}", 1, {{2, {140, 6}}}};
  for (size_t from = 0; from < 140; from += 23) {
    layer_check c;
    start(&c, &own, 1);
    check_change(&c, 0, from, from);
    layer_check_reset(&c);
  }
}

/* What lies behind a sample's length is nothing to the others, and gets no gradient by its key. */
static void lengths(void **state) {
  (void)state;
  static const sort own = {"{num_heads: 2, key_dim: 3}", 3, {{2, {5, 6}}, {2, {7, 4}}, {0, {0}}}};
  for (int32_t length = 0; length <= 7; length++) {
    layer_check c;
    start(&c, &own, 1);
    memcpy(c.x[2], &length, sizeof length);
    check_change(&c, 1, (size_t)length, 5);
    if (length > 0) check_change(&c, 1, (size_t)length - 1, 0);
    c.layer.kind->backward(&c.layer, &c.call);
    for (size_t i = 0; i < 7 * 4; i++)
      assert_true((i < (size_t)length * 4) == (c.dx[1][i] != 0.0F));
    layer_check_reset(&c);
  }
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    sort is;
    const char *says;
  } cases[] = {
      {{"{}", 1, {{2, {5, 6}}}}, "num_heads"},
      {{"{num_heads: 0}", 1, {{2, {5, 6}}}}, "num_heads"},
      {{"{num_heads: 4}", 1, {{2, {5, 6}}}}, "a width of 6 can't be shared by 4 heads"},
      {{"{num_heads: 2, key_dim: 0}", 1, {{2, {5, 6}}}}, "key_dim"},
      {{"{num_heads: 2}", 1, {{1, {6}}}}, "[T, D], not [6]"},
      {{"{num_heads: 2}", 1, {{3, {4, 5, 6}}}}, "[T, D], not [4, 5, 6]"},
      {{"{num_heads: 2}", 2, {{2, {5, 6}}, {1, {5}}}}, "one number a sample, not [5]"},
      {{"{num_heads: 2}", 3, {{2, {5, 6}}, {0, {0}}, {2, {5, 6}}}}, "one number a sample, not"},
      {{"{num_heads: 2, causal: true}", 2, {{2, {5, 6}}, {2, {4, 6}}}}, "5, not 4"},
      {{"{num_heads: 2, positions: rotary}", 1, {{2, {5, 6}}}}, "an even number of numbers, not 3"},
      {{"{num_heads: 3, positions: rotary}", 2, {{2, {5, 6}}, {2, {5, 6}}}}, "and a memory"},
      {{"{num_heads: 2, positions: relative}", 2, {{2, {5, 6}}, {2, {5, 6}}}}, "and a memory"},
      {{"{num_heads: 2, base: 100}", 1, {{2, {5, 6}}}}, "is for `positions: rotary`"},
      {{"{num_heads: 2, max_distance: 9}", 1, {{2, {5, 6}}}}, "is for `positions: relative`"},
      {{"{num_heads: 2, dropout: 1}", 1, {{2, {5, 6}}}}, "dropout"},
      {{"{num_heads: 2, positions: learned}", 1, {{2, {5, 6}}}}, "rotary"},
      {{"{num_heads: 2, heads: 3}", 1, {{2, {5, 6}}}}, "heads"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    layer_check_refused("attention", cases[i].is.options, cases[i].is.n_in, cases[i].is.in,
                        cases[i].says);
}

/* Sines and cosines of positions, as the C library has them. */
static void waves(void **state) {
  (void)state;
  enum { T = 300, D = 7 };
  static float w[T * D];
  const ls_shape in = {2, {T, D}};
  layer_check c;
  assert_int_equal(layer_check_init(&c, &ls__kind_position_embedding, "{kind: sinusoidal}", 1, 1,
                                    &in),
                   LS_OK);
  const ls__parameter *p = &c.layer.parameters[0];
  assert_int_equal(p->role, LS__FROZEN);
  ls__init_fill(&p->init, 1, 0, p->fan_in, p->fan_out, w, T * D);
  for (size_t e = 0; e < T * D; e++) {
    const double j = (double)(e % D / 2 * 2), angle = (double)(e / D) / pow(10000, j / D);
    assert_float_equal(w[e], (float)(e % D % 2 == 0 ? sin(angle) : cos(angle)), 1e-6F);
  }
  layer_check_reset(&c);
}

static int balanced(void **state) {
  (void)state;
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(promises, balanced),  cmocka_unit_test_teardown(values, balanced),
      cmocka_unit_test_teardown(causality, balanced), cmocka_unit_test_teardown(lengths, balanced),
      cmocka_unit_test_teardown(refusals, balanced),  cmocka_unit_test_teardown(waves, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

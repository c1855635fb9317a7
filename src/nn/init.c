/* Initialisers: the distributions that weights begin with. */
#include "nn/init.h"

#include <math.h>
#include <string.h>

#include "base/real.h"
#include "base/rng.h"

/* An initialiser and its kind; the numbers that it takes are read into an ls__init. */
typedef struct initializer {
  ls__kind kind;
  ls__init_kind is;
} initializer;

static const ls__option constant_table[] = {
    LS__NUMBER_AS(ls__init, a, "value", "0", -1e30, 1e30, "of every element"),
    LS__END,
};
static const ls__option uniform_table[] = {
    LS__NUMBER_AS(ls__init, a, "low", "-0.05", -1e30, 1e30, "the interval's beginning"),
    LS__BY_HAND("high", "number", "0.05", "and its end, not below `low`"),
    LS__END,
};
static const ls__option normal_table[] = {
    LS__NUMBER_AS(ls__init, a, "mean", "0", -1e30, 1e30, NULL),
    LS__NUMBER_AS(ls__init, b, "std", "0.05", 0, 1e30, "the standard deviation"),
    LS__END,
};

static const ls__option orthogonal_table[] = {
    LS__NUMBER_AS(ls__init, a, "gain", "1", -1e30, 1e30, "the length of a row or column"),
    LS__END,
};

/* Name, meaning, options. */
#define INITIALIZER_MAP(X)                                                             \
  X(zeros, ZEROS, NULL, "0")                                                           \
  X(ones, ONES, NULL, "1")                                                             \
  X(constant, CONSTANT, constant_table, "one number")                                  \
  X(uniform, UNIFORM, uniform_table, "uniform in an interval")                         \
  X(normal, NORMAL, normal_table, "normally distributed")                              \
  X(glorot_uniform, GLOROT_UNIFORM, NULL, "uniform in +-sqrt(6 / (inputs + outputs))") \
  X(glorot_normal, GLOROT_NORMAL, NULL, "normal, variance 2 / (inputs + outputs)")     \
  X(he_uniform, HE_UNIFORM, NULL, "uniform in +-sqrt(6 / inputs)")                     \
  X(he_normal, HE_NORMAL, NULL, "normal, variance 2 / inputs")                         \
  X(lecun_uniform, LECUN_UNIFORM, NULL, "uniform in +-sqrt(3 / inputs)")               \
  X(lecun_normal, LECUN_NORMAL, NULL, "normal, variance 1 / inputs")                   \
  X(orthogonal, ORTHOGONAL, orthogonal_table,                                          \
    "orthonormal rows, or columns where there are fewer of these")

#define X(name, is, table, what) \
  static const initializer initializer_##name = {{#name, what, table}, LS__INIT_##is};
INITIALIZER_MAP(X)
#undef X

#define X(name, is, table, what) &initializer_##name.kind,
static const ls__kind *const kinds[] = {INITIALIZER_MAP(X) NULL};
#undef X

const ls__registry ls__initializers = {"initialiser", kinds, NULL, NULL};

ls_status ls__init_read(ls_config *map, const char *key, const char *fallback, ls__init *out) {
  ls_status st = LS_OK;
  const char *name = NULL;
  const ls__kind *kind = NULL;
  ls_config *node = ls__config_child(map, key), *options = NULL;
  if (node == NULL) { /* put the default into the tree */
    LS_TRY(ls__config_string(map, key, fallback, &name));
    node = ls__config_child(map, key);
  }
  LS_TRY(ls__registry_read(&ls__initializers, node, &kind, &options));
  memset(out, 0, sizeof *out);
  out->kind = ((const initializer *)kind)->is;
  LS_TRY(ls__options_read(kind->options, options, out));
  if (out->kind == LS__INIT_UNIFORM)
    LS_TRY(
        ls__config_double(options, "high", out->a > 0.05 ? out->a : 0.05, out->a, 1e30, &out->b));
  LS_TRY(ls__config_finish(options));
out:
  return st;
}

/* Half the width of the uniform distributions, or the standard deviation of the normal ones: a
 * variance of scale / fan is an interval of +- sqrt(3 scale / fan). */
static double spread(const ls__init *init, size_t fan_in, size_t fan_out) {
  double in = (double)(fan_in > 0 ? fan_in : 1);
  double both = (double)(fan_in + fan_out > 0 ? fan_in + fan_out : 1);
  switch (init->kind) {
    case LS__INIT_GLOROT_UNIFORM: return sqrt(6.0 / both);
    case LS__INIT_GLOROT_NORMAL: return sqrt(2.0 / both);
    case LS__INIT_HE_UNIFORM: return sqrt(6.0 / in);
    case LS__INIT_HE_NORMAL: return sqrt(2.0 / in);
    case LS__INIT_LECUN_UNIFORM: return sqrt(3.0 / in);
    case LS__INIT_LECUN_NORMAL: return sqrt(1.0 / in);
    default: return 0;
  }
}

static void fill_uniform(const ls__rng *rng, double low, double high, float *w, size_t n) {
  ls__rng_uniform_span(rng, 0, w, n);
  for (size_t e = 0; e < n; e++) w[e] = (float)(low + (high - low) * (double)w[e]);
}

static void fill_normal(const ls__rng *rng, double mean, double std, float *w, size_t n) {
  for (size_t e = 0; e < n; e++) w[e] = (float)(mean + std * ls__rng_normal(rng, e));
}

/* w[t][2i] = sin(t / b^(2i / a)), w[t][2i + 1] = cos of it: of u turns, sin(2 pi u) = cos(2 pi (u -
 * 1/4)). */
static void fill_waves(double a, double b, float *w, size_t n) {
  const size_t width = (size_t)a;
  for (size_t e = 0; e < n; e++) {
    const size_t j = e % width;
    const double angle = (double)(e / width) / ls__real_power(b, (double)(j - j % 2) / a);
    const double turns = angle / 6.283185307179586476925 + (j % 2 == 0 ? 0.75 : 0);
    w[e] = (float)ls__cos_turn(turns - (double)(uint64_t)turns);
  }
}

void ls__init_fill(const ls__init *init, uint64_t seed, uint64_t parameter, size_t fan_in,
                   size_t fan_out, float *w, size_t n) {
  ls__rng rng = ls__rng_key(seed, LS__RNG_INIT, parameter, 0);
  double s = spread(init, fan_in, fan_out);
  switch (init->kind) {
    case LS__INIT_ZEROS:
    case LS__INIT_ONES:
    case LS__INIT_CONSTANT:
      for (size_t e = 0; e < n; e++)
        w[e] = init->kind == LS__INIT_ONES       ? 1.0F
               : init->kind == LS__INIT_CONSTANT ? (float)init->a
                                                 : 0.0F;
      break;
    case LS__INIT_UNIFORM: fill_uniform(&rng, init->a, init->b, w, n); break;
    case LS__INIT_NORMAL: fill_normal(&rng, init->a, init->b, w, n); break;
    case LS__INIT_GLOROT_UNIFORM:
    case LS__INIT_HE_UNIFORM:
    case LS__INIT_LECUN_UNIFORM: fill_uniform(&rng, -s, s, w, n); break;
    case LS__INIT_GLOROT_NORMAL:
    case LS__INIT_HE_NORMAL:
    case LS__INIT_LECUN_NORMAL: fill_normal(&rng, 0, s, w, n); break;
    case LS__INIT_ORTHOGONAL: {
      const size_t columns = fan_in > 0 && fan_in <= n ? fan_in : n;
      LS_ASSERT(n % columns == 0);
      fill_normal(&rng, 0, 1, w, n);
      ls__orthonormalize(w, n / columns, columns);
      for (size_t e = 0; e < n; e++) w[e] = (float)(init->a * (double)w[e]);
      break;
    }
    case LS__INIT_ONES_WITHIN:
      for (size_t e = 0; e < n; e++)
        w[e] = (double)e >= init->a && (double)e < init->b ? 1.0F : 0.0F;
      break;
    case LS__INIT_WAVES: fill_waves(init->a, init->b, w, n); break;
  }
}

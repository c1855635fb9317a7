#include "nn/init.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/rng.h"

static const struct {
  const char *name;
  ls__init_kind kind;
} kinds[] = {
    {"zeros", LS__INIT_ZEROS},
    {"ones", LS__INIT_ONES},
    {"constant", LS__INIT_CONSTANT},
    {"uniform", LS__INIT_UNIFORM},
    {"normal", LS__INIT_NORMAL},
    {"glorot_uniform", LS__INIT_GLOROT_UNIFORM},
    {"glorot_normal", LS__INIT_GLOROT_NORMAL},
    {"he_uniform", LS__INIT_HE_UNIFORM},
    {"he_normal", LS__INIT_HE_NORMAL},
    {"lecun_uniform", LS__INIT_LECUN_UNIFORM},
    {"lecun_normal", LS__INIT_LECUN_NORMAL},
};

/* The numbers that a kind takes.  Defaults as in Keras. */
static ls_status read_numbers(ls_config *options, ls__init *init) {
  const double huge = 1e30;
  ls_status st = LS_OK;
  switch (init->kind) {
    case LS__INIT_CONSTANT:
      LS_TRY(ls__config_double(options, "value", 0, -huge, huge, &init->a));
      break;
    case LS__INIT_UNIFORM:
      LS_TRY(ls__config_double(options, "low", -0.05, -huge, huge, &init->a));
      LS_TRY(ls__config_double(options, "high", init->a > 0.05 ? init->a : 0.05, init->a, huge,
                               &init->b));
      break;
    case LS__INIT_NORMAL:
      LS_TRY(ls__config_double(options, "mean", 0, -huge, huge, &init->a));
      LS_TRY(ls__config_double(options, "std", 0.05, 0, huge, &init->b));
      break;
    default: /* the others follow from the shape */
      break;
  }
out:
  return st;
}

ls_status ls__init_read(ls_config *map, const char *key, const char *fallback, ls__init *out) {
  ls_status st = LS_OK;
  const char *name = NULL;
  ls_config *node = ls__config_child(map, key), *options = NULL;
  if (node == NULL) { /* put the default into the tree */
    LS_TRY(ls__config_string(map, key, fallback, &name));
    node = ls__config_child(map, key);
  }
  LS_TRY(ls__config_variant(node, &name, &options));
  bool found = false;
  memset(out, 0, sizeof *out);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, name) == 0) {
      out->kind = kinds[i].kind;
      found = true;
    }
  if (!found) {
    char known[256] = "";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
      size_t used = strlen(known);
      snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", kinds[i].name);
    }
    st = ls__config_fail(node, "there is no initialiser \"%s\"; there are %s", name, known);
    goto out;
  }
  LS_TRY(read_numbers(options, out));
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
    case LS__INIT_GLOROT_UNIFORM:
      return sqrt(6.0 / both);
    case LS__INIT_GLOROT_NORMAL:
      return sqrt(2.0 / both);
    case LS__INIT_HE_UNIFORM:
      return sqrt(6.0 / in);
    case LS__INIT_HE_NORMAL:
      return sqrt(2.0 / in);
    case LS__INIT_LECUN_UNIFORM:
      return sqrt(3.0 / in);
    case LS__INIT_LECUN_NORMAL:
      return sqrt(1.0 / in);
    default:
      return 0;
  }
}

static void fill_uniform(const ls__rng *rng, double low, double high, float *w, size_t n) {
  ls__rng_uniform_span(rng, 0, w, n);
  for (size_t e = 0; e < n; e++) w[e] = (float)(low + (high - low) * (double)w[e]);
}

static void fill_normal(const ls__rng *rng, double mean, double std, float *w, size_t n) {
  for (size_t e = 0; e < n; e++) w[e] = (float)(mean + std * ls__rng_normal(rng, e));
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
    case LS__INIT_UNIFORM:
      fill_uniform(&rng, init->a, init->b, w, n);
      break;
    case LS__INIT_NORMAL:
      fill_normal(&rng, init->a, init->b, w, n);
      break;
    case LS__INIT_GLOROT_UNIFORM:
    case LS__INIT_HE_UNIFORM:
    case LS__INIT_LECUN_UNIFORM:
      fill_uniform(&rng, -s, s, w, n);
      break;
    case LS__INIT_GLOROT_NORMAL:
    case LS__INIT_HE_NORMAL:
    case LS__INIT_LECUN_NORMAL:
      fill_normal(&rng, 0, s, w, n);
      break;
  }
}

/* What the tests of update rules share. */
#ifndef LS_SUPPORT_OPTIMIZERS_H
#define LS_SUPPORT_OPTIMIZERS_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "optim/optimizer.h"

/* From the text of one setting, a name or `name: {options}`. */
static inline ls_status create(const char *text, ls__optimizer **out) {
  char document[256];
  ls_config *config = NULL;
  snprintf(document, sizeof document, strchr(text, ':') ? "it: {%s}" : "it: %s", text);
  assert_int_equal(ls_config_parse(document, "test", &config), LS_OK);
  ls_status st = ls__optimizer_create(ls__config_child(config, "it"), out);
  ls_config_destroy(config);
  return st;
}

static inline ls__optimizer *make(const char *text) {
  ls__optimizer *o = NULL;
  ls_status st = create(text, &o);
  if (st != LS_OK) print_error("%s: %s\n", text, ls_error_message());
  assert_int_equal(st, LS_OK);
  return o;
}

static inline void assert_refused(const char *text, const char *word) {
  ls__optimizer *o = NULL;
  assert_int_equal(create(text, &o), LS_ECONFIG);
  assert_null(o);
  if (strstr(ls_error_message(), word) == NULL)
    fail_msg("'%s' should name '%s'", ls_error_message(), word);
}

static inline void fill(float *x, size_t n, uint64_t what, double scale) {
  ls__rng rng = ls__rng_key(5, LS__RNG_TEST, what, 0);
  for (size_t i = 0; i < n; i++) x[i] = (float)(scale * ls__rng_normal(&rng, i));
}

/* What the update does to the gradient before the rule sees it. */
typedef struct extras {
  double scale, clip, l1, l2;
} extras;

static inline double prepared(const extras *e, double g, double w, double weight_decay) {
  g *= e->scale;
  if (e->clip > 0) g = g > e->clip ? e->clip : g < -e->clip ? -e->clip : g;
  return g + e->l1 * (w > 0 ? 1 : w < 0 ? -1 : 0) + (e->l2 + weight_decay) * w;
}

static const extras none = {1.0 / 32, 0, 0, 0};
static const extras all = {1.0 / 32, 0.05, 0.001, 0.02};

#endif

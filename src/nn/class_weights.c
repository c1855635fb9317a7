/* `class_weights` of losses of classes: reading them, and the numbers that they come to (loss.h). */
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "nn/loss.h"

enum { MOST = 1 << 24 };

void ls__class_weights_reset(ls__class_weights *w) {
  for (size_t i = 0; w->name != NULL && i < w->n; i++) ls__free(w->name[i]);
  ls__free(w->name);
  ls__free(w->value);
  memset(w, 0, sizeof *w);
}

static ls_status read_value(ls_config *node, float *value) {
  double x = 0;
  const char *text = ls__config_text(node);
  if (text == NULL || !ls__number_parse(text, &x) || !(x >= 0 && x <= 1e30))
    return ls__config_fail(node, "a weight is a number from 0 to 1e30");
  *value = (float)x;
  return LS_OK;
}

ls_status ls__class_weights_read(ls__loss *loss, ls_config *options) {
  ls_status st = LS_OK;
  ls__class_weights *w = &loss->weights;
  ls_config *node = ls__config_child(options, "class_weights");
  if (node == NULL) return LS_OK;
  const ls__config_kind kind = ls__config_kind_of(node);
  const size_t n = ls__config_count(node);
  if (kind == LS__SCALAR && strcmp(ls__config_text(node), "balanced") == 0) {
    w->are = LS__WEIGHTS_BALANCED;
    return LS_OK;
  }
  if ((kind != LS__LIST && kind != LS__MAP) || n == 0 || n > MOST)
    LS_REFUSE(node, "wants `balanced`, a list of a number for each class, or a map of them by the "
                    "names of the classes");
  LS_TRY(ls__alloc(&w->value, n, sizeof *w->value, "weights of classes"));
  if (kind == LS__MAP) LS_TRY(ls__alloc(&w->name, n, sizeof *w->name, "weights of classes"));
  w->are = kind == LS__MAP ? LS__WEIGHTS_NAMED : LS__WEIGHTS_GIVEN;
  for (; w->n < n; w->n++) {
    ls_config *item = ls__config_at(node, w->n);
    LS_TRY(read_value(item, &w->value[w->n]));
    if (kind != LS__MAP) continue;
    (void)ls__config_child(node, ls__config_key(item)); /* known */
    w->name[w->n] = ls__strdup(ls__config_key(item));
    if (w->name[w->n] == NULL) LS_FAIL(LS_ENOMEM, "weights of classes do not fit into memory");
  }
  float most = 0;
  for (size_t i = 0; i < n; i++) most = w->value[i] > most ? w->value[i] : most;
  if (!(most > 0)) LS_REFUSE(node, "the weights of all classes are 0");
out:
  return st;
}

ls_status ls__class_weights_fit(ls__loss *loss, size_t classes) {
  ls__class_weights *w = &loss->weights;
  w->classes = classes;
  if (w->are != LS__WEIGHTS_GIVEN || w->n == classes) return LS_OK;
  return ls__fail(LS_ECONFIG, "class_weights has %zu numbers, and there are %zu classes", w->n,
                  classes);
}

ls_status ls__loss_of_classes(ls__loss *loss, ls_config *options, bool from_logits) {
  loss->about = LS__ABOUT_CLASSES;
  loss->logits = false; /* the highest is the highest, before and after a softmax */
  loss->absorbs = from_logits ? "softmax" : NULL;
  return ls__class_weights_read(loss, options);
}

ls_status ls__loss_of_yes_no(ls__loss *loss, ls_config *options, bool from_logits) {
  loss->about = LS__ABOUT_YES_NO;
  loss->logits = from_logits;
  loss->absorbs = from_logits ? "sigmoid" : NULL;
  return ls__class_weights_read(loss, options);
}

ls_status ls__loss_fit_yes_no(ls__loss *loss) {
  ls_status st = ls__loss_fit_equal(loss);
  LS_THEN(st, ls__class_weights_fit(loss, 2));
  return st;
}

ls_status ls__class_weights_set(ls__class_weights *w, const float *value, size_t n) {
  ls_status st = LS_OK;
  float *copy = NULL;
  const size_t classes = w->classes;
  LS_ASSERT(n == classes && n > 0);
  LS_TRY(ls__alloc(&copy, n, sizeof *copy, "weights of classes"));
  memcpy(copy, value, n * sizeof *copy);
  ls__class_weights_reset(w);
  *w = (ls__class_weights){.are = LS__WEIGHTS_GIVEN, .n = n, .classes = classes, .value = copy};
out:
  return st;
}

static size_t find(const char *const *names, size_t n, const char *name) {
  size_t i = 0;
  while (i < n && strcmp(names[i], name) != 0) i++;
  return i;
}

ls_status ls__class_weights_order(ls__class_weights *w, const char *const *names, size_t n) {
  ls_status st = LS_OK;
  float *value = NULL;
  LS_ASSERT(w->are == LS__WEIGHTS_NAMED);
  if (n == 0)
    LS_FAIL(LS_ECONFIG,
            "the classes have no names in the data; a list has a number for each of "
            "the %zu classes",
            w->classes);
  if (n != w->classes)
    LS_FAIL(LS_ECONFIG, "the data have names of %zu classes, and the loss compares %zu", n,
            w->classes);
  for (size_t i = 0; i < w->n; i++)
    if (find(names, n, w->name[i]) == n)
      LS_FAIL(LS_ECONFIG, "there is no class \"%.60s\"", w->name[i]);
  LS_TRY(ls__alloc(&value, n, sizeof *value, "weights of classes"));
  for (size_t i = 0; i < n; i++) {
    const size_t k = find((const char *const *)w->name, w->n, names[i]);
    if (k == w->n) LS_FAIL(LS_ECONFIG, "the class \"%.60s\" has no weight", names[i]);
    value[i] = w->value[k];
  }
  LS_TRY(ls__class_weights_set(w, value, n));
out:
  ls__free(value);
  return st;
}

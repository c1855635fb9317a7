/* Settings of tensors by their names (parameters.h). */
#include "model/parameters.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/match.h"

enum { LOW = 1000 }; /* the range of lr_scale: from 1/LOW^2 to LOW^2 */

/* Each pattern is compared with the name of every tensor. */
enum { MOST_COMPARED = 5000000 };

const ls__option ls__parameters_options[] = {
    LS__BY_HAND("match", "pattern or list", NULL,
                "names of tensors, `\"*/bias\"`, `\"conv*\"`, or of what they are in, `block_1`; "
                "`*` "
                "is anything, `?` one character"),
    LS__BY_HAND("lr_scale", "number", "", "the learning rate is multiplied by it"),
    LS__BY_HAND("weight_decay", "number", "", "in place of the optimizer's"),
    LS__BY_HAND("l1", "number", "", "in place of `regularization`'s, biases too"),
    LS__BY_HAND("l2", "number", "", "in place of `regularization`'s, biases too"),
    LS__BY_HAND("trainable", "`true` `false`", "",
                "`false`: as the initialisation or the checkpoint has it; costs nothing"),
    LS__END,
};

static ls_status no_match(const ls_config *node, const ls__graph *graph) {
  enum { SHOWN = 4 };
  char names[SHOWN * (2 * LS__NAME_BYTES + 4) + 16] = "";
  size_t used = 0;
  if (graph->n_tensors == 0) return ls__config_fail(node, "the network has no parameters");
  for (int t = 0; t < graph->n_tensors && t < SHOWN; t++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", t > 0 ? ", " : "",
                             graph->tensor[t].name);
  return ls__config_fail(node, "\"%.60s\" matches none of the %d parameters: %s%s",
                         ls__config_text(node), graph->n_tensors, names,
                         graph->n_tensors > SHOWN ? ", ..." : "");
}

static ls_status check_patterns(const ls_config *node, size_t n, const ls__graph *graph) {
  if (n <= MOST_COMPARED / ((size_t)graph->n_tensors + 1)) return LS_OK;
  return ls__config_fail(node, "%zu patterns for %d parameters are too many; `*` and `?` join them",
                         n, graph->n_tensors);
}

/* One pattern. */
static ls_status match_one(const ls_config *node, const ls__graph *graph, bool *fits) {
  bool any = false;
  if (ls__config_kind_of(node) != LS__SCALAR)
    return ls__config_fail(node, "a pattern of names is wanted, such as \"*/bias\"");
  if (strlen(ls__config_text(node)) >= sizeof graph->tensor->name)
    return ls__config_fail(node, "this pattern is longer than any name");
  for (int t = 0; t < graph->n_tensors; t++)
    if (ls__match(ls__config_text(node), graph->tensor[t].name)) fits[t] = any = true;
  if (any) return LS_OK;
  return no_match(node, graph);
}

ls_status ls__parameters_match(ls_config *node, const ls__graph *graph, bool *fits) {
  ls_status st = LS_OK;
  memset(fits, 0, (size_t)graph->n_tensors * sizeof *fits);
  if (node == NULL) return LS_OK;
  if (ls__config_kind_of(node) != LS__LIST) return match_one(node, graph, fits);
  if (ls__config_count(node) == 0) LS_REFUSE(node, "an empty list of patterns");
  LS_TRY(check_patterns(node, ls__config_count(node), graph));
  for (size_t i = 0; i < ls__config_count(node); i++)
    LS_TRY(match_one(ls__config_at(node, i), graph, fits));
out:
  return st;
}

/* A number of the entry, where it has one, for the tensors that fit. */
static ls_status set_number(ls_config *entry, const char *key, double low, double high, int n,
                            const bool *fits, ls__tensor_settings *settings, size_t offset) {
  double value;
  if (ls__config_child(entry, key) == NULL) return LS_OK;
  ls_status st = ls__config_double(entry, key, LS__REQUIRED_DOUBLE, low, high, &value);
  for (int t = 0; t < n && st == LS_OK; t++)
    if (fits[t]) memcpy((char *)&settings[t] + offset, &value, sizeof value);
  return st;
}

static ls_status read_entry(ls_config *entry, const ls__graph *graph, bool *fits,
                            ls__tensor_settings *settings, ls__role *role) {
  ls_status st = LS_OK;
  const int n = graph->n_tensors;
  const double most = (double)LOW * (double)LOW;
  bool trainable = true;
  if (ls__config_kind_of(entry) != LS__MAP)
    LS_REFUSE(entry, "a map is wanted, such as {match: \"*/bias\", weight_decay: 0}");
  ls_config *match = ls__config_child(entry, "match");
  if (match == NULL) LS_REFUSE(entry, "match: is missing, a pattern of names of parameters");
  LS_TRY(ls__parameters_match(match, graph, fits));
#define NUMBER(key, low, high) \
  LS_TRY(set_number(entry, #key, low, high, n, fits, settings, offsetof(ls__tensor_settings, key)))
  NUMBER(lr_scale, 1 / most, most);
  NUMBER(weight_decay, 0, 1e6);
  NUMBER(l1, 0, 1e300);
  NUMBER(l2, 0, 1e300);
#undef NUMBER
  if (ls__config_child(entry, "trainable") != NULL) {
    LS_TRY(ls__config_bool(entry, "trainable", true, &trainable));
    for (int t = 0; t < n; t++)
      if (fits[t]) role[t] = trainable ? graph->tensor[t].spec->role : LS__FROZEN;
  }
  LS_TRY(ls__config_finish(entry));
out:
  return st;
}

ls_status ls__parameters_read(ls_config *config, ls__graph *graph, ls__tensor_settings *settings) {
  ls_status st = LS_OK;
  bool *fits = NULL;
  ls__role *role = NULL;
  ls_config *list = ls__config_child(config, "parameters");
  ls_config *initialize = ls__config_child(config, "initialize");
  const size_t n = (size_t)graph->n_tensors;
  size_t patterns = 0;
  for (size_t t = 0; t < n; t++)
    settings[t] = (ls__tensor_settings){1, (double)NAN, (double)NAN, (double)NAN};
  if (list == NULL && initialize == NULL) return LS_OK;
  LS_TRY(ls__alloc(&fits, n + 1, sizeof *fits, "parameters"));
  LS_TRY(ls__alloc(&role, n + 1, sizeof *role, "parameters"));
  for (size_t t = 0; t < n; t++) role[t] = graph->tensor[t].role;
  if (list != NULL && ls__config_kind_of(list) != LS__LIST)
    LS_REFUSE(list, "a list is wanted, such as [{match: \"*/bias\", weight_decay: 0}]");
  for (size_t i = 0; i < ls__config_count(list); i++) {
    ls_config *entry = ls__config_at(list, i);
    const ls_config *match = ls__config_kind_of(entry) == LS__MAP ? ls__config_child(entry, "match")
                                                                  : NULL;
    patterns += ls__config_kind_of(match) == LS__LIST ? ls__config_count(match) : 1;
  }
  LS_TRY(check_patterns(list, patterns, graph));
  for (size_t i = 0; i < ls__config_count(list); i++)
    LS_TRY(read_entry(ls__config_at(list, i), graph, fits, settings, role));
  LS_TRY(ls__parameters_match(ls__config_child(initialize, "freeze"), graph, fits));
  for (size_t t = 0; t < n; t++)
    if (fits[t]) role[t] = LS__FROZEN;
  ls__graph_set_roles(graph, role);
out:
  ls__free(fits);
  ls__free(role);
  return st;
}

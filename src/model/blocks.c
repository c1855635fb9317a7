/* Blocks: entries of the list `model:` that hold layers, and blocks, of their own.
 *
 * A block is only a way to write a network down: it becomes the nodes that the same layers with
 * `name:` and `from:` would become, in the same order, and so the same weights.
 *
 *   residual   x -> layers -> add -> activation      the add is the block's layer, and has its name
 *                 \ shortcut /
 *   parallel   x -> branch_1 -> join -> activation   so is the join
 *                 \ branch_2 /
 *   repeat     x -> NAME_1 -> NAME_2 -> ...          its name is that of the last one's output
 *   sequential x -> layers                           so is this one's */
#include <stdio.h>
#include <string.h>

#include "model/build.h"
#include "model/parameters.h"
#include "nn/kinds.h"

/* ---- What all have in common */

/* Each is read from one value: that of `from:`, or the one before. */
static ls_status read_source(const ls__builder *b, ls_config *options, int before, int *source) {
  int in[LS__MAX_INPUTS], n_in = 0;
  ls_status st = ls__from_read(b, options, before, in, &n_in);
  if (st == LS_OK && n_in != 1)
    st = ls__config_fail(ls__config_child(options, "from"),
                         "a block reads 1 value, and is given %d", n_in);
  *source = in[0];
  return st;
}

/* The layers of a list in the scope NAME/. */
static ls_status build_within(ls__builder *b, const char *name, ls_config *list, int before,
                              int *value) {
  ls_status st = LS_OK;
  size_t outside = strlen(b->scope);
  LS_TRY(ls__scope_enter(b, list, name, &outside));
  LS_TRY(ls__build_list(b, list, before, value));
out:
  ls__scope_leave(b, outside);
  return st;
}

/* The same in a part of a block, which has a name but is nothing that can be read. */
static ls_status build_part(ls__builder *b, const char *name, ls_config *list, int before,
                            int *value) {
  size_t named = 0;
  ls_status st = ls__name_add(b, list, NULL, name, &named);
  return st == LS_OK ? build_within(b, name, list, before, value) : st;
}

/* The last part of a full name. */
static const char *short_name(const ls__builder *b, size_t named) {
  return b->named[named].name + b->named[named].scope;
}

/* `recompute:` of a block. */
static ls_status read_again(ls_config *options, bool *again) {
  *again = false;
  if (ls__config_child(options, "recompute") == NULL) return LS_OK;
  return ls__config_bool(options, "recompute", false, again);
}

/* The list at a key, which is required. */
static ls_status read_list(ls_config *options, const char *key, ls_config **list) {
  *list = ls__config_child(options, key);
  if (*list != NULL) return LS_OK;
  return ls__config_fail(options, "%s: is missing, it must be a list of layers", key);
}

/* ---- residual */

static const ls__option residual_table[] = {
    LS__BY_HAND("layers", "list", NULL, "what x goes through: F"),
    LS__BY_HAND("shortcut", "list", "x itself", "what x goes through beside them: S"),
    LS__BY_HAND("activation", "name", "", "an activation function: a layer behind the sum"),
    LS__END,
};

/* What would make a shortcut that gives `in` give `out`. */
static const char *cure(const ls_shape *out, const ls_shape *in, bool has_shortcut, char *text,
                        size_t bytes) {
  const int last = out->ndim - 1;
  char layer[128] = "";
  bool same = out->ndim == in->ndim && last >= 0;
  for (int d = 0; same && d < last; d++) same = out->dim[d] == in->dim[d];
  if (ls__registry_find(&ls__layers, "conv2d") != NULL && out->ndim == 3 && in->ndim == 3) {
    const size_t by = (in->dim[0] + out->dim[0] - 1) / out->dim[0];
    char strides[48] = "";
    if (by > 1) snprintf(strides, sizeof strides, ", strides: %zu", by);
    if ((in->dim[0] + by - 1) / by == out->dim[0] && (in->dim[1] + by - 1) / by == out->dim[1])
      snprintf(layer, sizeof layer, "{conv2d: {filters: %zu, kernel_size: 1%s}}", out->dim[last],
               strides);
  } else if (same) {
    snprintf(layer, sizeof layer, "{dense: {units: %zu}}", out->dim[last]);
  }
  if (layer[0] == '\0')
    snprintf(text, bytes, "both must give one shape");
  else if (has_shortcut)
    snprintf(text, bytes, "the shortcut may end with %s", layer);
  else
    snprintf(text, bytes, "add shortcut: [%s]", layer);
  return text;
}

/* Both ends must have one shape. */
static ls_status check_ends(const ls__builder *b, size_t named, const ls_config *entry,
                            const int ends[2], bool has_shortcut) {
  const ls__graph *graph = b->graph;
  const ls_shape of[2] = {ls__graph_shape(graph, ends[0]), ls__graph_shape(graph, ends[1])};
  char text[2][LS_SHAPE_TEXT], how[256];
  if (ls_shape_equal(&of[0], &of[1])) return LS_OK;
  return ls__config_fail(entry,
                         "residual \"%s\": its layers give %s (\"%s\"), its shortcut %s (\"%s\"); "
                         "%s",
                         b->named[named].name, ls_shape_format(&of[0], text[0]),
                         ls__graph_name(graph, ends[0]), ls_shape_format(&of[1], text[1]),
                         ls__graph_name(graph, ends[1]),
                         cure(&of[0], &of[1], has_shortcut, how, sizeof how));
}

static ls_status build_residual(ls__builder *b, const ls__block_kind *kind, ls_config *entry,
                                ls_config *options, int before, int *value) {
  ls_status st = LS_OK;
  ls_config *layers = NULL, *shortcut = ls__config_child(options, "shortcut");
  size_t named = 0, outside = strlen(b->scope);
  int x = 0, ends[2];
  LS_TRY(ls__name_read(b, options, entry, &kind->kind, &named));
  LS_TRY(read_source(b, options, before, &x));
  LS_TRY(read_list(options, "layers", &layers));
  (void)ls__config_child(options, "activation");
  LS_TRY(ls__config_finish(options));
  LS_TRY(build_within(b, short_name(b, named), layers, x, &ends[0]));
  ends[1] = x;
  LS_TRY(ls__scope_enter(b, entry, short_name(b, named), &outside));
  if (shortcut != NULL) LS_TRY(build_part(b, "shortcut", shortcut, x, &ends[1]));
  ls__scope_leave(b, outside);
  LS_TRY(check_ends(b, named, entry, ends, shortcut != NULL));
  LS_TRY(ls__build_node(b, named, &ls__kind_add, ends, 2, entry, NULL));
  LS_TRY(ls__build_activation(b, named, options));
  *value = b->named[named].value;
out:
  ls__scope_leave(b, outside);
  return st;
}

static const ls__block_kind residual = {
    .kind = {"residual", "y = F(x) + S(x), with S(x) = x unless there is a shortcut",
             residual_table},
    .build = build_residual,
    .nodes = 2,
};

/* ---- parallel */

static const ls__option parallel_table[] = {
    LS__BY_HAND("branches", "list of lists", NULL,
                "2 to 16 lists of layers; `[linear]` is x itself"),
    LS__BY_HAND("join", "name", "concatenate",
                "a layer of several inputs, with its options: `concatenate`, `add`"),
    LS__BY_HAND("activation", "name", "", "an activation function: a layer behind the join"),
    LS__END,
};

/* Any kind of layer that reads several values, with its options. */
static ls_status read_join(ls_config *options, const ls__layer_kind **kind, ls_config **own) {
  enum { MOST = 64 };
  ls_status st = LS_OK;
  const char *name = NULL;
  const ls__kind *join = NULL, *several[MOST + 1];
  size_t n = 0;
  for (size_t i = 0; n < MOST && (join = ls__registry_at(&ls__layers, i)) != NULL; i++)
    if (((const ls__layer_kind *)join)->max_in == LS__MAX_INPUTS)
      several[n++] = join; /* any number */
  several[n] = NULL;
  const ls__registry joins = {"join", several, NULL, NULL};
  if (ls__config_child(options, "join") == NULL)
    LS_TRY(ls__config_string(options, "join", "concatenate", &name));
  LS_TRY(ls__registry_read(&joins, ls__config_child(options, "join"), &join, own));
  *kind = (const ls__layer_kind *)join;
out:
  return st;
}

static ls_status build_parallel(ls__builder *b, const ls__block_kind *kind, ls_config *entry,
                                ls_config *options, int before, int *value) {
  ls_status st = LS_OK;
  ls_config *branches = NULL, *own = NULL;
  const ls__layer_kind *join = NULL;
  size_t named = 0, outside = strlen(b->scope);
  int x = 0, ends[LS__MAX_INPUTS];
  LS_TRY(ls__name_read(b, options, entry, &kind->kind, &named));
  LS_TRY(read_source(b, options, before, &x));
  LS_TRY(read_list(options, "branches", &branches));
  LS_TRY(read_join(options, &join, &own));
  (void)ls__config_child(options, "activation");
  LS_TRY(ls__config_finish(options));
  const size_t n = ls__config_kind_of(branches) == LS__LIST ? ls__config_count(branches) : 0;
  if (n < 2 || n > LS__MAX_INPUTS)
    LS_REFUSE(branches,
              "2 to %d lists of layers are wanted, such as [[{dense: {units: 10}}, relu], "
              "[linear]]",
              LS__MAX_INPUTS);
  LS_TRY(ls__scope_enter(b, entry, short_name(b, named), &outside));
  for (size_t i = 0; i < n; i++) {
    char name[32];
    snprintf(name, sizeof name, "branch_%zu", i + 1);
    LS_TRY(build_part(b, name, ls__config_at(branches, i), x, &ends[i]));
  }
  ls__scope_leave(b, outside);
  LS_TRY(ls__build_node(b, named, join, ends, (int)n, ls__config_child(options, "join"), own));
  LS_TRY(ls__build_activation(b, named, options));
  *value = b->named[named].value;
out:
  ls__scope_leave(b, outside);
  return st;
}

static const ls__block_kind parallel = {
    .kind = {"parallel", "branches side by side, and a layer that joins what they give",
             parallel_table},
    .build = build_parallel,
    .nodes = 2,
};

/* ---- repeat */

typedef struct repeat_options {
  size_t times;
} repeat_options;

static const ls__option repeat_table[] = {
    LS__SIZE(repeat_options, times, NULL, 1, LS__MAX_NODES, "how often"),
    LS__BY_HAND("layers", "list", NULL, "what is repeated, each time with weights of its own"),
    LS__END,
};

/* One time: NAME_k of a repeat called NAME; of those without a name block_1, block_2, ... */
static const ls__kind time_of_named = {"block", NULL, NULL}, time_of_others = {"block", NULL, NULL};

static ls_status build_repeat(ls__builder *b, const ls__block_kind *kind, ls_config *entry,
                              ls_config *options, int before, int *value) {
  ls_status st = LS_OK;
  repeat_options o = {0};
  ls_config *layers = NULL;
  const bool has_name = ls__config_child(options, "name") != NULL;
  bool again = false;
  size_t named = 0, one = 0;
  if (has_name) LS_TRY(ls__name_read(b, options, entry, &kind->kind, &named));
  LS_TRY(read_source(b, options, before, value));
  LS_TRY(ls__options_read(kind->kind.options, options, &o));
  LS_TRY(read_list(options, "layers", &layers));
  LS_TRY(read_again(options, &again));
  LS_TRY(ls__config_finish(options));
  for (size_t k = 1; k <= o.times; k++) {
    char name[LS__NAME_BYTES + 24];
    if (again && k > 1) b->again = ++b->last_again;
    if (has_name) {
      snprintf(name, sizeof name, "%s_%zu", short_name(b, named), k);
      LS_TRY(ls__name_add(b, entry, &time_of_named, name, &one));
    } else {
      LS_TRY(ls__name_make(b, entry, &time_of_others, &one));
      snprintf(name, sizeof name, "%s", short_name(b, one));
    }
    LS_TRY(build_within(b, name, layers, *value, value));
    b->named[one].value = *value;
  }
  if (has_name) b->named[named].value = *value;
out:
  return st;
}

static const ls__block_kind repeat = {
    .kind = {"repeat",
             "the same layers several times, one behind the other, as NAME_1/LAYER, NAME_2/LAYER, "
             "...; block_1/LAYER, ... without a name",
             repeat_table},
    .build = build_repeat,
};

/* ---- sequential */

static const ls__option sequential_table[] = {
    LS__BY_HAND("layers", "list", NULL, "one behind the other, under the block's name"),
    LS__END,
};

static ls_status build_sequential(ls__builder *b, const ls__block_kind *kind, ls_config *entry,
                                  ls_config *options, int before, int *value) {
  ls_status st = LS_OK;
  ls_config *layers = NULL;
  size_t named = 0;
  LS_TRY(ls__name_read(b, options, entry, &kind->kind, &named));
  LS_TRY(read_source(b, options, before, value));
  LS_TRY(read_list(options, "layers", &layers));
  LS_TRY(ls__config_finish(options));
  LS_TRY(build_within(b, short_name(b, named), layers, *value, value));
  b->named[named].value = *value;
out:
  return st;
}

static const ls__block_kind sequential = {
    .kind = {"sequential", "layers under one name", sequential_table},
    .build = build_sequential,
};

/* ---- The kinds */

static const ls__kind *const kinds[] = {&residual.kind, &parallel.kind, &repeat.kind,
                                        &sequential.kind, NULL};

static const ls__option common[] = {
    LS__BY_HAND("name", "text", "",
                "what others call it; KIND_1, KIND_2, ... unless given.  Its layers are "
                "NAME/LAYER"),
    LS__BY_HAND("from", "name", "",
                "the layer or input that it reads; the one before unless given"),
    LS__BY_HAND("recompute", "boolean", "false",
                "what its layers give is not kept for the way back, but computed again there, each "
                "time of a repeat by itself: less memory, the same bits, a third more work"),
    LS__END,
};

const ls__registry ls__blocks = {"block", kinds, NULL, common};

const ls__section ls__model_sections[] = {
    {"block",
     "Blocks of layers: what may stand in `model` besides layers, and within each other.  `from: "
     "NAME` "
     "finds what is in the block first, then what is around it; `from: BLOCK/NAME` finds what is "
     "in "
     "another.",
     NULL, &ls__blocks},
    {"parameters",
     "A list of settings for tensors by their names, LAYER/weight, LAYER/bias and so on: "
     "`[{match: \"*/bias\", weight_decay: 0}]`.  Where several entries match, the last one that "
     "gives a key counts.  `train --dry-run` shows what each tensor gets.",
     ls__parameters_options, NULL},
    {NULL, NULL, NULL, NULL},
};

const ls__block_kind *ls__block_find(const char *name) {
  return (const ls__block_kind *)ls__registry_find(&ls__blocks, name);
}

ls_status ls__build_block(ls__builder *b, const ls__block_kind *kind, ls_config *entry,
                          ls_config *options, int before, int *value) {
  if (b->depth == LS__MAX_BLOCK_DEPTH)
    return ls__config_fail(entry, "this block has %d others around it, and no more are possible",
                           LS__MAX_BLOCK_DEPTH);
  ls_status st = LS_OK;
  const int around = b->again;
  bool again = false;
  b->depth++;
  LS_TRY(read_again(options, &again));
  if (again && around != 0)
    LS_REFUSE(ls__config_child(options, "recompute"), "a block around this one has it, and is "
                                                      "computed again as a whole");
  if (again) b->again = ++b->last_again;
  LS_TRY(kind->build(b, kind, entry, options, before, value));
out:
  b->again = around;
  b->depth--;
  return st;
}

/* Typed access to a configuration.  Each getter marks its key as known; ls__config_finish then
 * refuses what nobody asked for.  Every error is one line
 *
 *   FILE:LINE: KEY.PATH: what is wrong, what would be right
 *
 * A getter that finds nothing adds its default to the tree, so that ls_config_write gives the
 * effective configuration.  All local. */
#ifndef LS_CONFIG_CONFIG_H
#define LS_CONFIG_CONFIG_H

#include <lockstep/config.h>
#include <math.h> /* INFINITY */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum ls__config_kind { LS__NULL, LS__SCALAR, LS__LIST, LS__MAP } ls__config_kind;

ls__config_kind ls__config_kind_of(const ls_config *node);
const char *ls__config_text(const ls_config *node);        /* of a scalar */
const char *ls__config_key(const ls_config *node);         /* its key in a map, or NULL */
size_t ls__config_count(const ls_config *node);            /* of a list or map; 0 for NULL */
ls_config *ls__config_at(const ls_config *node, size_t i); /* child i, in the file's order */

/* The child with this key, marked as known; NULL when the map has none, or a null (`key: ~` takes
 * back what a base has set), or when map is NULL. */
ls_config *ls__config_child(ls_config *map, const char *key);

/* The child with this key, made as an empty map when it is missing or null; an error when it is
 * neither. */
LS_CHECKED ls_status ls__config_map(ls_config *map, const char *key, ls_config **out);

/* A "one of" node: `optimizer: adam`, `optimizer: {adam: {lr: 0.1}}`, `- dense: {units: 3}`:
 * a scalar, or a map with exactly one key and a map (or null) below it.  name is owned by the
 * node; options is a map to read from (made where there was only a scalar). */
LS_CHECKED ls_status ls__config_variant(ls_config *node, const char **name, ls_config **options);

/* Before it, where an option of the variant may stand alone: `{cutout: 8}` becomes
 * {cutout: {KEY: 8}}; anything else stays as it is. */
LS_CHECKED ls_status ls__config_brief(ls_config *node, const char *key);

/* Scalars.  A fallback of LS__REQUIRED_* means that there is no default: a missing key is an error.
 * Ranges are inclusive; a double that is not finite is refused. */
LS_CHECKED ls_status ls__config_int(ls_config *map, const char *key, int64_t fallback, int64_t low,
                                    int64_t high, int64_t *out);
LS_CHECKED ls_status ls__config_size(ls_config *map, const char *key, size_t fallback, size_t low,
                                     size_t high, size_t *out);
LS_CHECKED ls_status ls__config_double(ls_config *map, const char *key, double fallback, double low,
                                       double high, double *out);
LS_CHECKED ls_status ls__config_bool(ls_config *map, const char *key, bool fallback, bool *out);
/* fallback NULL: required.  *out is owned by the tree. */
LS_CHECKED ls_status ls__config_string(ls_config *map, const char *key, const char *fallback,
                                       const char **out);
/* The same; an empty text, which is no path, is refused. */
LS_CHECKED ls_status ls__config_file(ls_config *map, const char *key, const char *fallback,
                                     const char **out);
/* One of `names` (NULL-terminated); *out is its index.  fallback NULL: required. */
LS_CHECKED ls_status ls__config_choice(ls_config *map, const char *key, const char *fallback,
                                       const char *const *names, int *out);
#define LS__REQUIRED_INT INT64_MIN
#define LS__REQUIRED_SIZE SIZE_MAX
#define LS__REQUIRED_DOUBLE ((double)INFINITY)

/* Make a node a list of these numbers, in its place in the tree. */
LS_CHECKED ls_status ls__config_set_numbers(ls_config *node, const float *x, size_t n);

/* Give a key another value, whoever set it: what a run has decided for itself. */
LS_CHECKED ls_status ls__config_put(ls_config *map, const char *key, const char *text);

/* A text of the top level, with settings in its braces: "runs/{name}-{optimizer.adam.lr}", where
 * `name` is the file's and `overrides` are those of the command line.  Of a value what can't stand
 * in a folder's name becomes "_".  LS_ECONFIG at the text. */
LS_CHECKED ls_status ls__config_expand(const ls_config *root, const char *key, char *text,
                                       size_t bytes);

/* Refuse keys of this map that no getter asked for: "unknown key; did you mean ...?  Known: ...".
 * Not recursive: each room finishes its own maps. */
LS_CHECKED ls_status ls__config_finish(const ls_config *map);

/* An LS_ECONFIG at this node: "FILE:LINE: PATH: " and the text. */
ls_status ls__config_fail(const ls_config *node, const char *format, ...) LS_PRINTF(2, 3);

/* The same, and to `out:` (base/error.h). */
#define LS_REFUSE(node, ...)                 \
  do {                                       \
    st = ls__config_fail(node, __VA_ARGS__); \
    goto out;                                \
  } while (0)

/* A deep copy of the node as a root of its own (keeps file and lines), all marks cleared. */
LS_CHECKED ls_status ls__config_copy(const ls_config *node, ls_config **out);

/* Where two trees differ: `see` gets one path after another with both values on one line, cut where
 * they are long; NULL: not given.  Numbers are compared as such, `NAME` is `{NAME: {}}`, and a null
 * is nothing.  Of two kinds, such as {adam: ...} and {sgd: ...}, the values are their names.  Any
 * status but LS_OK ends it. */
enum { LS__CONFIG_PATH = 256, LS__CONFIG_VALUE = 120 };
typedef ls_status (*ls__config_differ_fn)(void *context, const char *path, const char *a,
                                          const char *b);
LS_CHECKED ls_status ls__config_differ(const ls_config *a, const ls_config *b,
                                       ls__config_differ_fn see, void *context);

#ifdef __clang_analyzer__ /* see base/error.h */
#define ls__config_fail(...) (ls__config_fail(__VA_ARGS__), LS_ECONFIG)
#endif

#endif

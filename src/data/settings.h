/* The `data:` section of a configuration. */
#ifndef LS_DATA_SETTINGS_H
#define LS_DATA_SETTINGS_H

#include "augment/augment.h"
#include "data/data.h"

typedef enum ls__normal_rule {
  LS__NORMAL_NONE,
  LS__NORMAL_STANDARD,
  LS__NORMAL_MINMAX
} ls__normal_rule;

enum { LS__MEMORY_AUTO, LS__MEMORY_NODE, LS__MEMORY_STREAM };

/* Values that nobody measured: refused, their rows left out, the feature's mean, or taken as they
 * are. */
enum { LS__MISSING_ERROR, LS__MISSING_DROP, LS__MISSING_MEAN, LS__MISSING_KEEP };

/* Shares drawn by seed where the file has no such groups. */
typedef struct ls__draw {
  double validation, test;
  uint64_t seed;
} ls__draw;

/* Which elements of a sample share a mean. */
typedef enum ls__normal_per { LS__PER_FEATURE, LS__PER_DATASET, LS__PER_CHANNEL } ls__normal_per;

typedef struct ls__normalize {
  int per;      /* ls__normal_per */
  bool if_real; /* `true`: targets as the loss says, or where a value is no whole number */
} ls__normalize;

typedef struct ls__data_settings {
  const char *file; /* owned by the config; not used once the data are open */
  ls__draw split;
  ls__normalize normalize;
  int memory;
  int missing;
  bool shuffle;
  double shuffle_window; /* MB */
  size_t limit;          /* training samples; 0: all */
} ls__data_settings;

/* What the config says of one array. */
typedef struct ls__wanted_array {
  char name[LS_NAME_BYTES];
  ls_use use;
  int of;               /* as in ls__array */
  int same;             /* the array that this one is a copy of (`targets: inputs`), or -1 */
  bool channels_first;  /* in the file */
  ls__normal_rule rule; /* of an input or target */
  bool own_rule;        /* said for it by name */
  const char **dataset; /* [n] owned list of borrowed names */
  size_t n;
} ls__wanted_array;

typedef struct ls__wanted {
  ls__wanted_array array[LS__MAX_ARRAYS]; /* in the order of ls__data_arrays */
  size_t n;
  bool channels_first;  /* said of all at once */
  ls__augment *augment; /* owned; NULL: none */
  bool named; /* inputs have names; else they are x, and targets y, in groups or in the root */
} ls__wanted;

/* On failure nothing is owned. */
LS_CHECKED ls_status ls__data_settings_read(ls_config *config, ls__data_purpose purpose,
                                            ls__data_settings *settings, ls__wanted *wanted);
void ls__wanted_reset(ls__wanted *wanted);

/* The input or target that a config's item calls by name; refused when there is none. */
LS_CHECKED ls_status ls__wanted_named(const ls__wanted *wanted, const ls_config *item,
                                      const char *name, size_t *array);

/* layout.c: `layout:`. */
LS_CHECKED ls_status ls__layout_read(ls_config *config, ls__wanted *wanted);

#endif

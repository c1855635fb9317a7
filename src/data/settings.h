/* The `data:` section of a configuration. */
#ifndef LS_DATA_SETTINGS_H
#define LS_DATA_SETTINGS_H

#include "augment/augment.h"
#include "data/data.h"
#include "data/files.h"
#include "data/select.h"

typedef enum ls__normal_rule {
  LS__NORMAL_NONE,
  LS__NORMAL_STANDARD,
  LS__NORMAL_MINMAX
} ls__normal_rule;

enum { LS__MEMORY_AUTO, LS__MEMORY_NODE, LS__MEMORY_STREAM };

/* What is done with an empty sequence: refused, its sample left out, or taken as it is. */
enum { LS__EMPTY_ERROR, LS__EMPTY_DROP, LS__EMPTY_KEEP };

/* Values that nobody measured: refused, their rows left out, the feature's mean, or taken as they
 * are. */
enum { LS__MISSING_ERROR, LS__MISSING_DROP, LS__MISSING_MEAN, LS__MISSING_KEEP };

/* What goes to one part as a whole. */
typedef enum ls__split_by {
  LS__BY_SAMPLE,
  LS__BY_TRAJECTORY, /* samples that differ in the last of the axes alone */
  LS__BY_FILE,
  LS__BY_TIME, /* nothing is drawn: the beginning of each trajectory trains, its end tests */
  LS__BY_AXIS,
  LS__BY_DATASET
} ls__split_by;

/* Shares drawn by seed where the file has no such groups. */
typedef struct ls__draw {
  double validation, test;
  uint64_t seed;
  const char *by; /* as it is said, owned by the config; not used once the data are open */
  ls__split_by how;
  int axis; /* LS__BY_AXIS: of what is selected of the first input; -1: its first of samples */
} ls__draw;

/* `data.time`: a sample is `window` neighbours of the time axis, its target the `steps` entries
 * from `horizon` after the window's last on; `stride` entries from one sample to the next. */
typedef struct ls__time {
  int axis;           /* of what is selected; negative: from the end */
  bool axis_said;     /* else it is the only one, or a table of `convert csv --time` knows it */
  const char *series; /* a dataset; NULL: a file is one series, or a trajectory is */
  size_t window, horizon, steps, stride; /* window 0: there is no such axis */
  int as;                                /* ls__window_as */
  bool each; /* a target for each entry of the window, `horizon` after it: steps is the window */
} ls__time;
typedef enum ls__window_as { LS__WINDOW_FIRST, LS__WINDOW_CHANNELS } ls__window_as;

/* Which elements of a sample share a mean. */
typedef enum ls__normal_per { LS__PER_FEATURE, LS__PER_DATASET, LS__PER_CHANNEL } ls__normal_per;

typedef struct ls__normalize {
  int per;      /* ls__normal_per */
  bool if_real; /* `true`: targets as the loss says, or where a value is no whole number */
} ls__normalize;

typedef struct ls__data_settings {
  const ls_config *file;        /* as are the names of groups: not used once the data are open */
  const char *group[LS__PARTS]; /* NULL: there is no such part */
  bool groups;                  /* they are said */
  ls__draw split;
  ls__normalize normalize;
  int memory;
  int missing;
  bool shuffle;
  bool by_length;        /* batches of samples of like length */
  double shuffle_window; /* MB */
  size_t limit;          /* training samples; 0: all */
} ls__data_settings;

/* Sequences of different lengths, one behind the other: sample i is rows offsets[i] to
 * offsets[i + 1] - 1, or the next counts[i] rows. */
typedef struct ls__wanted_ragged {
  const char *offsets, *counts; /* the dataset that says it; both NULL: it is not ragged */
  char *found;                  /* owned: `offsets`, where an attribute names it */
  size_t most;                  /* entries of a sample as it is delivered; 0: the longest */
  bool most_said;               /* by the config */
  bool truncate;                /* longer ones are cut */
  double padding;
  int empty;
  bool said; /* anything of it but the offsets */
} ls__wanted_ragged;

/* A dataset as the config names it. */
enum { LS__MOST_AXES = 8 };
typedef struct ls__wanted_set {
  const char *dataset; /* borrowed, as is the field of a compound; NULL: it has none */
  const char *field;
  ls__select select;
  int n_axes, axis[LS__MOST_AXES]; /* that count samples, of what is selected */
  bool said;                       /* axes were said for it */
  bool timed;                      /* it has the time axis: */
  bool time_said;
  int time;
  ls__wanted_ragged ragged;
  const char *lengths_of; /* it is the lengths of this input: */
  int of;                 /* of this array; -1: it is a dataset */
} ls__wanted_set;

static inline bool ls__is_ragged(const ls__wanted_set *set) {
  return set->ragged.offsets != NULL || set->ragged.counts != NULL;
}

/* What the config says of one array. */
typedef struct ls__wanted_array {
  char name[LS_NAME_BYTES];
  ls_use use;
  int of;               /* as in ls__array */
  int same;             /* the array that this one is a copy of (`targets: inputs`), or -1 */
  bool implied;         /* lengths that follow from offsets: nobody has asked for them */
  bool channels_first;  /* in the file */
  ls__normal_rule rule; /* of an input or target */
  bool own_rule;        /* said for it by name */
  ls__wanted_set *set;  /* [n] owned */
  size_t n, room;
} ls__wanted_array;

typedef struct ls__wanted {
  ls__wanted_array array[LS__MAX_ARRAYS]; /* in the order of ls__data_arrays */
  size_t n;
  bool channels_first;  /* said of all at once */
  ls__augment *augment; /* owned; NULL: none */
  bool named; /* inputs have names; else they are x, and targets y, in groups or in the root */
  ls__time time;
  bool ahead;             /* a target has the time axis: windows end where their targets do */
  ls__wanted_array later; /* what isn't read: targets */
} ls__wanted;

/* On failure nothing is owned. */
LS_CHECKED ls_status ls__data_settings_read(ls_config *config, ls__data_purpose purpose,
                                            ls__data_settings *settings, ls__wanted *wanted);
void ls__wanted_reset(ls__wanted *wanted);

/* The input or target that a config's item calls by name; refused when there is none. */
LS_CHECKED ls_status ls__wanted_named(const ls__wanted *wanted, const ls_config *item,
                                      const char *name, size_t *array);

/* datasets.c: a dataset by its name or as a map, or a list of them; and the axes that count the
 * samples of those that don't say it. */
LS_CHECKED ls_status ls__datasets_read(ls_config *config, ls_config *node, const ls__time *time,
                                       ls__wanted_array *array);
LS_CHECKED ls_status ls__datasets_add(ls_config *config, const char *name, const ls__time *time,
                                      ls__wanted_array *array);
extern const ls__option ls__datasets_options[];
void ls__datasets_reset(ls__wanted_array *array);
/* Whether a map is one dataset, not several by names. */
bool ls__datasets_is_one(const ls_config *node);
/* Whether its dataset, of this shape, has the time axis. */
bool ls__datasets_has_time(const ls__wanted_set *set, const ls_shape *shape);

/* ragged_wanted.c: `lengths_of:` of inputs to the arrays that they name, and `longest:`, of this
 * `data:` section. */
LS_CHECKED ls_status ls__ragged_read(ls_config *config, ls__wanted *wanted);

/* layout.c: `layout:`. */
LS_CHECKED ls_status ls__layout_read(ls_config *config, ls__wanted *wanted);

#endif

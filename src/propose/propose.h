/* A first configuration for a dataset: find what may be learnt from what, look at the values,
 * choose a network and how it is trained, write that down.  For the sources of this room alone. */
#ifndef LS_PROPOSE_PROPOSE_H
#define LS_PROPOSE_PROPOSE_H

#include <lockstep/propose.h>
#include <lockstep/shape.h>

#include "data/files.h"
#include "data/inside.h"
#include "h5/h5.h"

/* ---- What is there (find.c, look.c) ---- */

/* What one sample of an array is. */
typedef enum ls__looks {
  LS__LOOKS_NUMBERS, /* an input or target of numbers, one behind the other */
  LS__LOOKS_GRID,    /* numbers on a grid: an image, a field */
  LS__LOOKS_IDS,     /* an input: one whole number that says which of several things it is */
  LS__LOOKS_CLASS,   /* a target: one whole number that says which class */
  LS__LOOKS_ONE_HOT, /* a target: a one among zeros says which class */
  LS__LOOKS_YES_NO,  /* a target: zeros and ones */
  LS__LOOKS_MASK     /* a target: the class of each point of a grid */
} ls__looks;

/* One array that is read. */
typedef struct ls__seen {
  char *name;               /* in the file, "/train/x" */
  const char *said;         /* in the configuration, "x" or "/a": the end of `name`, or all of it */
  char port[LS_NAME_BYTES]; /* its name where there are several */
  ls_use use;
  ls__h5_info info;
  ls_shape row;         /* one sample */
  size_t rows, count;   /* of all files: times of all series, where there is time */
  int axis, time;       /* dimensions: that counts samples, that is time; -1: none is */
  size_t series, times; /* of the first file; times 1: without time */
  char **classes;       /* [n_classes] names of classes or categories, NULL: none */
  size_t n_classes;

  /* Of the rows that were looked at */
  size_t looked;
  uint64_t values, missing, infinite;
  double low, high, sum, squares, products; /* products: of neighbours, less `first` as is sum */
  double first;                             /* the first value that is one */
  uint64_t pairs;
  bool whole;         /* whole numbers alone */
  size_t hollow;      /* the first element of a sample without a value in any row; count: none is */
  size_t distinct;    /* of one number a row, up to LS__SEEN_DISTINCT */
  size_t least, most; /* rows of the rarest and of the most frequent label that is there */
  bool one_hot;       /* each row is a one among zeros */

  char **columns; /* [n_columns] names of its elements, NULL: nobody says */
  size_t n_columns;
  /* An element that is a larger whole number in each row than in the one before; count: none. */
  size_t grows;

  ls__looks looks;
  /* Of a grid */
  int space;                 /* 1 to 3 dimensions that are places */
  size_t place[3], channels; /* channels 1 and not `has_channels`: the file has no such dimension */
  bool has_channels, channels_first;
} ls__seen;
enum { LS__SEEN_DISTINCT = 4096 };

enum { LS__PROPOSE_ARRAYS = 2 * LS_MAX_PORTS };

/* What of a row is missing. */
enum { LS__GONE_INPUT = 1, LS__GONE_OTHER = 2 };

typedef struct ls__proposal {
  const ls_propose_options *options;
  ls__h5 *file;
  bool ours;                         /* convert made it */
  bool has[LS__PARTS];               /* groups train, validation, test are used */
  ls__seen seen[LS__PROPOSE_ARRAYS]; /* inputs first */
  size_t n, n_inputs;
  bool reproduce;      /* the inputs are the targets */
  bool later;          /* the input is the target, a step of time later */
  bool matlab;         /* its dimensions are in reverse order */
  bool timed, no_time; /* `time` is one; none was asked for */
  int axis, time;      /* as they are said */
  bool found_time;     /* by its name */
  bool mixed_axes;     /* arrays have different ones */
  size_t rows;         /* of the training part, before rows are drawn from it */
  size_t series;       /* trajectories, of all files; without time: rows */
  bool weight;         /* a dataset beside the arrays, as convert makes it */
  size_t groups;       /* of the dataset `group`, as convert makes it; 0: there is none */
  ls__files *files;    /* `file` is the first */
  unsigned char *gone; /* [rows] LS__GONE_...; NULL: not all rows were looked at */
  int missing;         /* what `data.missing` says: LS__MISSING_... */
  bool fields;         /* from grids to one target on the same grid */
  FILE *remarks;
} ls__proposal;

/* What the options and the file say of dimensions (view.c). */
LS_CHECKED ls_status ls__propose_axes(ls__proposal *p);
/* The dimension of a dataset that is called time; -1: none is. */
LS_CHECKED ls_status ls__propose_time_of(ls__proposal *p, const char *name, int ndim, int *time);
/* Of all arrays what a row is, and how many there are, in all files. */
LS_CHECKED ls_status ls__propose_shape(ls__proposal *p);
/* Rows of an array that has this shape in this file. */
LS_CHECKED ls_status ls__propose_read(ls__h5 *file, const ls__seen *s, const ls_shape *shape,
                                      size_t first, size_t rows, double *x, unsigned char *gone);
/* Which arrays are read, and what for. */
LS_CHECKED ls_status ls__propose_find(ls__proposal *p);
/* Their values; what a target and an input is. */
LS_CHECKED ls_status ls__propose_look(ls__proposal *p);
LS_CHECKED ls_status ls__propose_tell(ls__proposal *p);

/* text.c: where it is tokens of a text, all of the configuration, and *is_text. */
LS_CHECKED ls_status ls__propose_text(ls__proposal *p, FILE *out, bool *is_text);

/* ---- What is done with it (plan.c, network.c, write.c) ---- */

typedef struct ls__hyperparameters {
  double validation, test; /* shares that are drawn; 0: none */
  const char *by;          /* what is drawn as a whole, as data.split says it; NULL: rows */
  uint64_t split_seed;
  size_t training; /* rows that remain, about */
  size_t width, depth;
  double dropout, lr, weight_decay, smoothing;
  bool joined;                    /* the inputs are one list of numbers, in the order named */
  bool images;                    /* a network of convolutions, down to a few numbers */
  bool halves;                    /* the fields are halved twice on the way */
  size_t batch, epochs, patience; /* patience 0: no early stopping */
  size_t parameters;              /* about */
} ls__hyperparameters;

void ls__propose_plan(const ls__proposal *p, ls__hyperparameters *h);
/* The sections from `model` to `metrics`. */
void ls__propose_network(const ls__proposal *p, const ls__hyperparameters *h, FILE *out);
void ls__propose_write(const ls__proposal *p, const ls__hyperparameters *h, FILE *out);

/* All of it, for the times of series that convert made (series.c); *is false: they are none. */
LS_CHECKED ls_status ls__propose_series(ls__proposal *p, FILE *out, ls_proposed *proposed,
                                        bool *is);
/* The same for sound that convert made features of (sound.c). */
LS_CHECKED ls_status ls__propose_sound(ls__proposal *p, FILE *out, ls_proposed *proposed, bool *is);

/* Whether a target is compared by its class, and with how many outputs. */
size_t ls__seen_outputs(const ls__seen *target);
bool ls__seen_is_class(const ls__seen *target);
/* Whether two grids have the same points, whatever their channels. */
bool ls__seen_same_places(const ls__seen *a, const ls__seen *b);
/* A line to a person, and where `out` is not NULL the same as a comment. */
void ls__propose_say(const ls__proposal *p, FILE *out, const char *format, ...) LS_PRINTF(3, 4);
/* `file:` of the section `data`. */
void ls__propose_put_file(const ls__proposal *p, FILE *out);
/* A name as YAML text, quoted where it must be. */
void ls__propose_put_name(FILE *out, const char *name);

#endif

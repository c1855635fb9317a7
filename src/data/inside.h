/* The opened dataset, as the files of this room see it.
 *
 *   settings  what the config says (settings.c)
 *   source    the datasets of one group of the file, row by row (source.c)
 *   same      what all ranks must see alike (same.c)
 *   missing   rows that are left out (missing.c)
 *   part      training, validation or test: some rows of a source, numbered from 0 (split.c)
 *   order     position of an epoch -> sample of the training part (order.c)
 *   kept      how each array's samples are stored, and become a batch (kept.h)
 *   memory    all parts, once a node (memory.c); or
 *   stream    the samples that this rank takes next, read by a thread (stream.c)
 *   take      batches, from either (take.c) */
#ifndef LS_DATA_INSIDE_H
#define LS_DATA_INSIDE_H

#include "comm/comm.h"
#include "data/order.h"
#include "data/source.h"

typedef struct ls__part {
  const ls__source *source; /* NULL: there is no such part */
  size_t n;
  const uint64_t *row; /* [n] rows of the samples, ascending; NULL: sample i is row i */
  size_t base;         /* in memory: where sample 0 is */
} ls__part;

typedef struct ls__stream ls__stream; /* stream.h */

/* What will be taken next: which samples are at positions [lo, hi); of the cache lines of some of
 * them, how many the memory has been asked for, and where the next one is. */
enum { LS__AHEAD = 256 };
typedef struct ls__ahead {
  size_t lo, hi;
  uint64_t sample[LS__AHEAD];
  size_t lines, asked;
  size_t next, array, byte;
} ls__ahead;

/* What is drawn together (groups.c). */
typedef struct ls__groups {
  size_t n;      /* 0: each row is drawn for itself */
  size_t *start; /* [pieces] the number of a piece's first one */
  size_t *of;    /* [what the dataset has] the group; NULL: that itself */
  uint64_t *key; /* [n] of a group by its value: what it is drawn by; NULL: its number */
  uint8_t *part; /* [n] */
  int axis;      /* of the source's, which counts them */
} ls__groups;

struct ls_data {
  ls_comm *comm;
  ls__data_settings settings;
  ls__data_purpose purpose;
  bool loaded;
  ls__files *files; /* NULL: the caller's arrays */
  ls__source source[LS__PARTS];
  int n_sources;
  ls__part part[LS__PARTS];
  ls__groups groups;
  ls__notes notes;
  uint8_t *bad[LS__PARTS]; /* of each source: a bit for each row that is left out; NULL: none is */
  size_t n_bad[LS__PARTS];
  uint64_t *good[LS__PARTS]; /* the rows that are not, where they are taken all; or NULL */
  size_t trained_rows;       /* as for ls__data_open_for */
  size_t n_arrays;
  ls__array array[LS__MAX_ARRAYS];
  ls__kept kept[LS__MAX_ARRAYS];

  char *recipe; /* of the table that the file was made of; NULL: of none */

  ls__window *rows;   /* a drawn split's row numbers, shared on the node */
  ls__window *memory; /* all samples; NULL: streamed */
  ls__window *packed; /* in memory: sequences of different lengths; NULL: there are none */
  size_t memory_bytes;

  ls__order order;
  ls__ahead ahead;
  ls__epoch epoch;
  ls__stream *stream;
  ls__reader reader;    /* of ls__data_rows, where samples are streamed */
  size_t raw_rows;      /* that are read at once */
  ls__augment *augment; /* NULL: samples are taken as they are */
  float *spare;         /* [the largest image] */
};

/* arrays.c: decide how each array is stored, from its type in the file and as delivered, and with
 * it as which type its columns are read. */
void ls__arrays_settle(ls_data *data);
/* Which array counts the real entries of which. */
void ls__arrays_lengths(ls_data *data);
/* Names, shapes and classes of the arrays, from the sources, which must agree. */
LS_CHECKED ls_status ls__arrays_describe(ls_data *data, const ls__wanted *wanted);
/* layout.c: which datasets have their channels first.  After them the arrays are described. */
LS_CHECKED ls_status ls__layout_apply(ls_data *data, ls__wanted *wanted);
/* names.c: what the elements of inputs and targets are called. */
LS_CHECKED ls_status ls__names_read(ls_data *data);
/* recipe.c: how the table was read that the file was made of. */
LS_CHECKED ls_status ls__recipe_find(ls_data *data);
/* Bytes of one stored sample, elements of one sample's inputs. */
size_t ls__arrays_bytes(const ls_data *data);
size_t ls__arrays_inputs(const ls_data *data);
void ls__arrays_reset(ls_data *data);

/* labels.c: the classes of a target of texts, and the class of each row.  Local. */
LS_CHECKED ls_status ls__labels_read(ls_data *data, size_t array);

/* same.c: LS_EDATA, on all ranks, where a rank's data are not rank 0's; finds out where floats are
 * too small.  Collective. */
LS_CHECKED ls_status ls__same_check(ls_data *data);

/* missing.c: with `missing: drop`, which rows have a missing value (collective); whether one has,
 * how many have; good[], the others (local). */
LS_CHECKED ls_status ls__missing_find(ls_data *data);
/* With `empty: drop`, rows with an empty sequence are left out, too (local). */
LS_CHECKED ls_status ls__empty_drop(ls_data *data);
bool ls__row_is_missing(const ls_data *data, const ls__source *source, size_t row);
size_t ls__rows_missing(const ls_data *data, const ls__source *source);
LS_CHECKED ls_status ls__missing_list(ls_data *data);
void ls__missing_reset(ls_data *data);

/* groups.c: which rows go together where the parts are drawn: read (local), what of them ranks must
 * have alike, the group of a row of the training's source, and, of `by: time`, its part. */
LS_CHECKED ls_status ls__groups_read(ls_data *data);
uint64_t ls__groups_hash(const ls_data *data);
size_t ls__group_of(const ls_data *data, const ls__source *source, uint64_t row);
uint8_t ls__part_by_time(const ls_data *data, const ls__source *source, uint64_t row);
/* Draw their parts; LS_ECONFIG: they are too few. */
LS_CHECKED ls_status ls__groups_draw(ls_data *data);
void ls__groups_reset(ls_data *data);
/* split.c: the part of rows [first, first + n), each drawn for itself. */
void ls__draw_rows(const ls__draw *draw, uint64_t first, size_t n, uint8_t *part);
/* The part (ls_split) of rows [first, first + n) of what the parts are drawn from, by `time`
 * or of a window without target LS__PARTS: none. */
void ls__draw_parts(const ls_data *data, uint64_t first, size_t n, uint8_t *part);
/* The sizes of the drawn parts; then, where samples are streamed, which rows they have, once a node
 * (collective). */
LS_CHECKED ls_status ls__split_draw(ls_data *data);
LS_CHECKED ls_status ls__split_list(ls_data *data);
/* Whether a file of so many rows may be the one that training drew its parts from. */
bool ls__split_is_drawn_from(const ls_data *data, size_t rows);

/* augment.c: which arrays are transformed, once they are described; what that wants of how they are
 * kept; and n samples of these numbers, in the batch from its sample `done` on. */
LS_CHECKED ls_status ls__augment_choose(ls_data *data, ls__augment *augment,
                                        const ls_config *config);
LS_CHECKED ls_status ls__augment_settle(ls_data *data);
void ls__augment_take(const ls_data *data, const uint64_t *sample, size_t n, size_t done,
                      void *const *to);

/* mixup.c: the samples that those at positions [lo, hi) are mixed with; and the mixture of n samples of
 * these numbers, in the batch from its sample `done` on. */
void ls__mix_partners(const ls_data *data, size_t lo, size_t hi, uint64_t *sample);
void ls__mix(const ls_data *data, const uint64_t *sample, size_t n, size_t done, void *const *to,
             const ls__mixed *mixed);

/* memory.c: bytes that this node can still give; load all parts.  Collective. */
size_t ls__memory_available(void);
LS_CHECKED ls_status ls__memory_load(ls_data *data);
/* Room for so many samples in kept[].memory.  Collective. */
LS_CHECKED ls_status ls__memory_create(ls_data *data, ls_comm *comm, size_t samples);
/* Bytes that so many samples of all parts take there. */
double ls__memory_bytes(const ls_data *data, double samples);
void ls__memory_destroy(ls_data *data);

/* targets.c: what is kept of the samples changes now: they are loaded anew. */
void ls__data_read_anew(ls_data *data);
/* Labels of the file to the network's, and to the values of their classes; the first
 * that has none, or n. */
size_t ls__labels_take(const ls__kept *kept, float *x, size_t n);
size_t ls__numbers_take(const ls__kept *kept, float *x, size_t n); /* what a class is called */
size_t ls__values_take(const ls__kept *kept, float *x, size_t n);

/* normal.c: statistics of the training part, as the rules of kept[] say.  Collective. */
LS_CHECKED ls_status ls__normal_measure(ls_data *data);
/* How many means an array has; elements whose places differ by a multiple of that share one. */
size_t ls__normal_means(const ls_data *data, size_t array);
/* Make mean and rstd of all arrays from the normalisation and the scale of bytes. */
LS_CHECKED ls_status ls__normal_apply(ls_data *data);

#endif

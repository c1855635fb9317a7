/* What training takes from a dataset: batches of named arrays, in an order set by (seed, epoch). */
#ifndef LS_DATA_DATA_H
#define LS_DATA_DATA_H

#include <lockstep/data.h>
#include <stdint.h>

#include "config/registry.h"
#include "tensor/affine.h"

/* Training, validation and test, as ls_split counts them. */
enum { LS__PARTS = 3 };

/* `data`, `data.split`, `data.normalize`, for help and reference; path NULL: the end. */
extern const ls__section ls__data_sections[];

/* ---- Arrays ---- */

/* Inputs, targets, the lengths of both, and one weight. */
enum { LS__MAX_ARRAYS = 4 * LS_MAX_PORTS + 1 };

/* One named array: a row a sample. */
typedef struct ls__array {
  ls_port port; /* name, type as delivered (a length is LS_INDEX), shape of one sample */
  ls_use use;
  int of;       /* LS_LENGTH: the array whose first dimension it counts; else -1 */
  bool implied; /* LS_LENGTH: they follow from offsets, and need not be used */
  size_t count; /* elements a sample */
  bool integer; /* the file holds whole numbers */
  char *
      *classes; /* [n_classes] names of a target's classes, or an input's categories; NULL: none */
  size_t n_classes;
  char **columns; /* [n_columns] names of its elements, where all are known; NULL: not */
  size_t n_columns;
} ls__array;

/* How many, and which: inputs first, then targets, weight, lengths, each in the config's order.
 * Targets, weights and lengths of targets are missing from data opened to predict. */
size_t ls__data_arrays(const ls_data *data, const ls__array **arrays);
/* The first array of this use; where there is none, the number of arrays. */
size_t ls__data_first(const ls_data *data, ls_use use);

/* ---- Opening ---- */

/* What a dataset is opened for. */
typedef enum ls__data_purpose {
  LS__DATA_TRAIN,    /* a training part with targets; statistics for `normalize` are computed */
  LS__DATA_EVALUATE, /* any part, with targets; the statistics come from ls__data_set_normal */
  LS__DATA_PREDICT   /* any part, targets not read */
} ls__data_purpose;

/* The first half of ls_data_open, for a purpose (that one's is LS__DATA_TRAIN): arrays, parts,
 * classes and order are known, and all ranks have seen the same.  `rows`, of the other purposes:
 * what ls__data_train_rows was where the network was trained, 0: any number.  From a file with
 * another number of rows no part is drawn; without groups it then has no parts, only LS_ALL.
 * Collective. */
LS_CHECKED ls_status ls__data_open_for(ls_comm *comm, ls_config *config, ls__data_purpose purpose,
                                       size_t rows, ls_data **data);
/* What is read, for messages: a path, or "runs/a.h5 and 11 more"; NULL: the data come from
 * elsewhere. And the files one by one. */
const char *ls__data_path(const ls_data *data);
size_t ls__data_files(const ls_data *data);
const char *ls__data_file(const ls_data *data, size_t i);
/* Deliver this input as int32_t.  LS_EDATA where the file holds no whole numbers, or where they
 * have a scale; values that are no int32_t are found when they are read.  Local, the same on all
 * ranks; ls__data_load comes after it, also on data that were loaded before. */
LS_CHECKED ls_status ls__data_set_index(ls_data *data, size_t array);
/* What a loss makes of a target, told before ls__data_load (also of data that were loaded before):
 * with `normalize: true` numbers are normalised, whole ones too, and classes never; of any other
 * loss those that aren't all whole numbers.  Local, the same on all ranks. */
typedef enum ls__target_is { LS__TARGET_ANY, LS__TARGET_NUMBERS, LS__TARGET_CLASSES } ls__target_is;
void ls__data_set_target(ls_data *data, size_t array, ls__target_is is);
/* Whether the configuration itself says `targets: standard`, of all or of some; and of this one, by
 * its name. */
bool ls__data_normalizes_targets(const ls_data *data);
bool ls__data_normalizes_target(const ls_data *data, size_t array);
/* Deliver values[label] for the labels of a target, which must be in 0..n-1; n 0: the labels again.
 * Of data from a file; local, the same on all ranks; ls__data_load comes after it. */
LS_CHECKED ls_status ls__data_set_values(ls_data *data, size_t array, const double *values,
                                         size_t n);
/* Deliver the elements of an input or target in the order of these names, as the network knows
 * them; a file that names none is taken by position.  LS_EDATA where it has other names.  And count
 * classes as they are counted here: LS_EDATA names one that isn't among them.  Local; ls__data_load
 * comes after both, as after ls__data_set_index. */
LS_CHECKED ls_status ls__data_set_columns(ls_data *data, size_t array, const char *const *names,
                                          size_t n);
LS_CHECKED ls_status ls__data_set_classes(ls_data *data, size_t array, const char *const *names,
                                          size_t n);
/* Of an input that is delivered as indices: count its categories as these names do, which the network
 * was trained on.  A row with another one is LS_EDATA when it is read; a file that names none is
 * taken by its numbers.  Local; ls__data_load comes after it. */
LS_CHECKED ls_status ls__data_set_categories(ls_data *data, size_t array, const char *const *names,
                                             size_t n);
/* The second half, needed before any sample is taken: read into memory, or get ready to stream;
 * measure normalisation.  Does nothing the second time.  Collective. */
LS_CHECKED ls_status ls__data_load(ls_data *data);

/* A hash of rows, shapes and a sample of the values, as they are delivered: the same on every rank
 * and for any number of them.  0: unknown, as of the caller's own arrays.  Local. */
LS_CHECKED ls_status ls__data_fingerprint(const ls_data *data, uint64_t *fingerprint);
/* A hash of what decides which samples are drawn for which part: of some inputs' values, in their
 * order, and of groups.  The same for whoever reads these data, without targets too.  0: no part is
 * drawn.  Local. */
LS_CHECKED ls_status ls__data_drawn_hash(const ls_data *data, uint64_t *hash);
/* Rows that the training part is taken or drawn from; 0: it is not from a file. */
size_t ls__data_train_rows(const ls_data *data);
/* How the table was read that the file was made of, as convert/recipe.h has it; NULL: of none. */
const char *ls__data_recipe(const ls_data *data);
/* LS_AUTO becomes the part that it means here; LS_EDATA where there is no such part.  Local. */
LS_CHECKED ls_status ls__data_part(const ls_data *data, ls_split *split);
const char *ls__split_name(ls_split split); /* "train", "validation", "test", "all" */

/* ---- Normalisation ---- */

/* Of an input or target; n 0: none. */
const ls__affine *ls__data_normal(const ls_data *data, size_t array);
/* Set the statistics (a checkpoint's, at resume, evaluation and prediction); copies.  NULL: none.
 * When they are set before ls__data_load, it measures none.  Local. */
LS_CHECKED ls_status ls__data_set_normal(ls_data *data, size_t array, const ls__affine *normal);

/* ---- Samples ---- */

/* Start an epoch of the training part.  Collective.  Position p of the epoch is a sample that
 * depends on (seed, epoch, p) alone: never on ranks, nor on whether data are streamed.  Chunks of
 * samples are put in random order, then samples are mixed within windows of chunks; a dataset no
 * larger than a window is simply permuted.  This rank will ask for positions inside its lanes of
 * batches of `batch` samples, in ascending order, cut from position `start` on: what a prefetch
 * thread needs to know.  shuffle: as the config's `shuffle` says. */
typedef struct ls__epoch {
  uint64_t seed, epoch;
  size_t start; /* first position still to come (mid-epoch resume) */
  size_t batch, lanes;
  size_t lane_lo, lane_hi; /* this rank's */
} ls__epoch;
LS_CHECKED ls_status ls__data_epoch(ls_data *data, const ls__epoch *epoch);

/* Samples at positions [lo, hi) of the current epoch, normalised.  to[i], one for each array: room
 * for [hi - lo, shape] float or int32_t, by the port's type; NULL: not wanted.  Local. */
LS_CHECKED ls_status ls__data_take(ls_data *data, size_t lo, size_t hi, void *const *to);

/* Whether training samples are mixed with others (`augment: [{mixup: 0.2}]`).  Then samples are taken
 * with their partners: to[i] gets mixed inputs, and targets as they are; partner[i], as large, the
 * partner's; share[k] and rest[k] the parts of sample k's own loss and of that with the partner's
 * targets. */
typedef struct ls__mixed {
  void *partner[LS__MAX_ARRAYS];
  float *share, *rest; /* [hi - lo] */
} ls__mixed;
bool ls__data_mixes(const ls_data *data);
LS_CHECKED ls_status ls__data_take_mixed(ls_data *data, size_t lo, size_t hi, void *const *to,
                                         const ls__mixed *mixed);

/* Samples at positions [lo, hi) will be taken next: ask the memory for them while something else is
 * computed, up to the share done / of.  Of many bytes, which would push others out of the cache,
 * only the first; of a stream none.  No result depends on it.  Local. */
void ls__data_expect(ls_data *data, size_t lo, size_t hi);
void ls__data_prefetch(ls_data *data, size_t done, size_t of);

/* Samples [lo, hi) of a part, in the file's order; `to` as above.  LS_ALL: of data opened for
 * another purpose than training.  Rows that `missing: drop` leaves out are not counted.  Local. */
LS_CHECKED ls_status ls__data_rows(ls_data *data, ls_split split, size_t lo, size_t hi,
                                   void *const *to);

/* LS_EDATA: "FILE: DATASET: row 17, column 3 (counted from 0): WHY" of an element of a sample of a
 * part.  Local. */
ls_status ls__data_blame(const ls_data *data, ls_split split, size_t sample, size_t array,
                         size_t element, const char *why);

/* Where samples come from, if that is more than a row of one file: the names of k numbers, k being
 * returned (0: it isn't), and the numbers of samples [lo, hi) of a part, [hi - lo, k].  "part" (as
 * ls_split counts) and "file" from 0 on, "row", "axis_0" and the like (an index of that dimension
 * of the first input's dataset), "time" (that of the target's first entry).  Of data that are
 * streamed; local. */
enum { LS__INDEX_NAME = 16, LS__INDEX_MOST = 12 };
size_t ls__data_index(const ls_data *data, ls_split split, char name[][LS__INDEX_NAME]);
void ls__data_index_rows(const ls_data *data, ls_split split, size_t lo, size_t hi, int64_t *to);

/* What the configuration makes of its files: arrays, what of which dataset they are, parts.
 * Local. */
void ls__data_describe(const ls_data *data, FILE *out);

/* Which sample of the training part is at position p of the current epoch. */
size_t ls__data_order(const ls_data *data, size_t p);

bool ls__data_streamed(const ls_data *data);
size_t ls__data_node_bytes(const ls_data *data); /* shared memory, or prefetch buffers */

#endif

/* What the sources of this room share: where samples come from, where they are kept, and the
 * order in which they are taken.
 *
 *   source   datasets x and y of one group of the file, row by row (source.c)
 *   part     training, validation or test: some rows of a source, numbered from 0
 *   order    position of an epoch -> sample of the training part (order.c)
 *   memory   all parts, once a node (memory.c); or
 *   stream   the samples that this rank takes next, read by a thread (stream.c)
 *
 * Samples are kept as the file has them: x as bytes where it is of type uint8, else as floats, y
 * as floats.  They become network input on their way into a batch (take.c). */
#ifndef LS_DATA_INSIDE_H
#define LS_DATA_INSIDE_H

#include <stdatomic.h>

#include "comm/comm.h"
#include "data/data.h"
#include "data/order.h"
#include "h5/h5.h"

/* ---- Sources ---- */

/* One dataset, a row a sample. */
typedef struct ls__column {
  char *name;
  ls_shape row;    /* shape of a row */
  size_t count;    /* its elements */
  size_t offset;   /* where they begin in the sample's x or y */
  ls__dtype type;  /* what they are read as: LS__U8 or LS__F32 */
  bool integer;    /* in the file */
  bool bytes;      /* in the file: uint8 */
  float scale;     /* values are divided by it: at once where they are read as floats */
} ls__column;

typedef struct ls__source {
  ls__h5 *file; /* borrowed */
  size_t rows;
  int nx, ny;
  ls__column *column; /* [nx + ny] owned: x first */
} ls__source;

/* How one sample lies in memory; the same for all parts. */
typedef struct ls__layout {
  size_t x_count, y_count; /* elements; y 0: no targets */
  bool x_u8;
  bool y_is_x; /* an autoencoder: y is x, and y_count is 0 */
  size_t x_bytes, y_bytes;
} ls__layout;

/* Open the datasets: x_name [nx], y_name [ny].  Checks that they are numbers, of the same length,
 * not empty.  On failure nothing is owned. */
LS_CHECKED ls_status ls__source_open(ls__h5 *file, const char *const *x_name, int nx,
                                     const char *const *y_name, int ny, ls__source *source);
void ls__source_reset(ls__source *source);
/* Shape of one sample of columns [lo, hi): a dataset's own, or the flat sum of several. */
ls_shape ls__source_shape(const ls__source *source, int lo, int hi, bool target);

/* Reads rows, with memory of its own; one a thread. */
typedef struct ls__reader {
  ls__layout layout;
  const atomic_bool *stop; /* ends a reading early with LS_ESTOPPED; may be NULL */
  size_t raw_bytes;
  void *raw;
} ls__reader;
LS_CHECKED ls_status ls__reader_init(ls__reader *reader, const ls__layout *layout,
                                     const ls__source *source, int n_sources);
void ls__reader_reset(ls__reader *reader);

/* Rows row[0..n), ascending: row k becomes sample slot[k] of x and y (y NULL where there is none;
 * slot NULL: k).  Neighbouring rows are read together, small gaps along with them.  LS_EDATA
 * names the first value that is not finite. */
LS_CHECKED ls_status ls__reader_gather(ls__reader *reader, const ls__source *source,
                                       const uint64_t *row, const size_t *slot, size_t n, void *x,
                                       float *y);

/* ---- Parts ---- */

typedef struct ls__part {
  const ls__source *source; /* NULL: there is no such part */
  size_t n;
  const uint64_t *row; /* [n] rows of the samples, ascending; NULL: sample i is row i */
  size_t base;         /* in memory: where sample 0 is */
} ls__part;

/* Shares drawn by seed where the file has no such groups. */
typedef struct ls__draw {
  double validation, test;
  uint64_t seed;
} ls__draw;

/* The part (ls_split) of rows [first, first + n). */
void ls__draw_parts(const ls__draw *draw, uint64_t first, size_t n, uint8_t *part);

/* ---- The dataset ---- */

typedef enum ls__rule { LS__RULE_NONE, LS__RULE_STANDARD, LS__RULE_MINMAX } ls__rule;

typedef struct ls__settings {
  ls__rule x, y;
  bool y_if_real;    /* targets only where they are not whole numbers */
  bool whole;        /* one mean for all elements: `per: dataset` */
  bool shuffle;
  double window_bytes;
  size_t limit;      /* training samples; 0: all */
  ls__draw draw;
  int memory;        /* auto, node, stream */
} ls__settings;

typedef struct ls__stream ls__stream;

struct ls_data {
  ls_comm *comm;
  ls__settings settings;
  ls__h5 *file;
  ls__source source[LS__PARTS];
  int n_sources;
  ls__part part[LS__PARTS];
  size_t trained_rows; /* as for ls__data_open_for */
  ls__layout layout;
  ls_shape x_shape, y_shape;
  bool y_integer;
  char **classes;
  size_t n_classes;

  ls__window *rows;   /* a drawn split's row numbers, shared on the node */
  ls__window *memory; /* all samples; NULL: streamed */
  size_t memory_bytes;
  const unsigned char *x; /* in memory: [samples, x_bytes] */
  const float *y;

  ls__order order;
  ls__epoch epoch;
  ls__stream *stream;
  ls__reader reader; /* of ls__data_rows, where samples are streamed */
  void *raw;         /* [raw_rows, x_bytes]: bytes on their way to floats */
  size_t raw_rows;

  ls__affine normal_x, normal_y;
  float *mean, *rstd; /* [x_count] what x goes through: normalisation and scale; NULL: nothing */
};

/* One stored x to network input, one stored y to targets; may be in place. */
void ls__load_x(const ls_data *data, const void *from, float *x);
void ls__load_y(const ls_data *data, const float *from, float *y);

/* split.c: the sizes of the drawn parts; then, where samples are streamed, which rows they have,
 * once a node (collective). */
LS_CHECKED ls_status ls__split_draw(ls_data *data, ls__data_purpose purpose);
LS_CHECKED ls_status ls__split_list(ls_data *data);
/* Whether a file of so many rows may be the one that the training's parts are of. */
bool ls__split_is_drawn_from(const ls_data *data, size_t rows);

/* memory.c: bytes that this node can still give; load all parts.  Collective. */
size_t ls__memory_available(void);
LS_CHECKED ls_status ls__memory_load(ls_data *data);

/* normal.c: statistics of the training part, as the settings say.  Collective. */
LS_CHECKED ls_status ls__normal_measure(ls_data *data);
/* Make mean and rstd from the normalisation, and the scale of bytes. */
LS_CHECKED ls_status ls__normal_apply(ls_data *data);

/* stream.c */
LS_CHECKED ls_status ls__stream_create(const ls_data *data, ls__stream **stream);
void ls__stream_destroy(ls__stream *stream);
/* End the thread; then, with a new epoch and order, start it for data->epoch. */
void ls__stream_stop(ls__stream *stream);
LS_CHECKED ls_status ls__stream_start(ls__stream *stream);
LS_CHECKED ls_status ls__stream_take(ls__stream *stream, size_t lo, size_t hi, float *x, float *y);
double ls__stream_waited(ls__stream *stream, bool reset);
size_t ls__stream_bytes(const ls__stream *stream);

#endif

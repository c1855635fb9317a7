/* HDF5 files: the only room that includes hdf5.h.  HDF5 may be built without thread safety, so
 * every function takes one process-wide lock.  All local: each rank opens files by itself, with
 * the library's ordinary file driver, parallel build or not.  HDF5's own error printing is off;
 * messages here say file, object and why. */
#ifndef LS_H5_H5_H
#define LS_H5_H5_H

#include <lockstep/shape.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/seal.h"

typedef struct ls__h5 ls__h5; /* an open file */

typedef enum ls__dtype { LS__U8, LS__I32, LS__I64, LS__F32, LS__F64 } ls__dtype;
size_t ls__dtype_size(ls__dtype type);

/* Open an existing file for reading.  LS_EIO: it isn't there or can't be read; LS_EDATA: it is no
 * HDF5 file, or is truncated.  Where it begins with a seal (base/seal.h), that is checked before
 * HDF5 sees the file. */
LS_CHECKED ls_status ls__h5_open(const char *path, ls__h5 **out);
/* The same of a file that should have a seal: one that has lost it is LS_EDATA, and of one that
 * never had one the whole is hashed, so that ls__h5_seal tells which file it is.  Neither is read
 * as a whole again where it is the one that gave `known`, unchanged; NULL: none. */
LS_CHECKED ls_status ls__h5_open_sealed(const char *path, const ls__seal *known, ls__h5 **out);
/* What was seen of it before: where it is sealed, it fits. */
const ls__seal *ls__h5_seal(const ls__h5 *file);

/* Make a new file under a temporary name beside `path`, or beside what that names where it is a
 * link; ls__h5_commit flushes it to disk and renames it, ls__h5_close without a commit removes it.
 * Nothing is visible at `path` before. */
LS_CHECKED ls_status ls__h5_create(const char *path, ls__h5 **out);
LS_CHECKED ls_status ls__h5_create_sealed(const char *path, ls__h5 **out); /* it gets a seal */
LS_CHECKED ls_status ls__h5_commit(ls__h5 *file); /* closes and frees in every case */
void ls__h5_close(ls__h5 *file);                  /* NULL is nothing */
const char *ls__h5_path(const ls__h5 *file);

/* Should HDF5 crash while it reads this file, the crash guard leaves a file `mark` with this text.
 * The strings must live until the next call; NULL: no file any more. */
void ls__h5_crash_mark(const char *file, const char *mark, const char *text);

/* "a MATLAB 7.3 file (HDF5)", "a netCDF-4 file (HDF5)"; NULL: it doesn't say so. */
LS_CHECKED ls_status ls__h5_origin(ls__h5 *file, const char **origin);
/* Of a file that is no HDF5 file: what it is, and what makes an HDF5 file of it; or NULL. */
const char *ls__h5_cure(const char *path);

/* What a dataset is.  `shape` is the whole one, first dimension included. */
typedef struct ls__h5_info {
  ls_shape shape;
  ls__dtype type; /* the smallest of ours that holds its values; F64 for 64-bit floats */
  bool numeric;   /* false: strings, compounds; then the other fields mean nothing */
  bool integer;
  bool text;          /* strings */
  char filter[64];    /* "lzf (filter 32000)": one that is needed and not there; empty: none */
  char type_name[32]; /* as for a person: "uint8", "int64", "float32", "string" */
  size_t chunk_rows;  /* 0: contiguous */
  size_t block_rows;  /* rows of a checksum; 0: it has none */
  uint64_t stored_bytes;
} ls__h5_info;

/* Whether there is a dataset or group of this name.  Three answers: LS_OK and *there; or it can't
 * be known, which is not "no".  LS_EDATA: the file is damaged where it would be, or there is a link
 * that leads nowhere; LS_EIO: the system refuses to read. */
LS_CHECKED ls_status ls__h5_exists(ls__h5 *file, const char *name, bool *there);
/* Here and where rows are read "TABLE//FIELD" is a column of a table of them (a compound). */
LS_CHECKED ls_status ls__h5_info_get(ls__h5 *file, const char *name, ls__h5_info *info);

/* Call `see` for every group and dataset, parents first, names like "/train/x". */
typedef ls_status (*ls__h5_visit_fn)(void *context, const char *name, bool is_group);
LS_CHECKED ls_status ls__h5_visit(ls__h5 *file, ls__h5_visit_fn see, void *context);
/* For every link into another file, by name: the file as the link calls it, and the object there.
 * It must not call this room. */
typedef ls_status (*ls__h5_link_fn)(void *context, const char *name, const char *file,
                                    const char *object);
LS_CHECKED ls_status ls__h5_links(ls__h5 *file, ls__h5_link_fn see, void *context);

/* Rows [first, first + rows) along the first dimension, converted to `type`, row-major.  An
 * integer that doesn't fit is LS_EDATA, not clipped. */
LS_CHECKED ls_status ls__h5_read_rows(ls__h5 *file, const char *name, size_t first, size_t rows,
                                      ls__dtype type, void *out);
/* The whole dataset (also of ndim 0). */
LS_CHECKED ls_status ls__h5_read(ls__h5 *file, const char *name, ls__dtype type, void *out);

/* A box of a dataset: of each of its dimensions count[i] (at least one) elements, step[i] apart,
 * from start[i] on. */
typedef struct ls__h5_box {
  size_t start[LS_MAX_DIMS], step[LS_MAX_DIMS], count[LS_MAX_DIMS];
} ls__h5_box;
size_t ls__h5_box_count(const ls__h5_box *box, int ndim); /* elements */
/* Its elements, row-major; as ls__h5_read_rows. */
LS_CHECKED ls_status ls__h5_read_box(ls__h5 *file, const char *name, const ls__h5_box *box,
                                     ls__dtype type, void *out);

/* What its dimensions are called ("time"), by netCDF's scales or by labels; "": nobody says. */
enum { LS__H5_DIMENSION = 64 };
LS_CHECKED ls_status ls__h5_dimensions(ls__h5 *file, const char *name, int ndim,
                                       char (*names)[LS__H5_DIMENSION]);

/* What the values of a dataset stand for. */
enum { LS__H5_MISSING = 6 };
typedef struct ls__h5_meaning {
  double missing[LS__H5_MISSING]; /* values that mean "missing", as they lie in the file */
  const char *missing_from[LS__H5_MISSING]; /* the attribute that says so */
  size_t n_missing;
  const char *odd; /* one of these attributes, which is no such number; NULL: none is */
  bool packed;     /* the number is value * factor + offset (CF: scale_factor, add_offset) */
  double factor, offset;
  bool gaps;     /* some values were never written, or their file is not there: */
  char why[300]; /* "3 of 10 chunks have no storage, ..." */
  bool matlab;   /* MATLAB wrote it: its dimensions are in reverse order */
} ls__h5_meaning;
LS_CHECKED ls_status ls__h5_meaning_get(ls__h5 *file, const char *name, ls__h5_meaning *meaning);
/* Which elements of rows [first, first + rows) nobody wrote: gone[i] is 1, else 0. */
LS_CHECKED ls_status ls__h5_gone(ls__h5 *file, const char *name, size_t first, size_t rows,
                                 unsigned char *gone);
LS_CHECKED ls_status ls__h5_gone_box(ls__h5 *file, const char *name, const ls__h5_box *box,
                                     unsigned char *gone);
/* Rows of a dataset of strings, one a row; each owned by the caller (ls__free). */
LS_CHECKED ls_status ls__h5_read_texts(ls__h5 *file, const char *name, size_t first, size_t rows,
                                       char **text);

/* Make a dataset of `rows` rows (at least 1) of shape `row`.  chunk_rows 0: contiguous, without
 * compression.  gzip 0 to 9, with the shuffle filter.  Missing groups on the way are made.  One
 * that is chunked gets checksums: its rows are written in order, as the type that it is made with.
 * They are compared whenever rows are read: LS_EDATA names those that don't fit. */
LS_CHECKED ls_status ls__h5_dataset(ls__h5 *file, const char *name, ls__dtype type, size_t rows,
                                    const ls_shape *row, size_t chunk_rows, int gzip);
LS_CHECKED ls_status ls__h5_write_rows(ls__h5 *file, const char *name, size_t first, size_t rows,
                                       ls__dtype type, const void *data);
/* A whole array at once, contiguous: shape is the full one. */
LS_CHECKED ls_status ls__h5_write(ls__h5 *file, const char *name, ls__dtype type,
                                  const ls_shape *shape, const void *data);

/* Attributes of an object ("/" for the file): numbers (arrays of n) and strings (lists of n).
 * Getters: LS_EDATA when it is missing or of another kind; one that may be missing is asked for
 * first.  Three answers, as of ls__h5_exists: what fails is not missing. */
LS_CHECKED ls_status ls__h5_has_attribute(ls__h5 *file, const char *object, const char *name,
                                          bool *there);
/* What another program may have written, as it likes: what it is, and how many of them. */
typedef enum ls__h5_kind {
  LS__H5_NONE,
  LS__H5_INTEGER, /* one, that ls__h5_get_integer reads */
  LS__H5_NUMBERS, /* that ls__h5_get_doubles reads */
  LS__H5_TEXTS,
  LS__H5_OTHER
} ls__h5_kind;
LS_CHECKED ls_status ls__h5_attribute_kind(ls__h5 *file, const char *object, const char *name,
                                           ls__h5_kind *kind, size_t *n);
LS_CHECKED ls_status ls__h5_set_doubles(ls__h5 *file, const char *object, const char *name,
                                        const double *x, size_t n);
LS_CHECKED ls_status ls__h5_set_integer(ls__h5 *file, const char *object, const char *name,
                                        int64_t x);
LS_CHECKED ls_status ls__h5_set_string(ls__h5 *file, const char *object, const char *name,
                                       const char *text);
LS_CHECKED ls_status ls__h5_set_strings(ls__h5 *file, const char *object, const char *name,
                                        const char *const *text, size_t n);
/* *x / *text are allocated with ls__calloc, owned by the caller (ls__free, each string too). */
LS_CHECKED ls_status ls__h5_get_doubles(ls__h5 *file, const char *object, const char *name,
                                        double **x, size_t *n);
LS_CHECKED ls_status ls__h5_get_integer(ls__h5 *file, const char *object, const char *name,
                                        int64_t *x);
LS_CHECKED ls_status ls__h5_get_string(ls__h5 *file, const char *object, const char *name,
                                       char **text);
LS_CHECKED ls_status ls__h5_get_strings(ls__h5 *file, const char *object, const char *name,
                                        char ***text, size_t *n);
/* Names of all attributes of an object, in alphabetical order; owned by the caller as above. */
LS_CHECKED ls_status ls__h5_attribute_names(ls__h5 *file, const char *object, char ***text,
                                            size_t *n);

/* Whether this is the attribute that holds a dataset's checksums. */
bool ls__h5_sums_attribute(const char *name);

/* "1.10.8 parallel", for summaries and doctor. */
const char *ls__h5_library(void);

#endif

/* What formats of arrays share: inputs in one file and targets in another, row for row, and maybe
 * a second such pair that becomes the test part.
 *
 * Inputs keep their type: bytes stay bytes (and get the attribute `scale`, so that a pixel is 0 to
 * 1 in training), 32- and 64-bit floats stay what they are, 16-bit ones become 32-bit, other whole
 * numbers int32. Whole numbers, one a row, as targets are class labels; all other targets become
 * 32-bit floats.
 *
 * A format has to read a header, no more: see idx.c and npy.c. */
#ifndef LS_CONVERT_ARRAYS_H
#define LS_CONVERT_ARRAYS_H

#include <lockstep/shape.h>

#include "convert/format.h"
#include "convert/input.h"

/* The type of an element in the file. */
typedef enum ls__element_kind {
  LS__ELEMENT_UNSIGNED, /* 1, 2 or 4 bytes */
  LS__ELEMENT_SIGNED,   /* 1, 2, 4 or 8 bytes */
  LS__ELEMENT_REAL,     /* 2, 4 or 8 bytes, IEEE 754 */
  LS__ELEMENT_TRUTH     /* 1 byte: 0 is false, anything else is true */
} ls__element_kind;

typedef struct ls__element {
  ls__element_kind kind;
  size_t size; /* bytes */
  bool big_endian;
  char name[8]; /* as the format calls it, for messages */
} ls__element;

/* An array being read.  The format's header function finds path and input, and fills the rest of
 * the first group. */
typedef struct ls__array_file {
  const char *path;
  ls__input *input;
  ls__element element;
  ls_shape shape; /* all of it, rows first; at least one dimension */

  size_t rows;
  ls_shape row;
  size_t row_count, row_bytes; /* elements and bytes of a row */
} ls__array_file;

/* Read the header, and leave the input at the first element. */
typedef ls_status (*ls__array_header)(ls__array_file *array);

/* For header functions: exactly so many bytes of it. */
LS_CHECKED ls_status ls__array_read_header(ls__array_file *array, void *to, size_t size);

/* Options of every such format, for its kind, and the struct that they fill.  A format with options
 * of its own has this struct as its own's first member, and LS__ARRAYS_ROWS in its own table. */
typedef struct ls__arrays_options {
  int label;    /* auto, class, number */
  double scale; /* bytes are divided by it */
} ls__arrays_options;
extern const char *const ls__arrays_labels[];
extern const ls__option ls__arrays_table[];
#define LS__ARRAYS_ROWS                                                               \
  LS__CHOICE(ls__arrays_options, label, "auto", ls__arrays_labels,                    \
             "how to read the targets; auto: whole numbers, one a row, are classes"), \
      LS__NUMBER(ls__arrays_options, scale, "255", 1e-6, 1e6,                         \
                 "what inputs of unsigned bytes are divided by in training; 1: nothing")

/* What the format's `run` does where each source holds one array. */
LS_CHECKED ls_status ls__arrays_convert(const ls__format *format, ls__array_header header,
                                        const ls_convert_options *options,
                                        const ls__arrays_options *own, ls__progress *progress);

/* Where an array is: a file, or a member of an archive. */
struct ls__zip;
typedef struct ls__array_place {
  const char *path;          /* of the file; of a member, as messages call it */
  const struct ls__zip *zip; /* NULL: the file itself */
  size_t member;             /* of zip */
} ls__array_place;
/* The same with n places: inputs, targets, and maybe those of the test part. */
LS_CHECKED ls_status ls__arrays_convert_from(const ls__array_place *place, int n,
                                             ls__array_header header,
                                             const ls_convert_options *options,
                                             const ls__arrays_options *own, ls__progress *progress);

/* npy.c: the header of NumPy's arrays, which .npz files hold, too. */
LS_CHECKED ls_status ls__npy_header(ls__array_file *array);

#endif

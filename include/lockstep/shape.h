/** @file
 * Shapes: the dimensions of one sample, the batch dimension left out. */
#ifndef LOCKSTEP_SHAPE_H
#define LOCKSTEP_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** HDF5's own limit on dimensions, so that every dataset has a shape here. */
#define LS_MAX_DIMS 32

/** Dimensions of an array, slowest first (row-major); ndim 0 is a scalar with one element. */
typedef struct ls_shape {
  int ndim;
  size_t dim[LS_MAX_DIMS];
} ls_shape;

/** Elements in an array of this shape.  Local. */
LS_PUBLIC size_t ls_shape_count(const ls_shape *shape);

/** Whether two shapes have the same dimensions.  Local. */
LS_PUBLIC bool ls_shape_equal(const ls_shape *a, const ls_shape *b);

/** Bytes that ls_shape_format never exceeds. */
#define LS_SHAPE_TEXT 256

/** Write a shape as "[28, 28]", cut at LS_SHAPE_TEXT bytes.  Local.
 * @return its argument, for use inside a call of printf */
LS_PUBLIC char *ls_shape_format(const ls_shape *shape, char text[LS_SHAPE_TEXT]);

/** What the elements of a port are: float, or int32_t that number something (words, categories). */
typedef enum ls_type { LS_REAL, LS_INDEX } ls_type;

/** Bytes of a name, the closing zero included. */
#define LS_NAME_BYTES 64

/** The largest number of inputs of a network, and of outputs. */
#define LS_MAX_PORTS 8

/** A named input or output: what one sample of it is.  Elements have 4 bytes of either type. */
typedef struct ls_port {
  char name[LS_NAME_BYTES];
  ls_type type;
  ls_shape shape;
} ls_port;

#ifdef __cplusplus
}
#endif

#endif

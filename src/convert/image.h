/* An image file: PNG and JPEG where their libraries were there when lockstep was built, PGM and PPM
 * always.  Whatever it holds becomes 8 bits a colour, red, green, blue. */
#ifndef LS_CONVERT_IMAGE_H
#define LS_CONVERT_IMAGE_H

#include <stddef.h>

#include "base/error.h"

/* A larger side is refused, and more pixels than 2^26. */
enum { LS__IMAGE_SIDE = 32768, LS__IMAGE_PIXELS = 1 << 26 };

typedef struct ls__raster {
  size_t height, width;
  unsigned char *pixel; /* [height, width, 3] owned */
} ls__raster;

/* Whether the name ends as those of image files do. */
bool ls__image_is_named(const char *name);
/* Read a file, whose first bytes say what it is.  LS_EDATA says what is wrong with it. */
LS_CHECKED ls_status ls__image_read(const char *path, ls__raster *image);
void ls__image_reset(ls__raster *image);

/* To height x width and 3 channels, or 1 (grey: 0.299 red + 0.587 green + 0.114 blue).  Each side
 * is resized by a triangle filter, whose half width is one pixel of the larger of the two grids:
 * bilinear interpolation where an image grows, a weighted mean over the pixels below where it
 * shrinks.  The sides keep no proportion. */
LS_CHECKED ls_status ls__image_resize(const ls__raster *image, size_t height, size_t width,
                                      size_t channels, unsigned char *to);

/* For the readers: room for an image of this size; LS_EDATA refuses one that is too large. */
LS_CHECKED ls_status ls__image_create(const char *path, size_t height, size_t width,
                                      ls__raster *image);
LS_CHECKED ls_status ls__image_read_png(FILE *file, const char *path, ls__raster *image);
LS_CHECKED ls_status ls__image_read_jpeg(FILE *file, const char *path, ls__raster *image);
LS_CHECKED ls_status ls__image_read_pnm(FILE *file, const char *path, ls__raster *image);

#endif

/* Images of one size with a label each, as bytes: what formats of images write. */
#ifndef LS_CONVERT_LABELLED_H
#define LS_CONVERT_LABELLED_H

#include <lockstep/convert.h>

#include "convert/parts.h"
#include "convert/progress.h"
#include "convert/share.h"

typedef struct ls__labelled {
  const ls_convert_options *options;
  ls__h5 *file;
  ls__parts parts;
  size_t rows[LS__PARTS];
  ls_shape row; /* [height, width, channels] */
} ls__labelled;

/* Begin options->output, of so many rows of each part.  `out` is zeroed before, and reset after it
 * in every case. */
LS_CHECKED ls_status ls__labelled_begin(ls__labelled *out, const ls_convert_options *options,
                                        const size_t rows[LS__PARTS], size_t height, size_t width,
                                        size_t channels);
/* Room for the next image of a part; then its label. */
unsigned char *ls__labelled_image(ls__labelled *out, ls_split split);
LS_CHECKED ls_status ls__labelled_push(ls__labelled *out, ls_split split, int32_t label);
/* All are there: names of the n classes (NULL: numbers), and the file appears. */
LS_CHECKED ls_status ls__labelled_end(ls__labelled *out, const char *const *names, size_t n,
                                      ls__progress *progress);
void ls__labelled_reset(ls__labelled *out);

#endif

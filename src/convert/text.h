/* A text read as the one that a network was trained on: `predict --data new.txt`. */
#ifndef LS_CONVERT_TEXT_H
#define LS_CONVERT_TEXT_H

#include "base/error.h"

/* Make an HDF5 file whose test part is the tokens of a text, by this vocabulary (JSON), which comes from
 * `origin`.  Local.  LS_EDATA names the character that isn't in it, LS_EIO. */
LS_CHECKED ls_status ls__text_read(const char *path, const char *vocabulary, const char *origin,
                                   const char *output);

#endif

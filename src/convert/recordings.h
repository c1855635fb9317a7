/* The recordings that a dataset of sounds is made of: their files, labels, groups and parts, found
 * in folders or in a table (audio.c says how). */
#ifndef LS_CONVERT_RECORDINGS_H
#define LS_CONVERT_RECORDINGS_H

#include <lockstep/convert.h>

#include "convert/audio_file.h"
#include "convert/folder.h"
#include "convert/name_pattern.h"

/* How they are looked for; texts may be NULL. */
typedef struct ls__recordings_how {
  const char *labels;        /* a table */
  const char *label_pattern; /* of names */
  bool unlabelled;           /* there are no labels */
  const char *group;         /* a field of the pattern, or a column of the table */
  const char *validation_pattern, *test_pattern;
} ls__recordings_how;

/* Several files are heard one after another. */
typedef struct ls__recording {
  char *name;      /* what messages call it */
  size_t first, n; /* its files: path [first, first + n) */
  char *label, *group;
  bool told; /* its part was said, not drawn */
  ls_split split;
} ls__recording;

typedef struct ls__recordings {
  ls__names path;
  ls__recording *item; /* [n] owned, in the order of names; of a table, in its order */
  size_t n, capacity;
  size_t others; /* files that are no recordings */
} ls__recordings;

/* Zeroed before, reset after it in every case.  LS_EUSAGE, LS_EDATA, LS_EIO. */
LS_CHECKED ls_status ls__recordings_find(ls__recordings *r, const ls_convert_options *options,
                                         const ls__recordings_how *how);
void ls__recordings_reset(ls__recordings *r);

#endif

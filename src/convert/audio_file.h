/* A recording: a WAV or FLAC file, through libsndfile where that was there when lockstep was built. */
#ifndef LS_CONVERT_AUDIO_FILE_H
#define LS_CONVERT_AUDIO_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* More samples in a file are refused: 47 minutes at 48 kHz. */
enum { LS__AUDIO_SAMPLES = 1 << 27 };

typedef struct ls__audio_info {
  size_t samples; /* of a channel, at least one */
  size_t rate;    /* a second */
  size_t channels;
} ls__audio_info;

/* Whether the name ends as those of such files do. */
bool ls__audio_is_named(const char *name);
/* What the header says; LS_EDATA says what is wrong with the file, which may end before. */
LS_CHECKED ls_status ls__audio_look(const char *path, ls__audio_info *info);
/* The samples, -1 to 1 where they are whole numbers in the file; of several channels the mean.
 * mono [info->samples]; the file must still be what `info` says. */
LS_CHECKED ls_status ls__audio_read(const char *path, const ls__audio_info *info, double *mono);

#endif

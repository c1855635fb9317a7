/* What recordings are labelled with, as whole numbers. */
#ifndef LS_CONVERT_AUDIO_LABELS_H
#define LS_CONVERT_AUDIO_LABELS_H

#include "convert/classes.h"
#include "convert/recordings.h"

/* One class a recording; or a sequence of words, or of letters, whose classes are counted from 1:
 * 0 is what ctc calls blank. */
typedef enum ls__audio_label {
  LS__AUDIO_CLASS,
  LS__AUDIO_WORDS,
  LS__AUDIO_CHARACTERS
} ls__audio_label;
extern const char *const ls__audio_label_names[];

typedef struct ls__audio_labels {
  ls__audio_label kind;
  ls__classes classes;
  int32_t *number;   /* [first[n]] one recording's after another's */
  size_t *first;     /* [n + 1] */
  const char **name; /* [n_names] of the numbers from 0 on */
  size_t n_names, longest;
} ls__audio_labels;

/* Zeroed before, reset after it in every case. */
LS_CHECKED ls_status ls__audio_labels_make(ls__audio_labels *labels, const ls__recordings *r,
                                           ls__audio_label kind);
void ls__audio_labels_reset(ls__audio_labels *labels);

#endif

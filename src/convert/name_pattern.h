/* What names of files say: "{label}_{speaker}_{index}.wav" finds label, speaker and index in
 * "yes_ann_3.wav".  A field is one character or more, each as short as it can be; * is anything,
 * ? one character, neither of them a /.  A pattern with slashes is held against as many folders. */
#ifndef LS_CONVERT_NAME_PATTERN_H
#define LS_CONVERT_NAME_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { LS__PATTERN_PIECES = 32, LS__PATTERN_NAME = 1024 };

typedef struct ls__pattern_piece {
  enum { LS__PIECE_TEXT, LS__PIECE_FIELD, LS__PIECE_STAR, LS__PIECE_ONE } sort;
  const char *text; /* the pattern's: what stands there, or the field's name */
  size_t size;
} ls__pattern_piece;

typedef struct ls__name_pattern {
  const char *text; /* the caller's */
  size_t n, folders;
  ls__pattern_piece piece[LS__PATTERN_PIECES];
} ls__name_pattern;

/* The field of piece i in a name: [first, first + size). */
typedef struct ls__pattern_match {
  size_t first[LS__PATTERN_PIECES], size[LS__PATTERN_PIECES];
  const char *name;
} ls__pattern_match;

/* LS_EUSAGE: it is no pattern.  `option` is what a message calls it. */
LS_CHECKED ls_status ls__name_pattern_read(const char *text, const char *option,
                                           ls__name_pattern *pattern);
/* The piece of a field of this name, or n. */
size_t ls__name_pattern_field(const ls__name_pattern *pattern, const char *name);
/* Whether the path is one of such names, with its ending or without. */
bool ls__name_pattern_match(const ls__name_pattern *pattern, const char *path,
                            ls__pattern_match *match);
/* A copy of what stands in a field; NULL: out of memory. */
char *ls__pattern_match_text(const ls__pattern_match *match, size_t piece);

#endif

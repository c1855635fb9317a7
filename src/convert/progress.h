/* The progress line of a conversion, on standard error: the share of all bytes that is
 * read, and their rate. */
#ifndef LS_CONVERT_PROGRESS_H
#define LS_CONVERT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: a silent one. */
typedef struct ls__progress {
  bool on, tty, shown;
  uint64_t done, total; /* bytes of the sources, as they lie on the disk */
  double start, last;   /* s */
} ls__progress;

void ls__progress_begin(ls__progress *progress, bool on);
void ls__progress_expect(ls__progress *progress, uint64_t bytes); /* more to read */
void ls__progress_advance(ls__progress *progress, uint64_t bytes);
void ls__progress_end(ls__progress *progress);

#endif

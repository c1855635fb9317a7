/* The progress line: redrawn five times a second on a terminal, elsewhere printed every ten
 * seconds. */
#include "convert/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

void ls__progress_begin(ls__progress *progress, bool on) {
  memset(progress, 0, sizeof *progress);
  progress->on = on;
  progress->tty = on && isatty(STDERR_FILENO);
  progress->start = progress->last = ls__clock();
}

void ls__progress_expect(ls__progress *progress, uint64_t bytes) {
  progress->total += bytes;
}

static void show(ls__progress *progress, double now) {
  double share = progress->total == 0 ? 100.0
                                      : 100.0 * (double)progress->done / (double)progress->total;
  double seconds = now - progress->start;
  double rate = seconds > 0.0 ? (double)progress->done / seconds / 1e6 : 0.0;
  fprintf(stderr, "%sconvert: %3.0f %%, %.0f MB/s%s", progress->tty ? "\r" : "",
          share > 100.0 ? 100.0 : share, rate, progress->tty ? "  " : "\n");
  fflush(stderr);
  progress->last = now;
  progress->shown = true;
}

void ls__progress_advance(ls__progress *progress, uint64_t bytes) {
  progress->done += bytes;
  if (!progress->on) return;
  double now = ls__clock();
  if (now - progress->last >= (progress->tty ? 0.2 : 10.0)) show(progress, now);
}

void ls__progress_end(ls__progress *progress) {
  if (progress->tty && progress->shown) fputc('\n', stderr);
  progress->on = false;
}

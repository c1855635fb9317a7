/* The system's monotonic clock, in seconds. */
#include "base/clock.h"

#include <time.h>

double ls__clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

ls__waited ls__waited_from(double now, double limit) {
  return (ls__waited){.last = now, .most = limit < 4 ? limit / 8 : 0.5};
}

double ls__waited_look(ls__waited *waited, double now) {
  const double gap = now - waited->last;
  waited->last = now;
  waited->seconds += gap < waited->most ? gap : waited->most;
  return waited->seconds;
}

/* Time for measurements and deadlines. */
#ifndef LS_BASE_CLOCK_H
#define LS_BASE_CLOCK_H

/* Seconds of a clock that never goes back. */
double ls__clock(void);

/* How long this process has waited, by what it has seen itself.
 *
 * A job may be stopped as a whole and continued later (a batch system suspends it, a laptop sleeps,
 * a virtual machine is moved).  The clock goes on meanwhile, but nobody has waited for anybody.  So
 * of the time between two looks at the clock at most `most` counts: an eighth of the limit, and
 * half a second at most.  Example, a limit of 5 s, looks far more often than every half second, and
 * a stop of 7 s after one second of waiting:
 *
 *   clock    0 ... 1.0 | stopped | 8.0 ... 11.5
 *   waited   0 ... 1.0 |         | 1.5 ...  5.0   the limit
 *
 * A process that is only short of a processor looks every few milliseconds, and all of it
 * counts. */
typedef struct ls__waited {
  double last, most; /* the clock at the last look; what counts of a gap */
  double seconds;
} ls__waited;

ls__waited ls__waited_from(double now, double limit);
/* Look: seconds so far. */
double ls__waited_look(ls__waited *waited, double now);

#endif

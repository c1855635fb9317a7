/* Time for measurements and deadlines. */
#ifndef LS_BASE_CLOCK_H
#define LS_BASE_CLOCK_H

/* Seconds of a clock that never goes back. */
double ls__clock(void);

#endif

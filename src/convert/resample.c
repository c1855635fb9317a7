/* Resampling (resample.h).  t - i depends on j modulo to / gcd alone: the weights of each such phase
 * are made once, as long as they fit into a table. */
#include "convert/resample.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/real.h"

enum { ZEROS = 32, MOST_WEIGHTS = 1 << 22 };

static size_t gcd(size_t a, size_t b) {
  while (b > 0) {
    const size_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

size_t ls__resample_count(size_t n, size_t from, size_t to) {
  const size_t g = gcd(from, to);
  from /= g;
  to /= g;
  return n / from * to + (n % from * to + from - 1) / from;
}

/* sin(pi x) for any x that is not too large. */
static double sin_pi(double x) {
  const double u = 0.5 * x + 0.75; /* sin a = cos(a - pi / 2) */
  return ls__cos_turn(u - floor(u));
}

/* Weights of samples -reach + 1 .. reach around a time that lies `off` behind sample 0. */
static void make_weights(double c, size_t reach, double off, double *weight) {
  double sum = 0;
  for (size_t k = 0; k < 2 * reach; k++) {
    const double u = c * (off - ((double)k - (double)reach + 1)), far = fabs(u);
    weight[k] = 0;
    if (far < ZEROS) {
      const double half = ls__cos_turn(far / (4 * ZEROS)); /* cos(pi u / (2 Z)) */
      const double sinc = far < 1e-9 ? 1 : sin_pi(far) / (3.141592653589793116 * far);
      weight[k] = sinc * half * half;
    }
    sum += weight[k];
  }
  for (size_t k = 0; k < 2 * reach; k++) weight[k] /= sum;
}

ls_status ls__resample(const double *x, size_t n, size_t from, size_t to, double *y) {
  ls_status st = LS_OK;
  const size_t count = ls__resample_count(n, from, to), g = gcd(from, to), up = to / g,
               down = from / g;
  const double c = 0.95 * (to < from ? (double)to / (double)from : 1.0);
  const size_t reach = (size_t)ceil(ZEROS / c), taps = 2 * reach;
  const size_t kept = up <= MOST_WEIGHTS / taps ? up : 1;
  double *weights = NULL;
  bool *made = NULL;
  LS_TRY(ls__alloc(&weights, kept * taps, sizeof *weights, "resampling"));
  LS_TRY(ls__alloc(&made, kept, sizeof *made, "resampling"));
  for (size_t j = 0; j < count; j++) {
    const size_t phase = j % up * down % up, /* of the time j down / up */
        at = j / up * down + j % up * down / up;
    const size_t slot = kept == up ? phase : 0;
    double *weight = weights + slot * taps, sum = 0;
    if (kept < up || !made[slot]) make_weights(c, reach, (double)phase / (double)up, weight);
    made[slot] = true;
    const size_t first = at + 1 < reach ? reach - 1 - at
                                        : 0; /* the first that lies in the source */
    for (size_t k = first; k < taps && at + k + 1 - reach < n; k++)
      sum += weight[k] * x[at + k + 1 - reach];
    y[j] = sum;
  }
out:
  ls__free(weights);
  ls__free(made);
  return st;
}

/* Cooley and Tukey's transform of n / 2 complex numbers z[k] = x[2k] + i x[2k + 1], radix 2; then
 * X[k] = (Z[k] + Z*[n/2 - k]) / 2 - i w^k (Z[k] - Z*[n/2 - k]) / 2 with w = e^(-2 pi i / n). */
#include "convert/fourier.h"

#include <string.h>

#include "base/alloc.h"
#include "base/real.h"

ls_status ls__fourier_init(ls__fourier *f, size_t n) {
  ls_status st = LS_OK;
  const size_t half = n / 2;
  LS_ASSERT(n >= 4 && (n & (n - 1)) == 0);
  f->n = n;
  LS_TRY(ls__alloc(&f->turn, n, sizeof *f->turn, "a Fourier transform"));
  LS_TRY(ls__alloc(&f->work, n, sizeof *f->work, "a Fourier transform"));
  LS_TRY(ls__alloc(&f->place, half, sizeof *f->place, "a Fourier transform"));
  for (size_t k = 0; k < half; k++) {
    const double u = (double)k / (double)n; /* exact; less than half a turn */
    f->turn[2 * k] = ls__cos_turn(u);
    f->turn[2 * k + 1] = ls__cos_turn(u + 0.25); /* -sin */
  }
  for (size_t k = 1; k < half; k++) f->place[k] = f->place[k / 2] / 2 + (k % 2 == 1 ? half / 2 : 0);
out:
  return st;
}

void ls__fourier_reset(ls__fourier *f) {
  ls__free(f->turn);
  ls__free(f->work);
  ls__free(f->place);
  memset(f, 0, sizeof *f);
}

/* z [m, 2], its elements in reversed order, in place. */
static void transform(const ls__fourier *f, double *z, size_t m) {
  for (size_t size = 2; size <= m; size *= 2) {
    const size_t step = f->n / size, half = size / 2;
    for (size_t first = 0; first < m; first += size)
      for (size_t k = 0; k < half; k++) {
        double *a = z + 2 * (first + k), *b = a + size;
        const double c = f->turn[2 * k * step], s = f->turn[2 * k * step + 1];
        const double re = b[0] * c - b[1] * s, im = b[0] * s + b[1] * c;
        b[0] = a[0] - re;
        b[1] = a[1] - im;
        a[0] += re;
        a[1] += im;
      }
  }
}

void ls__fourier_power(ls__fourier *f, const double *x, double *power) {
  const size_t m = f->n / 2;
  double *z = f->work;
  for (size_t k = 0; k < m; k++) {
    z[2 * k] = x[2 * f->place[k]];
    z[2 * k + 1] = x[2 * f->place[k] + 1];
  }
  transform(f, z, m);
  power[0] = (z[0] + z[1]) * (z[0] + z[1]);
  power[m] = (z[0] - z[1]) * (z[0] - z[1]);
  for (size_t k = 1; k < m; k++) {
    const double *p = z + 2 * k, *q = z + 2 * (m - k);
    const double c = f->turn[2 * k], s = f->turn[2 * k + 1];
    const double even_re = 0.5 * (p[0] + q[0]), even_im = 0.5 * (p[1] - q[1]);
    const double odd_re = 0.5 * (p[1] + q[1]), odd_im = -0.5 * (p[0] - q[0]);
    const double re = even_re + (odd_re * c - odd_im * s);
    const double im = even_im + (odd_re * s + odd_im * c);
    power[k] = re * re + im * im;
  }
}

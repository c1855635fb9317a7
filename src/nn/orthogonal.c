/* Orthonormal rows or columns, by the modified Gram-Schmidt process (Golub and Van Loan: Matrix
 * Computations, 4th ed., 5.2.8), twice, for the first leaves what rounding to floats made of it.
 * Sums are in double, in an order that depends on the shape alone. */
#include <math.h>
#include <string.h>

#include "nn/init.h"

static double dot(const float *x, const float *y, size_t n) {
  double part[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t k = 0; k < 8; k++) part[k] += (double)x[i + k] * (double)y[i + k];
  for (; i < n; i++) part[i % 8] += (double)x[i] * (double)y[i];
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

/* A vector that the others left nothing of becomes zero, not a division by it. */
static double one_over(double square) {
  return square > 0 ? 1 / sqrt(square) : 0;
}

static void rows_once(float *w, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    float *q = w + r * columns;
    const double scale = one_over(dot(q, q, columns));
    for (size_t j = 0; j < columns; j++) q[j] = (float)((double)q[j] * scale);
    for (size_t s = r + 1; s < rows; s++) {
      float *x = w + s * columns;
      const double share = dot(q, x, columns);
      for (size_t j = 0; j < columns; j++) x[j] = (float)((double)x[j] - share * (double)q[j]);
    }
  }
}

/* The same of columns; those behind column c come some at a time, along the rows. */
static void columns_once(float *w, size_t rows, size_t columns) {
  enum { SOME = 256 };
  for (size_t c = 0; c < columns; c++) {
    double square = 0, share[SOME];
    for (size_t r = 0; r < rows; r++) {
      const double x = (double)w[r * columns + c];
      square += x * x;
    }
    const double scale = one_over(square);
    for (size_t r = 0; r < rows; r++)
      w[r * columns + c] = (float)((double)w[r * columns + c] * scale);
    for (size_t first = c + 1; first < columns; first += SOME) {
      const size_t n = columns - first < SOME ? columns - first : SOME;
      memset(share, 0, n * sizeof *share);
      for (size_t r = 0; r < rows; r++) {
        const double q = (double)w[r * columns + c];
        const float *x = w + r * columns + first;
        for (size_t j = 0; j < n; j++) share[j] += q * (double)x[j];
      }
      for (size_t r = 0; r < rows; r++) {
        const double q = (double)w[r * columns + c];
        float *x = w + r * columns + first;
        for (size_t j = 0; j < n; j++) x[j] = (float)((double)x[j] - share[j] * q);
      }
    }
  }
}

void ls__orthonormalize(float *w, size_t rows, size_t columns) {
  for (int time = 0; time < 2; time++) {
    if (rows <= columns)
      rows_once(w, rows, columns);
    else
      columns_once(w, rows, columns);
  }
}

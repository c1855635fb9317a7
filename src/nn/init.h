/* Initialisers.  Element e of parameter p is a function of (seed, p, e) alone, and, if they
 * are orthogonal, of the shape. */
#ifndef LS_NN_INIT_H
#define LS_NN_INIT_H

#include <stddef.h>
#include <stdint.h>

#include "config/registry.h"

typedef enum ls__init_kind {
  LS__INIT_ZEROS,
  LS__INIT_ONES,
  LS__INIT_CONSTANT,       /* a */
  LS__INIT_UNIFORM,        /* in [a, b) */
  LS__INIT_NORMAL,         /* mean a, standard deviation b */
  LS__INIT_GLOROT_UNIFORM, /* +- sqrt(6 / (fan_in + fan_out)): Glorot and Bengio 2010, eq. 16 */
  LS__INIT_GLOROT_NORMAL,
  LS__INIT_HE_UNIFORM, /* +- sqrt(6 / fan_in): He et al. 2015, eq. 10 */
  LS__INIT_HE_NORMAL,
  LS__INIT_LECUN_UNIFORM, /* +- sqrt(3 / fan_in) */
  LS__INIT_LECUN_NORMAL,
  LS__INIT_ORTHOGONAL,  /* a times orthonormal rows or columns: Saxe et al. 2014 */
  LS__INIT_ONES_WITHIN, /* 1 for elements [a, b), else 0; layers' own */
  LS__INIT_WAVES /* rows of a numbers: sines and cosines of the row's number, of wavelengths from 2 pi
                    to 2 pi b (Vaswani et al. 2017, 3.5); of layers alone, no option's */
} ls__init_kind;

typedef struct ls__init {
  ls__init_kind kind;
  double a, b;
} ls__init;

extern const ls__registry ls__initializers;

/* Read `key: he_normal`, `key: {uniform: {low: -1, high: 1}}`, `key: {normal: {mean: , std: }}`,
 * `key: {constant: {value: }}`, `key: {orthogonal: {gain: }}`; missing: `fallback`, a name. */
LS_CHECKED ls_status ls__init_read(ls_config *map, const char *key, const char *fallback,
                                   ls__init *out);

/* w[e] for e < n; of orthogonal ones a matrix, of as many rows as n holds fan_in. */
void ls__init_fill(const ls__init *init, uint64_t seed, uint64_t parameter, size_t fan_in,
                   size_t fan_out, float *w, size_t n);

/* The rows, or where they are more than the columns these, become orthonormal. */
void ls__orthonormalize(float *w, size_t rows, size_t columns);

#endif

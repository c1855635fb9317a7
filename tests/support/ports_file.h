/* A dataset with several inputs and targets, weights and lengths of samples, for tests that train. */
#ifndef TEST_PORTS_FILE_H
#define TEST_PORTS_FILE_H

#include <stdio.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "h5/h5.h"
#include "mpi_check.h"

/* FOLDER/ports.h5, n samples: field [inputs] and word (below words); curve [points], the beginning of
 * field, and kind (below kinds); weight 0, 0.5 or 1, and length 0 to points, of curve; steps 1 to
 * words - 1. */
static void make_ports(const char *folder, size_t n, size_t inputs, size_t points, size_t words,
                       size_t kinds) {
  float *field = ls__calloc(n * inputs, sizeof *field),
        *curve = ls__calloc(n * points, sizeof *curve), *weight = ls__calloc(n, sizeof *weight);
  int32_t *word = ls__calloc(n, sizeof *word), *kind = ls__calloc(n, sizeof *kind),
          *length = ls__calloc(n, sizeof *length), *steps = ls__calloc(n, sizeof *steps);
  const ls_shape wide = {1, {inputs}}, many = {1, {points}}, scalar = {0, {0}};
  const ls__rng rng = ls__rng_key(5, LS__RNG_TEST, 0, 0);
  char path[300];
  ls__h5 *file = NULL;
  CHECK(field && curve && weight && word && kind && length && steps);
  for (size_t i = 0; i < n * inputs; i++) field[i] = (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < points; k++) curve[i * points + k] = field[i * inputs + k];
    word[i] = (int32_t)(i % words);
    kind[i] = (int32_t)(i % kinds);
    weight[i] = (float)(i % 3) * 0.5F;
    length[i] = (int32_t)(i % (points + 1));
    steps[i] = 1 + (int32_t)(i % (words - 1));
  }
  snprintf(path, sizeof path, "%s/ports.h5", folder);
  MUST(ls__h5_create(path, &file));
#define WRITE(array, type, shape)                                      \
  MUST(ls__h5_dataset(file, "/train/" #array, type, n, shape, 32, 0)); \
  MUST(ls__h5_write_rows(file, "/train/" #array, 0, n, type, array))
  WRITE(field, LS__F32, &wide);
  WRITE(word, LS__I32, &scalar);
  WRITE(curve, LS__F32, &many);
  WRITE(kind, LS__I32, &scalar);
  WRITE(weight, LS__F32, &scalar);
  WRITE(length, LS__I32, &scalar);
  WRITE(steps, LS__I32, &scalar);
#undef WRITE
  MUST(ls__h5_commit(file));
  ls__free(field), ls__free(curve), ls__free(weight);
  ls__free(word), ls__free(kind), ls__free(length), ls__free(steps);
}

#endif

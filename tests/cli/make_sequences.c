/* Pairs of sequences for test_sequences.sh: FILE [DATASET ROW VALUE], where the first number of that row
 * is VALUE, or FILE longer, where sources have 12 steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "h5/h5.h"

enum { N = 120, T = 8, LONGER = 12, S = 7, WORDS = 11 };
static int64_t source[N * LONGER], before[N * S], next[N * S], steps[N];

int main(int argc, char **argv) {
  const ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  const size_t t = argc == 3 ? LONGER : T, row = argc > 3 ? strtoul(argv[3], NULL, 10) % N : 0;
  const ls_shape sources = {2, {N, t}}, others = {2, {N, S}}, one = {1, {N}};
  ls__h5 *file = NULL;
  ls_status st = LS_OK;
  for (size_t i = 0; i < N; i++) { /* the other way round; 0 is padding */
    steps[i] = 1 + ls__rng_u32(&rng, i) % T;
    for (size_t k = 0; k < (size_t)steps[i]; k++)
      source[i * t + k] = 1 + ls__rng_u32(&rng, 1000 + i * T + k) % (WORDS - 1);
    for (size_t k = 0; k < S; k++)
      next[i * S + k] = k < (size_t)steps[i] ? source[i * t + (size_t)steps[i] - 1 - k] : 0;
    for (size_t k = 1; k < S; k++) before[i * S + k] = next[i * S + k - 1];
  }
  if (argc > 4) {
    const int64_t value = strtol(argv[4], NULL, 10);
    if (strcmp(argv[2], "source") == 0) source[row * t] = value;
    if (strcmp(argv[2], "steps") == 0) steps[row] = value;
  }
  LS_TRY(ls__h5_create(argc > 1 ? argv[1] : "sequences.h5", &file));
  LS_TRY(ls__h5_write(file, "/source", LS__I64, &sources, source));
  LS_TRY(ls__h5_write(file, "/before", LS__I64, &others, before));
  LS_TRY(ls__h5_write(file, "/next", LS__I64, &others, next));
  LS_TRY(ls__h5_write(file, "/steps", LS__I64, &one, steps));
  st = ls__h5_commit(file);
  file = NULL;
out:
  ls__h5_close(file);
  if (st != LS_OK) fprintf(stderr, "make_sequences: %s\n", ls_error_message());
  return ls_status_exit_code(st);
}

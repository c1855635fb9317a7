/* Ratings for test_ratings.sh: FILE [ROW ID], where row ROW has that user. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "h5/h5.h"

enum { N = 600, USERS = 30, FILMS = 50, REAL = 2 };
static int64_t user[N], film[N];
static float when[N * REAL], stars[N];

int main(int argc, char **argv) {
  const ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  const ls_shape numbers = {1, {N}}, real = {2, {N, REAL}};
  ls__h5 *file = NULL;
  ls_status st = LS_OK;
  for (size_t i = 0; i < N; i++) {
    user[i] = ls__rng_u32(&rng, i) % USERS;
    film[i] = ls__rng_u32(&rng, N + i) % FILMS;
    for (size_t k = 0; k < REAL; k++)
      when[i * REAL + k] = (float)ls__rng_normal(&rng, 2 * N + i * REAL + k);
    stars[i] = (float)(3 + user[i] % 3 - film[i] % 2) + 0.2F * when[i * REAL];
  }
  if (argc > 3) user[strtoul(argv[2], NULL, 10) % N] = strtol(argv[3], NULL, 10);
  LS_TRY(ls__h5_create(argc > 1 ? argv[1] : "ratings.h5", &file));
  LS_TRY(ls__h5_write(file, "/user", LS__I64, &numbers, user));
  LS_TRY(ls__h5_write(file, "/film", LS__I64, &numbers, film));
  LS_TRY(ls__h5_write(file, "/when", LS__F32, &real, when));
  LS_TRY(ls__h5_write(file, "/stars", LS__F32, &numbers, stars));
  st = ls__h5_commit(file);
  file = NULL;
out:
  ls__h5_close(file);
  if (st != LS_OK) fprintf(stderr, "make_ratings: %s\n", ls_error_message());
  return ls_status_exit_code(st);
}

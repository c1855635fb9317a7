/* The file that the Python block of src/train/README.md writes, for a test where Python has no
 * h5py. */
#include <stdio.h>

#include "base/rng.h"
#include "h5/h5.h"

enum { N = 2000, WIDE = 8, FEW = 3 };
static float profile[N * WIDE], settings[N * FEW], energy[N];
static int32_t phase[N];

int main(int argc, char **argv) {
  const ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  const ls_shape wide = {2, {N, WIDE}}, few = {2, {N, FEW}}, numbers = {1, {N}};
  ls__h5 *file = NULL;
  ls_status st = LS_OK;
  for (size_t i = 0; i < N * WIDE; i++) profile[i] = (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < N * FEW; i++) settings[i] = (float)ls__rng_normal(&rng, N * WIDE + i);
  for (size_t i = 0; i < N; i++) {
    const float *p = profile + i * WIDE, *s = settings + i * FEW;
    energy[i] = 40 + 5 * p[0] * s[1] + p[2];
    phase[i] = (p[1] > 0) + (s[0] > 0.5F);
  }
  LS_TRY(ls__h5_create(argc > 1 ? argv[1] : "fields.h5", &file));
  LS_TRY(ls__h5_write(file, "/profile", LS__F32, &wide, profile));
  LS_TRY(ls__h5_write(file, "/settings", LS__F32, &few, settings));
  LS_TRY(ls__h5_write(file, "/energy", LS__F32, &numbers, energy));
  LS_TRY(ls__h5_write(file, "/phase", LS__I32, &numbers, phase));
  st = ls__h5_commit(file);
  file = NULL;
out:
  ls__h5_close(file);
  if (st != LS_OK) fprintf(stderr, "make_fields: %s\n", ls_error_message());
  return ls_status_exit_code(st);
}

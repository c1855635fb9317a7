/* The data of test_ragged.sh: sequences of different lengths, N of them in the groups train and
 * validation, at most MOST steps long, and the same padded by hand.
 *   make_ragged N MOST RAGGED.h5 PADDED.h5 */
#include "../support/make_h5.h"

enum { ROOM = 4096, STEPS = 64, WIDTH = 3 };

/* Any numbers, the same everywhere. */
static unsigned next(unsigned below) {
  static unsigned state = 12345;
  state = state * 1103515245U + 12345U;
  return (state >> 16) % below;
}

static void put_group(ls__h5 *ragged, ls__h5 *padded, const char *group, size_t n, size_t most) {
  static float x[ROOM * WIDTH], all[ROOM * WIDTH];
  static int32_t label[ROOM], labels[ROOM], y[ROOM];
  static int64_t offsets[ROOM], length[ROOM];
  char name[64];
  size_t at = 0;
  memset(all, 0, sizeof all);
  memset(labels, 0, sizeof labels);
  for (size_t i = 0; i < n; i++) {
    length[i] = i == n / 2 ? (int64_t)most : 1 + (int64_t)next((unsigned)most / 2);
    float sum = 0;
    for (size_t t = 0; t < (size_t)length[i]; t++, at++) {
      for (size_t k = 0; k < WIDTH; k++) {
        x[at * WIDTH + k] = (float)next(1000) / 250 - 2;
        all[(i * most + t) * WIDTH + k] = x[at * WIDTH + k];
      }
      sum += x[at * WIDTH];
      label[at] = labels[i * most + t] = sum > 0;
    }
    offsets[i + 1] = (int64_t)at;
    y[i] = sum > 0;
  }
  const int rows = (int)n, steps = (int)most;
  const ls_shape width = {1, {WIDTH}};
#define NAME(what) (snprintf(name, sizeof name, "%s/%s", group, what), name)
  MUST(ls__h5_dataset(ragged, NAME("x"), LS__F32, at, &width, 16, 0));
  MUST(ls__h5_write_rows(ragged, NAME("x"), 0, at, LS__F32, x));
  MUST(ls__h5_set_string(ragged, NAME("x"), "offsets", "x_offsets"));
  put(ragged, NAME("x_offsets"), LS__I64, offsets, rows + 1, 0);
  put(ragged, NAME("n"), LS__I64, length, rows, 0);
  put(ragged, NAME("label"), LS__I32, label, (int)at, 0);
  put(ragged, NAME("y"), LS__I32, y, rows, 0);
  put(padded, NAME("x"), LS__F32, all, rows, steps, WIDTH, 0);
  put(padded, NAME("n"), LS__I64, length, rows, 0);
  put(padded, NAME("label"), LS__I32, labels, rows, steps, 0);
  put(padded, NAME("y"), LS__I32, y, rows, 0);
#undef NAME
}

int main(int argc, char **argv) {
  ls__h5 *ragged = NULL, *padded = NULL;
  if (argc != 5) return 2;
  const size_t n = (size_t)atoi(argv[1]), most = (size_t)atoi(argv[2]);
  if (n < 8 || most < 2 || most > STEPS || n * most > ROOM) return 2;
  MUST(ls__h5_create(argv[3], &ragged));
  MUST(ls__h5_create(argv[4], &padded));
  put_group(ragged, padded, "/train", n, most);
  put_group(ragged, padded, "/validation", n / 4, most);
  MUST(ls__h5_commit(ragged));
  MUST(ls__h5_commit(padded));
  return 0;
}

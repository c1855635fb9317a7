/* Splitting by group: what goes to one part as a whole, and that scoring and predicting draw the
 * very same parts. */
#include <math.h>

#include "base/alloc.h"
#include "check.h"
#include "data_batch.h"
#include "data_refused.h"
#include "make_h5.h"

enum { R = 20, T = 6, ALL = R * T };

/* /u and /v [r, t]: 100 r + t; /group [r]: r % 7. */
static const char *make(const char *name, size_t first) {
  static char path[3][200];
  static int turn;
  char *p = path[turn++ % 3];
  float u[ALL], group[R];
  ls__h5 *file = NULL;
  snprintf(p, 200, "%s", temporary(name));
  for (size_t r = 0; r < R; r++) {
    group[r] = (float)((first + r) % 7);
    for (size_t t = 0; t < T; t++) u[r * T + t] = (float)(100 * (first + r) + t);
  }
  MUST(ls__h5_create(p, &file));
  put(file, "/u", LS__F32, u, R, T, 0);
  put(file, "/v", LS__F32, u, R, T, 0);
  put(file, "/group", LS__F32, group, R, 0);
  MUST(ls__h5_commit(file));
  return p;
}

/* Which part each trajectory is in, from the samples of the parts; a trajectory in two is -1. */
typedef struct seen {
  int part[2 * R];
  size_t n[LS__PARTS];
  float x[LS__PARTS][2 * ALL], y[LS__PARTS][2 * ALL];
} seen;

static void look(ls_data *data, seen *s) {
  for (int r = 0; r < 2 * R; r++) s->part[r] = -2;
  for (int p = 0; p < LS__PARTS; p++) {
    s->n[p] = ls_data_count(data, (ls_split)p);
    assert_true(s->n[p] <= 2 * ALL);
    if (s->n[p] == 0) continue;
    MUST(rows_xy(data, (ls_split)p, 0, s->n[p], s->x[p], s->y[p]));
    for (size_t i = 0; i < s->n[p]; i++) {
      const size_t r = (size_t)(s->x[p][i] / 100);
      s->part[r] = s->part[r] == -2 || s->part[r] == p ? p : -1;
    }
  }
}

/* In memory and streamed, the same. */
static void split(const char *file, const char *rest, seen *s) {
  static seen again;
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of("{file: %s, memory: %s, %s", file, streamed ? "stream" : "node",
                                  rest);
    ls_data *data = NULL;
    MUST(ls_data_open(NULL, config, &data));
    look(data, streamed ? &again : s);
    ls_data_close(data);
    ls_config_destroy(config);
  }
  assert_memory_equal(s->part, again.part, sizeof s->part);
  for (int p = 0; p < LS__PARTS; p++) {
    assert_int_equal(s->n[p], again.n[p]);
    assert_memory_equal(s->x[p], again.x[p], s->n[p] * sizeof(float));
    assert_memory_equal(s->y[p], again.y[p], s->n[p] * sizeof(float));
  }
  assert_int_equal(ls__alloc_alive(), 0);
}

static void count(const seen *s, size_t rows, size_t parts[LS__PARTS]) {
  memset(parts, 0, LS__PARTS * sizeof *parts);
  for (size_t r = 0; r < rows; r++) {
    if (s->part[r] < 0)
      fail_msg("trajectory %zu is in %s", r, s->part[r] == -1 ? "two parts" : "none");
    parts[s->part[r]]++;
  }
}

static const char series[] = "inputs: /u, targets: /u, time: {axis: 1}, ";

/* With time, whole trajectories by default; as many as the shares say. */
static void test_trajectories(void **state) {
  (void)state;
  const char *path = make("trajectories.h5", 0);
  static seen s, other;
  char rest[300];
  size_t parts[LS__PARTS];
  snprintf(rest, sizeof rest, "%ssplit: {validation: 0.1, test: 0.2}}", series);
  split(path, rest, &s);
  count(&s, R, parts);
  assert_int_equal(parts[LS_VALIDATION], 2);
  assert_int_equal(parts[LS_TEST], 4);
  assert_int_equal(s.n[LS_TRAIN], 14 * (T - 1));
  for (int p = 0; p < LS__PARTS; p++)
    for (size_t i = 0; i < s.n[p]; i++) assert_true(s.y[p][i] == s.x[p][i] + 1);
  snprintf(rest, sizeof rest, "%ssplit: {validation: 0.1, test: 0.2, by: trajectory}}", series);
  split(path, rest, &other);
  assert_memory_equal(s.part, other.part, sizeof s.part);
  snprintf(rest, sizeof rest, "%ssplit: {validation: 0.1, test: 0.2, seed: 5}}", series);
  split(path, rest, &other);
  assert_memory_not_equal(s.part, other.part, sizeof s.part);
  /* each trajectory and time a sample: the same */
  split(path, "axis: [0, 1], inputs: /u, targets: /v, split: {test: 0.01}}", &other);
  count(&other, R, parts);
  assert_int_equal(parts[LS_TEST], 1);
  split(path, "axis: [0, 1], inputs: /u, targets: /v, split: {test: 0.3, by: sample}}", &other);
  assert_int_equal(other.part[0] == -1 || other.part[1] == -1 || other.part[2] == -1, 1);
  unlink(path);
}

static void test_files(void **state) {
  (void)state;
  char files[500];
  snprintf(files, sizeof files, "[%s, %s]", make("files-1.h5", 0), make("files-2.h5", R));
  static seen s;
  char rest[300];
  size_t parts[LS__PARTS];
  snprintf(rest, sizeof rest, "%ssplit: {test: 0.5, by: file}}", series);
  split(files, rest, &s);
  count(&s, 2 * R, parts);
  for (size_t r = 1; r < 2 * R; r++) assert_true((s.part[r] == s.part[r - 1]) == (r != R));
  snprintf(rest, sizeof rest, "%ssplit: {test: 0.1}}", series);
  split(files, rest, &s);
  count(&s, 2 * R, parts);
  assert_int_equal(parts[LS_TEST], 4);
  unlink(temporary("files-1.h5")), unlink(temporary("files-2.h5"));
}

/* Rows of one value; the same value in two files is one group. */
static void test_dataset(void **state) {
  (void)state;
  const char *a = make("values-1.h5", 0), *b = make("values-2.h5", R);
  char files[500];
  static seen s, one;
  size_t parts[LS__PARTS];
  snprintf(files, sizeof files, "[%s, %s]", a, b);
  for (int timed = 0; timed < 2; timed++) {
    char rest[300];
    snprintf(rest, sizeof rest, "%ssplit: {validation: 0.3, test: 0.2, by: /group}}",
             timed ? series
                   : "inputs: {dataset: /u, select: \"[:, 0]\"}, targets: {dataset: /u, "
                     "select: \"[:, 1]\"}, ");
    split(files, rest, &s);
    count(&s, 2 * R, parts);
    for (size_t r = 7; r < 2 * R; r++) assert_int_equal(s.part[r], s.part[r - 7]);
    size_t of[LS__PARTS] = {0};
    for (size_t g = 0; g < 7; g++) of[s.part[g]]++;
    assert_int_equal(of[LS_VALIDATION], 2);
    assert_int_equal(of[LS_TEST], 1);
    split(a, rest, &one); /* of another file with the same groups: the same */
    assert_memory_equal(one.part, s.part, R * sizeof one.part[0]);
  }
  unlink(a), unlink(b);
}

/* The beginning trains, the end tests; a window that reaches into another part is in none. */
static void test_time(void **state) {
  (void)state;
  const char *path = make("time.h5", 0);
  static seen s;
  char rest[300];
  snprintf(rest, sizeof rest, "%ssplit: {test: 0.34, by: time}}", series);
  split(path, rest, &s); /* times 0 to 3 train, 4 and 5 test */
  assert_int_equal(s.n[LS_TRAIN], 3 * R);
  assert_int_equal(s.n[LS_TEST], R);
  for (size_t i = 0; i < 3 * R; i++) assert_true(s.x[LS_TRAIN][i] == (float)(i / 3 * 100 + i % 3));
  for (size_t i = 0; i < R; i++) assert_true(s.x[LS_TEST][i] == (float)(i * 100 + 4));
  unlink(path);
}

/* What evaluates or predicts draws the parts that training drew. */
static void test_same_parts(void **state) {
  (void)state;
  static const char *const by[] = {"",           ", by: trajectory", ", by: sample",
                                   ", by: time", ", by: /group",     ", by: 0"};
  const char *path = make("same.h5", 0);
  for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
    static seen trained, s;
    size_t rows = 0;
    for (int purpose = LS__DATA_TRAIN; purpose <= LS__DATA_PREDICT; purpose++) {
      ls_config *config = config_of("{file: %s, %ssplit: {validation: 0.34, test: 0.34%s}}", path,
                                    series, by[i]);
      ls_data *data = NULL;
      MUST(ls__data_open_for(NULL, config, (ls__data_purpose)purpose, rows, &data));
      MUST(ls__data_load(data));
      rows = ls__data_train_rows(data);
      look(data, purpose == LS__DATA_TRAIN ? &trained : &s);
      if (purpose == LS__DATA_EVALUATE)
        for (int p = 0; p < LS__PARTS; p++) {
          assert_int_equal(s.n[p], trained.n[p]);
          assert_memory_equal(s.x[p], trained.x[p], s.n[p] * sizeof(float));
        }
      if (purpose == LS__DATA_PREDICT) { /* and windows whose targets are still to come */
        assert_int_equal(ls_data_count(data, LS_ALL), ALL);
        for (int p = 0; p < LS__PARTS; p++) {
          size_t at = 0;
          for (size_t k = 0; k < s.n[p] && at < trained.n[p]; k++)
            at += s.x[p][k] == trained.x[p][at];
          assert_int_equal(at, trained.n[p]);
          for (size_t k = 0; k < s.n[p]; k++)
            if ((int)s.x[p][k] % 100 < T - 1) at--;
          assert_int_equal(at, 0);
        }
      }
      ls_data_close(data);
      ls_config_destroy(config);
    }
  }
  assert_int_equal(ls__alloc_alive(), 0);
  unlink(path);
}

/* Groups of other names, and one that is the training's alone. */
static void test_names(void **state) {
  (void)state;
  const char *path = temporary("names.h5");
  ls__h5 *file = NULL;
  float u[ALL];
  for (size_t i = 0; i < ALL; i++) u[i] = (float)(100 * (i / T) + i % T);
  MUST(ls__h5_create(path, &file));
  put(file, "/runs/fit/u", LS__F32, u, R, T, 0);
  put(file, "/holdout/u", LS__F32, u, 3, T, 0);
  MUST(ls__h5_commit(file));
  static seen s;
  split(path,
        "groups: {train: runs/fit, test: holdout}, inputs: u, targets: u, time: {axis: 1}, "
        "split: {validation: 0.1}}",
        &s);
  assert_int_equal(s.n[LS_TRAIN], (R - 2) * (T - 1));
  assert_int_equal(s.n[LS_VALIDATION], 2 * (T - 1));
  assert_int_equal(s.n[LS_TEST], 3 * (T - 1));
  split(path, "groups: {train: runs/fit}, inputs: u, targets: u, time: {axis: 1}}", &s);
  assert_int_equal(s.n[LS_TEST], 0);
  refused(LS_EDATA, "there is no group val, which data.groups names",
          config_of("{file: %s, groups: {train: runs/fit, validation: val}, inputs: u, targets: u, "
                    "time: {axis: 1}}",
                    path));
  refused(LS_ECONFIG, "groups: train: is missing",
          config_of("{file: %s, groups: {test: holdout}, inputs: u, targets: u}", path));
  refused(LS_ECONFIG, "without the leading / it is looked for inside the groups",
          config_of("{file: %s, groups: {train: holdout}, inputs: /u, targets: /u}", path));
  unlink(path);
}

static void test_refused(void **state) {
  (void)state;
  const char *path = make("few.h5", 0);
  refused(LS_ECONFIG, "files: 1, too few for the test and the training",
          config_of("{file: %s, %ssplit: {test: 0.1, by: file}}", path, series));
  refused(LS_ECONFIG,
          "trajectories: 1, too few for the test and the training, one each at "
          "least; split: {by: time}",
          config_of("{file: %s, inputs: /u, targets: /u, time: {axis: 0}, split: {test: 0.1}}",
                    path));
  refused(LS_EDATA, "no dataset /grop (did you mean /group?)",
          config_of("{file: %s, %ssplit: {test: 0.1, by: /grop}}", path, series));
  refused(LS_EDATA, "must have one number or text for each of the 20 rows",
          config_of("{file: %s, %ssplit: {test: 0.1, by: /u}}", path, series));
  refused(LS_ECONFIG, "there is no data.time",
          config_of("{file: %s, inputs: /u, targets: /u, split: {test: 0.1, by: time}}", path));
  refused(LS_ECONFIG, "dimension 2 of /u counts no samples",
          config_of("{file: %s, %ssplit: {test: 0.1, by: 2}}", path, series));
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_trajectories), cmocka_unit_test(test_files),
      cmocka_unit_test(test_dataset),      cmocka_unit_test(test_time),
      cmocka_unit_test(test_same_parts),   cmocka_unit_test(test_names),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ranks: 1 2 3 5 */
/* Predictions as text, as NumPy's array and as HDF5 have the same numbers, and the same bytes on
 * any number of ranks: of numbers and classes at once, beside true values and ids, of a part whose
 * rows lie apart, of fewer rows than a rank takes. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "h5/h5.h"
#include "mpi_check.h"

enum { N = 700, WIDE = 3, FEW = 2 };
static char folder[256];

static const char yaml[] = "data: {file: '%s/d.h5', inputs: {x: /x}, targets: {flux: /flux, kind: "
                           "/kind},\n"
                           "       split: {validation: 0.4}, normalize: true}\n"
                           "model:\n"
                           "- dense: {units: 8, activation: tanh, name: a}\n"
                           "- dense: {units: 2, name: flux, from: a}\n"
                           "- dense: {units: 3, name: kind, from: a}\n"
                           "outputs: [flux, kind]\n"
                           "loss: {flux: mse, kind: cross_entropy}\n"
                           "optimizer: sgd\n"
                           "train: {batch: 50, epochs: 2, seed: 4}\n"
                           "output: '%s/run'\n";

static void make_data(const char *name, size_t n) {
  static const char *const columns[] = {"in", "out, \"net\""}, *const classes[] = {"a", "b", "c"};
  const ls_shape wide = {1, {WIDE}}, two = {1, {2}}, scalar = {0, {0}};
  char path[300];
  ls__h5 *file = NULL;
  static float x[N * WIDE], flux[N * 2];
  static int32_t kind[N];
  static int64_t id[N];
  static double when[N];
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < WIDE; k++) x[i * WIDE + k] = (float)((i * 7 + k * 13) % 29) / 29;
    flux[i * 2] = 1000 * x[i * WIDE];
    flux[i * 2 + 1] = x[i * WIDE + 1] / 1024;
    kind[i] = (int32_t)(i % 3);
    id[i] = INT64_C(9007199254740993) + (int64_t)i;
    when[i] = (double)i + 0.1;
  }
  snprintf(path, sizeof path, "%s/%s", folder, name);
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_set_string(file, "/", "format", "lockstep dataset"));
#define WRITE(name, array, type, shape)                       \
  MUST(ls__h5_dataset(file, "/" name, type, n, shape, 0, 0)); \
  MUST(ls__h5_write_rows(file, "/" name, 0, n, type, array))
  WRITE("x", x, LS__F32, &wide);
  WRITE("flux", flux, LS__F32, &two);
  WRITE("kind", kind, LS__I32, &scalar);
  WRITE("id", id, LS__I64, &scalar);
  WRITE("when", when, LS__F64, &scalar);
#undef WRITE
  MUST(ls__h5_set_strings(file, "/flux", "columns", columns, 2));
  MUST(ls__h5_set_strings(file, "/kind", "classes", classes, 3));
  MUST(ls__h5_commit(file));
}

static void train(ls_comm *comm) {
  char text[2048];
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE};
  snprintf(text, sizeof text, yaml, folder, folder);
  MUST(ls_config_parse(text, "test", &config));
  MUST(ls_trainer_create(comm, config, NULL, &options, &trainer));
  MUST(ls_trainer_run(trainer, NULL));
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
}

/* The file of all ranks, and for rank 0 that of one alone, which has the same bytes. */
static void predict(ls_comm *comm, int rank, const char *data, ls_split split, const char *name,
                    bool ids, char path[300]) {
  static const char *const keep[] = {"id", "/when"};
  char run[300], override[340], alone[320];
  snprintf(run, sizeof run, "%s/run", folder);
  snprintf(override, sizeof override, "data.file='%s/%s'", folder, data);
  snprintf(path, 300, "%s/%s", folder, name);
  snprintf(alone, sizeof alone, "%s/alone-%s", folder, name);
  const char *overrides = override;
  ls_predict_options options = {.output = path, .with_targets = true};
  if (ids) options.keep = keep, options.n_keep = 2;
  MUST(ls_predict_to(comm, run, &overrides, 1, split, &options));
  options.output = alone;
  if (rank == 0) MUST(ls_predict_to(NULL, run, &overrides, 1, split, &options));
  if (rank == 0 && strstr(name, ".h5") == NULL) {
    FILE *a = fopen(path, "r"), *b = fopen(alone, "r");
    CHECK(a != NULL && b != NULL);
    for (int c = 0; c != EOF;) {
      c = getc(a);
      CHECK(c == getc(b));
    }
    (void)fclose(a);
    (void)fclose(b);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static void is_float(const char *text, float wanted) {
  char *end;
  const float x = strtof(text, &end);
  CHECK(end != text && *end == '\0' && memcmp(&x, &wanted, sizeof x) == 0);
}

/* Cells of a line without quotes. */
static size_t cut(char *line, char *cell[], size_t most) {
  size_t n = 0;
  line[strcspn(line, "\n")] = '\0';
  for (char *at = line; at != NULL && n < most; n++) {
    cell[n] = at;
    at = strchr(at, ',');
    if (at != NULL) *at++ = '\0';
  }
  return n;
}

static void compare(const char *csv, const char *h5, size_t wanted) {
  enum { CELLS = 12 };
  static const char *const classes[] = {"a", "b", "c"};
  static float flux[N * 2], kind[N * 3], flux_true[N * 2], kind_true[N];
  static int32_t class[N];
  char line[2048], *cell[CELLS + 1];
  ls__h5 *file = NULL;
  ls__h5_info info;
  MUST(ls__h5_open(h5, &file));
  MUST(ls__h5_info_get(file, "/predictions/flux", &info));
  CHECK(info.block_rows > 0); /* it has checksums */
  const size_t n = info.shape.dim[0];
  CHECK(n <= N && (wanted == 0 ? n > 200 && n < 400 : n == wanted));
  MUST(ls__h5_read(file, "/predictions/flux", LS__F32, flux));
  MUST(ls__h5_read(file, "/predictions/kind", LS__F32, kind));
  MUST(ls__h5_read(file, "/classes/kind", LS__I32, class));
  MUST(ls__h5_read(file, "/targets/flux", LS__F32, flux_true));
  MUST(ls__h5_read(file, "/targets/kind", LS__F32, kind_true));
  ls__h5_close(file);
  FILE *text = fopen(csv, "r");
  CHECK(text != NULL && fgets(line, sizeof line, text) != NULL);
  CHECK(strcmp(line, "id,/when,flux_in,flux_in_true,\"flux_out, \"\"net\"\"\","
                     "\"flux_out, \"\"net\"\"_true\",kind_class,kind_class_true,kind_probability,"
                     "kind_probability_a,kind_probability_b,kind_probability_c\n") == 0);
  for (size_t r = 0; r < n; r++) {
    CHECK(fgets(line, sizeof line, text) != NULL && cut(line, cell, CELLS + 1) == CELLS);
    const long long row = atoll(cell[0]) - INT64_C(9007199254740993);
    CHECK(row >= 0 && row < N && (wanted == 0 || row == (long long)r));
    char when[40];
    snprintf(when, sizeof when, "%lld.1", row);
    CHECK(strcmp(cell[1], when) == 0);
    CHECK(flux_true[2 * r] == 1000 * ((float)((row * 7) % 29) / 29)); /* it is this row's */
    for (size_t k = 0; k < 2; k++) {
      is_float(cell[2 + 2 * k], flux[2 * r + k]);
      is_float(cell[3 + 2 * k], flux_true[2 * r + k]);
    }
    CHECK(strcmp(cell[6], classes[class[r]]) == 0);
    CHECK(strcmp(cell[7], classes[row % 3]) == 0 && kind_true[r] == (float)(row % 3));
    is_float(cell[8], kind[3 * r + (size_t) class[r]]);
    for (size_t k = 0; k < 3; k++) is_float(cell[9 + k], kind[3 * r + k]);
  }
  CHECK(fgets(line, sizeof line, text) == NULL);
  (void)fclose(text);
}

static void try_it(ls_comm *comm, int rank, const char *data, ls_split split, size_t wanted) {
  char csv[300], h5[300], gz[300];
  predict(comm, rank, data, split, "p.csv", true, csv);
  predict(comm, rank, data, split, "p.csv.gz", true, gz);
  predict(comm, rank, data, split, "p.h5", false, h5);
  if (rank == 0) compare(csv, h5, wanted);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* What such a file can't hold, and columns that are not there: on all ranks, and no file. */
static void refuse(ls_comm *comm, int rank) {
  static const char *const absent[] = {"nothing"}, *const wide[] = {"x"}, *const id[] = {"id"};
  static const struct {
    const char *name;
    ls_status wanted;
    const char *const *keep;
  } tries[] = {{"q.xlsx", LS_EUSAGE, NULL}, {"q.npy", LS_EUSAGE, NULL},
               {"q.h5", LS_EUSAGE, id},     {"q.csv", LS_EDATA, absent},
               {"q.csv", LS_EDATA, wide},   {"none/q.csv", LS_EIO, NULL},
               {"run", LS_EIO, NULL}};
  char run[300], path[300];
  snprintf(run, sizeof run, "%s/run", folder);
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, tries[i].name);
    const ls_predict_options options = {.output = path,
                                        .keep = tries[i].keep,
                                        .n_keep = tries[i].keep != NULL};
    const ls_status st = ls_predict_to(comm, run, NULL, 0, LS_ALL, &options);
    if (st != tries[i].wanted)
      fprintf(stderr, "%s: %d %s\n", tries[i].name, (int)st, ls_error_message());
    CHECK(st == tries[i].wanted);
    same_everywhere(tries[i].name, st);
    FILE *file = i + 1 < sizeof tries / sizeof *tries ? fopen(path, "r") : NULL;
    CHECK(rank != 0 || file == NULL);
  }
}

int main(int argc, char **argv) {
  ls_comm *comm = NULL;
  int rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) make_data("d.h5", N);
  if (rank == 0) make_data("few.h5", FEW);
  MPI_Barrier(MPI_COMM_WORLD);
  train(comm);
  MPI_Barrier(MPI_COMM_WORLD);
  try_it(comm, rank, "d.h5", LS_ALL, N);
  try_it(comm, rank, "d.h5", LS_VALIDATION, 0);
  try_it(comm, rank, "few.h5", LS_ALL, FEW);
  refuse(comm, rank);
  MPI_Barrier(MPI_COMM_WORLD);
  remove_folder(folder, rank);
  ls_comm_destroy(comm);
  MPI_Finalize();
  return 0;
}

/* ranks: 1 3 */
/* The part that evaluate and predict are asked for: the very rows that the training drew, on any
 * number of ranks, in memory or streamed; of another file none. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "data_batch.h"
#include "h5/h5.h"
#include "mpi_check.h"

enum { N = 700, TRAIN = 500 }; /* rows; of them in /train, the others in /test */
static char folder[256];
static ls_comm *comm;
static int rank;

static float y_of(size_t i) {
  return 3 + (float)(i * i % 997) / 100;
}

/* Rows that tell who they are, in datasets /in and /out and in groups; other.h5 has one row
 * less. */
static void make_file(const char *name, size_t n) {
  static float x[N][2], y[N];
  const ls_shape row = {1, {2}}, scalar = {0, {0}};
  const ls__rng rng = ls__rng_key(8, LS__RNG_TEST, 0, 0);
  static const char *const xs[] = {"/in", "/train/x", "/test/x"}, *const ys[] = {"/out", "/train/y",
                                                                                 "/test/y"};
  const size_t lo[] = {0, 0, TRAIN}, hi[] = {n, TRAIN, n};
  char path[300];
  ls__h5 *file = NULL;
  for (size_t i = 0; i < n; i++) {
    x[i][0] = (float)i;
    x[i][1] = (float)ls__rng_normal(&rng, i);
    y[i] = y_of(i);
  }
  snprintf(path, sizeof path, "%s/%s", folder, name);
  MUST(ls__h5_create(path, &file));
  for (int k = 0; k < 3; k++) {
    MUST(ls__h5_dataset(file, xs[k], LS__F32, hi[k] - lo[k], &row, 0, 0));
    MUST(ls__h5_write_rows(file, xs[k], 0, hi[k] - lo[k], LS__F32, x + lo[k]));
    MUST(ls__h5_dataset(file, ys[k], LS__F32, hi[k] - lo[k], &scalar, 0, 0));
    MUST(ls__h5_write_rows(file, ys[k], 0, hi[k] - lo[k], LS__F32, y + lo[k]));
  }
  MUST(ls__h5_commit(file));
}

/* Train into FOLDER/RUN; gives the loss on the validation part. */
static double train(const char *run, const char *data) {
  char yaml[1024], output[300];
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  ls_train_summary summary;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE};
  snprintf(yaml, sizeof yaml,
           "data: {file: '%s/data.h5', normalize: true, %s}\n"
           "model: [{dense: {units: 9, activation: tanh}}, {dense: {units: 1}}]\n"
           "loss: mse\n"
           "optimizer: {adam: {lr: 0.02}}\n"
           "train: {batch: 32, epochs: 2, lanes: 3}\n",
           folder, data);
  MUST(ls_config_parse(yaml, "test", &config));
  snprintf(output, sizeof output, "output='%s/%s'", folder, run);
  MUST(ls_config_override(config, output));
  MUST(ls_trainer_create(comm, config, NULL, &options, &trainer));
  MUST(ls_trainer_run(trainer, &summary));
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return summary.validation_loss;
}

/* What evaluate says, as JSON, on all ranks. */
typedef struct said {
  char split[32];
  unsigned long samples;
  double loss, rmse;
} answer;

static answer evaluate(ls_comm *on, const char *run, const char *override, ls_split split) {
  answer said = {"", 0, 0, 0};
  char path[300], line[1000] = "";
  FILE *out = tmpfile();
  CHECK(out != NULL);
  snprintf(path, sizeof path, "%s/%s", folder, run);
  MUST(ls_evaluate(on, path, &override, override != NULL, split, true, out));
  rewind(out);
  if (on == NULL || rank == 0) {
    CHECK(fgets(line, sizeof line, out) != NULL);
    CHECK(sscanf(line, "{\"split\":\"%31[a-z]\",\"samples\":%lu,\"loss\":%lf", said.split,
                 &said.samples, &said.loss) == 3);
    const char *at = strstr(line, "\"rmse\":");
    CHECK(at != NULL && sscanf(at, "\"rmse\":%lf", &said.rmse) == 1);
  }
  (void)fclose(out);
  if (on != NULL) MPI_Bcast(&said, sizeof said, MPI_BYTE, 0, MPI_COMM_WORLD);
  return said;
}

static void refused(const char *run, const char *override, ls_split split, const char *why) {
  char path[300], output[300];
  snprintf(path, sizeof path, "%s/%s", folder, run);
  snprintf(output, sizeof output, "%s/none.h5", folder);
  CHECK(ls_evaluate(comm, path, &override, override != NULL, split, true, stdout) == LS_EDATA);
  CHECK(strstr(ls_error_message(), why) != NULL);
  CHECK(ls_predict(comm, path, &override, override != NULL, split, output) == LS_EDATA);
  CHECK(strstr(ls_error_message(), why) != NULL);
}

/* Predictions of a part; how many. */
static size_t predict(const char *run, ls_split split, float y[N]) {
  char path[300], output[300], *name = NULL;
  ls__h5 *file = NULL;
  ls__h5_info info;
  snprintf(path, sizeof path, "%s/%s", folder, run);
  snprintf(output, sizeof output, "%s/predicted.h5", folder);
  MUST(ls_predict(comm, path, NULL, 0, split, output));
  MUST(ls__h5_open(output, &file));
  MUST(ls__h5_info_get(file, "/predictions", &info));
  CHECK(info.shape.ndim == 2 && info.shape.dim[0] <= N && info.shape.dim[1] == 1);
  MUST(ls__h5_read(file, "/predictions", LS__F32, y));
  MUST(ls__h5_get_string(file, "/predictions", "split", &name));
  CHECK(strcmp(name, ls__split_name(split)) == 0);
  ls__free(name);
  ls__h5_close(file);
  MPI_Barrier(MPI_COMM_WORLD); /* the next makes it anew */
  return info.shape.dim[0];
}

/* Against the parts as training sees them, in memory, on one rank. */
static void drawn_parts(double validation_loss) {
  static float all[N], some[N], x[N][2], y[N];
  char seen[N] = {0}, text[512];
  size_t total = 0;
  ls_config *config = NULL;
  ls_data *data = NULL;
  snprintf(text, sizeof text,
           "{file: '%s/data.h5', inputs: /in, targets: /out, memory: node, split: {validation: "
           "0.2, test: 0.1, seed: 5}}",
           folder);
  MUST(ls_config_parse(text, "test", &config));
  MUST(ls_data_open(NULL, config, &data));
  CHECK(predict("drawn", LS_ALL, all) == N);
  for (ls_split p = LS_TRAIN; p <= LS_TEST; p++) {
    const size_t n = ls_data_count(data, p);
    double squares = 0;
    CHECK(n > 0 && predict("drawn", p, some) == n);
    MUST(rows_xy(data, p, 0, n, x[0], y));
    for (size_t k = 0; k < n; k++) {
      const size_t i = (size_t)x[k][0];
      CHECK(i < N && !seen[i]);
      seen[i] = 1;
      CHECK(fabsf(some[k] - all[i]) < 1e-5F);
      squares += (double)((some[k] - y_of(i)) * (some[k] - y_of(i)));
    }
    answer said = evaluate(comm, "drawn", NULL, p), alone = evaluate(NULL, "drawn", NULL, p);
    CHECK(strcmp(said.split, ls__split_name(p)) == 0 && said.samples == n);
    CHECK(fabs(said.rmse - sqrt(squares / (double)n)) < 1e-5);
    CHECK(memcmp(&said, &alone, sizeof said) == 0);
    if (p == LS_VALIDATION) CHECK(fabs(said.loss - validation_loss) < 1e-8 * validation_loss);
    total += n;
  }
  CHECK(total == N && evaluate(comm, "drawn", NULL, LS_ALL).samples == N);
  CHECK(strcmp(evaluate(comm, "drawn", NULL, LS_AUTO).split, "test") == 0);
  ls_data_close(data);
  ls_config_destroy(config);
}

int main(int argc, char **argv) {
  static float all[N], some[N];
  char other[300], file[320];
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  make_folder(folder, sizeof folder, rank);
  snprintf(other, sizeof other, "%s/other.h5", folder);
  snprintf(file, sizeof file, "data.file='%s'", other);
  if (rank == 0) make_file("data.h5", N);
  if (rank == 0) make_file("other.h5", N - 1);
  MPI_Barrier(MPI_COMM_WORLD);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));

  drawn_parts(train("drawn", "inputs: /in, targets: /out, split: {validation: 0.2, test: 0.1, "
                             "seed: 5}"));
  answer said = evaluate(comm, "drawn", file, LS_AUTO);
  CHECK(strcmp(said.split, "all") == 0 && said.samples == N - 1);
  refused("drawn", file, LS_TEST, "other.h5: there is no test part: it has 699 rows");
  said = evaluate(comm, "drawn", "data.split.seed=6", LS_TEST); /* another draw */
  CHECK(said.samples > 40 && fabs(said.rmse - evaluate(comm, "drawn", NULL, LS_TEST).rmse) > 1e-4);

  /* validation alone is drawn; the first rows of the others are trained on */
  (void)train("part", "inputs: /in, targets: /out, limit: 100, split: {validation: 0.3}");
  CHECK(strcmp(evaluate(comm, "part", NULL, LS_AUTO).split, "validation") == 0);
  CHECK(evaluate(comm, "part", NULL, LS_TRAIN).samples == 100);
  CHECK(evaluate(comm, "part", NULL, LS_ALL).samples == N);
  refused("part", NULL, LS_TEST,
          "data.h5: there is no test part; there is: train, validation, all");

  /* nothing is drawn */
  (void)train("whole", "inputs: /in, targets: /out");
  said = evaluate(comm, "whole", NULL, LS_AUTO);
  CHECK(strcmp(said.split, "all") == 0 && said.samples == N);
  CHECK(evaluate(comm, "whole", NULL, LS_TRAIN).samples == N);
  refused("whole", NULL, LS_TEST, "there is: train, all");

  /* groups: all of them one after another; of another file its own, and nothing drawn */
  (void)train("groups", "split: {validation: 0.1}");
  CHECK(strcmp(evaluate(comm, "groups", NULL, LS_AUTO).split, "test") == 0);
  CHECK(predict("groups", LS_ALL, all) == N && predict("groups", LS_TEST, some) == N - TRAIN);
  for (size_t i = 0; i < N - TRAIN; i++) CHECK(fabsf(some[i] - all[TRAIN + i]) < 1e-5F);
  CHECK(evaluate(comm, "groups", file, LS_TEST).samples == N - 1 - TRAIN);

  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  CHECK(ls__alloc_alive() == 0);
  MPI_Finalize();
  return 0;
}

/* ranks: 1 2 3 */
/* Every case of tests/golden: the same initial weights and batches give PyTorch's (textbook_a:
 * NumPy's) weights to 1e-5 relative to each tensor's norm. */
#include <dirent.h>
#include <lockstep/comm.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "train/trainer.h"

#define MUST(what)                                                      \
  do {                                                                  \
    ls_status must = (what);                                            \
    if (must != LS_OK) {                                                \
      fprintf(stderr, "%s: %s: %s\n", path, #what, ls_error_message()); \
      MPI_Abort(MPI_COMM_WORLD, 1);                                     \
    }                                                                   \
  } while (0)

/* The config attribute, with @FILE@ replaced. */
static char *config_text(ls__h5 *file, const char *path) {
  char *text = NULL, *whole;
  MUST(ls__h5_get_string(file, "/", "config", &text));
  char *mark = strstr(text, "@FILE@");
  whole = ls__calloc(strlen(text) + strlen(path) + 1, 1);
  if (mark == NULL || whole == NULL) MUST(ls__fail(LS_EDATA, "no @FILE@ in the config"));
  snprintf(whole, strlen(text) + strlen(path) + 1, "%.*s%s%s", (int)(mark - text), text, path,
           mark + 6);
  ls__free(text);
  return whole;
}

/* Largest relative error over parameters, or the initial weights put in place. */
static double each_parameter(ls__h5 *file, const char *path, ls_model *model, bool set) {
  double worst = 0;
  const ls__graph *graph = model->graph;
  for (int t = 0; t < graph->n_tensors; t++) {
    const ls__tensor *tensor = &graph->tensor[t];
    float *mine = model->parameters + tensor->offset,
          *stored = ls__calloc(tensor->n, sizeof *stored);
    char name[512];
    double apart = 0, norm = 0;
    snprintf(name, sizeof name, "/%s/%s", set ? "initial" : "expected", tensor->name);
    MUST(ls__h5_read(file, name, LS__F32, stored));
    for (size_t e = 0; e < tensor->n; e++) {
      if (set) mine[e] = stored[e];
      apart += pow((double)mine[e] - (double)stored[e], 2);
      norm += pow((double)stored[e], 2);
    }
    ls__free(stored);
    double error = sqrt(apart / norm);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

static bool run_case(ls_comm *comm, const char *path, double limit) {
  ls__h5 *file = NULL;
  ls_config *config = NULL;
  ls_trainer *t = NULL;
  const ls_train_options quiet = {.progress = LS_PROGRESS_NONE};
  MUST(ls__h5_open(path, &file));
  char *text = config_text(file, path);
  MUST(ls_config_parse(text, path, &config));
  MUST(ls_config_override(config, "exchange=tree"));
  MUST(ls_trainer_create(comm, config, NULL, &quiet, &t));
  if (ls_comm_rank(comm) == 0) (void)each_parameter(file, path, ls_trainer_model(t), true);
  MUST(ls__exchange_publish(t->exchange));
  MUST(ls_trainer_run(t, NULL));
  double error = each_parameter(file, path, ls_trainer_model(t), false);
  bool good = error <= limit;
  if (ls_comm_rank(comm) == 0)
    printf("%-64s %.1e%s\n", strrchr(path, '/') + 1, error, good ? "" : "  WRONG");
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  ls__free(text);
  ls__h5_close(file);
  return good;
}

static int by_name(const void *a, const void *b) {
  return strcmp(a, b);
}

int main(int argc, char **argv) {
  enum { MOST = 256, BYTES = 512 };
  static char paths[MOST][BYTES];
  size_t n = 0;
  int bad = 0;
  const char *path = LOCKSTEP_TEST_GOLDEN;
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
    if (strstr(entry->d_name, ".h5") != NULL && n < MOST)
      snprintf(paths[n++], BYTES, "%s/%s", LOCKSTEP_TEST_GOLDEN, entry->d_name);
  if (folder != NULL) closedir(folder);
  qsort(paths, n, BYTES, by_name);
  for (size_t i = 0; i < n; i++)
    if (argc < 2 || strstr(paths[i], argv[1]) != NULL) bad += !run_case(comm, paths[i], 1e-5);
  if (n < 40) {
    fprintf(stderr, "%s: only %zu cases\n", path, n);
    bad++;
  }
  ls_comm_destroy(comm);
  MPI_Finalize();
  return bad != 0;
}

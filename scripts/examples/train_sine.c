/* Build, train and use a network through the library: sin(x) from 512 samples.
 *
 *   cc train_sine.c $(pkg-config --cflags --libs lockstep) $(mpicc --showme:compile --showme:link) -lm
 *   mpirun -n 2 ./a.out sine.h5 */
#include <lockstep/lockstep.h>
#include <math.h>
#include <stdio.h>

enum { N = 512 };

static const char config_text[] = "model:\n"
                                  "  - dense: {units: 32, activation: tanh}\n"
                                  "  - dense: {units: 32, activation: tanh}\n"
                                  "  - dense: {units: 1}\n"
                                  "loss: mse\n"
                                  "optimizer: {adam: {lr: 0.01}}\n"
                                  "train: {batch: 64, epochs: 150, seed: 1, lanes: 4}\n";

/* Train on the ranks of comm; the network is saved to path by rank 0. */
static ls_status train(ls_comm *comm, const char *path) {
  static float x[N], y[N];
  const ls_shape one = {1, {1}};
  ls_config *config = NULL;
  ls_data *data = NULL;
  ls_trainer *trainer = NULL;
  ls_train_summary summary;
  for (int i = 0; i < N; i++) {
    x[i] = 6.2831853F * (float)i / N - 3.1415927F;
    y[i] = sinf(x[i]);
  }
  const ls_train_options quiet = {.progress = LS_PROGRESS_NONE};
  ls_status st = ls_config_parse(config_text, "sine", &config);
  if (st == LS_OK) st = ls_data_from_arrays(N, &one, x, &one, y, &data);
  st = ls_comm_agree(comm, st); /* all ranks go on, or none */
  if (st == LS_OK) st = ls_trainer_create(comm, config, data, &quiet, &trainer);
  if (st == LS_OK) st = ls_trainer_run(trainer, &summary);
  if (st == LS_OK && ls_comm_rank(comm) == 0) {
    printf("%llu steps, mean squared error %.2e\n", (unsigned long long)summary.steps,
           summary.loss);
    st = ls_model_save(ls_trainer_model(trainer), path);
  }
  st = ls_comm_agree(comm, st);
  ls_trainer_destroy(trainer);
  ls_data_close(data);
  ls_config_destroy(config);
  return st;
}

int main(int argc, char **argv) {
  ls_comm *comm = NULL;
  ls_model *model = NULL;
  const char *path = argc > 1 ? argv[1] : "sine.h5";
  MPI_Init(&argc, &argv);
  ls_status st = ls_comm_create(MPI_COMM_WORLD, &comm);
  if (st == LS_OK) st = train(comm, path);
  if (st == LS_OK && ls_comm_rank(comm) == 0) {
    float x[3] = {-1.0F, 0.5F, 2.0F}, y[3];
    st = ls_model_load(path, &model);
    if (st == LS_OK) st = ls_model_predict(model, 3, x, y);
    for (int i = 0; i < 3 && st == LS_OK; i++)
      printf("sin(%4.1f) = %7.4f, the network says %7.4f\n", (double)x[i], sin((double)x[i]),
             (double)y[i]);
  }
  if (st != LS_OK) fprintf(stderr, "train_sine: %s\n", ls_error_message());
  ls_model_destroy(model);
  ls_comm_destroy(comm);
  MPI_Finalize();
  return ls_status_exit_code(st);
}

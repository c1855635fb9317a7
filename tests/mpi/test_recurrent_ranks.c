/* ranks: 1 2 3 4 6 */
/* One weights_hash of recurrent layers and attention whatever the number of ranks and the size of passes,
 * with sequences of different lengths, states from layer to layer, and dropout of attention. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <math.h>

#include "base/alloc.h"
#include "mpi_check.h"
#include "ports_file.h"
#include "train/trainer.h"

enum { N = 103, INPUTS = 7, POINTS = 4, WORDS = 9 }; /* 2 batches and one of 9 */
static char folder[256];

/* word, 1 to 8, is the length. */
static const char text[] = "data: {file: none, inputs: {field: field, word: steps}, targets: "
                           "{curve: curve, kind: kind},\n"
                           "       lengths: {curve: length}}\n"
                           "model:\n"
                           "- dense: {units: 40, from: field}\n"
                           "- reshape: {shape: [8, 5], name: steps}\n"
                           "- attention: {num_heads: 1, key_dim: 4, positions: rotary, "
                           "dropout: 0.2, from: [steps, word], name: turned}\n"
                           "- attention: {num_heads: 5, positions: relative, max_distance: 3, "
                           "dropout: 0.1, causal: true, name: near}\n"
                           "- add: {from: [steps, near], name: both}\n"
                           "- lstm: {units: 9, bidirectional: concat, return_sequences: true, "
                           "name: "
                           "a, from: [both, word]}\n"
                           "- gru: {units: 6, return_sequences: true, name: b, from: [a, word]}\n"
                           "- gru: {units: 5, bidirectional: add, name: c, from: [a, "
                           "word]}\n"
                           "- last_step: {from: [b, word], name: end}\n"
                           "- rnn: {units: 4, go_backwards: true, from: b, name: d}\n"
                           "- lstm: {units: 3, return_state: true, from: [a, word], name: e}\n"
                           "- lstm: {units: 3, initial_state: input, from: [b, e, word], name: f}\n"
                           "- gru: {units: 4, initial_state: learned, reset_after: false, "
                           "go_backwards: true, from: [b, word], name: g}\n"
                           "- lengths: {from: field, name: seven}\n"
                           "- global_avg_pool: {from: [a, seven], name: h}\n"
                           "- global_max_pool: {from: [near, word], name: i}\n"
                           "- concatenate: {from: [end, c, d, f, g, h, i], name: all}\n"
                           "- dense: {units: 4, name: curve}\n"
                           "- dense: {units: 3, name: kind, from: all}\n"
                           "outputs: [curve, kind]\n"
                           "loss: {curve: mse, kind: cross_entropy}\n"
                           "optimizer: {adam: {lr: 0.01}}\n"
                           "train: {batch: 47, epochs: 2, seed: 9, lanes: 12}\n"
                           "output: none\n";

static uint64_t train(ls_comm *comm, const char *setting, size_t *pass) {
  char file[300];
  ls_config *config = NULL;
  ls_trainer *t = NULL;
  ls_train_summary summary;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE};
  MUST(ls_config_parse(text, "test", &config));
  MUST(ls_config_override(config, setting));
  snprintf(file, sizeof file, "data.file='%s/ports.h5'", folder);
  MUST(ls_config_override(config, file));
  MUST(ls_trainer_create(comm, config, NULL, &options, &t));
  MUST(ls_trainer_run(t, &summary));
  CHECK(isfinite(summary.loss) && summary.steps == 6);
  *pass = t->pass;
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  return summary.weights_hash;
}

int main(int argc, char **argv) {
  int rank = 0;
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) make_ports(folder, N, INPUTS, POINTS, WORDS, 3);
  MPI_Barrier(MPI_COMM_WORLD);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  static const char *const settings[] = {"exchange=shared", "exchange=tree", "train.pass_mb=0.1",
                                         "train.pass_mb=0.001"};
  const bool own = ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN;
  size_t pass, first = 0;
  const uint64_t alone = train(NULL, "exchange=tree", &pass);
  CHECK(!own || pass == 12);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const uint64_t hash = train(comm, settings[i], &pass);
    if (i == 0) first = pass;
    if (hash != alone)
      fprintf(stderr, "rank %d, %s: %016llx, alone %016llx\n", rank, settings[i],
              (unsigned long long)hash, (unsigned long long)alone);
    CHECK(hash == alone);
  }
  CHECK(pass == 1 && (!own || first > 1));
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  CHECK(ls__alloc_alive() == 0);
  MPI_Finalize();
  return 0;
}

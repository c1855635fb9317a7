/* evaluate and predict: the same arguments; one prints, the other writes a file. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <stdlib.h>

#include "cli.h"

static const char *data;
static int split = -1; /* the command's own */
static bool json;
static ls_predict_options how;
static const char *keep[64];

/* The overrides, with that of --data first if it is given; *n of them. */
static ls_status gather(const cli *c, const char ***overrides, size_t *n, char **file) {
  *overrides = calloc((size_t)c->argc + 1, sizeof **overrides);
  if (*overrides == NULL) return LS_ENOMEM;
  if (data != NULL) {
    *file = quoted_override("data.file", data);
    if (*file == NULL) return LS_ENOMEM;
    (*overrides)[(*n)++] = *file;
  }
  for (int i = 1; i < c->argc; i++) (*overrides)[(*n)++] = c->argv[i];
  return LS_OK;
}

static ls_status run(cli *c, bool predict) {
  const char **overrides = NULL;
  char *file = NULL;
  size_t n = 0;
  const ls_split part = split >= 0 ? (ls_split)split : predict ? LS_ALL : LS_AUTO;
  ls_status st = cli_no_checkpoint(c, c->argv[0]);
  if (st == LS_OK) st = gather(c, &overrides, &n, &file);
  if (st == LS_OK && predict) st = ls_predict_to(c->comm, c->argv[0], overrides, n, part, &how);
  if (st == LS_OK && !predict)
    st = ls_evaluate(c->comm, c->argv[0], overrides, n, part, json, stdout);
  free(overrides);
  free(file);
  return st;
}

static ls_status run_evaluate(cli *c) {
  return run(c, false);
}

static ls_status run_predict(cli *c) {
  how.keep = keep;
  how.out = stdout;
  c->lost = "the predictions are written";
  ls_status st = ls_comm_agree(c->comm, how.output != NULL ? LS_OK
                                                           : usage_error(c, "-o OUT.csv (or "
                                                                            "OUT.h5) is missing"));
  return st == LS_OK ? run(c, true) : st;
}

static bool add_keep(const char *text, void *to) {
  (void)to;
  if (text[0] == '\0' || how.n_keep == sizeof keep / sizeof *keep) return false;
  keep[how.n_keep++] = text;
  return true;
}

#define CHECKPOINT \
  { "CHECKPOINT", "a checkpoint or run directory", false, CLI_FILES, NULL, NULL }

static const cli_argument evaluate_arguments[] = {
    CHECKPOINT,
    CLI_OVERRIDES("overrides of the checkpoint's configuration, as in data.targets=/y2"),
    CLI_ARGUMENTS_END,
};
static const cli_option evaluate_options[] = {
    CLI_FILE(0, "data", "FILE", &data,
             "another data file, read as the training's was; also a table (.csv, .tsv, .txt, .dat, "
             ".data, also .gz) with the columns of the one that the training's data were converted "
             "from"),
    CLI_CHOICE(0, "split", "PART", &split, cli_splits,
               "train, validation, test or all (default: test; where there is none, validation; "
               "where that is missing too, all)"),
    CLI_FLAG(0, "json", &json, "one JSON object"),
    CLI_END,
};

const command cmd_evaluate = {
    .name = "evaluate",
    .summary = "score a trained network on a part of a dataset",
    .synopsis = "[mpirun -n N] lockstep evaluate CHECKPOINT [KEY=VALUE...] [options]",
    .prose = "Prints the part that it scored, its samples, loss and metrics, and for classes "
             "precision, recall, F1 and the confusion matrix.\n"
             "\n"
             "CHECKPOINT is a file or a run directory (its final checkpoint, else the best, else "
             "the newest).  The data are those that the network was trained with, unless "
             "overridden.  Parts that data.split drew are drawn again, the same rows, if the file "
             "has as many rows as the training's.",
    .arguments = evaluate_arguments,
    .options = evaluate_options,
    .computes = true,
    .run = run_evaluate,
};

static const cli_argument predict_arguments[] = {
    CHECKPOINT,
    CLI_OVERRIDES("overrides of the checkpoint's configuration"),
    CLI_ARGUMENTS_END,
};
static const cli_option predict_options[] = {
    CLI_FILE('o', "output", "OUT", &how.output,
             "the file to make: .csv or .tsv (also .csv.gz, .tsv.gz), .npy, or .h5"),
    CLI_FILE(0, "data", "FILE", &data,
             "other data, without targets too: an HDF5 file, or a table (.csv, .tsv, .txt, .dat, "
             ".data, also .gz) with the columns of the one that the training's data were converted "
             "from"),
    CLI_READ(0, "keep", "COLUMN", keep, add_keep, "the name of a column (of at most 64)",
             "put this column before the predictions, as it is; of a table, or a one-dimensional "
             "dataset of an HDF5 file; may be given several times; for .csv and .tsv"),
    CLI_FLAG(0, "with-targets", &how.with_targets,
             "put the true values beside the predictions, where the data have them"),
    CLI_FLAG(0, "classes-only", &how.classes_only,
             "of classes the most probable and its probability, not those of all; for .csv and "
             ".tsv.  Of sequences of labels (loss ctc) these alone, in an HDF5 file too"),
    CLI_COUNT(0, "beam", "N", &how.beam,
              "sequences of labels by a prefix beam search that keeps the N best beginnings, in "
              "place of the labels of the best path"),
    CLI_CHOICE(0, "split", "PART", &split, cli_splits,
               "train, validation, test or all (default all); parts as for evaluate"),
    CLI_END,
};

const command cmd_predict = {
    .name = "predict",
    .summary = "write a trained network's predictions to a file",
    .synopsis = "[mpirun -n N] lockstep predict CHECKPOINT -o OUT [KEY=VALUE...] [options]",
    .prose = "A .csv or .tsv has a row a sample: numbers in the targets' own units, under the "
             "names of "
             "their columns; of classes the name, its probability, and that of each class.  An "
             "HDF5 file "
             "has /predictions [N, outputs] (probabilities after cross_entropy and "
             "binary_cross_entropy), and for classes /classes [N].  After ctc there are sequences "
             "of labels: a column "
             "`sequence`, and in HDF5 /sequences and /sequence_lengths.  All rows: in the file's "
             "order, "
             "and "
             "of groups train, then validation, then test.  One line says what was written.",
    .arguments = predict_arguments,
    .options = predict_options,
    .computes = true,
    .run = run_predict,
};

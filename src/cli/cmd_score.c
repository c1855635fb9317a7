/* evaluate and predict: the same arguments, but for where the results go. */
#include <getopt.h>
#include <lockstep/train.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct request {
  const char *checkpoint, *output;
  const char **overrides; /* the data file first, where one is given */
  size_t n;
  char *file_override;
  ls_split split;
  bool json;
} request;

static ls_status parse(cli *c, bool predict, request *r) {
  static const struct option options[] = {{"data", required_argument, NULL, 'd'},
                                          {"split", required_argument, NULL, 's'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"json", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
  const char *data = NULL;
  opterr = 0;
  r->split = predict ? LS_ALL : LS_AUTO;
  for (int code; (code = getopt_long(c->argc, c->argv, ":o:", options, NULL)) != -1;) {
    if (code == 'd') {
      data = optarg;
    } else if (code == 's') {
      ls_status st = parse_split(c, optarg, &r->split);
      if (st != LS_OK) return st;
    } else if (code == 'o' && predict) {
      r->output = optarg;
    } else if (code == 'j' && !predict) {
      r->json = true;
    } else {
      return unknown_option(c, code);
    }
  }
  if (optind >= c->argc) return usage_error(c, "a checkpoint or run directory is missing");
  if (predict && r->output == NULL) return usage_error(c, "-o OUT.h5 is missing");
  r->checkpoint = c->argv[optind++];
  r->overrides = calloc((size_t)(c->argc - optind) + 1, sizeof *r->overrides);
  if (r->overrides == NULL) return LS_ENOMEM;
  if (data != NULL) {
    r->file_override = quoted_override("data.file", data);
    if (r->file_override == NULL) return LS_ENOMEM;
    r->overrides[r->n++] = r->file_override;
  }
  for (; optind < c->argc; optind++) r->overrides[r->n++] = c->argv[optind];
  return LS_OK;
}

static ls_status run(cli *c, bool predict) {
  request r = {0};
  ls_status st = parse(c, predict, &r);
  if (st == LS_OK && predict)
    st = ls_predict(c->comm, r.checkpoint, r.overrides, r.n, r.split, r.output);
  else if (st == LS_OK)
    st = ls_evaluate(c->comm, r.checkpoint, r.overrides, r.n, r.split, r.json, stdout);
  free(r.overrides);
  free(r.file_override);
  return st;
}

static ls_status run_evaluate(cli *c) {
  return run(c, false);
}

static ls_status run_predict(cli *c) {
  return run(c, true);
}

const command cmd_evaluate = {
    "evaluate", "score a trained network on a part of a dataset",
    "usage: [mpirun -n N] lockstep evaluate CHECKPOINT [KEY=VALUE...] [options]\n"
    "\n"
    "Prints the part that it scored, its samples, loss and metrics, and for classes precision, recall,\n"
    "F1 and the confusion matrix.\n"
    "CHECKPOINT is a file or a run directory (its final checkpoint, else the best, else the newest).\n"
    "The data are those that the network was trained with, unless overridden.  Parts that data.split\n"
    "drew are drawn again, the same rows, if the file has as many rows as the training's.\n"
    "\n"
    "  --data FILE.h5   another data file, read as the training's was\n"
    "  --split PART     train, validation, test or all (default: test; where there is none, validation;\n"
    "                   where that is missing too, all)\n"
    "  --json           one JSON object\n"
    "  KEY=VALUE        other overrides of the checkpoint's configuration, as in data.targets=/y2\n",
    run_evaluate};

const command cmd_predict = {
    "predict", "write a trained network's predictions to a file",
    "usage: [mpirun -n N] lockstep predict CHECKPOINT -o OUT.h5 [KEY=VALUE...] [options]\n"
    "\n"
    "Writes /predictions [N, outputs] in the targets' own units (probabilities after a softmax or\n"
    "sigmoid), and for classes /classes [N].  All rows: in the file's order, and of groups train, then\n"
    "validation, then test.\n"
    "\n"
    "  -o, --output OUT.h5   the file to make\n"
    "  --data FILE.h5        another data file; it needs no targets\n"
    "  --split PART          train, validation, test or all (default all); parts as for evaluate\n"
    "  KEY=VALUE             other overrides of the checkpoint's configuration\n",
    run_predict};

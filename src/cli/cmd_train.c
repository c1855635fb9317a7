#include <getopt.h>
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* "runs/digits" for "some/where/digits.yaml" */
static void default_output(const char *config, char *path, size_t bytes) {
  const char *name = strrchr(config, '/');
  name = name != NULL ? name + 1 : config;
  const char *dot = strrchr(name, '.');
  size_t n = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
  snprintf(path, bytes, "runs/%.*s", (int)n, name);
}

static ls_status load(cli *c, ls_config **config) {
  ls_status st = ls_config_load(c->argv[optind], config);
  for (int i = optind + 1; i < c->argc && st == LS_OK; i++)
    st = ls_config_override(*config, c->argv[i]);
  return st;
}

static ls_status parse_progress(const cli *c, const char *text, ls_progress *progress) {
  static const char *const name[] = {"auto", "bar", "plain", "none"};
  for (int i = 0; i < 4; i++)
    if (strcmp(text, name[i]) == 0) {
      *progress = (ls_progress)i;
      return LS_OK;
    }
  return usage_error(c, "--progress=%s: one of auto, bar, plain, none is wanted", text);
}

static ls_status run(cli *c) {
  static const struct option options[] = {{"resume", no_argument, NULL, 'r'},
                                          {"dry-run", no_argument, NULL, 'n'},
                                          {"progress", required_argument, NULL, 'p'},
                                          {NULL, 0, NULL, 0}};
  ls_train_options how = {0};
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  bool dry_run = false;
  char output[4096];
  opterr = 0;
  for (int code; (code = getopt_long(c->argc, c->argv, ":", options, NULL)) != -1;) {
    if (code == 'r') {
      how.resume = true;
    } else if (code == 'n') {
      dry_run = true;
    } else if (code == 'p') {
      ls_status st = parse_progress(c, optarg, &how.progress);
      if (st != LS_OK) return st;
    } else {
      return unknown_option(c, code);
    }
  }
  if (optind >= c->argc) return usage_error(c, "a configuration is missing");
  default_output(c->argv[optind], output, sizeof output);
  how.default_output = output;

  ls_status st = ls_comm_agree(c->comm, load(c, &config));
  if (st == LS_OK) st = ls_trainer_create(c->comm, config, NULL, &how, &trainer);
  if (st == LS_OK) st = dry_run ? ls_trainer_print_plan(trainer, stdout) : ls_trainer_run(trainer, NULL);
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return st;
}

const command cmd_train = {
    "train", "train a network as a configuration says",
    "usage: [mpirun -n N] lockstep train CONFIG [KEY=VALUE...] [options]\n"
    "\n"
    "Trains the network of a YAML configuration; KEY=VALUE overrides a setting by its dotted path,\n"
    "as in train.batch=64 or model.0.dense.units=32.  Results go to the configuration's `output`\n"
    "(runs/NAME for NAME.yaml): config.yaml, metrics.jsonl, summary.json, checkpoints/.  A run that\n"
    "is there already is moved aside, never overwritten.\n"
    "\n"
    "  --resume         continue from the newest whole checkpoint of the output directory, on any\n"
    "                   number of ranks; start when there is none\n"
    "  --dry-run        show the network, the memory a rank, the lanes and the buckets; train nothing\n"
    "  --progress=HOW   auto (a bar on a terminal, lines elsewhere), bar, plain, none\n"
    "\n"
    "SIGTERM, SIGUSR1 or one interrupt: write a checkpoint and exit with code 75.\n",
    run};

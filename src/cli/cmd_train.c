/* train: a run from a configuration, new or resumed, or only its plan (--dry-run). */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <string.h>

#include "cli.h"

static ls_train_options how;
static int progress = LS_PROGRESS_AUTO;
static bool dry_run;

/* "runs/digits" for "some/where/digits.yaml" */
static void default_output(const char *config, char *path, size_t bytes) {
  const char *name = strrchr(config, '/');
  name = name != NULL ? name + 1 : config;
  const char *dot = strrchr(name, '.');
  size_t n = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
  snprintf(path, bytes, "runs/%.*s", (int)n, name);
}

static ls_status run(cli *c) {
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  char output[4096];
  default_output(c->argv[0], output, sizeof output);
  how.default_output = output;
  how.progress = (ls_progress)progress;
  how.next = true;
  if (!dry_run) c->lost = "lines of progress are lost, the training is not";

  ls_status st = ls_comm_agree(c->comm, load_config(c, &config));
  if (st == LS_OK) st = ls_trainer_create(c->comm, config, NULL, &how, &trainer);
  if (st == LS_OK)
    st = dry_run ? ls_trainer_print_plan(trainer, stdout) : ls_trainer_run(trainer, NULL);
  const char *pictures = trainer != NULL ? ls_trainer_pictures(trainer) : NULL;
  if (pictures != NULL) snprintf(c->pictures, sizeof c->pictures, "%s", pictures);
  c->quiet = progress == LS_PROGRESS_NONE;
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return st;
}

/* In the order of ls_progress. */
static const char *const ways[] = {"auto", "bar", "plain", "none", NULL};

static const cli_argument arguments[] = {
    {"CONFIG", "a configuration", false, CLI_FILES, NULL, NULL},
    CLI_OVERRIDES(NULL),
    CLI_ARGUMENTS_END,
};
static const cli_option options[] = {
    CLI_FLAG(0, "resume", &how.resume,
             "continue from the newest whole checkpoint of the output directory, on any number of "
             "ranks; start when there is none"),
    CLI_FLAG(0, "force", &how.force,
             "resume with another loss, optimizer, normalisation or other data, too; what is new "
             "is said"),
    CLI_FLAG(0, "dry-run", &dry_run,
             "show the network, the memory a rank, the lanes and the buckets; train nothing"),
    CLI_CHOICE(0, "progress", "HOW", &progress, ways,
               "auto (a bar on a terminal, lines elsewhere), bar, plain, none"),
    CLI_END,
};

const command cmd_train = {
    .name = "train",
    .summary = "train a network as a configuration says",
    .synopsis = "[mpirun -n N] lockstep train CONFIG [KEY=VALUE...] [options]",
    .prose = "Trains the network of a YAML configuration; KEY=VALUE overrides a setting by its "
             "dotted path, as in train.batch=64 or model.0.dense.units=32 (lockstep help tells of "
             "all keys).  Results go to the configuration's `output` (runs/NAME for NAME.yaml): "
             "config.yaml, metrics.jsonl, summary.json, checkpoints/.  A run that is there already "
             "is moved aside, never overwritten.",
    .arguments = arguments,
    .options = options,
    .more = "SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU (ulimit -t) or one interrupt: write a "
            "checkpoint and exit with code 75.",
    .computes = true,
    .run = run,
};

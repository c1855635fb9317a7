/* scaling: how a run scales with its ranks, which a script measures. */
#include <stdint.h>
#include <stdlib.h>

#include "cli.h"

static const char *ranks, *repeat, *steps, *out;
static const char *const modes[] = {"strong", "weak", NULL};
static int mode;

/* "--NAME VALUE", where there is a value. */
static size_t put(char **to, size_t n, const char *name, const char *value) {
  if (value == NULL) return n;
  to[n] = (char *)(uintptr_t)name; /* exec changes no argument */
  to[n + 1] = (char *)(uintptr_t)value;
  return n + 2;
}

static ls_status run(cli *c) {
  char **words = calloc((size_t)c->argc + 16, sizeof *words);
  if (words == NULL) return ls_fail(LS_ENOMEM, "%s: out of memory", c->name);
  size_t n = 0;
  n = put(words, n, "--ranks", ranks);
  n = put(words, n, "--mode", modes[mode]);
  n = put(words, n, "--repeat", repeat);
  n = put(words, n, "--steps", steps);
  n = put(words, n, "--out", out);
  for (int i = 0; i < c->argc; i++) words[n++] = c->argv[i];
  const ls_status st = cli_become_script(c, "scaling.sh", words, n);
  free(words);
  return st;
}

static const cli_argument arguments[] = {
    {"CONFIG", "a configuration", false, CLI_FILES, NULL, NULL},
    CLI_OVERRIDES("overrides of the configuration, as for train"),
    CLI_ARGUMENTS_END,
};
static const cli_option options[] = {
    CLI_TEXT(0, "ranks", "1,2,4", &ranks,
             "numbers of ranks; the others are compared with the first (1,2)"),
    CLI_CHOICE(0, "mode", "strong|weak", &mode, modes,
               "strong: the batch stays, and ranks share it (default); weak: it grows with the "
               "ranks"),
    CLI_TEXT(0, "repeat", "N", &repeat,
             "runs of each kind; the table has the median, least and most (3)"),
    CLI_TEXT(0, "steps", "N", &steps, "steps of each run (100)"),
    CLI_FILE(0, "out", "DIRECTORY", &out,
             "where numbers, pictures and runs go (runs/scaling-MODE)"),
    CLI_END,
};

const command cmd_scaling = {
    .name = "scaling",
    .summary = "measure how a training scales with its ranks",
    .synopsis = "lockstep scaling CONFIG [KEY=VALUE...] [--ranks 1,2,4] [--mode strong|weak]",
    .prose = "Trains some steps on each number of ranks, several times in turn, by mpirun or what "
             "the variable MPIRUN says, and writes speed, efficiency and the parts of a step as "
             "results.json, results.csv and scaling.png.  In an allocation of SLURM mpirun finds "
             "the nodes itself.  Needs bash and Python 3, for the picture gnuplot.",
    .arguments = arguments,
    .options = options,
    .alone = true,
    .run = run,
};

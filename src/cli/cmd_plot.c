/* plot: the pictures of a run, again. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <sys/stat.h>

#include "cli.h"

static ls_status run(cli *c) {
  const char *directory = c->argv[0];
  struct stat s;
  ls_status st = LS_OK;
  if (stat(directory, &s) == 0 && !S_ISDIR(s.st_mode))
    st = usage_error(c, "%s is a file; a run directory is wanted", directory);
  st = ls_comm_agree(c->comm, st);
  if (st == LS_OK)
    st = ls_pictures_write(c->comm, directory, (const char *const *)c->argv + 1,
                           (size_t)c->argc - 1);
  if (st == LS_OK) snprintf(c->pictures, sizeof c->pictures, "%s/pictures", directory);
  return st;
}

static const cli_argument arguments[] = {
    {"RUN", "a run directory", false, CLI_FILES, NULL, NULL},
    CLI_OVERRIDES("overrides of the run's configuration, as in data.file=other.h5"),
    CLI_ARGUMENTS_END,
};
static const cli_option options[] = {CLI_END};

const command cmd_plot = {
    .name = "plot",
    .summary = "draw the pictures of a run again",
    .synopsis = "[mpirun -n N] lockstep plot RUN [KEY=VALUE...]",
    .prose = "Draws what the end of a training draws: learning curves, and of the validation part "
             "(or "
             "the training part, where there is none) the confusion matrix and a page of "
             "predictions, as PNG and SVG in RUN/pictures.  gnuplot draws; the variable GNUPLOT "
             "names "
             "another program, or none where it is empty.",
    .arguments = arguments,
    .options = options,
    .computes = true,
    .run = run,
};

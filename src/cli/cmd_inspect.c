/* inspect: what a dataset or a checkpoint holds. */
#include <lockstep/convert.h>

#include "cli.h"

static bool json;

static ls_status work(void *context) {
  return ls_inspect(context, json, stdout);
}

static ls_status run(cli *c) {
  return on_root(c, work, c->argv[0]);
}

static const cli_argument arguments[] = {
    {"FILE.h5", "a file", false, CLI_FILES, NULL, NULL},
    CLI_ARGUMENTS_END,
};
static const cli_option options[] = {
    CLI_FLAG(0, "json", &json, "one JSON object"),
    CLI_END,
};

const command cmd_inspect = {
    .name = "inspect",
    .summary = "show what a dataset or checkpoint holds",
    .synopsis = "lockstep inspect FILE.h5 [--json]",
    .prose = "Shows the datasets of an HDF5 file, their shapes, types, ranges and class counts; of "
             "a checkpoint its training state and parameters.",
    .arguments = arguments,
    .options = options,
    .run = run,
};

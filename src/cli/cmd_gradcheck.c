/* gradcheck: backpropagation against central differences. */
#include <lockstep/train.h>

#include "cli.h"

static bool json;

static ls_status work(void *context) {
  ls_config *config = NULL;
  ls_status st = load_config(context, &config);
  if (st == LS_OK) st = ls_gradcheck(config, json, stdout);
  ls_config_destroy(config);
  return st;
}

static ls_status run(cli *c) {
  return on_root(c, work, c);
}

static const cli_argument arguments[] = {
    {"CONFIG", "a configuration", false, CLI_FILES, NULL, NULL},
    CLI_OVERRIDES("overrides of the configuration, as for train"),
    CLI_ARGUMENTS_END,
};
static const cli_option options[] = {
    CLI_FLAG(0, "json", &json, "one JSON object"),
    CLI_END,
};

const command cmd_gradcheck = {
    .name = "gradcheck",
    .summary = "compare a network's gradients with central differences",
    .synopsis = "lockstep gradcheck CONFIG [KEY=VALUE...] [--json]",
    .prose = "Computes the gradient of each parameter tensor on up to 16 training samples by "
             "backpropagation and by (L(w + h) - L(w - h)) / 2h, and prints the relative error; "
             "1e-3 or more fails with exit code 1.",
    .arguments = arguments,
    .options = options,
    .computes = true,
    .run = run,
};

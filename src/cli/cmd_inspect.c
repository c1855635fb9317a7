/* lockstep inspect. */
#include <getopt.h>
#include <lockstep/convert.h>

#include "cli.h"

typedef struct request {
  const char *path;
  bool json;
} request;

static ls_status work(void *context) {
  const request *r = context;
  return ls_inspect(r->path, r->json, stdout);
}

static ls_status run(cli *c) {
  static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
  request r = {0};
  opterr = 0;
  for (int code; (code = getopt_long(c->argc, c->argv, ":", options, NULL)) != -1;) {
    if (code != 'j') return unknown_option(c, code);
    r.json = true;
  }
  if (optind + 1 != c->argc) return usage_error(c, "one file is wanted");
  r.path = c->argv[optind];
  return on_root(c, work, &r);
}

const command cmd_inspect = {"inspect", "show what a dataset or checkpoint holds",
                             "usage: lockstep inspect FILE.h5 [--json]\n"
                             "\n"
                             "Shows the datasets of an HDF5 file, their shapes, types, ranges and class\n"
                             "counts; of a checkpoint its training state and parameters.\n"
                             "\n"
                             "  --json   one JSON object\n",
                             run};

#include <getopt.h>
#include <lockstep/train.h>

#include "cli.h"

typedef struct request {
  cli *c;
  bool json;
} request;

static ls_status work(void *context) {
  const request *r = context;
  ls_config *config = NULL;
  ls_status st = ls_config_load(r->c->argv[optind], &config);
  for (int i = optind + 1; i < r->c->argc && st == LS_OK; i++)
    st = ls_config_override(config, r->c->argv[i]);
  if (st == LS_OK) st = ls_gradcheck(config, r->json, stdout);
  ls_config_destroy(config);
  return st;
}

static ls_status run(cli *c) {
  static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
  request r = {c, false};
  opterr = 0;
  for (int code; (code = getopt_long(c->argc, c->argv, ":", options, NULL)) != -1;) {
    if (code != 'j') return unknown_option(c, code);
    r.json = true;
  }
  if (optind >= c->argc) return usage_error(c, "a configuration is missing");
  return on_root(c, work, &r);
}

const command cmd_gradcheck = {
    "gradcheck", "compare a network's gradients with central differences",
    "usage: lockstep gradcheck CONFIG [KEY=VALUE...] [--json]\n"
    "\n"
    "Computes the gradient of each parameter tensor on up to 16 training samples by backpropagation\n"
    "and by (L(w + h) - L(w - h)) / 2h, and prints the relative error; 1e-3 or more fails with exit\n"
    "code 1.\n",
    run};

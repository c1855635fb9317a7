#include <getopt.h>
#include <lockstep/bench.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static ls_status parse_count(const cli *c, const char *name, const char *text, size_t *count) {
  char *end = NULL;
  long long n = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || n < 1 || n > 1000000000LL)
    return usage_error(c, "--%s %s: a whole number from 1 on is wanted", name, text);
  *count = (size_t)n;
  return LS_OK;
}

static ls_status bench_step(cli *c) {
  static const struct option options[] = {{"batch", required_argument, NULL, 'b'},
                                          {"steps", required_argument, NULL, 's'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"json", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
  ls_bench_step_options o = {0};
  ls_status st = LS_OK;
  opterr = 0;
  for (int code; st == LS_OK && (code = getopt_long(c->argc, c->argv, ":", options, NULL)) != -1;) {
    if (code == 'b')
      st = parse_count(c, "batch", optarg, &o.batch);
    else if (code == 's')
      st = parse_count(c, "steps", optarg, &o.steps);
    else if (code == 'r')
      st = parse_count(c, "rounds", optarg, &o.rounds);
    else if (code == 'j')
      o.json = true;
    else
      st = unknown_option(c, code);
  }
  if (st != LS_OK) return st;
  if (optind + 1 >= c->argc) return usage_error(c, "bench step wants a workload");
  o.workload = c->argv[optind + 1];
  o.overrides = (const char *const *)(c->argv + optind + 2);
  o.n_overrides = (size_t)(c->argc - optind - 2);
  return ls_bench_step(c->comm, &o, stdout);
}

static ls_status run(cli *c) {
  if (c->argc >= 2 && strcmp(c->argv[1], "step") == 0) return bench_step(c);
  return usage_error(c, "it measures one of: step");
}

const command cmd_bench = {
    "bench", "measure what a step is made of",
    "usage: [mpirun -n N] lockstep bench step WORKLOAD [KEY=VALUE...] [options]\n"
    "\n"
    "Measures training steps of a reference network on synthetic data: `bare`, on one batch again and\n"
    "again, and `whole`, the training loop with shuffled samples, metrics and checks.\n"
    "\n"
    "  WORKLOAD      mlp_small  784-64-64-10, Adam, 32 samples a rank\n"
    "                mlp_large  784-1024-1024-10, SGD with momentum, 256 samples a rank\n"
    "                mlp_wide   784-4096-4096-10, SGD with momentum, 128 samples a rank\n"
    "  KEY=VALUE     overrides, as in exchange=tree or train.lanes=4; data.file=FILE.h5 takes a\n"
    "                dataset of yours in place of synthetic numbers\n"
    "  --batch N     samples of a step over all ranks\n"
    "  --steps N     steps a round (default: about half a second)\n"
    "  --rounds N    rounds, of which the median is printed (default 5)\n"
    "  --json        one JSON object\n",
    run};

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

enum { MAX_SIZES = 64 };

/* "4K", "64K", "1M", "4096": one size, at most 1 TB; the rest of the text. */
static bool read_size(const char *text, size_t *bytes, char **rest) {
  if (*text < '0' || *text > '9') return false;
  unsigned long long n = strtoull(text, rest, 10);
  int shift = 0;
  if (**rest == 'K') shift = 10;
  if (**rest == 'M') shift = 20;
  if (**rest == 'G') shift = 30;
  if (shift > 0) (*rest)++;
  if (n < 4 && shift == 0) return false;
  if (n == 0 || n > (1ULL << 40 >> shift)) return false;
  *bytes = (size_t)n << shift;
  return true;
}

static ls_status parse_sizes(const cli *c, const char *name, const char *text, size_t *sizes, size_t room,
                             size_t *n) {
  const char *at = text;
  for (*n = 0; *n < room;) {
    char *rest = NULL;
    if (!read_size(at, &sizes[*n], &rest) || (*rest != '\0' && *rest != ',')) break;
    ++*n;
    if (*rest == '\0') return LS_OK;
    at = rest + 1;
  }
  return usage_error(c, "--%s %s: %s wanted, such as %s", name, text,
                     room == 1 ? "a size is" : "up to 64 sizes are", room == 1 ? "1M" : "4K,64K,1M");
}

static ls_status bench_exchange(cli *c) {
  static const struct option options[] = {{"sizes", required_argument, NULL, 's'},
                                          {"bucket", required_argument, NULL, 'b'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"json", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
  size_t sizes[MAX_SIZES], one = 0;
  ls_bench_exchange_options o = {.sizes = sizes};
  ls_status st = LS_OK;
  opterr = 0;
  for (int code; st == LS_OK && (code = getopt_long(c->argc, c->argv, ":", options, NULL)) != -1;) {
    if (code == 's')
      st = parse_sizes(c, "sizes", optarg, sizes, MAX_SIZES, &o.n_sizes);
    else if (code == 'b')
      st = parse_sizes(c, "bucket", optarg, &o.bucket_bytes, 1, &one);
    else if (code == 'r')
      st = parse_count(c, "rounds", optarg, &o.rounds);
    else if (code == 'j')
      o.json = true;
    else
      st = unknown_option(c, code);
  }
  if (st != LS_OK) return st;
  if (optind + 1 < c->argc) return usage_error(c, "bench exchange takes options only");
  return ls_bench_exchange(c->comm, &o, stdout);
}

static ls_status run(cli *c) {
  if (c->argc >= 2 && strcmp(c->argv[1], "step") == 0) return bench_step(c);
  if (c->argc >= 2 && strcmp(c->argv[1], "exchange") == 0) return bench_exchange(c);
  return usage_error(c, "it measures one of: step, exchange");
}

const command cmd_bench = {
    "bench", "measure what a step is made of",
    "usage: [mpirun -n N] lockstep bench step WORKLOAD [KEY=VALUE...] [options]\n"
    "       mpirun -n N lockstep bench exchange [options]\n"
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
    "  --json        one JSON object\n"
    "\n"
    "bench exchange measures the exchange alone, in a table by message size (bytes of gradients that\n"
    "every rank gives), in microseconds:\n"
    "\n"
    "  shared, tree, mpi  a whole cycle of this kind of exchange: each rank gets the sum of its slice,\n"
    "                leaves the weights as they are, and all have all weights.  A dash: no room\n"
    "  allreduce     MPI_Allreduce in place: every rank gets all of the sum, and would still have to\n"
    "                update all of the weights by itself\n"
    "  limit         the bytes that must move over the copy bandwidth measured here: on a node of p ranks\n"
    "                the sum reads p messages and writes one, so all ranks at once copy buffers that\n"
    "                come to as many bytes read and written.  Between nodes, plus the time in which\n"
    "                one rank of each node sends and receives what must leave and enter a node\n"
    "  allreduce/us, limit/us  these against shared (tree where there is no room for it)\n"
    "\n"
    "  --sizes LIST  as in 4K,64K,1M (default 4K to 256M)\n"
    "  --bucket SIZE of the exchanges (default 1M)\n"
    "  --rounds N    rounds, of which the median is printed (default 7); within a round all take turns,\n"
    "                and ratios are medians of ratios within a round\n"
    "  --json        one JSON object\n",
    run};

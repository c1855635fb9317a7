/* bench step and bench exchange: what training and its exchange cost on this machine. */
#include <lockstep/bench.h>
#include <stdlib.h>

#include "cli.h"

/* ---- bench step ---- */

static ls_bench_step_options step;

static ls_status run_step(cli *c) {
  step.workload = c->argv[0];
  step.overrides = (const char *const *)(c->argv + 1);
  step.n_overrides = (size_t)(c->argc - 1);
  return ls_bench_step(c->comm, &step, stdout);
}

static const char *const workloads[] = {"mlp_small", "mlp_large", "mlp_wide", NULL};
static const cli_argument step_arguments[] = {
    {"WORKLOAD", "a workload", false, CLI_NOTHING, workloads,
     "mlp_small: 784-64-64-10, Adam, 32 samples a rank\n"
     "mlp_large: 784-1024-1024-10, SGD with momentum, 256 samples a rank\n"
     "mlp_wide: 784-4096-4096-10, SGD with momentum, 128 samples a rank"},
    CLI_OVERRIDES("overrides, as in exchange=tree or train.lanes=4; data.file=FILE.h5 takes a "
                  "dataset of yours in place of synthetic numbers"),
    CLI_ARGUMENTS_END,
};
static const cli_option step_options[] = {
    CLI_COUNT(0, "batch", "N", &step.batch, "samples of a step over all ranks"),
    CLI_COUNT(0, "steps", "N", &step.steps, "steps a round (default: about half a second)"),
    CLI_COUNT(0, "rounds", "N", &step.rounds, "rounds, of which the median is printed (default 5)"),
    CLI_FLAG(0, "json", &step.json, "one JSON object"),
    CLI_END,
};

static const command bench_step = {
    .name = "step",
    .summary = "time training steps of a reference network on synthetic data",
    .synopsis = "[mpirun -n N] lockstep bench step WORKLOAD [KEY=VALUE...] [options]",
    .prose = "Two rates: `bare`, on one batch again and again, and `whole`, the training loop with "
             "shuffled samples, metrics and checks.",
    .arguments = step_arguments,
    .options = step_options,
    .computes = true,
    .run = run_step,
};

/* ---- bench exchange ---- */

enum { MAX_SIZES = 64 };
static size_t sizes[MAX_SIZES];
static ls_bench_exchange_options exchange = {.sizes = sizes};

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

static bool read_one_size(const char *text, void *to) {
  char *rest = NULL;
  return read_size(text, to, &rest) && *rest == '\0';
}

static bool read_sizes(const char *text, void *to) {
  size_t *n = to;
  for (*n = 0; *n < MAX_SIZES;) {
    char *rest = NULL;
    if (!read_size(text, &sizes[*n], &rest) || (*rest != '\0' && *rest != ',')) return false;
    ++*n;
    if (*rest == '\0') return true;
    text = rest + 1;
  }
  return false;
}

static ls_status run_exchange(cli *c) {
  return ls_bench_exchange(c->comm, &exchange, stdout);
}

static const cli_option exchange_options[] = {
    CLI_READ(0, "sizes", "LIST", &exchange.n_sizes, read_sizes,
             "a list of up to 64 sizes, such as 4K,64K,1M,",
             "as in 4K,64K,1M (default 4K to 256M)"),
    CLI_READ(0, "bucket", "SIZE", &exchange.bucket_bytes, read_one_size, "a size, such as 1M,",
             "of the exchanges (default 1M)"),
    CLI_COUNT(0, "rounds", "N", &exchange.rounds,
              "rounds, of which the median is printed (default 7); within a round all take turns, "
              "and ratios are medians of ratios within a round"),
    CLI_FLAG(0, "json", &exchange.json, "one JSON object"),
    CLI_HEADING("columns"),
    CLI_TERM("shared, tree, mpi", "a whole cycle of this kind of exchange: each rank gets the sum "
                                  "of its slice, leaves the weights as they are, and all have all "
                                  "weights.  A dash: no room"),
    CLI_TERM("allreduce", "MPI_Allreduce in place: every rank gets all of the sum, and would still "
                          "have to update all of the weights by itself"),
    CLI_TERM("limit", "the bytes that must move over the copy bandwidth measured here: on a node "
                      "of p ranks the sum reads p messages and writes one, so all ranks at once "
                      "copy buffers that come to as many bytes read and written.  Between nodes, "
                      "plus the time in which one rank of each node sends and receives what must "
                      "leave and enter a node"),
    CLI_TERM("allreduce/us, limit/us", "these against shared (tree where there is no room for it)"),
    CLI_END,
};

static const command bench_exchange = {
    .name = "exchange",
    .summary = "time the exchange alone",
    .synopsis = "mpirun -n N lockstep bench exchange [options]",
    .prose = "A table by message size (bytes of gradients that every rank gives), in microseconds.",
    .options = exchange_options,
    .run = run_exchange,
};

static const command *const commands[] = {&bench_step, &bench_exchange, NULL};

const command cmd_bench = {
    .name = "bench",
    .summary = "measure what a step is made of",
    .synopsis = "[mpirun -n N] lockstep bench step WORKLOAD [KEY=VALUE...] [options]\n"
                "mpirun -n N lockstep bench exchange [options]",
    .prose = "Measures training steps, or the exchange of gradients alone.",
    .commands = commands,
};

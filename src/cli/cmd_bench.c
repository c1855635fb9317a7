/* bench step, exchange and product: what training, its exchange and its matrix products cost on this
 * machine. */
#include <lockstep/bench.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- bench step ---- */

static ls_bench_step_options step;

static ls_status run_step(cli *c) {
  step.workload = c->argv[0];
  step.overrides = (const char *const *)(c->argv + 1);
  step.n_overrides = (size_t)(c->argc - 1);
  return ls_bench_step(c->comm, &step, stdout);
}

static const char *const workloads[] = {"mlp_small", "mlp_large", "mlp_wide", "cnn",
                                        "resnet20",  "lstm",      "gpt",      NULL};
static const cli_argument step_arguments[] = {
    {"WORKLOAD", "a workload", false, CLI_NOTHING, workloads,
     "mlp_small: 784-64-64-10, Adam, 32 samples a rank\n"
     "mlp_large: 784-1024-1024-10, SGD with momentum, 256 samples a rank\n"
     "mlp_wide: 784-4096-4096-10, SGD with momentum, 128 samples a rank\n"
     "cnn: images of 28 x 28 x 1, conv 32 and 64, pool, 128-10, Adam, 64 samples a rank\n"
     "resnet20: images of 32 x 32 x 3, SGD with momentum, 64 samples a rank\n"
     "lstm: 64 steps of 128 numbers, 256 units, Adam, 64 samples a rank\n"
     "gpt: 128 letters of 65, 4 layers of 8 heads, 256 wide, AdamW, 16 samples a rank"},
    CLI_OVERRIDES("overrides, as in exchange=tree or train.lanes=4; data.file=FILE.h5 takes a "
                  "dataset of yours in place of synthetic numbers"),
    CLI_ARGUMENTS_END,
};
static const cli_option step_options[] = {
    CLI_COUNT(0, "batch", "N", &step.batch, "samples of a step over all ranks"),
    CLI_COUNT(0, "steps", "N", &step.steps, "steps a round (default: about half a second)"),
    CLI_COUNT(0, "rounds", "N", &step.rounds, "rounds, of which the median is printed (default 5)"),
    CLI_FLAG(0, "layers", &step.layers,
             "the time of each layer, forward and backward, and of what is no layer, in more "
             "rounds of the whole loop"),
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

/* ---- bench product ---- */

enum { MAX_SHAPES = 64 };
static ls_bench_shape shapes[MAX_SHAPES];
static ls_bench_product_options product = {.shapes = shapes};

/* A number, which the library looks at, and the rest of the text. */
static bool read_number(const char *text, size_t *n, char **rest) {
  if (*text < '0' || *text > '9') return false;
  const unsigned long long number = strtoull(text, rest, 10);
  *n = (size_t)number;
  return number > 0 && number <= UINT32_MAX;
}

/* "256x1024x1024,32x64x10" */
static bool read_shapes(const char *text, void *to) {
  size_t *n = to;
  for (*n = 0; *n < MAX_SHAPES;) {
    ls_bench_shape *s = &shapes[*n];
    char *rest = NULL;
    if (!read_number(text, &s->rows, &rest) || *rest != 'x') return false;
    if (!read_number(rest + 1, &s->in, &rest) || *rest != 'x') return false;
    if (!read_number(rest + 1, &s->out, &rest) || (*rest != '\0' && *rest != ',')) return false;
    ++*n;
    if (*rest == '\0') return true;
    text = rest + 1;
  }
  return false;
}

static bool read_precision(const char *text, void *to) {
  bool *bfloat16 = to;
  *bfloat16 = strcmp(text, "bfloat16") == 0;
  return *bfloat16 || strcmp(text, "float32") == 0;
}

static ls_status run_product(cli *c) {
  return ls_bench_product(c->comm, &product, stdout);
}

static const cli_option product_options[] = {
    CLI_READ(0, "shapes", "LIST", &product.n_shapes, read_shapes,
             "a list of up to 64 layers, such as 256x1024x1024,32x64x10,",
             "layers, as rows x inputs x outputs: 256x1024x1024,32x64x10 (default: sixteen usual "
             "ones)"),
    CLI_FLAG(0, "all", &product.all,
             "a grid of layers: 8 to 2048 rows, 16 to 4096 inputs, 10 to 4096 outputs; takes some "
             "minutes"),
    CLI_COUNT(0, "rounds", "N", &product.rounds,
              "rounds, of which the median is printed (default 7); within a round all take turns, "
              "and ratios are medians of ratios within a round"),
    CLI_READ(0, "precision", "HOW", &product.bfloat16, read_precision, "float32 or bfloat16",
             "float32 (default), or bfloat16: of ours, whose factors are rounded as by "
             "train.precision; OpenBLAS and the peak stay float32"),
    CLI_FLAG(0, "json", &product.json, "one JSON object"),
    CLI_HEADING("columns"),
    CLI_TERM("product", "x W^T is a layer's forward, dy W its gradient by the input, dy^T x that "
                        "by "
                        "the weights; m rows, n columns, k products to a sum"),
    CLI_TERM("lockstep, OpenBLAS", "GFLOP/s of our own product and of OpenBLAS's, on one core; "
                                   "OpenBLAS with the kernels that the first line names"),
    CLI_TERM("ratio, of peak", "lockstep against OpenBLAS, and against the peak: multiply-adds in "
                               "registers and nothing else"),
    CLI_TERM("in lanes", "GFLOP/s of ours where dy^T x is summed in lanes of 16 samples"),
    CLI_END,
};

static const command bench_product = {
    .name = "product",
    .summary = "time the matrix products of dense layers alone",
    .synopsis = "[mpirun -n N] lockstep bench product [options]",
    .prose = "A table by shape, in GFLOP/s: ours, OpenBLAS, the processor's peak.  Of several "
             "ranks all compute at once, and rank 0 prints its own.",
    .options = product_options,
    .computes = true,
    .run = run_product,
};

static const command *const commands[] = {&bench_step, &bench_exchange, &bench_product, NULL};

const command cmd_bench = {
    .name = "bench",
    .summary = "measure what a step is made of",
    .synopsis = "[mpirun -n N] lockstep bench step WORKLOAD [KEY=VALUE...] [options]\n"
                "mpirun -n N lockstep bench exchange [options]\n"
                "[mpirun -n N] lockstep bench product [options]",
    .prose = "Measures training steps, or the exchange of gradients alone, or matrix products "
             "alone.",
    .commands = commands,
};

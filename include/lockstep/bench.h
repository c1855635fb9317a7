/** @file
 * Measurements: what a step costs, and what of it is layers, matrix products, exchange, input. */
#ifndef LOCKSTEP_BENCH_H
#define LOCKSTEP_BENCH_H

#include <lockstep/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ls_comm ls_comm; /* lockstep/comm.h */

/** What to measure; zeros are the usual. */
typedef struct ls_bench_step_options {
  const char *workload;         /**< mlp_small, mlp_large, mlp_wide, cnn, resnet20, gpt */
  size_t batch;                 /**< global batch; 0: the workload's own a rank times the ranks */
  size_t steps;                 /**< steps a round; 0: about half a second of them */
  size_t rounds;                /**< the median of these is printed; 0: five */
  const char *const *overrides; /**< [n_overrides] of the configuration, as "exchange=tree" */
  size_t n_overrides;
  bool layers; /**< of each layer, too, in rounds of their own */
  bool json;
} ls_bench_step_options;

/** Measure training steps, on synthetic data or on the `data:` of an override.
 *
 * Collective; rank 0 prints.  Two rates: `bare`, steps on one batch again and again, without input
 * and metrics; and `whole`, the training loop with shuffled samples, metrics and checks.  Layers are
 * measured in the whole loop: forward and backward of each, and what of a step is no layer.
 * @return LS_EUSAGE, LS_ECONFIG, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_bench_step(ls_comm *comm, const ls_bench_step_options *options,
                                             FILE *out);

/** What to measure; zeros are the usual. */
typedef struct ls_bench_exchange_options {
  const size_t *sizes; /**< [n_sizes] bytes of gradients a rank; none: 4 KB to 256 MB */
  size_t n_sizes;
  size_t rounds;       /**< the median of these is printed; 0: seven */
  size_t bucket_bytes; /**< 0: 1 MB */
  bool json;
} ls_bench_exchange_options;

/** Measure the exchange alone, without a model.
 *
 * Collective; rank 0 prints a table by size: a whole cycle of each kind of exchange (every rank's
 * gradients are summed, each slice by its owner, and the weights are everybody's), MPI_Allreduce
 * (every sum on every rank), and a limit: the time in which the ranks of a node, all at once, copy
 * as many bytes as the sum must read and write; between nodes, plus the time in which a node sends
 * and receives what must pass.
 * @return LS_EUSAGE, LS_ENOMEM, LS_EMPI, LS_ECHECK */
LS_PUBLIC LS_CHECKED ls_status ls_bench_exchange(ls_comm *comm,
                                                 const ls_bench_exchange_options *options,
                                                 FILE *out);

/** A dense layer on so many rows: x [rows,in], W [out,in], dy [rows,out].  Sizes are 1 to 65536. */
typedef struct ls_bench_shape {
  size_t rows, in, out;
} ls_bench_shape;

/** What to measure; zeros are the usual. */
typedef struct ls_bench_product_options {
  const ls_bench_shape *shapes; /**< [n_shapes]; none: sixteen usual ones */
  size_t n_shapes;
  bool all;      /**< in place of shapes, a grid: 8 to 2048 rows, 16 to 4096 inputs, 10 to 4096
                      outputs, where a product is no more than 2^33 multiplications */
  size_t rounds; /**< the median of these is printed; 0: seven */
  bool bfloat16; /**< ours with factors rounded to bfloat16; the others stay float32 */
  bool json;
} ls_bench_product_options;

/** Measure the matrix products of dense layers, x W^T, dy W and dy^T x (also in lanes of 16 samples):
 * our own (on x86 without fused multiply-add OpenBLAS), OpenBLAS's, and the peak of the processor, multiply-adds in registers.
 *
 * Collective; all ranks compute at once, and rank 0 prints its own rates, in GFLOP/s.  Within a
 * round all take turns, and ratios are medians of ratios within a round.  Results are compared.
 * OpenBLAS computes with the kernels that it was loaded with; see ls_blas_restart.
 * @return LS_EUSAGE, LS_ENOMEM, LS_ECHECK */
LS_PUBLIC LS_CHECKED ls_status ls_bench_product(ls_comm *comm,
                                                const ls_bench_product_options *options, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

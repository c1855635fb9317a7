/* Graphs for tests, from a list as a configuration has it; and their gradients against central
 * differences. */
#ifndef TEST_GRAPH_CHECK_H
#define TEST_GRAPH_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"
#include "model/graph.h"
#include "model/run.h"

static inline ls_status graph_build_ports(const char *list, int n, const ls_port *in,
                                          ls_config **config, ls__graph **graph) {
  char text[8192];
  snprintf(text, sizeof text, "model:\n%s", list);
  ls_status st = ls_config_parse(text, "test", config);
  if (st == LS_OK)
    st = ls__graph_build(ls__config_child(*config, "model"), ls__config_child(*config, "outputs"),
                         n, in, graph);
  return st;
}

static inline ls_status graph_build(const char *list, const ls_shape *in, ls_config **config,
                                    ls__graph **graph) {
  const ls_port port = {.name = "input", .type = LS_REAL, .shape = *in};
  return graph_build_ports(list, 1, &port, config, graph);
}

/* Sum of squares of the output, and its gradient: L = sum y^2 / 2. */
static inline double graph_loss(ls__run *run, const float *w, const float *x, size_t n, size_t in,
                                size_t out) {
  const ls__run_place place = {.seed = 3, .step = 1};
  memcpy(ls__run_input(run, 0), x, n * in * sizeof *x);
  ls__run_forward(run, w, n, &place);
  const float *y = ls__run_result(run, 0);
  double sum = 0;
  for (size_t i = 0; i < n * out; i++) sum += 0.5 * (double)y[i] * (double)y[i];
  return sum;
}

static size_t graph_last_upto;
static inline void graph_note_finished(void *context, size_t upto) {
  (void)context;
  assert_true(upto >= graph_last_upto); /* the prefix only grows */
  graph_last_upto = upto;
}

static inline void graph_check_gradients(const char *list) {
  enum { N = 5, IN = 6 };
  const ls_shape in = {1, {IN}};
  ls_config *config = NULL;
  ls__graph *graph = NULL;
  ls__run *run = NULL;
  float x[N * IN];
  assert_int_equal(graph_build(list, &in, &config, &graph), LS_OK);
  assert_int_equal(ls__run_create(graph,
                                  &(ls__run_plan){.max_n = N,
                                                  .max_lanes = 1,
                                                  .training = true,
                                                  .n_values = 1,
                                                  .values = graph->output},
                                  &run),
                   LS_OK);
  ls_shape shape = ls__graph_shape(graph, graph->output[0]);
  size_t out = ls_shape_count(&shape);
  float *w = ls__calloc(graph->arena, sizeof *w), *g = ls__calloc(graph->arena, sizeof *g);
  const ls__rng rng = ls__rng_key(11, LS__RNG_TEST, 0, 0);
  for (size_t i = 0; i < N * IN; i++) x[i] = 2 * ls__rng_uniform(&rng, i) - 1;
  ls__graph_init(graph, 5, w);
  for (size_t i = 0; i < graph->arena; i++) w[i] += 0.1F * (ls__rng_uniform(&rng, 1000 + i) - 0.5F);

  (void)graph_loss(run, w, x, N, IN, out);
  memcpy(ls__run_result_gradient(run, 0), ls__run_result(run, 0), N * out * sizeof *x);
  graph_last_upto = 0;
  ls__run_backward(run, w, g, graph_note_finished, NULL);
  assert_int_equal(graph_last_upto, graph->moving);

  double apart = 0, size = 0;
  for (int t = 0; t < graph->n_tensors; t++)
    for (size_t e = 0; e < graph->tensor[t].n && graph->tensor[t].role == LS__WEIGHT; e++) {
      size_t at = graph->tensor[t].offset + e;
      const float keep = w[at], h = 4e-3F;
      w[at] = keep + h;
      double up = graph_loss(run, w, x, N, IN, out);
      w[at] = keep - h;
      double down = graph_loss(run, w, x, N, IN, out);
      w[at] = keep;
      double numeric = (up - down) / (2.0 * (double)h);
      apart += (numeric - (double)g[at]) * (numeric - (double)g[at]);
      size += numeric * numeric;
    }
  double error = sqrt(apart / size);
  if (!(error < 2e-3)) print_message("relative error %.2e in\n%s", error, list);
  assert_true(error < 2e-3);
  ls__free(w);
  ls__free(g);
  ls__run_destroy(run);
  ls__graph_destroy(graph);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
}

/* Refused, with this in the line. */
static inline void graph_refuses(const char *list, const char *word) {
  const ls_shape in = {1, {3}};
  ls_config *config = NULL;
  ls__graph *graph = NULL;
  assert_int_equal(graph_build(list, &in, &config, &graph), LS_ECONFIG);
  if (strstr(ls_error_message(), word) == NULL)
    fail_msg("not \"%s\" in: %s", word, ls_error_message());
  assert_null(strchr(ls_error_message(), '\n'));
  assert_null(graph);
  ls_config_destroy(config);
}

#endif

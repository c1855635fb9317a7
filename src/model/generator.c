/* Tokens one after the other (lockstep/generate.h): with what layers keep of the positions before
 * (positions.h), or all T positions anew for each.
 *
 * Behind T tokens the window slides: the last T are at positions 0 to T - 1 now, so that nothing
 * that was kept of them is of use, and each token costs a forward of all T. */
#include <lockstep/generate.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/real.h"
#include "model/model.h"
#include "model/positions.h"
#include "model/sample.h"

struct ls_generator {
  const ls_model *model;
  size_t t, v; /* positions of the network, tokens */
  bool logs;   /* it gives probabilities */
  ls__graph *one;
  ls__run *steps; /* NULL: no cache */
  size_t most;    /* positions of steps; 0: any number */
  ls__run *all;   /* of all T positions; made when first needed */
  char uncached[LS__NAME_BYTES + 96];
  int32_t *last;     /* [t] the last tokens: token i at i % t */
  uint64_t fed, run; /* tokens; of these those that steps knows */
  bool known;        /* logits are those behind all tokens */
  float *logits;     /* [v] */
  ls__candidate *among;
};

/* ---- Which networks */

static ls_status refuse(const char *why) {
  return ls__fail(LS_EUSAGE,
                  "this is no network that tells the next token, with an input [T] of tokens and "
                  "an "
                  "output [T, V]: %s",
                  why);
}

static ls_status check_ports(const ls_model *model) {
  const ls__graph *graph = model->graph;
  char text[LS_SHAPE_TEXT], why[256];
  if (graph->n_inputs != 1 || graph->n_outputs != 1) {
    snprintf(why, sizeof why, "it has %d inputs and %d outputs", graph->n_inputs, graph->n_outputs);
    return refuse(why);
  }
  const ls_port *in = &graph->input[0];
  const ls_port out = ls__graph_output(graph, 0);
  if (in->type != LS_INDEX || in->shape.ndim != 1) {
    snprintf(why, sizeof why, "its input is %s %s", in->type == LS_INDEX ? "of indices" : "real",
             ls_shape_format(&in->shape, text));
    return refuse(why);
  }
  if (out.shape.ndim != 2 || out.shape.dim[0] != in->shape.dim[0] || out.shape.dim[1] > INT32_MAX) {
    snprintf(why, sizeof why, "its output is %s for %zu tokens", ls_shape_format(&out.shape, text),
             in->shape.dim[0]);
    return refuse(why);
  }
  if (model->says[0].about != LS__ABOUT_CLASSES && model->says[0].about != LS__ABOUT_ANYTHING)
    return refuse("its loss is not one of classes, such as cross_entropy");
  if (graph->limit[0] > 0 && graph->limit[0] < out.shape.dim[1]) {
    snprintf(why, sizeof why, "it tells %zu tokens, but reads %zu", out.shape.dim[1],
             graph->limit[0]);
    return refuse(why);
  }
  return LS_OK;
}

/* ---- All positions */

static ls_status make_all(ls_generator *g) {
  const ls__graph *graph = g->model->graph;
  const ls__run_plan plan = {.max_n = 1, .max_lanes = 1, .n_values = 1, .values = graph->output};
  return g->all != NULL ? LS_OK : ls__run_create(graph, &plan, &g->all);
}

/* Logits [t, v] of tokens [t]. */
static const float *run_all(ls_generator *g) {
  ls__run_forward(g->all, g->model->parameters, 1, NULL);
  return ls__run_result(g->all, 0);
}

/* Of a network with layers that have not said so: whether logits up to a position stay the same,
 * whatever comes behind it. */
static ls_status look_ahead(ls_generator *g, bool *ahead) {
  ls_status st = LS_OK;
  float *before = NULL;
  const ls__rng rng = ls__rng_key(0, LS__RNG_GENERATE, 0, 1);
  *ahead = false;
  LS_TRY(make_all(g));
  LS_TRY(ls__alloc(&before, g->t * g->v, sizeof *before, "logits"));
  int32_t *tokens = ls__run_input(g->all, 0);
  for (size_t i = 0; i < g->t; i++) tokens[i] = (int32_t)(ls__rng_u32(&rng, i) % g->v);
  memcpy(before, run_all(g), g->t * g->v * sizeof *before);
  const size_t from[] = {g->t - 1, g->t / 2, 1};
  for (size_t k = 0; k < sizeof from / sizeof *from && g->t > 1 && !*ahead; k++) {
    for (size_t i = 0; i < g->t; i++)
      tokens[i] = (int32_t)((ls__rng_u32(&rng, i) + (i >= from[k])) % g->v);
    *ahead = memcmp(before, run_all(g), from[k] * g->v * sizeof *before) != 0;
  }
out:
  ls__free(before);
  return st;
}

/* ---- Making one */

static ls_status plan_steps(ls_generator *g, bool cache) {
  ls_status st = LS_OK;
  ls__positions_of about;
  char why[LS__NAME_BYTES + 160];
  bool ahead = false;
  LS_TRY(ls__graph_at_one(g->model->graph, &about, &g->one));
  ahead = about.ahead;
  if (!about.all && !ahead) LS_TRY(look_ahead(g, &ahead));
  if (ahead) {
    snprintf(why, sizeof why, "a position looks at later ones: %s%s", about.why,
             about.ahead ? "" : ", and it does");
    LS_TRY(refuse(why));
  }
  if (cache && !about.all) snprintf(g->uncached, sizeof g->uncached, "%s", about.why);
  g->most = cache && about.all ? about.most : g->t;
  if (!cache || !about.all) goto out;
  LS_TRY(ls__run_create(g->one,
                        &(ls__run_plan){.max_n = 1,
                                        .max_lanes = 1,
                                        .n_values = 1,
                                        .values = g->one->output,
                                        .steps = true},
                        &g->steps));
out:
  return st;
}

ls_status ls_generator_create(ls_model *model, bool cache, ls_generator **generator) {
  ls_status st = LS_OK;
  ls_generator *g = NULL;
  *generator = NULL;
  LS_TRY(check_ports(model));
  const ls_port out = ls__graph_output(model->graph, 0);
  const int last = ls__graph_producer(model->graph, model->graph->output[0]);
  LS_TRY(ls__alloc(&g, 1, sizeof *g, "generator"));
  g->model = model;
  g->t = out.shape.dim[0];
  g->v = out.shape.dim[1];
  g->logs = last >= 0 && strcmp(model->graph->node[last].layer.kind->kind.name, "softmax") == 0;
  LS_TRY(ls__alloc(&g->last, g->t, sizeof *g->last, "generator"));
  LS_TRY(ls__alloc(&g->logits, g->v, sizeof *g->logits, "generator"));
  LS_TRY(ls__alloc(&g->among, g->v, sizeof *g->among, "generator"));
  LS_TRY(plan_steps(g, cache));
  *generator = g;
  g = NULL;
out:
  ls_generator_destroy(g);
  return st;
}

void ls_generator_destroy(ls_generator *g) {
  if (g == NULL) return;
  ls__run_destroy(g->steps);
  ls__run_destroy(g->all);
  ls__graph_at_one_destroy(g->one);
  ls__free(g->last);
  ls__free(g->logits);
  ls__free(g->among);
  ls__free(g);
}

size_t ls_generator_tokens(const ls_generator *g) {
  return g->v;
}

size_t ls_generator_window(const ls_generator *g) {
  return g->most;
}

const char *ls_generator_uncached(const ls_generator *g) {
  return g->uncached[0] != '\0' ? g->uncached : NULL;
}

/* ---- Tokens */

/* Positions that have been fed and not run: of no limit at once, of a limited number when logits are
 * wanted, as the window may have slid by then. */
static void run_steps(ls_generator *g) {
  for (; g->run < g->fed; g->run++) {
    int32_t *token = ls__run_input(g->steps, 0);
    *token = g->last[g->run % g->t];
    ls__run_step(g->steps, g->model->parameters, 1, (size_t)g->run);
  }
}

ls_status ls_generator_feed(ls_generator *g, size_t n, const int32_t *tokens) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < n; i++)
    if (tokens[i] < 0 || (size_t)tokens[i] >= g->v)
      LS_FAIL(LS_EDATA, "token %zu is %ld, tokens are 0 to %zu", i, (long)tokens[i], g->v - 1);
  for (size_t i = 0; i < n; i++) {
    g->last[g->fed++ % g->t] = tokens[i];
    if (g->steps != NULL && g->most == 0) run_steps(g);
  }
  if (n > 0) g->known = false;
out:
  return st;
}

/* Logits behind the last token, by a run of all positions; what is behind it is anything. */
static const float *run_window(ls_generator *g) {
  const size_t n = g->fed < g->t ? (size_t)g->fed : g->t;
  int32_t *tokens = ls__run_input(g->all, 0);
  for (size_t i = 0; i < n; i++) tokens[i] = g->last[(g->fed - n + i) % g->t];
  for (size_t i = n; i < g->t; i++) tokens[i] = 0;
  return run_all(g) + (n - 1) * g->v;
}

ls_status ls_generator_logits(ls_generator *g, const float **logits) {
  ls_status st = LS_OK;
  const float *y = NULL;
  bool some = false;
  *logits = g->logits;
  if (g->fed == 0) LS_FAIL(LS_EUSAGE, "there are no tokens yet: at least one must be fed");
  if (g->known) return LS_OK;
  if (g->steps != NULL && (g->most == 0 || g->fed <= g->most)) {
    run_steps(g);
    y = ls__run_result(g->steps, 0);
  } else {
    LS_TRY(make_all(g));
    y = run_window(g);
  }
  for (size_t i = 0; i < g->v; i++) {
    g->logits[i] = y[i];
    if (g->logs) g->logits[i] = y[i] >= 1e-37F ? (float)ls__log((double)y[i]) : -INFINITY;
    if (isnan(y[i]) || g->logits[i] == INFINITY)
      LS_FAIL(LS_ENONFINITE, "what the network tells behind %llu tokens is not finite",
              (unsigned long long)g->fed);
    some = some || isfinite(g->logits[i]);
  }
  if (!some)
    LS_FAIL(LS_ENONFINITE, "the network tells no token behind %llu tokens",
            (unsigned long long)g->fed);
  g->known = true;
out:
  return st;
}

ls_status ls_generator_sample(ls_generator *g, const ls_sampling *how, int32_t *token) {
  ls_status st = LS_OK;
  const float *logits = NULL;
  LS_TRY(ls__sampling_check(how));
  LS_TRY(ls_generator_logits(g, &logits));
  *token = ls__sample(how, g->fed, logits, g->v, g->among);
out:
  return st;
}

void ls_generator_reset(ls_generator *g) {
  g->fed = g->run = 0;
  g->known = false;
}

/* Which array says how many steps are real (steps.h). */
#include "train/steps.h"

#include <string.h>

/* The lengths that the data have of an array, or -1. */
static int lengths_of(size_t n_arrays, const ls__array *arrays, size_t i) {
  for (size_t k = 0; k < n_arrays; k++)
    if (arrays[k].use == LS_LENGTH && arrays[k].of == (int)i) return (int)k;
  return -1;
}

/* Whether an input of the network is a number of steps, as far as shapes tell. */
static bool may_count(const ls__graph *graph, int input) {
  return graph->input[input].type == LS_INDEX && ls_shape_count(&graph->input[input].shape) == 1;
}

/* Whether a layer reads it beside its first input: then it is the number of steps there. */
static bool is_counted_by(const ls__graph *graph, int input) {
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 1; k < graph->node[i].layer.n_in; k++)
      if (graph->node[i].in[k] == input) return true;
  return false;
}

/* Input `input` counts the steps of the first other one that has some. */
static ls_status take_input(const ls__graph *graph, size_t array, int input, ls__steps *steps) {
  for (int k = 0; k < graph->n_inputs; k++) {
    if (k == input || graph->input[k].shape.ndim == 0) continue;
    *steps = (ls__steps){(int)array, input, graph->input[k].shape.dim[0], steps->to};
    return LS_OK;
  }
  return ls__fail(LS_ECONFIG, "input_lengths: \"%s\" counts steps, and no other input has any",
                  graph->input[input].name);
}

ls_status ls__steps_find(const ls__loss *loss, const ls__graph *graph, size_t n_arrays,
                         const ls__array *arrays, size_t to, ls__steps *steps) {
  const char *name = loss->steps;
  size_t counting = n_arrays;
  int counts = -1, input = 0;
  *steps = (ls__steps){-1, -1, to, to};
  for (size_t i = 0; i < n_arrays; i++) {
    if (arrays[i].use != LS_INPUT) continue;
    const int lengths = lengths_of(n_arrays, arrays, i), k = input++;
    if (name != NULL && strcmp(arrays[i].port.name, name) != 0) continue;
    if (lengths >= 0) {
      *steps = (ls__steps){lengths, -1, arrays[i].port.shape.dim[0], to};
      return LS_OK;
    }
    if (k < graph->n_inputs && counts < 0 && may_count(graph, k) &&
        (name != NULL || is_counted_by(graph, k))) {
      counting = i;
      counts = k;
    }
    if (name != NULL && counts < 0)
      return ls__fail(LS_ECONFIG,
                      "input_lengths: \"%s\" is no input of one whole number, and data.lengths has "
                      "no "
                      "lengths of it",
                      name);
  }
  if (name != NULL && counts < 0)
    return ls__fail(LS_ECONFIG, "input_lengths: there is no input \"%s\"", name);
  return counts >= 0 ? take_input(graph, counting, counts, steps) : LS_OK;
}

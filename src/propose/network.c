/* The sections `model`, `outputs`, `loss` and `metrics` of the configuration. */
#include <string.h>

#include "propose/propose.h"

/* What a layer reads that the one before it doesn't give; "": that one. */
typedef struct writer {
  const ls__proposal *p;
  const ls__hyperparameters *h;
  FILE *out;
} writer;

static const ls__seen *input_of(const writer *w, size_t i) {
  return &w->p->seen[i];
}

/* Whether inputs have names: layers read them `from`. */
static bool has_names(const writer *w) {
  return w->p->n_inputs > 1 && !w->h->joined;
}

static bool has_heads(const ls__proposal *p) {
  return p->n - p->n_inputs > 1;
}

static void put_shape(FILE *out, const size_t *dim, int n, size_t channels) {
  fputs("[", out);
  for (int i = 0; i < n; i++) fprintf(out, "%s%zu", i > 0 ? ", " : "", dim[i]);
  if (channels > 0) fprintf(out, "%s%zu", n > 0 ? ", " : "", channels);
  fputs("]", out);
}

/* ---- Inputs side by side ---- */

/* Rows of a table for an embedding. */
static size_t ids_of(const ls__seen *s) {
  return s->n_classes > 0 ? s->n_classes : (size_t)s->high + 1;
}

static size_t embedded(size_t ids) {
  return ids < 4 ? 2 : ids < 8 ? (ids + 1) / 2 : ids < 100 ? 8 : ids < 1000 ? 12 : 16;
}

/* Input i as a list of numbers, under the name of_PORT unless it is one as it is. */
static void flatten_input(const writer *w, size_t i) {
  const ls__seen *s = input_of(w, i);
  if (s->looks == LS__LOOKS_IDS) {
    fprintf(w->out, "  - embedding: {input_dim: %zu, output_dim: %zu, from: %s}\n", ids_of(s),
            embedded(ids_of(s)), s->port);
    fprintf(w->out, "  - flatten: {name: of_%.50s}\n", s->port);
  } else if (s->row.ndim != 1) {
    fprintf(w->out, "  - flatten: {name: of_%.50s, from: %s}\n", s->port, s->port);
  }
}

static void put_flattened(const writer *w, size_t i) {
  const ls__seen *s = input_of(w, i);
  const bool as_it_is = s->looks != LS__LOOKS_IDS && s->row.ndim == 1;
  fprintf(w->out, "%s%.50s", as_it_is ? "" : "of_", s->port);
}

/* All inputs from number `first` on as one list of numbers; `also`: a layer that comes first. */
static void join_inputs(const writer *w, size_t first, const char *also) {
  const size_t n = w->p->n_inputs;
  for (size_t i = first; i < n; i++) flatten_input(w, i);
  if (n - first + (also != NULL) < 2) return;
  fputs("  - concatenate: {from: [", w->out);
  if (also != NULL) fputs(also, w->out);
  for (size_t i = first; i < n; i++) {
    if (i > first || also != NULL) fputs(", ", w->out);
    put_flattened(w, i);
  }
  fputs("]}\n", w->out);
}

/* ---- Tables ---- */

static const char *activation_of(const writer *w) {
  for (size_t i = w->p->n_inputs; i < w->p->n; i++)
    if (w->p->seen[i].looks == LS__LOOKS_NUMBERS || w->p->seen[i].looks == LS__LOOKS_GRID)
      return "relu";
  return w->h->training < 1000 ? "tanh" : "relu";
}

static void hidden(const writer *w, size_t units) {
  const char *activation = activation_of(w);
  fprintf(w->out, "  - dense: {units: %zu, activation: %s%s}\n", units, activation,
          strcmp(activation, "relu") == 0 ? ", kernel_initializer: he_normal" : "");
  if (w->h->dropout > 0) fprintf(w->out, "  - dropout: {rate: %g}\n", w->h->dropout);
}

static void table_body(const writer *w) {
  if (has_names(w)) {
    join_inputs(w, 0, NULL);
  } else if (!w->h->joined && input_of(w, 0)->looks == LS__LOOKS_IDS) {
    const size_t ids = ids_of(input_of(w, 0));
    fprintf(w->out, "  - embedding: {input_dim: %zu, output_dim: %zu}\n  - flatten\n", ids,
            embedded(ids));
  } else if (w->h->joined || input_of(w, 0)->row.ndim != 1) {
    if (!w->h->joined) fputs("  - flatten\n", w->out);
  }
  for (size_t i = 0; i < w->h->depth; i++) hidden(w, w->h->width);
}

/* ---- Images ---- */

/* From [height, width] to [height, width, 1], where the file has no channels. */
static void give_channels(const writer *w, size_t i, const char *name) {
  const ls__seen *s = input_of(w, i);
  if (s->has_channels) return;
  fputs("  - reshape: {shape: ", w->out);
  put_shape(w->out, s->place, s->space, 1);
  if (name != NULL) fprintf(w->out, ", name: %s", name);
  if (has_names(w)) fprintf(w->out, ", from: %s", s->port);
  fputs("}\n", w->out);
}

static void image_body(const writer *w) {
  const ls__seen *x = input_of(w, 0);
  size_t filters = w->h->width, side = SIZE_MAX, points = 1;
  for (int i = 0; i < x->space; i++) side = x->place[i] < side ? x->place[i] : side;
  for (int i = 0; i < x->space; i++) points *= x->place[i] >> (w->h->depth - 1);
  give_channels(w, 0, NULL);
  for (size_t d = 0; d < w->h->depth; d++) {
    const bool from = d == 0 && has_names(w) && x->has_channels;
    fprintf(w->out,
            "  - conv%dd: {filters: %zu, kernel_size: 3, padding: same, use_bias: false%s%s}\n",
            x->space, filters, from ? ", from: " : "", from ? x->port : "");
    fputs("  - batch_norm: {activation: relu}\n", w->out);
    if (d + 1 < w->h->depth) fprintf(w->out, "  - max_pool%dd: {pool_size: 2}\n", x->space);
    if (d + 1 < w->h->depth && filters < 128) filters *= 2;
  }
  const char *name = w->p->n_inputs > 1 ? ": {name: seen}" : "";
  if (points * filters <= 4096)
    fprintf(w->out, "  - flatten%s\n", name);
  else
    fprintf(w->out, "  - global_avg_pool%s\n", name);
  if (w->p->n_inputs > 1) join_inputs(w, 1, "seen");
  fprintf(w->out, "  - dropout: {rate: %g}\n  - dense: {units: 128, activation: relu}\n",
          w->h->dropout);
}

/* ---- Fields ---- */

static void conv(const writer *w, size_t filters, const char *more) {
  fprintf(w->out, "  - conv%dd: {filters: %zu, kernel_size: 3, padding: same%s}\n",
          input_of(w, 0)->space, filters, more);
}

static void halving(const writer *w) {
  const size_t f = w->h->width;
  const char *smooth = input_of(w, 0)->space == 2 ? ", interpolation: bilinear" : "";
  conv(w, f, ", activation: gelu");
  conv(w, f, ", activation: gelu, name: fine");
  fprintf(w->out,
          "  - conv%dd: {filters: %zu, kernel_size: 3, strides: 2, padding: same, activation: "
          "gelu}\n",
          input_of(w, 0)->space, 2 * f);
  conv(w, 2 * f, ", activation: gelu, name: middle");
  fprintf(w->out,
          "  - conv%dd: {filters: %zu, kernel_size: 3, strides: 2, padding: same, activation: "
          "gelu}\n",
          input_of(w, 0)->space, 2 * f);
  fprintf(w->out,
          "  - residual: {layers: [{conv%dd: {filters: %zu, kernel_size: 3, padding: same}}], "
          "activation: gelu}\n",
          input_of(w, 0)->space, 2 * f);
  fprintf(w->out, "  - upsample: {size: 2%s, name: up_middle}\n", smooth);
  fputs("  - concatenate: {from: [up_middle, middle]}\n", w->out);
  conv(w, f, ", activation: gelu");
  fprintf(w->out, "  - upsample: {size: 2%s, name: up_fine}\n", smooth);
  fputs("  - concatenate: {from: [up_fine, fine]}\n", w->out);
  conv(w, f, ", activation: gelu");
}

static void residuals(const writer *w) {
  size_t least = SIZE_MAX, step = 1;
  const ls__seen *x = input_of(w, 0);
  for (int i = 0; i < x->space; i++) least = x->place[i] < least ? x->place[i] : least;
  conv(w, w->h->width, ", activation: gelu");
  for (size_t d = 0; d < w->h->depth; d++) {
    fputs("  - residual:\n      layers:\n", w->out);
    fprintf(w->out,
            "        - conv%dd: {filters: %zu, kernel_size: 3, padding: same, dilation_rate: %zu, "
            "activation: gelu}\n",
            x->space, w->h->width, step);
    fprintf(w->out, "        - conv%dd: {filters: %zu, kernel_size: 3, padding: same}\n", x->space,
            w->h->width);
    if (4 * step < least) step *= 2;
  }
}

static void field_body(const writer *w) {
  const ls__seen *y = &w->p->seen[w->p->n_inputs];
  if (w->p->n_inputs > 1) {
    char name[LS_NAME_BYTES];
    for (size_t i = 0; i < w->p->n_inputs; i++) {
      snprintf(name, sizeof name, "of_%.50s", input_of(w, i)->port);
      give_channels(w, i, name);
    }
    fputs("  - concatenate: {from: [", w->out);
    for (size_t i = 0; i < w->p->n_inputs; i++)
      fprintf(w->out, "%s%s%.50s", i > 0 ? ", " : "", input_of(w, i)->has_channels ? "" : "of_",
              input_of(w, i)->port);
    fputs("]}\n", w->out);
  } else {
    give_channels(w, 0, NULL);
  }
  if (w->h->halves)
    halving(w);
  else
    residuals(w);
  conv(w, ls__seen_outputs(y), "");
  if (y->looks == LS__LOOKS_GRID && !y->has_channels) {
    fputs("  - reshape: {shape: ", w->out);
    put_shape(w->out, y->place, y->space, 0);
    fputs("}\n", w->out);
  }
}

/* ---- Outputs ---- */

static void head(const writer *w, const ls__seen *y, size_t number) {
  FILE *out = w->out;
  const bool several = has_heads(w->p), folds = y->row.ndim > 1;
  fprintf(out, "  - dense: {units: %zu", ls__seen_outputs(y));
  if (several && !folds) fprintf(out, ", name: %s", y->port);
  if (several && number > 0) fputs(", from: trunk", out);
  fputs("}", out);
  fputs(y->looks == LS__LOOKS_CLASS ? "   # an output a class\n" : "\n", out);
  if (!folds) return;
  fputs("  - reshape: {shape: ", out);
  put_shape(out, y->row.dim, y->row.ndim, 0);
  if (several) fprintf(out, ", name: %s", y->port);
  fputs("}\n", out);
}

static void reproduce(const writer *w) {
  ls_shape row = input_of(w, 0)->row;
  size_t all = 0;
  for (size_t i = 0; i < w->p->n_inputs; i++) all += input_of(w, i)->count;
  const size_t code = all > 128 ? 16 : all > 8 ? all / 4 : 2;
  if (!w->h->joined && row.ndim != 1) fputs("  - flatten\n", w->out);
  fputs("  - dense: {units: 128, activation: relu, kernel_initializer: he_normal}\n", w->out);
  fprintf(w->out, "  - dense: {units: %zu, name: code}          # what a sample is pressed into\n",
          code);
  fputs("  - dense: {units: 128, activation: relu, kernel_initializer: he_normal}\n", w->out);
  fprintf(w->out, "  - dense: {units: %zu}\n", all);
  if (w->h->joined || row.ndim == 1) return;
  if (input_of(w, 0)->channels_first) { /* samples come with their channels last */
    const size_t channels = row.dim[0];
    memmove(row.dim, row.dim + 1, (size_t)(row.ndim - 1) * sizeof *row.dim);
    row.dim[row.ndim - 1] = channels;
  }
  fputs("  - reshape: {shape: ", w->out);
  put_shape(w->out, row.dim, row.ndim, 0);
  fputs("}\n", w->out);
}

static void model(const writer *w) {
  fputs("model:\n", w->out);
  if (w->p->reproduce) {
    reproduce(w);
    return;
  }
  if (w->p->fields) {
    field_body(w);
    return;
  }
  if (w->h->images)
    image_body(w);
  else
    table_body(w);
  if (has_heads(w->p))
    fprintf(w->out, "  - dense: {units: %zu, activation: relu, name: trunk}\n",
            w->h->images ? (size_t)64 : w->h->width / 2);
  for (size_t i = w->p->n_inputs; i < w->p->n; i++) head(w, &w->p->seen[i], i - w->p->n_inputs);
}

/* ---- Losses ---- */

static void put_loss(const writer *w, const ls__seen *y) {
  if (ls__seen_is_class(y) && w->h->smoothing > 0)
    fprintf(w->out, "{cross_entropy: {label_smoothing: %g}}", w->h->smoothing);
  else
    fputs(ls__seen_is_class(y)           ? "cross_entropy"
          : y->looks == LS__LOOKS_YES_NO ? "binary_cross_entropy"
                                         : "mse",
          w->out);
}

static void put_metrics(const writer *w, const ls__seen *y) {
  if (y->looks == LS__LOOKS_MASK)
    fputs("[accuracy, iou]", w->out);
  else if (ls__seen_is_class(y) || y->looks == LS__LOOKS_YES_NO)
    fputs(y->most > 4 * y->least ? "[accuracy, f1]" : "[accuracy]", w->out);
  else if (y->looks == LS__LOOKS_GRID)
    fputs("[relative_l2, mae]", w->out);
  else
    fputs("[mae, rmse, r2]", w->out);
}

static void of_each(const writer *w, const char *key,
                    void (*put)(const writer *w, const ls__seen *y)) {
  fprintf(w->out, "%s: ", key);
  if (has_heads(w->p)) fputs("{", w->out);
  for (size_t i = w->p->n_inputs; i < w->p->n; i++) {
    if (has_heads(w->p))
      fprintf(w->out, "%s%s: ", i > w->p->n_inputs ? ", " : "", w->p->seen[i].port);
    put(w, &w->p->seen[i]);
  }
  fputs(has_heads(w->p) ? "}\n" : "\n", w->out);
}

void ls__propose_network(const ls__proposal *p, const ls__hyperparameters *h, FILE *out) {
  const writer w = {p, h, out};
  model(&w);
  if (has_heads(p)) {
    fputs("outputs: [", out);
    for (size_t i = p->n_inputs; i < p->n; i++)
      fprintf(out, "%s%s", i > p->n_inputs ? ", " : "", p->seen[i].port);
    fputs("]\n", out);
  }
  fputs("\n", out);
  if (p->reproduce) {
    fputs("loss: mse\nmetrics: [mae, rmse]\n", out);
    return;
  }
  of_each(&w, "loss", put_loss);
  of_each(&w, "metrics", put_metrics);
}

/* A first configuration for text that convert made tokens of: what comes next, by an LSTM or, of more text, a
 * GPT. */
#include <string.h>

#include "base/alloc.h"
#include "propose/propose.h"
#include "text/vocabulary.h"

/* Tokens of which a GPT is proposed; that are trained on, all epochs together, about; windows at least. */
static const size_t many = 200000, trained = 6000000, windows = 20;

/* The tokens of a part; 0: it isn't there. */
static ls_status count_tokens(const ls__proposal *p, int part, size_t *n) {
  ls_status st = LS_OK;
  char name[40];
  bool there = false;
  *n = 0;
  snprintf(name, sizeof name, "/%s/tokens", ls__split_name((ls_split)part));
  for (size_t f = 0; f < ls__files_count(p->files); f++) {
    ls__h5 *file = NULL;
    ls__h5_info info;
    LS_TRY(ls__files_take(p->files, f, &file));
    st = ls__h5_exists(file, name, &there);
    if (there) LS_THEN(st, ls__h5_info_get(file, name, &info));
    ls__files_give(p->files, f);
    if (st != LS_OK) goto out;
    if (there && info.shape.ndim == 1) *n += info.shape.dim[0];
  }
out:
  return st;
}

/* The vocabulary of its tokens; NULL: it is no text. */
static ls_status find_vocabulary(const ls__proposal *p, ls__vocabulary **v) {
  ls_status st = LS_OK;
  static const char name[] = "/train/tokens", attribute[] = "vocabulary";
  bool ours = false, there = false;
  char *json = NULL;
  *v = NULL;
  LS_TRY(ls__h5_exists(p->file, name, &there));
  if (there) LS_TRY(ls__source_is_ours(p->file, name, &ours));
  if (ours) LS_TRY(ls__h5_has_attribute(p->file, name, attribute, &there));
  if (!ours || !there) goto out;
  LS_TRY(ls__h5_get_string(p->file, name, attribute, &json));
  LS_TRY(ls__vocabulary_read(v, json, ls__h5_path(p->file)));
out:
  ls__free(json);
  return st;
}

/* Whether all that is asked for is what is done with text anyway. */
static bool is_usual(const ls_propose_options *o) {
  const bool inputs = o->n_inputs == 0 || (o->n_inputs == 1 && strcmp(o->inputs[0], "tokens") == 0);
  const bool targets = o->n_targets == 0 ||
                       (o->n_targets == 1 && strcmp(o->targets[0], "next") == 0);
  return inputs && targets && o->axis == NULL && o->time == NULL && o->label == LS_LABEL_AUTO;
}

/* Of a GPT and of an LSTM. */
static void put_model(size_t size, bool gpt, size_t units, FILE *out) {
  fprintf(out,
          "model:\n  - embedding: {input_dim: %zu, output_dim: %zu}   # a row of numbers for each "
          "token\n",
          size, gpt ? units : units / 2);
  if (!gpt) {
    fprintf(out, "  - lstm: {units: %zu, return_sequences: true}\n", units);
  } else {
    fprintf(out,
            "  - position_embedding\n"
            "  - repeat:\n"
            "      times: 4\n"
            "      layers:\n"
            "        - residual: {layers: [layer_norm, attention: {num_heads: 4, causal: true}]}\n"
            "        - residual:\n"
            "            layers: [layer_norm, dense: {units: %zu, activation: gelu}, dense: "
            "{units: %zu}]\n"
            "  - layer_norm\n",
            4 * units, units);
  }
  fprintf(out,
          "  - dense: {units: %zu}   # of each position: how likely each token is the next\n\n",
          size);
}

ls_status ls__propose_text(ls__proposal *p, FILE *out, bool *is_text) {
  ls_status st = LS_OK;
  ls__vocabulary *v = NULL;
  char what[LS__VOCABULARY_TEXT];
  size_t n[LS__PARTS], window = 128;
  *is_text = false;
  if (!is_usual(p->options)) return LS_OK;
  LS_TRY(find_vocabulary(p, &v));
  if (v == NULL) goto out;
  *is_text = true;
  for (int part = 0; part < LS__PARTS; part++) LS_TRY(count_tokens(p, part, &n[part]));
  p->has[LS_TEST] = n[LS_TEST] > 0;
  const bool drawn = n[LS_VALIDATION] == 0, gpt = n[LS_TRAIN] >= many;
  while (window > 8 && n[LS_TRAIN] / window < windows * (drawn ? 2 : 1)) window /= 2;
  while (n[LS_VALIDATION] > 0 && window > 8 && n[LS_VALIDATION] <= window) window /= 2;
  if (n[LS_TRAIN] / window < windows)
    LS_FAIL(LS_EDATA, "%s: %zu tokens to train on are too few to learn what comes next",
            ls__h5_path(p->file), n[LS_TRAIN]);
  const size_t units = 128, size = ls__vocabulary_size(v);
  size_t batch = 32, epochs = trained / n[LS_TRAIN];
  while (batch > 4 && n[LS_TRAIN] / window < 30 * batch) batch /= 2;
  epochs = epochs < 1 ? 1 : epochs > 30 ? 30 : epochs;
  ls__vocabulary_describe(v, what);
  ls__propose_say(p, out, "task: the next token of a text, of %zu before it at most", window);
  ls__propose_say(p, out, "input tokens: %zu to train on, a vocabulary of %s", n[LS_TRAIN], what);
  if (drawn) ls__propose_say(p, out, "parts: the last 10 %% of the text for validation");
  ls__propose_say(p, out, "network: %s",
                  gpt ? "a GPT of 4 blocks, 128 wide" : "an LSTM of 128 units");
  ls__propose_say(p, NULL,
                  "training: adamw, learning rate falling along a cosine, batch %zu, %zu epochs",
                  batch, epochs);
  fputs("\ndata:\n", out);
  ls__propose_put_file(p, out);
  fprintf(out,
          "  inputs: tokens\n"
          "  targets: next   # of each token the one that follows it\n"
          "  time: {window: %zu, stride: %zu}   # a smaller stride: windows overlap, and are "
          "more\n",
          window, window);
  if (drawn)
    fputs("  split: {validation: 0.1, by: time}   # the end of the text, kept from training\n",
          out);
  fputs("\n", out);
  put_model(size, gpt, units, out);
  fputs("loss: cross_entropy\nmetrics: [accuracy]   # how many of the tokens are right\n\n", out);
  fprintf(out,
          "optimizer: {adamw: {lr: %s}}\n"
          "schedule: {cosine: {warmup_steps: 100}}   # the learning rate rises, then falls to 0\n"
          "clip: {norm: 1}\n"
          "train:\n"
          "  batch: %zu   # windows of a step, over all ranks\n"
          "  epochs: %zu\n"
          "  seed: 1   # of weights and order\n%s"
          "checkpoint: {best: true}   # of the epoch with the smallest validation loss\n",
          gpt ? "0.001" : "0.004", batch, epochs,
          batch < 32 ? "  lanes: 4   # the same bits on 1 to 4 ranks\n" : "");
out:
  ls__vocabulary_destroy(v);
  return st;
}

/* A first configuration for recordings that `convert audio` made features of: their class, or with ctc their
 * labels in order, by a convolution and a GRU both ways. */
#include "base/alloc.h"
#include "data/source.h"
#include "propose/propose.h"

/* What is in the file. */
typedef struct sounds {
  size_t rows, width; /* recordings of the training part, numbers of a frame */
  size_t frames;      /* of a recording, about */
  size_t classes;
  bool jagged;   /* else all are padded to one length */
  bool sequence; /* labels in order, of each recording several */
  bool groups;
  bool parts[LS__PARTS];
} sounds;

static ls_status look(ls__h5 *file, sounds *s) {
  ls_status st = LS_OK;
  ls__h5_info info;
  char **names = NULL;
  bool there = false, odd = false, length = false;
  LS_TRY(ls__h5_info_get(file, "/train/x", &info));
  if (info.shape.ndim < 2 || ls_shape_count(&info.shape) == 0)
    LS_FAIL(LS_EDATA, "%s: /train/x: are no frames of recordings", ls__h5_path(file));
  s->width = info.shape.dim[info.shape.ndim - 1];
  s->frames = info.shape.ndim == 3 ? info.shape.dim[1] / 2 : info.shape.dim[0];
  LS_TRY(ls__h5_exists(file, "/train/y", &there));
  if (!there)
    LS_FAIL(LS_EDATA, "%s: recordings without labels: nothing can be learnt from them",
            ls__h5_path(file));
  LS_TRY(ls__h5_has_attribute(file, "/train/x", "offsets", &s->jagged));
  LS_TRY(ls__h5_exists(file, "/train/y_offsets", &s->sequence));
  LS_TRY(ls__h5_exists(file, "/train/y_length", &length));
  s->sequence = s->sequence || length;
  LS_TRY(ls__h5_info_get(file, s->jagged ? "/train/x_offsets" : "/train/x", &info));
  if (info.shape.ndim < 1 || info.shape.dim[0] < 2)
    LS_FAIL(LS_EDATA, "%s: there are too few recordings to learn from", ls__h5_path(file));
  s->rows = info.shape.dim[0] - (s->jagged ? 1 : 0);
  if (s->jagged && s->rows > 0) s->frames /= s->rows;
  LS_TRY(ls__source_classes(file, "/train/y", &names, &s->classes, &odd));
  if (s->classes < 2)
    LS_FAIL(LS_EDATA, "%s: all recordings have the same label: there is nothing to tell apart",
            ls__h5_path(file));
  if (s->width == 1)
    LS_FAIL(LS_EDATA,
            "%s: samples of sound as they are: no network is proposed for them, but for what "
            "--features "
            "log_mel makes",
            ls__h5_path(file));
  LS_TRY(ls__h5_exists(file, "/train/group", &s->groups));
  LS_TRY(ls__h5_exists(file, "/validation/x", &s->parts[LS_VALIDATION]));
  LS_TRY(ls__h5_exists(file, "/test/x", &s->parts[LS_TEST]));
out:
  if (names != NULL) ls__free_strings(names, s->classes);
  return st;
}

/* Whether there is no part for validation, and enough to draw one from. */
static bool is_drawn(const sounds *s) {
  return !s->parts[LS_VALIDATION] && s->rows >= 50;
}

static void put_data(const ls__proposal *p, const sounds *s, FILE *out) {
  fputs("\ndata:\n", out);
  ls__propose_put_file(p, out);
  if (s->jagged)
    fputs("  inputs:\n"
          "    sound: {dataset: x, truncate: true}   # longer ones than those trained on are cut\n"
          "    frames: {lengths_of: sound}   # how many a recording has\n",
          out);
  else
    fputs("  inputs: {sound: x, frames: length}   # frames: how many of them are no padding\n",
          out);
  fprintf(out, "  targets: %s\n", !s->jagged && s->sequence ? "{text: y}" : "y");
  if (!s->jagged)
    fprintf(out, "  lengths: {sound: length%s}\n", s->sequence ? ", text: y_length" : "");
  if (is_drawn(s))
    fprintf(out, "  split: {validation: 0.1%s%s}\n", s->parts[LS_TEST] ? "" : ", test: 0.1",
            s->groups ? ", by: group" : "");
  fputs("  normalize: {per: channel, inputs: {frames: none}}   # of each band, over the real "
        "frames\n",
        out);
  const size_t shift = s->frames / 8 < 5 ? s->frames / 8 : 5, most = s->sequence ? 5 : 15;
  const size_t mask = s->frames / 4 < most ? s->frames / 4 : most;
  if (shift > 0 && mask > 0)
    fprintf(out,
            "  augment:   # each epoch hears them a little differently\n"
            "    - time_shift: %zu\n    - time_mask: {width: %zu, share: 0.2}\n",
            shift, mask);
  const size_t hidden = s->width / 6;
  if (shift > 0 && mask > 0 && hidden > 0) fprintf(out, "    - frequency_mask: %zu\n", hidden);
  fputs("\n", out);
}

static void put_model(const sounds *s, size_t units, FILE *out) {
  fprintf(out,
          "model:\n"
          "  - conv1d: {filters: %zu, kernel_size: 5, padding: same, activation: relu, from: "
          "sound, name: "
          "heard}\n"
          "  - gru: {units: %zu, bidirectional: concat, %sfrom: [heard, frames]}\n"
          "  - dropout: {rate: 0.2}\n"
          "  - dense: {units: %zu}%s\n\n",
          units, units, s->sequence ? "return_sequences: true, " : "", s->classes,
          s->sequence ? "   # of each frame: the labels, and class 0 between them" : "");
  if (s->sequence)
    fputs("loss: ctc\nmetrics: [character_error_rate, sequence_accuracy]\n\n", out);
  else
    fputs("loss: cross_entropy\nmetrics: [accuracy]\n\n", out);
}

ls_status ls__propose_sound(ls__proposal *p, FILE *out, ls_proposed *proposed, bool *is) {
  ls_status st = LS_OK;
  const ls_propose_options *o = p->options;
  sounds s = {0};
  bool ours = false;
  *is = false;
  if (o->n_inputs > 0 || o->n_targets > 0 || o->time != NULL || o->axis != NULL) return LS_OK;
  LS_TRY(ls__h5_exists(p->file, "/train/x", &ours));
  if (ours) LS_TRY(ls__source_is_ours(p->file, "/train/x", &ours));
  if (ours) LS_TRY(ls__h5_has_attribute(p->file, "/train/x", "features", is));
  if (!*is) return LS_OK;
  LS_TRY(look(p->file, &s));
  const size_t units = s.sequence || s.rows >= 1000 ? 64 : 48;
  size_t batch = 32, steps, epochs;
  while (batch > 16 && s.rows < 15 * batch) batch /= 2;
  steps = s.rows / batch + 1;
  epochs = (s.sequence ? 4000 : 1200) / steps;
  epochs = epochs < 10 ? 10 : epochs > 60 ? 60 : epochs;
  if (s.sequence)
    ls__propose_say(p, out, "task: labels in their order, of %zu kinds, from recordings (ctc)",
                    s.classes - 1);
  else
    ls__propose_say(p, out, "task: the class of a recording, of %zu", s.classes);
  ls__propose_say(p, out, "input x: %zu recordings, frames of %zu numbers%s", s.rows, s.width,
                  s.jagged ? ", of different lengths" : "");
  if (is_drawn(&s))
    ls__propose_say(p, out, "parts: 10 %% of the %s are drawn for validation%s",
                    s.groups ? "groups" : "recordings",
                    s.parts[LS_TEST] ? "" : ", 10 % for the test");
  ls__propose_say(p, out, "network: a convolution and a GRU of %zu units, both ways", units);
  ls__propose_say(p, NULL,
                  "training: adam, learning rate falling along a cosine, batch %zu, %zu epochs",
                  batch, epochs);
  put_data(p, &s, out);
  put_model(&s, units, out);
  fprintf(out,
          "optimizer: {adam: {lr: 0.003}}\n"
          "schedule: cosine   # the learning rate falls to 0 along half a cosine\n"
          "clip: {norm: 1}\n"
          "train: {batch: %zu, epochs: %zu, seed: 1%s}\n"
          "checkpoint: {best: true}   # of the epoch with the smallest validation loss\n",
          batch, epochs, batch < 32 ? ", lanes: 4" : "");
  proposed->table = true;
  proposed->test = is_drawn(&s) || s.parts[LS_TEST];
out:
  return st;
}

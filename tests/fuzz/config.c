/* Configurations and overrides: read, written, read again, and a small network made of them.
 *
 *   input   a byte that says what the network is given and compared with,
 *           YAML \0 KEY=VALUE \0 KEY=VALUE ... */
#include <string.h>

#include <lockstep/data.h>
#include <lockstep/train.h>

#include "base/alloc.h"
#include "config/config.h"
#include "fuzz.h"
#include "model/build.h"
#include "nn/loss.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/settings.h"

enum {
  MAY_FAIL = 1U << LS_ECONFIG | 1U << LS_ENOMEM,
  SAMPLES = 6,
  MOST = 4096 /* numbers of a value, of an input and in all parameters */
};

static ls_status differs(void *context, const char *path, const char *a, const char *b) {
  (void)context;
  return ls__fail(LS_ECONFIG, "%s is %s, and read again %s", path, a == NULL ? "nothing" : a,
                  b == NULL ? "nothing" : b);
}

/* What is written is what was read; in the same form, where no defaults came in between. */
static void check_text(const ls_config *config, bool same_form) {
  char *text = NULL, *again = NULL;
  ls_config *copy = NULL;
  fuzz_status(ls_config_write(config, &text), 0);
  fuzz_status(ls_config_parse(text, "again", &copy), 0);
  fuzz_status(ls__config_differ(config, copy, differs, NULL), 0);
  fuzz_status(ls_config_write(copy, &again), 0);
  FUZZ_CHECK(!same_form || strcmp(text, again) == 0);
  ls_config_destroy(copy);
  free(text); /* as its header says */
  free(again);
}

static const ls_shape shapes[] = {{1, {4}}, {3, {8, 8, 3}}, {2, {16, 5}}, {0, {0}}};

/* Whether the network is one to run here; *y is what it gives. */
static bool is_small(ls_config *config, const ls_port *input, ls_shape *y) {
  ls__graph *graph = NULL;
  bool small = true;
  ls_config *copy = NULL;
  fuzz_status(ls__config_copy(config, &copy), 1U << LS_ENOMEM);
  ls_config *list = ls__config_child(copy, "model");
  const ls_status st = ls__graph_build(list, ls__config_child(copy, "outputs"), 1, input, &graph);
  fuzz_status(st, MAY_FAIL);
  if (st == LS_OK) {
    small = graph->n_nodes <= 40 && graph->arena <= MOST && graph->n_outputs == 1;
    for (int i = 0; small && i < graph->n_nodes; i++)
      small = ls_shape_count(&graph->node[i].layer.out) <= MOST &&
              graph->node[i].layer.work <= 16 * MOST && graph->node[i].layer.saved <= 16 * MOST;
    *y = ls__graph_output(graph, 0).shape;
  }
  ls__graph_destroy(graph);
  ls_config_destroy(copy);
  return st == LS_OK && small;
}

/* Two steps of training, on numbers or on classes. */
static void train(ls_config *config, const ls_port *input, bool classes) {
  static float x[SAMPLES * MOST], y[SAMPLES * MOST];
  static int32_t word[SAMPLES * MOST];
  static FILE *nowhere;
  ls_shape gives = {0, {0}}, scalar = {0, {0}};
  ls_data *data = NULL;
  ls_trainer *trainer = NULL;
  ls__settings set;
  if (nowhere == NULL) nowhere = fopen("/dev/null", "w");
  if (!is_small(config, input, &gives) || ls__config_child(config, "initialize") != NULL) return;
  fuzz_status(ls__config_put(config, "output", "none"), 0);
  ls_config *map = NULL;
  const ls_status read = ls__settings_read(config, NULL, &set);
  fuzz_status(read, MAY_FAIL);
  if (read != LS_OK || set.batch > 32 || set.lanes > 32) return;
  LS_ASSERT(ls__config_map(config, "train", &map) == LS_OK);
  fuzz_status(ls__config_put(map, "max_steps", "2"), 0);
  for (size_t i = 0; i < SAMPLES * MOST; i++) x[i] = (float)(i % 5);
  for (size_t i = 0; i < SAMPLES * MOST; i++) y[i] = (float)(i % 2);
  for (size_t i = 0; i < SAMPLES * MOST; i++) word[i] = (int32_t)(i % 3);
  const ls_data_array arrays[] = {{.name = "input",
                                   .use = LS_INPUT,
                                   .type = input->type,
                                   .shape = input->shape,
                                   .values = input->type == LS_INDEX ? (const void *)word
                                                                     : (const void *)x},
                                  {.name = "target",
                                   .use = LS_TARGET,
                                   .type = LS_REAL,
                                   .shape = classes ? scalar : gives,
                                   .values = y}};
  fuzz_status(ls_data_from_ports(SAMPLES, 2, arrays, &data), 0);
  const ls_train_options how = {.progress = LS_PROGRESS_NONE, .out = nowhere};
  ls_status st = ls_trainer_create(NULL, config, data, &how, &trainer);
  fuzz_status(st, MAY_FAIL | 1U << LS_EDATA);
  if (st == LS_OK) {
    st = ls_trainer_run(trainer, NULL);
    fuzz_status(st, 1U << LS_ENONFINITE | 1U << LS_EDATA | MAY_FAIL);
    fuzz_good += st == LS_OK;
  }
  ls_trainer_destroy(trainer);
  ls_data_close(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char text[FUZZ_ROOM + 1];
  ls_config *config = NULL;
  if (size > FUZZ_ROOM || size-- == 0) return 0;
  const unsigned how = *data++;
  memcpy(text, data, size);
  text[size] = '\0';
  if (strstr(text, "base") != NULL && strchr(text, '/') != NULL) return 0; /* reads any file */
  const size_t begin = fuzz_begin();
  ls_status st = ls_config_parse(text, "input", &config);
  fuzz_status(st, MAY_FAIL);
  for (size_t at = strlen(text) + 1; st == LS_OK && at < size; at += strlen(text + at) + 1) {
    const ls_status set = ls_config_override(config, text + at);
    fuzz_status(set, MAY_FAIL | 1U << LS_EUSAGE);
  }
  if (st == LS_OK) {
    ls_port input = {.name = "input",
                     .type = how & 8U ? LS_INDEX : LS_REAL,
                     .shape = shapes[how % 4]};
    check_text(config, true);
    train(config, &input, (how & 4U) != 0);
    check_text(config, false);
  }
  ls_config_destroy(config);
  fuzz_end(begin);
  return 0;
}

/* ---- To begin with */

#define USUAL "optimizer: {adam: {lr: 0.01}}\ntrain: {batch: 3, epochs: 1, seed: 3, lanes: 2}\n"
static const struct {
  uint8_t how;
  const char *text;
} seeds[] = {
    {4, "model: [{dense: {units: 4, activation: relu}}, {dense: {units: 2}}]\nloss: "
        "cross_entropy\n" USUAL},
    {0, "model:\n- dense: {units: 4}\nloss: mse\nmetrics: [mae, rmse, r2]\n" USUAL},
    {5, "model:\n- conv2d: {filters: 2, kernel_size: 3, padding: same}\n- batch_norm\n- relu\n"
        "- max_pool2d: {pool_size: 2}\n- flatten\n- dropout: {rate: 0.5}\n- dense: {units: 3}\n"
        "loss: {cross_entropy: {label_smoothing: 0.1}}\n" USUAL},
    {0, "model:\n- residual: {layers: [{dense: {units: 5}}, relu], shortcut: [{dense: {units: "
        "5}}]}\n"
        "- repeat: {times: 2, layers: [{dense: {units: 5, activation: tanh}}, layer_norm]}\n"
        "- parallel: {branches: [[linear], [{dense: {units: 5}}]], join: add}\n"
        "- dense: {units: 1}\nloss: {huber: {delta: 0.5}}\nclip: {norm: 1}\n" USUAL},
    {2, "model: [{conv1d: {filters: 3, kernel_size: 2}}, flatten, {dense: {units: 2}}]\nloss: mse\n"
        "schedule: {cosine: {warmup_steps: 1}}\n" USUAL},
    {0, "a: &a {x: 1, y: [1, 2, 'three', \"f\\u00f6ur\"]}\nb: *a\nc: |\n  text\n  lines\nd: >-\n  "
        "folded\n  text\n? key\n: ~\ne: !!str 12\nf: 2021-01-01\n"},
    {8, "model: [{embedding: {input_dim: 9, output_dim: 3}}, flatten, {dense: {units: 2, name: "
        "out}}]\n"
        "outputs: [out]\nloss: mse\nparameters: [{match: \"*/bias\", weight_decay: 0, lr_scale: "
        "2}]\n"
        "regularization: {l2: 0.001}\nearly_stopping: {patience: 2, monitor: loss}\n"
        "compression: {top_k: {}}\n" USUAL},
    {5, "model: [{global_avg_pool: {}}, {dense: {units: 1}}]\nloss: binary_cross_entropy\n"
        "schedule: {step: {every_epochs: 1}}\n" USUAL},
};
enum { SEEDS = sizeof seeds / sizeof *seeds };
static const char *const overrides[] = {"train.batch=2",
                                        "optimizer={sgd: {lr: 0.1, momentum: 0.9}}",
                                        "train.lanes=1", "clip.value=2", "schedule=~"};

size_t fuzz_seed(size_t i, uint8_t *to) {
  if (i >= 2 * (size_t)SEEDS) return SIZE_MAX;
  const char *text = seeds[i / 2].text;
  size_t n = 1 + strlen(text) + 1;
  to[0] = seeds[i / 2].how;
  memcpy(to + 1, text, n - 1);
  for (size_t k = 0; i % 2 == 1 && k < sizeof overrides / sizeof *overrides; k++) {
    memcpy(to + n, overrides[k], strlen(overrides[k]) + 1);
    n += strlen(overrides[k]) + 1;
  }
  return n;
}

/* Names of all kinds and of all their options. */
const char *fuzz_word(size_t i) {
  static const char *const signs[] = {": ",
                                      "- ",
                                      "\n",
                                      "\n  ",
                                      "{",
                                      "}",
                                      "[",
                                      "]",
                                      ", ",
                                      "&a ",
                                      "*a",
                                      "'",
                                      "\"",
                                      "|\n",
                                      "~",
                                      "null",
                                      "0",
                                      "-1",
                                      "1e308",
                                      "nan",
                                      "18446744073709551615",
                                      "9223372036854775808",
                                      "0.5",
                                      "true",
                                      "data: ",
                                      "model: ",
                                      "train: ",
                                      "loss: ",
                                      "optimizer: ",
                                      "schedule: ",
                                      "metrics: ",
                                      "from: ",
                                      "name: ",
                                      "layers: ",
                                      "branches: ",
                                      "times: ",
                                      "share: ",
                                      "trainable: false",
                                      "!!str ",
                                      "? ",
                                      "# ",
                                      "---\n",
                                      "...\n",
                                      "%TAG ! x\n",
                                      "<<"};
  static const ls__registry *const all[] = {&ls__layers,     &ls__blocks,    &ls__losses,
                                            &ls__optimizers, &ls__schedules, &ls__initializers};
  if (i < sizeof signs / sizeof *signs) return signs[i];
  i -= sizeof signs / sizeof *signs;
  for (size_t r = 0; r < sizeof all / sizeof *all; r++) {
    const ls__kind *kind = NULL;
    for (size_t k = 0; (kind = ls__registry_at(all[r], k)) != NULL; k++) {
      if (i-- == 0) return kind->name;
      for (const ls__option *o = kind->options; o != NULL && o->key != NULL; o++)
        if (i-- == 0) return o->key;
    }
  }
  for (const ls__section *s = ls__train_sections; s->path != NULL; s++)
    for (const ls__option *o = s->options; o != NULL && o->key != NULL; o++)
      if (i-- == 0) return o->key;
  return NULL;
}

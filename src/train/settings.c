/* The settings of a run that belong to the training room, as tables and as a struct. */
#include "train/settings.h"

#include <math.h>
#include <string.h>

#include "comm/exchange.h"
#include "train/run_directory.h"

/* ---- train: */

static const char *const precisions[] = {"float32", "bfloat16", NULL};
static const ls__option train_table[] = {
    LS__BY_HAND("batch", "integer or `all`", "32", "samples of a step, over all ranks"),
    LS__WHOLE(ls__settings, epochs, "10", 0, HUGE_VAL,
              "passes over the data; 0: no limit, something else ends the run"),
    LS__WHOLE(ls__settings, seed, "0", 0, HUGE_VAL, "of weights, order, dropout and augmentation"),
    LS__BY_HAND("lanes", "integer or `auto`", "auto",
                "parts that a batch is cut into: the same lanes, the same bits on any number of "
                "ranks; `auto`: by the batch, up to 256"),
    LS__NUMBER(ls__settings, pass_mb, "256", 0.001, 1e9,
               "MB of activations; a rank computes several lanes at once, as many as fit into it "
               "(with "
               "batch_norm over the batch all its lanes are kept, whatever this is)"),
    LS__CHOICE(ls__settings, precision, "float32", precisions,
               "of what layers multiply while they train; with `bfloat16` both factors of a "
               "product "
               "are rounded to 8 bits, and all else stays float32"),
    LS__WHOLE(ls__settings, max_steps, "0", 0, HUGE_VAL, "stop after so many steps; 0: no limit"),
    LS__NUMBER(ls__settings, max_seconds, "0", 0, 1e12,
               "stop after so many seconds, counted from each start; 0: no limit"),
    LS__BY_HAND("target_loss", "number", "", "stop when an epoch's training loss is not above it"),
    LS__WHOLE(ls__settings, log_steps, "0", 0, HUGE_VAL,
              "a line in `metrics.jsonl` every so many steps, its loss that of the steps since the "
              "last one in the epoch; 0: epochs only"),
    LS__NUMBER(ls__settings, log_seconds, "300", 0, 1e9,
               "where no bar is shown, a line every so many seconds within an epoch; 0: a line an "
               "epoch alone"),
    LS__BY_HAND("monitor", "a name of `metrics.jsonl`", "",
                "by what an epoch is the best, such as `validation_accuracy`; not set: "
                "`validation_loss`, without a validation part `loss`"),
    LS__END,
};

/* Whether a setting that may be a number is the word; another word is refused. */
static ls_status word_or_count(const ls_config *node, const char *word, bool *is_word) {
  *is_word = false;
  if (node == NULL || ls__config_kind_of(node) != LS__SCALAR) return LS_OK;
  const char *text = ls__config_text(node);
  *is_word = strcmp(text, word) == 0;
  if (*is_word || strpbrk(text, "0123456789") != NULL) return LS_OK;
  return ls__config_fail(node, "\"%.40s\": it must be %s or a whole number", text, word);
}

static ls_status read_train(ls_config *root, ls__settings *s) {
  ls_status st = LS_OK;
  ls_config *map = NULL;
  LS_TRY(ls__config_map(root, "train", &map));
  ls_config *batch = ls__config_child(map, "batch");
  bool all = false;
  LS_TRY(word_or_count(batch, "all", &all));
  if (!all) LS_TRY(ls__config_size(map, "batch", 32, 1, SIZE_MAX / 4, &s->batch));
  ls_config *lanes = ls__config_child(map, "lanes");
  LS_TRY(word_or_count(lanes, "auto", &s->lanes_auto));
  const char *text = NULL;
  if (lanes == NULL || s->lanes_auto)
    LS_TRY(ls__config_string(map, "lanes", "auto", &text));
  else
    LS_TRY(ls__config_size(map, "lanes", 1, 1, 65536, &s->lanes));
  s->target_loss = -INFINITY;
  if (ls__config_child(map, "target_loss") != NULL)
    LS_TRY(ls__config_double(map, "target_loss", 0, -1e300, 1e300, &s->target_loss));
  LS_TRY(ls__options_read(train_table, map, s));
  if (ls__config_child(map, "monitor") != NULL)
    LS_TRY(ls__config_string(map, "monitor", NULL, &s->monitor));
  LS_TRY(ls__config_finish(map));
out:
  return st;
}

/* ---- early_stopping:, regularization:, clip: maps that may be absent */

/* As ls__monitor_mode. */
static const char *const modes[] = {"auto", "min", "max", NULL};
static const ls__option early_table[] = {
    LS__BY_HAND("monitor", "a name of `metrics.jsonl`", "train.monitor",
                "what must get better: `validation_loss`, `validation_accuracy`, `loss`, ..."),
    {"mode", LS__OPTION_CHOICE, offsetof(ls__settings, early_mode), "auto", 0, 0, modes, NULL,
     "whether lower (`min`) or higher (`max`) is better; `auto`: as the loss or metric has it"},
    LS__WHOLE(ls__settings, patience, "5", 0, HUGE_VAL,
              "epochs without improvement before the stop"),
    LS__NUMBER(ls__settings, min_delta, "0", 0, 1e300, "what counts as improvement"),
    LS__SWITCH(ls__settings, restore_best, "true", "end with the best epoch's weights"),
    LS__END,
};

static const ls__option regularization_table[] = {
    LS__NUMBER(ls__settings, l1, "0", 0, 1e300, "adds l1 sign(w) to the gradient"),
    LS__NUMBER(ls__settings, l2, "0", 0, 1e300, "adds l2 w to the gradient"),
    LS__END,
};

static const ls__option clip_table[] = {
    LS__NUMBER_AS(ls__settings, clip_value, "value", "0", 0, 1e300,
                  "each element of the gradient to ±value; 0: no clipping"),
    LS__NUMBER_AS(ls__settings, clip_norm, "norm", "0", 0, 1e300,
                  "the whole gradient to this norm; 0: no clipping"),
    LS__END,
};

/* A map that may be absent; *there says whether it is present, whatever it holds. */
static ls_status read_absent(ls_config *root, const char *key, const ls__option *table,
                             ls__settings *s, bool *there) {
  ls_status st = LS_OK;
  ls_config *map = ls__config_child(root, key);
  *there = map != NULL;
  if (map == NULL) return LS_OK;
  LS_TRY(ls__config_map(root, key, &map));
  LS_TRY(ls__options_read(table, map, s));
  if (table == early_table) {
    const char *general = s->monitor != NULL ? s->monitor : "validation_loss";
    const bool said = ls__config_child(map, "monitor") != NULL && s->monitor != NULL;
    LS_TRY(ls__config_string(map, "monitor", general, &s->monitor));
    if (said && strcmp(general, s->monitor) != 0)
      LS_REFUSE(ls__config_child(map, "monitor"),
                "\"%s\", and train.monitor is \"%s\": one thing is monitored", s->monitor, general);
  }
  LS_TRY(ls__config_finish(map));
out:
  return st;
}

/* ---- checkpoint: */

static const ls__option checkpoint_table[] = {
    LS__NUMBER_AS(ls__settings, save_seconds, "every_seconds", "120", 0, 1e12, "0: not by time"),
    {"every_epochs", LS__OPTION_WHOLE, offsetof(ls__settings, save_epochs), "0", 0, HUGE_VAL, NULL,
     NULL, "0: not by epochs"},
    {"every_steps", LS__OPTION_WHOLE, offsetof(ls__settings, save_steps), "0", 0, HUGE_VAL, NULL,
     NULL, "0: not by steps"},
    LS__SIZE(ls__settings, keep, "3", 1, 1000000, "newest step checkpoints that are kept"),
    LS__SWITCH(ls__settings, best, "false",
               "keep the network of the best epoch, by `train.monitor`, as `best.h5`; with "
               "`early_stopping` and `restore_best` it is kept anyway"),
    LS__END,
};

static ls_status read_checkpoint(ls_config *root, ls__settings *s) {
  ls_status st = LS_OK;
  ls_config *map = NULL;
  LS_TRY(ls__config_map(root, "checkpoint", &map));
  LS_TRY(ls__options_read(checkpoint_table, map, s));
  LS_TRY(ls__config_finish(map));
out:
  return st;
}

/* ---- exchange: and compression: */

/* A compression and its code. */
typedef struct compression {
  ls__kind kind;
  ls__code code;
} compression;

static const ls__option top_k_table[] = {
    LS__NUMBER(ls__codec, fraction, "0.01", 1e-6, 0.5,
               "of the gradients, and of the changes of weights, that are sent"),
    LS__END,
};
static const compression none = {{"none", "numbers as they are", NULL}, LS__CODE_NONE},
                         bf16 = {{"bf16", "16 bits, of the range of floats", NULL}, LS__CODE_BF16},
                         fp16 = {{"fp16", "16 bits, more exact and up to 65504", NULL},
                                 LS__CODE_FP16},
                         top_k = {{"top_k", "only the largest of them", top_k_table},
                                  LS__CODE_TOP_K};
static const ls__kind *const compressions[] = {&none.kind, &bf16.kind, &fp16.kind, &top_k.kind,
                                               NULL};
static const ls__registry compression_registry = {"compression", compressions, NULL, NULL};

static ls_status read_exchange(ls_config *root, ls__settings *s) {
  ls_status st = LS_OK;
  int exchange = 0;
  const char *name = NULL;
  const ls__kind *kind = NULL;
  ls_config *options = NULL;
  LS_TRY(ls__config_choice(root, "exchange", "auto", ls__exchange_names(), &exchange));
  s->exchange = ls__exchange_names()[exchange];
  ls_config *node = ls__config_child(root, "compression");
  if (node == NULL) return ls__config_string(root, "compression", "none", &name);
  LS_TRY(ls__registry_read(&compression_registry, node, &kind, &options));
  s->codec.code = ((const compression *)kind)->code;
  LS_TRY(ls__options_read(kind->options, options, &s->codec));
  LS_TRY(ls__config_finish(options));
  if (s->codec.code != LS__CODE_NONE && strcmp(s->exchange, "mpi") == 0)
    st = ls__config_fail(node, "exchange: mpi can't compress; take auto, shared or tree");
out:
  return st;
}

/* ---- products: */

static ls_status read_products(ls_config *root, ls__settings *s) {
  static const char *const names[] = {"own", "openblas", "fastest", NULL};
  int products = 0;
  ls_status st = ls__config_choice(root, "products", "own", names, &products);
  s->by.products = (ls__products)products;
  s->by.precision = (ls__precision)s->precision;
  if (st == LS_OK && s->by.precision == LS__BFLOAT16 && s->by.products != LS__PRODUCTS_OWN)
    st = ls__config_fail(ls__config_child(root, "products"),
                         "%s computes in float32 alone; take own, or train.precision: "
                         "float32",
                         names[products]);
  return st;
}

/* ---- initialize: (initialize.c) */

static const ls__option initialize_table[] = {
    LS__BY_HAND("from", "text", NULL, "a checkpoint, or a run directory: its last network"),
    LS__BY_HAND("match", "pattern or list", "",
                "the tensors that are taken, as in `parameters`; one that doesn't fit is an error; "
                "without it, all that fit"),
    LS__BY_HAND("freeze", "pattern or list", "",
                "those of them that stay as they are: `trainable: false`"),
    LS__END,
};

/* ---- The top level */

static const ls__option top_table[] = {
    LS__BY_HAND("base", "text", "", "a file whose settings come first"),
    LS__BY_HAND("data", "map", NULL, "where samples come from"),
    LS__BY_HAND("model", "list", NULL, "the layers of the network"),
    LS__BY_HAND("outputs", "list", "the last layer", "the layers that give the network's outputs"),
    LS__BY_HAND("loss", "name", NULL,
                "what is made small; of several outputs a map by their names"),
    LS__BY_HAND("metrics", "list", "by loss",
                "classes: `[accuracy]`, else `[mae, rmse]`; of several outputs a map by their "
                "names"),
    LS__BY_HAND("optimizer", "name", NULL, "how weights follow the gradient"),
    LS__BY_HAND("schedule", "name or list", "constant", "of the learning rate"),
    LS__BY_HAND("lr_scale", "map", "", "a learning rate that grows with the batch"),
    LS__BY_HAND("parameters", "list", "", "settings of tensors by their names"),
    LS__BY_HAND("initialize", "map", "", "begin with the weights of another run"),
    LS__BY_HAND("train", "map", "", "batch, epochs, seed, lanes and limits"),
    LS__BY_HAND("early_stopping", "map", "", "present: the run stops when it gets no better"),
    LS__BY_HAND("regularization", "map", "",
                "added to the gradient, of weights alone (not biases)"),
    LS__BY_HAND("clip", "map", "", "of the gradient"),
    LS__BY_HAND("checkpoint", "map", "", "when checkpoints are written"),
    LS__BY_HAND("exchange", "`auto` `shared` `tree` `mpi`", "auto",
                "how ranks sum gradients; auto picks, and changes no bit by it"),
    LS__BY_HAND("products", "`own` `openblas` `fastest`", "own",
                "by what the matrix products of training steps are computed: `own` gives the same "
                "bits on any processor, "
                "`fastest` takes OpenBLAS where that turns out faster"),
    LS__BY_HAND("compression", "name", "none", "of what nodes send each other"),
    LS__NUMBER(ls__settings, bucket_mb, "0", 0, 65536,
               "MB of gradients that are exchanged as one message; 0: `auto` measures, else all in "
               "one"),
    LS__NUMBER(ls__settings, watchdog, "600", 0.1, 1e9,
               "seconds; a rank that waits longer for another ends the job (exit code 5)"),
    LS__SWITCH(ls__settings, pictures, "true",
               "at the end of a run: learning curves, confusion matrix and a page of predictions, "
               "in "
               "the run directory's folder `pictures`, drawn by gnuplot"),
    LS__BY_HAND("output", "text", "runs/NAME",
                "run directory, for `NAME.yaml`; `none`: none; `{train.batch}` in it is that "
                "setting's "
                "value, `{name}` is NAME, `{overrides}` are the command line's"),
    LS__END,
};

const ls__section ls__train_sections[] = {
    {"", "What a file may say; most of it is told of in a section of its own below.", top_table,
     NULL},
    {"train", "How long, in which steps.", train_table, NULL},
    {"early_stopping", "Stop when it gets no better.", early_table, NULL},
    {"regularization", "Added to the gradient of weights, not of biases.", regularization_table,
     NULL},
    {"clip", "Keep gradients small.", clip_table, NULL},
    {"initialize",
     "Begin with the weights of another network, such as one that was trained on more data.  "
     "Tensors "
     "are found by their names, and must have the same shape.",
     initialize_table, NULL},
    {"checkpoint", "When checkpoints are written, and how many stay.", checkpoint_table, NULL},
    {"compression", "Of gradients and weights between nodes: for slow networks.", NULL,
     &compression_registry},
    {NULL, NULL, NULL, NULL},
};

ls_status ls__settings_read(ls_config *root, const char *default_output, ls__settings *out) {
  ls_status st = LS_OK;
  ls__settings s;
  bool there = false;
  memset(&s, 0, sizeof s);
  if (ls__config_kind_of(root) != LS__MAP) LS_REFUSE(root, "a map of settings is wanted");
  LS_TRY(read_train(root, &s));
  LS_TRY(read_absent(root, "early_stopping", early_table, &s, &s.early));
  LS_TRY(read_absent(root, "regularization", regularization_table, &s, &there));
  LS_TRY(read_absent(root, "clip", clip_table, &s, &there));
  LS_TRY(read_exchange(root, &s));
  LS_TRY(read_products(root, &s));
  LS_TRY(ls__options_read(top_table, root, &s));
  LS_TRY(read_checkpoint(root, &s));
  const bool given = ls__config_child(root, "output") != NULL;
  if (given || default_output != NULL)
    LS_TRY(ls__config_string(root, "output", default_output, &s.output));
  if (s.output != NULL && s.output[0] == '\0')
    LS_REFUSE(ls__config_child(root, "output"), "is empty, it must be a directory, or none");
  if (s.output != NULL && strcmp(s.output, "none") == 0) s.output = NULL;
  s.output_expands = given && s.output != NULL && strpbrk(s.output, "{}") != NULL;
  if (s.output != NULL && strlen(s.output) > LS__MOST_OUTPUT)
    LS_FAIL(LS_ECONFIG, "output: \"%.100s...\" is too long a path", s.output);
  if (s.epochs == 0 && s.max_steps == 0 && s.max_seconds == 0 && !s.early && isinf(s.target_loss))
    LS_FAIL(LS_ECONFIG, "train.epochs: 0 is no limit, and nothing else ends the run; give "
                        "max_steps, max_seconds, target_loss or early_stopping");
  *out = s;
out:
  return st;
}

ls_status ls__settings_name_output(ls_config *root, ls__settings *s) {
  ls_status st = LS_OK;
  char text[LS__MOST_OUTPUT + 1];
  if (!s->output_expands) return LS_OK;
  LS_TRY(ls__config_expand(root, "output", text, sizeof text));
  LS_TRY(ls__config_put(root, "output", text));
  s->output = ls__config_text(ls__config_child(root, "output"));
out:
  return st;
}

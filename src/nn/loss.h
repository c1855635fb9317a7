/* Losses: what the training room needs to know of one, whatever it computes.
 *
 * A loss compares a prediction with its target.  Its kind is a table of options and a few
 * functions: `configure` what tables can't say, `fit` to shapes, `check` targets, `run`.  What it
 * is about and which final activation it applies itself are fields that the kind sets, so that
 * nobody asks for its name.  A new kind is one new file and one word in kinds.h; the program that
 * calls the library adds its own with ls_loss_register.
 *
 * The loss of a sample is written beside each kind; sums are in double and in an order that depends
 * on the shapes alone.  Targets are floats: classes as [n] (target shape []) or one a position, or
 * numbers in the prediction's shape.  Dimensions of 1 don't count when shapes are compared. */
#ifndef LS_NN_LOSS_H
#define LS_NN_LOSS_H

#include <lockstep/loss.h>
#include <lockstep/shape.h>
#include <stdbool.h>

#include "config/registry.h"

/* What a prediction is about: decides which metrics have a meaning. */
typedef enum ls__about {
  LS__ABOUT_NUMBERS,   /* regression */
  LS__ABOUT_CLASSES,   /* the last dimension holds a score for each class */
  LS__ABOUT_YES_NO,    /* each output is a yes or no of its own */
  LS__ABOUT_SEQUENCES, /* scores of classes at each step, of which a sequence of labels is made */
  LS__ABOUT_ANYTHING   /* the program's own: nobody knows */
} ls__about;

typedef struct ls__loss_kind ls__loss_kind;

/* How much each class counts, as `class_weights` says: numbers; a map, until the names of the classes
 * are known; or `balanced`, until the classes are counted. */
typedef enum ls__class_weights_are {
  LS__WEIGHTS_NONE,
  LS__WEIGHTS_GIVEN,
  LS__WEIGHTS_NAMED,
  LS__WEIGHTS_BALANCED
} ls__class_weights_are;
typedef struct ls__class_weights {
  ls__class_weights_are are;
  size_t n, classes; /* numbers here; classes of the loss, set by its fit */
  float *value;      /* [n] */
  char **name;       /* [n] of a map; NULL */
} ls__class_weights;

typedef struct ls__loss {
  const ls__loss_kind *kind;
  void *options; /* kind->options_bytes, zeroed before they are read; owned */
  int reduction; /* 1: the sum over the batch, not the mean */
  double weight; /* of this loss among those of several outputs */
  /* Set by the kind's configure: */
  ls__about about;
  const char *absorbs; /* name of the final activation that the loss applies itself, and then takes
                          the input of; NULL: none */
  bool logits;         /* predictions are before that activation; of numbers: they are logarithms */
  bool as_they_are;    /* targets have a meaning that normalising would take from them: counts */
  bool far;            /* what is right may be far from its target: no r2 is to be expected */
  bool ignores;        /* positions whose target is `ignored` count neither here nor in metrics; of
                          sequences it is what stands behind their end */
  float ignored;
  const char *steps; /* of kinds with lengths of their own: the input that counts the prediction's
                          steps, or whose lengths do; NULL: the one that has lengths */
  size_t blank;      /* of sequences: the class that is no label, set by fit */
  ls__class_weights weights; /* of classes */
  /* Set by fit: */
  ls_shape prediction, target; /* of one sample */
  bool classes;                /* targets are class numbers */
  size_t work;                 /* floats of scratch, set by the kind's fit */
} ls__loss;

/* Samples to score.  dyhat overlaps neither yhat nor y. */
typedef struct ls__loss_call {
  size_t n;
  const float *yhat;      /* [n, prediction] */
  const float *y;         /* [n, target] */
  float *dyhat;           /* [n, prediction] the gradient of the sum, written; NULL: not wanted */
  const float *weights;   /* [n] loss and gradient of each sample are multiplied with; NULL: 1 */
  const int32_t *lengths; /* [n] of sample i only the first lengths[i] positions (of the first
                             dimension) count; NULL: all */
  const int32_t *steps;   /* [n] of kinds with lengths of their own: how many of the prediction's
                             first dimension count, while lengths count the target's; NULL: all */
  float *work;            /* [loss->work] */
  size_t positions;       /* for the kind's run: how many of the first dimension count */
} ls__loss_call;

struct ls__loss_kind {
  ls__kind kind; /* name, meaning with formula, options, which are read into loss->options */
  size_t options_bytes;
  bool own_lengths; /* prediction and target have lengths of their own.  Then `check` and `run` get
                       one sample a call, and the first dimensions of loss->prediction and
                       loss->target are its lengths, which may be 0 */
  /* After the option table; may be NULL. */
  ls_status (*configure)(ls__loss *loss, ls_config *options);
  /* Whether the shapes fit, LS_ECONFIG; sets classes and work.  NULL: both shapes must be equal. */
  ls_status (*fit)(ls__loss *loss);
  /* Refuse targets that it can't take, LS_EDATA, "sample I: ...", I counted from `first`.
   * NULL: every finite number is good. */
  ls_status (*check)(const ls__loss *loss, const float *y, size_t n, size_t first);
  /* The loss summed over the samples, and its gradient.  Weights are taken care of; of a sample
   * only the first call->positions count (ls__loss_numbers), and lengths come one sample a call. */
  double (*run)(const ls__loss *loss, const ls__loss_call *call);
};

extern const ls__registry ls__losses;

/* The entry of an output in `loss:` or `metrics:` of a configuration, NULL: none.  With one output
 * all of it, with several that of the output's name; a list or a name where a map by output is
 * wanted is LS_ECONFIG. */
LS_CHECKED ls_status ls__loss_entry(ls_config *root, const char *key, int n_outputs,
                                    const char *output, ls_config **entry);

/* Read `mse`, `{cross_entropy: {label_smoothing: 0.1}}`. */
LS_CHECKED ls_status ls__loss_create(ls_config *node, ls__loss **out);
void ls__loss_destroy(ls__loss *loss);

/* Take these shapes; LS_ECONFIG where they don't fit. */
LS_CHECKED ls_status ls__loss_fit(ls__loss *loss, const ls_shape *prediction,
                                  const ls_shape *target);

/* Refuse targets that the loss can't take: a class outside [0, K), a probability outside [0, 1].
 * Cheap enough for every batch, needed once a dataset. */
LS_CHECKED ls_status ls__loss_check(const ls__loss *loss, const float *y, size_t n, size_t first);

/* The same of the samples of a call, up to their lengths. */
LS_CHECKED ls_status ls__loss_check_call(const ls__loss *loss, const ls__loss_call *call,
                                         size_t first);

/* The loss summed over the samples; NaN for a class that is none. */
double ls__loss_run(const ls__loss *loss, const ls__loss_call *call);

/* For kinds: whether the shapes are equal but for dimensions of 1, the prediction taken without its
 * last `drop` dimensions; its last dimension; and the message of those that want equal shapes. */
bool ls__loss_shapes_fit(const ls__loss *loss, int drop);
size_t ls__loss_width(const ls__loss *loss);
LS_CHECKED ls_status ls__loss_fit_equal(const ls__loss *loss);
/* For runs that compare number with number: how many of a call count, those of its samples up to
 * their lengths, from yhat[0] and y[0] on; *mean is what the sum over the numbers of a sample is
 * multiplied with. */
size_t ls__loss_numbers(const ls__loss *loss, const ls__loss_call *call, double *mean);
/* Positions of a call's samples that count, where the last dimension is a row of its own. */
size_t ls__loss_rows_of(const ls__loss *loss, const ls__loss_call *call);
/* Targets in 0..1; class numbers, or in 0..1 where they aren't classes. */
LS_CHECKED ls_status ls__loss_check_probabilities(const ls__loss *loss, const float *y, size_t n,
                                                  size_t first);
LS_CHECKED ls_status ls__loss_check_classes(const ls__loss *loss, const float *y, size_t n,
                                            size_t first);
/* Whether the target is classes of the prediction's last dimension, or as many numbers: sets
 * classes.  LS_ECONFIG where it is neither, and where there are fewer classes than `least`; `for_one`:
 * the loss that takes one output, or NULL. */
LS_CHECKED ls_status ls__loss_fit_classes(ls__loss *loss, size_t least, const char *for_one);

/* ---- Targets that don't count (ignore.c) */

#define LS__IGNORE_OPTION                                                                        \
  LS__BY_HAND("ignore_index", "whole number", "",                                                \
              "a target that doesn't count, in the loss or in metrics: padding, or what nobody " \
              "labelled, such as -1, -100 or 255; a sample's loss is the mean over the others")
/* Read it; and refuse it, once shapes are known, where targets are no class numbers. */
LS_CHECKED ls_status ls__loss_read_ignored(ls__loss *loss, ls_config *options);
LS_CHECKED ls_status ls__loss_fit_ignored(const ls__loss *loss);
static inline bool ls__loss_ignores(const ls__loss *loss, float y) {
  return loss->ignores && !(y < loss->ignored) && !(y > loss->ignored);
}
/* The loss of `rows` of a call that follow one another, each of which counts `mean`. */
typedef double (*ls__loss_of_rows)(const ls__loss *loss, float *dyhat, const float *yhat,
                                   const float *y, double mean, size_t rows);
/* Those that count of n samples of `rows` each: yhat [n, rows, width], y [n, rows, y_width]. */
double ls__loss_counted(const ls__loss *loss, const ls__loss_call *call, size_t rows, size_t width,
                        size_t y_width, ls__loss_of_rows of);

/* For metrics: -log of the right class's share, summed over rows [rows, width] of scores, or of
 * probabilities; y [rows] classes or [rows, width] shares (cross_entropy.c). */
double ls__loss_entropy(const float *yhat, const float *y, bool classes, bool logits, size_t rows,
                        size_t width);

/* ---- Weights of classes (class_weights.c) */

/* The row of a loss's option table. */
#define LS__CLASS_WEIGHTS_OPTION                                                              \
  LS__BY_HAND("class_weights", "`balanced`, list or map", "",                                 \
              "how much each class counts: numbers in their order, or by names; `balanced`: " \
              "n / (classes * samples of the class), of the training part.  The loss is "     \
              "divided by the samples (Keras), not by their weights (PyTorch)")
/* For configure and fit of kinds that have it: cross entropies, which may apply the softmax or sigmoid
 * themselves, of classes and of yes or no. */
LS_CHECKED ls_status ls__loss_of_classes(ls__loss *loss, ls_config *options, bool from_logits);
LS_CHECKED ls_status ls__loss_of_yes_no(ls__loss *loss, ls_config *options, bool from_logits);
LS_CHECKED ls_status ls__loss_fit_yes_no(ls__loss *loss);
LS_CHECKED ls_status ls__class_weights_read(ls__loss *loss, ls_config *options);
LS_CHECKED ls_status ls__class_weights_fit(ls__loss *loss, size_t classes);
/* Numbers, one a class, in place of names or `balanced`; copies.  LS_ECONFIG where it can't be. */
LS_CHECKED ls_status ls__class_weights_set(ls__class_weights *weights, const float *value,
                                           size_t n);
/* A map by names as numbers, in the order of these names.  LS_ECONFIG, without a place, where a class
 * has none, or a name is none. */
LS_CHECKED ls_status ls__class_weights_order(ls__class_weights *weights, const char *const *names,
                                             size_t n);
void ls__class_weights_reset(ls__class_weights *weights);

#endif

/* What Keras, PyTorch and scikit-learn call things that have another name here, and in which place
 * of a configuration a setting stands.  For messages alone: each thing has one name that is
 * accepted. */
#include <ctype.h>
#include <string.h>

#include "config/nearest.h"

enum { LONGEST = 64 };

/* Names there, in small letters without signs, or as they are written where that tells more; a name
 * here.  Of several rows with one name, the first whose name here may stand in the place is
 * meant. */
static const struct {
  const char *there, *here;
} synonyms[] = {
    /* sections */
    {"dataset", "data"},
    {"layers", "model"},
    {"network", "model"},
    {"net", "model"},
    {"architecture", "model"},
    {"hiddenlayers", "model"},
    {"hiddenlayersizes", "model"},
    {"criterion", "loss"},
    {"objective", "loss"},
    {"cost", "loss"},
    {"lossfunction", "loss"},
    {"optim", "optimizer"},
    {"solver", "optimizer"},
    {"lrscheduler", "schedule"},
    {"lrschedule", "schedule"},
    {"scheduler", "schedule"},
    {"learningrateschedule", "schedule"},
    {"learningratescheduler", "schedule"},
    {"training", "train"},
    {"fit", "train"},
    {"outputdir", "output"},
    {"outdir", "output"},
    {"savedir", "output"},
    {"logdir", "output"},
    {"gradclip", "clip"},
    {"gradientclipping", "clip"},
    /* train, early_stopping, clip */
    {"batchsize", "batch"},
    {"bs", "batch"},
    {"minibatch", "batch"},
    {"minibatchsize", "batch"},
    {"epoch", "epochs"},
    {"nepochs", "epochs"},
    {"numepochs", "epochs"},
    {"maxepochs", "epochs"},
    {"steps", "max_steps"},
    {"iterations", "max_steps"},
    {"maxiter", "max_steps"},
    {"randomseed", "seed"},
    {"randomstate", "seed"},
    {"valloss", "validation_loss"},
    {"restorebestweights", "restore_best"},
    {"clipnorm", "norm"},
    {"maxnorm", "norm"},
    {"clipvalue", "value"},
    /* data */
    {"path", "file"},
    {"filename", "file"},
    {"x", "inputs"},
    {"features", "inputs"},
    {"input", "inputs"},
    {"y", "targets"},
    {"labels", "targets"},
    {"label", "targets"},
    {"target", "targets"},
    {"standardize", "normalize"},
    {"normalise", "normalize"},
    {"normalization", "normalize"},
    {"scale", "normalize"},
    {"val", "validation"},
    {"valsplit", "validation"},
    {"validationsplit", "validation"},
    {"validationfraction", "validation"},
    {"testsize", "test"},
    {"testsplit", "test"},
    {"sampleweights", "sample_weight"},
    {"dataformat", "layout"},
    /* data.augment */
    {"augmentation", "augment"},
    {"augmentations", "augment"},
    {"transforms", "augment"},
    {"randomflip", "flip"},
    {"randomhorizontalflip", "flip"},
    {"randomverticalflip", "flip"},
    {"horizontalflip", "flip"},
    {"verticalflip", "flip"},
    {"randomtranslation", "shift"},
    {"randomrotation", "rotation"},
    {"randomzoom", "zoom"},
    {"randombrightness", "brightness"},
    {"randomcontrast", "contrast"},
    {"gaussiannoise", "noise"},
    {"randomerasing", "cutout"},
    {"constant", "zeros"},
    {"nearest", "edge"},
    {"replicate", "edge"},
    {"wrap", "periodic"},
    {"circular", "periodic"},
    /* layers and their options; `Linear` is PyTorch's layer, `linear` an activation */
    {"Linear", "dense"},
    {"fc", "dense"},
    {"fullyconnected", "dense"},
    {"linearlayer", "dense"},
    {"innerproduct", "dense"},
    {"outfeatures", "units"},
    {"neurons", "units"},
    {"hidden", "units"},
    {"hiddensize", "units"},
    {"hiddenunits", "units"},
    {"nodes", "units"},
    {"width", "units"},
    {"size", "units"},
    {"outputdim", "units"},
    {"conv", "conv2d"},
    {"convolution2d", "conv2d"},
    {"convtranspose1d", "conv1d_transpose"},
    {"convtranspose2d", "conv2d_transpose"},
    {"convtranspose3d", "conv3d_transpose"},
    {"deconv2d", "conv2d_transpose"},
    {"outchannels", "filters"},
    {"channels", "filters"},
    {"kernel", "kernel_size"},
    {"kernelshape", "kernel_size"},
    {"dilation", "dilation_rate"},
    {"numembeddings", "input_dim"},
    {"embeddingdim", "output_dim"},
    {"bias", "use_bias"},
    {"weightinitializer", "kernel_initializer"},
    {"initializer", "kernel_initializer"},
    {"init", "kernel_initializer"},
    {"p", "rate"},
    {"prob", "rate"},
    {"probability", "rate"},
    {"slope", "negative_slope"},
    {"alpha", "negative_slope"},
    {"concat", "concatenate"},
    {"cat", "concatenate"},
    {"sum", "add"},
    {"dim", "axis"},
    {"view", "reshape"},
    {"residualblock", "residual"},
    {"resblock", "residual"},
    {"skip", "residual"},
    {"skipconnection", "shortcut"},
    {"branch", "parallel"},
    {"inception", "parallel"},
    {"merge", "join"},
    {"loop", "repeat"},
    {"stack", "repeat"},
    {"n", "times"},
    {"count", "times"},
    {"block", "sequential"},
    {"maxpooling1d", "max_pool1d"},
    {"maxpooling2d", "max_pool2d"},
    {"maxpooling3d", "max_pool3d"},
    {"averagepooling1d", "avg_pool1d"},
    {"averagepooling2d", "avg_pool2d"},
    {"averagepooling3d", "avg_pool3d"},
    {"globalaveragepooling1d", "global_avg_pool"},
    {"globalaveragepooling2d", "global_avg_pool"},
    {"globalaveragepooling3d", "global_avg_pool"},
    {"adaptiveavgpool2d", "global_avg_pool"},
    {"globalmaxpooling1d", "global_max_pool"},
    {"globalmaxpooling2d", "global_max_pool"},
    {"globalmaxpooling3d", "global_max_pool"},
    {"upsampling1d", "upsample"},
    {"upsampling2d", "upsample"},
    {"upsampling3d", "upsample"},
    {"scalefactor", "size"},
    {"zeropadding1d", "pad"},
    {"zeropadding2d", "pad"},
    {"zeropadding3d", "pad"},
    {"cropping1d", "crop"},
    {"cropping2d", "crop"},
    {"cropping3d", "crop"},
    {"transpose", "permute"},
    {"mul", "multiply"},
    {"stride", "strides"},
    {"circular", "periodic"},
    {"replicate", "edge"},
    /* activations */
    {"swish", "silu"},
    {"identity", "linear"},
    {"none", "linear"},
    {"logistic", "sigmoid"},
    /* initialisers */
    {"xavier", "glorot_uniform"},
    {"glorot", "glorot_uniform"},
    {"xavieruniform", "glorot_uniform"},
    {"xaviernormal", "glorot_normal"},
    {"kaiming", "he_uniform"},
    {"he", "he_uniform"},
    {"kaiminguniform", "he_uniform"},
    {"kaimingnormal", "he_normal"},
    {"randomnormal", "normal"},
    {"gaussian", "normal"},
    {"randomuniform", "uniform"},
    /* losses and metrics */
    {"mseloss", "mse"},
    {"meansquarederror", "mse"},
    {"squarederror", "mse"},
    {"l2", "mse"},
    {"maeloss", "mae"},
    {"l1loss", "mae"},
    {"l1", "mae"},
    {"meanabsoluteerror", "mae"},
    {"huberloss", "huber"},
    {"smoothl1", "huber"},
    {"smoothl1loss", "huber"},
    {"crossentropyloss", "cross_entropy"},
    {"categoricalcrossentropy", "cross_entropy"},
    {"sparsecategoricalcrossentropy", "cross_entropy"},
    {"ce", "cross_entropy"},
    {"nll", "cross_entropy"},
    {"nllloss", "cross_entropy"},
    {"softmaxcrossentropy", "cross_entropy"},
    {"logloss", "cross_entropy"},
    {"bce", "binary_cross_entropy"},
    {"bceloss", "binary_cross_entropy"},
    {"bcewithlogits", "binary_cross_entropy"},
    {"bcewithlogitsloss", "binary_cross_entropy"},
    {"ctcloss", "ctc"},
    {"blankindex", "blank"},
    {"blankid", "blank"},
    {"ignoreclass", "ignore_index"},
    {"ignorelabel", "ignore_index"},
    {"voidlabel", "ignore_index"},
    {"cer", "character_error_rate"},
    {"charerrorrate", "character_error_rate"},
    {"wer", "word_error_rate"},
    {"acc", "accuracy"},
    {"categoricalaccuracy", "accuracy"},
    {"binaryaccuracy", "accuracy"},
    {"sparsecategoricalaccuracy", "accuracy"},
    {"topkcategoricalaccuracy", "top_k"},
    {"topkaccuracy", "top_k"},
    {"rootmeansquarederror", "rmse"},
    {"r2score", "r2"},
    {"rsquared", "r2"},
    {"average", "mean"},
    /* optimizers, schedules and their options */
    {"stochasticgradientdescent", "sgd"},
    {"gradientdescent", "sgd"},
    {"learningrate", "lr"},
    {"eta", "lr"},
    {"stepsize", "every_epochs"},
    {"betas", "beta1"},
    {"beta", "beta1"},
    {"epsilon", "eps"},
    {"rho", "alpha"},
    {"decay", "weight_decay"},
    {"l2", "weight_decay"},
    {"steplr", "step"},
    {"exponentiallr", "exponential"},
    {"exponentialdecay", "exponential"},
    {"cosineannealing", "cosine"},
    {"cosineannealinglr", "cosine"},
    {"cosinedecay", "cosine"},
    {"reducelronplateau", "reduce_on_plateau"},
    {"linearlr", "linear"},
    {"polynomiallr", "polynomial"},
    {"polynomialdecay", "polynomial"},
    {"etamin", "min"},
    {"minlr", "min"},
    {"warmup", "warmup_steps"},
    /* compression */
    {"bfloat16", "bf16"},
    {"float16", "fp16"},
    {"half", "fp16"},
    {"topk", "top_k"}};

/* Where settings stand that are looked for in other places. */
static const char *const places[] = {"train.batch",
                                     "train.epochs",
                                     "train.max_steps",
                                     "train.seed",
                                     "train.lanes",
                                     "optimizer.NAME.lr",
                                     "optimizer.NAME.momentum",
                                     "optimizer.NAME.weight_decay",
                                     "model.N.dense.units",
                                     "model.N.dense.activation",
                                     "model.N.dropout.rate",
                                     "data.file",
                                     "data.inputs",
                                     "data.targets",
                                     "data.normalize",
                                     "data.shuffle",
                                     "data.split.validation",
                                     "data.split.test",
                                     "early_stopping.patience",
                                     "early_stopping.monitor",
                                     "early_stopping.restore_best",
                                     "clip.norm",
                                     "clip.value",
                                     "checkpoint.every_epochs",
                                     "checkpoint.keep",
                                     "regularization.l1",
                                     "regularization.l2",
                                     "data",
                                     "model",
                                     "loss",
                                     "optimizer",
                                     "schedule",
                                     "metrics",
                                     "early_stopping",
                                     "regularization",
                                     "clip",
                                     "checkpoint",
                                     "compression",
                                     "output",
                                     "exchange"};

enum { SYNONYMS = sizeof synonyms / sizeof *synonyms, PLACES = sizeof places / sizeof *places };

/* A name in small letters, without signs between its words; "" where it is too long. */
static const char *plain(const char *name, char text[LONGEST]) {
  size_t n = 0;
  for (; *name != '\0' && n < LONGEST - 1; name++)
    if (isalnum((unsigned char)*name)) text[n++] = (char)tolower((unsigned char)*name);
  text[*name == '\0' ? n : 0] = '\0';
  return text;
}

static const char *member(const char *name, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(name, names[i]) == 0) return names[i];
  return NULL;
}

const char *ls__config_synonym(const char *name, const char *const *names, size_t n) {
  char mine[LONGEST], other[LONGEST];
  const char *found = NULL;
  (void)plain(name, mine);
  if (mine[0] == '\0') return NULL;
  for (size_t k = 0; k < SYNONYMS && found == NULL; k++)
    if (strcmp(name, synonyms[k].there) == 0) found = member(synonyms[k].here, names, n);
  for (size_t i = 0; i < n && found == NULL; i++)
    if (strcmp(mine, plain(names[i], other)) == 0) found = names[i];
  for (size_t k = 0; k < SYNONYMS && found == NULL; k++)
    if (strcmp(mine, synonyms[k].there) == 0) found = member(synonyms[k].here, names, n);
  return found;
}

const char *ls__config_place(const char *name) {
  const char *last[PLACES];
  for (size_t i = 0; i < PLACES; i++) {
    const char *dot = strrchr(places[i], '.');
    last[i] = dot != NULL ? dot + 1 : places[i];
  }
  const char *found = ls__config_synonym(name, last, PLACES);
  for (size_t i = 0; i < PLACES; i++)
    if (last[i] == found) return places[i];
  return NULL;
}

/* What a configuration may say of this room, for help and reference. */
#include "optim/optimizer.h"
#include "optim/schedule.h"

const ls__section ls__optim_sections[] = {
    {"optimizer",
     "How gradients change weights.  Names, defaults and formulas are PyTorch's; g is the "
     "gradient, w a weight.",
     NULL, &ls__optimizers},
    {"schedule",
     "How the learning rate changes from step to step; lr is the optimizer's.  Left out, it is "
     "constant.  A list, `[{linear: {epochs: 5}}, {cosine: {}}]`, is one after another: each "
     "begins "
     "anew, as if its steps were the run.",
     NULL, &ls__schedules},
    {"lr_scale",
     "The linear scaling rule for large batches: lr is multiplied by batch / base_batch.  It grows "
     "from the optimizer's to that, step by step, in a warm-up.",
     ls__lr_scale_options, NULL},
    {NULL, NULL, NULL, NULL},
};

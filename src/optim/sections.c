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
     "constant.",
     NULL, &ls__schedules},
    {NULL, NULL, NULL, NULL},
};

/* Overlap of regions, for segmentation.  Of a sample and a class, with sums over the sample's
 * positions (Milletari and others: V-Net, 2016; per sample and class as MONAI's DiceLoss, where Keras's
 * Dice takes one sum over all):
 *
 *   1 - (2 sum p t + smooth) / (sum p + sum t + smooth)
 *
 * and the mean over the classes.  Predictions are probabilities, from a sigmoid or softmax.  The kernel is
 * in distance.simd.c. */
#include "nn/distance.h"
#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__distance_ops, ls__distance_ops);

typedef struct options {
  double smooth;
} options;

static const ls__option table[] = {
    LS__NUMBER(options, smooth, "1e-7", 0, 1e30,
               "added above and below; a larger one counts small regions less"),
    LS__END,
};

/* What it is about is known with the shapes: several classes, or one region. */
static ls_status configure(ls__loss *loss, LS_UNUSED ls_config *map) {
  loss->about = LS__ABOUT_YES_NO;
  return LS_OK;
}

static ls_status fit(ls__loss *loss) {
  if (ls__loss_width(loss) > 1) loss->about = LS__ABOUT_CLASSES;
  return ls__loss_fit_classes(loss, 1, NULL);
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const options *o = loss->options;
  const size_t width = ls__loss_width(loss), rows = ls__loss_rows_of(loss, call) / call->n;
  double sum = 0;
  for (size_t i = 0; i < call->n; i++)
    sum += LS_SIMD_PICK(ls__distance_ops)
               ->dice(call->dyhat != NULL ? call->dyhat + i * rows * width : NULL,
                      call->yhat + i * rows * width,
                      call->y + i * rows * (loss->classes ? 1 : width), loss->classes, o->smooth, 1,
                      rows, width);
  return sum;
}

const ls__loss_kind ls__loss_dice = {
    .kind = {"dice",
             "1 - 2 sum p t / (sum p + sum t) over the positions of a sample, the mean over "
             "classes; "
             "p are probabilities, targets classes or 0..1",
             table},
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit,
    .check = ls__loss_check_classes,
    .run = run,
};

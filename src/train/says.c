/* Classes of an output (says.h). */
#include "train/says.h"

ls__choice ls__choice_of(const ls_model *model, size_t i) {
  const ls_port port = ls_model_output(model, i);
  const ls__about about = model->says[i].about;
  const size_t all = ls_shape_count(&port.shape), names = model->classes[i].n;
  const size_t width = port.shape.ndim > 0 ? port.shape.dim[port.shape.ndim - 1] : 1;
  ls__choice c = {model->says[i].margins ? 0.0F : 0.5F, 0, 1, {0, {0}}};
  if (about == LS__ABOUT_SEQUENCES) return c; /* labels are read from all steps together */
  if (about == LS__ABOUT_CLASSES) {
    c = (ls__choice){0.5F, width, all / width, port.shape};
    c.shape.ndim--;
  } else if (about == LS__ABOUT_YES_NO && all == 1) {
    c.k = 1;
  } else if (names > 1 && names == all) {
    c.k = all;
  }
  return c;
}

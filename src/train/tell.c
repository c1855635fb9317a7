/* The loss decides what a target is: what the data are told before their values are loaded
 * (task.h). */
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "train/task.h"

/* Labels of named classes; of as many names as a row has numbers each names a column, as of one-hot
 * rows. */
static bool is_labels(const ls__array *target) {
  const ls_shape *shape = &target->port.shape;
  return target->n_classes > 0 &&
         !(shape->ndim > 0 && shape->dim[shape->ndim - 1] == target->n_classes);
}

bool ls__head_has_classes(const ls__head *head, const ls__array *target) {
  return target->n_classes > 0 && !(head->loss->about == LS__ABOUT_NUMBERS && is_labels(target));
}

/* "ham, spam", "1, 2, 3, ... 17" */
static void list_names(const ls__array *target, char *text, size_t bytes) {
  const size_t n = target->n_classes;
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < n && used < bytes; i++) {
    if (n > 5 && i == 3) i = n - 1;
    const char *before = i == 0 ? "" : n > 5 && i == n - 1 ? ", ... " : ", ";
    used += (size_t)snprintf(text + used, bytes - used, "%s%.40s", before, target->classes[i]);
  }
}

/* The names as numbers, each of which stands for its label. */
static ls_status take_values(const ls__head *head, ls_config *root, ls_data *data,
                             const ls__array *target, FILE *notes) {
  ls_status st = LS_OK;
  double *values = NULL;
  char names[256];
  const char *loss = head->loss->kind->kind.name;
  list_names(target, names, sizeof names);
  LS_TRY(ls__alloc(&values, target->n_classes, sizeof *values, "values of classes"));
  for (size_t i = 0; i < target->n_classes; i++)
    if (!ls__number_parse(target->classes[i], &values[i]))
      LS_REFUSE(ls__config_child(root, "loss"),
                "%s compares numbers, and \"%s\" is classes (%s): cross_entropy is for them, with "
                "an output a class (of two classes also binary_cross_entropy with one output); "
                "numbers are converted with --label number",
                loss, target->port.name, names);
  LS_TRY(ls__data_set_values(data, head->target, values, target->n_classes));
  if (notes != NULL)
    fprintf(notes,
            "lockstep: note: the %zu classes of \"%s\" are numbers (%s), and %s compares with "
            "these\n",
            target->n_classes, target->port.name, names, loss);
out:
  ls__free(values);
  return st;
}

ls_status ls__task_knows(const ls__task *task, const ls__class_names *known) {
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    if (head->loss->about != LS__ABOUT_NUMBERS || known[h].n == 0 ||
        head->target_count == known[h].n)
      continue; /* as many numbers as names: of columns */
    return ls__fail(LS_EDATA,
                    "the network was trained on the numbers of its %zu classes (0 to %zu), and %s "
                    "compares with what the classes are called: train it anew",
                    known[h].n, known[h].n - 1, head->loss->kind->kind.name);
  }
  return LS_OK;
}

ls_status ls__task_tell(const ls__task *task, ls_config *root, ls_data *data, FILE *notes) {
  static const ls__target_is is[] = {[LS__ABOUT_NUMBERS] = LS__TARGET_NUMBERS,
                                     [LS__ABOUT_CLASSES] = LS__TARGET_CLASSES,
                                     [LS__ABOUT_YES_NO] = LS__TARGET_CLASSES,
                                     [LS__ABOUT_SEQUENCES] = LS__TARGET_CLASSES,
                                     [LS__ABOUT_ANYTHING] = LS__TARGET_ANY};
  ls_status st = LS_OK;
  const ls__array *arrays = NULL;
  const ls__head *mistaken = NULL; /* its target is normalised by name, its loss wants no numbers */
  bool numbers = task->n_heads == 0;
  (void)ls__data_arrays(data, &arrays);
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    const ls__array *target = &arrays[head->target];
    const ls__about about = head->loss->about;
    const bool kept = head->loss->as_they_are;
    if ((about == LS__ABOUT_NUMBERS || about == LS__ABOUT_ANYTHING) && !kept)
      numbers = true;
    else if (ls__data_normalizes_target(data, head->target))
      mistaken = head;
    ls__data_set_target(data, head->target, kept ? LS__TARGET_CLASSES : is[about]);
    if (about == LS__ABOUT_NUMBERS && is_labels(target))
      LS_TRY(take_values(head, root, data, target, notes));
    else if (target->n_classes > 0)
      LS_TRY(ls__data_set_values(data, head->target, NULL, 0));
  }
  if (mistaken == NULL && (numbers || !ls__data_normalizes_targets(data))) goto out;
  ls_config *section = ls__config_child(root, "data");
  ls_config *normalize = section == NULL ? NULL : ls__config_child(section, "normalize");
  LS_REFUSE(normalize != NULL ? normalize : root,
            "targets: %s takes classes, probabilities or counts, which are not normalised; leave "
            "targets out, or take a loss that compares numbers",
            (mistaken ? mistaken : &task->head[0])->loss->kind->kind.name);
out:
  return st;
}

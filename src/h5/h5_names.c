/* The names of an object's attributes. */
#include "base/alloc.h"
#include "base/grow.h"
#include "h5/h5_inside.h"

typedef struct names {
  char **text;
  size_t n, capacity;
} names;

static herr_t add(hid_t object, const char *name, const H5A_info_t *about, void *context) {
  names *list = context;
  (void)object, (void)about;
  if (ls__grow(&list->text, &list->capacity, list->n + 1, sizeof(char *), "attributes") != LS_OK)
    return -1;
  list->text[list->n] = ls__strdup(name);
  return list->text[list->n] == NULL ? -1 : (list->n++, 0);
}

ls_status ls__h5_attribute_names(ls__h5 *file, const char *object, char ***text, size_t *n) {
  ls_status st = LS_OK;
  char why[LS__H5_REASON];
  names list = {0};
  *text = NULL;
  *n = 0;
  ls__h5_enter(file);
  if (!ls__h5_present(file, object)) {
    st = ls__h5_missing(file, object);
    goto out;
  }
  if (H5Aiterate_by_name(file->id, object, H5_INDEX_NAME, H5_ITER_INC, NULL, add, &list,
                         H5P_DEFAULT) < 0)
    LS_FAIL(LS_EDATA, "%s: %s: attributes cannot be read: %s", file->path, object,
            ls__h5_reason(why));
  *text = list.text;
  *n = list.n;
  list = (names){0};
out:
  ls__h5_leave();
  for (size_t i = 0; i < list.n; i++) ls__free(list.text[i]);
  ls__free(list.text);
  return st;
}

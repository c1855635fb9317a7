/* The names of an object's attributes. */
#include "base/alloc.h"
#include "base/grow.h"
#include "h5/h5_inside.h"

typedef struct names {
  char **text;
  size_t n, capacity;
  ls_status failed; /* of us, not of HDF5 */
} names;

static herr_t add(hid_t object, const char *name, const H5A_info_t *about, void *context) {
  names *list = context;
  (void)object, (void)about;
  list->failed = ls__grow(&list->text, &list->capacity, list->n + 1, sizeof(char *), "attributes");
  if (list->failed != LS_OK) return -1;
  list->text[list->n] = ls__strdup(name);
  if (list->text[list->n] != NULL) return list->n++, 0;
  list->failed = ls__fail(LS_ENOMEM, "attributes: out of memory");
  return -1;
}

ls_status ls__h5_attribute_names(ls__h5 *file, const char *object, char ***text, size_t *n) {
  ls_status st = LS_OK;
  names list = {0};
  bool there = false;
  *text = NULL;
  *n = 0;
  ls__h5_enter(file);
  LS_TRY(ls__h5_present(file, object, &there));
  if (!there) {
    st = ls__h5_missing(file, object);
    goto out;
  }
  if (H5Aiterate_by_name(file->id, object, H5_INDEX_NAME, H5_ITER_INC, NULL, add, &list,
                         H5P_DEFAULT) < 0) {
    st = list.failed != LS_OK ? list.failed
                              : ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: %s: attributes",
                                                 file->path, object);
    goto out;
  }
  *text = list.text;
  *n = list.n;
  list = (names){0};
out:
  ls__h5_leave();
  for (size_t i = 0; i < list.n; i++) ls__free(list.text[i]);
  ls__free(list.text);
  return st;
}

/* Links into other files, which a visit of a file's objects does not follow. */
#include <stdio.h>
#include <string.h>

#include "h5/h5_inside.h"

typedef struct search {
  ls__h5_link_fn see;
  void *context;
  ls_status st;
} search;

static herr_t look(hid_t group, const char *name, const H5L_info_t *link, void *context) {
  enum { MOST_NAME = 1024 };
  search *s = context;
  char target[LS__FILE_PATH], path[MOST_NAME + 2];
  const char *file = NULL, *object = NULL;
  unsigned flags;
  if (link->type != H5L_TYPE_EXTERNAL || strlen(name) > MOST_NAME ||
      link->u.val_size > sizeof target ||
      H5Lget_val(group, name, target, sizeof target, H5P_DEFAULT) < 0 ||
      H5Lunpack_elink_val(target, link->u.val_size, &flags, &file, &object) < 0)
    return 0;
  snprintf(path, sizeof path, "/%s", name);
  s->st = s->see(s->context, path, file, object);
  return s->st != LS_OK ? -1 : 0;
}

ls_status ls__h5_links(ls__h5 *file, ls__h5_link_fn see, void *context) {
  search s = {.see = see, .context = context, .st = LS_OK};
  ls__h5_enter(file);
  if (H5Lvisit(file->id, H5_INDEX_NAME, H5_ITER_INC, look, &s) < 0 && s.st == LS_OK)
    s.st = ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s", file->path);
  ls__h5_leave();
  return s.st;
}

/* What is in a file: whether something is there, a list of all, and a message that names what is
 * not.  "No" is said only where HDF5 has looked: what it could not look at is an error, and so is a
 * link that leads nowhere. */
#include <string.h>

#include "base/alloc.h"
#include "base/distance.h"
#include "base/grow.h"
#include "h5/h5_inside.h"

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t object_info;
#define VISIT(file, see, context) \
  H5Ovisit3(file, H5_INDEX_NAME, H5_ITER_INC, see, context, H5O_INFO_BASIC)
#define ABOUT(file, name, info) H5Oget_info_by_name3(file, name, info, H5O_INFO_BASIC, H5P_DEFAULT)
#else
typedef H5O_info_t object_info;
#define VISIT(file, see, context) H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, see, context)
#if H5_VERSION_GE(1, 10, 3)
#define ABOUT(file, name, info) H5Oget_info_by_name2(file, name, info, H5O_INFO_BASIC, H5P_DEFAULT)
#else
#define ABOUT(file, name, info) H5Oget_info_by_name(file, name, info, H5P_DEFAULT)
#endif
#endif

/* Longer names, those of the groups around included, and deeper ones are not looked for: HDF5 walks
 * every one from the root, and a file may have groups within groups without end. */
enum { LONGEST_NAME = 4096, DEEPEST = 100 };

static bool is_too_long(const char *name) {
  size_t n = 0, slashes = 0;
  for (; name[n] != '\0' && n < LONGEST_NAME && slashes < DEEPEST; n++) slashes += name[n] == '/';
  return name[n] != '\0';
}

/* ---- Whether something is there ---- */

/* A link to elsewhere that leads nowhere: say where it leads.  Where the file that it names can't
 * be read, the system's words. */
static ls_status broken_link(const ls__h5 *file, const char *name, const H5L_info_t *link) {
  ls_status st = LS_OK;
  char target[1024], path[4096];
  const char *to_file = NULL, *to = NULL;
  unsigned flags;
  bool there = false;
  if (link->u.val_size > sizeof target ||
      H5Lget_val(file->id, name, target, sizeof target, H5P_DEFAULT) < 0)
    LS_FAIL(LS_EDATA, "%s: /%s is a link that leads nowhere", file->path, name);
  if (link->type == H5L_TYPE_SOFT)
    LS_FAIL(LS_EDATA, "%s: /%s is a link to %.*s in this file, which is not there", file->path,
            name, (int)link->u.val_size, target);
  if (link->type != H5L_TYPE_EXTERNAL ||
      H5Lunpack_elink_val(target, link->u.val_size, &flags, &to_file, &to) < 0)
    LS_FAIL(LS_EDATA, "%s: /%s is a link that leads nowhere", file->path, name);
  st = ls__h5_beside(file->path, "HDF5_EXT_PREFIX", to_file, path, &there);
  if (st == LS_OK && there) st = ls__h5_readable(path);
  if (st == LS_EIO) {
    st = ls__fail_context(st, "%s: /%s is a link to %s", file->path, name, to);
    goto out;
  }
  LS_FAIL(LS_EDATA, "%s: /%s is a link to %s in the file %s, which is not there or can't be read",
          file->path, name, to, to_file);
out:
  return st;
}

/* One part of a name, what is above it being there.  `above`: of a group, or it isn't. */
static ls_status look(const ls__h5 *file, const char *name, bool above, bool *there) {
  H5L_info_t link;
  object_info about;
  *there = false;
  const htri_t linked = H5Lexists(file->id, name, H5P_DEFAULT);
  if (linked < 0 || (linked > 0 && H5Lget_info(file->id, name, &link, H5P_DEFAULT) < 0))
    return ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: /%s", file->path, name);
  if (linked == 0) return LS_OK;
  if (link.type != H5L_TYPE_HARD) { /* a name, of what may not be there */
    const htri_t leads = H5Oexists_by_name(file->id, name, H5P_DEFAULT);
    const ls_status st = leads < 0 ? ls__h5_why(LS__H5_DAMAGED) : LS_OK;
    if (st == LS_EIO || st == LS_ENOMEM) return ls__fail_context(st, "%s: /%s", file->path, name);
    if (leads <= 0) return broken_link(file, name, &link);
  }
  if (above && ABOUT(file->id, name, &about) < 0)
    return ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: /%s", file->path, name);
  *there = !above || about.type == H5O_TYPE_GROUP;
  return LS_OK;
}

ls_status ls__h5_present(const ls__h5 *file, const char *name, bool *there) {
  ls_status st = LS_OK;
  *there = true;
  while (*name == '/') name++;
  char path[LONGEST_NAME + 1]; /* on the stack: it serves messages, out of memory too */
  if (is_too_long(name))
    return ls__fail(LS_EDATA, "%s: the name /%.80s... has more than %d letters or %d groups",
                    file->path, name, LONGEST_NAME, DEEPEST - 1);
  memcpy(path, name, strlen(name) + 1);
  /* Asking for a/b where a is missing is an error to HDF5: ask for a, then for a/b. */
  for (char *at = path; *at != '\0' && *there;) {
    char *slash = strchr(at, '/');
    if (slash != NULL) *slash = '\0';
    at = slash == NULL ? at + strlen(at) : slash + 1;
    LS_TRY(look(file, path, slash != NULL, there));
    if (slash != NULL) *slash = '/';
  }
out:
  return st;
}

ls_status ls__h5_exists(ls__h5 *file, const char *name, bool *there) {
  ls__h5_enter(file);
  const ls_status st = ls__h5_present(file, name, there);
  ls__h5_leave();
  return st;
}

/* ---- All that is there ---- */

/* The objects of a file, gathered under the lock and shown without it. */
typedef struct object {
  char *name;
  bool is_group;
} object;
typedef struct list {
  object *of; /* [n] */
  size_t n, room;
  size_t most;      /* so many are enough; 0: all */
  ls_status failed; /* of us, not of HDF5 */
} list;

static void list_reset(list *names) {
  for (size_t i = 0; i < names->n; i++) ls__free(names->of[i].name);
  ls__free(names->of);
}

static ls_status list_add(list *names, const char *name, bool is_group) {
  ls_status st = LS_OK;
  const size_t bytes = strlen(name) + 2;
  char *copy = NULL;
  LS_TRY(ls__grow(&names->of, &names->room, names->n + 1, sizeof *names->of, "objects"));
  LS_TRY(ls__alloc(&copy, bytes, 1, "objects"));
  snprintf(copy, bytes, "/%s", name);
  names->of[names->n++] = (object){copy, is_group};
out:
  return st;
}

static herr_t add_object(hid_t id, const char *name, const object_info *info, void *context) {
  list *names = context;
  (void)id;
  if (strcmp(name, ".") == 0) return 0; /* the root */
  if (is_too_long(name)) {
    names->failed = ls__fail(LS_EDATA,
                             "/%.80s... has more than %d letters or %d groups around it: too deep "
                             "to be read",
                             name, LONGEST_NAME, DEEPEST - 1);
    return -1;
  }
  if (info->type != H5O_TYPE_GROUP && info->type != H5O_TYPE_DATASET) return 0;
  names->failed = list_add(names, name, info->type == H5O_TYPE_GROUP);
  return names->failed != LS_OK ? -1 : names->n == names->most; /* 1 ends it */
}

/* Under the lock. */
static ls_status list_all(const ls__h5 *file, list *names) {
  if (VISIT(file->id, add_object, names) >= 0) return LS_OK;
  if (names->failed != LS_OK) return ls__fail_context(names->failed, "%s", file->path);
  return ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s", file->path);
}

ls_status ls__h5_visit(ls__h5 *file, ls__h5_visit_fn see, void *context) {
  list names = {0};
  ls__h5_enter(file);
  ls_status st = list_all(file, &names);
  ls__h5_leave();
  for (size_t i = 0; i < names.n; i++)
    LS_THEN(st, see(context, names.of[i].name, names.of[i].is_group));
  list_reset(&names);
  return st;
}

/* ---- What is not there ---- */

static size_t apart(const char *a, const char *b) {
  return ls__distance(a, strlen(a), b, strlen(b));
}

/* How unlikely it is that `there` was meant; SIZE_MAX: it wasn't.  The same last name in another
 * group is always possible; other names must be similar, as a whole and in their last part. */
static size_t unlikeness(const char *wanted, const char *there) {
  const char *a = strrchr(wanted, '/'), *b = strrchr(there, '/');
  a = a == NULL ? wanted : a + 1;
  b = b == NULL ? there : b + 1;
  const char *whole = wanted[0] == '/' ? there : there + 1;
  if (strcmp(a, b) == 0) return apart(wanted, whole);
  const size_t n = strlen(wanted), m = strlen(whole), most = 1 + n / 3;
  if (n > m + most || m > n + most) return SIZE_MAX; /* they are at least that far apart */
  const size_t longer = strlen(a) > strlen(b) ? strlen(a) : strlen(b), far = apart(wanted, whole);
  return far <= most && apart(a, b) < longer ? far : SIZE_MAX;
}

ls_status ls__h5_missing(const ls__h5 *file, const char *name) {
  enum { MOST_SEEN = 10000 };
  ls_status st = LS_OK;
  list names = {.most = MOST_SEEN};
  char text[512] = "", guess[128] = "";
  size_t used = 0, best = SIZE_MAX;
  LS_TRY(list_all(file, &names));
  for (size_t i = 0; i < names.n; i++) {
    if (names.of[i].is_group) continue;
    size_t far = unlikeness(name, names.of[i].name);
    if (far < best) {
      best = far;
      snprintf(guess, sizeof guess, " (did you mean %s?)", names.of[i].name);
    }
    size_t need = strlen(names.of[i].name) + 8;
    if (used + need < sizeof text) {
      int n = snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? ", " : "",
                       names.of[i].name);
      used += n > 0 ? (size_t)n : 0;
    } else if (used + 6 < sizeof text) {
      snprintf(text + used, sizeof text - used, ", ...");
      used = sizeof text;
    }
  }
  LS_FAIL(LS_EDATA, "%s: no dataset %s%s%s%s", file->path, name, guess,
          text[0] != '\0' ? "; the file holds " : "; the file holds none", text);
out:
  list_reset(&names);
  return st;
}

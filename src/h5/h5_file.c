/* Files: opening, making one under a temporary name, listing what is inside, naming what is not. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "h5/h5_inside.h"

/* ---- HDF5's own words ---- */

/* Keeps the innermost description: where the failure began. */
static herr_t keep_first(unsigned n, const H5E_error2_t *error, void *context) {
  char *text = context;
  if (n == 0 && error->desc != NULL) snprintf(text, LS__H5_REASON, "%s", error->desc);
  return 0;
}

const char *ls__h5_reason(char text[LS__H5_REASON]) {
  snprintf(text, LS__H5_REASON, "HDF5 gives no reason");
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, text);
  /* "file write failed: ..., error message = 'No space left on device', ...": the quotation. */
  static const char mark[] = "error message = '";
  const char *quote = strstr(text, mark);
  if (quote != NULL) {
    quote += sizeof mark - 1;
    size_t n = strcspn(quote, "'");
    memmove(text, quote, n);
    text[n] = '\0';
  }
  return text;
}

const char *ls__h5_library(void) {
  static char text[64];
  unsigned major = 0, minor = 0, release = 0;
#ifdef H5_HAVE_PARALLEL
  static const char build[] = "parallel";
#else
  static const char build[] = "serial";
#endif
  ls__h5_enter_path(NULL, false);
  if (text[0] == '\0' && H5get_libversion(&major, &minor, &release) >= 0)
    snprintf(text, sizeof text, "%u.%u.%u %s", major, minor, release, build);
  ls__h5_leave();
  return text;
}

/* ---- Opening and closing ---- */

static void destroy(ls__h5 *file) {
  if (file == NULL) return;
  if (file->fd >= 0) close(file->fd);
  ls__free(file->path);
  ls__free(file->target);
  ls__free(file->temporary);
  ls__free(file);
}

static ls_status make(const char *path, ls__h5 **out) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  LS_TRY(ls__alloc(&file, 1, sizeof *file, path));
  file->id = H5I_INVALID_HID;
  file->fd = -1;
  file->path = ls__strdup(path);
  if (file->path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  *out = file;
  file = NULL;
out:
  destroy(file);
  return st;
}

/* Access properties: closing the file closes what is open in it; reading takes no lock, which
 * network file systems often refuse (checkpoints and datasets appear by rename, whole). */
static hid_t access_properties(bool reading) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return access;
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  if (reading) {
#if (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0)) || H5_VERSION_GE(1, 12, 1)
    H5Pset_file_locking(access, false, true);
#endif
  } else {
    /* Metadata with checksums, and attributes of any size; HDF5 1.10 and later read it. */
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_LATEST);
    if (ls__h5_writer_use(access) != 0) {
      H5Pclose(access);
      access = H5I_INVALID_HID;
    }
  }
  return access;
}

/* Check by the system's calls and the first bytes, before HDF5 does.  The caller owns *opened. */
static ls_status look_at(const char *path, int *opened, long long *bytes) {
  ls_status st = LS_OK;
  struct stat info;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) LS_FAIL(LS_EIO, "%s: cannot be opened: %s", path, strerror(errno));
  if (fstat(fd, &info) != 0) LS_FAIL(LS_EIO, "%s: cannot be read: %s", path, strerror(errno));
  if (S_ISDIR(info.st_mode)) LS_FAIL(LS_EIO, "%s: is a directory, not a file", path);
  if (!S_ISREG(info.st_mode)) LS_FAIL(LS_EIO, "%s: is not a regular file", path);
  if (info.st_size == 0) LS_FAIL(LS_EDATA, "%s: the file is empty", path);
  char byte;
  if (read(fd, &byte, 1) < 0) LS_FAIL(LS_EIO, "%s: cannot be read: %s", path, strerror(errno));
  *opened = fd;
  *bytes = (long long)info.st_size;
  fd = -1;
out:
  if (fd >= 0) close(fd);
  return st;
}

ls_status ls__h5_still_whole(const ls__h5 *file) {
  struct stat info;
  if (file->fd < 0) return LS_OK;
  if (fstat(file->fd, &info) != 0)
    return ls__fail(LS_EIO, "%s: cannot be read: %s", file->path, strerror(errno));
  if ((long long)info.st_size >= file->bytes) return LS_OK;
  return ls__fail(LS_EDATA,
                  "%s: the file became shorter while it was read: %lld bytes of %lld are left",
                  file->path, (long long)info.st_size, file->bytes);
}

ls_status ls__h5_open(const char *path, ls__h5 **out) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  hid_t access = H5I_INVALID_HID;
  char why[LS__H5_REASON];
  *out = NULL;
  ls__h5_enter_path(path, false);
  int fd = -1;
  long long bytes = 0;
  LS_TRY(look_at(path, &fd, &bytes));
  st = make(path, &file);
  if (st != LS_OK) {
    close(fd);
    goto out;
  }
  file->fd = fd;
  file->bytes = bytes;
  access = access_properties(true);
  file->id = H5Fopen(path, H5F_ACC_RDONLY, access);
  if (file->id < 0) {
    ls__h5_reason(why);
    if (strstr(why, "already open for write") != NULL)
      LS_FAIL(LS_EDATA,
              "%s: is marked as open for writing: a program writes it, or was ended before it had "
              "closed it; when none does any more, `h5clear -s %s` takes the mark away",
              path, path);
    const char *cure = H5Fis_hdf5(path) <= 0 ? ls__h5_cure(path) : NULL;
    if (cure != NULL) LS_FAIL(LS_EDATA, "%s: not an HDF5 file but %s", path, cure);
    if (H5Fis_hdf5(path) <= 0) LS_FAIL(LS_EDATA, "%s: not an HDF5 file", path);
    bool cut = strstr(why, "truncated") != NULL || strstr(why, "eof") != NULL;
    LS_FAIL(LS_EDATA, "%s: %s HDF5 file: %s", path, cut ? "truncated" : "damaged", why);
  }
  *out = file;
  file = NULL;
out:
  if (access >= 0) H5Pclose(access);
  ls__h5_leave();
  destroy(file);
  return st;
}

ls_status ls__h5_create(const char *path, ls__h5 **out) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  hid_t access = H5I_INVALID_HID;
  char why[LS__H5_REASON], target[LS__FILE_PATH];
  struct stat info;
  *out = NULL;
  ls__h5_enter_path(path, true);
  LS_TRY(make(path, &file));
  LS_TRY(ls__file_target(path, target));
  if (stat(target, &info) == 0 && S_ISDIR(info.st_mode))
    LS_FAIL(LS_EIO, "%s: is a directory", path);
  if (stat(target, &info) == 0 &&
      !S_ISREG(info.st_mode)) /* a rename would put a file in its place */
    LS_FAIL(LS_EIO, "%s: is not a regular file", path);
  size_t bytes = strlen(target) + 32;
  LS_TRY(ls__alloc(&file->target, bytes, 1, path));
  LS_TRY(ls__alloc(&file->temporary, bytes, 1, path));
  memcpy(file->target, target, strlen(target) + 1);
  snprintf(file->temporary, bytes, "%s.%ld.tmp", target, (long)getpid());
  /* The system first: its reasons are the better ones. */
  int fd = open(file->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) LS_FAIL(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
  close(fd);
  ls__h5_written_add(file);
  access = access_properties(false);
  if (access >= 0) file->id = H5Fcreate(file->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  if (file->id < 0) {
    ls__h5_reason(why);
    ls__h5_written_remove(file);
    unlink(file->temporary);
    LS_FAIL(LS_EIO, "%s: cannot be written: %s", path, why);
  }
  *out = file;
  file = NULL;
out:
  if (access >= 0) H5Pclose(access);
  ls__h5_leave();
  destroy(file);
  return st;
}

ls_status ls__h5_written(const ls__h5 *file) {
  int error = ls__h5_writer_error(file);
  return error == 0 ? LS_OK
                    : ls__fail(LS_EIO, "%s: cannot be written: %s", file->path, strerror(error));
}

/* Sync the directory that holds `path`: only then does the rename outlive a power failure.  Some
 * file systems can't; the file itself is safe then. */
static void sync_directory(const char *path) {
  char *folder = ls__strdup(path);
  if (folder == NULL) return;
  char *slash = strrchr(folder, '/');
  if (slash == folder)
    slash[1] = '\0';
  else if (slash != NULL)
    *slash = '\0';
  int fd = open(slash == NULL ? "." : folder, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    (void)fsync(fd);
    close(fd);
  }
  ls__free(folder);
}

ls_status ls__h5_commit(ls__h5 *file) {
  ls_status st = LS_OK;
  char why[LS__H5_REASON];
  int fd = -1;
  LS_ASSERT(file->temporary != NULL);
  ls__h5_enter(file);
  ls__h5_set_close_all(file);
  if (H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0)
    LS_FAIL(LS_EIO, "%s: cannot be written: %s", file->path, ls__h5_reason(why));
  LS_TRY(ls__h5_written(file));
  herr_t closed = H5Fclose(file->id);
  file->id = H5I_INVALID_HID;
  if (closed < 0) LS_FAIL(LS_EIO, "%s: cannot be written: %s", file->path, ls__h5_reason(why));
  fd = open(file->temporary, O_RDWR | O_CLOEXEC);
  if (fd < 0 || fsync(fd) != 0 || rename(file->temporary, file->target) != 0)
    LS_FAIL(LS_EIO, "%s: cannot be written: %s", file->path, strerror(errno));
  ls__h5_written_remove(file);
  ls__free(file->temporary);
  file->temporary = NULL; /* it is the file now, no longer to be removed */
  sync_directory(file->target);
out:
  if (fd >= 0) close(fd);
  ls__h5_leave();
  ls__h5_close(file);
  return st;
}

void ls__h5_close(ls__h5 *file) {
  if (file == NULL) return;
  ls__h5_enter(file);
  ls__h5_set_close_all(file);
  if (file->id >= 0) H5Fclose(file->id);
  if (file->temporary != NULL) {
    ls__h5_written_remove(file);
    unlink(file->temporary);
  }
  ls__h5_leave();
  destroy(file);
}

const char *ls__h5_path(const ls__h5 *file) {
  return file->path;
}

/* ---- What is in a file ---- */

void ls__h5_fault(ls__h5 *file, const char *name) {
  char why[LS__H5_REASON];
  if (file->fault[0] == '\0')
    snprintf(file->fault, sizeof file->fault, "%.100s: damaged HDF5 file: %.120s", name,
             ls__h5_reason(why));
}

ls_status ls__h5_sound(ls__h5 *file) {
  return file->fault[0] == '\0' ? LS_OK : ls__fail(LS_EDATA, "%s: %s", file->path, file->fault);
}

/* Whether there is a link of this name, and what it names.  That it can't be asked is a fault, but
 * for links to elsewhere: those may be broken. */
static bool link_leads(ls__h5 *file, const char *name) {
  H5L_info_t link;
  const htri_t there = H5Lexists(file->id, name, H5P_DEFAULT);
  if (there < 0) ls__h5_fault(file, name);
  if (there <= 0) return false;
  const htri_t leads = H5Oexists_by_name(file->id, name, H5P_DEFAULT);
  if (leads < 0 &&
      (H5Lget_info(file->id, name, &link, H5P_DEFAULT) < 0 || link.type == H5L_TYPE_HARD))
    ls__h5_fault(file, name);
  return leads > 0;
}

bool ls__h5_present(ls__h5 *file, const char *name) {
  while (*name == '/') name++;
  if (*name == '\0') return true;
  char room[1024], *path = room; /* on the stack: it serves messages, out of memory too */
  if (strlen(name) >= sizeof room) path = ls__strdup(name);
  if (path == NULL) return false;
  memcpy(path, name, strlen(name) + 1);
  bool there = true;
  /* Asking for a/b where a is missing is an error to HDF5: ask for a, then for a/b. */
  for (char *at = path; there && at != NULL;) {
    char *slash = strchr(at, '/');
    if (slash != NULL) *slash = '\0';
    there = link_leads(file, path);
    if (slash != NULL) {
      *slash = '/';
      at = slash + 1;
      if (*at == '\0') at = NULL;
    } else {
      at = NULL;
    }
  }
  if (path != room) ls__free(path);
  return there;
}

bool ls__h5_exists(ls__h5 *file, const char *name) {
  ls__h5_enter(file);
  bool there = ls__h5_present(file, name);
  ls__h5_leave();
  return there;
}

/* The objects of a file, gathered under the lock and shown without it. */
typedef struct object {
  char *name;
  bool is_group;
} object;
typedef struct list {
  object *of; /* [n] */
  size_t n, room;
} list;

static void list_reset(list *names) {
  for (size_t i = 0; i < names->n; i++) ls__free(names->of[i].name);
  ls__free(names->of);
}

static bool list_add(list *names, const char *name, bool is_group) {
  if (ls__grow(&names->of, &names->room, names->n + 1, sizeof *names->of, "objects") != LS_OK)
    return false;
  size_t bytes = strlen(name) + 2;
  char *copy = ls__calloc(bytes, 1);
  if (copy == NULL) return false;
  snprintf(copy, bytes, "/%s", name);
  names->of[names->n++] = (object){copy, is_group};
  return true;
}

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t object_info;
#define VISIT(file, see, context) \
  H5Ovisit3(file, H5_INDEX_NAME, H5_ITER_INC, see, context, H5O_INFO_BASIC)
#else
typedef H5O_info_t object_info;
#define VISIT(file, see, context) H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, see, context)
#endif

static herr_t add_object(hid_t id, const char *name, const object_info *info, void *context) {
  (void)id;
  if (strcmp(name, ".") == 0) return 0; /* the root */
  if (info->type != H5O_TYPE_GROUP && info->type != H5O_TYPE_DATASET) return 0;
  return list_add(context, name, info->type == H5O_TYPE_GROUP) ? 0 : -1;
}

ls_status ls__h5_visit(ls__h5 *file, ls__h5_visit_fn see, void *context) {
  ls_status st = LS_OK;
  char why[LS__H5_REASON];
  list names = {0};
  ls__h5_enter(file);
  herr_t seen = VISIT(file->id, add_object, &names);
  ls__h5_reason(why);
  ls__h5_leave();
  if (seen < 0) LS_FAIL(LS_EDATA, "%s: damaged HDF5 file: %s", file->path, why);
  for (size_t i = 0; i < names.n; i++) LS_TRY(see(context, names.of[i].name, names.of[i].is_group));
out:
  list_reset(&names);
  return st;
}

/* How far two names are apart: insertions, deletions and replacements (Levenshtein). */
static size_t distance(const char *a, const char *b) {
  enum { MOST = 64 };
  size_t row[MOST + 1], n = strlen(b);
  if (n > MOST) return SIZE_MAX;
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 0; a[i] != '\0'; i++) {
    size_t corner = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < n; j++) {
      size_t replaced = corner + (a[i] != b[j]);
      corner = row[j + 1];
      size_t best = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
      row[j + 1] = replaced < best ? replaced : best;
    }
  }
  return row[n];
}

/* How unlikely it is that `there` was meant; SIZE_MAX: it wasn't.  The same last name in another
 * group is always possible; other names must be similar, as a whole and in their last part. */
static size_t unlikeness(const char *wanted, const char *there) {
  const char *a = strrchr(wanted, '/'), *b = strrchr(there, '/');
  a = a == NULL ? wanted : a + 1;
  b = b == NULL ? there : b + 1;
  const size_t far = distance(wanted, wanted[0] == '/' ? there : there + 1);
  if (strcmp(a, b) == 0) return far;
  const size_t longer = strlen(a) > strlen(b) ? strlen(a) : strlen(b);
  return far <= 1 + strlen(wanted) / 3 && distance(a, b) < longer ? far : SIZE_MAX;
}

/* Where `name`, or a group on the way to it, is a link that leads nowhere: say where it leads. */
static ls_status broken_link(ls__h5 *file, const char *name) {
  ls_status st = LS_OK;
  H5L_info_t link;
  char target[1024];
  const char *to_file = NULL, *to = NULL;
  unsigned flags;
  while (*name == '/') name++;
  char *path = ls__strdup(name);
  if (path == NULL) return LS_OK;
  for (size_t n = strcspn(path, "/");; n += 1 + strcspn(path + n + 1, "/")) {
    const char end = path[n];
    path[n] = '\0';
    if (H5Lexists(file->id, path, H5P_DEFAULT) <= 0) break;
    if (H5Oexists_by_name(file->id, path, H5P_DEFAULT) <= 0) {
      if (H5Lget_info(file->id, path, &link, H5P_DEFAULT) < 0 || link.type == H5L_TYPE_HARD ||
          link.u.val_size > sizeof target ||
          H5Lget_val(file->id, path, target, sizeof target, H5P_DEFAULT) < 0)
        break;
      if (link.type == H5L_TYPE_SOFT)
        LS_FAIL(LS_EDATA, "%s: /%s is a link to %.*s in this file, which is not there", file->path,
                path, (int)link.u.val_size, target);
      if (link.type == H5L_TYPE_EXTERNAL &&
          H5Lunpack_elink_val(target, link.u.val_size, &flags, &to_file, &to) >= 0)
        LS_FAIL(LS_EDATA,
                "%s: /%s is a link to %s in the file %s, which is not there or can't be read",
                file->path, path, to, to_file);
      break;
    }
    if (end == '\0') break;
    path[n] = end;
  }
out:
  ls__free(path);
  return st;
}

ls_status ls__h5_missing(ls__h5 *file, const char *name) {
  if (file->fault[0] != '\0') return ls__h5_sound(file);
  const ls_status broken = broken_link(file, name);
  if (broken != LS_OK) return broken;
  list names = {0};
  char text[512] = "", guess[128] = "";
  size_t used = 0, best = SIZE_MAX;
  (void)VISIT(file->id, add_object, &names);
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
  list_reset(&names);
  return ls__fail(LS_EDATA, "%s: no dataset %s%s%s%s", file->path, name, guess,
                  text[0] != '\0' ? "; the file holds " : "; the file holds none", text);
}

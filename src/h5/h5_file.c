/* Files: opening, and making one under a temporary name. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "h5/h5_inside.h"

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
  ls__h5_sums_reset(file);
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
    H5Pset_fapl_sec2(access); /* whatever HDF5_DRIVER in the environment says */
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

ls_status ls__h5_readable(const char *path) {
  int fd = -1;
  long long bytes;
  const ls_status st = look_at(path, &fd, &bytes);
  if (st == LS_OK) close(fd);
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

/* Under the lock: why HDF5 didn't open a file that the system opens. */
static ls_status not_opened(const ls__h5 *file) {
  enum { NEWEST = 3 }; /* of all that HDF5 1.8 to 1.14 know */
  char why[LS__H5_REASON];
  const char *path = file->path;
  struct stat info;
  ls__h5_reason(why);
  ls_status st = ls__h5_why(LS__H5_DAMAGED);
  if (st != LS_EDATA) return ls__fail_context(st, "%s", path);
  if (stat(path, &info) != 0) /* HDF5 asks that, too, and doesn't say why it fails */
    return ls__fail(LS_EIO, "%s: cannot be opened: %s", path, strerror(errno));
  if (strstr(why, "already open for write") != NULL)
    return ls__fail(LS_EDATA,
                    "%s: is marked as open for writing: a program writes it, or was ended before "
                    "it had "
                    "closed it; when none does any more, `h5clear -s %s` takes the mark away",
                    path, path);
  unsigned char first[LS__H5_FIRST];
  uint64_t at;
  if (!ls__h5_begins(file->fd, (uint64_t)file->bytes, &at, first)) {
    const char *cure = ls__h5_cure(path);
    if (cure != NULL) return ls__fail(LS_EDATA, "%s: not an HDF5 file but %s", path, cure);
    return ls__fail(LS_EDATA, "%s: not an HDF5 file", path);
  }
  const int version = first[8]; /* behind the signature */
  if (version > NEWEST)
    return ls__fail(LS_EDATA,
                    "%s: its HDF5 format has version %d, and this HDF5 reads those up to %d: a "
                    "newer one wrote it, or it is damaged",
                    path, version, NEWEST);
  if (strstr(why, "truncated") != NULL || strstr(why, "eof") != NULL)
    return ls__fail(LS_EDATA, "%s: truncated HDF5 file: %s", path, why);
  return ls__fail_context(st, "%s", path);
}

ls_status ls__h5_open_unchecked(const char *path, ls__h5 **out) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  hid_t access = H5I_INVALID_HID;
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
    st = not_opened(file);
    goto out;
  }
  *out = file;
  file = NULL;
out:
  if (access >= 0) H5Pclose(access);
  ls__h5_leave();
  destroy(file);
  return st;
}

static ls_status create(const char *path, bool sealing, ls__h5 **out) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  hid_t access = H5I_INVALID_HID, creation = H5I_INVALID_HID;
  char why[LS__H5_REASON], target[LS__FILE_PATH];
  *out = NULL;
  ls__h5_enter_path(path, true);
  LS_TRY(make(path, &file));
  LS_TRY(ls__file_target(path, target));
  LS_TRY(ls__file_replaceable(path));
  size_t bytes = strlen(target) + 40;
  LS_TRY(ls__alloc(&file->target, bytes, 1, path));
  LS_TRY(ls__alloc(&file->temporary, bytes, 1, path));
  memcpy(file->target, target, strlen(target) + 1);
  ls__file_remove_left(target, "tmp", stderr);
  /* The system first: its reasons are the better ones. */
  int fd = ls__file_create_beside(target, "tmp", file->temporary, bytes);
  if (fd < 0) LS_FAIL(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
  close(fd);
  ls__h5_written_add(file);
  access = access_properties(false);
  file->sealing = sealing;
  creation = H5Pcreate(H5P_FILE_CREATE);
  if (creation >= 0) H5Pset_obj_track_times(creation, false); /* the same bytes at any time */
  if (access >= 0 && creation >= 0 && (!sealing || H5Pset_userblock(creation, LS__SEAL_BYTES) >= 0))
    file->id = H5Fcreate(file->temporary, H5F_ACC_TRUNC, creation, access);
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
  if (creation >= 0) H5Pclose(creation);
  ls__h5_leave();
  destroy(file);
  return st;
}

ls_status ls__h5_create(const char *path, ls__h5 **out) {
  return create(path, false, out);
}

ls_status ls__h5_create_sealed(const char *path, ls__h5 **out) {
  return create(path, true, out);
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
  LS_TRY(ls__h5_sums_write(file));
  ls__h5_set_close_all(file);
  if (H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0)
    LS_FAIL(LS_EIO, "%s: cannot be written: %s", file->path, ls__h5_reason(why));
  LS_TRY(ls__h5_written(file));
  herr_t closed = H5Fclose(file->id);
  file->id = H5I_INVALID_HID;
  if (closed < 0) LS_FAIL(LS_EIO, "%s: cannot be written: %s", file->path, ls__h5_reason(why));
  fd = open(file->temporary, O_RDWR | O_CLOEXEC);
  if (fd >= 0 && file->sealing)
    LS_TRY(ls__seal_write(file->path, fd)); /* of what the disk will get */
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

/* Files and folders by their paths (file.h). */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool ls__file_is_none(int error) {
  return error == ENOENT || error == ENOTDIR;
}

ls_status ls__file_look(const char *path, ls__file_kind *kind) {
  struct stat info;
  *kind = LS__FILE_NONE;
  if (stat(path, &info) == 0) {
    *kind = S_ISREG(info.st_mode)   ? LS__FILE_REGULAR
            : S_ISDIR(info.st_mode) ? LS__FILE_FOLDER
                                    : LS__FILE_OTHER;
    return LS_OK;
  }
  if (!ls__file_is_none(errno)) return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  if (lstat(path, &info) == 0) return ls__fail(LS_EIO, "%s: is a link to what is not there", path);
  return ls__file_is_none(errno) ? LS_OK : ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
}

ls_status ls__file_target(const char *path, char target[LS__FILE_PATH]) {
  enum { MOST_LINKS = 40 }; /* Linux's own bound */
  char link[LS__FILE_PATH];
  if (strlen(path) >= LS__FILE_PATH)
    return ls__fail(LS_EIO, "%.100s...: %s", path, strerror(ENAMETOOLONG));
  memcpy(target, path, strlen(path) + 1);
  for (int links = 0;; links++) {
    size_t n = strlen(target);
    while (n > 1 && target[n - 1] == '/') target[--n] = '\0';
    const ssize_t got = readlink(target, link, sizeof link - 1);
    if (got < 0 && (errno == EINVAL || ls__file_is_none(errno))) return LS_OK; /* no link */
    if (got < 0) return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
    if (links == MOST_LINKS) return ls__fail(LS_EIO, "%s: %s", path, strerror(ELOOP));
    link[got] = '\0';
    const char *slash = strrchr(target, '/');
    const size_t folder = link[0] == '/' || slash == NULL ? 0 : (size_t)(slash - target) + 1;
    if (folder + (size_t)got >= LS__FILE_PATH)
      return ls__fail(LS_EIO, "%s: %s", path, strerror(ENAMETOOLONG));
    memcpy(target + folder, link, (size_t)got + 1);
  }
}

static ls_status identify(const char *path, struct stat *s, bool *there) {
  *there = stat(path, s) == 0;
  if (*there || ls__file_is_none(errno)) return LS_OK;
  return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
}

ls_status ls__file_there(const char *path, bool *there) {
  struct stat s;
  return identify(path, &s, there);
}

ls_status ls__file_replaceable(const char *path) {
  ls_status st = LS_OK;
  struct stat s;
  bool there = false;
  LS_TRY(identify(path, &s, &there));
  if (there && S_ISDIR(s.st_mode)) LS_FAIL(LS_EIO, "%s: is a directory", path);
  if (there && !S_ISREG(s.st_mode)) LS_FAIL(LS_EIO, "%s: is not a regular file", path);
out:
  return st;
}

ls_status ls__file_same(const char *a, const char *b, bool *same) {
  ls_status st = LS_OK;
  struct stat of_a, of_b;
  bool a_there = false, b_there = false;
  LS_TRY(identify(a, &of_a, &a_there));
  LS_TRY(identify(b, &of_b, &b_there));
  *same = a_there && b_there && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
out:
  return st;
}

/* One folder on the way to `whole`, whose upper ones are there; what a dangling link names is made
 * with its upper ones. */
static ls_status make_one(const char *path, const char *whole) {
  char target[LS__FILE_PATH];
  struct stat s;
  if (mkdir(path, 0777) == 0) return LS_OK;
  int error = errno;
  if (stat(path, &s) == 0) {
    if (S_ISDIR(s.st_mode)) return LS_OK;
    error = ENOTDIR;
  } else if (error == EEXIST && errno == ENOENT) {
    ls_status st = ls__file_target(path, target);
    return st == LS_OK ? ls__file_make_folder(target) : st;
  } else if (error == EEXIST) {
    error = errno; /* it is there, and what it is can't be known */
  }
  const bool above = strcmp(path, whole) != 0;
  return ls__fail(LS_EIO, "%s: the directory cannot be made: %s%s%s", whole, above ? path : "",
                  above ? ": " : "", strerror(error));
}

ls_status ls__file_make_folder(const char *path) {
  char part[LS__FILE_PATH];
  const size_t n = strlen(path);
  if (n == 0 || n >= sizeof part) return ls__fail(LS_EIO, "\"%.100s\" is no path", path);
  for (size_t i = 1; i <= n; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    ls_status st = make_one(part, path);
    if (st != LS_OK) return st;
  }
  return LS_OK;
}

bool ls__file_set_aside(const char *path, const char *ending, char to[LS__FILE_PATH + 16]) {
  struct stat s;
  for (int k = 1; k < 1000000; k++) {
    const int n = k == 1 ? snprintf(to, LS__FILE_PATH + 16, "%s.%s", path, ending)
                         : snprintf(to, LS__FILE_PATH + 16, "%s.%s.%d", path, ending, k);
    if (n < 0 || n >= LS__FILE_PATH + 16) {
      errno = ENAMETOOLONG;
      return false;
    }
    if (lstat(to, &s) == 0) continue;
    return errno == ENOENT && rename(path, to) == 0;
  }
  errno = EEXIST;
  return false;
}

int ls__file_create_beside(const char *target, const char *ending, char *path, size_t bytes) {
  int fd = -1;
  errno = EEXIST;
  for (int k = 1; k < 10000 && fd < 0 && errno == EEXIST; k++) {
    const int n = k == 1 ? snprintf(path, bytes, "%s.%ld.%s", target, (long)getpid(), ending)
                         : snprintf(path, bytes, "%s.%ld-%d.%s", target, (long)getpid(), k, ending);
    if (n < 0 || (size_t)n >= bytes) {
      errno = ENAMETOOLONG;
      return -1;
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  return fd;
}

/* "NAME.PID.ENDING" or "NAME.PID-K.ENDING": the process that made it; 0: it is another file. */
static long made_by(const char *file, const char *name, const char *ending) {
  const size_t n = strlen(name);
  char *at, want[64];
  if (strncmp(file, name, n) != 0 || file[n] != '.' || file[n + 1] < '1' || file[n + 1] > '9')
    return 0;
  const long process = strtol(file + n + 1, &at, 10);
  if (*at == '-') at += 1 + strspn(at + 1, "0123456789");
  snprintf(want, sizeof want, ".%s", ending);
  return strcmp(at, want) == 0 && process < INT_MAX ? process : 0;
}

/* Nobody writes to it: who does holds a lock, on any machine that shares the disk. */
static bool is_free(int folder, const char *file) {
  const int fd = openat(folder, file, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) return false;
  const bool mine = flock(fd, LOCK_EX | LOCK_NB) == 0;
  close(fd);
  return mine;
}

void ls__file_remove_left(const char *target, const char *ending, FILE *notes) {
  char folder[LS__FILE_PATH];
  const char *slash = strrchr(target, '/'), *name = slash == NULL ? target : slash + 1;
  const size_t n = slash == NULL ? 0 : (size_t)(slash - target) + 1;
  if (n >= sizeof folder) return;
  memcpy(folder, target, n);
  folder[n] = '\0';
  DIR *directory = opendir(n == 0 ? "." : folder);
  if (directory == NULL) return;
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    const long process = made_by(entry->d_name, name, ending);
    if (process == 0 || process == (long)getpid() || kill((pid_t)process, 0) == 0 ||
        errno != ESRCH || !is_free(dirfd(directory), entry->d_name) ||
        unlinkat(dirfd(directory), entry->d_name, 0) != 0)
      continue;
    fprintf(notes, "lockstep: note: %s%s is removed: process %ld was ended while it wrote it\n",
            folder, entry->d_name, process);
  }
  (void)closedir(directory);
}

bool ls__file_close(FILE *file) {
  bool good = fflush(file) == 0 && !ferror(file);
  good = good && (fsync(fileno(file)) == 0 || errno == EINVAL || errno == EROFS);
  const int error = errno;
  if (fclose(file) != 0) return false;
  errno = error;
  return good;
}

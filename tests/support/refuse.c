/* For tests: a library that is loaded before the C library (LD_PRELOAD) and refuses calls, so that
 * a program meets what only a broken disk or a lost network file system does:
 *
 *   REFUSE_PATH   calls with a path, or a file of a path, that ends like this
 *   REFUSE_CALLS  which: look (stat, access, readlink, realpath), open (folders, too) or read
 *   REFUSE_ERRNO  and with what errno, a number
 *   REFUSE_AT     of reads, those alone that take this byte of the file
 *   REFUSE_RANK   on this rank of mpirun alone
 *   REFUSE_LOG    a file that is made when a call was refused
 *
 * Calls that the C library makes by itself don't come by here; reading by stdio is refused as a
 * whole (REFUSE_AT is of read and pread). */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The next function of this name, as *next. */
#define NEXT(name, result, ...)              \
  static result (*next)(__VA_ARGS__) = NULL; \
  if (next == NULL) {                        \
    void *found = dlsym(RTLD_NEXT, #name);   \
    memcpy(&next, &found, sizeof next);      \
  }

static bool ends_so(const char *path) {
  const char *end = getenv("REFUSE_PATH");
  if (path == NULL || end == NULL) return false;
  const size_t n = strlen(path), k = strlen(end);
  return n >= k && strcmp(path + n - k, end) == 0;
}

/* errno is set then. */
static bool refuses(const char *call, const char *path) {
  const char *calls = getenv("REFUSE_CALLS"), *error = getenv("REFUSE_ERRNO"),
             *log = getenv("REFUSE_LOG"), *rank = getenv("REFUSE_RANK"),
             *mine = getenv("OMPI_COMM_WORLD_RANK");
  if (mine == NULL) mine = getenv("PMI_RANK");
  if (rank != NULL && (mine == NULL || strcmp(rank, mine) != 0)) return false;
  if (calls == NULL || error == NULL || strcmp(calls, call) != 0 || !ends_so(path)) return false;
  if (log != NULL) {
    const long fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0) (void)syscall(SYS_close, fd);
  }
  errno = atoi(error);
  return true;
}

/* Of bytes [at, at + n) of a file; at < 0: wherever it is. */
static bool refuses_read(int fd, off_t at, size_t n) {
  char name[64], path[4096];
  const char *one = getenv("REFUSE_AT");
  if (getenv("REFUSE_PATH") == NULL) return false;
  if (one != NULL) {
    if (at < 0) at = lseek(fd, 0, SEEK_CUR);
    const off_t byte = (off_t)atoll(one);
    if (byte < at || byte >= at + (off_t)n) return false;
  }
  (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  const long bytes = syscall(SYS_readlinkat, AT_FDCWD, name, path, sizeof path - 1);
  if (bytes < 0) return false;
  path[bytes] = '\0';
  return refuses("read", path);
}

/* ---- Looking ---- */

#define LOOK(name, about)                                 \
  int name(const char *path, about *info) {               \
    NEXT(name, int, const char *, about *)                \
    return refuses("look", path) ? -1 : next(path, info); \
  }
LOOK(stat, struct stat)
LOOK(lstat, struct stat)
#ifdef __USE_LARGEFILE64
LOOK(stat64, struct stat64)
LOOK(lstat64, struct stat64)
#endif

/* Of C libraries before 2.33. */
#define OLD_LOOK(name)                                             \
  int name(int version, const char *path, void *info);             \
  int name(int version, const char *path, void *info) {            \
    NEXT(name, int, int, const char *, void *)                     \
    return refuses("look", path) ? -1 : next(version, path, info); \
  }
OLD_LOOK(__xstat)
OLD_LOOK(__lxstat)
OLD_LOOK(__xstat64)
OLD_LOOK(__lxstat64)

int access(const char *path, int how) {
  NEXT(access, int, const char *, int)
  return refuses("look", path) ? -1 : next(path, how);
}

ssize_t readlink(const char *path, char *to, size_t n) {
  NEXT(readlink, ssize_t, const char *, char *, size_t)
  return refuses("look", path) ? -1 : next(path, to, n);
}

char *realpath(const char *path, char *to) {
  NEXT(realpath, char *, const char *, char *)
  return refuses("look", path) ? NULL : next(path, to);
}

/* ---- Opening ---- */

#define OPEN(name)                                             \
  int name(const char *path, int how, ...) {                   \
    va_list more;                                              \
    va_start(more, how);                                       \
    const int mode = how & O_CREAT ? va_arg(more, int) : 0;    \
    va_end(more);                                              \
    NEXT(name, int, const char *, int, ...)                    \
    return refuses("open", path) ? -1 : next(path, how, mode); \
  }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                        \
  FILE *name(const char *path, const char *how) {          \
    NEXT(name, FILE *, const char *, const char *)         \
    return refuses("open", path) ? NULL : next(path, how); \
  }
FOPEN(fopen)
FOPEN(fopen64)

DIR *opendir(const char *path) {
  NEXT(opendir, DIR *, const char *)
  return refuses("open", path) ? NULL : next(path);
}

/* ---- Reading ---- */

ssize_t read(int fd, void *to, size_t n) {
  NEXT(read, ssize_t, int, void *, size_t)
  return refuses_read(fd, -1, n) ? -1 : next(fd, to, n);
}

#define PREAD(name)                                            \
  ssize_t name(int fd, void *to, size_t n, off_t at) {         \
    NEXT(name, ssize_t, int, void *, size_t, off_t)            \
    return refuses_read(fd, at, n) ? -1 : next(fd, to, n, at); \
  }
PREAD(pread)
PREAD(pread64)

#define READDIR(name, entry)                                        \
  struct entry *name(DIR *folder) {                                 \
    NEXT(name, struct entry *, DIR *)                               \
    return refuses_read(dirfd(folder), 0, 1) ? NULL : next(folder); \
  }
READDIR(readdir, dirent)
READDIR(readdir64, dirent64)

/* The stream has an error then: the flag is the C library's own. */
static bool refuses_stream(FILE *stream) {
  if (!refuses_read(fileno(stream), 0, 1)) return false;
  stream->_flags |= 0x20;
  return true;
}

size_t fread(void *to, size_t size, size_t n, FILE *stream) {
  NEXT(fread, size_t, void *, size_t, size_t, FILE *)
  return refuses_stream(stream) ? 0 : next(to, size, n, stream);
}

int getc(FILE *stream) {
  NEXT(getc, int, FILE *)
  return refuses_stream(stream) ? EOF : next(stream);
}

int fgetc(FILE *stream) {
  NEXT(fgetc, int, FILE *)
  return refuses_stream(stream) ? EOF : next(stream);
}

ssize_t getline(char **line, size_t *room, FILE *stream) {
  NEXT(getline, ssize_t, char **, size_t *, FILE *)
  return refuses_stream(stream) ? -1 : next(line, room, stream);
}

/* Files that appear whole or not at all (new_file.h). */
#define ZLIB_CONST /* next_in is const */
#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/file.h"

enum { PIECE = 1 << 16 };

struct ls__new_file {
  char *path; /* the caller's, for messages */
  char target[LS__FILE_PATH], temporary[LS__FILE_PATH + 40];
  int fd;
  bool gzip, deflating;
  z_stream z;
  size_t used;
  unsigned char piece[PIECE]; /* [used] on its way to the disk */
};

static ls_status fail(const ls__new_file *f, int error) {
  return ls__fail(LS_EIO, "%s: cannot be written: %s", f->path, strerror(error));
}

static ls_status put(ls__new_file *f, const unsigned char *bytes, size_t n) {
  while (n > 0) {
    const ssize_t done = write(f->fd, bytes, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return fail(f, done < 0 ? errno : EIO);
    bytes += done;
    n -= (size_t)done;
  }
  return LS_OK;
}

static ls_status flush(ls__new_file *f) {
  const size_t n = f->used;
  f->used = 0;
  return put(f, f->piece, n);
}

/* zlib counts its input in unsigned ints. */
static ls_status deflate_some(ls__new_file *f, const unsigned char *bytes, unsigned n, bool end) {
  ls_status st = LS_OK;
  int got = Z_OK;
  f->z.next_in = bytes;
  f->z.avail_in = n;
  do {
    f->z.next_out = f->piece;
    f->z.avail_out = PIECE;
    got = deflate(&f->z, end ? Z_FINISH : Z_NO_FLUSH);
    LS_ASSERT(got == Z_OK || got == Z_STREAM_END || got == Z_BUF_ERROR);
    LS_TRY(put(f, f->piece, PIECE - f->z.avail_out));
  } while (f->z.avail_out == 0);
  LS_ASSERT(f->z.avail_in == 0 && (!end || got == Z_STREAM_END));
out:
  return st;
}

ls_status ls__new_file_create(const char *path, bool gzip, ls__new_file **out) {
  enum { GZIP_FORMAT = 16, LEVEL = 6, MEMORY = 8 };
  ls_status st = LS_OK;
  ls__new_file *f = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&f, 1, sizeof *f, path));
  f->fd = -1;
  f->gzip = gzip;
  f->path = ls__strdup(path);
  if (f->path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  LS_TRY(ls__file_target(path, f->target));
  LS_TRY(ls__file_replaceable(path));
  if (gzip && deflateInit2(&f->z, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_FORMAT, MEMORY,
                           Z_DEFAULT_STRATEGY) != Z_OK)
    LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  f->deflating = gzip;
  ls__file_remove_left(f->target, "tmp", stderr);
  f->fd = ls__file_create_beside(f->target, "tmp", f->temporary, sizeof f->temporary);
  if (f->fd < 0) {
    st = fail(f, errno);
    f->temporary[0] = '\0';
    goto out;
  }
  (void)flock(f->fd, LOCK_EX | LOCK_NB); /* for ls__file_remove_left; not all disks have locks */
  *out = f;
  f = NULL;
out:
  ls__new_file_abandon(f);
  return st;
}

ls_status ls__new_file_write(ls__new_file *f, const void *bytes, size_t n) {
  enum { AT_ONCE = 1 << 30 };
  ls_status st = LS_OK;
  const unsigned char *from = bytes;
  if (!f->gzip && n <= PIECE - f->used) { /* the usual */
    memcpy(f->piece + f->used, from, n);
    f->used += n;
    return LS_OK;
  }
  if (!f->gzip) {
    LS_TRY(flush(f));
    if (n >= PIECE) return put(f, from, n);
    return ls__new_file_write(f, from, n);
  }
  for (; n > 0; from += AT_ONCE < n ? AT_ONCE : n, n -= AT_ONCE < n ? AT_ONCE : n)
    LS_TRY(deflate_some(f, from, (unsigned)(AT_ONCE < n ? AT_ONCE : n), false));
out:
  return st;
}

ls_status ls__new_file_keep(ls__new_file *f) {
  ls_status st = LS_OK;
  if (f->gzip) LS_TRY(deflate_some(f, NULL, 0, true));
  if (!f->gzip) LS_TRY(flush(f));
  if (fsync(f->fd) != 0 && errno != EINVAL && errno != EROFS) {
    st = fail(f, errno);
    goto out;
  }
  const int closed = close(f->fd);
  f->fd = -1;
  if (closed != 0 || rename(f->temporary, f->target) != 0) {
    st = fail(f, errno);
    goto out;
  }
  f->temporary[0] = '\0'; /* it is the file now */
out:
  ls__new_file_abandon(f);
  return st;
}

void ls__new_file_abandon(ls__new_file *f) {
  if (f == NULL) return;
  if (f->deflating) (void)deflateEnd(&f->z);
  if (f->fd >= 0) (void)close(f->fd);
  if (f->temporary[0] != '\0') (void)unlink(f->temporary);
  ls__free(f->path);
  ls__free(f);
}

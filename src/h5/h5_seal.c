/* Seals of HDF5 files, which are looked at before HDF5 is: what is damaged it never sees. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h5/h5_inside.h"

/* The first bytes of the HDF5 part, of version 2 or 3 of the format: where it begins in the file,
 * and where the file ends, as it was when it was written. */
enum { VERSION = 8, OFFSET_BYTES = 9, BEGINS = 12, ENDS = 28 };

bool ls__h5_begins(int fd, uint64_t bytes, uint64_t *at, unsigned char first[LS__H5_FIRST]) {
  static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  for (*at = 0; *at + LS__H5_FIRST <= bytes; *at = *at == 0 ? 512 : 2 * *at) {
    if (pread(fd, first, LS__H5_FIRST, (off_t)*at) != LS__H5_FIRST) return false;
    if (memcmp(first, signature, sizeof signature) == 0) return true;
  }
  return false;
}

static uint64_t number(const unsigned char at[8]) {
  uint64_t x = 0;
  for (int i = 7; i >= 0; i--) x = x << 8 | at[i];
  return x;
}

/* A file without a seal has not lost one: HDF5's part stands at its beginning, where it was
 * written; or a block was taken away from before it, and nothing else. */
static ls_status check_lost(const char *path, int fd, bool must, const ls__seal *seal) {
  unsigned char first[LS__H5_FIRST];
  uint64_t at;
  if (!ls__h5_begins(fd, seal->bytes, &at, first)) return LS_OK; /* no HDF5 file, as will be said */
  if (at > 0 && !must) return LS_OK; /* some programs write a block of their own */
  if (at > 0)
    return ls__fail(LS_EDATA,
                    "%s: is damaged: before its HDF5 part, in its first %llu bytes, there is no "
                    "seal; if there never was one, read it after `tail -c +%llu FILE >NEW.h5`",
                    path, (unsigned long long)at, (unsigned long long)at + 1);
  if (first[VERSION] < 2 || first[OFFSET_BYTES] != 8) return LS_OK; /* no seal was before that */
  const uint64_t begins = number(first + BEGINS), ends = number(first + ENDS);
  if (begins != 0 && ends != seal->bytes + begins)
    return ls__fail(LS_EDATA, "%s: is damaged: its parts are not where they were written", path);
  return LS_OK;
}

/* What can't be opened here, or is no file, is left to ls__h5_open_unchecked to say. */
static ls_status look_at_seal(const char *path, bool must, const ls__seal *known, ls__seal *seal) {
  ls_status st = LS_OK;
  struct stat info;
  memset(seal, 0, sizeof *seal);
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) goto out;
  LS_TRY(ls__seal_check(path, fd, known, seal));
  if (seal->sealed) goto out;
  LS_TRY(check_lost(path, fd, must, seal));
  unsigned char first[LS__H5_FIRST];
  uint64_t at;
  if (!must || !ls__h5_begins(fd, seal->bytes, &at, first))
    goto out; /* no need to read all of it */
  if (known != NULL && ls__seal_same_file(known, seal))
    seal->hash = known->hash;
  else
    LS_TRY(ls__seal_hash(path, fd, 0, seal->bytes, &seal->hash));
out:
  if (fd >= 0) close(fd);
  return st;
}

/* Whether HDF5 has opened the file that was looked at; another may have got its name. */
static bool is_same(const ls__h5 *file) {
  struct stat info;
  void *handle = NULL;
  ls__h5_enter(file);
  const bool asked = H5Fget_vfd_handle(file->id, H5P_DEFAULT, &handle) >= 0;
  const bool told = asked && fstat(*(const int *)handle, &info) == 0;
  ls__h5_leave();
  return told && (uint64_t)info.st_dev == file->seal.device &&
         (uint64_t)info.st_ino == file->seal.inode && (uint64_t)info.st_size == file->seal.bytes;
}

static ls_status open_checked(const char *path, bool must, const ls__seal *known, ls__h5 **out) {
  ls_status st = LS_OK;
  enum { TRIES = 16 };
  *out = NULL;
  for (int i = 0; i < TRIES; i++) {
    ls__seal seal;
    LS_TRY(look_at_seal(path, must, known, &seal));
    LS_TRY(ls__h5_open_unchecked(path, out));
    (*out)->seal = seal;
    if (is_same(*out)) return LS_OK;
    ls__h5_close(*out);
    *out = NULL;
  }
  LS_FAIL(LS_EIO, "%s: is replaced by another file again and again", path);
out:
  return st;
}

ls_status ls__h5_open(const char *path, ls__h5 **out) {
  return open_checked(path, false, NULL, out);
}

ls_status ls__h5_open_sealed(const char *path, const ls__seal *known, ls__h5 **out) {
  return open_checked(path, true, known, out);
}

const ls__seal *ls__h5_seal(const ls__h5 *file) {
  return &file->seal;
}

/* Writing and checking the seal of a file. */
#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/hash.h"

/* Files are read in pieces of this many bytes, which the second cache holds: a byte comes from memory
 * once. */
enum { PIECE = 1 << 18, RECORDS = LS__SEAL_BYTES / LS__SEAL_RECORD, VERSION_BYTES = 8 };

static const char words[] = "lockstep seal ";

static void make_record(uint64_t bytes, uint64_t hash, char record[LS__SEAL_RECORD]) {
  char text[LS__SEAL_RECORD + 1];
  const int n = snprintf(text, sizeof text, "%s1 %016" PRIx64 " %016" PRIx64 " ", words, bytes,
                         hash);
  const uint64_t check = ls__hash(LS__HASH_START, text, (size_t)n);
  snprintf(text + n, sizeof text - (size_t)n, "%013" PRIx64 "\n", check >> 12);
  memcpy(record, text, LS__SEAL_RECORD);
}

/* Read n bytes at `at`; fewer only where the file ends. */
static ls_status read_at(const char *path, int fd, void *to, size_t n, uint64_t at, size_t *got) {
  for (*got = 0; *got < n;) {
    const ssize_t now = pread(fd, (char *)to + *got, n - *got, (off_t)(at + *got));
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return ls__fail(LS_EIO, "%s: cannot be read: %s", path, strerror(errno));
    if (now == 0) break;
    *got += (size_t)now;
  }
  return LS_OK;
}

static ls_status look(const char *path, int fd, ls__seal *seal) {
  struct stat info;
  memset(seal, 0, sizeof *seal);
  if (fstat(fd, &info) != 0)
    return ls__fail(LS_EIO, "%s: cannot be read: %s", path, strerror(errno));
  seal->bytes = (uint64_t)info.st_size;
  seal->device = (uint64_t)info.st_dev;
  seal->inode = (uint64_t)info.st_ino;
  /* Not when its inode was changed: that is also when a link to it is removed. */
  seal->seconds = (uint64_t)info.st_mtim.tv_sec;
  seal->nanoseconds = (uint64_t)info.st_mtim.tv_nsec;
  return LS_OK;
}

bool ls__seal_same_file(const ls__seal *a, const ls__seal *b) {
  return a->bytes == b->bytes && a->device == b->device && a->inode == b->inode &&
         a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

ls_status ls__seal_hash(const char *path, int fd, uint64_t from, uint64_t bytes, uint64_t *hash) {
  ls_status st = LS_OK;
  ls__checksum all = {{0}, {0}, 0, {0}};
  unsigned char *piece = NULL;
  LS_TRY(ls__alloc(&piece, PIECE, 1, path));
  (void)posix_fadvise(fd, (off_t)from, 0, POSIX_FADV_SEQUENTIAL);
  while (from < bytes) {
    const size_t n = bytes - from < PIECE ? (size_t)(bytes - from) : PIECE;
    size_t got = 0;
    LS_TRY(read_at(path, fd, piece, n, from, &got));
    if (got < n)
      LS_FAIL(LS_EDATA,
              "%s: the file became shorter while it was read: %" PRIu64 " bytes of %" PRIu64 " are "
              "left",
              path, from + got, bytes);
    ls__checksum_add(&all, piece, n);
    from += n;
  }
  *hash = ls__checksum_value(&all);
out:
  ls__free(piece);
  return st;
}

ls_status ls__seal_write(const char *path, int fd) {
  ls_status st = LS_OK;
  ls__seal seal;
  char block[LS__SEAL_BYTES];
  LS_TRY(look(path, fd, &seal));
  LS_TRY(ls__seal_hash(path, fd, LS__SEAL_BYTES, seal.bytes, &seal.hash));
  for (size_t i = 0; i < RECORDS; i++)
    make_record(seal.bytes, seal.hash, block + i * LS__SEAL_RECORD);
  for (size_t done = 0; done < sizeof block;) {
    const ssize_t put = pwrite(fd, block + done, sizeof block - done, (off_t)done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0)
      LS_FAIL(LS_EIO, "%s: cannot be written: %s", path, strerror(put < 0 ? errno : EIO));
    done += (size_t)put;
  }
out:
  return st;
}

/* Whether our words stand anywhere in the block. */
static bool has_trace(const char block[LS__SEAL_BYTES]) {
  const size_t n = sizeof words - 1;
  for (size_t i = 0; i + n <= LS__SEAL_BYTES; i++)
    if (memcmp(block + i, words, n) == 0) return true;
  return false;
}

/* Whether the record holds what its own check says. */
static bool read_record(const char record[LS__SEAL_RECORD], uint64_t *bytes, uint64_t *hash) {
  char text[LS__SEAL_RECORD + 1] = "", again[LS__SEAL_RECORD];
  memcpy(text, record, LS__SEAL_RECORD);
  if (sscanf(text + sizeof words - 1, "1 %16" SCNx64 " %16" SCNx64, bytes, hash) != 2) return false;
  make_record(*bytes, *hash, again);
  return memcmp(record, again, sizeof again) == 0;
}

/* Whether all records begin as those of a later version: our words where they belong, the same plain
 * number in each, and a space.  Then the block is not damaged; one that was cut or shifted has its
 * words elsewhere, or not in all records. */
static bool is_later(const char block[LS__SEAL_BYTES], char version[VERSION_BYTES]) {
  const size_t at = sizeof words - 1;
  const char *digit = block + at;
  size_t n = 0;
  while (n + 1 < VERSION_BYTES && digit[n] >= '0' && digit[n] <= '9') n++;
  if (n == 0 || digit[0] == '0' || digit[n] != ' ' || (n == 1 && digit[0] == '1')) return false;
  memcpy(version, digit, n);
  version[n] = '\0';
  for (size_t i = 0; i < RECORDS; i++) {
    const char *record = block + i * LS__SEAL_RECORD;
    if (memcmp(record, words, at) != 0 || memcmp(record + at, digit, n + 1) != 0) return false;
  }
  return true;
}

ls_status ls__seal_read(const char *path, int fd, ls__seal *seal) {
  ls_status st = LS_OK;
  char block[LS__SEAL_BYTES] = "", version[VERSION_BYTES];
  size_t got = 0;
  uint64_t bytes = 0;
  LS_TRY(look(path, fd, seal));
  LS_TRY(read_at(path, fd, block, sizeof block, 0, &got));
  if (!has_trace(block)) goto out;
  for (size_t i = 0; i < RECORDS && !seal->sealed; i++)
    seal->sealed = read_record(block + i * LS__SEAL_RECORD, &bytes, &seal->hash);
  if (!seal->sealed) {
    if (is_later(block, version))
      LS_FAIL(LS_EVERSION,
              "%s: its seal has version %s, which is unknown; this program reads version 1", path,
              version);
    LS_FAIL(LS_EDATA, "%s: is damaged: the seal in its first %d bytes cannot be read", path,
            LS__SEAL_BYTES);
  }
  if (seal->bytes < bytes)
    LS_FAIL(LS_EDATA, "%s: is truncated: %" PRIu64 " bytes of %" PRIu64 " are there", path,
            seal->bytes, bytes);
  if (seal->bytes > bytes)
    LS_FAIL(LS_EDATA,
            "%s: is damaged, or was changed after it was written: it has %" PRIu64
            " bytes, and %" PRIu64 " are sealed; a change that was meant is read after "
            "`tail -c +%d FILE >NEW.h5`",
            path, seal->bytes, bytes, LS__SEAL_BYTES + 1);
out:
  return st;
}

ls_status ls__seal_check(const char *path, int fd, const ls__seal *known, ls__seal *seal) {
  ls_status st = LS_OK;
  ls__seal now;
  uint64_t hash = 0;
  LS_TRY(ls__seal_read(path, fd, seal));
  if (!seal->sealed) goto out;
  if (known != NULL && known->sealed && known->hash == seal->hash &&
      ls__seal_same_file(known, seal))
    goto out;
  LS_TRY(ls__seal_hash(path, fd, LS__SEAL_BYTES, seal->bytes, &hash));
  LS_TRY(look(path, fd, &now));
  if (!ls__seal_same_file(&now, seal)) LS_FAIL(LS_EDATA, "%s: was changed while it was read", path);
  if (hash != seal->hash)
    LS_FAIL(LS_EDATA,
            "%s: is damaged, or was changed after it was written: its checksum does not fit; a "
            "change that was meant is read after `tail -c +%d FILE >NEW.h5`",
            path, LS__SEAL_BYTES + 1);
out:
  return st;
}

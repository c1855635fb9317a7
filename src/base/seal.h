/* A file that tells by itself whether it is whole.
 *
 * Its first 512 bytes, the block, hold its length and a checksum (checksum.h) of all bytes behind
 * them: a record of 64 bytes of text, eight times, so that what hits one of them leaves the others.
 *
 *   lockstep seal 1 LENGTH HASH CHECK\n   in hexadecimal: 16, 16 and 13 digits
 *
 * CHECK is a hash of what stands before it in the record.  What the rest of the file is doesn't
 * matter here; HDF5 allows such a block before what is its own, and skips it. */
#ifndef LS_BASE_SEAL_H
#define LS_BASE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { LS__SEAL_BYTES = 512, LS__SEAL_RECORD = 64 };

/* What a file is, and where it was when that was found out. */
typedef struct ls__seal {
  bool sealed;
  uint64_t bytes; /* of the whole file */
  uint64_t hash;  /* sealed: of what is behind the block; else of all, or 0: nobody asked */
  uint64_t device, inode, seconds, nanoseconds; /* the last two: when it was last written to */
} ls__seal;

/* Hash what is behind the block, and write the block.  LS_EIO. */
LS_CHECKED ls_status ls__seal_write(const char *path, int fd);

/* Read the block and compare the length: LS_EDATA where the block is damaged or the length is
 * another, LS_EVERSION where all records are of a later version.  A file without any trace of a seal
 * is not sealed. */
LS_CHECKED ls_status ls__seal_read(const char *path, int fd, ls__seal *seal);

/* Read the whole file and compare the hash, too: LS_EDATA where it doesn't fit.  Not needed again
 * for the same file, unchanged, that gave `known`; NULL: none. */
LS_CHECKED ls_status ls__seal_check(const char *path, int fd, const ls__seal *known,
                                    ls__seal *seal);

/* Whether they are the same file in the same place, unchanged. */
bool ls__seal_same_file(const ls__seal *a, const ls__seal *b);

/* Hash the bytes [from, bytes) of a file.  LS_EIO; LS_EDATA when it ends before. */
LS_CHECKED ls_status ls__seal_hash(const char *path, int fd, uint64_t from, uint64_t bytes,
                                   uint64_t *hash);

#endif

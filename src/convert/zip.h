/* Members of a ZIP archive, as NumPy's .npz files are: stored or deflated, ZIP64 too (PKWARE's
 * APPNOTE.TXT, 4.3).  The directory is read, and then one member after another, in constant
 * memory. */
#ifndef LS_CONVERT_ZIP_H
#define LS_CONVERT_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ls__zip_member {
  char *name;      /* "x.npy" */
  uint64_t header; /* where its own header begins */
  uint64_t stored; /* bytes in the archive */
  uint64_t size;   /* bytes of its contents, as the directory says */
  uint32_t crc;    /* of its contents */
  unsigned method; /* 0: stored, 8: deflated */
  bool encrypted;
} ls__zip_member;

typedef struct ls__zip {
  const char *path;     /* the caller's */
  uint64_t bytes;       /* of the archive */
  ls__zip_member *list; /* [n] */
  size_t n, capacity;
} ls__zip;

/* Read the directory of an archive; LS_EDATA where it is none, or is damaged.  `zip` is zeroed
 * before, and reset after it in every case. */
LS_CHECKED ls_status ls__zip_open(ls__zip *zip, const char *path);
void ls__zip_reset(ls__zip *zip);
/* The member of this name; false: there is none. */
bool ls__zip_find(const ls__zip *zip, const char *name, size_t *member);

typedef struct ls__zip_stream ls__zip_stream;
LS_CHECKED ls_status ls__zip_stream_open(const ls__zip *zip, size_t member, ls__zip_stream **out);
/* Up to `size` bytes of its contents; fewer only at their end, where size and checksum are compared
 * with the directory's. */
LS_CHECKED ls_status ls__zip_stream_read(ls__zip_stream *stream, void *buffer, size_t size,
                                         size_t *got);
uint64_t ls__zip_stream_taken(const ls__zip_stream *stream); /* bytes of the archive, so far */
void ls__zip_stream_close(ls__zip_stream *stream);

#endif

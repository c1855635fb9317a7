/* What the sources of this room share: the open file, its datasets.  Nobody else includes it. */
#ifndef LS_H5_H5_INSIDE_H
#define LS_H5_H5_INSIDE_H

#include <hdf5.h>

#include "base/file.h"
#include "h5/h5.h"
#include "h5/h5_guard.h"

/* Which values of a dataset nobody wrote. */
typedef struct ls__h5_gaps {
  enum {
    LS__H5_WHOLE,
    LS__H5_NOTHING,   /* there is no value at all */
    LS__H5_NO_CHUNKS, /* those of chunks without storage */
    LS__H5_COVERED,   /* all outside the boxes; box[n][2][ndim]: first and last index */
    LS__H5_RANGES     /* elements box[n][0] to box[n][1] */
  } kind;
  hsize_t chunk[H5S_MAX_RANK];
  hsize_t *box; /* owned */
  size_t n, room;
  char why[300]; /* for a message */
} ls__h5_gaps;

/* The checksums of a dataset (h5_sums.c). */
typedef struct ls__h5_sums ls__h5_sums;

/* A dataset that stays open between calls, so that its chunk cache does. */
typedef struct ls__h5_set {
  struct ls__h5_set *next; /* least recently used last */
  char *name;
  hid_t id;
  ls__h5_info info;
  ls__h5_gaps *gaps;        /* once they are looked for; else NULL */
  const ls__h5_sums *sums;  /* the file's; NULL: it has none */
  unsigned char *block;     /* sound rows as they are stored: */
  size_t block_at, block_n; /* [block_at, block_at + block_n) */
  size_t cache;             /* bytes of its chunk cache */
  const char *field;        /* within the name: of a compound, the column; NULL: it is none */
} ls__h5_set;

struct ls__h5 {
  hid_t id;
  char *path;
  char *target;                /* what `path` names, links followed; NULL when the file is read */
  char *temporary;             /* the name until the commit; NULL when the file is read */
  struct ls__h5 *next_written; /* in the list of those that have one */
  ls__h5_set *sets;
  ls__h5_sums *sums; /* of the datasets that were opened, or are written */
  int fd;            /* of a file that is read: to see whether it becomes shorter; else -1 */
  long long bytes;   /* its length when it was opened */
  ls__seal seal;     /* of a file that is read */
  bool sealing;      /* of a file that is written: it gets one */
};

/* The file driver for writing (h5_writer.c): sets it in access properties, 0 when that worked; the
 * errno of the first write that failed, or 0; and the same as a status. */
int ls__h5_writer_use(hid_t access);
int ls__h5_writer_error(const ls__h5 *file);
LS_CHECKED ls_status ls__h5_written(const ls__h5 *file);

/* Where the HDF5 part of a file begins: at its beginning, or behind a block of 512 bytes or twice,
 * four times, ... that; `first`: its first bytes.  False: nowhere. */
enum { LS__H5_FIRST = 36 };
bool ls__h5_begins(int fd, uint64_t bytes, uint64_t *at, unsigned char first[LS__H5_FIRST]);
/* Open it whatever its seal says (h5_seal.c asks that). */
LS_CHECKED ls_status ls__h5_open_unchecked(const char *path, ls__h5 **out);

/* With less memory left than this HDF5 may fail or crash over any file. */
enum { LS__H5_LITTLE = 64 << 20 };

/* Why HDF5's last call failed, in its own words, shortened. */
enum { LS__H5_REASON = 256 };
const char *ls__h5_reason(char text[LS__H5_REASON]);

/* The same as a status and its message, of HDF5's last call to read, under the lock:
 *
 *   LS_EIO     "cannot be read: Input/output error"      the system refused
 *   LS_ENOMEM  "out of memory"
 *   LS_EDATA   "damaged HDF5 file: wrong version"        `otherwise` and HDF5's words
 *
 * ls__fail_context puts in front of it what was read. */
#define LS__H5_DAMAGED "damaged HDF5 file"
LS_CHECKED ls_status ls__h5_why(const char *otherwise);

/* LS_EIO, LS_EDATA: a file can't be read, or is empty; by the system's calls alone. */
LS_CHECKED ls_status ls__h5_readable(const char *path);

/* Where HDF5 finds a file that the file `of` names: by the prefixes in the variable, beside the
 * file, beside what a link to it points at, or here.  LS_EIO: nowhere, and not all of these places
 * could be looked at. */
LS_CHECKED ls_status ls__h5_beside(const char *of, const char *variable, const char *name,
                                   char path[LS__FILE_PATH], bool *there);
/* "/a" of "/a/b"; "." of "b". */
void ls__h5_folder(const char *path, char *folder, size_t bytes);

/* The dataset of this name, opened when it isn't yet; owned by the file.  Under the lock. */
LS_CHECKED ls_status ls__h5_set_find(ls__h5 *file, const char *name, ls__h5_set **out);
void ls__h5_set_close_all(ls__h5 *file);
/* Boxes like this one will be read: room in the cache for the chunks that one touches.  Under the
 * lock. */
LS_CHECKED ls_status ls__h5_set_expect(const ls__h5 *file, ls__h5_set *set, const ls__h5_box *box);

/* ls__h5_exists, under the lock. */
LS_CHECKED ls_status ls__h5_present(const ls__h5 *file, const char *name, bool *there);
/* LS_EDATA: "no dataset NAME; did you mean ...?  The file holds ...".  Under the lock. */
ls_status ls__h5_missing(const ls__h5 *file, const char *name);

/* Under the lock: look for them, once a dataset. */
LS_CHECKED ls_status ls__h5_gaps_find(const ls__h5 *file, ls__h5_set *set);
void ls__h5_gaps_destroy(ls__h5_gaps *gaps);
/* "lzf (filter 32000)": the first filter of a dataset that this HDF5 doesn't have; empty: none.
 * False: HDF5 fails. */
bool ls__h5_filter_missing(hid_t made, char *text, size_t bytes);

hid_t ls__h5_native(ls__dtype type);
hid_t ls__h5_stored(ls__dtype type); /* in the file: little-endian */

/* How numbers become another type: an integer that doesn't fit is refused. */
typedef struct ls__h5_transfer {
  hid_t id;
  bool refused;
} ls__h5_transfer;
LS_CHECKED ls_status ls__h5_transfer_begin(const ls__h5 *file, const ls__h5_set *set,
                                           ls__dtype type, ls__h5_transfer *transfer);
void ls__h5_transfer_end(ls__h5_transfer *transfer);
/* Why the conversion to this type failed. */
LS_CHECKED ls_status ls__h5_transfer_failed(const ls__h5 *file, const ls__h5_set *set,
                                            ls__dtype type, const ls__h5_transfer *transfer);

/* Elements of a space in the file to those of one in memory; all where both are H5S_ALL.  Under the
 * lock. */
LS_CHECKED ls_status ls__h5_read_space(ls__h5 *file, const ls__h5_set *set, hid_t memory_space,
                                       hid_t file_space, ls__dtype type, void *out);
/* Rows as they are stored.  Under the lock. */
LS_CHECKED ls_status ls__h5_read_stored(ls__h5 *file, const ls__h5_set *set, size_t first,
                                        size_t rows, void *out);

/* Checksums of rows (h5_sums.c); all under the lock.  Of a dataset that is made; of rows that have
 * been written, in their order; then into the file. */
LS_CHECKED ls_status ls__h5_sums_begin(ls__h5 *file, const char *name, ls__dtype type,
                                       const ls_shape *shape, size_t chunk_rows);
void ls__h5_sums_add(ls__h5 *file, const char *name, size_t first, size_t rows, ls__dtype type,
                     const void *data);
LS_CHECKED ls_status ls__h5_sums_write(ls__h5 *file);
/* Those of a dataset that is opened, into set->sums; LS_EDATA when they aren't of this one. */
LS_CHECKED ls_status ls__h5_sums_open(ls__h5 *file, ls__h5_set *set);
/* Whether it has some and its chunks hold whole rows as they are: then HDF5 need not keep any. */
bool ls__h5_sums_are_plain(const ls__h5_set *set, hid_t made, const hsize_t *chunk);
/* Read and compare. */
LS_CHECKED ls_status ls__h5_sums_read(ls__h5 *file, ls__h5_set *set, size_t first, size_t rows,
                                      ls__dtype type, void *out);
void ls__h5_sums_reset(ls__h5 *file);

/* LS_EDATA when a file that is read has become shorter: HDF5 would give zeros for what is gone. */
LS_CHECKED ls_status ls__h5_still_whole(const ls__h5 *file);

#endif

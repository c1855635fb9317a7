/* The file driver that HDF5 writes through.
 *
 * HDF5 leaks or crashes when a write fails (a full disk): its caches cannot be flushed, and the
 * file cannot be closed.  So this driver never fails.  It remembers the first failure, which the
 * room's functions report after each call, and keeps what could not be written in memory: that
 * is at most what HDF5's caches hold, because the file is then given up and closed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "h5/h5_inside.h"
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/* What could not be written: bytes [at, at + n). */
typedef struct piece {
  struct piece *next;
  haddr_t at;
  size_t n;
  unsigned char *bytes;
} piece;

typedef struct writer {
  H5FD_t head; /* HDF5's part comes first */
  int fd;
  int error; /* errno of the first failure */
  haddr_t eoa, eof;
  piece *lost; /* newest first */
} writer;

static writer *of(H5FD_t *file) {
  return (writer *)(void *)file;
}

static const writer *of_const(const H5FD_t *file) {
  return (const writer *)(const void *)file;
}

static H5FD_t *open_file(const char *name, unsigned flags, hid_t access, haddr_t maxaddr) {
  (void)access, (void)maxaddr;
  struct stat info;
  writer *w = ls__calloc(1, sizeof *w);
  if (w == NULL) return NULL;
  w->fd = open(name, O_RDWR | O_CLOEXEC | (flags & H5F_ACC_TRUNC ? O_TRUNC : 0));
  if (w->fd < 0 || fstat(w->fd, &info) != 0) {
    if (w->fd >= 0) close(w->fd);
    ls__free(w);
    return NULL;
  }
  (void)flock(w->fd, LOCK_EX | LOCK_NB); /* for ls__file_remove_left; not all disks have locks */
  w->eof = (haddr_t)info.st_size;
  return &w->head;
}

static herr_t close_file(H5FD_t *file) {
  writer *w = of(file);
  close(w->fd);
  while (w->lost != NULL) {
    piece *next = w->lost->next;
    ls__free(w->lost->bytes);
    ls__free(w->lost);
    w->lost = next;
  }
  ls__free(w);
  return 0;
}

static herr_t query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t get_eoa(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return of_const(file)->eoa;
}

static herr_t set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t eoa) {
  (void)type;
  of(file)->eoa = eoa;
  return 0;
}

static haddr_t get_eof(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return of_const(file)->eof;
}

static herr_t get_handle(H5FD_t *file, hid_t access, void **handle) {
  (void)access;
  *handle = &of(file)->fd;
  return 0;
}

/* Lay the older pieces first, the newer ones over them. */
static void read_lost(const piece *p, haddr_t at, size_t n, unsigned char *out) {
  if (p == NULL) return;
  read_lost(p->next, at, n, out);
  haddr_t lo = p->at > at ? p->at : at;
  haddr_t hi = p->at + p->n < at + n ? p->at + p->n : at + n;
  if (lo < hi) memcpy(out + (lo - at), p->bytes + (lo - p->at), (size_t)(hi - lo));
}

static herr_t read_bytes(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n,
                         void *out) {
  (void)type, (void)transfer;
  writer *w = of(file);
  unsigned char *bytes = out;
  size_t done = 0;
  while (done < n) {
    ssize_t got = pread(w->fd, bytes + done, n - done, (off_t)(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break; /* beyond the end there are zeros */
    done += (size_t)got;
  }
  memset(bytes + done, 0, n - done);
  read_lost(w->lost, at, n, bytes);
  return 0;
}

static herr_t keep(writer *w, haddr_t at, size_t n, const void *from) {
  piece *p = ls__calloc(1, sizeof *p);
  unsigned char *bytes = ls__calloc(n, 1);
  if (p == NULL || bytes == NULL) {
    ls__free(p);
    ls__free(bytes);
    return -1;
  }
  memcpy(bytes, from, n);
  *p = (piece){w->lost, at, n, bytes};
  w->lost = p;
  return 0;
}

static herr_t write_bytes(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n,
                          const void *from) {
  (void)type, (void)transfer;
  writer *w = of(file);
  const unsigned char *bytes = from;
  if (at + n > w->eof) w->eof = at + n;
  size_t done = 0;
  while (done < n && w->error == 0) {
    ssize_t put = pwrite(w->fd, bytes + done, n - done, (off_t)(at + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) w->error = errno;
    if (put == 0) w->error = EIO;
    if (put > 0) done += (size_t)put;
  }
  return done < n ? keep(w, at + done, n - done, bytes + done) : 0;
}

static herr_t truncate_file(H5FD_t *file, hid_t transfer, hbool_t closing) {
  (void)transfer, (void)closing;
  writer *w = of(file);
  if (w->eoa == w->eof) return 0;
  if (w->error == 0 && ftruncate(w->fd, (off_t)w->eoa) != 0) w->error = errno;
  w->eof = w->eoa;
  return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)611, /* above 255: free for anybody's use */
#endif
    .name = "lockstep_writer",
    .maxaddr = ((haddr_t)1 << 62),
    .fc_degree = H5F_CLOSE_STRONG,
    .open = open_file,
    .close = close_file,
    .query = query,
    .get_eoa = get_eoa,
    .set_eoa = set_eoa,
    .get_eof = get_eof,
    .get_handle = get_handle,
    .read = read_bytes,
    .write = write_bytes,
    .truncate = truncate_file,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

int ls__h5_writer_use(hid_t access) {
  static hid_t id = H5I_INVALID_HID; /* guarded by the room's lock */
  /* A program that closes the whole HDF5 library removes our registration, too. */
  if (id < 0 || H5Iget_type(id) != H5I_VFL) id = H5FDregister(&driver);
  return id >= 0 && H5Pset_driver(access, id, NULL) >= 0 ? 0 : -1;
}

int ls__h5_writer_error(const ls__h5 *file) {
  void *handle = NULL;
  if (file->temporary == NULL || H5Fget_vfd_handle(file->id, H5P_DEFAULT, &handle) < 0) return 0;
  /* The handle is the address of fd: from there to the writer. */
  const writer *w = (const writer *)(const void *)((const char *)handle - offsetof(writer, fd));
  return w->error;
}

/* Which values of a dataset nobody wrote: chunks without storage, and sources of virtual datasets
 * and external files that are not there.  HDF5 gives the fill value for all of them, without a
 * word. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "h5/h5_inside.h"

/* One dataset as it is looked at: of the file, or a source of a virtual one. */
typedef struct looked {
  const char *path; /* of its file, and its name, for messages */
  const char *name;
  hid_t file, id, made, space;
  int ndim;
  hsize_t dim[H5S_MAX_RANK];
} looked;

static ls_status find(const looked *d, int depth, ls__h5_gaps *gaps);

/* HDF5's last call failed, of a dataset. */
static ls_status fail(const looked *d) {
  return ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: %s", d->path, d->name);
}

static void look_reset(looked *d) {
  if (d->made >= 0) H5Pclose(d->made);
  if (d->space >= 0) H5Sclose(d->space);
}

static bool look(const char *path, const char *name, hid_t file, hid_t id, looked *d) {
  *d = (looked){path, name, file, id, H5Dget_create_plist(id), H5Dget_space(id), 0, {0}};
  if (d->made >= 0 && d->space >= 0) d->ndim = H5Sget_simple_extent_dims(d->space, d->dim, NULL);
  return d->made >= 0 && d->space >= 0 && d->ndim >= 0;
}

/* The first reason is told. */
static void LS_PRINTF(2, 3) because(ls__h5_gaps *gaps, const char *format, ...) {
  va_list arguments;
  if (gaps->why[0] != '\0') return;
  va_start(arguments, format);
  vsnprintf(gaps->why, sizeof gaps->why, format, arguments);
  va_end(arguments);
}

/* ---- Chunks ---- */

static ls_status find_chunks(const looked *d, ls__h5_gaps *gaps) {
  hsize_t total = 1, there = 0, at[H5S_MAX_RANK] = {0}, size;
  unsigned mask;
  haddr_t address = HADDR_UNDEF;
  if (d->ndim == 0 || H5Pget_chunk(d->made, H5S_MAX_RANK, gaps->chunk) != d->ndim) return fail(d);
  for (int i = 0; i < d->ndim; i++) total *= (d->dim[i] + gaps->chunk[i] - 1) / gaps->chunk[i];
  if (H5Dget_num_chunks(d->id, d->space, &there) < 0) return fail(d);
  if (there >= total) return LS_OK;
  gaps->kind = LS__H5_NO_CHUNKS;
  for (hsize_t k = 0; k < total; k++) { /* no more than there are, and one */
    if (H5Dget_chunk_info_by_coord(d->id, at, &mask, &address, &size) < 0) return fail(d);
    if (address == HADDR_UNDEF) break;
    for (int i = d->ndim - 1; i >= 0; i--) {
      at[i] += gaps->chunk[i];
      if (at[i] < d->dim[i] || i == 0) break;
      at[i] = 0;
    }
  }
  because(gaps, "%llu of %llu chunks have no storage, from row %llu on: they were never written",
          (unsigned long long)(total - there), (unsigned long long)total,
          (unsigned long long)at[0]);
  return LS_OK;
}

/* ---- Contiguous ---- */

/* Elements [first, first + n) of all, one after another. */
static ls_status add_range(ls__h5_gaps *gaps, hsize_t first, hsize_t n) {
  ls_status st = ls__grow(&gaps->box, &gaps->room, 2 * (gaps->n + 1), sizeof *gaps->box,
                          "missing values");
  if (st != LS_OK) return st;
  gaps->box[2 * gaps->n] = first;
  gaps->box[2 * gaps->n + 1] = first + n - 1;
  gaps->n++;
  return LS_OK;
}

/* Where HDF5 looks for external data: the prefix, ${ORIGIN} being the file's folder, or here. */
static void external_path(const looked *d, const char *name, char *path, size_t bytes) {
  static const char origin[] = "${ORIGIN}";
  const char *prefix = getenv("HDF5_EXTFILE_PREFIX");
  char folder[1024] = "";
  if (prefix != NULL && strncmp(prefix, origin, sizeof origin - 1) == 0) {
    ls__h5_folder(d->path, folder, sizeof folder);
    prefix += sizeof origin - 1;
  }
  if (name[0] == '/' || prefix == NULL || (prefix[0] == '\0' && folder[0] == '\0'))
    snprintf(path, bytes, "%s", name);
  else
    snprintf(path, bytes, "%s%s/%s", folder, prefix, name);
}

static ls_status find_external(const looked *d, int files, ls__h5_gaps *gaps) {
  ls_status st = LS_OK;
  char name[1024], path[LS__FILE_PATH];
  hsize_t all = 1, begin = 0;
  hid_t type = H5Dget_type(d->id);
  const hsize_t size = type < 0 ? 0 : H5Tget_size(type);
  if (size == 0) {
    st = fail(d);
    goto out;
  }
  for (int i = 0; i < d->ndim; i++) all *= d->dim[i];
  for (int i = 0; i < files && begin < all * size; i++) {
    off_t at = 0;
    hsize_t room = 0;
    struct stat info;
    memset(name, 0, sizeof name);
    if (H5Pget_external(d->made, (unsigned)i, sizeof name - 1, name, &at, &room) < 0) {
      st = fail(d);
      goto out;
    }
    external_path(d, name, path, sizeof path);
    const bool there = stat(path, &info) == 0;
    if (!there && !ls__file_is_none(errno))
      LS_FAIL(LS_EIO, "%s: %s: its external file %s: %s", d->path, d->name, path, strerror(errno));
    if (there) { /* what HDF5 can't read is not missing */
      st = ls__h5_readable(path);
      if (st == LS_EIO) {
        st = ls__fail_context(st, "%s: %s: its external file", d->path, d->name);
        goto out;
      }
      st = LS_OK;
    }
    const hsize_t want = room == H5F_UNLIMITED || room > all * size - begin ? all * size - begin
                                                                            : room;
    const hsize_t has = there && info.st_size > at ? (hsize_t)(info.st_size - at) : 0;
    if (has < want) {
      gaps->kind = LS__H5_RANGES;
      LS_TRY(add_range(gaps, (begin + has) / size,
                       (begin + want + size - 1) / size - (begin + has) / size));
      if (there)
        because(gaps, "its external file %s is shorter than the data: %lld bytes", path,
                (long long)info.st_size);
      else
        because(gaps, "its external file %s is not there", path);
    }
    begin += want;
  }
out:
  if (type >= 0) H5Tclose(type);
  return st;
}

static ls_status find_contiguous(const looked *d, ls__h5_gaps *gaps) {
  H5D_space_status_t status;
  const int files = H5Pget_external_count(d->made);
  if (files < 0) return fail(d);
  if (files > 0) return find_external(d, files, gaps);
  if (H5Dget_space_status(d->id, &status) < 0) return fail(d);
  if (status != H5D_SPACE_STATUS_NOT_ALLOCATED) return LS_OK;
  gaps->kind = LS__H5_NOTHING;
  because(gaps, "has no storage: it was never written");
  return LS_OK;
}

/* ---- Virtual datasets ---- */

static ls_status add_box(ls__h5_gaps *gaps, int ndim, const hsize_t *low, const hsize_t *high) {
  const size_t width = 2 * (size_t)ndim;
  ls_status st = ls__grow(&gaps->box, &gaps->room, width * (gaps->n + 1), sizeof *gaps->box,
                          "virtual dataset");
  if (st != LS_OK) return st;
  memcpy(gaps->box + width * gaps->n, low, (size_t)ndim * sizeof *low);
  memcpy(gaps->box + width * gaps->n + ndim, high, (size_t)ndim * sizeof *high);
  gaps->n++;
  return LS_OK;
}

/* The pattern with %b replaced by a number, and %% by %. */
static void number_name(const char *pattern, hsize_t b, char *name, size_t bytes) {
  size_t n = 0;
  for (const char *p = pattern; *p != '\0' && n + 24 < bytes; p++) {
    if (p[0] == '%' && p[1] == 'b')
      n += (size_t)snprintf(name + n, bytes - n, "%llu", (unsigned long long)b);
    else
      name[n++] = *p;
    if (p[0] == '%' && (p[1] == 'b' || p[1] == '%')) p++;
  }
  name[n] = '\0';
}

/* Whether all of a source is there; else `gaps` says why not.  wanted: its selection, or < 0. */
static ls_status source_is_whole(const looked *d, const char *file, const char *name, hid_t wanted,
                                 int depth, ls__h5_gaps *gaps, bool *whole) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH];
  hid_t source = H5I_INVALID_HID, id = H5I_INVALID_HID;
  looked s = {.made = H5I_INVALID_HID, .space = H5I_INVALID_HID};
  ls__h5_gaps inside = {0};
  hsize_t low[H5S_MAX_RANK], high[H5S_MAX_RANK];
  *whole = false;
  const bool own = strcmp(file, ".") == 0;
  bool there = true;
  snprintf(path, sizeof path, "%s", d->path);
  if (!own) LS_TRY(ls__h5_beside(d->path, "HDF5_VDS_PREFIX", file, path, &there));
  if (!there) {
    because(gaps, "%s, a source of this virtual dataset, is not there", file);
    goto out;
  }
  if (!own) LS_TRY(ls__h5_readable(path));
  source = own ? d->file : H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (source < 0) {
    st = ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s", path);
    goto out;
  }
  LS_TRY(ls__h5_present(&(ls__h5){.id = source, .path = path}, name, &there));
  if (!there) {
    because(gaps, "%s, a source of this virtual dataset, has no dataset %s", path, name);
    goto out;
  }
  id = H5Dopen2(source, name, H5P_DEFAULT);
  if (id < 0 || !look(path, name, source, id, &s)) {
    st = ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: %s", path, name);
    goto out;
  }
  if (wanted >= 0 && H5Sget_simple_extent_ndims(wanted) == s.ndim &&
      H5Sget_select_bounds(wanted, low, high) >= 0)
    for (int i = 0; i < s.ndim; i++)
      if (high[i] != H5S_UNLIMITED && high[i] >= s.dim[i]) {
        because(gaps, "%s in %s, a source of this virtual dataset, is shorter than it was", name,
                path);
        goto out;
      }
  LS_TRY(find(&s, depth + 1, &inside));
  *whole = inside.kind == LS__H5_WHOLE;
  if (!*whole)
    because(gaps, "%s in %s, a source of this virtual dataset: %.120s", name, path, inside.why);
out:
  ls__free(inside.box);
  look_reset(&s);
  if (id >= 0) H5Dclose(id);
  if (!own && source >= 0) H5Fclose(source);
  return st;
}

/* A selection that grows without limit: the blocks within the extent, each of a file of its own
 * where the names are numbered. */
static ls_status cover_blocks(const looked *d, hid_t space, const char *file, const char *name,
                              int depth, ls__h5_gaps *gaps) {
  ls_status st = LS_OK;
  hsize_t start[H5S_MAX_RANK], stride[H5S_MAX_RANK], count[H5S_MAX_RANK], block[H5S_MAX_RANK],
      high[H5S_MAX_RANK];
  char file_b[1024], name_b[1024];
  int grows = -1;
  bool whole;
  if (H5Sget_regular_hyperslab(space, start, stride, count, block) < 0)
    return LS_OK; /* not covered */
  for (int i = 0; i < d->ndim; i++) {
    if (count[i] == H5S_UNLIMITED || block[i] == H5S_UNLIMITED) grows = i;
    high[i] = start[i] + (count[i] - 1) * stride[i] + block[i] - 1;
  }
  if (grows < 0) return LS_OK;
  const bool numbered = strstr(file, "%b") != NULL || strstr(name, "%b") != NULL;
  if (!numbered) {
    high[grows] = d->dim[grows] - 1;
    LS_TRY(source_is_whole(d, file, name, H5I_INVALID_HID, depth, gaps, &whole));
    if (whole) st = add_box(gaps, d->ndim, start, high);
    goto out;
  }
  for (hsize_t b = 0, first = start[grows]; first < d->dim[grows]; b++, first += stride[grows]) {
    number_name(file, b, file_b, sizeof file_b);
    number_name(name, b, name_b, sizeof name_b);
    start[grows] = first;
    high[grows] = first + block[grows] - 1;
    LS_TRY(source_is_whole(d, file_b, name_b, H5I_INVALID_HID, depth, gaps, &whole));
    if (whole) LS_TRY(add_box(gaps, d->ndim, start, high));
  }
out:
  return st;
}

static ls_status cover(const looked *d, size_t i, int depth, ls__h5_gaps *gaps) {
  ls_status st = LS_OK;
  char file[1024], name[1024];
  hsize_t *list = NULL, low[H5S_MAX_RANK], high[H5S_MAX_RANK];
  bool whole = false;
  hid_t space = H5Pget_virtual_vspace(d->made, i), wanted = H5Pget_virtual_srcspace(d->made, i);
  if (space < 0 || H5Pget_virtual_filename(d->made, i, file, sizeof file) < 0 ||
      H5Pget_virtual_dsetname(d->made, i, name, sizeof name) < 0) {
    st = fail(d);
    goto out;
  }
  if (H5Sget_select_type(space) == H5S_SEL_ALL) {
    for (int k = 0; k < d->ndim; k++) low[k] = 0, high[k] = d->dim[k] - 1;
    LS_TRY(source_is_whole(d, file, name, wanted, depth, gaps, &whole));
    if (whole) st = add_box(gaps, d->ndim, low, high);
    goto out;
  }
  const hssize_t blocks = H5Sget_select_hyper_nblocks(space);
  if (blocks <= 0) {
    st = cover_blocks(d, space, file, name, depth, gaps);
    goto out;
  }
  LS_TRY(source_is_whole(d, file, name, wanted, depth, gaps, &whole));
  if (!whole) goto out;
  LS_TRY(ls__alloc(&list, (size_t)blocks * 2 * (size_t)d->ndim, sizeof *list, "virtual dataset"));
  if (H5Sget_select_hyper_blocklist(space, 0, (hsize_t)blocks, list) < 0) {
    st = fail(d);
    goto out;
  }
  for (hssize_t b = 0; b < blocks; b++) {
    const hsize_t *box = list + (size_t)b * 2 * (size_t)d->ndim;
    LS_TRY(add_box(gaps, d->ndim, box, box + d->ndim));
  }
out:
  ls__free(list);
  if (space >= 0) H5Sclose(space);
  if (wanted >= 0) H5Sclose(wanted);
  return st;
}

/* Values that no source covers are missing, too. */
static ls_status find_virtual(const looked *d, int depth, ls__h5_gaps *gaps) {
  enum { DEEPEST = 8 };
  ls_status st = LS_OK;
  size_t n = 0;
  double all = 1, covered = 0;
  if (depth > DEEPEST)
    LS_FAIL(LS_EDATA,
            "%s: %s: damaged HDF5 file: a virtual dataset of virtual datasets without end", d->path,
            d->name);
  if (H5Pget_virtual_count(d->made, &n) < 0) {
    st = fail(d);
    goto out;
  }
  for (size_t i = 0; i < n; i++) LS_TRY(cover(d, i, depth, gaps));
  for (int k = 0; k < d->ndim; k++) all *= (double)d->dim[k];
  for (size_t b = 0; b < gaps->n; b++) {
    const hsize_t *low = gaps->box + b * 2 * (size_t)d->ndim, *high = low + d->ndim;
    double some = 1;
    for (int k = 0; k < d->ndim; k++)
      some *= (double)((high[k] < d->dim[k] ? high[k] + 1 : d->dim[k]) - low[k]);
    covered += some;
  }
  if (gaps->why[0] == '\0' && covered >= all) goto out;
  gaps->kind = LS__H5_COVERED;
  because(gaps, "no source of this virtual dataset has %.0f of its %.0f values", all - covered,
          all);
out:
  return st;
}

/* ---- Any ---- */

static ls_status find(const looked *d, int depth, ls__h5_gaps *gaps) {
  for (int i = 0; i < d->ndim; i++)
    if (d->dim[i] == 0) return LS_OK;
  switch (H5Pget_layout(d->made)) {
    case H5D_CHUNKED: return find_chunks(d, gaps);
    case H5D_CONTIGUOUS: return find_contiguous(d, gaps);
    case H5D_VIRTUAL: return find_virtual(d, depth, gaps);
    case H5D_COMPACT: return LS_OK;
    case H5D_LAYOUT_ERROR:
    case H5D_NLAYOUTS: break;
  }
  return fail(d);
}

ls_status ls__h5_gaps_find(const ls__h5 *file, ls__h5_set *set) {
  ls_status st = LS_OK;
  looked d;
  ls__h5_gaps *gaps = NULL;
  if (set->gaps != NULL) return LS_OK;
  LS_TRY(ls__alloc(&gaps, 1, sizeof *gaps, "missing values"));
  st = look(file->path, set->name, file->id, set->id, &d) ? find(&d, 0, gaps) : fail(&d);
  look_reset(&d);
  if (st == LS_OK)
    set->gaps = gaps;
  else
    ls__h5_gaps_destroy(gaps);
out:
  return st;
}

void ls__h5_gaps_destroy(ls__h5_gaps *gaps) {
  if (gaps == NULL) return;
  ls__free(gaps->box);
  ls__free(gaps);
}

/* Set a box, low to high, within rows [first, first + rows); low[0] and high[0] count from row
 * 0. */
static void mark(unsigned char *gone, const ls_shape *shape, size_t first, size_t rows,
                 const hsize_t *low, const hsize_t *high, unsigned char to) {
  const int n = shape->ndim;
  size_t at[LS_MAX_DIMS], row = 1, run = 1;
  size_t lo = low[0] < first ? first : (size_t)low[0];
  size_t hi = high[0] >= first + rows ? first + rows : (size_t)high[0] + 1;
  if (lo >= hi) return;
  for (int i = 1; i < n; i++) row *= shape->dim[i];
  for (int i = 0; i < n; i++) at[i] = i == 0 ? lo : (size_t)low[i];
  const size_t end = n == 1                             ? hi
                     : high[n - 1] >= shape->dim[n - 1] ? shape->dim[n - 1]
                                                        : (size_t)high[n - 1] + 1;
  run = end - at[n - 1];
  for (;;) {
    size_t place = 0;
    for (int i = 1; i < n; i++) place = place * shape->dim[i] + at[i];
    memset(gone + (at[0] - first) * row + place, to, run);
    int i = n - 2;
    for (; i >= 0; i--) {
      const size_t stop = i == 0                     ? hi
                          : high[i] >= shape->dim[i] ? shape->dim[i]
                                                     : (size_t)high[i] + 1;
      if (++at[i] < stop) break;
      at[i] = i == 0 ? lo : (size_t)low[i];
    }
    if (i < 0) break;
  }
}

static ls_status mark_chunks(const ls__h5 *file, const ls__h5_set *set, size_t first, size_t rows,
                             unsigned char *gone) {
  const ls_shape *shape = &set->info.shape;
  const hsize_t *chunk = set->gaps->chunk;
  hsize_t at[LS_MAX_DIMS] = {0}, high[LS_MAX_DIMS], size;
  unsigned mask;
  haddr_t address;
  at[0] = first / chunk[0] * chunk[0];
  while (at[0] < first + rows) {
    if (H5Dget_chunk_info_by_coord(set->id, at, &mask, &address, &size) < 0)
      return ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: %s", file->path, set->name);
    for (int i = 0; i < shape->ndim; i++) high[i] = at[i] + chunk[i] - 1;
    if (address == HADDR_UNDEF) mark(gone, shape, first, rows, at, high, 1);
    for (int i = shape->ndim - 1; i >= 0; i--) {
      at[i] += chunk[i];
      if (at[i] < shape->dim[i] || i == 0) break;
      at[i] = 0;
    }
  }
  return LS_OK;
}

ls_status ls__h5_gone(ls__h5 *file, const char *name, size_t first, size_t rows,
                      unsigned char *gone) {
  ls_status st = LS_OK;
  ls__h5_set *set = NULL;
  size_t row = 1;
  ls__h5_enter(file);
  LS_TRY(ls__h5_set_find(file, name, &set));
  LS_TRY(ls__h5_gaps_find(file, set));
  const ls__h5_gaps *gaps = set->gaps;
  const ls_shape *shape = &set->info.shape;
  LS_ASSERT(shape->ndim > 0 && first + rows <= shape->dim[0]);
  for (int i = 1; i < shape->ndim; i++) row *= shape->dim[i];
  memset(gone, gaps->kind == LS__H5_NOTHING || gaps->kind == LS__H5_COVERED, rows * row);
  if (gaps->kind == LS__H5_NO_CHUNKS) LS_TRY(mark_chunks(file, set, first, rows, gone));
  for (size_t b = 0; gaps->kind == LS__H5_COVERED && b < gaps->n; b++) {
    const hsize_t *low = gaps->box + b * 2 * (size_t)shape->ndim;
    mark(gone, shape, first, rows, low, low + shape->ndim, 0);
  }
  for (size_t b = 0; gaps->kind == LS__H5_RANGES && b < gaps->n; b++)
    for (hsize_t i = gaps->box[2 * b]; i <= gaps->box[2 * b + 1]; i++)
      if (i >= first * row && i < (first + rows) * row) gone[i - first * row] = 1;
out:
  ls__h5_leave();
  return st;
}

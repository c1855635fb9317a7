/* Checksums of a dataset's rows: made while it is written, compared while it is read.
 *
 * HDF5's own filter (fletcher32) reads at 1 to 3 GB/s.  These cost less than what is saved by not
 * going through HDF5's chunk cache: blocks of rows come from the file to where they are wanted, and
 * are summed up there while they lie in the processor's cache.  They are of rows, not of chunks:
 * they still fit when another program has rechunked or compressed the file.
 *
 * The attribute lockstep_checksums of a dataset of N rows has 2 + ceil(N / R) whole numbers:
 *
 *   R   what   rows 0 to R - 1   rows R to 2 R - 1   ...
 *
 * A checksum of rows is that of their bytes, row-major, little-endian.  `what` is one of what the
 * dataset is: R, its type and shape, and the attributes that say what its values stand for. */
#include <string.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/hash.h"
#include "h5/h5_inside.h"

static const char attribute[] = "lockstep_checksums";

/* Attributes of convert that change what is learnt, or what it is called. */
static const char *const meant[] = {"classes", "columns",    "scale",
                                    "recipe",  "vocabulary", "offsets"};

/* A block has about BLOCK bytes: a part of a chunk, since samples that are streamed in random order
 * come from the file in pieces smaller than a chunk.  Neighbours are read together, up to
 * AT_ONCE. */
enum { HEAD = 2, BLOCK = 1 << 16, AT_ONCE = 1 << 20 };

struct ls__h5_sums {
  struct ls__h5_sums *next;
  char *name;
  size_t rows, row_bytes, row_numbers;
  size_t block_rows, n_blocks;
  size_t at_once; /* blocks that are read together */
  uint64_t *sum;  /* [n_blocks] */
  /* While it is written, in the order of rows: */
  ls__checksum running;
  size_t written;
};

static void destroy(ls__h5_sums *sums) {
  if (sums == NULL) return;
  ls__free(sums->name);
  ls__free(sums->sum);
  ls__free(sums);
}

void ls__h5_sums_reset(ls__h5 *file) {
  while (file->sums != NULL) {
    ls__h5_sums *next = file->sums->next;
    destroy(file->sums);
    file->sums = next;
  }
}

static ls__h5_sums *find(const ls__h5 *file, const char *name) {
  ls__h5_sums *sums = file->sums;
  while (sums != NULL && strcmp(sums->name, name) != 0) sums = sums->next;
  return sums;
}

static ls_status make(const char *name, const ls__h5_info *info, size_t block_rows,
                      ls__h5_sums **out) {
  ls_status st = LS_OK;
  ls__h5_sums *sums = NULL;
  const ls_shape *shape = &info->shape;
  *out = NULL;
  LS_TRY(ls__alloc(&sums, 1, sizeof *sums, name));
  sums->rows = shape->dim[0];
  sums->row_numbers = 1;
  for (int i = 1; i < shape->ndim; i++) sums->row_numbers *= shape->dim[i];
  sums->row_bytes = sums->row_numbers * ls__dtype_size(info->type);
  sums->block_rows = block_rows;
  sums->at_once = block_rows < AT_ONCE / sums->row_bytes ? AT_ONCE / sums->row_bytes / block_rows
                                                         : 1;
  sums->n_blocks = sums->rows / block_rows + (sums->rows % block_rows > 0);
  sums->name = ls__strdup(name);
  if (sums->name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", name);
  LS_TRY(ls__alloc(&sums->sum, sums->n_blocks, sizeof *sums->sum, name));
  *out = sums;
  sums = NULL;
out:
  destroy(sums);
  return st;
}

/* ---- What a dataset is ---- */

/* An attribute's name, type and value; one that isn't there adds nothing. */
static ls_status add_attribute(hid_t set, const char *name, ls__checksum *sum) {
  ls_status st = LS_OK;
  enum { MOST = 1 << 30 };
  unsigned char *value = NULL;
  hid_t id = H5I_INVALID_HID, type = H5I_INVALID_HID, space = H5I_INVALID_HID;
  const htri_t there = H5Aexists(set, name);
  if (there == 0) return LS_OK;
  if (there > 0) id = H5Aopen(set, name, H5P_DEFAULT);
  if (id >= 0) {
    type = H5Aget_type(id);
    space = H5Aget_space(id);
  }
  const hssize_t n = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  const uint64_t size = type < 0 ? 0 : (uint64_t)H5Tget_size(type), count = (uint64_t)n;
  if (n < 0 || size == 0) {
    st = ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "attribute %s", name);
    goto out;
  }
  const uint64_t about[] = {(uint64_t)H5Tget_class(type), size, count};
  ls__checksum_add(sum, name, strlen(name));
  ls__checksum_add(sum, about, sizeof about);
  if (H5Tis_variable_str(type) > 0 || count > MOST / size) goto out; /* not ours any more */
  LS_TRY(ls__alloc(&value, (size_t)count, (size_t)size, name));
  if (H5Aread(id, type, value) < 0) {
    st = ls__fail_context(ls__h5_why("cannot be read"), "attribute %s", name);
    goto out;
  }
  ls__checksum_add(sum, value, (size_t)(count * size));
out:
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (id >= 0) H5Aclose(id);
  ls__free(value);
  return st;
}

static ls_status sum_of_what(hid_t set, const ls__h5_info *info, size_t block_rows, uint64_t *out) {
  ls_status st = LS_OK;
  ls__checksum sum = {{0}, {0}, 0, {0}};
  const uint64_t head[] = {block_rows, (uint64_t)info->shape.ndim};
  ls__checksum_add(&sum, head, sizeof head);
  ls__checksum_add(&sum, info->type_name, strlen(info->type_name));
  for (int i = 0; i < info->shape.ndim; i++) {
    const uint64_t dim = info->shape.dim[i];
    ls__checksum_add(&sum, &dim, sizeof dim);
  }
  for (size_t i = 0; i < sizeof meant / sizeof *meant; i++)
    LS_TRY(add_attribute(set, meant[i], &sum));
  *out = ls__checksum_value(&sum);
out:
  return st;
}

/* ---- Writing ---- */

ls_status ls__h5_sums_begin(ls__h5 *file, const char *name, ls__dtype type, const ls_shape *shape,
                            size_t chunk_rows) {
  ls_status st = LS_OK;
  ls__h5_sums *sums = NULL;
  const ls__h5_info info = {.shape = *shape, .type = type};
  size_t row_bytes = ls__dtype_size(type), block_rows = shape->dim[0];
  for (int i = 1; i < shape->ndim; i++) row_bytes *= shape->dim[i];
  if (row_bytes == 0) return LS_OK;
  if (block_rows > chunk_rows) block_rows = chunk_rows;
  if (block_rows > BLOCK / row_bytes) block_rows = BLOCK / row_bytes;
  if (block_rows == 0) block_rows = 1;
  LS_TRY(make(name, &info, block_rows, &sums));
  sums->next = file->sums;
  file->sums = sums;
out:
  return st;
}

void ls__h5_sums_add(ls__h5 *file, const char *name, size_t first, size_t rows, ls__dtype type,
                     const void *data) {
  ls__h5_sums *s = find(file, name);
  const unsigned char *bytes = data;
  if (s == NULL) return;
  LS_ASSERT(first == s->written && s->row_bytes == s->row_numbers * ls__dtype_size(type));
  while (rows > 0) {
    const size_t block = s->written / s->block_rows;
    const size_t end = block + 1 < s->n_blocks ? (block + 1) * s->block_rows : s->rows;
    const size_t some = rows < end - s->written ? rows : end - s->written;
    ls__checksum_add(&s->running, bytes, some * s->row_bytes);
    bytes += some * s->row_bytes;
    rows -= some;
    s->written += some;
    if (s->written < end) continue;
    s->sum[block] = ls__checksum_value(&s->running);
    memset(&s->running, 0, sizeof s->running);
  }
}

static ls_status write_sums(ls__h5 *file, const ls__h5_sums *s) {
  ls_status st = LS_OK;
  char why[LS__H5_REASON];
  ls__h5_set *set = NULL;
  uint64_t *all = NULL;
  hsize_t n = HEAD + s->n_blocks;
  hid_t id = H5I_INVALID_HID, space = H5Screate_simple(1, &n, NULL);
  LS_TRY(ls__h5_set_find(file, s->name, &set));
  LS_TRY(ls__alloc(&all, HEAD + s->n_blocks, sizeof *all, s->name));
  all[0] = s->block_rows;
  LS_TRY(sum_of_what(set->id, &set->info, s->block_rows, &all[1]));
  memcpy(all + HEAD, s->sum, s->n_blocks * sizeof *all);
  if (space >= 0)
    id = H5Acreate2(set->id, attribute, H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0 || H5Awrite(id, H5T_NATIVE_UINT64, all) < 0)
    LS_FAIL(LS_EIO, "%s: %s: attribute %s cannot be written: %s", file->path, s->name, attribute,
            ls__h5_reason(why));
  LS_TRY(ls__h5_written(file));
out:
  if (id >= 0) H5Aclose(id);
  if (space >= 0) H5Sclose(space);
  ls__free(all);
  return st;
}

ls_status ls__h5_sums_write(ls__h5 *file) {
  ls_status st = LS_OK;
  for (const ls__h5_sums *s = file->sums; s != NULL; s = s->next)
    if (s->written == s->rows) LS_TRY(write_sums(file, s));
out:
  return st;
}

/* ---- Reading ---- */

static ls_status unfit(const ls__h5 *file, const char *name, const char *what) {
  return ls__fail(LS_EDATA,
                  "%s: %s: %s not fit the checksum: damaged, or changed by another program (if "
                  "that was meant, delete the dataset's attribute %s)",
                  file->path, name, what, attribute);
}

/* Of a dataset that has the attribute, as `id`. */
static ls_status load(ls__h5 *file, const ls__h5_set *set, hid_t id, ls__h5_sums **out) {
  ls_status st = LS_OK;
  const ls__h5_info *info = &set->info;
  uint64_t *all = NULL, what = 0;
  hid_t space = H5Aget_space(id);
  ls__h5_sums *s = NULL;
  const hssize_t n = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  if (n < HEAD || n > INT32_MAX || !info->numeric || info->shape.ndim == 0 ||
      ls_shape_count(&info->shape) == 0) {
    st = unfit(file, set->name, "the number of checksums does");
    goto out;
  }
  LS_TRY(ls__alloc(&all, (size_t)n, sizeof *all, attribute));
  if (H5Aread(id, H5T_NATIVE_UINT64, all) < 0) {
    st = ls__fail_context(ls__h5_why("cannot be read"), "%s: %s: attribute %s", file->path,
                          set->name, attribute);
    goto out;
  }
  st = sum_of_what(set->id, info, (size_t)all[0], &what);
  if (st != LS_OK) st = ls__fail_context(st, "%s: %s", file->path, set->name);
  if (st == LS_OK && what != all[1])
    st = unfit(file, set->name, "its type, its shape or an attribute does");
  if (st != LS_OK) goto out;
  if (all[0] == 0 || all[0] > info->shape.dim[0]) { /* no file of ours */
    st = unfit(file, set->name, "the number of checksums does");
    goto out;
  }
  LS_TRY(make(set->name, info, (size_t)all[0], &s));
  if (s->n_blocks != (size_t)n - HEAD) {
    st = unfit(file, set->name, "the number of checksums does");
    goto out;
  }
  memcpy(s->sum, all + HEAD, s->n_blocks * sizeof *all);
  *out = s;
  s = NULL;
out:
  if (space >= 0) H5Sclose(space);
  ls__free(all);
  destroy(s);
  return st;
}

ls_status ls__h5_sums_open(ls__h5 *file, ls__h5_set *set) {
  ls_status st = LS_OK;
  if (file->temporary != NULL) return LS_OK; /* it is being written */
  set->sums = find(file, set->name);
  if (set->sums != NULL) {
    set->info.block_rows = set->sums->block_rows;
    return LS_OK;
  }
  const htri_t there = H5Aexists(set->id, attribute);
  if (there == 0) return LS_OK;
  hid_t id = there < 0 ? H5I_INVALID_HID : H5Aopen(set->id, attribute, H5P_DEFAULT);
  ls__h5_sums *sums = NULL;
  if (id < 0) {
    st = ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: %s", file->path, set->name);
    goto out;
  }
  LS_TRY(load(file, set, id, &sums));
  sums->next = file->sums;
  file->sums = sums;
  set->sums = sums;
  set->info.block_rows = sums->block_rows;
out:
  if (id >= 0) H5Aclose(id);
  return st;
}

bool ls__h5_sums_are_plain(const ls__h5_set *set, hid_t made, const hsize_t *chunk) {
  const ls_shape *shape = &set->info.shape;
  if (set->sums == NULL || H5Pget_nfilters(made) != 0) return false;
  for (int i = 1; i < shape->ndim; i++)
    if (chunk[i] != shape->dim[i]) return false;
  return true;
}

bool ls__h5_sums_attribute(const char *name) {
  return strcmp(name, attribute) == 0;
}

/* Whole blocks, n rows from row `first` on, and compare them. */
static ls_status load_blocks(ls__h5 *file, const ls__h5_set *set, size_t first, size_t n,
                             unsigned char *to) {
  ls_status st = LS_OK;
  const ls__h5_sums *s = set->sums;
  char what[80];
  LS_TRY(ls__h5_read_stored(file, set, first, n, to));
  for (const size_t end = first + n; first < end; first += s->block_rows) {
    const size_t rows = end - first < s->block_rows ? end - first : s->block_rows;
    const uint64_t sum = ls__checksum_of(to, rows * s->row_bytes);
    to += rows * s->row_bytes;
    if (sum == s->sum[first / s->block_rows]) continue;
    LS_TRY(ls__h5_still_whole(file));
    snprintf(what, sizeof what, "rows %zu to %zu (counted from 0) do", first, first + rows - 1);
    st = unfit(file, set->name, what);
    break;
  }
out:
  return st;
}

/* Numbers as they are stored to another type. */
static ls_status convert(const ls__h5 *file, const ls__h5_set *set, const unsigned char *from,
                         size_t n, ls__dtype type, unsigned char *to) {
  enum { SOME = 4096 };
  ls_status st = LS_OK;
  double room[SOME]; /* the widest type of ours */
  const size_t before = ls__dtype_size(set->info.type), after = ls__dtype_size(type);
  ls__h5_transfer transfer;
  LS_TRY(ls__h5_transfer_begin(file, set, type, &transfer));
  for (size_t i = 0; i < n; i += SOME) {
    const size_t some = n - i < SOME ? n - i : SOME;
    memcpy(room, from + i * before, some * before);
    if (H5Tconvert(ls__h5_stored(set->info.type), ls__h5_native(type), some, room, NULL,
                   transfer.id) < 0) {
      st = ls__h5_transfer_failed(file, set, type, &transfer);
      break;
    }
    memcpy(to + i * after, room, some * after);
  }
  ls__h5_transfer_end(&transfer);
out:
  return st;
}

/* Rows from the one on that is in the set's buffer. */
static size_t held(const ls__h5_set *set, size_t row) {
  return row >= set->block_at && row - set->block_at < set->block_n
             ? set->block_at + set->block_n - row
             : 0;
}

/* The blocks of rows [first, end) to the set's buffer, as many as it holds. */
static ls_status hold(ls__h5 *file, ls__h5_set *set, size_t first, size_t end) {
  ls_status st = LS_OK;
  const ls__h5_sums *s = set->sums;
  const size_t at = first / s->block_rows * s->block_rows;
  const size_t blocks = (end - at + s->block_rows - 1) / s->block_rows;
  size_t n = blocks < s->at_once ? blocks * s->block_rows : s->at_once * s->block_rows;
  if (n > s->rows - at) n = s->rows - at;
  if (set->block == NULL)
    LS_TRY(ls__alloc(&set->block, s->at_once * s->block_rows, s->row_bytes, set->name));
  set->block_n = 0;
  LS_TRY(load_blocks(file, set, at, n, set->block));
  set->block_at = at;
  set->block_n = n;
out:
  return st;
}

ls_status ls__h5_sums_read(ls__h5 *file, ls__h5_set *set, size_t first, size_t rows, ls__dtype type,
                           void *out) {
  ls_status st = LS_OK;
  const ls__h5_sums *s = set->sums;
  const size_t wanted = s->row_numbers * ls__dtype_size(type), most = s->at_once * s->block_rows;
  const bool same = H5Tequal(ls__h5_stored(set->info.type), ls__h5_native(type)) > 0;
  unsigned char *to = out;
  while (rows > 0) {
    size_t some = held(set, first);
    if (some == 0 && same && first % s->block_rows == 0) { /* straight to where they are wanted */
      some = rows < most ? rows : most;
      if (first + some < s->rows) some -= some % s->block_rows;
      if (some > 0) LS_TRY(load_blocks(file, set, first, some, to));
    } else if (some > 0) {
      if (some > rows) some = rows;
      const unsigned char *from = set->block + (first - set->block_at) * s->row_bytes;
      if (same)
        memcpy(to, from, some * s->row_bytes);
      else
        LS_TRY(convert(file, set, from, some * s->row_numbers, type, to));
    }
    if (some == 0) LS_TRY(hold(file, set, first, first + rows));
    to += some * wanted;
    first += some;
    rows -= some;
  }
out:
  return st;
}

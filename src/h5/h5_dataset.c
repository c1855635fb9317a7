/* Datasets: what they are, reading and writing rows, types converted on the way. */
#include <string.h>

#include "base/alloc.h"
#include "base/stop.h"
#include "h5/h5_inside.h"

size_t ls__dtype_size(ls__dtype type) {
  static const size_t size[] = {1, 4, 8, 4, 8};
  return size[type];
}

hid_t ls__h5_native(ls__dtype type) {
  switch (type) {
    case LS__U8: return H5T_NATIVE_UINT8;
    case LS__I32: return H5T_NATIVE_INT32;
    case LS__I64: return H5T_NATIVE_INT64;
    case LS__F32: return H5T_NATIVE_FLOAT;
    case LS__F64: return H5T_NATIVE_DOUBLE;
  }
  return H5I_INVALID_HID;
}

/* In the file: little-endian, whatever the machine. */
hid_t ls__h5_stored(ls__dtype type) {
  switch (type) {
    case LS__U8: return H5T_STD_U8LE;
    case LS__I32: return H5T_STD_I32LE;
    case LS__I64: return H5T_STD_I64LE;
    case LS__F32: return H5T_IEEE_F32LE;
    case LS__F64: return H5T_IEEE_F64LE;
  }
  return H5I_INVALID_HID;
}

/* ---- What a dataset is ---- */

static void describe_type(hid_t type, ls__h5_info *info) {
  H5T_class_t kind = H5Tget_class(type);
  size_t size = H5Tget_size(type);
  const char *name = "unknown";
  info->numeric = false;
  switch (kind) {
    case H5T_INTEGER:
    case H5T_ENUM: { /* h5py stores booleans as an enumeration */
      bool is_signed = true;
      hid_t base = kind == H5T_ENUM ? H5Tget_super(type) : H5Tcopy(type);
      if (base >= 0) {
        is_signed = H5Tget_sign(base) != H5T_SGN_NONE;
        H5Tclose(base);
      }
      info->numeric = size > 0 && size <= 8;
      info->integer = true;
      info->type = size == 1 && !is_signed                ? LS__U8
                   : size < 4 || (size == 4 && is_signed) ? LS__I32
                                                          : LS__I64;
      snprintf(info->type_name, sizeof info->type_name, "%s%s%u", kind == H5T_ENUM ? "enum " : "",
               is_signed ? "int" : "uint", (unsigned)(8 * size));
      return;
    }
    case H5T_FLOAT:
      info->numeric = true;
      info->type = size <= 4 ? LS__F32 : LS__F64;
      snprintf(info->type_name, sizeof info->type_name, "float%u", (unsigned)(8 * size));
      return;
    case H5T_STRING:
      name = "string";
      info->text = true;
      break;
    case H5T_COMPOUND: name = "compound"; break;
    case H5T_BITFIELD: name = "bitfield"; break;
    case H5T_OPAQUE: name = "opaque"; break;
    case H5T_REFERENCE: name = "reference"; break;
    case H5T_VLEN: name = "variable-length"; break;
    case H5T_ARRAY: name = "array"; break;
    case H5T_TIME: name = "time"; break;
    case H5T_NO_CLASS:
    case H5T_NCLASSES: break;
  }
  snprintf(info->type_name, sizeof info->type_name, "%s", name);
}

static ls_status describe_shape(const ls__h5 *file, const char *name, hid_t space,
                                ls_shape *shape) {
  hsize_t dim[H5S_MAX_RANK];
  H5S_class_t kind = H5Sget_simple_extent_type(space);
  if (kind == H5S_NULL) return ls__fail(LS_EDATA, "%s: %s: an empty dataset", file->path, name);
  int n = kind == H5S_SCALAR ? 0 : H5Sget_simple_extent_dims(space, dim, NULL);
  if (n < 0 || n > LS_MAX_DIMS)
    return ls__fail(LS_EDATA, "%s: %s: damaged HDF5 file: no shape", file->path, name);
  shape->ndim = n;
  size_t count = 1;
  for (int i = 0; i < n; i++) {
    shape->dim[i] = (size_t)dim[i];
    if (dim[i] != 0 && count > SIZE_MAX / 16 / dim[i])
      return ls__fail(LS_EDATA, "%s: %s: too large for this machine", file->path, name);
    if (dim[i] != 0) count *= (size_t)dim[i];
  }
  return LS_OK;
}

/* Bytes of all chunks that hold a piece of one row: with a cache of this size, reading row after
 * row decompresses each chunk once. */
static size_t chunk_row_bytes(const ls__h5_info *info, const hsize_t *chunk, size_t size) {
  double bytes = (double)size * (double)chunk[0];
  for (int i = 1; i < info->shape.ndim; i++) {
    size_t c = (size_t)chunk[i];
    bytes *= (double)((info->shape.dim[i] + c - 1) / c) * (double)c;
  }
  return bytes < 1e18 ? (size_t)bytes : SIZE_MAX / 4;
}

/* HDF5's last call failed, of this dataset. */
static ls_status damaged(const ls__h5 *file, const char *name) {
  return ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: %s", file->path, name);
}

/* The name of the dataset in "TABLE//FIELD". */
static char *table_of(const char *name) {
  char *table = ls__strdup(name), *end = table == NULL ? NULL : strstr(table, "//");
  if (end != NULL) *end = '\0';
  return table;
}

/* The field's type, of the table's; a message names those that there are. */
static ls_status open_field(const ls__h5 *file, const ls__h5_set *set, hid_t *type) {
  char names[300] = "";
  const int n = H5Tget_class(*type) == H5T_COMPOUND ? H5Tget_nmembers(*type) : 0;
  if (n <= 0)
    return ls__fail(LS_EDATA, "%s: %s: is no table of columns (compound), it has no field",
                    file->path, set->name);
  const int at = H5Tget_member_index(*type, set->field);
  if (at >= 0) {
    hid_t member = H5Tget_member_type(*type, (unsigned)at);
    if (member < 0) return damaged(file, set->name);
    H5Tclose(*type);
    *type = member;
    return LS_OK;
  }
  for (int i = 0; i < n; i++) {
    char *name = H5Tget_member_name(*type, (unsigned)i);
    const size_t used = strlen(names);
    if (name != NULL)
      snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", name);
    H5free_memory(name);
  }
  return ls__fail(LS_EDATA, "%s: %s: the table has no such field; there is: %s", file->path,
                  set->name, names);
}

enum { DEFAULT_CACHE = 1 << 20, LARGEST_CACHE = 1 << 28 };

/* Open it anew, with a chunk cache of so many bytes. */
static ls_status set_cache(const ls__h5 *file, ls__h5_set *set, size_t bytes) {
  enum { SLOTS = 12421 /* a prime */ };
  ls_status st = LS_OK;
  char *name = set->field != NULL ? table_of(set->name) : set->name;
  if (name == NULL) return ls__fail(LS_ENOMEM, "%s: out of memory", file->path);
  hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
  H5Pset_chunk_cache(access, bytes == 0 ? 0 : SLOTS, bytes, 1.0);
  H5Dclose(set->id);
  set->id = H5Dopen2(file->id, name, access);
  set->cache = bytes;
  if (set->id < 0) st = damaged(file, set->name);
  if (name != set->name) ls__free(name);
  if (access >= 0) H5Pclose(access);
  return st;
}

ls_status ls__h5_set_expect(const ls__h5 *file, ls__h5_set *set, const ls__h5_box *box) {
  ls_status st = LS_OK;
  const ls_shape *shape = &set->info.shape;
  hsize_t chunk[H5S_MAX_RANK];
  hid_t made = H5I_INVALID_HID, type = H5I_INVALID_HID;
  if (set->info.chunk_rows == 0 || set->cache >= LARGEST_CACHE) return LS_OK;
  made = H5Dget_create_plist(set->id);
  type = H5Dget_type(set->id);
  if (made < 0 || type < 0 || H5Pget_chunk(made, H5S_MAX_RANK, chunk) != shape->ndim) {
    st = damaged(file, set->name);
    goto out;
  }
  double need = (double)H5Tget_size(type);
  for (int i = 0; i < shape->ndim; i++) {
    const size_t c = (size_t)chunk[i], end = box->start[i] + (box->count[i] - 1) * box->step[i];
    need *= (double)c * (double)(end / c - box->start[i] / c + 1);
  }
  need += need / 2;
  if (need > (double)set->cache)
    st = set_cache(file, set, need > LARGEST_CACHE ? LARGEST_CACHE : (size_t)need);
out:
  if (made >= 0) H5Pclose(made);
  if (type >= 0) H5Tclose(type);
  return st;
}

static ls_status open_set(ls__h5 *file, const char *name, ls__h5_set *set) {
  ls_status st = LS_OK;
  bool there = false;
  hid_t type = H5I_INVALID_HID, space = H5I_INVALID_HID, made = H5I_INVALID_HID;
  ls__h5_info *info = &set->info;
  char *table = NULL;
  if (strstr(name, "//") != NULL) { /* a field, where what stands before it is a dataset */
    table = table_of(name);
    if (table == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", file->path);
    if (table[0] != '\0') LS_TRY(ls__h5_present(file, table, &there));
    hid_t group = there ? H5Gopen2(file->id, table, H5P_DEFAULT) : H5I_INVALID_HID;
    if (group >= 0) H5Gclose(group);
    if (there && group < 0) {
      set->field = strstr(set->name, "//") + 2;
      name = table;
    }
  }
  LS_TRY(ls__h5_present(file, name, &there));
  if (!there) {
    st = ls__h5_missing(file, name);
    goto out;
  }
  set->id = H5Dopen2(file->id, name, H5P_DEFAULT);
  if (set->id < 0) {
    st = damaged(file, name);
    hid_t group = H5Gopen2(file->id, name, H5P_DEFAULT);
    if (group >= 0) {
      H5Gclose(group);
      LS_FAIL(LS_EDATA, "%s: %s: a group, not a dataset", file->path, name);
    }
    goto out;
  }
  type = H5Dget_type(set->id);
  space = H5Dget_space(set->id);
  made = H5Dget_create_plist(set->id);
  if (type < 0 || space < 0 || made < 0 ||
      !ls__h5_filter_missing(made, info->filter, sizeof info->filter)) {
    st = damaged(file, name);
    goto out;
  }
  const size_t size = H5Tget_size(type);
  if (set->field != NULL) LS_TRY(open_field(file, set, &type));
  describe_type(type, info);
  LS_TRY(describe_shape(file, name, space, &info->shape));
  info->stored_bytes = H5Dget_storage_size(set->id);
  LS_TRY(ls__h5_sums_open(file, set));

  hsize_t chunk[H5S_MAX_RANK];
  if (H5Pget_layout(made) == H5D_CHUNKED && H5Pget_chunk(made, H5S_MAX_RANK, chunk) >= 1) {
    info->chunk_rows = (size_t)chunk[0];
    size_t need = chunk_row_bytes(info, chunk, size);
    need += need / 2;
    if (need > LARGEST_CACHE) need = LARGEST_CACHE;
    set->cache = DEFAULT_CACHE;
    const bool plain = ls__h5_sums_are_plain(set, made, chunk);
    if (plain || need > DEFAULT_CACHE) LS_TRY(set_cache(file, set, plain ? 0 : need));
  }
out:
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (made >= 0) H5Pclose(made);
  ls__free(table);
  return st;
}

static void set_destroy(ls__h5_set *set) {
  if (set == NULL) return;
  if (set->id >= 0) H5Dclose(set->id);
  ls__h5_gaps_destroy(set->gaps);
  ls__free(set->block);
  ls__free(set->name);
  ls__free(set);
}

void ls__h5_set_close_all(ls__h5 *file) {
  while (file->sets != NULL) {
    ls__h5_set *next = file->sets->next;
    set_destroy(file->sets);
    file->sets = next;
  }
}

ls_status ls__h5_set_find(ls__h5 *file, const char *name, ls__h5_set **out) {
  enum { MOST_OPEN = 32 };
  ls_status st = LS_OK;
  ls__h5_set *set = NULL;
  int n = 0;
  for (ls__h5_set **at = &file->sets; *at != NULL; at = &(*at)->next, n++) {
    if (strcmp((*at)->name, name) == 0) { /* to the front */
      set = *at;
      *at = set->next;
      set->next = file->sets;
      file->sets = set;
      *out = set;
      return LS_OK;
    }
    if (n == MOST_OPEN - 1) { /* make room: the last one goes */
      set_destroy((*at)->next);
      (*at)->next = NULL;
    }
  }
  LS_TRY(ls__alloc(&set, 1, sizeof *set, name));
  set->id = H5I_INVALID_HID;
  set->name = ls__strdup(name);
  if (set->name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", file->path);
  LS_TRY(open_set(file, name, set));
  set->next = file->sets;
  file->sets = set;
  *out = set;
  set = NULL;
out:
  set_destroy(set);
  return st;
}

ls_status ls__h5_info_get(ls__h5 *file, const char *name, ls__h5_info *info) {
  ls__h5_set *set = NULL;
  ls__h5_enter(file);
  ls_status st = ls__h5_set_find(file, name, &set);
  if (st == LS_OK) *info = set->info;
  ls__h5_leave();
  return st;
}

/* ---- Reading ---- */

/* HDF5 would clip numbers that don't fit into the wanted integer; this makes them an error. */
static H5T_conv_ret_t refuse(H5T_conv_except_t what, hid_t from, hid_t to, void *x, void *y,
                             void *context) {
  (void)from, (void)to, (void)x, (void)y;
  if (what == H5T_CONV_EXCEPT_PRECISION) return H5T_CONV_UNHANDLED;
  *(bool *)context = true;
  return H5T_CONV_ABORT;
}

static bool is_integer(ls__dtype type) {
  return type == LS__U8 || type == LS__I32 || type == LS__I64;
}

ls_status ls__h5_transfer_begin(const ls__h5 *file, const ls__h5_set *set, ls__dtype type,
                                ls__h5_transfer *transfer) {
  char why[LS__H5_REASON];
  *transfer = (ls__h5_transfer){H5P_DEFAULT, false};
  if (!is_integer(type) || (set->info.integer && set->info.type == type)) return LS_OK;
  transfer->id = H5Pcreate(H5P_DATASET_XFER);
  if (transfer->id >= 0 && H5Pset_type_conv_cb(transfer->id, refuse, &transfer->refused) >= 0)
    return LS_OK;
  ls__h5_transfer_end(transfer);
  return ls__fail(LS_ENOMEM, "%s: %s: %s", file->path, set->name, ls__h5_reason(why));
}

void ls__h5_transfer_end(ls__h5_transfer *transfer) {
  if (transfer->id != H5P_DEFAULT && transfer->id >= 0) H5Pclose(transfer->id);
}

ls_status ls__h5_transfer_failed(const ls__h5 *file, const ls__h5_set *set, ls__dtype type,
                                 const ls__h5_transfer *transfer) {
  if (transfer->refused)
    return ls__fail(LS_EDATA, "%s: %s: a value is no whole number that fits into %u bytes",
                    file->path, set->name, (unsigned)ls__dtype_size(type));
  return ls__fail_context(ls__h5_why("cannot be read"), "%s: %s", file->path, set->name);
}

/* Whether its values are numbers that this HDF5 can read. */
static ls_status check_readable(const ls__h5 *file, const ls__h5_set *set) {
  if (!set->info.numeric)
    return ls__fail(LS_EDATA, "%s: %s: holds %s values, not numbers", file->path, set->name,
                    set->info.type_name);
  if (set->info.filter[0] != '\0')
    return ls__fail(LS_EDATA,
                    "%s: %s: is compressed by %s, which this HDF5 doesn't have: name the folder of "
                    "its "
                    "plugin in HDF5_PLUGIN_PATH, or rewrite the file where it is there (h5repack "
                    "-f GZIP=4 "
                    "IN OUT)",
                    file->path, set->name, set->info.filter);
  return LS_OK;
}

/* Under the lock; all of the dataset when memory_space is H5S_ALL. */
ls_status ls__h5_read_space(ls__h5 *file, const ls__h5_set *set, hid_t memory_space,
                            hid_t file_space, ls__dtype type, void *out) {
  ls_status st = LS_OK;
  ls__h5_transfer transfer = {H5P_DEFAULT, false};
  LS_TRY(check_readable(file, set));
  LS_TRY(ls__h5_transfer_begin(file, set, type, &transfer));
  hid_t native = ls__h5_native(type);
  if (set->field != NULL) {
    native = H5Tcreate(H5T_COMPOUND, ls__dtype_size(type));
    if (native >= 0) H5Tinsert(native, set->field, 0, ls__h5_native(type));
  }
  const herr_t read = H5Dread(set->id, native, memory_space, file_space, transfer.id, out);
  if (read < 0) st = ls__h5_transfer_failed(file, set, type, &transfer);
  if (set->field != NULL && native >= 0) H5Tclose(native);
  if (read < 0) goto out;
  LS_TRY(ls__h5_still_whole(file));
out:
  ls__h5_transfer_end(&transfer);
  return st;
}

/* The two spaces of a run of rows, in the file and in memory. */
static ls_status row_spaces(const ls__h5 *file, const ls__h5_set *set, size_t first, size_t rows,
                            hid_t *file_space, hid_t *memory_space) {
  const ls_shape *shape = &set->info.shape;
  hsize_t start[LS_MAX_DIMS], count[LS_MAX_DIMS];
  char why[LS__H5_REASON];
  for (int i = 0; i < shape->ndim; i++) {
    start[i] = i == 0 ? first : 0;
    count[i] = i == 0 ? rows : shape->dim[i];
  }
  *memory_space = H5Screate_simple(shape->ndim, count, NULL);
  *file_space = H5Dget_space(set->id);
  if (*memory_space < 0 || *file_space < 0 ||
      H5Sselect_hyperslab(*file_space, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
    return ls__fail(LS_EDATA, "%s: %s: rows %zu to %zu: %s", file->path, set->name, first,
                    first + rows, ls__h5_reason(why));
  return LS_OK;
}

ls_status ls__h5_read_stored(ls__h5 *file, const ls__h5_set *set, size_t first, size_t rows,
                             void *out) {
  ls_status st = LS_OK;
  hid_t from = H5I_INVALID_HID, to = H5I_INVALID_HID;
  LS_TRY(row_spaces(file, set, first, rows, &from, &to));
  if (H5Dread(set->id, ls__h5_stored(set->info.type), to, from, H5P_DEFAULT, out) < 0) {
    st = ls__h5_why("cannot be read");
    if (st == LS_EDATA) st = ls__fail_context(st, "rows %zu to %zu", first, first + rows - 1);
    st = ls__fail_context(st, "%s: %s", file->path, set->name);
  }
out:
  if (from >= 0) H5Sclose(from);
  if (to >= 0) H5Sclose(to);
  return st;
}

/* Under the lock, rows that there are. */
static ls_status read_rows(ls__h5 *file, ls__h5_set *set, size_t first, size_t rows, ls__dtype type,
                           void *out) {
  ls_status st = LS_OK;
  hid_t from = H5I_INVALID_HID, to = H5I_INVALID_HID;
  if (set->sums != NULL) {
    LS_TRY(check_readable(file, set));
    return ls__h5_sums_read(file, set, first, rows, type, out);
  }
  LS_TRY(row_spaces(file, set, first, rows, &from, &to));
  LS_TRY(ls__h5_read_space(file, set, to, from, type, out));
out:
  if (from >= 0) H5Sclose(from);
  if (to >= 0) H5Sclose(to);
  return st;
}

ls_status ls__h5_read_rows(ls__h5 *file, const char *name, size_t first, size_t rows,
                           ls__dtype type, void *out) {
  ls_status st = LS_OK;
  ls__h5_set *set = NULL;
  ls__h5_enter(file);
  LS_TRY(ls__stop_check());
  LS_TRY(ls__h5_set_find(file, name, &set));
  const ls_shape *shape = &set->info.shape;
  if (shape->ndim == 0) LS_FAIL(LS_EDATA, "%s: %s: a single value, no rows", file->path, name);
  if (first > shape->dim[0] || rows > shape->dim[0] - first)
    LS_FAIL(LS_EDATA, "%s: %s: rows %zu to %zu of %zu", file->path, name, first, first + rows,
            shape->dim[0]);
  if (rows > 0) LS_TRY(read_rows(file, set, first, rows, type, out));
out:
  ls__h5_leave();
  return st;
}

ls_status ls__h5_read(ls__h5 *file, const char *name, ls__dtype type, void *out) {
  ls_status st = LS_OK;
  ls__h5_set *set = NULL;
  ls__h5_enter(file);
  LS_TRY(ls__h5_set_find(file, name, &set));
  if (set->sums != NULL)
    LS_TRY(read_rows(file, set, 0, set->info.shape.dim[0], type, out));
  else
    LS_TRY(ls__h5_read_space(file, set, H5S_ALL, H5S_ALL, type, out));
out:
  ls__h5_leave();
  return st;
}

/* ---- Writing ---- */

/* Under the lock.  chunk 0: contiguous. */
static ls_status make_set(ls__h5 *file, const char *name, ls__dtype type, const ls_shape *shape,
                          size_t chunk_rows, int gzip) {
  ls_status st = LS_OK;
  char why[LS__H5_REASON];
  hsize_t dim[LS_MAX_DIMS], chunk[LS_MAX_DIMS];
  hid_t space = H5I_INVALID_HID, id = H5I_INVALID_HID;
  hid_t links = H5Pcreate(H5P_LINK_CREATE), made = H5Pcreate(H5P_DATASET_CREATE);
  LS_ASSERT(gzip == 0 || chunk_rows > 0);
  for (int i = 0; i < shape->ndim; i++) {
    chunk[i] = dim[i] = shape->dim[i];
    if (i == 0 && chunk_rows < dim[0]) chunk[i] = chunk_rows;
  }
  if (links < 0 || made < 0) LS_FAIL(LS_ENOMEM, "%s: %s", file->path, ls__h5_reason(why));
  H5Pset_create_intermediate_group(links, 1);
  H5Pset_obj_track_times(made, false); /* the same bytes at any time */
  if (chunk_rows > 0) {
    H5Pset_chunk(made, shape->ndim, chunk);
    if (gzip > 0) {
      H5Pset_shuffle(made);
      H5Pset_deflate(made, (unsigned)gzip);
    }
  }
  space = shape->ndim == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(shape->ndim, dim, NULL);
  if (space >= 0)
    id = H5Dcreate2(file->id, name, ls__h5_stored(type), space, links, made, H5P_DEFAULT);
  if (id < 0) LS_FAIL(LS_EIO, "%s: %s: cannot be made: %s", file->path, name, ls__h5_reason(why));
out:
  if (id >= 0) H5Dclose(id);
  if (space >= 0) H5Sclose(space);
  if (made >= 0) H5Pclose(made);
  if (links >= 0) H5Pclose(links);
  return st;
}

ls_status ls__h5_dataset(ls__h5 *file, const char *name, ls__dtype type, size_t rows,
                         const ls_shape *row, size_t chunk_rows, int gzip) {
  ls_shape shape;
  LS_ASSERT(rows > 0);
  if (row->ndim + 1 > LS_MAX_DIMS)
    return ls__fail(LS_EDATA, "%s: %s: more than %d dimensions", file->path, name, LS_MAX_DIMS);
  shape.ndim = row->ndim + 1;
  shape.dim[0] = rows;
  memcpy(shape.dim + 1, row->dim, (size_t)row->ndim * sizeof row->dim[0]);
  ls__h5_enter(file);
  ls_status st = make_set(file, name, type, &shape, chunk_rows, gzip);
  if (chunk_rows > 0) LS_THEN(st, ls__h5_sums_begin(file, name, type, &shape, chunk_rows));
  ls__h5_leave();
  return st;
}

/* Under the lock. */
static ls_status write_rows(ls__h5 *file, ls__h5_set *set, size_t first, size_t rows,
                            ls__dtype type, const void *data) {
  ls_status st = LS_OK;
  char why[LS__H5_REASON];
  hid_t into = H5I_INVALID_HID, from = H5I_INVALID_HID;
  LS_TRY(row_spaces(file, set, first, rows, &into, &from));
  if (H5Dwrite(set->id, ls__h5_native(type), from, into, H5P_DEFAULT, data) < 0)
    LS_FAIL(LS_EIO, "%s: %s: cannot be written: %s", file->path, set->name, ls__h5_reason(why));
  ls__h5_sums_add(file, set->name, first, rows, type, data);
  LS_TRY(ls__h5_written(file));
out:
  if (into >= 0) H5Sclose(into);
  if (from >= 0) H5Sclose(from);
  return st;
}

ls_status ls__h5_write_rows(ls__h5 *file, const char *name, size_t first, size_t rows,
                            ls__dtype type, const void *data) {
  ls_status st = LS_OK;
  ls__h5_set *set = NULL;
  ls__h5_enter(file);
  LS_TRY(ls__h5_set_find(file, name, &set));
  LS_ASSERT(set->info.shape.ndim > 0 && first + rows <= set->info.shape.dim[0]);
  if (rows > 0) LS_TRY(write_rows(file, set, first, rows, type, data));
out:
  ls__h5_leave();
  return st;
}

ls_status ls__h5_write(ls__h5 *file, const char *name, ls__dtype type, const ls_shape *shape,
                       const void *data) {
  ls_status st = LS_OK;
  char why[LS__H5_REASON];
  ls__h5_set *set = NULL;
  ls__h5_enter(file);
  LS_TRY(make_set(file, name, type, shape, 0, 0));
  LS_TRY(ls__h5_set_find(file, name, &set));
  if (ls_shape_count(shape) > 0 &&
      H5Dwrite(set->id, ls__h5_native(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    LS_FAIL(LS_EIO, "%s: %s: cannot be written: %s", file->path, name, ls__h5_reason(why));
  LS_TRY(ls__h5_written(file));
out:
  ls__h5_leave();
  return st;
}

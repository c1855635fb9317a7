/* What the values of a dataset stand for, as its attributes and properties say: numbers that mean
 * "missing" (netCDF's and HDF5's), packed numbers (CF), and what filter is not there. */
#include <math.h>
#include <string.h>

#include "h5/h5_inside.h"

/* The numbers of an attribute, at most `most`; n 0: there is none, or (m->odd) something else. */
static ls_status numbers(hid_t id, const char *name, size_t most, double *x, size_t *n,
                         ls__h5_meaning *m) {
  ls_status st = LS_OK;
  hid_t at = H5I_INVALID_HID, type = H5I_INVALID_HID, space = H5I_INVALID_HID;
  *n = 0;
  const htri_t there = H5Aexists(id, name);
  if (there == 0) return LS_OK;
  if (there > 0) at = H5Aopen(id, name, H5P_DEFAULT);
  if (at >= 0) type = H5Aget_type(at);
  if (type >= 0) space = H5Aget_space(at);
  const hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  if (count < 0) {
    st = ls__h5_why(LS__H5_DAMAGED);
    goto out;
  }
  const H5T_class_t kind = H5Tget_class(type);
  if ((kind != H5T_FLOAT && kind != H5T_INTEGER) || count == 0 || count > (hssize_t)most)
    m->odd = name;
  else if (H5Aread(at, H5T_NATIVE_DOUBLE, x) < 0)
    st = ls__h5_why(LS__H5_DAMAGED);
  else
    *n = (size_t)count;
out:
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (at >= 0) H5Aclose(at);
  return st == LS_OK ? st : ls__fail_context(st, "attribute %s", name);
}

static void add(const ls__h5_info *info, ls__h5_meaning *m, double x, const char *from) {
  if (!info->integer && info->type == LS__F32) x = (double)(float)x; /* as the values are */
  if (isnan(x)) return; /* such values are noticed without it */
  for (size_t i = 0; i < m->n_missing; i++)
    if (m->missing[i] <= x && m->missing[i] >= x) return;
  if (m->n_missing == LS__H5_MISSING) return;
  m->missing[m->n_missing] = x;
  m->missing_from[m->n_missing++] = from;
}

/* A fill value that somebody chose.  0 is a number like others, and netCDF sets one of bytes that
 * marks nothing. */
static ls_status add_fill(const ls__h5_set *set, ls__h5_meaning *m) {
  ls_status st = LS_OK;
  H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
  double x = 0;
  hid_t type = H5Dget_type(set->id), made = H5Dget_create_plist(set->id);
  const bool byte = type >= 0 && set->info.integer && H5Tget_size(type) == 1;
  if (type < 0 || made < 0 || H5Pfill_value_defined(made, &defined) < 0 ||
      (defined == H5D_FILL_VALUE_USER_DEFINED && !byte &&
       H5Pget_fill_value(made, H5T_NATIVE_DOUBLE, &x) < 0))
    st = ls__h5_why(LS__H5_DAMAGED);
  else if (x < 0 || x > 0)
    add(&set->info, m, x, "HDF5's fill value");
  if (type >= 0) H5Tclose(type);
  if (made >= 0) H5Pclose(made);
  return st;
}

/* Of a dataset of numbers. */
static ls_status read_numbers(const ls__h5_set *set, ls__h5_meaning *m) {
  static const char *const marks[] = {"_FillValue", "missing_value"};
  ls_status st = LS_OK;
  double x[LS__H5_MISSING];
  size_t n;
  for (size_t i = 0; i < 2; i++) {
    LS_TRY(numbers(set->id, marks[i], LS__H5_MISSING, x, &n, m));
    for (size_t k = 0; k < n; k++) add(&set->info, m, x[k], marks[i]);
  }
  LS_TRY(add_fill(set, m));
  LS_TRY(numbers(set->id, "scale_factor", 1, x, &n, m));
  if (n > 0) m->factor = x[0];
  LS_TRY(numbers(set->id, "add_offset", 1, x, &n, m));
  if (n > 0) m->offset = x[0];
  if (!isfinite(m->factor) || (m->factor >= 0 && m->factor <= 0))
    m->odd = "scale_factor", m->factor = 1;
  if (!isfinite(m->offset)) m->odd = "add_offset", m->offset = 0;
  m->packed = m->factor < 1 || m->factor > 1 || m->offset < 0 || m->offset > 0;
out:
  return st;
}

ls_status ls__h5_meaning_get(ls__h5 *file, const char *name, ls__h5_meaning *m) {
  ls_status st = LS_OK;
  ls__h5_set *set = NULL;
  *m = (ls__h5_meaning){.factor = 1};
  ls__h5_enter(file);
  LS_TRY(ls__h5_set_find(file, name, &set));
  const htri_t matlab = H5Aexists(set->id, "MATLAB_class");
  m->matlab = matlab > 0;
  if (matlab < 0) st = ls__h5_why(LS__H5_DAMAGED);
  /* Attributes of a table, and its fill value, say nothing of one column's numbers. */
  if (set->info.numeric && set->field == NULL) LS_THEN(st, read_numbers(set, m));
  if (st != LS_OK) {
    st = ls__fail_context(st, "%s: %s", file->path, name);
    goto out;
  }
  LS_TRY(ls__h5_gaps_find(file, set));
  m->gaps = set->gaps->kind != LS__H5_WHOLE;
  snprintf(m->why, sizeof m->why, "%s", set->gaps->why);
out:
  ls__h5_leave();
  return st;
}

/* ---- Filters ---- */

static const char *known_filter(H5Z_filter_t id) {
  static const struct {
    int id;
    const char *name;
  } known[] = {{H5Z_FILTER_SZIP, "szip"},
               {H5Z_FILTER_DEFLATE, "gzip"},
               {305, "lzo"},
               {307, "bzip2"},
               {32000, "lzf"},
               {32001, "blosc"},
               {32004, "lz4"},
               {32008, "bitshuffle"},
               {32013, "zfp"},
               {32015, "zstd"},
               {32017, "sz"},
               {32022, "bit groom"},
               {32024, "sz3"},
               {32026, "blosc2"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].id == id) return known[i].name;
  return NULL;
}

bool ls__h5_filter_missing(hid_t made, char *text, size_t bytes) {
  const int n = H5Pget_nfilters(made);
  text[0] = '\0';
  for (int i = 0; i < n; i++) {
    unsigned flags = 0, config = 0;
    size_t values = 0;
    char own[32] = "";
    const H5Z_filter_t id = H5Pget_filter2(made, (unsigned)i, &flags, &values, NULL, sizeof own - 1,
                                           own, &config);
    if (id < 0) return false;
    if (H5Zfilter_avail(id) > 0) continue;
    const char *name = known_filter(id);
    for (char *p = own; *p != '\0'; p++)
      if ((unsigned char)*p < 32 || (unsigned char)*p > 126) *p = '?';
    snprintf(text, bytes, "%s (filter %d)",
             name != NULL     ? name
             : own[0] != '\0' ? own
                              : "a filter",
             (int)id);
    return true;
  }
  return n >= 0;
}

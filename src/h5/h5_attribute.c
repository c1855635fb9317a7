/* Attributes: numbers and texts, set and read. */
#include <string.h>

#include "base/alloc.h"
#include "h5/h5_inside.h"

/* A larger size is that of a damaged attribute. */
static const size_t most_bytes = (size_t)1 << 30;

static ls_status present(const ls__h5 *file, const char *object, const char *name, bool *there) {
  const ls_status st = ls__h5_present(file, object, there);
  if (st != LS_OK || !*there) return st;
  const htri_t is = H5Aexists_by_name(file->id, object, name, H5P_DEFAULT);
  *there = is > 0;
  if (is >= 0) return LS_OK;
  return ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: %s", file->path, object);
}

ls_status ls__h5_has_attribute(ls__h5 *file, const char *object, const char *name, bool *there) {
  ls__h5_enter(file);
  const ls_status st = present(file, object, name, there);
  ls__h5_leave();
  return st;
}

/* ---- Setting ---- */

/* Under the lock: replace or make the attribute, with n values (a single one is a scalar). */
static ls_status set(ls__h5 *file, const char *object, const char *name, hid_t stored, hid_t memory,
                     bool single, size_t n, const void *values) {
  ls_status st = LS_OK;
  char why[LS__H5_REASON];
  hid_t id = H5I_INVALID_HID;
  hsize_t dim = n;
  bool there = false;
  hid_t space = single ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &dim, NULL);
  LS_TRY(present(file, object, name, &there));
  if (there) H5Adelete_by_name(file->id, object, name, H5P_DEFAULT);
  if (space >= 0)
    id = H5Acreate_by_name(file->id, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT,
                           H5P_DEFAULT);
  if (id < 0 || (n > 0 && H5Awrite(id, memory, values) < 0))
    LS_FAIL(LS_EIO, "%s: %s: attribute %s cannot be written: %s", file->path, object, name,
            ls__h5_reason(why));
out:
  if (id >= 0) H5Aclose(id);
  if (space >= 0) H5Sclose(space);
  return st;
}

ls_status ls__h5_set_doubles(ls__h5 *file, const char *object, const char *name, const double *x,
                             size_t n) {
  ls__h5_enter(file);
  ls_status st = set(file, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, n == 1, n, x);
  ls__h5_leave();
  return st;
}

ls_status ls__h5_set_integer(ls__h5 *file, const char *object, const char *name, int64_t x) {
  ls__h5_enter(file);
  ls_status st = set(file, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, true, 1, &x);
  ls__h5_leave();
  return st;
}

/* UTF-8 of fixed length, which HDF5's checksums cover.  They don't cover text of variable length,
 * and HDF5 1.10 crashes on a damaged one. */
static ls_status set_texts(ls__h5 *file, const char *object, const char *name,
                           const char *const *text, bool single, size_t n) {
  ls_status st = LS_OK;
  char *block = NULL;
  size_t size = 1;
  ls__h5_enter(file);
  hid_t type = H5Tcopy(H5T_C_S1);
  for (size_t i = 0; i < n; i++)
    if (strlen(text[i]) + 1 > size) size = strlen(text[i]) + 1;
  LS_TRY(ls__alloc(&block, n, size, name));
  for (size_t i = 0; i < n; i++) memcpy(block + i * size, text[i], strlen(text[i]));
  if (type < 0 || H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)
    LS_FAIL(LS_ENOMEM, "%s: %s: attribute %s: out of memory", file->path, object, name);
  LS_TRY(set(file, object, name, type, type, single, n, block));
out:
  if (type >= 0) H5Tclose(type);
  ls__h5_leave();
  ls__free(block);
  return st;
}

ls_status ls__h5_set_string(ls__h5 *file, const char *object, const char *name, const char *text) {
  return set_texts(file, object, name, &text, true, 1);
}

ls_status ls__h5_set_strings(ls__h5 *file, const char *object, const char *name,
                             const char *const *text, size_t n) {
  return set_texts(file, object, name, text, false, n);
}

/* ---- Getting ---- */

typedef struct attribute {
  hid_t id, type, space;
  size_t n;
} attribute;

static void attribute_close(attribute *a) {
  if (a->id >= 0) H5Aclose(a->id);
  if (a->type >= 0) H5Tclose(a->type);
  if (a->space >= 0) H5Sclose(a->space);
}

/* What is wrong with an attribute. */
static ls_status about(ls_status st, const ls__h5 *file, const char *object, const char *name) {
  return ls__fail_context(st, "%s: %s: attribute %s", file->path, object, name);
}

/* It is there. */
static ls_status attribute_take(const ls__h5 *file, const char *object, const char *name,
                                attribute *a) {
  a->id = H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
  if (a->id >= 0) a->type = H5Aget_type(a->id);
  if (a->type >= 0) a->space = H5Aget_space(a->id);
  hssize_t n = a->space >= 0 ? H5Sget_simple_extent_npoints(a->space) : -1;
  if (n < 0) return about(ls__h5_why(LS__H5_DAMAGED), file, object, name);
  a->n = (size_t)n;
  return LS_OK;
}

static ls_status attribute_open(const ls__h5 *file, const char *object, const char *name,
                                attribute *a) {
  ls_status st = LS_OK;
  bool there = false;
  *a = (attribute){H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID, 0};
  LS_TRY(present(file, object, name, &there));
  if (!there) LS_FAIL(LS_EDATA, "%s: %s: no attribute %s", file->path, object, name);
  LS_TRY(attribute_take(file, object, name, a));
  if (a->n > most_bytes / 8)
    LS_FAIL(LS_EDATA, "%s: %s: attribute %s: too large", file->path, object, name);
out:
  return st;
}

static bool is_number(const attribute *a) {
  const H5T_class_t kind = H5Tget_class(a->type);
  return kind == H5T_FLOAT || kind == H5T_INTEGER || kind == H5T_ENUM;
}

static bool is_integer(const attribute *a) {
  const H5T_class_t kind = H5Tget_class(a->type);
  return (kind == H5T_INTEGER || kind == H5T_ENUM) && a->n == 1 && H5Tget_size(a->type) <= 8;
}

ls_status ls__h5_attribute_kind(ls__h5 *file, const char *object, const char *name,
                                ls__h5_kind *kind, size_t *n) {
  ls_status st = LS_OK;
  attribute a = {H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID, 0};
  bool there = false;
  *kind = LS__H5_NONE;
  *n = 0;
  ls__h5_enter(file);
  LS_TRY(present(file, object, name, &there));
  if (!there) goto out;
  LS_TRY(attribute_take(file, object, name, &a));
  *n = a.n;
  *kind = is_integer(&a)                       ? LS__H5_INTEGER
          : is_number(&a)                      ? LS__H5_NUMBERS
          : H5Tget_class(a.type) == H5T_STRING ? LS__H5_TEXTS
                                               : LS__H5_OTHER;
out:
  attribute_close(&a);
  ls__h5_leave();
  return st;
}

ls_status ls__h5_get_doubles(ls__h5 *file, const char *object, const char *name, double **x,
                             size_t *n) {
  ls_status st = LS_OK;
  attribute a;
  double *values = NULL;
  *x = NULL;
  *n = 0;
  ls__h5_enter(file);
  LS_TRY(attribute_open(file, object, name, &a));
  if (!is_number(&a))
    LS_FAIL(LS_EDATA, "%s: %s: attribute %s: not a number", file->path, object, name);
  LS_TRY(ls__alloc(&values, a.n, sizeof *values, name));
  if (a.n > 0 && H5Aread(a.id, H5T_NATIVE_DOUBLE, values) < 0) {
    st = about(ls__h5_why("cannot be read"), file, object, name);
    goto out;
  }
  *x = values;
  *n = a.n;
  values = NULL;
out:
  attribute_close(&a);
  ls__h5_leave();
  ls__free(values);
  return st;
}

ls_status ls__h5_get_integer(ls__h5 *file, const char *object, const char *name, int64_t *x) {
  ls_status st = LS_OK;
  attribute a;
  ls__h5_enter(file);
  LS_TRY(attribute_open(file, object, name, &a));
  if (!is_integer(&a))
    LS_FAIL(LS_EDATA, "%s: %s: attribute %s: not a single whole number", file->path, object, name);
  if (H5Aread(a.id, H5T_NATIVE_INT64, x) < 0)
    st = about(ls__h5_why("cannot be read"), file, object, name);
out:
  attribute_close(&a);
  ls__h5_leave();
  return st;
}

/* Copies of n strings of one length, without their padding. */
static ls_status read_fixed(const attribute *a, size_t size, char **text) {
  ls_status st = LS_OK;
  char *block = NULL;
  if (size > most_bytes || a->n > most_bytes / size) LS_FAIL(LS_EDATA, "too large");
  LS_TRY(ls__alloc(&block, a->n, size, "attribute"));
  if (H5Aread(a->id, a->type, block) < 0) {
    st = ls__h5_why("cannot be read");
    goto out;
  }
  bool spaces = H5Tget_strpad(a->type) == H5T_STR_SPACEPAD;
  for (size_t i = 0; i < a->n; i++) {
    const char *from = block + i * size;
    size_t length = 0;
    while (length < size && from[length] != '\0') length++;
    while (spaces && length > 0 && from[length - 1] == ' ') length--;
    LS_TRY(ls__alloc(&text[i], length + 1, 1, "attribute"));
    memcpy(text[i], from, length);
  }
out:
  ls__free(block);
  return st;
}

static ls_status read_variable(const attribute *a, char **text) {
  ls_status st = LS_OK;
  char **given = NULL;
  hid_t type = H5Tcopy(H5T_C_S1);
  bool read = false;
  LS_TRY(ls__alloc(&given, a->n, sizeof *given, "attribute"));
  if (type < 0 || H5Tset_size(type, H5T_VARIABLE) < 0 ||
      H5Tset_cset(type, H5Tget_cset(a->type)) < 0 || H5Aread(a->id, type, given) < 0) {
    st = ls__h5_why("cannot be read");
    goto out;
  }
  read = true;
  for (size_t i = 0; i < a->n; i++) {
    text[i] = ls__strdup(given[i] != NULL ? given[i] : "");
    if (text[i] == NULL) LS_FAIL(LS_ENOMEM, "out of memory");
  }
out:
  if (read) H5Dvlen_reclaim(type, a->space, H5P_DEFAULT, given);
  if (type >= 0) H5Tclose(type);
  ls__free(given);
  return st;
}

ls_status ls__h5_get_strings(ls__h5 *file, const char *object, const char *name, char ***text,
                             size_t *n) {
  ls_status st = LS_OK;
  attribute a;
  char **list = NULL;
  *text = NULL;
  *n = 0;
  ls__h5_enter(file);
  LS_TRY(attribute_open(file, object, name, &a));
  if (H5Tget_class(a.type) != H5T_STRING)
    LS_FAIL(LS_EDATA, "%s: %s: attribute %s: not text", file->path, object, name);
  LS_TRY(ls__alloc(&list, a.n, sizeof *list, name));
  if (a.n > 0) {
    size_t size = H5Tget_size(a.type);
    st = H5Tis_variable_str(a.type) > 0 ? read_variable(&a, list)
         : size > 0                     ? read_fixed(&a, size, list)
                                        : ls__fail(LS_EDATA, "text of no length");
    if (st != LS_OK) {
      st = about(st, file, object, name);
      goto out;
    }
  }
  *text = list;
  *n = a.n;
  list = NULL;
out:
  if (list != NULL)
    for (size_t i = 0; i < a.n; i++) ls__free(list[i]);
  ls__free(list);
  attribute_close(&a);
  ls__h5_leave();
  return st;
}

ls_status ls__h5_get_string(ls__h5 *file, const char *object, const char *name, char **text) {
  char **list = NULL;
  size_t n = 0;
  *text = NULL;
  ls_status st = ls__h5_get_strings(file, object, name, &list, &n);
  if (st != LS_OK) return st;
  if (n == 1)
    *text = list[0];
  else
    st = ls__fail(LS_EDATA, "%s: %s: attribute %s: not a single text", file->path, object, name);
  for (size_t i = 0; n != 1 && i < n; i++) ls__free(list[i]);
  ls__free(list);
  return st;
}

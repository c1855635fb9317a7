/* Boxes of a dataset: of each dimension every so manieth element, from one on. */
#include <string.h>

#include "base/alloc.h"
#include "base/stop.h"
#include "h5/h5_inside.h"

size_t ls__h5_box_count(const ls__h5_box *box, int ndim) {
  size_t n = 1;
  for (int i = 0; i < ndim; i++) n *= box->count[i];
  return n;
}

/* The box's part of one row of the dataset, elements of `size` bytes. */
static unsigned char *pick(const ls_shape *shape, const ls__h5_box *box, size_t size,
                           const unsigned char *row, unsigned char *to) {
  const int last = shape->ndim - 1;
  size_t at[LS_MAX_DIMS] = {0};
  if (last == 0) {
    memcpy(to, row, size);
    return to + size;
  }
  for (;;) {
    size_t place = 0;
    for (int i = 1; i <= last; i++)
      place = place * shape->dim[i] + box->start[i] + (i < last ? at[i] * box->step[i] : 0);
    const size_t n = box->count[last], step = box->step[last];
    if (step == 1)
      memcpy(to, row + place * size, n * size);
    else
      for (size_t k = 0; k < n; k++) memcpy(to + k * size, row + (place + k * step) * size, size);
    to += n * size;
    int i = last - 1;
    for (; i >= 1 && ++at[i] == box->count[i]; i--) at[i] = 0;
    if (i < 1) return to;
  }
}

/* Rows that are read at once where they are read whole. */
static size_t slab_rows(const ls_shape *shape, size_t size) {
  enum { SLAB = 1 << 20 };
  size_t bytes = size;
  for (int i = 1; i < shape->ndim; i++) bytes *= shape->dim[i];
  return bytes == 0 || bytes > SLAB ? 1 : SLAB / bytes;
}

/* Rows with checksums are read whole, compared, and picked from.  Under the lock. */
static ls_status read_summed(ls__h5 *file, ls__h5_set *set, const ls__h5_box *box, ls__dtype type,
                             unsigned char *to) {
  ls_status st = LS_OK;
  unsigned char *slab = NULL;
  const ls_shape *shape = &set->info.shape;
  const size_t size = ls__dtype_size(type), row = ls_shape_count(shape) / shape->dim[0] * size;
  const size_t end = box->start[0] + (box->count[0] - 1) * box->step[0] + 1;
  const size_t all = end - box->start[0];
  const size_t most = slab_rows(shape, size) < all ? slab_rows(shape, size) : all;
  LS_TRY(ls__alloc(&slab, most, row, "reading"));
  for (size_t first = box->start[0]; first < end;) {
    const size_t n = box->step[0] >= most ? 1 : end - first < most ? end - first : most;
    LS_TRY(ls__h5_sums_read(file, set, first, n, type, slab));
    size_t r = 0;
    for (; r < n; r += box->step[0]) to = pick(shape, box, size, slab + r * row, to);
    first += r;
  }
out:
  ls__free(slab);
  return st;
}

/* Under the lock. */
static ls_status read_box(ls__h5 *file, ls__h5_set *set, const ls__h5_box *box, ls__dtype type,
                          void *out) {
  ls_status st = LS_OK;
  hsize_t start[LS_MAX_DIMS], step[LS_MAX_DIMS], count[LS_MAX_DIMS];
  char why[LS__H5_REASON];
  const int n = set->info.shape.ndim;
  hid_t from = H5I_INVALID_HID, to = H5I_INVALID_HID;
  LS_TRY(ls__h5_set_expect(file, set, box));
  for (int i = 0; i < n; i++) {
    start[i] = box->start[i];
    step[i] = box->step[i];
    count[i] = box->count[i];
  }
  to = H5Screate_simple(n, count, NULL);
  from = H5Dget_space(set->id);
  if (to < 0 || from < 0 || H5Sselect_hyperslab(from, H5S_SELECT_SET, start, step, count, NULL) < 0)
    LS_FAIL(LS_EDATA, "%s: %s: %s", file->path, set->name, ls__h5_reason(why));
  LS_TRY(ls__h5_read_space(file, set, to, from, type, out));
out:
  if (from >= 0) H5Sclose(from);
  if (to >= 0) H5Sclose(to);
  return st;
}

static void check_box(const ls_shape *shape, const ls__h5_box *box) {
  LS_ASSERT(shape->ndim > 0);
  for (int i = 0; i < shape->ndim; i++)
    LS_ASSERT(box->count[i] > 0 && box->step[i] > 0 && box->start[i] < shape->dim[i] &&
              (box->count[i] - 1) * box->step[i] < shape->dim[i] - box->start[i]);
}

ls_status ls__h5_read_box(ls__h5 *file, const char *name, const ls__h5_box *box, ls__dtype type,
                          void *out) {
  ls_status st = LS_OK;
  ls__h5_set *set = NULL;
  ls__h5_enter(file);
  LS_TRY(ls__stop_check());
  LS_TRY(ls__h5_set_find(file, name, &set));
  check_box(&set->info.shape, box);
  if (set->sums != NULL)
    LS_TRY(read_summed(file, set, box, type, out));
  else
    LS_TRY(read_box(file, set, box, type, out));
out:
  ls__h5_leave();
  return st;
}

ls_status ls__h5_gone_box(ls__h5 *file, const char *name, const ls__h5_box *box,
                          unsigned char *gone) {
  ls_status st = LS_OK;
  unsigned char *slab = NULL;
  ls__h5_info info;
  LS_TRY(ls__h5_info_get(file, name, &info));
  check_box(&info.shape, box);
  const size_t row = ls_shape_count(&info.shape) / info.shape.dim[0];
  const size_t end = box->start[0] + (box->count[0] - 1) * box->step[0] + 1;
  const size_t all = end - box->start[0];
  const size_t most = slab_rows(&info.shape, 1) < all ? slab_rows(&info.shape, 1) : all;
  LS_TRY(ls__alloc(&slab, most, row, "reading"));
  for (size_t first = box->start[0]; first < end;) {
    const size_t n = box->step[0] >= most ? 1 : end - first < most ? end - first : most;
    LS_TRY(ls__h5_gone(file, name, first, n, slab));
    size_t r = 0;
    for (; r < n; r += box->step[0]) gone = pick(&info.shape, box, 1, slab + r * row, gone);
    first += r;
  }
out:
  ls__free(slab);
  return st;
}

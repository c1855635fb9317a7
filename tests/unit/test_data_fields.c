/* Files of other programs, by seed: random types, byte orders, fill values, layouts, filters,
 * links, virtual datasets, half written.  What was written is known: each file is read right, or
 * refused with its reason; in none a number that nobody wrote is taken for one.
 * LOCKSTEP_FIELDS=100: so many files. */
#include <hdf5.h>
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"
#include "data/data.h"
#include "make_h5.h"

enum { MOST_ROWS = 60, MOST_COLUMNS = 4 };

typedef struct field {
  hsize_t rows, columns, written, chunk;
  double value[MOST_ROWS][MOST_COLUMNS]; /* what it means, unpacked */
  bool missing[MOST_ROWS][MOST_COLUMNS];
  bool link_is_broken, small; /* values are whole, within a byte */
  char about[300];
} field;

static uint64_t state;
static unsigned below(unsigned n) {
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (unsigned)(state >> 33) % n;
}

static void say(field *f, const char *text) {
  strncat(f->about, " ", sizeof f->about - strlen(f->about) - 1);
  strncat(f->about, text, sizeof f->about - strlen(f->about) - 1);
}

static hid_t type_of(unsigned which, field *f) {
  const hid_t types[] = {H5T_STD_U8LE,   H5T_STD_I8LE,  H5T_STD_I16LE,  H5T_STD_I16BE,
                         H5T_STD_U16BE,  H5T_STD_I32LE, H5T_STD_I32BE,  H5T_STD_U32LE,
                         H5T_STD_I64LE,  H5T_STD_I64BE, H5T_IEEE_F32LE, H5T_IEEE_F32BE,
                         H5T_IEEE_F64LE, H5T_IEEE_F64BE};
  static const char *const name[] = {"u8",  "i8",  "i16",   "i16be", "u16be", "i32", "i32be",
                                     "u32", "i64", "i64be", "f32",   "f32be", "f64", "f64be"};
  say(f, name[which]);
  return types[which];
}

static void put_attribute(hid_t id, const char *name, double x) {
  hid_t space = H5Screate(H5S_SCALAR),
        at = H5Acreate2(id, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Awrite(at, H5T_NATIVE_DOUBLE, &x) >= 0);
  H5Aclose(at);
  H5Sclose(space);
}

/* A dataset of its own in `file`, and what is known of it. */
static void make_plain(hid_t file, const char *name, field *f) {
  static const double fills[] = {0, -99, 77};
  static const char *const layouts[] = {"contiguous", "late", "early",    "compact",
                                        "chunked",    "gzip", "fletcher", "chunked-early"};
  double raw[MOST_ROWS][MOST_COLUMNS];
  const unsigned kind = below(14), layout = below(8), fill = below(4), packing = below(4);
  const bool real = kind >= 10, is_unsigned = kind == 0 || kind == 4 || kind == 7, byte = kind < 2;
  const hid_t type = type_of(kind, f);
  hid_t made = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t dim[2] = {f->rows, f->columns},
                chunk[2] = {1 + below((unsigned)f->rows), 1 + below((unsigned)f->columns)};
  say(f, layouts[layout]);
  if (layout == 1) H5Pset_alloc_time(made, H5D_ALLOC_TIME_LATE);
  if (layout == 2) H5Pset_alloc_time(made, H5D_ALLOC_TIME_EARLY);
  if (layout == 3) H5Pset_layout(made, H5D_COMPACT);
  if (layout > 3) H5Pset_chunk(made, 2, chunk);
  if (layout == 5) H5Pset_shuffle(made), H5Pset_deflate(made, 4);
  if (layout == 6) H5Pset_fletcher32(made);
  if (layout == 7) H5Pset_alloc_time(made, H5D_ALLOC_TIME_EARLY);
  double filler = 0;
  if (fill > 0 && fill < 3 && !(is_unsigned && fills[fill] < 0)) {
    filler = fills[fill];
    H5Pset_fill_value(made, H5T_NATIVE_DOUBLE, &filler);
    say(f, filler < 0 ? "fill=-99" : "fill=77");
  }
  hid_t space = H5Screate_simple(2, dim, NULL);
  hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, made, H5P_DEFAULT);
  assert_true(id >= 0);
  double marker = (double)NAN, factor = 1, offset = 0;
  if (fill == 3) {
    marker = 99;
    put_attribute(id, below(2) ? "_FillValue" : "missing_value", marker);
    say(f, "marker=99");
  }
  if (packing == 0) {
    factor = 0.25, offset = 10;
    put_attribute(id, "scale_factor", factor);
    put_attribute(id, "add_offset", offset);
    say(f, "packed");
  }
  /* Half of the files are written whole; the fill value is then no value of theirs. */
  f->written = below(2) ? f->rows : below((unsigned)f->rows);
  if (f->written < f->rows) say(f, "half-written");
  const bool marks = fill == 3 && below(2), holes = real && below(4) == 0;
  bool any = false;
  for (hsize_t r = 0; r < f->rows; r++)
    for (hsize_t c = 0; c < f->columns; c++) {
      double x = (double)below(is_unsigned ? 60 : 76) - (is_unsigned ? 0 : 16) + (real ? 0.5 : 0);
      bool missing = false;
      if (marks && below(20) == 0) x = marker, missing = true;
      if (holes && below(20) == 0) x = (double)NAN, missing = true;
      raw[r][c] = x;
      any = any || missing;
      f->missing[r][c] = missing;
      f->value[r][c] = x * factor + offset;
    }
  if (f->written > 0) {
    const hsize_t start[2] = {0, 0}, count[2] = {f->written, f->columns},
                  all[2] = {MOST_ROWS, MOST_COLUMNS};
    hid_t memory = H5Screate_simple(2, all, NULL);
    H5Sselect_hyperslab(memory, H5S_SELECT_SET, start, NULL, count, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    assert_true(H5Dwrite(id, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, raw) >= 0);
    H5Sclose(memory);
  }
  /* What was not written: the fill value where there is storage, which nobody can tell from a
   * number unless it was chosen; nothing where there is none. */
  for (hsize_t r = f->written; r < f->rows; r++)
    for (hsize_t c = 0; c < f->columns; c++) {
      const bool stored = layout == 2 || layout == 3 || layout == 7 ||
                          (layout < 2 && f->written > 0) ||
                          (layout > 3 && r / chunk[0] * chunk[0] < f->written);
      f->missing[r][c] = !stored || (filler != 0 && !byte);
      f->value[r][c] = filler * factor + offset;
    }
  H5Dclose(id);
  H5Sclose(space);
  H5Pclose(made);
}

static hid_t create(const char *path) {
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(file >= 0);
  return file;
}

/* Two halves of rows from two files, of which the second may not be there. */
static void make_virtual(hid_t file, const char *part[2], field *f) {
  const bool gone = below(2), floats = below(2);
  const hsize_t half = f->rows / 2, dim[2] = {f->rows, f->columns};
  hid_t made = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dim, NULL);
  say(f, gone ? "virtual, a source is gone" : "virtual");
  for (int p = 0; p < 2; p++) {
    const hsize_t rows = p == 0 ? half : f->rows - half, own[2] = {rows, f->columns},
                  start[2] = {p == 0 ? 0 : half, 0};
    hid_t source = H5Screate_simple(2, own, NULL);
    hid_t to = create(part[p]);
    hid_t id = H5Dcreate2(to, "v", floats ? H5T_IEEE_F32LE : H5T_STD_I32BE, source, H5P_DEFAULT,
                          H5P_DEFAULT, H5P_DEFAULT);
    double raw[MOST_ROWS * MOST_COLUMNS];
    for (hsize_t r = 0; r < rows; r++)
      for (hsize_t c = 0; c < f->columns; c++) {
        raw[r * f->columns + c] = (double)below(50);
        f->value[start[0] + r][c] = raw[r * f->columns + c];
        f->missing[start[0] + r][c] = gone && p == 1;
      }
    assert_true(H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) >= 0);
    H5Dclose(id);
    H5Fclose(to);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, own, NULL);
    assert_true(H5Pset_virtual(made, space, strrchr(part[p], '/') + 1, "v", source) >= 0);
    H5Sclose(source);
    if (gone && p == 1) unlink(part[p]);
  }
  hid_t id = H5Dcreate2(file, "x", floats ? H5T_IEEE_F32LE : H5T_STD_I32BE, space, H5P_DEFAULT,
                        made, H5P_DEFAULT);
  assert_true(id >= 0);
  H5Dclose(id);
  H5Sclose(space);
  H5Pclose(made);
}

/* Raw bytes in another file, which may be gone or too short. */
static void make_external(hid_t file, const char *bytes, field *f) {
  const unsigned how = below(3); /* whole, short, gone */
  const hsize_t dim[2] = {f->rows, f->columns}, all = f->rows * f->columns,
                there = how == 0 ? all : all / 2;
  hid_t made = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dim, NULL);
  say(f, how == 0 ? "external" : how == 1 ? "external, short" : "external, gone");
  H5Pset_external(made, bytes, 0, all * sizeof(float));
  hid_t id = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, made, H5P_DEFAULT);
  assert_true(id >= 0);
  H5Dclose(id);
  H5Sclose(space);
  H5Pclose(made);
  FILE *out = fopen(bytes, "wb");
  for (hsize_t i = 0; i < all; i++) {
    const float x = (float)below(1000) / 8;
    f->value[i / f->columns][i % f->columns] = (double)x;
    f->missing[i / f->columns][i % f->columns] = i >= there || how == 2;
    if (i < there) fwrite(&x, sizeof x, 1, out);
  }
  fclose(out);
  if (how == 2) unlink(bytes);
}

static void make(const char *path, const char *other, const char *part[2], const char *bytes,
                 field *f) {
  memset(f, 0, sizeof *f);
  f->rows = 10 + below(MOST_ROWS - 10);
  f->columns = 1 + below(MOST_COLUMNS);
  hid_t file = create(path);
  const unsigned way = below(10);
  if (way == 0) {
    make_virtual(file, part, f);
  } else if (way == 1) {
    make_external(file, bytes, f);
  } else if (way == 2) {
    hid_t elsewhere = create(other);
    make_plain(elsewhere, "there", f);
    H5Fclose(elsewhere);
    H5Lcreate_external(strrchr(other, '/') + 1, "there", file, "x", H5P_DEFAULT, H5P_DEFAULT);
    f->link_is_broken = below(2);
    if (f->link_is_broken) unlink(other);
    say(f, f->link_is_broken ? "external link, broken" : "external link");
  } else if (way == 3) {
    make_plain(file, "there", f);
    f->link_is_broken = below(2);
    H5Lcreate_soft(f->link_is_broken ? "/gone" : "/there", file, "x", H5P_DEFAULT, H5P_DEFAULT);
    say(f, f->link_is_broken ? "soft link, broken" : "soft link");
  } else {
    make_plain(file, "x", f);
  }
  float y[MOST_ROWS];
  for (hsize_t r = 0; r < f->rows; r++) y[r] = (float)r;
  hid_t space = H5Screate_simple(1, &f->rows, NULL);
  hid_t id = H5Dcreate2(file, "y", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Dwrite(id, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, y) >= 0);
  H5Dclose(id);
  H5Sclose(space);
  H5Fclose(file);
}

#define RIGHT(what)                                                                          \
  do {                                                                                       \
    if (!(what))                                                                             \
      fail_msg("file %u:%s: %s is false (%s)", number, f->about, #what, ls_error_message()); \
  } while (0)

/* mode: error, drop, mean; whether it was read. */
static bool read_as(unsigned number, const field *f, const char *path, const char *mode,
                    bool stream) {
  const bool mean = mode[0] == 'm', drop = mode[0] == 'd';
  ls_config *config = config_of("{file: %s, inputs: /x, targets: /y, missing: %s, memory: %s%s}",
                                path, mode, stream ? "stream" : "node",
                                mean ? ", normalize: {inputs: standard}" : "");
  ls_data *data = NULL;
  ls_status st = ls_data_open(NULL, config, &data);
  if (st == LS_OK) {
    static float x[MOST_ROWS * MOST_COLUMNS], y[MOST_ROWS];
    void *to[LS__MAX_ARRAYS] = {x, y};
    const size_t n = ls_data_count(data, LS_TRAIN);
    const ls__affine *normal = ls__data_normal(data, 0);
    RIGHT(n <= f->rows);
    st = ls__data_rows(data, LS_TRAIN, 0, n, to);
    if (st != LS_OK) goto out; /* streamed: the first that reads it notices */
    size_t k = 0;
    for (hsize_t r = 0; r < f->rows; r++) {
      bool whole = true;
      for (hsize_t c = 0; c < f->columns; c++) whole = whole && !f->missing[r][c];
      if (drop && !whole) continue;
      RIGHT(k < n && y[k] == (float)r);
      for (hsize_t c = 0; c < f->columns; c++) {
        const float got = x[k * f->columns + c];
        RIGHT(!f->missing[r][c] || mean);
        if (!mean) {
          RIGHT(got == (float)f->value[r][c]);
          continue;
        }
        const double want = f->missing[r][c] ? 0
                                             : (f->value[r][c] - (double)normal->mean[c]) *
                                                   (double)normal->rstd[c];
        RIGHT(fabs((double)got - want) < 1e-4);
      }
      k++;
    }
    RIGHT(k == n);
    for (hsize_t c = 0; mean && c < f->columns; c++) { /* the mean is of what is there */
      double sum = 0, count = 0;
      for (hsize_t r = 0; r < f->rows; r++)
        if (!f->missing[r][c]) sum += f->value[r][c], count++;
      if (count > 0) RIGHT(fabs((double)normal->mean[c] - sum / count) < 1e-4);
    }
  }
out:
  ls_data_close(data);
  ls_config_destroy(config);
  return st == LS_OK;
}

static void test_fields(void **context) {
  (void)context;
  const char *wish = getenv("LOCKSTEP_FIELDS");
  const unsigned files = wish != NULL ? (unsigned)atoi(wish) : 60;
  unsigned read = 0, refused = 0, dropped = 0;
  char path[200], other[200], part0[200], part1[200], bytes[200];
  snprintf(path, sizeof path, "%s", temporary("f.h5"));
  snprintf(other, sizeof other, "%s", temporary("other.h5"));
  snprintf(part0, sizeof part0, "%s", temporary("p0.h5"));
  snprintf(part1, sizeof part1, "%s", temporary("p1.h5"));
  snprintf(bytes, sizeof bytes, "%s", temporary("bytes"));
  const char *part[2] = {part0, part1};
  for (unsigned number = 0; number < files; number++) {
    static field made;
    const field *f = &made;
    state = 1000 + number;
    make(path, other, part, bytes, &made);
    bool any = false, all = true;
    for (hsize_t r = 0; r < f->rows; r++) {
      bool bad = false;
      for (hsize_t c = 0; c < f->columns; c++) bad = bad || f->missing[r][c];
      any = any || bad;
      all = all && bad;
    }
    const bool stream = below(2);
    const bool got = read_as(number, f, path, "error", stream);
    if (f->link_is_broken) {
      RIGHT(!got && strstr(ls_error_message(), "is a link to") != NULL);
    } else if (any && !got) {
      static const char *const reasons[] = {"storage",       "missing value",
                                            "not a number",  "source of this virtual",
                                            "external file", "covered"};
      bool reason = false;
      for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        reason = reason || strstr(ls_error_message(), reasons[i]) != NULL;
      RIGHT(reason);
    } else {
      RIGHT(got && !any);
    }
    if (got)
      read++;
    else
      refused++;
    const bool external = strstr(f->about, "external, gone") !=
                          NULL; /* HDF5 itself reads nothing of it */
    if (!f->link_is_broken && !external) {
      const bool left = read_as(number, f, path, "drop", stream);
      RIGHT(left == !all);
      if (left && any) dropped++;
      RIGHT(read_as(number, f, path, "mean", stream));
    }
    unlink(path);
    unlink(other);
    unlink(part0);
    unlink(part1);
    unlink(bytes);
  }
  printf("%u files: %u read, %u refused; of %u the whole rows were taken\n", files, read, refused,
         dropped);
  assert_true(files < 20 || (read > files / 10 && refused > files / 10 && dropped > 0));
  assert_int_equal(ls__alloc_alive(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields)};
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return cmocka_run_group_tests(tests, NULL, NULL);
}

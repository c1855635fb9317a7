/* Datasets of other programs: an HDF5 file is made of the input, with names, shapes, types, chunks,
 * attributes and values as it says, and then opened, read and looked into.  So what is tried is how
 * odd a whole file can be; damaged ones are tests/fault's. */
#include <hdf5.h>
#include <string.h>
#include <unistd.h>

#include <lockstep/convert.h>
#include <lockstep/data.h>

#include "config/config.h"
#include "data/data.h"
#include "fuzz.h"

enum { MOST = 4096, DIMS = 4 };

static const char *const names[] =
    {"x",       "y",       "train",  "validation",   "test", "train/x",
     "train/y", "test/x",  "test/y", "validation/x", "w",    "validation/y",
     "g/h/i",   "train/w", "len",    "train/len"};
enum { NAMES = sizeof names / sizeof *names };

/* ---- The file */

/* A type that the input chooses; the caller closes it. */
static hid_t choose_type(fuzz_bytes *b, bool *text) {
  const hid_t plain[] = {H5T_STD_U8LE,   H5T_STD_I8BE,      H5T_STD_I16LE,  H5T_STD_U32BE,
                         H5T_STD_I64LE,  H5T_STD_U64BE,     H5T_IEEE_F32LE, H5T_IEEE_F64BE,
                         H5T_IEEE_F32BE, H5T_NATIVE_LDOUBLE};
  const size_t n = sizeof plain / sizeof *plain, k = fuzz_below(b, n + 6);
  *text = false;
  if (k < n) return H5Tcopy(plain[k]);
  hid_t type = H5Tcopy(k == n ? H5T_IEEE_F32LE : H5T_C_S1);
  if (k == n) { /* 16 bits, as of some accelerators */
    (void)H5Tset_fields(type, 15, 10, 5, 0, 10);
    (void)H5Tset_size(type, 2);
    (void)H5Tset_ebias(type, 15);
  } else if (k == n + 1 || k == n + 2) {
    *text = true;
    (void)H5Tset_size(type, 1 + fuzz_below(b, 12));
    if (k == n + 2) (void)H5Tset_strpad(type, H5T_STR_SPACEPAD);
  } else if (k == n + 3) { /* h5py's truth */
    H5Tclose(type);
    const signed char no = 0, yes = 1;
    type = H5Tenum_create(H5T_STD_I8LE);
    (void)H5Tenum_insert(type, "FALSE", &no);
    (void)H5Tenum_insert(type, "TRUE", &yes);
  } else if (k == n + 4) {
    H5Tclose(type);
    type = H5Tcreate(H5T_COMPOUND, 8);
    (void)H5Tinsert(type, "r", 0, H5T_IEEE_F32LE);
    (void)H5Tinsert(type, "i", 4, H5T_IEEE_F32LE);
  } else {
    *text = true;
    (void)H5Tset_size(type, H5T_VARIABLE);
  }
  return type;
}

/* n values of a type: raw bytes, or numbers. */
static void fill(fuzz_bytes *b, hid_t type, bool text, size_t n, bool attribute, hid_t id) {
  static double x[MOST];
  static unsigned char raw[MOST * 16];
  static char word[64];
  static char *words[MOST];
  const bool exact = fuzz_byte(b) % 4 == 0;
  hid_t memory = H5T_NATIVE_DOUBLE;
  const void *values = x;
  if (n == 0 || n > MOST) return;
  if (text && H5Tis_variable_str(type) > 0) {
    fuzz_text(b, word, sizeof word);
    for (size_t i = 0; i < n; i++) words[i] = word;
    memory = type;
    values = words;
  } else if (text || exact || H5Tget_class(type) == H5T_COMPOUND ||
             H5Tget_class(type) == H5T_ENUM) {
    const size_t bytes = n * H5Tget_size(type);
    if (bytes > sizeof raw) return;
    for (size_t i = 0; i < bytes; i++) raw[i] = (unsigned char)fuzz_byte(b);
    memory = type;
    values = raw;
  } else {
    for (size_t i = 0; i < n; i++) x[i] = b->left > 0 ? fuzz_number(b) : (double)(i % 3);
  }
  if (attribute)
    (void)H5Awrite(id, memory, values);
  else
    (void)H5Dwrite(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

static void put_attributes(fuzz_bytes *b, hid_t object) {
  static const char *const known[] = {"scale",        "classes",      "columns",       "_FillValue",
                                      "units",        "scale_factor", "missing_value", "add_offset",
                                      "MATLAB_class", "valid_range",  "format",        "checksum"};
  for (size_t k = fuzz_below(b, 4); k > 0; k--) {
    bool text;
    const char *name = known[fuzz_below(b, sizeof known / sizeof *known)];
    const hsize_t n = fuzz_below(b, 6);
    hid_t type = choose_type(b, &text);
    hid_t space = n == 5 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, NULL);
    hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (id >= 0) fill(b, type, text, n == 5 ? 1 : (size_t)n, true, id);
    if (id >= 0) H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
  }
}

static void put_dataset(fuzz_bytes *b, hid_t file, const char *name, size_t rows) {
  hsize_t dim[DIMS] = {0}, chunk[DIMS], most[DIMS];
  bool text;
  size_t count = 1;
  const unsigned how = fuzz_byte(b);
  const int ndim = (int)fuzz_below(b, DIMS + 1);
  for (int d = 0; d < ndim; d++) dim[d] = d == 0 && how & 1U ? rows : fuzz_below(b, 7);
  for (int d = 0; d < ndim; d++) {
    count *= (size_t)dim[d];
    chunk[d] = 1 + fuzz_below(b, 4);
    most[d] = H5S_UNLIMITED;
  }
  hid_t type = choose_type(b, &text), made = H5Pcreate(H5P_DATASET_CREATE),
        links = H5Pcreate(H5P_LINK_CREATE);
  hid_t space = ndim == 0 ? H5Screate(how & 2U ? H5S_SCALAR : H5S_NULL)
                          : H5Screate_simple(ndim, dim, how & 4U ? most : NULL);
  (void)H5Pset_create_intermediate_group(links, 1);
  if (ndim > 0 && how & 4U) (void)H5Pset_chunk(made, ndim, chunk);
  if (ndim > 0 && (how & 12U) == 12U) (void)H5Pset_deflate(made, 1);
  if (how & 16U && !text) {
    const double fill_value = fuzz_number(b);
    (void)H5Pset_fill_value(made, H5T_NATIVE_DOUBLE, &fill_value);
  }
  hid_t id = H5Dcreate2(file, name, type, space, links, made, H5P_DEFAULT);
  if (id >= 0) {
    if ((how & 32U) == 0) fill(b, type, text, ndim == 0 ? how >> 1 & 1U : count, false, id);
    if (how & 64U) put_attributes(b, id);
    H5Dclose(id);
  }
  H5Sclose(space);
  H5Pclose(links);
  H5Pclose(made);
  H5Tclose(type);
}

static void put_link(fuzz_bytes *b, hid_t file) {
  const char *from = names[fuzz_below(b, NAMES)], *to = names[fuzz_below(b, NAMES)];
  switch (fuzz_byte(b) % 4) {
    case 0: (void)H5Lcreate_soft(to, file, from, H5P_DEFAULT, H5P_DEFAULT); break;
    case 1: (void)H5Lcreate_external("none.h5", to, file, from, H5P_DEFAULT, H5P_DEFAULT); break;
    case 2: (void)H5Lcreate_hard(file, to, file, from, H5P_DEFAULT, H5P_DEFAULT); break;
    default: (void)H5Gclose(H5Gcreate2(file, from, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); break;
  }
}

static void make_file(fuzz_bytes *b, const char *path) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  (void)H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  if (fuzz_byte(b) % 2 == 1) (void)H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_LATEST);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  FUZZ_CHECK(file >= 0);
  const size_t n = 1 + fuzz_below(b, 6), rows = 1 + fuzz_below(b, 9);
  for (size_t i = 0; i < n; i++) put_dataset(b, file, names[fuzz_below(b, NAMES)], rows);
  for (size_t i = fuzz_below(b, 8); i > 4; i--) put_link(b, file);
  if (fuzz_byte(b) % 4 == 0) put_attributes(b, file);
  H5Pclose(access);
  FUZZ_CHECK(H5Fclose(file) >= 0);
}

/* ---- Reading it */

static const char *const sections[] = {
    "",
    "normalize: true",
    "inputs: x\ntargets: y",
    "inputs: [x, w]\ntargets: y\nsample_weight: w",
    "inputs: /train/x\ntargets: inputs\nnormalize: {inputs: minmax, per: dataset}",
    "inputs: {a: x, b: w}\ntargets: {c: y}\nlengths: {a: len}",
    "missing: drop\nsplit: {validation: 0.25, test: 0.25}",
    "missing: mean\nnormalize: true",
    "missing: keep\nmemory: stream",
    "layout: channels_first\naugment: [{flip: {horizontal: true}}, {shift: 1}]",
    "limit: 2\nshuffle: false",
    "inputs: g/h/i\ntargets: g/h/i\nmemory: node",
};

static void read_it(const char *path, const char *section, ls__data_purpose purpose) {
  static float room[LS__MAX_ARRAYS][64 * MOST];
  char text[600];
  ls_config *config = NULL;
  ls_data *data = NULL;
  const ls__array *arrays = NULL;
  void *to[LS__MAX_ARRAYS] = {NULL};
  const unsigned may_fail = 1U << LS_ECONFIG | 1U << LS_EDATA | 1U << LS_EIO | 1U << LS_ENOMEM;
  snprintf(text, sizeof text, "file: %s\n%s\n", path, section);
  LS_ASSERT(ls_config_parse(text, "data", &config) == LS_OK);
  ls_status st = ls__data_open_for(NULL, config, purpose, 0, &data);
  fuzz_status(st, may_fail);
  if (st == LS_OK) fuzz_status(st = ls__data_load(data), may_fail);
  fuzz_good += st == LS_OK;
  for (int part = LS_TRAIN; st == LS_OK && part <= LS_TEST; part++) {
    const size_t n = ls__data_arrays(data, &arrays), rows = ls_data_count(data, (ls_split)part);
    for (size_t i = 0; i < n; i++) to[i] = arrays[i].count <= MOST ? room[i] : NULL;
    if (rows > 0) {
      const size_t some = rows < 64 ? rows : 64;
      fuzz_status(ls__data_rows(data, (ls_split)part, 0, some, to), may_fail);
    }
  }
  ls_data_close(data);
  ls_config_destroy(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static FILE *nowhere;
  char path[256];
  fuzz_bytes b = {data, size};
  if (nowhere == NULL) nowhere = fopen("/dev/null", "w");
  (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  const size_t section = fuzz_below(&b, sizeof sections / sizeof *sections);
  const unsigned how = fuzz_byte(&b);
  make_file(&b, fuzz_path("data.h5", path));
  const size_t begin = fuzz_begin();
  read_it(path, sections[section], (ls__data_purpose)(how % 3));
  fuzz_status(ls_inspect(path, how & 4U, nowhere), 1U << LS_EDATA | 1U << LS_EIO);
  (void)unlink(path);
  fuzz_end(begin);
  return 0;
}

/* ---- To begin with: x and y of numbers, in some places, read in all ways */

size_t fuzz_seed(size_t i, uint8_t *to) {
  enum { SECTIONS = sizeof sections / sizeof *sections };
  static const uint8_t places[3][2] = {{0, 1}, {5, 6}, {5, 12}};
  static const uint8_t types[] = {6, 0, 4, 7};
  size_t n = 0;
  if (i >= 3 * SECTIONS) return SIZE_MAX;
  to[n++] = (uint8_t)(i % SECTIONS);
  to[n++] = (uint8_t)(i % 7);
  to[n++] = 1; /* HDF5 1.10 */
  to[n++] = 1; /* two datasets */
  to[n++] = 5; /* of six rows */
  for (size_t k = 0; k < 2; k++) {
    to[n++] = places[i % 3][k];
    to[n++] = k == 0 ? 1 + 64 : 1; /* with that many rows; with attributes */
    to[n++] = k == 0 ? 2 : 1;      /* dimensions */
    if (k == 0) to[n++] = 3;
    for (size_t d = 0; d < 2 - k; d++) to[n++] = 2;
    to[n++] = types[i % 4];
    to[n++] = 1;
    for (size_t e = 0; e < (k == 0 ? 18 : 6); e++) to[n++] = (uint8_t)(8 + (e * 5 + i) % 7);
    if (k == 0) to[n++] = 0;
  }
  return n;
}

const char *fuzz_word(size_t i) {
  static const char *const words[] = {"\xFF\x7F", "\xF0\xFF",         "cat",
                                      "x",        "\x05\x06",         "\x01\x02\x03",
                                      "\x20\x40", "lockstep dataset", NULL};
  return i < sizeof words / sizeof *words ? words[i] : NULL;
}

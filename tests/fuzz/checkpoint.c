/* Checkpoints: one that a network saved, with some things in it removed, renamed, replaced by
 * others of other types and shapes, its configuration rewritten; then loaded.  A damaged file HDF5
 * would meet first, with faults of its own; those are tests/fault's. */
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lockstep/checkpoint.h>

#include "base/alloc.h"
#include "checkpoint/checkpoint.h"
#include "config/config.h"
#include "fuzz.h"

enum { MOST = 512 };

/* ---- The file */

static uint8_t *saved;
static size_t saved_bytes;

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *about, void *to) {
  static char value[1 << 16];
  (void)about;
  hid_t id = H5Aopen(from, name, H5P_DEFAULT), type = H5Aget_type(id), space = H5Aget_space(id);
  hid_t copy = H5Acreate2(*(hid_t *)to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  FUZZ_CHECK(H5Aget_storage_size(id) <= sizeof value && H5Aread(id, type, value) >= 0);
  FUZZ_CHECK(H5Awrite(copy, type, value) >= 0);
  H5Aclose(copy);
  H5Aclose(id);
  H5Sclose(space);
  H5Tclose(type);
  return 0;
}

static herr_t copy_object(hid_t from, const char *name, const H5L_info_t *about, void *to) {
  (void)about;
  return H5Ocopy(from, name, *(hid_t *)to, name, H5P_DEFAULT, H5P_DEFAULT);
}

/* The same checkpoint as another program would make it: what holds the file together as a whole is
 * not copied, so that changes are seen by those who read what was changed. */
static void copy_file(const char *from, const char *to) {
  const int64_t version = 1;
  hid_t in = H5Fopen(from, H5F_ACC_RDONLY, H5P_DEFAULT),
        out = H5Fcreate(to, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  FUZZ_CHECK(H5Literate(in, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_object, &out) >= 0);
  FUZZ_CHECK(H5Aiterate2(in, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &out) >= 0);
  hid_t id = H5Aopen(out, "version", H5P_DEFAULT);
  FUZZ_CHECK(H5Awrite(id, H5T_NATIVE_INT64, &version) >= 0);
  H5Aclose(id);
  FUZZ_CHECK(H5Fclose(in) >= 0 && H5Fclose(out) >= 0);
}

static void save(void) {
  static const char text[] = "model: [{dense: {units: 3, activation: tanh}}, {batch_norm: {}}, "
                             "{dense: {units: 2, name: out}}]\nloss: mse\n";
  const ls_shape x = {1, {4}};
  char path[256], made[256];
  ls_config *config = NULL;
  ls_model *model = NULL;
  LS_ASSERT(ls_config_parse(text, "seed", &config) == LS_OK);
  LS_ASSERT(ls_model_create(config, &x, 1, &model) == LS_OK);
  LS_ASSERT(ls_model_save(model, fuzz_path("made.h5", made)) == LS_OK);
  copy_file(made, fuzz_path("saved.h5", path));
  ls_model_destroy(model);
  ls_config_destroy(config);
  FILE *file = fopen(path, "rb");
  FUZZ_CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  saved_bytes = (size_t)ftell(file);
  rewind(file);
  saved = malloc(saved_bytes);
  FUZZ_CHECK(saved != NULL && fread(saved, 1, saved_bytes, file) == saved_bytes);
  fclose(file);
}

static const char *const objects[] = {"/",
                                      "/parameters",
                                      "/parameters/dense_1/weight",
                                      "/parameters/dense_1/bias",
                                      "/parameters/batch_norm_1",
                                      "/parameters/out/weight",
                                      "/parameters/out/bias",
                                      "/parameters/out",
                                      "/normalization/x_mean",
                                      "/normalization/x_rstd",
                                      "/normalization/y_mean",
                                      "/normalization/y_rstd",
                                      "/optimizer/average/dense_1/weight",
                                      "/epoch_sums",
                                      "/parameters/other/weight",
                                      "/optimizer/m/out/bias"};
static const char *const attributes[] = {"format",   "version", "config",  "input_shape",
                                         "inputs",   "classes", "columns", "rows",
                                         "standing", "step",    "epoch",   "kernels",
                                         "checksum", "seed",    "n_sums",  "data_fingerprint"};
enum {
  OBJECTS = sizeof objects / sizeof *objects,
  ATTRIBUTES = sizeof attributes / sizeof *attributes
};

/* A text, whole numbers or numbers as an attribute. */
static void put_attribute(fuzz_bytes *b, hid_t object, const char *name) {
  static char text[1024];
  double x[8];
  const unsigned how = fuzz_byte(b) % 4;
  const hsize_t n = fuzz_below(b, 9);
  hid_t type = H5Tcopy(how == 0 ? H5T_C_S1 : how == 1 ? H5T_STD_I64LE : H5T_IEEE_F64LE);
  hid_t space = n == 1 || how < 2 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, NULL);
  if (how == 0) {
    fuzz_text(b, text, sizeof text);
    (void)H5Tset_size(type, strlen(text) + 1);
  }
  (void)H5Adelete(object, name);
  hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  for (size_t i = 0; i < 8; i++) x[i] = how == 0 ? 0 : fuzz_number(b);
  if (id >= 0 && (how < 2 || n > 0))
    (void)H5Awrite(id, how == 0 ? type : H5T_NATIVE_DOUBLE, how == 0 ? (void *)text : (void *)x);
  if (id >= 0) H5Aclose(id);
  H5Sclose(space);
  H5Tclose(type);
}

static void put_dataset(fuzz_bytes *b, hid_t file, const char *name) {
  static float x[MOST];
  hsize_t dim[3] = {0};
  const int ndim = (int)fuzz_below(b, 4);
  size_t n = 1;
  for (int d = 0; d < ndim; d++) n *= (size_t)(dim[d] = fuzz_below(b, 6));
  for (size_t i = 0; i < n; i++) x[i] = (float)fuzz_number(b);
  hid_t links = H5Pcreate(H5P_LINK_CREATE),
        space = ndim == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(ndim, dim, NULL);
  (void)H5Pset_create_intermediate_group(links, 1);
  (void)H5Ldelete(file, name, H5P_DEFAULT);
  hid_t id = H5Dcreate2(file, name, fuzz_byte(b) % 4 == 0 ? H5T_STD_I32BE : H5T_IEEE_F32LE, space,
                        links, H5P_DEFAULT, H5P_DEFAULT);
  if (id >= 0) {
    (void)H5Dwrite(id, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    if (fuzz_byte(b) % 4 == 0) put_attribute(b, id, "checksum");
    H5Dclose(id);
  }
  H5Sclose(space);
  H5Pclose(links);
}

static void change(fuzz_bytes *b, hid_t file) {
  const unsigned what = fuzz_byte(b) % 6;
  const char *name = objects[fuzz_below(b, OBJECTS)], *other = objects[fuzz_below(b, OBJECTS)];
  hid_t object = H5I_INVALID_HID;
  if (what < 3) object = H5Oopen(file, name, H5P_DEFAULT);
  switch (what) {
    case 0:
      if (object >= 0) (void)H5Adelete(object, attributes[fuzz_below(b, ATTRIBUTES)]);
      break;
    case 1:
      if (object >= 0) put_attribute(b, object, attributes[fuzz_below(b, ATTRIBUTES)]);
      break;
    case 2: /* of the file, most often */
      if (object >= 0) H5Oclose(object);
      object = H5Oopen(file, "/", H5P_DEFAULT);
      put_attribute(b, object, attributes[fuzz_below(b, ATTRIBUTES)]);
      break;
    case 3: (void)H5Ldelete(file, name, H5P_DEFAULT); break;
    case 4: (void)H5Lmove(file, name, file, other, H5P_DEFAULT, H5P_DEFAULT); break;
    default:
      if (strlen(name) > 1) put_dataset(b, file, name);
      break;
  }
  if (object >= 0) H5Oclose(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[256];
  fuzz_bytes b = {data, size};
  ls_model *model = NULL;
  ls__standing standing;
  double *sums = NULL;
  const unsigned may_fail = 1U << LS_ECHECKPOINT | 1U << LS_ENOMEM;
  if (saved == NULL) save();
  (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  fuzz_write(fuzz_path("changed.h5", path), saved, saved_bytes);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  FUZZ_CHECK(file >= 0);
  for (size_t k = fuzz_below(&b, 6); k > 0; k--) change(&b, file);
  FUZZ_CHECK(H5Fclose(file) >= 0);
  const size_t begin = fuzz_begin();
  ls_status st = ls_model_load(path, &model);
  fuzz_status(st, may_fail);
  if (st == LS_OK && ls_model_inputs(model) == 1 && ls_model_outputs(model) == 1) {
    const ls_shape in = ls_model_input_shape(model), out = ls_model_output_shape(model);
    static float x[MOST], y[MOST];
    if (ls_shape_count(&in) <= MOST && ls_shape_count(&out) <= MOST &&
        ls_model_input(model, 0).type == LS_REAL)
      fuzz_status(ls_model_predict(model, 1, x, y), 1U << LS_ENOMEM);
  }
  fuzz_good += st == LS_OK;
  FUZZ_CHECK((st == LS_OK) == (model != NULL));
  ls_model_destroy(model);
  st = ls__checkpoint_load(path, &model, &standing, &sums);
  fuzz_status(st, may_fail);
  ls_model_destroy(model);
  ls__free(sums);
  (void)unlink(path);
  fuzz_end(begin);
  return 0;
}

/* ---- To begin with */

#define CONFIG "\1\2\0\0\2" /* one change: an attribute of the file, its configuration, a text */

size_t fuzz_seed(size_t i, uint8_t *to) {
  static const char *const configs[] = {"model: [{dense: {units: 3, activation: tanh}}, "
                                        "batch_norm, {dense: {units: 2, name: out}}]\n",
                                        "model: [{dense: {units: 99999}}]\n",
                                        "model: [{lstm: {units: 3}}]\n",
                                        "base: /dev/null\nmodel: [flatten]\n",
                                        "model: [{embedding: {input_dim: 9, output_dim: 3}}, "
                                        "flatten]\n",
                                        "{}\n",
                                        "[]\n"};
  enum { CONFIGS = sizeof configs / sizeof *configs };
  size_t n = 0;
  if (i < CONFIGS) {
    memcpy(to, CONFIG, n = sizeof CONFIG - 1);
    to[n++] = 0;
    to[n++] = 0;
    to[n++] = (uint8_t)strlen(configs[i]);
    to[n++] = (uint8_t)(strlen(configs[i]) >> 8);
    memcpy(to + n, configs[i], strlen(configs[i]));
    return n + strlen(configs[i]);
  }
  i -= CONFIGS;
  if (i-- == 0) { /* an input of more numbers than there can be */
    static const double large = 1e15;
    const uint8_t shape[] = {1, 2, 0, 0, 3, 2, 2};
    memcpy(to, shape, n = sizeof shape);
    for (int k = 0; k < 2; k++) {
      to[n++] = 255;
      memcpy(to + n, &large, sizeof large);
      n += sizeof large;
    }
    return n;
  }
  if (i >= 4 * OBJECTS) return SIZE_MAX;
  static const uint8_t what[] = {1, 3, 4, 5};
  to[n++] = 1;
  to[n++] = what[i % 4];
  to[n++] = (uint8_t)(i / 4);
  to[n++] = (uint8_t)(i / 4 + 1);
  for (uint8_t k = 0; k < 40; k++) to[n++] = (uint8_t)(k % 11 + i % 5);
  return n;
}

const char *fuzz_word(size_t i) {
  static const char *const words[] = {"model: ",
                                      "dense: ",
                                      "units: 3",
                                      "- ",
                                      "{}",
                                      "lockstep checkpoint",
                                      "\xFF\x7F",
                                      "\x05\x02",
                                      "conv2d: {filters: 3, kernel_size: 2}",
                                      "loss: mse",
                                      "outputs: [out]",
                                      "name: out",
                                      NULL};
  return i < sizeof words / sizeof *words ? words[i] : NULL;
}

/* What values mean and what they keep: large offsets, texts as classes, attributes of other
 * programs, netCDF's packed numbers; links, filters and marks that stand in the way. */
#include <hdf5.h>
#include <math.h>

#include "base/alloc.h"
#include "check.h"
#include "data/data.h"
#include "fingerprint.h"
#include "make_h5.h"

enum { N = 300 };

static ls_data *open_data(ls_config *config) {
  ls_data *data = NULL;
  MUST(ls_data_open(NULL, config, &data));
  return data;
}

static void done(ls_data *data, ls_config *config) {
  ls_data_close(data);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void refused(const char *words, ls_config *config) {
  ls_data *data = NULL;
  assert_int_equal(ls_data_open(NULL, config, &data), LS_EDATA);
  if (strstr(ls_error_message(), words) == NULL)
    fail_msg("wanted \"%s\", got \"%s\"", words, ls_error_message());
  done(data, config);
}

/* Values whose differences no float keeps become what those of a small offset become. */
static void test_offsets(void **state) {
  (void)state;
  static const double offsets[] = {1.7e9, 1.7e18, -4e8, 3e12};
  static const double steps[] = {1, 1e9, 1, 0.5};
  const char *path = temporary("offsets.h5");
  for (int c = 0; c < 4; c++)
    for (int whole = 0; whole < 2; whole++)
      for (int m = 0; m < 4; m++) {
        static double x[N], y[N];
        static int64_t w[N];
        static float got[N], target[N];
        void *to[LS__MAX_ARRAYS] = {got, target};
        ls__h5 *file = NULL;
        for (int i = 0; i < N; i++) {
          x[i] = offsets[c] + steps[c] * (i * 7 % N);
          w[i] = (int64_t)x[i];
          y[i] = x[i] + 1;
        }
        MUST(ls__h5_create(path, &file));
        if (whole && steps[c] >= 1)
          put(file, "/x", LS__I64, w, N, 0);
        else
          put(file, "/x", LS__F64, x, N, 0);
        put(file, "/y", LS__F64, y, N, 0);
        MUST(ls__h5_commit(file));
        ls_config *config = config_of("{file: %s, inputs: /x, targets: /y, memory: %s, normalize: "
                                      "{inputs: standard, targets: standard, per: %s}}",
                                      path, m % 2 ? "stream" : "node",
                                      m < 2 ? "feature" : "dataset");
        ls_data *data = open_data(config);
        MUST(ls__data_rows(data, LS_TRAIN, 0, N, to));
        const double deviation = sqrt(((double)N * N - 1) / 12);
        for (int i = 0; i < N; i++) {
          const double want = ((i * 7 % N) - (N - 1) / 2.0) / deviation;
          if (fabs((double)got[i] - want) >= 2e-6)
            fail_msg("offset %g whole %d mode %d row %d: %.9g, not %.9g", offsets[c], whole, m, i,
                     (double)got[i], want);
          assert_true(fabs((double)target[i] - want) < 2e-6);
        }
        /* what a checkpoint keeps gives the same bits to whoever evaluates */
        const ls__affine *normal = ls__data_normal(data, 0);
        assert_non_null(normal->rest);
        ls_data *other = NULL;
        MUST(ls__data_open_for(NULL, config, LS__DATA_EVALUATE, 0, &other));
        MUST(ls__data_set_normal(other, 0, normal));
        MUST(ls__data_set_normal(other, 1, ls__data_normal(data, 1)));
        MUST(ls__data_load(other));
        static float again[N];
        to[0] = again;
        MUST(ls__data_rows(other, LS_ALL, 0, N, to));
        assert_memory_equal(again, got, sizeof got);
        assert_true(fingerprint_of(other) == fingerprint_of(data));
        ls_data_close(other);
        done(data, config);
      }
  unlink(path);
}

/* Values that floats hold well enough stay floats: the same bits as ever. */
static void test_ordinary(void **state) {
  (void)state;
  const char *path = temporary("ordinary.h5");
  static double x[N];
  ls__h5 *file = NULL;
  for (int i = 0; i < N; i++) x[i] = 101325 + 400 * sin(i);
  MUST(ls__h5_create(path, &file));
  put(file, "/x", LS__F64, x, N, 0);
  MUST(ls__h5_commit(file));
  ls_config *config = config_of("{file: %s, inputs: /x, targets: inputs, normalize: true}", path);
  ls_data *data = open_data(config);
  static float got[N];
  void *to[LS__MAX_ARRAYS] = {got};
  const ls__affine *normal = ls__data_normal(data, 0);
  assert_null(normal->rest);
  MUST(ls__data_rows(data, LS_TRAIN, 0, N, to));
  for (int i = 0; i < N; i++)
    assert_true(got[i] == ((float)x[i] - normal->mean[0]) * normal->rstd[0]);
  done(data, config);
  unlink(path);
}

/* ---- Files that our own library doesn't make ---- */

static void make_texts(hid_t file, const char *name, const char *const *text, hsize_t n,
                       size_t size) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL);
  H5Tset_size(type, size == 0 ? H5T_VARIABLE : size);
  H5Tset_cset(type, H5T_CSET_UTF8);
  if (size > 0) H5Tset_strpad(type, H5T_STR_SPACEPAD);
  hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  char block[16 * 32];
  memset(block, ' ', sizeof block);
  for (hsize_t i = 0; i < n && size > 0; i++) memcpy(block + i * size, text[i], strlen(text[i]));
  assert_true(H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                       size == 0 ? (const void *)text : block) >= 0);
  H5Dclose(id);
  H5Sclose(space);
  H5Tclose(type);
}

static hid_t make_numbers(hid_t file, const char *name, hid_t type, const float *x, hsize_t n) {
  hid_t space = H5Screate_simple(1, &n, NULL);
  hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Dwrite(id, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
  H5Sclose(space);
  return id;
}

static void put_attribute(hid_t id, const char *name, hid_t type, const void *x) {
  hid_t space = H5Screate(H5S_SCALAR),
        at = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Awrite(at, type, x) >= 0);
  H5Aclose(at);
  H5Sclose(space);
}

static void test_labels(void **state) {
  (void)state;
  static const char *const text[] = {"zebra", "\xc3\xa4hre", "ape", "zebra", "ape", "Ape"};
  static const float want[] = {2, 3, 1, 2, 1, 0}, x[] = {1, 2, 3, 4, 5, 6};
  static const char *const odd[] = {"a", "b", "a", "\xff", "a", "b"}, *const holed[] = {"a", "",
                                                                                        "a", "b",
                                                                                        "a", "b"};
  const char *path = temporary("labels.h5");
  for (int variable = 0; variable < 2; variable++) {
    const size_t size = variable ? 0 : 12;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(make_numbers(file, "x", H5T_IEEE_F32LE, x, 6));
    make_texts(file, "y", text, 6, size);
    make_texts(file, "odd", odd, 6, size);
    make_texts(file, "holed", holed, 6, size);
    H5Fclose(file);
    for (int m = 0; m < 2; m++) {
      ls_config *config = config_of("{file: %s, memory: %s}", path, m ? "node" : "stream");
      ls_data *data = open_data(config);
      size_t n = 0;
      const char *const *classes = ls_data_classes(data, &n);
      assert_int_equal(n, 4);
      assert_string_equal(classes[0], "Ape");
      assert_string_equal(classes[3], "\xc3\xa4hre");
      float got[6];
      void *to[LS__MAX_ARRAYS] = {NULL, got};
      MUST(ls__data_rows(data, LS_TRAIN, 0, 6, to));
      assert_memory_equal(got, want, sizeof got);
      done(data, config);
    }
    refused("/odd: row 3 (counted from 0): the label is no UTF-8 text",
            config_of("{file: %s, inputs: /x, targets: /odd}", path));
    refused("/holed: row 1 (counted from 0): an empty label",
            config_of("{file: %s, inputs: /x, targets: /holed, memory: node}", path));
    refused("/y: holds string values, not numbers",
            config_of("{file: %s, inputs: /y, targets: /x}", path));
    ls_config *config = config_of("{file: %s, inputs: /x, targets: /holed, missing: drop}", path);
    ls_data *data = open_data(config);
    assert_int_equal(ls_data_count(data, LS_TRAIN), 5);
    done(data, config);
  }
  unlink(path);
}

/* An attribute of ours counts in files of ours; of other programs, what they mean. */
static void test_attributes(void **state) {
  (void)state;
  const char *path = temporary("attributes.h5");
  static const float x[] = {10, 20, 30, 40}, y[] = {0, 1, 2, 1};
  const int classes = 3;
  const double milli = 0.001, factor = 0.5, offset = 7;
  for (int ours = 0; ours < 2; ours++) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t id = make_numbers(file, "x", H5T_STD_U8LE, x, 4);
    put_attribute(id, "scale", H5T_NATIVE_DOUBLE, &milli);
    H5Dclose(id);
    id = make_numbers(file, "packed", H5T_STD_I16BE, x, 4);
    put_attribute(id, "scale_factor", H5T_NATIVE_DOUBLE, &factor);
    put_attribute(id, "add_offset", H5T_NATIVE_DOUBLE, &offset);
    H5Dclose(id);
    id = make_numbers(file, "odd", H5T_STD_I16BE, x, 4);
    put_attribute(id, "scale_factor", H5T_C_S1, "l");
    H5Dclose(id);
    id = make_numbers(file, "y", H5T_STD_I32LE, y, 4);
    if (!ours) put_attribute(id, "classes", H5T_NATIVE_INT, &classes);
    H5Dclose(id);
    if (ours) {
      hid_t text = H5Tcopy(H5T_C_S1);
      H5Tset_size(text, 17);
      put_attribute(file, "format", text, "lockstep dataset");
      H5Tclose(text);
    }
    H5Fclose(file);
    ls_config *config = config_of("{file: %s, inputs: {a: /x, b: /packed, c: /odd}, targets: /y}",
                                  path);
    ls_data *data = open_data(config);
    float a[4], b[4], c[4];
    void *to[LS__MAX_ARRAYS] = {a, b, c};
    MUST(ls__data_rows(data, LS_TRAIN, 0, 4, to));
    for (int i = 0; i < 4; i++) {
      assert_true(fabsf(a[i] - (ours ? x[i] * 1000 : x[i])) < 0.01f);
      assert_true(b[i] == x[i] * 0.5f + 7);
      assert_true(c[i] == x[i]);
    }
    done(data, config);
  }
  unlink(path);
}

/* A filter that nobody has, made up: named, with what to do. */
static size_t no_filter(unsigned flags, size_t n, const unsigned values[], size_t bytes,
                        size_t *room, void **buffer) {
  (void)flags, (void)n, (void)values, (void)room, (void)buffer;
  return bytes;
}

static void test_in_the_way(void **state) {
  (void)state;
  const char *path = temporary("way.h5");
  static const float x[] = {1, 2, 3, 4};
  const H5Z_class2_t lzf = {H5Z_CLASS_T_VERS, 32000, 1, 1, "lzf", NULL, NULL, no_filter};
  const hsize_t four = 4;
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Dclose(make_numbers(file, "y", H5T_IEEE_F32LE, x, 4));
  H5Lcreate_soft("/nowhere", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("raw/run7.h5", "/there", file, "outside", H5P_DEFAULT, H5P_DEFAULT);
  hid_t group = H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("raw/run8.h5", "/", group, "deep", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
  assert_true(H5Zregister(&lzf) >= 0);
  hid_t made = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &four, NULL);
  H5Pset_chunk(made, 1, &four);
  H5Pset_filter(made, 32000, H5Z_FLAG_MANDATORY, 0, NULL);
  hid_t id = H5Dcreate2(file, "lzf", H5T_IEEE_F32LE, space, H5P_DEFAULT, made, H5P_DEFAULT);
  assert_true(H5Dwrite(id, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
  H5Dclose(id);
  H5Sclose(space);
  H5Pclose(made);
  H5Fclose(file);
  H5Zunregister(32000);
  refused("/soft is a link to /nowhere in this file",
          config_of("{file: %s, inputs: /soft, targets: /y}", path));
  refused("/outside is a link to /there in the file raw/run7.h5",
          config_of("{file: %s, inputs: /outside, targets: /y}", path));
  refused("/group/deep is a link to / in the file raw/run8.h5",
          config_of("{file: %s, inputs: /group/deep/x, targets: /y}", path));
  refused("/lzf: is compressed by lzf (filter 32000), which this HDF5 doesn't have",
          config_of("{file: %s, inputs: /lzf, targets: /y}", path));
  unlink(path);
}

/* `mean` needs the means of `normalize`. */
static void test_mean_is_kept(void **state) {
  (void)state;
  ls_data *data = NULL;
  ls_config *config = config_of("{file: none.h5, missing: mean}");
  assert_int_equal(ls_data_open(NULL, config, &data), LS_ECONFIG);
  assert_non_null(strstr(ls_error_message(), "normalize: true"));
  done(data, config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_offsets),    cmocka_unit_test(test_ordinary),
      cmocka_unit_test(test_labels),     cmocka_unit_test(test_attributes),
      cmocka_unit_test(test_in_the_way), cmocka_unit_test(test_mean_is_kept),
  };
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Categories of an input, in the numbers that a network knows; and that a checkpoint keeps their
 * names. */
#include <lockstep/checkpoint.h>

#include "base/alloc.h"
#include "check.h"
#include "data/data.h"
#include "fingerprint.h"
#include "make_h5.h"
#include "model/model.h"

enum { N = 6 };
static const int32_t users[N] = {0, 2, 1, 1, 0, 2};
static const char *const file_names[] = {"ann", "eve", "tom"};

/* A file of ours with users as 4 bytes or 1, and maybe without their names. */
static void make(const char *path, bool bytes, bool named) {
  ls__h5 *file;
  uint8_t small[N];
  float y[N];
  for (int i = 0; i < N; i++) {
    small[i] = (uint8_t)users[i];
    y[i] = (float)i;
  }
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_set_string(file, "/", "format", "lockstep dataset"));
  if (bytes)
    put(file, "/train/user", LS__U8, small, N, 0);
  else
    put(file, "/train/user", LS__I32, users, N, 0);
  put(file, "/train/y", LS__F32, y, N, 0);
  if (named) MUST(ls__h5_set_strings(file, "/train/user", "classes", file_names, 3));
  MUST(ls__h5_commit(file));
}

static ls_data *open_data(ls_config *config, ls__data_purpose purpose) {
  ls_data *data = NULL;
  MUST(ls__data_open_for(NULL, ls__config_child(config, "data"), purpose, 0, &data));
  MUST(ls__data_set_index(data, 0));
  return data;
}

/* The users of all rows, or a status. */
static ls_status read_users(ls_data *data, int32_t got[N]) {
  void *to[LS__MAX_ARRAYS] = {NULL};
  ls_status st = ls__data_load(data);
  to[0] = got;
  return st == LS_OK ? ls__data_rows(data, LS_TRAIN, 0, N, to) : st;
}

static void test_numbers(void **state) {
  (void)state;
  static const char *const known[] = {"tom", "bob", "eve", "ann"}, *const fewer[] = {"ann", "eve"};
  static const int32_t code[] = {3, 2, 0};
  static const char *const memory[] = {"node", "stream"};
  const char *path = temporary("categories.h5");
  int32_t got[N];
  for (int bytes = 0; bytes < 2; bytes++)
    for (int m = 0; m < 2; m++)
      for (int purpose = LS__DATA_TRAIN; purpose <= LS__DATA_EVALUATE; purpose++) {
        make(path, bytes == 1, true);
        ls_config *config = config_of("data: {file: %s, inputs: {user: user}, targets: y, memory: "
                                      "%s}",
                                      path, memory[m]);
        ls_data *data = open_data(config, (ls__data_purpose)purpose);
        MUST(read_users(data, got)); /* as they lie in the file */
        for (int i = 0; i < N; i++) assert_int_equal(got[i], users[i]);
        MUST(ls__data_set_categories(data, 0, file_names, 3)); /* the same: nothing to do */
        const uint64_t before = fingerprint_of(data);
        MUST(ls__data_set_categories(data, 0, known, 4));
        MUST(read_users(data, got));
        for (int i = 0; i < N; i++) assert_int_equal(got[i], code[users[i]]);
        assert_true(fingerprint_of(data) != before); /* of what is delivered */
        ls_data_close(data);
        data = open_data(config, (ls__data_purpose)purpose);
        MUST(ls__data_set_categories(data, 0, fewer, 2));
        assert_int_equal(read_users(data, got), LS_EDATA);
        if (strstr(ls_error_message(), "/train/user: row 1 (counted from 0): \"tom\", a category "
                                       "that "
                                       "the network was not trained on") == NULL)
          fail_msg("got \"%s\"", ls_error_message());
        ls_data_close(data);
        make(path, bytes == 1, false); /* numbers alone are taken as they are */
        data = open_data(config, (ls__data_purpose)purpose);
        MUST(ls__data_set_categories(data, 0, known, 4));
        MUST(read_users(data, got));
        for (int i = 0; i < N; i++) assert_int_equal(got[i], users[i]);
        ls_data_close(data);
        ls_config_destroy(config);
        assert_int_equal(ls__alloc_alive(), 0);
      }
  unlink(path);
}

static void test_checkpoint(void **state) {
  (void)state;
  const char *path = temporary("categories.h5");
  ls_config *config = config_of("model: [{dense: {units: 2}}]");
  const ls_shape x = {1, {3}};
  ls_model *model = NULL, *again = NULL;
  MUST(ls_model_create(config, &x, 1, &model));
  MUST(ls__class_names_set(&model->input_classes[0], file_names, 3));
  MUST(ls_model_save(model, path));
  MUST(ls_model_load(path, &again));
  assert_int_equal(again->input_classes[0].n, 3);
  for (int i = 0; i < 3; i++) assert_string_equal(again->input_classes[0].name[i], file_names[i]);
  ls_model_destroy(model);
  ls_model_destroy(again);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers),
                                     cmocka_unit_test(test_checkpoint)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

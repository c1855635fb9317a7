/* Checkpoints and names: layers in blocks are groups in groups; what is missing or too much is told; a
 * checkpoint from before there were blocks gives what it gave. */
#include <lockstep/checkpoint.h>
#include <lockstep/lockstep.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "check.h"
#include "checkpoint/format.h"
#include "h5/h5.h"
#include "h5_there.h"
#include "model/model.h"
#include "tensor/port.h"

#define OK(call)                                                       \
  do {                                                                 \
    ls_status ok_st = (call);                                          \
    if (ok_st != LS_OK) fail_msg("%s: %s", #call, ls_error_message()); \
  } while (0)

static char folder[] = "/tmp/lockstep-nested-XXXXXX", path[256];

static int make_folder(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(path, sizeof path, "%s/checkpoint.h5", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

static const char nested[] = "model:\n"
                             "- repeat:\n"
                             "    times: 2\n"
                             "    name: stage\n"
                             "    layers:\n"
                             "    - residual: {layers: [{dense: {units: 3, activation: tanh}}], "
                             "activation: relu}\n"
                             "- parallel: {branches: [[{dense: {units: 2}}], [linear]]}\n"
                             "outputs: [stage_1/residual_1, parallel_1]\n";

/* Saved, and read again: the same weights, by the same names. */
static void saved_and_loaded(void **state) {
  (void)state;
  ls_config *config = NULL;
  ls_model *model = NULL, *again = NULL;
  ls__h5 *file = NULL;
  float y[2][2 * 5];
  const float x[2 * 3] = {1, 2, 3, -1, 0.5F, 0};
  ls_shape shape = {1, {3}};
  OK(ls_config_parse(nested, "nested", &config));
  OK(ls_model_create(config, &shape, 7, &model));
  OK(ls_model_save(model, path));
  OK(ls_model_load(path, &again));
  assert_true(ls_model_hash(model) == ls_model_hash(again));
  assert_string_equal(ls_model_output(again, 0).name, "stage_1/residual_1");
  assert_string_equal(ls_model_output(again, 1).name, "parallel_1");
  assert_non_null(ls_model_parameter(again, "stage_2/residual_1/dense_1/weight", &shape));
  assert_int_equal(shape.dim[1], 3);
  assert_null(ls_model_parameter(again, "stage_2/dense_1/weight", &shape));
  OK(ls_model_predict_ports(model, 2, (const void *const[]){x}, (float *const[]){NULL, y[0]}));
  OK(ls_model_predict_ports(again, 2, (const void *const[]){x}, (float *const[]){NULL, y[1]}));
  assert_memory_equal(y[0], y[1], sizeof y[0]);
  OK(ls__h5_open(path, &file));
  assert_true(is_there(file, "/parameters/stage_1/residual_1/dense_1/bias", NULL));
  assert_true(is_there(file, "/parameters/parallel_1/branch_1/dense_1/weight", NULL));
  ls__h5_close(file);
  ls_model_destroy(model);
  ls_model_destroy(again);
  ls_config_destroy(config);
}

/* A checkpoint of `config` with these weights, of 3 x 3 and 3 numbers. */
static void write_by_hand(const char *config, const char *const *weights) {
  ls__h5 *file = NULL;
  const double dim = 3;
  const float zero[9] = {0};
  OK(ls__h5_create(path, &file));
  OK(ls__h5_set_string(file, "/", "format", LS__CHECKPOINT_FORMAT));
  OK(ls__h5_set_integer(file, "/", "version", LS__CHECKPOINT_VERSION));
  OK(ls__h5_set_string(file, "/", "config", config));
  OK(ls__h5_set_doubles(file, "/", "input_shape", &dim, 1));
  for (; *weights != NULL; weights++) {
    char name[LS__PATH_BYTES];
    const ls_shape shape = {strstr(*weights, "bias") == NULL ? 2 : 1, {3, 3}};
    const size_t bytes = ls_shape_count(&shape) * sizeof *zero;
    snprintf(name, sizeof name, "/parameters/%s", *weights);
    OK(ls__h5_write(file, name, LS__F32, &shape, zero));
    OK(ls__h5_set_integer(file, name, "checksum", (int64_t)ls__hash(LS__HASH_START, zero, bytes)));
  }
  OK(ls__h5_commit(file));
}

static void refused(const char *words) {
  ls_model *model = NULL;
  assert_int_equal(ls_model_load(path, &model), LS_ECHECKPOINT);
  if (strstr(ls_error_message(), words) == NULL) fail_msg("%s", ls_error_message());
  assert_null(strchr(ls_error_message(), '\n'));
  assert_null(model);
}

static void missing_and_too_much(void **state) {
  (void)state;
  static const char blocks[] = "model: [{repeat: {times: 2, layers: [{residual: {layers: [{dense: "
                               "{units: 3}}]}}]}}]\n";
  ls_model *model = NULL;
  const char *names[] = {"block_1/residual_1/dense_1/weight",
                         "block_1/residual_1/dense_1/bias",
                         "block_2/residual_1/dense_1/weight",
                         "block_2/residual_1/dense_1/bias",
                         NULL,
                         NULL};
  write_by_hand(blocks, names);
  OK(ls_model_load(path, &model));
  ls_model_destroy(model);
  names[4] = "block_3/residual_1/dense_1/bias";
  write_by_hand(blocks, names);
  refused("/parameters/block_3/residual_1/dense_1/bias belongs to no layer of its configuration");
  names[3] = "block_1/residual_1/dense_2/bias"; /* another in its place */
  names[4] = NULL;
  write_by_hand(blocks, names);
  refused("no dataset /parameters/block_2/residual_1/dense_1/bias");
  names[3] = NULL;
  write_by_hand(blocks, names);
  refused("no dataset /parameters/block_2/residual_1/dense_1/bias");
  /* of two networks with the same layers, one in blocks, neither reads the other's */
  names[0] = "dense_1/weight", names[1] = "dense_1/bias", names[2] = NULL;
  write_by_hand("model: [{sequential: {layers: [{dense: {units: 3}}]}}]\n", names);
  refused("no dataset /parameters/sequential_1/dense_1/weight (did you mean "
          "/parameters/dense_1/weight?)");
}

/* tests/data/flat.h5: bit by bit what the program that wrote it predicted. */
static void from_before(void **state) {
  (void)state;
  ls_model *model = NULL;
  ls__h5 *data = NULL;
  float x[8 * 4], y[8 * 2], expected[8 * 2];
  OK(ls_model_load(LOCKSTEP_TEST_DATA "/flat.h5", &model));
  OK(ls__h5_open(LOCKSTEP_TEST_DATA "/flat_data.h5", &data));
  OK(ls__h5_read(data, "/test/x", LS__F32, x));
  OK(ls__h5_read(data, "/expected", LS__F32, expected));
  OK(ls_model_predict(model, 8, x, y));
  assert_memory_equal(y, expected, sizeof y);
  assert_string_equal(ls_model_output(model, 0).name, "dense_5");
  ls__h5_close(data);
  ls_model_destroy(model);
}

/* Names of ports: those of outputs and targets may be in blocks. */
static void names_of_ports(void **state) {
  (void)state;
  static const char *const plain[] = {"a", "a-b_c.1", "dense_1"},
                           *const paths[] = {"a/b", "block_2/dense_1", "a/b/c"},
                           *const bad[] = {"", "/", "/a", "a/", "a//b", "a b", "a/b c", "\303\244"};
  char longest[LS_NAME_BYTES + 1];
  memset(longest, 'n', sizeof longest);
  longest[20] = '/';
  longest[LS_NAME_BYTES] = '\0';
  assert_false(ls__port_name_good(longest, true));
  longest[LS_NAME_BYTES - 1] = '\0';
  assert_true(ls__port_name_good(longest, true));
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    assert_true(ls__port_name_good(plain[i], false) && ls__port_name_good(plain[i], true));
    assert_true(!ls__port_name_good(paths[i], false) && ls__port_name_good(paths[i], true));
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(ls__port_name_good(bad[i], false) || ls__port_name_good(bad[i], true));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(saved_and_loaded),
                                     cmocka_unit_test(missing_and_too_much),
                                     cmocka_unit_test(from_before),
                                     cmocka_unit_test(names_of_ports)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* What a checkpoint says of the training that it is of, and what a failure to load it says of it. */
#include <lockstep/checkpoint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stop.h"
#include "check.h"
#include "checkpoint/checkpoint.h"

#define OK(call)                                                       \
  do {                                                                 \
    ls_status ok_st = (call);                                          \
    if (ok_st != LS_OK) fail_msg("%s: %s", #call, ls_error_message()); \
  } while (0)

static ls_model *make(const char *text, size_t inputs) {
  const ls_port port = {.name = "input", .type = LS_REAL, .shape = {1, {inputs}}};
  ls_config *config = NULL;
  ls_model *model = NULL;
  OK(ls_config_parse(text, "test", &config));
  OK(ls_model_create_ports(config, 1, &port, 1, &model));
  ls_config_destroy(config);
  return model;
}

static void save(const char *path, const ls_model *model, const ls__standing *standing) {
  ls__checkpoint_writer *writer = NULL;
  OK(ls__checkpoint_begin(path, model, standing, NULL, &writer));
  OK(ls__checkpoint_end(writer));
}

/* Of a network alone it is written, of a training it follows from where that stands. */
static void test_weights(void **state) {
  (void)state;
  const struct {
    ls__weights_at at;
    ls__standing standing; /* step 0: a network alone */
    const char *text;
  } cases[] = {
      {{0}, {0}, ""},
      {{.epoch = 37, .best = true}, {0}, "epoch 37, the best"},
      {{.epoch = 12}, {0}, "epoch 12"},
      {{.step = 1234567}, {0}, "step 1234567"},
      {{.epoch = 9}, {.step = 70, .epoch = 7, .batch = 1, .lanes = 1, .samples = 10}, "epoch 7"},
      {{0},
       {.step = 75, .epoch = 7, .position = 5, .batch = 1, .lanes = 1, .samples = 10},
       "step 75"},
  };
  char path[] = "/tmp/lockstep-says-XXXXXX", text[LS__WEIGHTS_TEXT];
  close(mkstemp(path));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls_model *model = make("model: [{dense: {units: 2}}]", 3), *back = NULL;
    model->at = cases[i].at;
    save(path, model, cases[i].standing.step > 0 ? &cases[i].standing : NULL);
    ls_model_destroy(model);
    OK(ls_model_load(path, &back));
    assert_string_equal(ls__model_weights(back, text), cases[i].text);
    ls_model_destroy(back);
  }
  unlink(path);
}

/* Who asks for a stop while checkpoints are read finds none of them damaged. */
static void test_stop(void **state) {
  (void)state;
  char folder[] = "/tmp/lockstep-says-XXXXXX", path[300], inside[300];
  const ls__standing standing = {.step = 4, .epoch = 1, .batch = 1, .lanes = 1, .samples = 4};
  ls__chosen chosen;
  assert_non_null(mkdtemp(folder));
  snprintf(inside, sizeof inside, "%s/checkpoints", folder);
  assert_int_equal(mkdir(inside, 0700), 0);
  ls__checkpoint_path(folder, 4, path, sizeof path);
  ls_model *model = make("model: [{dense: {units: 3000}}]",
                         3000); /* large enough to look up from */
  save(path, model, &standing);
  ls_model_destroy(model);
  ls__stop_ask();
  OK(ls__checkpoint_newest(folder, false, &chosen)); /* nothing is being prepared */
  assert_string_equal(chosen.path, path);
  ls__chosen_reset(&chosen);
  ls__stop_prepare(true);
  const ls_status newest = ls__checkpoint_newest(folder, false, &chosen);
  const ls_status at = ls__checkpoint_at_epoch(folder, 1, &model);
  ls__stop_prepare(false);
  ls__stop_forget();
  assert_int_equal(newest, LS_ESTOPPED);
  assert_int_equal(at, LS_ESTOPPED);
  assert_null(model);
  unlink(path);
  rmdir(inside);
  rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_weights),
      cmocka_unit_test(test_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Bad data: one line that says what and where, and never a crash. */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

#include "data_refused.h"
#include "data_samples.h"

static void test_refused(void **state) {
  (void)state;
  const char *named = make_named();
  const char *groups = make_groups(1);
  refused(LS_ECONFIG, "file", config_of("{inputs: x}"));
  refused(LS_EIO, "No such file", config_of("{file: /no/such/file.h5}"));
  refused(LS_ECONFIG, "targets: is missing", config_of("{file: %s, inputs: /t}", named));
  refused(LS_ECONFIG, "name both", config_of("{file: %s, targets: /t}", named));
  refused(LS_EDATA, "no dataset b (did you mean",
          config_of("{file: %s, inputs: {a: b}, targets: /t}", named));
  refused(LS_ECONFIG, "inputs", config_of("{file: %s, inputs: [], targets: /t}", named));
  refused(LS_ECONFIG, "nothing to train",
          config_of("{file: %s, split: {validation: 0.6, test: 0.6}}", groups));
  refused(LS_ECONFIG, "has a group /test already",
          config_of("{file: %s, split: {test: 0.1}}", groups));
  refused(LS_ECONFIG, "shufle", config_of("{file: %s, shufle: true}", groups));
  refused(LS_ECONFIG, "normalize.input",
          config_of("{file: %s, normalize: {input: standard}}", groups));
  refused(LS_ECONFIG, "memory", config_of("{file: %s, memory: disk}", groups));
  refused(LS_ECONFIG, "none falls to the test part",
          config_of("{file: %s, inputs: /t, targets: /l, split: {test: 0.0001}}", named));
  refused(LS_EDATA, "no dataset /train/x; the file holds /fields/a, /fields/b, /l, /t (data.inputs",
          config_of("{file: %s}", named));
  refused(LS_EDATA, "no dataset /field/a (did you mean /fields/a?)",
          config_of("{file: %s, inputs: /field/a, targets: /t}", named));
  unlink(named);
  unlink(groups);

  /* x, y, and a word of the message */
  const char *path = temporary("bad.h5");
  static const char text[] = "not numbers";
  const double finite[] = {1, 2, 3, 4, 5, 6}, nan_at_3[] = {1, 2, 3, NAN, 5, 6};
  const double huge_at_5[] = {1, 2, 3, 4, 5, 1e300};
  for (int c = 0; c < 7; c++) {
    ls__h5 *file = NULL;
    MUST(ls__h5_create(path, &file));
    put(file, "/train/x", LS__F64, c == 1 ? nan_at_3 : c == 2 ? huge_at_5 : finite, 3, 2, 0);
    if (c == 0) put(file, "/train/y", LS__F64, finite, 2, 0);
    if (c == 1 || c == 2 || c > 3)
      put(file, "/train/y", LS__F64, c == 4 ? nan_at_3 + 1 : finite, 3, 0);
    if (c == 5) put(file, "/validation/x", LS__F64, finite, 2, 3, 0);
    if (c == 5) put(file, "/validation/y", LS__F64, finite, 2, 0);
    const double zero = 0;
    if (c == 6) MUST(ls__h5_set_string(file, "/", "format", "lockstep dataset"));
    if (c == 6) MUST(ls__h5_set_doubles(file, "/train/x", "scale", &zero, 1));
    MUST(ls__h5_commit(file));
    static const char *const words[] = {"/train/x has 3 rows, /train/y has 2",
                                        "/train/x: row 1, column 1 (counted from 0): not a number",
                                        "/train/x: row 2, column 1 (counted from 0): infinite, or "
                                        "too large",
                                        "no dataset /train/y; the file holds /train/x",
                                        "/train/y: row 2 (counted from 0): not a number",
                                        "samples of /train/x have shape [2], those of "
                                        "/validation/x [3]",
                                        "/train/x: attribute scale: not one number"};
    refused(LS_EDATA, words[c], config_of("{file: %s, memory: node}", path));
    if (c == 1 || c == 2 || c == 4) /* statistics read all of it, too */
      refused(LS_EDATA, words[c], config_of("{file: %s, memory: stream, normalize: true}", path));
    if (c == 1) { /* else the thread finds it, and the rank hears of it */
      ls_config *config = config_of("{file: %s, memory: stream}", path);
      ls_data *data = open_data(config);
      float x[6], y[3];
      start(data, 0, 0, 3);
      assert_int_equal(take_xy(data, 0, 3, x, y), LS_EDATA);
      assert_non_null(strstr(ls_error_message(), words[c]));
      assert_int_equal(take_xy(data, 0, 3, x, y), LS_EDATA);
      done(data, config);
    }
  }
  FILE *out = fopen(path, "w");
  fputs(text, out);
  fclose(out);
  refused(LS_EDATA, "not an HDF5 file", config_of("{file: %s}", path));
  unlink(path);
}

/* A damaged file may be refused, or read as other numbers; nothing else. */
static void test_hostile(void **state) {
  (void)state;
  static unsigned char bytes[1 << 16], damaged[1 << 16];
  const char *path = make_named();
  FILE *in = fopen(path, "rb");
  const size_t n = fread(bytes, 1, sizeof bytes, in);
  fclose(in);
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    for (int sig = 1; sig < 32; sig++)
      if (sig != SIGKILL && sig != SIGSTOP) signal(sig, SIG_DFL);
    alarm(100);
    uint32_t random = 1;
    static float x[1 << 16], y[1 << 16];
    for (size_t round = 0; round < 400; round++) {
      size_t keep = n;
      memcpy(damaged, bytes, n);
      random = random * 1664525u + 1013904223u;
      if (round % 5 == 0)
        keep = (random >> 8) % n;
      else
        damaged[(random >> 8) % n] ^= (unsigned char)(1u << (round % 8));
      const int fd = open(path, O_WRONLY | O_TRUNC);
      if (fd < 0 || write(fd, damaged, keep) != (ssize_t)keep) _exit(2);
      close(fd);
      ls_config *config = config_of("{file: %s, inputs: [/fields/a, /fields/b], targets: /t, "
                                    "memory: %s}",
                                    path, round % 2 ? "node" : "stream");
      ls_data *data = NULL;
      if (ls_data_open(NULL, config, &data) == LS_OK) {
        start(data, 1, 1, 10);
        (void)!take_xy(data, 0, 10, x, y);
      }
      ls_data_close(data);
      ls_config_destroy(config);
    }
    _exit(ls__alloc_alive() == 0 ? 0 : 3);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) fail_msg("ended by signal %d", WTERMSIG(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_hostile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

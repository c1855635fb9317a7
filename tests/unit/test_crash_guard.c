/* Crashes inside and outside HDF5, each in a process of its own: who ends it, and with what
 * words. */
#define _XOPEN_SOURCE 700 /* sigaltstack */
#include <fcntl.h>
#include <lockstep/crash_guard.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "h5/h5_guard.h"
#include "make_h5.h"

static char printed[1024]; /* what the last child wrote to standard error */
static double seconds;     /* how long it took */

/* The wait status of a child that runs `body`. */
static int child(void (*body)(void)) {
  int output[2], status = -1;
  struct timespec from, to;
  assert_int_equal(pipe(output), 0);
  fflush(NULL);
  clock_gettime(CLOCK_MONOTONIC, &from);
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    dup2(output[1], 2);
    close(output[0]);
    close(output[1]);
    for (int sig = 1; sig < 32; sig++)
      if (sig != SIGKILL && sig != SIGSTOP) signal(sig, SIG_DFL); /* not cmocka's handlers */
    alarm(30);
    body();
    _exit(0);
  }
  close(output[1]);
  size_t n = 0;
  for (ssize_t got; (got = read(output[0], printed + n, sizeof printed - 1 - n)) > 0;)
    n += (size_t)got;
  printed[n] = '\0';
  close(output[0]);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  clock_gettime(CLOCK_MONOTONIC, &to);
  seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
  return status;
}

#define EXITS(body, code, words)                       \
  do {                                                 \
    const int exits_status = child(body);              \
    assert_string_equal(printed, words);               \
    assert_true(WIFEXITED(exits_status));              \
    assert_int_equal(WEXITSTATUS(exits_status), code); \
  } while (0)
#define DIES(body, number, words)                    \
  do {                                               \
    const int dies_status = child(body);             \
    assert_string_equal(printed, words);             \
    assert_true(WIFSIGNALED(dies_status));           \
    assert_int_equal(WTERMSIG(dies_status), number); \
  } while (0)
#define READING "lockstep: a b.h5: HDF5 crashed while reading it: the file is damaged\n"

static void enter(void) {
  ls__h5_enter_path("a\nb.h5", false);
}

static void fault(void) {
  volatile int *volatile nowhere = (volatile int *)(uintptr_t)64; /* NULL is a sanitizer's affair */
  *nowhere = 1;
}

/* ---- Inside ---- */

static void inside_fault(void) {
  ls_crash_guard_install(0);
  enter();
  fault();
}

static void inside_abort(void) {
  ls_crash_guard_install(0);
  enter();
  abort();
}

static void inside_division(void) {
  ls_crash_guard_install(0);
  enter();
  raise(SIGFPE);
}

static int deep(volatile const char *above, int levels) {
  volatile char here[4096];
  here[0] = above[0];
  return levels == 0 ? 0 : deep(here, levels - 1) + here[0];
}

static void inside_recursion(void) {
  const volatile char top = 0;
  const struct rlimit small = {1 << 20, 1 << 20};
  setrlimit(RLIMIT_STACK, &small);
  ls_crash_guard_install(0);
  enter();
  (void)deep(&top, 1 << 20);
}

/* HDF5 itself: it copies a row from a chunk to where there is no memory. */
static void inside_hdf5(void) {
  ls__h5 *file = NULL;
  const ls_shape row = {1, {3}};
  const float x[12] = {1};
  const char *path = temporary("guard.h5");
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_dataset(file, "/x", LS__F32, 4, &row, 2, 1));
  MUST(ls__h5_write_rows(file, "/x", 0, 4, LS__F32, x));
  MUST(ls__h5_commit(file));
  MUST(ls__h5_open(path, &file));
  unlink(path);
  ls_crash_guard_install(0);
  (void)!ls__h5_read_rows(file, "/x", 1, 2, LS__F32, (void *)(uintptr_t)64);
}

static void test_inside(void **state) {
  (void)state;
  EXITS(inside_fault, 3, READING);
  EXITS(inside_abort, 3, READING);
  EXITS(inside_division, 3, READING);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXITS(inside_recursion, 3, READING);
#endif
  const int status = child(inside_hdf5);
  assert_non_null(strstr(printed, "guard.h5: HDF5 crashed while reading it: the file is "
                                  "damaged\n"));
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 3);
}

/* ---- Calls that don't end ---- */

static void compute(double how_long) {
  const clock_t from = clock();
  while ((double)(clock() - from) < how_long * CLOCKS_PER_SEC) continue;
}

static void loops(void) {
  ls__h5_patience(0.5, 1000);
  ls_crash_guard_install(0);
  enter();
  compute(25);
}

static void loops_and_reads(void) {
  static char bytes[1 << 20];
  FILE *in = fopen("/dev/zero", "r");
  ls__h5_patience(0.5, 1);
  ls_crash_guard_install(0);
  enter();
  while (in != NULL) compute(0.02 * (double)fread(bytes, 1, sizeof bytes, in) / sizeof bytes);
}

/* Waiting is not computing, a new call starts anew, and what is outside isn't looked at. */
static void patient(void) {
  const struct timespec long_enough = {0, 900000000};
  ls__h5_patience(0.5, 1000);
  ls_crash_guard_install(0);
  enter();
  nanosleep(&long_enough, NULL);
  ls__h5_leave();
  for (int i = 0; i < 8; i++) {
    enter();
    compute(0.1);
    ls__h5_leave();
  }
  compute(0.9);
  ls_crash_guard_remove();
}

static void test_loops(void **state) {
  (void)state;
  static const char words[] = "lockstep: a b.h5: HDF5 loops while reading it: the file is "
                              "damaged\n";
  EXITS(loops, 3, words);
  assert_true(seconds < 15);
  EXITS(loops_and_reads, 3, words);
  assert_true(seconds > 1);
  EXITS(patient, 0, "");
}

static const char *output; /* what a child writes */
static char finished[400]; /* and what it finishes */

static void inside_writing(void) {
  ls__h5 *file = NULL, *other = NULL;
  ls_crash_guard_install(0);
  MUST(ls__h5_create(output, &file));
  MUST(ls__h5_create(finished, &other));
  MUST(ls__h5_commit(other));
  ls__h5_enter(file);
  fault();
}

/* Nothing half-written is left, and what was finished stays. */
static void test_writing(void **state) {
  (void)state;
  char words[400], command[500];
  output = temporary("writing");
  snprintf(finished, sizeof finished, "%s-finished", output);
  snprintf(words, sizeof words,
           "lockstep: %s: HDF5 crashed while writing it: the file is not written\n", output);
  EXITS(inside_writing, 3, words);
  assert_int_equal(unlink(finished), 0);
  snprintf(command, sizeof command, "ls %s* 2>/dev/null | grep -q .", output);
  assert_int_not_equal(system(command), 0);
}

static void second_turn(void) {
  ls_crash_guard_install(0);
  ls_crash_guard_install(1);
  inside_fault();
}

static void third_turn(void) {
  ls_crash_guard_install(2);
  enter();
  fault();
}

static void third_turn_ended(void) {
  const pid_t me = getpid();
  signal(SIGTERM, SIG_IGN);
  fflush(NULL);
  if (fork() == 0) { /* the launcher */
    const struct timespec moment = {0, 200000000};
    close(2);
    nanosleep(&moment, NULL);
    kill(me, SIGTERM);
    _exit(0);
  }
  third_turn();
}

static void test_turns(void **state) {
  (void)state;
  EXITS(second_turn, 3, READING); /* the last word counts */
  assert_true(seconds < 0.4);
  EXITS(third_turn, 3, READING);
  assert_true(seconds >= 2.5);
  DIES(third_turn_ended, SIGTERM, "");
  assert_true(seconds < 1.0);
}

/* ---- Outside ---- */

static void no_guard(void) {
  enter();
  fault();
}

static void outside_fault(void) {
  ls_crash_guard_install(0);
  enter();
  ls__h5_leave();
  fault();
}

static void outside_abort(void) {
  ls_crash_guard_install(0);
  abort();
}

static void *other_thread(void *argument) {
  (void)argument;
  fault();
  return NULL;
}

static void another_threads_fault(void) {
  pthread_t other;
  ls_crash_guard_install(0);
  enter();
  if (pthread_create(&other, NULL, other_thread, NULL) == 0) pthread_join(other, NULL);
}

static void sent_by_another(void) {
  const pid_t me = getpid();
  ls_crash_guard_install(0);
  enter();
  fflush(NULL);
  if (fork() == 0) {
    kill(me, SIGSEGV);
    _exit(0);
  }
  for (;;) pause();
}

static void own_assertion(void) {
  ls_crash_guard_install(0);
  enter();
  ls__assert_failed("sky == blue", "x.c", 7);
}

static void removed(void) {
  ls_crash_guard_install(0);
  ls_crash_guard_remove();
  enter();
  fault();
}

static void no_file(void) {
  ls_crash_guard_install(0);
  ls__h5_enter_path(NULL, false);
  fault();
}

static void test_outside(void **state) {
  (void)state;
  DIES(outside_abort, SIGABRT, "");
  DIES(own_assertion, SIGABRT,
       "lockstep: x.c:7: this is a bug in lockstep: sky == blue is false\n");
  DIES(sent_by_another, SIGSEGV, "");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  DIES(no_guard, SIGSEGV, "");
  DIES(outside_fault, SIGSEGV, "");
  DIES(another_threads_fault, SIGSEGV, "");
  DIES(removed, SIGSEGV, "");
  DIES(no_file, SIGSEGV, "");
#endif
}

/* ---- Handlers of the program ---- */

static void say(int number, siginfo_t *info, void *context) {
  static const char words[] = "the program's own handler\n";
  (void)context;
  (void)!write(2, words, sizeof words - 1);
  _exit(number == SIGSEGV && (uintptr_t)info->si_addr == 64 ? 42 : 43);
}

static void say_plainly(int number) {
  (void)number;
  (void)!write(2, "plain\n", 6);
  _exit(44);
}

static void set_say(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = say;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, NULL);
}

static void earlier_handler(void) {
  set_say();
  ls_crash_guard_install(0);
  fault();
}

static void earlier_handler_inside(void) {
  set_say();
  ls_crash_guard_install(0);
  enter();
  fault();
}

static void earlier_handler_again(void) {
  set_say();
  ls_crash_guard_install(0);
  ls_crash_guard_remove();
  enter();
  fault();
}

static void plain_handler(void) {
  signal(SIGABRT, say_plainly);
  ls_crash_guard_install(0);
  abort();
}

static void later_handler(void) {
  ls_crash_guard_install(0);
  set_say();
  ls_crash_guard_remove(); /* leaves it */
  ls_crash_guard_install(0);
  enter();
  fault();
}

static void recovered(void) {
  signal(SIGSEGV, SIG_IGN);
  ls_crash_guard_install(0);
  raise(SIGSEGV); /* ignored, as it was */
  enter();
  fault();
}

static void test_handlers(void **state) {
  (void)state;
  EXITS(earlier_handler, 42, "the program's own handler\n");
  EXITS(earlier_handler_inside, 3, READING);
  EXITS(earlier_handler_again, 42, "the program's own handler\n");
  EXITS(plain_handler, 44, "plain\n");
  EXITS(later_handler, 42, "the program's own handler\n");
  EXITS(recovered, 3, READING);
}

/* The thread's own alternative stack is back after each call. */
static void test_stack(void **state) {
  (void)state;
  static char mine[1 << 16];
  const stack_t own = {.ss_sp = mine, .ss_size = sizeof mine};
  stack_t now;
  ls_crash_guard_install(0);
  assert_int_equal(sigaltstack(&own, NULL), 0);
  enter();
  assert_int_equal(sigaltstack(NULL, &now), 0);
  assert_ptr_not_equal(now.ss_sp, mine);
  ls__h5_leave();
  assert_int_equal(sigaltstack(NULL, &now), 0);
  assert_ptr_equal(now.ss_sp, mine);
  ls_crash_guard_remove();
  enter();
  assert_int_equal(sigaltstack(NULL, &now), 0);
  assert_ptr_equal(now.ss_sp, mine);
  ls__h5_leave();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inside),  cmocka_unit_test(test_writing),  cmocka_unit_test(test_turns),
      cmocka_unit_test(test_outside), cmocka_unit_test(test_handlers), cmocka_unit_test(test_stack),
      cmocka_unit_test(test_loops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

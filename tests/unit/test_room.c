/* What limits memory, by the words of files that are made here; what counts as waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/room.h"

static char root[64];

/* A file below the root, with the folders that it is in. */
static void put(const char *path, const char *text) {
  char whole[256];
  const int n = snprintf(whole, sizeof whole, "%s%s", root, path);
  assert_true(n > 0 && n < (int)sizeof whole);
  for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash != NULL;
       slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    (void)mkdir(whole, 0700);
    *slash = '/';
  }
  FILE *file = fopen(whole, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static int make_root(void **state) {
  (void)state;
  strcpy(root, "/tmp/lockstep-room-XXXXXX");
  return mkdtemp(root) == NULL;
}

static int remove_root(void **state) {
  char command[100];
  (void)state;
  snprintf(command, sizeof command, "rm -rf %s", root);
  return system(command);
}

static void is(bool swap, double left, const char *text) {
  ls__room room;
  ls__room_of_machine(root, swap, &room);
  assert_true(room.left == left);
  assert_string_equal(room.text, text);
}

static void machine(void **state) {
  (void)state;
  put("/proc/meminfo", "MemTotal: 2000000 kB\nMemFree: 1 kB\nMemAvailable: 1000000 kB\nSwapFree: "
                       "500000 kB\n");
  is(false, 1024e6, "the machine has 2048 MB of memory, of which 1024 MB are left");
  is(true, 1536e6, "the machine has 2048 MB of memory, of which 1024 MB are left");
}

/* The group has no limit, the one above it has; pages of files are not counted. */
static void version_2(void **state) {
  (void)state;
  put("/proc/meminfo", "MemTotal: 2000000 kB\nMemAvailable: 1000000 kB\n");
  put("/proc/self/cgroup", "0::/job/step\n");
  put("/sys/fs/cgroup/job/step/memory.max", "max\n");
  put("/sys/fs/cgroup/job/step/memory.current", "7\n");
  put("/sys/fs/cgroup/job/memory.max", "500000000\n");
  put("/sys/fs/cgroup/job/memory.current", "450000000\n");
  put("/sys/fs/cgroup/job/memory.stat", "anon 9\nfile 90000000\nshmem 40000000\ninactive_file "
                                        "30000000\nactive_file 20000000\n");
  is(false, 100e6, "memory.max of the control group /job is 500 MB, of which 400 MB are taken");
  put("/sys/fs/cgroup/job/memory.max", "5000000000\n");
  is(false, 1024e6, "the machine has 2048 MB of memory, of which 1024 MB are left");
  put("/sys/fs/cgroup/job/memory.max", "300000000\n"); /* lowered: less than is taken */
  is(false, 0, "memory.max of the control group /job is 300 MB, of which 400 MB are taken");
}

static void version_1(void **state) {
  (void)state;
  put("/proc/meminfo", "MemTotal: 2000000 kB\nMemAvailable: 1000000 kB\n");
  put("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/slurm/job_7\n0::/\n");
  put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "800000000\n");
  put("/sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes", "600000000\n");
  put("/sys/fs/cgroup/memory/slurm/job_7/memory.usage_in_bytes", "200000000\n");
  put("/sys/fs/cgroup/memory/slurm/job_7/memory.stat", "cache 1\ntotal_inactive_file "
                                                       "10000000\ntotal_active_file 0\n");
  is(false, 410e6,
     "memory.limit_in_bytes of the control group /slurm/job_7 is 600 MB, of which 190 MB are "
     "taken");
}

/* An allocation that ulimit -v forbids says so, and how much there is. */
static void address_space(void **state) {
  (void)state;
  struct rlimit before, tight;
  ls__room room;
  void *block = NULL;
#if defined(__SANITIZE_ADDRESS__)
  skip(); /* its allocator ends the program */
#endif
  assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
  tight = before;
  tight.rlim_cur = 1 << 30;
  assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
  ls__room_of_process(&room);
  const ls_status st = ls__alloc(&block, 1200, 1000000, "a table");
  assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
  assert_true(room.left > 0 && room.left < 1 << 30);
  assert_int_equal(st, LS_ENOMEM);
  assert_non_null(strstr(ls_error_message(), "a table: 1200 elements of 1000000 bytes do not fit "
                                             "into "
                                             "memory: ulimit -v is 1074 MB, of which "));
}

/* More than the machine has is refused before it is touched. */
static void more_than_there_is(void **state) {
  (void)state;
  ls__room room;
  void *block = NULL;
  ls__room_of_machine("", true, &room);
  if (room.left < 0) skip();
  assert_true(ls__room_holds(0));
  assert_false(ls__room_holds((size_t)(room.left * 1.5)));
  assert_int_equal(ls__alloc(&block, (size_t)(room.left * 1.5), 1, "all of it"), LS_ENOMEM);
  assert_null(block);
  assert_true(strstr(ls_error_message(), ": the machine has ") != NULL ||
              strstr(ls_error_message(), " of the control group ") != NULL ||
              strstr(ls_error_message(), ": ulimit ") != NULL);
}

/* The example of clock.h, and a process that gets a core every 20 ms. */
static void waiting(void **state) {
  (void)state;
  ls__waited waited = ls__waited_from(100, 5);
  for (int i = 1; i <= 10; i++) ls__waited_look(&waited, 100 + 0.1 * i);
  assert_true(waited.seconds > 0.999 && waited.seconds < 1.001);
  assert_true(ls__waited_look(&waited, 108) < 1.501);
  assert_true(ls__waited_look(&waited, 108.1) > 1.599);
  waited = ls__waited_from(0, 2);
  for (int i = 1; i <= 100; i++) ls__waited_look(&waited, 0.02 * i);
  assert_true(waited.seconds > 1.999);
  waited = ls__waited_from(0, 0.1); /* the shortest watchdog */
  assert_true(ls__waited_look(&waited, 7) < 0.013);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(machine, make_root, remove_root),
      cmocka_unit_test_setup_teardown(version_2, make_root, remove_root),
      cmocka_unit_test_setup_teardown(version_1, make_root, remove_root),
      cmocka_unit_test(address_space),
      cmocka_unit_test(more_than_there_is),
      cmocka_unit_test(waiting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

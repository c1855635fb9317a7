/* What doctor reads of a machine, from made-up files of /proc and /sys; and what it warns of, from
 * made-up ranks: each cause alone, and nothing where all is well. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/simd.h"
#include "train/doctor.h"

/* ---- A machine's files */

static char root[256];

static void put(const char *name, const char *text) {
  char path[1024];
  snprintf(path, sizeof path, "%s%s", root, name);
  for (char *at = path + strlen(root) + 1; *at != '\0'; at++)
    if (*at == '/') {
      *at = '\0';
      if (mkdir(path, 0777) != 0 && errno != EEXIST) fail_msg("%s: %s", path, strerror(errno));
      *at = '/';
    }
  FILE *file = fopen(path, "w");
  if (file == NULL) fail_msg("%s: %s", path, strerror(errno));
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static int begin(void **state) {
  (void)state;
  snprintf(root, sizeof root, "%s/lockstep-doctor.XXXXXX",
           getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
  if (mkdtemp(root) == NULL) return -1;
  put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Some Processor\nflags\t: fpu\n");
  put("/proc/self/status", "Name:\tx\nCpus_allowed_list:\t2-3,6\n");
  put("/proc/meminfo", "MemTotal:       1000 kB\nMemFree:  10 kB\nMemAvailable:    250 kB\n");
  return 0;
}

static int end(void **state) {
  (void)state;
  char command[300];
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  return system(command);
}

static void near(double got, double want) {
  if (!(fabs(got - want) < 1e-6)) fail_msg("%g, wanted %g", got, want);
}

static void test_machine(void **state) {
  (void)state;
  ls__machine m;
  ls__machine_read(root, &m);
  assert_string_equal(m.cpu, "Some Processor");
  assert_string_equal(m.allowed, "2-3,6");
  assert_int_equal(ls__machine_count(m.allowed), 3);
  near(m.memory, 250 * 1024);
  near(m.memory_total, 1000 * 1024);
  near(m.quota, 0);
  near(m.ghz, 0);
  assert_string_equal(m.governor, "");
  ls__machine_read("/nonexistent", &m);
  assert_string_equal(m.cpu, "unknown");
  near(m.memory, 0);
}

static double quota(const char *group) {
  ls__machine m;
  ls__machine_read(root, &m);
  assert_string_equal(m.group, group);
  return m.quota;
}

static void test_quota_2(void **state) {
  (void)state;
  put("/proc/self/cgroup", "0::/a/b\n");
  put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  near(quota(""), 0);
  put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n"); /* the one above counts */
  near(quota("/a"), 1.5);
  put("/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  near(quota("/a/b"), 0.5);
  put("/sys/fs/cgroup/a/b/cpu.max", "250000 100000\n");
  near(quota("/a"), 1.5);
  put("/proc/self/cgroup", "0::/not/mounted/here\n"); /* as in a container */
  near(quota(""), 0);
  put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  near(quota("/"), 2);
}

static void test_quota_1(void **state) {
  (void)state;
  put("/proc/self/cgroup", "5:cpuset:/c\n4:cpu,cpuacct:/job\n0::/\n");
  put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  put("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  put("/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "1000\n"); /* another controller's group */
  put("/sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
  near(quota(""), 0);
  put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "300000\n");
  near(quota("/job"), 3);
}

static void frequency(const char *name, const char *text) {
  char path[256];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu2/cpufreq/%s", name);
  put(path, text);
}

static void test_frequency(void **state) {
  (void)state;
  ls__machine m;
  frequency("cpuinfo_max_freq", "3500000\n");
  frequency("scaling_max_freq", "2100000\n");
  frequency("scaling_governor", "powersave\n");
  frequency("scaling_driver", "intel_pstate\n");
  ls__machine_read(root, &m);
  near(m.ghz, 3.5);
  near(m.ghz_limit, 2.1);
  assert_string_equal(m.governor, ""); /* it picks the frequency itself */
  frequency("scaling_driver", "acpi-cpufreq\n");
  ls__machine_read(root, &m);
  assert_string_equal(m.governor, "powersave");
  frequency("scaling_governor", "schedutil\n");
  ls__machine_read(root, &m);
  assert_string_equal(m.governor, "");
}

/* ---- Ranks */

enum { RANKS = 4 };
static ls__card cards[RANKS]; /* two nodes of 2 cores */

static void all_well(void) {
  memset(cards, 0, sizeof cards);
  for (int r = 0; r < RANKS; r++) {
    ls__card *c = &cards[r];
    c->node = r / 2;
    snprintf(c->host, sizeof c->host, "n%d", c->node);
    snprintf(c->simd, sizeof c->simd, "avx512");
    snprintf(c->simd_best, sizeof c->simd_best, "avx512");
    snprintf(c->blas, sizeof c->blas, "OpenBLAS");
    snprintf(c->core, sizeof c->core, "SkylakeX");
    snprintf(c->machine.allowed, sizeof c->machine.allowed, "%d", r % 2);
    c->cores = 2;
    c->machine.memory = 50;
    c->machine.memory_total = 100;
    c->rates.peak = 160;
    c->rates.ours[0] = 150;
    c->rates.blas[0] = 140;
    c->rates.share = 1;
  }
}

/* Exactly these are found: texts that lines begin with or contain, ended by NULL. */
static void finds(const char *const *wanted) {
  ls__findings f = {.n = 0};
  ls__doctor_look(cards, RANKS, &f);
  int n = 0;
  while (wanted[n] != NULL) n++;
  for (int i = 0; i < f.n; i++)
    if (i >= n || strstr(f.text[i], wanted[i]) == NULL)
      fail_msg("found \"%s\", wanted \"%s\"", f.text[i], i < n ? wanted[i] : "nothing");
  if (f.n < n) fail_msg("nothing like \"%s\"", wanted[f.n]);
}
#define FINDS(...) finds((const char *const[]){__VA_ARGS__, NULL})

#define SET(field, ...) snprintf(field, sizeof field, __VA_ARGS__)

static void test_well(void **state) {
  (void)state;
  all_well();
  FINDS(NULL);
  for (int r = 0; r < RANKS; r++) SET(cards[r].machine.allowed, "0-1"); /* unbound */
  FINDS(NULL);
  for (int r = 0; r < RANKS; r++) {
    SET(cards[r].threads, "OPENBLAS_NUM_THREADS=1");
    cards[r].machine.quota = 2; /* as many as there are ranks */
    SET(cards[r].machine.group, "/job");
    cards[r].machine.ghz = cards[r].machine.ghz_limit = 3;
    SET(cards[r].coretype, "SkylakeX");
  }
  FINDS(NULL);
  for (int r = 0; r < RANKS; r++) { /* every rank in a group of its own */
    cards[r].machine.quota = 1;
    SET(cards[r].machine.group, "/job/%d", r);
  }
  FINDS(NULL);
}

static void test_cores(void **state) {
  (void)state;
  all_well();
  cards[2].cores = cards[3].cores = 1;
  SET(cards[3].machine.allowed, "0");
  FINDS("n1: 2 ranks share 1 cores", "n1: ranks 2 and 3 are both bound to core 0");
  all_well();
  SET(cards[0].machine.allowed, "1");
  FINDS("n0: ranks 0 and 1 are both bound to core 1");
  all_well();
  for (int r = 0; r < RANKS; r++) {
    cards[r].node = 0;
    cards[r].cores = 8;
    SET(cards[r].machine.allowed, "0-2");
  }
  FINDS("n0: 4 ranks may run on the cores 0-2 alone");
}

static void test_threads(void **state) {
  (void)state;
  all_well();
  for (int r = 0; r < RANKS; r++) SET(cards[r].threads, "OMP_NUM_THREADS=2");
  FINDS("n0: OMP_NUM_THREADS=2 on 2 ranks asks for more threads than the 2 cores", "n1: "
                                                                                   "OMP_NUM_"
                                                                                   "THREADS=2");
  for (int r = 0; r < RANKS; r++) cards[r].cores = 4;
  FINDS(NULL);
}

static void test_quota_found(void **state) {
  (void)state;
  all_well();
  for (int r = 0; r < 2; r++) {
    cards[r].machine.quota = 1.5;
    SET(cards[r].machine.group, "/job");
  }
  FINDS("n0: the control group /job may use 1.5 cores, and 2 ranks wait for it");
  all_well();
  cards[3].machine.quota = cards[3].rates.share = 0.5;
  SET(cards[3].machine.group, "/b");
  FINDS("n1: the control group /b may use 0.5 core, and 1 rank waits for it");
}

static void test_slower(void **state) {
  (void)state;
  all_well();
  for (int r = 0; r < 2; r++) {
    cards[r].machine.ghz = 3.5;
    cards[r].machine.ghz_limit = 2.1;
  }
  FINDS("n0: the frequency is limited to 2.10 of 3.50 GHz");
  all_well();
  SET(cards[2].machine.governor, "powersave");
  FINDS("n1: the frequency governor is \"powersave\"");
  all_well();
  cards[2].machine.memory = cards[3].machine.memory = 5;
  FINDS("n1: 0.0 of 0.0 GiB of memory are left");
}

static void test_blas(void **state) {
  (void)state;
  all_well();
  for (int r = 0; r < 2; r++) {
    SET(cards[r].core, "Prescott");
    SET(cards[r].better, "SkylakeX");
    cards[r].rates.blas[0] = 33;
  }
  FINDS("n0: OpenBLAS computes with its kernels for Prescott, 33 of 160 GFLOP/s, and the processor "
        "could use those for SkylakeX: set OPENBLAS_CORETYPE=SkylakeX before");
  for (int r = 0; r < 2; r++) SET(cards[r].coretype, "Prescott");
  FINDS("OPENBLAS_CORETYPE=Prescott is set: unset it");
  for (int r = 0; r < 2; r++) SET(cards[r].coretype, "skylakex");
  FINDS("it has no others (OPENBLAS_CORETYPE=skylakex): install a newer one");
}

static void test_program(void **state) {
  (void)state;
  all_well();
  for (int r = 0; r < RANKS; r++) SET(cards[r].simd, "avx2");
  FINDS("n0: LOCKSTEP_SIMD holds lockstep to avx2, the processor has avx512", "n1: LOCKSTEP_SIMD");
  all_well();
  SET(cards[0].build, "without optimization");
  FINDS("n0: this lockstep was built without optimization");
  SET(cards[0].build, "with -fsanitize=address");
  FINDS("-DCMAKE_BUILD_TYPE=Release and without LOCKSTEP_SANITIZE");
}

static void test_ranks(void **state) {
  (void)state;
  all_well();
  SET(cards[3].simd, "baseline");
  SET(cards[3].simd_best, "baseline");
  SET(cards[3].blas, "another");
  FINDS("rank 3 (n1) computes products by another, and rank 0 by lockstep");
  all_well();
  cards[2].rates.peak = 100;
  FINDS("rank 2 (n1) does 100 GFLOP/s in registers, rank 0 (n0) 160");
  all_well();
  cards[1].rates.share = 0.5;
  cards[1].rates.ours[0] = 75;
  FINDS("n0: rank 1 got 50 % of a core");
  all_well();
  cards[1].rates.ours[0] = 75;
  FINDS("the slowest rank, 1 (n0), computes at 50 % of the fastest");
}

static void test_many(void **state) {
  (void)state;
  all_well();
  for (int r = 0; r < RANKS; r++) { /* more than there is room for: cut, not overrun */
    cards[r].node = r;
    cards[r].cores = 0;
    SET(cards[r].host, "%.*s", 63,
        "a-host-with-a-very-long-name-a-host-with-a-very-long-name-abcdef");
    SET(cards[r].threads, "OPENBLAS_NUM_THREADS=999999999");
    SET(cards[r].simd, "avx2");
    SET(cards[r].machine.governor, "powersave");
    SET(cards[r].build, "without optimization");
    SET(cards[r].better, "SkylakeX");
    cards[r].machine.quota = 0.1;
    cards[r].machine.memory = 1;
    memset(cards[r].machine.group, 'g', sizeof cards[r].machine.group - 1);
  }
  ls__findings f = {.n = 0};
  ls__doctor_look(cards, RANKS, &f);
  assert_int_equal(f.n, sizeof f.text / sizeof f.text[0]);
  for (int i = 0; i < f.n; i++) assert_true(strlen(f.text[i]) > 20);
}

/* ---- Measurements */

static void test_measured(void **state) {
  (void)state;
  ls__rates rates;
  assert_int_equal(ls__rates_measure(1e9, 1, &rates), LS_OK);
  print_message("peak %.1f, ours %.1f and %.1f, OpenBLAS %.1f and %.1f GFLOP/s, copy %.1f GB/s, "
                "%.0f %% of a core\n",
                rates.peak, rates.ours[0], rates.ours[1], rates.blas[0], rates.blas[1], rates.copy,
                100 * rates.share);
  assert_true(rates.peak > 1e-3 && rates.peak < 1e5);
  assert_true(rates.copy > 1e-3 && rates.copy < 1e4);
  assert_true(rates.share > 0 && rates.share < 1.05);
  for (int i = 0; i < LS__DOCTOR_SHAPES; i++) assert_true(rates.ours[i] > 0 && rates.blas[i] > 0);
  const ls__simd_level level = ls__simd_level_now();
  if (level == ls__simd_level_best() && level > LS__SIMD_BASELINE) /* OpenBLAS has no more either */
    assert_true(rates.ours[0] < 1.2 * rates.peak && rates.blas[0] < 1.2 * rates.peak);
  assert_int_equal(ls__rates_measure(1, 1, &rates), LS_OK); /* no memory to copy in */
  near(rates.copy, 0);
  assert_int_equal(ls__alloc_alive(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_machine, begin, end),
      cmocka_unit_test_setup_teardown(test_quota_2, begin, end),
      cmocka_unit_test_setup_teardown(test_quota_1, begin, end),
      cmocka_unit_test_setup_teardown(test_frequency, begin, end),
      cmocka_unit_test(test_well),
      cmocka_unit_test(test_cores),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_quota_found),
      cmocka_unit_test(test_slower),
      cmocka_unit_test(test_blas),
      cmocka_unit_test(test_program),
      cmocka_unit_test(test_ranks),
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_measured),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

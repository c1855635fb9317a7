/* Names that are free: files set aside, and files that are made beside another. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/new_file.h"
#include "check.h"

static char folder[] = "/tmp/lockstep-file.XXXXXX";

static void in_folder(const char *name, char path[LS__FILE_PATH]) {
  snprintf(path, LS__FILE_PATH, "%s/%s", folder, name);
}

static void put(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void holds(const char *path, const char *text) {
  char line[64] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_non_null(fgets(line, sizeof line, file));
  assert_int_equal(fclose(file), 0);
  assert_string_equal(line, text);
  assert_int_equal(unlink(path), 0);
}

/* One after the other, each under a name of its own; what is there already stays. */
static void test_set_aside(void **state) {
  (void)state;
  static const char *const names[] = {"a.h5.damaged", "a.h5.damaged.2", "a.h5.damaged.3"};
  static const char *const texts[] = {"first", "second", "third"};
  char path[LS__FILE_PATH], wanted[LS__FILE_PATH], to[LS__FILE_PATH + 16];
  in_folder("a.h5", path);
  for (int i = 0; i < 3; i++) {
    put(path, texts[i]);
    assert_true(ls__file_set_aside(path, "damaged", to));
    in_folder(names[i], wanted);
    assert_string_equal(to, wanted);
    assert_int_equal(access(path, F_OK), -1);
  }
  for (int i = 0; i < 3; i++) {
    in_folder(names[i], wanted);
    holds(wanted, texts[i]);
  }
  assert_false(ls__file_set_aside(path, "damaged", to));
  assert_int_equal(errno, ENOENT);
}

/* Two writers of one file don't write into one another's. */
static void test_beside(void **state) {
  (void)state;
  char target[LS__FILE_PATH], path[2][LS__FILE_PATH], none[8];
  in_folder("b.h5", target);
  for (int i = 0; i < 2; i++) {
    const int fd = ls__file_create_beside(target, "tmp", path[i], sizeof path[i]);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, i == 0 ? "one" : "two", 3), 3);
    assert_int_equal(close(fd), 0);
    assert_memory_equal(path[i], target, strlen(target));
    assert_string_equal(path[i] + strlen(path[i]) - 4, ".tmp");
  }
  assert_string_not_equal(path[0], path[1]);
  holds(path[0], "one");
  holds(path[1], "two");
  assert_int_equal(ls__file_create_beside(target, "tmp", none, sizeof none), -1);
  assert_int_equal(errno, ENAMETOOLONG);
  in_folder("not/there/b.h5", target);
  assert_int_equal(ls__file_create_beside(target, "tmp", path[0], sizeof path[0]), -1);
  assert_int_equal(errno, ENOENT);
}

/* What a process left that is there no more is removed, with a line; what somebody may still write
 * to is not, nor anything of another name. */
static void test_left(void **state) {
  (void)state;
  enum { FILES = 8 };
  static const struct {
    const char *before, *after;
  } around[FILES] = {{"c.h5.", ".tmp"},
                     {"c.h5.", "-2.tmp"},
                     {"c.h5.", ".tmp.old"},
                     {"d.h5.", ".tmp"},
                     {"c.h5.0", ".tmp"},
                     {"c.h5.", "x.tmp"},
                     {"c.h5.", "-3.tmp"} /* locked */,
                     {"c.h5.", ".partial"}};
  char target[LS__FILE_PATH], path[LS__FILE_PATH], name[64], said[512] = "";
  int status, locked = -1;
  const pid_t gone = fork();
  if (gone == 0) _exit(0);
  assert_int_equal(waitpid(gone, &status, 0), gone);
  in_folder("c.h5", target);
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "%s%ld%s", around[i].before, (long)gone, around[i].after);
    in_folder(name, path);
    const int fd = open(path, O_RDWR | O_CREAT, 0666);
    assert_true(fd >= 0);
    if (i == 6) {
      assert_int_equal(flock(fd, LOCK_EX), 0);
      locked = fd;
    } else {
      close(fd);
    }
  }
  snprintf(name, sizeof name, "c.h5.%ld.tmp", (long)getppid()); /* of one that is there */
  in_folder(name, path);
  close(open(path, O_RDWR | O_CREAT, 0666));
  FILE *notes = tmpfile();
  assert_non_null(notes);
  ls__file_remove_left(target, "tmp", notes);
  rewind(notes);
  said[fread(said, 1, sizeof said - 1, notes)] = '\0';
  fclose(notes);
  assert_int_equal(unlink(path), 0);
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "%s%ld%s", around[i].before, (long)gone, around[i].after);
    in_folder(name, path);
    assert_int_equal(unlink(path), i < 2 ? -1 : 0);
    assert_true((strstr(said, name) != NULL) == (i < 2));
  }
  close(locked);
}

/* Nothing is seen before it is kept, and nothing is left of what is not, nor of what a process that
 * was killed meanwhile wrote. */
static void test_new_file(void **state) {
  (void)state;
  char path[LS__FILE_PATH], left[LS__FILE_PATH], name[64], big[70000];
  ls__new_file *file = NULL;
  int status;
  const pid_t gone = fork();
  if (gone == 0) _exit(0);
  assert_int_equal(waitpid(gone, &status, 0), gone);
  snprintf(name, sizeof name, "c.csv.%ld.tmp", (long)gone);
  in_folder(name, left);
  put(left, "half");
  in_folder("c.csv", path);
  put(path, "before");
  assert_int_equal(ls__new_file_create(path, false, &file), LS_OK);
  assert_int_not_equal(access(left, F_OK), 0);
  snprintf(name, sizeof name, "c.csv.%ld.tmp", (long)getpid());
  in_folder(name, left);
  const int fd = open(left, O_RDWR); /* another machine's process would not take it for left */
  assert_true(fd >= 0);
  assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
  close(fd);
  assert_int_equal(ls__new_file_write(file, "lost", 4), LS_OK);
  ls__new_file_abandon(file);
  holds(path, "before");
  memset(big, 'x', sizeof big);
  assert_int_equal(ls__new_file_create(path, false, &file), LS_OK);
  assert_int_equal(ls__new_file_write(file, "one ", 4), LS_OK);
  assert_int_equal(ls__new_file_write(file, big, sizeof big), LS_OK);
  assert_int_equal(ls__new_file_write(file, "two", 3), LS_OK);
  assert_int_not_equal(access(path, F_OK), 0);
  assert_int_equal(ls__new_file_keep(file), LS_OK);
  FILE *read = fopen(path, "r");
  char back[sizeof big + 8];
  assert_non_null(read);
  assert_int_equal(fread(back, 1, sizeof back, read), sizeof big + 7);
  assert_int_equal(fclose(read), 0);
  assert_memory_equal(back, "one ", 4);
  assert_memory_equal(back + 4, big, sizeof big);
  assert_memory_equal(back + 4 + sizeof big, "two", 3);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(ls__new_file_create(folder, false, &file), LS_EIO);
  assert_int_equal(rmdir(folder), 0); /* no temporary file is left in it */
  assert_int_equal(ls__new_file_create(path, true, &file), LS_EIO);
  assert_int_equal(mkdir(folder, 0700), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_set_aside),
      cmocka_unit_test(test_beside),
      cmocka_unit_test(test_left),
      cmocka_unit_test(test_new_file),
  };
  assert_non_null(mkdtemp(folder));
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  (void)rmdir(folder);
  return failed;
}

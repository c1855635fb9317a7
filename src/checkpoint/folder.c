/* The checkpoints/ folder of a run directory: listing it, setting files aside, deleting old
 * ones. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "checkpoint/checkpoint.h"

void ls__checkpoint_path(const char *run_directory, uint64_t step, char *path, size_t bytes) {
  snprintf(path, bytes, "%s/checkpoints/step-%012llu.h5", run_directory, (unsigned long long)step);
}

void ls__checkpoint_named(const char *run_directory, const char *name, char path[LS__FILE_PATH]) {
  snprintf(path, LS__FILE_PATH, "%s/%s", run_directory, name);
}

/* Newest first. */
static int newest_first(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

/* Whether this is the name of a checkpoint of a step. */
static bool is_step(const char *name, uint64_t *step) {
  char path[64];
  if (strncmp(name, "step-", 5) != 0) return false;
  *step = strtoull(name + 5, NULL, 10);
  ls__checkpoint_path("", *step, path, sizeof path);
  return strcmp(path + strlen("/checkpoints/"), name) == 0;
}

/* There is none yet, or what is to be there can't be reached: a link to nowhere is that once the run has
 * begun, for its disk may not be mounted; before, whoever made the link wants the folder there. */
static ls_status not_listed(const char *run_directory, const char *folder, int error) {
  char path[LS__FILE_PATH];
  struct stat s, there;
  const bool named = lstat(folder, &s) == 0;
  if (!named && ls__file_is_none(errno)) return LS_OK;
  snprintf(path, sizeof path, "%s/config.yaml", run_directory);
  const bool begun = stat(path, &there) == 0 || errno != ENOENT;
  if (named && S_ISLNK(s.st_mode) && error == ENOENT && !begun) return LS_OK;
  return ls__fail(LS_EIO, "%s: cannot be listed: %s%s", folder, strerror(error),
                  error == ENOENT ? " (it is a link)" : "");
}

ls_status ls__checkpoint_steps(const char *run_directory, uint64_t **steps, size_t *n) {
  ls_status st = LS_OK;
  char folder[LS__FILE_PATH];
  size_t room = 0;
  *steps = NULL;
  *n = 0;
  snprintf(folder, sizeof folder, "%s/checkpoints", run_directory);
  DIR *directory = opendir(folder);
  if (directory == NULL) return not_listed(run_directory, folder, errno);
  for (;;) {
    uint64_t step;
    errno = 0;
    const struct dirent *entry = readdir(directory);
    if (entry == NULL) break;
    if (!is_step(entry->d_name, &step)) continue;
    LS_TRY(ls__grow(steps, &room, *n + 1, sizeof **steps, folder));
    (*steps)[(*n)++] = step;
  }
  if (errno != 0) LS_FAIL(LS_EIO, "%s: cannot be listed: %s", folder, strerror(errno));
  if (*n > 0) qsort(*steps, *n, sizeof **steps, newest_first);
out:
  closedir(directory);
  if (st != LS_OK) {
    ls__free(*steps);
    *steps = NULL;
    *n = 0;
  }
  return st;
}

void ls__checkpoint_tell_names(const char *run_directory) {
  char folder[LS__FILE_PATH];
  snprintf(folder, sizeof folder, "%s/checkpoints", run_directory);
  DIR *directory = opendir(folder);
  if (directory == NULL) return;
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    const char *name = entry->d_name;
    const size_t n = strlen(name);
    uint64_t step;
    if (n < 8 || strncmp(name, "step", 4) != 0 || strcmp(name + n - 3, ".h5") != 0 ||
        is_step(name, &step))
      continue;
    fprintf(stderr,
            "lockstep: note: %s/%s: is not called as a checkpoint of a run (step-, 12 digits, "
            ".h5), "
            "and is not looked at\n",
            folder, name);
  }
  closedir(directory);
}

/* Delete a checkpoint's mark that HDF5 crashed on it. */
static void remove_mark(const char *path) {
  char mark[LS__FILE_PATH + 16];
  snprintf(mark, sizeof mark, "%s.crashed", path);
  (void)unlink(mark);
}

void ls__checkpoint_set_aside(const char *path, ls__flaw flaw) {
  static const char *const ending[] = {"damaged", "unreadable", "newer", "foreign"};
  char to[LS__FILE_PATH + 16];
  if (ls__file_set_aside(path, ending[flaw], to)) remove_mark(path);
}

void ls__checkpoint_tidy(const char *run_directory) {
  char path[LS__FILE_PATH];
  snprintf(path, sizeof path, "%s/checkpoints", run_directory);
  DIR *directory = opendir(path);
  if (directory == NULL) return;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    size_t n = strlen(entry->d_name);
    if (n > 4 && strcmp(entry->d_name + n - 4, ".tmp") == 0)
      (void)unlinkat(dirfd(directory), entry->d_name, 0);
  }
  closedir(directory);
}

/* Whether what was renamed in this folder would still be there after a power failure.  File systems
 * that can't write out a folder by itself have nothing to wait for. */
static bool is_safe(const char *run_directory) {
  char path[LS__FILE_PATH];
  snprintf(path, sizeof path, "%s/checkpoints", run_directory);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool safe = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
  close(fd);
  return safe;
}

bool ls__checkpoint_prune(const char *run_directory, uint64_t step, size_t keep) {
  uint64_t *steps = NULL;
  size_t n = 0, kept = 0;
  if (!is_safe(run_directory)) return false;
  if (ls__checkpoint_steps(run_directory, &steps, &n) == LS_OK)
    for (size_t i = 0; i < n; i++) {
      char path[LS__FILE_PATH];
      if (steps[i] > step || kept++ < keep) continue;
      ls__checkpoint_path(run_directory, steps[i], path, sizeof path);
      (void)unlink(path);
      remove_mark(path);
    }
  ls__free(steps);
  return true;
}

/* The checkpoints/ folder of a run directory: listing it, choosing one, deleting old ones. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "checkpoint/checkpoint.h"

void ls__checkpoint_path(const char *run_directory, uint64_t step, char *path, size_t bytes) {
  snprintf(path, bytes, "%s/checkpoints/step-%012llu.h5", run_directory, (unsigned long long)step);
}

/* Newest first. */
static int newest_first(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

/* The steps of step-N.h5 files, newest first; *steps is owned by the caller. */
static ls_status list_steps(const char *run_directory, uint64_t **steps, size_t *n) {
  ls_status st = LS_OK;
  char folder[4096];
  size_t room = 0;
  *steps = NULL;
  *n = 0;
  snprintf(folder, sizeof folder, "%s/checkpoints", run_directory);
  DIR *directory = opendir(folder);
  if (directory == NULL) {
    if (errno == ENOENT || errno == ENOTDIR) return LS_OK;
    return ls__fail(LS_EIO, "%s: cannot be listed: %s", folder, strerror(errno));
  }
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    char *end = NULL;
    if (strncmp(entry->d_name, "step-", 5) != 0) continue;
    unsigned long long step = strtoull(entry->d_name + 5, &end, 10);
    if (end == entry->d_name + 5 || strcmp(end, ".h5") != 0) continue;
    LS_TRY(ls__grow(steps, &room, *n + 1, sizeof **steps, folder));
    (*steps)[(*n)++] = step;
  }
  if (*n > 0) qsort(*steps, *n, sizeof **steps, newest_first);
out:
  closedir(directory);
  return st;
}

ls_status ls__checkpoint_newest(const char *run_directory, char *path, size_t bytes) {
  ls_status st = LS_OK;
  uint64_t *steps = NULL;
  size_t n = 0;
  path[0] = '\0';
  LS_TRY(list_steps(run_directory, &steps, &n));
  for (size_t i = 0; i < n; i++) {
    ls_model *model = NULL;
    ls__standing standing;
    double *sums = NULL;
    ls__checkpoint_path(run_directory, steps[i], path, bytes);
    st = ls__checkpoint_load(path, &model, &standing, &sums);
    ls_model_destroy(model);
    ls__free(sums);
    if (st == LS_OK) break;
    if (st == LS_ENOMEM) goto out;
    fprintf(stderr, "lockstep: passing over a damaged checkpoint: %s\n", ls_error_message());
    path[0] = '\0';
    st = LS_OK;
  }
out:
  ls__free(steps);
  return st;
}

/* Delete temporary files: only this run writes here, and it has none open now. */
static void remove_temporary(const char *run_directory) {
  char path[4096];
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

void ls__checkpoint_prune(const char *run_directory, uint64_t step, size_t keep) {
  uint64_t *steps = NULL;
  size_t n = 0, kept = 0;
  remove_temporary(run_directory);
  if (list_steps(run_directory, &steps, &n) == LS_OK)
    for (size_t i = 0; i < n; i++) {
      char path[4096];
      if (steps[i] <= step && kept++ < keep) continue;
      ls__checkpoint_path(run_directory, steps[i], path, sizeof path);
      (void)unlink(path);
    }
  ls__free(steps);
}

static bool is_directory(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static ls_status load(const char *path, ls_model **model) {
  ls_status st = ls__checkpoint_load(path, model, NULL, NULL);
  if (st == LS_OK) ls__checkpoint_tell(path, *model);
  return st;
}

ls_status ls_model_load(const char *path, ls_model **model) {
  char file[4096];
  *model = NULL;
  if (strlen(path) > sizeof file - 100)
    return ls__fail(LS_EIO, "%.200s...: the path is too long", path);
  if (!is_directory(path)) return load(path, model);
  static const char *const choice[] = {"final", "best"};
  for (size_t i = 0; i < 2; i++) {
    struct stat s;
    snprintf(file, sizeof file, "%s/checkpoints/%s.h5", path, choice[i]);
    if (stat(file, &s) == 0) return load(file, model);
  }
  ls_status st = ls__checkpoint_newest(path, file, sizeof file);
  if (st != LS_OK) return st;
  if (file[0] == '\0')
    return ls__fail(LS_EIO, "%s: there is no checkpoint in this run directory", path);
  return load(file, model);
}

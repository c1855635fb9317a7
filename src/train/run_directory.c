/* The run directory: made, locked, moved aside, and its files written whole (run_directory.h). */
#include "train/run_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* mkdir -p */
static ls_status make_folder(const char *path) {
  char part[4096];
  size_t n = strlen(path);
  if (n == 0 || n >= sizeof part) return ls__fail(LS_EIO, "output: \"%s\" is no path", path);
  for (size_t i = 1; i <= n; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    if (mkdir(part, 0777) != 0 && errno != EEXIST)
      return ls__fail(LS_EIO, "%s: the output directory cannot be made: %s", part, strerror(errno));
  }
  struct stat s;
  if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode))
    return ls__fail(LS_EIO, "%s: the output directory cannot be made: %s", path, strerror(ENOTDIR));
  return LS_OK;
}

/* A run holds a lock on its metrics.jsonl, which the system takes back when the process ends, however
 * it ends.  On file systems without locks the run goes on without one. */
static ls_status lock_run(const char *output, const char *path, FILE *file) {
  struct flock lock;
  struct stat mine, there;
  memset(&lock, 0, sizeof lock);
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  bool busy = fcntl(fileno(file), F_SETLK, &lock) != 0 && (errno == EACCES || errno == EAGAIN);
  if (!busy && path != NULL) /* replaced by another run since it was opened */
    busy = fstat(fileno(file), &mine) != 0 || stat(path, &there) != 0 || mine.st_ino != there.st_ino;
  return busy ? ls__fail(LS_EIO, "output: %s: another run is writing there", output) : LS_OK;
}

/* A run that is there already is never overwritten: it becomes OUTPUT.1, OUTPUT.2, ... */
static ls_status move_old(const char *output, FILE *out) {
  ls_status st = LS_OK;
  char path[4096], folder[LS__MOST_OUTPUT + 1], to[4096];
  struct stat s;
  size_t n = strlen(output);
  while (n > 1 && output[n - 1] == '/') n--;
  snprintf(folder, sizeof folder, "%.*s", (int)n, output);
  snprintf(path, sizeof path, "%s/checkpoints", folder);
  bool there = stat(path, &s) == 0;
  snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
  FILE *old = fopen(path, "r+");
  if (old == NULL && !there) return LS_OK;
  if (old != NULL) LS_TRY(lock_run(folder, path, old));
  for (int k = 1; k < 1000000; k++) {
    int length = snprintf(to, sizeof to, "%s.%d", folder, k);
    if (length < 0 || (size_t)length >= sizeof to) break;
    if (lstat(to, &s) == 0) continue;
    if (rename(folder, to) != 0)
      LS_FAIL(LS_EIO, "%s: the earlier run cannot be moved to %s: %s", folder, to, strerror(errno));
    if (out != NULL) fprintf(out, "the earlier run in %s is now in %s\n", folder, to);
    goto out;
  }
  LS_FAIL(LS_EIO, "%s: too many earlier runs", folder);
out:
  if (old != NULL) (void)fclose(old);
  return st;
}

ls_status ls__run_write(const char *path, const char *text) {
  char temporary[4096];
  snprintf(temporary, sizeof temporary, "%s.partial", path);
  FILE *file = fopen(temporary, "w");
  if (file == NULL) return ls__fail(LS_EIO, "%s: cannot be written: %s", temporary, strerror(errno));
  int bad = fputs(text, file) < 0;
  bad |= fclose(file) != 0;
  if (bad || rename(temporary, path) != 0) {
    ls_status st = ls__fail(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
    (void)unlink(temporary);
    return st;
  }
  return LS_OK;
}

/* Take up an earlier run's metrics.jsonl with its lines up to `step`; later ones come again. */
static ls_status resume_metrics(const char *output, const char *path, uint64_t step, FILE **out) {
  ls_status st = LS_OK;
  char temporary[4096], *line = NULL;
  size_t room = 0;
  FILE *old = fopen(path, "r+"), *kept = NULL;
  if (old == NULL) {
    *out = fopen(path, "a");
    return *out != NULL ? lock_run(output, path, *out)
                        : ls__fail(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
  }
  LS_TRY(lock_run(output, path, old));
  snprintf(temporary, sizeof temporary, "%s.partial", path);
  kept = fopen(temporary, "w");
  if (kept == NULL) LS_FAIL(LS_EIO, "%s: cannot be written: %s", temporary, strerror(errno));
  LS_TRY(lock_run(output, NULL, kept)); /* before anybody can see it under its name */
  while (getline(&line, &room, old) > 0) {
    const char *at = strstr(line, "\"step\":");
    if (at == NULL || strchr(line, '\n') == NULL || strtoull(at + 7, NULL, 10) > step) continue;
    fputs(line, kept);
  }
  if (fflush(kept) != 0 || ferror(kept) || rename(temporary, path) != 0) {
    st = ls__fail(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
    (void)unlink(temporary);
    goto out;
  }
  *out = kept;
  kept = NULL;
out:
  free(line);
  if (kept != NULL) (void)fclose(kept);
  (void)fclose(old);
  return st;
}

ls_status ls__run_open(const char *output, bool resume, uint64_t step, FILE *out, FILE **metrics) {
  ls_status st = LS_OK;
  char path[4096];
  if (!resume) LS_TRY(move_old(output, out));
  snprintf(path, sizeof path, "%s/checkpoints", output);
  LS_TRY(make_folder(path));
  snprintf(path, sizeof path, "%s/metrics.jsonl", output);
  LS_TRY(resume_metrics(output, path, step, metrics));
out:
  return st;
}

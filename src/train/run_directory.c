/* The run directory: made, locked, moved aside, and its files written whole (run_directory.h). */
#include "train/run_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

/* A run holds a lock on its metrics.jsonl, which the system takes back when the process ends,
 * however it ends.  On file systems without locks the run goes on without one. */
static ls_status lock_run(const char *output, const char *path, FILE *file) {
  struct flock lock;
  struct stat mine, there;
  memset(&lock, 0, sizeof lock);
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  bool busy = fcntl(fileno(file), F_SETLK, &lock) != 0 && (errno == EACCES || errno == EAGAIN);
  if (!busy && path != NULL) /* replaced by another run since it was opened */
    busy = fstat(fileno(file), &mine) != 0 || stat(path, &there) != 0 ||
           mine.st_ino != there.st_ino;
  return busy ? ls__fail(LS_EIO, "output: %s: another run is writing there", output) : LS_OK;
}

/* A run that is there already is never overwritten: it becomes OUTPUT.1, OUTPUT.2, ...  Where the
 * output is a link, what it names does, on its own disk, and the link stays. */
static ls_status move_old(const char *output, FILE *out) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH], folder[LS__FILE_PATH], to[LS__FILE_PATH];
  struct stat s;
  FILE *old = NULL;
  LS_TRY(ls__file_target(output, folder));
  if (strlen(folder) > LS__MOST_OUTPUT)
    LS_FAIL(LS_EIO, "output: \"%.100s...\" is too long a path", folder);
  snprintf(path, sizeof path, "%.*s/checkpoints", LS__MOST_OUTPUT, folder);
  bool there = stat(path, &s) == 0;
  snprintf(path, sizeof path, "%.*s/metrics.jsonl", LS__MOST_OUTPUT, folder);
  old = fopen(path, "r+");
  if (old == NULL && !there) goto out;
  if (old != NULL) LS_TRY(lock_run(output, path, old));
  for (int k = 1; k < 1000000; k++) {
    int length = snprintf(to, sizeof to, "%s.%d", folder, k);
    if (length < 0 || (size_t)length >= sizeof to) break;
    if (lstat(to, &s) == 0) continue;
    if (rename(folder, to) != 0)
      LS_FAIL(LS_EIO, "%s: the earlier run cannot be moved to %s: %s", folder, to, strerror(errno));
    if (out != NULL) {
      fputs("the earlier run in ", out);
      ls__text_put(out, output);
      fputs(" is now in ", out);
      ls__text_put(out, to);
      fputc('\n', out);
    }
    goto out;
  }
  LS_FAIL(LS_EIO, "%s: too many earlier runs", folder);
out:
  if (old != NULL) (void)fclose(old);
  return st;
}

ls_status ls__run_write(const char *path, const char *text) {
  ls_status st = LS_OK;
  char target[LS__FILE_PATH], temporary[LS__FILE_PATH + 16];
  LS_TRY(ls__file_target(path, target));
  snprintf(temporary, sizeof temporary, "%s.partial", target);
  FILE *file = fopen(temporary, "w");
  if (file == NULL) LS_FAIL(LS_EIO, "%s: cannot be written: %s", temporary, strerror(errno));
  (void)fputs(text, file);
  if (!ls__file_close(file) || rename(temporary, target) != 0) {
    st = ls__fail(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
    (void)unlink(temporary);
  }
out:
  return st;
}

/* Take up an earlier run's metrics.jsonl with its lines up to `step`; later ones come again. */
static ls_status resume_metrics(const char *output, const char *path, uint64_t step, FILE **out) {
  ls_status st = LS_OK;
  char target[LS__FILE_PATH], temporary[LS__FILE_PATH + 16], *line = NULL;
  size_t room = 0;
  FILE *old = fopen(path, "r+"), *kept = NULL;
  if (old == NULL) {
    *out = fopen(path, "a");
    return *out != NULL ? lock_run(output, path, *out)
                        : ls__fail(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
  }
  LS_TRY(lock_run(output, path, old));
  LS_TRY(ls__file_target(path, target));
  snprintf(temporary, sizeof temporary, "%s.partial", target);
  kept = fopen(temporary, "w");
  if (kept == NULL) LS_FAIL(LS_EIO, "%s: cannot be written: %s", temporary, strerror(errno));
  LS_TRY(lock_run(output, NULL, kept)); /* before anybody can see it under its name */
  while (getline(&line, &room, old) > 0) {
    const char *at = strstr(line, "\"step\":");
    if (at == NULL || strchr(line, '\n') == NULL || strtoull(at + 7, NULL, 10) > step) continue;
    fputs(line, kept);
  }
  if (fflush(kept) != 0 || ferror(kept) || fsync(fileno(kept)) != 0 ||
      rename(temporary, target) != 0) {
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
  char path[LS__FILE_PATH];
  if (!resume) LS_TRY(move_old(output, out));
  snprintf(path, sizeof path, "%s/checkpoints", output);
  LS_TRY(ls__file_make_folder(path));
  snprintf(path, sizeof path, "%s/metrics.jsonl", output);
  LS_TRY(resume_metrics(output, path, step, metrics));
out:
  return st;
}

/* The run directory: made, locked, moved aside, and its files written whole (run_directory.h). */
#include "train/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "checkpoint/checkpoint.h"

/* A run holds a lock on its metrics.jsonl, which the system takes back when the process ends,
 * however it ends: that of a run that was killed bars nobody. */
typedef enum held { MINE, BUSY, MOVED, UNKNOWN } held;

static int ask(int fd, int command, short type, struct flock *lock) {
  memset(lock, 0, sizeof *lock);
  lock->l_type = type;
  lock->l_whence = SEEK_SET;
  return fcntl(fd, command, lock);
}

/* MOVED: it is no longer the file of this path, another run has put the directory aside or begun
 * there.  UNKNOWN: the system doesn't say, but errno why.  On file systems without locks the run goes on without one, and says so. */
static held lock_file(const char *path, int fd, bool writable) {
  struct flock lock;
  struct stat mine, there;
  if (ask(fd, F_SETLK, writable ? F_WRLCK : F_RDLCK, &lock) != 0) {
    if (errno == EACCES || errno == EAGAIN) return BUSY;
    fprintf(stderr,
            "lockstep: note: %s: can't be locked (%s): another run that writes there would not be "
            "noticed\n",
            path, strerror(errno));
  }
  if (fstat(fd, &mine) != 0) return UNKNOWN;
  if (stat(path, &there) != 0) return ls__file_is_none(errno) ? MOVED : UNKNOWN;
  return mine.st_ino == there.st_ino && mine.st_dev == there.st_dev ? MINE : MOVED;
}

static ls_status fail_busy(const char *output) {
  return ls__fail(LS_EIO, "output: %s: another run is writing there", output);
}

/* Deleted, or replaced, since this run chose its checkpoint. */
static ls_status fail_changed(const char *output) {
  return ls__fail(LS_EIO,
                  "output: %s: another run was there meanwhile and has other checkpoints now: run "
                  "this again",
                  output);
}

ls_status ls__run_blame(const char *output, const char *checkpoint, ls_status st) {
  char path[LS__FILE_PATH];
  struct flock lock;
  struct stat s;
  if (output == NULL || (st != LS_EIO && st != LS_ECHECKPOINT)) return st;
  if (snprintf(path, sizeof path, "%s/metrics.jsonl", output) >= (int)sizeof path) return st;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const bool busy = fd >= 0 && ask(fd, F_GETLK, F_WRLCK, &lock) == 0 && lock.l_type != F_UNLCK;
  if (fd >= 0) close(fd);
  if (busy) return fail_busy(output);
  const bool gone = checkpoint != NULL && lstat(checkpoint, &s) != 0 && errno == ENOENT;
  return gone ? fail_changed(output) : st;
}

/* Make the directory, or take the one that is there, with its metrics.jsonl locked.  One that can't be
 * written but read is good enough to be moved aside. */
static ls_status claim(const char *output, const char *path, bool to_write, FILE **metrics) {
  enum { TRIES = 100 };
  ls_status st = LS_OK;
  *metrics = NULL;
  for (int i = 0; i < TRIES; i++) {
    bool writable = true;
    LS_TRY(ls__file_make_folder(output));
    LS_TRY(ls__file_replaceable(path)); /* its lines are read, and written anew */
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0 && errno == ENOENT) continue; /* moved meanwhile */
    if (fd < 0 && !to_write && (errno == EACCES || errno == EROFS)) {
      writable = false;
      fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
      if (fd < 0) return LS_OK; /* nobody can say */
    }
    if (fd < 0) LS_FAIL(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
    const held how = lock_file(path, fd, writable);
    if (how == MINE) *metrics = fdopen(fd, writable ? "a+" : "r");
    if (how == MINE && *metrics != NULL) return LS_OK;
    const int error = errno;
    close(fd);
    if (how == BUSY) return fail_busy(output);
    if (how == UNKNOWN) LS_FAIL(LS_EIO, "%s: cannot be looked at: %s", path, strerror(error));
    if (how == MINE) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  }
  LS_FAIL(LS_EIO, "output: %s: other runs begin there all the time", output);
out:
  return st;
}

/* ---- What an earlier run left ---- */

/* Yes, no, or an error; what a link names that leads nowhere yet is not there. */
static ls_status is_there(const char *folder, const char *name, bool *there) {
  char path[LS__FILE_PATH];
  snprintf(path, sizeof path, "%.*s/%s", LS__MOST_OUTPUT, folder, name);
  return ls__file_there(path, there);
}

/* Whether its checkpoints/ has anything but half-written files. */
static ls_status has_files(const char *folder, bool *has) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH];
  snprintf(path, sizeof path, "%.*s/checkpoints", LS__MOST_OUTPUT, folder);
  DIR *directory = opendir(path);
  *has = false;
  if (directory == NULL && ls__file_is_none(errno)) return LS_OK;
  if (directory == NULL) return ls__fail(LS_EIO, "%s: cannot be listed: %s", path, strerror(errno));
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(directory);
    if (entry == NULL) break;
    const size_t n = strlen(entry->d_name);
    if (entry->d_name[0] == '.' || (n > 4 && strcmp(entry->d_name + n - 4, ".tmp") == 0)) continue;
    *has = true;
  }
  if (errno != 0) st = ls__fail(LS_EIO, "%s: cannot be listed: %s", path, strerror(errno));
  (void)closedir(directory);
  return st;
}

/* Whether there is a run that must be kept.  A new run keeps any that has begun; one that is to be
 * taken up again may have been killed before it had anything to lose. */
static ls_status holds_run(const ls__run_start *start, const char *folder, FILE *metrics,
                           bool *holds) {
  ls_status st = LS_OK;
  struct stat s;
  bool checkpoints, summary, files;
  LS_TRY(is_there(folder, "checkpoints", &checkpoints));
  LS_TRY(is_there(folder, "summary.json", &summary));
  LS_TRY(has_files(folder, &files));
  /* One that nobody may even read has some lines. */
  const bool lines = metrics == NULL || fstat(fileno(metrics), &s) != 0 || s.st_size > 0;
  *holds = summary || lines || files || (checkpoints && !start->resume);
out:
  return st;
}

/* It is never overwritten: it becomes OUTPUT.1, OUTPUT.2, ...  Where the output is a link, what it names
 * does, on its own disk, and the link stays. */
static ls_status move_old(const ls__run_start *start, const char *folder) {
  ls_status st = LS_OK;
  char to[LS__FILE_PATH];
  struct stat s;
  for (int k = 1; k < 1000000; k++) {
    int length = snprintf(to, sizeof to, "%s.%d", folder, k);
    if (length < 0 || (size_t)length >= sizeof to) break;
    if (lstat(to, &s) == 0) continue;
    if (rename(folder, to) != 0) {
      if (errno == ENOTEMPTY || errno == EEXIST) continue; /* another run was faster */
      LS_FAIL(LS_EIO, "%s: the earlier run cannot be moved to %s: %s", folder, to, strerror(errno));
    }
    FILE *out = start->resume ? stderr : start->out;
    if (out == NULL) goto out;
    fputs(start->resume ? "lockstep: resume: there is no checkpoint to go on from, so this run "
                          "begins "
                          "at step 0: "
                        : "",
          out);
    fputs("the earlier run in ", out);
    ls__text_put(out, start->output);
    fputs(" is now in ", out);
    ls__text_put(out, to);
    fputc('\n', out);
    goto out;
  }
  LS_FAIL(LS_EIO, "%s: too many earlier runs", folder);
out:
  return st;
}

/* The lock is held: is it still as it was when the checkpoint was chosen? */
static ls_status check_unchanged(const ls__run_start *start) {
  ls_status st = LS_OK;
  uint64_t *steps = NULL;
  size_t n = 0;
  LS_TRY(ls__checkpoint_steps(start->output, &steps, &n));
  if ((n > 0) != start->found || (n > 0 && steps[0] != start->newest))
    st = fail_changed(start->output);
out:
  ls__free(steps);
  return st;
}

ls_status ls__run_write(const char *path, const char *text) {
  ls_status st = LS_OK;
  char target[LS__FILE_PATH], temporary[LS__FILE_PATH + 40];
  LS_TRY(ls__file_target(path, target));
  LS_TRY(ls__file_replaceable(target));
  const int fd = ls__file_create_beside(target, "partial", temporary, sizeof temporary);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
  if (file == NULL) LS_FAIL(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
  (void)fputs(text, file);
  if (!ls__file_close(file) || rename(temporary, target) != 0) {
    st = ls__fail(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
    (void)unlink(temporary);
  }
out:
  return st;
}

/* Half-written files of a run that was killed.  The lock is held. */
static void remove_partial(const char *output) {
  DIR *directory = opendir(output);
  if (directory == NULL) return;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    const size_t n = strlen(entry->d_name);
    if (n > 8 && strcmp(entry->d_name + n - 8, ".partial") == 0)
      (void)unlinkat(dirfd(directory), entry->d_name, 0);
  }
  (void)closedir(directory);
}

/* Keep the lines of an earlier run up to `step`; later ones come again.  *metrics becomes the new file, and
 * is locked before anybody can see it under its name. */
static ls_status keep_lines(const char *path, uint64_t step, FILE **metrics) {
  ls_status st = LS_OK;
  char target[LS__FILE_PATH], temporary[LS__FILE_PATH + 16], *line = NULL;
  size_t room = 0;
  struct flock lock;
  FILE *kept = NULL;
  LS_TRY(ls__file_target(path, target));
  snprintf(temporary, sizeof temporary, "%s.partial", target);
  kept = fopen(temporary, "w");
  if (kept == NULL) LS_FAIL(LS_EIO, "%s: cannot be written: %s", temporary, strerror(errno));
  (void)ask(fileno(kept), F_SETLK, F_WRLCK, &lock);
  rewind(*metrics);
  while (getline(&line, &room, *metrics) > 0) {
    const char *at = strstr(line, "\"step\":");
    if (at == NULL || strchr(line, '\n') == NULL || strtoull(at + 7, NULL, 10) > step) continue;
    fputs(line, kept);
  }
  if (ferror(*metrics)) {
    st = ls__fail(LS_EIO, "%s: cannot be read: %s", path, strerror(errno));
    (void)unlink(temporary);
    goto out;
  }
  if (fflush(kept) != 0 || ferror(kept) || fsync(fileno(kept)) != 0 ||
      rename(temporary, target) != 0) {
    st = ls__fail(LS_EIO, "%s: cannot be written: %s", path, strerror(errno));
    (void)unlink(temporary);
    goto out;
  }
  (void)fclose(*metrics);
  *metrics = kept;
  kept = NULL;
out:
  free(line);
  if (kept != NULL) (void)fclose(kept);
  return st;
}

ls_status ls__run_open(const ls__run_start *start, FILE **metrics) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH], folder[LS__FILE_PATH], checkpoints[LS__FILE_PATH];
  bool holds = false;
  *metrics = NULL;
  LS_TRY(ls__file_target(start->output, folder));
  if (strlen(folder) > LS__MOST_OUTPUT)
    LS_FAIL(LS_EIO, "output: \"%.100s...\" is too long a path", folder);
  snprintf(path, sizeof path, "%s/metrics.jsonl", start->output);
  snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", start->output);
  if (!start->found) LS_TRY(ls__run_others(start, folder));
  LS_TRY(claim(start->output, path, start->found, metrics));
  if (start->resume) LS_TRY(check_unchanged(start));
  if (!start->found) LS_TRY(holds_run(start, folder, *metrics, &holds));
  if (holds) {
    LS_TRY(move_old(start, folder));
    if (*metrics != NULL) (void)fclose(*metrics); /* nobody took it for this run's meanwhile */
    *metrics = NULL;
  }
  if (holds || *metrics == NULL) LS_TRY(claim(start->output, path, true, metrics));
  LS_TRY(ls__file_make_folder(checkpoints));
  remove_partial(start->output);
  ls__checkpoint_tidy(start->output);
  if (start->found) LS_TRY(keep_lines(path, start->step, metrics));
out:
  if (st != LS_OK && *metrics != NULL) {
    (void)fclose(*metrics);
    *metrics = NULL;
  }
  return st;
}

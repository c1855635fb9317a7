/* Drawing pictures: gnuplot, as a process of its own, for one script after another.
 *
 * A process is started by posix_spawn, which hands over no memory; and the program calls this after
 * MPI_Finalize, when all results are on the disk, as some networks' drivers do not outlive another
 * process that has begun as a copy.  No shell takes part: paths are arguments, and what is a path
 * never begins with a sign that means something to gnuplot ("-" or "|"). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lockstep/pictures.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "train/pictures.h"

extern char **environ;

/* Pictures of one script; bytes of a picture's name. */
enum { MOST_FILES = 2, PICTURE = 2 * LS_NAME_BYTES };

/* Longer than any picture takes; then gnuplot hangs, and is not asked again. */
static const double most_seconds = 30;

static const char *program(void) {
  const char *name = getenv("GNUPLOT");
  return name != NULL ? name : "gnuplot";
}

bool ls__pictures_wanted(void) {
  return program()[0] != '\0';
}

/* What became of a picture. */
typedef enum outcome { DRAWN, FAILED, HANGS, ABSENT } outcome;

/* Wait for the process, at most so long. */
static outcome wait_for(pid_t pid) {
  const double start = ls__clock();
  const struct timespec pause = {0, 5000000};
  int status = 0;
  for (;;) {
    const pid_t done = waitpid(pid, &status, WNOHANG);
    if (done == pid && WIFEXITED(status) && WEXITSTATUS(status) == 127)
      return ABSENT; /* what some systems say of a program that isn't there */
    if (done == pid) return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? DRAWN : FAILED;
    if (done < 0 && errno != EINTR) return FAILED;
    if (ls__clock() - start > most_seconds) {
      (void)kill(pid, SIGKILL);
      (void)waitpid(pid, &status, 0);
      return HANGS;
    }
    (void)nanosleep(&pause, NULL);
  }
}

/* The last line that it said: where and what is wrong. */
static void take_words(FILE *said, char *why, size_t bytes) {
  char line[512], last[512] = "";
  rewind(said);
  while (fgets(line, sizeof line, said) != NULL) {
    line[strcspn(line, "\r\n")] = '\0';
    if (line[strspn(line, " \t^")] != '\0') memcpy(last, line, sizeof last);
  }
  (void)ls__text_show(last + strspn(last, " \t"), 200, why, bytes);
}

/* gnuplot -c SCRIPT PICTURE...; `why`: what it said, of a failure. */
static outcome run_gnuplot(const char *script, const char *const *picture, size_t n, char *why,
                           size_t bytes) {
  const char *words[3 + MOST_FILES + 1] = {program(), "-c", script};
  char *arguments[sizeof words / sizeof *words];
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t how;
  sigset_t defaults, none;
  pid_t pid;
  FILE *said = tmpfile();
  why[0] = '\0';
  for (size_t i = 0; i < n && i < MOST_FILES; i++) words[3 + i] = picture[i];
  memcpy(arguments, words, sizeof words);
  if (posix_spawn_file_actions_init(&actions) != 0) {
    if (said != NULL) (void)fclose(said);
    return FAILED;
  }
  if (posix_spawnattr_init(&how) != 0) {
    (void)posix_spawn_file_actions_destroy(&actions);
    if (said != NULL) (void)fclose(said);
    return FAILED;
  }
  sigemptyset(&defaults);
  sigemptyset(&none);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGXFSZ);
  (void)posix_spawnattr_setsigdefault(&how, &defaults);
  (void)posix_spawnattr_setsigmask(&how, &none);
  (void)posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  (void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  if (said != NULL)
    (void)posix_spawn_file_actions_adddup2(&actions, fileno(said), 2);
  else
    (void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  const bool started = posix_spawnp(&pid, program(), &actions, &how, arguments, environ) == 0;
  (void)posix_spawn_file_actions_destroy(&actions);
  (void)posix_spawnattr_destroy(&how);
  const outcome done = started ? wait_for(pid) : ABSENT;
  if (done == FAILED && said != NULL) take_words(said, why, bytes);
  if (done == HANGS) snprintf(why, bytes, "it took more than %.0f seconds", most_seconds);
  if (said != NULL) (void)fclose(said);
  return done;
}

/* The pixels of small images stay squares where a browser enlarges them: a property that all inside
 * of <svg> inherit.  False, and `from` as it was: the copy could not be made. */
static bool sharpen(const char *from, const char *to) {
  char text[1 << 14];
  FILE *in = fopen(from, "r"), *out = in == NULL ? NULL : fopen(to, "w");
  bool begun = false;
  for (size_t n; out != NULL && (n = fread(text, 1, sizeof text - 1, in)) > 0;) {
    text[n] = '\0';
    const char *tag = begun ? NULL : strstr(text, "<svg");
    const size_t before = tag == NULL ? 0 : (size_t)(tag - text) + 4;
    (void)fwrite(text, 1, before, out);
    if (tag != NULL) fputs(" style='image-rendering: pixelated'", out);
    (void)fwrite(text + before, 1, n - before, out);
    begun = true;
  }
  bool good = out != NULL && ferror(in) == 0 && ferror(out) == 0;
  if (in != NULL) (void)fclose(in);
  if (out != NULL && fclose(out) != 0) good = false;
  return good;
}

static bool ends_in(const char *path, const char *end) {
  const size_t n = strlen(path), k = strlen(end);
  return n > k && strcmp(path + n - k, end) == 0;
}

bool ls_picture_can_be(const char *path) {
  return ends_in(path, ".png") || ends_in(path, ".svg") || ends_in(path, ".pdf");
}

/* A new file of this process beside a picture, whose name ends as the picture's: gnuplot's script
 * goes by that.  False: too long. */
static bool beside(const char *path, const char *mark, char to[LS__FILE_PATH]) {
  const char *end = strrchr(path, '.');
  const int n = snprintf(to, LS__FILE_PATH, "%s%s.%ld%s%s", path[0] == '/' ? "" : "./", path,
                         (long)getpid(), mark, end != NULL ? end : "");
  return n > 0 && n < LS__FILE_PATH;
}

/* One script: all its pictures appear, whole, or none. */
static outcome draw(const char *script, const char *const *picture, size_t n, char *why,
                    size_t bytes) {
  char path[MOST_FILES][LS__FILE_PATH], sharp[LS__FILE_PATH];
  const char *paths[MOST_FILES] = {NULL};
  struct stat about;
  snprintf(why, bytes, "too long a path");
  for (size_t i = 0; i < n; i++) {
    if (!beside(picture[i], ".new", path[i])) return FAILED;
    paths[i] = path[i];
  }
  const outcome done = run_gnuplot(script, paths, n, why, bytes);
  bool drawn = done == DRAWN;
  for (size_t i = 0; i < n && drawn; i++) {
    drawn = stat(path[i], &about) == 0 && about.st_size > 0;
    if (!drawn && why[0] == '\0') snprintf(why, bytes, "it left no picture, and said nothing");
  }
  for (size_t i = 0; i < n && drawn; i++)
    if (ends_in(path[i], ".svg")) {
      drawn = beside(picture[i], ".sharp", sharp) && sharpen(path[i], sharp) &&
              rename(sharp, path[i]) == 0;
      if (!drawn) (void)unlink(sharp);
    }
  for (size_t i = 0; i < n && drawn; i++) {
    drawn = rename(path[i], picture[i]) == 0;
    if (!drawn) snprintf(why, bytes, "%.100s: %s", picture[i], strerror(errno));
  }
  for (size_t i = 0; i < n; i++) (void)unlink(path[i]);
  return done == DRAWN && !drawn ? FAILED : done;
}

/* What is to be done where there is no gnuplot. */
static ls_status is_absent(const char *scripts) {
  char shown[512];
  (void)ls__text_show(scripts, 300, shown, sizeof shown);
  return ls__fail(LS_EIO,
                  "no pictures: there is no %s here: install gnuplot (Debian and Ubuntu: "
                  "gnuplot-nox), or name it in the variable GNUPLOT; the data are kept as scripts: "
                  "%s",
                  program(), shown);
}

ls_status ls_picture_draw(const char *script, const char *const *picture, size_t n) {
  char why[512];
  if (!ls__pictures_wanted())
    return ls__fail(LS_EIO,
                    "no pictures: the variable GNUPLOT is empty; the data are kept as a "
                    "script: %s",
                    script);
  char path[LS__FILE_PATH];
  snprintf(path, sizeof path, "%s%.4000s", script[0] == '/' ? "" : "./", script);
  const outcome done = draw(path, picture, n < MOST_FILES ? n : MOST_FILES, why, sizeof why);
  if (done == ABSENT) return is_absent(script);
  if (done == DRAWN) return LS_OK;
  return ls__fail(LS_EIO, "%s: not drawn by gnuplot: %s; its script: %s", picture[0],
                  why[0] != '\0' ? why : "it said nothing", script);
}

/* A folder's script NAME.gp. */
static outcome draw_named(const char *folder, const char *name, char *why, size_t bytes) {
  enum { SCRIPT, PNG, SVG, PATHS };
  static const char *const ends[PATHS] = {".gp", ".png", ".svg"};
  char path[PATHS][LS__FILE_PATH];
  snprintf(why, bytes, "too long a path");
  for (int i = 0; i < PATHS; i++) {
    const int n = snprintf(path[i], sizeof path[i], "%s%s/%s%s", folder[0] == '/' ? "" : "./",
                           folder, name, ends[i]);
    if (n < 0 || (size_t)n >= sizeof path[i]) return FAILED;
  }
  const char *const pictures[] = {path[PNG], path[SVG]};
  return draw(path[SCRIPT], pictures, 2, why, bytes);
}

static int by_name(const void *a, const void *b) {
  return strcmp(a, b);
}

/* "confusion, predictions": those that are drawn, or those that are not. */
static void list_names(char (*names)[PICTURE], const bool *drawn, size_t n, bool wanted,
                       FILE *out) {
  for (size_t i = 0, shown = 0; i < n; i++) {
    if (drawn[i] != wanted) continue;
    if (shown++ > 0) fputs(", ", out);
    ls__text_put(out, names[i]);
  }
}

static ls_status tell_failures(const char *folder, char (*names)[PICTURE], const bool *drawn,
                               size_t n, const char *why) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *list = open_memstream(&text, &bytes);
  if (list == NULL) return ls__fail(LS_ENOMEM, "pictures: out of memory");
  list_names(names, drawn, n, false, list);
  ls_status st = fclose(list) != 0
                     ? ls__fail(LS_ENOMEM, "pictures: out of memory")
                     : ls__fail(LS_EIO, "not drawn by gnuplot: %.300s: %s; the scripts are in %s",
                                text, why[0] != '\0' ? why : "it said nothing", folder);
  free(text);
  return st;
}

ls_status ls_pictures_draw(const char *folder, FILE *out) {
  enum { MOST = 64 };
  char names[MOST][PICTURE], why[512], first[512] = "";
  bool drawn[MOST] = {false};
  size_t n = 0, good = 0;
  outcome last = DRAWN;
  DIR *dir = opendir(folder);
  if (dir == NULL || !ls__pictures_wanted()) {
    if (dir != NULL) (void)closedir(dir);
    return LS_OK;
  }
  for (const struct dirent *entry; n < MOST && (entry = readdir(dir)) != NULL;) {
    const size_t size = strlen(entry->d_name);
    if (size < 4 || size - 3 >= PICTURE || entry->d_name[0] == '.' ||
        strcmp(entry->d_name + size - 3, ".gp") != 0)
      continue;
    memcpy(names[n], entry->d_name, size - 3);
    names[n++][size - 3] = '\0';
  }
  (void)closedir(dir);
  qsort(names, n, sizeof *names, by_name);
  for (size_t i = 0; i < n && last < HANGS; i++) {
    last = draw_named(folder, names[i], why, sizeof why);
    drawn[i] = last == DRAWN;
    good += drawn[i];
    if (last != DRAWN && first[0] == '\0') memcpy(first, why, sizeof first);
  }
  if (last == ABSENT) return is_absent(folder);
  if (out != NULL && good > 0) {
    fputs("pictures: ", out);
    list_names(names, drawn, n, true, out);
    fputs(" (.png, .svg) in ", out);
    ls__text_put(out, folder);
    fputc('\n', out);
    fflush(out);
  }
  return good < n ? tell_failures(folder, names, drawn, n, first) : LS_OK;
}

/* ---- With characters ---- */

ls_status ls_curves_print(const char *const *runs, size_t n, const ls_picture_style *style,
                          unsigned columns, FILE *out) {
  ls_status st = LS_OK;
  enum { SCRIPT, TEXT, FILES };
  char path[FILES][LS__FILE_PATH], why[512], part[4096];
  const char *place = getenv("TMPDIR");
  bool made[FILES] = {false};
  FILE *in = NULL;
  for (int i = 0; i < FILES; i++) {
    snprintf(path[i], sizeof path[i], "%.4000s/lockstep-curves-XXXXXX",
             place != NULL && place[0] == '/' ? place : "/tmp");
    const int fd = mkstemp(path[i]);
    if (fd < 0) LS_FAIL(LS_EIO, "%s: %s", path[i], strerror(errno));
    (void)close(fd);
    made[i] = true;
  }
  LS_TRY(ls__curves_script(runs, n, style, columns, path[SCRIPT]));
  const char *const texts[] = {path[TEXT]};
  const outcome done = ls__pictures_wanted() ? run_gnuplot(path[SCRIPT], texts, 1, why, sizeof why)
                                             : ABSENT;
  if (done == ABSENT)
    LS_FAIL(LS_EIO,
            "no curves: there is no %s here: install gnuplot (Debian and Ubuntu: "
            "gnuplot-nox), or name it in the variable GNUPLOT",
            program()[0] != '\0' ? program() : "gnuplot (GNUPLOT is empty)");
  in = done == DRAWN ? fopen(path[TEXT], "r") : NULL;
  if (in == NULL)
    LS_FAIL(LS_EIO, "no curves: gnuplot failed: %s", why[0] != '\0' ? why : "it said nothing");
  for (size_t k; (k = fread(part, 1, sizeof part, in)) > 0;) (void)fwrite(part, 1, k, out);
out:
  if (in != NULL) (void)fclose(in);
  for (int i = 0; i < FILES; i++)
    if (made[i]) (void)unlink(path[i]);
  return st;
}

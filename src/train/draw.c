/* Drawing the pictures of a run directory: gnuplot, as a process of its own, for one script after
 * another.
 *
 * A process is started by posix_spawn, which hands over no memory; and the program calls this after
 * MPI_Finalize, when all results are on the disk, as some networks' drivers do not outlive another
 * process that has begun as a copy.  No shell takes part: paths are arguments, and what is a path
 * never begins with a sign that means something to gnuplot ("-" or "|"). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lockstep/train.h>
#include <signal.h>
#include <spawn.h>
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

/* gnuplot -c SCRIPT PNG SVG, in silence. */
static outcome run_gnuplot(const char *script, const char *png, const char *svg) {
  const char *const words[] = {program(), "-c", script, png, svg, NULL};
  char *arguments[sizeof words / sizeof *words];
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t how;
  sigset_t defaults, none;
  pid_t pid;
  memcpy(arguments, words, sizeof words);
  if (posix_spawn_file_actions_init(&actions) != 0) return FAILED;
  if (posix_spawnattr_init(&how) != 0) {
    (void)posix_spawn_file_actions_destroy(&actions);
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
  (void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  const bool started = posix_spawnp(&pid, program(), &actions, &how, arguments, environ) == 0;
  (void)posix_spawn_file_actions_destroy(&actions);
  (void)posix_spawnattr_destroy(&how);
  return started ? wait_for(pid) : ABSENT;
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

/* One script: both pictures appear, whole, or none. */
static outcome draw(const char *folder, const char *name) {
  enum { SCRIPT, PNG, SVG, NEW_PNG, NEW_SVG, SHARP, PATHS };
  static const char *const ends[PATHS] = {".gp", ".png", ".svg", ".new.png", ".new.svg", ".new"};
  char path[PATHS][LS__FILE_PATH];
  struct stat about;
  for (int i = 0; i < PATHS; i++) {
    char own[32] = ""; /* another process may draw the same */
    if (i >= NEW_PNG) snprintf(own, sizeof own, ".%ld", (long)getpid());
    const int n = snprintf(path[i], sizeof path[i], "%s%s/%s%s%s", folder[0] == '/' ? "" : "./",
                           folder, name, own, ends[i]);
    if (n < 0 || (size_t)n >= sizeof path[i]) return FAILED;
  }
  const outcome done = run_gnuplot(path[SCRIPT], path[NEW_PNG], path[NEW_SVG]);
  bool drawn = done == DRAWN;
  for (int i = 0; i < 2 && drawn; i++)
    drawn = stat(path[NEW_PNG + i], &about) == 0 && about.st_size > 0;
  if (drawn) drawn = rename(path[NEW_PNG], path[PNG]) == 0;
  if (drawn) drawn = sharpen(path[NEW_SVG], path[SHARP]) && rename(path[SHARP], path[SVG]) == 0;
  for (int i = NEW_PNG; i < PATHS; i++) (void)unlink(path[i]);
  return done == DRAWN && !drawn ? FAILED : done;
}

static int by_name(const void *a, const void *b) {
  return strcmp(a, b);
}

void ls_pictures_draw(const char *folder, FILE *out) {
  enum { MOST = 64, NAME = 2 * LS_NAME_BYTES };
  char names[MOST][NAME];
  bool drawn[MOST] = {false};
  size_t n = 0, good = 0;
  outcome last = DRAWN;
  DIR *dir = opendir(folder);
  if (dir == NULL || !ls__pictures_wanted()) {
    if (dir != NULL) (void)closedir(dir);
    return;
  }
  for (const struct dirent *entry; n < MOST && (entry = readdir(dir)) != NULL;) {
    const size_t size = strlen(entry->d_name);
    if (size < 4 || size - 3 >= NAME || entry->d_name[0] == '.' ||
        strcmp(entry->d_name + size - 3, ".gp") != 0)
      continue;
    memcpy(names[n], entry->d_name, size - 3);
    names[n++][size - 3] = '\0';
  }
  (void)closedir(dir);
  qsort(names, n, sizeof *names, by_name);
  for (size_t i = 0; i < n && last < HANGS; i++) {
    last = draw(folder, names[i]);
    drawn[i] = last == DRAWN;
    good += drawn[i];
  }
  if (n == 0 || out == NULL) return;
  if (last == ABSENT) {
    fprintf(out, "no pictures: there is no %s here (lockstep plot draws them where there is)\n",
            program());
    return;
  }
  for (int wanted = good > 0; wanted >= 0; wanted--) {
    if (!wanted && good == n) break;
    fputs(wanted     ? "pictures: "
          : good > 0 ? "; not drawn by gnuplot: "
                     : "no pictures by gnuplot: ",
          out);
    for (size_t i = 0, shown = 0; i < n; i++) {
      if (drawn[i] != (wanted == 1)) continue;
      if (shown++ > 0) fputs(", ", out);
      ls__text_put(out, names[i]);
    }
    fputs(wanted ? " (.png, .svg) in " : "", out);
    if (wanted) ls__text_put(out, folder);
  }
  fputc('\n', out);
  fflush(out);
}

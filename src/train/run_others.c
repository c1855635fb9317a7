/* Whether a run directory that would be moved aside, or written over, is a run's
 * (run_directory.h). */
#define _XOPEN_SOURCE 700 /* realpath */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "train/run_directory.h"

static bool stat_in(const char *folder, const char *name, struct stat *s) {
  char path[LS__FILE_PATH];
  const int n = snprintf(path, sizeof path, "%s/%s", folder, name);
  return n > 0 && (size_t)n < sizeof path && stat(path, s) == 0;
}

static bool has(const char *folder, const char *name) {
  struct stat s;
  return stat_in(folder, name, &s);
}

static bool has_bytes(const char *folder, const char *name) {
  struct stat s;
  return stat_in(folder, name, &s) && s.st_size > 0;
}

/* Whether a file's first bytes have these somewhere. */
static bool says(const char *folder, const char *name, const char *what) {
  char path[LS__FILE_PATH], text[4096];
  const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *in = length > 0 && (size_t)length < sizeof path ? fopen(path, "r") : NULL;
  if (in == NULL) return false;
  const size_t n = fread(text, 1, sizeof text - 1, in);
  (void)fclose(in);
  text[n] = '\0';
  return strstr(text, what) != NULL;
}

/* Files of checkpoints/; *ours: one of them is called as a run calls them. */
static size_t look_at_checkpoints(const char *folder, bool *ours) {
  static const char *const names[] = {"step-", "final.h5", "best.h5"};
  char path[LS__FILE_PATH];
  size_t n = 0;
  *ours = false;
  if (snprintf(path, sizeof path, "%s/checkpoints", folder) >= (int)sizeof path) return 0;
  DIR *directory = opendir(path);
  if (directory == NULL) return 0;
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    n++;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
      if (strncmp(entry->d_name, names[i], strlen(names[i])) == 0) *ours = true;
  }
  (void)closedir(directory);
  return n;
}

/* What a run makes before anything else are metrics.jsonl and config.yaml, in this order. */
static bool is_run(const char *folder, bool checkpoints) {
  return checkpoints || (has(folder, "config.yaml") && has(folder, "metrics.jsonl")) ||
         says(folder, "metrics.jsonl", "\"step\":") || says(folder, "summary.json", "weights_hash");
}

/* Whether a path is the folder or in it, links followed. */
static bool is_inside(const char *folder, const char *path) {
  char outer[LS__FILE_PATH], inner[LS__FILE_PATH];
  if (path == NULL || realpath(folder, outer) == NULL || realpath(path, inner) == NULL)
    return false;
  const size_t n = strlen(outer);
  return strncmp(outer, inner, n) == 0 && (inner[n] == '\0' || inner[n] == '/' || n == 1);
}

ls_status ls__run_others(const ls__run_start *start, const char *folder) {
  ls_status st = LS_OK;
  static const char cure[] = "give another output, such as output: runs/NAME";
  bool ours;
  const size_t files = look_at_checkpoints(folder, &ours);
  const bool moves = files > 0 || has(folder, "summary.json") || has_bytes(folder, "metrics.jsonl");
  if (!is_run(folder, ours)) {
    if (moves || has(folder, "config.yaml"))
      LS_FAIL(LS_ECONFIG, "output: %s: holds a %s, and it is not of a run of lockstep: %s",
              start->output,
              has(folder, "summary.json")  ? "summary.json"
              : has(folder, "config.yaml") ? "config.yaml"
              : files > 0                  ? "checkpoints/"
                                           : "metrics.jsonl",
              cure);
    goto out;
  }
  if (!moves) goto out;
  if (is_inside(folder, "."))
    LS_FAIL(LS_ECONFIG,
            "output: %s: there is a run, and it would be moved aside with the directory that this "
            "one is started in: %s",
            start->output, cure);
  if (is_inside(folder, start->data))
    LS_FAIL(LS_ECONFIG, "output: %s: there is a run, and it would be moved aside with %s: %s",
            start->output, start->data, cure);
out:
  return st;
}

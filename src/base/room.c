/* Limits of memory, by getrlimit, /proc and /sys/fs/cgroup (room.h). */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "base/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { PATH = 700 };

static double number_in(const char *path) {
  double x = -1;
  FILE *in = fopen(path, "r");
  if (in == NULL) return -1;
  if (fscanf(in, "%lf", &x) != 1) x = -1; /* "max": no limit */
  fclose(in);
  return x;
}

/* The number after `word` at the start of a line, or -1. */
static double number_after(const char *path, const char *word) {
  char line[256];
  double x = -1;
  FILE *in = fopen(path, "r");
  if (in == NULL) return -1;
  while (x < 0 && fgets(line, sizeof line, in) != NULL)
    if (strncmp(line, word, strlen(word)) == 0) x = strtod(line + strlen(word), NULL);
  fclose(in);
  return x;
}

/* ---- The process ---- */

static void take_limit(ls__room *room, const struct rlimit *limit, const char *name, double used) {
  if (limit->rlim_cur == RLIM_INFINITY || used < 0) return;
  double left = (double)limit->rlim_cur - used;
  if (left < 0) left = 0;
  if (room->left >= 0 && room->left <= left) return;
  room->left = left;
  snprintf(room->text, sizeof room->text, "%s is %.0f MB, of which %.0f MB are taken", name,
           (double)limit->rlim_cur / 1e6, used / 1e6);
}

void ls__room_of_process(ls__room *room) {
  static const char *const status = "/proc/self/status";
  struct rlimit limit;
  *room = (ls__room){.left = -1};
#if defined(RLIMIT_AS)
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    take_limit(room, &limit, "ulimit -v", number_after(status, "VmSize:") * 1024);
#endif
  if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    take_limit(room, &limit, "ulimit -d", number_after(status, "VmData:") * 1024);
}

/* ---- Control groups and the machine ---- */

/* What a group leaves: its limit less what it uses; the cache of its files can be dropped. */
static void take_group(ls__room *room, const char *folder, const char *name, bool second,
                       double swap) {
  const char *key = second ? "memory.max" : "memory.limit_in_bytes";
  char path[PATH + 32];
  snprintf(path, sizeof path, "%s/%s", folder, key);
  const double limit = number_in(path);
  snprintf(path, sizeof path, "%s/%s", folder, second ? "memory.current" : "memory.usage_in_bytes");
  const double used = number_in(path);
  if (limit < 0 || limit > 1e18 || used < 0) return; /* version 1 writes 2^63 for no limit */
  snprintf(path, sizeof path, "%s/memory.stat", folder);
  const double young = number_after(path, second ? "active_file " : "total_active_file "),
               old = number_after(path, second ? "inactive_file " : "total_inactive_file ");
  const double held = used - (young > 0 ? young : 0) - (old > 0 ? old : 0);
  double left = limit - held + swap;
  if (left < 0) left = 0;
  if (room->left >= 0 && room->left <= left) return;
  room->left = left;
  snprintf(room->text, sizeof room->text,
           "%s of the control group %.*s is %.0f MB, of which %.0f MB "
           "are taken",
           key, 120, *name != '\0' ? name : "/", limit / 1e6, held / 1e6);
}

/* A batch system confines a job by control groups, each within its parents. */
static void take_groups(ls__room *room, const char *root, double swap) {
  char line[400], folder[PATH];
  snprintf(folder, sizeof folder, "%s/proc/self/cgroup", root);
  FILE *in = fopen(folder, "r");
  if (in == NULL) return;
  while (fgets(line, sizeof line, in) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    const char *first = strchr(line, ':');
    const char *path = first == NULL ? NULL : strchr(first + 1, ':');
    if (path == NULL) continue;
    const bool second = strncmp(line, "0::", 3) == 0;
    if (!second && strncmp(first, ":memory:", 8) != 0) continue;
    snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s", root, second ? "" : "/memory");
    const size_t top = strlen(folder);
    if (strlen(root) + strlen(path + 1) + 32 < sizeof folder) strcat(folder, path + 1);
    while (strlen(folder) >= top) {
      take_group(room, folder, folder + top, second, swap);
      char *slash = strrchr(folder, '/');
      if (slash == NULL) break;
      *slash = '\0';
    }
  }
  fclose(in);
}

void ls__room_of_machine(const char *root, bool swap, ls__room *room) {
  char path[PATH];
  snprintf(path, sizeof path, "%s/proc/meminfo", root);
  double left = number_after(path, "MemAvailable:") * 1024, swapped = 0;
  const double all = number_after(path, "MemTotal:") * 1024;
  if (swap) swapped = number_after(path, "SwapFree:") * 1024;
  if (swapped < 0) swapped = 0;
  *room = (ls__room){.left = -1};
  if (left >= 0) {
    room->left = left + swapped;
    snprintf(room->text, sizeof room->text,
             "the machine has %.0f MB of memory, of which %.0f MB are left", all / 1e6, left / 1e6);
  }
  take_groups(room, root, swapped);
}

/* ---- Asking ---- */

bool ls__room_is_short(size_t bytes) {
  void *there = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (there == MAP_FAILED) return true;
  (void)munmap(there, bytes);
  return false;
}

bool ls__room_holds(size_t bytes) {
  ls__room room;
  ls__room_of_machine("", true, &room);
  return room.left < 0 || room.left >= (double)bytes;
}

void ls__room_why(size_t bytes, char text[LS__ROOM_TEXT]) {
  ls__room room;
  text[0] = '\0';
  ls__room_of_machine("", true, &room);
  if (room.left < 0 || room.left >= (double)bytes) ls__room_of_process(&room);
  /* Of address space some is lost between what is there: a little less than is left doesn't fit. */
  if (room.left >= 0 && room.left < (double)bytes * 1.25 + 32e6)
    memcpy(text, room.text, LS__ROOM_TEXT);
}

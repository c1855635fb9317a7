/* What /proc and /sys say of the machine: processor, memory, and limits on both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/doctor.h"

enum { PATH = 512 };

/* The first line of a file, without its end; false: there is none. */
static bool read_line(const char *path, char *line, size_t bytes) {
  FILE *file = fopen(path, "r");
  bool read = file != NULL && fgets(line, (int)bytes, file) != NULL;
  if (file != NULL) (void)fclose(file);
  if (read) line[strcspn(line, "\n")] = '\0';
  return read;
}

/* The value of a line "KEY: value" or "KEY<tab>: value" of a file of /proc. */
static void proc_value(const char *root, const char *name, const char *key, char *value,
                       size_t bytes) {
  char line[512];
  snprintf(line, sizeof line, "%s/proc/%s", root, name);
  FILE *file = fopen(line, "r");
  snprintf(value, bytes, "unknown");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, strlen(key)) != 0) continue;
    const char *at = strchr(line, ':');
    if (at == NULL) continue;
    at += 1 + strspn(at + 1, " \t");
    snprintf(value, bytes, "%.*s", (int)strcspn(at, "\n"), at);
    break;
  }
  if (file != NULL) (void)fclose(file);
}

static double proc_bytes(const char *root, const char *key) {
  char text[64];
  proc_value(root, "meminfo", key, text, sizeof text);
  return strtod(text, NULL) * 1024;
}

int ls__machine_count(const char *list) {
  int n = 0;
  for (const char *at = list; *at >= '0' && *at <= '9';) {
    char *end = NULL;
    long lo = strtol(at, &end, 10), hi = lo;
    if (*end == '-') hi = strtol(end + 1, &end, 10);
    n += (int)(hi - lo + 1);
    if (*end != ',') break;
    at = end + 1;
  }
  return n;
}

/* ---- Control groups: a group may use `quota` microseconds of processors in every `period` */

static bool read_in(const char *folder, const char *name, char *text, size_t bytes) {
  char path[PATH + 32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return read_line(path, text, bytes);
}

/* Cores that the group in `folder` may use up; 0: no limit there. */
static double group_quota(const char *folder) {
  char text[64];
  long long quota = 0, period = 0;
  if (read_in(folder, "cpu.max", text,
              sizeof text)) { /* version 2: "200000 100000", "max 100000" */
    if (sscanf(text, "%lld %lld", &quota, &period) != 2) return 0;
  } else { /* version 1: 200000, or -1 */
    if (!read_in(folder, "cpu.cfs_quota_us", text, sizeof text)) return 0;
    quota = strtoll(text, NULL, 10);
    if (!read_in(folder, "cpu.cfs_period_us", text, sizeof text)) return 0;
    period = strtoll(text, NULL, 10);
  }
  return quota > 0 && period > 0 ? (double)quota / (double)period : 0;
}

/* The tightest limit of a group and those above it: a container sees its own group as the top. */
static void look_up(const char *mount, const char *group, ls__machine *m) {
  char folder[PATH];
  snprintf(folder, sizeof folder, "%s%s", mount, group);
  for (;;) {
    double quota = group_quota(folder);
    if (quota > 0 && (m->quota <= 0 || quota < m->quota)) {
      m->quota = quota;
      snprintf(m->group, sizeof m->group, "%.*s", (int)sizeof m->group - 1,
               strlen(folder) > strlen(mount) ? folder + strlen(mount) : "/");
    }
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash < folder + strlen(mount)) break;
    *slash = '\0';
  }
}

static bool has_word(const char *list, const char *word) {
  size_t n = strlen(word);
  for (const char *at = list; *at != '\0';) {
    size_t length = strcspn(at, ",");
    if (length == n && strncmp(at, word, n) == 0) return true;
    at += length + (at[length] == ',');
  }
  return false;
}

/* Lines of /proc/self/cgroup: "3:cpu,cpuacct:/a/b" of version 1, "0::/a/b" of version 2. */
static void read_quota(const char *root, ls__machine *m) {
  char line[PATH], mount[PATH];
  snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
  FILE *file = fopen(line, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (group == NULL) continue;
    *group++ = '\0';
    if (strcmp(controllers, ":") != 0 && !has_word(controllers + 1, "cpu")) continue;
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root,
             strcmp(controllers, ":") != 0 ? "/cpu" : "");
    look_up(mount, strcmp(group, "/") == 0 ? "" : group, m);
  }
  if (file != NULL) (void)fclose(file);
}

/* ---- Frequency */

static bool read_frequency(const char *root, int core, const char *name, char *text, size_t bytes) {
  char path[PATH];
  snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/cpufreq/%s", root, core, name);
  return read_line(path, text, bytes);
}

static double gigahertz(const char *root, int core, const char *name) {
  char text[64];
  return read_frequency(root, core, name, text, sizeof text) ? strtod(text, NULL) / 1e6 : 0;
}

/* "powersave" is the lowest frequency, except of drivers that pick the frequency themselves. */
static void read_frequencies(const char *root, ls__machine *m) {
  char driver[64], governor[24];
  int core = (int)strtol(m->allowed, NULL, 10);
  m->ghz = gigahertz(root, core, "cpuinfo_max_freq");
  m->ghz_limit = gigahertz(root, core, "scaling_max_freq");
  if (read_frequency(root, core, "scaling_governor", governor, sizeof governor) &&
      strcmp(governor, "powersave") == 0 &&
      read_frequency(root, core, "scaling_driver", driver, sizeof driver) &&
      strcmp(driver, "intel_pstate") != 0 && strcmp(driver, "amd-pstate-epp") != 0)
    memcpy(m->governor, governor, sizeof governor);
}

void ls__machine_read(const char *root, ls__machine *m) {
  memset(m, 0, sizeof *m);
  proc_value(root, "cpuinfo", "model name", m->cpu, sizeof m->cpu);
  proc_value(root, "self/status", "Cpus_allowed_list", m->allowed, sizeof m->allowed);
  m->memory = proc_bytes(root, "MemAvailable");
  m->memory_total = proc_bytes(root, "MemTotal");
  read_quota(root, m);
  read_frequencies(root, m);
}

/* A file in the wrong place: what it is by its name, and what is done with such a file. */
#include <errno.h>
#include <lockstep/convert.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli.h"

/* TEXT may be a table or, in its own name, a configuration; FOREIGN is read by nothing here. */
typedef enum sort { OTHER, CONFIG, HDF5, TABLE, TEXT, FOREIGN } sort;

/* ".gz" aside. */
static sort sort_of(const char *path) {
  static const struct {
    const char *end;
    sort sort;
  } ends[] = {{".yaml", CONFIG},  {".yml", CONFIG},   {".h5", HDF5},        {".hdf5", HDF5},
              {".hdf", HDF5},     {".nc", HDF5},      {".csv", TABLE},      {".tsv", TABLE},
              {".npy", TABLE},    {".npz", TABLE},    {".txt", TEXT},       {".dat", TEXT},
              {".json", FOREIGN}, {".xlsx", FOREIGN}, {".parquet", FOREIGN}};
  size_t n = strlen(path);
  if (n > 3 && strcasecmp(path + n - 3, ".gz") == 0) n -= 3;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    const size_t k = strlen(ends[i].end);
    if (n > k && strncasecmp(path + n - k, ends[i].end, k) == 0) return ends[i].sort;
  }
  return OTHER;
}

/* Bytes of the name without ".csv", ".csv.gz" and folders; *name moves on to it. */
static int stem(const char **name) {
  const char *slash = strrchr(*name, '/');
  if (slash != NULL) *name = slash + 1;
  const char *dot = strchr(*name, '.');
  return (int)(dot != NULL && dot != *name ? (size_t)(dot - *name) : strlen(*name));
}

/* "csv" of "table.csv.gz": the format that convert calls so, else csv. */
static const char *format_of(const char *path) {
  static ls_convert_format format;
  const char *name = path;
  const int n = stem(&name);
  for (size_t i = 0; ls_convert_format_at(i, &format); i++) {
    const size_t k = strlen(format.name);
    if (name[n] == '.' && strncasecmp(name + n + 1, format.name, k) == 0) return format.name;
  }
  return "csv";
}

static bool is_folder(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Opening a pipe waits for whoever writes into it. */
static bool is_file(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static bool is_hdf5(const char *path) {
  static const char signature[] = "\211HDF\r\n\032\n";
  char first[sizeof signature - 1];
  FILE *file = is_file(path) ? fopen(path, "rb") : NULL;
  if (file == NULL) return false;
  const bool good = fread(first, 1, sizeof first, file) == sizeof first &&
                    memcmp(first, signature, sizeof first) == 0;
  (void)fclose(file);
  return good;
}

/* Whether it is there, and can't be read: then nobody knows what it is. */
static bool is_unreadable(const char *path) {
  struct stat s;
  if (stat(path, &s) == 0 && !S_ISREG(s.st_mode)) return false;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return errno != ENOENT && errno != ENOTDIR;
  const bool failed = fgetc(file) == EOF && ferror(file) != 0;
  (void)fclose(file);
  return failed;
}

ls_status cli_no_config(const cli *c, const char *path, bool failed) {
  char inside[4096];
  const char *name = path;
  const int n = stem(&name);
  const sort is = sort_of(path);
  if (is == TABLE || (failed && is == TEXT))
    return usage_error(c,
                       "%s is no configuration but a table: lockstep init %s -o %.*s.yaml writes "
                       "one, "
                       "or convert it (lockstep convert %s %s -o %.*s.h5) and name it in your own "
                       "(data: {file: %.*s.h5})",
                       path, path, n, name, format_of(path), path, n, name, n, name);
  if (is == HDF5 || (failed && is_hdf5(path)))
    return usage_error(c,
                       "%s is no configuration but an HDF5 file: lockstep init %s writes one, or "
                       "name "
                       "it in your own (data: {file: %s}), and train that",
                       path, path, path);
  if (!failed || !is_folder(path)) return LS_OK;
  snprintf(inside, sizeof inside, "%s/config.yaml", path);
  FILE *file = fopen(inside, "r");
  if (file == NULL) return LS_OK;
  (void)fclose(file);
  return usage_error(c, "%s is a run directory; its configuration is %s", path, inside);
}

ls_status cli_no_checkpoint(const cli *c, const char *path) {
  const sort is = sort_of(path);
  const char *name = path;
  const int n = stem(&name);
  if (is == OTHER || is == HDF5 || is_folder(path) || is_hdf5(path) || is_unreadable(path))
    return LS_OK;
  if (is == CONFIG)
    return usage_error(c,
                       "%s is a configuration; what it trained is wanted, a run directory such as "
                       "runs/%.*s",
                       path, n, name);
  return usage_error(c,
                     "%s is no checkpoint; data are given as --data FILE (an HDF5 file, or a table "
                     "such as the one that was converted)",
                     path);
}

ls_status cli_needs_hdf5(const cli *c, const char *path) {
  const sort is = sort_of(path);
  const char *name = path;
  const int n = stem(&name);
  if (is == OTHER || is == HDF5) return LS_OK;
  return usage_error(c,
                     "%s: what is written is an HDF5 file; name it so, as in -o %.*s.h5 (h5dump, "
                     "h5py, MATLAB's h5read and R's rhdf5 read it)",
                     path, n, name);
}

ls_status cli_no_command(const cli *c, const char *word) {
  const char *name = word;
  const int n = stem(&name);
  switch (sort_of(word)) {
    case CONFIG:
      return usage_error(c, "there is no command \"%s\"; did you mean: lockstep train %s?", word,
                         word);
    case HDF5:
      return usage_error(c,
                         "there is no command \"%s\"; did you mean: lockstep init %s or lockstep "
                         "inspect "
                         "%s?",
                         word, word, word);
    case TABLE:
    case TEXT:
      return usage_error(c,
                         "there is no command \"%s\"; did you mean: lockstep init %s -o %.*s.yaml "
                         "or "
                         "lockstep convert %s %s -o %.*s.h5?",
                         word, word, n, name, format_of(word), word, n, name);
    case FOREIGN:
    case OTHER: break;
  }
  const char *near = cli_nearest(cli_commands, word);
  if (near == NULL) return usage_error(c, "there is no command \"%s\"", word);
  return usage_error(c, "there is no command \"%s\"; did you mean \"%s\"?", word, near);
}

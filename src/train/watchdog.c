/* The watchdog of a run, before anything of it is opened. */
#include <lockstep/train.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/config.h"

enum { MOST_BYTES = 16 << 20 };

/* Whether a path is a file that a configuration may be: a pipe can be read only once. */
static bool is_short_file(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISREG(s.st_mode) && s.st_size <= MOST_BYTES;
}

/* CONFIG itself, RUN/config.yaml, or that of RUN/checkpoints/FILE.h5. */
static bool find_config(const char *path, char file[LS__FILE_PATH]) {
  static const char inside[] = "checkpoints/";
  struct stat s;
  const size_t n = strlen(path);
  if (n + sizeof "/config.yaml" > LS__FILE_PATH || stat(path, &s) != 0) return false;
  memcpy(file, path, n + 1);
  if (S_ISDIR(s.st_mode)) {
    memcpy(file + n, "/config.yaml", sizeof "/config.yaml");
  } else if (n > 3 && strcmp(path + n - 3, ".h5") == 0) {
    const char *slash = strrchr(path, '/');
    const size_t folder = slash == NULL ? 0 : (size_t)(slash + 1 - path), k = sizeof inside - 1;
    if (folder < k || memcmp(path + folder - k, inside, k) != 0) return false;
    memcpy(file + folder - k, "config.yaml", sizeof "config.yaml");
  }
  return is_short_file(file);
}

double ls_train_watchdog(const char *const *arguments, size_t n, double otherwise) {
  static const char key[] = "watchdog=";
  ls_config *config = NULL;
  char file[LS__FILE_PATH];
  double seconds = otherwise;
  ls_status st = LS_EIO;
  for (size_t i = 0; i < n && st != LS_OK; i++)
    if (arguments[i][0] != '-' && find_config(arguments[i], file))
      st = ls_config_load(file, &config);
  if (st != LS_OK) st = ls_config_parse("{}", "", &config);
  for (size_t i = 0; i < n && st == LS_OK; i++)
    if (strncmp(arguments[i], key, sizeof key - 1) == 0)
      st = ls_config_override(config, arguments[i]);
  if (st == LS_OK && ls__config_kind_of(config) == LS__MAP)
    st = ls__config_double(config, "watchdog", otherwise, 0.1, 1e9, &seconds);
  ls_config_destroy(config);
  ls__error_set(""); /* whoever reads it for good says what is wrong */
  return st == LS_OK ? seconds : otherwise;
}

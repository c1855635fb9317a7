/* What folders hold. */
#include "convert/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/grow.h"

void ls__names_reset(ls__names *names) {
  ls__free_strings(names->list, names->n);
  memset(names, 0, sizeof *names);
}

int ls__by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

char *ls__path_join(const char *folder, const char *name) {
  const size_t n = strlen(folder), bytes = n + strlen(name) + 2;
  char *path = ls__calloc(bytes, 1);
  if (path != NULL)
    snprintf(path, bytes, "%s%s%s", folder, n > 0 && folder[n - 1] == '/' ? "" : "/", name);
  return path;
}

ls_status ls__path_is_folder(const char *path, bool *yes) {
  struct stat about;
  if (stat(path, &about) != 0) return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  *yes = S_ISDIR(about.st_mode);
  return LS_OK;
}

ls_status ls__names_add(ls__names *names, const char *name) {
  ls_status st = ls__grow(&names->list, &names->capacity, names->n + 1, sizeof *names->list,
                          "names of files");
  if (st != LS_OK) return st;
  names->list[names->n] = ls__strdup(name);
  if (names->list[names->n] == NULL) return ls__fail(LS_ENOMEM, "names of files: out of memory");
  names->n++;
  return LS_OK;
}

ls_status ls__folder_list(const char *path, bool (*wanted)(const char *name), ls__names *folders,
                          ls__names *files, size_t *others) {
  ls_status st = LS_OK;
  char *inside = NULL;
  DIR *dir = opendir(path);
  if (dir == NULL) return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  for (;;) {
    bool folder = false;
    errno = 0;
    const struct dirent *entry = readdir(dir);
    if (entry == NULL && errno != 0) LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno));
    if (entry == NULL) break;
    if (entry->d_name[0] == '.') continue;
    inside = ls__path_join(path, entry->d_name);
    if (inside == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
    LS_TRY(ls__path_is_folder(inside, &folder));
    if (folder)
      LS_TRY(ls__names_add(folders, entry->d_name));
    else if (wanted(entry->d_name))
      LS_TRY(ls__names_add(files, entry->d_name));
    else
      ++*others;
    ls__free(inside);
    inside = NULL;
  }
  if (folders->n > 0) qsort(folders->list, folders->n, sizeof *folders->list, ls__by_bytes);
  if (files->n > 0) qsort(files->list, files->n, sizeof *files->list, ls__by_bytes);
out:
  ls__free(inside);
  (void)closedir(dir);
  return st;
}

bool ls__part_of(const char *name, ls_split *split) {
  static const struct {
    const char *name;
    ls_split split;
  } known[] = {{"train", LS_TRAIN},      {"training", LS_TRAIN}, {"validation", LS_VALIDATION},
               {"valid", LS_VALIDATION}, {"val", LS_VALIDATION}, {"test", LS_TEST},
               {"testing", LS_TEST}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, name) != 0) continue;
    *split = known[i].split;
    return true;
  }
  return false;
}

bool ls__names_have_parts(const ls__names *folders) {
  ls_split split;
  bool all = true, train = false;
  for (size_t i = 0; i < folders->n; i++) {
    const bool is = ls__part_of(folders->list[i], &split);
    all = all && is;
    train = train || (is && split == LS_TRAIN);
  }
  return all && train;
}

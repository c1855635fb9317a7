/* Opening and closing files as they are needed (files.h). */
#include "data/files.h"

#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"

/* More than two threads use at once; each may have a chunk cache for every dataset. */
enum { MOST_OPEN = 16 };

typedef struct one {
  char *path;
  ls__h5 *open;  /* NULL: closed */
  int users;     /* that have not given it back */
  uint64_t used; /* when it was taken last */
  bool seen;     /* it has been opened before, and was: */
  struct stat as;
} one;

struct ls__files {
  one *of; /* [n] */
  size_t n, room;
  int n_open;
  uint64_t turn;
  pthread_mutex_t mutex; /* guards all of the above but paths */
  char *name;
};

/* ---- Which files ---- */

static ls_status add(ls__files *files, const char *path) {
  ls_status st = LS_OK;
  LS_TRY(ls__grow(&files->of, &files->room, files->n + 1, sizeof *files->of, "files"));
  memset(&files->of[files->n], 0, sizeof *files->of);
  files->of[files->n].path = ls__strdup(path);
  if (files->of[files->n].path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  files->n++;
out:
  return st;
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_pattern(const char *text) {
  return strpbrk(text, "*?[") != NULL;
}

static _Thread_local int failure; /* of the last pattern */

/* What can't be looked into ends it; what isn't there has no files. */
static int see_failure(const char *path, int error) {
  (void)path;
  if (ls__file_is_none(error)) return 0;
  failure = error;
  return 1;
}

static ls_status add_pattern(const ls_config *item, const char *pattern, ls__files *files) {
  ls_status st = LS_OK;
  glob_t found;
  memset(&found, 0, sizeof found);
  const int failed = glob(pattern, GLOB_NOSORT, see_failure, &found);
  if (failed == GLOB_NOSPACE) LS_FAIL(LS_ENOMEM, "%s: out of memory", pattern);
  if (failed == GLOB_ABORTED)
    LS_FAIL(LS_EIO, "%s: a directory cannot be read: %s", pattern, strerror(failure));
  if (failed != 0 || found.gl_pathc == 0) LS_REFUSE(item, "no file fits the pattern %s", pattern);
  qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_bytes);
  for (size_t i = 0; i < found.gl_pathc; i++) LS_TRY(add(files, found.gl_pathv[i]));
out:
  globfree(&found);
  return st;
}

bool ls__files_fit(const char *pattern) {
  glob_t found;
  memset(&found, 0, sizeof found);
  const bool some = glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;
  globfree(&found);
  return some;
}

static ls_status add_item(const ls_config *item, ls__files *files) {
  ls_status st = LS_OK;
  ls__file_kind kind = LS__FILE_NONE;
  if (ls__config_kind_of(item) != LS__SCALAR)
    LS_REFUSE(item, "must be the path of an HDF5 file, a pattern such as runs/*.h5, or a list of "
                    "them");
  const char *text = ls__config_text(item);
  if (text[0] == '\0') LS_REFUSE(item, "is empty, it must be a path");
  if (is_pattern(text)) LS_TRY(ls__file_look(text, &kind));
  if (is_pattern(text) && kind == LS__FILE_NONE)
    LS_TRY(add_pattern(item, text, files));
  else
    LS_TRY(add(files, text));
out:
  return st;
}

static int by_path(const void *a, const void *b) {
  return strcmp((*(const one *const *)a)->path, (*(const one *const *)b)->path);
}

/* A row is a sample once. */
static ls_status check_twice(const ls_config *node, const ls__files *files) {
  ls_status st = LS_OK;
  const one **sorted = NULL;
  LS_TRY(ls__alloc(&sorted, files->n, sizeof *sorted, "files"));
  for (size_t i = 0; i < files->n; i++) sorted[i] = &files->of[i];
  qsort(sorted, files->n, sizeof *sorted, by_path);
  for (size_t i = 1; i < files->n; i++)
    if (strcmp(sorted[i - 1]->path, sorted[i]->path) == 0)
      LS_REFUSE(node, "names %s twice", sorted[i]->path);
out:
  ls__free(sorted);
  return st;
}

static ls_status make_name(ls__files *files) {
  const size_t bytes = strlen(files->of[0].path) + 40;
  files->name = ls__calloc(bytes, 1);
  if (files->name == NULL) return ls__fail(LS_ENOMEM, "%s: out of memory", files->of[0].path);
  if (files->n == 1)
    snprintf(files->name, bytes, "%s", files->of[0].path);
  else
    snprintf(files->name, bytes, "%s and %zu more", files->of[0].path, files->n - 1);
  return LS_OK;
}

ls_status ls__files_create(const ls_config *node, ls__files **out) {
  ls_status st = LS_OK;
  ls__files *files = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&files, 1, sizeof *files, "files"));
  pthread_mutex_init(&files->mutex, NULL);
  if (ls__config_kind_of(node) == LS__LIST) {
    for (size_t i = 0; i < ls__config_count(node); i++)
      LS_TRY(add_item(ls__config_at(node, i), files));
    if (files->n == 0) LS_REFUSE(node, "is empty, it must name a file");
  } else {
    LS_TRY(add_item(node, files));
  }
  LS_TRY(check_twice(node, files));
  LS_TRY(make_name(files));
  *out = files;
  files = NULL;
out:
  ls__files_destroy(files);
  return st;
}

void ls__files_destroy(ls__files *files) {
  if (files == NULL) return;
  for (size_t i = 0; i < files->n; i++) {
    ls__h5_close(files->of[i].open);
    ls__free(files->of[i].path);
  }
  pthread_mutex_destroy(&files->mutex);
  ls__free(files->of);
  ls__free(files->name);
  ls__free(files);
}

size_t ls__files_count(const ls__files *files) {
  return files->n;
}

const char *ls__files_path(const ls__files *files, size_t i) {
  return files->of[i].path;
}

const char *ls__files_name(const ls__files *files) {
  return files->name;
}

/* ---- Open files ---- */

/* Close the one that nobody has used for longest.  Under the mutex. */
static void make_room(ls__files *files) {
  one *oldest = NULL;
  for (size_t i = 0; i < files->n; i++) {
    one *f = &files->of[i];
    if (f->open != NULL && f->users == 0 && (oldest == NULL || f->used < oldest->used)) oldest = f;
  }
  if (oldest == NULL) return;
  ls__h5_close(oldest->open);
  oldest->open = NULL;
  files->n_open--;
}

/* Under the mutex. */
static ls_status open_one(ls__files *files, one *f) {
  ls_status st = LS_OK;
  struct stat now;
  if (files->n_open >= MOST_OPEN) make_room(files);
  LS_TRY(ls__h5_open(f->path, &f->open));
  files->n_open++;
  if (stat(f->path, &now) != 0) LS_FAIL(LS_EIO, "%s: cannot be read: %s", f->path, strerror(errno));
  if (f->seen &&
      (now.st_dev != f->as.st_dev || now.st_ino != f->as.st_ino || now.st_size != f->as.st_size ||
       now.st_mtim.tv_sec != f->as.st_mtim.tv_sec || now.st_mtim.tv_nsec != f->as.st_mtim.tv_nsec))
    LS_FAIL(LS_EDATA, "%s: the file was changed while it was in use", f->path);
  for (size_t i = 0; i < files->n && !f->seen; i++) { /* a link to a file that is there, too */
    const one *other = &files->of[i];
    if (other->seen && other->as.st_dev == now.st_dev && other->as.st_ino == now.st_ino)
      LS_FAIL(LS_EDATA, "%s: is the file %s by another name: its samples would count twice",
              f->path, other->path);
  }
  f->as = now;
  f->seen = true;
out:
  if (st != LS_OK && f->open != NULL) {
    ls__h5_close(f->open);
    f->open = NULL;
    files->n_open--;
  }
  return st;
}

ls_status ls__files_take(ls__files *files, size_t i, ls__h5 **file) {
  ls_status st = LS_OK;
  pthread_mutex_lock(&files->mutex);
  one *f = &files->of[i];
  if (f->open == NULL) LS_TRY(open_one(files, f));
  f->users++;
  f->used = ++files->turn;
  *file = f->open;
out:
  pthread_mutex_unlock(&files->mutex);
  return st;
}

void ls__files_give(ls__files *files, size_t i) {
  pthread_mutex_lock(&files->mutex);
  LS_ASSERT(files->of[i].users > 0);
  files->of[i].users--;
  pthread_mutex_unlock(&files->mutex);
}

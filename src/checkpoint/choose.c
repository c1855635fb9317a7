/* Which checkpoint of a run directory is meant: the newest that is whole, or the end's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "checkpoint/checkpoint.h"

/* Another process may delete a file between listing and reading it: then the folder is listed again,
 * so often.  A run that writes a checkpoint each step and keeps one wins many times in a row. */
enum { LOOKS = 2000 };

/* ---- Files that HDF5 crashes on ---- */

enum { MARK_TEXT = 64 };

/* What tells this file from another one that takes its place. */
static bool describe(const char *path, char text[MARK_TEXT]) {
  struct stat s;
  if (stat(path, &s) != 0) return false;
  snprintf(text, MARK_TEXT, "%lld bytes, of %lld.%09ld\n", (long long)s.st_size,
           (long long)s.st_mtim.tv_sec, (long)s.st_mtim.tv_nsec);
  return true;
}

/* Whether the mark says this.  One that can't be read says nothing: then the file is tried again. */
static bool says(const char *mark, const char *text) {
  char line[MARK_TEXT] = "";
  FILE *in = fopen(mark, "r");
  if (in == NULL) return false;
  const bool same = fgets(line, sizeof line, in) != NULL && strcmp(line, text) == 0;
  fclose(in);
  return same;
}

ls_status ls__checkpoint_try(const char *path, ls_model **model, ls__standing *standing,
                             double **sums) {
  char mark[LS__FILE_PATH + 16], text[MARK_TEXT];
  *model = NULL;
  if (standing != NULL) *sums = NULL;
  if (!describe(path, text)) return ls__checkpoint_load(path, model, standing, sums);
  snprintf(mark, sizeof mark, "%s.crashed", path);
  if (says(mark, text))
    return ls__fail(LS_ECHECKPOINT,
                    "%s: HDF5 crashed when it was read before, as %s says: without that it is "
                    "tried "
                    "again",
                    path, mark);
  ls__h5_crash_mark(path, mark, text);
  const ls_status st = ls__checkpoint_load(path, model, standing, sums);
  ls__h5_crash_mark(NULL, NULL, NULL);
  return st;
}

/* ---- The newest ---- */

ls__flaw ls__flaw_of(ls_status st) {
  return st == LS_EIO ? LS__UNREADABLE : st == LS_EVERSION ? LS__NEWER : LS__DAMAGED;
}

bool ls__flaw_is_none(ls_status st) {
  return st == LS_ENOMEM || st == LS_ESTOPPED;
}

void ls__chosen_reset(ls__chosen *chosen) {
  ls_model_destroy(chosen->model);
  ls__free(chosen->sums);
  ls__free(chosen->passed);
  memset(chosen, 0, sizeof *chosen);
}

static bool is_gone(const char *path) {
  struct stat s;
  return lstat(path, &s) != 0 && errno == ENOENT;
}

/* What is said of those that were passed over, one after the other, each with a zero behind it. */
typedef struct reasons {
  char *text;
  size_t used, room;
} reasons;

static ls_status pass_over(ls__chosen *chosen, reasons *why, uint64_t step, ls_status how) {
  ls_status st = LS_OK;
  const size_t bytes = strlen(ls_error_message()) + 1;
  LS_TRY(ls__grow(&why->text, &why->room, why->used + bytes, 1, "checkpoints"));
  memcpy(why->text + why->used, ls_error_message(), bytes);
  why->used += bytes;
  LS_TRY(ls__grow(&chosen->passed, &chosen->room, chosen->n_passed + 1, sizeof *chosen->passed,
                  "checkpoints"));
  chosen->passed[chosen->n_passed++] = (ls__passed){step, ls__flaw_of(how)};
out:
  return st;
}

static void tell(const ls__chosen *chosen, const reasons *why) {
  static const char *const what[] = {"a damaged checkpoint", "a checkpoint that can't be read",
                                     "a checkpoint of a newer version"};
  const char *at = why->text;
  for (size_t i = 0; i < chosen->n_passed; i++, at += strlen(at) + 1)
    fprintf(stderr, "lockstep: passing over %s: %s\n", what[chosen->passed[i].flaw], at);
}

/* There are some, and none can be used. */
static ls_status refuse(const char *run_directory, const ls__chosen *chosen, const reasons *why) {
  char text[LS__ERROR_BYTES] = "";
  size_t used = 0;
  ls_status st = LS_EVERSION;
  const char *at = why->text;
  for (size_t i = 0; i < chosen->n_passed; i++, at += strlen(at) + 1) {
    const ls__flaw flaw = chosen->passed[i].flaw;
    if (flaw == LS__UNREADABLE) st = LS_EIO;
    if (flaw == LS__DAMAGED && st != LS_EIO) st = LS_ECHECKPOINT;
    if (used + strlen(at) + 200 < sizeof text)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "; " : "", at);
    else if (used + 5 < sizeof text && strcmp(text + used - 3, "...") != 0)
      used += (size_t)snprintf(text + used, sizeof text - used, "; ...");
  }
  if (chosen->n_passed == 1) return ls__fail(st, "its only checkpoint can't be used: %s", text);
  return ls__fail(st, "%.500s/checkpoints: none of the %zu checkpoints can be used: %s",
                  run_directory, chosen->n_passed, text);
}

/* One listing.  *again: one of it was gone when it was to be read. */
static ls_status look(const char *run_directory, bool resume, ls__chosen *chosen, reasons *why,
                      bool *again) {
  ls_status st = LS_OK;
  uint64_t *steps = NULL;
  size_t n = 0;
  ls__chosen_reset(chosen);
  why->used = 0;
  *again = false;
  LS_TRY(ls__checkpoint_steps(run_directory, &steps, &n));
  for (size_t i = 0; i < n; i++) {
    char *path = chosen->path;
    ls__checkpoint_path(run_directory, steps[i], path, sizeof chosen->path);
    st = ls__checkpoint_try(path, &chosen->model, resume ? &chosen->standing : NULL,
                            resume ? &chosen->sums : NULL);
    chosen->step = steps[i];
    if (st == LS_OK && resume && chosen->standing.step != steps[i]) {
      ls_model_destroy(chosen->model);
      ls__free(chosen->sums);
      chosen->model = NULL;
      chosen->sums = NULL;
      st = ls__fail(LS_ECHECKPOINT, "%s: holds step %llu", path,
                    (unsigned long long)chosen->standing.step);
    }
    if (st == LS_OK || ls__flaw_is_none(st)) goto out;
    *again = is_gone(path);
    if (!*again) LS_TRY(pass_over(chosen, why, steps[i], st));
    path[0] = '\0';
    st = LS_OK;
    if (*again) goto out;
  }
out:
  ls__free(steps);
  return st;
}

ls_status ls__checkpoint_newest(const char *run_directory, bool resume, ls__chosen *chosen) {
  ls_status st = LS_OK;
  reasons why = {NULL, 0, 0};
  bool again = true;
  memset(chosen, 0, sizeof *chosen);
  ls__checkpoint_tell_names(run_directory);
  for (int i = 0; again && i < LOOKS; i++)
    LS_TRY(look(run_directory, resume, chosen, &why, &again));
  if (again)
    LS_FAIL(LS_EIO, "%s/checkpoints: they are deleted faster than they can be read", run_directory);
  if (chosen->path[0] != '\0')
    tell(chosen, &why);
  else if (chosen->n_passed > 0)
    st = refuse(run_directory, chosen, &why);
out:
  ls__free(why.text);
  if (st != LS_OK) ls__chosen_reset(chosen);
  return st;
}

ls_status ls__checkpoint_at_epoch(const char *run_directory, uint64_t epoch, ls_model **model) {
  ls_status st = LS_OK;
  uint64_t *steps = NULL;
  size_t n = 0;
  *model = NULL;
  LS_TRY(ls__checkpoint_steps(run_directory, &steps, &n));
  for (size_t i = 0; i < n && *model == NULL; i++) {
    char path[LS__FILE_PATH];
    ls__standing standing;
    double *sums = NULL;
    ls__checkpoint_path(run_directory, steps[i], path, sizeof path);
    st = ls__checkpoint_try(path, model, &standing, &sums);
    ls__free(sums);
    ls_model_destroy(*model);
    *model = NULL;
    if (ls__flaw_is_none(st)) goto out;
    const bool there = st == LS_OK && standing.epoch == epoch && standing.position == 0;
    st = there ? ls__checkpoint_try(path, model, NULL, NULL) : LS_OK; /* the average, if any */
    if (ls__flaw_is_none(st)) goto out;
    st = LS_OK;
  }
out:
  ls__free(steps);
  return st;
}

/* ---- A network to be used ---- */

/* One that isn't sealed is said to be so. */
static ls_status load(const char *path, ls_model **model) {
  const ls_status st = ls__checkpoint_load(path, model, NULL, NULL);
  if (st == LS_OK) ls__checkpoint_tell(path, *model);
  return st;
}

/* A file of the run directory that is there; *there: false where it isn't, or is no more. */
static ls_status load_named(const char *run_directory, const char *name, ls_model **model,
                            bool *there) {
  char file[LS__FILE_PATH];
  struct stat s;
  ls__checkpoint_named(run_directory, name, file);
  *there = lstat(file, &s) == 0;
  if (!*there && (errno == ENOENT || errno == ENOTDIR)) return LS_OK;
  if (!*there) return ls__fail(LS_EIO, "%s: cannot be read: %s", file, strerror(errno));
  const ls_status st = ls__checkpoint_try(file, model, NULL, NULL);
  if (st == LS_OK) ls__checkpoint_tell(file, *model);
  if (st == LS_OK || !is_gone(file)) return st;
  *there = false;
  return LS_OK;
}

ls_status ls__checkpoint_choose(const char *path, char name[LS__CHOICE_BYTES], ls_model **model) {
  static const char *const choice[] = {LS__FINAL, LS__BEST};
  ls_status st = LS_OK;
  ls__chosen chosen;
  ls__file_kind kind;
  *model = NULL;
  name[0] = '\0';
  memset(&chosen, 0, sizeof chosen);
  if (strlen(path) > LS__FILE_PATH - 100) LS_FAIL(LS_EIO, "%.200s...: the path is too long", path);
  LS_TRY(ls__file_look(path, &kind));
  if (kind != LS__FILE_FOLDER) return load(path, model); /* that it isn't there, opening says */
  for (size_t i = 0; i < 2; i++) {
    bool there;
    LS_TRY(load_named(path, choice[i], model, &there));
    if (!there) continue;
    snprintf(name, LS__CHOICE_BYTES, "%s", choice[i]);
    goto out;
  }
  LS_TRY(ls__checkpoint_newest(path, false, &chosen));
  if (chosen.path[0] == '\0')
    LS_FAIL(LS_EIO, "%s: there is no checkpoint in this run directory", path);
  snprintf(name, LS__CHOICE_BYTES, "%s", chosen.path + strlen(path) + 1);
  ls__checkpoint_tell(chosen.path, chosen.model);
  *model = chosen.model;
  chosen.model = NULL;
out:
  ls__chosen_reset(&chosen);
  return st;
}

ls_status ls_model_load(const char *path, ls_model **model) {
  char name[LS__CHOICE_BYTES];
  return ls__checkpoint_choose(path, name, model);
}

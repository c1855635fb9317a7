/* Making a dataset: what is checked for every format, before the format takes over. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/number.h"
#include "convert/formats.h"
#include "convert/input.h"

#define X(name) &ls__format_##name.kind,
static const ls__kind *const kinds[] = {LS__FORMAT_MAP(X) NULL};
#undef X
const ls__registry ls__formats = {"format", kinds, NULL, NULL};

/* The output must not be one of the sources under another name. */
static ls_status check_output(const char *output, const char *source) {
  bool same = false;
  ls_status st = ls__file_same(output, source, &same);
  if (st != LS_OK || !same) return st;
  return ls__fail(LS_EUSAGE, "%s: is both source and output", source);
}

ls_status ls__format_add_source(const ls_convert_options *options, const char *path,
                                unsigned passes, ls__progress *progress) {
  ls_status st = LS_OK;
  uint64_t size;
  LS_TRY(ls__input_size(path, &size));
  LS_TRY(check_output(options->output, path));
  ls__progress_expect(progress, passes * size);
out:
  return st;
}

static ls_status check_options(const ls_convert_options *options) {
  if (options->output == NULL || *options->output == '\0')
    return ls__fail(LS_EUSAGE, "convert: no output file is named");
  if (options->n_sources < 1) return ls__fail(LS_EUSAGE, "convert: no source file is named");
  if (!(options->validation >= 0.0 && options->test >= 0.0 &&
        options->validation + options->test < 1.0))
    return ls__fail(LS_EUSAGE,
                    "convert: shares of %g for validation and %g for test: they must be at least 0 "
                    "and together less than 1",
                    options->validation, options->test);
  if (options->gzip < 0 || options->gzip > 9)
    return ls__fail(LS_EUSAGE, "convert: gzip %d is not allowed, it must be from 0 to 9",
                    options->gzip);
  return LS_OK;
}

/* Whether the shell would expand it, and there is no file of this very name. */
static bool is_pattern(const char *source) {
  struct stat about;
  return strpbrk(source, "*?[") != NULL && stat(source, &about) != 0;
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sources, with the files that a pattern stands for in the order of their names' bytes:
 * *list of texts that *found owns. */
static ls_status expand(const ls_convert_options *options, glob_t *found, const char ***list,
                        int *n) {
  ls_status st = LS_OK;
  size_t capacity = 0, count = 0, before = 0;
  for (int i = 0; i < options->n_sources; i++) {
    const char *source = options->sources[i];
    if (!is_pattern(source)) {
      LS_TRY(ls__grow(list, &capacity, count + 1, sizeof **list, "sources"));
      (*list)[count++] = source;
      continue;
    }
    const int code = glob(source, before > 0 ? GLOB_APPEND | GLOB_NOSORT : GLOB_NOSORT, NULL,
                          found);
    if (code == GLOB_NOSPACE) LS_FAIL(LS_ENOMEM, "%s: out of memory", source);
    if (code != 0) LS_FAIL(LS_EIO, "%s: no file is called so", source);
    const size_t some = found->gl_pathc - before;
    qsort(found->gl_pathv + before, some, sizeof *found->gl_pathv, by_bytes);
    LS_TRY(ls__grow(list, &capacity, count + some, sizeof **list, "sources"));
    for (; before < found->gl_pathc; before++) (*list)[count++] = found->gl_pathv[before];
    if (count > INT_MAX) LS_FAIL(LS_EUSAGE, "convert: too many sources");
  }
  *n = (int)count;
out:
  return st;
}

static ls_status convert(const ls_convert_options *options) {
  ls_status st = LS_OK;
  ls__progress progress = {0};
  const ls__kind *kind;
  void *own = NULL;
  ls__number_locale locale = ls__number_begin();
  st = ls__registry_need(&ls__formats, NULL, options->format == NULL ? "" : options->format, &kind);
  if (st != LS_OK) {
    st = ls__fail_context(LS_EUSAGE, "convert");
    goto out;
  }
  const ls__format *format = (const ls__format *)kind; /* its first member */
  LS_TRY(check_options(options));
  LS_TRY(ls__alloc(&own, 1, format->own_bytes, "options"));
  LS_TRY(ls__format_read_options(format, options, own));
  ls__progress_begin(&progress, options->progress);
  for (int i = 0; i < options->n_sources && format->passes > 0; i++)
    LS_TRY(ls__format_add_source(options, options->sources[i], format->passes, &progress));
  LS_TRY(format->run(options, own, &progress));
out:
  ls__progress_end(&progress);
  ls__free(own);
  ls__number_end(&locale);
  return st;
}

ls_status ls_convert(const ls_convert_options *options) {
  ls_status st = LS_OK;
  ls_convert_options all = *options;
  const char **list = NULL;
  glob_t found;
  memset(&found, 0, sizeof found);
  LS_TRY(expand(options, &found, &list, &all.n_sources));
  all.sources = list;
  st = convert(&all);
out:
  globfree(&found);
  ls__free(list);
  return st;
}

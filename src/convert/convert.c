/* Making a dataset: what is checked for every format, before the format takes over. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
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

ls_status ls_convert(const ls_convert_options *options) {
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

/* A format: files of other programs that ls_convert makes a dataset of.
 *
 * To add one: a file NAME.c that defines `const ls__format ls__format_NAME`, and NAME in the list
 * of formats.h.  Help, messages and the command line follow from the struct. */
#ifndef LS_CONVERT_FORMAT_H
#define LS_CONVERT_FORMAT_H

#include <lockstep/convert.h>

#include "config/registry.h"
#include "convert/progress.h"

typedef struct ls__format {
  ls__kind kind;       /* its name, a line about it, its own options: choices, numbers and texts */
  const char *sources; /* usage: "IMAGES LABELS [TEST-IMAGES TEST-LABELS]" */
  unsigned passes;     /* how often it reads a source: what the progress line counts; 0: sources
                          are folders, which it looks at itself */
  size_t own_bytes;    /* of the struct that kind.options fill */
  /* Make options->output; ls_convert has checked what all formats share.  `own` is that struct. */
  ls_status (*run)(const ls_convert_options *options, const void *own, ls__progress *progress);
} ls__format;

/* Rows of option tables beside those of config/registry.h: `form` is what help shows for the value.
 * A text that isn't given is its fallback; where that is "", it is NULL. */
#define LS__FORMAT_TEXT(in, field, name, form, fallback, what) \
  { name, LS__OPTION_TEXT, offsetof(in, field), fallback, 0, 0, NULL, form, what }

/* Read options->options into `own`, of format->own_bytes, by the format's table; texts point into
 * the options.  LS_EUSAGE says what is wrong with a name or a value, and what may be meant. */
LS_CHECKED ls_status ls__format_read_options(const ls__format *format,
                                             const ls_convert_options *options, void *own);

/* A file that the format will read `passes` times: is it there, can it be read, is it not the
 * output?  Adds its bytes to the progress line. */
LS_CHECKED ls_status ls__format_add_source(const ls_convert_options *options, const char *path,
                                           unsigned passes, ls__progress *progress);

#endif

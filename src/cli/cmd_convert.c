/* lockstep convert FORMAT: a subcommand a format, made when the program starts from what the
 * library says of its formats, so that a new format is known here by itself. */
#include <lockstep/convert.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { FORMATS = 32, OPTIONS = 48 };

static ls_convert_options how;
static bool quiet;
static unsigned long long gzip;

static const cli_option shared[] = {
    CLI_FILE('o', "output", "OUT.h5", &how.output, "the file to make"),
    CLI_SHARE(0, "validation", "SHARE", &how.validation,
              "share of the training rows that becomes the validation part"),
    CLI_SHARE(0, "test", "SHARE", &how.test, "share that becomes the test part"),
    CLI_WHOLE(0, "seed", "N", &how.seed, 9223372036854775807LL, "which rows those are (default 0)"),
    CLI_WHOLE(0, "gzip", "LEVEL", &gzip, 9, "compress the output, 0 to 9 (default 0)"),
    CLI_FLAG(0, "quiet", &quiet, "no progress"),
    CLI_END,
};

/* A format as a command: its options are the shared ones and its own. */
typedef struct converter {
  ls_convert_format format;
  command command;
  char synopsis[256];
  cli_option options[OPTIONS];
  const char *given[OPTIONS]; /* values of its own options, NULL: not given */
  bool on[OPTIONS];           /* of its own switches */
} converter;

static converter converters[FORMATS];
static const command *commands[FORMATS + 1];

static ls_status work(void *context) {
  return ls_convert(context);
}

/* The format's own options that were given, as "NAME=VALUE". */
static ls_status take_own(const converter *own, char *text[OPTIONS]) {
  for (size_t i = 0; i < own->format.n_options; i++) {
    const char *value = own->on[i] ? "true" : own->given[i];
    if (value == NULL) continue;
    const size_t bytes = strlen(own->format.option[i].name) + strlen(value) + 2;
    char *to = text[how.n_options++] = malloc(bytes);
    if (to == NULL) return LS_ENOMEM;
    snprintf(to, bytes, "%s=%s", own->format.option[i].name, value);
  }
  return LS_OK;
}

static ls_status run(cli *c) {
  const char *name = strrchr(c->name, ' ') + 1; /* "convert csv" */
  char *text[OPTIONS] = {NULL};
  const converter *own = converters;
  while (strcmp(own->format.name, name) != 0) own++;
  if (how.output == NULL) return usage_error(c, "-o OUT.h5 is missing");
  ls_status st = cli_needs_hdf5(c, how.output);
  if (st != LS_OK) return st;
  how.gzip = (int)gzip;
  how.progress = !quiet;
  how.format = own->format.name;
  how.sources = (const char *const *)c->argv;
  how.n_sources = c->argc;
  how.options = (const char *const *)text;
  st = take_own(own, text);
  if (st == LS_OK) st = on_root(c, work, &how);
  how.options = NULL;
  for (size_t i = 0; i < OPTIONS; i++) free(text[i]);
  return st;
}

bool cli_add_to_list(const char *text, void *to) {
  const char **list = to;
  const size_t before = *list == NULL ? 0 : strlen(*list), bytes = before + strlen(text) + 2;
  char *joined = malloc(bytes);
  if (joined == NULL) return false;
  snprintf(joined, bytes, "%s%s%s", before > 0 ? *list : "", before > 0 ? "," : "", text);
  *list = joined;
  return true;
}

cli_option cli_convert_option(const ls_convert_option *is, const char **given, bool *on) {
  if (strcmp(is->form, "true|false") == 0) return (cli_option)CLI_FLAG(0, is->name, on, is->what);
  if (strcmp(is->form, "COLUMNS") == 0)
    return (cli_option)CLI_READ(0, is->name, is->form, given, cli_add_to_list, "columns", is->what);
  if (strcmp(is->form, "FILE") == 0)
    return (cli_option)CLI_FILE(0, is->name, is->form, given, is->what);
  return (cli_option)CLI_TEXT(0, is->name, is->form, given, is->what);
}

static const cli_argument arguments[] = {
    {"SOURCE", "a source file", true, CLI_FILES, NULL, NULL},
    CLI_ARGUMENTS_END,
};

void cli_prepare_convert(void) {
  for (size_t i = 0; i < FORMATS && ls_convert_format_at(i, &converters[i].format); i++) {
    converter *own = &converters[i];
    cli_option *o = own->options;
    for (const cli_option *s = shared; s->type != CLI_IS_END; s++) *o++ = *s;
    for (size_t k = 0; k < own->format.n_options && o < own->options + OPTIONS - 1; k++)
      *o++ = cli_convert_option(&own->format.option[k], &own->given[k], &own->on[k]);
    *o = (cli_option)CLI_END;
    snprintf(own->synopsis, sizeof own->synopsis, "lockstep convert %s %s -o OUT.h5 [options]",
             own->format.name, own->format.sources);
    own->command = (command){
        .name = own->format.name,
        .summary = own->format.what,
        .synopsis = own->synopsis,
        .prose = "Any source may be gzip-compressed, or a pattern in quotes that stands for "
                 "several files.  "
                 "OUT.h5 appears when all of it is written.",
        .arguments = arguments,
        .options = own->options,
        .run = run,
    };
    commands[i] = &own->command;
  }
}

const command cmd_convert = {
    .name = "convert",
    .summary = "make an HDF5 dataset from CSV, NumPy, images and other files",
    .synopsis = "lockstep convert FORMAT SOURCE... -o OUT.h5 [options]",
    .prose = "Each format is told of below.",
    .commands = commands,
};

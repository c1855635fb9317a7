#include <lockstep/data.h>
#include <string.h>

#include "cli.h"

static ls_convert_options how;
static bool quiet;
static unsigned long long gzip;

static ls_status work(void *context) {
  return ls_convert(context);
}

static ls_status run(cli *c) {
  if (how.output == NULL) return usage_error(c, "-o OUT.h5 is missing");
  if (how.target != NULL && strcmp(how.target, "last") == 0) how.target = NULL;
  how.gzip = (int)gzip;
  how.progress = !quiet;
  how.format = c->argv[0];
  how.sources = (const char *const *)(c->argv + 1);
  how.n_sources = c->argc - 1;
  return on_root(c, work, &how);
}

static const char *const formats[] = {"csv", "idx", NULL};
static const cli_argument arguments[] = {{"FORMAT", "a format: csv or idx", false, CLI_NOTHING, formats, NULL},
                                         {"FILE", "a source file", true, CLI_FILES, NULL, NULL},
                                         CLI_ARGUMENTS_END};
static const cli_option options[] = {
    CLI_FILE('o', "output", "OUT.h5", &how.output, "the file to make"),
    CLI_SHARE(0, "validation", "SHARE", &how.validation,
              "share of the training rows that becomes the validation part"),
    CLI_SHARE(0, "test", "SHARE", &how.test, "share that becomes the test part"),
    CLI_WHOLE(0, "seed", "N", &how.seed, 9223372036854775807LL, "which rows those are (default 0)"),
    CLI_WHOLE(0, "gzip", "LEVEL", &gzip, 9, "compress the output, 0 to 9 (default 0)"),
    CLI_FLAG(0, "quiet", &quiet, "no progress"),
    CLI_HEADING("csv only"),
    CLI_TEXT(0, "target", "COLUMNS", &how.target,
             "names or numbers (1 is the first, -1 the last), comma-separated, or none (default: last)"),
    CLI_TEXT(0, "drop", "COLUMNS", &how.drop, "columns to leave out, such as an id"),
    CLI_TEXT(0, "label", "KIND", &how.label, "auto (default), class or number: how to read the target"),
    CLI_TEXT(0, "missing", "HOW", &how.missing, "error (default), mean (of the column), drop (the row)"),
    CLI_TEXT(0, "delimiter", "NAME", &how.delimiter, "auto (default), comma, semicolon, tab, space"),
    CLI_TEXT(0, "header", "WHETHER", &how.header, "auto (default), yes, no"),
    CLI_FILE(0, "test-source", "FILE", &how.test_source, "a file of the same columns that becomes the test part"),
    CLI_END};

const command cmd_convert = {
    .name = "convert",
    .summary = "make an HDF5 dataset from CSV or IDX files",
    .synopsis = "lockstep convert csv FILE... -o OUT.h5 [options]\n"
                "lockstep convert idx IMAGES LABELS [TEST-IMAGES TEST-LABELS] -o OUT.h5 [options]",
    .prose = "Any source may be gzip-compressed.  OUT.h5 appears when all of it is written.",
    .arguments = arguments,
    .options = options,
    .run = run};

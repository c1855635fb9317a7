#include <getopt.h>
#include <lockstep/data.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static ls_status work(void *context) {
  return ls_convert(context);
}

/* A share from 0 to 1 (1 excluded). */
static ls_status parse_share(const cli *c, const char *name, const char *text, double *share) {
  char *end = NULL;
  *share = strtod(text, &end);
  if (end == text || *end != '\0' || !(*share >= 0 && *share < 1))
    return usage_error(c, "--%s %s: a share from 0 to below 1 is wanted", name, text);
  return LS_OK;
}

static ls_status parse_number(const cli *c, const char *name, const char *text, long long high,
                              long long *number) {
  char *end = NULL;
  *number = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || *number < 0 || *number > high)
    return usage_error(c, "--%s %s: a whole number from 0 to %lld is wanted", name, text, high);
  return LS_OK;
}

static ls_status parse(cli *c, ls_convert_options *o) {
  enum { DROP = 256, LABEL, MISSING, DELIMITER, HEADER, TEST_SOURCE, VALIDATION, TEST, SEED, GZIP, QUIET };
  static const struct option options[] = {
      {"output", required_argument, NULL, 'o'},     {"target", required_argument, NULL, 't'},
      {"drop", required_argument, NULL, DROP},      {"label", required_argument, NULL, LABEL},
      {"missing", required_argument, NULL, MISSING}, {"delimiter", required_argument, NULL, DELIMITER},
      {"header", required_argument, NULL, HEADER},  {"test-source", required_argument, NULL, TEST_SOURCE},
      {"validation", required_argument, NULL, VALIDATION}, {"test", required_argument, NULL, TEST},
      {"seed", required_argument, NULL, SEED},      {"gzip", required_argument, NULL, GZIP},
      {"quiet", no_argument, NULL, QUIET},          {NULL, 0, NULL, 0}};
  ls_status st = LS_OK;
  long long number = 0;
  o->progress = true;
  opterr = 0;
  for (int code; st == LS_OK && (code = getopt_long(c->argc, c->argv, ":o:", options, NULL)) != -1;) {
    switch (code) {
      case 'o': o->output = optarg; break;
      case 't': o->target = strcmp(optarg, "last") == 0 ? NULL : optarg; break;
      case DROP: o->drop = optarg; break;
      case LABEL: o->label = optarg; break;
      case MISSING: o->missing = optarg; break;
      case DELIMITER: o->delimiter = optarg; break;
      case HEADER: o->header = optarg; break;
      case TEST_SOURCE: o->test_source = optarg; break;
      case VALIDATION: st = parse_share(c, "validation", optarg, &o->validation); break;
      case TEST: st = parse_share(c, "test", optarg, &o->test); break;
      case SEED:
        st = parse_number(c, "seed", optarg, 9223372036854775807LL, &number);
        o->seed = (unsigned long long)number;
        break;
      case GZIP:
        st = parse_number(c, "gzip", optarg, 9, &number);
        o->gzip = (int)number;
        break;
      case QUIET: o->progress = false; break;
      default: st = unknown_option(c, code);
    }
  }
  if (st != LS_OK) return st;
  if (optind >= c->argc) return usage_error(c, "a format is missing: csv or idx");
  o->format = c->argv[optind++];
  if (strcmp(o->format, "csv") != 0 && strcmp(o->format, "idx") != 0)
    return usage_error(c, "format \"%s\" is unknown; csv or idx is wanted", o->format);
  if (optind >= c->argc) return usage_error(c, "a source file is missing");
  if (o->output == NULL) return usage_error(c, "-o OUT.h5 is missing");
  o->sources = (const char *const *)(c->argv + optind);
  o->n_sources = c->argc - optind;
  return LS_OK;
}

static ls_status run(cli *c) {
  ls_convert_options o = {0};
  ls_status st = parse(c, &o);
  return st == LS_OK ? on_root(c, work, &o) : st;
}

const command cmd_convert = {
    "convert", "make an HDF5 dataset from CSV or IDX files",
    "usage: lockstep convert csv FILE... -o OUT.h5 [options]\n"
    "       lockstep convert idx IMAGES LABELS [TEST-IMAGES TEST-LABELS] -o OUT.h5 [options]\n"
    "\n"
    "Any source may be gzip-compressed.  OUT.h5 appears when all of it is written.\n"
    "\n"
    "  -o, --output OUT.h5     the file to make\n"
    "  --validation SHARE      share of the training rows that becomes the validation part\n"
    "  --test SHARE            share that becomes the test part\n"
    "  --seed N                which rows those are (default 0)\n"
    "  --gzip LEVEL            compress the output, 0 to 9 (default 0)\n"
    "  --quiet                 no progress\n"
    "csv only\n"
    "  --target COLUMNS        names or numbers (1 is the first, -1 the last), comma-separated, or\n"
    "                          none (default: last)\n"
    "  --drop COLUMNS          columns to leave out, such as an id\n"
    "  --label KIND            auto (default), class or number: how to read the target\n"
    "  --missing HOW           error (default), mean (of the column), drop (the row)\n"
    "  --delimiter NAME        auto (default), comma, semicolon, tab, space\n"
    "  --header WHETHER        auto (default), yes, no\n"
    "  --test-source FILE      a file of the same columns that becomes the test part\n",
    run};

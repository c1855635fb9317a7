/* lockstep convert: the options that all formats share; the others are the format's own. */
#include <getopt.h>
#include <lockstep/convert.h>
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

enum { VALIDATION = 256, TEST, SEED, GZIP, QUIET };
static const struct option shared[] = {{"output", required_argument, NULL, 'o'},
                                       {"validation", required_argument, NULL, VALIDATION},
                                       {"test", required_argument, NULL, TEST},
                                       {"seed", required_argument, NULL, SEED},
                                       {"gzip", required_argument, NULL, GZIP},
                                       {"quiet", no_argument, NULL, QUIET},
                                       {NULL, 0, NULL, 0}};

/* The shared option that an argument names, in whole or by its beginning; NULL: it is another. */
static const struct option *shared_option(const char *argument) {
  const char *name = argument + 2;
  const size_t n = strcspn(name, "=");
  for (const struct option *o = shared; n > 0 && o->name != NULL; o++)
    if (strncmp(o->name, name, n) == 0) return o;
  return NULL;
}

/* Move every option that isn't shared from argv into `own`, as "NAME=VALUE": what the format makes
 * of it is the library's to say.  own[] has room for argc texts, to be freed. */
static ls_status take_own(cli *c, char **own, int *n_own) {
  int kept = 1, i = 1;
  while (i < c->argc && strcmp(c->argv[i], "--") != 0) {
    char *argument = c->argv[i];
    if (strncmp(argument, "--", 2) == 0 && shared_option(argument) == NULL) {
      const char *name = argument + 2;
      const char *value = strchr(name, '=') == NULL && i + 1 < c->argc ? c->argv[++i] : NULL;
      const size_t bytes = strlen(name) + (value == NULL ? 0 : strlen(value)) + 2;
      char *text = malloc(bytes);
      if (text == NULL) return LS_ENOMEM;
      snprintf(text, bytes, "%s%s%s", name, value == NULL ? "" : "=", value == NULL ? "" : value);
      own[(*n_own)++] = text;
      i++;
      continue;
    }
    const struct option *o = strncmp(argument, "--", 2) == 0 ? shared_option(argument) : NULL;
    const bool takes_next =
        strcmp(argument, "-o") == 0 ||
        (o != NULL && o->has_arg == required_argument && strchr(argument, '=') == NULL);
    c->argv[kept++] = c->argv[i++];
    if (takes_next && i < c->argc) c->argv[kept++] = c->argv[i++];
  }
  while (i < c->argc) c->argv[kept++] = c->argv[i++];
  c->argc = kept;
  c->argv[kept] = NULL;
  return LS_OK;
}

static ls_status parse(cli *c, ls_convert_options *o) {
  ls_status st = LS_OK;
  long long number = 0;
  o->progress = true;
  opterr = 0;
  for (int code;
       st == LS_OK && (code = getopt_long(c->argc, c->argv, ":o:", shared, NULL)) != -1;) {
    switch (code) {
      case 'o':
        o->output = optarg;
        break;
      case VALIDATION:
        st = parse_share(c, "validation", optarg, &o->validation);
        break;
      case TEST:
        st = parse_share(c, "test", optarg, &o->test);
        break;
      case SEED:
        st = parse_number(c, "seed", optarg, 9223372036854775807LL, &number);
        o->seed = (unsigned long long)number;
        break;
      case GZIP:
        st = parse_number(c, "gzip", optarg, 9, &number);
        o->gzip = (int)number;
        break;
      case QUIET:
        o->progress = false;
        break;
      default:
        st = unknown_option(c, code);
    }
  }
  if (st != LS_OK) return st;
  if (optind >= c->argc) return usage_error(c, "a format is missing");
  o->format = c->argv[optind++];
  if (optind >= c->argc) return usage_error(c, "a source file is missing");
  if (o->output == NULL) return usage_error(c, "-o OUT.h5 is missing");
  o->sources = (const char *const *)(c->argv + optind);
  o->n_sources = c->argc - optind;
  return LS_OK;
}

static ls_status run(cli *c) {
  ls_convert_options o = {0};
  char **own = calloc((size_t)c->argc, sizeof *own);
  ls_status st = own == NULL ? LS_ENOMEM : take_own(c, own, &o.n_options);
  o.options = (const char *const *)own;
  if (st == LS_OK) st = parse(c, &o);
  if (st == LS_OK) st = on_root(c, work, &o);
  for (int i = 0; i < o.n_options; i++) free(own[i]);
  free(own);
  return st;
}

void help_formats(int argc, char **argv) {
  const char *format = NULL;
  for (int i = 1; i < argc && format == NULL; i++)
    if (argv[i][0] != '-') format = argv[i];
  ls_convert_help(stdout, format);
}

const command cmd_convert = {
    "convert", "make an HDF5 dataset from CSV, IDX, NumPy and other files",
    "usage: lockstep convert FORMAT SOURCE... -o OUT.h5 [options]\n"
    "\n"
    "Any source may be gzip-compressed.  OUT.h5 appears when all of it is written.\n"
    "\n"
    "  -o, --output OUT.h5     the file to make\n"
    "  --validation SHARE      share of the training rows that becomes the validation part\n"
    "  --test SHARE            share that becomes the test part\n"
    "  --seed N                which rows those are (default: 0)\n"
    "  --gzip LEVEL            compress the output, 0 to 9 (default: 0)\n"
    "  --quiet                 no progress\n"
    "\n",
    run};

/* init: a first configuration for data as they are; what is no HDF5 file is converted first. */
#include <errno.h>
#include <glob.h>
#include <lockstep/convert.h>
#include <lockstep/propose.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { OPTIONS = 128, FORMATS = 32, NAMES = 8, PATH = 4096 };

static const char *output, *format_name, *inputs, *targets, *time_axis, *axis;
static bool force, quiet;
static int label;
static double validation, test;
static unsigned long long seed, gzip;

static const char *const labels[] = {"auto", "class", "number", "words", "characters", NULL};

static const cli_option own_options[] = {
    CLI_FILE('o', "output", "MY.yaml", &output,
             "write the configuration here, not to standard output; what is converted becomes "
             "MY.h5 "
             "beside it"),
    CLI_FLAG(0, "force", &force, "overwrite files that are there"),
    CLI_FLAG(0, "quiet", &quiet, "don't tell what was guessed; the configuration says it, too"),
    CLI_CHOICE(0, "label", "auto|class|number|words|characters", &label, labels,
               "what whole numbers, one a row, are as a target; auto: labels with names, and few "
               "different ones, are classes; words, characters: a recording has several labels, in "
               "their order"),
    CLI_HEADING("Of an HDF5 file:"),
    CLI_READ(0, "inputs", "NAME,...", &inputs, cli_add_to_list, "names of datasets",
             "the datasets that the network reads, such as /fields/rho"),
    CLI_READ(0, "targets", "NAME,...", &targets, cli_add_to_list, "names of datasets",
             "those that it predicts; `inputs`: it learns to reproduce its inputs"),
    CLI_TEXT(0, "time", "AXIS", &time_axis,
             "the dimension that is time, 0 the first, -1 the last: the next state is learnt from "
             "this one; none: none is (else one that is called time or t); of a table, the column "
             "that says when a row was"),
    CLI_TEXT(0, "axis", "AXIS", &axis,
             "the dimension that counts samples or trajectories (0; in MATLAB's files the last)"),
    CLI_HEADING("Of anything else, which is converted:"),
    CLI_TEXT(0, "format", "FORMAT", &format_name, "csv, images, ...; else by the file's name"),
    CLI_SHARE(0, "validation", "SHARE", &validation,
              "share of the training rows that becomes a validation part of the dataset"),
    CLI_SHARE(0, "test", "SHARE", &test, "share that becomes a test part"),
    CLI_WHOLE(0, "seed", "N", &seed, 9223372036854775807LL, "which rows those are (default 0)"),
    CLI_WHOLE(0, "gzip", "LEVEL", &gzip, 9, "compress the dataset, 0 to 9 (default 0)"),
    CLI_END,
};

/* All formats, and every option that any of them has, each name once. */
static ls_convert_format formats[FORMATS];
static size_t n_formats;
static cli_option options[OPTIONS + 1];
static const char *given[OPTIONS]; /* values of formats' options, NULL: not given */
static bool on[OPTIONS];

void cli_prepare_init(void) {
  size_t n = 0;
  for (const cli_option *o = own_options; o->type != CLI_IS_END; o++) options[n++] = *o;
  while (n_formats < FORMATS && ls_convert_format_at(n_formats, &formats[n_formats])) n_formats++;
  for (size_t f = 0; f < n_formats; f++)
    for (size_t k = 0; k < formats[f].n_options && n < OPTIONS; k++) {
      const ls_convert_option *is = &formats[f].option[k];
      bool known = false;
      for (size_t i = 0; i < n; i++)
        known = known || (options[i].name != NULL && strcmp(options[i].name, is->name) == 0);
      if (!known) options[n] = cli_convert_option(is, &given[n], &on[n]);
      n += !known;
    }
  options[n] = (cli_option)CLI_END;
}

/* ---- What the source is ---- */

static const char *const hdf5_names[] = {"h5", "hdf5", "hdf", "nc", "mat", NULL};

static const char *ending_of(const char *path, size_t *size) {
  const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
  size_t n = strlen(name);
  if (n > 3 && strcasecmp(name + n - 3, ".gz") == 0) n -= 3;
  const char *dot = NULL;
  for (size_t i = 1; i < n; i++)
    if (name[i] == '.') dot = name + i + 1;
  *size = dot == NULL ? 0 : (size_t)(name + n - dot);
  return dot;
}

static bool ends_as(const char *path, const char *const *endings) {
  size_t n;
  const char *ending = ending_of(path, &n);
  for (; n > 0 && *endings != NULL; endings++)
    if (strlen(*endings) == n && strncasecmp(ending, *endings, n) == 0) return true;
  return false;
}

static const ls_convert_format *find_format(const char *name) {
  for (size_t f = 0; f < n_formats; f++)
    if (strcmp(formats[f].name, name) == 0) return &formats[f];
  return NULL;
}

/* The first bytes of a file; 0: it is empty.  LS_EIO: it can't be read. */
static ls_status first_bytes(const char *path, unsigned char *to, size_t bytes, size_t *n) {
  FILE *file = fopen(path, "rb");
  *n = 0;
  if (file == NULL) return ls_fail(LS_EIO, "%s: cannot open: %s", path, strerror(errno));
  *n = fread(to, 1, bytes, file);
  const bool failed = ferror(file) != 0;
  (void)fclose(file);
  return failed ? ls_fail(LS_EIO, "%s: cannot read: %s", path, strerror(errno)) : LS_OK;
}

static bool is_text(const unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (bytes[i] == 0 || (bytes[i] < 0x20 && strchr("\t\r\n\f", bytes[i]) == NULL)) return false;
  return true;
}

/* Whether the first lines are prose, or a program, and no table: mostly letters and blanks, and whatever
 * could separate fields comes at different numbers in different lines. */
static bool is_prose(const unsigned char *bytes, size_t n) {
  static const char separators[] = ",;\t| ";
  enum { SEPARATORS = sizeof separators - 1, LINES = 64 };
  size_t letters = 0, lines = 0, count[SEPARATORS][LINES] = {{0}}, found[SEPARATORS] = {0};
  bool empty = true;
  for (size_t i = 0; i < n; i++) {
    const unsigned char b = bytes[i] | 0x20;
    letters += (b >= 'a' && b <= 'z') || bytes[i] >= 0x80 || bytes[i] == ' ' || bytes[i] == '\n';
    if (bytes[i] != '\n') {
      const char *at = bytes[i] == 0 ? NULL : strchr(separators, bytes[i]);
      if (at != NULL) found[at - separators]++;
      empty = empty && (bytes[i] == ' ' || bytes[i] == '\r');
      continue;
    }
    for (size_t k = 0; k < SEPARATORS; k++) {
      if (!empty && lines < LINES) count[k][lines] = found[k];
      found[k] = 0;
    }
    lines += !empty && lines < LINES;
    empty = true;
  }
  if (letters * 10 < n * 7) return false;
  for (size_t k = 0; k < SEPARATORS; k++) {
    size_t alike = 0;
    for (size_t i = 1; i < lines; i++) alike += count[k][i] > 0 && count[k][i] == count[k][i - 1];
    if (lines > 1 && alike * 10 >= (lines - 1) * 8) return false;
  }
  return true;
}

/* Whether a folder, or one of its folders, holds files of recordings. */
static bool holds_sound(const char *path) {
  static const char *const patterns[] = {"", "/*", "/*/*", NULL}, *const sounds[] = {"wav", "wave",
                                                                                     "flac", NULL};
  bool any = false;
  for (size_t i = 0; patterns[i] != NULL && !any; i++) {
    char pattern[PATH];
    glob_t found;
    memset(&found, 0, sizeof found);
    if ((size_t)snprintf(pattern, sizeof pattern, "%s%s/*", path, patterns[i]) >= sizeof pattern)
      break;
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
      for (size_t f = 0; f < found.gl_pathc && !any; f++) any = ends_as(found.gl_pathv[f], sounds);
    globfree(&found);
  }
  return any;
}

static ls_status names_formats(const cli *c, const char *path) {
  char names[256] = "";
  for (size_t f = 0; f < n_formats; f++) {
    const size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", f > 0 ? ", " : "", formats[f].name);
  }
  return usage_error(c, "%s: what it is can't be told by its name; say --format, one of %s", path,
                     names);
}

static bool first_that_fits(const char *pattern, char to[PATH]) {
  glob_t found;
  memset(&found, 0, sizeof found);
  const bool any = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0 &&
                   strlen(found.gl_pathv[0]) < PATH;
  if (any) strcpy(to, found.gl_pathv[0]);
  globfree(&found);
  return any;
}

static bool is_given(const char *name) {
  for (size_t i = 0; i < OPTIONS && options[i].type != CLI_IS_END; i++)
    if (options[i].name != NULL && strcmp(options[i].name, name) == 0)
      return on[i] || given[i] != NULL;
  return false;
}

/* Whether options say that it is a table. */
static bool for_tables(void) {
  static const char *const names[] = {"target",   "targets-from", "drop",   "delimiter", "header",
                                      "category", "one-hot",      "weight", "missing",   NULL};
  bool any = time_axis != NULL;
  for (size_t i = 0; names[i] != NULL && !any; i++) any = is_given(names[i]);
  return any;
}

/* NULL: an HDF5 file. */
static ls_status tell_format(const cli *c, const char *path, const ls_convert_format **format) {
  static const char *const tables[] = {"csv", "tsv", "txt", "dat", "data", "tab", NULL};
  static const char *const prose[] = {"txt", NULL}, *const sounds[] = {"wav", "wave", "flac", NULL};
  static const char *const yaml[] = {"yaml", "yml", NULL};
  static const char *const foreign[] = {"xlsx", "xls", "ods", "parquet", "feather",
                                        "json", "pkl", "pt",  NULL};
  static const unsigned char hdf5[] = "\211HDF\r\n\032\n";
  unsigned char bytes[4096];
  struct stat s;
  size_t n;
  *format = NULL;
  if (format_name != NULL && strcmp(format_name, "hdf5") == 0) return LS_OK;
  if (format_name != NULL) {
    *format = find_format(format_name);
    return *format != NULL ? LS_OK : names_formats(c, format_name);
  }
  char first[PATH];
  if (stat(path, &s) != 0 && strpbrk(path, "*?[") != NULL) { /* by the first file that fits */
    if (!first_that_fits(path, first)) return ls_fail(LS_EIO, "no file fits the pattern %s", path);
    path = first;
  }
  if (stat(path, &s) != 0) return ls_fail(LS_EIO, "%s: cannot open: %s", path, strerror(errno));
  if (S_ISDIR(s.st_mode)) {
    char inside[PATH];
    snprintf(inside, sizeof inside, "%s/config.yaml", path);
    if (stat(inside, &s) == 0)
      return usage_error(c, "%s is a run directory; its configuration is %s", path, inside);
    *format = find_format(holds_sound(path) ? "audio" : "images");
    return *format != NULL ? LS_OK : names_formats(c, path);
  }
  if (!S_ISREG(s.st_mode)) return usage_error(c, "%s is neither a file nor a folder", path);
  ls_status st = first_bytes(path, bytes, sizeof bytes, &n);
  if (st != LS_OK) return st;
  if (n == 0) return ls_fail(LS_EDATA, "%s: is empty", path);
  if (n >= 8 && memcmp(bytes, hdf5, 8) == 0) return LS_OK;
  const bool packed = n > 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
  if (ends_as(path, yaml))
    return usage_error(c, "%s is a configuration already; data are wanted", path);
  if (ends_as(path, foreign))
    return usage_error(c,
                       "%s is of a kind that isn't read here; export it as CSV, HDF5 or NumPy's "
                       "npy",
                       path);
  const bool numpy = n > 6 && memcmp(bytes, "\x93NUMPY", 6) == 0;
  size_t length;
  const char *ending = ending_of(path, &length);
  for (size_t f = 0; f < n_formats && *format == NULL && length > 0; f++)
    if (strlen(formats[f].name) == length && strncasecmp(ending, formats[f].name, length) == 0)
      *format = &formats[f];
  if (*format == NULL && (is_given("vocabulary") || is_given("vocabulary-from")))
    *format = find_format("text");
  if (*format == NULL && numpy) *format = find_format("npy");
  const bool idx = n > 4 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] >= 8 && bytes[2] <= 14;
  if (*format == NULL && (idx || strstr(path, "-ubyte") != NULL)) *format = find_format("idx");
  if (*format == NULL && ends_as(path, sounds)) *format = find_format("audio");
  const bool table = ends_as(path, tables) && !ends_as(path, prose);
  if (*format == NULL && !table && !packed && is_text(bytes, n) && is_prose(bytes, n) &&
      !for_tables())
    *format = find_format("text");
  if (*format == NULL && (ends_as(path, tables) || (!packed && is_text(bytes, n))))
    *format = find_format("csv");
  /* Without its first bytes: the library says what is wrong with it. */
  if (*format == NULL && ends_as(path, hdf5_names)) return LS_OK;
  return *format != NULL ? LS_OK : names_formats(c, path);
}

/* ---- Files that are written ---- */

/* LS_EUSAGE where something is there that must not be overwritten: data never are. */
static ls_status check_free(const cli *c, const char *path) {
  struct stat s, source;
  if (lstat(path, &s) != 0) return LS_OK;
  if (!S_ISREG(s.st_mode)) return usage_error(c, "%s is not a file, and is not overwritten", path);
  for (int i = 0; i < c->argc; i++)
    if (stat(c->argv[i], &source) == 0 && source.st_dev == s.st_dev && source.st_ino == s.st_ino)
      return usage_error(c, "%s is the data themselves, which are not overwritten", path);
  if (!force) return usage_error(c, "%s is there already; --force overwrites it", path);
  return LS_OK;
}

/* Whole or not at all. */
static ls_status write_text(const char *path, const char *text) {
  char beside[PATH + 32];
  snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid());
  FILE *file = fopen(beside, "wx");
  bool good = file != NULL && fputs(text, file) >= 0;
  good = good && fflush(file) == 0 && fsync(fileno(file)) == 0;
  if (file != NULL) good = fclose(file) == 0 && good;
  if (good && force) good = rename(beside, path) == 0;
  if (good && !force) { /* another one may have come meanwhile */
    good = link(beside, path) == 0;
    if (!good && errno != EEXIST) good = rename(beside, path) == 0; /* a disk without links */
  }
  const int error = errno;
  if (file != NULL) (void)unlink(beside);
  return good ? LS_OK : ls_fail(LS_EIO, "%s: cannot write: %s", path, strerror(error));
}

/* "dir/my.yaml" to "dir/my", into PATH bytes. */
static bool stem_of(const char *path, char to[PATH]) {
  size_t n;
  const char *ending = ending_of(path, &n);
  const size_t size = ending == NULL ? strlen(path) : (size_t)(ending - 1 - path);
  if (size + 8 > PATH) return false;
  memcpy(to, path, size);
  to[size] = '\0';
  return true;
}

/* ---- Converting ---- */

static bool has_option(const ls_convert_format *format, const char *name) {
  for (size_t k = 0; k < format->n_options; k++)
    if (strcmp(format->option[k].name, name) == 0) return true;
  return false;
}

/* Options that were given, as the format wants them. */
static ls_status take_options(const cli *c, const ls_convert_format *format, char *text[OPTIONS],
                              int *n) {
  for (size_t i = 0; i < OPTIONS && options[i].type != CLI_IS_END; i++) {
    const char *value = on[i] ? "true" : given[i];
    if (value == NULL) continue;
    if (!has_option(format, options[i].name))
      return usage_error(c, "--%s is no option of the format %s, which this is taken for",
                         options[i].name, format->name);
    const size_t bytes = strlen(options[i].name) + strlen(value) + 2;
    if ((text[*n] = malloc(bytes)) == NULL) return ls_fail(LS_ENOMEM, "options: out of memory");
    snprintf(text[(*n)++], bytes, "%s=%s", options[i].name, value);
  }
  return LS_OK;
}

static ls_status convert(const cli *c, const ls_convert_format *format, const char *to) {
  char *text[OPTIONS] = {NULL};
  ls_convert_options how = {
      .format = format->name,
      .sources = (const char *const *)c->argv,
      .n_sources = c->argc,
      .output = to,
      .options = (const char *const *)text,
      .validation = validation,
      .test = test,
      .seed = seed,
      .gzip = (int)gzip,
      .no_hints = true,
      .progress = !quiet,
  };
  ls_status st = take_options(c, format, text, &how.n_options);
  if (st == LS_OK && has_option(format, "words") && !is_given("words")) {
    if ((text[how.n_options] = strdup("words=choose")) == NULL)
      st = ls_fail(LS_ENOMEM, "options: out of memory");
    else
      how.n_options++;
  }
  if (st == LS_OK && time_axis != NULL) {
    const size_t bytes = strlen(time_axis) + 6;
    if ((text[how.n_options] = malloc(bytes)) == NULL)
      st = ls_fail(LS_ENOMEM, "options: out of memory");
    else
      snprintf(text[how.n_options++], bytes, "time=%s", time_axis);
  }
  if (st == LS_OK && label > 0 && has_option(format, "label")) {
    if ((text[how.n_options] = malloc(32)) == NULL)
      st = ls_fail(LS_ENOMEM, "options: out of memory");
    else
      snprintf(text[how.n_options++], 32, "label=%s", labels[label]);
  }
  if (st == LS_OK) st = ls_convert(&how);
  for (int i = 0; i < OPTIONS; i++) free(text[i]);
  return st;
}

/* Options of converting, where nothing is converted. */
static ls_status refuse_options(const cli *c) {
  for (size_t i = 0; i < OPTIONS && options[i].type != CLI_IS_END; i++)
    if (on[i] || given[i] != NULL)
      return usage_error(c, "--%s is for files that are converted, and %s is an HDF5 file",
                         options[i].name, c->argv[0]);
  if (validation > 0 || test > 0 || seed > 0 || gzip > 0)
    return usage_error(c,
                       "%s is an HDF5 file, which stays as it is: its parts are drawn by the "
                       "configuration (data.split)",
                       c->argv[0]);
  return LS_OK;
}

/* ---- All of it ---- */

static size_t cut(char *list, const char *names[NAMES + 1]) {
  size_t n = 0;
  for (char *at = list, *comma; at != NULL && n <= NAMES; at = comma) {
    comma = strchr(at, ',');
    if (comma != NULL) *comma++ = '\0';
    names[n++] = at;
  }
  return n;
}

static void tell(const char *remarks) {
  while (!quiet && *remarks != '\0') {
    const size_t n = strcspn(remarks, "\n");
    fprintf(stderr, "init: %.*s\n", (int)n, remarks);
    remarks += n + (remarks[n] == '\n');
  }
}

/* "runs/my" of "my.yaml". */
static void tell_next(const char *data, bool converted, const ls_proposed *is) {
  char stem[PATH];
  const char *slash = strrchr(output, '/');
  if (!stem_of(slash == NULL ? output : slash + 1, stem)) return;
  printf("wrote %s%s%s; next:\n  mpirun -n 2 lockstep train %s\n  lockstep evaluate runs/%s\n",
         output, converted ? ", data in " : "", converted ? data : "", output, stem);
  if (is->text)
    printf("  lockstep generate runs/%s --length 500 --temperature 0.8\n", stem);
  else
    printf("  lockstep predict runs/%s%s -o predictions.%s\n", stem,
           is->test ? " --split test" : "", is->table ? "csv" : "h5");
}

static ls_status propose(const cli *c, const char *const *data, size_t n, const char *origin,
                         bool converted) {
  const char *in[NAMES + 1], *out[NAMES + 1];
  char *in_text = inputs == NULL ? NULL : strdup(inputs);
  char *out_text = targets == NULL ? NULL : strdup(targets);
  ls_proposed is = {.yaml = NULL};
  ls_propose_options how = {.files = data,
                            .n_files = n,
                            .axis = axis,
                            .time = converted ? NULL : time_axis,
                            .inputs = in,
                            .targets = out,
                            .label = label <= LS_LABEL_NUMBER ? (ls_propose_label)label
                                                              : LS_LABEL_AUTO,
                            .origin = origin};
  ls_status st = LS_OK;
  how.n_inputs = in_text == NULL ? 0 : cut(in_text, in);
  how.n_targets = out_text == NULL ? 0 : cut(out_text, out);
  if (how.n_inputs > NAMES || how.n_targets > NAMES)
    st = usage_error(c, "at most %d inputs and %d targets are named", NAMES, NAMES);
  if (st == LS_OK) st = ls_propose(&how, &is);
  if (st == LS_OK && output == NULL) fputs(is.yaml, stdout);
  if (st == LS_OK && output != NULL) st = write_text(output, is.yaml);
  if (st == LS_OK) tell(is.remarks);
  if (st == LS_OK && output != NULL) tell_next(data[0], converted, &is);
  free(in_text);
  free(out_text);
  free(is.yaml);
  free(is.remarks);
  return st;
}

static ls_status work(void *context) {
  const cli *c = context;
  const ls_convert_format *format = NULL;
  char data[PATH] = "", origin[512];
  ls_status st = tell_format(c, c->argv[0], &format);
  if (st != LS_OK) return st;
  char any[PATH];
  if (output != NULL && !stem_of(output, any))
    return usage_error(c, "%s: the name is too long", output);
  if (output != NULL && ends_as(output, hdf5_names))
    return usage_error(c, "%s: a configuration is written; name it as in -o MY.yaml", output);
  if (output != NULL && (st = check_free(c, output)) != LS_OK) return st;
  if (format == NULL) {
    st = refuse_options(c);
    if (st == LS_OK) st = propose(c, (const char *const *)c->argv, (size_t)c->argc, NULL, false);
    return st;
  }
  if (axis != NULL || (time_axis != NULL && !has_option(format, "time")))
    return usage_error(c, "--%s is for HDF5 files, and %s is taken for %s",
                       axis == NULL ? "time" : "axis", c->argv[0], format->name);
  if (output == NULL)
    return usage_error(c, "-o MY.yaml is missing: %s (%s) is converted to MY.h5 beside it",
                       c->argv[0], format->name);
  (void)stem_of(output, data);
  strcat(data, ".h5");
  st = check_free(c, data);
  if (st == LS_OK) st = convert(c, format, data);
  static const char *const prose[] = {"txt", NULL};
  if (st == LS_EDATA && format_name == NULL && ends_as(c->argv[0], prose) &&
      strcmp(format->name, "csv") == 0)
    return ls_fail(st, "%s; if it is no table but text, say --format text", ls_error_message());
  if (st != LS_OK) return st;
  snprintf(origin, sizeof origin, "data: %s, made of %s%s by lockstep convert %s", data, c->argv[0],
           c->argc > 1 ? " and others" : "", format->name);
  const char *const made[] = {data};
  st = propose(c, made, 1, origin, true);
  if (st != LS_OK) (void)unlink(data); /* nothing is left of what did not end */
  return st;
}

static ls_status run(cli *c) {
  return on_root(c, work, c);
}

static const cli_argument arguments[] = {
    {"DATA", "a dataset", true, CLI_FILES, NULL,
     "an HDF5 file, or what `convert` reads: a table, images, arrays"},
    CLI_ARGUMENTS_END,
};

const command cmd_init = {
    .name = "init",
    .summary = "write a first configuration for your data",
    .synopsis = "lockstep init DATA.h5... [-o MY.yaml] [--inputs NAME,...] [--targets NAME,...]\n"
                "lockstep init SOURCE... -o MY.yaml [options of convert]",
    .prose = "Looks at a dataset and writes a configuration that trains on it as it is, with "
             "comments that "
             "say what was guessed: the task, the loss, the network and its sizes, normalisation, "
             "parts, "
             "and for how long.  What is no HDF5 file is converted first, as `lockstep convert` "
             "does.\n\n"
             "In an HDF5 file, inputs and targets are found by their names (x and y, images and "
             "labels, "
             "...) or are named.  Of a series, the next state is learnt from this one.  Several "
             "files, or a pattern in quotes, are read as one.  None is changed.",
    .arguments = arguments,
    .options = options,
    .run = run,
};

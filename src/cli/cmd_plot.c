/* plot: the pictures of a run, again; and learning curves of several runs, laid over each other. */
#include <lockstep/comm.h>
#include <lockstep/pictures.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static const char *output;
static int split = -1; /* LS_AUTO */
static bool text;
static ls_picture_style style;

/* The command line's run directories, and what is set. */
static const char *const *runs, *const *overrides;
static size_t n_runs, n_overrides;

static char script[4096];
static const char *pictures[2];
static size_t n_pictures;

/* ---- When all else is done ---- */

static ls_status draw_folder(cli *c) {
  return ls_pictures_draw(c->pictures, stdout);
}

static ls_status draw_curves(cli *c) {
  (void)c;
  const ls_status st = ls_picture_draw(script, pictures, n_pictures);
  if (st != LS_OK) return st;
  (void)unlink(script);
  printf("%s: %s%s%s\n", n_pictures > 1 ? "pictures" : "picture", pictures[0],
         n_pictures > 1 ? ", " : "", n_pictures > 1 ? pictures[1] : "");
  return LS_OK;
}

static unsigned columns(void) {
  struct winsize window;
  const char *said = getenv("COLUMNS");
  long n = said != NULL ? strtol(said, NULL, 10) : 0;
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0) n = window.ws_col;
  if (n <= 0) n = 80;
  return n < 40 ? 40 : n > 110 ? 110 : (unsigned)n;
}

static ls_status print_curves(cli *c) {
  (void)c;
  return ls_curves_print(runs, n_runs, &style, columns(), stdout);
}

/* ---- The command ---- */

static bool read_size(const char *said, void *to) {
  ls_picture_style *s = to;
  char *end = NULL;
  if (said[0] < '0' || said[0] > '9') return false;
  const unsigned long width = strtoul(said, &end, 10);
  if (*end != 'x' || end[1] < '0' || end[1] > '9') return false;
  const unsigned long height = strtoul(end + 1, &end, 10);
  if (*end != '\0' || width < 200 || width > 10000 || height < 150 || height > 10000) return false;
  s->width = (unsigned)width;
  s->height = (unsigned)height;
  return true;
}

static bool is_folder(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Runs first, then overrides: a folder may have "=" in its name. */
static ls_status part_arguments(const cli *c) {
  size_t n = 0;
  struct stat s;
  for (; n < (size_t)c->argc; n++)
    if (strchr(c->argv[n], '=') != NULL && !is_folder(c->argv[n])) break;
  for (size_t i = n; i < (size_t)c->argc; i++)
    if (strchr(c->argv[i], '=') == NULL)
      return usage_error(c, "\"%s\" is no KEY=VALUE; run directories come first", c->argv[i]);
  if (n == 0) return usage_error(c, "a run directory is missing");
  for (size_t i = 0; i < n; i++)
    if (stat(c->argv[i], &s) == 0 && !S_ISDIR(s.st_mode))
      return usage_error(c, "%s is a file; a run directory is wanted", c->argv[i]);
  runs = (const char *const *)c->argv;
  n_runs = n;
  overrides = runs + n;
  n_overrides = (size_t)c->argc - n;
  const bool curves_alone = n > 1 || output != NULL || text;
  if (curves_alone && (n_overrides > 0 || split >= 0))
    return usage_error(c, "%s is for the data of one run; learning curves alone are asked for",
                       split >= 0 ? "--split" : overrides[0]);
  if (text && output != NULL)
    return usage_error(c, "--text prints curves, -o draws them: one of them is wanted");
  if (text && style.width > 0) return usage_error(c, "--size is for pictures, not for --text");
  if (output != NULL && !ls_picture_can_be(output))
    return usage_error(c, "-o %s: pictures end in .png, .svg or .pdf", output);
  return LS_OK;
}

static ls_status write_curves(void *nothing) {
  (void)nothing;
  return ls_curves_write(runs, n_runs, &style, script);
}

static ls_status run(cli *c) {
  ls_status st = ls_comm_agree(c->comm, part_arguments(c));
  if (st != LS_OK) return st;
  if (text) {
    c->finally = print_curves;
    return LS_OK;
  }
  if (n_runs > 1 || output != NULL) {
    pictures[0] = output != NULL ? output : "comparison.png";
    pictures[1] = "comparison.svg";
    n_pictures = output != NULL ? 1 : 2;
    const int size = snprintf(script, sizeof script, "%s.gp",
                              output != NULL ? output : "comparison");
    if (size < 0 || (size_t)size >= sizeof script)
      return usage_error(c, "-o %.60s...: too long a name", output);
    st = on_root(c, write_curves, NULL);
    if (st == LS_OK) c->finally = draw_curves;
    return st;
  }
  st = ls_pictures_write(c->comm, runs[0], overrides, n_overrides,
                         split >= 0 ? (ls_split)split : LS_AUTO, &style);
  if (st != LS_OK) return st;
  snprintf(c->pictures, sizeof c->pictures, "%s/pictures", runs[0]); /* they were written there */
  c->finally = draw_folder;
  return st;
}

static const cli_argument arguments[] = {
    {"RUN", "a run directory", true, CLI_FILES, NULL,
     "one: all its pictures; several: their learning curves, laid over each other"},
    CLI_OVERRIDES("overrides of one run's configuration, as in data.file=other.h5"),
    CLI_ARGUMENTS_END,
};
static const cli_option options[] = {
    CLI_FILE('o', "output", "PICTURE", &output,
             "learning curves alone, into this file: .png, .svg or .pdf (several runs without it: "
             "comparison.png and comparison.svg)"),
    CLI_READ(0, "size", "WIDTHxHEIGHT", &style, read_size, "a size, such as 800x600,",
             "size of the pictures, letters and lines with it; pixels of a PNG, 96 to the inch of "
             "a "
             "PDF (default: by what is in it; PNG then has twice as many pixels, for fine "
             "screens)"),
    CLI_TEXT(0, "show", "KEY,...", &style.panels,
             "learning curves of these values alone, as in loss,accuracy"),
    CLI_CHOICE(0, "split", "PART", &split, cli_splits,
               "samples for the confusion matrix and the predictions: train, validation, test or "
               "all "
               "(default validation; where there is none, train)"),
    CLI_FLAG(0, "text", &text, "learning curves with characters, of one value"),
    CLI_END,
};

const command cmd_plot = {
    .name = "plot",
    .summary = "draw the pictures of a run again, or curves of several",
    .synopsis = "[mpirun -n N] lockstep plot RUN [KEY=VALUE...] [options]\n"
                "lockstep plot RUN RUN... [-o PICTURE] [options]",
    .prose = "Of one run, draws what the end of a training draws: learning curves, and of a part "
             "of "
             "the data the confusion matrix and a page of predictions, as PNG and SVG in "
             "RUN/pictures.  Of several, lays their learning curves over each other.  Curves "
             "alone, "
             "of several or with -o, need no data and no checkpoint: runs may still go on.  A ring "
             "marks the best epoch: early stopping's, else that of the lowest loss.\n"
             "\n"
             "gnuplot draws; the variable GNUPLOT names another program, or none where it is "
             "empty. "
             " Where it is missing or fails, exit code 1, and the data stay as its script: "
             "NAME.gp, "
             "or PICTURE.gp.",
    .arguments = arguments,
    .options = options,
    .computes = true,
    .run = run,
};

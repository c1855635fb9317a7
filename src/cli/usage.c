/* --help: of the program and of a command, made from its table. */
#include <lockstep/help.h>
#include <string.h>

#include "cli.h"

enum { INDENT = 2, WIDEST = 26 };

const cli_exit_code cli_exit_codes[] = {{0, "done"},
                                        {1, "failed"},
                                        {2, "wrong usage or configuration"},
                                        {3, "a bad data or checkpoint file"},
                                        {4, "the loss is not finite"},
                                        {5, "a rank was lost"},
                                        {75, "stopped on request after a checkpoint, run again "
                                             "with --resume"},
                                        {0, NULL}};

/* "-o, --output OUT.h5" */
static const char *left_of(const cli_option *o, char text[128]) {
  char letter[8] = "";
  if (o->type == CLI_IS_TERM) return o->name;
  if (o->letter != 0) snprintf(letter, sizeof letter, "-%c, ", o->letter);
  snprintf(text, 128, "%s--%s%s%s", letter, o->name, o->form != NULL ? " " : "",
           o->form != NULL ? o->form : "");
  return text;
}

static size_t wider(size_t width, const char *text) {
  size_t n = strlen(text);
  return n > width && n <= WIDEST ? n : width;
}

static void print_rows(const command *of, FILE *out) {
  char text[128];
  size_t width = 8;
  const cli_argument *a = of->arguments;
  const cli_option *o = of->options;
  for (; a != NULL && a->name != NULL; a++)
    if (a->what != NULL) width = wider(width, a->name);
  for (; o != NULL && o->type != CLI_IS_END; o++)
    if (o->type != CLI_IS_HEADING) width = wider(width, left_of(o, text));
  for (a = of->arguments; a != NULL && a->name != NULL; a++)
    if (a->what != NULL) ls_help_row(out, INDENT, width, a->name, a->what);
  for (o = of->options; o != NULL && o->type != CLI_IS_END; o++) {
    if (o->type == CLI_IS_HEADING)
      fprintf(out, "%s\n", o->what);
    else
      ls_help_row(out, INDENT, width, left_of(o, text), o->what);
  }
}

/* "usage: " before the first line, and as many spaces before the others. */
static void print_synopsis(const char *synopsis, const char *before, FILE *out) {
  while (*synopsis != '\0') {
    size_t n = strcspn(synopsis, "\n");
    fprintf(out, "%s%.*s\n", before, (int)n, synopsis);
    synopsis += n + (synopsis[n] == '\n');
    before = "       ";
  }
}

static bool has_rows(const command *of) {
  for (const cli_argument *a = of->arguments; a != NULL && a->name != NULL; a++)
    if (a->what != NULL) return true;
  return of->options != NULL;
}

static void print_commands(const command *const *commands, FILE *out) {
  const command *const *c = commands;
  size_t width = 8;
  for (; *c != NULL; c++) width = wider(width, (*c)->name);
  for (c = commands; *c != NULL; c++) ls_help_row(out, INDENT, width, (*c)->name, (*c)->summary);
}

void cli_print_help(const command *of, const char *name, FILE *out) {
  print_synopsis(of->synopsis, "usage: ", out);
  fputc('\n', out);
  ls_help_row(out, 0, 0, NULL, of->prose);
  if (has_rows(of)) fputc('\n', out);
  print_rows(of, out);
  if (of->more != NULL) fputc('\n', out);
  if (of->more != NULL) ls_help_row(out, 0, 0, NULL, of->more);
  for (const command *const *c = of->commands; c != NULL && *c != NULL; c++) {
    char text[CLI_NAME];
    cli_name(*c, name, text);
    fprintf(out, "\n%s: %s\n\n", text, (*c)->summary);
    cli_print_help(*c, text, out);
  }
}

void cli_print_usage(FILE *out) {
  char text[512] = "exit codes: ";
  size_t used = strlen(text);
  fputs("lockstep trains neural networks on any number of MPI ranks.\n"
        "\n"
        "usage: lockstep COMMAND ...          one process\n"
        "       mpirun -n 4 lockstep COMMAND ...\n"
        "\n"
        "commands\n",
        out);
  print_commands(cli_commands, out);
  fputs("\nlockstep COMMAND --help tells more; lockstep --version tells which this is.\n\n", out);
  for (const cli_exit_code *e = cli_exit_codes; e->what != NULL && used < sizeof text; e++) {
    int n = snprintf(text + used, sizeof text - used, "%s%d %s", e > cli_exit_codes ? "; " : "",
                     e->code, e->what);
    used += n > 0 ? (size_t)n : 0;
  }
  ls_help_row(out, 0, 0, NULL, text);
}

/* The manual page, in troff with the macros of man(7). */
#include <lockstep/help.h>
#include <string.h>

#include "cli.h"

/* A code point of more than one byte, as \[u03C0]; returns its bytes. */
static size_t put_code_point(const char *text, FILE *out) {
  const unsigned char first = (unsigned char)*text;
  const size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  unsigned code = first & (0xFFu >> (n + 1));
  for (size_t i = 1; i < n; i++) {
    if (((unsigned char)text[i] & 0xC0) != 0x80) return i; /* not UTF-8 */
    code = code << 6 | ((unsigned char)text[i] & 0x3Fu);
  }
  fprintf(out, "\\[u%04X]", code);
  return n;
}

/* Part of a line. */
static void put(const char *text, FILE *out) {
  bool code = false;
  for (; *text != '\0'; text++) {
    if ((unsigned char)*text >= 0x80) {
      text += put_code_point(text, out) - 1;
    } else if (*text == '`') { /* the text between two of them is bold */
      code = !code;
      fputs(code ? "\\fB" : "\\fR", out);
    } else if (*text == '\\') {
      fputs("\\e", out);
    } else if (*text == '-') {
      fputs("\\-", out);
    } else if (*text == '\'') {
      fputs("\\(aq", out);
    } else if (*text == '^') {
      fputs("\\(ha", out);
    } else if (*text == '~') {
      fputs("\\(ti", out);
    } else if (*text != ' ' ||
               text[1] != ' ') { /* no two spaces: troff parts sentences by itself */
      fputc(*text, out);
    }
  }
  if (code) fputs("\\fR", out);
}

/* Lines; an empty one begins a paragraph by this macro. */
static void put_text(const char *text, const char *paragraph, FILE *out) {
  while (*text != '\0') {
    char line[4096];
    size_t n = strcspn(text, "\n");
    snprintf(line, sizeof line, "%.*s", (int)n, text);
    if (*line == '.') fputs("\\&", out);
    put(line, out);
    fputc('\n', out);
    text += n;
    if (strncmp(text, "\n\n", 2) == 0)
      fprintf(out, "%s\n", paragraph);
    else if (*text == '\n')
      fputs(".br\n", out);
    text += strspn(text, "\n");
  }
}

static void put_term(const char *term, const char *value, const char *what, FILE *out) {
  fputs(".TP\n\\fB", out);
  put(term, out);
  fputs("\\fR", out);
  if (value != NULL) {
    fputs(" \\fI", out);
    put(value, out);
    fputs("\\fR", out);
  }
  fputc('\n', out);
  put_text(*what != '\0' ? what : "\\&", ".IP", out);
}

static void put_synopsis(const char *synopsis, FILE *out) {
  fputs(".nf\n", out);
  put_text(synopsis, "", out);
  fputs(".fi\n", out);
}

static void put_command(const command *of, const char *name, FILE *out) {
  char text[128];
  fprintf(out, ".SS lockstep %s\n", name);
  put_synopsis(of->synopsis, out);
  fputs(".PP\n", out);
  put_text(of->prose, ".PP", out);
  for (const cli_argument *a = of->arguments; a != NULL && a->name != NULL; a++)
    if (a->what != NULL) put_term(a->name, NULL, a->what, out);
  for (const cli_option *o = of->options; o != NULL && o->type != CLI_IS_END; o++) {
    if (o->type == CLI_IS_HEADING) {
      fputs(".PP\n", out);
      put_text(o->what, "", out);
      continue;
    }
    if (o->type == CLI_IS_TERM)
      snprintf(text, sizeof text, "%s", o->name);
    else if (o->letter != 0)
      snprintf(text, sizeof text, "-%c, --%s", o->letter, o->name);
    else
      snprintf(text, sizeof text, "--%s", o->name);
    put_term(text, o->form, o->what, out);
  }
  if (of->more != NULL) {
    fputs(".PP\n", out);
    put_text(of->more, ".PP", out);
  }
  for (const command *const *inner = of->commands; inner != NULL && *inner != NULL; inner++) {
    char inner_name[CLI_NAME];
    cli_name(*inner, name, inner_name);
    put_command(*inner, inner_name, out);
  }
}

/* "number, from 0; default 0.1" */
static void facts(const ls_help_entry *e, char *text, size_t bytes) {
  const char *fallback = e->fallback == NULL    ? "required"
                         : *e->fallback != '\0' ? "default "
                                                : "not set";
  snprintf(text, bytes, "%s%s%s; %s%s%s%s", e->type, *e->range != '\0' ? ", " : "", e->range,
           fallback, e->fallback != NULL ? e->fallback : "", *e->what != '\0' ? "\n" : "", e->what);
}

static ls_status put_entry(const ls_help_entry *e, void *context) {
  char text[4096];
  FILE *out = context;
  if (e->repeats) return LS_OK;
  if (e->is == LS_HELP_SECTION) {
    fprintf(out, ".SS %s\n", e->key);
    put_text(*e->what != '\0' ? e->what : "\\&", ".PP", out);
    return LS_OK;
  }
  if (e->is == LS_HELP_OPTION) facts(e, text, sizeof text);
  put_term(e->key, NULL, e->is == LS_HELP_OPTION ? text : e->what, out);
  return LS_OK;
}

ls_status cli_print_man(FILE *out) {
  char code[16];
  fputs(".TH LOCKSTEP 1 \"\" \"lockstep " LOCKSTEP_VERSION "\" \"User Commands\"\n"
        ".nh\n"
        ".ad l\n"
        ".SH NAME\n"
        "lockstep \\- distributed data\\-parallel training of neural networks on CPU clusters\n"
        ".SH SYNOPSIS\n",
        out);
  for (const command *const *c = cli_commands; *c != NULL; c++) put_synopsis((*c)->synopsis, out);
  fputs(".SH DESCRIPTION\n"
        "lockstep trains neural networks on any number of MPI ranks, started by\n"
        ".BR mpirun (1)\n"
        "or from a batch script.\n"
        ".SH COMMANDS\n",
        out);
  for (const command *const *c = cli_commands; *c != NULL; c++) put_command(*c, (*c)->name, out);
  fputs(".SH CONFIGURATION\n"
        "A configuration is a YAML file; KEY=VALUE on the command line overrides one of these "
        "keys.\n",
        out);
  ls_status st = ls_help_each(put_entry, out);
  fputs(".SH EXIT STATUS\n", out);
  for (const cli_exit_code *e = cli_exit_codes; e->what != NULL; e++) {
    snprintf(code, sizeof code, "%d", e->code);
    put_term(code, NULL, e->what, out);
  }
  fputs(".SH SEE ALSO\n.BR mpirun (1),\n.BR sbatch (1)\n", out);
  return st;
}

/* Reading a command line by a command's table: options anywhere among the arguments, --name VALUE,
 * --name=VALUE, -n VALUE, -nVALUE, a name cut short where that is clear, and "--" before arguments
 * that begin with a dash. */
#include <errno.h>
#include <lockstep/help.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool takes_value(const cli_option *o) {
  return o->type != CLI_IS_FLAG;
}

/* "--name" or "-l", as it was given. */
typedef struct given {
  const cli_option *option;
  char as[80];
} given;

static bool is_option(const cli_option *o) {
  return o->type != CLI_IS_HEADING && o->type != CLI_IS_TERM;
}

/* Whether a command takes KEY=VALUE. */
static bool takes_settings(const command *of) {
  const cli_argument *a = of->arguments;
  for (; a != NULL && a->name != NULL; a++)
    if (a->completion == CLI_SETTINGS) return true;
  return false;
}

/* An option that isn't there; `value` is what stands behind it, or NULL. */
static ls_status unknown(const cli *c, const command *of, const char *name, size_t n,
                         const char *value) {
  const char *names[64];
  char text[80];
  size_t known = 0;
  const cli_option *table = of->options;
  snprintf(text, sizeof text, "%.*s", (int)n, name);
  const char *setting = takes_settings(of) ? ls_help_setting(text) : NULL;
  if (setting != NULL && strcmp(setting, "output") == 0 && of != &cmd_train) setting = NULL;
  if (setting != NULL)
    return usage_error(c, "there is no option --%s; a setting is given as %s=%s", text, setting,
                       value != NULL && value[0] != '-' && strchr(value, '=') == NULL ? value
                                                                                      : "VALUE");
  for (const cli_option *o = table;
       o != NULL && o->type != CLI_IS_END && known < sizeof names / sizeof *names; o++)
    if (is_option(o)) names[known++] = o->name;
  const char *near = ls_help_nearest(text, names, known);
  if (near == NULL) return usage_error(c, "there is no option --%s", text);
  return usage_error(c, "there is no option --%s; did you mean --%s?", text, near);
}

static ls_status find_name(const cli *c, const command *of, const char *name, size_t n,
                           const char *value, given *g) {
  const cli_option *first = NULL, *second = NULL; /* that begin so */
  for (const cli_option *o = of->options; o != NULL && o->type != CLI_IS_END; o++) {
    if (!is_option(o) || n == 0 || strncmp(o->name, name, n) != 0) continue;
    if (o->name[n] == '\0') { /* in full */
      first = o;
      second = NULL;
      break;
    }
    if (first == NULL)
      first = o;
    else
      second = o;
  }
  if (first == NULL) return unknown(c, of, name, n, value);
  if (second != NULL)
    return usage_error(c, "--%.*s may be --%s or --%s", (int)n, name, first->name, second->name);
  g->option = first;
  snprintf(g->as, sizeof g->as, "--%s", first->name);
  return LS_OK;
}

static ls_status find_letter(const cli *c, const command *of, char letter, given *g) {
  for (const cli_option *o = of->options; o != NULL && o->type != CLI_IS_END; o++) {
    if (!is_option(o) || o->letter != letter) continue;
    g->option = o;
    snprintf(g->as, sizeof g->as, "-%c", letter);
    return LS_OK;
  }
  if (letter == 'o' && of == &cmd_train)
    return usage_error(c, "there is no option -o; the run directory is given as output=DIRECTORY");
  return usage_error(c, "there is no option -%c", letter);
}

static ls_status set_number(const cli *c, const given *g, const char *text) {
  const cli_option *o = g->option;
  char *end = NULL;
  errno = 0;
  if (o->type == CLI_IS_SHARE) {
    double share = strtod(text, &end);
    if (end == text || *end != '\0' || !(share >= 0 && share < 1))
      return usage_error(c, "%s %s: a share from 0 to below 1 is wanted", g->as, text);
    *(double *)o->to = share;
    return LS_OK;
  }
  long long n = strtoll(text, &end, 10);
  bool good = end != text && *end == '\0' && errno == 0;
  if (o->type == CLI_IS_COUNT) {
    if (!good || n < 1 || n > 1000000000LL)
      return usage_error(c, "%s %s: a whole number from 1 on is wanted", g->as, text);
    *(size_t *)o->to = (size_t)n;
    return LS_OK;
  }
  if (!good || n < 0 || n > o->high)
    return usage_error(c, "%s %s: a whole number from 0 to %lld is wanted", g->as, text, o->high);
  *(unsigned long long *)o->to = (unsigned long long)n;
  return LS_OK;
}

static ls_status set_choice(const cli *c, const given *g, const char *text) {
  char names[256] = "";
  for (int i = 0; g->option->choices[i] != NULL; i++) {
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", g->option->choices[i]);
    if (strcmp(text, g->option->choices[i]) != 0) continue;
    *(int *)g->option->to = i;
    return LS_OK;
  }
  return usage_error(c, "%s %s: one of %s is wanted", g->as, text, names);
}

static ls_status set(const cli *c, const given *g, const char *text) {
  switch (g->option->type) {
    case CLI_IS_FLAG: *(bool *)g->option->to = true; return LS_OK;
    case CLI_IS_FILE:
      if (*text == '\0')
        return usage_error(c, "%s: the name of a file is wanted, not an empty one", g->as);
      *(const char **)g->option->to = text;
      return LS_OK;
    case CLI_IS_TEXT: *(const char **)g->option->to = text; return LS_OK;
    case CLI_IS_COUNT:
    case CLI_IS_WHOLE:
    case CLI_IS_SHARE: return set_number(c, g, text);
    case CLI_IS_CHOICE: return set_choice(c, g, text);
    case CLI_IS_READ:
      if (g->option->read(text, g->option->to)) return LS_OK;
      return usage_error(c, "%s %s: %s is wanted", g->as, text, g->option->wanted);
    case CLI_IS_END:
    case CLI_IS_HEADING:
    case CLI_IS_TERM: break;
  }
  return LS_OK;
}

/* The options of one argument, "--name", "--name=value" or "-abc"; *i moves on to the value. */
static ls_status read_one(const cli *c, const command *of, int argc, char **argv, int *i) {
  const char *text = argv[*i], *value = NULL;
  given g = {NULL, ""};
  ls_status st = LS_OK;
  if (text[1] == '-') {
    size_t n = strcspn(text + 2, "=");
    if (text[2 + n] == '=') value = text + 2 + n + 1;
    st = find_name(c, of, text + 2, n,
                   value != NULL   ? value
                   : *i + 1 < argc ? argv[*i + 1]
                                   : NULL,
                   &g);
    if (st != LS_OK) return st;
    if (value != NULL && !takes_value(g.option)) return usage_error(c, "%s takes no value", g.as);
    if (value == NULL && takes_value(g.option)) {
      if (*i + 1 >= argc) return usage_error(c, "%s wants a value", g.as);
      value = argv[++*i];
    }
    return set(c, &g, value);
  }
  for (const char *at = text + 1; *at != '\0' && st == LS_OK; at++) {
    st = find_letter(c, of, *at, &g);
    if (st != LS_OK) return st;
    if (!takes_value(g.option)) {
      st = set(c, &g, NULL);
      continue;
    }
    if (at[1] != '\0') return set(c, &g, at + 1);
    if (*i + 1 >= argc) return usage_error(c, "%s wants a value", g.as);
    return set(c, &g, argv[++*i]);
  }
  return st;
}

/* What is no option, against the command's arguments. */
static ls_status check_arguments(const cli *c, const command *of) {
  const cli_argument *a = of->arguments;
  char names[256] = "";
  int i = 0;
  for (; a != NULL && a->name != NULL; a++) {
    if (i >= c->argc && a->missing != NULL) return usage_error(c, "%s is missing", a->missing);
    for (; i < c->argc; i++) {
      bool good = a->choices == NULL;
      if (good && c->argv[i][0] == '\0') return usage_error(c, "%s is an empty text", a->name);
      names[0] = '\0';
      for (size_t k = 0; a->choices != NULL && a->choices[k] != NULL; k++) {
        size_t used = strlen(names);
        good = good || strcmp(a->choices[k], c->argv[i]) == 0;
        snprintf(names + used, sizeof names - used, "%s%s", k > 0 ? ", " : "", a->choices[k]);
      }
      if (!good)
        return usage_error(c, "%s \"%s\" is unknown; one of %s is wanted", a->name, c->argv[i],
                           names);
      if (a->many) continue;
      i++;
      break;
    }
  }
  if (i < c->argc && i == 0) return usage_error(c, "it takes options only, not \"%s\"", c->argv[i]);
  if (i < c->argc) return usage_error(c, "\"%s\" is one argument too many", c->argv[i]);
  return LS_OK;
}

ls_status cli_read(cli *c, const command *of, int argc, char **argv) {
  ls_status st = LS_OK;
  bool only_arguments = false;
  c->argv = argv + 1; /* arguments move to the front, in place of what was read */
  c->argc = 0;
  for (int i = 1; i < argc && st == LS_OK; i++) {
    if (!only_arguments && strcmp(argv[i], "--") == 0) {
      only_arguments = true;
    } else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
      st = read_one(c, of, argc, argv, &i);
    } else {
      c->argv[c->argc++] = argv[i];
    }
  }
  return st == LS_OK ? check_arguments(c, of) : st;
}

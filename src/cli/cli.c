/* What the subcommands share: finding one by name, loading a configuration, work for rank 0. */
#include "cli.h"

#include <lockstep/comm.h>
#include <lockstep/help.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE = 1024 };

ls_status usage_says(const char *format, ...) {
  char text[MESSAGE];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return ls_fail(LS_EUSAGE, "%s", text);
}

#undef usage_error /* see cli.h */
ls_status usage_error(const cli *c, const char *format, ...) {
  char text[MESSAGE];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return ls_fail(LS_EUSAGE, "%s%s try: lockstep %s%s--help", text,
                 n > 0 && text[strlen(text) - 1] == '?' ? "" : ";", c->name,
                 *c->name != '\0' ? " " : "");
}

const char *const cli_splits[] = {"train", "validation", "test", "all", NULL};

static const command *find(const command *const *commands, const char *name) {
  for (; *commands != NULL; commands++)
    if (strcmp((*commands)->name, name) == 0) return *commands;
  return NULL;
}

void cli_name(const command *of, const char *before, char name[CLI_NAME]) {
  snprintf(name, CLI_NAME, "%s%s%s", before, *before != '\0' ? " " : "", of->name);
}

const command *cli_resolve(int *argc, char ***argv, char name[CLI_NAME]) {
  const command *of = *argc > 0 ? find(cli_commands, **argv) : NULL;
  name[0] = '\0';
  if (of == NULL) return NULL;
  snprintf(name, CLI_NAME, "%s", of->name);
  while (of->commands != NULL && *argc > 1) {
    const command *inner = NULL;
    size_t n = strlen(name);
    int at = 1; /* options may come before it */
    while (at < *argc && (inner = find(of->commands, (*argv)[at])) == NULL) at++;
    if (inner == NULL) break;
    for (; at > 1; at--) { /* it moves to the front */
      char *other = (*argv)[at - 1];
      (*argv)[at - 1] = (*argv)[at];
      (*argv)[at] = other;
    }
    of = inner;
    snprintf(name + n, CLI_NAME - n, " %s", of->name);
    --*argc;
    ++*argv;
  }
  return of;
}

const char *cli_nearest(const command *const *commands, const char *name) {
  const char *names[32];
  size_t n = 0;
  for (; n < sizeof names / sizeof *names && commands[n] != NULL; n++) names[n] = commands[n]->name;
  return ls_help_nearest(name, names, n);
}

ls_status load_config(const cli *c, ls_config **config) {
  *config = NULL;
  ls_status st = cli_no_config(c, c->argv[0], false);
  if (st != LS_OK) return st;
  st = ls_config_load(c->argv[0], config);
  if (st == LS_ECONFIG && cli_no_config(c, c->argv[0], true) != LS_OK) return LS_EUSAGE;
  for (int i = 1; i < c->argc && st == LS_OK; i++) st = ls_config_override(*config, c->argv[i]);
  return st;
}

ls_status on_root(cli *c, ls_status (*work)(void *context), void *context) {
  return ls_comm_alone(c->comm, work, context);
}

char *quoted_override(const char *key, const char *value) {
  size_t n = strlen(key) + 4 * strlen(value) + 4;
  char *text = malloc(n);
  if (text == NULL) return NULL;
  char *at = text + snprintf(text, n, "%s=\"", key);
  for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
    if (*c < 0x20 || *c == 0x7F) {
      at += sprintf(at, "\\x%02x", *c); /* a line break as it is would become a blank */
      continue;
    }
    if (*c == '"' || *c == '\\') *at++ = '\\';
    *at++ = (char)*c;
  }
  *at++ = '"';
  *at = '\0';
  return text;
}

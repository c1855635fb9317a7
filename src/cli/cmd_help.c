/* help: of commands, and of the configuration's keys. */
#include <lockstep/help.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool all, keys, markdown, man, completion;

static const cli_argument arguments[] = {
    {"KEY", NULL, true, CLI_HELP_KEYS, NULL,
     "a command, or a key of the configuration: a section (train), what has a name and options "
     "(adam), an option (adam.lr, train.lanes)"},
    CLI_ARGUMENTS_END,
};
static const cli_option options[] = {
    CLI_FLAG(0, "all", &all, "all keys of the configuration, with all options"),
    CLI_FLAG(0, "keys", &keys, "the names of all keys, one a line"),
    CLI_FLAG(0, "markdown", &markdown, "all keys as tables of Markdown"),
    CLI_FLAG(0, "man", &man, "the manual page"),
    CLI_FLAG(0, "completion", &completion,
             "a completion for bash: source <(lockstep help --completion)"),
    CLI_END,
};

static ls_status print_general(void) {
  cli_print_usage(stdout);
  fputs("\nconfiguration (lockstep help KEY tells more, lockstep help --all everything)\n", stdout);
  return ls_help(NULL, stdout);
}

/* A configuration key with a command's name, as `train`, is shown below the command's help. */
static ls_status print_key_too(const char *name) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *memory = open_memstream(&text, &bytes);
  if (memory == NULL) return LS_ENOMEM;
  ls_status st = ls_help(name, memory);
  if (fclose(memory) != 0 && st == LS_OK) st = LS_ENOMEM;
  if (st == LS_OK) printf("\nconfiguration: %s", text);
  free(text);
  return st == LS_EUSAGE ? LS_OK : st;
}

/* Fails, suggesting a key or a command, whichever is nearer. */
static ls_status unknown(const char *name) {
  const char *of = cli_nearest(cli_commands, name), *key = ls_help_nearest(name, NULL, 0);
  const char *names[2];
  size_t n = 0;
  if (key != NULL) names[n++] = key;
  if (of != NULL) names[n++] = of;
  const char *near = n > 0 ? ls_help_nearest(name, names, n) : NULL;
  if (near == NULL) return usage_says("there is no key \"%s\"; try: lockstep help", name);
  return usage_says("there is no %s \"%s\"; did you mean \"%s\"?", near == key ? "key" : "command",
                    name, near);
}

static ls_status run(cli *c) {
  ls_status st = LS_OK;
  int chosen = all + keys + markdown + man + completion;
  if (chosen > 1 || (chosen > 0 && c->argc > 0))
    return usage_error(c, "one thing at a time is wanted");
  if (all) return ls_help_all(stdout);
  if (keys) return ls_help_keys(stdout);
  if (markdown) return ls_help_markdown(stdout);
  if (man) return cli_print_man(stdout);
  if (completion) return cli_print_completion(stdout);
  if (c->argc == 0) return print_general();
  for (bool first = true; c->argc > 0 && st == LS_OK; first = false) {
    char name[CLI_NAME];
    const char *key = *c->argv;
    const command *of = cli_resolve(&c->argc, &c->argv, name);
    if (!first) putchar('\n');
    if (of != NULL) cli_print_help(of, name, stdout);
    st = of == NULL ? ls_help(key, stdout) : strcmp(key, name) == 0 ? print_key_too(key) : LS_OK;
    if (st == LS_EUSAGE) return unknown(key);
    c->argc--;
    c->argv++;
  }
  return st;
}

const command cmd_help = {
    .name = "help",
    .summary = "tell of a command, or of a key of the configuration",
    .synopsis = "lockstep help [KEY...]\n"
                "lockstep help --all | --keys | --markdown | --man | --completion",
    .prose = "Without a key: the commands, and an overview of the configuration.  Of several "
             "things that a name fits, all are shown.",
    .arguments = arguments,
    .options = options,
    .alone = true,
    .run = run,
};

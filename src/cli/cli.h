/* The program's subcommands: one cmd_NAME.c each. */
#ifndef LS_CLI_CLI_H
#define LS_CLI_CLI_H

#include <lockstep/config.h>
#include <lockstep/data.h>
#include <lockstep/status.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct ls_comm ls_comm;

/* What a subcommand gets.  argv[0] is its own name. */
typedef struct cli {
  ls_comm *comm;
  bool root; /* rank 0 of all: the one that prints */
  int argc;
  char **argv;
} cli;

/* A subcommand returns a status, the same on every rank, and prints nothing about a failure;
 * `usage` text goes to whoever prints it: --help to standard output. */
typedef struct command {
  const char *name, *summary, *usage;
  ls_status (*run)(cli *c);
} command;

extern const command cmd_convert, cmd_inspect, cmd_train, cmd_evaluate, cmd_predict, cmd_gradcheck,
    cmd_doctor, cmd_bench;

/* The end of convert's --help: the format that argv names, or all. */
void help_formats(int argc, char **argv);

/* An LS_EUSAGE with this message, and "; try: lockstep NAME --help". */
ls_status usage_error(const cli *c, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* The message that usage_error left. */
const char *usage_message(void);

/* "train", "validation", "test", "all". */
ls_status parse_split(const cli *c, const char *text, ls_split *split);

/* Run something that one process does alone: rank 0 calls it, all get its status. */
ls_status on_root(cli *c, ls_status (*work)(void *context), void *context);

/* Options after which an argument that starts with "-" may stand; what getopt_long returned for an
 * argument that it doesn't know. */
ls_status unknown_option(const cli *c, int code);

/* "KEY='VALUE'" as an override, quoted for YAML; free() it.  NULL: out of memory. */
char *quoted_override(const char *key, const char *value);

#endif

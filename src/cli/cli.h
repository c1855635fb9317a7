/* The program's subcommands, one cmd_NAME.c each, and the tables that they are made of: reading the
 * command line, --help, the man page and completion all come from these. */
#ifndef LS_CLI_CLI_H
#define LS_CLI_CLI_H

#include <lockstep/config.h>
#include <lockstep/convert.h>
#include <lockstep/data.h>
#include <lockstep/status.h>
#include <stdbool.h>
#include <stdio.h>

#if defined(__GNUC__)
#define CLI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CLI_PRINTF(f, a)
#endif

typedef struct ls_comm ls_comm;

/* What a subcommand gets.  The options of its table have been read; argv is the rest. */
typedef struct cli {
  ls_comm *comm;    /* NULL: of a command that needs no MPI */
  bool root;        /* rank 0 of all: the one that prints */
  const char *name; /* "bench step" */
  int argc;
  char **argv; /* [argc] arguments that are no options */
  const char
      *lost; /* what is said where standard output fails, of a command whose results are in files */
  char pictures[4096]; /* a folder whose pictures are drawn when all else is done; "": none */
  bool quiet;          /* say nothing of them */
  ls_status (*finally)(struct cli *c); /* instead, after MPI, on rank 0: its failure is one of the
                                          command; NULL: nothing */
  bool unread;                         /* whoever read standard output has gone */
} cli;

/* ---- Options ---- */

typedef enum cli_type {
  CLI_IS_END,
  CLI_IS_HEADING, /* a line above the options that follow */
  CLI_IS_TERM,    /* a word that help explains in the list of options */
  CLI_IS_FLAG,    /* bool */
  CLI_IS_TEXT,    /* const char * */
  CLI_IS_FILE,    /* const char *; completed with names of files */
  CLI_IS_COUNT,   /* size_t, from 1 on */
  CLI_IS_WHOLE,   /* unsigned long long, from 0 to `high` */
  CLI_IS_SHARE,   /* double, from 0 to below 1 */
  CLI_IS_CHOICE,  /* int: index of one of `choices` */
  CLI_IS_READ     /* `read` makes of the text what `to` points at; false: "%s is wanted" */
} cli_type;

typedef struct cli_option {
  cli_type type;
  char letter;      /* as in -o; 0: none */
  const char *name; /* as in --output */
  const char *form; /* what help calls its value: "OUT.h5" */
  const char *what; /* its meaning */
  void *to;         /* what is set, and holds the default before */
  long long high;
  const char *const *choices; /* ends with NULL */
  bool (*read)(const char *text, void *to);
  const char *wanted; /* "a size, such as 1M," */
} cli_option;

#define CLI_HEADING(what) \
  { CLI_IS_HEADING, 0, NULL, NULL, what, NULL, 0, NULL, NULL, NULL }
#define CLI_TERM(name, what) \
  { CLI_IS_TERM, 0, name, NULL, what, NULL, 0, NULL, NULL, NULL }
#define CLI_FLAG(letter, name, to, what) \
  { CLI_IS_FLAG, letter, name, NULL, what, to, 0, NULL, NULL, NULL }
#define CLI_TEXT(letter, name, form, to, what) \
  { CLI_IS_TEXT, letter, name, form, what, to, 0, NULL, NULL, NULL }
#define CLI_FILE(letter, name, form, to, what) \
  { CLI_IS_FILE, letter, name, form, what, to, 0, NULL, NULL, NULL }
#define CLI_COUNT(letter, name, form, to, what) \
  { CLI_IS_COUNT, letter, name, form, what, to, 0, NULL, NULL, NULL }
#define CLI_WHOLE(letter, name, form, to, high, what) \
  { CLI_IS_WHOLE, letter, name, form, what, to, high, NULL, NULL, NULL }
#define CLI_SHARE(letter, name, form, to, what) \
  { CLI_IS_SHARE, letter, name, form, what, to, 0, NULL, NULL, NULL }
#define CLI_CHOICE(letter, name, form, to, choices, what) \
  { CLI_IS_CHOICE, letter, name, form, what, to, 0, choices, NULL, NULL }
#define CLI_READ(letter, name, form, to, read, wanted, what) \
  { CLI_IS_READ, letter, name, form, what, to, 0, NULL, read, wanted }
#define CLI_END \
  { CLI_IS_END, 0, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL }

/* ---- Arguments that are no options, in their order ---- */

typedef enum cli_completion { CLI_NOTHING, CLI_FILES, CLI_SETTINGS, CLI_HELP_KEYS } cli_completion;

typedef struct cli_argument {
  const char *name;    /* as in CONFIG; NULL: the end */
  const char *missing; /* "a configuration": one must be there; NULL: none need be */
  bool many;           /* and more of them */
  cli_completion completion;
  const char *const *choices; /* ends with NULL; NULL: anything */
  const char *what;           /* its meaning; NULL: the name says it */
} cli_argument;

/* KEY=VALUE... */
#define CLI_OVERRIDES(what) \
  { "KEY=VALUE", NULL, true, CLI_SETTINGS, NULL, what }
#define CLI_ARGUMENTS_END \
  { NULL, NULL, false, CLI_NOTHING, NULL, NULL }

/* ---- Commands ---- */

/* A subcommand returns a status, the same on every rank, and prints nothing about a failure.  Texts
 * are wrapped when they are shown; an empty line parts their paragraphs. */
typedef struct command {
  const char *name, *summary;
  const char *synopsis; /* behind "usage: ", a line each */
  const char *prose;
  const cli_argument *arguments;
  const cli_option *options;
  const char *more;                      /* below the options; NULL: nothing */
  const struct command *const *commands; /* ends with NULL; NULL: none; instead of `run` */
  bool alone;                            /* runs without MPI */
  bool computes;                         /* multiplies matrices */
  ls_status (*run)(cli *c);
} command;

extern const command cmd_init, cmd_convert, cmd_inspect, cmd_train, cmd_evaluate, cmd_predict,
    cmd_generate, cmd_gradcheck, cmd_plot, cmd_scaling, cmd_doctor, cmd_bench, cmd_help;

/* Ask the library for its formats: before anything else. */
void cli_prepare_convert(void);
void cli_prepare_init(void);
/* An option of a format as one of a command: its value goes to *given, of a switch to *on. */
cli_option cli_convert_option(const ls_convert_option *is, const char **given, bool *on);
/* For CLI_READ of a const char *: a list that may be given in several pieces.  They are joined by
 * commas, in memory that is the program's to its end. */
bool cli_add_to_list(const char *text, void *to);

/* All of them, ended by NULL. */
extern const command *const cli_commands[];
/* "bench step": a command's name in full; `before`: that of the command that it is in, or "". */
enum { CLI_NAME = 128 };
void cli_name(const command *of, const char *before, char name[CLI_NAME]);
/* The command that argv[0] names, and within it argv[1], ...; NULL: none.  *argv and *argc move on
 * to the last name; `name` is all of them. */
const command *cli_resolve(int *argc, char ***argv, char name[CLI_NAME]);
/* The name nearest to a misspelt one, or NULL. */
const char *cli_nearest(const command *const *commands, const char *name);

typedef struct cli_exit_code {
  int code;
  const char *what;
} cli_exit_code;
extern const cli_exit_code cli_exit_codes[]; /* ends with `what` NULL */

/* Read the command line argv[1..argc-1] of a command into what its table points at, and into c. */
ls_status cli_read(cli *c, const command *of, int argc, char **argv);

/* Help: of a command that is called `name` ("bench step"), and of the program. */
void cli_print_help(const command *of, const char *name, FILE *out);
void cli_print_usage(FILE *out);
/* The same as a man page in troff, and as a completion for bash. */
ls_status cli_print_man(FILE *out);
ls_status cli_print_completion(FILE *out);

/* ---- For the commands ---- */

/* An LS_EUSAGE with this message; usage_error's goes on "; try: lockstep NAME --help". */
ls_status usage_says(const char *format, ...) CLI_PRINTF(1, 2);
ls_status usage_error(const cli *c, const char *format, ...) CLI_PRINTF(2, 3);
/* The static analyzer reads one file at a time: tell it what this returns. */
#ifdef __clang_analyzer__
#define usage_error(c, ...) (usage_error(c, __VA_ARGS__), LS_EUSAGE)
#endif

/* A file where another sort of file is wanted: an LS_EUSAGE that says what is done with such a one,
 * or LS_OK.  `failed`: the configuration could not be read, so that it may be opened to see why. */
ls_status cli_no_config(const cli *c, const char *path, bool failed);
ls_status cli_no_checkpoint(const cli *c, const char *path);
ls_status cli_needs_hdf5(const cli *c, const char *path); /* of -o */
/* LS_EUSAGE: an unknown command, and what may have been meant. */
ls_status cli_no_command(const cli *c, const char *word);

/* "train", "validation", "test", "all": ls_split's order. */
extern const char *const cli_splits[];

/* Whether the processes that were started together have found each other; LS_EUSAGE: no.  Of those
 * that are alone, the first stays root. */
ls_status cli_check_tasks(cli *c, int ranks);

/* How long the ranks wait for each other, in seconds, and for MPI to start: by LOCKSTEP_WATCHDOG,
 * the arguments argv[1..] and the configuration that they name.  LS_EUSAGE: the variable is
 * wrong. */
ls_status cli_watchdog(int argc, char **argv, double *watchdog, double *start);

/* Become the script NAME with these arguments and $LOCKSTEP, this program; returns only where that
 * fails. */
ls_status cli_become_script(const cli *c, const char *name, char *const *arguments, size_t n);

/* Load the configuration that is the first argument, with the others as overrides. */
ls_status load_config(const cli *c, ls_config **config);

/* Run something that one process does alone: rank 0 calls it, all get its status. */
ls_status on_root(cli *c, ls_status (*work)(void *context), void *context);

/* KEY="VALUE" as an override, quoted for YAML; free() it.  NULL: out of memory. */
char *quoted_override(const char *key, const char *value);

#endif

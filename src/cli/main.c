/* lockstep: the program.  Starts MPI, finds the subcommand, prints one line when it fails. */
#include <lockstep/comm.h>
#include <lockstep/crash_guard.h>
#include <lockstep/train.h>
#include <mpi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const command *const commands[] = {&cmd_convert, &cmd_inspect,   &cmd_train, &cmd_evaluate,
                                          &cmd_predict, &cmd_gradcheck, &cmd_doctor,  &cmd_bench};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_usage(FILE *out) {
  fprintf(out, "lockstep trains neural networks on any number of MPI ranks.\n\n"
               "usage: lockstep COMMAND ...          one process\n"
               "       mpirun -n 4 lockstep COMMAND ...\n\ncommands\n");
  for (size_t i = 0; i < COMMANDS; i++) fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
  fprintf(out, "\nlockstep COMMAND --help tells more.\n\n"
               "exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 a bad data or checkpoint\n"
               "file; 4 the loss is not finite; 5 a rank was lost; 75 stopped on request after a\n"
               "checkpoint, run again with --resume\n");
}

static const command *find(const char *name) {
  for (size_t i = 0; i < COMMANDS; i++)
    if (strcmp(commands[i]->name, name) == 0) return commands[i];
  return NULL;
}

static void on_signal(int number) {
  (void)number;
  ls_stop();
}

/* A first signal asks for a checkpoint and a stop; a second interrupt ends the program at once.  Where
 * nothing is to be saved, the first one does. */
static void catch_signals(bool training) {
  static const int asks[] = {SIGTERM, SIGUSR1, SIGINT};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; training && i < sizeof asks / sizeof *asks; i++) {
    action.sa_flags = SA_RESTART | (asks[i] == SIGINT ? (int)SA_RESETHAND : 0);
    (void)sigaction(asks[i], &action, NULL);
  }
  (void)signal(SIGPIPE, SIG_IGN); /* a closed terminal must not end a training */
  (void)signal(SIGXFSZ, SIG_IGN); /* a file at its size limit is an error of the write */
}

static bool asks_for_help(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
  return false;
}

/* Everything that goes without MPI; -1: go on. */
static int without_mpi(int argc, char **argv) {
  if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
    printf("lockstep %s\n", LOCKSTEP_VERSION);
    return 0;
  }
  if (argc >= 2 && asks_for_help(argc, argv)) {
    const command *wanted = find(argv[1]);
    if (wanted != NULL)
      fputs(wanted->usage, stdout);
    else
      print_usage(stdout);
    if (wanted == &cmd_convert) help_formats(argc - 1, argv + 1);
    return 0;
  }
  return -1;
}

static ls_status run(cli *c, int argc, char **argv) {
  const command *wanted = argc >= 2 ? find(argv[1]) : NULL;
  c->argc = argc - 1;
  c->argv = argv + 1;
  if (wanted != NULL) return wanted->run(c);
  if (argc < 2) {
    if (c->root) print_usage(stderr);
    return LS_EUSAGE;
  }
  if (c->root) fprintf(stderr, "lockstep: there is no command \"%s\"; try: lockstep --help\n", argv[1]);
  return LS_EUSAGE;
}

int main(int argc, char **argv) {
  int early = without_mpi(argc, argv);
  if (early >= 0) return early;
  catch_signals(argc >= 2 && strcmp(argv[1], "train") == 0);
  /* Started without mpirun, Open MPI 4 would launch a daemon that nobody here needs; without the
   * daemon, all such processes would make and remove the same session directory. */
  if (getenv("PMIX_RANK") == NULL && getenv("PMI_RANK") == NULL) {
    (void)setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    (void)setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
  }
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS) {
    fprintf(stderr, "lockstep: MPI does not start\n");
    return 1;
  }
  cli c = {0};
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  c.root = rank == 0;
  ls_crash_guard_install(rank);
  ls_status st = ls_comm_create(MPI_COMM_WORLD, &c.comm);
  if (st == LS_OK) st = run(&c, argc, argv);
  const char *why = st == LS_EUSAGE && usage_message()[0] != '\0' ? usage_message() : ls_error_message();
  fflush(stdout);
  if (st != LS_OK && c.root && why[0] != '\0') fprintf(stderr, "lockstep: %s\n", why);
  ls_comm_destroy(c.comm);
  ls_crash_guard_remove();
  MPI_Finalize();
  return ls_status_exit_code(st);
}

/* lockstep: the program.  Starts MPI, finds the subcommand, prints one line when it fails. */
#include <errno.h>
#include <fcntl.h>
#include <lockstep/blas.h>
#include <lockstep/comm.h>
#include <lockstep/crash_guard.h>
#include <lockstep/environment.h>
#include <lockstep/pictures.h>
#include <lockstep/train.h>
#include <mpi.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const command *const cli_commands[] = {&cmd_init,      &cmd_convert, &cmd_inspect,  &cmd_train,
                                       &cmd_evaluate,  &cmd_predict, &cmd_generate, &cmd_plot,
                                       &cmd_gradcheck, &cmd_doctor,  &cmd_scaling,  &cmd_bench,
                                       &cmd_help,      NULL};

enum { MESSAGE = 1024 };

static void on_signal(int number) {
  (void)number;
  ls_stop();
}

/* A first signal asks for a checkpoint, where there may be one, and a stop; a second interrupt ends the
 * program at once.  Where nothing is to be saved or tidied, the first one does.  What is ignored from the start stays so:
 * nohup. */
static void catch_signals(bool stops) {
  static const int asks[] = {SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGXCPU, SIGINT};
  struct sigaction action, before;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; stops && i < sizeof asks / sizeof *asks; i++) {
    if (sigaction(asks[i], NULL, &before) == 0 && asks[i] == SIGHUP && before.sa_handler == SIG_IGN)
      continue;
    action.sa_flags = SA_RESTART | (asks[i] == SIGINT ? (int)SA_RESETHAND : 0);
    (void)sigaction(asks[i], &action, NULL);
  }
  (void)signal(SIGPIPE, SIG_IGN); /* a closed terminal must not end a training */
  (void)signal(SIGXFSZ, SIG_IGN); /* a file at its size limit is an error of the write */
}

static ls_status read_line(cli *c, const command *of, int argc, char **argv) {
  if (of == NULL) return cli_no_command(c, argv[0]); /* argc > 0 */
  if (of->commands != NULL) {
    char names[128] = "";
    for (const command *const *inner = of->commands; *inner != NULL; inner++) {
      size_t n = strlen(names);
      snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? ", " : "", (*inner)->name);
    }
    const char *wrong = argc > 1 ? argv[1] : NULL,
               *near = wrong != NULL ? cli_nearest(of->commands, wrong) : NULL;
    if (near != NULL)
      return usage_error(c, "\"%s\" is unknown; one of %s is wanted; did you mean \"%s\"?", wrong,
                         names, near);
    return usage_error(c, "%s%s%sone of %s is wanted", wrong != NULL ? "\"" : "",
                       wrong != NULL ? wrong : "", wrong != NULL ? "\" is unknown; " : "", names);
  }
  return cli_read(c, of, argc, argv);
}

/* A command line or a variable that is wrong on one rank ends all of them. */
static ls_status run(cli *c, const command *of, int argc, char **argv) {
  ls_status st = read_line(c, of, argc, argv);
  if (st == LS_OK) st = ls_environment_check(c->root ? stderr : NULL);
  st = ls_comm_agree(c->comm, st);
  return st == LS_OK ? of->run(c) : st;
}

/* A closed standard stream must not become the number of a file that is opened later: then the
 * results would be written into that.  Read-only, so that writing to it fails as it would. */
static void hold_streams(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

/* Whether the reader of a pipe has gone, as in `| head`. */
static bool is_unread(FILE *out) {
  struct pollfd at = {.fd = fileno(out), .events = POLLOUT};
  return poll(&at, 1, 0) == 1 && (at.revents & POLLERR) != 0;
}

/* What all commands print goes to standard output, and whether it arrived is looked at here
 * alone. */
static ls_status end_output(cli *c, ls_status st) {
  const bool failed = ferror(stdout) != 0;
  errno = 0;
  if (fflush(stdout) == 0 && !failed) return st;
  const int error = errno;
  c->unread = is_unread(stdout);
  if (st != LS_OK || c->unread) return st;
  return ls_fail(LS_EIO, "standard output can't be written%s%s%s%s", error != 0 ? ": " : "",
                 error != 0 ? strerror(error) : "", c->lost != NULL ? "; " : "",
                 c->lost != NULL ? c->lost : "");
}

static void print_error(const cli *c, ls_status st) {
  const char *why = ls_error_message();
  if (st != LS_OK && c->root && why[0] != '\0') fprintf(stderr, "lockstep: %s\n", why);
}

/* The exit code; or, of results that nobody read to their end, the quiet end that cat comes to. */
static int ending(const cli *c, ls_status st) {
  if (st == LS_OK && c->unread && c->lost == NULL) {
    (void)signal(SIGPIPE, SIG_DFL);
    (void)raise(SIGPIPE);
  }
  return ls_status_exit_code(st);
}

static bool has_word(int argc, char **argv, const char *word) {
  for (int i = 0; i < argc; i++)
    if (strcmp(argv[i], word) == 0) return true;
  return false;
}

static bool asks_for_help(int argc, char **argv) {
  return has_word(argc, argv, "--help") || has_word(argc, argv, "-h");
}

/* Ranks that do different things would wait for each other.  Collective. */
static ls_status check_command(const cli *c, const command *of, int argc, char **argv) {
  char text[CLI_NAME + 16];
  snprintf(text, sizeof text, "%s%s", of == NULL ? "unknown" : c->name,
           has_word(argc, argv, "--dry-run") ? " --dry-run" : "");
  return ls_comm_same(c->comm, "the command", argc == 0 ? "none" : text);
}

/* Do what needs no MPI, such as --help; an exit code, or -1: go on. */
static int without_mpi(cli *c, const command *of, int argc, char **argv) {
  ls_status st = LS_OK;
  if (argc > 0 && strcmp(argv[0], "--version") == 0)
    printf("lockstep %s\n", LOCKSTEP_VERSION);
  else if (asks_for_help(argc, argv) && of != NULL)
    cli_print_help(of, c->name, stdout);
  else if (asks_for_help(argc, argv))
    cli_print_usage(stdout);
  else if (of != NULL && of->alone)
    st = run(c, of, argc, argv);
  else
    return -1;
  st = end_output(c, st);
  print_error(c, st);
  return ending(c, st);
}

/* After MPI and when all results are on the disk.  Pictures of a run that couldn't be drawn are no
 * failure of the run; those that were asked for are one of the command. */
static ls_status draw(cli *c, ls_status st) {
  ls_status drawn = LS_OK;
  if (!c->root || (c->finally == NULL && c->pictures[0] == '\0')) return st;
  if (c->finally != NULL)
    drawn = c->finally(c);
  else if (ls_pictures_draw(c->pictures, c->quiet ? NULL : stdout) != LS_OK && !c->quiet)
    printf("%s\n", ls_error_message());
  print_error(c, drawn);
  return end_output(c, st != LS_OK ? st : drawn);
}

int main(int argc, char **argv) {
  char name[CLI_NAME];
  hold_streams();
  ls_blas_one_thread(argv);
  cli_prepare_convert();
  cli_prepare_init();
  char **rest = argv + 1;
  int n = argc > 0 ? argc - 1 : 0;
  const command *of = cli_resolve(&n, &rest, name);
  if (of != NULL && of->computes && !asks_for_help(n, rest)) ls_blas_restart(argv);
  cli c = {.root = true, .name = name};
  int early = without_mpi(&c, of, n, rest);
  if (early >= 0) return early;
  catch_signals(of == &cmd_train || of == &cmd_generate);
  /* Without mpirun, Open MPI 4 would launch a daemon that is not needed here; and without the
   * daemon all such processes would make and remove one and the same session directory. */
  if (getenv("PMIX_RANK") == NULL && getenv("PMI_RANK") == NULL) {
    (void)setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    (void)setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
    (void)setenv("OMPI_MCA_pml", "ob1", 0); /* to look for adapters takes Debian's build 0.2 s */
  }
  double watchdog, start;
  const ls_status said = cli_watchdog(n, rest, &watchdog, &start);
  char wrong[MESSAGE];
  snprintf(wrong, sizeof wrong, "%s", ls_error_message());
  if (ls_comm_init(start) != LS_OK) {
    fprintf(stderr, "lockstep: %s\n", ls_error_message());
    return 1;
  }
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  c.root = rank == 0;
  ls_crash_guard_install(rank);
  ls_status st = ls_comm_create_within(MPI_COMM_WORLD, watchdog, &c.comm);
  if (st == LS_OK) st = ls_comm_agree(c.comm, said != LS_OK ? usage_says("%s", wrong) : LS_OK);
  if (st == LS_OK) st = check_command(&c, of, n, rest);
  const bool together = of == &cmd_train || of == &cmd_evaluate || of == &cmd_predict ||
                        of == &cmd_plot || strncmp(name, "bench", 5) == 0;
  if (st == LS_OK && together) st = cli_check_tasks(&c, ranks);
  if (st == LS_OK && n > 0) st = run(&c, of, n, rest);
  if (st == LS_OK && n == 0) {
    if (c.root) cli_print_usage(stderr);
    st = LS_EUSAGE;
  }
  st = end_output(&c, st);
  print_error(&c, st);
  ls_crash_guard_remove();
  ls_comm_finalize(c.comm, st == LS_OK ? "the results are written" : NULL);
  return ending(&c, draw(&c, st));
}

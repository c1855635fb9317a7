/* The room's lock, and what happens when HDF5 crashes or loops while somebody holds it.
 *
 * HDF5 1.10 trusts much of what a file says and crashes on some damaged ones.  Its state cannot be
 * used after that, so a handler says which file it was and ends the process; where memory is short
 * it may have crashed over a good file, and that is what is said.  Every call of HDF5 lies between
 * ls__h5_enter and ls__h5_leave; between the two, a signal of the thread that holds the lock is
 * HDF5's.  An endless recursion overflows the stack, so the handler has its own: one is enough, as
 * one thread at a time is inside.  On other damaged files HDF5 loops for ever: a second thread
 * watches, and sends a signal to one that computes for too long in one call.
 *
 * A child process that reads the file first would catch less (a file may change, a chunk is read
 * later) and cost more: every file twice, and a fork under MPI, which not every network allows. */
#define _XOPEN_SOURCE 700 /* sigaltstack */
#include <errno.h>
#include <fcntl.h>
#include <lockstep/crash_guard.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/room.h"
#include "h5/h5_inside.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* The host program's error printing, put back on leaving; guarded by the lock. */
static H5E_auto2_t host_printer;
static void *host_printer_data;

/* ---- What the handler reads ---- */

/* Who is inside, and with which file.  Written under the lock; `inside` is set last and cleared
 * first, so that a thread that sees it set and itself in `thread` is the one inside and reads what
 * it wrote. */
static atomic_bool inside;
static _Atomic pthread_t thread;
static _Atomic clockid_t thread_clock; /* its CPU time */
static const char *path;               /* NULL: no file */
static bool writing;
static const char *marked, *mark, *mark_text; /* a crash over that file leaves a mark; or NULL */
static atomic_llong size;                     /* bytes of a file that is read; 0: not known */
static ls__h5 *written;                       /* files under a temporary name */
static atomic_uint call;                      /* counts entries */
static atomic_uint endless; /* the call that doesn't end, as the watching thread found; 0: none */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
enum { CRASHES = sizeof crashes / sizeof *crashes };
static struct sigaction before[CRASHES];
static bool placed[CRASHES]; /* our handler is there, or below one that was set later */
static atomic_bool installed;
static atomic_int turn;

static char stack[1 << 16];
static stack_t stack_before;
static bool stack_changed;

/* ---- The handler: async-signal-safe functions alone ---- */

static void append(char *line, size_t room, size_t *n, const char *text) {
  for (; *text != '\0' && *n < room; text++) line[(*n)++] = (unsigned char)*text < 32 ? ' ' : *text;
}

/* Whoever crashed over the same file on an earlier turn has ended by now, and its launcher ends
 * this process: by SIGTERM, or, if that came before the crash and was taken as a request to stop,
 * by SIGKILL a second later (Open MPI's usual time). */
static void wait_for_turn(void) {
  enum { FIRST_MS = 1500, TURN_MS = 500, MOST = 10 };
  const int n = atomic_load(&turn);
  if (n <= 0) return;
  struct sigaction plain;
  sigset_t asked;
  memset(&plain, 0, sizeof plain);
  plain.sa_handler = SIG_DFL;
  sigemptyset(&plain.sa_mask);
  sigemptyset(&asked);
  sigaddset(&asked, SIGTERM);
  (void)sigaction(SIGTERM, &plain, NULL);
  (void)pthread_sigmask(SIG_UNBLOCK, &asked, NULL);
  (void)poll(NULL, 0, FIRST_MS + TURN_MS * (n < MOST ? n : MOST));
}

/* So that the next start can pass over it.  Where it can't be written there is none. */
static void leave_mark(void) {
  if (marked == NULL || writing || strcmp(marked, path) != 0) return;
  const int fd = open(mark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return;
  (void)!write(fd, mark_text, strlen(mark_text));
  (void)close(fd);
}

/* "ulimit -v is 92 MB": the limit that doesn't leave enough. */
static void append_limit(char *line, size_t room, size_t *n) {
  struct rlimit limit;
  char digits[24];
  size_t at = sizeof digits - 1;
  const char *name = "ulimit -d";
  int which = RLIMIT_DATA;
#if defined(RLIMIT_AS)
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    name = "ulimit -v";
    which = RLIMIT_AS;
  }
#endif
  if (getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  digits[at] = '\0';
  for (uint64_t mb = (limit.rlim_cur + 500000) / 1000000; at > 0 && (mb > 0 || digits[at] == '\0');
       mb /= 10)
    digits[--at] = (char)('0' + mb % 10);
  append(line, room, n, ": ");
  append(line, room, n, name);
  append(line, room, n, " is ");
  append(line, room, n, digits + at);
  append(line, room, n, " MB");
}

static void end_process(void) {
  static char line[4096 + 160]; /* one thread is inside */
  size_t n = 0;
  const bool loops = atomic_load(&endless) == atomic_load(&call);
  /* Where an allocation has failed the file need not be bad: HDF5 crashes over good ones, too. */
  const bool starved = !loops && ls__room_is_short(LS__H5_LITTLE);
  for (const ls__h5 *file = written; file != NULL; file = file->next_written)
    (void)unlink(file->temporary);
  if (!starved) leave_mark();
  append(line, sizeof line - 128, &n, "lockstep: ");
  append(line, sizeof line - 128, &n, path);
  append(line, sizeof line - 1, &n, loops ? ": HDF5 loops" : ": HDF5 crashed");
  append(line, sizeof line - 1, &n, writing ? " while writing it: " : " while reading it: ");
  append(line, sizeof line - 1, &n,
         starved   ? "memory is short"
         : writing ? "the file is not written"
                   : "the file is damaged");
  if (starved) append_limit(line, sizeof line - 1, &n);
  line[n++] = '\n';
  wait_for_turn();
  (void)!write(STDERR_FILENO, line, n); /* whole: mpirun and other ranks can't cut into it */
  _exit(ls_status_exit_code(starved ? LS_ENOMEM : LS_EDATA));
}

/* Do what would happen without this handler. */
static void pass_on(int number, siginfo_t *info, void *context) {
  size_t i = 0;
  while (crashes[i] != number) i++;
  const struct sigaction *next = &before[i];
  if (next->sa_handler == SIG_IGN && info->si_code <= 0) return;
  if (next->sa_handler == SIG_DFL || next->sa_handler == SIG_IGN) {
    struct sigaction plain;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    sigemptyset(&plain.sa_mask);
    (void)sigaction(number, &plain, NULL);
    if (info->si_code <= 0) (void)raise(number); /* else the instruction faults again */
  } else if ((next->sa_flags & SA_SIGINFO) != 0) {
    next->sa_sigaction(number, info, context);
  } else {
    next->sa_handler(number);
  }
}

static void on_crash(int number, siginfo_t *info, void *context) {
  const int error = errno;
  /* A fault, or abort() here; not a signal that another process sends; not our own assertion. */
  const bool here = info->si_code > 0 || info->si_pid == getpid();
  const unsigned meant = atomic_load(&endless);
  if (number == SIGABRT && info->si_code <= 0 && meant != 0 &&
      (meant != atomic_load(&call) || !atomic_load(&inside))) {
    /* that call has ended after all; abort() ends the process by itself */
  } else if (atomic_load(&installed) && here && atomic_load(&inside) &&
             pthread_equal(atomic_load(&thread), pthread_self()) && path != NULL &&
             !ls__assert_has_failed()) {
    end_process();
  } else {
    pass_on(number, info, context);
  }
  errno = error;
}

/* ---- Calls that don't end ---- */

/* Seconds of computing in one call: the first limit is for a call that reads nothing meanwhile, or
 * reads the file over and over; the second for any call.  A call may take long: a piece of a badly
 * chunked file decompresses all of it, but then it reads, and not much more than the file. */
static double idle_seconds = 20.0, most_seconds = 1800.0;
/* So often is over and over; and bytes so few that no gzip takes that long to decompress them. */
enum { OVER_AND_OVER = 16, LITTLE = 1 << 20 };

static pthread_t looker;
static bool looking; /* guarded by the mutex below */
static pid_t looks;  /* the process that has the thread: a child of fork() has none */
static pthread_mutex_t look_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t look_changed = PTHREAD_COND_INITIALIZER;

void ls__h5_patience(double idle, double most) {
  idle_seconds = idle;
  most_seconds = most;
}

/* Bytes that this process has read; -1: the system doesn't say, and only most_seconds count. */
static long long bytes_read(void) {
  char line[128];
  long long bytes = -1;
  FILE *in = fopen("/proc/self/io", "r");
  if (in == NULL) return -1;
  if (fgets(line, sizeof line, in) == NULL || sscanf(line, "rchar: %lld", &bytes) != 1) bytes = -1;
  fclose(in);
  return bytes;
}

/* What the watching thread knows of the call that is inside now. */
typedef struct look {
  unsigned call;
  double computed;
  long long read;
} look;

static void look_once(look *last) {
  struct timespec now;
  const unsigned seen = atomic_load(&call);
  if (!atomic_load(&inside)) return;
  const clockid_t clock = atomic_load(&thread_clock);
  const pthread_t who = atomic_load(&thread);
  if (atomic_load(&call) != seen || clock_gettime(clock, &now) != 0) return;
  const double computed = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
  if (last->call != seen) {
    *last = (look){seen, computed, bytes_read()};
    return;
  }
  const double more = computed - last->computed;
  if (more <= idle_seconds) return;
  const long long read = last->read < 0 ? -1 : bytes_read() - last->read,
                  whole = atomic_load(&size);
  const bool vain = read >= 0 && (read < LITTLE || (whole > 0 && read / OVER_AND_OVER > whole));
  if (!vain && more <= most_seconds) return;
  atomic_store(&endless, seen);
  if (atomic_load(&inside) && atomic_load(&call) == seen) (void)pthread_kill(who, SIGABRT);
}

static void *look_on(void *context) {
  look last = {0, 0.0, 0};
  (void)context;
  pthread_mutex_lock(&look_mutex);
  while (looking) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    const double step = idle_seconds / 12.0 + 1e-9 * (double)until.tv_nsec;
    until.tv_sec += (time_t)step;
    until.tv_nsec = (long)(1e9 * (step - floor(step)));
    (void)pthread_cond_timedwait(&look_changed, &look_mutex, &until);
    if (looking) look_once(&last);
  }
  pthread_mutex_unlock(&look_mutex);
  return NULL;
}

/* When no thread can be made, nobody watches; crashes are caught all the same. */
static void look_begin(void) {
  sigset_t all, mine;
  pthread_mutex_lock(&look_mutex);
  if (!looking) {
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mine);
    looks = getpid();
    looking = pthread_create(&looker, NULL, look_on, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &mine, NULL);
  }
  pthread_mutex_unlock(&look_mutex);
}

static void look_end(void) {
  pthread_mutex_lock(&look_mutex);
  const bool was = looking && looks == getpid();
  looking = false;
  pthread_cond_signal(&look_changed);
  pthread_mutex_unlock(&look_mutex);
  if (was) pthread_join(looker, NULL);
}

/* ---- Setting it ---- */

void ls_crash_guard_install(int when) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  pthread_mutex_lock(&lock);
  atomic_store(&turn, when);
  atomic_store(&installed, true);
  for (size_t i = 0; i < CRASHES; i++) {
    if (placed[i]) continue;
    (void)sigaction(crashes[i], NULL, &before[i]); /* first: the handler reads it */
    placed[i] = sigaction(crashes[i], &action, NULL) == 0;
  }
  look_begin();
  pthread_mutex_unlock(&lock);
}

void ls_crash_guard_remove(void) {
  pthread_mutex_lock(&lock);
  if (atomic_load(&call) > 0) H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* see ls__h5_leave */
  look_end();
  atomic_store(&installed, false);
  for (size_t i = 0; i < CRASHES; i++) {
    struct sigaction now;
    if (!placed[i] || sigaction(crashes[i], NULL, &now) != 0) continue;
    if ((now.sa_flags & SA_SIGINFO) == 0 || now.sa_sigaction != on_crash) continue;
    placed[i] = sigaction(crashes[i], &before[i], NULL) != 0;
  }
  pthread_mutex_unlock(&lock);
}

/* ---- The lock ---- */

void ls__h5_enter_path(const char *which, bool writes) {
  pthread_mutex_lock(&lock);
  path = which;
  writing = writes;
  atomic_store(&size, 0);
  if (atomic_load(&installed)) {
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    stack_changed = sigaltstack(&own, &stack_before) == 0;
    clockid_t clock;
    if (pthread_getcpuclockid(pthread_self(), &clock) == 0) atomic_store(&thread_clock, clock);
  }
  if (atomic_fetch_add(&call, 1) + 1 == 0) atomic_store(&call, 1); /* 0 is none */
  atomic_store(&thread, pthread_self());
  atomic_store(&inside, true);
  if (H5Eget_auto2(H5E_DEFAULT, &host_printer, &host_printer_data) < 0) host_printer = NULL;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void ls__h5_enter(const ls__h5 *file) {
  ls__h5_enter_path(file->path, file->temporary != NULL);
  if (file->fd >= 0) atomic_store(&size, file->bytes);
}

void ls__h5_leave(void) {
  /* After a damaged file HDF5 may not come to an end with itself when the process does, in whatever
   * way that ends, and says so: not in a program that has the guard. */
  if (!atomic_load(&installed)) H5Eset_auto2(H5E_DEFAULT, host_printer, host_printer_data);
  atomic_store(&inside, false);
  if (stack_changed) (void)sigaltstack(&stack_before, NULL);
  stack_changed = false;
  pthread_mutex_unlock(&lock);
}

void ls__h5_crash_mark(const char *file, const char *to, const char *text) {
  pthread_mutex_lock(&lock);
  marked = file;
  mark = to;
  mark_text = text;
  pthread_mutex_unlock(&lock);
}

void ls__h5_written_add(ls__h5 *file) {
  file->next_written = written;
  written = file;
}

void ls__h5_written_remove(const ls__h5 *file) {
  for (ls__h5 **at = &written; *at != NULL; at = &(*at)->next_written)
    if (*at == file) {
      *at = file->next_written;
      return;
    }
}

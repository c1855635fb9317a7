/* What a person sees while a run goes on (terminal.h). */
#include "train/terminal.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { USUAL_WIDTH = 80, LONGEST_BAR = 40, SHORTEST_BAR = 6, LINE = 512 };

/* ---- The terminal */

/* mpirun gives its ranks a pseudo-terminal even when it writes to a file itself, so it is the
 * parent's output that counts; where that is a terminal, its width does, too.  -1: nobody
 * watches. */
static int watched_terminal(FILE *out) {
  char path[64];
  const int own = fileno(out);
  if (own < 0 || !isatty(own)) return -1;
  snprintf(path, sizeof path, "/proc/%ld/fd/1", (long)getppid());
  const int parent = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (parent < 0) /* no /proc: believe the terminal */
    return access("/proc/self", F_OK) != 0 ? fcntl(own, F_DUPFD_CLOEXEC, 3) : -1;
  if (isatty(parent)) return parent;
  (void)close(parent);
  return -1;
}

static const char *variable(const char *name) {
  const char *text = getenv(name);
  return text != NULL ? text : "";
}

/* By the variables alone: the program's own locale stays "C", for its numbers. */
static bool locale_has_blocks(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < 3; i++) {
    const char *text = variable(names[i]);
    if (*text == '\0') continue;
    const char *dot = strchr(text, '.');
    return dot != NULL &&
           (strncasecmp(dot + 1, "UTF-8", 5) == 0 || strncasecmp(dot + 1, "UTF8", 4) == 0);
  }
  return false;
}

void ls__terminal_open(ls__terminal *p, FILE *out, ls_progress how) {
  const char *term = variable("TERM");
  const bool plain = *term == '\0' || strcmp(term, "dumb") == 0;
  memset(p, 0, sizeof *p);
  p->out = out;
  p->watched = watched_terminal(out);
  p->how = how;
  if (how == LS_PROGRESS_AUTO)
    p->how = p->watched >= 0 && !plain ? LS_PROGRESS_BAR : LS_PROGRESS_PLAIN;
  p->escapes = !plain;
  p->blocks = !plain && strcmp(term, "linux") != 0 && locale_has_blocks();
  p->colours = !plain && *variable("NO_COLOR") == '\0';
}

void ls__terminal_close(ls__terminal *p) {
  if (p->out != NULL) ls__terminal_clear(p);
  if (p->watched >= 0) (void)close(p->watched);
  p->watched = -1;
}

size_t ls__terminal_width(const ls__terminal *p) {
  struct winsize size;
  if (p->watched < 0 && p->how != LS_PROGRESS_BAR) return SIZE_MAX;
  if (p->watched >= 0 && ioctl(p->watched, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char *text = variable("COLUMNS");
  char *end = NULL;
  const long columns = strtol(text, &end, 10);
  return end != text && *end == '\0' && columns > 0 && columns < 10000 ? (size_t)columns
                                                                       : USUAL_WIDTH;
}

/* ---- Numbers */

void ls__terminal_epoch(char *text, size_t bytes, uint64_t epoch, uint64_t epochs) {
  char of[24] = "";
  if (epochs > 0) snprintf(of, sizeof of, "/%llu", (unsigned long long)epochs);
  snprintf(text, bytes, "epoch %llu%s", (unsigned long long)epoch, of);
}

const char *ls__terminal_span(double seconds, char text[LS__SPAN_BYTES]) {
  const double most = 1e9;
  if (!(seconds < most)) seconds = most;
  if (seconds < 0) seconds = 0;
  if (seconds < 9.95) {
    snprintf(text, LS__SPAN_BYTES, "%.1f s", seconds);
    return text;
  }
  const unsigned long s = (unsigned long)(seconds + 0.5), m = s / 60, h = m / 60;
  if (s < 60)
    snprintf(text, LS__SPAN_BYTES, "%lu s", s);
  else if (h == 0)
    snprintf(text, LS__SPAN_BYTES, "%lu:%02lu", m, s % 60);
  else if (h < 48)
    snprintf(text, LS__SPAN_BYTES, "%lu:%02lu:%02lu", h, m % 60, s % 60);
  else
    snprintf(text, LS__SPAN_BYTES, "%lu d %02lu:%02lu", h / 24, h % 24, m % 60);
  return text;
}

const char *ls__terminal_count(double n, char text[LS__SPAN_BYTES]) {
  static const char units[] = " kMGT";
  size_t unit = 0;
  for (; n >= 999.5 && unit + 2 < sizeof units; unit++) n /= 1000;
  if (unit == 0)
    snprintf(text, LS__SPAN_BYTES, "%.0f", n);
  else
    snprintf(text, LS__SPAN_BYTES, "%.*f%c", n < 9.995 ? 2 : n < 99.95 ? 1 : 0, n, units[unit]);
  return text;
}

const char *ls__terminal_now(char text[LS__SPAN_BYTES]) {
  const time_t now = time(NULL);
  struct tm local;
  if (localtime_r(&now, &local) == NULL ||
      strftime(text, LS__SPAN_BYTES, "%Y-%m-%d %H:%M:%S", &local) == 0)
    snprintf(text, LS__SPAN_BYTES, "-");
  return text;
}

/* ---- The bar */

bool ls__terminal_due(ls__terminal *p, double now) {
  if (p->how != LS_PROGRESS_BAR || now < p->next) return false;
  p->next = now + 0.1;
  return true;
}

/* A line under way: bytes, and the columns that they take. */
typedef struct line {
  char text[LINE];
  size_t bytes, columns;
} line;

static void put(line *l, const char *text, size_t columns) {
  const size_t n = strlen(text);
  if (l->bytes + n >= sizeof l->text) return;
  memcpy(l->text + l->bytes, text, n + 1);
  l->bytes += n;
  l->columns += columns;
}

/* `columns` wide, a share of it full: with blocks to an eighth of a column. */
static void put_bar(const ls__terminal *p, line *l, double share, size_t columns) {
  static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const size_t inner = columns - 2; /* between its ends */
  const size_t parts = (size_t)(share * (double)inner * 8), full = parts / 8;
  put(l, p->blocks ? "▕" : "[", 1);
  if (p->colours) put(l, "\033[32m", 0);
  for (size_t i = 0; i < inner; i++) {
    if (i < full)
      put(l, p->blocks ? "█" : "=", 1);
    else if (i == full && (p->blocks ? parts % 8 > 0 : true))
      put(l, p->blocks ? eighth[parts % 8] : ">", 1);
    else
      put(l, " ", 1);
  }
  if (p->colours) put(l, "\033[0m", 0);
  put(l, p->blocks ? "▏" : "]", 1);
}

/* Its texts, but for the bar itself; "" what is not known. */
typedef struct texts {
  char epoch[64], phase[64], percent[16], loss[32], rate[64], epoch_left[48], run_left[64];
} texts;

/* Whole seconds: what changes ten times a second can't be read. */
static const char *whole_span(double seconds, char text[LS__SPAN_BYTES]) {
  if (seconds > 9) return ls__terminal_span(seconds, text);
  snprintf(text, LS__SPAN_BYTES, "%.0f s", ceil(fmax(seconds, 0)));
  return text;
}

static void write_texts(const ls__bar *bar, double share, texts *t) {
  char number[LS__SPAN_BYTES];
  memset(t, 0, sizeof *t);
  ls__terminal_epoch(t->epoch, sizeof t->epoch, bar->epoch, bar->epochs);
  if (bar->phase != NULL)
    snprintf(t->phase, sizeof t->phase, " %.30s %zu/%zu", bar->phase, bar->done, bar->of);
  snprintf(t->percent, sizeof t->percent, " %3.0f %%", floor(100 * share));
  if (!isnan(bar->loss)) snprintf(t->loss, sizeof t->loss, "  loss %-9.4g", bar->loss);
  if (bar->rate > 0)
    snprintf(t->rate, sizeof t->rate, "  %5s samples/s", ls__terminal_count(bar->rate, number));
  if (!isnan(bar->epoch_left))
    snprintf(t->epoch_left, sizeof t->epoch_left, "  %4s left",
             whole_span(bar->epoch_left, number));
  if (!isnan(bar->run_left))
    snprintf(t->run_left, sizeof t->run_left, "%s run %s%s", isnan(bar->epoch_left) ? " " : ",",
             bar->at_most ? "<" : "", whole_span(bar->run_left, number));
}

static size_t columns_of(const char *text) {
  return ls__text_width(text);
}

void ls__terminal_draw(ls__terminal *p, const ls__bar *bar) {
  const size_t width = ls__terminal_width(p), room = width > 1 ? width - 1 : 0;
  const double share = bar->of > 0 ? fmin((double)bar->done / (double)bar->of, 1) : 1;
  texts t;
  line l = {.bytes = 0};
  if (p->how != LS_PROGRESS_BAR) return;
  write_texts(bar, share, &t);
  /* The least important goes first: the rate, the bar, the run's time, the epoch's, the loss. */
  size_t used = columns_of(t.epoch) + columns_of(t.phase) + columns_of(t.percent) +
                columns_of(t.loss) + columns_of(t.rate) + columns_of(t.epoch_left) +
                columns_of(t.run_left);
  char *const given_up[] = {t.rate, NULL, t.run_left, t.epoch_left, t.loss, t.percent, t.phase};
  size_t length = SHORTEST_BAR + 1;
  for (size_t i = 0; i < sizeof given_up / sizeof *given_up && used + length > room; i++) {
    if (given_up[i] == NULL) {
      length = 0;
      continue;
    }
    used -= columns_of(given_up[i]);
    given_up[i][0] = '\0';
  }
  if (used > room) { /* not even the epoch */
    ls__terminal_clear(p);
    return;
  }
  if (length > 0) length = room - used < LONGEST_BAR + 1 ? room - used : LONGEST_BAR + 1;
  put(&l, t.epoch, columns_of(t.epoch));
  put(&l, t.phase, columns_of(t.phase));
  if (length > 1) {
    put(&l, " ", 1);
    put_bar(p, &l, share, length - 1);
  }
  put(&l, t.percent, columns_of(t.percent));
  put(&l, t.loss, columns_of(t.loss));
  put(&l, t.rate, columns_of(t.rate));
  put(&l, t.epoch_left, columns_of(t.epoch_left));
  put(&l, t.run_left, columns_of(t.run_left));
  /* The cursor goes back to the line's beginning: what others write there begins where a line
   * does, and a terminal that became narrower has folded the bar below it. */
  if (p->shown > 0 && width != p->width) ls__terminal_clear(p);
  if (p->escapes)
    fprintf(p->out, "\r%s\033[K\r", l.text);
  else
    fprintf(p->out, "\r%s%*s\r", l.text, p->shown > l.columns ? (int)(p->shown - l.columns) : 0,
            "");
  (void)fflush(p->out);
  p->shown = l.columns;
  p->width = width;
}

void ls__terminal_clear(ls__terminal *p) {
  if (p->shown == 0) return;
  if (p->escapes)
    fputs("\r\033[J", p->out);
  else
    fprintf(p->out, "\r%*s\r", (int)p->shown, "");
  (void)fflush(p->out);
  p->shown = 0;
}

/* ---- Lines */

void ls__terminal_line(ls__terminal *p, const ls__field *field, size_t n) {
  const size_t width = ls__terminal_width(p), room = width == SIZE_MAX ? SIZE_MAX : width - 1;
  size_t used = 0, gap = 0;
  ls__terminal_clear(p);
  for (size_t i = 0; i < n; i++) {
    const size_t columns = columns_of(field[i].text);
    if (columns == 0) continue;
    if (i > 1 && used + gap + columns > room) {
      p->narrowed = true;
      break;
    }
    fprintf(p->out, "%*s", (int)gap, "");
    ls__text_put(p->out, field[i].text);
    used += gap + columns;
    gap = 2 + (room < SIZE_MAX && columns < field[i].column ? field[i].column - columns : 0);
  }
  fputc('\n', p->out);
  (void)fflush(p->out);
}

void ls__terminal_text(ls__terminal *p, const char *text) {
  const size_t width = ls__terminal_width(p), room = width > 20 ? width - 1 : SIZE_MAX;
  size_t used = 0;
  ls__terminal_clear(p);
  while (*text != '\0') {
    const size_t n = strcspn(text, " \n"), gap = used > 0;
    char word[LINE];
    snprintf(word, sizeof word, "%.*s", (int)(n < LINE - 1 ? n : LINE - 1), text);
    const size_t columns = columns_of(word);
    if (used > 2 && room < SIZE_MAX && used + gap + columns > room) {
      fputs("\n  ", p->out);
      used = 2;
    } else if (gap > 0) {
      fputc(' ', p->out);
      used++;
    }
    fprintf(p->out, "%.*s", (int)n, text);
    used += columns;
    text += n;
    if (*text == '\n') {
      fputc('\n', p->out);
      used = 0;
    }
    if (*text != '\0') text++;
  }
  fputc('\n', p->out);
  (void)fflush(p->out);
}

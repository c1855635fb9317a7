/* What a person sees while a run goes on: a bar on a terminal, lines that fit it.  Rank 0 alone;
 * knows nothing of training. */
#ifndef LS_TRAIN_TERMINAL_H
#define LS_TRAIN_TERMINAL_H

#include <lockstep/train.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct ls__terminal {
  FILE *out;
  ls_progress how; /* never AUTO once it is open */
  int watched;     /* whose width counts; -1: no terminal is watched */
  bool escapes;    /* it obeys them: TERM is not "dumb" */
  bool blocks;     /* the locale has them: U+2588 and its like */
  bool colours;
  double next;   /* clock at which a bar is due again */
  size_t shown;  /* columns of the bar that stands there; 0: none */
  size_t width;  /* of the terminal when it was drawn */
  bool narrowed; /* fields of an epoch's line were left out */
} ls__terminal;

void ls__terminal_open(ls__terminal *p, FILE *out, ls_progress how);
void ls__terminal_close(ls__terminal *p);

/* Columns now; SIZE_MAX: it is no terminal. */
size_t ls__terminal_width(const ls__terminal *p);

/* ---- The bar */

typedef struct ls__bar {
  uint64_t epoch, epochs;      /* of how many; 0: of an unknown number */
  const char *phase;           /* "validation"; NULL: training */
  size_t done, of;             /* samples, or parts of the phase */
  double loss;                 /* NAN: not known yet; the same below */
  double rate;                 /* samples a second */
  double epoch_left, run_left; /* seconds */
  bool at_most;                /* the run may end earlier */
} ls__bar;

/* Whether one is due: there is a bar, and the last is a tenth of a second old. */
bool ls__terminal_due(ls__terminal *p, double now);
void ls__terminal_draw(ls__terminal *p, const ls__bar *bar);
/* The cursor stands on an empty line: before anything else is written, by whomever. */
void ls__terminal_clear(ls__terminal *p);

/* ---- Lines */

/* The fields of a line, the most important first, as many as fit: at least the first two.  Each is
 * put into a column of its own width, so that lines lie below each other. */
typedef struct ls__field {
  char text[160];
  size_t column; /* at least so wide */
} ls__field;
void ls__terminal_line(ls__terminal *p, const ls__field *field, size_t n);

/* Lines that wrap at words where a terminal is watched, two columns indented.  Shown as it is: what
 * came from a file has passed ls__text_show. */
void ls__terminal_text(ls__terminal *p, const char *text);

/* "epoch 3/20" */
void ls__terminal_epoch(char *text, size_t bytes, uint64_t epoch, uint64_t epochs);
/* "4.2 s", "12:05", "1:02:33", "2 d 03:10" */
enum { LS__SPAN_BYTES = 32 };
const char *ls__terminal_span(double seconds, char text[LS__SPAN_BYTES]);
/* "950", "12.3k", "4.5M" */
const char *ls__terminal_count(double n, char text[LS__SPAN_BYTES]);
/* Local time: "2026-11-27 15:39:56" */
const char *ls__terminal_now(char text[LS__SPAN_BYTES]);

#endif

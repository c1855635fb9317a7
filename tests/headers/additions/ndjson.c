/* Lines of JSON, an array of numbers each (https://github.com/ndjson/ndjson-spec):
 *
 *   [5.1, 3.5, 1.4, 0.2]
 *
 * The last `targets` of them are what to predict.  Empty lines are skipped. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/number.h"
#include "convert/formats.h"
#include "convert/input.h"
#include "convert/parts.h"
#include "convert/share.h"

typedef struct own_options {
  size_t targets;
} own_options;

static const ls__option table[] = {
    LS__SIZE(own_options, targets, "1", 0, 1e6,
             "how many numbers at a line's end are to be predicted"),
    LS__END,
};

/* A file being read, line by line. */
typedef struct reader {
  const char *path;
  ls__input *input;
  char chunk[1 << 16];
  size_t at, got; /* in chunk */
  char *line;
  size_t capacity, number; /* of line; its place in the file */
  double *x;               /* the line's numbers */
  size_t x_capacity, n;
} reader;

static void reader_reset(reader *r) {
  ls__input_close(r->input);
  ls__free(r->line);
  ls__free(r->x);
  memset(r, 0, sizeof *r);
}

/* The next line into r->line, without its end; *more false: there is none. */
static ls_status next_line(reader *r, bool *more) {
  ls_status st = LS_OK;
  size_t n = 0;
  r->number++;
  for (*more = false;;) {
    if (r->at == r->got) {
      LS_TRY(ls__input_read(r->input, r->chunk, sizeof r->chunk, &r->got));
      r->at = 0;
      if (r->got == 0) break;
    }
    *more = true;
    const char c = r->chunk[r->at++];
    if (c == '\n') break;
    if (c == '\0') LS_FAIL(LS_EDATA, "%s:%zu: a zero byte, in a text", r->path, r->number);
    LS_TRY(ls__grow(&r->line, &r->capacity, n + 2, 1, "a line"));
    r->line[n++] = c;
  }
  LS_TRY(ls__grow(&r->line, &r->capacity, n + 1, 1, "a line"));
  r->line[n] = '\0';
out:
  return st;
}

/* r->line to r->x; an empty line gives none. */
static ls_status parse(reader *r) {
  static const char space[] = " \t\r";
  ls_status st = LS_OK;
  char *p = r->line + strspn(r->line, space);
  r->n = 0;
  if (*p == '\0') goto out;
  if (*p != '[') LS_FAIL(LS_EDATA, "%s:%zu: a line must be an array, [...]", r->path, r->number);
  do {
    p++;
    p += strspn(p, space);
    const size_t size = strcspn(p, " \t\r,]");
    const char after = p[size];
    LS_TRY(ls__grow(&r->x, &r->x_capacity, r->n + 1, sizeof *r->x, "a line's numbers"));
    p[size] = '\0';
    if (!ls__number_parse(p, &r->x[r->n]) || !(fabs(r->x[r->n]) <= (double)FLT_MAX))
      LS_FAIL(LS_EDATA, "%s:%zu: \"%.60s\" is not a number of 32-bit floats", r->path, r->number,
              p);
    p[size] = after;
    p += size;
    p += strspn(p, space);
    r->n++;
  } while (*p == ',');
  if (*p != ']' || p[1 + strspn(p + 1, space)] != '\0')
    LS_FAIL(LS_EDATA, "%s:%zu: a comma, or one ] at the end, is missing after number %zu", r->path,
            r->number, r->n);
out:
  return st;
}

/* What is known of all files. */
typedef struct converter {
  const ls_convert_options *options;
  const own_options *own;
  ls__progress *progress;
  ls__share share;
  size_t width; /* numbers in each line; 0: not known yet */
  size_t lines, rows[LS__PARTS];
} converter;

/* A row that was read: counted in the first pass, written in the second. */
static ls_status take(converter *c, const reader *r, ls__parts *parts) {
  const ls_split split = ls__share_of(&c->share, c->lines++);
  if (c->width == 0 && r->n <= c->own->targets)
    return ls__fail(LS_EDATA, "%s:%zu: %zu numbers, of which %zu to predict, leave no input",
                    r->path, r->number, r->n, c->own->targets);
  if (c->width == 0) c->width = r->n;
  if (r->n != c->width)
    return ls__fail(LS_EDATA, "%s:%zu: %zu numbers, where the first line has %zu", r->path,
                    r->number, r->n, c->width);
  if (parts == NULL) {
    c->rows[split]++;
    return LS_OK;
  }
  if (parts->part[split].pushed == parts->part[split].rows)
    return ls__fail(LS_EIO, "%s: the file has changed while it was read", r->path);
  const size_t inputs = c->width - c->own->targets;
  float *x = ls__parts_x(parts, split);
  for (size_t i = 0; i < inputs; i++) x[i] = (float)r->x[i];
  if (c->own->targets > 0) {
    float *y = ls__parts_y(parts, split);
    for (size_t i = inputs; i < c->width; i++) y[i - inputs] = (float)r->x[i];
  }
  return ls__parts_push(parts, split);
}

static ls_status read_all(converter *c, ls__parts *parts) {
  ls_status st = LS_OK;
  reader *r = NULL;
  bool more = true;
  c->lines = 0;
  LS_TRY(ls__alloc(&r, 1, sizeof *r, "a reader"));
  for (int i = 0; i < c->options->n_sources; i++) {
    r->path = c->options->sources[i];
    LS_TRY(ls__input_open(r->path, c->progress, &r->input));
    for (more = true; more;) {
      LS_TRY(next_line(r, &more));
      LS_TRY(parse(r));
      if (r->n > 0) LS_TRY(take(c, r, parts));
    }
    reader_reset(r);
  }
out:
  if (r != NULL) reader_reset(r);
  ls__free(r);
  return st;
}

static ls_status run(const ls_convert_options *options, const void *own, ls__progress *progress) {
  ls_status st = LS_OK;
  converter c = {.options = options, .own = own, .progress = progress};
  ls__parts parts = {0};
  ls__h5 *file = NULL;
  c.share = ls__share_create(options);
  LS_TRY(read_all(&c, NULL));
  LS_TRY(ls__share_check(c.rows, options));
  const size_t targets = c.own->targets;
  const ls_shape x_row = {1, {c.width - targets}}, y_row = {targets > 1, {targets}};
  LS_TRY(ls__h5_create(options->output, &file));
  LS_TRY(ls__parts_init(&parts, file, c.rows, LS__F32, &x_row, LS__F32, targets > 0 ? &y_row : NULL,
                        options->gzip));
  LS_TRY(read_all(&c, &parts));
  for (int p = 0; p < LS__PARTS; p++)
    if (parts.part[p].pushed != parts.part[p].rows)
      LS_FAIL(LS_EIO, "%s: the file has changed while it was read", options->sources[0]);
  LS_TRY(ls__parts_finish(&parts));
  st = ls__h5_commit(file);
  file = NULL;
out:
  ls__h5_close(file);
  ls__parts_reset(&parts);
  return st;
}

const ls__format ls__format_ndjson = {
    {"ndjson", "lines of JSON, an array of numbers each; several files are read as one", table},
    "FILE...",
    2,
    sizeof(own_options),
    run,
};

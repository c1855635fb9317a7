/* Records of a table: finding where they end, and cutting them into fields. */
#include "convert/csv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"

enum { FIRST_BUFFER = 1 << 20, LONGEST_RECORD = 64 << 20, SAMPLE = 50 };

/* Read more text: what is left of the buffer moves to its front, and where one record fills the
 * buffer it doubles. */
static ls_status refill(ls__csv *csv) {
  ls_status st = LS_OK;
  size_t unread = csv->end - csv->begin, got;
  if (csv->begin > 0) memmove(csv->buffer, csv->buffer + csv->begin, unread);
  csv->begin = 0;
  csv->end = unread;
  if (unread + 1 == csv->capacity) {
    if (csv->capacity >= LONGEST_RECORD)
      LS_FAIL(LS_EDATA, "%s:%zu: a record of more than %d MB begins here; is a quote never closed?",
              csv->path, csv->next_line, LONGEST_RECORD >> 20);
    LS_TRY(ls__grow(&csv->buffer, &csv->capacity, csv->capacity + 1, 1, csv->path));
  }
  const size_t wanted = csv->capacity - 1 - csv->end;
  LS_TRY(ls__input_read(csv->source, csv->buffer + csv->end, wanted, &got));
  csv->at_end = got < wanted;
  csv->end += got;
out:
  return st;
}

ls_status ls__csv_open(ls__csv *csv, const char *path, ls__progress *progress) {
  ls_status st = LS_OK;
  csv->path = path;
  csv->next_line = 1;
  LS_TRY(ls__input_open(path, progress, &csv->source));
  LS_TRY(ls__grow(&csv->buffer, &csv->capacity, FIRST_BUFFER, 1, path));
  LS_TRY(refill(csv));
  if (csv->end >= 3 && memcmp(csv->buffer, "\xEF\xBB\xBF", 3) == 0) csv->begin = 3;
  if (csv->end >= 2 &&
      (memcmp(csv->buffer, "\xFF\xFE", 2) == 0 || memcmp(csv->buffer, "\xFE\xFF", 2) == 0))
    LS_FAIL(LS_EDATA, "%s: UTF-16 text; save it as UTF-8", path);
  if (csv->at_end && memchr(csv->buffer, '\n', csv->end) == NULL) {
    const char *cr = memchr(csv->buffer, '\r', csv->end);
    if (cr != NULL && cr + 1 < csv->buffer + csv->end)
      LS_FAIL(LS_EDATA, "%s: lines end in CR alone; write it with LF or CRLF", path);
  }
out:
  return st;
}

void ls__csv_reset(ls__csv *csv) {
  ls__input_close(csv->source);
  ls__free(csv->buffer);
  ls__free(csv->field);
  memset(csv, 0, sizeof *csv);
}

static bool is_space(char c) {
  return c == ' ' || c == '\t';
}

/* Bytes of a delimiter at p, 0 when there is none.  `end` is the end of the line or buffer. */
static size_t delimiter_at(const ls__csv_delimiter *d, const char *p, const char *end) {
  if (d->runs) {
    size_t n = 0;
    while (p + n < end && is_space(p[n])) n++;
    return n;
  }
  if (*p != d->text[0] || (size_t)(end - p) < d->size) return 0;
  return d->size == 1 || memcmp(p, d->text, d->size) == 0 ? d->size : 0;
}

/* Characters that are dropped at the ends of a field: a space, a tab where tabs don't separate
 * fields, the CR of CRLF. */
static bool is_padding(const ls__csv_delimiter *d, char c) {
  return c == ' ' || (c == '\t' && d->text[0] != '\t') || c == '\r';
}

typedef enum scan_result {
  SCAN_WHOLE,      /* the record's newline was found */
  SCAN_CUT,        /* the buffer ends first */
  SCAN_OPEN_QUOTE, /* the buffer ends inside quotes */
  SCAN_AFTER_QUOTE /* a closing quote is followed by something that is no delimiter */
} scan_result;

/* Find the end of the record that begins at p, and count its fields.  *stop becomes the newline
 * behind it, or where the scan had to end.  A newline inside quotes is part of the record. */
static scan_result scan(const ls__csv_delimiter *d, const char *p, const char *end,
                        const char **stop, size_t *fields) {
  *fields = 0;
  if (d->runs)
    while (p < end && is_space(*p)) p++;
  for (;;) {
    ++*fields;
    while (p < end && is_padding(d, *p) && !d->runs) p++;
    if (p < end && *p == '"') {
      do { /* a quote written twice closes and opens again */
        const char *close = memchr(p + 1, '"', (size_t)(end - p - 1));
        if (close == NULL) return SCAN_OPEN_QUOTE;
        p = close + 1;
      } while (p < end && *p == '"');
      while (p < end && is_padding(d, *p) && !d->runs) p++;
      if (d->runs && p < end && *p == '\r') p++;
      if (p < end && *p != '\n' && delimiter_at(d, p, end) == 0) {
        *stop = p;
        return SCAN_AFTER_QUOTE;
      }
    }
    size_t width = 0;
    while (p < end && *p != '\n' && (width = delimiter_at(d, p, end)) == 0) p++;
    *stop = p;
    if (p == end) return SCAN_CUT;
    if (*p == '\n') return SCAN_WHOLE;
    p += width;
    if (d->runs && (p == end || *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] == '\n')))) {
      *stop = p < end && *p == '\r' ? p + 1 : p; /* spaces at the end of a line */
      return *stop == end ? SCAN_CUT : SCAN_WHOLE;
    }
  }
}

/* How well a delimiter fits: the first records are cut by it, and the most that have the same
 * number of fields, more than one, are counted. */
static size_t agreement(const ls__csv *csv, const ls__csv_delimiter *d) {
  size_t count[SAMPLE], n = 0, best = 0;
  const char *p = csv->buffer + csv->begin, *end = csv->buffer + csv->end, *stop;
  while (n < SAMPLE && p < end) {
    scan_result result = scan(d, p, end, &stop, &count[n]);
    if (result == SCAN_OPEN_QUOTE || result == SCAN_AFTER_QUOTE) break;
    if (result == SCAN_CUT && !csv->at_end) break;
    const bool blank = stop == p || (stop == p + 1 && *p == '\r');
    p = stop + 1;
    if (!blank) n++;
  }
  for (size_t i = 0; i < n; i++) {
    size_t same = 0;
    for (size_t k = 0; k < n; k++) same += count[k] == count[i];
    if (count[i] > 1 && same > best) best = same;
  }
  return best;
}

ls_status ls__csv_set_delimiter(ls__csv *csv, const char *name) {
  static const struct {
    const char *name;
    ls__csv_delimiter delimiter;
  } known[] = {/* in the order of preference where several fit */
               {"tab", {"\t", 1, false}},    {"semicolon", {";", 1, false}},
               {"comma", {",", 1, false}},   {"bar", {"|", 1, false}},
               {"colons", {"::", 2, false}}, {"space", {" ", 1, true}}};
  const size_t n = sizeof known / sizeof *known;
  if (strcmp(name, "auto") == 0) {
    size_t best = 0;
    csv->delimiter = known[2].delimiter; /* one column: comma */
    for (size_t i = 0; i < n; i++) {
      size_t score = agreement(csv, &known[i].delimiter);
      if (score <= best) continue;
      best = score;
      csv->delimiter = known[i].delimiter;
    }
    return LS_OK;
  }
  for (size_t i = 0; i < n; i++) {
    if (strcmp(name, known[i].name) != 0 && strcmp(name, known[i].delimiter.text) != 0) continue;
    csv->delimiter = known[i].delimiter;
    return LS_OK;
  }
  size_t size = strlen(name);
  if (size == 0 || size >= sizeof csv->delimiter.text ||
      (size > 3 && strpbrk(name, ",;|:/\t") == NULL) || strpbrk(name, "\"\r\n") != NULL)
    return ls__fail(
        LS_EUSAGE,
        "convert: delimiter \"%s\" is not known, it must be auto, comma, semicolon, tab, space, "
        "or the sign itself",
        name);
  memset(&csv->delimiter, 0, sizeof csv->delimiter);
  memcpy(csv->delimiter.text, name, size);
  csv->delimiter.size = size;
  return LS_OK;
}

static ls_status add_field(ls__csv *csv, char *text, size_t size, bool quoted) {
  ls_status st =
      ls__grow(&csv->field, &csv->field_capacity, csv->n + 1, sizeof *csv->field, csv->path);
  if (st == LS_OK) csv->field[csv->n++] = (ls__csv_field){text, size, quoted};
  return st;
}

/* Take the quotes off the field at p, in place.  Returns the place behind the closing quote. */
static char *unquote(char *p, char *end, size_t *size) {
  char *out = p, *in = p + 1;
  while (in < end) {
    if (*in == '"' && (in + 1 == end || in[1] != '"')) break;
    if (*in == '"') in++;
    *out++ = *in++;
  }
  *size = (size_t)(out - p);
  return in < end ? in + 1 : in;
}

/* Cut the record [p, end) into fields.  Each is closed with a zero byte, written over what follows
 * it; the last one's into *end, which is the record's newline or the spare byte of the buffer. */
static ls_status cut(ls__csv *csv, char *p, char *end) {
  const ls__csv_delimiter *d = &csv->delimiter;
  csv->n = 0;
  if (end > p && end[-1] == '\r') end--;
  if (d->runs) {
    while (p < end && is_space(*p)) p++;
    while (end > p && is_space(end[-1])) end--;
  }
  for (;;) {
    while (!d->runs && p < end && is_padding(d, *p)) p++;
    char *text = p;
    size_t size = 0, width = 0;
    const bool quoted = p < end && *p == '"';
    if (quoted) p = unquote(p, end, &size);
    if (d->size == 1 && !d->runs) {
      char *stop = p < end ? memchr(p, d->text[0], (size_t)(end - p)) : NULL;
      width = stop == NULL ? 0 : 1;
      p = stop == NULL ? end : stop;
    } else {
      while (p < end && (width = delimiter_at(d, p, end)) == 0) p++;
    }
    if (!quoted) {
      size = (size_t)(p - text);
      while (size > 0 && is_padding(d, text[size - 1])) size--;
    }
    text[size] = '\0'; /* over a delimiter, a space, a quote or the record's end */
    ls_status st = add_field(csv, text, size, quoted);
    if (st != LS_OK || p >= end) return st;
    p += width;
  }
}

ls_status ls__csv_next(ls__csv *csv, bool *more) {
  ls_status st = LS_OK;
  *more = false;
  for (;;) {
    char *p = csv->buffer + csv->begin, *end = csv->buffer + csv->end;
    const char *stop = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    size_t fields = 0, lines = 1;
    scan_result result = stop == NULL ? SCAN_CUT : SCAN_WHOLE;
    if (memchr(p, '"', (size_t)((stop == NULL ? end : stop) - p)) != NULL) {
      result = scan(&csv->delimiter, p, end, &stop, &fields);
      if (result == SCAN_AFTER_QUOTE)
        LS_FAIL(LS_EDATA, "%s:%zu: column %zu: text behind the closing quote", csv->path,
                csv->next_line, fields);
    }
    if (result != SCAN_WHOLE) {
      if (!csv->at_end) {
        LS_TRY(refill(csv));
        continue;
      }
      if (result == SCAN_OPEN_QUOTE)
        LS_FAIL(LS_EDATA, "%s:%zu: column %zu: a quote is opened and never closed", csv->path,
                csv->next_line, fields);
      if (p == end) goto out;
      stop = end;
    }
    const size_t size = (size_t)(stop - p);
    if (memchr(p, '\0', size) != NULL)
      LS_FAIL(LS_EDATA, "%s:%zu: a zero byte: this is no text file", csv->path, csv->next_line);
    for (const char *c = p; (c = memchr(c, '\n', (size_t)(stop - c))) != NULL; c++) lines++;
    csv->line = csv->next_line;
    csv->next_line += lines;
    csv->begin += stop == end ? size : size + 1;
    LS_TRY(cut(csv, p, p + size));
    if (csv->n == 1 && csv->field[0].size == 0 && !csv->field[0].quoted)
      continue; /* an empty line */
    *more = true;
    goto out;
  }
out:
  return st;
}

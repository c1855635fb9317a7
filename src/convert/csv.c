/* Records of a table: finding where they end, and cutting them into fields. */
#include "convert/csv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/text.h"

enum { FIRST_BUFFER = 1 << 20, LONGEST_RECORD = 64 << 20 };

/* Latin-1 as it is met: bytes 80 to 9F are Windows-1252's, whose five gaps are 0 here. */
static const uint16_t letter_of[32] = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020,
                                       0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
                                       0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D,
                                       0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
                                       0x0153, 0,      0x017E, 0x0178};

static bool is_ascii(const char *p, size_t n) {
  unsigned char all = 0;
  for (size_t i = 0; i < n; i++) all |= (unsigned char)p[i];
  return all < 0x80;
}

/* n bytes of Latin-1 at p become UTF-8, in a room of 3 n.  Returns its bytes. */
static size_t widen(char *p, size_t n) {
  const unsigned char *in = (const unsigned char *)p + 2 * n;
  unsigned char *out = (unsigned char *)p;
  memmove(p + 2 * n, p, n);
  for (size_t i = 0; i < n; i++) {
    const unsigned c = in[i] >= 0x80 && in[i] < 0xA0 && letter_of[in[i] - 0x80] != 0
                           ? letter_of[in[i] - 0x80]
                           : in[i];
    if (c < 0x80) {
      *out++ = (unsigned char)c;
    } else if (c < 0x800) {
      *out++ = (unsigned char)(0xC0 | c >> 6);
      *out++ = (unsigned char)(0x80 | (c & 0x3F));
    } else {
      *out++ = (unsigned char)(0xE0 | c >> 12);
      *out++ = (unsigned char)(0x80 | (c >> 6 & 0x3F));
      *out++ = (unsigned char)(0x80 | (c & 0x3F));
    }
  }
  return (size_t)(out - (unsigned char *)p);
}

/* Read more text: what is left of the buffer moves to its front, and where one record fills the
 * buffer it doubles. */
static ls_status refill(ls__csv *csv) {
  ls_status st = LS_OK;
  size_t unread = csv->end - csv->begin, got;
  if (csv->begin > 0) memmove(csv->buffer, csv->buffer + csv->begin, unread);
  csv->begin = 0;
  csv->end = unread;
  if (unread + 4 >= csv->capacity) {
    if (csv->capacity >= LONGEST_RECORD)
      LS_FAIL(LS_EDATA, "%s:%zu: a record of more than %d MB begins here; is a quote never closed?",
              csv->path, csv->next_line, LONGEST_RECORD >> 20);
    LS_TRY(ls__grow(&csv->buffer, &csv->capacity, csv->capacity + 1, 1, csv->path));
  }
  const size_t room = csv->capacity - 1 - csv->end, wanted = csv->latin1 ? room / 3 : room;
  char *to = csv->buffer + csv->end;
  LS_TRY(ls__input_read(csv->source, to, wanted, &got));
  csv->at_end = got < wanted;
  if (!is_ascii(to, got)) {
    csv->ascii = false;
    if (csv->latin1) got = widen(to, got);
  }
  csv->end += got;
out:
  return st;
}

/* Whether a file is UTF-8 all through. */
static ls_status is_utf8(const char *path, bool *yes) {
  ls_status st = LS_OK;
  ls__input *source = NULL;
  ls__progress quiet = {0};
  char *buffer = NULL;
  size_t kept = 0, got = FIRST_BUFFER;
  *yes = true;
  LS_TRY(ls__input_open(path, &quiet, &source));
  LS_TRY(ls__alloc(&buffer, FIRST_BUFFER + 4, 1, path));
  while (*yes && got == FIRST_BUFFER) {
    LS_TRY(ls__input_read(source, buffer + kept, FIRST_BUFFER, &got));
    const size_t size = kept + got, sure = got == FIRST_BUFFER ? size - 4 : size;
    size_t at = 0;
    for (size_t n; *yes && at < sure; at += n)
      *yes = (n = ls__text_letter_in(buffer + at, size - at)) > 0;
    kept = size - at; /* a letter that goes on behind the buffer is at most 4 bytes */
    if (*yes) memmove(buffer, buffer + at, kept);
  }
out:
  ls__free(buffer);
  ls__input_close(source);
  return st;
}

ls_status ls__csv_open(ls__csv *csv, const char *path, const ls__csv_options *own,
                       ls__progress *progress) {
  ls_status st = LS_OK;
  csv->path = path;
  csv->comment = own->comment;
  csv->latin1 = own->encoding == LS__CSV_ENCODING_LATIN1;
  csv->next_line = 1;
  csv->ascii = true;
  if (own->encoding == LS__CSV_ENCODING_AUTO) {
    bool utf8;
    LS_TRY(is_utf8(path, &utf8));
    csv->latin1 = !utf8;
  }
  LS_TRY(ls__input_open(path, progress, &csv->source));
  LS_TRY(ls__grow(&csv->buffer, &csv->capacity, FIRST_BUFFER, 1, path));
  LS_TRY(refill(csv));
  if (csv->end >= 3 && memcmp(csv->buffer, "\xEF\xBB\xBF", 3) == 0) csv->begin = 3;
  if (csv->latin1 && csv->end >= 6 && memcmp(csv->buffer, "\xC3\xAF\xC2\xBB\xC2\xBF", 6) == 0)
    LS_FAIL(LS_EDATA, "%s: begins with the mark of UTF-8; --encoding utf-8 reads it", path);
  if (csv->end >= 2 &&
      (memcmp(csv->buffer, "\xFF\xFE", 2) == 0 || memcmp(csv->buffer, "\xFE\xFF", 2) == 0 ||
       (csv->latin1 && strncmp(csv->buffer, "\xC3\xBF\xC3\xBE", 4) == 0)))
    LS_FAIL(LS_EDATA, "%s: UTF-16 text; save it as UTF-8", path);
  if (csv->at_end && memchr(csv->buffer, '\n', csv->end) == NULL) {
    const char *cr = memchr(csv->buffer, '\r', csv->end);
    if (cr != NULL && cr + 1 < csv->buffer + csv->end)
      LS_FAIL(LS_EDATA, "%s: lines end in CR alone; write it with LF or CRLF", path);
  }
out:
  return st;
}

ls_status ls__csv_look(ls__csv *csv, size_t lines) {
  ls_status st = LS_OK;
  for (;;) {
    const char *p = csv->buffer + csv->begin, *end = csv->buffer + csv->end;
    size_t n = 0;
    while (n < lines && p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
      p++;
      n++;
    }
    if (n == lines || csv->at_end || csv->capacity >= LONGEST_RECORD) return LS_OK;
    LS_TRY(refill(csv));
  }
out:
  return st;
}

ls_status ls__csv_skip(ls__csv *csv, size_t lines) {
  ls_status st = LS_OK;
  while (lines > 0) {
    char *p = csv->buffer + csv->begin;
    const char *stop = memchr(p, '\n', csv->end - csv->begin);
    if (stop != NULL) {
      csv->begin += (size_t)(stop - p) + 1;
      csv->next_line++;
      lines--;
    } else if (!csv->at_end) {
      csv->begin = csv->end; /* the line goes on behind the buffer */
      LS_TRY(refill(csv));
    } else {
      csv->begin = csv->end;
      return LS_OK;
    }
  }
out:
  return st;
}

void ls__csv_reset(ls__csv *csv) {
  ls__input_close(csv->source);
  ls__free(csv->buffer);
  ls__free(csv->field);
  ls__free(csv->from);
  ls__free(csv->name);
  ls__free(csv->spare);
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

ls__csv_scan ls__csv_scan_record(const ls__csv_delimiter *d, const char *p, const char *end,
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
        if (close == NULL) return LS__CSV_OPEN_QUOTE;
        p = close + 1;
      } while (p < end && *p == '"');
      while (p < end && is_padding(d, *p) && !d->runs) p++;
      if (d->runs && p < end && *p == '\r') p++;
      if (p < end && *p != '\n' && delimiter_at(d, p, end) == 0) {
        *stop = p;
        return LS__CSV_AFTER_QUOTE;
      }
    }
    size_t width = 0;
    while (p < end && *p != '\n' && (width = delimiter_at(d, p, end)) == 0) p++;
    *stop = p;
    if (p == end) return LS__CSV_CUT;
    if (*p == '\n') return LS__CSV_WHOLE;
    p += width;
    if (d->runs && (p == end || *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] == '\n')))) {
      *stop = p < end && *p == '\r' ? p + 1 : p; /* spaces at the end of a line */
      return *stop == end ? LS__CSV_CUT : LS__CSV_WHOLE;
    }
  }
}

static ls_status add_field(ls__csv *csv, char *text, size_t size, bool quoted) {
  ls_status st = ls__grow(&csv->field, &csv->field_capacity, csv->n + 1, sizeof *csv->field,
                          csv->path);
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

/* Fields of a record without quotes, by a delimiter of one byte. */
static ls_status cut_plain(ls__csv *csv, char *p, char *end) {
  const char sign = csv->delimiter.text[0];
  const ls__csv_delimiter *d = &csv->delimiter;
  ls_status st = LS_OK;
  csv->n = 0;
  for (;;) {
    char *stop = p;
    while (stop < end && *stop != sign) stop++;
    if (csv->n == csv->field_capacity)
      LS_TRY(
          ls__grow(&csv->field, &csv->field_capacity, csv->n + 1, sizeof *csv->field, csv->path));
    char *text = p, *last = stop; /* most fields have no space around them */
    while (text < last && *text <= ' ' && is_padding(d, *text)) text++;
    while (last > text && last[-1] <= ' ' && is_padding(d, last[-1])) last--;
    *last = '\0'; /* on a delimiter, a space or the record's end */
    csv->field[csv->n++] = (ls__csv_field){text, (size_t)(last - text), false};
    if (stop == end) return LS_OK;
    p = stop + 1;
  }
out:
  return st;
}

/* Cut the record [p, end) into fields.  Each is closed with a zero byte, written over what follows
 * it; the last one's into *end, which is the record's newline or the spare byte of the buffer. */
ls_status ls__csv_cut(ls__csv *csv, char *p, char *end) {
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

bool ls__csv_is_comment(const ls__csv *csv, const char *p, const char *end) {
  if (csv->comment == NULL) return false;
  const size_t size = strlen(csv->comment);
  while (p < end && (*p == ' ' || *p == '\t')) p++;
  return (size_t)(end - p) >= size && memcmp(p, csv->comment, size) == 0;
}

/* Every field of the record, which holds more than ASCII, is UTF-8. */
static ls_status check_letters(const ls__csv *csv) {
  for (size_t i = 0; i < csv->n; i++) {
    const ls__csv_field *f = &csv->field[i];
    for (size_t at = 0, n; at < f->size; at += n) {
      n = ls__text_letter_in(f->text + at, f->size - at);
      if (n == 0)
        return ls__fail(LS_EDATA,
                        "%s:%zu: column %zu: byte %02X is no UTF-8; --encoding latin1 reads it if "
                        "the text is Latin-1 (Western European, Windows-1252)",
                        csv->path, csv->line, i + 1, (unsigned)(unsigned char)f->text[at]);
      if (csv->latin1 && n == 2 && (unsigned char)f->text[at] == 0xC2 &&
          (unsigned char)f->text[at + 1] < 0xA0)
        return ls__fail(LS_EDATA, "%s:%zu: column %zu: byte %02X is no letter of Latin-1",
                        csv->path, csv->line, i + 1, (unsigned)(unsigned char)f->text[at + 1]);
    }
  }
  return LS_OK;
}

ls_status ls__csv_next(ls__csv *csv, bool *more) {
  ls_status st = LS_OK;
  *more = false;
  for (;;) {
    char *p = csv->buffer + csv->begin, *end = csv->buffer + csv->end;
    const char *stop = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    size_t fields = 0, lines = 1;
    ls__csv_scan result = stop == NULL ? LS__CSV_CUT : LS__CSV_WHOLE;
    if (csv->comment != NULL && stop != NULL && ls__csv_is_comment(csv, p, stop)) {
      csv->begin += (size_t)(stop - p) + 1;
      csv->next_line++;
      csv->comments++;
      continue;
    }
    const bool quotes = memchr(p, '"', (size_t)((stop == NULL ? end : stop) - p)) != NULL;
    if (quotes) {
      result = ls__csv_scan_record(&csv->delimiter, p, end, &stop, &fields);
      if (result == LS__CSV_AFTER_QUOTE)
        LS_FAIL(LS_EDATA, "%s:%zu: column %zu: text behind the closing quote", csv->path,
                csv->next_line, fields);
    }
    if (result != LS__CSV_WHOLE) {
      if (!csv->at_end) {
        LS_TRY(refill(csv));
        continue;
      }
      if (result == LS__CSV_OPEN_QUOTE)
        LS_FAIL(LS_EDATA, "%s:%zu: column %zu: a quote is opened and never closed", csv->path,
                csv->next_line, fields);
      if (p == end) goto out;
      stop = end;
      if (ls__csv_is_comment(csv, p, end)) {
        csv->comments++;
        goto out;
      }
    }
    const size_t size = (size_t)(stop - p);
    if (memchr(p, '\0', size) != NULL)
      LS_FAIL(LS_EDATA, "%s:%zu: a zero byte: this is no text file", csv->path, csv->next_line);
    for (const char *c = p; quotes && (c = memchr(c, '\n', (size_t)(stop - c))) != NULL; c++)
      lines++;
    csv->line = csv->next_line;
    csv->next_line += lines;
    csv->begin += stop == end ? size : size + 1;
    const bool ascii = csv->ascii || is_ascii(p, size);
    LS_TRY(quotes || csv->delimiter.runs || csv->delimiter.size > 1 ? ls__csv_cut(csv, p, p + size)
                                                                    : cut_plain(csv, p, p + size));
    if (!ascii) LS_TRY(check_letters(csv));
    if (csv->n == 1 && csv->field[0].size == 0 && !csv->field[0].quoted)
      continue; /* an empty line */
    *more = true;
    goto out;
  }
out:
  return st;
}

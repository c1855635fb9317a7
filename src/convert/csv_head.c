/* The beginning of a table: lines above it, its delimiter, its names, a line of units. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "convert/csv.h"

enum { LOOK_AHEAD = 100, MOST_FIELDS = 4000000, MOST_ABOVE = 50 };

/* What the fields of a column are, as flags. */
enum {
  PLAIN = 1,    /* a plain number */
  WHOLE = 2,    /* it is a whole one */
  FRACTION = 4, /* it is none */
  OTHER = 8,    /* a number, but no plain one; a date */
  TEXT = 16     /* none of these; nothing at all is 0 */
};

/* The first record, the second, and some more. */
typedef struct look {
  const ls__csv_options *own;
  const ls__csv_words *words;
  char **text; /* [n] of the first */
  double *first_number;
  unsigned char *first, *second, *rest; /* [n] flags */
  size_t n, line, second_line;
  size_t rows;       /* looked at behind the first, of its number of fields */
  size_t others;     /* of another number of fields */
  size_t other_n;    /* the number that most of these have */
  size_t other_line; /* the first of them */
  size_t longer;     /* with one field more than the first */
  bool longer_names; /* and the first field of all of these is text, or counts 1, 2, 3 */
  bool counting;     /* all rows are k, k + 1, k + 2, ... */
  bool recurs;       /* a text of the first record stands in its column again */
} look;

static void look_reset(look *l) {
  for (size_t i = 0; l->text != NULL && i < l->n; i++) ls__free(l->text[i]);
  ls__free(l->text);
  ls__free(l->first_number);
  ls__free(l->first);
  ls__free(l->second);
  ls__free(l->rest);
  memset(l, 0, sizeof *l);
}

static unsigned char flags_of(const look *l, const ls__csv_field *f, double *x) {
  ls__csv_plain n;
  ls__csv_reading r;
  *x = (double)NAN;
  if (ls__csv_plain_read(f->text, f->size, &n)) {
    *x = n.x;
    return n.point || n.exponent ? PLAIN | FRACTION : PLAIN | WHOLE;
  }
  if (ls__csv_missing(l->words, f->text, f->size) != LS__CSV_VALUE) return 0;
  ls__csv_read(f->text, f->size, l->own->date, &r);
  return r.sort != LS__CSV_TEXT || ls__csv_some_date(f->text) ? OTHER : TEXT;
}

/* k, k + 1, k + 2, ... */
static bool counts(const double *x, size_t n) {
  for (size_t i = 1; i < n; i++)
    if (!(x[i] - x[i - 1] >= 1.0 && x[i] - x[i - 1] <= 1.0)) return false;
  return n > 1;
}

static ls_status look_at(ls__csv *csv, look *l) {
  ls_status st = LS_OK;
  bool more = true;
  double *x = NULL, next = 1.0;
  l->n = csv->n;
  l->line = csv->line;
  LS_TRY(ls__alloc(&l->text, l->n, sizeof *l->text, "columns"));
  LS_TRY(ls__alloc(&l->first, l->n, 1, "columns"));
  LS_TRY(ls__alloc(&l->second, l->n, 1, "columns"));
  LS_TRY(ls__alloc(&l->rest, l->n, 1, "columns"));
  LS_TRY(ls__alloc(&l->first_number, l->n, sizeof *x, "columns"));
  LS_TRY(ls__alloc(&x, l->n, sizeof *x, "columns"));
  for (size_t i = 0; i < l->n; i++) {
    l->first[i] = flags_of(l, &csv->field[i], &l->first_number[i]);
    l->text[i] = ls__strdup(csv->field[i].text);
    if (l->text[i] == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", csv->path);
  }
  l->longer_names = true;
  l->counting = true;
  for (size_t row = 0; row < LOOK_AHEAD && row * l->n < MOST_FIELDS; row++) {
    LS_TRY(ls__csv_next(csv, &more));
    if (!more) break;
    if (csv->n != l->n) {
      double first;
      if (l->others++ == 0) {
        l->other_n = csv->n;
        l->other_line = csv->line;
      }
      if (csv->n != l->other_n) continue;
      l->longer += csv->n == l->n + 1;
      const unsigned char kind = flags_of(l, &csv->field[0], &first);
      if (kind != TEXT && !(first >= next && first <= next)) l->longer_names = false;
      next += 1.0;
      continue;
    }
    if (l->rows == 0) l->second_line = csv->line;
    for (size_t i = 0; i < l->n; i++) {
      const unsigned char kind = flags_of(l, &csv->field[i], &x[i]);
      l->recurs = l->recurs || (*l->text[i] != '\0' && kind == TEXT &&
                                strcmp(csv->field[i].text, l->text[i]) == 0);
      if (l->rows == 0)
        l->second[i] = kind;
      else
        l->rest[i] |= kind;
    }
    l->counting = l->counting && counts(x, l->n);
    l->rows++;
  }
out:
  ls__free(x);
  return st;
}

/* The second record is a line of units: text in columns of numbers, and no number of its own. */
static bool has_units(const look *l) {
  size_t over = 0;
  if (l->rows < 3) return false;
  for (size_t i = 0; i < l->n; i++) {
    if (l->first[i] & (PLAIN | OTHER) || l->second[i] & PLAIN) return false;
    const bool numeric = l->rest[i] != 0 && !(l->rest[i] & TEXT);
    if (numeric && l->second[i] & OTHER) return false;
    over += numeric && l->second[i] == TEXT;
  }
  return over >= 2;
}

typedef enum verdict { DATA, NAMES, UNCLEAR } verdict;

/* Whether a first record of numbers alone holds names: 0, 1, 2, ... over rows that don't count, or
 * whole numbers over columns that hold none, or over text. */
static verdict judge_numbers(const look *l, const char **why) {
  bool fractions = true, some = false, text = false;
  if (l->rows == 0 || l->n < 2) return DATA;
  for (size_t i = 0; i < l->n; i++) {
    const unsigned char below = l->second[i] | l->rest[i];
    if (!(l->first[i] & WHOLE)) return DATA;
    fractions = fractions && below & (FRACTION | OTHER) && !(below & (WHOLE | TEXT));
    some = some || below & (FRACTION | OTHER | TEXT);
    text = text || below == TEXT || below == OTHER;
  }
  const bool counting = counts(l->first_number, l->n) && !l->counting;
  const bool from_start = l->first_number[0] >= 0.0 && l->first_number[0] <= 1.0;
  *why = counting ? "counts on from column to column"
         : text   ? "has a number above text, dates or the like"
                  : "has whole numbers above others";
  if (counting && from_start && l->n >= 3 && (some || l->n >= 5)) return NAMES;
  if (counting && l->n >= 3 && fractions) return NAMES;
  return l->rows >= 3 && (text || fractions || (counting && l->n >= 3)) ? UNCLEAR : DATA;
}

/* Nothing but texts, so that the first record looks as the others do.  One of which none comes
 * again in its column, where there are some rows to see that in, has names. */
static ls_status judge_texts(const look *l, const char *path, bool *names, ls__csv_notes *notes) {
  enum { ENOUGH = 10 };
  char shown[LS__CSV_SHOWN];
  for (size_t i = 0; i < l->n; i++)
    if (l->first[i] != TEXT || (l->second[i] | l->rest[i]) & ~TEXT) return LS_OK;
  if (l->recurs) return LS_OK;
  if (l->rows == 0)
    return ls__fail(LS_EDATA,
                    "%s:%zu: the only line has texts alone (%s, ...): no rows of data; if it is "
                    "one, "
                    "say --header no",
                    path, l->line, ls__csv_show(l->text[0], shown));
  if (l->rows < ENOUGH)
    return ls__fail(LS_EDATA,
                    "%s:%zu: all fields are text, those of the first line (%s, ...) too: say "
                    "--header "
                    "yes if it holds names, --header no if it is a row of data",
                    path, l->line, ls__csv_show(l->text[0], shown));
  *names = true;
  ls__csv_note(notes, true,
               "%s:%zu: all fields are text; %s, ... come once, and are taken for names of the "
               "columns (--header no: data)",
               path, l->line, ls__csv_show(l->text[0], shown));
  return LS_OK;
}

/* A header is a first record with text above numbers, and no numbers of its own; or as above. */
static ls_status judge(const look *l, const char *path, bool *names, ls__csv_notes *notes) {
  const bool units = has_units(l);
  bool own_number = false, all_numbers = true;
  size_t over = l->n;
  char shown[LS__CSV_SHOWN];
  const char *why = "";
  *names = false;
  for (size_t i = 0; i < l->n; i++) {
    const unsigned char below = units ? l->rest[i] : l->second[i] | l->rest[i];
    const bool other = l->first[i] == OTHER && below & PLAIN &&
                       !(below & OTHER); /* "2 m" over 0.5 */
    own_number = own_number || l->first[i] & PLAIN;
    all_numbers = all_numbers && l->first[i] & PLAIN;
    if ((l->first[i] == TEXT || other) && below != 0 && !(below & TEXT) && over == l->n) over = i;
  }
  if (over < l->n) {
    if (own_number)
      return ls__fail(LS_EDATA,
                      "%s:%zu: column %zu: \"%s\" stands above numbers: say --header yes if this "
                      "line holds names, --header no if it is a bad value",
                      path, l->line, over + 1, ls__csv_show(l->text[over], shown));
    *names = true;
    return LS_OK;
  }
  if (!all_numbers) return judge_texts(l, path, names, notes);
  const verdict v = judge_numbers(l, &why);
  if (v == UNCLEAR)
    return ls__fail(LS_EDATA,
                    "%s:%zu: the first line (%s, ...) %s: say --header yes if it holds names, "
                    "--header no if it is a row of data",
                    path, l->line, ls__csv_show(l->text[0], shown), why);
  *names = v == NAMES;
  if (*names)
    ls__csv_note(notes, true,
                 "%s:%zu: %s, ... %s: taken for names of the columns, not for data (--header no: "
                 "data)",
                 path, l->line, l->text[0], why);
  return LS_OK;
}

/* Other rows than the first agree on a number of fields: what is above them is no part of the
 * table, or the first column has no name. */
static ls_status judge_width(const look *l, const ls__csv *csv, ls__csv_head *head) {
  bool text = true;
  for (size_t i = 0; i < l->n; i++) text = text && !(l->first[i] & PLAIN);
  head->row_names = text && l->rows == 0 && l->others >= 2 && l->longer == l->others &&
                    l->longer_names;
  if (head->row_names || l->others < 2 || l->others <= 2 * l->rows) return LS_OK;
  return ls__fail(LS_EDATA,
                  "%s:%zu: %zu field%s, where lines from %zu on have %zu; are there lines above "
                  "the table? --skip-lines %zu leaves them out",
                  csv->path, l->line, l->n, l->n == 1 ? "" : "s", l->other_line, l->other_n,
                  l->other_line - 1);
}

/* "sep=;", which Excel writes and understands. */
static ls_status take_sep(ls__csv *csv, char sign[8], size_t *skip) {
  const char *p = csv->buffer + csv->begin, *end = csv->buffer + csv->end;
  *sign = '\0';
  if (end - p > 0 && *p == '"') p++;
  if (end - p < 5 || (memcmp(p, "sep=", 4) != 0 && memcmp(p, "SEP=", 4) != 0)) return LS_OK;
  p += 4;
  const char c = *p++;
  if (p < end && *p == '"') p++;
  if (p < end && *p == '\r') p++;
  if (p < end && *p != '\n') return LS_OK;
  sign[0] = c;
  sign[1] = '\0';
  ++*skip;
  return ls__csv_skip(csv, 1);
}

/* Lines at the top that begin with #: how many, and the text of the last.  None where every line
 * does. */
static ls_status take_hashes(ls__csv *csv, size_t *skip, char **last) {
  ls_status st = LS_OK;
  size_t lines = 0, hashes = 0;
  LS_TRY(ls__csv_look(csv, MOST_ABOVE));
  const char *p = csv->buffer + csv->begin, *end = csv->buffer + csv->end, *from = NULL, *to = NULL;
  while (p < end) {
    const char *stop = memchr(p, '\n', (size_t)(end - p)), *c = p;
    if (stop == NULL) stop = end;
    while (c < stop && (*c == ' ' || *c == '\t' || *c == '\r')) c++;
    if (c < stop && *c != '#') break;
    if (c < stop) {
      from = c;
      to = stop;
      hashes++;
    }
    lines++;
    p = stop < end ? stop + 1 : end;
  }
  if (p >= end || hashes == 0 || hashes > MOST_ABOVE) return LS_OK;
  LS_TRY(ls__alloc(last, (size_t)(to - from) + 2, 1, "a line"));
  memcpy(*last, from, (size_t)(to - from));
  *skip += lines;
  LS_TRY(ls__csv_skip(csv, lines));
out:
  return st;
}

/* The names in a line "# a b c", where they are as many as the columns. */
static ls_status names_of_hash(const ls__csv *csv, char *line, size_t n, char ***names) {
  ls_status st = LS_OK;
  ls__csv cut = {.path = csv->path, .delimiter = csv->delimiter, .ascii = csv->ascii};
  char *begin = line + strspn(line, "# \t");
  LS_TRY(ls__csv_cut(&cut, begin, begin + strlen(begin)));
  if (cut.n != n) goto out;
  for (size_t i = 0; i < n; i++) {
    double x;
    if (ls__csv_number(cut.field[i].text, cut.field[i].size, &x))
      goto out; /* a row that is switched off */
    for (size_t at = 0, bytes; at < cut.field[i].size; at += bytes)
      if ((bytes = ls__text_letter_in(cut.field[i].text + at, cut.field[i].size - at)) == 0)
        LS_FAIL(LS_EDATA,
                "%s: column %zu: a name that is no UTF-8; --encoding latin1 reads Latin-1",
                csv->path, i + 1);
  }
  LS_TRY(ls__alloc(names, n, sizeof **names, "columns"));
  for (size_t i = 0; i < n; i++) {
    (*names)[i] = ls__strdup(cut.field[i].text);
    if ((*names)[i] == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", csv->path);
  }
out:
  ls__free(cut.field);
  return st;
}

/* Put an empty name before the first. */
static ls_status name_rows(ls__csv_head *head) {
  ls_status st = LS_OK;
  char **names = NULL;
  LS_TRY(ls__alloc(&names, head->n + 1, sizeof *names, "columns"));
  memcpy(names + 1, head->name, head->n * sizeof *names);
  ls__free(head->name);
  head->name = names;
  head->n++;
  names[0] = ls__strdup("");
  if (names[0] == NULL) LS_FAIL(LS_ENOMEM, "columns: out of memory");
out:
  return st;
}

/* Whether the first record has names of the other file alone. */
static bool are_names(const look *l, const ls__csv_head *like) {
  bool all = like != NULL && like->name != NULL;
  for (size_t i = 0; all && i < l->n; i++) {
    size_t k = i < like->n && strcmp(l->text[i], like->name[i]) == 0 ? i : 0;
    while (k < like->n && strcmp(l->text[i], like->name[k]) != 0) k++;
    all = k < like->n;
  }
  return all;
}

/* What the first lines mean together. */
static ls_status conclude(ls__csv *csv, look *l, char *hash, const ls__csv_head *like,
                          ls__csv_head *head, ls__csv_notes *notes) {
  ls_status st = LS_OK;
  const int header = l->own->header;
  bool names = false;
  head->n = l->n;
  if (header != LS__CSV_HEADER_NO) LS_TRY(judge_width(l, csv, head));
  if (head->row_names || (header == LS__CSV_HEADER_AUTO && are_names(l, like)))
    names = true;
  else if (header == LS__CSV_HEADER_AUTO)
    LS_TRY(judge(l, csv->path, &names, notes));
  if (!names && hash != NULL && header != LS__CSV_HEADER_NO) {
    LS_TRY(names_of_hash(csv, hash, l->n, &head->name));
    head->name_line = head->skip;
  }
  if (head->name != NULL) goto out;
  if (header == LS__CSV_HEADER_YES) names = true;
  if (!names) goto out;
  head->name = l->text;
  head->name_line = l->line;
  head->records = 1;
  l->text = NULL;
  if (head->row_names) LS_TRY(name_rows(head));
  if (header == LS__CSV_HEADER_AUTO && has_units(l)) {
    head->records = 2;
    ls__csv_note(notes, false, "%s:%zu: a line of units under the names: left out", csv->path,
                 l->second_line);
  }
out:
  return st;
}

ls_status ls__csv_head_read(ls__csv_head *head, const char *path, const ls__csv_options *own,
                            const ls__csv_head *like, ls__csv_notes *notes) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  ls__csv_words words = {0};
  ls__progress quiet = {0};
  look l = {.own = own, .words = &words};
  char sep[8] = "", *hash = NULL, text[16];
  bool more;
  LS_TRY(ls__csv_words_init(&words, own->missing_words));
  LS_TRY(ls__csv_open(&csv, path, own, &quiet));
  head->skip = (size_t)own->skip_lines;
  LS_TRY(ls__csv_skip(&csv, head->skip));
  LS_TRY(take_sep(&csv, sep, &head->skip));
  const size_t above = head->skip;
  if (own->comment == NULL) LS_TRY(take_hashes(&csv, &head->skip, &hash));
  if (like != NULL)
    csv.delimiter = like->delimiter;
  else
    LS_TRY(ls__csv_set_delimiter(&csv, *sep != '\0' && strcmp(own->delimiter, "auto") == 0
                                           ? sep
                                           : own->delimiter));
  head->delimiter = csv.delimiter;
  LS_TRY(ls__csv_next(&csv, &more));
  if (!more) LS_FAIL(LS_EDATA, "%s: no rows of data", path);
  LS_TRY(look_at(&csv, &l));
  LS_TRY(conclude(&csv, &l, hash, like, head, notes));
  ls__csv_note(notes, false, "%s: fields separated by %s, %s%s", path,
               ls__csv_delimiter_name(&head->delimiter, text),
               head->name == NULL ? "no names" : "names in line ",
               head->name == NULL ? ""
                                  : (snprintf(text, sizeof text, "%zu", head->name_line), text));
  if (csv.latin1 && own->encoding == LS__CSV_ENCODING_AUTO)
    ls__csv_note(notes, false, "%s: no UTF-8: read as Latin-1", path);
  if (head->skip > above &&
      head->skip - above > (size_t)(head->name != NULL && head->name_line == head->skip))
    ls__csv_note(notes, false, "%s: lines with # above the table left out, to line %zu", path,
                 head->skip - (size_t)(head->name != NULL && head->name_line == head->skip));
out:
  look_reset(&l);
  ls__csv_words_reset(&words);
  ls__csv_reset(&csv);
  ls__free(hash);
  return st;
}

void ls__csv_head_reset(ls__csv_head *head) {
  for (size_t i = 0; head->name != NULL && i < head->n; i++) ls__free(head->name[i]);
  ls__free(head->name);
  memset(head, 0, sizeof *head);
}

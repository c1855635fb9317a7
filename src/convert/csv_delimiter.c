/* What stands between the fields of a table: named, or found in its first lines. */
#include <string.h>

#include "base/alloc.h"
#include "convert/csv.h"

enum { SAMPLE = 50, LOOK = 8, SHARE_BYTES = 1 << 20 };

/* How well a delimiter fits. */
typedef struct fit {
  size_t same;   /* the most of the first records that have one number of fields, more than one */
  double values; /* share of their fields that are numbers or nothing */
} fit;

/* Whether the record [p, p + size) is empty, or a comment. */
static bool is_nothing(const ls__csv *csv, const char *p, size_t size) {
  return size == 0 || (size == 1 && *p == '\r') || ls__csv_is_comment(csv, p, p + size);
}

static size_t agreement(const ls__csv *csv, const ls__csv_delimiter *d) {
  size_t count[SAMPLE], n = 0, best = 0;
  const char *p = csv->buffer + csv->begin, *end = csv->buffer + csv->end, *stop;
  while (n < SAMPLE && p < end) {
    ls__csv_scan result = ls__csv_scan_record(d, p, end, &stop, &count[n]);
    if (result == LS__CSV_OPEN_QUOTE || result == LS__CSV_AFTER_QUOTE) break;
    if (result == LS__CSV_CUT && !csv->at_end) break;
    const size_t size = (size_t)(stop - p);
    if (!is_nothing(csv, p, size)) n++;
    p = stop + 1;
  }
  for (size_t i = 0; i < n; i++) {
    size_t same = 0;
    for (size_t k = 0; k < n; k++) same += count[k] == count[i];
    if (count[i] > 1 && same > best) best = same;
  }
  return best;
}

/* The share of fields that are values, over the first records, as far as they are one MB. */
static ls_status share_of_values(const ls__csv *csv, const ls__csv_delimiter *d, double *share) {
  ls_status st = LS_OK;
  ls__csv copy = {.path = csv->path, .delimiter = *d, .ascii = true};
  ls__csv_words usual = {.usual = true};
  ls__csv_reading reading;
  size_t fields = 0, values = 0, unused, records = 0;
  const char *p = csv->buffer + csv->begin, *end = csv->buffer + csv->end, *stop;
  if (end - p > SHARE_BYTES) end = p + SHARE_BYTES;
  while (p < end && records++ < SAMPLE) {
    const ls__csv_scan found = ls__csv_scan_record(d, p, end, &stop, &unused);
    if (found != LS__CSV_WHOLE && (found != LS__CSV_CUT || end != csv->buffer + csv->end)) break;
    const size_t size = (size_t)(stop - p);
    if (!is_nothing(csv, p, size)) {
      if (size + 1 > copy.capacity) {
        ls__free(copy.buffer);
        LS_TRY(ls__alloc(&copy.buffer, size + 1, 1, "a record"));
        copy.capacity = size + 1;
      }
      memcpy(copy.buffer, p, size);
      LS_TRY(ls__csv_cut(&copy, copy.buffer, copy.buffer + size));
      for (size_t i = 0; i < copy.n; i++) {
        double x;
        const ls__csv_field *f = &copy.field[i];
        bool value = ls__csv_number(f->text, f->size, &x) ||
                     ls__csv_missing(&usual, f->text, f->size) != LS__CSV_VALUE;
        if (!value) {
          ls__csv_read(f->text, f->size, LS__CSV_DATE_DMY, &reading);
          value = reading.sort != LS__CSV_TEXT;
        }
        values += value;
      }
      fields += copy.n;
    }
    p = stop + 1;
  }
  *share = fields == 0 ? 0.0 : (double)values / (double)fields;
out:
  ls__free(copy.buffer);
  ls__free(copy.field);
  return st;
}

static const struct {
  const char *name, *plural;
  ls__csv_delimiter delimiter;
} known[] = {/* in the order of preference where several fit */
             {"tab", "tabs", {"\t", 1, false}},    {"semicolon", "semicolons", {";", 1, false}},
             {"comma", "commas", {",", 1, false}}, {"bar", "bars", {"|", 1, false}},
             {"colons", "::", {"::", 2, false}},   {"space", "spaces", {" ", 1, true}}};
enum { KNOWN = sizeof known / sizeof *known };

/* The one by which most of the first records have one number of fields; of several, the one that
 * leaves most values in them. */
static ls_status find_delimiter(ls__csv *csv) {
  ls_status st = LS_OK;
  fit best = {0, -1.0};
  csv->delimiter = known[2].delimiter; /* one column: comma */
  LS_TRY(ls__csv_look(csv, LOOK));
  for (size_t i = 0; i < KNOWN; i++) {
    fit it = {agreement(csv, &known[i].delimiter), 0.0};
    if (it.same == 0 || it.same < best.same) continue;
    LS_TRY(share_of_values(csv, &known[i].delimiter, &it.values));
    if (it.same == best.same && it.values <= best.values) continue;
    best = it;
    csv->delimiter = known[i].delimiter;
  }
out:
  return st;
}

ls_status ls__csv_set_delimiter(ls__csv *csv, const char *name) {
  if (strcmp(name, "auto") == 0) return find_delimiter(csv);
  for (size_t i = 0; i < KNOWN; i++) {
    if (strcmp(name, known[i].name) != 0 && strcmp(name, known[i].delimiter.text) != 0) continue;
    csv->delimiter = known[i].delimiter;
    return LS_OK;
  }
  size_t size = strlen(name);
  if (size == 0 || size >= sizeof csv->delimiter.text ||
      (size > 3 && strpbrk(name, ",;|:/\t") == NULL) || strpbrk(name, "\"\r\n") != NULL)
    return ls__fail(LS_EUSAGE,
                    "convert: delimiter \"%s\" is not known, it must be auto, comma, semicolon, "
                    "tab, space, or the sign itself",
                    name);
  memset(&csv->delimiter, 0, sizeof csv->delimiter);
  memcpy(csv->delimiter.text, name, size);
  csv->delimiter.size = size;
  return LS_OK;
}

const char *ls__csv_delimiter_name(const ls__csv_delimiter *d, char text[16]) {
  for (size_t i = 0; i < KNOWN; i++)
    if (strcmp(d->text, known[i].delimiter.text) == 0) return known[i].plural;
  snprintf(text, 16, "\"%s\"", d->text);
  return text;
}

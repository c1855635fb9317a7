/* What an HDF5 file holds, for a person or as JSON. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "config/number.h"
#include "data/convert.h"

/* Values are read for their range up to this many bytes a dataset, and in pieces of PIECE. */
enum { PIECE = 4 << 20 };
static const uint64_t most_bytes = UINT64_C(1) << 30;

/* One dataset, with what its values are. */
typedef struct array {
  char *name;
  ls__h5_info info;
  uint64_t read, finite; /* values */
  size_t rows_read;
  double low, high, sum;
  char **classes; /* [n_classes] names, NULL: numbers */
  size_t n_classes;
  uint64_t *count; /* [n_classes] */
} array;

typedef struct contents {
  ls__h5 *file;
  array *list; /* [n] */
  size_t n, capacity;
  bool checkpoint;
} contents;

static void free_strings(char **text, size_t n) {
  for (size_t i = 0; text != NULL && i < n; i++) ls__free(text[i]);
  ls__free(text);
}

static bool ends_in(const char *name, const char *end) {
  size_t n = strlen(name), k = strlen(end);
  return n >= k && strcmp(name + n - k, end) == 0;
}

/* ---- Reading ---- */

static void take_values(array *a, const double *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    if (a->finite == 0 || x[i] < a->low) a->low = x[i];
    if (a->finite == 0 || x[i] > a->high) a->high = x[i];
    a->finite++;
    a->sum += x[i];
  }
  a->read += n;
}

/* All values, or those of the first rows, in pieces; take is called for each. */
static ls_status for_values(ls__h5 *file, array *a,
                            void (*take)(array *a, const double *x, size_t n)) {
  ls_status st = LS_OK;
  double *x = NULL;
  const ls_shape *shape = &a->info.shape;
  const size_t all = ls_shape_count(shape);
  if (!a->info.numeric || all == 0) return LS_OK;
  if (shape->ndim == 0) {
    double one;
    LS_TRY(ls__h5_read(file, a->name, LS__F64, &one));
    take(a, &one, 1);
    a->rows_read = 1;
    goto out;
  }
  const size_t row = all / shape->dim[0];
  if (row > most_bytes / sizeof *x) return LS_OK;
  size_t rows = PIECE / sizeof *x / row, limit = (size_t)(most_bytes / sizeof *x) / row;
  if (rows == 0) rows = 1;
  if (limit > shape->dim[0]) limit = shape->dim[0];
  if (rows > limit) rows = limit;
  LS_TRY(ls__alloc(&x, rows * row, sizeof *x, a->name));
  for (size_t first = 0; first < limit; first += rows) {
    size_t n = limit - first < rows ? limit - first : rows;
    LS_TRY(ls__h5_read_rows(file, a->name, first, n, LS__F64, x));
    take(a, x, n * row);
  }
  a->rows_read = limit;
out:
  ls__free(x);
  return st;
}

static void count_labels(array *a, const double *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (x[i] >= 0.0 && x[i] < (double)a->n_classes) a->count[(size_t)x[i]]++;
}

/* Labels: whole numbers, one a row, with names or (in a y) few enough to be classes. */
static ls_status read_classes(ls__h5 *file, array *a) {
  enum { FEW = 100 };
  ls_status st = LS_OK;
  if (!a->info.integer || a->info.shape.ndim != 1 || a->finite == 0) return LS_OK;
  if (ls__h5_has_attribute(file, a->name, "classes")) {
    LS_TRY(ls__h5_get_strings(file, a->name, "classes", &a->classes, &a->n_classes));
  } else if (ends_in(a->name, "/y") && a->low >= 0.0 && a->high < FEW) {
    a->n_classes = (size_t)a->high + 1;
  }
  if (a->n_classes == 0) goto out;
  LS_TRY(ls__alloc(&a->count, a->n_classes, sizeof *a->count, "class counts"));
  LS_TRY(for_values(file, a, count_labels));
out:
  return st;
}

static ls_status see(void *context, const char *name, bool is_group) {
  contents *c = context;
  if (is_group) return LS_OK;
  if (c->n == c->capacity) {
    size_t capacity = c->capacity == 0 ? 16 : 2 * c->capacity;
    array *grown = ls__realloc(c->list, capacity, sizeof *grown);
    if (grown == NULL) return ls__fail(LS_ENOMEM, "inspect: out of memory");
    c->list = grown;
    c->capacity = capacity;
  }
  array a = {.name = ls__strdup(name)};
  if (a.name == NULL) return ls__fail(LS_ENOMEM, "inspect: out of memory");
  c->list[c->n++] = a;
  return LS_OK;
}

static ls_status read_contents(contents *c) {
  ls_status st = LS_OK;
  char *format = NULL;
  LS_TRY(ls__h5_visit(c->file, see, c));
  for (size_t i = 0; i < c->n; i++) {
    array *a = &c->list[i];
    LS_TRY(ls__h5_info_get(c->file, a->name, &a->info));
    LS_TRY(for_values(c->file, a, take_values));
    LS_TRY(read_classes(c->file, a));
  }
  if (ls__h5_has_attribute(c->file, "/", "format") &&
      ls__h5_get_string(c->file, "/", "format", &format) == LS_OK)
    c->checkpoint = strcmp(format, "lockstep checkpoint") == 0;
out:
  ls__free(format);
  return st;
}

static void contents_reset(contents *c) {
  for (size_t i = 0; i < c->n; i++) {
    ls__free(c->list[i].name);
    free_strings(c->list[i].classes, c->list[i].n_classes);
    ls__free(c->list[i].count);
  }
  ls__free(c->list);
  ls__h5_close(c->file);
}

/* ---- Text of either kind ---- */

/* Bytes of the UTF-8 character at p, 0 where there is none (RFC 3629). */
static size_t utf8(const unsigned char *p) {
  size_t n = 0;
  if (p[0] < 0x80)
    n = 1;
  else if (p[0] >= 0xC2 && p[0] < 0xE0)
    n = 2;
  else if (p[0] >= 0xE0 && p[0] < 0xF0)
    n = 3;
  else if (p[0] >= 0xF0 && p[0] < 0xF5)
    n = 4;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xC0) != 0x80) return 0;
  if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
      (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
    return 0;
  return n;
}

/* A JSON string; what isn't UTF-8 becomes U+FFFD. */
static void put_json(FILE *out, const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  fputc('"', out);
  while (*p != '\0') {
    size_t n = utf8(p);
    if (*p == '"' || *p == '\\')
      fprintf(out, "\\%c", *p);
    else if (*p < 32 || *p == 127)
      fprintf(out, "\\u%04x", *p);
    else if (n == 0)
      fputs("\\ufffd", out);
    else
      fwrite(p, 1, n, out);
    p += n == 0 ? 1 : n;
  }
  fputc('"', out);
}

/* Text for a terminal: a file must not send it control sequences. */
static void put_words(FILE *out, const char *text, const char *indent) {
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '\n' && indent != NULL) {
      fputc('\n', out);
      if (p[1] != '\0') fputs(indent, out);
    } else {
      fputc((unsigned char)*p < 32 || *p == 127 ? '?' : *p, out);
    }
  }
}

static void put_number(FILE *out, double x) {
  char text[LS__NUMBER_TEXT];
  if (!isfinite(x)) {
    fputs("null", out);
    return;
  }
  ls__number_format(x, text);
  fputs(text, out);
}

/* ---- Attributes ---- */

static ls_status attribute(ls__h5 *file, const char *object, const char *name, bool json,
                           FILE *out) {
  int64_t whole;
  double *x = NULL;
  char **text = NULL;
  size_t n = 0;
  if (ls__h5_get_integer(file, object, name, &whole) == LS_OK) {
    fprintf(out, "%" PRId64, whole);
    return LS_OK;
  }
  ls_status st = ls__h5_get_doubles(file, object, name, &x, &n);
  if (st == LS_ENOMEM) return st;
  if (st == LS_OK) {
    if (json && n != 1) fputc('[', out);
    for (size_t i = 0; i < n; i++) {
      if (i > 0) fputs(", ", out);
      if (json)
        put_number(out, x[i]);
      else
        fprintf(out, "%.6g", x[i]);
    }
    if (json && n != 1) fputc(']', out);
    ls__free(x);
    return LS_OK;
  }
  st = ls__h5_get_strings(file, object, name, &text, &n);
  if (st == LS_ENOMEM) return st;
  if (st != LS_OK) {
    fputs(json ? "null" : "(neither number nor text)", out);
    return LS_OK;
  }
  if (json && n != 1) fputc('[', out);
  for (size_t i = 0; i < n; i++) {
    if (i > 0) fputs(", ", out);
    if (json)
      put_json(out, text[i]);
    else if (n == 1 && strchr(text[i], '\n') != NULL) {
      fputs("\n    ", out);
      put_words(out, text[i], "    ");
    } else {
      put_words(out, text[i], NULL);
    }
  }
  if (json && n != 1) fputc(']', out);
  free_strings(text, n);
  return LS_OK;
}

static ls_status attributes(ls__h5 *file, const char *object, bool json, FILE *out) {
  ls_status st = LS_OK;
  char **names = NULL;
  size_t n = 0;
  bool any = false;
  LS_TRY(ls__h5_attribute_names(file, object, &names, &n));
  if (json) fputs("{", out);
  for (size_t i = 0; i < n; i++) {
    if (!json && (strcmp(names[i], "classes") == 0 || strcmp(names[i], "checksum") == 0) &&
        strcmp(object, "/") != 0)
      continue; /* shown with the counts; of no interest to a person */
    if (json) {
      fputs(any ? ", " : "", out);
      put_json(out, names[i]);
      fputs(": ", out);
    } else {
      fputs("  ", out);
      if (strcmp(object, "/") != 0) fputs("  ", out);
      put_words(out, names[i], NULL);
      fputs(": ", out);
    }
    any = true;
    LS_TRY(attribute(file, object, names[i], json, out));
    if (!json) fputc('\n', out);
  }
  if (json) fputs("}", out);
out:
  free_strings(names, n);
  return st;
}

/* ---- In words ---- */

static void words_classes(const array *a, FILE *out) {
  enum { MOST_SHOWN = 50 };
  fprintf(out, "    %zu classes:", a->n_classes);
  for (size_t i = 0; i < a->n_classes; i++) {
    fputs(i == 0 ? " " : ", ", out);
    if (i == MOST_SHOWN) {
      fputs("...", out);
      break;
    }
    if (a->classes != NULL)
      put_words(out, a->classes[i], NULL);
    else
      fprintf(out, "%zu", i);
    fprintf(out, " (%" PRIu64 ")", a->count[i]);
  }
  fputc('\n', out);
}

static ls_status words_array(const contents *c, const array *a, int width, FILE *out) {
  char shape[LS_SHAPE_TEXT];
  fputs("  ", out);
  put_words(out, a->name, NULL);
  fprintf(out, "%*s  %-18s %-8s", width - (int)strlen(a->name), "",
          ls_shape_format(&a->info.shape, shape), a->info.type_name);
  if (a->finite > 0)
    fprintf(out, "  %.6g to %.6g, mean %.6g", a->low, a->high, a->sum / (double)a->finite);
  if (a->finite < a->read) fprintf(out, ", %" PRIu64 " NaN or infinite", a->read - a->finite);
  if (a->info.numeric && a->info.shape.ndim > 0 && a->rows_read < a->info.shape.dim[0])
    fprintf(out, " (first %zu rows)", a->rows_read);
  if (a->info.chunk_rows > 0)
    fprintf(out, ", chunks of %zu row%s", a->info.chunk_rows, a->info.chunk_rows == 1 ? "" : "s");
  else if (!c->checkpoint)
    fputs(", contiguous", out);
  fputc('\n', out);
  if (a->n_classes > 0) words_classes(a, out);
  return attributes(c->file, a->name, false, out);
}

static ls_status in_words(const contents *c, FILE *out) {
  ls_status st = LS_OK;
  int width = 0;
  uint64_t parameters = 0;
  for (size_t i = 0; i < c->n; i++) {
    if (strlen(c->list[i].name) < 60 && (int)strlen(c->list[i].name) > width)
      width = (int)strlen(c->list[i].name);
    if (strncmp(c->list[i].name, "/parameters/", 12) == 0)
      parameters += ls_shape_count(&c->list[i].info.shape);
  }
  put_words(out, ls__h5_path(c->file), NULL);
  if (c->checkpoint)
    fprintf(out, ": checkpoint, %" PRIu64 " parameters\n", parameters);
  else
    fprintf(out, ": %zu dataset%s\n", c->n, c->n == 1 ? "" : "s");
  LS_TRY(attributes(c->file, "/", false, out));
  for (size_t i = 0; i < c->n; i++) LS_TRY(words_array(c, &c->list[i], width, out));
out:
  return st;
}

/* ---- As JSON ---- */

static ls_status json_array(const contents *c, const array *a, FILE *out) {
  fputs("{\"name\": ", out);
  put_json(out, a->name);
  fputs(", \"shape\": [", out);
  for (int i = 0; i < a->info.shape.ndim; i++)
    fprintf(out, "%s%zu", i == 0 ? "" : ", ", a->info.shape.dim[i]);
  fputs("], \"type\": ", out);
  put_json(out, a->info.type_name);
  fprintf(out, ", \"chunk_rows\": %zu, \"stored_bytes\": %" PRIu64, a->info.chunk_rows,
          a->info.stored_bytes);
  fputs(", \"min\": ", out);
  put_number(out, a->finite > 0 ? a->low : (double)NAN);
  fputs(", \"max\": ", out);
  put_number(out, a->finite > 0 ? a->high : (double)NAN);
  fputs(", \"mean\": ", out);
  put_number(out, a->finite > 0 ? a->sum / (double)a->finite : (double)NAN);
  fprintf(out, ", \"not_finite\": %" PRIu64 ", \"rows_read\": %zu", a->read - a->finite,
          a->rows_read);
  if (a->n_classes > 0) {
    fputs(", \"classes\": [", out);
    for (size_t i = 0; i < a->n_classes; i++) {
      char number[24];
      snprintf(number, sizeof number, "%zu", i);
      fputs(i == 0 ? "{\"name\": " : ", {\"name\": ", out);
      put_json(out, a->classes != NULL ? a->classes[i] : number);
      fprintf(out, ", \"count\": %" PRIu64 "}", a->count[i]);
    }
    fputc(']', out);
  }
  fputs(", \"attributes\": ", out);
  ls_status st = attributes(c->file, a->name, true, out);
  fputc('}', out);
  return st;
}

static ls_status in_json(const contents *c, FILE *out) {
  ls_status st = LS_OK;
  fputs("{\"file\": ", out);
  put_json(out, ls__h5_path(c->file));
  fprintf(out, ", \"kind\": \"%s\", \"attributes\": ", c->checkpoint ? "checkpoint" : "dataset");
  LS_TRY(attributes(c->file, "/", true, out));
  fputs(", \"datasets\": [", out);
  for (size_t i = 0; i < c->n; i++) {
    fputs(i == 0 ? "\n  " : ",\n  ", out);
    LS_TRY(json_array(c, &c->list[i], out));
  }
  fputs("]}\n", out);
out:
  return st;
}

ls_status ls_inspect(const char *path, bool json, FILE *out) {
  ls_status st = LS_OK;
  contents c = {0};
  ls__number_locale locale = ls__number_begin();
  LS_TRY(ls__h5_open(path, &c.file));
  LS_TRY(read_contents(&c));
  LS_TRY(json ? in_json(&c, out) : in_words(&c, out));
  if (fflush(out) != 0 || ferror(out))
    LS_FAIL(LS_EIO, "%s: the description cannot be written", path);
out:
  contents_reset(&c);
  ls__number_end(&locale);
  return st;
}

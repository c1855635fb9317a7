/* What an HDF5 file holds, for a person or as JSON. */
#include <inttypes.h>
#include <lockstep/convert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "data/source.h"
#include "h5/h5.h"
#include "text/vocabulary.h"

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
  ls__h5_meaning meaning;
  uint64_t missing; /* values that stand for a missing one */
  char **classes;   /* [n_classes] names, NULL: numbers */
  size_t n_classes;
  uint64_t *count; /* [n_classes] */
} array;

typedef struct contents {
  ls__h5 *file;
  array *list; /* [n] */
  size_t n, capacity;
  bool checkpoint;
  const char *origin; /* the program that wrote it, if it says so */
} contents;

static bool ends_in(const char *name, const char *end) {
  size_t n = strlen(name), k = strlen(end);
  return n >= k && strcmp(name + n - k, end) == 0;
}

/* ---- Reading ---- */

static void take_values(array *a, const double *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    bool missing = false;
    for (size_t m = 0; m < a->meaning.n_missing; m++)
      missing = missing || (x[i] <= a->meaning.missing[m] && x[i] >= a->meaning.missing[m]);
    if (missing) {
      a->missing++;
      continue;
    }
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
  if (!a->info.numeric || all == 0 || a->info.filter[0] != '\0') return LS_OK;
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
  bool odd = false;
  LS_TRY(ls__source_classes(file, a->name, &a->classes, &a->n_classes, &odd));
  if (a->n_classes > 0) {
    /* they have names */
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
  ls_status st = ls__grow(&c->list, &c->capacity, c->n + 1, sizeof *c->list, "inspect");
  if (st != LS_OK) return st;
  array a = {.name = ls__strdup(name)};
  if (a.name == NULL) return ls__fail(LS_ENOMEM, "inspect: out of memory");
  c->list[c->n++] = a;
  return LS_OK;
}

/* Where links into other files point; whether something is there is for who reads them. */
typedef struct links {
  FILE *out; /* NULL: json */
  ls__json *json;
} links;

static ls_status see_link(void *context, const char *name, const char *file, const char *object) {
  const links *to = context;
  if (to->out != NULL) {
    fputs("  ", to->out);
    ls__text_put(to->out, name);
    fputs("  is a link to ", to->out);
    ls__text_put(to->out, object);
    fputs(" in the file ", to->out);
    ls__text_put(to->out, file);
    fputc('\n', to->out);
    return LS_OK;
  }
  ls__json_open(to->json, NULL, '{');
  ls__json_string(to->json, "name", name);
  ls__json_string(to->json, "file", file);
  ls__json_string(to->json, "object", object);
  ls__json_close(to->json, '}');
  return LS_OK;
}

/* What the file is, and who wrote it. */
static ls_status read_origin(contents *c) {
  ls_status st = LS_OK;
  char *format = NULL;
  ls__h5_kind kind;
  size_t n;
  bool there = false;
  LS_TRY(ls__h5_origin(c->file, &c->origin));
  for (size_t i = 0; i < c->n && c->origin == NULL; i++) { /* netCDF before 4.4.1 */
    LS_TRY(ls__h5_has_attribute(c->file, c->list[i].name, "_Netcdf4Dimid", &there));
    if (there) c->origin = "a netCDF-4 file (HDF5)";
  }
  LS_TRY(ls__h5_attribute_kind(c->file, "/", "format", &kind, &n));
  if (kind != LS__H5_TEXTS || n != 1) goto out;
  LS_TRY(ls__h5_get_string(c->file, "/", "format", &format));
  c->checkpoint = strcmp(format, "lockstep checkpoint") == 0;
out:
  ls__free(format);
  return st;
}

static ls_status read_contents(contents *c) {
  ls_status st = LS_OK;
  LS_TRY(ls__h5_visit(c->file, see, c));
  for (size_t i = 0; i < c->n; i++) {
    array *a = &c->list[i];
    LS_TRY(ls__h5_info_get(c->file, a->name, &a->info));
    LS_TRY(ls__h5_meaning_get(c->file, a->name, &a->meaning));
    LS_TRY(for_values(c->file, a, take_values));
    LS_TRY(read_classes(c->file, a));
  }
  LS_TRY(read_origin(c));
out:
  return st;
}

static void contents_reset(contents *c) {
  for (size_t i = 0; i < c->n; i++) {
    ls__free(c->list[i].name);
    ls__free_strings(c->list[i].classes, c->list[i].n_classes);
    ls__free(c->list[i].count);
  }
  ls__free(c->list);
  ls__h5_close(c->file);
}

/* Text of several lines (a checkpoint's configuration), each behind the indent. */
static void put_lines(FILE *out, const char *text, const char *indent) {
  char *lines = ls__strdup(text), *line = lines;
  while (line != NULL && *line != '\0') {
    char *end = strchr(line, '\n');
    if (end != NULL) *end = '\0';
    fprintf(out, "\n%s", indent);
    ls__text_put(out, line);
    line = end != NULL ? end + 1 : NULL;
  }
  ls__free(lines);
}

/* ---- Attributes ---- */

/* An attribute's value: a whole number, x [n] or text [n], or something else. */
typedef struct value {
  ls__h5_kind kind;
  int64_t whole;
  double *x;
  char **text;
  size_t n;
} value;

static ls_status value_get(ls__h5 *file, const char *object, const char *name, value *v) {
  size_t n;
  memset(v, 0, sizeof *v);
  ls_status st = ls__h5_attribute_kind(file, object, name, &v->kind, &n);
  if (v->kind == LS__H5_INTEGER) LS_THEN(st, ls__h5_get_integer(file, object, name, &v->whole));
  if (v->kind == LS__H5_NUMBERS) LS_THEN(st, ls__h5_get_doubles(file, object, name, &v->x, &v->n));
  if (v->kind == LS__H5_TEXTS) LS_THEN(st, ls__h5_get_strings(file, object, name, &v->text, &v->n));
  return st;
}

static void value_reset(value *v) {
  ls__free(v->x);
  ls__free_strings(v->text, v->n);
}

static void words_value(const value *v, FILE *out) {
  if (v->kind == LS__H5_INTEGER) fprintf(out, "%" PRId64, v->whole);
  if (v->kind == LS__H5_OTHER) fputs("(neither number nor text)", out);
  for (size_t i = 0; i < v->n; i++) {
    if (i > 0) fputs(", ", out);
    if (v->kind == LS__H5_NUMBERS) {
      fprintf(out, "%.6g", v->x[i]);
    } else if (v->n == 1 && strchr(v->text[i], '\n') != NULL) {
      put_lines(out, v->text[i], "    ");
    } else {
      ls__text_put(out, v->text[i]);
    }
  }
}

/* The kind of a vocabulary and how many tokens it has; of one that is none, false. */
static bool words_vocabulary(const value *v, FILE *out) {
  char text[LS__VOCABULARY_TEXT];
  ls__vocabulary *vocabulary = NULL;
  if (v->kind != LS__H5_TEXTS || v->n != 1) return false;
  if (ls__vocabulary_read(&vocabulary, v->text[0], "vocabulary") != LS_OK) return false;
  ls__vocabulary_describe(vocabulary, text);
  fputs(text, out);
  const size_t n = ls__vocabulary_size(vocabulary);
  const bool letters = ls__vocabulary_kind_of(vocabulary) == LS__CHARACTERS;
  for (size_t i = 0, used = 0; letters && i < n && used < 100; i++) {
    char shown[16];
    ls__vocabulary_show(vocabulary, (int32_t)i, shown, sizeof shown);
    fprintf(out, "%s%s", i == 0 ? ": " : "", shown);
    used += ls__text_width(shown);
    if (used >= 100 && i + 1 < n) fputs(" ...", out);
  }
  ls__vocabulary_destroy(vocabulary);
  return true;
}

static void json_value(const value *v, ls__json *json, const char *key) {
  const bool list = v->n != 1 && (v->kind == LS__H5_NUMBERS || v->kind == LS__H5_TEXTS);
  if (v->kind == LS__H5_INTEGER) ls__json_integer(json, key, v->whole);
  if (v->kind == LS__H5_OTHER) ls__json_string(json, key, NULL);
  if (list) ls__json_open(json, key, '[');
  for (size_t i = 0; i < v->n; i++) {
    if (v->kind == LS__H5_NUMBERS)
      ls__json_exact(json, list ? NULL : key, v->x[i]);
    else
      ls__json_string(json, list ? NULL : key, v->text[i]);
  }
  if (list) ls__json_close(json, ']');
}

/* In words to `out`, or where json is not NULL as its "attributes". */
static ls_status attributes(ls__h5 *file, const char *object, ls__json *json, FILE *out) {
  ls_status st = LS_OK;
  char **names = NULL;
  size_t n = 0;
  value v = {.kind = LS__H5_NONE};
  const bool of_file = strcmp(object, "/") == 0;
  LS_TRY(ls__h5_attribute_names(file, object, &names, &n));
  if (json != NULL) ls__json_open(json, "attributes", '{');
  for (size_t i = 0; i < n; i++) {
    LS_TRY(value_get(file, object, names[i], &v));
    bool named = strcmp(names[i], "classes") == 0 && v.kind == LS__H5_TEXTS;
    if (named && v.n < 2) LS_TRY(ls__source_is_ours(file, object, &named));
    /* shown with the counts; of no interest to a person */
    const bool known = strcmp(names[i], "recipe") == 0 ||
                       (!of_file && (named || strcmp(names[i], "checksum") == 0));
    if (ls__h5_sums_attribute(names[i])) {
      /* said of the dataset */
    } else if (json != NULL) {
      json_value(&v, json, names[i]);
    } else if (!known) {
      fputs(of_file ? "  " : "    ", out);
      ls__text_put(out, names[i]);
      fputs(": ", out);
      if (strcmp(names[i], "vocabulary") != 0 || !words_vocabulary(&v, out)) words_value(&v, out);
      fputc('\n', out);
    }
    value_reset(&v);
    v = (value){.kind = LS__H5_NONE};
  }
  if (json != NULL) ls__json_close(json, '}');
out:
  value_reset(&v);
  ls__free_strings(names, n);
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
      ls__text_put(out, a->classes[i]);
    else
      fprintf(out, "%zu", i);
    fprintf(out, " (%" PRIu64 ")", a->count[i]);
  }
  fputc('\n', out);
}

static ls_status words_array(const contents *c, const array *a, int width, FILE *out) {
  char shape[LS_SHAPE_TEXT];
  fputs("  ", out);
  ls__text_cell(out, a->name, width, SIZE_MAX);
  fprintf(out, "  %-18s %-8s", ls_shape_format(&a->info.shape, shape), a->info.type_name);
  if (a->finite > 0)
    fprintf(out, "  %.6g to %.6g, mean %.6g", a->low, a->high, a->sum / (double)a->finite);
  if (a->missing > 0)
    fprintf(out, ", %" PRIu64 " missing (%s)", a->missing, a->meaning.missing_from[0]);
  if (a->finite + a->missing < a->read)
    fprintf(out, ", %" PRIu64 " NaN or infinite", a->read - a->finite - a->missing);
  if (a->info.filter[0] != '\0')
    fprintf(out, "  compressed by %s, which is not there", a->info.filter);
  if (a->info.numeric && a->info.filter[0] == '\0' && a->info.shape.ndim > 0 &&
      a->rows_read < a->info.shape.dim[0])
    fprintf(out, " (first %zu rows)", a->rows_read);
  if (a->info.chunk_rows > 0)
    fprintf(out, ", chunks of %zu row%s", a->info.chunk_rows, a->info.chunk_rows == 1 ? "" : "s");
  else if (!c->checkpoint)
    fputs(", contiguous", out);
  if (a->info.block_rows > 0) fputs(", with checksums", out);
  fputc('\n', out);
  if (a->meaning.gaps) {
    fputs("    ", out);
    ls__text_put(out, a->meaning.why);
    fputc('\n', out);
  }
  if (a->n_classes > 0) words_classes(a, out);
  return attributes(c->file, a->name, NULL, out);
}

static ls_status in_words(const contents *c, FILE *out) {
  ls_status st = LS_OK;
  int width = 0;
  uint64_t parameters = 0;
  for (size_t i = 0; i < c->n; i++) {
    const size_t letters = ls__text_width(c->list[i].name);
    if (letters < 60 && (int)letters > width) width = (int)letters;
    if (strncmp(c->list[i].name, "/parameters/", 12) == 0)
      parameters += ls_shape_count(&c->list[i].info.shape);
  }
  ls__text_put(out, ls__h5_path(c->file));
  if (c->checkpoint)
    fprintf(out, ": checkpoint, %" PRIu64 " parameters\n", parameters);
  else
    fprintf(out, ": %s%s%zu dataset%s\n", c->origin != NULL ? c->origin : "",
            c->origin != NULL ? ", " : "", c->n, c->n == 1 ? "" : "s");
  const ls__seal *seal = ls__h5_seal(c->file);
  if (seal->sealed)
    fprintf(out, "  sealed, and whole: all %" PRIu64 " bytes are as they were written\n",
            seal->bytes);
  else if (c->checkpoint)
    fputs("  not sealed: another program wrote it, or an older lockstep\n", out);
  LS_TRY(attributes(c->file, "/", NULL, out));
  for (size_t i = 0; i < c->n; i++) LS_TRY(words_array(c, &c->list[i], width, out));
  LS_TRY(ls__h5_links(c->file, see_link, &(links){.out = out}));
out:
  return st;
}

/* ---- As JSON ---- */

static ls_status json_array(const contents *c, const array *a, ls__json *json) {
  const bool any = a->finite > 0;
  json->line = true;
  ls__json_open(json, NULL, '{');
  ls__json_string(json, "name", a->name);
  ls__json_open(json, "shape", '[');
  for (int i = 0; i < a->info.shape.ndim; i++) ls__json_whole(json, NULL, a->info.shape.dim[i]);
  ls__json_close(json, ']');
  ls__json_string(json, "type", a->info.type_name);
  ls__json_whole(json, "chunk_rows", a->info.chunk_rows);
  ls__json_whole(json, "checksum_rows", a->info.block_rows);
  ls__json_whole(json, "stored_bytes", a->info.stored_bytes);
  ls__json_exact(json, "min", any ? a->low : (double)NAN);
  ls__json_exact(json, "max", any ? a->high : (double)NAN);
  ls__json_exact(json, "mean", any ? a->sum / (double)a->finite : (double)NAN);
  ls__json_whole(json, "not_finite", a->read - a->finite - a->missing);
  ls__json_whole(json, "missing", a->missing);
  ls__json_string(json, "unwritten", a->meaning.gaps ? a->meaning.why : NULL);
  ls__json_whole(json, "rows_read", a->rows_read);
  if (a->n_classes > 0) {
    ls__json_open(json, "classes", '[');
    for (size_t i = 0; i < a->n_classes; i++) {
      char number[24];
      snprintf(number, sizeof number, "%zu", i);
      ls__json_open(json, NULL, '{');
      ls__json_string(json, "name", a->classes != NULL ? a->classes[i] : number);
      ls__json_whole(json, "count", a->count[i]);
      ls__json_close(json, '}');
    }
    ls__json_close(json, ']');
  }
  ls_status st = attributes(c->file, a->name, json, NULL);
  ls__json_close(json, '}');
  return st;
}

static ls_status in_json(const contents *c, FILE *out) {
  ls_status st = LS_OK;
  ls__json json = {.out = out};
  ls__json_open(&json, NULL, '{');
  ls__json_string(&json, "file", ls__h5_path(c->file));
  ls__json_string(&json, "kind", c->checkpoint ? "checkpoint" : "dataset");
  if (c->origin != NULL) ls__json_string(&json, "origin", c->origin);
  ls__json_bool(&json, "sealed", ls__h5_seal(c->file)->sealed);
  LS_TRY(attributes(c->file, "/", &json, NULL));
  ls__json_open(&json, "datasets", '[');
  for (size_t i = 0; i < c->n; i++) LS_TRY(json_array(c, &c->list[i], &json));
  ls__json_close(&json, ']');
  ls__json_open(&json, "links", '[');
  LS_TRY(ls__h5_links(c->file, see_link, &(links){.json = &json}));
  ls__json_close(&json, ']');
  ls__json_close(&json, '}');
  fputc('\n', out);
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
out:
  contents_reset(&c);
  ls__number_end(&locale);
  return st;
}

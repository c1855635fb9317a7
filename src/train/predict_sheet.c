/* Predictions as a table of text, a row a sample (RFC 4180; lines end in LF): what was kept of the
 * data, where the sample lies where that is more than a row of one file, then of each output the
 * class, its probability and those of all classes, or the numbers, and beside them the true
 * values. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/new_file.h"
#include "base/number.h"
#include "train/keep.h"
#include "train/prediction.h"

enum { MOST_COLUMNS = 1024, NAME = 512 };

/* An output's numbers of the samples at hand; of a sequence its labels. */
typedef struct values {
  ls__choice classes;
  bool labels;
  size_t count, target_count; /* of a sample; 0: no true values */
  float *y, *target;          /* [what->most, count] */
} values;

typedef struct sheet {
  const ls__prediction *what;
  ls__new_file *file;
  ls__keep *keep; /* NULL: nothing */
  char delimiter;
  char **name; /* [n] of the columns */
  size_t n, name_room;
  char place[LS__INDEX_MOST][LS__INDEX_NAME]; /* [places] of what says where a sample lies */
  size_t places;
  int64_t *index; /* [what->most, places] */
  values output[LS_MAX_PORTS];
  char *line; /* [used] */
  size_t used, room;
  bool begun; /* the line has a cell */
  char *cell; /* [cell_used] of a sequence */
  size_t cell_used, cell_room;
} sheet;

/* ---- A line ---- */

static ls_status put(sheet *s, const char *text, size_t n) {
  ls_status st = LS_OK;
  LS_TRY(ls__grow(&s->line, &s->room, s->used + n, 1, "a line of predictions"));
  memcpy(s->line + s->used, text, n);
  s->used += n;
out:
  return st;
}

/* In quotes where it holds what would end it, or spaces that a reader may take off. */
static ls_status put_text(sheet *s, const char *text) {
  ls_status st = LS_OK;
  const char special[] = {s->delimiter, '"', '\n', '\r', '\0'};
  const size_t n = strlen(text);
  const bool quoted = n > 0 && (text[strcspn(text, special)] != '\0' || text[0] == ' ' ||
                                text[0] == '\t' || text[n - 1] == ' ' || text[n - 1] == '\t');
  if (s->begun) LS_TRY(put(s, &s->delimiter, 1));
  s->begun = true;
  if (!quoted) return put(s, text, n);
  LS_TRY(put(s, "\"", 1));
  for (const char *at = text; *at != '\0'; at++) {
    if (*at == '"') LS_TRY(put(s, "\"", 1));
    LS_TRY(put(s, at, 1));
  }
  LS_TRY(put(s, "\"", 1));
out:
  return st;
}

static ls_status put_integer(sheet *s, int64_t x) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)x);
  return put_text(s, text);
}

static ls_status put_number(sheet *s, float x) {
  ls_status st = LS_OK;
  char text[LS__NUMBER_TEXT];
  const size_t n = ls__number_format_float(x, text);
  if (s->begun) LS_TRY(put(s, &s->delimiter, 1));
  s->begun = true;
  LS_TRY(put(s, text, n));
out:
  return st;
}

static ls_status end_line(sheet *s) {
  ls_status st = LS_OK;
  LS_TRY(put(s, "\n", 1));
  LS_TRY(ls__new_file_write(s->file, s->line, s->used));
  s->used = 0;
  s->begun = false;
out:
  return st;
}

/* ---- Names of columns ---- */

static bool is_kept(const sheet *s, const char *name) {
  const ls_predict_options *options = s->what->options;
  for (size_t i = 0; i < options->n_keep; i++)
    if (strcmp(options->keep[i], name) == 0) return true;
  return false;
}

static ls_status add_name(sheet *s, const char *name, bool predicted) {
  ls_status st = LS_OK;
  char whole[NAME + 16];
  snprintf(whole, sizeof whole, "%s%s", name, predicted && is_kept(s, name) ? "_predicted" : "");
  for (size_t i = 0; i < s->n; i++)
    if (strcmp(s->name[i], whole) == 0)
      LS_FAIL(LS_EUSAGE, "%s: two columns would be called \"%s\"%s", s->what->options->output,
              whole, predicted ? "; name it .h5" : ": it is to be kept twice");
  LS_TRY(ls__grow(&s->name, &s->name_room, s->n + 1, sizeof *s->name, "names of columns"));
  s->name[s->n] = ls__strdup(whole);
  if (s->name[s->n] == NULL) LS_FAIL(LS_ENOMEM, "names of columns: out of memory");
  s->n++;
out:
  return st;
}

/* "_3_4": element e of a shape; "" of a single one. */
static void index_of(const ls_shape *shape, size_t e, char text[LS_SHAPE_TEXT]) {
  size_t used = 0, below = ls_shape_count(shape);
  text[0] = '\0';
  if (below == 1) return;
  for (int d = 0; d < shape->ndim; d++) {
    below /= shape->dim[d];
    used += (size_t)snprintf(text + used, LS_SHAPE_TEXT - used, "_%zu", e / below % shape->dim[d]);
  }
}

static const char *class_name(const ls__class_names *names, size_t k, char number[24]) {
  if (k < names->n) return names->name[k];
  snprintf(number, 24, "%zu", k);
  return number;
}

/* "energy_" of several outputs, "" of one. */
static void prefix_of(const ls_model *model, size_t i, char prefix[LS_NAME_BYTES + 2]) {
  const ls_port port = ls_model_output(model, i);
  const bool several = ls_model_outputs(model) > 1;
  snprintf(prefix, LS_NAME_BYTES + 2, "%s%s", several ? port.name : "", several ? "_" : "");
}

static bool lists_all(const sheet *s, const ls__choice *c, bool probabilities) {
  return !s->what->options->classes_only && (c->k > 1 || probabilities);
}

/* The class, the true class, its probability, those of all. */
static ls_status name_classes(sheet *s, size_t i) {
  ls_status st = LS_OK;
  const ls_model *model = s->what->session->model;
  const ls__choice *c = &s->output[i].classes;
  const ls__class_names *columns = &model->output_columns[i], *names = &model->classes[i];
  const char *probability = model->says[i].probabilities ? "probability" : "score";
  char prefix[LS_NAME_BYTES + 2], at[LS_SHAPE_TEXT], base[NAME], name[NAME], number[24];
  prefix_of(model, i, prefix);
  for (size_t p = 0; p < c->places; p++) {
    index_of(&c->shape, p, at);
    snprintf(base, sizeof base, "%s%.300s%s", prefix,
             columns->n == 1 && prefix[0] == '\0' ? columns->name[0] : "class", at);
    LS_TRY(add_name(s, base, true));
    snprintf(name, sizeof name, "%.480s_true", base);
    if (s->output[i].target_count > 0) LS_TRY(add_name(s, name, true));
    snprintf(name, sizeof name, "%s%s%s", prefix, probability, at);
    LS_TRY(add_name(s, name, true));
    for (size_t k = 0; k < (c->k == 1 ? 2 : c->k) && lists_all(s, c, model->says[i].probabilities);
         k++) {
      snprintf(name, sizeof name, "%s%s%s_%.300s", prefix, probability, at,
               class_name(names, k, number));
      LS_TRY(add_name(s, name, true));
    }
  }
out:
  return st;
}

static ls_status name_numbers(sheet *s, size_t i) {
  ls_status st = LS_OK;
  const ls_model *model = s->what->session->model;
  const ls__class_names *columns = &model->output_columns[i];
  const ls_port port = ls_model_output(model, i);
  const size_t count = s->output[i].count;
  const char *word = model->says[i].probabilities ? "probability" : "prediction";
  char prefix[LS_NAME_BYTES + 2], base[NAME], name[NAME], at[LS_SHAPE_TEXT];
  prefix_of(model, i, prefix);
  for (size_t e = 0; e < count; e++) {
    index_of(&port.shape, e, at);
    if (columns->n == count && !(count == 1 && prefix[0] != '\0'))
      snprintf(base, sizeof base, "%s%.300s", prefix, columns->name[e]);
    else
      snprintf(base, sizeof base, "%s%s", prefix[0] != '\0' ? port.name : word, at);
    LS_TRY(add_name(s, base, true));
    snprintf(name, sizeof name, "%.480s_true", base);
    if (s->output[i].target_count > 0) LS_TRY(add_name(s, name, true));
  }
out:
  return st;
}

static ls_status name_labels(sheet *s, size_t i) {
  ls_status st = LS_OK;
  char prefix[LS_NAME_BYTES + 2], name[NAME];
  prefix_of(s->what->session->model, i, prefix);
  snprintf(name, sizeof name, "%ssequence", prefix);
  LS_TRY(add_name(s, name, true));
  snprintf(name, sizeof name, "%ssequence_true", prefix);
  if (s->output[i].target_count > 0) LS_TRY(add_name(s, name, true));
out:
  return st;
}

/* ---- Opening ---- */

/* How many columns an output makes. */
static size_t columns_of(const sheet *s, size_t i) {
  const values *v = &s->output[i];
  const ls__choice *c = &v->classes;
  const size_t one = v->target_count > 0 ? 2 : 1;
  if (v->labels) return one;
  if (c->k == 0) return v->count * one;
  const bool all = lists_all(s, c, s->what->session->model->says[i].probabilities);
  return c->places * (one + 1 + (!all ? 0 : c->k == 1 ? 2 : c->k));
}

static ls_status check_columns(const sheet *s) {
  size_t columns = s->places;
  bool classes = false;
  for (size_t i = 0; i < ls_model_outputs(s->what->session->model); i++) {
    columns += columns_of(s, i);
    classes = classes || (s->output[i].classes.k > 1 && !s->what->options->classes_only);
  }
  if (columns <= MOST_COLUMNS) return LS_OK;
  return ls__fail(LS_EUSAGE,
                  "%s: %zu numbers a sample would be as many columns, and a table has at most %d; "
                  "name it .h5%s%s",
                  s->what->options->output, columns, MOST_COLUMNS,
                  ls_model_outputs(s->what->session->model) == 1 ? " or .npy" : "",
                  classes ? ", or give --classes-only" : "");
}

/* Whether true values of this shape can stand beside these predictions. */
static ls_status check_target(const sheet *s, size_t i, const ls__array *target) {
  const values *v = &s->output[i];
  const ls__choice *c = &v->classes;
  char have[LS_SHAPE_TEXT], want[LS_SHAPE_TEXT];
  const ls_port port = ls_model_output(s->what->session->model, i);
  if (v->labels || target->count == v->count || (c->k > 0 && target->count == c->places))
    return LS_OK;
  return ls__fail(LS_EDATA, "%s: targets of shape %s cannot stand beside predictions of shape %s",
                  s->what->options->output, ls_shape_format(&target->port.shape, have),
                  ls_shape_format(&port.shape, want));
}

static ls_status open_output(sheet *s, size_t i) {
  ls_status st = LS_OK;
  const ls_model *model = s->what->session->model;
  const ls_port port = ls_model_output(model, i);
  const ls__array *target = s->what->target[i];
  values *v = &s->output[i];
  v->classes = ls__choice_of(model, i);
  v->labels = s->what->sequences[i].are;
  v->count = v->labels ? s->what->sequences[i].steps : ls_shape_count(&port.shape);
  if (target == NULL) goto out;
  LS_TRY(check_target(s, i, target));
  v->target_count = target->count;
out:
  return st;
}

static ls_status make_room(sheet *s, size_t i) {
  ls_status st = LS_OK;
  values *v = &s->output[i];
  LS_TRY(ls__alloc(&v->y, s->what->most * v->count, sizeof *v->y, "predictions"));
  if (v->target_count > 0)
    LS_TRY(ls__alloc(&v->target, s->what->most * v->target_count, sizeof *v->target, "targets"));
out:
  return st;
}

static void abandon(void *context) {
  sheet *s = context;
  if (s == NULL) return;
  ls__new_file_abandon(s->file);
  ls__keep_close(s->keep);
  ls__free_strings(s->name, s->n);
  for (size_t i = 0; i < LS_MAX_PORTS; i++) {
    ls__free(s->output[i].y);
    ls__free(s->output[i].target);
  }
  ls__free(s->index);
  ls__free(s->line);
  ls__free(s->cell);
  ls__free(s);
}

static ls_status create(ls__prediction *what, void **out) {
  ls_status st = LS_OK;
  const ls_predict_options *options = what->options;
  const size_t outputs = ls_model_outputs(what->session->model);
  bool gzip = false;
  sheet *s = NULL;
  LS_TRY(ls__alloc(&s, 1, sizeof *s, "predictions"));
  s->what = what;
  s->delimiter = ls__prediction_ends(options->output, ".tsv", &gzip) ? '\t' : ',';
  s->places = ls__data_index(what->session->data, what->session->split, s->place);
  LS_TRY(ls__alloc(&s->index, what->most * s->places, sizeof *s->index, "predictions"));
  for (size_t i = 0; i < outputs; i++) LS_TRY(open_output(s, i));
  LS_TRY(check_columns(s));
  for (size_t i = 0; i < options->n_keep; i++) LS_TRY(add_name(s, options->keep[i], false));
  for (size_t i = 0; i < s->places; i++) LS_TRY(add_name(s, s->place[i], true));
  for (size_t i = 0; i < outputs; i++) {
    LS_TRY(s->output[i].labels          ? name_labels(s, i)
           : s->output[i].classes.k > 0 ? name_classes(s, i)
                                        : name_numbers(s, i));
    LS_TRY(make_room(s, i));
  }
  what->columns = s->n;
  if (options->n_keep > 0)
    LS_TRY(ls__keep_open(what->session, options->keep, options->n_keep, &s->keep));
  LS_TRY(ls__new_file_create(options->output, gzip, &s->file));
  for (size_t i = 0; i < s->n; i++) LS_TRY(put_text(s, s->name[i]));
  LS_TRY(end_line(s));
  *out = s;
  s = NULL;
out:
  abandon(s);
  return st;
}

/* ---- Rows ---- */

static ls_status take(void *context, size_t i, ls__handed what, size_t at, size_t rows,
                      size_t count, const float *y) {
  (void)at;
  sheet *s = context;
  values *v = &s->output[i];
  if (v->labels && what == LS__PREDICTED) return LS_OK;
  memcpy(what == LS__TRUE ? v->target : v->y, y, rows * count * sizeof *y);
  return LS_OK;
}

/* A class by its name; what is none, as a number. */
static ls_status put_label(sheet *s, const ls__class_names *names, float label) {
  char number[24];
  if (label >= 0 && label < (float)(names->n > 0 ? names->n : SIZE_MAX) && floorf(label) >= label)
    return put_text(s, class_name(names, (size_t)label, number));
  return put_number(s, label);
}

static ls_status put_classes(sheet *s, size_t i, size_t row) {
  ls_status st = LS_OK;
  const ls_model *model = s->what->session->model;
  const values *v = &s->output[i];
  const ls__choice *c = &v->classes;
  const ls__class_names *names = &model->classes[i];
  const bool probable = model->says[i].probabilities;
  for (size_t p = 0; p < c->places; p++) {
    const float *y = v->y + row * v->count + p * c->k;
    const size_t class = ls__choice_take(c, y);
    LS_TRY(put_label(s, names, (float)class));
    if (v->target_count == c->places && v->target_count > 0) {
      const float t = v->target[row * v->target_count + p];
      LS_TRY(put_label(s, names, c->k > 1 ? t : t > c->half ? 1.0F : 0.0F));
    } else if (v->target_count > 0) {
      const float *t = v->target + row * v->target_count + p * c->k;
      LS_TRY(put_label(s, names, (float)ls__choice_take(c, t)));
    }
    LS_TRY(put_number(s, c->k > 1 ? y[class] : probable && class == 0 ? 1 - y[0] : y[0]));
    if (!lists_all(s, c, probable)) continue;
    if (c->k == 1) LS_TRY(put_number(s, 1 - y[0]));
    for (size_t k = 0; k < c->k; k++) LS_TRY(put_number(s, y[k]));
  }
out:
  return st;
}

static ls_status put_numbers(sheet *s, size_t i, size_t row) {
  ls_status st = LS_OK;
  const values *v = &s->output[i];
  for (size_t e = 0; e < v->count; e++) {
    LS_TRY(put_number(s, v->y[row * v->count + e]));
    if (v->target_count > 0) LS_TRY(put_number(s, v->target[row * v->count + e]));
  }
out:
  return st;
}

/* One character of UTF-8 each: then nothing stands between them. */
static bool are_characters(const ls__class_names *names) {
  for (size_t k = 0; k < names->n; k++) {
    const char *at = names->name[k];
    if (*at == '\0') continue; /* a blank may be called so */
    for (at++; (*at & 0xC0) == 0x80;) at++;
    if (*at != '\0') return false;
  }
  return names->n > 0;
}

/* Labels up to the first that is none, as one cell. */
static ls_status put_sequence(sheet *s, const ls__class_names *names, const float *label,
                              size_t n) {
  ls_status st = LS_OK;
  char number[24];
  const char *between = are_characters(names) ? "" : " ";
  s->cell_used = 0;
  LS_TRY(ls__grow(&s->cell, &s->cell_room, 1, 1, "a line of predictions"));
  for (size_t k = 0; k < n && label[k] >= 0; k++) {
    const char *text = class_name(names, (size_t)label[k], number);
    const size_t bytes = strlen(text), gap = k > 0 ? strlen(between) : 0;
    LS_TRY(ls__grow(&s->cell, &s->cell_room, s->cell_used + gap + bytes + 1, 1,
                    "a line of predictions"));
    memcpy(s->cell + s->cell_used, between, gap);
    memcpy(s->cell + s->cell_used + gap, text, bytes);
    s->cell_used += gap + bytes;
  }
  s->cell[s->cell_used] = '\0';
  LS_TRY(put_text(s, s->cell));
out:
  return st;
}

static ls_status put_labels(sheet *s, size_t i, size_t row) {
  ls_status st = LS_OK;
  const values *v = &s->output[i];
  const ls__class_names *names = &s->what->session->model->classes[i];
  LS_TRY(put_sequence(s, names, v->y + row * v->count, v->count));
  if (v->target_count > 0)
    LS_TRY(put_sequence(s, names, v->target + row * v->target_count, v->target_count));
out:
  return st;
}

/* Parts and files by their names. */
static ls_status put_places(sheet *s, size_t sample, const int64_t *index) {
  ls_status st = LS_OK;
  const ls__session *session = s->what->session;
  char text[LS__INDEX_TEXT];
  for (size_t i = 0; i < s->places; i++) {
    if (ls__data_index_text(session->data, session->split, sample, s->place[i], text))
      LS_TRY(put_text(s, text));
    else if (strcmp(s->place[i], "part") == 0)
      LS_TRY(put_text(s, ls__split_name((ls_split)index[i])));
    else if (strcmp(s->place[i], "file") == 0)
      LS_TRY(put_text(s, ls__data_file(s->what->session->data, (size_t)index[i])));
    else
      LS_TRY(put_integer(s, index[i]));
  }
out:
  return st;
}

static ls_status end_rows(void *context, size_t at, size_t rows) {
  ls_status st = LS_OK;
  sheet *s = context;
  const ls__prediction *what = s->what;
  if (s->keep != NULL) LS_TRY(ls__keep_read(s->keep, at, rows));
  const ls__session *session = what->session;
  if (s->places > 0) ls__data_index_rows(session->data, session->split, at, at + rows, s->index);
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < what->options->n_keep; i++)
      LS_TRY(put_text(s, ls__keep_text(s->keep, r, i)));
    LS_TRY(put_places(s, at + r, s->index + r * s->places));
    for (size_t i = 0; i < ls_model_outputs(session->model); i++)
      LS_TRY(s->output[i].labels          ? put_labels(s, i, r)
             : s->output[i].classes.k > 0 ? put_classes(s, i, r)
                                          : put_numbers(s, i, r));
    LS_TRY(end_line(s));
  }
out:
  return st;
}

static ls_status keep(void *context) {
  sheet *s = context;
  const ls_status st = ls__new_file_keep(s->file);
  s->file = NULL;
  abandon(s);
  return st;
}

static const char *const endings[] = {".csv", ".tsv", NULL};
const ls__prediction_kind ls__prediction_sheet = {
    endings, true, create, take, end_rows, keep, abandon,
};

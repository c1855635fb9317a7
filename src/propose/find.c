/* Which datasets of a file are inputs and targets: as they are named, else by what people call
 * them, else by their sizes. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/text.h"
#include "data/source.h"
#include "propose/propose.h"

/* What is in the file. */
typedef struct found {
  char *name;
  ls__h5_info info;
  bool aside; /* it says what a dimension is, or is a text of MATLAB's */
  int time;   /* the dimension that is called so; -1: none is */
} found;
typedef struct listing {
  found *list; /* [n] */
  size_t n, capacity;
} listing;

static const char *const input_names[] = {"x",       "inputs", "input",   "features", "feature",
                                          "images",  "image",  "imgs",    "img",      "data",
                                          "samples", "pixels", "x_train", NULL};
static const char *const target_names[] = {"y",       "targets",  "target",  "labels", "label",
                                           "classes", "class",    "outputs", "output", "masks",
                                           "mask",    "solution", "y_train", NULL};

/* Of a file that convert made, what isn't a category. */
static const char *const other_names[] = {"x", "y", "group", "weight", NULL};

/* What layers of a proposal are called (network.c), and words of the configuration. */
static const char *const own_names[] = {"input",   "inputs",    "target",  "trunk",
                                        "seen",    "code",      "fine",    "middle",
                                        "up_fine", "up_middle", "outputs", NULL};

static const char *base_of(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash == NULL ? name : slash + 1;
}

/* Place in a list of names, whatever their case; -1: it isn't there. */
static int rank_in(const char *const *names, const char *name) {
  for (int i = 0; names[i] != NULL; i++)
    if (strcasecmp(names[i], base_of(name)) == 0) return i;
  return -1;
}

static ls_status see(void *context, const char *name, bool is_group) {
  listing *l = context;
  ls_status st = LS_OK;
  if (is_group) return LS_OK;
  LS_TRY(ls__grow(&l->list, &l->capacity, l->n + 1, sizeof *l->list, "datasets"));
  l->list[l->n] = (found){.name = ls__strdup(name)};
  if (l->list[l->n].name == NULL) LS_FAIL(LS_ENOMEM, "datasets: out of memory");
  l->n++;
out:
  return st;
}

/* May it hold samples, a row each? */
static bool may_be_read(const found *f) {
  return !f->aside && (f->info.numeric || (f->info.text && f->info.shape.ndim == 1)) &&
         f->info.shape.ndim > 0 && f->info.filter[0] == '\0' && ls_shape_count(&f->info.shape) > 0;
}

static found *find_name(const listing *l, const char *name) {
  for (size_t i = 0; i < l->n; i++)
    if (strcmp(l->list[i].name, name) == 0) return &l->list[i];
  return NULL;
}

/* What else is known of a dataset than its type and shape. */
static ls_status know(ls__proposal *p, found *f) {
  ls_status st = LS_OK;
  bool scale = false, matlab = false;
  char *kind = NULL;
  ls__h5_kind is;
  size_t n;
  f->time = -1;
  LS_TRY(ls__h5_info_get(p->file, f->name, &f->info));
  LS_TRY(ls__h5_has_attribute(p->file, f->name, "CLASS", &scale));
  LS_TRY(ls__h5_has_attribute(p->file, f->name, "MATLAB_class", &matlab));
  if (scale || matlab) {
    const char *key = scale ? "CLASS" : "MATLAB_class";
    LS_TRY(ls__h5_attribute_kind(p->file, f->name, key, &is, &n));
    if (is == LS__H5_TEXTS && n == 1) LS_TRY(ls__h5_get_string(p->file, f->name, key, &kind));
    f->aside = kind != NULL && strcmp(kind, scale ? "DIMENSION_SCALE" : "char") == 0;
  }
  f->aside = f->aside || strncmp(f->name, "/#", 2) == 0; /* MATLAB's own */
  if (!f->aside && f->info.numeric && f->info.shape.ndim > 1)
    LS_TRY(ls__propose_time_of(p, f->name, f->info.shape.ndim, &f->time));
out:
  ls__free(kind);
  return st;
}

/* As many samples: along the first dimension, in MATLAB's files along the first or the last. */
static bool as_many(const ls__proposal *p, const ls_shape *a, const ls_shape *b) {
  if (a->dim[0] == b->dim[0]) return true;
  const size_t x = a->dim[a->ndim - 1], y = b->dim[b->ndim - 1];
  return p->matlab && (x == y || x == b->dim[0] || a->dim[0] == y);
}

/* "/a [100, 3] float32, /b [100] int64, ... (12 more)" */
static void tell_datasets(const listing *l, char *text, size_t bytes) {
  size_t used = 0, i = 0;
  text[0] = '\0';
  for (; i < l->n && used + 120 < bytes; i++) {
    char shape[LS_SHAPE_TEXT], name[64];
    (void)ls__text_show(l->list[i].name, 40, name, sizeof name);
    ls_shape_format(&l->list[i].info.shape, shape);
    used += (size_t)snprintf(text + used, bytes - used, "%s%s %.40s %s", i > 0 ? ", " : "", name,
                             shape, l->list[i].info.type_name);
  }
  if (i < l->n) snprintf(text + used, bytes - used, ", ... (%zu more)", l->n - i);
}

static ls_status can_not_tell(const ls__proposal *p, const listing *l, const char *why) {
  char datasets[640];
  tell_datasets(l, datasets, sizeof datasets);
  return ls__fail(LS_EUSAGE,
                  "%s: %s; name them (--inputs NAME,... --targets NAME,...).  It holds %s",
                  ls__h5_path(p->file), why, datasets);
}

/* ---- Taking one ---- */

/* Letters, digits, `_`, `-`, `.`; another one for each array. */
static void make_port(const ls__proposal *p, ls__seen *s) {
  const char *base = base_of(s->name);
  size_t n = 0;
  for (; *base != '\0' && n < LS_NAME_BYTES - 8; base++)
    s->port[n++] = (char)(isalnum((unsigned char)*base) || strchr("_-.", *base) != NULL ? *base
                                                                                        : '_');
  if (n == 0) s->port[n++] = 'a';
  if (!isalpha((unsigned char)s->port[0])) { /* a number alone would be another sort of name */
    memmove(s->port + 2, s->port, n);
    memcpy(s->port, "a_", 2);
    n += 2;
  }
  s->port[n] = '\0';
  for (int again = 2;; again++) {
    bool taken = strncmp(s->port, "of_", 3) == 0;
    for (size_t i = 0; own_names[i] != NULL && !taken; i++)
      taken = strcmp(s->port, own_names[i]) == 0;
    for (size_t i = 0; i < p->n; i++) taken = taken || strcmp(p->seen[i].port, s->port) == 0;
    if (!taken) break;
    snprintf(s->port + n, LS_NAME_BYTES - n, "_%d", again);
  }
}

/* Samples that lie one behind the other, of different lengths, as an attribute says. */
static ls_status refuse_ragged(ls__proposal *p, const found *f) {
  ls_status st = LS_OK;
  ls__h5_kind kind;
  char *text = NULL, path[LS__ERROR_BYTES];
  size_t n;
  bool there = false;
  LS_TRY(ls__h5_attribute_kind(p->file, f->name, "offsets", &kind, &n));
  if (kind != LS__H5_TEXTS || n != 1) goto out;
  LS_TRY(ls__h5_get_string(p->file, f->name, "offsets", &text));
  snprintf(path, sizeof path, "%.*s%s", text[0] == '/' ? 0 : (int)(base_of(f->name) - f->name),
           f->name, text);
  LS_TRY(ls__h5_exists(p->file, path, &there));
  if (there)
    LS_FAIL(LS_EUSAGE,
            "%s: %s: its samples are of different lengths (attribute offsets), and init proposes "
            "no network for those; `lockstep help data.inputs` shows how they are named",
            ls__h5_path(p->file), f->name);
out:
  ls__free(text);
  return st;
}

static ls_status take(ls__proposal *p, const found *f, ls_use use, bool grouped) {
  ls_status st = LS_OK;
  ls__seen *s = &p->seen[p->n];
  if (!may_be_read(f)) {
    char shape[LS_SHAPE_TEXT];
    return ls__fail(LS_EDATA, "%s: %s, %s %s, holds no samples, a row each", ls__h5_path(p->file),
                    f->name, ls_shape_format(&f->info.shape, shape), f->info.type_name);
  }
  if (use == LS_INPUT && f->info.text)
    return ls__fail(LS_EDATA,
                    "%s: %s holds texts, which are no inputs; numbers from 0 on that stand for "
                    "them "
                    "are",
                    ls__h5_path(p->file), f->name);
  LS_TRY(refuse_ragged(p, f));
  if (p->n == LS__PROPOSE_ARRAYS || (use == LS_INPUT && p->n_inputs == LS_MAX_PORTS) ||
      (use == LS_TARGET && p->n - p->n_inputs == LS_MAX_PORTS))
    return ls__fail(LS_EUSAGE, "%s: more than %d inputs or targets", ls__h5_path(p->file),
                    LS_MAX_PORTS);
  *s = (ls__seen){.use = use,
                  .info = f->info,
                  .rows = f->info.shape.dim[0],
                  .name = ls__strdup(f->name)};
  if (s->name == NULL) return ls__fail(LS_ENOMEM, "datasets: out of memory");
  s->said = grouped ? s->name + strlen("/train/") : s->name;
  make_port(p, s);
  p->n++;
  p->n_inputs += use == LS_INPUT;
  s->row.ndim = f->info.shape.ndim - 1;
  for (int d = 0; d < s->row.ndim; d++) s->row.dim[d] = f->info.shape.dim[d + 1];
  s->count = ls_shape_count(&s->row);
  if (!s->info.text) {
    bool odd = false;
    LS_TRY(ls__source_classes(p->file, s->name, &s->classes, &s->n_classes, &odd));
  }
out:
  return st;
}

/* ---- As they are named ---- */

static ls_status take_named(ls__proposal *p, const listing *l, const char *name, ls_use use,
                            bool *grouped) {
  char path[LS__ERROR_BYTES];
  const found *f = NULL;
  bool in_group = false;
  if (name[0] == '/') {
    f = find_name(l, name);
  } else {
    snprintf(path, sizeof path, "/train/%s", name);
    f = find_name(l, path);
    in_group = f != NULL;
    snprintf(path, sizeof path, "/%s", name);
    if (f == NULL) f = find_name(l, path);
  }
  if (f == NULL) {
    char why[256], shown[80];
    (void)ls__text_show(name, 60, shown, sizeof shown);
    snprintf(why, sizeof why, "there is no dataset %s", shown);
    return can_not_tell(p, l, why);
  }
  if (p->n > 0 && *grouped != in_group)
    return ls__fail(LS_EUSAGE,
                    "%s: %s is named in the groups (train, ...) and another by its whole path; "
                    "name "
                    "all in one way",
                    ls__h5_path(p->file), name);
  *grouped = in_group;
  return take(p, f, use, in_group);
}

/* ---- By what they are called ---- */

static bool in_folder(const char *name, const char *folder, size_t size) {
  return strncmp(name, folder, size) == 0 && name[size] == '/' &&
         strchr(name + size + 1, '/') == NULL;
}

/* The dataset of a folder that comes first in a list of names, with as many rows (NULL: any). */
static const found *by_name(const ls__proposal *p, const listing *l, const char *folder,
                            size_t size, const char *const *names, const ls_shape *as) {
  const found *best = NULL;
  int rank = 0;
  for (size_t i = 0; i < l->n; i++) {
    const found *f = &l->list[i];
    const int is = in_folder(f->name, folder, size) && may_be_read(f) ? rank_in(names, f->name)
                                                                      : -1;
    if (is < 0 || (best != NULL && is >= rank)) continue;
    if (as != NULL && !as_many(p, &f->info.shape, as)) continue;
    best = f;
    rank = is;
  }
  return best;
}

/* Input and target of a folder, NULL: there is no such pair. */
static void pair_of(const ls__proposal *p, const listing *l, const char *folder, size_t size,
                    const found **x, const found **y) {
  *y = by_name(p, l, folder, size, target_names, NULL);
  *x = *y == NULL ? NULL : by_name(p, l, folder, size, input_names, &(*y)->info.shape);
}

/* Categories of a file that convert made, in the group train. */
static ls_status take_ids(ls__proposal *p, const listing *l) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < l->n; i++) {
    const found *f = &l->list[i];
    bool named = false;
    if (!in_folder(f->name, "/train", 6) || !f->info.integer || f->info.shape.ndim != 1) continue;
    if (rank_in(other_names, f->name) >= 0) continue;
    LS_TRY(ls__h5_has_attribute(p->file, f->name, "classes", &named));
    if (named) LS_TRY(take(p, f, LS_INPUT, true));
  }
out:
  return st;
}

static ls_status take_ours(ls__proposal *p, const listing *l) {
  ls_status st = LS_OK;
  const found *x = find_name(l, "/train/x"), *y = find_name(l, "/train/y");
  if (x != NULL) LS_TRY(take(p, x, LS_INPUT, true));
  LS_TRY(take_ids(p, l));
  if (y != NULL && p->n > 0 && !p->reproduce) LS_TRY(take(p, y, LS_TARGET, true));
out:
  return st;
}

/* The only two datasets with as many rows, the smaller one a number a row. */
static void by_size(const ls__proposal *p, const listing *l, const found **x, const found **y) {
  size_t n = 0;
  const found *two[2] = {NULL, NULL};
  for (size_t i = 0; i < l->n; i++) {
    if (!may_be_read(&l->list[i])) continue;
    if (n < 2) two[n] = &l->list[i];
    n++;
  }
  *x = *y = NULL;
  if (n != 2 || !as_many(p, &two[0]->info.shape, &two[1]->info.shape)) return;
  const size_t a = ls_shape_count(&two[0]->info.shape), b = ls_shape_count(&two[1]->info.shape);
  const ls_shape *small = a < b ? &two[0]->info.shape : &two[1]->info.shape;
  if (a == b ||
      (a < b ? a : b) != small->dim[p->matlab && small->dim[0] == 1 ? small->ndim - 1 : 0])
    return;
  *x = a > b ? two[0] : two[1];
  *y = a > b ? two[1] : two[0];
  if ((*x)->info.text) *x = *y = NULL;
}

/* The only dataset with a time: --time says which dimension of it that is, or its name does. */
static ls_status take_series(ls__proposal *p, const listing *l) {
  const found *x = NULL;
  size_t n = 0;
  for (size_t i = 0; i < l->n; i++) {
    const found *f = &l->list[i];
    if (!may_be_read(f) || f->info.text || f->info.shape.ndim < 2) continue;
    if (!p->timed && f->time < 0) continue;
    if (strncmp(f->name, "/validation/", 12) == 0 || strncmp(f->name, "/test/", 6) == 0) continue;
    if (n++ == 0) x = f;
  }
  if (n > 1)
    return can_not_tell(p, l,
                        "which of its series is learnt can't be told: --inputs NAME alone "
                        "learns its next state from this one");
  return n == 0 ? LS_OK : take(p, x, LS_INPUT, in_folder(x->name, "/train", 6));
}

static ls_status guess(ls__proposal *p, const listing *l) {
  ls_status st = LS_OK;
  const found *x = NULL, *y = NULL, *other_x, *other_y;
  bool grouped = false, many = false;
  if (p->ours && (find_name(l, "/train/x") != NULL || find_name(l, "/train/y") != NULL)) {
    LS_TRY(take_ours(p, l));
    goto out;
  }
  pair_of(p, l, "/train", strlen("/train"), &x, &y);
  grouped = x != NULL;
  for (size_t i = 0; i < l->n && !grouped && !many; i++) { /* each folder with a target */
    const char *name = l->list[i].name;
    if (rank_in(target_names, name) < 0) continue;
    pair_of(p, l, name, (size_t)(base_of(name) - name) - 1, &other_x, &other_y);
    if (other_x == NULL || other_y == y) continue;
    many = x != NULL;
    x = other_x;
    y = other_y;
  }
  if (many) LS_TRY(can_not_tell(p, l, "several groups hold inputs and targets"));
  if (x == NULL) {
    LS_TRY(take_series(p, l));
    if (p->n > 0) goto out;
    by_size(p, l, &x, &y);
    if (x != NULL) fputs("by their sizes: the larger dataset is taken for the input\n", p->remarks);
  }
  if (x == NULL)
    LS_TRY(can_not_tell(p, l,
                        l->n == 1 ? "there is one dataset, and no target (--targets inputs: an "
                                    "autoencoder, which learns to reproduce its inputs)"
                                  : "what is learnt from what can't be told"));
  LS_TRY(take(p, x, LS_INPUT, grouped));
  LS_TRY(take(p, y, LS_TARGET, grouped));
out:
  return st;
}

/* ---- All of it ---- */

static ls_status check_kind(const ls__proposal *p) {
  ls_status st = LS_OK;
  char *format = NULL;
  ls__h5_kind kind;
  size_t n;
  LS_TRY(ls__h5_attribute_kind(p->file, "/", "format", &kind, &n));
  if (kind != LS__H5_TEXTS || n != 1) goto out;
  LS_TRY(ls__h5_get_string(p->file, "/", "format", &format));
  if (strcmp(format, "lockstep checkpoint") == 0)
    LS_FAIL(LS_EDATA,
            "%s: is a checkpoint, and a dataset is wanted; `lockstep inspect` shows the "
            "configuration that is in it",
            ls__h5_path(p->file));
out:
  ls__free(format);
  return st;
}

/* Half of it is named: the other half is looked for where the named one is. */
static ls_status complete(ls__proposal *p, const listing *l, bool grouped, ls_use use) {
  const ls__seen *there = &p->seen[0];
  const size_t size = (size_t)(base_of(there->name) - there->name) - 1;
  const found *f = by_name(p, l, there->name, size, use == LS_TARGET ? target_names : input_names,
                           &there->info.shape);
  for (size_t i = 0; f != NULL && i < p->n; i++)
    if (strcmp(p->seen[i].name, f->name) == 0) f = NULL;
  if (f == NULL)
    return can_not_tell(p, l,
                        use == LS_TARGET ? "the targets are not named"
                                         : "the inputs are not named");
  return take(p, f, use, grouped);
}

/* The next state of the only input, from this one. */
static ls_status take_later(ls__proposal *p, const listing *l) {
  const found *f = find_name(l, p->seen[0].name);
  if (p->n_inputs > 1)
    return ls__fail(LS_EUSAGE,
                    "%s: with a time axis and several inputs, --targets names what is predicted",
                    ls__h5_path(p->file));
  if (!p->timed) {
    p->time = f->time;
    p->timed = p->found_time = true;
  }
  p->later = true;
  p->reproduce = false;
  return take(p, f, LS_TARGET, p->seen[0].said != p->seen[0].name);
}

/* Datasets beside the arrays that convert makes: what rows count, what belongs together. */
static ls_status find_beside(ls__proposal *p, const listing *l) {
  ls_status st = LS_OK;
  char **groups = NULL;
  size_t n = 0;
  bool named = false;
  if (!p->ours || p->seen[0].said == p->seen[0].name) return LS_OK;
  p->weight = find_name(l, "/train/weight") != NULL;
  if (find_name(l, "/train/group") == NULL) return LS_OK;
  LS_TRY(ls__h5_has_attribute(p->file, "/train/group", "classes", &named));
  if (named) LS_TRY(ls__h5_get_strings(p->file, "/train/group", "classes", &groups, &n));
  p->groups = n;
out:
  ls__free_strings(groups, n);
  return st;
}

/* Which groups have all arrays. */
static void find_parts(ls__proposal *p, const listing *l) {
  static const char *const parts[LS__PARTS] = {"train", "validation", "test"};
  for (int part = 0; part < LS__PARTS; part++) {
    p->has[part] = p->seen[0].said != p->seen[0].name;
    for (size_t i = 0; i < p->n && p->has[part]; i++) {
      char path[LS__ERROR_BYTES];
      snprintf(path, sizeof path, "/%s/%s", parts[part], p->seen[i].said);
      p->has[part] = find_name(l, path) != NULL;
    }
  }
}

ls_status ls__propose_find(ls__proposal *p) {
  ls_status st = LS_OK;
  listing l = {0};
  const ls_propose_options *o = p->options;
  bool grouped = false;
  LS_TRY(check_kind(p));
  LS_TRY(ls__propose_axes(p));
  LS_TRY(ls__h5_visit(p->file, see, &l));
  for (size_t i = 0; i < l.n; i++) LS_TRY(know(p, &l.list[i]));
  if (l.n == 0) LS_FAIL(LS_EDATA, "%s: holds no datasets", ls__h5_path(p->file));
  LS_TRY(ls__source_is_ours(p->file, l.list[0].name, &p->ours));
  p->reproduce = o->n_targets == 1 && strcmp(o->targets[0], "inputs") == 0;
  for (size_t i = 0; i < o->n_inputs; i++)
    LS_TRY(take_named(p, &l, o->inputs[i], LS_INPUT, &grouped));
  if (p->reproduce && o->n_inputs == 0) {
    LS_TRY(p->ours ? take_ours(p, &l) : take_series(p, &l));
    if (p->n == 0) LS_TRY(can_not_tell(p, &l, "the inputs are not named"));
  } else if (o->n_inputs == 0 && o->n_targets == 0 && p->timed) {
    LS_TRY(take_series(p, &l));
    if (p->n == 0) LS_TRY(can_not_tell(p, &l, "no dataset has a second dimension for --time"));
  } else if (o->n_inputs == 0 && o->n_targets == 0) {
    LS_TRY(guess(p, &l));
  } else {
    for (size_t i = 0; i < o->n_targets && !p->reproduce; i++)
      LS_TRY(take_named(p, &l, o->targets[i], LS_TARGET, &grouped));
    if (o->n_inputs == 0) {
      LS_TRY(complete(p, &l, grouped, LS_INPUT));
      const ls__seen last = p->seen[p->n - 1]; /* inputs come first */
      memmove(p->seen + 1, p->seen, (p->n - 1) * sizeof *p->seen);
      p->seen[0] = last;
    }
    const found *x = o->n_targets == 0 ? find_name(&l, p->seen[0].name) : NULL;
    if (x != NULL && !p->timed && x->time < 0) LS_TRY(complete(p, &l, grouped, LS_TARGET));
  }
  if (p->n_inputs > 0 && p->n == p->n_inputs && (o->n_targets == 0 || p->reproduce)) {
    const found *x = find_name(&l, p->seen[0].name);
    if (p->timed || (x->time >= 0 && !p->ours)) LS_TRY(take_later(p, &l));
  }
  if (p->n_inputs == 0 || (p->n == p->n_inputs && !p->reproduce))
    LS_TRY(can_not_tell(p, &l,
                        "there are inputs and no target (--targets inputs: an autoencoder, "
                        "which learns to reproduce its inputs)"));
  LS_TRY(ls__propose_shape(p));
  find_parts(p, &l);
  LS_TRY(find_beside(p, &l));
out:
  for (size_t i = 0; i < l.n; i++) ls__free(l.list[i].name);
  ls__free(l.list);
  return st;
}

/* Walking the tables of all rooms: entries with their full keys; the search for a typed name. */
#include "config/reference.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "config/nearest.h"

/* ---- Places ---- */

static const char *join(char text[LS__REFERENCE_KEY], const char *path, const char *name) {
  snprintf(text, LS__REFERENCE_KEY, "%s%s%s", path, *path != '\0' ? "." : "", name);
  return text;
}

/* Whether the path `inner` is below `outer`. */
static bool below(const char *inner, const char *outer) {
  size_t n = strlen(outer);
  return n > 0 && strncmp(inner, outer, n) == 0 && inner[n] == '.';
}

const ls__section *ls__reference_section(const ls__section *const *rooms, size_t i) {
  for (; *rooms != NULL; rooms++)
    for (const ls__section *s = *rooms; s->path != NULL; s++)
      if (i-- == 0) return s;
  return NULL;
}

bool ls__reference_nested(const ls__section *const *rooms, const ls__section *section) {
  const ls__section *s = NULL;
  for (size_t i = 0; (s = ls__reference_section(rooms, i)) != NULL; i++)
    if (below(section->path, s->path)) return true;
  return false;
}

const ls__option *ls__reference_row(const ls__section *const *rooms, const char *key) {
  char full[LS__REFERENCE_KEY];
  const ls__section *s = NULL;
  for (size_t i = 0; (s = ls__reference_section(rooms, i)) != NULL; i++)
    for (const ls__option *o = s->options; o != NULL && o->key != NULL; o++)
      if (strcmp(join(full, s->path, o->key), key) == 0) return o;
  return NULL;
}

bool ls__reference_is_list(const ls__section *const *rooms, const char *path) {
  const ls__option *row = ls__reference_row(rooms, path);
  return row != NULL && row->type == LS__OPTION_BY_HAND && strncmp(row->form, "list", 4) == 0;
}

bool ls__reference_has_place(const ls__section *const *rooms, const char *path) {
  const ls__section *s = NULL;
  bool top = false;
  for (size_t i = 0; (s = ls__reference_section(rooms, i)) != NULL; i++) {
    if (*s->path != '\0' || s->options == NULL) continue;
    top = true;
    for (const ls__option *o = s->options; o->key != NULL; o++)
      if (strcmp(path, o->key) == 0 || below(path, o->key)) return true;
  }
  return !top;
}

bool ls__reference_assignable(const ls__section *const *rooms, const ls__reference_entry *entry) {
  char path[LS__REFERENCE_KEY];
  if (strchr(entry->key, '*') != NULL || !ls__reference_has_place(rooms, entry->key)) return false;
  snprintf(path, sizeof path, "%s", entry->key);
  for (char *dot; (dot = strrchr(path, '.')) != NULL;) {
    *dot = '\0';
    if (ls__reference_is_list(rooms, path)) return false;
  }
  return true;
}

/* ---- Entries ---- */

typedef struct walk {
  const ls__section *const *rooms;
  ls__reference_visit visit;
  void *context;
} walk;

static ls_status walk_options(const walk *w, ls__reference_entry *entry, const ls__option *table,
                              const char *path) {
  ls_status st = LS_OK;
  const ls__section *s = NULL;
  entry->is = LS_HELP_OPTION;
  for (const ls__option *o = table; o != NULL && o->key != NULL; o++) {
    bool is_section = false;
    join(entry->key, path, o->key);
    for (size_t i = 0; entry->kind == NULL && (s = ls__reference_section(w->rooms, i)) != NULL; i++)
      is_section = is_section || strcmp(s->path, entry->key) == 0;
    entry->option = o;
    /* What every kind has, but for those that have their own under this key. */
    const bool own = entry->kind != NULL && entry->repeats &&
                     ls__option_in(entry->kind->options, o->key);
    if (!is_section && !own) LS_TRY(w->visit(entry, w->context));
  }
out:
  return st;
}

static ls_status walk_kinds(const walk *w, ls__reference_entry *entry,
                            const ls__registry *registry) {
  ls_status st = LS_OK;
  char path[LS__REFERENCE_KEY];
  LS_TRY(walk_options(w, entry, registry->common, join(path, entry->section->path, "*")));
  for (size_t i = 0; (entry->kind = ls__registry_at(registry, i)) != NULL; i++) {
    entry->is = LS_HELP_KIND;
    entry->option = NULL;
    entry->repeats = false;
    join(path, entry->section->path, entry->kind->name);
    memcpy(entry->key, path, sizeof path);
    LS_TRY(w->visit(entry, w->context));
    LS_TRY(walk_options(w, entry, entry->kind->options, path));
    entry->repeats = true;
    LS_TRY(walk_options(w, entry, registry->common, path));
  }
out:
  return st;
}

ls_status ls__reference_walk(const ls__section *const *rooms, ls__reference_visit visit,
                             void *context) {
  const walk w = {rooms, visit, context};
  ls_status st = LS_OK;
  const ls__section *s = NULL;
  for (size_t i = 0; (s = ls__reference_section(rooms, i)) != NULL; i++) {
    ls__reference_entry entry = {LS_HELP_SECTION, s, NULL, ls__reference_row(rooms, s->path),
                                 false,           ""};
    snprintf(entry.key, sizeof entry.key, "%s", s->path);
    if (*s->path != '\0') LS_TRY(visit(&entry, context));
    LS_TRY(walk_options(&w, &entry, s->options, s->path));
    if (s->registry != NULL) LS_TRY(walk_kinds(&w, &entry, s->registry));
  }
out:
  return st;
}

/* ---- Entries for everybody ---- */

/* Whether a bound means something to a reader. */
static bool bounded(double bound) {
  return fabs(bound) < 1e9;
}

const char *ls__reference_range(const ls__option *o, char text[LS__REFERENCE_CELL]) {
  char low[LS__NUMBER_TEXT], high[LS__NUMBER_TEXT];
  bool whole = o->type == LS__OPTION_WHOLE || o->type == LS__OPTION_SIZE;
  bool has_low = bounded(o->low), has_high = bounded(o->high);
  text[0] = '\0';
  if (!whole && o->type != LS__OPTION_NUMBER) return text;
  ls__number_format(o->low, low);
  ls__number_format(o->high, high);
  if (o->low > 0 && o->low <= 1e-30) { /* what a number that isn't 0 begins with */
    snprintf(text, LS__REFERENCE_CELL, has_high ? "above 0, to %s" : "above 0", high);
  } else if (has_low && has_high) {
    snprintf(text, LS__REFERENCE_CELL, "%s to %s", low, high);
  } else if (has_low) {
    snprintf(text, LS__REFERENCE_CELL, "from %s", low);
  } else if (has_high) {
    snprintf(text, LS__REFERENCE_CELL, "to %s", high);
  }
  return text;
}

enum { MOST_CHOICES = 256 };

typedef struct each {
  const ls__section *const *rooms;
  ls_help_visit visit;
  void *context;
} each;

static ls_status visit_for_everybody(const ls__reference_entry *entry, void *context) {
  static const char *const switches[] = {"true", "false", NULL};
  const each *e = context;
  const char *names[MOST_CHOICES + 1];
  char type[LS__FORM_BYTES], range[LS__REFERENCE_CELL];
  const ls__option *o = entry->option;
  ls_help_entry out = {
      .is = entry->is,
      .key = entry->key,
      .what = entry->section->what,
      .type = "",
      .range = "",
      .fallback = "",
      .repeats = entry->repeats,
      .assignable = ls__reference_assignable(e->rooms, entry),
  };
  if (o != NULL) {
    out.type = ls__option_form(o, type);
    out.range = ls__reference_range(o, range);
    out.fallback = o->fallback;
    out.choices = o->type == LS__OPTION_SWITCH ? switches : o->choices;
    if (entry->is == LS_HELP_OPTION) out.what = o->what; /* a section has a text of its own */
  }
  if (entry->is == LS_HELP_KIND) out.what = entry->kind->what;
  if (out.what == NULL) out.what = "";
  if (entry->is == LS_HELP_SECTION && entry->section->registry != NULL) {
    size_t n = 0;
    for (const ls__kind *k;
         n < MOST_CHOICES && (k = ls__registry_at(entry->section->registry, n)) != NULL;)
      names[n++] = k->name;
    names[n] = NULL;
    out.choices = names;
  }
  return e->visit(&out, e->context);
}

ls_status ls__reference_each(const ls__section *const *rooms, ls_help_visit visit, void *context) {
  each e = {rooms, visit, context};
  return ls__reference_walk(rooms, visit_for_everybody, &e);
}

static ls_status print_key(const ls__reference_entry *entry, void *context) {
  if (strchr(entry->key, '*') == NULL) fprintf(context, "%s\n", entry->key);
  return LS_OK;
}

void ls__reference_keys(const ls__section *const *rooms, FILE *out) {
  (void)!ls__reference_walk(rooms, print_key, out);
}

/* ---- Names ---- */

/* "model.0.dense" is "model.dense". */
static void without_indices(const char *name, char text[LS__REFERENCE_KEY]) {
  size_t used = 0;
  text[0] = '\0';
  while (*name != '\0') {
    size_t n = strcspn(name, "."), digits = strspn(name, "0123456789");
    if ((n == 0 || digits < n) && used + n + 2 < LS__REFERENCE_KEY) {
      if (used > 0) text[used++] = '.';
      memcpy(text + used, name, n);
      used += n;
      text[used] = '\0';
    }
    name += n + (name[n] == '.');
  }
}

typedef struct search {
  const char *name;
  ls__reference_visit visit;
  void *context;
} search;

static ls_status visit_match(const ls__reference_entry *entry, void *context) {
  const search *s = context;
  size_t all = strlen(entry->key), n = strlen(s->name);
  if (n == 0 || n > all || strcmp(entry->key + all - n, s->name) != 0) return LS_OK;
  if (n < all && entry->key[all - n - 1] != '.') return LS_OK;
  if (entry->repeats && strchr(s->name, '.') == NULL) return LS_OK;
  return s->visit(entry, s->context);
}

ls_status ls__reference_find(const ls__section *const *rooms, const char *name,
                             ls__reference_visit visit, void *context) {
  char text[LS__REFERENCE_KEY];
  search s = {text, visit, context};
  without_indices(name, text);
  return ls__reference_walk(rooms, visit_match, &s);
}

typedef struct guess {
  const char *name;
  char *best;
} guess;

/* Compare the name with every tail of this entry's key; keep the nearest so far. */
static ls_status compare(const ls__reference_entry *entry, void *context) {
  const guess *g = context;
  const char *at = entry->key;
  while (at != NULL) {
    const char *names[] = {g->best, at}, *dot = strchr(at, '.');
    bool first = *g->best == '\0';
    if (*at != '*' && ls__config_nearest(g->name, names + first, 2 - (size_t)first) == at)
      snprintf(g->best, LS__REFERENCE_KEY, "%s", at);
    at = dot != NULL ? dot + 1 : NULL;
  }
  return LS_OK;
}

const char *ls__reference_nearest(const ls__section *const *rooms, const char *name,
                                  char text[LS__REFERENCE_KEY]) {
  char plain[LS__REFERENCE_KEY];
  guess g = {plain, text};
  without_indices(name, plain);
  text[0] = '\0';
  if (*plain != '\0') (void)!ls__reference_walk(rooms, compare, &g);
  return *text != '\0' ? text : NULL;
}

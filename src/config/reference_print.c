/* The reference for a terminal: aligned tables, wrapped, with an example of YAML. */
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "config/reference.h"

enum { INDENT = 2 };

/* ---- Examples ---- */

static void append(char text[LS__REFERENCE_EXAMPLE], const char *more) {
  size_t n = strlen(text);
  snprintf(text + n, LS__REFERENCE_EXAMPLE - n, "%s", more);
}

/* A value that the option takes: its default, else one in its range; "...": none can be made up. */
static const char *value(const ls__option *o, char text[LS__NUMBER_TEXT]) {
  static const double whole[] = {32, 4, 1}, number[] = {0.5, 0.1, 1};
  const bool is_whole = o->type == LS__OPTION_WHOLE || o->type == LS__OPTION_SIZE;
  double x = 0;
  if (o->type == LS__OPTION_BY_HAND) {
    if (o->fallback != NULL && ls__number_parse(o->fallback, &x)) return o->fallback;
    if (strncmp(o->form, "integer", 7) == 0) return "8";
    if (strncmp(o->form, "boolean", 7) == 0) return "true";
    if (strncmp(o->form, "list", 4) == 0) return "[...]";
    if (strncmp(o->form, "map", 3) == 0) return "{...}";
    return o->fallback != NULL && *o->fallback != '\0' &&
                   strcspn(o->fallback, " {}[],:") == strlen(o->fallback)
               ? o->fallback
               : "...";
  }
  if (o->fallback != NULL && *o->fallback != '\0') return o->fallback;
  if (o->type == LS__OPTION_CHOICE) return o->choices[0];
  if (o->type == LS__OPTION_SWITCH) return "true";
  if (o->type == LS__OPTION_TEXT) return "...";
  x = o->low;
  for (size_t i = 3; i-- > 0;) {
    double try = is_whole ? whole[i] : number[i];
    if (try >= o->low && try <= o->high) x = try;
  }
  ls__number_format(x, text);
  return text;
}

static void append_option(char text[LS__REFERENCE_EXAMPLE], const ls__option *o, bool first) {
  char number[LS__NUMBER_TEXT];
  append(text, first ? "" : ", ");
  append(text, o->key);
  append(text, ": ");
  append(text, value(o, number));
}

/* The required options, and this one; where there are none, the first with a value to show. */
static bool append_options(char text[LS__REFERENCE_EXAMPLE], const ls__option *table,
                           const ls__option *option) {
  char number[LS__NUMBER_TEXT];
  bool any = false;
  const ls__option *best = NULL;
  for (const ls__option *o = table; o != NULL && o->key != NULL; o++) {
    if (best == NULL && strstr(value(o, number), "...") == NULL) best = o;
    if (o->fallback != NULL || o == option) continue;
    append_option(text, o, !any);
    any = true;
  }
  if (option == NULL && !any) option = best;
  if (option != NULL) append_option(text, option, !any);
  return any || option != NULL;
}

void ls__reference_example(const ls__section *const *rooms, const ls__reference_entry *e,
                           char text[LS__REFERENCE_EXAMPLE]) {
  const ls__registry *registry = e->section->registry;
  const ls__kind *kind = e->kind;
  char path[LS__REFERENCE_KEY], inner[LS__REFERENCE_EXAMPLE] = "", ends[64] = "";
  const bool of_section = e->is == LS_HELP_OPTION && e->kind == NULL && strchr(e->key, '*') == NULL;
  size_t depth = 0;
  text[0] = '\0';
  if (ls__reference_has_place(rooms, e->section->path)) {
    snprintf(path, sizeof path, "%s", e->section->path);
    for (char *at = path; *at != '\0' && depth < sizeof ends - 4;) { /* train: {, data: {split: { */
      size_t n = strcspn(at, ".");
      bool last = at[n] == '\0', list = false;
      char end = at[n];
      at[n] = '\0';
      list = ls__reference_is_list(rooms, path);
      append(text, at);
      append(text, ": ");
      append(text, list ? "[" : "");
      if (list) ends[depth++] = ']';
      if (!last) append(text, "{"), ends[depth++] = '}';
      at[n] = end;
      at += n + !last;
    }
  }
  if (kind == NULL && registry != NULL && !of_section) kind = ls__registry_at(registry, 0);
  if (kind != NULL && !of_section) {
    bool any = append_options(inner, kind->options, e->option);
    append(text, any ? "{" : "");
    append(text, kind->name);
    append(text, any ? ": {" : "");
    append(text, inner);
    append(text, any ? "}}" : "");
  } else {
    bool braces = *e->section->path != '\0';
    if (of_section)
      append_option(inner, e->option, true);
    else
      (void)append_options(inner, e->section->options, NULL);
    append(text, braces ? "{" : "");
    append(text, inner);
    append(text, braces ? "}" : "");
  }
  while (depth > 0) {
    const char end[2] = {ends[--depth], '\0'};
    append(text, end);
  }
}

/* ---- Tables ---- */

/* The form of an option for a terminal: "mean|sum" for "`mean` `sum`". */
static const char *plain_type(const ls__option *o, char text[LS__FORM_BYTES]) {
  char form[LS__FORM_BYTES];
  size_t used = 0;
  for (const char *at = ls__option_form(o, form); *at != '\0' && used + 1 < LS__FORM_BYTES; at++) {
    bool between = strncmp(at, "` `", 3) == 0;
    if (between) at += 2;
    if (between) text[used++] = '|';
    if (*at != '`') text[used++] = *at;
  }
  text[used] = '\0';
  return text;
}

static const char *plain_fallback(const ls__option *o) {
  return o->fallback == NULL ? "required" : *o->fallback == '\0' ? "-" : o->fallback;
}

enum { KEY, TYPE, FALLBACK, RANGE, WHAT, COLUMNS };
static const char *const headings[COLUMNS] = {"key", "type", "default", "range", "meaning"};

static void option_cells(const ls__option *o, const char *cell[COLUMNS], char type[LS__FORM_BYTES],
                         char range[LS__REFERENCE_CELL]) {
  cell[KEY] = o->key;
  cell[TYPE] = plain_type(o, type);
  cell[FALLBACK] = plain_fallback(o);
  cell[RANGE] = ls__reference_range(o, range);
  cell[WHAT] = o->what != NULL ? o->what : "";
}

/* The tables' rows under one heading; a column that is empty is left out. */
static void print_table(FILE *out, const ls__option *const *tables, size_t n) {
  static const size_t most[COLUMNS] = {32, 24, 16, 20, 0};
  const char *cell[COLUMNS], *row[COLUMNS];
  char type[LS__FORM_BYTES], range[LS__REFERENCE_CELL];
  size_t width[COLUMNS] = {0}, used = INDENT, columns = 0, rows = 0, of_row[COLUMNS];
  for (size_t t = 0; t < n; t++)
    for (const ls__option *o = tables[t]; o != NULL && o->key != NULL; o++) {
      if (t > 0 && ls__option_in(tables[0], o->key)) continue;
      rows++;
      option_cells(o, cell, type, range);
      for (size_t i = 0; i < WHAT; i++) {
        size_t w = ls__text_width(cell[i]);
        if (w > most[i]) w = most[i];
        if (w > width[i]) width[i] = w;
      }
    }
  if (rows == 0) return;
  for (size_t i = 0; i < WHAT; i++) {
    if (width[i] == 0) continue;
    if (width[i] < strlen(headings[i])) width[i] = strlen(headings[i]);
    used += width[i] + 2;
  }
  width[WHAT] = LS__TEXT_COLUMNS - used;
  for (size_t i = 0; i < COLUMNS; i++) {
    if (width[i] == 0) continue;
    of_row[columns] = width[i];
    row[columns++] = headings[i];
  }
  ls__text_row(out, INDENT, columns, of_row, row);
  for (size_t t = 0; t < n; t++)
    for (const ls__option *o = tables[t]; o != NULL && o->key != NULL; o++) {
      if (t > 0 && ls__option_in(tables[0], o->key)) continue;
      option_cells(o, cell, type, range);
      columns = 0;
      for (size_t i = 0; i < COLUMNS; i++)
        if (width[i] > 0) row[columns++] = cell[i];
      ls__text_row(out, INDENT, columns, of_row, row);
    }
}

static void print_pair(FILE *out, size_t width, const char *left, const char *right) {
  const size_t widths[] = {width, LS__TEXT_COLUMNS - INDENT - width - 2};
  const char *const cells[] = {left, right};
  ls__text_row(out, INDENT, 2, widths, cells);
}

/* ---- Entries ---- */

static void print_heading(FILE *out, const char *key, const char *what) {
  fprintf(out, "%s\n", *key != '\0' ? key : "top level");
  if (what != NULL && *what != '\0') ls__text_paragraph(out, INDENT, what);
}

static void print_example(const ls__section *const *rooms, FILE *out,
                          const ls__reference_entry *entry) {
  char text[LS__REFERENCE_EXAMPLE];
  ls__reference_example(rooms, entry, text);
  fprintf(out, "\n  example: %s\n", text);
}

/* A kind with a key of its own; `of_section`: below its section, without the common options. */
static void print_kind(const ls__section *const *rooms, FILE *out, const ls__reference_entry *entry,
                       bool of_section) {
  const ls__option *tables[] = {entry->kind->options, entry->section->registry->common};
  const bool any = tables[0] != NULL || (tables[1] != NULL && !of_section);
  print_heading(out, entry->key, entry->kind->what);
  if (any) fputc('\n', out);
  print_table(out, tables, of_section ? 1 : 2);
  print_example(rooms, out, entry);
}

static void print_kinds(FILE *out, const ls__registry *registry) {
  const ls__kind *kind = NULL;
  size_t width = 0;
  for (size_t i = 0; (kind = ls__registry_at(registry, i)) != NULL; i++)
    if (ls__text_width(kind->name) > width) width = ls__text_width(kind->name);
  fputc('\n', out);
  for (size_t i = 0; (kind = ls__registry_at(registry, i)) != NULL; i++)
    print_pair(out, width, kind->name, kind->what != NULL ? kind->what : "");
  if (registry->common != NULL) fprintf(out, "\n  each of them takes\n\n");
  print_table(out, &registry->common, 1);
}

/* A section; `whole`: and its kinds, one by one. */
static void print_section(const ls__section *const *rooms, FILE *out, const ls__section *section,
                          bool whole) {
  ls__reference_entry entry = {LS_HELP_SECTION, section, NULL, NULL, false, ""};
  const ls__option *row = ls__reference_row(rooms, section->path);
  print_heading(out, section->path, section->what);
  if (row != NULL && (row->fallback == NULL || *row->fallback != '\0'))
    fprintf(out, "  %s%s\n", row->fallback == NULL ? "required" : "default: ",
            row->fallback != NULL ? row->fallback : "");
  if (section->options != NULL) fputc('\n', out);
  print_table(out, &section->options, 1);
  if (section->registry != NULL) print_kinds(out, section->registry);
  if (*section->path != '\0') print_example(rooms, out, &entry);
  for (size_t i = 0; whole && section->registry != NULL; i++) {
    entry.is = LS_HELP_KIND;
    entry.kind = ls__registry_at(section->registry, i);
    if (entry.kind == NULL) break;
    snprintf(entry.key, sizeof entry.key, "%s.%s", section->path, entry.kind->name);
    if (entry.kind->options == NULL) continue;
    fputc('\n', out);
    print_kind(rooms, out, &entry, true);
  }
}

static void print_option(const ls__section *const *rooms, FILE *out,
                         const ls__reference_entry *entry) {
  char type[LS__FORM_BYTES], range[LS__REFERENCE_CELL];
  const ls__option *o = entry->option;
  print_heading(out, entry->key, o->what);
  fprintf(out, "\n  type:    %s\n  default: %s\n", plain_type(o, type), plain_fallback(o));
  if (*ls__reference_range(o, range) != '\0') fprintf(out, "  range:   %s\n", range);
  print_example(rooms, out, entry);
}

typedef struct printing {
  const ls__section *const *rooms;
  FILE *out;
  size_t printed;
} printing;

static ls_status print_match(const ls__reference_entry *entry, void *context) {
  printing *p = context;
  const ls__section *s = NULL;
  const size_t n = strlen(entry->key);
  if (p->printed++ > 0) fputc('\n', p->out);
  if (entry->is == LS_HELP_KIND) print_kind(p->rooms, p->out, entry, false);
  if (entry->is == LS_HELP_OPTION) print_option(p->rooms, p->out, entry);
  if (entry->is != LS_HELP_SECTION) return LS_OK;
  print_section(p->rooms, p->out, entry->section, false);
  /* Of `data`: data.split too. */
  for (size_t i = 0; (s = ls__reference_section(p->rooms, i)) != NULL; i++) {
    if (strncmp(s->path, entry->key, n) != 0 || s->path[n] != '.') continue;
    fputc('\n', p->out);
    print_section(p->rooms, p->out, s, false);
  }
  return LS_OK;
}

ls_status ls__reference_print(const ls__section *const *rooms, const char *name, FILE *out) {
  char text[LS__REFERENCE_KEY];
  printing p = {rooms, out, 0};
  ls_status st = ls__reference_find(rooms, name, print_match, &p);
  if (st != LS_OK || p.printed > 0) return st;
  if (ls__reference_nearest(rooms, name, text) == NULL)
    return ls__fail(LS_EUSAGE, "there is no key \"%s\"", name);
  return ls__fail(LS_EUSAGE, "there is no key \"%s\"; did you mean \"%s\"?", name, text);
}

void ls__reference_all(const ls__section *const *rooms, FILE *out) {
  const ls__section *s = NULL;
  for (size_t i = 0; (s = ls__reference_section(rooms, i)) != NULL; i++) {
    if (i > 0) fputc('\n', out);
    print_section(rooms, out, s, true);
  }
}

/* A section's line: the first sentence about it, and the kinds that it accepts. */
static void print_line(FILE *out, size_t width, const ls__section *s) {
  char text[2048], names[1024] = "";
  const char *what = s->what != NULL ? s->what : "", *end = strstr(what, ". ");
  const int n = end != NULL ? (int)(end - what) + 1 : (int)strlen(what);
  if (s->registry != NULL) (void)ls__registry_names(s->registry, names, sizeof names);
  snprintf(text, sizeof text, "%.*s%s%s", n, what, *what != '\0' && *names != '\0' ? "\n" : "",
           names);
  print_pair(out, width, s->path, text);
}

void ls__reference_overview(const ls__section *const *rooms, FILE *out) {
  const ls__section *s = NULL;
  size_t width = 0;
  for (size_t i = 0; (s = ls__reference_section(rooms, i)) != NULL; i++) {
    if (ls__text_width(s->path) > width) width = ls__text_width(s->path);
    for (const ls__option *o = *s->path == '\0' ? s->options : NULL; o != NULL && o->key != NULL;
         o++)
      if (ls__text_width(o->key) > width) width = ls__text_width(o->key);
  }
  for (size_t i = 0; (s = ls__reference_section(rooms, i)) != NULL; i++) {
    if (*s->path != '\0') {
      print_line(out, width, s);
      continue;
    }
    for (const ls__option *o = s->options; o != NULL && o->key != NULL; o++) {
      const ls__section *other = NULL;
      for (size_t j = 0; (other = ls__reference_section(rooms, j)) != NULL; j++)
        if (strcmp(other->path, o->key) == 0) break;
      if (other == NULL) print_pair(out, width, o->key, o->what != NULL ? o->what : "");
    }
  }
}

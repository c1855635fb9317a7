/* Finding recordings (recordings.h). */
#include "convert/recordings.h"

#include <fnmatch.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/text.h"
#include "convert/csv.h"
#include "convert/format.h"

enum { DEEPEST = 16 };

/* ---- Items ---- */

static ls_status copy(char **to, const char *text) {
  *to = ls__strdup(text);
  return *to == NULL ? ls__fail(LS_ENOMEM, "recordings: out of memory") : LS_OK;
}

/* Another one; its files are those of r->path from `first` on. */
static ls_status add(ls__recordings *r, const char *name, size_t first, ls__recording **item) {
  ls_status st = LS_OK;
  LS_TRY(ls__grow(&r->item, &r->capacity, r->n + 1, sizeof *r->item, "recordings"));
  *item = &r->item[r->n];
  memset(*item, 0, sizeof **item);
  (*item)->first = first;
  (*item)->n = r->path.n - first;
  r->n++;
  LS_TRY(copy(&(*item)->name, name));
out:
  return st;
}

void ls__recordings_reset(ls__recordings *r) {
  for (size_t i = 0; i < r->n; i++) {
    ls__free(r->item[i].name);
    ls__free(r->item[i].label);
    ls__free(r->item[i].group);
  }
  ls__free(r->item);
  ls__names_reset(&r->path);
  memset(r, 0, sizeof *r);
}

/* ---- Folders ---- */

/* A folder and all that is below it; `told`: it is of this part. */
static ls_status walk(ls__recordings *r, const char *path, int deep, bool told, ls_split split) {
  ls_status st = LS_OK;
  ls__names folders = {NULL, 0, 0}, files = {NULL, 0, 0};
  ls__recording *item;
  char *inside = NULL;
  if (deep > DEEPEST) LS_FAIL(LS_EDATA, "%s: lies more than %d folders deep", path, DEEPEST);
  LS_TRY(ls__folder_list(path, ls__audio_is_named, &folders, &files, &r->others));
  const bool parts = deep == 0 && ls__names_have_parts(&folders);
  if (parts && files.n > 0)
    LS_FAIL(LS_EDATA, "%s/%s: lies outside of the folders of parts", path, files.list[0]);
  for (size_t i = 0; i < files.n + folders.n; i++) {
    const bool folder = i >= files.n;
    const char *name = folder ? folders.list[i - files.n] : files.list[i];
    inside = ls__path_join(path, name);
    if (inside == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
    if (folder) {
      if (parts) told = ls__part_of(name, &split);
      LS_TRY(walk(r, inside, deep + 1, told, split));
    } else {
      LS_TRY(ls__names_add(&r->path, inside));
      LS_TRY(add(r, inside, r->path.n - 1, &item));
      item->told = told;
      item->split = split;
    }
    ls__free(inside);
    inside = NULL;
  }
out:
  ls__free(inside);
  ls__names_reset(&folders);
  ls__names_reset(&files);
  return st;
}

/* The folder that a file lies in, if that is below the source. */
static ls_status label_by_folder(ls__recording *item, const char *source) {
  const char *end = strrchr(item->name, '/'), *begin = end;
  size_t root = strlen(source);
  while (root > 0 && source[root - 1] == '/') root--;
  if (end == NULL || (size_t)(end - item->name) <= root)
    return ls__fail(LS_EDATA,
                    "%s: has no label: it lies in no folder of a class; --label-pattern finds "
                    "labels in names, --labels FILE in a table, --unlabelled does without",
                    item->name);
  while (begin > item->name && begin[-1] != '/') begin--;
  item->label = ls__calloc((size_t)(end - begin) + 1, 1);
  if (item->label == NULL) return ls__fail(LS_ENOMEM, "recordings: out of memory");
  memcpy(item->label, begin, (size_t)(end - begin));
  ls_split split;
  if (item->told && ls__part_of(item->label, &split))
    return ls__fail(LS_EDATA,
                    "%s: has no label: it lies in the folder of a part, not in one of a class",
                    item->name);
  return LS_OK;
}

static ls_status look_at_sources(ls__recordings *r, const ls_convert_options *options,
                                 const ls__recordings_how *how) {
  ls_status st = LS_OK;
  ls__recording *item;
  for (int s = 0; s < options->n_sources; s++) {
    const char *source = options->sources[s];
    const size_t before = r->n;
    bool folder = false;
    LS_TRY(ls__path_is_folder(source, &folder));
    if (folder) {
      LS_TRY(walk(r, source, 0, false, LS_TRAIN));
      if (r->n == before)
        LS_FAIL(LS_EDATA, "%s: holds no recordings: no file is named .wav or .flac", source);
    } else {
      LS_TRY(ls__names_add(&r->path, source));
      LS_TRY(add(r, source, r->path.n - 1, &item));
    }
    if (how->label_pattern != NULL || how->unlabelled) continue;
    if (!folder)
      LS_FAIL(LS_EUSAGE,
              "%s: is a file, and no folder of it is a class: --label-pattern finds labels in "
              "names, --labels FILE in a table, --unlabelled does without",
              source);
    for (size_t i = before; i < r->n; i++) LS_TRY(label_by_folder(&r->item[i], source));
  }
out:
  return st;
}

/* Labels and groups from names. */
static ls_status look_at_names(ls__recordings *r, const ls__recordings_how *how) {
  ls_status st = LS_OK;
  ls__name_pattern pattern;
  ls__pattern_match match;
  if (how->label_pattern == NULL) {
    if (how->group == NULL) return LS_OK;
    return ls__fail(LS_EUSAGE,
                    "convert audio: --group %s wants a --label-pattern with {%s}, or a "
                    "table of --labels with such a column",
                    how->group, how->group);
  }
  LS_TRY(ls__name_pattern_read(how->label_pattern, "label-pattern", &pattern));
  const size_t label = ls__name_pattern_field(&pattern, "label");
  const size_t group = how->group == NULL ? pattern.n
                                          : ls__name_pattern_field(&pattern, how->group);
  if (label == pattern.n && !how->unlabelled)
    LS_FAIL(LS_EUSAGE, "convert audio: --label-pattern \"%s\" has no field {label}", pattern.text);
  if (how->group != NULL && group == pattern.n)
    LS_FAIL(LS_EUSAGE, "convert audio: --label-pattern \"%s\" has no field {%s} for --group",
            pattern.text, how->group);
  for (size_t i = 0; i < r->n; i++) {
    ls__recording *item = &r->item[i];
    if (!ls__name_pattern_match(&pattern, item->name, &match))
      LS_FAIL(LS_EDATA, "%s: is not named as --label-pattern says, \"%s\"", item->name,
              pattern.text);
    if (!how->unlabelled) item->label = ls__pattern_match_text(&match, label);
    if (how->group != NULL) item->group = ls__pattern_match_text(&match, group);
    if ((!how->unlabelled && item->label == NULL) || (how->group != NULL && item->group == NULL))
      LS_FAIL(LS_ENOMEM, "recordings: out of memory");
  }
out:
  return st;
}

/* ---- A table ---- */

enum { FILE_COLUMN, LABEL, SPLIT, GROUP, COLUMNS };

/* Where the columns are; SIZE_MAX: nowhere. */
static ls_status find_columns(const ls__csv *csv, const ls__recordings_how *how,
                              size_t column[COLUMNS]) {
  const char *const wanted[COLUMNS] = {"file", "label", "split", how->group};
  const bool must[COLUMNS] = {true, !how->unlabelled, false, how->group != NULL};
  for (int c = 0; c < COLUMNS; c++) {
    column[c] = SIZE_MAX;
    for (size_t i = 0; i < csv->n && wanted[c] != NULL && column[c] == SIZE_MAX; i++)
      if (strcmp(csv->field[i].text, wanted[c]) == 0) column[c] = i;
    if (must[c] && column[c] == SIZE_MAX)
      return ls__fail(LS_EDATA,
                      "%s:%zu: there is no column \"%s\": a table of recordings begins with a "
                      "line of names, file,label or file,label,split",
                      csv->path, csv->line, wanted[c]);
  }
  return LS_OK;
}

/* "a.wav", or "a.wav+b.wav" where no file has this very name. */
static ls_status add_files(ls__recordings *r, const ls__csv *csv, const char *folder, char *text) {
  ls_status st = LS_OK;
  char *path = NULL;
  bool is_folder = false;
  for (char *next = text; next != NULL; text = next) {
    ls__free(path);
    path = *text == '/' ? ls__strdup(text) : ls__path_join(folder, text);
    if (path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", csv->path);
    next = NULL;
    st = ls__path_is_folder(path, &is_folder);
    char *plus = st == LS_OK ? NULL : strchr(text, '+');
    if (plus != NULL) {
      *plus = '\0';
      next = plus + 1;
      ls__free(path);
      path = *text == '/' ? ls__strdup(text) : ls__path_join(folder, text);
      if (path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", csv->path);
      st = ls__path_is_folder(path, &is_folder);
    }
    if (st == LS_OK && is_folder) st = ls__fail(LS_EDATA, "%s: is a folder", path);
    if (st != LS_OK) {
      st = ls__fail_context(LS_EDATA, "%s:%zu", csv->path, csv->line);
      goto out;
    }
    LS_TRY(ls__names_add(&r->path, path));
  }
out:
  ls__free(path);
  return st;
}

static ls_status add_row(ls__recordings *r, const ls__csv *csv, const char *folder,
                         const size_t column[COLUMNS]) {
  ls_status st = LS_OK;
  ls__recording *item;
  char shown[LS__CSV_SHOWN];
  const size_t first = r->path.n;
  for (int c = 0; c < COLUMNS; c++)
    if (column[c] != SIZE_MAX && c != SPLIT && csv->field[column[c]].size == 0)
      LS_FAIL(LS_EDATA, "%s:%zu: the %s is empty", csv->path, csv->line,
              c == FILE_COLUMN ? "name of the file"
              : c == LABEL     ? "label"
                               : "group");
  char *name = csv->field[column[FILE_COLUMN]].text;
  LS_TRY(add(r, name, first, &item));
  LS_TRY(add_files(r, csv, folder, name));
  item->n = r->path.n - first;
  if (column[LABEL] != SIZE_MAX) LS_TRY(copy(&item->label, csv->field[column[LABEL]].text));
  if (column[GROUP] != SIZE_MAX) LS_TRY(copy(&item->group, csv->field[column[GROUP]].text));
  const char *split = column[SPLIT] == SIZE_MAX ? "" : csv->field[column[SPLIT]].text;
  item->told = *split != '\0';
  if (item->told && !ls__part_of(split, &item->split))
    LS_FAIL(LS_EDATA, "%s:%zu: \"%s\" is no part: it must be train, validation, test or nothing",
            csv->path, csv->line, ls__csv_show(split, shown));
out:
  return st;
}

static ls_status read_table(ls__recordings *r, const ls_convert_options *options,
                            const ls__recordings_how *how) {
  ls_status st = LS_OK;
  const ls__csv_options plain = {0};
  ls__progress quiet = {0};
  ls__csv csv = {0};
  size_t column[COLUMNS];
  bool more = false, folder = false;
  const char *root = options->sources[0];
  if (how->label_pattern != NULL)
    LS_FAIL(LS_EUSAGE, "convert audio: labels are found in names or in a table: --label-pattern or "
                       "--labels");
  if (options->n_sources == 1) LS_TRY(ls__path_is_folder(root, &folder));
  if (!folder)
    LS_FAIL(LS_EUSAGE, "convert audio: with --labels the source is one folder, below which the "
                       "table's files lie");
  LS_TRY(ls__format_add_source(options, how->labels, 0, &quiet)); /* it is not the output */
  LS_TRY(ls__csv_open(&csv, how->labels, &plain, &quiet));
  LS_TRY(ls__csv_look(&csv, 1));
  const char *begin = csv.buffer + csv.begin, *end = memchr(begin, '\n', csv.end - csv.begin);
  const size_t head = end == NULL ? csv.end - csv.begin : (size_t)(end - begin);
  LS_TRY(ls__csv_set_delimiter(&csv, memchr(begin, '\t', head) != NULL  ? "tab"
                                     : memchr(begin, ';', head) != NULL ? "semicolon"
                                                                        : "comma"));
  LS_TRY(ls__csv_next(&csv, &more));
  if (!more) LS_FAIL(LS_EDATA, "%s: the file is empty", how->labels);
  LS_TRY(find_columns(&csv, how, column));
  csv.width = csv.n;
  for (;;) {
    LS_TRY(ls__csv_next_record(&csv, &more));
    if (!more) break;
    LS_TRY(add_row(r, &csv, root, column));
  }
  if (r->n == 0) LS_FAIL(LS_EDATA, "%s: holds no rows behind its names", how->labels);
out:
  ls__csv_reset(&csv);
  return st;
}

/* ---- Parts and labels ---- */

static bool fits(const char *pattern, const char *path) {
  const char *name = strrchr(path, '/');
  return fnmatch(pattern, path, 0) == 0 || (name != NULL && fnmatch(pattern, name + 1, 0) == 0);
}

static ls_status apply_pattern(ls__recordings *r, const char *option, const char *pattern,
                               ls_split split) {
  size_t found = 0;
  if (pattern == NULL) return LS_OK;
  for (size_t i = 0; i < r->n; i++) {
    ls__recording *item = &r->item[i];
    if (!fits(pattern, item->name)) continue;
    if (item->told)
      return ls__fail(LS_EUSAGE, "%s: is of the %s part already, and --%s says %s", item->name,
                      ls__split_name(item->split), option, ls__split_name(split));
    item->told = true;
    item->split = split;
    found++;
  }
  if (found > 0) return LS_OK;
  return ls__fail(LS_EUSAGE, "convert audio: --%s \"%s\" fits none of %zu recordings", option,
                  pattern, r->n);
}

static ls_status check_texts(const ls__recordings *r) {
  for (size_t i = 0; i < r->n; i++) {
    const char *const text[] = {r->item[i].label, r->item[i].group};
    for (int k = 0; k < 2; k++)
      for (const char *letter = text[k]; letter != NULL && *letter != '\0';) {
        const size_t n = ls__text_letter(letter);
        if (n == 0)
          return ls__fail(LS_EDATA, "%s: the name of its %s is no UTF-8 text", r->item[i].name,
                          k == 0 ? "class" : "group");
        letter += n;
      }
  }
  return LS_OK;
}

ls_status ls__recordings_find(ls__recordings *r, const ls_convert_options *options,
                              const ls__recordings_how *how) {
  ls_status st = LS_OK;
  if (how->labels != NULL) {
    LS_TRY(read_table(r, options, how));
  } else {
    LS_TRY(look_at_sources(r, options, how));
    LS_TRY(look_at_names(r, how));
  }
  LS_TRY(check_texts(r));
  LS_TRY(apply_pattern(r, "test-pattern", how->test_pattern, LS_TEST));
  LS_TRY(apply_pattern(r, "validation-pattern", how->validation_pattern, LS_VALIDATION));
out:
  return st;
}

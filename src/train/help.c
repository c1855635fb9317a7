/* The reference of all rooms' keys. */
#include <lockstep/help.h>
#include <string.h>

#include "base/text.h"
#include "config/nearest.h"
#include "config/reference.h"
#include "data/data.h"
#include "metrics/metrics.h"
#include "model/graph.h"
#include "nn/layer.h"
#include "optim/optimizer.h"
#include "train/settings.h"

/* The rooms whose tables are shown, in this order, a line each. */
static const ls__section *const rooms[] = {ls__train_sections,
                                           ls__data_sections,
                                           ls__nn_sections,
                                           ls__model_sections,
                                           ls__optim_sections,
                                           ls__metrics_sections,
                                           NULL};

static ls_status written(FILE *out) {
  return ferror(out) ? ls__fail(LS_EIO, "the help can't be written") : LS_OK;
}

/* Below a list of layers each of them is described in one place: "dense.units" is that of
 * "model.0.repeat.layers.1.dense.units". */
static const char *innermost(const char *key) {
  static const char *const lists[] = {"model", "layers", "shortcut", "branches"};
  if (strncmp(key, "model.", 6) != 0) return key;
  const char *last = key;
  for (const char *at = key; at != NULL; at = strchr(at, '.'), at = at != NULL ? at + 1 : NULL) {
    const size_t digits = strspn(at, "0123456789");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
      const size_t n = strlen(lists[i]);
      if (strncmp(at, lists[i], n) == 0 && at[n] == '.') last = at + n + 1;
    }
    if (at == last && at[digits] == '.') last = at + digits + 1;
  }
  return strspn(last, "0123456789") < strlen(last) ? last : key;
}

ls_status ls_help(const char *key, FILE *out) {
  if (key == NULL) {
    ls__reference_overview(rooms, out);
    return written(out);
  }
  ls_status st = ls__reference_print(rooms, innermost(key), out);
  return st == LS_OK ? written(out) : st;
}

ls_status ls_help_all(FILE *out) {
  ls__reference_all(rooms, out);
  return written(out);
}

ls_status ls_help_keys(FILE *out) {
  ls__reference_keys(rooms, out);
  return written(out);
}

ls_status ls_help_markdown(FILE *out) {
  ls__reference_markdown(rooms, out);
  return written(out);
}

ls_status ls_help_each(ls_help_visit visit, void *context) {
  return ls__reference_each(rooms, visit, context);
}

const char *ls_help_nearest(const char *name, const char *const *names, size_t n) {
  static _Thread_local char text[LS__REFERENCE_KEY];
  return names != NULL ? ls__config_nearest(name, names, n)
                       : ls__reference_nearest(rooms, name, text);
}

typedef struct wanted {
  const char *word;
  char *key; /* [LS__REFERENCE_KEY] "": not found yet */
} wanted;

static ls_status see(const ls_help_entry *entry, void *context) {
  const wanted *w = context;
  const char *dot = strrchr(entry->key, '.'), *last = dot != NULL ? dot + 1 : entry->key;
  if (w->key[0] == '\0' && entry->is == LS_HELP_OPTION && entry->assignable &&
      ls__config_synonym(w->word, &last, 1) != NULL)
    snprintf(w->key, LS__REFERENCE_KEY, "%s", entry->key);
  return LS_OK;
}

const char *ls_help_setting(const char *word) {
  static _Thread_local char key[LS__REFERENCE_KEY];
  wanted w = {word, key};
  const char *place = ls__config_place(word);
  if (place != NULL) return place;
  key[0] = '\0';
  (void)!ls__reference_each(rooms, see, &w);
  return key[0] != '\0' ? key : NULL;
}

void ls_help_row(FILE *out, size_t indent, size_t width, const char *left, const char *text) {
  const size_t used = indent + width + 2,
               widths[] = {width, used < LS__TEXT_COLUMNS ? LS__TEXT_COLUMNS - used : 1};
  const char *const cells[] = {left, text};
  if (left != NULL)
    ls__text_row(out, indent, 2, widths, cells);
  else
    ls__text_paragraph(out, indent, text);
}

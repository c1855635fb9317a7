/* The vocabulary of a text: an attribute of the tokens that convert made of it, which training keeps with
 * the network. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "data/inside.h"
#include "text/vocabulary.h"

/* Of the first input of a file that has one; *name: that of its dataset. */
static ls_status find_in(const ls__source *source, ls__h5 *file, char **json, const char **name) {
  ls_status st = LS_OK;
  for (size_t c = 0; c < source->n && *json == NULL; c++) {
    const ls__column *column = &source->column[c];
    ls__h5_kind kind;
    size_t n;
    bool ours = false;
    if (column->use != LS_INPUT || column->field || !column->integer) continue;
    LS_TRY(ls__h5_attribute_kind(file, column->name, "vocabulary", &kind, &n));
    if (kind != LS__H5_TEXTS || n != 1) continue;
    LS_TRY(ls__source_is_ours(file, column->name, &ours));
    if (ours) LS_TRY(ls__h5_get_string(file, column->name, "vocabulary", json));
    *name = column->name;
  }
out:
  return st;
}

/* How another vocabulary differs: as many words as tell them apart. */
static ls_status tell_apart(const char *where, const ls__vocabulary *here, const char *whose,
                            const ls__vocabulary *there, const char *cure) {
  char text[2][LS__VOCABULARY_TEXT], shown[2][24];
  const size_t n = ls__vocabulary_size(here);
  ls__vocabulary_describe(here, text[0]);
  ls__vocabulary_describe(there, text[1]);
  if (strcmp(text[0], text[1]) != 0)
    return ls__fail(LS_EDATA, "%s: has a vocabulary of %s, %s one of %s%s", where, text[0], whose,
                    text[1], cure);
  for (size_t i = 0; i < n; i++) {
    size_t a, b;
    const char *const first = ls__vocabulary_token(here, (int32_t)i, &a),
                      *const second = ls__vocabulary_token(there, (int32_t)i, &b);
    if (a == b && memcmp(first, second, a) == 0) continue;
    ls__vocabulary_show(here, (int32_t)i, shown[0], sizeof shown[0]);
    ls__vocabulary_show(there, (int32_t)i, shown[1], sizeof shown[1]);
    return ls__fail(LS_EDATA,
                    "%s: has another vocabulary of %s than %s: token %zu is \"%s\", there \"%s\"%s",
                    where, text[0], whose, i, shown[0], shown[1], cure);
  }
  return ls__fail(LS_EDATA, "%s: has another vocabulary of %s than %s: its pairs are others%s",
                  where, text[0], whose, cure);
}

static ls_status differ(const char *where, const char *json, const char *whose, const char *other,
                        const char *cure) {
  ls_status st = LS_OK;
  ls__vocabulary *here = NULL, *there = NULL;
  LS_TRY(ls__vocabulary_read(&here, json, where));
  LS_TRY(ls__vocabulary_read(&there, other, whose));
  st = tell_apart(where, here, whose, there, cure);
out:
  ls__vocabulary_destroy(here);
  ls__vocabulary_destroy(there);
  return st;
}

/* One for all files and parts. */
ls_status ls__vocabulary_find(ls_data *data) {
  ls_status st = LS_OK;
  ls__vocabulary *v = NULL;
  char *json = NULL;
  for (int s = 0; s < data->n_sources; s++)
    for (size_t p = 0; p < data->source[s].n_pieces; p++) {
      const size_t number = data->source[s].piece[p].file;
      const char *const path = ls__files_path(data->files, number), *name = NULL;
      ls__h5 *file = NULL;
      LS_TRY(ls__files_take(data->files, number, &file));
      st = find_in(&data->source[s], file, &json, &name);
      ls__files_give(data->files, number);
      if (st != LS_OK) goto out;
      if (json != NULL && data->vocabulary != NULL && strcmp(json, data->vocabulary) != 0)
        LS_TRY(differ(path, json, ls__files_path(data->files, 0), data->vocabulary,
                      "; convert text --vocabulary-from makes them alike"));
      if (json != NULL && data->vocabulary == NULL) {
        LS_TRY(ls__vocabulary_read(&v, json, path));
        data->vocabulary = json;
        json = NULL;
      }
      ls__free(json);
      json = NULL;
    }
out:
  ls__vocabulary_destroy(v);
  ls__free(json);
  return st;
}

const char *ls__data_vocabulary(const ls_data *data) {
  return data == NULL ? NULL : data->vocabulary;
}

ls_status ls__data_fit_vocabulary(ls_data *data, const char *json) {
  if (data->vocabulary == NULL && data->files != NULL)
    ls__note(&data->notes, "%s: has no vocabulary: its numbers are taken for the network's tokens",
             ls__data_path(data));
  if (data->vocabulary == NULL || strcmp(data->vocabulary, json) == 0) return LS_OK;
  return differ(ls__data_path(data), data->vocabulary, "the network", json,
                "; convert text --vocabulary-from CHECKPOINT reads a text as the network does");
}

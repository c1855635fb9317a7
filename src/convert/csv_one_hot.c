/* Words as inputs. */
#include "convert/csv_one_hot.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "convert/csv_column.h"

/* So many words in a column of which most come once are names, or text; and so are longer ones. */
enum { MANY = 10, LONGEST = 1000 };

void ls__csv_one_hot_reset(ls__csv_one_hot *h) {
  ls__classes_reset(&h->words);
  ls__free(h->share);
  memset(h, 0, sizeof *h);
}

/* "--one-hot NAME makes ..., --category NAME ..., --drop NAME ..." */
static const char *cures(const ls__csv_plan *plan, size_t i, bool asked, char text[LS__CSV_WHERE]) {
  char name[LS__CSV_ITEM];
  ls__csv_column_item(plan, i, name);
  snprintf(text, LS__CSV_WHERE,
           "%s%s%s--category %s numbers them for an embedding, --drop %s leaves the column out",
           asked ? "" : "--one-hot ", asked ? "" : name,
           asked ? "" : " makes an input of each all the same, ", name, name);
  return text;
}

/* A column of numbers, and some text. */
static ls_status fail_mixed(const ls__csv_one_hot *h, const ls__csv_plan *plan, size_t i) {
  char where[LS__CSV_WHERE], name[LS__CSV_ITEM];
  ls__csv_column_item(plan, i, name);
  return ls__fail(LS_EDATA,
                  "%s: \"%s\" is not a number, as %llu of %llu values of the column are; "
                  "--missing-words \"%s\" takes it for a missing one, --one-hot %s all for words, "
                  "--drop %s leaves the column out",
                  ls__csv_where(h->first_text.path, h->first_text.line, plan, i, where),
                  h->first_text.text, (unsigned long long)h->numbers,
                  (unsigned long long)(h->numbers + h->texts), h->first_text.text, name, name);
}

ls_status ls__csv_one_hot_add(ls__csv_one_hot *h, const ls__csv *csv, const ls__csv_plan *plan,
                              size_t i, int dates, bool training) {
  ls_status st = LS_OK;
  char where[LS__CSV_WHERE], cure[LS__CSV_WHERE], shown[LS__CSV_SHOWN];
  size_t index;
  h->known += training;
  if (ls__csv_sort_of(h->text, strlen(h->text), dates) == LS__CSV_TEXT) {
    h->texts++;
    ls__csv_place_set(&h->first_text, csv, h->text);
  } else {
    h->numbers++;
  }
  if (strlen(h->text) > LONGEST)
    LS_FAIL(LS_EDATA, "%s: \"%s...\" is a text of %zu bytes, no word; %s",
            ls__csv_where(csv->path, csv->line, plan, i, where), ls__csv_show(h->text, shown),
            strlen(h->text), cures(plan, i, true, cure));
  const size_t most = h->asked ? LS__MAX_CLASSES : LS__CSV_FEW_WORDS;
  h->words.most = (size_t)LS__MAX_CLASSES + 1; /* one more, to be told of below */
  LS_TRY(ls__classes_note(&h->words, h->text, training, &index));
  if (h->words.n <= most) return LS_OK;
  if (!h->asked && h->numbers >= h->texts) return fail_mixed(h, plan, i);
  LS_FAIL(LS_EDATA, "%s: \"%s\" makes more than %zu different words; %s",
          ls__csv_where(csv->path, csv->line, plan, i, where), ls__csv_show(h->text, shown), most,
          cures(plan, i, h->asked, cure));
out:
  return st;
}

/* "iron, steel, ..." */
static void list(const ls__classes *words, char *text, size_t bytes) {
  size_t used = 0;
  *text = '\0';
  for (size_t i = 0; i < words->n && i < LS__CSV_FEW_WORDS && used < bytes; i++) {
    char shown[LS__CSV_SHOWN];
    used += (size_t)snprintf(text + used, bytes - used, "%s%s", i == 0 ? "" : ", ",
                             ls__csv_show(words->list[i].name, shown));
  }
  if (words->n > LS__CSV_FEW_WORDS && used < bytes) snprintf(text + used, bytes - used, ", ...");
}

static void warn(const ls__csv_one_hot *h, const ls__csv_plan *plan, size_t i,
                 ls__csv_notes *notes) {
  char name[LS__CSV_WHERE], a[LS__CSV_SHOWN], b[LS__CSV_SHOWN];
  const ls__class *word = h->words.list;
  const size_t n = h->words.n;
  ls__csv_column_name(plan, i, name);
  for (size_t k = 0; k < n && n <= 200; k++)
    for (size_t m = 0; m < k; m++)
      if (strcasecmp(word[k].name, word[m].name) == 0)
        ls__csv_note(notes, true, "%s: %s and %s are two words", name,
                     ls__csv_show(word[m].name, a), ls__csv_show(word[k].name, b));
  size_t strangers = 0, first = 0;
  for (size_t k = 0; k < n; k++)
    if (word[k].count == 0 && strangers++ == 0) first = k;
  if (strangers > 0)
    ls__csv_note(notes, true,
                 "%s: %zu of %zu words (%s%s) %s in no row of the training part: nothing is learnt "
                 "of "
                 "%s",
                 name, strangers, n, ls__csv_show(word[first].name, a),
                 strangers > 1 ? ", ..." : "", strangers > 1 ? "are" : "is",
                 strangers > 1 ? "them" : "it");
}

ls_status ls__csv_one_hot_decide(ls__csv_one_hot *h, const ls__csv_plan *plan, size_t i,
                                 uint64_t rows, ls__csv_notes *notes) {
  ls_status st = LS_OK;
  char name[LS__CSV_WHERE], words[700];
  if (!h->asked && h->numbers > 0 && h->numbers >= h->texts) return fail_mixed(h, plan, i);
  if (!h->asked && h->words.n > MANY && 2 * h->words.n > rows)
    LS_FAIL(LS_EDATA,
            "%s: \"%s\" is text, and of %llu rows there are %zu different ones: names?  %s",
            ls__csv_where(h->first_text.path, h->first_text.line, plan, i, name),
            h->first_text.text, (unsigned long long)rows, h->words.n, cures(plan, i, false, words));
  LS_TRY(ls__classes_sort(&h->words));
  LS_TRY(ls__alloc(&h->share, h->words.n, sizeof *h->share, "words"));
  for (size_t k = 0; k < h->words.n && h->known > 0; k++)
    h->share[k] = (double)h->words.list[k].count / (double)h->known;
  list(&h->words, words, sizeof words);
  ls__csv_note(notes, false, "%s: %zu word%s, an input each (one-hot): %s%s",
               ls__csv_column_name(plan, i, name), h->words.n, h->words.n == 1 ? "" : "s", words,
               h->numbers > 0 && h->texts > 0 ? "; some are numbers, most are text" : "");
  warn(h, plan, i, notes);
out:
  return st;
}

bool ls__csv_one_hot_find(ls__csv_one_hot *h) {
  const bool found = ls__classes_find(&h->words, h->text, &h->word);
  if (!found) h->word = SIZE_MAX;
  return found;
}

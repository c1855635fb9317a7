/* Classes, and sequences of them, of recordings. */
#include "convert/audio_labels.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

const char *const ls__audio_label_names[] = {"class", "words", "characters", NULL};

static const char blank[] = "<blank>";

/* The next piece of a label from *at on, into `piece`; false: there is none. */
static bool next_piece(ls__audio_label kind, const char **at, char *piece) {
  const char *text = *at;
  size_t n = 0;
  if (kind == LS__AUDIO_CLASS) {
    n = strlen(text);
  } else if (kind == LS__AUDIO_CHARACTERS) {
    n = *text == '\0' ? 0 : ls__text_letter(text);
  } else {
    text += strspn(text, " \t\r\n");
    n = strcspn(text, " \t\r\n");
  }
  memcpy(piece, text, n);
  piece[n] = '\0';
  *at = text + n;
  return n > 0;
}

/* The names that there are; how many pieces each label has. */
static ls_status note(ls__audio_labels *labels, const ls__recordings *r, char *piece) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < r->n; i++) {
    const char *at = r->item[i].label;
    size_t n = 0, unused;
    while (next_piece(labels->kind, &at, piece)) {
      if (labels->kind != LS__AUDIO_CLASS && strcmp(piece, blank) == 0)
        LS_FAIL(LS_EDATA, "%s: \"%s\" stands in its label, and is what ctc's blank is called",
                r->item[i].name, blank);
      LS_TRY(ls__classes_note(&labels->classes, piece, true, &unused));
      n++;
    }
    if (n == 0) LS_FAIL(LS_EDATA, "%s: its label is empty", r->item[i].name);
    labels->first[i + 1] = labels->first[i] + n;
    if (n > labels->longest) labels->longest = n;
  }
out:
  return st;
}

ls_status ls__audio_labels_make(ls__audio_labels *labels, const ls__recordings *r,
                                ls__audio_label kind) {
  ls_status st = LS_OK;
  const size_t before = kind == LS__AUDIO_CLASS ? 0 : 1;
  size_t most = 0, index = 0;
  char *piece = NULL;
  labels->kind = kind;
  for (size_t i = 0; i < r->n; i++)
    if (strlen(r->item[i].label) > most) most = strlen(r->item[i].label);
  LS_TRY(ls__alloc(&piece, most + 1, 1, "labels"));
  LS_TRY(ls__alloc(&labels->first, r->n + 1, sizeof *labels->first, "labels"));
  LS_TRY(note(labels, r, piece));
  LS_TRY(ls__classes_sort(&labels->classes));
  LS_TRY(ls__alloc(&labels->number, labels->first[r->n], sizeof *labels->number, "labels"));
  for (size_t i = 0; i < r->n; i++) {
    const char *at = r->item[i].label;
    for (size_t k = labels->first[i]; k < labels->first[i + 1]; k++) {
      bool known = next_piece(kind, &at, piece) &&
                   ls__classes_find(&labels->classes, piece, &index);
      LS_ASSERT(known);
      labels->number[k] = (int32_t)(index + before);
    }
  }
  labels->n_names = labels->classes.n + before;
  LS_TRY(ls__alloc(&labels->name, labels->n_names, sizeof *labels->name, "labels"));
  labels->name[0] = blank;
  for (size_t c = 0; c < labels->classes.n; c++)
    labels->name[c + before] = labels->classes.list[c].name;
out:
  ls__free(piece);
  return st;
}

void ls__audio_labels_reset(ls__audio_labels *labels) {
  ls__classes_reset(&labels->classes);
  ls__free(labels->number);
  ls__free(labels->first);
  ls__free(labels->name);
  memset(labels, 0, sizeof *labels);
}

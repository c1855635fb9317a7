/* Columns that are kept beside predictions (keep.h). */
#include "train/keep.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "data/ids.h"

struct ls__keep {
  const ls__session *session;
  size_t n;
  ls__ids **ids; /* [n]; NULL: of a table, whose texts come row by row: */
  FILE *texts;
  size_t row; /* the next */
  char *next; /* the text that was read last */
  size_t next_room;
  char **text; /* [n, room] */
  size_t room, rows;
};

static void forget(ls__keep *k) {
  for (size_t c = 0; c < k->n; c++)
    for (size_t r = 0; r < k->rows; r++) {
      ls__free(k->text[c * k->room + r]);
      k->text[c * k->room + r] = NULL;
    }
  k->rows = 0;
}

void ls__keep_close(ls__keep *k) {
  if (k == NULL) return;
  forget(k);
  for (size_t c = 0; k->ids != NULL && c < k->n; c++) ls__ids_close(k->ids[c]);
  ls__free(k->ids);
  ls__free(k->text);
  free(k->next);
  ls__free(k);
}

ls_status ls__keep_open(const ls__session *session, const char *const *names, size_t n,
                        ls__keep **out) {
  ls_status st = LS_OK;
  ls__keep *k = NULL;
  char place[LS__INDEX_MOST][LS__INDEX_NAME];
  *out = NULL;
  if (session->table.texts != NULL && ls__data_index(session->data, LS_ALL, place) > 0)
    LS_FAIL(LS_EUSAGE,
            "%s: a sample is no row of the table but a window of them, and no column can be kept "
            "beside it; where it lies, such as its \"time\", is written without being asked for",
            session->table.path);
  LS_TRY(ls__alloc(&k, 1, sizeof *k, "columns to keep"));
  k->session = session;
  k->n = n;
  k->texts = session->table.texts;
  if (k->texts == NULL) LS_TRY(ls__alloc(&k->ids, n, sizeof *k->ids, "columns to keep"));
  for (size_t c = 0; k->ids != NULL && c < n; c++)
    LS_TRY(ls__ids_open(session->data, names[c], &k->ids[c]));
  *out = k;
  k = NULL;
out:
  ls__keep_close(k);
  return st;
}

/* The texts of a row of the table; earlier ones are passed over. */
static ls_status read_row(ls__keep *k, size_t row, char **text) {
  for (; k->row <= row; k->row++)
    for (size_t c = 0; c < k->n; c++) {
      if (getdelim(&k->next, &k->next_room, '\0', k->texts) < 0)
        return ls__fail(LS_EIO, "%s: columns to keep are lost", k->session->table.path);
      if (k->row < row) continue;
      text[c * k->room] = ls__strdup(k->next);
      if (text[c * k->room] == NULL) return ls__fail(LS_ENOMEM, "columns to keep: out of memory");
    }
  return LS_OK;
}

ls_status ls__keep_read(ls__keep *k, size_t at, size_t rows) {
  ls_status st = LS_OK;
  forget(k);
  if (rows > k->room) {
    ls__free(k->text);
    k->text = NULL;
    LS_TRY(ls__alloc(&k->text, k->n * rows, sizeof *k->text, "columns to keep"));
    k->room = rows;
  }
  k->rows = rows; /* those that are NULL can be freed */
  for (size_t r = 0; k->texts != NULL && r < rows; r++) {
    int source;
    const size_t row = ls__data_row(k->session->data, k->session->split, at + r, &source);
    LS_TRY(read_row(k, row, k->text + r));
  }
  for (size_t c = 0; k->ids != NULL && c < k->n; c++)
    LS_TRY(ls__ids_read(k->ids[c], k->session->split, at, at + rows, k->text + c * k->room));
out:
  return st;
}

const char *ls__keep_text(const ls__keep *k, size_t row, size_t column) {
  return k->text[column * k->room + row];
}

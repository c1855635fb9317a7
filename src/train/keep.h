/* Columns that go along with predictions, from the data to the file, as text. */
#ifndef LS_TRAIN_KEEP_H
#define LS_TRAIN_KEEP_H

#include "train/session.h"

typedef struct ls__keep ls__keep;

/* Of the session's data, or the table that they were made of; names [n] are borrowed.  Local, rank
 * 0. */
LS_CHECKED ls_status ls__keep_open(const ls__session *session, const char *const *names, size_t n,
                                   ls__keep **out);
/* The texts of samples [at, at + rows), which follow those of the last call. */
LS_CHECKED ls_status ls__keep_read(ls__keep *keep, size_t at, size_t rows);
const char *ls__keep_text(const ls__keep *keep, size_t row, size_t column);
void ls__keep_close(ls__keep *keep); /* NULL is nothing */

#endif

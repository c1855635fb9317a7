/* What tells samples apart, such as ids: a column of the data's file that no network reads, handed
 * on as text.  Local. */
#ifndef LS_DATA_IDS_H
#define LS_DATA_IDS_H

#include "data/data.h"

typedef struct ls__ids ls__ids;

/* The one-dimensional dataset of this name, of numbers or texts: at the root of the file or where
 * the first input lies, so that of groups each has its own.  The data are loaded, and outlive it.
 * LS_EDATA: there is none, or it has other rows than the data. */
LS_CHECKED ls_status ls__ids_open(const ls_data *data, const char *name, ls__ids **out);
/* Of samples [lo, hi) of a part: text[k], owned by the caller (ls__free).  "" for a missing one. */
LS_CHECKED ls_status ls__ids_read(ls__ids *ids, ls_split split, size_t lo, size_t hi, char **text);
void ls__ids_close(ls__ids *ids); /* NULL is nothing */

/* The row of a sample of a part in the file, or, of a group's, in its datasets; *source counts the
 * groups.  Of data that are loaded and streamed. */
size_t ls__data_row(const ls_data *data, ls_split split, size_t sample, int *source);

/* Whether the parts are groups of the file, so that all samples are theirs one after another. */
bool ls__data_grouped(const ls_data *data);

#endif

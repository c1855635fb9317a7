/* What becomes of columns of many words, and of ids, where the program may choose. */
#ifndef LS_CONVERT_CSV_CHOOSE_H
#define LS_CONVERT_CSV_CHOOSE_H

#include "convert/csv_join.h"
#include "convert/csv_table.h"
#include "convert/format.h"

/* Reads the training's files once: inputs become categories, or are dropped; each is noted.  Once
 * the plan and the words for missing values are there, before ls__csv_table_init. */
LS_CHECKED ls_status ls__csv_choose(ls__csv_table *table, const ls_convert_options *options,
                                    ls__csv_notes *notes);

#endif

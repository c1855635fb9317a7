/* The files that a dataset is read from: one or many, named one by one or by patterns, of which
 * only some are open at a time. */
#ifndef LS_DATA_FILES_H
#define LS_DATA_FILES_H

#include "config/config.h"
#include "h5/h5.h"

typedef struct ls__files ls__files;

/* `data.file`: a path, a pattern (with *, ? or [...]), or a list of them; the files of a
 * pattern in the order of their names' bytes.  A path that is there is itself, whatever letters it
 * has.  LS_ECONFIG: a pattern that nothing fits, a file that is named twice. */
LS_CHECKED ls_status ls__files_create(const ls_config *node, ls__files **files);
/* Whether a pattern has any file. */
bool ls__files_fit(const char *pattern);
void ls__files_destroy(ls__files *files); /* NULL is nothing */

size_t ls__files_count(const ls__files *files);
const char *ls__files_path(const ls__files *files, size_t i);
/* For messages about all of them: the one path, or "runs/a.h5 and 11 more". */
const char *ls__files_name(const ls__files *files);

/* File i, open until it is given back; opened when it isn't.  LS_EDATA: it is another than when it
 * was first opened.  From any thread. */
LS_CHECKED ls_status ls__files_take(ls__files *files, size_t i, ls__h5 **file);
void ls__files_give(ls__files *files, size_t i);

#endif

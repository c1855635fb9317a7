/* Class names, counted while they come, then put in order: numbers by size, others by bytes. */
#ifndef LS_CONVERT_CLASSES_H
#define LS_CONVERT_CLASSES_H

#include <stdint.h>

#include "base/error.h"

/* More classes than any label has; a column with more is text or a number. */
enum { LS__MAX_CLASSES = 10000 };

typedef struct ls__class {
  char *name;
  uint64_t count;
} ls__class;

/* `most`: 0 is LS__MAX_CLASSES. */
typedef struct ls__classes {
  size_t most;
  ls__class *list; /* [n] */
  size_t n, capacity;
  size_t *table; /* [table_size] open addressing: index + 1, 0 is free */
  size_t table_size;
} ls__classes;

/* Count one; LS_EDATA beyond `most` names. */
LS_CHECKED ls_status ls__classes_add(ls__classes *classes, const char *name);
/* The same; `count` false: the name is kept, and not counted. */
LS_CHECKED ls_status ls__classes_note(ls__classes *classes, const char *name, bool count,
                                      size_t *index);
LS_CHECKED ls_status ls__classes_sort(ls__classes *classes);
/* After sorting: the label of a name. */
bool ls__classes_find(const ls__classes *classes, const char *name, size_t *index);
void ls__classes_reset(ls__classes *classes);

#endif

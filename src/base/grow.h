/* Growing arrays: lists whose length is not known beforehand. */
#ifndef LS_BASE_GROW_H
#define LS_BASE_GROW_H

#include <stddef.h>

#include "base/error.h"

/* The slow half of ls__grow: there isn't room. */
LS_CHECKED ls_status ls__grow_to(void *pointer_to_array, size_t *capacity, size_t need, size_t size,
                                 const char *what);

/* Make room for `need` elements: where they are more than *capacity, the array is moved to at
 * least twice the room.
 *
 *   LS_TRY(ls__grow(&list, &capacity, n + 1, sizeof *list, "columns"));
 *   list[n++] = ...;
 *
 * The array begins as NULL with capacity 0, and ls__free ends it.  After LS_ENOMEM, whose message
 * begins with `what`, it is as it was. */
LS_CHECKED static inline ls_status ls__grow(void *pointer_to_array, size_t *capacity, size_t need,
                                            size_t size, const char *what) {
  return need <= *capacity ? LS_OK : ls__grow_to(pointer_to_array, capacity, need, size, what);
}

#endif

/* From names to numbers, by a hash table: an index over a list that the caller has.  The table
 * holds hashes and places in that list, and the caller compares the names.
 *
 *   size_t at, probe = 0;
 *   while (ls__lookup_next(&table, ls__hash_text(name), &probe, &at))
 *     if (strcmp(list[at].name, name) == 0) return at;
 *
 * Begins as all zero. */
#ifndef LS_BASE_LOOKUP_H
#define LS_BASE_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ls__lookup {
  struct ls__lookup_slot *slot; /* [room], a power of two, at most half of them taken */
  size_t room, n;
} ls__lookup;

uint64_t ls__hash_text(const char *text);

/* LS_ENOMEM, and the table is as it was. */
LS_CHECKED ls_status ls__lookup_add(ls__lookup *table, uint64_t hash, size_t number);

/* The next of the numbers that were added with this hash, in no order; false: there is no more. */
bool ls__lookup_next(const ls__lookup *table, uint64_t hash, size_t *probe, size_t *number);

void ls__lookup_reset(ls__lookup *table);

#endif

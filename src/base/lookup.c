/* Open addressing with linear probing. */
#include "base/lookup.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

typedef struct ls__lookup_slot {
  uint64_t hash;
  size_t number; /* plus 1; 0: the slot is free */
} slot;

uint64_t ls__hash_text(const char *text) {
  return ls__hash(LS__HASH_START, text, strlen(text));
}

static void put(slot *slots, size_t room, slot it) {
  size_t at = (size_t)it.hash & (room - 1);
  while (slots[at].number != 0) at = (at + 1) & (room - 1);
  slots[at] = it;
}

ls_status ls__lookup_add(ls__lookup *table, uint64_t hash, size_t number) {
  ls_status st = LS_OK;
  if (2 * (table->n + 1) > table->room) {
    const size_t room = table->room == 0 ? 64 : 2 * table->room;
    slot *wider = NULL;
    LS_TRY(ls__alloc(&wider, room, sizeof *wider, "an index of names"));
    for (size_t i = 0; i < table->room; i++)
      if (table->slot[i].number != 0) put(wider, room, table->slot[i]);
    ls__free(table->slot);
    table->slot = wider;
    table->room = room;
  }
  put(table->slot, table->room, (slot){hash, number + 1});
  table->n++;
out:
  return st;
}

bool ls__lookup_next(const ls__lookup *table, uint64_t hash, size_t *probe, size_t *number) {
  while (*probe < table->room) {
    const slot *it = &table->slot[((size_t)hash + (*probe)++) & (table->room - 1)];
    if (it->number == 0) return false;
    if (it->hash != hash) continue;
    *number = it->number - 1;
    return true;
  }
  return false;
}

void ls__lookup_reset(ls__lookup *table) {
  ls__free(table->slot);
  memset(table, 0, sizeof *table);
}

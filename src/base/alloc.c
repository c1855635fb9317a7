/* Blocks with a hidden header of their size, so that the live ones can be counted. */
#define _DEFAULT_SOURCE /* madvise, where the system has it */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/room.h"
#include "base/stop.h"

/* In a cache line of its own before every block, so that the block stays aligned. */
typedef struct header {
  size_t bytes;
} header;

static atomic_size_t alive, calls;
static atomic_size_t fail_at = SIZE_MAX; /* the number of calls at which one fails */

/* Large blocks begin at a huge page and ask for such pages: reading samples in random order, or
 * weights, then costs fewer walks through the page table. */
enum { HUGE_PAGE = 1 << 21, LARGE = 4 << 20 };

/* So much is written between two looks at what the machine has left: whoever touches more than that
 * is killed without a word.  A look takes a fiftieth of the time, or less. */
enum { LOOK_EVERY = 32 << 20 };

static char *get_memory(size_t whole) {
  if (whole < LARGE) return aligned_alloc(LS__ALIGN, whole);
  whole = (whole + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  char *memory = aligned_alloc(HUGE_PAGE, whole);
#if defined(MADV_HUGEPAGE)
  if (memory != NULL) (void)madvise(memory, whole, MADV_HUGEPAGE); /* may be refused: only slower */
#endif
  return memory;
}

static header *header_of(void *block) {
  return (header *)(void *)((char *)block - LS__ALIGN);
}

/* Write zeros to all of it; false: there is no room, or a run that is being prepared was asked to
 * stop.  Ranks that do this at the same moment see what the others take. */
static bool clear(char *memory, size_t whole) {
  for (size_t at = 0; at < whole; at += LOOK_EVERY) {
    const size_t left = whole - at;
    if (whole >= LOOK_EVERY && (ls__stop_check() != LS_OK || !ls__room_holds(left))) return false;
    memset(memory + at, 0, left < LOOK_EVERY ? left : LOOK_EVERY);
  }
  return true;
}

void *ls__calloc(size_t count, size_t size) {
  if (atomic_load_explicit(&fail_at, memory_order_relaxed) <= atomic_load(&calls)) {
    atomic_store(&fail_at, SIZE_MAX);
    return NULL;
  }
  if (size != 0 && count > (SIZE_MAX / 2 - 2 * HUGE_PAGE) / size) return NULL;
  size_t bytes = count * size;
  size_t whole = (bytes + 2 * LS__ALIGN - 1) / LS__ALIGN * LS__ALIGN;
  if (whole < 2 * LS__ALIGN) whole = 2 * LS__ALIGN;
  char *memory = get_memory(whole);
  if (memory == NULL) return NULL;
  if (!clear(memory, whole)) {
    free(memory);
    return NULL;
  }
  atomic_fetch_add(&alive, 1);
  atomic_fetch_add(&calls, 1);
  void *block = memory + LS__ALIGN;
  header_of(block)->bytes = bytes;
  return block;
}

ls_status ls__no_memory(const char *what, size_t count, size_t size) {
  char why[LS__ROOM_TEXT] = "";
  if (size == 0 || count <= SIZE_MAX / size) ls__room_why(count * size, why);
  return ls__fail(LS_ENOMEM, "%s: %zu elements of %zu bytes do not fit into memory%s%s", what,
                  count, size, why[0] != '\0' ? ": " : "", why);
}

#undef ls__alloc /* see alloc.h */
ls_status ls__alloc(void *pointer_to_pointer, size_t count, size_t size, const char *what) {
  void *block = ls__calloc(count, size);
  memcpy(pointer_to_pointer, &block, sizeof block);
  if (block != NULL) return LS_OK;
  const ls_status st = ls__stop_check();
  return st != LS_OK ? st : ls__no_memory(what, count, size);
}

void *ls__realloc(void *block, size_t count, size_t size) {
  void *grown = ls__calloc(count, size);
  if (grown == NULL || block == NULL) return grown;
  size_t keep = header_of(block)->bytes;
  if (count * size < keep) keep = count * size;
  memcpy(grown, block, keep);
  ls__free(block);
  return grown;
}

void ls__free(void *block) {
  if (block == NULL) return;
  atomic_fetch_sub(&alive, 1);
  free(header_of(block));
}

void ls__free_strings(char **text, size_t n) {
  for (size_t i = 0; text != NULL && i < n; i++) ls__free(text[i]);
  ls__free(text);
}

char *ls__strdup(const char *text) {
  size_t n = strlen(text) + 1;
  char *copy = ls__calloc(n, 1);
  if (copy != NULL) memcpy(copy, text, n);
  return copy;
}

size_t ls__alloc_alive(void) {
  return atomic_load(&alive);
}

void ls__alloc_fail_at(size_t n) {
  atomic_store(&fail_at, n == SIZE_MAX ? n : atomic_load(&calls) + n);
}

size_t ls__alloc_calls(void) {
  return atomic_load(&calls);
}

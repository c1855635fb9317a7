#include "base/alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* In front of every block, a line of its own: the block stays aligned. */
typedef struct header {
  size_t bytes;
} header;

static atomic_size_t alive, calls;
static atomic_size_t fail_at = SIZE_MAX; /* the number of calls at which one fails */

static header *header_of(void *block) {
  return (header *)(void *)((char *)block - LS__ALIGN);
}

void *ls__calloc(size_t count, size_t size) {
  if (atomic_load_explicit(&fail_at, memory_order_relaxed) <= atomic_load(&calls)) {
    atomic_store(&fail_at, SIZE_MAX);
    return NULL;
  }
  if (size != 0 && count > (SIZE_MAX / 2 - 2 * LS__ALIGN) / size) return NULL;
  size_t bytes = count * size;
  size_t whole = (bytes + 2 * LS__ALIGN - 1) / LS__ALIGN * LS__ALIGN;
  if (whole < 2 * LS__ALIGN) whole = 2 * LS__ALIGN;
  char *memory = aligned_alloc(LS__ALIGN, whole);
  if (memory == NULL) return NULL;
  atomic_fetch_add(&alive, 1);
  atomic_fetch_add(&calls, 1);
  memset(memory, 0, whole);
  void *block = memory + LS__ALIGN;
  header_of(block)->bytes = bytes;
  return block;
}

#undef ls__alloc /* see alloc.h */
ls_status ls__alloc(void *pointer_to_pointer, size_t count, size_t size, const char *what) {
  void *block = ls__calloc(count, size);
  memcpy(pointer_to_pointer, &block, sizeof block);
  if (block == NULL)
    return ls__fail(LS_ENOMEM, "%s: %zu elements of %zu bytes do not fit into memory", what, count,
                    size);
  return LS_OK;
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

/* Memory: 64-byte aligned, checked for overflow, counted so that a test can ask for balance. */
#ifndef LS_BASE_ALLOC_H
#define LS_BASE_ALLOC_H

#include <stddef.h>

#include "base/error.h"

/* Cache line and widest vector: what every block is aligned to. */
enum { LS__ALIGN = 64 };

/* count elements of `size` bytes, zeroed; NULL when it fails or count * size overflows.
 * count 0 gives a block that may be freed and not read. */
void *ls__calloc(size_t count, size_t size);

/* LS_ENOMEM, and a message that names what the memory was for, and which limit there is. */
ls_status ls__no_memory(const char *what, size_t count, size_t size);

/* ls__calloc with a status: LS_OK, ls__no_memory's, or ls__stop_check's, which a large block looks
 * at. */
LS_CHECKED ls_status ls__alloc(void *pointer_to_pointer, size_t count, size_t size,
                               const char *what);

/* The static analyzer reads one file at a time: tell it that LS_OK means memory. */
#ifdef __clang_analyzer__
#define ls__alloc(pointer_to_pointer, count, size, what) \
  ((*(pointer_to_pointer) = ls__calloc(count, size)) != NULL ? LS_OK : LS_ENOMEM)
#endif

/* Grow or shrink; the new part is not zeroed; NULL (old block kept) when it fails. */
void *ls__realloc(void *block, size_t count, size_t size);

/* Free a block of the functions above; does nothing for NULL. */
void ls__free(void *block);

/* Free n strings and their list; NULL is nothing. */
void ls__free_strings(char **text, size_t n);

/* n floats, rounded up to whole blocks of LS__ALIGN bytes, so that what lies behind them is aligned too. */
static inline size_t ls__whole_lines(size_t n) {
  const size_t line = LS__ALIGN / sizeof(float);
  return (n + line - 1) / line * line;
}

/* A copy of a string, or NULL. */
char *ls__strdup(const char *text);

/* Blocks now alive, and allocating calls since the start, over all threads.  Tests expect 0 alive
 * when all is destroyed, and no calls within a step. */
size_t ls__alloc_alive(void);
size_t ls__alloc_calls(void);

/* For tests: the n-th allocation from now on (0: the next) fails, once; SIZE_MAX: none. */
void ls__alloc_fail_at(size_t n);

#endif

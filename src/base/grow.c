/* Growing arrays: the one place where they double. */
#include "base/grow.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

ls_status ls__grow_to(void *pointer_to_array, size_t *capacity, size_t need, size_t size,
                      const char *what) {
  enum { FIRST = 16 };
  size_t room = *capacity < FIRST / 2 ? FIRST : *capacity > SIZE_MAX / 2 ? SIZE_MAX : 2 * *capacity;
  if (room < need) room = need;
  void *array;
  memcpy(&array, pointer_to_array, sizeof array);
  array = ls__realloc(array, room, size);
  if (array == NULL) return ls__no_memory(what, room, size);
  memcpy(pointer_to_array, &array, sizeof array);
  *capacity = room;
  return LS_OK;
}

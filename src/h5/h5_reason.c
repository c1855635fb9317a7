/* Why HDF5 failed: its own words, and who is to blame: the system, memory or the file. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/room.h"
#include "h5/h5_inside.h"

/* Keeps the innermost description: where the failure began. */
static herr_t keep_first(unsigned n, const H5E_error2_t *error, void *context) {
  char *text = context;
  if (n == 0 && error->desc != NULL) snprintf(text, LS__H5_REASON, "%s", error->desc);
  return 0;
}

/* What the system says of a place in a file that no file has: the one who asked took it from a
 * damaged file. */
static bool is_nonsense(int error) {
  return error == EINVAL || error == EFAULT || error == EOVERFLOW || error == EFBIG;
}

/* True: the words are the system's, and it refuses. */
static bool take_reason(char text[LS__H5_REASON]) {
  static const char number[] = "errno = ";
  snprintf(text, LS__H5_REASON, "HDF5 gives no reason");
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, text);
  /* "file write failed: ..., error message = 'No space left on device', ...": the quotation. */
  static const char mark[] = "error message = '";
  const char *quote = strstr(text, mark);
  if (quote == NULL) return false;
  quote += sizeof mark - 1;
  const char *error = strstr(text, number);
  const bool refuses = error == NULL || !is_nonsense(atoi(error + sizeof number - 1));
  size_t n = strcspn(quote, "'");
  memmove(text, quote, n);
  text[n] = '\0';
  return refuses;
}

const char *ls__h5_reason(char text[LS__H5_REASON]) {
  (void)take_reason(text);
  return text;
}

/* HDF5 runs out of memory also where a damaged file asks for a lot of it: more than any honest one
 * needs at once can be had then. */
static bool memory_is_short(void) {
  enum { ENOUGH = 1 << 28 };
  void *probe = ls__calloc(ENOUGH, 1);
  const bool none = probe == NULL;
  ls__free(probe);
  return none;
}

static ls_status no_memory(size_t bytes) {
  char why[LS__ROOM_TEXT] = "";
  ls__room_why(bytes, why);
  return ls__fail(LS_ENOMEM, "out of memory%s%s", why[0] != '\0' ? ": " : "", why);
}

ls_status ls__h5_why(const char *otherwise) {
  char why[LS__H5_REASON];
  unsigned major = 0, minor = 0, release = 0;
  if (take_reason(why)) return ls__fail(LS_EIO, "cannot be read: %s", why);
  /* Seldom does it say so: a filter "failed", or there is "no reason". */
  if (ls__room_is_short(LS__H5_LITTLE)) return no_memory(LS__H5_LITTLE);
  if (strstr(why, "memory allocation failed") != NULL && memory_is_short()) return no_memory(0);
  if (strstr(why, "version") == NULL) return ls__fail(LS_EDATA, "%s: %s", otherwise, why);
  (void)H5get_libversion(&major, &minor, &release);
  return ls__fail(LS_EDATA, "%s, or one newer than HDF5 %u.%u.%u: %s", otherwise, major, minor,
                  release, why);
}

/* Statuses and the message of a thread's last failure. */
#include "base/error.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

static _Thread_local char message[LS__ERROR_BYTES];

const char *ls_status_text(ls_status status) {
  static const char *const text[] = {
#define X(name, code, words) words,
      LS_STATUS_MAP(X)
#undef X
  };
  size_t i = (size_t)status;
  return i < sizeof text / sizeof *text ? text[i] : "unknown status";
}

int ls_status_exit_code(ls_status status) {
  static const int exit_code[] = {
#define X(name, code, words) code,
      LS_STATUS_MAP(X)
#undef X
  };
  size_t i = (size_t)status;
  return i < sizeof exit_code / sizeof *exit_code ? exit_code[i] : 1;
}

const char *ls_error_message(void) {
  return message;
}

void ls__error_set(const char *text) {
  snprintf(message, sizeof message, "%s", text);
}

/* One line, whole letters: what a file put into a message must not break it, nor reach a
 * terminal. */
static void take_message(char text[LS__ERROR_BYTES]) {
  size_t n = strlen(text), last = n;
  while (last > 0 && n - last < 4 && ((unsigned char)text[last - 1] & 0xC0) == 0x80) last--;
  if (n == LS__ERROR_BYTES - 1 && last > 0 && ls__text_letter(text + last - 1) == 0)
    text[last - 1] = '\0';
  (void)ls__text_show(text, SIZE_MAX, message, sizeof message);
}

/* See error.h. */
#undef ls__fail
#undef ls__fail_context

static void set_message(const char *format, va_list arguments) LS_PRINTF(1, 0);
static void set_message(const char *format, va_list arguments) {
  char text[LS__ERROR_BYTES]; /* the old message may be an argument */
  vsnprintf(text, sizeof text, format, arguments);
  take_message(text);
}

ls_status ls__fail(ls_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  set_message(format, arguments);
  va_end(arguments);
  return status;
}

ls_status ls_fail(ls_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  set_message(format, arguments);
  va_end(arguments);
  return status;
}

ls_status ls__fail_context(ls_status status, const char *format, ...) {
  char text[LS__ERROR_BYTES];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (n > 0 && (size_t)n < sizeof text) {
    size_t used = (size_t)n;
    snprintf(text + used, sizeof text - used, ": %.*s", (int)(sizeof text - used), message);
  }
  take_message(text);
  return status;
}

static volatile sig_atomic_t assert_failed;

bool ls__assert_has_failed(void) {
  return assert_failed != 0;
}

void ls__assert_failed(const char *what, const char *file, int line) {
  assert_failed = 1;
  fprintf(stderr, "lockstep: %s:%d: this is a bug in lockstep: %s is false\n", file, line, what);
  abort();
}

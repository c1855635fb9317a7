#include "cli.h"

#include <getopt.h>
#include <lockstep/comm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static char message[1024];

ls_status usage_error(const cli *c, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  if (n > 0 && (size_t)n < sizeof message)
    snprintf(message + n, sizeof message - (size_t)n, "; try: lockstep %s --help", c->argv[0]);
  return LS_EUSAGE;
}

const char *usage_message(void) {
  return message;
}

ls_status parse_split(const cli *c, const char *text, ls_split *split) {
  static const char *const name[] = {"train", "validation", "test", "all"};
  for (int i = 0; i < 4; i++)
    if (strcmp(text, name[i]) == 0) {
      *split = (ls_split)i;
      return LS_OK;
    }
  return usage_error(c, "--split %s: one of train, validation, test, all is wanted", text);
}

ls_status on_root(cli *c, ls_status (*work)(void *context), void *context) {
  ls_comm_set_watchdog(c->comm, 1e9); /* the others wait for as long as it takes */
  ls_status st = LS_OK;
  if (c->root) st = work(context);
  return ls_comm_agree(c->comm, st);
}

ls_status unknown_option(const cli *c, int code) {
  const char *what = optind > 0 && optind <= c->argc ? c->argv[optind - 1] : "";
  if (code == ':') return usage_error(c, "%s wants a value", what);
  return usage_error(c, "there is no option %s", what);
}

char *quoted_override(const char *key, const char *value) {
  size_t n = strlen(key) + 2 * strlen(value) + 4;
  char *text = malloc(n);
  if (text == NULL) return NULL;
  char *at = text + snprintf(text, n, "%s='", key);
  for (; *value; value++) {
    if (*value == '\'') *at++ = '\'';
    *at++ = *value;
  }
  *at++ = '\'';
  *at = '\0';
  return text;
}

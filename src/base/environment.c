/* Variables of the environment: their names, and what they may be; the stack. */
#include "base/environment.h"

#include <lockstep/environment.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/distance.h"
#include "base/error.h"
#include "base/number.h"

enum { MOST = 4 };
typedef struct variable {
  const char *name;
  const char *words[MOST]; /* one of them; none: whole numbers with commas between them, or ... */
  bool seconds;            /* ... a number from 0.1 to 1e9 */
} variable;

static const variable table[] = {
    {"LOCKSTEP_SIMD", {"baseline", "avx2", "avx512"}, false}, /* as ls__simd_level */
    {"LOCKSTEP_BF16", {"emulated", "avx512", "amx"}, false},  /* as ls__bf16_kind */
    {"LOCKSTEP_ALONE", {"0", "1"}, false},
    {"LOCKSTEP_WATCHDOG", {NULL}, true},
    {"LOCKSTEP_TEST_NODES", {NULL}, false},
};
enum { VARIABLES = sizeof table / sizeof *table };

static const char *value_of(const variable *v) {
  const char *text = getenv(v->name);
  return text != NULL && *text != '\0' ? text : NULL;
}

static int choice(const variable *v, const char *text) {
  for (int i = 0; i < MOST && v->words[i] != NULL; i++)
    if (strcmp(text, v->words[i]) == 0) return i;
  return -1;
}

int ls__environment_choice(const char *name) {
  for (size_t i = 0; i < VARIABLES; i++)
    if (strcmp(name, table[i].name) == 0)
      return value_of(&table[i]) == NULL ? -1 : choice(&table[i], value_of(&table[i]));
  LS_ASSERT(!"a variable of the table");
  return -1;
}

/* "2,1,3" */
static bool are_numbers(const char *text) {
  static const char digits[] = "0123456789";
  for (;;) {
    const size_t n = strspn(text, digits);
    if (n == 0 || n > 9) return false;
    text += n;
    if (*text == '\0') return true;
    if (*text++ != ',') return false;
  }
}

static bool are_seconds(const char *text) {
  double x;
  return ls__number_parse(text, &x) && x >= 0.1 && x <= 1e9;
}

static ls_status check(const variable *v) {
  char words[100] = "";
  const char *text = value_of(v);
  if (text == NULL) return LS_OK;
  if (v->seconds            ? are_seconds(text)
      : v->words[0] == NULL ? are_numbers(text)
                            : choice(v, text) >= 0)
    return LS_OK;
  for (int i = 0; i < MOST && v->words[i] != NULL; i++)
    snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s%s",
             i > 0 ? ", " : "one of ", v->words[i],
             i + 1 < MOST && v->words[i + 1] != NULL ? "" : " is");
  return ls__fail(LS_EUSAGE, "%s=%.40s: %s wanted", v->name, text,
                  v->seconds            ? "seconds from 0.1 to 1e9 are"
                  : v->words[0] != NULL ? words
                                        : "whole numbers with commas between them are");
}

/* Paths of a few KB lie on the stack, of several functions at once, and HDF5 and MPI have theirs:
 * where they don't fit, a signal ends the process.  A soft limit is raised as far as the hard one
 * lets it. */
static ls_status check_stack(void) {
  enum { NEEDED = 256 << 10, USUAL = 8 << 20 };
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      limit.rlim_cur >= NEEDED)
    return LS_OK;
  const unsigned long long had = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > USUAL ? USUAL
                                                                             : limit.rlim_max;
  if (limit.rlim_cur >= NEEDED && setrlimit(RLIMIT_STACK, &limit) == 0) return LS_OK;
  return ls__fail(LS_ENOMEM, "the stack is limited to %llu KB (ulimit -s), and %d are needed",
                  had >> 10, NEEDED >> 10);
}

extern char **environ;

ls_status ls_environment_check(FILE *notes) {
  ls_status st = LS_OK;
  for (char *const *at = environ; notes != NULL && at != NULL && *at != NULL; at++) {
    const size_t n = strcspn(*at, "=");
    for (size_t i = 0; strncmp(*at, "LOCKSTEP", 8) == 0 && i < VARIABLES; i++)
      if (ls__distance(*at, n, table[i].name, strlen(table[i].name)) == 1)
        fprintf(notes, "lockstep: note: %.*s is set, which means nothing; is %s meant?\n", (int)n,
                *at, table[i].name);
  }
  for (size_t i = 0; i < VARIABLES && st == LS_OK; i++) st = check(&table[i]);
  LS_THEN(st, check_stack());
  return st;
}

/* Comparing how the ranks were started: rank 0's lines go to all, and each looks for what it has
 * otherwise (together.h). */
#include "train/together.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"

extern char **environ;

/* Lines "KEY: VALUE". */
typedef struct facts {
  char *text;
  size_t used, room;
} facts;

static ls_status add(facts *f, const char *key, size_t key_bytes, const char *value) {
  ls_status st = LS_OK;
  const size_t bytes = key_bytes + strlen(value) + 4;
  LS_TRY(ls__grow(&f->text, &f->room, f->used + bytes, 1, "comparing the ranks"));
  f->used += (size_t)snprintf(f->text + f->used, bytes, "%.*s: %s\n", (int)key_bytes, key, value);
out:
  return st;
}

/* LOCKSTEP_SIMD and LOCKSTEP_BF16 pick kernels, which are compared by name; LOCKSTEP_ALONE is of the
 * start alone. */
static ls_status add_environment(facts *f) {
  ls_status st = LS_OK;
  for (char **variable = environ; *variable != NULL; variable++) {
    const size_t n = strcspn(*variable, "=");
    if (strncmp(*variable, "LOCKSTEP_", 9) != 0 || strncmp(*variable, "LOCKSTEP_SIMD=", 14) == 0 ||
        strncmp(*variable, "LOCKSTEP_BF16=", 14) == 0 ||
        strncmp(*variable, "LOCKSTEP_ALONE=", 15) == 0 || strchr(*variable, '\n') != NULL)
      continue;
    LS_TRY(add(f, *variable, n, *variable + n + 1));
  }
out:
  return st;
}

static ls_status collect(ls_comm *comm, const char *command, const char *how,
                         const ls_config *config, facts *f, char **yaml) {
  ls_status st = LS_OK;
  LS_TRY(add(f, "host", 4, ls__comm_host(comm)));
  LS_TRY(add(f, "the command", 11, command));
  LS_TRY(add(f, "the version", 11, LOCKSTEP_VERSION));
  LS_TRY(ls__grow(&f->text, &f->room, f->used + strlen(how) + 1, 1, "comparing the ranks"));
  memcpy(f->text + f->used, how, strlen(how) + 1);
  f->used += strlen(how);
  LS_TRY(add_environment(f));
  if (config != NULL) LS_TRY(ls_config_write(config, yaml));
out:
  return st;
}

/* The value of the line that begins with these bytes ("KEY: "), up to its end; NULL: there is
 * none. */
static const char *find(const char *lines, const char *key, size_t n, size_t *bytes) {
  for (const char *at = lines; *at != '\0'; at += strcspn(at, "\n") + 1) {
    if (strncmp(at, key, n) != 0) continue;
    *bytes = strcspn(at + n, "\n");
    return at + n;
  }
  *bytes = 0;
  return NULL;
}

typedef struct comparison {
  ls_comm *comm;
  const char *host; /* rank 0's */
  int host_bytes;
} comparison;

static ls_status differs(void *context, const char *key, const char *theirs, const char *mine) {
  const comparison *c = context;
  if (strcmp(key, "data.file") == 0) return LS_OK;
  return ls__fail(LS_ECONFIG, "the ranks differ: %s is %s on rank %d (%s), and %s on rank 0 (%.*s)",
                  key, mine == NULL ? "not given" : mine, ls_comm_rank(c->comm),
                  ls__comm_host(c->comm), theirs == NULL ? "not given" : theirs, c->host_bytes,
                  c->host);
}

/* Every line of `a` but the host's must be in `b`; swapped: `a` is this rank's, not rank 0's. */
static ls_status compare_lines(comparison *c, const char *a, const char *b, bool swapped) {
  ls_status st = LS_OK;
  char key[128], x[LS__CONFIG_VALUE], y[LS__CONFIG_VALUE];
  for (const char *at = a; *at != '\0'; at += strcspn(at, "\n") + 1) {
    const size_t n = strcspn(at, ":"), length = strcspn(at, "\n");
    size_t bytes;
    if (strncmp(at, "host: ", 6) == 0 || n + 2 > length || n >= sizeof key) continue;
    const char *other = find(b, at, n + 2, &bytes);
    const size_t own = length - n - 2;
    if (other != NULL && bytes == own && strncmp(other, at + n + 2, own) == 0) continue;
    snprintf(key, sizeof key, "%.*s", (int)n, at);
    snprintf(x, sizeof x, "%.*s", (int)own, at + n + 2);
    if (other != NULL) snprintf(y, sizeof y, "%.*s", (int)bytes, other);
    const char *one = x, *two = other == NULL ? NULL : y;
    LS_TRY(differs(c, key, swapped ? two : one, swapped ? one : two));
  }
out:
  return st;
}

static ls_status compare(ls_comm *comm, const char *theirs, const char *their_yaml,
                         const facts *mine, const ls_config *config) {
  ls_status st = LS_OK;
  ls_config *tree = NULL;
  comparison c = {.comm = comm};
  size_t bytes;
  c.host = find(theirs, "host: ", 6, &bytes);
  c.host_bytes = (int)bytes;
  LS_TRY(compare_lines(&c, theirs, mine->text, false));
  LS_TRY(compare_lines(&c, mine->text, theirs, true));
  if (config == NULL) goto out;
  LS_TRY(ls_config_parse(their_yaml, "rank 0", &tree));
  LS_TRY(ls__config_differ(tree, config, differs, &c));
out:
  ls_config_destroy(tree);
  return st;
}

ls_status ls__together(ls_comm *comm, const char *command, const char *how,
                       const ls_config *config) {
  ls_status st = LS_OK;
  facts mine = {0};
  char *yaml = NULL, *theirs = NULL;
  if (ls_comm_size(comm) == 1) return LS_OK;
  LS_TRY(ls_comm_agree(comm, collect(comm, command, how, config, &mine, &yaml)));
  uint64_t bytes[2] = {mine.used + 1, yaml == NULL ? 0 : strlen(yaml) + 1};
  LS_TRY(ls__comm_bcast(comm, bytes, sizeof bytes));
  LS_TRY(ls_comm_agree(comm, ls__alloc(&theirs, (size_t)(bytes[0] + bytes[1]) + 1, 1,
                                       "comparing the ranks")));
  if (ls_comm_rank(comm) == 0) memcpy(theirs, mine.text, (size_t)bytes[0]);
  if (ls_comm_rank(comm) == 0 && yaml != NULL) memcpy(theirs + bytes[0], yaml, (size_t)bytes[1]);
  LS_TRY(ls__comm_bcast(comm, theirs, (size_t)(bytes[0] + bytes[1])));
  if (ls_comm_rank(comm) != 0) st = compare(comm, theirs, theirs + bytes[0], &mine, config);
  LS_TRY(ls_comm_agree(comm, st));
out:
  ls__free(mine.text);
  ls__free(theirs);
  free(yaml);
  return st;
}

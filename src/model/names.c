/* What layers and blocks are called, and what a name means where it is read.
 *
 * A block opens a scope: what is called dense_1 in block_2 is block_2/dense_1 for all others.  A
 * name that is read in the scope a/b/ is looked for as a/b/NAME, a/NAME and NAME, in this order, so
 * that what is near is found first, and a path leads from outside into a block. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "model/build.h"
#include "tensor/port.h"

static ls__named *find_full(const ls__builder *b, const char *full) {
  size_t i, probe = 0;
  const uint64_t hash = ls__hash_text(full);
  while (ls__lookup_next(&b->names, hash, &probe, &i))
    if (strcmp(b->named[i].name, full) == 0) return &b->named[i];
  return NULL;
}

/* The count of a kind in the present scope, from 0 where there is none yet. */
static ls_status count_of(ls__builder *b, const ls__kind *kind, ls__named_kind **out) {
  ls_status st = LS_OK;
  size_t i, probe = 0;
  uint64_t hash = ls__hash(ls__hash_text(b->scope), &kind, sizeof kind);
  while (ls__lookup_next(&b->kind_names, hash, &probe, &i)) {
    *out = &b->kinds[i];
    if ((*out)->kind == kind && strcmp((*out)->scope, b->scope) == 0) return LS_OK;
  }
  LS_TRY(ls__grow(&b->kinds, &b->kinds_capacity, b->n_kinds + 1, sizeof *b->kinds, "model"));
  LS_TRY(ls__lookup_add(&b->kind_names, hash, b->n_kinds));
  *out = &b->kinds[b->n_kinds++];
  **out = (ls__named_kind){.kind = kind};
  memcpy((*out)->scope, b->scope, sizeof b->scope);
out:
  return st;
}

bool ls__name_taken(const ls__builder *b, const char *full) {
  return find_full(b, full) != NULL;
}

/* The name with its scope; false: it doesn't fit. */
static bool in_scope(const ls__builder *b, size_t scope, const char *name,
                     char full[LS__NAME_BYTES]) {
  const int n = snprintf(full, LS__NAME_BYTES, "%.*s%s", (int)scope, b->scope, name);
  return n > 0 && n < LS__NAME_BYTES;
}

static ls_status too_long(const ls__builder *b, const ls_config *at, const char *name) {
  return ls__config_fail(at,
                         "the name %.80s... has %zu letters with those of the blocks around it, %d "
                         "are possible: give shorter names to these blocks",
                         b->scope[0] != '\0' ? b->scope : name, strlen(b->scope) + strlen(name),
                         LS__NAME_BYTES - 1);
}

ls_status ls__name_add(ls__builder *b, const ls_config *at, const ls__kind *kind, const char *name,
                       size_t *out) {
  ls_status st = LS_OK;
  char full[LS__NAME_BYTES];
  ls__named_kind *count = NULL;
  if (!in_scope(b, strlen(b->scope), name, full)) return too_long(b, at, name);
  if (find_full(b, full) != NULL)
    LS_REFUSE(at, "\"%s\" is already the name of another layer", full);
  LS_TRY(ls__grow(&b->named, &b->named_capacity, b->n_named + 1, sizeof *b->named, "model"));
  LS_TRY(ls__lookup_add(&b->names, ls__hash_text(full), b->n_named));
  ls__named *named = &b->named[ *out = b->n_named++];
  *named = (ls__named){.kind = kind, .at = at, .value = -1, .node = -1};
  memcpy(named->name, full, sizeof full);
  named->scope = strlen(b->scope);
  LS_TRY(count_of(b, kind, &count));
  count->n++;
out:
  return st;
}

ls_status ls__name_make(ls__builder *b, const ls_config *at, const ls__kind *kind, size_t *out) {
  ls_status st = LS_OK;
  char name[LS__NAME_BYTES], full[LS__NAME_BYTES];
  ls__named_kind *count = NULL;
  LS_TRY(count_of(b, kind, &count));
  size_t k = count->n > count->last ? count->n : count->last; /* those up to it are taken */
  do {
    snprintf(name, sizeof name, "%.48s_%zu", kind->name, ++k);
    if (!in_scope(b, strlen(b->scope), name, full)) return too_long(b, at, name);
  } while (find_full(b, full) != NULL);
  count->last = k;
  st = ls__name_add(b, at, kind, name, out);
out:
  return st;
}

ls_status ls__name_read(ls__builder *b, ls_config *options, const ls_config *at,
                        const ls__kind *kind, size_t *out) {
  ls_status st = LS_OK;
  const char *name = NULL;
  ls_config *node = ls__config_child(options, "name");
  if (node == NULL) return ls__name_make(b, at, kind, out);
  LS_TRY(ls__config_string(options, "name", NULL, &name));
  if (!ls__port_name_good(name, false) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    LS_REFUSE(node, "a name is 1 to %d letters, digits and _-.", LS_NAME_BYTES - 1);
  LS_TRY(ls__name_add(b, node, kind, name, out));
  b->named[*out].at = at;
out:
  return st;
}

const ls__named *ls__name_find(const ls__builder *b, const char *name) {
  char full[LS__NAME_BYTES];
  for (size_t scope = strlen(b->scope);;) {
    const ls__named *named = in_scope(b, scope, name, full) ? find_full(b, full) : NULL;
    if (named != NULL && named->value >= 0) return named;
    if (scope == 0) return NULL;
    do scope--;
    while (scope > 0 && b->scope[scope - 1] != '/');
  }
}

const ls__named *ls__name_of_value(const ls__builder *b, int value) {
  for (size_t i = 0; i < b->n_named; i++) /* what is around others has its name before them */
    if (b->named[i].value == value) return &b->named[i];
  return NULL;
}

ls_status ls__scope_enter(ls__builder *b, const ls_config *at, const char *name, size_t *before) {
  char full[LS__NAME_BYTES];
  *before = strlen(b->scope);
  if (!in_scope(b, *before, name, full) || strlen(full) + 1 >= sizeof full)
    return too_long(b, at, name);
  snprintf(b->scope, sizeof b->scope, "%s/", full);
  return LS_OK;
}

void ls__scope_leave(ls__builder *b, size_t before) {
  b->scope[before] = '\0';
}

/* ---- What is read */

ls_status ls__from_name(const ls__builder *b, const ls_config *entry, int *value) {
  if (ls__config_kind_of(entry) != LS__SCALAR)
    return ls__config_fail(entry, "a name of a layer is wanted here");
  const ls__named *named = ls__name_find(b, ls__config_text(entry));
  if (named == NULL)
    return ls__config_fail(entry, "no layer or input before this one is called \"%s\"",
                           ls__config_text(entry));
  *value = named->value;
  return LS_OK;
}

/* The same in `from:`, where `previous` is the value before, unless something is called so. */
static ls_status read_one(const ls__builder *b, const ls_config *entry, int before, int *value) {
  if (ls__config_kind_of(entry) != LS__SCALAR || strcmp(ls__config_text(entry), "previous") != 0 ||
      ls__name_find(b, "previous") != NULL)
    return ls__from_name(b, entry, value);
  *value = before;
  return LS_OK;
}

ls_status ls__from_read(const ls__builder *b, ls_config *options, int before, int *in, int *n_in) {
  ls_status st = LS_OK;
  const ls_config *from = ls__config_child(options, "from");
  *n_in = 1;
  if (from == NULL) {
    in[0] = before;
  } else if (ls__config_kind_of(from) == LS__SCALAR) {
    LS_TRY(read_one(b, from, before, &in[0]));
  } else if (ls__config_kind_of(from) == LS__LIST) {
    const size_t n = ls__config_count(from);
    if (n == 0 || n > LS__MAX_INPUTS)
      LS_REFUSE(from, "1 to %d names are wanted, not %zu", LS__MAX_INPUTS, n);
    for (size_t i = 0; i < n; i++) LS_TRY(read_one(b, ls__config_at(from, i), before, &in[i]));
    *n_in = (int)n;
  } else {
    st = ls__config_fail(from, "a name or a list of names is wanted");
  }
out:
  return st;
}

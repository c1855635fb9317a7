/* YAML to a tree, by libyaml's events. */
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "config/tree.h"

typedef struct anchor {
  char *name;
  size_t begun;          /* which of the nodes of this name it is: the latest that began */
  const ls_config *node; /* NULL while that one is still being read */
} anchor;

typedef struct reader {
  yaml_parser_t yaml;
  ls__config_source *source;
  bool lines;
  ls__config_room room; /* for what may still come */
  anchor *anchors;      /* [n_anchors] one a name */
  size_t n_anchors, capacity;
  ls__lookup names; /* of the anchors */
} reader;

static size_t line_of(const reader *r, const yaml_event_t *event) {
  return r->lines ? event->start_mark.line + 1 : 0;
}

/* An LS_ECONFIG at this event. */
static ls_status fail_at(const reader *r, const yaml_event_t *event, const char *what) {
  if (!r->lines) return ls__fail(LS_ECONFIG, "%s: %s", r->source->name, what);
  return ls__fail(LS_ECONFIG, "%s:%zu: %s", r->source->name, event->start_mark.line + 1, what);
}

static ls_status next(reader *r, yaml_event_t *event) {
  if (yaml_parser_parse(&r->yaml, event)) return LS_OK;
  const yaml_parser_t *y = &r->yaml;
  memset(event, 0, sizeof *event);
  const char *problem = y->problem == NULL ? "not YAML" : y->problem;
  if (y->error == YAML_MEMORY_ERROR)
    return ls__fail(LS_ENOMEM, "%s: out of memory", r->source->name);
  if (y->error == YAML_READER_ERROR)
    return ls__fail(LS_ECONFIG, "%s: byte %zu: no text: %s", r->source->name, y->problem_offset,
                    problem);
  return ls__fail(LS_ECONFIG, "%s:%zu: column %zu: %s%s%s", r->source->name,
                  y->problem_mark.line + 1, y->problem_mark.column + 1, problem,
                  y->context == NULL ? "" : " ", y->context == NULL ? "" : y->context);
}

/* The anchor of a name, or n_anchors. */
static size_t find_anchor(const reader *r, const char *name) {
  size_t i, probe = 0;
  const uint64_t hash = ls__hash_text(name);
  while (ls__lookup_next(&r->names, hash, &probe, &i))
    if (strcmp(r->anchors[i].name, name) == 0) return i;
  return r->n_anchors;
}

/* What anchor_begin notes for anchor_end. */
typedef struct mark {
  size_t index, begun;
} mark;

/* Note an anchor before its node is read. */
static ls_status anchor_begin(reader *r, const yaml_char_t *given, mark *m) {
  ls_status st = LS_OK;
  const char *name = (const char *)given;
  *m = (mark){SIZE_MAX, 0};
  if (name == NULL) return LS_OK;
  size_t i = find_anchor(r, name);
  if (i == r->n_anchors) {
    LS_TRY(
        ls__grow(&r->anchors, &r->capacity, r->n_anchors + 1, sizeof *r->anchors, r->source->name));
    LS_TRY(ls__lookup_add(&r->names, ls__hash_text(name), i));
    r->anchors[r->n_anchors++] = (anchor){ls__strdup(name), 0, NULL};
    if (r->anchors[i].name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", r->source->name);
  }
  r->anchors[i].node = NULL;
  *m = (mark){i, ++r->anchors[i].begun};
out:
  return st;
}

static void anchor_end(reader *r, mark m, const ls_config *node) {
  if (m.index != SIZE_MAX && r->anchors[m.index].begun == m.begun) r->anchors[m.index].node = node;
}

static ls_status alias(reader *r, const yaml_event_t *event, size_t depth, ls_config **out) {
  const char *name = (const char *)event->data.alias.anchor;
  char what[256];
  const size_t i = find_anchor(r, name);
  if (i < r->n_anchors && r->anchors[i].node != NULL)
    return ls__config_copy_bounded(r->anchors[i].node, depth, &r->room, out);
  if (i < r->n_anchors)
    snprintf(what, sizeof what, "alias *%.80s stands inside its own anchor &%.80s", name, name);
  else
    snprintf(what, sizeof what, "alias *%.80s has no anchor &%.80s before it", name, name);
  return fail_at(r, event, what);
}

/* A tag may only say what a value is anyway; *text: it says that a scalar is text. */
static ls_status check_tag(const reader *r, const yaml_event_t *event, const yaml_char_t *tag,
                           bool *text) {
  static const char *const known[] = {"str", "int", "float", "bool", "null", "map", "seq"};
  static const char core[] = "tag:yaml.org,2002:";
  *text = false;
  if (tag == NULL) return LS_OK;
  const char *name = (const char *)tag;
  if (strcmp(name, "!") == 0) {
    *text = true;
    return LS_OK;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strncmp(name, core, strlen(core)) == 0 && strcmp(name + strlen(core), known[i]) == 0) {
      *text = i == 0;
      return LS_OK;
    }
  }
  char what[256];
  snprintf(what, sizeof what, "tag %.100s has no meaning here", name);
  return fail_at(r, event, what);
}

static bool is_null(const char *text) {
  return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
         strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static ls_status scalar(reader *r, const yaml_event_t *event, ls_config **out) {
  const char *text = (const char *)event->data.scalar.value;
  bool quoted;
  ls_status st = check_tag(r, event, event->data.scalar.tag, &quoted);
  if (st != LS_OK) return st;
  if (strlen(text) != event->data.scalar.length)
    return fail_at(r, event, "a text with a zero byte in it");
  /* Plain text over several lines can be written again only in quotes: keep it as text. */
  if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || strchr(text, '\n') != NULL)
    quoted = true;
  if (!quoted && is_null(text))
    return ls__config_node(LS__NULL, r->source, line_of(r, event), NULL, out);
  st = ls__config_node(LS__SCALAR, r->source, line_of(r, event), text, out);
  if (st == LS_OK) (*out)->quoted = quoted;
  return st;
}

static ls_status value(reader *r, yaml_event_t *event, size_t depth, ls_config **out);

static ls_status list(reader *r, size_t depth, ls_config *node) {
  ls_status st = LS_OK;
  ls_config *child = NULL;
  yaml_event_t event;
  for (;;) {
    LS_TRY(next(r, &event));
    if (event.type == YAML_SEQUENCE_END_EVENT) break;
    LS_TRY(value(r, &event, depth + 1, &child));
    LS_TRY(ls__config_attach(node, NULL, child));
    child = NULL;
  }
  yaml_event_delete(&event);
out:
  ls_config_destroy(child);
  return st;
}

/* A map's key must be a scalar, new, and not the merge key of old YAML. */
static ls_status check_key(const reader *r, const yaml_event_t *event, const ls_config *node) {
  char what[400];
  if (event->type == YAML_ALIAS_EVENT) return fail_at(r, event, "an alias cannot be a key");
  if (event->type != YAML_SCALAR_EVENT) return fail_at(r, event, "a list or map cannot be a key");
  const char *key = (const char *)event->data.scalar.value;
  if (strlen(key) != event->data.scalar.length)
    return fail_at(r, event, "a key with a zero byte in it");
  if (*key == '\0') return fail_at(r, event, "a key is empty");
  if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(key, "<<") == 0)
    return fail_at(r, event, "merge keys (<<) are not read; use an alias, or base: FILE");
  size_t before = ls__config_find(node, key);
  if (before < node->count) {
    if (r->lines)
      snprintf(what, sizeof what, "key \"%.200s\" is given twice, first in line %zu", key,
               node->child[before]->line);
    else
      snprintf(what, sizeof what, "key \"%.200s\" is given twice", key);
    return fail_at(r, event, what);
  }
  if (node->count >= LS__CONFIG_KEYS) {
    snprintf(what, sizeof what, "more than %d keys in one map", LS__CONFIG_KEYS);
    return fail_at(r, event, what);
  }
  return LS_OK;
}

static ls_status map(reader *r, size_t depth, ls_config *node) {
  ls_status st = LS_OK;
  ls_config *child = NULL;
  yaml_event_t key, event;
  memset(&key, 0, sizeof key);
  for (;;) {
    LS_TRY(next(r, &key));
    if (key.type == YAML_MAPPING_END_EVENT) break;
    LS_TRY(check_key(r, &key, node));
    LS_TRY(next(r, &event));
    LS_TRY(value(r, &event, depth + 1, &child));
    LS_ASSERT(child != NULL);
    child->line = line_of(r, &key); /* where a reader looks for the setting */
    LS_TRY(ls__config_attach(node, (const char *)key.data.scalar.value, child));
    child = NULL;
    yaml_event_delete(&key);
  }
out:
  yaml_event_delete(&key);
  ls_config_destroy(child);
  return st;
}

/* The value that this event begins; deletes the event. */
static ls_status value(reader *r, yaml_event_t *event, size_t depth, ls_config **out) {
  ls_status st = LS_OK;
  ls_config *node = NULL;
  mark m = {SIZE_MAX, 0};
  bool ignored;
  *out = NULL;
  if (depth >= LS__CONFIG_DEPTH) {
    char what[64];
    snprintf(what, sizeof what, "nested deeper than %d levels", LS__CONFIG_DEPTH);
    st = fail_at(r, event, what);
    goto out;
  }
  if (event->type == YAML_ALIAS_EVENT) {
    LS_TRY(alias(r, event, depth, out));
    goto out;
  }
  const size_t bytes = event->type == YAML_SCALAR_EVENT ? event->data.scalar.length : 0;
  LS_TRY(ls__config_take_room(&r->room, bytes, r->source, line_of(r, event)));
  if (event->type == YAML_SCALAR_EVENT) {
    LS_TRY(anchor_begin(r, event->data.scalar.anchor, &m));
    LS_TRY(scalar(r, event, &node));
  } else if (event->type == YAML_SEQUENCE_START_EVENT) {
    LS_TRY(anchor_begin(r, event->data.sequence_start.anchor, &m));
    LS_TRY(check_tag(r, event, event->data.sequence_start.tag, &ignored));
    LS_TRY(ls__config_node(LS__LIST, r->source, line_of(r, event), NULL, &node));
    LS_TRY(list(r, depth, node));
  } else {
    LS_ASSERT(event->type == YAML_MAPPING_START_EVENT);
    LS_TRY(anchor_begin(r, event->data.mapping_start.anchor, &m));
    LS_TRY(check_tag(r, event, event->data.mapping_start.tag, &ignored));
    LS_TRY(ls__config_node(LS__MAP, r->source, line_of(r, event), NULL, &node));
    LS_TRY(map(r, depth, node));
  }
  anchor_end(r, m, node);
  *out = node;
  node = NULL;
out:
  yaml_event_delete(event);
  ls_config_destroy(node);
  return st;
}

/* libyaml compares every directive (`%TAG`) with all before it.  In any encoding, and more lines
 * than those that are some. */
static ls_status check_directives(const char *text, size_t size, const ls__config_source *source) {
  enum { MOST = 1000 };
  const char *end = text + size;
  size_t n = 0;
  for (const char *p = text; (p = memchr(p, '%', (size_t)(end - p))) != NULL; p++) {
    const char *before = p;
    while (before > text && before[-1] == '\0') before--;
    n += before == text || strchr("\n\r\x85\xA8\xA9", before[-1]) != NULL;
    if (n > MOST)
      return ls__fail(LS_ECONFIG, "%s: more than %d lines begin with %%", source->name, MOST);
  }
  return LS_OK;
}

ls_status ls__config_read(const char *text, size_t size, ls__config_source *source,
                          bool scalar_root, bool lines, ls_config **out) {
  ls_status st = LS_OK;
  ls_config *root = NULL;
  reader r = {.source = source,
              .lines = lines,
              .room = {LS__CONFIG_NODES, (size_t)LS__CONFIG_TEXT_MB << 20}};
  yaml_event_t event;
  *out = NULL;
  st = check_directives(text, size, source);
  if (st != LS_OK) return st;
  if (!yaml_parser_initialize(&r.yaml))
    return ls__fail(LS_ENOMEM, "%s: out of memory", source->name);
  yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, size);
  LS_TRY(next(&r, &event)); /* stream start */
  yaml_event_delete(&event);
  LS_TRY(next(&r, &event));
  if (event.type != YAML_STREAM_END_EVENT) {
    yaml_event_delete(&event); /* document start */
    LS_TRY(next(&r, &event));
    LS_TRY(value(&r, &event, 0, &root));
    LS_TRY(next(&r, &event)); /* document end */
    yaml_event_delete(&event);
    LS_TRY(next(&r, &event));
    if (event.type != YAML_STREAM_END_EVENT) {
      st = fail_at(&r, &event, "a second document begins here; one file holds one configuration");
      yaml_event_delete(&event);
      goto out;
    }
  }
  yaml_event_delete(&event);
  if (!scalar_root) {
    if (root == NULL) LS_TRY(ls__config_node(LS__MAP, source, lines ? 1 : 0, NULL, &root));
    if (root->kind == LS__NULL) ls__config_clear(root, LS__MAP);
    if (root->kind == LS__SCALAR)
      LS_FAIL(LS_ECONFIG, "%s: this is no configuration, it must have lines of the form key: value",
              source->name);
  } else if (root == NULL) {
    LS_TRY(ls__config_node(LS__NULL, source, 0, NULL, &root));
  }
  *out = root;
  root = NULL;
out:
  for (size_t i = 0; i < r.n_anchors; i++) ls__free(r.anchors[i].name);
  ls__free(r.anchors);
  ls__lookup_reset(&r.names);
  yaml_parser_delete(&r.yaml);
  ls_config_destroy(root);
  return st;
}

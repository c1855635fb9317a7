/* Names made of settings: "runs/{name}-{optimizer.adam.lr}". */
#include <string.h>

#include "base/text.h"
#include "config/tree.h"

/* A text under way. */
typedef struct sink {
  char *text;
  size_t used, bytes;
} sink;

static void put(sink *to, char c) {
  if (to->used + 1 < to->bytes) to->text[to->used] = c;
  to->used++;
}

/* What may stand in the name of one folder; anything else becomes "_". */
static void put_value(sink *to, const char *value) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_.,=+@%";
  if (*value == '.') put(to, '_'); /* never ".." */
  for (; *value != '\0'; value++)
    put(to, strchr(allowed, *value) != NULL || (unsigned char)*value >= 0x80 ? *value : '_');
}

/* "digits" of "some/where/digits.yaml" */
static void put_name(sink *to, const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path,
             *dot = strrchr(name, '.');
  const size_t n = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
  char text[256];
  snprintf(text, sizeof text, "%.*s", (int)(n < 255 ? n : 255), name);
  put_value(to, text);
}

static bool is_of_output(const ls__config_override_record *o) {
  return o->path_size == 6 && strncmp(o->text, "output", 6) == 0;
}

/* Those of the command line, in their order. */
static void put_overrides(sink *to, const ls_config *root) {
  bool any = false;
  for (size_t i = 0; i < root->n_overrides; i++) {
    if (is_of_output(&root->overrides[i])) continue;
    if (any) put(to, ',');
    put_value(to, root->overrides[i].text);
    any = true;
  }
  if (!any) put_value(to, "default");
}

/* The setting of a dotted path; NULL: there is none. */
static const ls_config *setting(const ls_config *node, const char *path) {
  char part[256];
  while (node != NULL && *path != '\0') {
    const size_t n = strcspn(path, ".");
    if (n == 0 || n >= sizeof part) return NULL;
    memcpy(part, path, n);
    part[n] = '\0';
    size_t i = 0;
    if (node->kind == LS__LIST) {
      char *end = NULL;
      i = strtoul(part, &end, 10);
      if (end == part || *end != '\0') return NULL;
    } else {
      i = node->kind == LS__MAP ? ls__config_find(node, part) : node->count;
    }
    node = i < node->count ? node->child[i] : NULL;
    path += n + (path[n] == '.');
  }
  return node;
}

ls_status ls__config_expand(const ls_config *root, const char *key, char *text, size_t bytes) {
  ls_status st = LS_OK;
  const size_t at = ls__config_find(root, key);
  const ls_config *node = root->child[at];
  sink to = {text, 0, bytes};
  for (const char *c = node->text; *c != '\0'; c++) {
    if (*c != '{' && *c != '}') {
      put(&to, *c);
      continue;
    }
    if (c[1] == *c) { /* "{{" is "{" */
      put(&to, *c++);
      continue;
    }
    char name[LS__CONFIG_PATH];
    const size_t n = *c == '{' ? strcspn(c + 1, "{}") : 0;
    if (n == 0 || c[1 + n] != '}' || n >= sizeof name)
      LS_REFUSE(node,
                "\"%s\": between { and } the name of a setting is wanted, such as {train.batch}, "
                "or "
                "name, or overrides; {{ stands for {",
                node->text);
    memcpy(name, c + 1, n);
    name[n] = '\0';
    c += 1 + n;
    const ls_config *value = setting(root, name);
    if (strcmp(name, "name") == 0)
      put_name(&to, root->source->name);
    else if (strcmp(name, "overrides") == 0)
      put_overrides(&to, root);
    else if (value == NULL || value->kind == LS__NULL)
      LS_REFUSE(node, "{%s}: this configuration has no such setting", name);
    else if (value->was_name && value->count == 1)
      put_value(&to, value->child[0]->key);
    else if (value->kind != LS__SCALAR)
      LS_REFUSE(node, "{%s}: is a %s, and one value is wanted", name,
                value->kind == LS__LIST ? "list" : "map");
    else
      put_value(&to, value->text);
  }
  if (to.used >= bytes) LS_REFUSE(node, "\"%s\" becomes too long a path", node->text);
  text[to.used] = '\0';
  for (const char *part = text; *part != '\0';) {
    const size_t n = strcspn(part, "/");
    if (n > 255) /* as file systems have it */
      LS_REFUSE(node,
                "\"%s\" becomes a name of %zu letters; name single settings, such as "
                "{train.batch}",
                node->text, n);
    part += n + (part[n] == '/');
  }
out:
  return st;
}

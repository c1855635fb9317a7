/* A tree to YAML, by libyaml's emitter. */
#include <string.h>
#include <yaml.h>

#include "config/tree.h"

typedef struct sink {
  char *text;
  size_t used, capacity;
} sink;

/* libyaml's write handler: 1 is success. */
static int append(void *context, unsigned char *bytes, size_t n) {
  sink *s = context;
  if (s->used + n + 1 > s->capacity) {
    size_t capacity = 2 * s->capacity + n + 1;
    char *grown = realloc(s->text, capacity); /* the caller frees it with free() */
    if (grown == NULL) return 0;
    s->text = grown;
    s->capacity = capacity;
  }
  memcpy(s->text + s->used, bytes, n);
  s->used += n;
  s->text[s->used] = '\0';
  return 1;
}

/* Short maps and lists of scalars are written on one line; what holds a sign that means something
 * there is not. */
static bool on_one_line(const ls_config *node) {
  size_t length = 0;
  if (node->count == 0) return true;
  if (node->parent == NULL) return false;
  for (size_t i = 0; i < node->count; i++) {
    const ls_config *child = node->child[i];
    if (child->count > 0) return false;
    if (child->text != NULL && strpbrk(child->text, ",[]{}:?#&*!|>'\"%@`\n\\") != NULL)
      return false;
    length += 4 + (child->text == NULL ? 0 : strlen(child->text)) +
              (child->key == NULL ? 0 : strlen(child->key));
  }
  return length <= 72;
}

/* libyaml's functions take what they only read without const. */
static yaml_char_t *yaml_text(const char *text) {
  union {
    const char *in;
    yaml_char_t *out;
  } cast = {text};
  return cast.out;
}

static int emit_scalar(yaml_emitter_t *emitter, const char *text, bool quoted) {
  yaml_event_t event;
  return yaml_scalar_event_initialize(&event, NULL, NULL, yaml_text(text), (int)strlen(text),
                                      !quoted, 1,
                                      quoted ? YAML_SINGLE_QUOTED_SCALAR_STYLE
                                             : YAML_PLAIN_SCALAR_STYLE) &&
         yaml_emitter_emit(emitter, &event);
}

/* A key needs quotes where it would read as something else, or as nothing. */
static bool key_needs_quotes(const char *key) {
  return strcmp(key, "<<") == 0;
}

static int emit(yaml_emitter_t *emitter, const ls_config *node) {
  yaml_event_t event;
  if (node->kind == LS__NULL) return emit_scalar(emitter, "null", false);
  if (node->kind == LS__SCALAR) return emit_scalar(emitter, node->text, node->quoted);
  if (node->was_name && node->count == 1 && node->child[0]->count == 0)
    return emit_scalar(emitter, node->child[0]->key, false);
  const bool flow = on_one_line(node);
  if (node->kind == LS__LIST) {
    if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                              flow ? YAML_FLOW_SEQUENCE_STYLE
                                                   : YAML_BLOCK_SEQUENCE_STYLE) ||
        !yaml_emitter_emit(emitter, &event))
      return 0;
    for (size_t i = 0; i < node->count; i++)
      if (!emit(emitter, node->child[i])) return 0;
    return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
  }
  if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                           flow ? YAML_FLOW_MAPPING_STYLE
                                                : YAML_BLOCK_MAPPING_STYLE) ||
      !yaml_emitter_emit(emitter, &event))
    return 0;
  for (size_t i = 0; i < node->count; i++) {
    const char *key = node->child[i]->key;
    if (!emit_scalar(emitter, key, key_needs_quotes(key)) || !emit(emitter, node->child[i]))
      return 0;
  }
  return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

ls_status ls_config_write(const ls_config *root, char **text) {
  yaml_emitter_t emitter;
  yaml_event_t event;
  sink s = {0};
  *text = NULL;
  if (!yaml_emitter_initialize(&emitter))
    return ls__fail(LS_ENOMEM, "configuration: out of memory");
  yaml_emitter_set_output(&emitter, append, &s);
  yaml_emitter_set_unicode(&emitter, 1);
  yaml_emitter_set_width(&emitter, -1);
  int good = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
             yaml_emitter_emit(&emitter, &event) &&
             yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
             yaml_emitter_emit(&emitter, &event) && emit(&emitter, root) &&
             yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&emitter, &event) &&
             yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&emitter, &event);
  yaml_emitter_delete(&emitter);
  if (!good) {
    free(s.text);
    return ls__fail(LS_ENOMEM, "configuration: out of memory while writing it");
  }
  *text = s.text;
  return LS_OK;
}

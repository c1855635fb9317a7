/* Files, and the files that they are based on. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "config/tree.h"

/* A wrong name is the configuration's fault; that a file can't be read is the system's. */
static ls_status unread(int error) {
  return ls__file_is_none(error) || error == EISDIR ? LS_ECONFIG : LS_EIO;
}

/* Larger than any configuration; also keeps us from reading a dataset into memory by mistake. */
enum { MAX_BYTES = 16 << 20, MAX_CHAIN = 32 };

/* A file being read, and the one that asked for it. */
typedef struct file_link {
  const struct file_link *above;
  const char *path;
  dev_t device;
  ino_t inode;
  bool is_file;
} file_link;

static ls_status read_all(FILE *file, const char *path, char **text, size_t *size) {
  enum { FIRST = 1 << 14 };
  ls_status st = LS_OK;
  size_t capacity = 0, used = 0, n;
  char *buffer = NULL;
  do {
    if (used == MAX_BYTES)
      LS_FAIL(LS_ECONFIG, "%s: larger than %d MB, this is no configuration", path, MAX_BYTES >> 20);
    if (used == capacity) LS_TRY(ls__grow(&buffer, &capacity, used + FIRST, 1, path));
    errno = 0;
    n = fread(buffer + used, 1, capacity - used, file);
    used += n;
  } while (n > 0);
  if (ferror(file)) LS_FAIL(unread(errno), "%s: %s", path, strerror(errno));
  *text = buffer;
  *size = used;
  buffer = NULL;
out:
  ls__free(buffer);
  return st;
}

/* "a.yaml -> b.yaml -> a.yaml" into text. */
static void chain(const file_link *last, char *text, size_t size) {
  const file_link *links[MAX_CHAIN + 2];
  size_t n = 0, used = 0;
  for (const file_link *l = last; l != NULL && n < MAX_CHAIN + 2; l = l->above) links[n++] = l;
  text[0] = '\0';
  while (n-- > 0 && used < size) {
    int k = snprintf(text + used, size - used, "%s%s", links[n]->path, n == 0 ? "" : " -> ");
    if (k < 0) break;
    used += (size_t)k;
  }
}

/* Whether a place holds the name of one of several kinds: of the top level, or of an output in
 * `loss`. */
static bool is_kind_place(const ls_config *node) {
  static const char *const places[] = {"optimizer", "loss", "schedule", "compression", NULL};
  const ls_config *above = node->parent;
  if (above == NULL) return false;
  if (above->parent != NULL)
    return above->parent->parent == NULL && strcmp(above->key, "loss") == 0;
  for (size_t i = 0; places[i] != NULL; i++)
    if (strcmp(places[i], node->key) == 0) return true;
  return false;
}

/* The name in {NAME: {options}}, NULL: it is none.  A name beside others that are null is one. */
static const char *name_in(const ls_config *node) {
  const ls_config *named = NULL;
  for (size_t i = 0; i < node->count; i++) {
    if (node->child[i]->kind == LS__NULL && node->count > 1) continue;
    if (named != NULL) return NULL;
    named = node->child[i];
  }
  return named != NULL && (named->kind == LS__MAP || named->kind == LS__NULL) ? named->key : NULL;
}

/* Whether both name one of several kinds, and not the same one: the options of the one mean nothing
 * to the other.  A kind's options are a map or nothing; the losses of several outputs, by their
 * names, are as a rule neither, and stay. */
static bool is_other_kind(const ls_config *below, const ls_config *over) {
  if (!is_kind_place(below)) return false;
  const char *a = name_in(below), *b = name_in(over);
  if (a == NULL || b == NULL || strcmp(a, b) == 0) return false;
  /* In `loss`, {label_smoothing: null} is an option that is taken back. */
  return below->parent->parent == NULL || over->child[0]->kind == LS__MAP;
}

/* Lay `over` on top of `below`; takes over's children, leaves over to be destroyed. */
static ls_status merge(ls_config *below, ls_config *over) {
  for (size_t k = 0; k < over->count; k++) {
    ls_config *child = over->child[k];
    over->child[k] = NULL; /* there is no more looking for keys in it */
    size_t i = ls__config_find(below, child->key);
    if (i == below->count) {
      char *key = ls__strdup(child->key);
      ls_status st = key == NULL ? ls__fail(LS_ENOMEM, "configuration: out of memory")
                                 : ls__config_attach(below, key, child);
      ls__free(key);
      if (st != LS_OK) {
        ls_config_destroy(child);
        return st;
      }
    } else if (below->child[i]->kind == LS__MAP && child->kind == LS__MAP &&
               !is_other_kind(below->child[i], child)) {
      ls_status st = merge(below->child[i], child);
      below->child[i]->line = child->line;
      ls__config_source_drop(below->child[i]->source);
      below->child[i]->source = child->source;
      child->source->users++;
      ls_config_destroy(child);
      if (st != LS_OK) return st;
    } else {
      ls__config_replace(below->child[i], child);
    }
  }
  return LS_OK;
}

static ls_status load(const char *path, const file_link *above, const ls_config *asker,
                      ls_config **out);

/* If the tree says `base: FILE`, put that file's settings below its own. */
static ls_status apply_base(ls_config **root, const file_link *here) {
  ls_status st = LS_OK;
  ls_config *said = NULL, *below = NULL;
  char *path = NULL;
  if ((*root)->kind != LS__MAP) return LS_OK;
  size_t i = ls__config_find(*root, "base");
  if (i == (*root)->count) return LS_OK;
  ls_config *node = (*root)->child[i];
  if (node->kind == LS__LIST || node->kind == LS__MAP)
    LS_REFUSE(node, "must be the name of one file");
  if (node->kind == LS__NULL) {
    ls_config_destroy(ls__config_detach(*root, i));
    goto out;
  }
  if (node->text[0] == '\0') LS_REFUSE(node, "is empty, it must be a path");
  const char *slash = strrchr(here->path, '/');
  size_t folder = node->text[0] == '/' || slash == NULL ? 0 : (size_t)(slash - here->path) + 1;
  LS_TRY(ls__alloc(&path, folder + strlen(node->text) + 1, 1, "file name"));
  memcpy(path, here->path, folder);
  memcpy(path + folder, node->text, strlen(node->text) + 1);
  LS_TRY(load(path, here, node, &below));
  if (below->kind != LS__MAP) LS_REFUSE(node, "%s must hold a map of settings", path);
  said = ls__config_detach(*root, i);
  LS_TRY(merge(below, *root));
  ls__config_source_drop(below->source); /* the tree keeps the name of the first file */
  below->source = (*root)->source;
  below->source->users++;
  below->line = (*root)->line;
  ls_config_destroy(*root);
  *root = below;
  below = NULL;
out:
  ls_config_destroy(said);
  ls_config_destroy(below);
  ls__free(path);
  return st;
}

static ls_status parse(const char *text, size_t size, const file_link *here, ls_config **out) {
  ls_status st = LS_OK;
  ls__config_source *source = NULL;
  ls_config *root = NULL;
  LS_TRY(ls__config_source_create(here->path, &source));
  LS_TRY(ls__config_read(text, size, source, false, true, &root));
  LS_TRY(apply_base(&root, here));
  *out = root;
  root = NULL;
out:
  ls_config_destroy(root);
  ls__config_source_drop(source);
  return st;
}

/* Files; and what a shell gives as one, /dev/stdin and <(...): another pipe may never end. */
static bool is_readable_kind(const char *path, const struct stat *about) {
  static const char *const streams[] = {"/dev/stdin", "/dev/fd/", "/proc/self/fd/"};
  if (S_ISREG(about->st_mode)) return true;
  for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
    if (strncmp(path, streams[i], strlen(streams[i])) == 0) return !S_ISDIR(about->st_mode);
  return false;
}

static const char *not_a_file(const struct stat *about) {
  return S_ISDIR(about->st_mode)    ? strerror(EISDIR)
         : S_ISFIFO(about->st_mode) ? "is a pipe, and a file is wanted"
                                    : "is a device, and a file is wanted";
}

/* asker: the `base:` node that wants this file, or NULL. */
static ls_status load(const char *path, const file_link *above, const ls_config *asker,
                      ls_config **out) {
  ls_status st = LS_OK;
  char *text = NULL;
  size_t size = 0, length = 0;
  struct stat about;
  file_link here = {.above = above, .path = path, .is_file = true};
  FILE *file = NULL;
  if (stat(path, &about) == 0 && !is_readable_kind(path, &about)) {
    (void)(asker == NULL ? ls__fail(LS_ECONFIG, "%s: %s", path, not_a_file(&about))
                         : ls__config_fail(asker, "%s: %s", path, not_a_file(&about)));
    st = LS_ECONFIG;
    goto out;
  }
  file = fopen(path, "rb");
  if (file == NULL || fstat(fileno(file), &about) != 0) {
    st = unread(errno);
    if (asker == NULL)
      (void)ls__fail(st, "%s: %s", path, strerror(errno));
    else
      (void)ls__config_fail(asker, "%s: %s", path, strerror(errno));
    goto out;
  }
  here.device = about.st_dev;
  here.inode = about.st_ino;
  for (const file_link *l = above; l != NULL; l = l->above, length++) {
    if ((!l->is_file || l->device != here.device || l->inode != here.inode) && length < MAX_CHAIN)
      continue;
    char text_of_chain[512];
    chain(&here, text_of_chain, sizeof text_of_chain);
    LS_REFUSE(asker, "%s: %s", length < MAX_CHAIN ? "a circle of files" : "too many files in a row",
              text_of_chain);
  }
  LS_TRY(read_all(file, path, &text, &size));
  LS_TRY(parse(text, size, &here, out));
out:
  if (file != NULL) fclose(file);
  ls__free(text);
  return st;
}

ls_status ls_config_load(const char *path, ls_config **out) {
  *out = NULL;
  return load(path, NULL, NULL, out);
}

ls_status ls_config_parse(const char *text, const char *name, ls_config **out) {
  file_link here = {.path = name};
  *out = NULL;
  return parse(text, strlen(text), &here, out);
}

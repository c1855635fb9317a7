/* What a configuration is made of: for the sources of this room alone. */
#ifndef LS_CONFIG_TREE_H
#define LS_CONFIG_TREE_H

#include "base/lookup.h"
#include "config/config.h"

/* Bounds on what a file may hold, aliases expanded: a real configuration has a few hundred
 * nodes, and recursion over a tree this deep is safe.  Text is that of keys and scalars. */
enum {
  LS__CONFIG_DEPTH = 64,
  LS__CONFIG_NODES = 100000,
  LS__CONFIG_KEYS = 10000,
  LS__CONFIG_TEXT_MB = 16
};

/* What of these bounds is left. */
typedef struct ls__config_room {
  size_t nodes, bytes;
} ls__config_room;

/* Where a node was read: a file or an override; counted, because every node points at one. */
typedef struct ls__config_source {
  size_t users;
  char name[];
} ls__config_source;

/* An override that has been applied (the root keeps them, to find contradictions). */
typedef struct ls__config_override_record {
  char *text;       /* "a.b=3" */
  size_t path_size; /* bytes in front of the equals sign */
  bool leaf;        /* set a scalar, a list or nothing: no other override may go below */
} ls__config_override_record;

/* Finding keys in a large map. */
typedef struct ls__config_index {
  ls__lookup keys;  /* of the children, by their place: all of them, or it is not used */
  ls__lookup asked; /* by their place in `asked` */
} ls__config_index;

struct ls_config {
  ls__config_kind kind;
  bool quoted;   /* scalar in quotes: text, whatever it looks like */
  bool was_name; /* {NAME: {}} that the file wrote as NAME */
  bool known;    /* in a map: a getter has asked for it */
  char *key;     /* in a map */
  char *text;    /* of a scalar */
  size_t line;   /* from 1; 0: none (an override) */
  ls__config_source *source;
  ls_config *parent;
  ls_config **child; /* [count] of a list or map */
  size_t count, capacity;
  char **asked; /* [n_asked] keys of this map that somebody knows, there or not */
  size_t n_asked, asked_capacity;
  ls__config_index *index;               /* NULL: a small map, or none */
  char *prefix;                          /* path of the node that this root is a copy of */
  ls__config_override_record *overrides; /* [n_overrides], root only */
  size_t n_overrides, overrides_capacity;
  ls__lookup paths; /* of the overrides, and the paths above them: by the override's place */
};

LS_CHECKED ls_status ls__config_source_create(const char *name, ls__config_source **out);
void ls__config_source_drop(ls__config_source *source);

/* A node without parent.  Takes a share in the source.  `text` is copied; NULL: none. */
LS_CHECKED ls_status ls__config_node(ls__config_kind kind, ls__config_source *source, size_t line,
                                     const char *text, ls_config **out);
/* Hang a node below a list or map (key copied; NULL in a list).  Takes the node when it succeeds.
 */
LS_CHECKED ls_status ls__config_attach(ls_config *parent, const char *key, ls_config *node);
/* Take child i out; the caller owns it. */
ls_config *ls__config_detach(ls_config *parent, size_t i);
/* Turn a node into an empty one of this kind, in its place in the tree. */
void ls__config_clear(ls_config *node, ls__config_kind kind);
/* Give `to` the contents and origin of `from` (which is freed); `to` keeps its key and parent. */
void ls__config_replace(ls_config *to, ls_config *from);

/* Index of a key in a map, or count; of a key that has been asked for, or n_asked. */
size_t ls__config_find(const ls_config *map, const char *key);
size_t ls__config_find_asked(const ls_config *map, const char *key);
/* Note a key as asked for. */
LS_CHECKED ls_status ls__config_add_asked(ls_config *map, const char *key);

/* Copy with bounds: *room counts down, depth is the copy's place in the tree. */
LS_CHECKED ls_status ls__config_copy_bounded(const ls_config *node, size_t depth,
                                             ls__config_room *room, ls_config **out);
/* Take a node with a text of so many bytes from the room, or an LS_ECONFIG at this line. */
LS_CHECKED ls_status ls__config_take_room(ls__config_room *room, size_t bytes,
                                          const ls__config_source *source, size_t line);
size_t ls__config_depth(const ls_config *node);  /* levels above */
size_t ls__config_height(const ls_config *node); /* levels from here down, at least 1 */

/* Write "model.2.dense" into text, cut at `size` bytes. */
void ls__config_path(const ls_config *node, char *text, size_t size);

/* YAML text to a tree.  Empty text gives an empty map; `scalar`: the root may be a scalar or
 * null.  Lines count from `line` (0: the nodes get no line). */
LS_CHECKED ls_status ls__config_read(const char *text, size_t size, ls__config_source *source,
                                     bool scalar, bool lines, ls_config **out);

#endif

/* What a configuration may say, as tables.
 *
 * A row of an option table says what a key is called, what it may be, what it is when it isn't
 * given, and what it means.  A kind is a thing with a name and such a table: a layer, a loss, an
 * optimizer.  A registry lists the kinds that may stand in one place of a configuration.  Reading,
 * messages, `lockstep help KEY` and the reference in README.md of this room are all made from these
 * rows, so that a key that is read is a key that is described.  All local. */
#ifndef LS_CONFIG_REGISTRY_H
#define LS_CONFIG_REGISTRY_H

#include "config/config.h"

/* ---- Options ---- */

typedef enum ls__option_type {
  LS__OPTION_WHOLE,  /* uint64_t */
  LS__OPTION_SIZE,   /* size_t */
  LS__OPTION_NUMBER, /* double */
  LS__OPTION_SWITCH, /* bool */
  LS__OPTION_CHOICE, /* int: index of one of `choices` */
  LS__OPTION_TEXT,   /* const char *, owned by the tree */
  LS__OPTION_BY_HAND /* read by the code around the table, and described here */
} ls__option_type;

/* One key.  Rows are written with the macros below. */
typedef struct ls__option {
  const char *key; /* NULL: the end of the table */
  ls__option_type type;
  size_t offset;        /* of the field, in the struct that is filled */
  const char *fallback; /* as YAML text; NULL: the key is required */
  double low, high;     /* of numbers, inclusive; HUGE_VAL: no bound */
  const char *const *choices;
  const char *form; /* by hand: what it may be, in the reference's words */
  const char *what; /* what it means, in the reference's words; NULL: its name says it */
} ls__option;

/* `in` is the struct that is filled, and the key the name of its field. */
#define LS__WHOLE(in, key, fallback, low, high, what) \
  { #key, LS__OPTION_WHOLE, offsetof(in, key), fallback, low, high, NULL, NULL, what }
#define LS__SIZE(in, key, fallback, low, high, what) \
  { #key, LS__OPTION_SIZE, offsetof(in, key), fallback, low, high, NULL, NULL, what }
#define LS__NUMBER(in, key, fallback, low, high, what) \
  LS__NUMBER_AS(in, key, #key, fallback, low, high, what)
#define LS__NUMBER_AS(in, field, name, fallback, low, high, what) \
  { name, LS__OPTION_NUMBER, offsetof(in, field), fallback, low, high, NULL, NULL, what }
#define LS__SWITCH(in, key, fallback, what) \
  { #key, LS__OPTION_SWITCH, offsetof(in, key), fallback, 0, 0, NULL, NULL, what }
#define LS__CHOICE(in, key, fallback, choices, what) \
  { #key, LS__OPTION_CHOICE, offsetof(in, key), fallback, 0, 0, choices, NULL, what }
#define LS__TEXT(in, key, fallback, what) \
  { #key, LS__OPTION_TEXT, offsetof(in, key), fallback, 0, 0, NULL, NULL, what }
/* fallback is for the reference alone here: "" for a key that may be missing. */
#define LS__BY_HAND(key, form, fallback, what) \
  { key, LS__OPTION_BY_HAND, 0, fallback, 0, 0, NULL, form, what }
#define LS__END \
  { NULL, LS__OPTION_BY_HAND, 0, NULL, 0, 0, NULL, NULL, NULL }

/* Read all rows but those by hand from a map into the struct; does not finish the map. */
LS_CHECKED ls_status ls__options_read(const ls__option *table, ls_config *map, void *into);

/* Whether a table has a row of this key. */
bool ls__option_in(const ls__option *table, const char *key);

/* What a row may be, in the reference's words: "number", "`mean` `sum`". */
enum { LS__FORM_BYTES = 256 };
const char *ls__option_form(const ls__option *option, char text[LS__FORM_BYTES]);

/* ---- Kinds ---- */

/* The first member of every kind's struct, so that a pointer to one is a pointer to the other. */
typedef struct ls__kind {
  const char *name; /* as in the configuration */
  const char *what; /* a line of the reference: what it is, with its formula if that is short */
  const ls__option *options; /* of its own; NULL: none */
} ls__kind;

typedef struct ls__registry {
  const char *noun;             /* what its kinds are: "loss" */
  const ls__kind *const *kinds; /* NULL-terminated */
  const ls__kind *const *added; /* NULL-terminated: of the caller of the library; NULL: none */
  const ls__option *common;     /* options of every kind; NULL: none */
} ls__registry;

/* Kind i, in the order of the tables, or NULL beyond the last. */
const ls__kind *ls__registry_at(const ls__registry *registry, size_t i);
/* The kind of this name, or NULL. */
const ls__kind *ls__registry_find(const ls__registry *registry, const char *name);
/* The kind of this name; LS_ECONFIG at the node says what is known and what may have been meant. */
LS_CHECKED ls_status ls__registry_need(const ls__registry *registry, const ls_config *node,
                                       const char *name, const ls__kind **kind);
/* Read `NAME` or `{NAME: {options}}`: its kind, and the map of its options. */
LS_CHECKED ls_status ls__registry_read(const ls__registry *registry, ls_config *node,
                                       const ls__kind **kind, ls_config **options);
/* "a, b, c", cut at `bytes`. */
const char *ls__registry_names(const ls__registry *registry, char *text, size_t bytes);

/* ---- Sections ---- */

/* A place in a configuration, for help and reference: a map of options, or one of some kinds. */
typedef struct ls__section {
  const char *path;             /* "train", "data.split", "optimizer"; "" for the top */
  const char *what;             /* a line about it */
  const ls__option *options;    /* NULL: none */
  const ls__registry *registry; /* NULL: none */
} ls__section;

#endif

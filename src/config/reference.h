/* The reference that the tables of registry.h make: what help, README and completion show.
 *
 * `rooms` is a list, ended by NULL, of lists of sections, each ended by path NULL.  An entry's key
 * in full is PATH, PATH.KIND, PATH.OPTION or PATH.KIND.OPTION; PATH.*.OPTION describes once an
 * option that all kinds of a section have. */
#ifndef LS_CONFIG_REFERENCE_H
#define LS_CONFIG_REFERENCE_H

#include <lockstep/help.h>

#include "config/registry.h"

enum { LS__REFERENCE_KEY = 192 };

typedef struct ls__reference_entry {
  ls_help_is is;
  const ls__section *section;
  const ls__kind *kind;     /* NULL: of the section itself */
  const ls__option *option; /* of a section: the row that describes it elsewhere, or NULL */
  bool repeats;             /* PATH.KIND.OPTION where PATH.*.OPTION came before */
  char key[LS__REFERENCE_KEY];
} ls__reference_entry;

typedef ls_status (*ls__reference_visit)(const ls__reference_entry *entry, void *context);

/* Section i of all, or NULL beyond the last. */
const ls__section *ls__reference_section(const ls__section *const *rooms, size_t i);
/* Whether the section is described with another: "data.split" with "data". */
bool ls__reference_nested(const ls__section *const *rooms, const ls__section *section);
/* The row that has this key in full, kinds' options aside, or NULL: how a section describes the map
 * or list that another section is. */
const ls__option *ls__reference_row(const ls__section *const *rooms, const char *key);
/* Whether what is at this path is a list; whether KEY=VALUE may name it. */
bool ls__reference_is_list(const ls__section *const *rooms, const char *path);
bool ls__reference_assignable(const ls__section *const *rooms, const ls__reference_entry *entry);
/* Whether a configuration has this path at all: initialisers have a section, but no place of their
 * own.  True where no section describes the top. */
bool ls__reference_has_place(const ls__section *const *rooms, const char *path);

/* All entries in the tables' order; a row for a section that has entries of its own is left out. */
LS_CHECKED ls_status ls__reference_walk(const ls__section *const *rooms, ls__reference_visit visit,
                                        void *context);
/* The same for everybody: see ls_help_each. */
LS_CHECKED ls_status ls__reference_each(const ls__section *const *rooms, ls_help_visit visit,
                                        void *context);
/* Entries whose key ends with the name's components, indices of lists in it aside. */
LS_CHECKED ls_status ls__reference_find(const ls__section *const *rooms, const char *name,
                                        ls__reference_visit visit, void *context);
/* The key, or the end of one, nearest to the name; NULL: none is near. */
const char *ls__reference_nearest(const ls__section *const *rooms, const char *name,
                                  char text[LS__REFERENCE_KEY]);

/* What goes into the columns of a table. */
enum { LS__REFERENCE_CELL = LS__FORM_BYTES };
const char *ls__reference_range(const ls__option *option, char text[LS__REFERENCE_CELL]);
/* A line of YAML with the option, or with what the kind or the section needs. */
enum { LS__REFERENCE_EXAMPLE = 512 };
void ls__reference_example(const ls__section *const *rooms, const ls__reference_entry *entry,
                           char text[LS__REFERENCE_EXAMPLE]);

/* Print: the sections, a line each; all that fits a name (LS_EUSAGE: none does); everything; all
 * keys, a line each; everything in Markdown. */
void ls__reference_overview(const ls__section *const *rooms, FILE *out);
LS_CHECKED ls_status ls__reference_print(const ls__section *const *rooms, const char *name,
                                         FILE *out);
void ls__reference_all(const ls__section *const *rooms, FILE *out);
void ls__reference_keys(const ls__section *const *rooms, FILE *out);
void ls__reference_markdown(const ls__section *const *rooms, FILE *out);

#endif

/** @file
 * The reference of the configuration: every key, made from the tables that it is read by. */
#ifndef LOCKSTEP_HELP_H
#define LOCKSTEP_HELP_H

#include <lockstep/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Print what a key means, what it may be and an example.
 *
 * Local.  A section ("train"), something with a name and options ("adam"), or an option, written as
 * far as one likes: "lr", "adam.lr", "optimizer.adam.lr".  Of several that fit, all are printed.
 *
 * @param key  NULL: an overview of all sections
 * @return     LS_EUSAGE: no such key; the message says which may have been meant */
LS_PUBLIC LS_CHECKED ls_status ls_help(const char *key, FILE *out);

/** Print everything.  Local.  @return LS_EIO */
LS_PUBLIC LS_CHECKED ls_status ls_help_all(FILE *out);

/** Print all keys in full, one a line.  Local.  @return LS_EIO */
LS_PUBLIC LS_CHECKED ls_status ls_help_keys(FILE *out);

/** Print everything as tables of Markdown.  Local.  @return LS_EIO */
LS_PUBLIC LS_CHECKED ls_status ls_help_markdown(FILE *out);

/** The kinds of entries of the reference. */
typedef enum ls_help_is {
  LS_HELP_SECTION, /**< a place in a configuration: "train", "optimizer" */
  LS_HELP_KIND,    /**< what a place accepts by name: "optimizer.adam" */
  LS_HELP_OPTION   /**< "train.batch", "optimizer.adam.lr" */
} ls_help_is;

/** An entry of the reference; valid during the visit. */
typedef struct ls_help_entry {
  ls_help_is is;
  const char *key;      /**< in full; an option of all kinds of a section is "schedule.*.NAME" */
  const char *what;     /**< its meaning, in Markdown; may be empty */
  const char *type;     /**< "number", "`mean` `sum`"; may be empty */
  const char *range;    /**< "from 0", "1 to 8"; empty: no bounds */
  const char *fallback; /**< the default; NULL: required; empty: not set */
  const char *const *choices; /**< [ends with NULL] what it may be; NULL: anything of its type */
  bool repeats;               /**< "schedule.cosine.NAME", which "schedule.*.NAME" has described */
  bool assignable;            /**< KEY=VALUE accepts the key as it is */
} ls_help_entry;

/** Called for each entry; a status other than LS_OK ends the walk. */
typedef ls_status (*ls_help_visit)(const ls_help_entry *entry, void *context);

/** Visit all entries, sections first, then what is in them, until a visit fails.
 * Local.
 * @param context  given to visit
 * @return         the status of the last visit */
LS_PUBLIC LS_CHECKED ls_status ls_help_each(ls_help_visit visit, void *context);

/** The nearest to a misspelt name, or what is meant by one of Keras or PyTorch; NULL where none is
 * near.
 *
 * Local.
 * @param name   as it was typed
 * @param names  [n]; NULL: all keys of the reference
 * @return       one of the names; of the reference valid until this thread's next call */
LS_PUBLIC const char *ls_help_nearest(const char *name, const char *const *names, size_t n);

/** The setting that a word means which is no option of the program: "train.batch" of "batch-size",
 * "optimizer.NAME.lr" of "lr"; or NULL.  Local; valid until this thread's next call.  NAME and N in
 * it stand for what the configuration has there. */
LS_PUBLIC const char *ls_help_setting(const char *word);

/** Print a line of help: `left` in `width` columns, beside it the text, wrapped at column 100.
 *
 * Local.  Widths count code points; newlines are kept.
 * @param left  NULL: a paragraph, the text alone */
LS_PUBLIC void ls_help_row(FILE *out, size_t indent, size_t width, const char *left,
                           const char *text);

#ifdef __cplusplus
}
#endif

#endif

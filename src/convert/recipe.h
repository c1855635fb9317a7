/* Recipes: how a table was read, so that another one can be read in just the same way.
 *
 * `convert csv` writes one beside the inputs that it makes (attribute `recipe` of /PART/x, or where
 * there is no x of each category); training keeps it with the network (ls_model.recipe, attribute
 * `recipe` of a checkpoint).  Whoever has the text makes the inputs of another table with it:
 *
 *   ls__recipe_job job = {
 *       .recipe = text, .origin = "final.h5", .path = "new.csv", .output = "t.h5"};
 *   LS_TRY(ls__recipe_run(&job));
 *
 * makes t.h5 with /test/x and the categories that the network takes (/test/user), a row a row of
 * the table, in its order; columns, words, units and what stands for missing are those of the
 * training.  Columns are found by their names, in any order, where the training's table had names.
 * Targets, weights, groups and columns that were left out may be missing; other columns are passed
 * over, and a note says so.  LS_EDATA names file, line and column: of a word or category that the
 * network wasn't trained on, a value of another unit or kind, a value that is missing (unless the
 * training's were replaced by means: then by the same).
 *
 * The text is JSON, a column a line, in the order of the table; columns that become several
 * elements of x (words, dates in parts) say which, and `means` what stands for a missing value of
 * each:
 *
 *   {"recipe":1,"delimiter":",","runs":false,"header":true,"units":false,"encoding":"utf-8",
 *    "quote":"\"","comment":null,"skip_lines":0,"date":"iso","missing":"error",
 *    "missing_words":null,"x_type":"float32","y_type":"float32","columns":[
 *     {"name":"width","role":"input","kind":"number","decimal":"point","grouped":false,"unit":"",
 *      "mean":2.5},
 *     {"name":"made","role":"input","kind":"date","zone":false,"mean":1.7e9,"timed":true,
 *      "parts":["",".year",...],"means":[...]},
 *     {"name":"material","role":"input","kind":"words","words":["iron","steel"],"means":[...]},
 *     {"name":"user","role":"category","array":"user"},
 *     {"name":"price","role":"target","place":0,"kind":"number",...},
 *     {"name":"kind","role":"target","kind":"class","classes":["a","b"]},
 *     {"name":"w","role":"weight"}, {"name":"run","role":"group"}, {"name":"id","role":"unused"}]}
 *
 * "units": a line of units stands below the names.  "added": the column is none of the table's own,
 * but its file's name, or joined from another table.
 *
 * Of sounds (convert audio) the recipe is a line, LS__RECIPE_SOUND and how features were made of
 * them: it makes nothing, and is compared.
 *
 * All is local: one rank calls. */
#ifndef LS_CONVERT_RECIPE_H
#define LS_CONVERT_RECIPE_H

#define LS__RECIPE_SOUND "sound: "

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The values of a category, as the network counts them (ls_model.input_classes). */
typedef struct ls__recipe_values {
  const char *array; /* the name of the input */
  const char *const *name;
  size_t n;
} ls__recipe_values;

typedef struct ls__recipe_job {
  const char *recipe; /* the text */
  const char *origin; /* where it comes from, for messages */
  const char *path;   /* the table; gzip-compressed or not */
  const char *output; /* the HDF5 file to make */
  /* Also the targets, /test/y, if the table has all of them (has_targets says so). */
  bool targets;
  /* Where they are given, categories get these numbers, and one that isn't among them is an error;
   * of a category that isn't named here the values are counted anew, and kept as `classes`. */
  const ls__recipe_values *known; /* [n_known] */
  size_t n_known;
  /* Columns of the table to be handed on as text, by name or number, row by row; empty fields are
   * "".  `see` may be NULL where n_keep is 0. */
  const char *const *keep; /* [n_keep] */
  size_t n_keep;
  ls_status (*see)(void *context, size_t row, const char *const *text);
  void *context;
  bool quiet; /* no notes on standard error */
  /* Set by it: */
  size_t rows;
  bool has_targets;
} ls__recipe_job;

LS_CHECKED ls_status ls__recipe_run(ls__recipe_job *job);

/* Roles of columns by ls__csv_role, as a recipe calls them; they end with NULL. */
extern const char *const ls__recipe_roles[];
struct ls__csv_table;
/* The text of a table that was decided on; owned by the caller (ls__free). */
LS_CHECKED ls_status ls__recipe_write(const struct ls__csv_table *table, char **text);

#endif

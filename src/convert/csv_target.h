/* The single target of a table: is it a class, or a number?  All rows decide. */
#ifndef LS_CONVERT_CSV_TARGET_H
#define LS_CONVERT_CSV_TARGET_H

#include "convert/classes.h"
#include "convert/csv_column.h"
#include "data/data.h"

typedef enum ls__csv_kind { LS__CSV_UNDECIDED, LS__CSV_NUMBERS, LS__CSV_CLASSES } ls__csv_kind;

/* A field to tell of. */
typedef struct ls__csv_place {
  char text[24];
  size_t line;
  const char *path;
} ls__csv_place;

/* The first is kept. */
void ls__csv_place_set(ls__csv_place *place, const ls__csv *csv, const char *text);

typedef struct ls__csv_target {
  ls__csv_kind kind;
  bool asked;    /* by --label */
  size_t column; /* its place in the table */
  ls__classes classes;
  bool many;    /* more names than there can be classes, of which `classes` has the first */
  bool stopped; /* names are no longer collected: these are measures */
  bool padded;  /* some have zeros or a + in front */
  uint64_t numbers, texts, maybes;
  ls__csv_place text, maybe, beyond, pad, large; /* the first of each; large: for a float */
  ls__csv_fit unfit;                             /* how text.text didn't go with the numbers */
  size_t maybe_rows[LS__PARTS];                  /* that hold "none" and the like */
} ls__csv_target;

/* Note a field that isn't missing; x as ls__csv_column_add has it, NaN where it is no number. */
LS_CHECKED ls_status ls__csv_target_add(ls__csv_target *target, ls__csv_column *column,
                                        const ls__csv *csv, const ls__csv_options *own,
                                        double x[2]);
/* A field that is a label, or else means nothing. */
LS_CHECKED ls_status ls__csv_target_maybe(ls__csv_target *target, const ls__csv *csv,
                                          ls_split split);
/* After the first pass, `rows` of which were kept. */
LS_CHECKED ls_status ls__csv_target_decide(ls__csv_target *target, const ls__csv_column *column,
                                           const ls__csv_plan *plan, uint64_t rows,
                                           ls__csv_notes *notes);

#endif

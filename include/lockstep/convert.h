/** @file
 * Other files: making a dataset from them, looking into one. */
#ifndef LOCKSTEP_CONVERT_H
#define LOCKSTEP_CONVERT_H

#include <lockstep/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How files of a format become a dataset; start from zeros, then set what you need. */
typedef struct ls_convert_options {
  const char *format;         /**< "csv", "idx", ...: ls_convert_format_at has them all */
  const char *const *sources; /**< files, as the format wants them */
  int n_sources;
  const char *output;         /**< the HDF5 file to make */
  const char *const *options; /**< the format's own, as "NAME=VALUE"; the last of a name counts */
  int n_options;
  double validation, test; /**< shares drawn by seed from the training rows, 0 to 1 */
  unsigned long long seed;
  int gzip;      /**< compression of the output, 0 to 9 */
  bool no_hints; /**< don't tell what a configuration for it has to say */
  bool
      progress; /**< a line of progress on standard error, and what was decided; warnings are told anyway */
} ls_convert_options;

/** Convert files to an HDF5 dataset, in constant memory.
 *
 * Local.  Gzip-compressed sources are read as they are.  Nothing appears at options->output until
 * all of it is written.
 * @return LS_EUSAGE, LS_EDATA ("FILE:LINE: column N: ..."), LS_EIO, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_convert(const ls_convert_options *options);

/** An option of a format. */
typedef struct ls_convert_option {
  const char *name;
  char form[128]; /**< what a value may be: "COLUMNS", "auto|yes|no" */
  char what[512]; /**< its meaning, and its default */
} ls_convert_option;

/** A format, as help describes it. */
typedef struct ls_convert_format {
  const char *name, *what;
  const char *sources; /**< "IMAGES LABELS [TEST-IMAGES TEST-LABELS]" */
  size_t n_options;
  ls_convert_option option[32];
} ls_convert_format;

/** Describe format i, counted from 0 in the order of the help; false beyond the last.  Local.
 * @param format  filled in; its texts are static */
LS_PUBLIC bool ls_convert_format_at(size_t i, ls_convert_format *format);

/** Print what an HDF5 file holds, a dataset or a checkpoint.
 *
 * Local.
 * @param json  one JSON object, not words
 * @return      LS_EIO, LS_EDATA, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_inspect(const char *path, bool json, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

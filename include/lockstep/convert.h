/** @file
 * Other files: making a dataset from them, looking into one. */
#ifndef LOCKSTEP_CONVERT_H
#define LOCKSTEP_CONVERT_H

#include <lockstep/status.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How files of a format become a dataset; start from zeros, then set what you need. */
typedef struct ls_convert_options {
  const char *format;         /**< "csv", "idx", ...: ls_convert_help shows them all */
  const char *const *sources; /**< files, as the format wants them */
  int n_sources;
  const char *output;         /**< the HDF5 file to make */
  const char *const *options; /**< the format's own options, as "NAME=VALUE"; of two of one name the last counts */
  int n_options;
  double validation, test;    /**< shares drawn by seed from the training rows, 0 to 1 */
  unsigned long long seed;
  int gzip;                   /**< compression of the output, 0 to 9 */
  bool progress;              /**< a line of progress on standard error */
} ls_convert_options;

/** Convert files to an HDF5 dataset, in constant memory.
 *
 * Local.  Gzip-compressed sources are read as they are.  Nothing appears at options->output until
 * all of it is written.
 * @return LS_EUSAGE, LS_EDATA ("FILE:LINE: column N: ..."), LS_EIO, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_convert(const ls_convert_options *options);

/** Print what each format is, the sources it takes and its own options.
 * Local.  @param format  one of them alone; NULL or a name that isn't known: all */
LS_PUBLIC void ls_convert_help(FILE *out, const char *format);

/** Print what an HDF5 file holds: dataset or checkpoint, in words or as JSON.
 * Local.  @return LS_EIO, LS_EDATA */
LS_PUBLIC LS_CHECKED ls_status ls_inspect(const char *path, bool json, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

/** @file
 * A first configuration for a dataset, by what it looks like. */
#ifndef LOCKSTEP_PROPOSE_H
#define LOCKSTEP_PROPOSE_H

#include <lockstep/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What whole numbers, one a row, are as a target. */
typedef enum ls_propose_label {
  LS_LABEL_AUTO,  /**< guessed */
  LS_LABEL_CLASS, /**< classes, from 0 on */
  LS_LABEL_NUMBER /**< numbers */
} ls_propose_label;

/** What is known of a dataset beforehand; start from zeros, then set what you need. */
typedef struct ls_propose_options {
  const char *const *files; /**< [n_files] HDF5 files, or patterns of such, read as one */
  size_t n_files;
  const char *const *inputs;  /**< [n_inputs] datasets such as "/a"; without a leading `/` in a file
                                   with a group `train`: those of the groups */
  size_t n_inputs;            /**< 0: guessed by names and sizes */
  const char *const *targets; /**< [n_targets] the same; "inputs" alone: learn to reproduce them */
  size_t n_targets;
  const char *axis; /**< the dimension that counts samples, "0", "-1", ...; NULL: the first, or as
                         MATLAB writes them */
  const char *time; /**< the dimension that is time: the next state is learnt from this one; "none";
                         NULL: one that is called so */
  ls_propose_label label;
  const char *origin; /**< a line on how the file was made, for the configuration's first lines; or
                           NULL */
} ls_propose_options;

/** What comes of it. */
typedef struct ls_proposed {
  char *yaml;    /**< the configuration; the caller's, as `remarks`: free() them */
  char *remarks; /**< what was guessed, a line each */
  bool table;    /**< predictions suit a table, a few columns a sample; else an HDF5 file */
  bool test;     /**< there will be a test part */
  bool text;     /**< it tells the next token of a text, which `lockstep generate` goes on with */
} ls_proposed;

/** Look at an HDF5 file and write a commented configuration that trains a network on it: what is
 * learnt, the loss, the network, its sizes, and for how long.
 *
 * Local.  `*proposed` is empty after an error.  Of large arrays so many rows are looked at as fit
 * into 32 MB, spread over the files; of arrays of one number a row all of them.  The same files give
 * the same text.
 * @return LS_EUSAGE: it can't be told what is learnt from what (the message lists the datasets), or
 *         a name is wrong; LS_EDATA: the file is a checkpoint, holds nothing to learn, or infinite
 *         numbers; LS_EIO, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_propose(const ls_propose_options *options, ls_proposed *proposed);

#ifdef __cplusplus
}
#endif

#endif

/** @file
 * Checkpoints: networks on disk, as HDF5 files that know no ranks and that h5py reads.
 *
 *   /parameters/LAYER/NAME            float32, the parameter's own shape; of a layer in blocks
 *                                     LAYER is BLOCK/LAYER, and so groups in groups
 *   /optimizer/SLOT/LAYER/NAME        float32; absent from a network saved by ls_model_save
 *   /normalization/{x,y}_{mean,rstd}  x' = (x - mean) * rstd; absent without normalisation
 *   attributes of /: format, version, config (YAML), input_shape, classes, step, epoch, ...
 *
 * The file begins with a seal (HDF5's user block): a hash of all that follows, compared before HDF5
 * opens it.  A file without one, as other programs make it, is read with a line on standard
 * error. */
#ifndef LOCKSTEP_CHECKPOINT_H
#define LOCKSTEP_CHECKPOINT_H

#include <lockstep/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Load a network from a checkpoint file, or from a run directory: its final checkpoint, else its
 * best, else its newest whole one, with a line on standard error for each that is passed over.  Its
 * weights are their average, where the run kept one.
 *
 * Local; needs no MPI.
 * @param path   the file, or the run directory
 * @param model  owned by the caller
 * @return       LS_EIO, LS_ECHECKPOINT, LS_EVERSION, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_model_load(const char *path, ls_model **model);

/** Save a network, without what a resumed training needs.  Local; the file appears whole or not
 * at all.  @return LS_EIO, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_model_save(const ls_model *model, const char *path);

#ifdef __cplusplus
}
#endif

#endif

/* Kinds of files by their names (prediction.h). */
#include "train/prediction.h"

#include <string.h>
#include <strings.h>

static const ls__prediction_kind *const kinds[] = {&ls__prediction_hdf5, &ls__prediction_sheet,
                                                   &ls__prediction_npy};

bool ls__prediction_ends(const char *path, const char *ending, bool *gzip) {
  size_t n = strlen(path);
  const size_t k = strlen(ending);
  const bool packed = gzip != NULL && n > 3 && strcasecmp(path + n - 3, ".gz") == 0;
  if (packed) n -= 3;
  if (gzip != NULL) *gzip = packed;
  return n > k && path[n - k - 1] != '/' && strncasecmp(path + n - k, ending, k) == 0;
}

ls_status ls__prediction_kind_of(const char *path, const ls__prediction_kind **kind, bool *gzip) {
  const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (const char *const *ending = kinds[i]->endings; *ending != NULL; ending++) {
      *gzip = false;
      if (!ls__prediction_ends(name, *ending, kinds[i]->gzip ? gzip : NULL)) continue;
      *kind = kinds[i];
      return LS_OK;
    }
  *kind = &ls__prediction_hdf5;
  *gzip = false;
  if (name[0] != '\0' && strchr(name + 1, '.') == NULL) return LS_OK;
  return ls__fail(LS_EUSAGE,
                  "%s: predictions are not written as such a file; name it .csv or .tsv (text, "
                  "also "
                  ".csv.gz and .tsv.gz), .npy (NumPy) or .h5 (HDF5)",
                  path);
}

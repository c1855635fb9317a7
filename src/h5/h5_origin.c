/* Files of other programs: which of them wrote an HDF5 file, and what a file is that is none. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "h5/h5_inside.h"

/* The first bytes of a file; the rest of `first` stays zero. */
static void read_first(const char *path, char first[128]) {
  memset(first, 0, 128);
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return;
  if (read(fd, first, 127) < 0) first[0] = '\0';
  close(fd);
}

ls_status ls__h5_origin(ls__h5 *file, const char **origin) {
  static const char matlab[] = "MATLAB 7.3";
  char first[sizeof matlab] = "";
  bool netcdf = false;
  *origin = NULL;
  LS_ASSERT(file->fd >= 0);
  if (pread(file->fd, first, sizeof first - 1, 0) < 0)
    return ls__fail(LS_EIO, "%s: cannot be read: %s", file->path, strerror(errno));
  if (strcmp(first, matlab) == 0) {
    *origin = "a MATLAB 7.3 file (HDF5)";
    return LS_OK;
  }
  const ls_status st = ls__h5_has_attribute(file, "/", "_NCProperties", &netcdf);
  if (netcdf) *origin = "a netCDF-4 file (HDF5)";
  return st;
}

const char *ls__h5_cure(const char *path) {
  static const struct {
    const char *begin;
    size_t n;
    const char *is;
  } known[] = {
      {"MATLAB 5.0", 10,
       "a MATLAB file of version 7.2 or older; save('NEW.mat', '-v7.3') in MATLAB writes HDF5"},
      {"CDF\1", 4, "a netCDF-3 file; `nccopy -k netCDF-4 OLD.nc NEW.nc` makes an HDF5 file of it"},
      {"CDF\2", 4, "a netCDF-3 file; `nccopy -k netCDF-4 OLD.nc NEW.nc` makes an HDF5 file of it"},
      {"CDF\5", 4, "a netCDF-3 file; `nccopy -k netCDF-4 OLD.nc NEW.nc` makes an HDF5 file of it"},
      {"\016\003\023\001", 4, "an HDF4 file; `h4toh5` makes an HDF5 file of it"},
      {"\x93NUMPY", 6, "a NumPy array; lockstep convert npy makes an HDF5 file of such"},
      {"PK\3\4", 4, "a ZIP archive; lockstep convert npz reads those of NumPy"},
  };
  char first[128];
  read_first(path, first);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (memcmp(first, known[i].begin, known[i].n) == 0) return known[i].is;
  return NULL;
}

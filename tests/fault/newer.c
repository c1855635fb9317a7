/* Write a checkpoint as a later lockstep might:
 *
 *   newer FILE.h5 */
#include <stdio.h>

#include "checkpoint/format.h"

int main(int argc, char **argv) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  if (argc != 2) return 2;
  LS_TRY(ls__h5_create(argv[1], &file));
  LS_TRY(ls__h5_set_string(file, "/", "format", LS__CHECKPOINT_FORMAT));
  LS_TRY(ls__h5_set_integer(file, "/", "version", LS__CHECKPOINT_VERSION + 1));
  st = ls__h5_commit(file);
  file = NULL;
out:
  ls__h5_close(file);
  if (st != LS_OK) fprintf(stderr, "%s\n", ls_error_message());
  return st == LS_OK ? 0 : 1;
}

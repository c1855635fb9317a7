/* Which checkpoint a file is: its length and the hash in its seal. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint/checkpoint.h"

bool ls__checkpoint_same(const ls__checkpoint_identity *a, const ls__checkpoint_identity *b) {
  return a->bytes == b->bytes && a->hash == b->hash && a->sealed == b->sealed;
}

ls_status ls__checkpoint_identify(const char *path, ls__checkpoint_identity *out) {
  ls_status st = LS_OK;
  ls__seal seal;
  memset(out, 0, sizeof *out);
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) LS_FAIL(LS_EIO, "%s: cannot be opened: %s", path, strerror(errno));
  LS_TRY(ls__seal_read(path, fd, &seal));
  if (!seal.sealed) LS_TRY(ls__seal_hash(path, fd, 0, seal.bytes, &seal.hash));
  *out = (ls__checkpoint_identity){seal.bytes, seal.hash, seal.sealed};
out:
  if (fd >= 0) close(fd);
  return st == LS_EDATA ? LS_ECHECKPOINT : st;
}

ls__checkpoint_identity ls__checkpoint_identity_of(const ls_model *model) {
  return (ls__checkpoint_identity){model->origin.bytes, model->origin.hash, model->origin.sealed};
}

void ls__checkpoint_tell(const char *path, const ls_model *model) {
  if (!model->origin.sealed)
    fprintf(stderr,
            "lockstep: note: %s has no checksum of its own: another program wrote it, or an older "
            "lockstep, and damage to it would not be seen\n",
            path);
}

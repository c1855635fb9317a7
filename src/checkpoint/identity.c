/* Which checkpoint a file is: its length and the hash in its seal. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
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
  ls__checkpoint_tell_huge(path, model);
}

/* Finite, and too large to be learnt: a product of two such is none any more, and the others are
 * rounded away beside it.  A loss may not show it, where its layer saturates or is multiplied by
 * 0. */
void ls__checkpoint_tell_huge(const char *what, const ls_model *model) {
  static const float huge = 1e30F;
  for (int t = 0; t < model->graph->n_tensors; t++) {
    const ls__tensor *tensor = &model->graph->tensor[t];
    const float *x = model->parameters + tensor->offset;
    float most = 0;
    for (size_t i = 0; i < tensor->n; i++) most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    if (most < huge) continue;
    fprintf(stderr,
            "lockstep: warning: %s: weights of %s are as large as %.3g: it is damaged, or "
            "diverged\n",
            what, tensor->name, (double)most);
    return;
  }
}

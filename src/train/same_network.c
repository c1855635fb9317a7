/* All ranks read the file that rank 0 has chosen (same_network.h). */
#include "train/same_network.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "checkpoint/checkpoint.h"

/* Rank 0 looks so often, and waits in between: a network file system may show another rank a new file
 * only after a while.  Together some three seconds. */
enum { LOOKS = 6, FIRST_MS = 3 };

/* What rank 0 has read. */
typedef struct choice {
  char name[LS__CHOICE_BYTES]; /* of the file in the run directory; "": the path is a file */
  ls__checkpoint_identity identity;
  uint64_t good; /* 0: it could not read any */
} choice;

static bool same(const choice *its, const ls_model *model) {
  const ls__checkpoint_identity mine = ls__checkpoint_identity_of(model);
  return ls__checkpoint_same(&its->identity, &mine);
}

/* Rank 0 reads what it takes for the run's checkpoint, and the others the file of that name. */
static ls_status read_chosen(ls_comm *comm, const char *checkpoint, choice *its, ls_model **model) {
  ls_status st = LS_OK, local = LS_OK;
  char path[LS__FILE_PATH];
  const bool root = ls_comm_rank(comm) == 0;
  memset(its, 0, sizeof *its);
  if (root) local = ls__checkpoint_choose(checkpoint, its->name, model);
  if (root && local == LS_OK) {
    its->good = 1;
    its->identity = ls__checkpoint_identity_of(*model);
  }
  LS_TRY(ls__comm_bcast(comm, its, sizeof *its));
  if (root || !its->good) return local;
  const int n = snprintf(path, sizeof path, "%s%s%s", checkpoint, its->name[0] != '\0' ? "/" : "",
                         its->name);
  if (n < 0 || (size_t)n >= sizeof path)
    return ls__fail(LS_EIO, "%.200s...: the path is too long", checkpoint);
  return ls__checkpoint_try(path, model, NULL, NULL);
out:
  return st;
}

ls_status ls__same_network(ls_comm *comm, const char *checkpoint, ls_model **model) {
  ls_status st = LS_OK, local = LS_OK;
  choice its;
  *model = NULL;
  for (int look = 0;; look++) {
    local = read_chosen(comm, checkpoint, &its, model);
    double other = its.good && (local != LS_OK || !same(&its, *model));
    LS_TRY(ls__comm_max(comm, &other, 1));
    if (other <= 0 || look + 1 == LOOKS) break;
    ls_model_destroy(*model);
    *model = NULL;
    (void)poll(NULL, 0, FIRST_MS << (2 * look)); /* 3, 12, 48, 192, 768 ms */
  }
  LS_TRY(ls_comm_agree(comm, local));
out:
  return st;
}

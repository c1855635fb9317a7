/* A few bytes from every rank to every other of its node, through shared memory.
 *
 * In round k (0, 1, ...) a rank writes sheet k % 2 of its box, then counts its posts up to k + 1;
 * the others wait for that count and read.  Why two sheets are enough: a rank writes round k + 2
 * over round k only when it has seen everybody's post of round k + 1, and a rank posts k + 1 only
 * when it has read round k. */
#include <string.h>

#include "comm/comm_internal.h"

bool ls__mail_fits(const ls_comm *comm, size_t bytes) {
  return comm->nodes == 1 && comm->board != NULL && bytes <= LS__MAIL_BYTES;
}

void ls__mail_post(ls_comm *comm, int box, const void *bytes, size_t n) {
  ls__box *mine = &comm->seat->box[box];
  uint64_t round = comm->posts[box]++;
  if (n > 0) memcpy(mine->sheet[round % 2], bytes, n);
  /* Release: whoever reads the new count sees the sheet. */
  atomic_store_explicit(&mine->posts, round + 1, memory_order_release);
}

const void *ls__mail_read(ls_comm *comm, int box, int rank, const char *what) {
  ls__box *theirs = &comm->board[rank].box[box];
  uint64_t rounds = comm->posts[box];
  ls__wait wait = ls__wait_for(what);
  while (atomic_load_explicit(&theirs->posts, memory_order_acquire) < rounds)
    ls__wait_turn(comm, &wait);
  ls__wait_done(comm, &wait);
  return theirs->sheet[(rounds - 1) % 2];
}

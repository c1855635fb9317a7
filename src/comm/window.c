/* Memory that the ranks of a node share, and their barrier. */
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "comm/comm_internal.h"

struct ls__window {
  MPI_Win win; /* MPI_WIN_NULL: private memory, one rank a node */
  void *block; /* of the private kind */
  void *memory;
};

/* Refuse what the machine's shared memory can't hold: MPI would leave the other ranks waiting, or
 * a rank would die of SIGBUS when it first writes there.  Only node rank 0 looks. */
static ls_status check_room(const ls_comm *comm, size_t bytes) {
  struct statvfs room;
  if (comm->node_rank != 0 || statvfs("/dev/shm", &room) != 0) return LS_OK;
  double free_bytes = (double)room.f_bavail * (double)room.f_frsize;
  if ((double)bytes <= free_bytes) return LS_OK;
  return ls__fail(LS_ENOMEM, "%s: shared memory: /dev/shm has room for %.0f MB, %.0f MB are needed",
                  comm->host[comm->rank], free_bytes / 1e6, (double)bytes / 1e6);
}

/* Place 0 asks for all of it, so that the block is in one piece. */
static int allocate_shared(ls_comm *comm, size_t bytes, ls__window *window) {
  MPI_Aint mine = comm->node_rank == 0 ? (MPI_Aint)(bytes + LS__ALIGN) : 0, whole = 0;
  void *base = NULL;
  int unit = 1;
  int code = MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, comm->node_mpi, &base, &window->win);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Win_shared_query(window->win, 0, &whole, &unit, &base);
  if (code != MPI_SUCCESS) return code;
  /* Mappings begin at pages, so rounding up moves the block by the same amount on every rank. */
  size_t past = (size_t)((uintptr_t)base % LS__ALIGN);
  window->memory = (char *)base + (past == 0 ? 0 : LS__ALIGN - past);
  return MPI_SUCCESS;
}

ls_status ls__window_create(ls_comm *comm, size_t bytes, ls__window **out) {
  ls_status st = LS_OK;
  *out = NULL;
  ls__window *window = ls__calloc(1, sizeof *window);
  bool private = comm == NULL || comm->node_size == 1;
  if (window == NULL) {
    st = ls__fail(LS_ENOMEM, "shared memory: out of memory");
  } else {
    window->win = MPI_WIN_NULL;
    if (private) {
      st = ls__alloc(&window->block, bytes, 1, "memory of a node");
      window->memory = window->block;
    } else {
      st = check_room(comm, bytes);
    }
  }
  LS_TRY(ls_comm_agree(comm, st));
  if (!private) st = ls__mpi_status(allocate_shared(comm, bytes, window), "shared memory");
  LS_TRY(ls_comm_agree(comm, st));
  if (!private && comm->node_rank == 0) memset(window->memory, 0, bytes);
  if (!private) ls__mpi_must(comm, MPI_Barrier(comm->node_mpi), "shared memory");
  *out = window;
out:
  if (st != LS_OK && window != NULL) {
    /* Freeing is collective, and some rank may have no window. */
    if (!private) window->win = MPI_WIN_NULL;
    ls__window_destroy(window);
  }
  return st;
}

void *ls__window_memory(const ls__window *window) {
  return window->memory;
}

void ls__window_destroy(ls__window *window) {
  if (window == NULL) return;
  if (window->win != MPI_WIN_NULL) MPI_Win_free(&window->win);
  ls__free(window->block);
  ls__free(window);
}

ls_status ls__window_fence(ls_comm *comm) {
  if (comm == NULL || comm->node_size == 1) return LS_OK;
  /* Release: what this rank wrote before is seen by whoever reads the counter below; acquire: and
   * the other way round. */
  uint64_t mine = ++comm->fences;
  atomic_store_explicit(&comm->seat->fences, mine, memory_order_release);
  ls__wait wait = ls__wait_for("the ranks of its node at a barrier");
  for (int i = 0; i < comm->node_size; i++) {
    while (atomic_load_explicit(&comm->board[i].fences, memory_order_acquire) < mine)
      ls__wait_turn(comm, &wait);
  }
  ls__wait_done(comm, &wait);
  return LS_OK;
}

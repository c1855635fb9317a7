/* Memory that the ranks of a node share, and their barrier. */
#define _DEFAULT_SOURCE /* madvise, where the system has it */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/room.h"
#include "base/stop.h"
#include "comm/comm_internal.h"

struct ls__window {
  ls_comm *comm;
  MPI_Win win; /* MPI_WIN_NULL: private memory, one rank a node */
  void *block; /* of the private kind */
  void *memory;
};

/* Refuse what the machine's shared memory can't hold: MPI would leave the other ranks waiting, or
 * a rank would die of SIGBUS when it first writes there.  Only node rank 0 looks. */
static ls_status check_room(const ls_comm *comm, size_t bytes) {
  struct statvfs shm;
  ls__room room;
  const double mb = (double)bytes / 1e6;
  const char *host = comm->host[comm->rank];
  if (comm->node_rank != 0) return LS_OK;
  if (statvfs("/dev/shm", &shm) == 0) {
    const double free_bytes = (double)shm.f_bavail * (double)shm.f_frsize;
    if ((double)bytes > free_bytes)
      return ls__fail(LS_ENOMEM,
                      "%s: shared memory: %.0f MB are needed: /dev/shm is %.0f MB, of which %.0f "
                      "MB "
                      "are left",
                      host, mb, (double)shm.f_blocks * (double)shm.f_frsize / 1e6,
                      free_bytes / 1e6);
  }
  ls__room_of_machine("", true, &room); /* its pages count there, too */
  if (room.left >= 0 && room.left < (double)bytes)
    return ls__fail(LS_ENOMEM, "%s: shared memory: %.0f MB are needed: %s", host, mb, room.text);
  return LS_OK;
}

/* Place 0 asks for all of it, so that the block is in one piece. */
static int allocate_shared(ls_comm *comm, size_t bytes, ls__window *window) {
  MPI_Aint mine = comm->node_rank == 0 ? (MPI_Aint)(bytes + LS__ALIGN) : 0, whole = 0;
  void *base = NULL;
  int unit = 1;
  ls__blocking call;
  ls__blocking_begin(&call, comm, "the ranks of its node to share memory");
  int code = MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, comm->node_mpi, &base, &window->win);
  ls__blocking_end(&call);
  if (code != MPI_SUCCESS) return code;
  code = MPI_Win_shared_query(window->win, 0, &whole, &unit, &base);
  if (code != MPI_SUCCESS) return code;
  /* Mappings begin at pages, so rounding up moves the block by the same amount on every rank. */
  size_t past = (size_t)((uintptr_t)base % LS__ALIGN);
  window->memory = (char *)base + (past == 0 ? 0 : LS__ALIGN - past);
  return MPI_SUCCESS;
}

/* Node rank 0 writes zeros to all of it, with signs of life, as much may take long.  What is mapped
 * gets its pages only now: where there are none left, the kernel says so if it is asked for them
 * first, and sends SIGBUS to whoever just writes. */
static ls_status clear(ls_comm *comm, ls__window *window, size_t bytes) {
  ls_status st = LS_OK;
  if (comm->node_rank != 0) return LS_OK;
  ls__blocking work;
  ls__working_begin(&work, comm);
#if defined(MADV_POPULATE_WRITE)
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *from = (char *)window->memory - (uintptr_t)window->memory % page;
  const size_t all = (size_t)((char *)window->memory + bytes - from);
  const size_t piece = page << 14;
  for (size_t at = 0; at < all && st == LS_OK; at += piece) {
    const size_t some = all - at < piece ? all - at : piece;
    st = ls__stop_check();
    if (st == LS_OK && madvise(from + at, some, MADV_POPULATE_WRITE) != 0 &&
        (errno == EFAULT || errno == ENOMEM))
      st = ls__fail(LS_ENOMEM, "%s: shared memory: %.0f MB were promised, and /dev/shm is full",
                    comm->host[comm->rank], (double)bytes / 1e6);
  }
#endif
  if (st == LS_OK) memset(window->memory, 0, bytes);
  ls__working_end(&work);
  return st;
}

ls_status ls__window_create(ls_comm *comm, size_t bytes, ls__window **out) {
  ls_status st = LS_OK;
  *out = NULL;
  ls__window *window = ls__calloc(1, sizeof *window);
  bool private = comm == NULL || comm->node_size == 1, there = false;
  if (window == NULL) {
    st = ls__fail(LS_ENOMEM, "shared memory: out of memory");
  } else {
    window->comm = comm;
    window->win = MPI_WIN_NULL;
    if (private) {
      st = ls__alloc(&window->block, bytes, 1, "memory of a node");
      window->memory = window->block;
    } else {
      st = check_room(comm, bytes);
    }
  }
  LS_TRY(ls_comm_agree(comm, st));
  if (private) {
    LS_TRY(ls_comm_agree(comm, LS_OK)); /* as often as the other nodes */
    LS_TRY(ls_comm_agree(comm, LS_OK));
  } else {
    st = ls__mpi_status(allocate_shared(comm, bytes, window), "shared memory");
    LS_TRY(ls_comm_agree(comm, st));
    there = true;
    LS_TRY(ls_comm_agree(comm, clear(comm, window, bytes)));
  }
  *out = window;
out:
  if (st != LS_OK && window != NULL) {
    /* Freeing is collective, and some rank may have no window. */
    if (!there) window->win = MPI_WIN_NULL;
    ls__window_destroy(window);
  }
  return st;
}

void *ls__window_memory(const ls__window *window) {
  return window->memory;
}

void ls__window_destroy(ls__window *window) {
  if (window == NULL) return;
  if (window->win != MPI_WIN_NULL) {
    /* All come together before: whoever is missing is known by his seat. */
    const bool seated = window->comm->board != NULL;
    ls__blocking call;
    if (seated && ls__window_fence(window->comm) != LS_OK) return; /* it has none to return */
    if (seated)
      ls__blocking_begin(&call, window->comm, "the ranks of its node to give memory back");
    MPI_Win_free(&window->win);
    if (seated) ls__blocking_end(&call);
  }
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

/* What this machine and its set-up will do to a run: gathered from all ranks, and printed. */
#include "train/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/simd.h"
#include "comm/comm.h"
#include "h5/h5.h"
#include "tensor/blas.h"
#include "tensor/product.h"
#include "tensor/product_bf16.h"
#include "train/report.h"

static void set(char *to, size_t bytes, const char *text) {
  snprintf(to, bytes, "%s", text != NULL ? text : "");
}

/* How this was built, where that makes it slow. */
static const char *slow_build(void) {
#if defined(LOCKSTEP_SANITIZE)
  return "with -fsanitize=" LOCKSTEP_SANITIZE;
#elif !defined(__OPTIMIZE__)
  return "without optimization";
#else
  return NULL;
#endif
}

/* What OpenBLAS takes its number of threads from, the first that is set. */
static void set_threads(ls__card *c) {
  static const char *const names[] = {"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
                                      "OMP_NUM_THREADS"};
  for (size_t i = 0; i < sizeof names / sizeof *names && c->threads[0] == '\0'; i++) {
    const char *value = getenv(names[i]);
    if (value != NULL && atoi(value) > 0)
      snprintf(c->threads, sizeof c->threads, "%s=%d", names[i], atoi(value));
  }
}

static ls_status fill_card(ls_comm *comm, ls__card *c) {
  memset(c, 0, sizeof *c);
  if (comm != NULL)
    set(c->host, sizeof c->host, ls__comm_host(comm));
  else if (gethostname(c->host, sizeof c->host - 1) != 0)
    set(c->host, sizeof c->host, "unknown");
  set(c->simd, sizeof c->simd, ls__simd_name(ls__simd_level_now()));
  set(c->simd_best, sizeof c->simd_best, ls__simd_name(ls__simd_level_best()));
  set(c->blas, sizeof c->blas,
      ls__products_library((ls__arithmetic){.products = LS__PRODUCTS_OPENBLAS}));
  set(c->bf16, sizeof c->bf16, ls__bf16_name(ls__bf16_now()));
  set(c->core, sizeof c->core, ls__blas_core());
  set(c->better, sizeof c->better, ls__blas_better_core());
  set(c->coretype, sizeof c->coretype, getenv("OPENBLAS_CORETYPE"));
  set(c->build, sizeof c->build, slow_build());
  set_threads(c);
  c->cores = sysconf(_SC_NPROCESSORS_ONLN);
  c->node = ls__comm_node(comm);
  ls__machine_read("", &c->machine);
  const int nodes = ls_comm_nodes(comm);
  return ls__rates_measure(c->machine.memory, (ls_comm_size(comm) + nodes - 1) / nodes, &c->rates);
}

static void print_text(const ls__card *cards, int size, int nodes, const ls__findings *f,
                       FILE *out) {
  const char *job = getenv("SLURM_JOB_ID");
  char shape[LS__DOCTOR_SHAPES][32];
  fprintf(out, "lockstep %s, %s, HDF5 %s\n", LOCKSTEP_VERSION, ls__comm_library(),
          ls__h5_library());
  fprintf(out, "BLAS %s\n", cards[0].blas);
  fprintf(out, "bfloat16 products: %s\n", cards[0].bf16);
  fprintf(out, "%d rank%s on %d node%s%s%s\n\n", size, size == 1 ? "" : "s", nodes,
          nodes == 1 ? "" : "s", job != NULL ? ", SLURM job " : ", not in a SLURM job",
          job != NULL ? job : "");
  fprintf(out, "%4s  %-16s %-10s %-9s %9s  %s\n", "rank", "host", "cores", "simd", "GiB free",
          "processor");
  for (int r = 0; r < size; r++)
    fprintf(out, "%4d  %-16s %-10s %-9s %9.1f  %s\n", r, cards[r].host, cards[r].machine.allowed,
            cards[r].simd, cards[r].machine.memory / 1073741824.0, cards[r].machine.cpu);
  for (int i = 0; i < LS__DOCTOR_SHAPES; i++)
    snprintf(shape[i], sizeof shape[i], "%zu x %zu x %zu", ls__doctor_shapes[i].m,
             ls__doctor_shapes[i].n, ls__doctor_shapes[i].k);
  /* one thread a rank, all of them at once */
  fprintf(out, "\n%4s  %8s", "", "GFLOP/s");
  for (int i = 0; i < LS__DOCTOR_SHAPES; i++) fprintf(out, "  %-18s", shape[i]);
  fprintf(out, "  %6s\n%4s  %8s", "GB/s", "rank", "peak");
  for (int i = 0; i < LS__DOCTOR_SHAPES; i++) fprintf(out, "  %8s %9s", "lockstep", "OpenBLAS");
  fprintf(out, "  %6s\n", "copy");
  for (int r = 0; r < size; r++) {
    const ls__rates *rates = &cards[r].rates;
    fprintf(out, "%4d  %8.1f", r, rates->peak);
    for (int i = 0; i < LS__DOCTOR_SHAPES; i++)
      fprintf(out, "  %8.1f %9.1f", rates->ours[i], rates->blas[i]);
    fprintf(out, "  %6.1f\n", rates->copy);
  }
  fputc('\n', out);
  for (int i = 0; i < f->n; i++) fprintf(out, "! %s\n", f->text[i]);
  if (f->n == 0) fprintf(out, "nothing found that would slow a run down or change its bits\n");
}

static void print_rank(const ls__card *c, ls__json *j) {
  ls__json_open(j, NULL, '{');
  ls__json_string(j, "host", c->host);
  ls__json_string(j, "processor", c->machine.cpu);
  ls__json_string(j, "blas", c->blas);
  ls__json_string(j, "blas_core", c->core);
  ls__json_string(j, "cores", c->machine.allowed);
  ls__json_integer(j, "host_cores", c->cores);
  ls__json_string(j, "simd", c->simd);
  ls__json_string(j, "bfloat16", c->bf16);
  ls__json_number(j, "gflops", c->rates.ours[0]);
  ls__json_number(j, "peak_gflops", c->rates.peak);
  ls__json_open(j, "products", '[');
  for (int i = 0; i < LS__DOCTOR_SHAPES; i++) {
    const ls__doctor_shape *s = &ls__doctor_shapes[i];
    ls__json_open(j, NULL, '{');
    ls__json_whole(j, "m", s->m);
    ls__json_whole(j, "n", s->n);
    ls__json_whole(j, "k", s->k);
    ls__json_bool(j, "transpose_a", false);
    ls__json_bool(j, "transpose_b", s->transpose_b);
    ls__json_number(j, "ours", c->rates.ours[i]);
    ls__json_number(j, "openblas", c->rates.blas[i]);
    ls__json_close(j, '}');
  }
  ls__json_close(j, ']');
  ls__json_number(j, "copy_gbytes", c->rates.copy);
  ls__json_number(j, "core_share", c->rates.share);
  ls__json_exact(j, "memory_available", c->machine.memory);
  ls__json_close(j, '}');
}

static void print_json(const ls__card *cards, int size, int nodes, const ls__findings *f,
                       FILE *out) {
  ls__json j = {.out = out};
  ls__json_open(&j, NULL, '{');
  ls__json_string(&j, "version", LOCKSTEP_VERSION);
  ls__json_string(&j, "mpi", ls__comm_library());
  ls__json_string(&j, "hdf5", ls__h5_library());
  ls__json_integer(&j, "nodes", nodes);
  ls__json_string(&j, "slurm_job", getenv("SLURM_JOB_ID"));
  ls__json_open(&j, "ranks", '[');
  for (int r = 0; r < size; r++) print_rank(&cards[r], &j);
  ls__json_close(&j, ']');
  ls__json_open(&j, "findings", '[');
  for (int i = 0; i < f->n; i++) ls__json_string(&j, NULL, f->text[i]);
  ls__json_close(&j, ']');
  ls__json_close(&j, '}');
  fputc('\n', out);
}

ls_status ls_doctor(ls_comm *comm, bool json, FILE *out) {
  ls_status st = LS_OK;
  int size = ls_comm_size(comm);
  ls__card mine, *cards = NULL;
  ls__findings *f = NULL;
  ls__comm_phase(comm, 0, "measuring");
  ls_status local = ls__alloc(&cards, (size_t)size, sizeof *cards, "report");
  LS_THEN(local, ls__alloc(&f, 1, sizeof *f, "report"));
  LS_TRY(ls_comm_agree(comm, local)); /* and from here all ranks measure at once */
  LS_TRY(ls_comm_agree(comm, fill_card(comm, &mine)));
  LS_TRY(ls__comm_allgatherv(comm, &mine, cards, NULL, sizeof mine));
  if (ls_comm_rank(comm) == 0) {
    ls__doctor_look(cards, size, f);
    if (json)
      print_json(cards, size, ls_comm_nodes(comm), f, out);
    else
      print_text(cards, size, ls_comm_nodes(comm), f, out);
  }
out:
  ls__free(cards);
  ls__free(f);
  return st;
}

/* What this machine and its set-up will do to a run. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/simd.h"
#include "comm/comm.h"
#include "h5/h5.h"
#include "tensor/product.h"
#include "train/report.h"

/* What each rank reports to rank 0. */
typedef struct card {
  char host[64], cpu[64], allowed[64], simd[16], blas[128];
  long cores;        /* online on this host */
  int allowed_cores; /* that this rank may run on */
  int node;
  double memory; /* bytes available on this host */
  double gflops; /* of one rank, all ranks computing at once */
} card;

/* The value of a line "KEY: value" or "KEY<tab>: value" of a file of /proc. */
static void proc_value(const char *path, const char *key, char *value, size_t bytes) {
  char line[512];
  FILE *file = fopen(path, "r");
  snprintf(value, bytes, "unknown");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, strlen(key)) != 0) continue;
    const char *at = strchr(line, ':');
    if (at == NULL) continue;
    at += 1 + strspn(at + 1, " \t");
    snprintf(value, bytes, "%.*s", (int)strcspn(at, "\n"), at);
    break;
  }
  if (file != NULL) (void)fclose(file);
}

/* Processors in a list such as "0-3,8". */
static int count_list(const char *list) {
  int n = 0;
  for (const char *at = list; *at >= '0' && *at <= '9';) {
    char *end = NULL;
    long lo = strtol(at, &end, 10), hi = lo;
    if (*end == '-') hi = strtol(end + 1, &end, 10);
    n += (int)(hi - lo + 1);
    if (*end != ',') break;
    at = end + 1;
  }
  return n;
}

/* Rate of a matrix product of 512 x 512 x 512. */
static ls_status measure_gemm(double *gflops) {
  ls_status st = LS_OK;
  enum { N = 512 };
  float *a = NULL, *b = NULL, *c = NULL, *work = NULL;
  LS_TRY(ls__alloc(&a, (size_t)N * N, sizeof *a, "measurement"));
  LS_TRY(ls__alloc(&b, (size_t)N * N, sizeof *b, "measurement"));
  LS_TRY(ls__alloc(&c, (size_t)N * N, sizeof *c, "measurement"));
  LS_TRY(ls__alloc(&work, LS__PRODUCT_WORK, sizeof *work, "measurement"));
  const ls__product product = {.m = N,
                               .n = N,
                               .k = N,
                               .a = ls__operand_a(a, N, false),
                               .b = ls__operand_b(b, N, false),
                               .c = c,
                               .ldc = N,
                               .work = work};
  for (size_t i = 0; i < (size_t)N * N; i++) a[i] = b[i] = 1.0F;
  double start = ls__clock(), seconds = 0;
  int runs = 0;
  do {
    ls__multiply(&product);
    runs++;
    seconds = ls__clock() - start;
  } while (seconds < 0.2);
  *gflops = 2.0 * N * N * N * runs / seconds / 1e9;
out:
  ls__free(a);
  ls__free(b);
  ls__free(c);
  ls__free(work);
  return st;
}

static ls_status fill_card(ls_comm *comm, card *c) {
  char text[64];
  memset(c, 0, sizeof *c);
  if (comm != NULL)
    snprintf(c->host, sizeof c->host, "%s", ls__comm_host(comm));
  else if (gethostname(c->host, sizeof c->host - 1) != 0)
    snprintf(c->host, sizeof c->host, "unknown");
  proc_value("/proc/cpuinfo", "model name", c->cpu, sizeof c->cpu);
  proc_value("/proc/self/status", "Cpus_allowed_list", c->allowed, sizeof c->allowed);
  proc_value("/proc/meminfo", "MemAvailable", text, sizeof text);
  snprintf(c->simd, sizeof c->simd, "%s", ls__simd_name(ls__simd_level_now()));
  snprintf(c->blas, sizeof c->blas, "%s", ls__products_library((ls__arithmetic){LS__PRODUCTS_OWN}));
  c->cores = sysconf(_SC_NPROCESSORS_ONLN);
  c->allowed_cores = count_list(c->allowed);
  c->node = ls__comm_node(comm);
  c->memory = strtod(text, NULL) * 1024;
  ls_status st = ls__products_init();
  return st == LS_OK ? measure_gemm(&c->gflops) : st;
}

typedef struct findings {
  char text[16][256];
  int n;
} findings;

static void find(findings *f, const char *format, ...) LS_PRINTF(2, 3);

static void find(findings *f, const char *format, ...) {
  va_list arguments;
  if (f->n == 16) return;
  va_start(arguments, format);
  vsnprintf(f->text[f->n++], sizeof f->text[0], format, arguments);
  va_end(arguments);
}

static void look(const card *cards, int size, int nodes, findings *f) {
  const card *first = &cards[0];
  for (int node = 0; node < nodes; node++) {
    int ranks = 0;
    const card *one = NULL;
    for (int r = 0; r < size; r++)
      if (cards[r].node == node) {
        ranks++;
        one = &cards[r];
      }
    if (one != NULL && ranks > one->cores)
      find(f, "%s: %d ranks share %ld cores; results stay the same, the time a step grows",
           one->host, ranks, one->cores);
    for (int a = 0; a < size; a++) /* two ranks tied to one and the same core */
      for (int b = a + 1; b < size; b++)
        if (cards[a].node == node && cards[b].node == node && cards[a].allowed_cores == 1 &&
            strcmp(cards[a].allowed, cards[b].allowed) == 0) {
          find(f,
               "%s: ranks %d and %d are both bound to core %s; try mpirun --bind-to core or "
               "--bind-to none",
               cards[a].host, a, b, cards[a].allowed);
          a = b = size;
        }
  }
  for (int r = 1; r < size; r++)
    if (strcmp(cards[r].simd, first->simd) != 0 || strcmp(cards[r].blas, first->blas) != 0) {
      find(f,
           "rank %d (%s) uses other instructions than rank 0 (%s %s, %s %s): the last bits of "
           "results depend on which rank runs where",
           r, cards[r].host, cards[r].simd, cards[r].blas, first->simd, first->blas);
      break;
    }
  double low = first->gflops, high = first->gflops;
  for (int r = 1; r < size; r++) {
    if (cards[r].gflops < low) low = cards[r].gflops;
    if (cards[r].gflops > high) high = cards[r].gflops;
  }
  if (low < 0.7 * high)
    find(f, "the slowest rank computes at %.0f %% of the fastest: every step waits for it",
         100 * low / high);
  const char *job = getenv("SLURM_JOB_ID");
  const char *tasks = getenv("SLURM_NTASKS");
  if (job != NULL && tasks != NULL && atoi(tasks) > 1 && size == 1)
    find(f, "SLURM gave %s tasks and there is 1 rank: start it with mpirun, or srun --mpi=pmix",
         tasks);
}

static void print_text(const card *cards, int size, int nodes, const findings *f, FILE *out) {
  const char *job = getenv("SLURM_JOB_ID");
  fprintf(out, "lockstep %s, %s, HDF5 %s\n", LOCKSTEP_VERSION, ls__comm_library(),
          ls__h5_library());
  fprintf(out, "BLAS %s\n", cards[0].blas);
  fprintf(out, "%d rank%s on %d node%s%s%s\n\n", size, size == 1 ? "" : "s", nodes,
          nodes == 1 ? "" : "s", job != NULL ? ", SLURM job " : ", not in a SLURM job",
          job != NULL ? job : "");
  fprintf(out, "%4s  %-16s %-10s %-9s %9s %10s  %s\n", "rank", "host", "cores", "simd", "GFLOP/s",
          "GiB free", "processor");
  for (int r = 0; r < size; r++)
    fprintf(out, "%4d  %-16s %-10s %-9s %9.1f %10.1f  %s\n", r, cards[r].host, cards[r].allowed,
            cards[r].simd, cards[r].gflops, cards[r].memory / 1073741824.0, cards[r].cpu);
  fputc('\n', out);
  for (int i = 0; i < f->n; i++) fprintf(out, "! %s\n", f->text[i]);
  if (f->n == 0) fprintf(out, "nothing found that would slow a run down or change its bits\n");
}

static void print_json(const card *cards, int size, int nodes, const findings *f, FILE *out) {
  ls__json j = {.out = out};
  ls__json_open(&j, NULL, '{');
  ls__json_string(&j, "version", LOCKSTEP_VERSION);
  ls__json_string(&j, "mpi", ls__comm_library());
  ls__json_string(&j, "hdf5", ls__h5_library());
  ls__json_integer(&j, "nodes", nodes);
  ls__json_string(&j, "slurm_job", getenv("SLURM_JOB_ID"));
  ls__json_open(&j, "ranks", '[');
  for (int r = 0; r < size; r++) {
    ls__json_open(&j, NULL, '{');
    ls__json_string(&j, "host", cards[r].host);
    ls__json_string(&j, "processor", cards[r].cpu);
    ls__json_string(&j, "blas", cards[r].blas);
    ls__json_string(&j, "cores", cards[r].allowed);
    ls__json_integer(&j, "host_cores", cards[r].cores);
    ls__json_string(&j, "simd", cards[r].simd);
    ls__json_number(&j, "gflops", cards[r].gflops);
    ls__json_exact(&j, "memory_available", cards[r].memory);
    ls__json_close(&j, '}');
  }
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
  card mine, *cards = NULL;
  findings *f = NULL;
  ls_status local = ls__alloc(&cards, (size_t)size, sizeof *cards, "report");
  LS_THEN(local, ls__alloc(&f, 1, sizeof *f, "report"));
  LS_TRY(ls_comm_agree(comm, local)); /* and from here all ranks measure at once */
  LS_TRY(ls_comm_agree(comm, fill_card(comm, &mine)));
  LS_TRY(ls__comm_allgatherv(comm, &mine, cards, NULL, sizeof mine));
  if (ls_comm_rank(comm) == 0) {
    look(cards, size, ls_comm_nodes(comm), f);
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

/* What doctor knows of every rank, and what it makes of that. */
#ifndef LS_TRAIN_DOCTOR_H
#define LS_TRAIN_DOCTOR_H

#include "base/error.h"

/* What the operating system says of the machine that this process runs on. */
typedef struct ls__machine {
  char cpu[64], allowed[64];   /* the processor's name; the cores that this process may run on */
  double memory, memory_total; /* bytes: available, in all; 0: not known */
  double quota;                /* cores that its control group may use up; 0: no limit */
  char group[128];             /* that group; "" where there is no limit */
  double ghz, ghz_limit;       /* the first allowed core: what it can do, what it may; 0: unknown */
  char governor[24];           /* that holds the core at its lowest frequency; "": none does */
} ls__machine;

/* Read it from the files of /proc and /sys, below `root` ("": where they are). */
void ls__machine_read(const char *root, ls__machine *machine);

/* Cores in a list such as "0-3,8". */
int ls__machine_count(const char *list);

/* Rates of one rank while all of them measure, in GFLOP/s and GB/s. */
enum { LS__DOCTOR_SHAPES = 2 };
typedef struct ls__rates {
  double peak;                                             /* as ls__peak_gflops */
  double ours[LS__DOCTOR_SHAPES], blas[LS__DOCTOR_SHAPES]; /* our own, OpenBLAS */
  double copy;                                             /* as ls__copy_gbytes; 0: no memory */
  double share; /* of a core that this rank got meanwhile */
} ls__rates;

/* C = A B, or A B^T: the sizes of the products measured. */
typedef struct ls__doctor_shape {
  size_t m, n, k;
  bool transpose_b;
} ls__doctor_shape;
extern const ls__doctor_shape ls__doctor_shapes[LS__DOCTOR_SHAPES];

/* Takes about a second.  `memory`: bytes available to `ranks` that measure on this machine. */
LS_CHECKED ls_status ls__rates_measure(double memory, int ranks, ls__rates *rates);

/* What each rank reports to rank 0. */
typedef struct ls__card {
  char host[64], simd[16], blas[128];
  char core[32], better[32]; /* OpenBLAS's kernels, and those that would be right; "": these are */
  char bf16[16];             /* instructions of bfloat16 products */
  char coretype[32];         /* OPENBLAS_CORETYPE; "": not set */
  char simd_best[16];        /* without LOCKSTEP_SIMD */
  char threads[64];          /* "OMP_NUM_THREADS=8", what OpenBLAS would go by; "": nothing set */
  char build[64];            /* "without optimization"; "": as it should be */
  long cores;                /* online on this host */
  int node;
  ls__machine machine;
  ls__rates rates;
} ls__card;

typedef struct ls__findings {
  char text[24][320];
  int n;
} ls__findings;

/* What would slow a run down or change its bits, each with its cure. */
void ls__doctor_look(const ls__card *cards, int size, ls__findings *f);

#endif

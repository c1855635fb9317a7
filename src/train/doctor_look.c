/* What doctor warns of: what would slow a run down or make its bits depend on the machine. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/simd.h"
#include "train/doctor.h"

static void find(ls__findings *f, const char *format, ...) LS_PRINTF(2, 3);

static void find(ls__findings *f, const char *format, ...) {
  enum { MOST = sizeof f->text / sizeof f->text[0] };
  va_list arguments;
  if (f->n == MOST) return;
  va_start(arguments, format);
  vsnprintf(f->text[f->n++], sizeof f->text[0], format, arguments);
  va_end(arguments);
}

/* Ranks of the node that `of` is on; `same` of one another: NULL for all of them. */
typedef bool (*same_fn)(const ls__card *a, const ls__card *b);

static int count(const ls__card *cards, int size, const ls__card *of, same_fn same) {
  int n = 0;
  for (int r = 0; r < size; r++)
    n += cards[r].node == of->node && (same == NULL || same(&cards[r], of));
  return n;
}

static bool same_cores(const ls__card *a, const ls__card *b) {
  return strcmp(a->machine.allowed, b->machine.allowed) == 0;
}

static bool same_group(const ls__card *a, const ls__card *b) {
  return strcmp(a->machine.group, b->machine.group) == 0;
}

/* The first rank of its node of which `is` holds. */
static bool first_on_node(const ls__card *cards, int r, bool (*is)(const ls__card *card)) {
  if (!is(&cards[r])) return false;
  for (int before = 0; before < r; before++)
    if (cards[before].node == cards[r].node && is(&cards[before])) return false;
  return true;
}

static bool any(const ls__card *card) {
  (void)card;
  return true;
}

static const char *s(int n) {
  return n == 1 ? "" : "s";
}

/* ---- More ranks than cores */

static void look_at_cores(const ls__card *cards, int size, ls__findings *f) {
  for (int r = 0; r < size; r++) {
    const ls__card *card = &cards[r];
    const int ranks = count(cards, size, card, NULL);
    if (ranks > card->cores) {
      if (first_on_node(cards, r, any))
        find(f, "%s: %d ranks share %ld cores; results stay the same, the time a step grows",
             card->host, ranks, card->cores);
    }
    const int sharing = count(cards, size, card, same_cores),
              may = ls__machine_count(card->machine.allowed);
    bool told = may == 0 || sharing <= may || (ranks > card->cores && may > 1);
    for (int before = 0; before < r; before++)
      told = told || (cards[before].node == card->node && same_cores(&cards[before], card));
    if (told) continue;
    if (may > 1) {
      find(f,
           "%s: %d ranks may run on the cores %s alone; results stay the same, the time a step "
           "grows",
           card->host, sharing, card->machine.allowed);
      continue;
    }
    int other = r + 1;
    while (cards[other].node != card->node || !same_cores(&cards[other], card)) other++;
    find(f,
         "%s: ranks %d and %d are both bound to core %s; try mpirun --bind-to core or "
         "--bind-to none",
         card->host, r, other, card->machine.allowed);
  }
}

static void look_at_threads(const ls__card *cards, int size, ls__findings *f) {
  for (int r = 0; r < size; r++) {
    const ls__card *card = &cards[r];
    const char *value = strchr(card->threads, '=');
    const int ranks = count(cards, size, card, NULL);
    const long threads = value != NULL ? strtol(value + 1, NULL, 10) : 0;
    if (threads <= 1 || threads <= card->cores / ranks || !first_on_node(cards, r, any)) continue;
    find(f,
         "%s: %s on %d rank%s asks for more threads than the %ld cores; lockstep computes with one "
         "thread a rank all the same: unset it, start a rank for every core",
         card->host, card->threads, ranks, s(ranks), card->cores);
  }
}

static bool is_below(double quota, int ranks) {
  return quota > 0 && quota < ranks;
}

static void look_at_quota(const ls__card *cards, int size, ls__findings *f) {
  for (int r = 0; r < size; r++) {
    const ls__card *card = &cards[r];
    const int ranks = count(cards, size, card, same_group);
    if (!is_below(card->machine.quota, ranks)) continue;
    bool told = false;
    for (int before = 0; before < r; before++)
      told = told || (cards[before].node == card->node && same_group(&cards[before], card));
    if (told) continue;
    find(f,
         "%s: the control group %s may use %.3g core%s, and %d rank%s wait%s for it: raise its "
         "limit (cpu.max; docker --cpus; Kubernetes limits.cpu) or start fewer ranks",
         card->host, card->machine.group, card->machine.quota, card->machine.quota > 1 ? "s" : "",
         ranks, s(ranks), ranks == 1 ? "s" : "");
  }
}

/* Whether a rank waits for other programs: not of ranks that wait for each other, or for a limit. */
static bool look_at_shares(const ls__card *cards, int size, ls__findings *f) {
  for (int r = 0; r < size; r++) {
    const ls__card *card = &cards[r];
    if (card->rates.share >= 0.7 || count(cards, size, card, NULL) > card->cores ||
        count(cards, size, card, same_cores) > ls__machine_count(card->machine.allowed) ||
        is_below(card->machine.quota, count(cards, size, card, same_group)))
      continue;
    find(f,
         "%s: rank %d got %.0f %% of a core while it measured: other programs compute there (top), "
         "and every step waits for this rank",
         card->host, r, 100 * card->rates.share);
    return true;
  }
  return false;
}

/* ---- Slower than the processor */

static bool is_limited(const ls__card *card) {
  const ls__machine *m = &card->machine;
  return m->governor[0] != '\0' || (m->ghz > 0 && m->ghz_limit > 0 && m->ghz_limit < 0.98 * m->ghz);
}

static void look_at_frequency(const ls__card *cards, int size, ls__findings *f) {
  for (int r = 0; r < size; r++) {
    const ls__machine *m = &cards[r].machine;
    if (!first_on_node(cards, r, is_limited)) continue;
    if (m->governor[0] != '\0')
      find(f,
           "%s: the frequency governor is \"%s\", the lowest frequency: cpupower frequency-set -g "
           "performance",
           cards[r].host, m->governor);
    else
      find(f, "%s: the frequency is limited to %.2f of %.2f GHz: cpupower frequency-set -u %.2fGHz",
           cards[r].host, m->ghz_limit, m->ghz, m->ghz);
  }
}

static bool is_short_of_memory(const ls__card *card) {
  return card->machine.memory_total > 0 && card->machine.memory < 0.1 * card->machine.memory_total;
}

static void look_at_memory(const ls__card *cards, int size, ls__findings *f) {
  for (int r = 0; r < size; r++)
    if (first_on_node(cards, r, is_short_of_memory))
      find(f,
           "%s: %.1f of %.1f GiB of memory are left: what doesn't fit is swapped or killed; end "
           "other programs, or use more nodes",
           cards[r].host, cards[r].machine.memory / 1073741824.0,
           cards[r].machine.memory_total / 1073741824.0);
}

static bool has_wrong_kernels(const ls__card *card) {
  return card->better[0] != '\0';
}

static void look_at_blas(const ls__card *cards, int size, ls__findings *f) {
  for (int r = 0; r < size; r++) {
    const ls__card *card = &cards[r];
    char cure[160];
    if (!first_on_node(cards, r, has_wrong_kernels)) continue;
    if (card->coretype[0] == '\0')
      snprintf(cure, sizeof cure, "set OPENBLAS_CORETYPE=%s before it is started", card->better);
    else if (strcasecmp(card->coretype, card->better) == 0)
      snprintf(cure, sizeof cure, "it has no others (OPENBLAS_CORETYPE=%s): install a newer one",
               card->coretype);
    else
      snprintf(cure, sizeof cure, "OPENBLAS_CORETYPE=%s is set: unset it, or set %s",
               card->coretype, card->better);
    find(f,
         "%s: OpenBLAS computes with its kernels for %s, %.0f of %.0f GFLOP/s, and the processor "
         "could use those for %s: %s",
         card->host, card->core, card->rates.blas[0], card->rates.peak, card->better, cure);
  }
}

static bool is_held_back(const ls__card *card) {
  return strcmp(card->simd, card->simd_best) != 0;
}

static bool is_slow_build(const ls__card *card) {
  return card->build[0] != '\0';
}

static void look_at_program(const ls__card *cards, int size, ls__findings *f) {
  for (int r = 0; r < size; r++)
    if (first_on_node(cards, r, is_held_back))
      find(f, "%s: LOCKSTEP_SIMD holds lockstep to %s, the processor has %s: unset it",
           cards[r].host, cards[r].simd, cards[r].simd_best);
  for (int r = 0; r < size; r++)
    if (first_on_node(cards, r, is_slow_build))
      find(f,
           "%s: this lockstep was built %s, which is slow: build it with "
           "-DCMAKE_BUILD_TYPE=Release%s",
           cards[r].host, cards[r].build,
           strstr(cards[r].build, "sanitize") != NULL ? " and without LOCKSTEP_SANITIZE" : "");
}

/* ---- Ranks that differ */

/* The ranks with the smallest and the largest of a rate. */
static void extremes(const ls__card *cards, int size, double (*of)(const ls__card *), int *low,
                     int *high) {
  *low = *high = 0;
  for (int r = 1; r < size; r++) {
    if (of(&cards[r]) < of(&cards[*low])) *low = r;
    if (of(&cards[r]) > of(&cards[*high])) *high = r;
  }
}

static double peak_of(const ls__card *card) {
  return card->rates.peak;
}

static double product_of(const ls__card *card) {
  return card->rates.ours[0];
}

/* Our own products are the same bits on all processors that have them. */
static const char *products_of(const ls__card *card) {
  return strcmp(card->simd, ls__simd_name(LS__SIMD_BASELINE)) != 0 ? "lockstep" : card->blas;
}

static void look_at_ranks(const ls__card *cards, int size, ls__findings *f) {
  const ls__card *first = &cards[0];
  for (int r = 1; r < size; r++)
    if (strcmp(products_of(&cards[r]), products_of(first)) != 0) {
      find(f,
           "rank %d (%s) computes products by %s, and rank 0 by %s: the last bits of results "
           "depend "
           "on which rank runs where",
           r, cards[r].host, products_of(&cards[r]), products_of(first));
      break;
    }
  for (int r = 1; r < size; r++)
    if (strcmp(cards[r].bf16, first->bf16) != 0) {
      find(f,
           "rank %d (%s) computes products in bfloat16 by %s, and rank 0 by %s: with "
           "train.precision: bfloat16 the last bits depend on which rank runs where",
           r, cards[r].host, cards[r].bf16, first->bf16);
      break;
    }
  int low, high;
  extremes(cards, size, peak_of, &low, &high);
  if (peak_of(&cards[low]) < 0.7 * peak_of(&cards[high])) {
    find(f,
         "rank %d (%s) does %.0f GFLOP/s in registers, rank %d (%s) %.0f, and every step waits for "
         "the slowest: other programs, a frequency limit, or another processor there",
         low, cards[low].host, peak_of(&cards[low]), high, cards[high].host, peak_of(&cards[high]));
    return;
  }
  if (look_at_shares(cards, size, f)) return;
  extremes(cards, size, product_of, &low, &high);
  if (product_of(&cards[low]) < 0.7 * product_of(&cards[high]))
    find(f,
         "the slowest rank, %d (%s), computes at %.0f %% of the fastest, and every step waits for "
         "it: others use its memory, or its core's other half",
         low, cards[low].host, 100 * product_of(&cards[low]) / product_of(&cards[high]));
}

void ls__doctor_look(const ls__card *cards, int size, ls__findings *f) {
  look_at_cores(cards, size, f);
  look_at_threads(cards, size, f);
  look_at_quota(cards, size, f);
  look_at_frequency(cards, size, f);
  look_at_memory(cards, size, f);
  look_at_blas(cards, size, f);
  look_at_program(cards, size, f);
  look_at_ranks(cards, size, f);
  const char *job = getenv("SLURM_JOB_ID");
  const char *tasks = getenv("SLURM_NTASKS");
  if (job != NULL && tasks != NULL && atoi(tasks) > 1 && size == 1)
    find(f, "SLURM gave %s tasks and there is 1 rank: start it with mpirun, or srun --mpi=pmix",
         tasks);
}

/* A harness without libFuzzer: its inputs to begin with, then mutations of them, drawn by a seed.
 *
 *   fuzz_NAME [--runs N] [--seconds T] [--seed S] [FILE...]
 *
 * FILE...: these inputs, such as one that failed, and nothing else.  A run ends with N mutations or
 * after T seconds; 0 is no limit.  Prints how many were tried.  An input that ends the program, or
 * takes longer than ten seconds, is kept as the file crash-NAME. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "fuzz.h"

enum { MOST_SEEDS = 256, LONGEST_RUN = 10 };

static uint8_t now[FUZZ_ROOM]; /* the input that is tried */
static size_t now_size;

static void keep_input(int signal_number) {
  static const char text[] = "this input failed: crash-" FUZZ_NAME "\n";
  const int fd = open("crash-" FUZZ_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd >= 0 && write(fd, now, now_size) == (ssize_t)now_size)
    (void)!write(STDOUT_FILENO, text, sizeof text - 1);
  (void)signal(signal_number, SIG_DFL);
  (void)raise(signal_number == SIGALRM ? SIGABRT : signal_number);
}

static void try_now(void) {
  alarm(LONGEST_RUN);
  (void)LLVMFuzzerTestOneInput(now, now_size);
  alarm(0);
}

/* ---- Mutations */

typedef struct drawn {
  uint64_t seed, run, k;
} drawn;

static size_t draw(drawn *d, size_t n) {
  d->k++;
  return n == 0 ? 0 : (size_t)(ls__hash(LS__HASH_START, d, sizeof *d) % n);
}

/* Put n bytes over `gone` of those at `at`. */
static void put(size_t at, size_t gone, const void *bytes, size_t n) {
  uint8_t copy[256];
  if (n > sizeof copy) n = sizeof copy;
  memcpy(copy, bytes, n);
  if (gone > now_size - at) gone = now_size - at;
  if (now_size - gone + n > sizeof now) return;
  memmove(now + at + n, now + at + gone, now_size - at - gone);
  memcpy(now + at, copy, n);
  now_size = now_size - gone + n;
}

static void mutate(drawn *d, const uint8_t *other, size_t other_size, size_t words) {
  static const uint8_t odd[] = {0, 1, 0x7F, 0x80, 0xFF, '0', '9', '\n', '"', ':', ',', '-'};
  const size_t at = draw(d, now_size + 1), n = draw(d, 32);
  const size_t from = draw(d, other_size + 1), most = other_size - from;
  const uint8_t byte = (uint8_t)draw(d, 256), strange = odd[draw(d, sizeof odd)];
  const uint8_t flipped = at < now_size ? (uint8_t)(now[at] ^ 1U << draw(d, 8)) : byte;
  const char *word = words > 0 ? fuzz_word(draw(d, words)) : "";
  switch (draw(d, 9)) {
    case 0: put(at, 1, &flipped, 1); break;
    case 1: put(at, 1, &byte, 1); break;
    case 2: put(at, draw(d, 2), &strange, 1); break;
    case 3: put(at, n, "", 0); break;                               /* less */
    case 4: put(at, 0, now + at, n < now_size - at ? n : 0); break; /* twice */
    case 5: put(at, draw(d, 2) * strlen(word), word, strlen(word)); break;
    case 6: put(at, n, other + from, n < most ? n : most); break; /* of another */
    case 7: now_size = at; break;
    default: put(at, 0, word, strlen(word)); break;
  }
}

/* ---- The program */

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  FUZZ_CHECK(file != NULL);
  now_size = fread(now, 1, sizeof now, file);
  fclose(file);
}

int main(int argc, char **argv) {
  static uint8_t seed[MOST_SEEDS][FUZZ_ROOM];
  static size_t size[MOST_SEEDS];
  size_t seeds = 0, words = 0, tried = 0;
  unsigned long long runs = 0, first = 1;
  double limit = 0;
  int files = 1;
  for (; files + 1 < argc && argv[files][0] == '-'; files += 2) {
    const char *name = argv[files], *value = argv[files + 1];
    if (strcmp(name, "--runs") == 0) runs = strtoull(value, NULL, 10);
    if (strcmp(name, "--seed") == 0) first = strtoull(value, NULL, 10);
    if (strcmp(name, "--seconds") == 0) limit = strtod(value, NULL);
  }
  static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) (void)signal(fatal[i], keep_input);
  LLVMFuzzerInitialize(&argc, &argv);
  for (; files < argc; files++, tried++) {
    read_file(argv[files]);
    try_now();
    printf("%s: %s\n", argv[files], ls_error_message());
  }
  if (tried > 0) goto end;
  /* What the library notes about an input is of no interest, and much. */
  FUZZ_CHECK(freopen("/dev/null", "w", stderr) != NULL);
  while (fuzz_word(words) != NULL) words++;
  while (seeds < MOST_SEEDS && (size[seeds] = fuzz_seed(seeds, seed[seeds])) != SIZE_MAX) {
    memcpy(now, seed[seeds], now_size = size[seeds]);
    try_now();
    seeds++;
    tried++;
  }
  const double end = seconds() + limit;
  for (uint64_t run = 0; (runs == 0 || run < runs) && (limit <= 0 || seconds() < end); run++) {
    drawn d = {first, run, 0};
    const size_t of = draw(&d, seeds), other = draw(&d, seeds);
    memcpy(now, seed[of], now_size = size[of]);
    for (size_t k = 1 + draw(&d, 6); k > 0; k--) mutate(&d, seed[other], size[other], words);
    try_now();
    tried++;
  }
end:
  printf("fuzz_" FUZZ_NAME ": tried %zu inputs, 0 failed; %zu were good, the others refused\n",
         tried, fuzz_good);
  return tried > 100 && fuzz_good == 0; /* then nothing has been tried */
}

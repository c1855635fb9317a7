/* What the harnesses share (fuzz.h). */
#define _XOPEN_SOURCE 700
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* ---- Taking an input apart */

unsigned fuzz_byte(fuzz_bytes *b) {
  if (b->left == 0) return 0;
  b->left--;
  return *b->at++;
}

size_t fuzz_below(fuzz_bytes *b, size_t n) {
  const size_t low = fuzz_byte(b);
  return (n > 256 ? low + 256 * (size_t)fuzz_byte(b) : low) % n;
}

double fuzz_number(fuzz_bytes *b) {
  const unsigned how = fuzz_byte(b);
  double x = 0;
  if (how < 224) return (double)(int)how - 8;
  for (size_t i = 0; i < sizeof x; i++) {
    const uint8_t byte = (uint8_t)fuzz_byte(b);
    memcpy((uint8_t *)&x + i, &byte, 1);
  }
  return x;
}

const char *fuzz_text(fuzz_bytes *b, char *to, size_t room) {
  const size_t n = fuzz_below(b, room);
  size_t used = 0;
  for (size_t i = 0; i < n && b->left > 0; i++) {
    const char c = (char)fuzz_byte(b);
    if (c != '\0') to[used++] = c;
  }
  to[used] = '\0';
  return to;
}

/* ---- Files */

static char folder[128];
static pid_t owner;

static void remove_folder(void) {
  char command[200];
  if (folder[0] == '\0' || getpid() != owner) return;
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (system(command) != 0) fprintf(stderr, "%s: is left behind\n", folder);
}

const char *fuzz_path(const char *name, char path[256]) {
  if (folder[0] == '\0') {
    struct stat about;
    const char *in = getenv("TMPDIR");
    if (in == NULL) in = stat("/dev/shm", &about) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%.100s/lockstep-fuzz-XXXXXX", in);
    FUZZ_CHECK(mkdtemp(folder) != NULL);
    owner = getpid();
    (void)atexit(remove_folder);
  }
  snprintf(path, 256, "%s/%.60s", folder, name);
  return path;
}

void fuzz_write(const char *path, const uint8_t *data, size_t size) {
  FILE *file = fopen(path, "wb");
  FUZZ_CHECK(file != NULL && fwrite(data, 1, size, file) == size);
  FUZZ_CHECK(fclose(file) == 0);
}

/* ---- What must be true */

void fuzz_failed(const char *what, const char *file, int line) {
  printf("%s:%d: %s is false; the last message was \"%s\"\n", file, line, what, ls_error_message());
  fflush(stdout);
  abort();
}

size_t fuzz_good;

void fuzz_status(ls_status st, unsigned allowed) {
  if (st == LS_OK) return;
  FUZZ_CHECK((allowed >> (unsigned)st & 1U) != 0);
  FUZZ_CHECK(ls_error_message()[0] != '\0' && strchr(ls_error_message(), '\n') == NULL);
}

size_t fuzz_begin(void) {
  ls__error_set("");
  return ls__alloc_alive();
}

void fuzz_end(size_t begin) {
  FUZZ_CHECK(ls__alloc_alive() == begin);
}

/* ---- To begin with */

/* In the folder LOCKSTEP_FUZZ_SEEDS: the inputs that libFuzzer begins with, and in words.dict what
 * it may put into them. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static uint8_t room[FUZZ_ROOM];
  const char *to = getenv("LOCKSTEP_FUZZ_SEEDS");
  char path[300];
  (void)argc, (void)argv;
  if (to == NULL) return 0;
  for (size_t i = 0, n; (n = fuzz_seed(i, room)) != SIZE_MAX; i++) {
    snprintf(path, sizeof path, "%.200s/seed-%zu", to, i);
    fuzz_write(path, room, n);
  }
  snprintf(path, sizeof path, "%.200s.dict", to);
  FILE *words = fopen(path, "w");
  FUZZ_CHECK(words != NULL);
  for (size_t i = 0; fuzz_word(i) != NULL; i++) {
    fputc('"', words);
    for (const char *c = fuzz_word(i); *c != '\0'; c++) fprintf(words, "\\x%02x", (uint8_t)*c);
    fputs("\"\n", words);
  }
  FUZZ_CHECK(fclose(words) == 0);
  return 0;
}

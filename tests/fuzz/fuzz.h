/* What the harnesses share: taking an input apart, files for it, and what must be true after it.
 *
 * A harness has LLVMFuzzerTestOneInput, inputs to begin with, and words that are worth trying. */
#ifndef LS_TESTS_FUZZ_H
#define LS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Input i to begin with, into a room of FUZZ_ROOM bytes; SIZE_MAX beyond the last. */
enum { FUZZ_ROOM = 1 << 16 };
size_t fuzz_seed(size_t i, uint8_t *to);
/* Word i, or NULL beyond the last. */
const char *fuzz_word(size_t i);

/* ---- Taking an input apart; at its end all is 0 */

typedef struct fuzz_bytes {
  const uint8_t *at;
  size_t left;
} fuzz_bytes;

unsigned fuzz_byte(fuzz_bytes *b);
size_t fuzz_below(fuzz_bytes *b, size_t n); /* 0 to n - 1; n at most 65536 */
double fuzz_number(fuzz_bytes *b);          /* small and whole, most often; or anything */
/* A text of at most room - 1 bytes, without a zero byte. */
const char *fuzz_text(fuzz_bytes *b, char *to, size_t room);

/* ---- Files */

/* A name in a folder of this process in memory, which is removed at its end. */
const char *fuzz_path(const char *name, char path[256]);
void fuzz_write(const char *path, const uint8_t *data, size_t size);

/* ---- What must be true */

void fuzz_failed(const char *what, const char *file, int line) LS_NORETURN;
#define FUZZ_CHECK(what) ((what) ? (void)0 : fuzz_failed(#what, __FILE__, __LINE__))

/* A status is one of `allowed`, bits 1 << status, or LS_OK; and an error has a message of one
 * line. */
void fuzz_status(ls_status st, unsigned allowed);
/* Inputs so far that were good: all of them refused would mean that little is tried. */
extern size_t fuzz_good;
/* All memory that was taken since is given back. */
size_t fuzz_begin(void);
void fuzz_end(size_t begin);

#endif

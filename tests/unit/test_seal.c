/* Seals: a checkpoint that is damaged anywhere, in any way, is seen before HDF5 meets it, and gives
 * what it gave or is refused in one line.  LOCKSTEP_TEST_FLIPS=1000 flips so many bits instead of
 * 60. */
#include <fcntl.h>
#include <inttypes.h>
#include <lockstep/checkpoint.h>
#include <lockstep/lockstep.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/seal.h"
#include "check.h"
#include "checkpoint/format.h"

#define OK(call)                                                       \
  do {                                                                 \
    ls_status ok_st = (call);                                          \
    if (ok_st != LS_OK) fail_msg("%s: %s", #call, ls_error_message()); \
  } while (0)
#define REFUSED(call, status, text)                                                           \
  do {                                                                                        \
    assert_int_equal(call, status);                                                           \
    if (strstr(ls_error_message(), text) == NULL)                                             \
      fail_msg("%s: the message is \"%s\", without \"%s\"", #call, ls_error_message(), text); \
  } while (0)

static char folder[] = "/tmp/lockstep-seal-XXXXXX", path[256], other[256];
static unsigned char *whole; /* [length] the checkpoint's bytes */
static size_t length;
static uint64_t wanted; /* digest of what it holds */

/* ---- A checkpoint, and all that is read of it ---- */

static const char network[] = "model:\n"
                              "- dense: {units: 23, activation: tanh, name: first}\n"
                              "- batch_norm\n"
                              "- dense: {units: 2}\n";

static ls__standing standing_of(void) {
  return (ls__standing){.step = 35,
                        .epoch = 3,
                        .position = 50,
                        .seed = 7,
                        .batch = 10,
                        .lanes = 2,
                        .samples = 100,
                        .seconds = 1.5,
                        .schedule = {1, (double)INFINITY, 0, 0},
                        .best = 0.25,
                        .best_epoch = 2,
                        .waited = 1,
                        .loss = 0.5,
                        .validation_loss = (double)NAN,
                        .n_sums = 3,
                        .kernels = "none"};
}

static ls_model *make_model(uint64_t seed) {
  ls_config *config = NULL;
  ls_model *model = NULL;
  ls_shape shape = {1, {5}};
  const float mean[5] = {1, 2, 3, 4, 5}, rstd[5] = {1, 1, 0.5F, 1, 2};
  OK(ls_config_parse(network, "network", &config));
  OK(ls_model_create(config, &shape, seed, &model));
  OK(ls__affine_set(&model->input[0], 5, mean, rstd, NULL));
  ls_config_destroy(config);
  return model;
}

static void save(const char *to, const ls_model *model, const ls__standing *standing) {
  ls__checkpoint_writer *writer = NULL;
  const double sums[] = {1, 2, 3};
  float *arena = NULL;
  OK(ls__alloc(&arena, model->graph->arena, sizeof *arena, "test"));
  for (size_t i = 0; i < model->graph->arena; i++) arena[i] = 0.5F + (float)i;
  OK(ls__checkpoint_begin(to, model, standing, sums, &writer));
  OK(ls__checkpoint_slot(writer, "m", arena));
  OK(ls__checkpoint_slot(writer, "v", model->parameters));
  OK(ls__checkpoint_end(writer));
  ls__free(arena);
}

static uint64_t add(uint64_t hash, const void *bytes, size_t n) {
  return ls__hash(hash, bytes, n);
}

/* All that a resume reads, and what a prediction gives. */
static ls_status read_all(const char *from, uint64_t *digest) {
  ls_status st = LS_OK;
  ls_model *model = NULL;
  ls__standing s;
  double *sums = NULL;
  float *arena = NULL, y[2];
  const float x[5] = {1, -2, 3, 0.5F, 2};
  uint64_t hash = LS__HASH_START;
  LS_TRY(ls__checkpoint_load(from, &model, &s, &sums));
  hash = add(hash, model->parameters, model->graph->arena * sizeof *arena);
  hash = add(hash, &s, sizeof s);
  hash = add(hash, sums, s.n_sums * sizeof *sums);
  LS_TRY(ls__alloc(&arena, model->graph->arena, sizeof *arena, "test"));
  for (int k = 0; k < 2; k++) {
    LS_TRY(ls__checkpoint_load_slot(from, model, k == 0 ? "m" : "v", arena));
    hash = add(hash, arena, model->graph->arena * sizeof *arena);
  }
  const void *in[] = {x};
  float *out[] = {y};
  LS_TRY(ls_model_predict_ports(model, 1, in, out));
  *digest = add(hash, y, sizeof y);
out:
  ls__free(arena);
  ls__free(sums);
  ls_model_destroy(model);
  return st;
}

static void write_bytes(const char *to, const unsigned char *bytes, size_t n) {
  FILE *out = fopen(to, "wb");
  assert_non_null(out);
  assert_int_equal(fwrite(bytes, 1, n, out), n);
  assert_int_equal(fclose(out), 0);
}

static int make(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(path, sizeof path, "%s/whole.h5", folder);
  snprintf(other, sizeof other, "%s/other.h5", folder);
  ls_model *model = make_model(3);
  const ls__standing standing = standing_of();
  save(path, model, &standing);
  ls_model_destroy(model);
  FILE *in = fopen(path, "rb");
  if (in == NULL) return -1;
  fseek(in, 0, SEEK_END);
  length = (size_t)ftell(in);
  rewind(in);
  whole = malloc(length);
  const bool good = whole != NULL && fread(whole, 1, length, in) == length;
  fclose(in);
  OK(read_all(path, &wanted));
  return good ? 0 : -1;
}

static int clear(void **state) {
  (void)state;
  free(whole);
  unlink(path);
  unlink(other);
  return rmdir(folder);
}

/* ---- Damage ---- */

/* Damaged bytes: refused in one line by us, not by HDF5.  Only where the seal alone was hit may it
 * still be read, and gives what it gave. */
static void expect(const unsigned char *bytes, size_t n, const char *what) {
  uint64_t digest = 0;
  write_bytes(other, bytes, n);
  const ls_status st = read_all(other, &digest);
  const bool same = n == length && memcmp(bytes + LS__SEAL_BYTES, whole + LS__SEAL_BYTES,
                                          length - LS__SEAL_BYTES) == 0;
  if (st == LS_OK) {
    if (!same) fail_msg("%s: it was read", what);
    if (digest != wanted) fail_msg("%s: it gives something else", what);
    return;
  }
  const char *message = ls_error_message();
  if (st != LS_ECHECKPOINT) fail_msg("%s: status %d: %s", what, (int)st, message);
  if (strchr(message, '\n') != NULL) fail_msg("%s: more than one line: %s", what, message);
  if (strstr(message, "damaged HDF5 file") != NULL || strstr(message, "truncated HDF5") != NULL)
    fail_msg("%s: HDF5 has met it: %s", what, message);
}

/* The k-th random number of this kind below n. */
static size_t draw(uint64_t kind, uint64_t k, size_t n) {
  const ls__rng rng = ls__rng_key(11, LS__RNG_TEST, kind, 0);
  return ls__rng_u32(&rng, k) % n;
}
static int flips(void) {
  const char *text = getenv("LOCKSTEP_TEST_FLIPS");
  return text != NULL ? atoi(text) : 60;
}

static unsigned char *copy_of_whole(size_t more) {
  unsigned char *bytes = malloc(length + more);
  assert_non_null(bytes);
  memcpy(bytes, whole, length);
  return bytes;
}

static void flipped_bits(void **state) {
  (void)state;
  unsigned char *bytes = copy_of_whole(0);
  char what[64];
  const size_t front = LS__SEAL_BYTES + 48; /* the seal and HDF5's superblock: each byte */
  for (size_t k = 0; k < front + (size_t)flips(); k++) {
    const size_t at = k < front ? k : draw(1, k, length), bit = draw(2, k, 8);
    bytes[at] ^= (unsigned char)(1U << bit);
    snprintf(what, sizeof what, "bit %zu of byte %zu", bit, at);
    expect(bytes, length, what);
    bytes[at] ^= (unsigned char)(1U << bit);
  }
  for (int k = 0; k < flips(); k++) { /* several at once */
    for (size_t i = 0; i < 5; i++) bytes[draw(3, 5 * (size_t)k + i, length)] ^= 0x10;
    expect(bytes, length, "5 bits");
    memcpy(bytes, whole, length);
  }
  free(bytes);
}

static void cut_off(void **state) {
  (void)state;
  char what[64];
  const size_t sizes[] = {0,    1,          7,          13,         14,           63,
                          64,   100,        511,        512,        513,          560,
                          1000, length / 4, length / 2, length - 8, length - 512, length - 1};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    snprintf(what, sizeof what, "the first %zu bytes", sizes[i]);
    expect(whole, sizes[i], what);
  }
  for (int k = 0; k < flips() / 4; k++) expect(whole, draw(4, (size_t)k, length), "the beginning");
  const size_t gone[] = {1, 8, 64, 511, 513, 1024, length - 512};
  for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
    snprintf(what, sizeof what, "without the first %zu bytes", gone[i]);
    expect(whole + gone[i], length - gone[i], what);
  }
}

/* Pieces of 8 to 4096 bytes: one in another's place, or zeros, or what was there before it. */
static void blocks_elsewhere(void **state) {
  (void)state;
  unsigned char *bytes = copy_of_whole(0), piece[4096];
  char what[80];
  for (size_t size = 8; size <= sizeof piece; size *= 2)
    for (size_t k = 0; k < 2 + (size_t)flips() / 10; k++) {
      const size_t places = length / size, seed = size * 1000 + k;
      /* the first two of each size; then any */
      const size_t a = k == 0 ? 0 : size * draw(5, seed, places),
                   b = k == 0 ? size * (places > 1) : size * draw(6, seed, places);
      snprintf(what, sizeof what, "%zu bytes at %zu exchanged with those at %zu", size, a, b);
      memcpy(piece, bytes + a, size);
      memmove(bytes + a, bytes + b, size);
      memcpy(bytes + b, piece, size);
      expect(bytes, length, what);
      memcpy(bytes, whole, length);
      snprintf(what, sizeof what, "%zu bytes at %zu zero", size, a);
      memset(bytes + a, 0, size);
      expect(bytes, length, what);
      memcpy(bytes, whole, length);
      snprintf(what, sizeof what, "%zu bytes at %zu are those at %zu", size, a, b);
      memcpy(bytes + a, whole + b, size);
      expect(bytes, length, what);
      memcpy(bytes, whole, length);
    }
  free(bytes);
}

static void too_much(void **state) {
  (void)state;
  unsigned char *bytes = copy_of_whole(length);
  memset(bytes + length, 0, length);
  const size_t more[] = {1, 8, 512, 4096};
  for (size_t i = 0; i < 4; i++)
    expect(bytes, length + (more[i] < length ? more[i] : length), "more");
  memcpy(bytes + length, whole, length);
  expect(bytes, 2 * length, "twice");
  memmove(bytes + 8, bytes, length);
  expect(bytes, length + 8, "8 bytes before it");
  free(bytes);
}

/* ---- What is no damage ---- */

/* Half the records lost; and the block taken away: what a cure in a message says. */
static void still_read(void **state) {
  (void)state;
  uint64_t digest = 0;
  unsigned char *bytes = copy_of_whole(0);
  ls__checkpoint_identity a, b;
  OK(ls__checkpoint_identify(path, &a));
  assert_true(a.sealed && a.bytes == length);
  memset(bytes, 0, 300);
  bytes[5 * LS__SEAL_RECORD + 40] ^= 1; /* a digit of the first that is left */
  write_bytes(other, bytes, length);
  OK(read_all(other, &digest));
  assert_true(digest == wanted);
  OK(ls__checkpoint_identify(other, &b)); /* a copy is the same checkpoint */
  assert_true(ls__checkpoint_same(&a, &b));
  write_bytes(other, whole + LS__SEAL_BYTES, length - LS__SEAL_BYTES);
  OK(read_all(other, &digest));
  assert_true(digest == wanted);
  OK(ls__checkpoint_identify(other, &b));
  assert_true(!b.sealed && !ls__checkpoint_same(&a, &b));
  free(bytes);
}

/* `bytes`: a file whose seal is of version 2.  As soon as that doesn't stand in all records, in its
 * place, as a plain number, the block is damaged. */
static void later_or_damaged(const unsigned char *bytes) {
  static const char *const damaged = "the seal in its first 512 bytes cannot be read";
  unsigned char *changed = copy_of_whole(1);
  uint64_t digest;
  for (size_t cut = 1; cut < 130; cut++) { /* off its beginning */
    write_bytes(other, bytes + cut, length - cut);
    REFUSED(read_all(other, &digest), LS_ECHECKPOINT, damaged);
    write_bytes(other, whole + cut, length - cut);
    assert_int_equal(read_all(other, &digest), LS_ECHECKPOINT);
  }
  for (size_t i = 0; i < 8; i++) { /* one record says 3, 0, 02, 2x or has other words */
    static const char *const record[] = {"lockstep seal 3 ", "lockstep seal 0 ",
                                         "lockstep seal 02 ", "lockstep seal 2x",
                                         "lockstap seal 2 "};
    for (size_t k = 0; k < 5; k++) {
      memcpy(changed, bytes, length);
      memcpy(changed + 64 * i, record[k], strlen(record[k]));
      write_bytes(other, changed, length);
      REFUSED(read_all(other, &digest), LS_ECHECKPOINT, damaged);
    }
  }
  memcpy(changed, bytes, length);
  for (size_t i = 0; i < 8; i++) memcpy(changed + 64 * i + 14, "02 ", 3);
  write_bytes(other, changed, length);
  REFUSED(read_all(other, &digest), LS_ECHECKPOINT, damaged);
  for (size_t i = 0; i < 8; i++) memcpy(changed + 64 * i + 14, "12 ", 3);
  write_bytes(other, changed, length);
  REFUSED(read_all(other, &digest), LS_EVERSION, "version 12");
  free(changed);
}

static void messages(void **state) {
  (void)state;
  uint64_t digest;
  unsigned char *bytes = copy_of_whole(1);
  for (size_t i = 0; i < 8; i++) bytes[64 * i + 14] = '2';
  write_bytes(other, bytes, length);
  REFUSED(read_all(other, &digest), LS_EVERSION, "its seal has version 2, which is unknown");
  later_or_damaged(bytes);
  memset(bytes, 0, LS__SEAL_BYTES);
  write_bytes(other, bytes, length);
  REFUSED(read_all(other, &digest), LS_ECHECKPOINT, "in its first 512 bytes, there is no seal");
  memcpy(bytes, whole, length);
  bytes[length - 1] ^= 1;
  write_bytes(other, bytes, length);
  REFUSED(read_all(other, &digest), LS_ECHECKPOINT,
          "its checksum does not fit; a change that was meant");
  write_bytes(other, whole, 3000);
  REFUSED(read_all(other, &digest), LS_ECHECKPOINT, "is truncated: 3000 bytes of");
  bytes[length] = 0;
  memcpy(bytes, whole, length);
  write_bytes(other, bytes, length + 1);
  REFUSED(read_all(other, &digest), LS_ECHECKPOINT, "are sealed");
  free(bytes);
}

/* What is read later must be of the file that the model was read from. */
static void replaced(void **state) {
  (void)state;
  ls_model *model = NULL, *second = make_model(4);
  ls__standing standing = standing_of(), got;
  double *sums = NULL;
  float *arena = NULL;
  write_bytes(other, whole, length);
  OK(ls__checkpoint_load(other, &model, &got, &sums));
  OK(ls__alloc(&arena, model->graph->arena, sizeof *arena, "test"));
  const ls__checkpoint_identity first = ls__checkpoint_identity_of(model);
  write_bytes(path, whole, length); /* the same bytes elsewhere are the same checkpoint */
  OK(ls__checkpoint_load_slot(path, model, "m", arena));
  save(other, second, &standing);
  REFUSED(ls__checkpoint_load_slot(other, model, "m", arena), LS_EIO,
          "was replaced by another checkpoint");
  ls__checkpoint_identity now;
  OK(ls__checkpoint_identify(other, &now));
  assert_false(ls__checkpoint_same(&first, &now));
  write_bytes(other, whole, 2000);
  assert_int_equal(ls__checkpoint_load_slot(other, model, "m", arena), LS_ECHECKPOINT);
  ls__free(arena);
  ls__free(sums);
  ls_model_destroy(model);
  ls_model_destroy(second);
}

/* A file that was read and has not changed is not hashed again; one that has, is. */
static void known(void **state) {
  (void)state;
  ls__seal seal, again, old;
  const int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  OK(ls__seal_check("test", fd, NULL, &seal));
  old = seal;
  old.hash ^= 1; /* of another file: it does not count */
  OK(ls__seal_check("test", fd, &old, &again));
  assert_true(again.hash == seal.hash);
  unsigned char byte = (unsigned char)(whole[length - 1] ^ 1);
  assert_int_equal(pwrite(fd, &byte, 1, (off_t)length - 1), 1);
  OK(ls__seal_read("test", fd, &again));
  old = again;
  old.hash ^= 1;
  REFUSED(ls__seal_check("test", fd, &old, &again), LS_EDATA, "its checksum does not fit");
  if (!ls__seal_same_file(&again, &seal)) { /* the clock has moved on */
    REFUSED(ls__seal_check("test", fd, &seal, &again), LS_EDATA, "its checksum does not fit");
  }
  REFUSED(ls__seal_check("test", fd, NULL, &again), LS_EDATA, "its checksum does not fit");
  assert_int_equal(pwrite(fd, whole + length - 1, 1, (off_t)length - 1), 1);
  OK(ls__seal_check("test", fd, NULL, &again));
  close(fd);
}

/* ---- Numbers ---- */

static void impossible_numbers(void **state) {
  (void)state;
  uint64_t digest;
  ls_model *model = make_model(3);
  struct {
    ls__standing s;
    const char *text;
  } cases[] = {{standing_of(), "position is 101, and an epoch has 100 samples"},
               {standing_of(), "step is 3, and 4 epochs were begun"},
               {standing_of(), "none of them can be 0"},
               {standing_of(), "none of them can be 0"},
               {standing_of(), "best_epoch and waited are 4 and 1, and 3 epochs are done"},
               {standing_of(), "the attribute standing is damaged"}};
  cases[0].s.position = 101;
  cases[1].s.step = 3;
  cases[2].s.batch = 0;
  cases[3].s.samples = cases[3].s.position = 0; /* of a fed trainer, and that has no epochs */
  cases[4].s.best_epoch = 4;
  cases[5].s.schedule[0] = (double)NAN;
  for (size_t i = 0; i < 6; i++) {
    save(other, model, &cases[i].s);
    REFUSED(read_all(other, &digest), LS_ECHECKPOINT, cases[i].text);
  }
  ls__standing good = standing_of();
  good.position = good.samples; /* the end of an epoch; a step for each epoch */
  good.step = 4;
  save(other, model, &good);
  OK(read_all(other, &digest));
  ls_model_destroy(model);
}

static void not_finite(void **state) {
  (void)state;
  ls_model *model = make_model(3), *loaded = NULL;
  const float bad[] = {(float)NAN, (float)INFINITY, -(float)INFINITY};
  for (size_t i = 0; i < 3; i++) {
    float *at = model->parameters + model->graph->tensor[i].offset;
    const float before = *at;
    char text[512];
    snprintf(text, sizeof text, "/parameters/%s holds NaN or infinite numbers",
             model->graph->tensor[i].name);
    *at = bad[i];
    OK(ls_model_save(model, other));
    REFUSED(ls_model_load(other, &loaded), LS_ECHECKPOINT, text);
    assert_null(loaded);
    *at = before;
  }
  model->input[0].mean[2] = (float)NAN;
  OK(ls_model_save(model, other));
  REFUSED(ls_model_load(other, &loaded), LS_ECHECKPOINT, "/normalization/x_mean holds NaN");
  ls_model_destroy(model);
}

/* ---- What is written ---- */

/* HASH and CHECK are of an independent implementation. */
static void record_of_a_file(void **state) {
  (void)state;
  unsigned char bytes[512 + 1000];
  char block[513] = "";
  for (size_t i = 0; i < 1000; i++) bytes[512 + i] = (unsigned char)(7 * i % 251);
  memset(bytes, 0xee, 512);
  write_bytes(other, bytes, sizeof bytes);
  const int fd = open(other, O_RDWR);
  OK(ls__seal_write("test", fd));
  assert_int_equal(pread(fd, block, 512, 0), 512);
  static const char record[] = "lockstep seal 1 00000000000005e8 32776226da097f04 91db8f2cf6946\n";
  for (size_t i = 0; i < 8; i++) assert_memory_equal(block + 64 * i, record, 64);
  close(fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(record_of_a_file),
      cmocka_unit_test(flipped_bits),
      cmocka_unit_test(cut_off),
      cmocka_unit_test(blocks_elsewhere),
      cmocka_unit_test(too_much),
      cmocka_unit_test(still_read),
      cmocka_unit_test(messages),
      cmocka_unit_test(replaced),
      cmocka_unit_test(known),
      cmocka_unit_test(impossible_numbers),
      cmocka_unit_test(not_finite),
  };
  return cmocka_run_group_tests(tests, make, clear);
}

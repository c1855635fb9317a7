/* A file of several arrays, whose values tell which row they are of. */
#ifndef LS_TESTS_DATA_ARRAYS_H
#define LS_TESTS_DATA_ARRAYS_H

#include "data/data.h"
#include "make_h5.h"

enum { ROWS = 120, TOKENS = 5, IMAGE = 6 };

static inline int32_t token_at(size_t i, size_t k) { /* odd, above 2^24: no float holds it */
  return i == 7 ? (k % 2 ? INT32_MAX : INT32_MIN) : (int32_t)(16777217 + 2 * (i * TOKENS + k));
}
static inline uint8_t image_at(size_t i, size_t k) {
  return (uint8_t)(i * 3 + k);
}
static inline float table_at(size_t i, size_t k) {
  return (float)i / 4 + (float)k;
}
static inline float extra_at(size_t i) {
  return (float)i;
}
static inline float price_at(size_t i) {
  return (float)i / 8 + 0.125f;
}
static inline int64_t kind_at(size_t i) {
  return (int64_t)(i % 4);
}
static inline float weight_at(size_t i) {
  return (float)(i % 3) * 0.5f;
}
static inline int32_t length_at(size_t i) {
  return (int32_t)(i % (TOKENS + 1));
}

/* Rows [lo, hi) into a group: image [2, 3] bytes, tokens [TOKENS] int64, table [2] floats, extra
 * doubles, price [1] doubles, kind int64 with names, w floats, n int64. */
static inline void put_rows(ls__h5 *file, const char *group, size_t lo, size_t hi) {
  static uint8_t image[ROWS][IMAGE];
  static int64_t tokens[ROWS][TOKENS], kind[ROWS], length[ROWS];
  static float table[ROWS][2], w[ROWS];
  static double extra[ROWS], price[ROWS];
  static const char *const classes[] = {"a", "b", "c", "d"};
  char name[8][100];
  static const char *const names[] = {"image", "tokens", "table", "extra",
                                      "price", "kind",   "w",     "n"};
  for (size_t i = 0; i < hi - lo; i++) {
    for (size_t k = 0; k < IMAGE; k++) image[i][k] = image_at(lo + i, k);
    for (size_t k = 0; k < TOKENS; k++) tokens[i][k] = token_at(lo + i, k);
    for (size_t k = 0; k < 2; k++) table[i][k] = table_at(lo + i, k);
    extra[i] = (double)extra_at(lo + i);
    price[i] = (double)price_at(lo + i);
    kind[i] = kind_at(lo + i);
    w[i] = weight_at(lo + i);
    length[i] = length_at(lo + i);
  }
  for (int k = 0; k < 8; k++) snprintf(name[k], sizeof name[k], "%s/%s", group, names[k]);
  const int rows = (int)(hi - lo);
  put(file, name[0], LS__U8, image, rows, 2, 3, 0);
  put(file, name[1], LS__I64, tokens, rows, TOKENS, 0);
  put(file, name[2], LS__F32, table, rows, 2, 0);
  put(file, name[3], LS__F64, extra, rows, 0);
  put(file, name[4], LS__F64, price, rows, 1, 0);
  put(file, name[5], LS__I64, kind, rows, 0);
  put(file, name[6], LS__F32, w, rows, 0);
  put(file, name[7], LS__I64, length, rows, 0);
  MUST(ls__h5_set_strings(file, name[5], "classes", classes, 4));
}

/* The same rows in /all, and cut into /train, /validation and /test. */
static inline void make_arrays(const char *path) {
  ls__h5 *file = NULL;
  MUST(ls__h5_create(path, &file));
  put_rows(file, "/all", 0, ROWS);
  put_rows(file, "/train", 0, 90);
  put_rows(file, "/validation", 90, 100);
  put_rows(file, "/test", 100, ROWS);
  MUST(ls__h5_commit(file));
}

/* Arrays of the configurations below, in their order. */
enum { A_IMAGE, A_TOKENS, A_FLAT, A_PRICE, A_KIND, A_WEIGHT, A_LENGTH, A_ALL };
#define ARRAYS_RELATIVE                                                                          \
  "inputs: {image: image, tokens: tokens, flat: [table, extra]}, targets: {price: price, kind: " \
  "kind}, "                                                                                      \
  "sample_weight: w, lengths: {tokens: n}"
#define ARRAYS_OF(group)                                                                           \
  "inputs: {image: " group "/image, tokens: " group "/tokens, flat: [" group "/table, " group      \
  "/extra]}, targets: {price: " group "/price, kind: " group "/kind}, sample_weight: " group "/w," \
  " "                                                                                              \
  "lengths: {tokens: " group "/n}"

/* Room for a batch of them. */
typedef struct several {
  float image[ROWS][IMAGE], flat[ROWS][3], price[ROWS], kind[ROWS], weight[ROWS];
  int32_t tokens[ROWS][TOKENS], length[ROWS];
} several;

static inline void several_rooms(several *b, void *to[LS__MAX_ARRAYS]) {
  memset(b, 0x55, sizeof *b);
  to[A_IMAGE] = b->image;
  to[A_TOKENS] = b->tokens;
  to[A_FLAT] = b->flat;
  to[A_PRICE] = b->price;
  to[A_KIND] = b->kind;
  to[A_WEIGHT] = b->weight;
  to[A_LENGTH] = b->length;
}

/* Whether place p of a batch that isn't normalised holds row i of the file. */
static inline bool several_holds(const several *b, size_t p, size_t i) {
  for (size_t k = 0; k < IMAGE; k++)
    if (b->image[p][k] != (float)image_at(i, k)) return false;
  for (size_t k = 0; k < TOKENS; k++)
    if (b->tokens[p][k] != token_at(i, k)) return false;
  return b->flat[p][0] == table_at(i, 0) && b->flat[p][1] == table_at(i, 1) &&
         b->flat[p][2] == extra_at(i) && b->price[p] == price_at(i) &&
         b->kind[p] == (float)kind_at(i) && b->weight[p] == weight_at(i) &&
         b->length[p] == length_at(i);
}

#endif

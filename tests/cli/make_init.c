/* Files for test_init.py, as other people's programs write them: a name says what is special. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "h5/h5.h"

enum { N = 120, MOST = N * 2048 };
static double number[MOST];
static int32_t whole[MOST];
static uint8_t byte[MOST];
static ls__rng rng;
static uint64_t drawn;

static double normal(void) {
  return ls__rng_normal(&rng, drawn++);
}

/* Numbers of [rows, ...]. */
static ls_status numbers(ls__h5 *file, const char *name, ls_shape shape, double every, double is) {
  const size_t n = ls_shape_count(&shape);
  for (size_t i = 0; i < n; i++) number[i] = every > 0 && i % (size_t)every == 0 ? is : normal();
  return ls__h5_write(file, name, LS__F64, &shape, number);
}

/* Whole numbers from `low` to below `high`. */
static ls_status labels(ls__h5 *file, const char *name, ls_shape shape, int low, int high) {
  const size_t n = ls_shape_count(&shape);
  for (size_t i = 0; i < n; i++) whole[i] = low + (int)(i % (size_t)(high - low));
  return ls__h5_write(file, name, LS__I32, &shape, whole);
}

static ls_status bytes(ls__h5 *file, const char *name, ls_shape shape) {
  const size_t n = ls_shape_count(&shape);
  for (size_t i = 0; i < n; i++) byte[i] = (uint8_t)(100 + 30 * normal());
  return ls__h5_write(file, name, LS__U8, &shape, byte);
}

/* Smooth curves. */
static ls_status curves(ls__h5 *file, const char *name, size_t rows, size_t points) {
  const ls_shape shape = {2, {rows, points}};
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < points; i++) number[r * points + i] = sin(0.1 * (double)i + (double)r);
  return ls__h5_write(file, name, LS__F64, &shape, number);
}

/* A one among zeros, or zeros and ones. */
static ls_status ones(ls__h5 *file, const char *name, size_t k, bool one) {
  const ls_shape shape = {2, {N, k}};
  for (size_t i = 0; i < N * k; i++) number[i] = one ? i / k % k == i % k : i % 4 == 0;
  return ls__h5_write(file, name, LS__F64, &shape, number);
}

static ls_status fill(ls__h5 *f, const char *is) {
  const ls_shape table = {2, {N, 5}}, column = {1, {N}}, fields = {3, {N, 16, 16}};
  ls_status st = LS_OK;
#define IS(name) (strcmp(is, name) == 0)
  if (IS("numbers") || IS("missing") || IS("targets_missing") || IS("infinite") || IS("constant")) {
    LS_TRY(numbers(f, "/x", table, IS("missing") || IS("infinite") ? 7 : 0,
                   IS("missing") ? (double)NAN : (double)INFINITY));
    LS_TRY(numbers(f, "/y", column, IS("targets_missing") ? 9 : IS("constant"),
                   IS("constant") ? 3.5 : (double)NAN));
  } else if (IS("hollow")) {
    LS_TRY(numbers(f, "/x", table, 5, (double)NAN));
    LS_TRY(numbers(f, "/y", column, 0, 0));
  } else if (IS("land")) { /* points that have no value in any row */
    LS_TRY(numbers(f, "/x", fields, 64, (double)NAN));
    LS_TRY(numbers(f, "/y", fields, 0, 0));
  } else if (IS("one_class") || IS("classes") || IS("many_whole")) {
    LS_TRY(numbers(f, "/features", table, 0, 0));
    LS_TRY(labels(f, "/labels", column, IS("many_whole") ? -50 : 1, IS("one_class") ? 2 : 4));
  } else if (IS("three_rows")) {
    LS_TRY(numbers(f, "/x", (ls_shape){2, {3, 5}}, 0, 0));
    LS_TRY(numbers(f, "/y", (ls_shape){1, {3}}, 0, 0));
  } else if (IS("other_lengths")) {
    LS_TRY(numbers(f, "/x", table, 0, 0));
    LS_TRY(numbers(f, "/y", (ls_shape){1, {N - 1}}, 0, 0));
  } else if (IS("wide")) {
    LS_TRY(numbers(f, "/x", (ls_shape){2, {20, 12000}}, 0, 0));
    LS_TRY(labels(f, "/y", (ls_shape){1, {20}}, 0, 2));
  } else if (IS("images_alone")) {
    LS_TRY(bytes(f, "/images", (ls_shape){3, {N, 28, 28}}));
  } else if (IS("channels_first") || IS("channels_last")) {
    LS_TRY(bytes(f, "/images",
                 IS("channels_first") ? (ls_shape){4, {N, 3, 20, 24}}
                                      : (ls_shape){4, {N, 20, 24, 3}}));
    LS_TRY(labels(f, "/labels", column, 0, 4));
  } else if (IS("groups")) {
    LS_TRY(bytes(f, "/train/images", (ls_shape){3, {N, 12, 12}}));
    LS_TRY(labels(f, "/train/labels", column, 0, 4));
    LS_TRY(bytes(f, "/test/images", (ls_shape){3, {40, 12, 12}}));
    LS_TRY(labels(f, "/test/labels", (ls_shape){1, {40}}, 0, 4));
  } else if (IS("fields") || IS("two_folders")) {
    LS_TRY(numbers(f, "/a/x", fields, 0, 0));
    LS_TRY(numbers(f, "/a/y", fields, 0, 0));
    if (IS("two_folders")) LS_TRY(numbers(f, "/b/x", fields, 0, 0));
    if (IS("two_folders")) LS_TRY(numbers(f, "/b/y", fields, 0, 0));
  } else if (IS("fields_first")) { /* sides that don't halve */
    LS_TRY(numbers(f, "/x", (ls_shape){4, {N, 2, 15, 18}}, 0, 0));
    LS_TRY(numbers(f, "/y", (ls_shape){4, {N, 1, 15, 18}}, 0, 0));
  } else if (IS("mask")) {
    LS_TRY(numbers(f, "/images", (ls_shape){4, {N, 16, 16, 2}}, 0, 0));
    LS_TRY(labels(f, "/masks", fields, 0, 3));
  } else if (IS("lines")) {
    LS_TRY(curves(f, "/x", N, 64));
    LS_TRY(curves(f, "/y", N, 64));
  } else if (IS("volumes")) {
    LS_TRY(numbers(f, "/x", (ls_shape){4, {N, 12, 12, 12}}, 0, 0));
    LS_TRY(numbers(f, "/y", (ls_shape){2, {N, 3}}, 0, 0));
  } else if (IS("series")) {
    LS_TRY(numbers(f, "/x", (ls_shape){3, {N, 96, 3}}, 0, 0));
    LS_TRY(labels(f, "/y", column, 0, 2));
  } else if (IS("to_field")) {
    LS_TRY(numbers(f, "/x", (ls_shape){2, {N, 4}}, 0, 0));
    LS_TRY(numbers(f, "/y", fields, 0, 0));
  } else if (IS("one_hot") || IS("yes_no")) {
    LS_TRY(numbers(f, "/x", table, 0, 0));
    LS_TRY(ones(f, "/y", 3, IS("one_hot")));
  } else if (IS("sizes")) {
    LS_TRY(numbers(f, "/rho", table, 0, 0));
    LS_TRY(numbers(f, "/energy", column, 0, 0));
  } else if (IS("several")) {
    LS_TRY(numbers(f, "/settings", table, 0, 0));
    LS_TRY(numbers(f, "/map", fields, 0, 0));
    LS_TRY(labels(f, "/user_id", column, 0, 40));
    LS_TRY(numbers(f, "/energy", (ls_shape){2, {N, 2}}, 0, 0));
    LS_TRY(labels(f, "/phase", column, 0, 3));
    LS_TRY(numbers(f, "/odd name \"so\": #1", table, 0, 0));
  } else {
    LS_TRY(ls__h5_set_integer(f, "/", "nothing", 1)); /* a file without datasets */
  }
out:
  return st;
}

int main(int argc, char **argv) {
  static const char *const names[] =
      {"numbers", "missing",       "targets_missing", "infinite",       "constant",
       "hollow",  "one_class",     "classes",         "many_whole",     "three_rows",
       "wide",    "other_lengths", "images_alone",    "channels_first", "channels_last",
       "groups",  "fields",        "two_folders",     "fields_first",   "mask",
       "lines",   "volumes",       "series",          "to_field",       "one_hot",
       "yes_no",  "sizes",         "several",         "nothing",        "land",
       NULL};
  ls_status st = LS_OK;
  rng = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  for (int i = 0; names[i] != NULL && st == LS_OK; i++) {
    char path[4096];
    ls__h5 *file = NULL;
    snprintf(path, sizeof path, "%s/%s.h5", argc > 1 ? argv[1] : ".", names[i]);
    st = ls__h5_create(path, &file);
    LS_THEN(st, fill(file, names[i]));
    if (st == LS_OK)
      st = ls__h5_commit(file);
    else
      ls__h5_close(file);
  }
  if (st != LS_OK) fprintf(stderr, "make_init: %s\n", ls_error_message());
  return ls_status_exit_code(st);
}

/* Tables as text to datasets, and what became of them. */
#ifndef LS_CSV_CHECK_H
#define LS_CSV_CHECK_H

#include <string.h>
#include <unistd.h>

#include <lockstep/convert.h>

#include "base/alloc.h"
#include "h5/h5.h"
#include "h5_there.h"

static char folder[] = "/tmp/lockstep-csv-XXXXXX";
static char source[64], output[64];
static const char *const one_source[] = {source};

static inline void write_file(const char *path, const char *text, size_t n) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, n, file), n);
  assert_int_equal(fclose(file), 0);
}

static inline void write_bytes(const char *text, size_t n) {
  write_file(source, text, n);
}

/* Options to convert `source`, with these of csv's own, NULL-terminated. */
static inline ls_convert_options table_with(const char *const *own) {
  ls_convert_options o = {.format = "csv",
                          .sources = one_source,
                          .n_sources = 1,
                          .output = output,
                          .options = own};
  while (own != NULL && own[o.n_options] != NULL) o.n_options++;
  return o;
}

/* Convert a text. */
static inline ls_status convert(const char *text, const char *const *own) {
  const ls_convert_options o = table_with(own);
  write_bytes(text, strlen(text));
  return ls_convert(&o);
}
#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void good(ls_status st) {
  if (st != LS_OK) fail_msg("%s", ls_error_message());
}

static inline void refused(ls_status st, const char *part) {
  if (st == LS_OK || strstr(ls_error_message(), part) == NULL)
    fail_msg("saw %d \"%s\"\nwanted ... \"%s\"", (int)st, st == LS_OK ? "" : ls_error_message(),
             part);
}

/* Rows of /train/NAME as text: "1,2;3,4". */
static inline void expect(const char *name, const char *wanted) {
  ls__h5 *file;
  ls__h5_info info;
  double seen[256];
  char all[2048] = "";
  size_t used = 0;
  good(ls__h5_open(output, &file));
  good(ls__h5_info_get(file, name, &info));
  const size_t rows = info.shape.dim[0], width = ls_shape_count(&info.shape) / rows;
  assert_in_range(rows * width, 1, 256);
  good(ls__h5_read(file, name, LS__F64, seen));
  for (size_t i = 0; i < rows * width; i++)
    used += (size_t)snprintf(all + used, sizeof all - used, "%s%.*g",
                             i == 0           ? ""
                             : i % width == 0 ? ";"
                                              : ",",
                             info.type == LS__F32 ? 7 : 15, seen[i]);
  ls__h5_close(file);
  all[used] = '\0';
  assert_string_equal(all, wanted);
}

static inline void expect_type(const char *name, ls__dtype type) {
  ls__h5 *file;
  ls__h5_info info;
  good(ls__h5_open(output, &file));
  good(ls__h5_info_get(file, name, &info));
  ls__h5_close(file);
  assert_int_equal(info.type, type);
}

/* wanted NULL: there is no such attribute. */
static inline void expect_strings(const char *object, const char *attribute, const char *wanted) {
  ls__h5 *file;
  char **text = NULL, all[512] = "";
  size_t n = 0;
  good(ls__h5_open(output, &file));
  const bool there = is_there(file, object, attribute);
  if (there) good(ls__h5_get_strings(file, object, attribute, &text, &n));
  for (size_t i = 0; i < n; i++) {
    strcat(strcat(all, text[i]), "|");
    ls__free(text[i]);
  }
  ls__free(text);
  ls__h5_close(file);
  assert_int_equal(there, wanted != NULL);
  if (wanted != NULL) assert_string_equal(all, wanted);
}

static inline int set_up(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(source, sizeof source, "%s/source", folder);
  snprintf(output, sizeof output, "%s/out.h5", folder);
  return 0;
}

static inline int tear_down(void **state) {
  (void)state;
  unlink(source);
  unlink(output);
  if (rmdir(folder) != 0) return -1; /* a temporary file was left behind */
  return ls__alloc_alive() == 0 ? 0 : -1;
}

#endif

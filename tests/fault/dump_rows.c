/* Print the training part of a dataset as JSON, every number with all its digits: what a test
 * compares with what it wrote. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "h5/h5.h"

static void put_text(const char *text) {
  putchar('"');
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\')
      printf("\\%c", *text);
    else if ((unsigned char)*text < 32)
      printf("\\u%04x", (unsigned)*text);
    else
      putchar(*text);
  }
  putchar('"');
}

static ls_status put_array(ls__h5 *file, const char *name) {
  ls_status st = LS_OK;
  ls__h5_info info;
  double *x = NULL;
  LS_TRY(ls__h5_info_get(file, name, &info));
  const size_t rows = info.shape.dim[0],
               width = ls_shape_count(&info.shape) / (rows == 0 ? 1 : rows);
  LS_TRY(ls__alloc(&x, rows * width, sizeof *x, "rows"));
  LS_TRY(ls__h5_read(file, name, LS__F64, x));
  printf("{\"type\":%d,\"rows\":[", (int)info.type);
  for (size_t i = 0; i < rows; i++) {
    printf("%s[", i == 0 ? "" : ",");
    for (size_t k = 0; k < width; k++) printf("%s%.17g", k == 0 ? "" : ",", x[i * width + k]);
    putchar(']');
  }
  putchar(']');
  static const char *const attribute[] = {"columns", "classes"};
  for (int a = 0; a < 2; a++) {
    char **text;
    size_t n;
    bool there = false;
    LS_TRY(ls__h5_has_attribute(file, name, attribute[a], &there));
    if (!there) continue;
    LS_TRY(ls__h5_get_strings(file, name, attribute[a], &text, &n));
    printf(",\"%s\":[", attribute[a]);
    for (size_t i = 0; i < n; i++) {
      if (i > 0) putchar(',');
      put_text(text[i]);
      ls__free(text[i]);
    }
    ls__free(text);
    putchar(']');
  }
  putchar('}');
out:
  ls__free(x);
  return st;
}

/* dump_rows FILE [ARRAY...]: of the training part, where none is named x and y; NAME of /NAME. */
int main(int argc, char **argv) {
  static const char *const usual[] = {"/train/x", "/train/y"};
  static const char *const called[] = {"x", "y"};
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  if (argc < 2) return 2;
  const int n = argc > 2 ? argc - 2 : 2;
  LS_TRY(ls__h5_open(argv[1], &file));
  for (int i = 0; i < n; i++) {
    printf("%s\"%s\":", i == 0 ? "{" : ",", argc > 2 ? argv[2 + i] : called[i]);
    LS_TRY(put_array(file, argc > 2 ? argv[2 + i] : usual[i]));
  }
  puts("}");
out:
  ls__h5_close(file);
  if (st != LS_OK) fprintf(stderr, "%s\n", ls_error_message());
  return st != LS_OK;
}

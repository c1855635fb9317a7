/* PGM and PPM (https://netpbm.sourceforge.net/doc/pgm.html): "P5", width, height, largest value,
 * one white space, then the values in one byte each, or two where the largest is above 255; P6 has
 * three values a pixel, P2 and P3 are the same as text. */
#include <string.h>

#include "base/alloc.h"
#include "convert/image.h"

/* A number of the header or of text, behind spaces and comments; false: there is none. */
static bool take_number(FILE *file, size_t *n) {
  int c = getc(file);
  while (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#') {
    while (c == '#') do
        c = getc(file);
      while (c != '\n' && c != EOF);
    if (c != EOF) c = getc(file);
  }
  if (c < '0' || c > '9') return false;
  for (*n = 0; c >= '0' && c <= '9'; c = getc(file)) {
    *n = 10 * *n + (size_t)(c - '0');
    if (*n > 1000000) return false;
  }
  if (c == '#') (void)ungetc(c, file);
  return c != EOF || feof(file); /* one white space has been taken */
}

static bool take_value(FILE *file, bool text, size_t most, size_t *n) {
  if (text) return take_number(file, n) && *n <= most;
  const int high = most > 255 ? getc(file) : 0, low = getc(file);
  if (high == EOF || low == EOF) return false;
  *n = (size_t)high << 8 | (size_t)low;
  return *n <= most;
}

ls_status ls__image_read_pnm(FILE *file, const char *path, ls__raster *image) {
  ls_status st = LS_OK;
  size_t width, height, most, value;
  (void)getc(file);
  const int kind = getc(file);
  const bool text = kind == '2' || kind == '3', grey = kind == '2' || kind == '5';
  if (!take_number(file, &width) || !take_number(file, &height) || !take_number(file, &most) ||
      most < 1 || most > 65535)
    LS_FAIL(LS_EDATA, "%s: the header of the %s file is damaged", path, grey ? "PGM" : "PPM");
  LS_TRY(ls__image_create(path, height, width, image));
  unsigned char *to = image->pixel;
  for (size_t i = 0; i < height * width; i++, to += 3)
    for (size_t c = 0; c < 3; c++) {
      if (grey && c > 0) {
        to[c] = to[0];
        continue;
      }
      if (!take_value(file, text, most, &value))
        LS_FAIL(LS_EDATA, "%s: the file %s at pixel %zu of %zu", path,
                feof(file) ? "ends" : "holds a wrong value", i, height * width);
      to[c] = (unsigned char)((value * 255 + most / 2) / most);
    }
out:
  return st;
}

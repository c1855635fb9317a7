/* Image files: which reader reads one, and resizing. */
#include "convert/image.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

bool ls__image_is_named(const char *name) {
  static const char *const ends[] = {".png", ".jpg", ".jpeg", ".pgm", ".ppm", ".pnm"};
  const char *dot = strrchr(name, '.');
  for (size_t i = 0; dot != NULL && i < sizeof ends / sizeof *ends; i++)
    if (strcasecmp(dot, ends[i]) == 0) return true;
  return false;
}

ls_status ls__image_create(const char *path, size_t height, size_t width, ls__raster *image) {
  if (height == 0 || width == 0 || height > LS__IMAGE_SIDE || width > LS__IMAGE_SIDE ||
      height * width > LS__IMAGE_PIXELS)
    return ls__fail(LS_EDATA,
                    "%s: an image of %zu x %zu pixels; sides of 1 to %d and %d million "
                    "pixels are read",
                    path, height, width, LS__IMAGE_SIDE, LS__IMAGE_PIXELS / 1000000);
  image->height = height;
  image->width = width;
  return ls__alloc(&image->pixel, 3 * height * width, 1, path);
}

void ls__image_reset(ls__raster *image) {
  ls__free(image->pixel);
  memset(image, 0, sizeof *image);
}

ls_status ls__image_read(const char *path, ls__raster *image) {
  ls_status st = LS_OK;
  unsigned char first[4] = {0};
  memset(image, 0, sizeof *image);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  errno = 0;
  const size_t n = fread(first, 1, sizeof first, file);
  if (n < sizeof first && ferror(file))
    st = ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  else if (n == 0)
    st = ls__fail(LS_EDATA, "%s: the file is empty", path);
  else if (fseek(file, 0, SEEK_SET) != 0)
    st = ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  else if (memcmp(first, "\211PNG", 4) == 0)
    st = ls__image_read_png(file, path, image);
  else if (memcmp(first, "\xFF\xD8\xFF", 3) == 0)
    st = ls__image_read_jpeg(file, path, image);
  else if (first[0] == 'P' && strchr("2356", first[1]) != NULL && first[1] != '\0')
    st = ls__image_read_pnm(file, path, image);
  else
    st = ls__fail(LS_EDATA, "%s: begins like no PNG, JPEG, PGM or PPM file", path);
  if (st == LS_EDATA && ferror(file)) /* a library takes what can't be read for the end */
    st = ls__fail(LS_EIO, "%s: %s", path, strerror(errno != 0 ? errno : EIO));
  (void)fclose(file);
  if (st != LS_OK) ls__image_reset(image);
  return st;
}

/* ---- Resizing ---- */

/* The pixels below one new pixel along a side, and their weights. */
typedef struct span {
  size_t first, n;
  double *weight; /* [n] */
} span;

typedef struct filter {
  span *span; /* [to] */
  double *weights;
} filter;

static void filter_reset(filter *f) {
  ls__free(f->span);
  ls__free(f->weights);
}

/* From so many pixels to so many. */
static ls_status filter_create(size_t from, size_t to, filter *f) {
  ls_status st = LS_OK;
  const double scale = (double)from / (double)to, reach = scale > 1 ? scale : 1;
  const size_t most = 2 * (size_t)ceil(reach) + 1;
  LS_TRY(ls__alloc(&f->span, to, sizeof *f->span, "resizing"));
  LS_TRY(ls__alloc(&f->weights, to * most, sizeof *f->weights, "resizing"));
  for (size_t i = 0; i < to; i++) {
    span *s = &f->span[i];
    const double center = ((double)i + 0.5) * scale, low = floor(center - reach + 0.5),
                 high = floor(center + reach + 0.5);
    double sum = 0;
    s->first = low < 0 ? 0 : (size_t)low;
    const size_t end = high > (double)from ? from : (size_t)high;
    s->n = end - s->first;
    s->weight = f->weights + i * most;
    LS_ASSERT(s->n >= 1 && s->n <= most);
    for (size_t k = 0; k < s->n; k++) {
      const double off = fabs((double)(s->first + k) + 0.5 - center) / reach;
      s->weight[k] = off < 1 ? 1 - off : 0;
      sum += s->weight[k];
    }
    for (size_t k = 0; k < s->n; k++) s->weight[k] /= sum;
  }
out:
  return st;
}

static unsigned char byte_of(double x) {
  return (unsigned char)(x <= 0 ? 0 : x >= 255 ? 255 : floor(x + 0.5));
}

/* The weighted rows below a new row, one pixel after another: line [width, 3]. */
static void add_rows(const ls__raster *image, const span *rows, double *line) {
  const size_t n = 3 * image->width;
  memset(line, 0, n * sizeof *line);
  for (size_t k = 0; k < rows->n; k++) {
    const unsigned char *row = image->pixel + (rows->first + k) * n;
    const double weight = rows->weight[k];
    for (size_t i = 0; i < n; i++) line[i] += weight * (double)row[i];
  }
}

ls_status ls__image_resize(const ls__raster *image, size_t height, size_t width, size_t channels,
                           unsigned char *to) {
  ls_status st = LS_OK;
  filter rows = {NULL, NULL}, columns = {NULL, NULL};
  double *line = NULL;
  LS_TRY(filter_create(image->height, height, &rows));
  LS_TRY(filter_create(image->width, width, &columns));
  LS_TRY(ls__alloc(&line, 3 * image->width, sizeof *line, "resizing"));
  for (size_t y = 0; y < height; y++) {
    add_rows(image, &rows.span[y], line);
    for (size_t x = 0; x < width; x++) {
      const span *s = &columns.span[x];
      double colour[3] = {0, 0, 0};
      for (size_t k = 0; k < s->n; k++)
        for (size_t c = 0; c < 3; c++) colour[c] += s->weight[k] * line[3 * (s->first + k) + c];
      if (channels == 1)
        *to++ = byte_of(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]);
      else
        for (size_t c = 0; c < 3; c++) *to++ = byte_of(colour[c]);
    }
  }
out:
  filter_reset(&rows);
  filter_reset(&columns);
  ls__free(line);
  return st;
}

/* PNG files through libpng, where it was there when lockstep was built.  Palettes, grey, 16 bits and
 * interlacing become 8 bits of red, green and blue; what is transparent becomes black. */
#include "convert/image.h"

#ifdef LS__WITH_PNG
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "base/alloc.h"

/* What a jump out of libpng leaves behind is here, not in the function that it jumps to. */
typedef struct reading {
  png_structp png;
  png_infop info;
  png_bytep *row;
  unsigned char *rgba;
  char message[200];
} reading;

static void on_error(png_structp png, png_const_charp message) {
  reading *r = png_get_error_ptr(png);
  snprintf(r->message, sizeof r->message, "%s", message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message; /* of side matters, such as a text with a wrong date */
}

static void over_black(const unsigned char *rgba, size_t n, unsigned char *rgb) {
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < 3; c++)
      rgb[3 * i + c] = (unsigned char)((rgba[4 * i + c] * rgba[4 * i + 3] + 127) / 255);
}

/* What may jump: no local of it is used behind a jump. */
static ls_status read_into(reading *r, FILE *file, const char *path, ls__raster *image) {
  ls_status st = LS_OK;
  if (setjmp(png_jmpbuf(r->png)) != 0)
    return ls__fail(LS_EDATA, "%s: the PNG file is damaged: %s", path, r->message);
  png_init_io(r->png, file);
  png_set_user_limits(r->png, LS__IMAGE_SIDE, LS__IMAGE_SIDE);
  png_set_chunk_cache_max(r->png, 1000);
  png_set_chunk_malloc_max(r->png, 8000000);
  png_read_info(r->png, r->info);
  const size_t width = png_get_image_width(r->png, r->info),
               height = png_get_image_height(r->png, r->info);
  st = ls__image_create(path, height, width, image);
  if (st != LS_OK) return st;
  png_set_expand(r->png);
  png_set_scale_16(r->png);
  png_set_gray_to_rgb(r->png);
  png_set_add_alpha(r->png, 255, PNG_FILLER_AFTER);
  (void)png_set_interlace_handling(r->png);
  png_read_update_info(r->png, r->info);
  LS_ASSERT(png_get_rowbytes(r->png, r->info) == 4 * width);
  st = ls__alloc(&r->rgba, 4 * width * height, 1, path);
  if (st == LS_OK) st = ls__alloc(&r->row, height, sizeof *r->row, path);
  if (st != LS_OK) return st;
  for (size_t y = 0; y < height; y++) r->row[y] = r->rgba + 4 * width * y;
  png_read_image(r->png, r->row);
  png_read_end(r->png, NULL);
  over_black(r->rgba, width * height, image->pixel);
  return LS_OK;
}

ls_status ls__image_read_png(FILE *file, const char *path, ls__raster *image) {
  ls_status st = LS_OK;
  reading r;
  memset(&r, 0, sizeof r);
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
  if (r.png != NULL) r.info = png_create_info_struct(r.png);
  if (r.info == NULL)
    st = ls__fail(LS_ENOMEM, "%s: out of memory", path);
  else
    st = read_into(&r, file, path, image);
  png_destroy_read_struct(&r.png, &r.info, NULL);
  ls__free(r.row);
  ls__free(r.rgba);
  return st;
}

#else

ls_status ls__image_read_png(FILE *file, const char *path, ls__raster *image) {
  (void)file;
  (void)image;
  return ls__fail(LS_EDATA,
                  "%s: a PNG file, and this lockstep was built without libpng (Debian: libpng-dev, "
                  "then build again); PGM and PPM files are read without it",
                  path);
}

#endif

/* JPEG files through libjpeg or libjpeg-turbo, where it was there when lockstep was built. */
#include "convert/image.h"

#ifdef LS__WITH_JPEG
#include <setjmp.h>
#include <string.h>
/* After stdio.h, which it needs. */
#include <jpeglib.h>

/* What a jump out of libjpeg leaves behind is here, not in the function that it jumps to. */
typedef struct reading {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;     /* jpeg.err points to it */
  struct jpeg_progress_mgr watched; /* and jpeg.progress to this */
  jmp_buf out;
  char message[JMSG_LENGTH_MAX];
} reading;

static void on_error(j_common_ptr jpeg) {
  reading *r = jpeg->client_data;
  jpeg->err->format_message(jpeg, r->message);
  longjmp(r->out, 1);
}

/* A warning is damage that libjpeg would fill in, as where the file is cut off. */
static void on_message(j_common_ptr jpeg, int level) {
  if (level < 0) on_error(jpeg);
}

/* A small file can ask for the whole image to be gone over thousands of times. */
static void on_progress(j_common_ptr jpeg) {
  enum { MOST_SCANS = 500 };
  reading *r = jpeg->client_data;
  if (r->jpeg.input_scan_number <= MOST_SCANS) return;
  snprintf(r->message, sizeof r->message, "it has more than %d scans", MOST_SCANS);
  longjmp(r->out, 1);
}

static ls_status read_into(reading *r, FILE *file, const char *path, ls__raster *image) {
  if (setjmp(r->out) != 0)
    return ls__fail(LS_EDATA, "%s: the JPEG file is damaged: %s", path, r->message);
  jpeg_create_decompress(&r->jpeg);
  r->jpeg.progress = &r->watched;
  jpeg_stdio_src(&r->jpeg, file);
  (void)jpeg_read_header(&r->jpeg, TRUE);
  if (r->jpeg.jpeg_color_space == JCS_CMYK || r->jpeg.jpeg_color_space == JCS_YCCK)
    return ls__fail(LS_EDATA, "%s: in the colours of print (CMYK); save it in RGB", path);
  const ls_status st = ls__image_create(path, r->jpeg.image_height, r->jpeg.image_width, image);
  if (st != LS_OK) return st;
  r->jpeg.out_color_space = JCS_RGB;
  r->jpeg.dct_method = JDCT_ISLOW;
  (void)jpeg_start_decompress(&r->jpeg);
  LS_ASSERT(r->jpeg.output_components == 3 && r->jpeg.output_width == image->width &&
            r->jpeg.output_height == image->height);
  while (r->jpeg.output_scanline < r->jpeg.output_height) {
    JSAMPROW row = image->pixel + 3 * image->width * r->jpeg.output_scanline;
    (void)jpeg_read_scanlines(&r->jpeg, &row, 1);
  }
  (void)jpeg_finish_decompress(&r->jpeg);
  return LS_OK;
}

ls_status ls__image_read_jpeg(FILE *file, const char *path, ls__raster *image) {
  reading r;
  memset(&r, 0, sizeof r);
  r.jpeg.err = jpeg_std_error(&r.errors);
  r.jpeg.client_data = &r;
  r.errors.error_exit = on_error;
  r.errors.emit_message = on_message;
  r.watched.progress_monitor = on_progress;
  const ls_status st = read_into(&r, file, path, image);
  jpeg_destroy_decompress(&r.jpeg);
  return st;
}

#else

ls_status ls__image_read_jpeg(FILE *file, const char *path, ls__raster *image) {
  (void)file;
  (void)image;
  return ls__fail(LS_EDATA,
                  "%s: a JPEG file, and this lockstep was built without libjpeg (Debian: "
                  "libjpeg-dev, then build again); PGM and PPM files are read without it",
                  path);
}

#endif

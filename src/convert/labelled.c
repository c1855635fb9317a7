/* Writing labelled images. */
#include "convert/labelled.h"

#include <string.h>

ls_status ls__labelled_begin(ls__labelled *out, const ls_convert_options *options,
                             const size_t rows[LS__PARTS], size_t height, size_t width,
                             size_t channels) {
  ls_status st = LS_OK;
  const ls_shape one = {0, {0}};
  out->options = options;
  out->row = (ls_shape){3, {height, width, channels}};
  memcpy(out->rows, rows, sizeof out->rows);
  LS_TRY(ls__h5_create(options->output, &out->file));
  LS_TRY(ls__parts_init(&out->parts, out->file, rows, LS__U8, &out->row, LS__I32, &one,
                        options->gzip));
out:
  return st;
}

unsigned char *ls__labelled_image(ls__labelled *out, ls_split split) {
  return ls__parts_x(&out->parts, split);
}

ls_status ls__labelled_push(ls__labelled *out, ls_split split, int32_t label) {
  memcpy(ls__parts_y(&out->parts, split), &label, sizeof label);
  return ls__parts_push(&out->parts, split);
}

ls_status ls__labelled_end(ls__labelled *out, const char *const *names, size_t n,
                           ls__progress *progress) {
  ls_status st = LS_OK;
  LS_TRY(ls__parts_finish(&out->parts));
  LS_TRY(ls__parts_number(&out->parts, "x", "scale", 255.0));
  LS_TRY(ls__parts_classes(&out->parts, "y", names, n));
  ls__h5 *file = out->file;
  out->file = NULL;
  LS_TRY(ls__h5_commit(file));
  ls__progress_end(progress);
  if (out->options->progress) ls__parts_tell(out->rows, &out->row);
out:
  return st;
}

void ls__labelled_reset(ls__labelled *out) {
  ls__h5_close(out->file);
  ls__parts_reset(&out->parts);
  memset(out, 0, sizeof *out);
}

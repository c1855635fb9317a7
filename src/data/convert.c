/* Making a dataset: what all formats have in common. */
#include "data/convert.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/number.h"
#include "data/data.h"

void ls__progress_begin(ls__progress *progress, bool on, uint64_t total) {
  memset(progress, 0, sizeof *progress);
  progress->on = on;
  progress->tty = on && isatty(STDERR_FILENO);
  progress->total = total;
  progress->start = progress->last = ls__clock();
}

static void show(ls__progress *progress, double now) {
  double share =
      progress->total == 0 ? 100.0 : 100.0 * (double)progress->done / (double)progress->total;
  double seconds = now - progress->start;
  double rate = seconds > 0.0 ? (double)progress->done / seconds / 1e6 : 0.0;
  fprintf(stderr, "%sconvert: %3.0f %%, %.0f MB/s%s", progress->tty ? "\r" : "",
          share > 100.0 ? 100.0 : share, rate, progress->tty ? "  " : "\n");
  fflush(stderr);
  progress->last = now;
  progress->shown = true;
}

void ls__progress_advance(ls__progress *progress, uint64_t bytes) {
  progress->done += bytes;
  if (!progress->on) return;
  double now = ls__clock();
  if (now - progress->last >= (progress->tty ? 0.2 : 10.0)) show(progress, now);
}

void ls__progress_end(ls__progress *progress) {
  if (progress->tty && progress->shown) fputc('\n', stderr);
  progress->on = false;
}

ls__share ls__share_create(const ls_convert_options *options) {
  ls__share share = {ls__rng_key(options->seed, LS__RNG_SPLIT, 0, 0), options->validation,
                     options->test};
  return share;
}

ls_split ls__share_of(const ls__share *share, uint64_t row) {
  if (share->validation <= 0.0 && share->test <= 0.0) return LS_TRAIN;
  double u = (double)ls__rng_uniform(&share->rng, row);
  if (u < share->test) return LS_TEST;
  return u < share->test + share->validation ? LS_VALIDATION : LS_TRAIN;
}

static void array_name(char name[32], size_t part, const char *array) {
  snprintf(name, 32, "/%s/%s", ls__split_name((ls_split)part), array);
}

static size_t row_bytes(ls__dtype type, const ls_shape *row) {
  return ls__dtype_size(type) * ls_shape_count(row);
}

/* Rows a chunk: about 1 MB, what a disk reads in one go and a cache holds several of, but no more
 * than there are. */
static size_t chunk_rows_of(size_t bytes, size_t rows) {
  size_t chunk = (1 << 20) / (bytes == 0 ? 1 : bytes);
  if (chunk > rows) chunk = rows;
  return chunk == 0 ? 1 : chunk;
}

ls_status ls__parts_init(ls__parts *parts, ls__h5 *file, const size_t rows[LS__SPLITS],
                         ls__dtype x_type, const ls_shape *x_row, ls__dtype y_type,
                         const ls_shape *y_row, int gzip) {
  ls_status st = LS_OK;
  char name[32];
  parts->file = file;
  parts->x_type = x_type;
  parts->y_type = y_type;
  parts->x_bytes = row_bytes(x_type, x_row);
  parts->y_bytes = y_row == NULL ? 0 : row_bytes(y_type, y_row);
  parts->chunk_rows = chunk_rows_of(parts->x_bytes, SIZE_MAX); /* whole chunks of x at a time */
  for (size_t p = 0; p < LS__SPLITS; p++) {
    ls__parts_part *part = &parts->part[p];
    part->rows = rows[p];
    if (rows[p] == 0) continue;
    size_t room = parts->chunk_rows < rows[p] ? parts->chunk_rows : rows[p];
    LS_TRY(ls__alloc(&part->x, room, parts->x_bytes, "rows to write"));
    array_name(name, p, "x");
    LS_TRY(ls__h5_dataset(file, name, x_type, rows[p], x_row,
                          chunk_rows_of(parts->x_bytes, rows[p]), gzip));
    if (y_row == NULL) continue;
    LS_TRY(ls__alloc(&part->y, room, parts->y_bytes, "rows to write"));
    array_name(name, p, "y");
    LS_TRY(ls__h5_dataset(file, name, y_type, rows[p], y_row,
                          chunk_rows_of(parts->y_bytes, rows[p]), gzip));
  }
out:
  return st;
}

void *ls__parts_x(ls__parts *parts, ls_split split) {
  return parts->part[split].x + parts->part[split].waiting * parts->x_bytes;
}

void *ls__parts_y(ls__parts *parts, ls_split split) {
  return parts->part[split].y + parts->part[split].waiting * parts->y_bytes;
}

static ls_status flush(ls__parts *parts, size_t p) {
  ls_status st = LS_OK;
  ls__parts_part *part = &parts->part[p];
  char name[32];
  if (part->waiting == 0) return LS_OK;
  size_t first = part->pushed - part->waiting;
  array_name(name, p, "x");
  LS_TRY(ls__h5_write_rows(parts->file, name, first, part->waiting, parts->x_type, part->x));
  if (part->y != NULL) {
    array_name(name, p, "y");
    LS_TRY(ls__h5_write_rows(parts->file, name, first, part->waiting, parts->y_type, part->y));
  }
  part->waiting = 0;
out:
  return st;
}

ls_status ls__parts_push(ls__parts *parts, ls_split split) {
  ls__parts_part *part = &parts->part[split];
  part->waiting++;
  part->pushed++;
  if (part->waiting < parts->chunk_rows && part->pushed < part->rows) return LS_OK;
  return flush(parts, split);
}

ls_status ls__parts_finish(ls__parts *parts) {
  ls_status st = LS_OK;
  for (size_t p = 0; p < LS__SPLITS; p++) {
    LS_ASSERT(parts->part[p].pushed == parts->part[p].rows);
    LS_TRY(flush(parts, p));
  }
out:
  return st;
}

void ls__parts_reset(ls__parts *parts) {
  for (size_t p = 0; p < LS__SPLITS; p++) {
    ls__free(parts->part[p].x);
    ls__free(parts->part[p].y);
  }
  memset(parts, 0, sizeof *parts);
}

ls_status ls__parts_strings(const ls__parts *parts, const char *array, const char *name,
                            const char *const *text, size_t n) {
  ls_status st = LS_OK;
  char object[32];
  for (size_t p = 0; p < LS__SPLITS; p++) {
    if (parts->part[p].rows == 0) continue;
    array_name(object, p, array);
    LS_TRY(ls__h5_set_strings(parts->file, object, name, text, n));
  }
out:
  return st;
}

ls_status ls__parts_check(const size_t rows[LS__SPLITS], const ls_convert_options *options) {
  const double share[LS__SPLITS] = {1.0 - options->validation - options->test, options->validation,
                                    options->test};
  size_t all = rows[0] + rows[1] + rows[2];
  for (int p = 0; p < LS__SPLITS; p++) {
    if (rows[p] > 0 || share[p] <= 0.0) continue;
    if (all == 0) return ls__fail(LS_EDATA, "%s: no rows of data", options->sources[0]);
    return ls__fail(LS_EDATA,
                    "%s: no row fell to the %s part: %zu rows are too few for a share of %g",
                    options->sources[0], ls__split_name((ls_split)p), all, share[p]);
  }
  return LS_OK;
}

/* The output must not be one of the sources under another name. */
static ls_status check_output(const char *output, const char *source) {
  struct stat a, b;
  if (stat(output, &a) != 0 || stat(source, &b) != 0) return LS_OK;
  if (a.st_dev != b.st_dev || a.st_ino != b.st_ino) return LS_OK;
  return ls__fail(LS_EUSAGE, "%s: is both source and output", source);
}

ls_status ls_convert(const ls_convert_options *options) {
  ls_status st = LS_OK;
  ls__progress progress = {0};
  uint64_t total = 0, size;
  ls__number_locale locale = ls__number_begin();
  const bool csv = options->format != NULL && strcmp(options->format, "csv") == 0;
  const bool idx = options->format != NULL && strcmp(options->format, "idx") == 0;
  if (!csv && !idx)
    LS_FAIL(LS_EUSAGE, "convert: format %s is not known, it must be csv or idx",
            options->format == NULL ? "(none)" : options->format);
  if (options->output == NULL || *options->output == '\0')
    LS_FAIL(LS_EUSAGE, "convert: no output file is named");
  if (options->n_sources < 1) LS_FAIL(LS_EUSAGE, "convert: no source file is named");
  if (!(options->validation >= 0.0 && options->test >= 0.0 &&
        options->validation + options->test < 1.0))
    LS_FAIL(LS_EUSAGE,
            "convert: shares of %g for validation and %g for test: they must be at least 0 and "
            "together less than 1",
            options->validation, options->test);
  if (options->gzip < 0 || options->gzip > 9)
    LS_FAIL(LS_EUSAGE, "convert: gzip %d is not allowed, it must be from 0 to 9", options->gzip);
  for (int i = 0; i < options->n_sources; i++) {
    LS_TRY(ls__input_size(options->sources[i], &size));
    LS_TRY(check_output(options->output, options->sources[i]));
    total += size;
  }
  if (options->test_source != NULL) {
    if (idx)
      LS_FAIL(LS_EUSAGE,
              "convert idx: test images and labels are given as third and fourth source");
    if (options->test > 0.0)
      LS_FAIL(LS_EUSAGE, "convert: give a test source or a share for the test part, not both");
    LS_TRY(ls__input_size(options->test_source, &size));
    LS_TRY(check_output(options->output, options->test_source));
    total += size;
  }
  ls__progress_begin(&progress, options->progress, csv ? 2 * total : total);
  LS_TRY(csv ? ls__convert_csv(options, &progress) : ls__convert_idx(options, &progress));
out:
  ls__progress_end(&progress);
  ls__number_end(&locale);
  return st;
}

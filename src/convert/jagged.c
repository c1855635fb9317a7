/* Writing ragged arrays, a chunk of rows at a time. */
#include "convert/jagged.h"

#include <string.h>

#include "base/alloc.h"

enum { NAME = LS_NAME_BYTES + 32, CHUNK_BYTES = 1 << 20 };

static void array_name(char name[NAME], size_t part, const char *array, const char *what) {
  snprintf(name, NAME, "/%s/%s%s", ls__split_name((ls_split)part), array, what);
}

ls_status ls__jagged_init(ls__jagged *r, ls__h5 *file, const char *name, ls__dtype type,
                          const ls_shape *row, const size_t samples[LS__PARTS],
                          const size_t rows[LS__PARTS], int gzip) {
  ls_status st = LS_OK;
  char full[NAME];
  r->file = file;
  r->name = name;
  r->type = type;
  r->gzip = gzip;
  r->bytes = ls__dtype_size(type) * ls_shape_count(row);
  r->chunk_rows = r->bytes < CHUNK_BYTES ? CHUNK_BYTES / r->bytes : 1;
  for (size_t p = 0; p < LS__PARTS; p++) {
    ls__jagged_part *part = &r->part[p];
    part->samples = samples[p];
    part->rows = rows[p];
    if (samples[p] == 0) continue;
    LS_ASSERT(rows[p] > 0);
    const size_t chunk = r->chunk_rows < rows[p] ? r->chunk_rows : rows[p];
    LS_TRY(ls__alloc(&part->offset, samples[p] + 1, sizeof *part->offset, "rows to write"));
    LS_TRY(ls__alloc(&part->buffer, chunk, r->bytes, "rows to write"));
    array_name(full, p, name, "");
    LS_TRY(ls__h5_dataset(file, full, type, rows[p], row, chunk, gzip));
  }
out:
  return st;
}

static ls_status flush(ls__jagged *r, size_t p) {
  ls__jagged_part *part = &r->part[p];
  char full[NAME];
  if (part->waiting == 0) return LS_OK;
  array_name(full, p, r->name, "");
  const ls_status st = ls__h5_write_rows(r->file, full, part->first, part->waiting, r->type,
                                         part->buffer);
  part->first += part->waiting;
  part->waiting = 0;
  return st;
}

ls_status ls__jagged_push(ls__jagged *r, ls_split split, const void *rows, size_t n) {
  ls_status st = LS_OK;
  ls__jagged_part *part = &r->part[split];
  const char *from = rows;
  LS_ASSERT(part->pushed < part->samples && part->first + part->waiting + n <= part->rows);
  const size_t room = r->chunk_rows < part->rows ? r->chunk_rows : part->rows;
  part->offset[part->pushed + 1] = part->offset[part->pushed] + (int64_t)n;
  part->pushed++;
  while (n > 0) {
    const size_t fits = room - part->waiting, some = n < fits ? n : fits;
    memcpy(part->buffer + part->waiting * r->bytes, from, some * r->bytes);
    part->waiting += some;
    from += some * r->bytes;
    n -= some;
    if (part->waiting == room) LS_TRY(flush(r, (size_t)split));
  }
out:
  return st;
}

ls_status ls__jagged_finish(ls__jagged *r) {
  ls_status st = LS_OK;
  char full[NAME];
  const ls_shape one = {0, {0}};
  for (size_t p = 0; p < LS__PARTS; p++) {
    ls__jagged_part *part = &r->part[p];
    if (part->samples == 0) continue;
    LS_ASSERT(part->pushed == part->samples);
    LS_TRY(flush(r, p));
    LS_ASSERT(part->first == part->rows);
    array_name(full, p, r->name, "_offsets");
    const size_t n = part->samples + 1, most = CHUNK_BYTES / sizeof *part->offset;
    LS_TRY(ls__h5_dataset(r->file, full, LS__I64, n, &one, n < most ? n : most, r->gzip));
    LS_TRY(ls__h5_write_rows(r->file, full, 0, n, LS__I64, part->offset));
  }
out:
  return st;
}

void ls__jagged_reset(ls__jagged *r) {
  for (size_t p = 0; p < LS__PARTS; p++) {
    ls__free(r->part[p].buffer);
    ls__free(r->part[p].offset);
  }
  memset(r, 0, sizeof *r);
}

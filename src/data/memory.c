/* All samples in memory, once a node: its ranks share the reading, and the result. */
#include <string.h>

#include "base/alloc.h"
#include "base/room.h"
#include "comm/lanes.h"
#include "data/inside.h"
#include "data/ragged.h"

size_t ls__memory_available(void) {
  ls__room room;
  ls__room_of_machine("", false, &room);
  return room.left < 0 ? 0 : (size_t)room.left;
}

/* ---- Loading ---- */

/* Where the rows of a source go: its parts, drawn or whole.  Sequences of different lengths are kept
 * without their padding, and come when all lengths are known: after everything else, each through a
 * place where it is padded. */
typedef struct loading {
  ls_data *data;
  const ls__source *source;
  bool packs;                            /* sequences, else all else */
  unsigned char *padded[LS__MAX_ARRAYS]; /* [rows, bytes] owned, of sequences */
  size_t rows;
  uint64_t row[1024];
  size_t slot[1024];
  size_t n;
} loading;

static bool is_packed(const ls__kept *kept) {
  return kept->ragged && kept->bytes > 0;
}

static void into_memory(const ls_data *data, void *to[LS__MAX_ARRAYS]) {
  for (size_t i = 0; i < data->n_arrays; i++)
    to[i] = is_packed(&data->kept[i]) ? NULL : data->kept[i].memory;
}

/* Rows that become these samples, their sequences alone. */
static ls_status pack(loading *l, const uint64_t *row, const size_t *slot, size_t n) {
  ls_status st = LS_OK;
  ls_data *data = l->data;
  for (size_t done = 0; done < n; done += l->rows) {
    const size_t some = n - done < l->rows ? n - done : l->rows;
    LS_TRY(ls__reader_gather(&data->reader, l->source, row + done, NULL, some,
                             (void *const *)l->padded));
    for (size_t i = 0; i < data->n_arrays; i++) {
      const ls__kept *kept = &data->kept[i];
      const size_t entry = kept->entry * ls__dtype_size(kept->type);
      for (size_t k = 0; l->padded[i] != NULL && k < some; k++) {
        const uint64_t *start = kept->start + slot[done + k];
        memcpy(kept->memory + start[0] * entry, l->padded[i] + k * kept->bytes,
               (size_t)(start[1] - start[0]) * entry);
      }
    }
  }
out:
  return st;
}

static ls_status flush(loading *l) {
  if (l->n == 0) return LS_OK;
  ls_data *data = l->data;
  void *to[LS__MAX_ARRAYS];
  const size_t n = l->n;
  l->n = 0;
  if (l->packs) return pack(l, l->row, l->slot, n);
  into_memory(data, to);
  return ls__reader_gather(&data->reader, l->source, l->row, l->slot, n, to);
}

static ls_status add(loading *l, uint64_t row, size_t slot) {
  l->row[l->n] = row;
  l->slot[l->n++] = slot;
  return l->n == sizeof l->row / sizeof *l->row ? flush(l) : LS_OK;
}

/* This rank's share of a part whose rows are listed. */
static ls_status load_listed(loading *l, const ls__part *part) {
  ls_status st = LS_OK;
  const size_t places = (size_t)ls__comm_node_size(l->data->comm);
  const size_t place = (size_t)ls__comm_node_rank(l->data->comm);
  const size_t hi = ls__cut(part->n, place + 1, places);
  for (size_t i = ls__cut(part->n, place, places); i < hi; i++)
    LS_TRY(add(l, part->row[i], part->base + i));
  LS_TRY(flush(l));
out:
  return st;
}

/* This rank's share of a source that is one part. */
static ls_status load_whole(loading *l, const ls__part *part) {
  ls_status st = LS_OK;
  ls_data *data = l->data;
  void *to[LS__MAX_ARRAYS];
  const size_t places = (size_t)ls__comm_node_size(data->comm);
  const size_t place = (size_t)ls__comm_node_rank(data->comm);
  const size_t lo = ls__cut(part->n, place, places), hi = ls__cut(part->n, place + 1, places);
  for (size_t i = lo; l->packs && i < hi; i++) LS_TRY(add(l, i, part->base + i));
  if (l->packs) {
    st = flush(l);
    goto out;
  }
  into_memory(data, to);
  st = ls__reader_span(&data->reader, part->source, lo, part->base + lo, hi - lo, to);
out:
  return st;
}

/* This rank's share of rows that are drawn into parts: each goes behind those before it. */
static ls_status load_drawn(loading *l) {
  enum { SOME = 1024 };
  ls_status st = LS_OK;
  ls_data *data = l->data;
  uint8_t part[SOME];
  size_t count[LS__PARTS] = {0};
  const size_t places = (size_t)ls__comm_node_size(data->comm);
  const size_t place = (size_t)ls__comm_node_rank(data->comm);
  const size_t lo = ls__cut(l->source->rows, place, places);
  const size_t hi = ls__cut(l->source->rows, place + 1, places);
  for (size_t i = 0; i < hi; i += SOME) {
    const size_t n = hi - i < SOME ? hi - i : SOME;
    ls__draw_parts(data, i, n, part);
    for (size_t k = 0; k < n; k++) {
      if (part[k] == LS__PARTS) continue;
      const ls__part *p = &data->part[part[k]];
      const size_t sample = count[part[k]]++;
      if (i + k >= lo && sample < p->n) LS_TRY(add(l, i + k, p->base + sample));
    }
  }
  LS_TRY(flush(l));
out:
  return st;
}

/* Room for some padded sequences, for a megabyte where they are small. */
static ls_status make_padded(loading *l) {
  ls_status st = LS_OK;
  enum { BYTES = 1 << 20, MOST = 256 };
  const ls_data *data = l->data;
  size_t bytes = 1;
  for (size_t i = 0; i < data->n_arrays; i++)
    if (is_packed(&data->kept[i])) bytes += data->kept[i].bytes;
  l->rows = BYTES / bytes < 1 ? 1 : BYTES / bytes > MOST ? MOST : BYTES / bytes;
  for (size_t i = 0; i < data->n_arrays; i++)
    if (is_packed(&data->kept[i]))
      LS_TRY(ls__alloc(&l->padded[i], l->rows, data->kept[i].bytes, "loading data"));
out:
  return st;
}

static ls_status load_mine(ls_data *data, bool packs) {
  ls_status st = LS_OK;
  loading *l = NULL;
  LS_TRY(ls__alloc(&l, 1, sizeof *l, "loading data"));
  l->data = data;
  l->packs = packs;
  if (packs) LS_TRY(make_padded(l));
  const ls__draw *draw = &data->settings.split;
  for (int p = 0; p < LS__PARTS; p++) {
    const ls__part *part = &data->part[p];
    if (part->source == NULL) continue;
    l->source = part->source;
    if (part->row != NULL)
      LS_TRY(load_listed(l, part));
    else if (!(draw->validation > 0 || draw->test > 0) ||
             part->source != data->part[LS_TRAIN].source)
      LS_TRY(load_whole(l, part));
    else if (p == LS_TRAIN) /* with the parts drawn from it */
      LS_TRY(load_drawn(l));
  }
out:
  for (size_t i = 0; l != NULL && i < data->n_arrays; i++) ls__free(l->padded[i]);
  ls__free(l);
  return st;
}

ls_status ls__memory_create(ls_data *data, ls_comm *comm, size_t samples) {
  ls_status st = LS_OK;
  size_t at[LS__MAX_ARRAYS] = {0}, bytes = 0;
  for (size_t i = 0; i < data->n_arrays; i++) {
    at[i] = bytes;
    if (is_packed(&data->kept[i])) continue;
    bytes += (samples * data->kept[i].bytes + LS__ALIGN - 1) / LS__ALIGN * LS__ALIGN;
  }
  LS_TRY(ls__window_create(comm, bytes, &data->memory));
  data->memory_bytes = bytes;
  unsigned char *memory = ls__window_memory(data->memory);
  for (size_t i = 0; i < data->n_arrays; i++)
    data->kept[i].memory = data->kept[i].bytes > 0 && !is_packed(&data->kept[i]) ? memory + at[i]
                                                                                 : NULL;
out:
  return st;
}

void ls__memory_destroy(ls_data *data) {
  ls__window_destroy(data->memory);
  ls__window_destroy(data->packed);
  data->memory = data->packed = NULL;
  data->memory_bytes = 0;
  for (size_t i = 0; i < data->n_arrays; i++) {
    data->kept[i].memory = NULL;
    data->kept[i].start = NULL;
  }
}

static size_t whole_lines(size_t bytes) {
  return (bytes + LS__ALIGN - 1) / LS__ALIGN * LS__ALIGN;
}

double ls__memory_bytes(const ls_data *data, double samples) {
  double bytes = 0;
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls__kept *kept = &data->kept[i];
    double share = 1; /* of its padded samples that is real, over all rows */
    if (is_packed(kept)) {
      double all = 0, real = 0;
      for (int s = 0; s < data->n_sources; s++) {
        const ls__column *column = ls__source_first(&data->source[s], i);
        for (size_t r = 0; r < data->source[s].rows; r++)
          real += (double)ls__column_real(column, r);
        all += (double)data->source[s].rows * (double)kept->count;
      }
      share = real / all;
      bytes += samples * sizeof *kept->start;
    }
    bytes += samples * (double)kept->bytes * share;
  }
  return bytes;
}

/* Room for the sequences, whose lengths are in memory.  Collective. */
static ls_status create_packed(ls_data *data, size_t samples) {
  ls_status st = LS_OK;
  size_t at[LS__MAX_ARRAYS] = {0}, bytes = 0;
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls__kept *kept = &data->kept[i];
    if (!is_packed(kept)) continue;
    const int32_t *length = (const int32_t *)(const void *)data->kept[kept->lengths].memory;
    size_t entries = 0;
    for (size_t k = 0; k < samples; k++) entries += (size_t)length[k];
    at[i] = bytes;
    bytes += whole_lines((samples + 1) * sizeof *kept->start) +
             whole_lines(entries * kept->entry * ls__dtype_size(kept->type));
  }
  LS_TRY(ls__window_create(data->comm, bytes, &data->packed));
  data->memory_bytes += bytes;
  unsigned char *memory = ls__window_memory(data->packed);
  for (size_t i = 0; i < data->n_arrays; i++) {
    ls__kept *kept = &data->kept[i];
    if (!is_packed(kept)) continue;
    const int32_t *length = (const int32_t *)(const void *)data->kept[kept->lengths].memory;
    uint64_t *start = (uint64_t *)(void *)(memory + at[i]);
    kept->start = start;
    kept->memory = memory + at[i] + whole_lines((samples + 1) * sizeof *start);
    if (ls__comm_node_rank(data->comm) != 0) continue;
    start[0] = 0;
    for (size_t k = 0; k < samples; k++) start[k + 1] = start[k] + (uint64_t)length[k];
  }
  LS_TRY(ls__window_fence(data->comm));
out:
  return st;
}

ls_status ls__memory_load(ls_data *data) {
  ls_status st = LS_OK;
  size_t samples = 0;
  for (int p = 0; p < LS__PARTS; p++) {
    data->part[p].base = samples;
    samples += data->part[p].n;
  }
  for (int s = 0; s < data->n_sources; s++)
    if (data->bad[s] != NULL) LS_TRY(ls__split_list(data));
  LS_TRY(ls__memory_create(data, data->comm, samples));
  st = load_mine(data, false);
  LS_TRY(ls_comm_agree(data->comm, st));
  LS_TRY(ls__window_fence(data->comm));
  bool packs = false;
  for (size_t i = 0; i < data->n_arrays; i++) packs = packs || is_packed(&data->kept[i]);
  if (!packs) goto out;
  LS_TRY(create_packed(data, samples));
  st = load_mine(data, true);
  LS_TRY(ls_comm_agree(data->comm, st));
  LS_TRY(ls__window_fence(data->comm));
out:
  if (st != LS_OK) ls__memory_destroy(data);
  return st;
}

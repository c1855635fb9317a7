/* All samples in memory, once a node: its ranks share the reading, and the result. */
#include <string.h>

#include "base/alloc.h"
#include "base/room.h"
#include "comm/lanes.h"
#include "data/inside.h"

size_t ls__memory_available(void) {
  ls__room room;
  ls__room_of_machine("", false, &room);
  return room.left < 0 ? 0 : (size_t)room.left;
}

/* ---- Loading ---- */

/* Where the rows of a source go: its parts, drawn or whole. */
typedef struct loading {
  ls_data *data;
  const ls__source *source;
  uint64_t row[1024];
  size_t slot[1024];
  size_t n;
} loading;

static void into_memory(const ls_data *data, void *to[LS__MAX_ARRAYS]) {
  for (size_t i = 0; i < data->n_arrays; i++) to[i] = data->kept[i].memory;
}

static ls_status flush(loading *l) {
  if (l->n == 0) return LS_OK;
  ls_data *data = l->data;
  void *to[LS__MAX_ARRAYS];
  const size_t n = l->n;
  into_memory(data, to);
  l->n = 0;
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
static ls_status load_whole(ls_data *data, const ls__part *part) {
  void *to[LS__MAX_ARRAYS];
  const size_t places = (size_t)ls__comm_node_size(data->comm);
  const size_t place = (size_t)ls__comm_node_rank(data->comm);
  const size_t lo = ls__cut(part->n, place, places), hi = ls__cut(part->n, place + 1, places);
  into_memory(data, to);
  return ls__reader_span(&data->reader, part->source, lo, part->base + lo, hi - lo, to);
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

static ls_status load_mine(ls_data *data) {
  ls_status st = LS_OK;
  loading *l = NULL;
  LS_TRY(ls__alloc(&l, 1, sizeof *l, "loading data"));
  l->data = data;
  const ls__draw *draw = &data->settings.split;
  for (int p = 0; p < LS__PARTS; p++) {
    const ls__part *part = &data->part[p];
    if (part->source == NULL) continue;
    l->source = part->source;
    if (part->row != NULL)
      LS_TRY(load_listed(l, part));
    else if (!(draw->validation > 0 || draw->test > 0) ||
             part->source != data->part[LS_TRAIN].source)
      LS_TRY(load_whole(data, part));
    else if (p == LS_TRAIN) /* with the parts drawn from it */
      LS_TRY(load_drawn(l));
  }
out:
  ls__free(l);
  return st;
}

ls_status ls__memory_create(ls_data *data, ls_comm *comm, size_t samples) {
  ls_status st = LS_OK;
  size_t at[LS__MAX_ARRAYS] = {0}, bytes = 0;
  for (size_t i = 0; i < data->n_arrays; i++) {
    at[i] = bytes;
    bytes += (samples * data->kept[i].bytes + LS__ALIGN - 1) / LS__ALIGN * LS__ALIGN;
  }
  LS_TRY(ls__window_create(comm, bytes, &data->memory));
  data->memory_bytes = bytes;
  unsigned char *memory = ls__window_memory(data->memory);
  for (size_t i = 0; i < data->n_arrays; i++)
    data->kept[i].memory = data->kept[i].bytes > 0 ? memory + at[i] : NULL;
out:
  return st;
}

void ls__memory_destroy(ls_data *data) {
  ls__window_destroy(data->memory);
  data->memory = NULL;
  data->memory_bytes = 0;
  for (size_t i = 0; i < data->n_arrays; i++) data->kept[i].memory = NULL;
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
  st = load_mine(data);
  LS_TRY(ls_comm_agree(data->comm, st));
  LS_TRY(ls__window_fence(data->comm));
out:
  if (st != LS_OK) ls__memory_destroy(data);
  return st;
}

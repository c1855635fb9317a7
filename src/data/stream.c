/* Samples from the file, just in time.
 *
 * A thread reads the samples that this rank takes from window w of the order, in the file's order,
 * into one of two buffers, where they lie in the order of the epoch.  While the rank takes window
 * w, the thread reads window w + 1; when the rank asks for w + 1, the buffer of w is free for
 * w + 2.
 *
 *   rank     takes 0          | takes 1          | takes 2 ...
 *   thread   0 | reads 1      | reads 2          | reads 3 ...
 *   buffer   0:0 1:1            0:2 1:1            0:2 1:3
 *
 * Buffer w % 2 belongs to the thread while w >= filled, and to the rank from then until it sets
 * wanted > w.  Both numbers are read and written under the mutex. */
#include "data/stream.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "comm/lanes.h"

typedef struct pick {
  uint64_t row;
  size_t slot; /* place in the buffer */
} pick;

struct ls__stream {
  const ls_data *data;
  ls__reader reader; /* the thread's */
  pthread_t thread;
  bool running;
  atomic_bool stop;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  size_t wanted; /* window that the rank is in */
  size_t filled; /* windows below it have been read */
  ls_status status;
  char message[LS__ERROR_BYTES];

  size_t seen;     /* the rank's copy of filled */
  size_t capacity; /* samples of a buffer */
  size_t each;     /* 2 where each sample has a partner, behind the samples; else 1 */
  void *buffer[2][LS__MAX_ARRAYS]; /* [each * capacity, bytes]; NULL: an array that is a copy */
  pick *picks;                     /* [each * capacity], the thread's */
};

/* ---- Which samples are this rank's ---- */

/* Positions of this rank from the epoch's start (of batches: after a resume in the middle of an
 * epoch they are cut from there on) up to position p. */
static size_t mine_before(const ls__epoch *e, size_t n, size_t p) {
  const size_t number = (p - e->start) / e->batch, first = e->start + number * e->batch;
  const size_t full = ls__cut(e->batch, e->lane_hi, e->lanes) -
                      ls__cut(e->batch, e->lane_lo, e->lanes);
  const size_t size = n - first < e->batch ? n - first : e->batch;
  const size_t lo = ls__cut(size, e->lane_lo, e->lanes), hi = ls__cut(size, e->lane_hi, e->lanes);
  const size_t in = p - first < lo ? lo : p - first > hi ? hi : p - first;
  return number * full + (in - lo);
}

/* Positions of window w that are still to come: [lo, hi). */
static void window_range(const ls__stream *s, size_t w, size_t *lo, size_t *hi) {
  const ls__order *order = &s->data->order;
  *lo = order->start[w];
  *hi = order->start[w + 1];
  if (*lo < s->data->epoch.start) *lo = s->data->epoch.start;
  if (*hi < *lo) *hi = *lo;
}

static size_t window_count(const ls__stream *s, size_t w) {
  size_t lo, hi;
  window_range(s, w, &lo, &hi);
  return mine_before(&s->data->epoch, s->data->order.n, hi) -
         mine_before(&s->data->epoch, s->data->order.n, lo);
}

/* ---- The thread ---- */

static int by_row(const void *a, const void *b) {
  const pick *x = a, *y = b;
  return (x->row > y->row) - (x->row < y->row);
}

static pick pick_of(const ls__part *part, uint64_t sample, size_t slot) {
  return (pick){part->row != NULL ? part->row[sample] : sample, slot};
}

/* The samples of a window, batch by batch, and the rows that they are. */
static size_t choose(const ls__stream *s, size_t w) {
  enum { SOME = 256 };
  const ls_data *data = s->data;
  const ls__epoch *e = &data->epoch;
  const ls__part *part = &data->part[LS_TRAIN];
  const size_t n = data->order.n;
  uint64_t sample[SOME], partner[SOME];
  size_t lo, hi, count = 0;
  window_range(s, w, &lo, &hi);
  for (size_t first = lo - (lo - e->start) % e->batch; first < hi; first += e->batch) {
    const size_t size = n - first < e->batch ? n - first : e->batch;
    size_t p = first + ls__cut(size, e->lane_lo, e->lanes);
    size_t end = first + ls__cut(size, e->lane_hi, e->lanes);
    if (p < lo) p = lo;
    if (end > hi) end = hi;
    while (p < end) {
      const size_t some = end - p < SOME ? end - p : SOME;
      ls__order_at(&data->order, p, p + some, sample);
      if (s->each == 2) ls__mix_partners(data, p, p + some, partner);
      for (size_t k = 0; k < some; k++, count++) {
        s->picks[s->each * count] = pick_of(part, sample[k], count);
        if (s->each == 2) s->picks[2 * count + 1] = pick_of(part, partner[k], s->capacity + count);
      }
      p += some;
    }
  }
  return s->each * count;
}

static ls_status fill(ls__stream *s, size_t w) {
  enum { SOME = 1024 };
  ls_status st = LS_OK;
  uint64_t row[SOME];
  size_t slot[SOME];
  const size_t count = choose(s, w);
  const ls__part *part = &s->data->part[LS_TRAIN];
  qsort(s->picks, count, sizeof *s->picks, by_row);
  for (size_t i = 0; i < count; i += SOME) {
    const size_t n = count - i < SOME ? count - i : SOME;
    for (size_t k = 0; k < n; k++) {
      row[k] = s->picks[i + k].row;
      slot[k] = s->picks[i + k].slot;
    }
    LS_TRY(ls__reader_gather(&s->reader, part->source, row, slot, n, s->buffer[w % 2]));
  }
out:
  return st;
}

static void *run(void *context) {
  ls__stream *s = context;
  ls_status st = LS_OK;
  const size_t n_windows = s->data->order.n_windows;
  pthread_mutex_lock(&s->mutex);
  while (st == LS_OK && s->filled < n_windows) {
    const size_t w = s->filled;
    while (!atomic_load(&s->stop) && w >= s->wanted + 2) pthread_cond_wait(&s->changed, &s->mutex);
    if (atomic_load(&s->stop)) break;
    pthread_mutex_unlock(&s->mutex);
    st = fill(s, w);
    pthread_mutex_lock(&s->mutex);
    if (st == LS_OK) {
      s->filled = w + 1;
    } else {
      s->status = st;
      snprintf(s->message, sizeof s->message, "%s", ls_error_message());
    }
    pthread_cond_broadcast(&s->changed);
  }
  pthread_mutex_unlock(&s->mutex);
  return NULL;
}

/* ---- The rank ---- */

ls_status ls__stream_create(const ls_data *data, ls__stream **out) {
  ls_status st = LS_OK;
  ls__stream *s = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&s, 1, sizeof *s, "streaming"));
  s->data = data;
  s->each = ls__data_mixes(data) ? 2 : 1;
  atomic_init(&s->stop, false);
  pthread_mutex_init(&s->mutex, NULL);
  pthread_cond_init(&s->changed, NULL);
  st = ls__reader_init(&s->reader, data->kept, data->source, data->n_sources);
  s->reader.stop = &s->stop;
  if (st == LS_OK)
    *out = s;
  else
    ls__stream_destroy(s);
out:
  return st;
}

void ls__stream_stop(ls__stream *s) {
  if (!s->running) return;
  pthread_mutex_lock(&s->mutex);
  atomic_store(&s->stop, true);
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  pthread_join(s->thread, NULL);
  s->running = false;
}

static void free_buffers(ls__stream *s) {
  for (int b = 0; b < 2; b++)
    for (size_t i = 0; i < s->data->n_arrays; i++) {
      ls__free(s->buffer[b][i]);
      s->buffer[b][i] = NULL;
    }
  ls__free(s->picks);
  s->picks = NULL;
  s->capacity = 0;
}

void ls__stream_destroy(ls__stream *s) {
  if (s == NULL) return;
  ls__stream_stop(s);
  free_buffers(s);
  ls__reader_reset(&s->reader);
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->mutex);
  ls__free(s);
}

/* Room for the largest window. */
static ls_status grow(ls__stream *s) {
  ls_status st = LS_OK;
  const ls_data *data = s->data;
  size_t most = 1;
  for (size_t w = 0; w < data->order.n_windows; w++)
    if (window_count(s, w) > most) most = window_count(s, w);
  if (most <= s->capacity) goto out;
  free_buffers(s);
  for (int b = 0; b < 2; b++)
    for (size_t i = 0; i < data->n_arrays; i++)
      if (data->kept[i].bytes > 0)
        LS_TRY(ls__alloc(&s->buffer[b][i], s->each * most, data->kept[i].bytes,
                         "data.shuffle_window: prefetching"));
  LS_TRY(
      ls__alloc(&s->picks, s->each * most, sizeof *s->picks, "data.shuffle_window: prefetching"));
  s->capacity = most;
out:
  return st;
}

/* Stopped by ls__stream_stop before. */
ls_status ls__stream_start(ls__stream *s) {
  ls_status st = LS_OK;
  const ls_data *data = s->data;
  LS_TRY(grow(s));
  if (data->epoch.start >= data->order.n) goto out;
  s->wanted = s->filled = s->seen = ls__order_window(&data->order, data->epoch.start);
  s->status = LS_OK;
  atomic_store(&s->stop, false);
  /* Signals go to the program's own threads, except for faults of this one. */
  static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
  sigset_t all, before;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&s->thread, NULL, run, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed != 0) LS_FAIL(LS_EIO, "streaming: no thread: %s", strerror(failed));
  s->running = true;
out:
  return st;
}

/* Wait until window w has been read; windows before it are given back. */
static ls_status await(ls__stream *s, size_t w) {
  ls_status st = LS_OK;
  if (w == s->wanted && w < s->seen) return LS_OK; /* only this thread writes wanted */
  pthread_mutex_lock(&s->mutex);
  LS_ASSERT(w >= s->wanted);
  s->wanted = w;
  pthread_cond_broadcast(&s->changed);
  while (s->filled <= w && s->status == LS_OK) pthread_cond_wait(&s->changed, &s->mutex);
  s->seen = s->filled;
  if (s->filled <= w) {
    st = s->status;
    ls__error_set(s->message);
  }
  pthread_mutex_unlock(&s->mutex);
  return st;
}

/* Samples [at, at + n) of a buffer to the batch's samples from `done` on. */
static void load(const ls_data *data, void *const *buffer, size_t at, size_t n, size_t done,
                 void *const *to) {
  const ls__span_ops *ops = ls__span();
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls__kept *kept = &data->kept[i];
    if (to[i] == NULL) continue;
    const unsigned char *from = buffer[i];
    const int32_t *length = kept->lengths < 0 ? NULL : (const int32_t *)buffer[kept->lengths] + at;
    unsigned char *room = to[i];
    for (size_t k = 0; k < n; k++)
      ls__kept_take(kept, ops, from + (at + k) * kept->bytes,
                    room + (done + k) * kept->count * LS__ELEMENT,
                    ls__kept_real(kept, length != NULL ? length + k : NULL));
  }
}

ls_status ls__stream_take(ls__stream *s, size_t lo, size_t hi, void *const *to,
                          void *const *partner) {
  ls_status st = LS_OK;
  const ls_data *data = s->data;
  const size_t n = data->order.n;
  size_t done = 0;
  LS_ASSERT(s->running || lo == hi);
  while (lo < hi) {
    const size_t w = ls__order_window(&data->order, lo);
    size_t first, end;
    window_range(s, w, &first, &end);
    LS_TRY(await(s, w));
    const size_t stop = hi < end ? hi : end;
    const size_t at = mine_before(&data->epoch, n, lo) - mine_before(&data->epoch, n, first);
    /* Only positions in this rank's lanes, from the epoch's start on, may be asked for. */
    LS_ASSERT(lo >= first &&
              mine_before(&data->epoch, n, stop) - mine_before(&data->epoch, n, lo) == stop - lo);
    load(data, s->buffer[w % 2], at, stop - lo, done, to);
    if (partner != NULL) load(data, s->buffer[w % 2], s->capacity + at, stop - lo, done, partner);
    done += stop - lo;
    lo = stop;
  }
out:
  return st;
}

size_t ls__stream_bytes(const ls__stream *s) {
  return s->each * s->capacity * (2 * ls__arrays_bytes(s->data) + sizeof *s->picks);
}

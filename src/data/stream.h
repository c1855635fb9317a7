/* Samples that this rank takes next, read from the file by a thread. */
#ifndef LS_DATA_STREAM_H
#define LS_DATA_STREAM_H

#include "data/inside.h"

LS_CHECKED ls_status ls__stream_create(const ls_data *data, ls__stream **stream);
void ls__stream_destroy(ls__stream *stream);
/* End the thread; then, with a new epoch and order, start it for data->epoch. */
void ls__stream_stop(ls__stream *stream);
LS_CHECKED ls_status ls__stream_start(ls__stream *stream);
/* As ls__data_take, of arrays that are kept; partner: where those that the samples are mixed with go,
 * or NULL. */
LS_CHECKED ls_status ls__stream_take(ls__stream *stream, size_t lo, size_t hi, void *const *to,
                                     void *const *partner);
size_t ls__stream_bytes(const ls__stream *stream);

#endif

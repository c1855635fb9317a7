/* A file to convert, gzip-compressed or not. */
#ifndef LS_CONVERT_INPUT_H
#define LS_CONVERT_INPUT_H

#include <stdint.h>

#include "base/error.h"
#include "convert/progress.h"

typedef struct ls__input ls__input;

LS_CHECKED ls_status ls__input_open(const char *path, ls__progress *progress, ls__input **out);
/* A member of an archive, which must outlive it; `path` is what messages call it. */
struct ls__zip;
LS_CHECKED ls_status ls__input_open_member(const char *path, const struct ls__zip *zip,
                                           size_t member, ls__progress *progress, ls__input **out);
/* Up to `size` bytes; fewer only at the end.  A compressed file that is cut off or damaged is
 * LS_EDATA. */
LS_CHECKED ls_status ls__input_read(ls__input *source, void *buffer, size_t size, size_t *got);
/* Bytes that the file still holds; -1 where a compressed one doesn't say. */
int64_t ls__input_left(const ls__input *source);
bool ls__input_is_compressed(const ls__input *source);
uint64_t ls__input_stored(const ls__input *source); /* bytes on disk */
void ls__input_close(ls__input *source);
/* Size on disk; LS_EUSAGE when it can't be read twice (a pipe, a terminal), LS_EIO. */
LS_CHECKED ls_status ls__input_size(const char *path, uint64_t *size);

#endif

/* Reading a file through zlib, which passes through what isn't compressed; or a member of an
 * archive. */
#include "convert/input.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/alloc.h"
#include "convert/zip.h"

struct ls__input {
  gzFile gz;           /* NULL: a member */
  ls__zip_stream *zip; /* of this archive */
  uint64_t contents;   /* and of so many bytes */
  bool compressed;
  char *path;
  ls__progress *progress;
  uint64_t size;    /* on disk */
  uint64_t counted; /* bytes on disk that progress knows of */
  uint64_t given;   /* bytes handed out */
};

ls_status ls__input_size(const char *path, uint64_t *size) {
  struct stat about;
  *size = 0;
  if (stat(path, &about) != 0) return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  if (S_ISDIR(about.st_mode)) return ls__fail(LS_EIO, "%s: is a directory", path);
  if (!S_ISREG(about.st_mode))
    return ls__fail(LS_EUSAGE,
                    "%s: a source must be a file that can be read twice, not a pipe or device",
                    path);
  *size = (uint64_t)about.st_size;
  return LS_OK;
}

ls_status ls__input_open(const char *path, ls__progress *progress, ls__input **out) {
  ls_status st = LS_OK;
  ls__input *source = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&source, 1, sizeof *source, "source"));
  LS_TRY(ls__input_size(path, &source->size));
  source->path = ls__strdup(path);
  if (source->path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  source->progress = progress;
  errno = 0;
  source->gz = gzopen(path, "rb");
  if (source->gz == NULL) LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno == 0 ? ENOMEM : errno));
  gzbuffer(source->gz, 1 << 17);
  *out = source;
  source = NULL;
out:
  ls__input_close(source);
  return st;
}

ls_status ls__input_open_member(const char *path, const ls__zip *zip, size_t member,
                                ls__progress *progress, ls__input **out) {
  ls_status st = LS_OK;
  ls__input *source = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&source, 1, sizeof *source, "source"));
  source->path = ls__strdup(path);
  if (source->path == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  source->progress = progress;
  source->size = zip->list[member].stored;
  source->contents = zip->list[member].size;
  source->compressed = zip->list[member].method != 0;
  LS_TRY(ls__zip_stream_open(zip, member, &source->zip));
  *out = source;
  source = NULL;
out:
  ls__input_close(source);
  return st;
}

/* Tell the progress line how far on the disk the reading is. */
static void advance(ls__input *source, uint64_t now) {
  if (now <= source->counted) return;
  ls__progress_advance(source->progress, now - source->counted);
  source->counted = now;
}

ls_status ls__input_read(ls__input *source, void *buffer, size_t size, size_t *got) {
  *got = 0;
  if (source->zip != NULL) {
    const ls_status st = ls__zip_stream_read(source->zip, buffer, size, got);
    source->given += (uint64_t)*got;
    advance(source, ls__zip_stream_taken(source->zip));
    return st;
  }
  while (*got < size) {
    size_t want = size - *got < (1 << 20) ? size - *got : 1 << 20;
    errno = 0;
    int n = gzread(source->gz, (char *)buffer + *got, (unsigned)want);
    int why = errno, code = Z_OK;
    if (n > 0) {
      *got += (size_t)n;
      source->given += (uint64_t)n;
    }
    if (n == (int)want) continue;
    const char *text = gzerror(source->gz, &code);
    if (code == Z_ERRNO) return ls__fail(LS_EIO, "%s: %s", source->path, strerror(why));
    if (code == Z_MEM_ERROR) return ls__fail(LS_ENOMEM, "%s: out of memory", source->path);
    if (code == Z_BUF_ERROR)
      return ls__fail(LS_EDATA,
                      "%s: the compressed file is cut off after %llu bytes of its contents",
                      source->path, (unsigned long long)source->given);
    if (code != Z_OK && code != Z_STREAM_END)
      return ls__fail(LS_EDATA, "%s: the compressed file is damaged: %s", source->path, text);
    break; /* the end */
  }
  z_off_t at = gzoffset(source->gz);
  advance(source, at < 0 ? source->counted : (uint64_t)at);
  return LS_OK;
}

int64_t ls__input_left(const ls__input *source) {
  if (source->zip != NULL) return (int64_t)source->contents - (int64_t)source->given;
  if (!gzdirect(source->gz)) return -1;
  return (int64_t)source->size - (int64_t)source->given;
}

bool ls__input_is_compressed(const ls__input *source) {
  return source->zip != NULL ? source->compressed : !gzdirect(source->gz);
}

uint64_t ls__input_stored(const ls__input *source) {
  return source->size;
}

void ls__input_close(ls__input *source) {
  if (source == NULL) return;
  if (source->gz != NULL) gzclose_r(source->gz);
  ls__zip_stream_close(source->zip);
  ls__free(source->path);
  ls__free(source);
}

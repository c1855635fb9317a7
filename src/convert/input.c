/* Reading a file through zlib, which passes through what isn't compressed. */
#include "convert/input.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/alloc.h"

struct ls__input {
  gzFile gz;
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

ls_status ls__input_read(ls__input *source, void *buffer, size_t size, size_t *got) {
  *got = 0;
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
  uint64_t now = at < 0 ? source->counted : (uint64_t)at;
  if (now > source->counted) {
    ls__progress_advance(source->progress, now - source->counted);
    source->counted = now;
  }
  return LS_OK;
}

int64_t ls__input_left(const ls__input *source) {
  if (!gzdirect(source->gz)) return -1;
  return (int64_t)source->size - (int64_t)source->given;
}

void ls__input_close(ls__input *source) {
  if (source == NULL) return;
  if (source->gz != NULL) gzclose_r(source->gz);
  ls__free(source->path);
  ls__free(source);
}

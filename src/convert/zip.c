/* Reading ZIP archives: the directory at the end, then members through zlib. */
#include "convert/zip.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/grow.h"

/* The end record and the longest comment behind it; the largest directory that is read. */
enum { END = 22, LOCATOR = 20, END64 = 56, ENTRY = 46, LOCAL = 30, LONGEST_COMMENT = 65535 };
enum { MOST_MEMBERS = 100000, MOST_DIRECTORY = 64 << 20 };

static uint64_t number(const unsigned char *p, size_t bytes) {
  uint64_t x = 0;
  for (size_t i = bytes; i > 0; i--) x = x << 8 | p[i - 1];
  return x;
}

static ls_status read_at(FILE *file, const char *path, uint64_t at, void *to, size_t size) {
  errno = 0;
  if (fseeko(file, (off_t)at, SEEK_SET) == 0 && fread(to, 1, size, file) == size) return LS_OK;
  if (errno != 0) return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  return ls__fail(LS_EDATA, "%s: the archive is cut off", path);
}

/* ---- The directory ---- */

typedef struct directory {
  uint64_t entries, bytes, at;
} directory;

/* Where an archive has more than 32 bits can say, the record that has 64 of them. */
static ls_status read_end64(FILE *file, const char *path, uint64_t end_at, directory *d) {
  ls_status st = LS_OK;
  unsigned char text[END64];
  if (end_at < LOCATOR) return LS_OK;
  LS_TRY(read_at(file, path, end_at - LOCATOR, text, LOCATOR));
  if (memcmp(text, "PK\6\7", 4) != 0) return LS_OK; /* the numbers are what they say */
  const uint64_t at = number(text + 8, 8);
  if (at > end_at) LS_FAIL(LS_EDATA, "%s: the archive's directory is damaged", path);
  LS_TRY(read_at(file, path, at, text, END64));
  if (memcmp(text, "PK\6\6", 4) != 0)
    LS_FAIL(LS_EDATA, "%s: the archive's directory is damaged", path);
  *d = (directory){number(text + 32, 8), number(text + 40, 8), number(text + 48, 8)};
out:
  return st;
}

/* The end record: the last one whose comment reaches the end of the file. */
static ls_status find_directory(FILE *file, const ls__zip *zip, directory *d) {
  ls_status st = LS_OK;
  unsigned char *tail = NULL;
  const size_t n = zip->bytes < END + LONGEST_COMMENT ? (size_t)zip->bytes : END + LONGEST_COMMENT;
  LS_TRY(ls__alloc(&tail, n, 1, zip->path));
  LS_TRY(read_at(file, zip->path, zip->bytes - n, tail, n));
  size_t at = n < END ? 0 : n - END + 1;
  const unsigned char *end = NULL;
  while (at-- > 0 && end == NULL)
    if (memcmp(tail + at, "PK\5\6", 4) == 0 && at + END + number(tail + at + 20, 2) == n)
      end = tail + at;
  if (end == NULL)
    LS_FAIL(LS_EDATA, "%s: no ZIP archive, or one that is cut off: its directory is not there",
            zip->path);
  *d = (directory){number(end + 10, 2), number(end + 12, 4), number(end + 16, 4)};
  const uint64_t end_at = zip->bytes - n + (uint64_t)(end - tail);
  if (d->entries == 0xFFFF || d->bytes == 0xFFFFFFFF || d->at == 0xFFFFFFFF)
    LS_TRY(read_end64(file, zip->path, end_at, d));
  if (number(end + 4, 2) > 0 && number(end + 4, 2) != 0xFFFF)
    LS_FAIL(LS_EDATA, "%s: one of several parts of an archive", zip->path);
  if (d->at > end_at || d->bytes > end_at - d->at)
    LS_FAIL(LS_EDATA, "%s: the archive's directory is damaged", zip->path);
  if (d->entries > MOST_MEMBERS || d->bytes > MOST_DIRECTORY)
    LS_FAIL(LS_EDATA, "%s: an archive of %llu members; up to %d are read", zip->path,
            (unsigned long long)d->entries, MOST_MEMBERS);
out:
  ls__free(tail);
  return st;
}

/* Numbers that 32 bits don't hold stand in an extra field of kind 1, those that are needed. */
static bool take_extra(const unsigned char *extra, size_t n, ls__zip_member *m) {
  uint64_t *const wide[] = {&m->size, &m->stored, &m->header};
  while (n >= 4) {
    const uint64_t kind = number(extra, 2);
    const size_t bytes = (size_t)number(extra + 2, 2);
    if (bytes > n - 4) return false;
    const unsigned char *p = extra + 4;
    size_t left = bytes;
    for (int i = 0; i < 3 && kind == 1; i++) {
      if (*wide[i] != 0xFFFFFFFF) continue;
      if (left < 8) return false;
      *wide[i] = number(p, 8);
      p += 8;
      left -= 8;
    }
    extra += 4 + bytes;
    n -= 4 + bytes;
  }
  return true;
}

/* One entry of the directory; *used bytes of it. */
static ls_status take_entry(ls__zip *zip, const unsigned char *p, size_t left, size_t *used) {
  ls_status st = LS_OK;
  char *name = NULL;
  if (left < ENTRY || memcmp(p, "PK\1\2", 4) != 0)
    LS_FAIL(LS_EDATA, "%s: the archive's directory is damaged at member %zu", zip->path,
            zip->n + 1);
  const size_t n_name = (size_t)number(p + 28, 2), n_extra = (size_t)number(p + 30, 2);
  *used = ENTRY + n_name + n_extra + (size_t)number(p + 32, 2);
  ls__zip_member m = {.header = number(p + 42, 4),
                      .stored = number(p + 20, 4),
                      .size = number(p + 24, 4),
                      .crc = (uint32_t)number(p + 16, 4),
                      .method = (unsigned)number(p + 10, 2),
                      .encrypted = (p[8] & 1) != 0};
  if (*used > left || !take_extra(p + ENTRY + n_name, n_extra, &m) || m.header > zip->bytes ||
      m.stored > zip->bytes - m.header || memchr(p + ENTRY, '\0', n_name) != NULL)
    LS_FAIL(LS_EDATA, "%s: the archive's directory is damaged at member %zu", zip->path,
            zip->n + 1);
  LS_TRY(ls__grow(&zip->list, &zip->capacity, zip->n + 1, sizeof *zip->list, zip->path));
  LS_TRY(ls__alloc(&name, n_name + 1, 1, zip->path));
  memcpy(name, p + ENTRY, n_name);
  m.name = name;
  zip->list[zip->n++] = m;
out:
  return st;
}

ls_status ls__zip_open(ls__zip *zip, const char *path) {
  ls_status st = LS_OK;
  struct stat about;
  unsigned char *text = NULL;
  directory d;
  size_t at = 0, used = 0;
  zip->path = path;
  FILE *file = fopen(path, "rb");
  if (file == NULL || fstat(fileno(file), &about) != 0)
    LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno));
  zip->bytes = (uint64_t)about.st_size;
  LS_TRY(find_directory(file, zip, &d));
  LS_TRY(ls__alloc(&text, (size_t)d.bytes, 1, path));
  LS_TRY(read_at(file, path, d.at, text, (size_t)d.bytes));
  for (uint64_t i = 0; i < d.entries; i++, at += used)
    LS_TRY(take_entry(zip, text + at, (size_t)d.bytes - at, &used));
out:
  ls__free(text);
  if (file != NULL) (void)fclose(file);
  return st;
}

void ls__zip_reset(ls__zip *zip) {
  for (size_t i = 0; i < zip->n; i++) ls__free(zip->list[i].name);
  ls__free(zip->list);
  memset(zip, 0, sizeof *zip);
}

bool ls__zip_find(const ls__zip *zip, const char *name, size_t *member) {
  for (size_t i = 0; i < zip->n; i++) {
    if (strcmp(zip->list[i].name, name) != 0) continue;
    *member = i;
    return true;
  }
  return false;
}

/* ---- A member ---- */

struct ls__zip_stream {
  FILE *file;
  const char *path;
  char *name;
  ls__zip_member member; /* its name is not used */
  uint64_t taken, given;
  uint32_t crc;
  bool inflating, at_end;
  z_stream z;
  unsigned char in[1 << 16];
};

ls_status ls__zip_stream_open(const ls__zip *zip, size_t member, ls__zip_stream **out) {
  ls_status st = LS_OK;
  ls__zip_stream *s = NULL;
  unsigned char local[LOCAL];
  const ls__zip_member *m = &zip->list[member];
  *out = NULL;
  if (m->encrypted || (m->method != 0 && m->method != Z_DEFLATED))
    LS_FAIL(LS_EDATA,
            "%s: %s is %s; stored and deflated members are read (numpy.savez and "
            "numpy.savez_compressed write these)",
            zip->path, m->name, m->encrypted ? "encrypted" : "compressed in another way");
  LS_TRY(ls__alloc(&s, 1, sizeof *s, zip->path));
  s->path = zip->path;
  s->member = *m;
  s->name = ls__strdup(m->name);
  if (s->name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", zip->path);
  s->file = fopen(zip->path, "rb");
  if (s->file == NULL) LS_FAIL(LS_EIO, "%s: %s", zip->path, strerror(errno));
  LS_TRY(read_at(s->file, zip->path, m->header, local, LOCAL));
  const uint64_t at = m->header + LOCAL + number(local + 26, 2) + number(local + 28, 2);
  if (memcmp(local, "PK\3\4", 4) != 0 || at > zip->bytes || m->stored > zip->bytes - at ||
      (m->method == 0 && m->stored != m->size))
    LS_FAIL(LS_EDATA, "%s: %s: the archive is damaged", zip->path, m->name);
  if (fseeko(s->file, (off_t)at, SEEK_SET) != 0)
    LS_FAIL(LS_EIO, "%s: %s", zip->path, strerror(errno));
  if (m->method == Z_DEFLATED) {
    if (inflateInit2(&s->z, -MAX_WBITS) != Z_OK) LS_FAIL(LS_ENOMEM, "%s: out of memory", zip->path);
    s->inflating = true;
  }
  *out = s;
  s = NULL;
out:
  ls__zip_stream_close(s);
  return st;
}

/* The next piece of the archive into `in`; *n 0: the member has no more. */
static ls_status fill(ls__zip_stream *s, size_t *n) {
  const uint64_t left = s->member.stored - s->taken;
  const size_t want = left < sizeof s->in ? (size_t)left : sizeof s->in;
  errno = 0;
  *n = want == 0 ? 0 : fread(s->in, 1, want, s->file);
  s->taken += *n;
  if (*n == want) return LS_OK;
  if (ferror(s->file)) return ls__fail(LS_EIO, "%s: %s", s->path, strerror(errno));
  return ls__fail(LS_EDATA, "%s: the archive is cut off in %s", s->path, s->name);
}

static ls_status fail_inflate(const ls__zip_stream *s, int code) {
  if (code == Z_MEM_ERROR) return ls__fail(LS_ENOMEM, "%s: out of memory", s->path);
  return ls__fail(LS_EDATA, "%s: %s: the compressed data are damaged", s->path, s->name);
}

static ls_status inflate_some(ls__zip_stream *s, unsigned char *to, size_t size, size_t *got) {
  ls_status st = LS_OK;
  s->z.next_out = to;
  s->z.avail_out = (uInt)size;
  while (s->z.avail_out > 0 && !s->at_end) {
    if (s->z.avail_in == 0) {
      size_t n;
      LS_TRY(fill(s, &n));
      s->z.next_in = s->in;
      s->z.avail_in = (uInt)n;
    }
    const int code = inflate(&s->z, Z_NO_FLUSH);
    s->at_end = code == Z_STREAM_END;
    if (code != Z_OK && code != Z_STREAM_END) { /* Z_BUF_ERROR: there is no more to read */
      st = fail_inflate(s, code);
      goto out;
    }
  }
  *got = size - s->z.avail_out;
out:
  return st;
}

static ls_status copy_some(ls__zip_stream *s, unsigned char *to, size_t size, size_t *got) {
  const uint64_t left = s->member.stored - s->taken;
  const size_t want = left < size ? (size_t)left : size;
  errno = 0;
  *got = want == 0 ? 0 : fread(to, 1, want, s->file);
  s->taken += *got;
  s->at_end = s->taken == s->member.stored;
  if (*got == want) return LS_OK;
  if (ferror(s->file)) return ls__fail(LS_EIO, "%s: %s", s->path, strerror(errno));
  return ls__fail(LS_EDATA, "%s: the archive is cut off in %s", s->path, s->name);
}

ls_status ls__zip_stream_read(ls__zip_stream *s, void *buffer, size_t size, size_t *got) {
  ls_status st = LS_OK;
  *got = 0;
  while (*got < size && !s->at_end) {
    unsigned char *to = (unsigned char *)buffer + *got;
    const size_t want = size - *got < (1 << 20) ? size - *got : 1 << 20;
    size_t n = 0;
    LS_TRY(s->inflating ? inflate_some(s, to, want, &n) : copy_some(s, to, want, &n));
    s->crc = (uint32_t)crc32(s->crc, to, (uInt)n);
    s->given += n;
    *got += n;
    if (s->given > s->member.size)
      LS_FAIL(LS_EDATA, "%s: %s holds more than the %llu bytes that the directory says", s->path,
              s->name, (unsigned long long)s->member.size);
  }
  if (s->at_end && (s->given != s->member.size || s->crc != s->member.crc))
    LS_FAIL(LS_EDATA, "%s: %s: the archive is damaged: %s", s->path, s->name,
            s->given != s->member.size ? "it holds less than its directory says"
                                       : "its checksum is another one");
out:
  return st;
}

uint64_t ls__zip_stream_taken(const ls__zip_stream *s) {
  return s->taken;
}

void ls__zip_stream_close(ls__zip_stream *s) {
  if (s == NULL) return;
  if (s->inflating) (void)inflateEnd(&s->z);
  if (s->file != NULL) (void)fclose(s->file);
  ls__free(s->name);
  ls__free(s);
}

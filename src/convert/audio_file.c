/* WAV and FLAC files (audio_file.h). */
#include "convert/audio_file.h"

#include <string.h>
#include <strings.h>

bool ls__audio_is_named(const char *name) {
  static const char *const ends[] = {".wav", ".wave", ".flac"};
  const char *dot = strrchr(name, '.');
  for (size_t i = 0; dot != NULL && i < sizeof ends / sizeof *ends; i++)
    if (strcasecmp(dot, ends[i]) == 0) return true;
  return false;
}

#ifdef LS__WITH_SNDFILE
#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <sys/stat.h>

#include "base/alloc.h"

enum { MOST_CHANNELS = 1024, BLOCK = 4096 };

static uint32_t little(const unsigned char *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* libsndfile takes what there is of a file that was cut off.  The chunks of a WAV file say how
 * long it was; what writes into a pipe says 0 or the largest number. */
static ls_status check_chunks(FILE *file, const char *path, uint64_t bytes) {
  unsigned char head[8];
  for (uint64_t at = 12; at + sizeof head <= bytes;) {
    if (fseek(file, (long)at, SEEK_SET) != 0 || fread(head, sizeof head, 1, file) != 1)
      return ls__fail(LS_EIO, "%s: %s", path, strerror(errno != 0 ? errno : EIO));
    const uint64_t size = little(head + 4), end = at + sizeof head + size;
    if (memcmp(head, "data", 4) == 0) {
      if (size == 0 || size == UINT32_MAX || end <= bytes) return LS_OK;
      return ls__fail(LS_EDATA,
                      "%s: is cut off: %llu bytes of sound are announced, and %llu are there", path,
                      (unsigned long long)size, (unsigned long long)(bytes - at - sizeof head));
    }
    at = end + size % 2;
  }
  return LS_OK;
}

/* What libsndfile needs not be asked. */
static ls_status check_file(const char *path) {
  ls_status st = LS_OK;
  unsigned char first[12] = {0};
  struct stat about;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return ls__fail(LS_EIO, "%s: %s", path, strerror(errno));
  errno = 0;
  const size_t n = fread(first, 1, sizeof first, file);
  if ((n < sizeof first && ferror(file)) || fstat(fileno(file), &about) != 0)
    LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno != 0 ? errno : EIO));
  if (!S_ISREG(about.st_mode)) LS_FAIL(LS_EIO, "%s: is no regular file", path);
  if (n == 0) LS_FAIL(LS_EDATA, "%s: the file is empty", path);
  const bool wav = memcmp(first, "RIFF", 4) == 0 && memcmp(first + 8, "WAVE", 4) == 0;
  if (!wav && memcmp(first, "RF64", 4) != 0 && memcmp(first, "RIFX", 4) != 0 &&
      memcmp(first, "fLaC", 4) != 0)
    LS_FAIL(LS_EDATA, "%s: begins like no WAV or FLAC file", path);
  if (wav) LS_TRY(check_chunks(file, path, (uint64_t)about.st_size));
out:
  (void)fclose(file);
  return st;
}

/* libsndfile's words, without the stop at their end. */
static ls_status fail_open(const char *path) {
  char text[200];
  snprintf(text, sizeof text, "%s", sf_strerror(NULL));
  for (char *p = text; *p != '\0'; p++)
    if ((unsigned char)*p < ' ') *p = ' ';
  size_t n = strlen(text);
  while (n > 0 && (text[n - 1] == '.' || text[n - 1] == ' ')) text[--n] = '\0';
  return ls__fail(LS_EDATA, "%s: can't be read as WAV or FLAC: %s", path, text);
}

static ls_status open_file(const char *path, SNDFILE **file, ls__audio_info *info) {
  SF_INFO about;
  ls_status st = check_file(path);
  if (st != LS_OK) return st;
  memset(&about, 0, sizeof about);
  *file = sf_open(path, SFM_READ, &about);
  if (*file == NULL) return fail_open(path);
  if (about.frames <= 0) return ls__fail(LS_EDATA, "%s: holds no samples", path);
  if (about.frames > LS__AUDIO_SAMPLES)
    return ls__fail(LS_EDATA, "%s: says to have %lld samples; %d are read", path,
                    (long long)about.frames, LS__AUDIO_SAMPLES);
  if (about.samplerate < 1 || about.channels < 1 || about.channels > MOST_CHANNELS)
    return ls__fail(LS_EDATA, "%s: %d channels at %d samples a second", path, about.channels,
                    about.samplerate);
  *info = (ls__audio_info){(size_t)about.frames, (size_t)about.samplerate, (size_t)about.channels};
  return LS_OK;
}

ls_status ls__audio_look(const char *path, ls__audio_info *info) {
  SNDFILE *file = NULL;
  ls_status st = open_file(path, &file, info);
  if (file != NULL) (void)sf_close(file);
  return st;
}

/* The mean of the channels; a sample that is no number is refused. */
static ls_status mix(const char *path, const double *block, size_t n, size_t channels, size_t first,
                     double *mono) {
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t c = 0; c < channels; c++) {
      const double x = block[i * channels + c];
      if (!(fabs(x) <= 1e30))
        return ls__fail(LS_EDATA, "%s: sample %zu is %s", path, first + i,
                        isnan(x) ? "no number (NaN)" : "beyond 1e30");
      sum += x;
    }
    mono[i] = sum / (double)channels;
  }
  return LS_OK;
}

ls_status ls__audio_read(const char *path, const ls__audio_info *info, double *mono) {
  ls_status st = LS_OK;
  SNDFILE *file = NULL;
  ls__audio_info now;
  double *block = NULL;
  LS_TRY(open_file(path, &file, &now));
  if (now.samples != info->samples || now.rate != info->rate || now.channels != info->channels)
    LS_FAIL(LS_EDATA, "%s: has changed while it was read", path);
  LS_TRY(ls__alloc(&block, BLOCK * info->channels, sizeof *block, path));
  for (size_t done = 0; done < info->samples;) {
    const size_t left = info->samples - done, want = left < BLOCK ? left : BLOCK;
    const sf_count_t got = sf_readf_double(file, block, (sf_count_t)want);
    if (got <= 0 || (size_t)got > want || sf_error(file) != SF_ERR_NO_ERROR)
      LS_FAIL(LS_EDATA, "%s: is damaged or cut off: %zu samples are announced, and %zu can be read",
              path, info->samples, done + (got > 0 ? (size_t)got : 0));
    LS_TRY(mix(path, block, (size_t)got, info->channels, done, mono + done));
    done += (size_t)got;
  }
out:
  ls__free(block);
  if (file != NULL) (void)sf_close(file);
  return st;
}

#else

static ls_status fail_without(const char *path) {
  return ls__fail(LS_EDATA,
                  "%s: a recording, and this lockstep was built without libsndfile (Debian: "
                  "libsndfile1-dev, then build again)",
                  path);
}

ls_status ls__audio_look(const char *path, ls__audio_info *info) {
  (void)info;
  return fail_without(path);
}

ls_status ls__audio_read(const char *path, const ls__audio_info *info, double *mono) {
  (void)info;
  (void)mono;
  return fail_without(path);
}

#endif

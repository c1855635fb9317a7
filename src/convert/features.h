/* What a network hears of a sound: log-mel energies, their cepstrum (MFCC), or the samples.
 *
 * Frame t is samples [t hop, t hop + window), zeros behind the end; a sound has as many frames as
 * it takes to have every sample in one, at least one.  A frame is multiplied with Hann's window
 * (periodic), transformed, and its powers summed under triangles that are evenly spaced in mel
 * (O'Shaughnessy's, as in HTK: 2595 log10(1 + f / 700); or Slaney's: linear up to 1 kHz, logarithmic
 * above, each triangle divided by half its width in Hz).  log_mel is the natural logarithm of that,
 * or of `floor` where it is less; mfcc the first coefficients of its orthonormal DCT-II. */
#ifndef LS_CONVERT_FEATURES_H
#define LS_CONVERT_FEATURES_H

#include "convert/fourier.h"

typedef enum ls__feature { LS__LOG_MEL, LS__MFCC, LS__SAMPLES } ls__feature;
typedef enum ls__mel { LS__MEL_HTK, LS__MEL_SLANEY } ls__mel;
extern const char *const ls__feature_names[], *const ls__mel_names[];

typedef struct ls__features_how {
  ls__feature feature;
  size_t rate;        /* samples a second */
  size_t window, hop; /* samples */
  size_t bands, coefficients;
  ls__mel mel;
  double low, high; /* Hz */
  double floor;
} ls__features_how;

/* A triangle: the frequencies below it, and their weights. */
typedef struct ls__mel_band {
  size_t first, n;
  double *weight; /* [n] */
} ls__mel_band;

typedef struct ls__features {
  ls__features_how how;
  size_t width; /* numbers of a frame */
  ls__fourier fourier;
  double *hann, *frame, *power, *energy; /* [window], [n], [n / 2 + 1], [bands] */
  double *weights;
  ls__mel_band *band; /* [bands] */
  double *cosine;     /* [coefficients, bands] */
} ls__features;

/* LS_EUSAGE: what can't be had, and why.  `f` zeroed before, reset after it in every case. */
LS_CHECKED ls_status ls__features_init(ls__features *f, const ls__features_how *how);
void ls__features_reset(ls__features *f);
/* Frames of n samples. */
size_t ls__features_frames(const ls__features *f, size_t n);
/* out [frames, width] of x [n]. */
void ls__features_run(ls__features *f, const double *x, size_t n, float *out);
/* A frame of silence: out [width]. */
void ls__features_silence(ls__features *f, float *out);

#endif

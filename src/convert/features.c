/* Frames, mel energies and cepstra (features.h). */
#include "convert/features.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/real.h"

const char *const ls__feature_names[] = {"log_mel", "mfcc", "samples", NULL};
const char *const ls__mel_names[] = {"htk", "slaney", NULL};

/* ---- Mel ---- */

#define LN_10 2.302585092994045684
static const double hz_per_mel = 200.0 / 3, first_log = 1000, step_base = 6.4, steps = 27;

static double mel_of(ls__mel mel, double hz) {
  if (mel == LS__MEL_HTK) return 2595 * (ls__log(1 + hz / 700) / LN_10);
  if (hz < first_log) return hz / hz_per_mel;
  return first_log / hz_per_mel + steps * (ls__log(hz / first_log) / ls__log(step_base));
}

static double hz_of(ls__mel mel, double at) {
  const double bend = first_log / hz_per_mel;
  if (mel == LS__MEL_HTK) return 700 * (ls__real_power(10, at / 2595) - 1);
  if (at < bend) return at * hz_per_mel;
  return first_log * ls__real_power(step_base, (at - bend) / steps);
}

/* The triangles' weights of all frequencies, one after another. */
static ls_status make_bands(ls__features *f) {
  const ls__features_how *how = &f->how;
  const size_t n = f->fourier.n;
  const double low = mel_of(how->mel, how->low), high = mel_of(how->mel, how->high);
  const double hz = (double)how->rate / (double)n, apart = (high - low) / (double)(how->bands + 1);
  double *weight = f->weights;
  for (size_t b = 0; b < how->bands; b++) {
    ls__mel_band *band = &f->band[b];
    const double left = hz_of(how->mel, low + (double)b * apart),
                 peak = hz_of(how->mel, low + (double)(b + 1) * apart),
                 right = hz_of(how->mel, low + (double)(b + 2) * apart);
    band->weight = weight;
    for (size_t k = 0; k <= n / 2; k++) {
      const double at = (double)k * hz, up = (at - left) / (peak - left),
                   down = (right - at) / (right - peak), w = up < down ? up : down;
      if (!(w > 0)) continue;
      if (band->n == 0) band->first = k;
      band->weight[band->n++] = how->mel == LS__MEL_SLANEY ? w * (2 / (right - left)) : w;
    }
    if (band->n == 0)
      return ls__fail(LS_EUSAGE,
                      "convert audio: band %zu of %zu, %.0f to %.0f Hz, lies between two "
                      "frequencies of the transform, which are %.3g Hz apart: fewer --bands, or a "
                      "longer --window",
                      b + 1, how->bands, left, right, hz);
    weight += band->n;
  }
  return LS_OK;
}

static ls_status check(const ls__features_how *how) {
  const double nyquist = 0.5 * (double)how->rate;
  if (how->window < 2 || how->hop < 1)
    return ls__fail(LS_EUSAGE,
                    "convert audio: a window of %zu samples with a hop of %zu, at %zu Hz: they "
                    "must be at least 2 and 1",
                    how->window, how->hop, how->rate);
  if (!(how->low < how->high && how->high <= nyquist))
    return ls__fail(LS_EUSAGE,
                    "convert audio: bands from %g to %g Hz: at %zu samples a second they must lie "
                    "within 0 and %g Hz",
                    how->low, how->high, how->rate, nyquist);
  if (how->feature == LS__MFCC && how->coefficients > how->bands)
    return ls__fail(LS_EUSAGE, "convert audio: %zu coefficients of %zu bands: they can't be more",
                    how->coefficients, how->bands);
  return LS_OK;
}

ls_status ls__features_init(ls__features *f, const ls__features_how *how) {
  ls_status st = LS_OK;
  const char *what = "features of sounds";
  const size_t bands = how->bands;
  size_t n = 4;
  f->how = *how;
  f->width = how->feature == LS__SAMPLES ? 1 : how->feature == LS__MFCC ? how->coefficients : bands;
  if (how->feature == LS__SAMPLES) return LS_OK;
  LS_TRY(check(how));
  while (n < how->window) n *= 2;
  LS_TRY(ls__fourier_init(&f->fourier, n));
  LS_TRY(ls__alloc(&f->hann, how->window, sizeof *f->hann, what));
  LS_TRY(ls__alloc(&f->frame, n, sizeof *f->frame, what));
  LS_TRY(ls__alloc(&f->power, n / 2 + 1, sizeof *f->power, what));
  LS_TRY(ls__alloc(&f->energy, bands, sizeof *f->energy, what));
  LS_TRY(ls__alloc(&f->band, bands, sizeof *f->band, what));
  /* a frequency lies under two triangles at most */
  LS_TRY(ls__alloc(&f->weights, 2 * (n / 2 + 1), sizeof *f->weights, what));
  for (size_t i = 0; i < how->window; i++)
    f->hann[i] = 0.5 - 0.5 * ls__cos_turn((double)i / (double)how->window);
  LS_TRY(make_bands(f));
  if (how->feature != LS__MFCC) return LS_OK;
  LS_TRY(ls__alloc(&f->cosine, how->coefficients * bands, sizeof *f->cosine, what));
  for (size_t k = 0; k < how->coefficients; k++)
    for (size_t b = 0; b < bands; b++)
      f->cosine[k * bands + b] = sqrt((k == 0 ? 1.0 : 2.0) / (double)bands) *
                                 ls__cos_turn((double)(k * (2 * b + 1) % (4 * bands)) /
                                              (double)(4 * bands));
out:
  return st;
}

void ls__features_reset(ls__features *f) {
  ls__fourier_reset(&f->fourier);
  ls__free(f->hann);
  ls__free(f->frame);
  ls__free(f->power);
  ls__free(f->energy);
  ls__free(f->weights);
  ls__free(f->band);
  ls__free(f->cosine);
  memset(f, 0, sizeof *f);
}

/* ---- Frames ---- */

size_t ls__features_frames(const ls__features *f, size_t n) {
  const ls__features_how *how = &f->how;
  if (how->feature == LS__SAMPLES) return n;
  return n <= how->window ? 1 : 1 + (n - how->window + how->hop - 1) / how->hop;
}

/* From f->energy, the logarithms. */
static void finish_frame(ls__features *f, float *out) {
  const size_t bands = f->how.bands;
  for (size_t b = 0; b < bands; b++)
    f->energy[b] = ls__log(f->energy[b] > f->how.floor ? f->energy[b] : f->how.floor);
  for (size_t k = 0; k < f->width; k++) {
    double sum = 0;
    if (f->how.feature == LS__LOG_MEL)
      sum = f->energy[k];
    else
      for (size_t b = 0; b < bands; b++) sum += f->cosine[k * bands + b] * f->energy[b];
    out[k] = (float)sum;
  }
}

void ls__features_run(ls__features *f, const double *x, size_t n, float *out) {
  const ls__features_how *how = &f->how;
  const size_t frames = ls__features_frames(f, n);
  if (how->feature == LS__SAMPLES) {
    for (size_t i = 0; i < n; i++) out[i] = (float)x[i];
    return;
  }
  for (size_t t = 0; t < frames; t++, out += f->width) {
    const size_t first = t * how->hop, left = first < n ? n - first : 0,
                 real = left < how->window ? left : how->window;
    memset(f->frame, 0, f->fourier.n * sizeof *f->frame);
    for (size_t i = 0; i < real; i++) f->frame[i] = x[first + i] * f->hann[i];
    ls__fourier_power(&f->fourier, f->frame, f->power);
    for (size_t b = 0; b < how->bands; b++) {
      const ls__mel_band *band = &f->band[b];
      double sum = 0;
      for (size_t k = 0; k < band->n; k++) sum += band->weight[k] * f->power[band->first + k];
      f->energy[b] = sum;
    }
    finish_frame(f, out);
  }
}

void ls__features_silence(ls__features *f, float *out) {
  if (f->how.feature == LS__SAMPLES)
    *out = 0;
  else {
    memset(f->energy, 0, f->how.bands * sizeof *f->energy);
    finish_frame(f, out);
  }
}

/* Augmentation: each transform against NumPy and SciPy with what it draws fixed, what is drawn
 * against what it should be on average, and that it depends on seed, epoch, place in the list and
 * sample, and on nothing else. */
#include "augment/augment.h"

#include <math.h>
#include <string.h>

#include "augment/kinds.h"
#include "augment_expected.h"
#include "base/alloc.h"
#include "check.h"

static const ls__image image = {HEIGHT, WIDTH, CHANNELS};
static const ls__value_range bytes = {0, 255}, unknown = {1, 0};

/* A list of transforms in YAML, and the config that it is read from. */
static ls_status read_list(const char *list, ls_config **config, ls__augment **augment) {
  char yaml[600];
  *augment = NULL;
  snprintf(yaml, sizeof yaml, "augment: %s\n", list);
  ls_status st = ls_config_parse(yaml, "test", config);
  if (st == LS_OK) st = ls__augment_read(ls__config_child(*config, "augment"), augment);
  return st;
}

static ls__augment *make(const char *list, const ls__image *of) {
  ls_config *config = NULL;
  ls__augment *augment = NULL;
  if (read_list(list, &config, &augment) != LS_OK || ls__augment_fit(augment, of, &bytes) != LS_OK)
    fail_msg("%s: %s", list, ls_error_message());
  ls_config_destroy(config); /* it isn't needed any more */
  ls__augment_start(augment, 1, 0);
  return augment;
}

static void run(const ls__augment *augment, float *x, const ls__image *of, uint64_t sample) {
  float spare[4096];
  const size_t n = of->height * of->width * of->channels;
  assert_true(n <= 4096);
  for (size_t i = 0; i < n; i++) spare[i] = NAN;
  ls__augment_run(augment, &(ls__augmented){.image = *of,
                                            .pixels = x,
                                            .spare = spare,
                                            .sample = sample,
                                            .first = sample * n});
}

static void against_numpy(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof transformed / sizeof *transformed; i++) {
    char list[300];
    float x[PIXELS];
    snprintf(list, sizeof list, "[%s]", transformed[i].transform);
    ls__augment *augment = make(list, &image);
    memcpy(x, picture, sizeof x);
    run(augment, x, &image, 3);
    for (size_t k = 0; k < PIXELS; k++)
      if (!(fabsf(x[k] - transformed[i].expected[k]) <= 2e-4F))
        fail_msg("%s: element %zu is %.9g, wanted %.9g", list, k, (double)x[k],
                 (double)transformed[i].expected[k]);
    ls__augment_destroy(augment);
  }
  assert_int_equal(ls__alloc_alive(), 0);
}

/* A quarter of a turn is exact, and counterclockwise: what was on the right is above. */
static void quarter(void **state) {
  (void)state;
  const ls__image square = {4, 4, 1};
  float x[16], y[16];
  ls__augment *augment = make("[{rotation: [0.25, 0.25]}]", &square);
  for (size_t i = 0; i < 16; i++) x[i] = y[i] = (float)(i * i);
  run(augment, x, &square, 0);
  for (size_t i = 0; i < 4; i++)
    for (size_t j = 0; j < 4; j++) assert_true(x[i * 4 + j] == y[j * 4 + 3 - i]);
  ls__augment_destroy(augment);
}

/* What a crop of the padded image has at (y, x). */
static float padded(const char *fill, int64_t y, int64_t x, size_t c) {
  const int64_t h = HEIGHT, w = WIDTH;
  if (strcmp(fill, "zeros") == 0 && (y < 0 || y >= h || x < 0 || x >= w)) return 0;
  if (strcmp(fill, "edge") == 0) {
    y = y < 0 ? 0 : y >= h ? h - 1 : y;
    x = x < 0 ? 0 : x >= w ? w - 1 : x;
  } else if (strcmp(fill, "periodic") == 0) {
    y = (y + 10 * h) % h;
    x = (x + 10 * w) % w;
  } else {
    while (y < 0 || y >= h) y = y < 0 ? -y : 2 * (h - 1) - y;
    while (x < 0 || x >= w) x = x < 0 ? -x : 2 * (w - 1) - x;
  }
  return picture[((size_t)y * WIDTH + (size_t)x) * CHANNELS + c];
}

/* A crop is a part of the padded image, and each of the 25 (or of the 225) comes as often. */
static void crops(void **state) {
  (void)state;
  static const char *const fills[] = {"zeros", "edge", "reflect", "periodic"};
  for (size_t f = 0; f < 4; f++)
    for (int64_t padding = 2; padding <= (f == 0 ? 2 : 7); padding += 5) { /* 7 zeros: refused */
      enum { SAMPLES = 20000 };
      char list[100];
      size_t count[15][15] = {{0}};
      const size_t side = (size_t)(2 * padding + 1);
      snprintf(list, sizeof list, "[{random_crop: {padding: %d, fill_mode: %s}}]", (int)padding,
               fills[f]);
      ls__augment *augment = make(list, &image);
      for (uint64_t s = 0; s < SAMPLES; s++) {
        float x[PIXELS];
        bool found = false;
        memcpy(x, picture, sizeof x);
        run(augment, x, &image, s);
        for (int64_t dy = -padding; dy <= padding && !found; dy++)
          for (int64_t dx = -padding; dx <= padding && !found; dx++) {
            found = true;
            for (size_t i = 0; i < HEIGHT && found; i++)
              for (size_t j = 0; j < WIDTH && found; j++)
                for (size_t c = 0; c < CHANNELS && found; c++)
                  found = x[(i * WIDTH + j) * CHANNELS + c] ==
                          padded(fills[f], (int64_t)i + dy, (int64_t)j + dx, c);
            if (found) count[dy + padding][dx + padding]++;
          }
        if (!found) fail_msg("%s: sample %d is no part of it", list, (int)s);
        if (f > 0 && s == 300) break; /* how often is seen once */
      }
      for (size_t i = 0; i < side && f == 0 && padding == 2; i++)
        for (size_t j = 0; j < side; j++) /* 800 of each are expected: 5 standard deviations */
          assert_in_range(count[i][j], 660, 940);
      ls__augment_destroy(augment);
    }
}

static void flips(void **state) {
  (void)state;
  enum { SAMPLES = 10000 };
  static const char *const lists[] = {"[flip]", "[{flip: {horizontal: false, vertical: true}}]",
                                      "[{flip: {vertical: true}}]"};
  for (size_t k = 0; k < 3; k++) {
    size_t count[2][2] = {{0}};
    ls__augment *augment = make(lists[k], &image);
    for (uint64_t s = 0; s < SAMPLES; s++) {
      float x[PIXELS];
      memcpy(x, picture, sizeof x);
      run(augment, x, &image, s);
      bool found = false;
      for (size_t down = 0; down < 2; down++)
        for (size_t across = 0; across < 2; across++) {
          bool same = true;
          for (size_t i = 0; i < HEIGHT && same; i++)
            for (size_t j = 0; j < WIDTH * CHANNELS && same; j++) {
              const size_t y = down ? HEIGHT - 1 - i : i,
                           column = across ? WIDTH - 1 - j / CHANNELS : j / CHANNELS;
              same = x[i * WIDTH * CHANNELS + j] ==
                     picture[(y * WIDTH + column) * CHANNELS + j % CHANNELS];
            }
          if (same) count[down][across]++;
          found = found || same;
        }
      assert_true(found);
    }
    for (size_t down = 0; down < 2; down++)
      for (size_t across = 0; across < 2; across++) {
        const bool can = (!down || k > 0) && (!across || k != 1);
        const size_t expected = can ? (size_t)SAMPLES / (k == 2 ? 4 : 2) : 0;
        assert_in_range(count[down][across], expected > 0 ? expected - 220 : 0,
                        expected > 0 ? expected + 220 : 0);
      }
    ls__augment_destroy(augment);
  }
}

/* Draws of an interval: their mean, variance and bounds are those of the uniform distribution. */
static void intervals(void **state) {
  (void)state;
  enum { SAMPLES = 20000 };
  const ls__image one = {1, 1, 1};
  ls__augment *augment = make("[{brightness: {factor: [-0.1, 0.3], value_range: [-100, 100]}}]",
                              &one);
  double sum = 0, squares = 0, low = 1e9, high = -1e9;
  for (uint64_t s = 0; s < SAMPLES; s++) {
    float x = 5;
    run(augment, &x, &one, s);
    const double u = ((double)x - 5) / 200;
    sum += u, squares += u * u;
    low = fmin(low, u), high = fmax(high, u);
  }
  assert_true(low >= -0.1 - 1e-6 && low < -0.099 && high < 0.3 && high > 0.299);
  assert_true(fabs(sum / SAMPLES - 0.1) < 0.003); /* 0.4 / sqrt(12 * 20000) = 0.0008 */
  assert_true(fabs(squares / SAMPLES - 0.01 - 0.16 / 12) < 0.0006);
  ls__augment_destroy(augment);
}

static void noise(void **state) {
  (void)state;
  enum { SAMPLES = 400 };
  ls__augment *augment = make("[{noise: 0.05}]", &image);
  double sum = 0, squares = 0, pairs = 0, last = 0;
  for (uint64_t s = 0; s < SAMPLES; s++) {
    float x[PIXELS];
    memcpy(x, picture, sizeof x);
    run(augment, x, &image, s);
    for (size_t i = 0; i < PIXELS; i++) {
      const double d = ((double)x[i] - (double)picture[i]) / (0.05 * 255);
      sum += d, squares += d * d, pairs += d * last;
      last = d;
    }
  }
  const double n = SAMPLES * PIXELS;
  assert_true(fabs(sum / n) < 5 / sqrt(n));
  assert_true(fabs(squares / n - 1) < 5 * sqrt(2 / n));
  assert_true(fabs(pairs / n) <
              5 / sqrt(n)); /* neighbours, and the samples' ends, are independent */
  ls__augment_destroy(augment);
}

/* A square of the side, cut by the border; each pixel is in the middle as often. */
static void cutouts(void **state) {
  (void)state;
  enum { SAMPLES = 12000 };
  static const size_t sizes[] = {1, 2, 3, HEIGHT};
  for (size_t k = 0; k < 4; k++) {
    char list[60];
    size_t covered[HEIGHT][WIDTH] = {{0}};
    snprintf(list, sizeof list, "[{cutout: {size: %zu, value: -7}}]", sizes[k]);
    ls__augment *augment = make(list, &image);
    for (uint64_t s = 0; s < SAMPLES; s++) {
      float x[PIXELS];
      size_t top = HEIGHT, bottom = 0, left = WIDTH, right = 0, n = 0;
      memcpy(x, picture, sizeof x);
      run(augment, x, &image, s);
      for (size_t i = 0; i < HEIGHT; i++)
        for (size_t j = 0; j < WIDTH; j++) {
          const float *p = x + (i * WIDTH + j) * CHANNELS;
          assert_true((p[0] == -7) == (p[1] == -7));
          if (p[0] != -7) {
            assert_memory_equal(p, picture + (i * WIDTH + j) * CHANNELS, sizeof *p * CHANNELS);
            continue;
          }
          covered[i][j]++, n++;
          top = i < top ? i : top, bottom = i > bottom ? i : bottom;
          left = j < left ? j : left, right = j > right ? j : right;
        }
      assert_int_equal(n, (bottom - top + 1) * (right - left + 1));
      assert_true(bottom - top < sizes[k] && right - left < sizes[k]);
      if (top > 0 && bottom < HEIGHT - 1) assert_int_equal(bottom - top + 1, sizes[k]);
    }
    for (size_t i = 0; i < HEIGHT; i++)
      for (size_t j = 0; j < WIDTH; j++) {
        if (k == 0) assert_in_range(covered[i][j], 300, 500); /* 400: 5 standard deviations */
        if (k == 3) assert_in_range(covered[i][j], SAMPLES / 4, SAMPLES);
      }
    ls__augment_destroy(augment);
  }
  ls__augment *brief = make("[{cutout: 1}]", &image);
  float x[PIXELS];
  size_t zeros = 0;
  for (size_t i = 0; i < PIXELS; i++) x[i] = 9;
  run(brief, x, &image, 5);
  for (size_t i = 0; i < PIXELS; i++) zeros += x[i] == 0;
  assert_int_equal(zeros, CHANNELS);
  ls__augment_destroy(brief);
}

/* A sequence is moved by each of -3 .. 3 as often; what is shorter than that by less than its length,
 * and what lies behind its length stays. */
static void time_shifts(void **state) {
  (void)state;
  enum { SAMPLES = 7000, T = 7, BANDS = 2 };
  static const char *const fills[] = {"edge", "zeros", "periodic", "reflect"};
  for (size_t f = 0; f < 4; f++)
    for (size_t length = 1; length <= T; length += f == 0 ? 1 : T - 1) {
      const ls__image full = {T, BANDS, 1}, real = {length, BANDS, 1};
      const int64_t n = (int64_t)length, most = n > 3 ? 3 : n - 1;
      size_t count[7] = {0};
      char list[60];
      snprintf(list, sizeof list, "[{time_shift: {steps: 3, fill_mode: %s}}]", fills[f]);
      ls__augment *augment = make(list, &full);
      for (uint64_t s = 0; s < SAMPLES; s++) {
        float x[T * BANDS];
        size_t fits = 0;
        for (size_t i = 0; i < T * BANDS; i++) x[i] = (float)(i + 1);
        run(augment, x, &real, s);
        for (int64_t d = -most; d <= most; d++) {
          bool same = true;
          for (int64_t t = 0; t < n && same; t++)
            for (int64_t b = 0; b < BANDS && same; b++) {
              int64_t from = t - d;
              const bool in = from >= 0 && from < n;
              if (f == 0) from = from < 0 ? 0 : from >= n ? n - 1 : from;
              if (f == 2) from = (from + n) % n;
              if (f == 3 && n > 1) from = from < 0 ? -from : from >= n ? 2 * (n - 1) - from : from;
              const float wanted = f == 1 && !in ? 0 : (float)(from * BANDS + b + 1);
              same = x[t * BANDS + b] == wanted;
            }
          if (same) count[d + 3]++;
          fits += same;
        }
        assert_true(fits >= 1); /* a sequence of two may fit two ways */
        for (size_t i = length * BANDS; i < T * BANDS; i++) assert_true(x[i] == (float)(i + 1));
      }
      for (size_t d = 0; d < 7 && length == T; d++) /* 1000 are expected: 5 standard deviations */
        assert_in_range(count[d], 850, 1150);
      ls__augment_destroy(augment);
    }
}

/* Stretches of 0 .. width entries as often, within the sequence's length; with the band's mean or a
 * number; and no more than a share of it. */
static void masks(void **state) {
  (void)state;
  enum { SAMPLES = 6000, T = 9, BANDS = 5 };
  static const struct {
    const char *list;
    bool time;
    size_t most;
  } cases[] = {{"[{time_mask: {width: 3, value: -7}}]", true, 3},
               {"[{frequency_mask: {width: 3, value: -7}}]", false, 3},
               {"[{time_mask: {width: 9, share: 0.5, value: -7}}]", true, 4}, /* of 8 */
               {"[{time_mask: 2}]", true, 2},
               {"[{frequency_mask: {width: 2, value: mean}}]", false, 2}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const ls__image full = {T, BANDS, 1}, real = {T - 1, BANDS, 1};
    const size_t n = cases[k].time ? T - 1 : BANDS;
    size_t widths[T] = {0}, covered[T] = {0};
    ls__augment *augment = make(cases[k].list, &full);
    assert_false(ls__augment_moves(augment));
    for (uint64_t s = 0; s < SAMPLES; s++) {
      float x[T * BANDS], y[T * BANDS];
      size_t width = 0, first = n, last = 0;
      for (size_t i = 0; i < T * BANDS; i++) x[i] = y[i] = (float)(i * i);
      run(augment, y, &real, s);
      for (size_t i = 0; i < n; i++) {
        const size_t count = cases[k].time ? BANDS : T - 1;
        size_t changed = 0;
        for (size_t j = 0; j < count; j++) {
          const size_t t = cases[k].time ? i : j, b = cases[k].time ? j : i;
          double mean = 0;
          for (size_t r = 0; r < T - 1; r++) mean += (double)x[r * BANDS + b] / (T - 1);
          const float value = k < 3 ? -7 : (float)mean;
          if (y[t * BANDS + b] == x[t * BANDS + b]) continue;
          assert_true(fabsf(y[t * BANDS + b] - value) <= 1e-4F * fabsf(value));
          changed++;
        }
        assert_true(changed == 0 || changed == count);
        if (changed == 0) continue;
        covered[i]++;
        width++;
        first = i < first ? i : first;
        last = i;
      }
      assert_true(width == 0 || last - first + 1 == width);
      assert_true(width <= cases[k].most);
      widths[width]++;
      for (size_t b = 0; b < BANDS; b++)
        assert_true(y[(T - 1) * BANDS + b] == x[(T - 1) * BANDS + b]);
    }
    const size_t each = SAMPLES / (cases[k].most + 1);
    for (size_t w = 0; w <= cases[k].most; w++) /* more than 5 standard deviations */
      assert_in_range(widths[w], each - each / 5, each + each / 5);
    for (size_t i = 0; i < n; i++) assert_true(covered[i] > 0);
    ls__augment_destroy(augment);
  }
  const ls__image wide = {1, 64, 1};
  ls__augment *many = make("[{frequency_mask: {width: 1, count: 32, value: -7}}]", &wide);
  size_t sum = 0;
  for (uint64_t s = 0; s < 400; s++) { /* 64 (1 - (1 - 1/128)^32) = 14.2 of 64 */
    float x[64] = {0};
    run(many, x, &wide, s);
    for (size_t i = 0; i < 64; i++) sum += x[i] == -7;
  }
  assert_in_range(sum, 400 * 13, 400 * 15);
  ls__augment_destroy(many);
}

/* A target with the same times alone goes along where that is said, and is asked for where not. */
static void targets(void **state) {
  (void)state;
  static const struct {
    const char *list;
    ls__augment_targets targets;
  } cases[] = {{"[{time_shift: 2}, flip]", LS__TARGET_ASKED},
               {"[{time_shift: {steps: 2, targets: move}}, {flip: {vertical: true}}]",
                LS__TARGET_MOVES},
               {"[{time_shift: {steps: 2, targets: stay}}, {time_mask: 2}]", LS__TARGET_STAYS},
               {"[{noise: 0.1}]", LS__TARGET_STAYS}};
  const ls__image one = {6, 1, 1};
  for (size_t k = 0; k < 4; k++) {
    ls__augment *augment = make(cases[k].list, &one), *alone = make("[{time_shift: 2}]", &one);
    assert_int_equal(ls__augment_targets_of(augment), cases[k].targets);
    size_t moved = 0;
    for (uint64_t s = 0; s < 20; s++) {
      float x[6] = {1, 2, 3, 4, 5, 6}, y[6] = {1, 2, 3, 4, 5, 6}, z[6] = {1, 2, 3, 4, 5, 6};
      float spare[6];
      ls__augmented what = {one, x, spare, true, true, s, 0, true};
      ls__augment_run(augment, &what);
      what.pixels = y;
      ls__augment_run(alone, &what);
      assert_memory_equal(x, k < 2 ? y : z, sizeof x);
      moved += memcmp(x, z, sizeof x) != 0;
    }
    assert_true(k < 2 ? moved > 10 : moved == 0);
    ls__augment_destroy(augment);
    ls__augment_destroy(alone);
  }
}

/* The same numbers give the same bits; another seed, epoch, sample or place others. */
static void keys(void **state) {
  (void)state;
  static const char list[] = "[{rotation: 0.1}, {noise: 0.1}]";
  static const struct {
    uint64_t seed, epoch, sample;
    const char *list;
    bool same;
  } cases[] = {{1, 2, 3, list, true},
               {2, 2, 3, list, false},
               {1, 3, 3, list, false},
               {1, 2, 4, list, false},
               {1, 2, 3, "[{zoom: [0, 0]}, {rotation: 0.1}, {noise: 0.1}]", false}};
  float first[PIXELS];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float x[PIXELS];
    ls__augment *augment = make(cases[i].list, &image);
    ls__augment_start(augment, cases[i].seed, cases[i].epoch);
    memcpy(x, picture, sizeof x);
    run(augment, x, &image, cases[i].sample);
    if (i == 0) memcpy(first, x, sizeof x);
    for (size_t k = 0; k < PIXELS; k++) assert_true(isfinite(x[k]));
    assert_int_equal(memcmp(first, x, sizeof x) == 0, cases[i].same);
    ls__augment_destroy(augment);
  }
}

/* What belongs to an image is moved as it is, and keeps its values. */
static void followers(void **state) {
  (void)state;
  ls__augment *augment = make("[{brightness: 0.5}, flip, {random_crop: {padding: 2}}, {cutout: 3}, "
                              "{rotation: 0.1}, {noise: 0.2}]",
                              &image),
              *alone = make("[{zoom: [0, 0]}, flip, {random_crop: {padding: 2}}, {zoom: [0, 0]}, "
                            "{rotation: {factor: 0.1, interpolation: nearest}}]",
                            &image);
  assert_true(ls__augment_moves(augment));
  for (uint64_t s = 0; s < 20; s++) {
    float mask[PIXELS], same[PIXELS], spare[PIXELS];
    memcpy(mask, picture, sizeof mask);
    memcpy(same, picture, sizeof same);
    ls__augmented what = {image, mask, spare, true, true, s, 0, false};
    ls__augment_run(augment, &what);
    what.pixels = same;
    ls__augment_run(alone, &what);
    assert_memory_equal(mask, same, sizeof mask);
    for (size_t i = 0; i < PIXELS; i++) assert_true(mask[i] == floorf(mask[i])); /* classes */
  }
  ls__augment_destroy(augment);
  ls__augment_destroy(alone);
  ls__augment *still = make("[{brightness: 0.5}, {noise: 0.1}, {contrast: 0.1}, {cutout: 2}]",
                            &image);
  assert_false(ls__augment_moves(still));
  ls__augment_destroy(still);
}

/* The share of a mixture is of Beta(a, a), folded to 0.5 .. 1: (share - 1/2)^2 has the mean 1 / (4 (2a
 * + 1)), and (share - 1/2)^4 3 / (16 (2a + 1) (2a + 3)).  Partners are as likely all. */
static void mixtures(void **state) {
  (void)state;
  static const double alphas[] = {0.05, 0.2, 1, 2};
  enum { SAMPLES = 20000, OTHERS = 10 };
  for (size_t k = 0; k < 4; k++) {
    char list[40];
    double second = 0, fourth = 0;
    size_t count[OTHERS] = {0};
    snprintf(list, sizeof list, "[{mixup: %g}]", alphas[k]);
    ls__augment *augment = make(list, &image);
    assert_true(ls__augment_mixes(augment) && !ls__augment_transforms(augment));
    for (uint64_t s = 0; s < SAMPLES; s++) {
      const double share = (double)ls__augment_share(augment, s), d = share - 0.5;
      assert_true(share >= 0.5 && share <= 1);
      second += d * d, fourth += d * d * d * d;
      const size_t partner = ls__augment_partner(augment, s, OTHERS);
      assert_in_range(partner, 0, OTHERS - 1);
      count[partner]++;
    }
    const double a = 2 * alphas[k];
    assert_true(fabs(second / SAMPLES - 1 / (4 * (a + 1))) < 0.003);
    assert_true(fabs(fourth / SAMPLES - 3 / (16 * (a + 1) * (a + 3))) < 0.001);
    for (size_t i = 0; i < OTHERS; i++) assert_in_range(count[i], 1780, 2220);
    float x[PIXELS];
    memcpy(x, picture, sizeof x);
    run(augment, x, &image, 0); /* of a sample alone, nothing */
    assert_memory_equal(x, picture, sizeof x);
    ls__augment_destroy(augment);
  }
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *list, *says;
  } cases[] = {
      {"{flip: {}}", "a list of transforms"},
      {"[{filp: {}}]", "did you mean \"flip\""},
      {"[{flip: {horizontal: false}}]", "flips nothing"},
      {"[{random_crop: {}}]", "padding"},
      {"[{random_crop: {padding: 4, fill_mode: wrap}}]", "fill_mode"},
      {"[{rotation: {}}]", "factor"},
      {"[{rotation: 2}]", "factor"},
      {"[{rotation: [0.2, 0.1]}]", "is above"},
      {"[{rotation: [0.1]}]", "two numbers"},
      {"[{rotation: [0.1, many]}]", "must be a number"},
      {"[{rotation: -0.1}]", "factor"},
      {"[{zoom: [-1, 0]}]", "from -0.99"},
      {"[{brightness: .nan}]", "factor"},
      {"[{cutout: 0}]", "size"},
      {"[{cutout: {size: 8, sise: 8}}]", "did you mean"},
      {"[{noise: 0.1, flip: {}}]", "exactly one"},
      {"[{RandomErasing: 8}]", "did you mean \"cutout\""},
      {"[{mixup: 0.2}, flip]", "it comes last"},
      {"[{mixup: 0}]", "alpha"},
      {"[{shift: {}}]", "shifts nothing"},
      {"[{time_shift: 0}]", "steps"},
      {"[{time_mask: {}}]", "width"},
      {"[{time_mask: {width: 2, count: 33}}]", "count"},
      {"[{time_mask: {width: 2, share: 1.5}}]", "share"},
      {"[{time_mask: {width: 2, value: middle}}]", "or mean"},
      {"[{frequency_mask: {width: 2, share: 1}}]", "share"},
      {"[{brightness: {factor: 0.1, value_range: [5, 5]}}]", "is empty"},
      {"[{brightness: {factor: 0.1, value_range: 5}}]", "two numbers"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls_config *config = NULL;
    ls__augment *augment = NULL;
    assert_int_equal(read_list(cases[i].list, &config, &augment), LS_ECONFIG);
    if (strstr(ls_error_message(), cases[i].says) == NULL ||
        strstr(ls_error_message(), "augment") == NULL)
      fail_msg("%s: %s", cases[i].list, ls_error_message());
    ls_config_destroy(config);
  }
  static const char *const large[] = {"[{time_mask: 100}]", "[{frequency_mask: 100}]"};
  for (size_t i = 0; i < 2; i++) {
    ls_config *config = NULL;
    ls__augment *augment = NULL;
    assert_int_equal(read_list(large[i], &config, &augment), LS_OK);
    assert_int_equal(ls__augment_fit(augment, &image, &bytes), LS_ECONFIG);
    ls__augment_destroy(augment);
    ls_config_destroy(config);
  }
  static const char *const ranged[] = {"brightness", "contrast", "noise"};
  for (size_t i = 0; i < 3; i++) {
    char list[100];
    ls_config *config = NULL;
    ls__augment *augment = NULL;
    snprintf(list, sizeof list, "[flip, {%s: 0.1}]", ranged[i]);
    assert_int_equal(read_list(list, &config, &augment), LS_OK);
    assert_int_equal(ls__augment_fit(augment, &image, &unknown), LS_ECONFIG);
    assert_non_null(strstr(ls_error_message(), "augment.1: "));
    assert_non_null(strstr(ls_error_message(), "value_range"));
    ls__augment_destroy(augment);
    ls_config_destroy(config);
  }
  assert_int_equal(ls__alloc_alive(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(against_numpy), cmocka_unit_test(quarter),
                                     cmocka_unit_test(crops),         cmocka_unit_test(flips),
                                     cmocka_unit_test(intervals),     cmocka_unit_test(noise),
                                     cmocka_unit_test(cutouts),       cmocka_unit_test(keys),
                                     cmocka_unit_test(followers),     cmocka_unit_test(mixtures),
                                     cmocka_unit_test(refusals),      cmocka_unit_test(time_shifts),
                                     cmocka_unit_test(masks),         cmocka_unit_test(targets)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Recordings of speech or other sounds, WAV or FLAC, as features (features.h) with labels.
 *
 * Recordings differ in length: x [all frames, width] with x_offsets (jagged.h), or with --length
 * x [N, frames, width], padded with silence, and `length` [N].  Labels are classes, y [N], or
 * sequences, y with y_offsets, padded with 0 where x is padded, and `y_length`.  What is ragged says
 * so by an attribute `offsets`, which data reads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/number.h"
#include "convert/audio_labels.h"
#include "convert/csv_group.h"
#include "convert/features.h"
#include "convert/formats.h"
#include "convert/jagged.h"
#include "convert/parts.h"
#include "convert/recipe.h"
#include "convert/resample.h"
#include "convert/share.h"

/* ---- Options ---- */

typedef struct audio_options {
  int feature, mel, label;
  size_t rate, bands, coefficients;
  bool resample, unlabelled, cut;
  const char *window, *hop, *length;
  double low, high, floor;
  const char *label_pattern, *labels, *group, *validation_pattern, *test_pattern;
} audio_options;

static const ls__option table[] = {
    {"features", LS__OPTION_CHOICE, offsetof(audio_options, feature), "log_mel", 0, 0,
     ls__feature_names, NULL,
     "logarithms of mel energies, the cepstrum of these (MFCC), or the samples themselves"},
    LS__SIZE(audio_options, rate, "0", 0, 1e6,
             "samples a second that all recordings have, or get by --resample; 0: the first one's"),
    LS__SWITCH(audio_options, resample, "false",
               "recordings of another rate are resampled, by a windowed sinc; else they are "
               "refused"),
    LS__FORMAT_TEXT(audio_options, window, "window", "MS", "25",
                    "length of a frame in ms; also 25ms, 0.025s"),
    LS__FORMAT_TEXT(audio_options, hop, "hop", "MS", "10", "from one frame to the next"),
    LS__SIZE(audio_options, bands, "40", 1, 4096, "mel bands"),
    LS__SIZE(audio_options, coefficients, "13", 1, 4096, "of mfcc, the first one included"),
    LS__CHOICE(audio_options, mel, "htk", ls__mel_names,
               "the scale of the bands; slaney is librosa's default, htk torchaudio's"),
    LS__NUMBER(audio_options, low, "0", 0, 1e6, "Hz where the lowest band begins"),
    LS__NUMBER(audio_options, high, "0", 0, 1e6,
               "Hz where the highest band ends; 0: half the samples a second"),
    LS__NUMBER(audio_options, floor, "1e-10", 1e-30, 1e30,
               "the energy whose logarithm is taken where there is less"),
    LS__FORMAT_TEXT(audio_options, label_pattern, "label-pattern", "PATTERN", "",
                    "where in a file's name its label is, as {label}_{speaker}_{index}.wav; "
                    "without "
                    "it and --labels the label is the name of the folder that the file lies in"),
    LS__FORMAT_TEXT(audio_options, labels, "labels", "FILE", "",
                    "a table (CSV) with columns file and label, and maybe split (train, "
                    "validation, "
                    "test); the file is below the source; a.wav+b.wav are heard one after the "
                    "other"),
    {"label", LS__OPTION_CHOICE, offsetof(audio_options, label), "class", 0, 0,
     ls__audio_label_names, NULL,
     "what a label is: one class; or words, or characters: a sequence of classes from 1 on, for "
     "ctc"},
    LS__SWITCH(audio_options, unlabelled, "false", "there are no labels"),
    LS__FORMAT_TEXT(audio_options, group, "group", "FIELD", "",
                    "a field of --label-pattern, or a column of --labels, that says which "
                    "recordings "
                    "belong together (a speaker): becomes the dataset group, and --validation and "
                    "--test take whole groups"),
    LS__FORMAT_TEXT(audio_options, validation_pattern, "validation-pattern", "PATTERN", "",
                    "names of the files of the validation part, as a shell has them"),
    LS__FORMAT_TEXT(audio_options, test_pattern, "test-pattern", "PATTERN", "",
                    "the same of the test part, such as *_[0-4].wav"),
    LS__FORMAT_TEXT(audio_options, length, "length", "FRAMES", "",
                    "pad all recordings to so many frames, or to those of the longest one; without "
                    "it they keep their lengths, one behind the other (ragged)"),
    LS__SWITCH(audio_options, cut, "false",
               "with --length: longer recordings lose their end; else they are refused"),
    LS__END,
};

/* "25", "25ms", "0.025s" in samples. */
static ls_status read_time(const char *option, const char *text, size_t rate, size_t *samples) {
  char number[32];
  double x = 0, scale = 1e-3;
  size_t n = strlen(text);
  if (n > 2 && strcmp(text + n - 2, "ms") == 0) {
    n -= 2;
  } else if (n > 1 && text[n - 1] == 's') {
    n -= 1;
    scale = 1;
  }
  while (n > 0 && text[n - 1] == ' ') n--;
  snprintf(number, sizeof number, "%.*s", (int)(n < sizeof number ? n : sizeof number), text);
  if (!ls__number_parse(number, &x) || !(x > 0 && x * scale <= 10))
    return ls__fail(LS_EUSAGE,
                    "convert: %s \"%s\" is not allowed, it must be a time in milliseconds, such as "
                    "25 or 25ms, of at most 10 s",
                    option, text);
  *samples = (size_t)floor(x * scale * (double)rate + 0.5);
  return LS_OK;
}

/* ---- Conversion ---- */

typedef struct audio {
  const ls_convert_options *options;
  const audio_options *own;
  ls__progress *progress;
  ls__recordings found;
  ls__audio_info *info;             /* [found.path.n] */
  size_t rate, channels, resampled; /* files of several channels, of another rate */
  ls__features features;
  size_t *frames; /* [found.n] */
  ls__audio_labels labels;
  ls__csv_group group;
  ls__csv_notes notes;
  size_t *order[LS__PARTS], rows[LS__PARTS]; /* recordings of the parts */
  size_t length;                             /* of all; 0: ragged */
  size_t shortest, longest;
  ls__h5 *file;
  ls__parts parts;
  ls__jagged x, y;
  double *sound, *mono; /* a recording; a file at its own rate */
  size_t sound_room, mono_room;
  float *out; /* its frames */
  size_t out_room;
  const char *index[3];
} audio;

static void audio_reset(audio *a) {
  ls__recordings_reset(&a->found);
  ls__free(a->info);
  ls__features_reset(&a->features);
  ls__free(a->frames);
  ls__audio_labels_reset(&a->labels);
  ls__csv_group_reset(&a->group);
  ls__csv_notes_reset(&a->notes);
  for (int p = 0; p < LS__PARTS; p++) ls__free(a->order[p]);
  ls__h5_close(a->file);
  ls__parts_reset(&a->parts);
  ls__jagged_reset(&a->x);
  ls__jagged_reset(&a->y);
  ls__free(a->sound);
  ls__free(a->mono);
  ls__free(a->out);
}

/* What the files' headers say, and whether they go together. */
static ls_status look(audio *a) {
  ls_status st = LS_OK;
  struct stat about;
  const size_t n = a->found.path.n;
  LS_TRY(ls__alloc(&a->info, n, sizeof *a->info, "recordings"));
  a->rate = a->own->rate;
  for (size_t i = 0; i < n; i++) {
    const char *path = a->found.path.list[i];
    LS_TRY(ls__format_add_source(a->options, path, 0, a->progress)); /* it is not the output */
    LS_TRY(ls__audio_look(path, &a->info[i]));
    if (a->rate == 0) a->rate = a->info[i].rate;
    if (a->info[i].rate != a->rate && !a->own->resample) {
      if (a->own->rate > 0)
        LS_FAIL(LS_EDATA,
                "%s: %zu samples a second, where --rate says %zu; --resample changes that", path,
                a->info[i].rate, a->rate);
      LS_FAIL(LS_EDATA, "%s: %zu samples a second, where %s has %zu; --resample makes them alike",
              path, a->info[i].rate, a->found.path.list[0], a->rate);
    }
    a->resampled += a->info[i].rate != a->rate;
    a->channels += a->info[i].channels > 1;
    if (a->progress->on && stat(path, &about) == 0)
      ls__progress_expect(a->progress, (uint64_t)about.st_size);
  }
out:
  return st;
}

static ls_status make_features(audio *a) {
  ls_status st = LS_OK;
  const audio_options *own = a->own;
  ls__features_how how = {
      .feature = (ls__feature)own->feature,
      .rate = a->rate,
      .bands = own->bands,
      .coefficients = own->coefficients,
      .mel = (ls__mel)own->mel,
      .low = own->low,
      .high = own->high > 0 ? own->high : 0.5 * (double)a->rate,
      .floor = own->floor,
  };
  LS_TRY(read_time("window", own->window, a->rate, &how.window));
  LS_TRY(read_time("hop", own->hop, a->rate, &how.hop));
  LS_TRY(ls__features_init(&a->features, &how));
out:
  return st;
}

/* Frames of each recording, and how long all become. */
static ls_status measure(audio *a) {
  ls_status st = LS_OK;
  const char *length = a->own->length;
  const bool longest = length != NULL && strcmp(length, "longest") == 0;
  double x = 0;
  if (length != NULL && !longest &&
      (!ls__number_parse(length, &x) || !(x >= 1 && x <= 1e9) || x > floor(x)))
    LS_FAIL(LS_EUSAGE,
            "convert: length \"%s\" is not allowed, it must be a number of frames, or "
            "longest",
            length);
  if (a->own->cut && (length == NULL || longest))
    LS_FAIL(LS_EUSAGE, "convert audio: --cut wants --length FRAMES, which it cuts to");
  LS_TRY(ls__alloc(&a->frames, a->found.n, sizeof *a->frames, "recordings"));
  for (size_t i = 0; i < a->found.n; i++) {
    const ls__recording *item = &a->found.item[i];
    size_t samples = 0;
    for (size_t k = item->first; k < item->first + item->n; k++)
      samples += ls__resample_count(a->info[k].samples, a->info[k].rate, a->rate);
    const size_t frames = ls__features_frames(&a->features, samples);
    if (samples > LS__AUDIO_SAMPLES)
      LS_FAIL(LS_EDATA, "%s: %zu samples; a recording can have %d", item->name, samples,
              LS__AUDIO_SAMPLES);
    if (length != NULL && !longest && (double)frames > x && !a->own->cut)
      LS_FAIL(LS_EDATA,
              "%s: has %zu frames, more than --length %zu; --length longest takes all of "
              "all recordings, --cut leaves out what is behind",
              item->name, frames, (size_t)x);
    a->frames[i] = frames;
    if (i == 0 || frames < a->shortest) a->shortest = frames;
    if (frames > a->longest) a->longest = frames;
  }
  if (length != NULL) a->length = longest ? a->longest : (size_t)x;
out:
  return st;
}

/* ---- Parts ---- */

static ls_status draw_groups(audio *a, const ls__share *share) {
  ls_status st = LS_OK;
  if (a->own->group == NULL) return LS_OK;
  for (size_t i = 0; i < a->found.n; i++)
    LS_TRY(ls__csv_group_add(&a->group, a->found.item[i].group, a->found.item[i].told));
  LS_TRY(ls__csv_group_draw(&a->group, a->own->group, share, &a->notes));
out:
  return st;
}

/* Where a class has given the k-th of its n recordings, it has given this share of them: the
 * smaller comes first, so that no stretch of a part holds one class alone. */
typedef struct turn {
  uint64_t k, n;
  int32_t class;
  size_t item;
} turn;

static int by_turn(const void *x, const void *y) {
  const turn *a = x, *b = y;
  const uint64_t p = (2 * a->k + 1) * b->n, q = (2 * b->k + 1) * a->n;
  if (p != q) return p < q ? -1 : 1;
  return a->class < b->class ? -1 : a->class > b->class;
}

static ls_status take_turns(audio *a, int p) {
  ls_status st = LS_OK;
  const size_t n = a->rows[p];
  turn *turns = NULL;
  uint64_t *count = NULL;
  LS_TRY(ls__alloc(&turns, n, sizeof *turns, "recordings"));
  LS_TRY(ls__alloc(&count, a->labels.n_names, sizeof *count, "recordings"));
  for (size_t i = 0; i < n; i++) {
    const size_t item = a->order[p][i];
    const int32_t class = a->labels.number[item];
    turns[i] = (turn){count[class]++, 0, class, item};
  }
  for (size_t i = 0; i < n; i++) turns[i].n = count[turns[i].class];
  qsort(turns, n, sizeof *turns, by_turn);
  for (size_t i = 0; i < n; i++) a->order[p][i] = turns[i].item;
out:
  ls__free(turns);
  ls__free(count);
  return st;
}

/* A class of a part that was said, not drawn, must be one of the training's. */
static ls_status check_classes(const audio *a) {
  ls_status st = LS_OK;
  bool *seen = NULL;
  if (a->own->unlabelled || a->labels.kind != LS__AUDIO_CLASS) return LS_OK;
  LS_TRY(ls__alloc(&seen, a->labels.n_names, sizeof *seen, "recordings"));
  for (size_t i = 0; i < a->rows[LS_TRAIN]; i++)
    seen[a->labels.number[a->order[LS_TRAIN][i]]] = true;
  for (size_t i = 0; i < a->found.n; i++)
    if (a->found.item[i].told && !seen[a->labels.number[i]])
      LS_FAIL(LS_EDATA, "%s: is of class %s in the %s part, and the training part has none of it",
              a->found.item[i].name, a->found.item[i].label,
              ls__split_name(a->found.item[i].split));
out:
  ls__free(seen);
  return st;
}

static ls_status make_parts(audio *a) {
  ls_status st = LS_OK;
  const ls__share share = ls__share_create(a->options);
  const double asked[LS__PARTS] = {0, a->options->validation, a->options->test};
  uint64_t row = 0;
  for (int p = 0; p < LS__PARTS; p++)
    LS_TRY(ls__alloc(&a->order[p], a->found.n, sizeof *a->order[p], "recordings"));
  for (size_t i = 0; i < a->found.n; i++) {
    ls__recording *item = &a->found.item[i];
    if (item->split == LS_TRAIN) item->told = false; /* shares are taken of these */
    if (item->told && asked[item->split] > 0)
      LS_FAIL(LS_EUSAGE,
              "convert: %s is said to be of the %s part, and there is a share of %g for "
              "the same part",
              item->name, ls__split_name(item->split), asked[item->split]);
  }
  LS_TRY(draw_groups(a, &share));
  for (size_t i = 0; i < a->found.n; i++) {
    ls__recording *item = &a->found.item[i];
    if (!item->told && a->own->group != NULL) {
      bool known = ls__csv_group_find(&a->group, item->group, &item->split);
      LS_ASSERT(known);
    } else if (!item->told) {
      item->split = ls__share_of(&share, row++);
    }
    a->order[item->split][a->rows[item->split]++] = i;
  }
  if (a->rows[LS_TRAIN] == 0)
    LS_FAIL(LS_EUSAGE, "convert audio: none of %zu recordings is left for the training part",
            a->found.n);
  LS_TRY(ls__share_check(a->rows, a->options));
  LS_TRY(check_classes(a));
  for (int p = 0; p < LS__PARTS; p++)
    if (!a->own->unlabelled && a->labels.kind == LS__AUDIO_CLASS && a->own->labels == NULL)
      LS_TRY(take_turns(a, p));
out:
  return st;
}

/* ---- Writing ---- */

static ls_status begin(audio *a) {
  ls_status st = LS_OK;
  const ls_shape one = {0, {0}}, x_row = {2, {a->length, a->features.width}},
                 frame = {1, {a->features.width}}, y_row = {1, {a->labels.longest}};
  const bool padded = a->length > 0, y = !a->own->unlabelled,
             sequence = y && a->labels.kind != LS__AUDIO_CLASS;
  size_t n = 0, x_rows[LS__PARTS] = {0}, y_rows[LS__PARTS] = {0};
  for (int p = 0; p < LS__PARTS; p++)
    for (size_t i = 0; i < a->rows[p]; i++) {
      const size_t item = a->order[p][i];
      x_rows[p] += a->frames[item];
      if (sequence) y_rows[p] += a->labels.first[item + 1] - a->labels.first[item];
    }
  LS_TRY(ls__h5_create(a->options->output, &a->file));
  LS_TRY(ls__parts_init(&a->parts, a->file, a->rows, LS__F32, padded ? &x_row : NULL, LS__I32,
                        !y          ? NULL
                        : !sequence ? &one
                        : padded    ? &y_row
                                    : NULL,
                        a->options->gzip));
  if (padded) a->index[n++] = "length";
  if (padded && sequence) a->index[n++] = "y_length";
  if (a->own->group != NULL) a->index[n++] = "group";
  if (n > 0) LS_TRY(ls__parts_indices(&a->parts, a->index, n, a->options->gzip));
  if (padded) goto out;
  LS_TRY(ls__jagged_init(&a->x, a->file, "x", LS__F32, &frame, a->rows, x_rows, a->options->gzip));
  if (sequence)
    LS_TRY(ls__jagged_init(&a->y, a->file, "y", LS__I32, &one, a->rows, y_rows, a->options->gzip));
out:
  return st;
}

/* The samples of a recording: a->sound [*n]. */
static ls_status hear(audio *a, const ls__recording *item, size_t *n) {
  ls_status st = LS_OK;
  struct stat about;
  *n = 0;
  for (size_t k = item->first; k < item->first + item->n; k++) {
    const char *path = a->found.path.list[k];
    const ls__audio_info *info = &a->info[k];
    const size_t more = ls__resample_count(info->samples, info->rate, a->rate);
    LS_TRY(ls__grow(&a->sound, &a->sound_room, *n + more, sizeof *a->sound, path));
    if (info->rate == a->rate) {
      LS_TRY(ls__audio_read(path, info, a->sound + *n));
    } else {
      LS_TRY(ls__grow(&a->mono, &a->mono_room, info->samples, sizeof *a->mono, path));
      LS_TRY(ls__audio_read(path, info, a->mono));
      LS_TRY(ls__resample(a->mono, info->samples, info->rate, a->rate, a->sound + *n));
    }
    *n += more;
    ls__progress_advance(a->progress, stat(path, &about) == 0 ? (uint64_t)about.st_size : 0);
  }
out:
  return st;
}

/* What else there is of a recording: labels, lengths, its group. */
static ls_status take_numbers(audio *a, ls_split split, size_t item, size_t frames) {
  ls_status st = LS_OK;
  size_t n = 0;
  if (!a->own->unlabelled) {
    const size_t first = a->labels.first[item], count = a->labels.first[item + 1] - first;
    const int32_t *number = a->labels.number + first;
    int32_t *y = a->length > 0 || a->labels.kind == LS__AUDIO_CLASS ? ls__parts_y(&a->parts, split)
                                                                    : NULL;
    if (a->length > 0) *ls__parts_index(&a->parts, split, n++) = (int32_t)frames;
    if (y == NULL) {
      LS_TRY(ls__jagged_push(&a->y, split, number, count));
    } else {
      memset(y, 0, a->labels.longest * sizeof *y);
      memcpy(y, number, count * sizeof *y);
    }
    if (y != NULL && a->labels.kind != LS__AUDIO_CLASS)
      *ls__parts_index(&a->parts, split, n++) = (int32_t)count;
  } else if (a->length > 0) {
    *ls__parts_index(&a->parts, split, n++) = (int32_t)frames;
  }
  if (a->own->group == NULL) goto out;
  ls_split unused;
  bool known = ls__csv_group_find(&a->group, a->found.item[item].group, &unused);
  LS_ASSERT(known);
  *ls__parts_index(&a->parts, split, n) = a->group.row;
out:
  return st;
}

static ls_status take(audio *a, ls_split split, size_t item) {
  ls_status st = LS_OK;
  const size_t width = a->features.width;
  size_t frames = a->frames[item], samples = 0;
  LS_TRY(hear(a, &a->found.item[item], &samples));
  LS_ASSERT(ls__features_frames(&a->features, samples) == frames);
  LS_TRY(ls__grow(&a->out, &a->out_room, frames * width, sizeof *a->out, "frames"));
  ls__features_run(&a->features, a->sound, samples, a->out);
  if (a->length == 0) {
    LS_TRY(ls__jagged_push(&a->x, split, a->out, frames));
  } else {
    float *x = ls__parts_x(&a->parts, split);
    if (frames > a->length) frames = a->length;
    memcpy(x, a->out, frames * width * sizeof *x);
    if (frames < a->length) ls__features_silence(&a->features, x + frames * width);
    for (size_t t = frames + 1; t < a->length; t++)
      memcpy(x + t * width, x + frames * width, width * sizeof *x);
  }
  LS_TRY(take_numbers(a, split, item, frames));
  LS_TRY(ls__parts_push(&a->parts, split));
out:
  return st;
}

/* How x was made, for whoever makes more of it. */
static ls_status describe(audio *a) {
  ls_status st = LS_OK;
  const ls__features_how *how = &a->features.how;
  char text[400], low[LS__NUMBER_TEXT], high[LS__NUMBER_TEXT], least[LS__NUMBER_TEXT];
  char recipe[sizeof text + 16];
  const char *const list[] = {text}, *const recipes[] = {recipe};
  static const char *const x_offsets[] = {"x_offsets"}, *const y_offsets[] = {"y_offsets"};
  int n = snprintf(text, sizeof text, "%s of %zu samples a second", ls__feature_names[how->feature],
                   how->rate);
  ls__number_format(how->low, low);
  ls__number_format(how->high, high);
  ls__number_format(how->floor, least);
  if (how->feature != LS__SAMPLES)
    n += snprintf(text + n, sizeof text - (size_t)n,
                  ": window %zu, hop %zu, transform %zu, %zu bands (%s, %s to %s Hz), floor %s",
                  how->window, how->hop, a->features.fourier.n, how->bands, ls__mel_names[how->mel],
                  low, high, least);
  if (how->feature == LS__MFCC)
    snprintf(text + n, sizeof text - (size_t)n, ", %zu coefficients", how->coefficients);
  snprintf(recipe, sizeof recipe, "%s%s", LS__RECIPE_SOUND, text);
  LS_TRY(ls__parts_strings(&a->parts, "x", "features", list, 1));
  LS_TRY(ls__parts_strings(&a->parts, "x", "recipe", recipes, 1));
  if (a->length == 0) LS_TRY(ls__parts_strings(&a->parts, "x", "offsets", x_offsets, 1));
  if (a->y.file != NULL) LS_TRY(ls__parts_strings(&a->parts, "y", "offsets", y_offsets, 1));
  if (!a->own->unlabelled)
    LS_TRY(ls__parts_classes(&a->parts, "y", a->labels.name, a->labels.n_names));
  if (a->own->group == NULL) goto out;
  const char **names = NULL;
  LS_TRY(ls__alloc(&names, a->group.values.n, sizeof *names, "groups"));
  for (size_t i = 0; i < a->group.values.n; i++) names[i] = a->group.values.list[i].name;
  st = ls__parts_strings(&a->parts, "group", "classes", names, a->group.values.n);
  ls__free(names);
out:
  return st;
}

/* What was done, and what a configuration says of it. */
static void tell(audio *a) {
  const char *const frames = a->own->feature == LS__SAMPLES ? "samples" : "frames";
  ls__csv_tell(&a->notes, a->options->progress);
  if (!a->options->progress) return;
  if (a->found.others > 0)
    fprintf(stderr, "convert: %zu file%s left out, not named as WAV or FLAC files are\n",
            a->found.others, a->found.others == 1 ? "" : "s");
  if (a->channels > 0)
    fprintf(stderr, "convert: %zu file%s several channels: their mean was taken\n", a->channels,
            a->channels == 1 ? " has" : "s have");
  if (a->resampled > 0)
    fprintf(stderr, "convert: %zu file%s resampled to %zu samples a second\n", a->resampled,
            a->resampled == 1 ? "" : "s", a->rate);
  fprintf(stderr,
          "convert: %zu training, %zu validation, %zu test samples of %zu to %zu %s of %zu (%s)\n",
          a->rows[LS_TRAIN], a->rows[LS_VALIDATION], a->rows[LS_TEST], a->shortest, a->longest,
          frames, a->features.width, ls__feature_names[a->own->feature]);
  if (a->options->no_hints) return;
  fprintf(stderr, "convert: a configuration says: ");
  const bool target = !a->own->unlabelled, sequence = target && a->labels.kind != LS__AUDIO_CLASS;
  if (a->length > 0)
    fprintf(stderr, "inputs: {sound: x, %s: length}%s, lengths: {sound: length%s}\n", frames,
            sequence ? ", targets: {text: y}"
            : target ? ", targets: y"
                     : "",
            sequence ? ", text: y_length" : "");
  else
    fprintf(stderr, "inputs: {sound: x, %s: {lengths_of: sound}}%s\n", frames,
            target ? ", targets: y" : "");
}

static ls_status convert(audio *a) {
  ls_status st = LS_OK;
  const audio_options *own = a->own;
  const ls__recordings_how how = {
      .labels = own->labels,
      .label_pattern = own->label_pattern,
      .unlabelled = own->unlabelled,
      .group = own->group,
      .validation_pattern = own->validation_pattern,
      .test_pattern = own->test_pattern,
  };
  LS_TRY(ls__recordings_find(&a->found, a->options, &how));
  LS_TRY(look(a));
  LS_TRY(make_features(a));
  LS_TRY(measure(a));
  if (!own->unlabelled)
    LS_TRY(ls__audio_labels_make(&a->labels, &a->found, (ls__audio_label)own->label));
  LS_TRY(make_parts(a));
  LS_TRY(begin(a));
  for (int p = 0; p < LS__PARTS; p++)
    for (size_t i = 0; i < a->rows[p]; i++) LS_TRY(take(a, (ls_split)p, a->order[p][i]));
  LS_TRY(ls__parts_finish(&a->parts));
  if (a->length == 0) LS_TRY(ls__jagged_finish(&a->x));
  if (a->y.file != NULL) LS_TRY(ls__jagged_finish(&a->y));
  LS_TRY(describe(a));
  ls__h5 *file = a->file;
  a->file = NULL;
  LS_TRY(ls__h5_commit(file));
  ls__progress_end(a->progress);
  tell(a);
out:
  return st;
}

static ls_status run(const ls_convert_options *options, const void *context,
                     ls__progress *progress) {
  audio a = {.options = options, .own = context, .progress = progress};
  const ls_status st = convert(&a);
  audio_reset(&a);
  return st;
}

const ls__format ls__format_audio = {
    .kind = {"audio", "recordings, WAV or FLAC: mel energies or cepstra of frames, with labels",
             table},
    .sources = "DIR|FILE...",
    .passes = 0,
    .own_bytes = sizeof(audio_options),
    .run = run,
};

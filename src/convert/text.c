/* Text as tokens: files, one behind the other, through a vocabulary (text/vocabulary.h) into one row of
 * numbers, /PART/tokens [n], with the vocabulary as their attribute.
 *
 * Nothing is drawn: the beginning trains, the end is the test.  A vocabulary that is learned knows the
 * training part alone. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "convert/formats.h"
#include "convert/input.h"
#include "convert/share.h"
#include "convert/text.h"
#include "h5/h5.h"
#include "text/vocabulary.h"

typedef struct text_options {
  int vocabulary; /* ls__vocabulary_kind */
  size_t size;
  const char *from; /* NULL: it is learned */
} text_options;

static const ls__option table[] = {
    {"vocabulary", LS__OPTION_CHOICE, offsetof(text_options, vocabulary), "characters", 0, 0,
     ls__vocabulary_kinds, NULL,
     "what a token is: a byte of any file; a character of UTF-8, one of those in the training "
     "part; or "
     "one of the sequences of bytes that are frequent in the training part, found by byte pairs"},
    {"vocabulary-size", LS__OPTION_SIZE, offsetof(text_options, size), "1024", LS__VOCABULARY_LEAST,
     LS__VOCABULARY_MOST, NULL, NULL, "tokens of byte_pairs, the 256 bytes among them"},
    LS__FORMAT_TEXT(text_options, from, "vocabulary-from", "FILE", "",
                    "the vocabulary of another text that was converted, or of a checkpoint, so "
                    "that a "
                    "network reads this text as the one that it was trained on"),
    LS__END,
};

/* The text of all files: file f is [start[f], start[f + 1]). */
typedef struct texts {
  const ls_convert_options *options;
  char *text;
  size_t n, room;
  size_t *start;             /* [n_sources + 1] */
  size_t cut[LS__PARTS + 1]; /* part p is [cut[p], cut[p + 1]) */
  ls__vocabulary *vocabulary;
  bool learned; /* of the training part */
  char *json;
  size_t tokens[LS__PARTS];
  uint64_t *count; /* [vocabulary] of the training part */
} texts;

static void reset(texts *t) {
  ls__vocabulary_destroy(t->vocabulary);
  ls__free(t->json);
  ls__free(t->text);
  ls__free(t->start);
  ls__free(t->count);
}

static bool given(const ls_convert_options *options, const char *name) {
  const size_t n = strlen(name);
  for (int i = 0; i < options->n_options; i++)
    if (strncmp(options->options[i], name, n) == 0 && options->options[i][n] == '=') return true;
  return false;
}

static ls_status check_options(const ls_convert_options *options, const text_options *own) {
  if (own->from != NULL && (given(options, "vocabulary") || given(options, "vocabulary-size")))
    return ls__fail(LS_EUSAGE, "convert text: --vocabulary-from says what a token is, --vocabulary "
                               "and "
                               "--vocabulary-size can't");
  if (options->seed != 0)
    return ls__fail(LS_EUSAGE, "convert text: --seed: nothing is drawn, the parts follow each "
                               "other in the text");
  if (given(options, "vocabulary-size") && own->vocabulary != LS__BYTE_PAIRS)
    return ls__fail(LS_EUSAGE, "convert text: --vocabulary-size is for --vocabulary byte_pairs");
  return LS_OK;
}

/* ---- Reading ---- */

/* A file behind the others; all but the last end with a new line. */
static ls_status read_file(texts *t, int f, ls__progress *progress) {
  ls_status st = LS_OK;
  ls__input *source = NULL;
  const char *path = t->options->sources[f];
  enum { PIECE = 1 << 20 };
  t->start[f] = t->n;
  LS_TRY(ls__input_open(path, progress, &source));
  for (size_t got = PIECE; got == PIECE;) {
    if (t->room - t->n < PIECE + 1) {
      const size_t room = t->room < (SIZE_MAX / 4) ? t->room / 2 * 3 + 2 * PIECE : 0;
      char *more = room == 0 ? NULL : ls__realloc(t->text, room, 1);
      if (more == NULL) {
        st = ls__no_memory("the text, which has to fit into memory", t->room + PIECE, 1);
        goto out;
      }
      t->text = more;
      t->room = room;
    }
    LS_TRY(ls__input_read(source, t->text + t->n, PIECE, &got));
    t->n += got;
  }
  if (t->n == t->start[f]) LS_FAIL(LS_EDATA, "%s: is empty", path);
  if (f + 1 < t->options->n_sources && t->text[t->n - 1] != '\n') t->text[t->n++] = '\n';
out:
  ls__input_close(source);
  return st;
}

/* Where a share of the text ends, between two letters. */
static size_t cut_at(const texts *t, double share) {
  size_t at = (size_t)((double)t->n * share);
  if (at > t->n) at = t->n;
  for (int i = 0; i < 3 && at < t->n && ((unsigned char)t->text[at] & 0xC0) == 0x80; i++) at++;
  return at;
}

static ls_status read_all(texts *t, ls__progress *progress) {
  ls_status st = LS_OK;
  const ls_convert_options *options = t->options;
  size_t bytes[LS__PARTS];
  LS_TRY(ls__alloc(&t->start, (size_t)options->n_sources + 1, sizeof *t->start, "texts"));
  for (int f = 0; f < options->n_sources; f++) LS_TRY(read_file(t, f, progress));
  t->start[options->n_sources] = t->n;
  t->cut[LS_VALIDATION] = cut_at(t, 1.0 - options->validation - options->test);
  t->cut[LS_TEST] = options->test > 0 ? cut_at(t, 1.0 - options->test) : t->n;
  t->cut[LS__PARTS] = t->n;
  if (options->validation <= 0) t->cut[LS_VALIDATION] = t->cut[LS_TEST];
  for (int p = 0; p < LS__PARTS; p++) bytes[p] = t->cut[p + 1] - t->cut[p];
  LS_TRY(ls__share_check(bytes, options));
out:
  return st;
}

/* ---- The vocabulary ---- */

/* Of the datasets that convert made, or of a checkpoint. */
static ls_status read_vocabulary(texts *t, const char *path) {
  static const char *const places[] = {"/", "/train/tokens", "/validation/tokens", "/test/tokens"};
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  LS_TRY(ls__h5_open(path, &file));
  for (size_t i = 0; i < sizeof places / sizeof *places && t->json == NULL; i++) {
    bool there = false;
    LS_TRY(ls__h5_has_attribute(file, places[i], "vocabulary", &there));
    if (there) LS_TRY(ls__h5_get_string(file, places[i], "vocabulary", &t->json));
  }
  if (t->json == NULL)
    LS_FAIL(LS_EDATA,
            "%s: has no vocabulary: neither was it made by convert text, nor is it the checkpoint "
            "of a "
            "network that was trained on text",
            path);
  LS_TRY(ls__vocabulary_read(&t->vocabulary, t->json, path));
  ls__free(t->json); /* which another program may have written in another way */
  t->json = NULL;
out:
  ls__h5_close(file);
  return st;
}

static ls_status choose_vocabulary(texts *t, const text_options *own) {
  ls_status st = LS_OK;
  const ls__vocabulary_kind kind = (ls__vocabulary_kind)own->vocabulary;
  if (own->from != NULL) {
    LS_TRY(read_vocabulary(t, own->from));
  } else {
    for (int f = 0; f < t->options->n_sources; f++) {
      st = ls__vocabulary_check(kind, t->options->sources[f], t->text + t->start[f],
                                t->start[f + 1] - t->start[f]);
      if (st == LS_EDATA)
        st = ls__fail(st, "%s; --vocabulary bytes takes any file", ls_error_message());
      if (st != LS_OK) goto out;
    }
    t->learned = true;
    LS_TRY(ls__vocabulary_learn(&t->vocabulary, kind, own->size, t->options->sources[0], t->text,
                                t->cut[1]));
  }
  LS_TRY(ls__vocabulary_write(t->vocabulary, &t->json));
  LS_TRY(ls__alloc(&t->count, ls__vocabulary_size(t->vocabulary), sizeof *t->count, "tokens"));
out:
  return st;
}

/* ---- Tokens ---- */

/* What is done with the tokens of a part, some at a time. */
typedef struct sink {
  ls__h5 *file; /* NULL: they are counted */
  const char *name;
  ls__dtype type;
  size_t done;
  uint8_t *bytes;
} sink;

enum { AT_ONCE = 1 << 20 };

static ls_status take(texts *t, int part, sink *to, const int32_t *tokens, size_t n) {
  ls_status st = LS_OK;
  if (to->file == NULL) {
    for (size_t i = 0; i < n && part == LS_TRAIN; i++) t->count[tokens[i]]++;
  } else if (to->type == LS__U8) {
    for (size_t i = 0; i < n; i++) to->bytes[i] = (uint8_t)tokens[i];
    LS_TRY(ls__h5_write_rows(to->file, to->name, to->done, n, LS__U8, to->bytes));
  } else {
    LS_TRY(ls__h5_write_rows(to->file, to->name, to->done, n, LS__I32, tokens));
  }
  to->done += n;
out:
  return st;
}

/* The tokens of a part, file by file. */
static ls_status encode(texts *t, int part, sink *to) {
  ls_status st = LS_OK;
  int32_t *tokens = NULL;
  LS_TRY(ls__alloc(&tokens, AT_ONCE, sizeof *tokens, "tokens"));
  for (int f = 0; f < t->options->n_sources; f++) {
    const size_t start = t->start[f];
    size_t at = start > t->cut[part] ? start : t->cut[part], n,
           end = t->start[f + 1] < t->cut[part + 1] ? t->start[f + 1] : t->cut[part + 1];
    while (at < end) {
      size_t from = at - start;
      st = ls__vocabulary_encode_some(t->vocabulary, t->options->sources[f], t->text + start,
                                      end - start, &from, tokens, AT_ONCE, &n);
      if (st == LS_EDATA && t->learned)
        st = ls__fail(st, "%s; --vocabulary bytes and byte_pairs know all", ls_error_message());
      LS_THEN(st, take(t, part, to, tokens, n));
      if (st != LS_OK) goto out;
      at = start + from;
    }
  }
out:
  ls__free(tokens);
  return st;
}

static ls_status write_part(texts *t, ls__h5 *file, int part) {
  ls_status st = LS_OK;
  char name[32];
  const ls_shape one = {0, {0}};
  const bool small = ls__vocabulary_size(t->vocabulary) <= 256;
  sink to = {.file = file, .name = name, .type = small ? LS__U8 : LS__I32};
  if (t->tokens[part] == 0) return LS_OK;
  snprintf(name, sizeof name, "/%s/tokens", ls__split_name((ls_split)part));
  const size_t chunk = (size_t)AT_ONCE / ls__dtype_size(to.type);
  LS_TRY(ls__alloc(&to.bytes, AT_ONCE, 1, "tokens"));
  LS_TRY(ls__h5_dataset(file, name, to.type, t->tokens[part], &one,
                        chunk < t->tokens[part] ? chunk : t->tokens[part], t->options->gzip));
  LS_TRY(encode(t, part, &to));
  LS_TRY(ls__h5_set_string(file, name, "vocabulary", t->json));
out:
  ls__free(to.bytes);
  return st;
}

static void tell(const texts *t, const text_options *own) {
  char what[LS__VOCABULARY_TEXT];
  const size_t size = ls__vocabulary_size(t->vocabulary);
  double guess = 0;
  for (size_t i = 0; i < size; i++) {
    const double share = (double)t->count[i] / (double)t->tokens[LS_TRAIN];
    if (t->count[i] > 0) guess -= share * log(share);
  }
  const ls__vocabulary_kind kind = ls__vocabulary_kind_of(t->vocabulary);
  ls__vocabulary_describe(t->vocabulary, what);
  fprintf(stderr, "convert: a vocabulary of %s", what);
  if (own->from != NULL) {
    fputs(", that of ", stderr);
    ls__text_put(stderr, own->from);
  } else if (kind != LS__BYTES) {
    fputs(", of the training part", stderr);
  }
  if (own->from == NULL && kind == LS__BYTE_PAIRS && size < own->size)
    fputs("; no pair comes twice any more", stderr);
  fprintf(stderr,
          "\nconvert: %zu training, %zu validation, %zu test tokens, in this order in the text",
          t->tokens[LS_TRAIN], t->tokens[LS_VALIDATION], t->tokens[LS_TEST]);
  if (kind == LS__BYTE_PAIRS)
    fprintf(stderr, "; %.2f bytes a token",
            (double)(t->cut[1] - t->cut[0]) / (double)t->tokens[LS_TRAIN]);
  fprintf(stderr,
          "\nconvert: a guess by how often each token comes has a cross entropy of %.3f, %.2f bits "
          "a token\n",
          guess, guess / log(2.0));
}

static void hint(const texts *t) {
  fputs("convert: a configuration reads windows of it, and learns each next token: data: {file: ",
        stderr);
  ls__text_put(stderr, t->options->output);
  fprintf(stderr,
          ", inputs: tokens, targets: next, time: {window: 128, stride: 128}}; as in embedding: "
          "{input_dim: %zu, output_dim: 64}\n",
          ls__vocabulary_size(t->vocabulary));
}

/* Count the tokens, then write them. */
static ls_status write_all(texts *t) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  for (int p = 0; p < LS__PARTS; p++) {
    sink count = {.file = NULL};
    LS_TRY(encode(t, p, &count));
    t->tokens[p] = count.done;
  }
  LS_TRY(ls__h5_create(t->options->output, &file));
  LS_TRY(ls__h5_set_string(file, "/", "format", "lockstep dataset"));
  for (int p = 0; p < LS__PARTS; p++) LS_TRY(write_part(t, file, p));
  ls__h5 *whole = file;
  file = NULL;
  LS_TRY(ls__h5_commit(whole));
out:
  ls__h5_close(file);
  return st;
}

static ls_status run(const ls_convert_options *options, const void *context,
                     ls__progress *progress) {
  ls_status st = LS_OK;
  const text_options *own = context;
  texts t = {.options = options};
  LS_TRY(check_options(options, own));
  LS_TRY(read_all(&t, progress));
  LS_TRY(choose_vocabulary(&t, own));
  LS_TRY(write_all(&t));
  ls__progress_end(progress);
  if (options->progress) tell(&t, own);
  if (options->progress && !options->no_hints) hint(&t);
out:
  reset(&t);
  return st;
}

ls_status ls__text_read(const char *path, const char *vocabulary, const char *origin,
                        const char *output) {
  ls_status st = LS_OK;
  const ls_convert_options options = {.sources = &path,
                                      .n_sources = 1,
                                      .output = output,
                                      .test = 1};
  ls__progress silent = {0};
  texts t = {.options = &options};
  LS_TRY(ls__vocabulary_read(&t.vocabulary, vocabulary, origin));
  LS_TRY(read_all(&t, &silent));
  LS_TRY(ls__vocabulary_write(t.vocabulary, &t.json));
  LS_TRY(write_all(&t));
out:
  reset(&t);
  return st;
}

const ls__format ls__format_text = {
    .kind = {"text", "text files, as tokens for networks that predict the next one", table},
    .sources = "FILE...",
    .passes = 1,
    .own_bytes = sizeof(text_options),
    .run = run,
};

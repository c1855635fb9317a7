/* Text, or tokens as numbers, from a checkpoint (lockstep/generate.h). */
#include <errno.h>
#include <inttypes.h>
#include <lockstep/checkpoint.h>
#include <lockstep/generate.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/new_file.h"
#include "base/stop.h"
#include "model/model.h"
#include "model/sample.h"
#include "text/vocabulary.h"

typedef struct generation {
  const ls_generate_options *options;
  ls_model *model;
  ls_generator *generator;
  ls__vocabulary *vocabulary; /* NULL: tokens are no text */
  bool numbers;               /* are written */
  int32_t *prompt; /* [n] with the token that it begins behind, where it has none of its own */
  size_t n;
  bool hidden; /* the prompt is that token */
  ls__new_file *file;
  bool terminal; /* reads it, and must not be told what to do */
  bool stopped;  /* nobody reads any more */
  double seconds;
  uint64_t tokens;
} generation;

/* ---- What is written */

static ls_status put(generation *g, const char *bytes, size_t n) {
  if (g->file != NULL) return ls__new_file_write(g->file, bytes, n);
  if (g->options->out == NULL) return LS_OK;
  if (fwrite(bytes, 1, n, g->options->out) < n || fflush(g->options->out) != 0) g->stopped = true;
  return LS_OK;
}

/* One token, the i-th that is written of a sequence.  What is no part of the vocabulary is U+FFFD. */
static ls_status put_token(generation *g, size_t i, int32_t token) {
  char text[32];
  size_t bytes = 0;
  if (g->numbers) {
    const int n = snprintf(text, sizeof text, "%s%" PRId32, i > 0 ? "," : "", token);
    return put(g, text, (size_t)n);
  }
  const char *is = ls__vocabulary_token(g->vocabulary, token, &bytes);
  char shown[LS__TOKEN_BYTES];
  if (is == NULL || bytes > sizeof shown) return put(g, "\xEF\xBF\xBD", 3);
  for (size_t k = 0; k < bytes; k++)
    shown[k] = g->terminal && ((unsigned char)is[k] < 32 || is[k] == 127) && is[k] != '\n' &&
                       is[k] != '\t'
                   ? '?'
                   : is[k];
  return put(g, shown, bytes);
}

/* ---- What it goes on from */

/* All bytes of a file, and a zero behind. */
static ls_status read_text(const char *path, char **text, size_t *n) {
  enum { PIECE = 65536, MOST = 1 << 30 };
  ls_status st = LS_OK;
  size_t capacity = 0, got = 1;
  *n = 0;
  FILE *file = fopen(path, "rb");
  if (file == NULL) LS_FAIL(LS_EIO, "%s: can't be opened: %s", path, strerror(errno));
  while (got > 0) {
    LS_TRY(ls__grow(text, &capacity, *n + PIECE + 1, 1, "the prompt"));
    got = fread(*text + *n, 1, PIECE, file);
    *n += got;
    if (*n > MOST) LS_FAIL(LS_EDATA, "%s: is longer than 1 GB", path);
  }
  if (ferror(file)) LS_FAIL(LS_EIO, "%s: can't be read: %s", path, strerror(errno));
  (*text)[*n] = '\0';
out:
  if (file != NULL) (void)fclose(file);
  return st;
}

static ls_status encode(generation *g, const char *where, const char *text, size_t bytes) {
  if (bytes == 0) return LS_OK;
  if (g->vocabulary == NULL)
    return ls__fail(LS_EUSAGE,
                    "%s: the checkpoint has no vocabulary, the network was trained on numbers: "
                    "--tokens 1,2,3 gives some",
                    where);
  return ls__vocabulary_encode(g->vocabulary, where, text, bytes, &g->prompt, &g->n);
}

/* A newline's token, or 0. */
static int32_t first_token(const generation *g) {
  const int32_t n = g->vocabulary != NULL ? (int32_t)ls__vocabulary_size(g->vocabulary) : 0;
  for (int32_t token = 0; token < n; token++) {
    size_t bytes = 0;
    const char *text = ls__vocabulary_token(g->vocabulary, token, &bytes);
    if (bytes == 1 && text[0] == '\n') return token;
  }
  return 0;
}

static ls_status read_vocabulary(generation *g, const char *checkpoint) {
  ls_status st = LS_OK;
  if (g->model->vocabulary.n == 1) {
    LS_TRY(ls__vocabulary_read(&g->vocabulary, g->model->vocabulary.name[0], checkpoint));
    const size_t size = ls__vocabulary_size(g->vocabulary),
                 tells = ls_generator_tokens(g->generator);
    if (size > tells)
      LS_FAIL(LS_ECHECKPOINT, "%s: its vocabulary has %zu tokens, of which the network tells %zu",
              checkpoint, size, tells);
  }
  g->numbers = g->vocabulary == NULL || g->options->tokens != NULL;
out:
  return st;
}

static ls_status read_prompt(generation *g) {
  ls_status st = LS_OK;
  const ls_generate_options *o = g->options;
  char *text = NULL;
  size_t bytes = 0;
  if ((o->prompt != NULL) + (o->prompt_file != NULL) + (o->tokens != NULL) > 1)
    LS_FAIL(LS_EUSAGE, "a prompt, a file of one and tokens exclude each other");
  if (o->prompt_file != NULL) {
    LS_TRY(read_text(o->prompt_file, &text, &bytes));
    LS_TRY(encode(g, o->prompt_file, text, bytes));
  } else if (o->prompt != NULL) {
    LS_TRY(encode(g, "the prompt", o->prompt, strlen(o->prompt)));
  } else if (o->n_tokens > 0) {
    LS_TRY(ls__alloc(&g->prompt, o->n_tokens, sizeof *g->prompt, "the prompt"));
    memcpy(g->prompt, o->tokens, o->n_tokens * sizeof *g->prompt);
    g->n = o->n_tokens;
  }
  if (g->n == 0) {
    ls__free(g->prompt);
    LS_TRY(ls__alloc(&g->prompt, 1, sizeof *g->prompt, "the prompt"));
    g->prompt[0] = g->numbers ? 0 : first_token(g);
    g->n = 1;
    g->hidden = true;
  }
out:
  ls__free(text);
  return st;
}

/* ---- Sequences */

static ls_status write_sequence(generation *g, size_t k) {
  ls_status st = LS_OK;
  const ls_generate_options *o = g->options;
  ls_sampling how = o->sampling;
  int32_t token = 0;
  size_t written = 0;
  how.sample += k;
  ls_generator_reset(g->generator);
  LS_TRY(ls_generator_feed(g->generator, g->n, g->prompt));
  for (size_t i = 0; !g->hidden && i < g->n; i++) LS_TRY(put_token(g, written++, g->prompt[i]));
  LS_TRY(ls_generator_logits(g->generator, &(const float *){NULL}));
  const double start = ls__clock();
  for (size_t i = 0; i < o->length && !g->stopped && !ls__stop_asked(); i++) {
    LS_TRY(ls_generator_sample(g->generator, &how, &token));
    LS_TRY(put_token(g, written++, token));
    LS_TRY(ls_generator_feed(g->generator, 1, &token));
    g->tokens++;
  }
  g->seconds += ls__clock() - start;
  LS_TRY(put(g, "\n", 1));
out:
  return st;
}

static void report(const generation *g) {
  const char *uncached = ls_generator_uncached(g->generator);
  FILE *to = g->options->report;
  if (to == NULL || g->stopped) return;
  fprintf(to, "%" PRIu64 " tokens in %.3g s, %.3g a second", g->tokens, g->seconds,
          g->seconds > 0 ? (double)g->tokens / g->seconds : 0);
  if (uncached != NULL) fprintf(to, ", without a cache, for %s", uncached);
  fprintf(to, "\n");
}

ls_status ls_generate(const char *checkpoint, const ls_generate_options *options) {
  ls_status st = LS_OK;
  generation g = {.options = options};
  const size_t samples = options->samples > 0 ? options->samples : 1;
  if (options->length == 0)
    LS_FAIL(LS_EUSAGE, "a length of 0 is not allowed, it must be 1 or more");
  LS_TRY(ls__sampling_check(&options->sampling));
  LS_TRY(ls_model_load(checkpoint, &g.model));
  st = ls_generator_create(g.model, !options->no_cache, &g.generator);
  if (st != LS_OK) LS_TRY(ls__fail_context(st, "%s", checkpoint));
  LS_TRY(read_vocabulary(&g, checkpoint));
  LS_TRY(read_prompt(&g));
  g.terminal = options->output == NULL && options->out != NULL && isatty(fileno(options->out));
  if (options->output != NULL) LS_TRY(ls__new_file_create(options->output, false, &g.file));
  for (size_t k = 0; k < samples && !g.stopped && !ls__stop_asked(); k++) {
    if (k > 0 && !g.numbers) LS_TRY(put(&g, "----------\n", 11));
    LS_TRY(write_sequence(&g, k));
  }
  if (ls__stop_asked()) {
    report(&g);
    LS_FAIL(LS_ESTOPPED, "stopped on request after %" PRIu64 " tokens%s", g.tokens,
            g.file != NULL ? ": nothing is written" : "");
  }
  if (g.file != NULL) {
    ls__new_file *file = g.file;
    g.file = NULL;
    LS_TRY(ls__new_file_keep(file));
  }
  report(&g);
out:
  ls__new_file_abandon(g.file);
  ls_generator_destroy(g.generator);
  ls_model_destroy(g.model);
  ls__vocabulary_destroy(g.vocabulary);
  ls__free(g.prompt);
  return st;
}

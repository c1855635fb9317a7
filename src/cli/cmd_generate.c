/* generate: text from a network that tells the next token. */
#include <errno.h>
#include <lockstep/generate.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static ls_generate_options how = {.length = 200, .sampling = {.temperature = 1, .seed = 1}};
static unsigned long long seed = 1, top_k = 0;
static int32_t *tokens; /* the program's to its end */

static ls_status work(void *context) {
  return ls_generate(context, &how);
}

static ls_status run(cli *c) {
  ls_status st = cli_no_checkpoint(c, c->argv[0]);
  how.sampling.seed = seed;
  how.sampling.top_k = (size_t)top_k;
  how.out = stdout;
  how.report = stderr;
  how.tokens = tokens;
  return st != LS_OK ? st : on_root(c, work, c->argv[0]);
}

/* "1,2,3" */
static bool read_tokens(const char *text, void *to) {
  (void)to;
  free(tokens);
  how.n_tokens = 0;
  tokens = calloc(strlen(text) / 2 + 1, sizeof *tokens);
  while (tokens != NULL) {
    char *end = NULL;
    errno = 0;
    const long token = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1;
    if (token < 0 || token > INT32_MAX || errno != 0) return false;
    tokens[how.n_tokens++] = (int32_t)token;
    if (*end == '\0') return true;
    if (*end != ',') return false;
    text = end + 1;
  }
  return false;
}

static bool read_number(const char *text, double most, double *to) {
  char *end = NULL;
  *to = (*text >= '0' && *text <= '9') || *text == '.' ? strtod(text, &end) : -1;
  return end != NULL && end != text && *end == '\0' && *to >= 0 && *to <= most;
}

static bool read_temperature(const char *text, void *to) {
  return read_number(text, 1e30, to);
}

static bool read_share(const char *text, void *to) {
  return read_number(text, 1, to);
}

static const cli_argument arguments[] = {
    {"CHECKPOINT", "a checkpoint or run directory", false, CLI_FILES, NULL, NULL},
    CLI_ARGUMENTS_END,
};
static const cli_option options[] = {
    CLI_TEXT(0, "prompt", "TEXT", &how.prompt, "text to go on from (default: a new line)"),
    CLI_FILE(0, "prompt-file", "FILE", &how.prompt_file, "the text is in this file"),
    CLI_READ(0, "tokens", "LIST", &tokens, read_tokens, "a list of tokens, such as 1,2,3,",
             "tokens to go on from, by their numbers, as they are written then, too: of a network "
             "whose tokens are no text"),
    CLI_COUNT(0, "length", "N", &how.length, "tokens to generate (default 200)"),
    CLI_READ(0, "temperature", "T", &how.sampling.temperature, read_temperature,
             "a number from 0 on",
             "below 1 the probable is preferred, above 1 the improbable comes more often; 0: "
             "always "
             "the most probable token (default 1)"),
    CLI_WHOLE(0, "top-k", "K", &top_k, 1000000000,
              "of the K most probable tokens alone (default 0: of all)"),
    CLI_READ(0, "top-p", "P", &how.sampling.top_p, read_share, "a number from 0 to 1",
             "of the fewest tokens whose probabilities are P together (default: all)"),
    CLI_WHOLE(0, "seed", "N", &seed, INT64_MAX, "the same number, the same text (default 1)"),
    CLI_COUNT(0, "samples", "N", &how.samples,
              "so many texts, independent of each other (default 1)"),
    CLI_FLAG(0, "no-cache", &how.no_cache,
             "look at all tokens again for each: the same text, slower, to compare"),
    CLI_FILE('o', "output", "FILE", &how.output,
             "write there, not to standard output; the file appears whole or not at all"),
    CLI_END,
};

const command cmd_generate = {
    .name = "generate",
    .summary = "let a trained network go on with a text",
    .synopsis = "lockstep generate CHECKPOINT [--prompt TEXT] [options]",
    .prose = "The network must tell the next token: its input is a number of tokens, T, its output "
             "what comes behind each of them, and no position looks at a later one.  Writes the "
             "prompt and what follows, as it comes; how fast it was goes to standard error.\n"
             "\n"
             "CHECKPOINT is a file or a run directory (its final checkpoint, else the best, else "
             "the newest).  Behind T tokens the last T are looked at.  Under mpirun one process "
             "does it.",
    .arguments = arguments,
    .options = options,
    .computes = true,
    .run = run,
};

/** @file
 * Sequences from a network that tells the next token: text, or anything that is numbered.
 *
 * Such a network has one input [T] of tokens, which are indices, and one output [T, V]: behind each
 * position what the next token is, as logits of V tokens (or, where the network ends with a softmax,
 * as probabilities, whose logarithms are taken for logits here).  No position may look at a later
 * one. */
#ifndef LOCKSTEP_GENERATE_H
#define LOCKSTEP_GENERATE_H

#include <lockstep/model.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network with the tokens that it has been fed so far. */
typedef struct ls_generator ls_generator;

/** Make one, without tokens.
 *
 * Local; needs no MPI.  With a cache a token costs one position of the network: what its layers know
 * of those before (keys and values of attention, the state of an lstm) is kept.  Without, it costs
 * all T.  The logits are the same, bit for bit, on processors with fused multiply-add.
 *
 * @param model      borrowed; its weights may not change between two feeds without a reset
 * @param cache      whether one is wanted; some layers have none (ls_generator_uncached)
 * @param generator  owned by the caller; not for several threads at once
 * @return           LS_EUSAGE: it is no such network, and why; LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_generator_create(ls_model *model, bool cache,
                                                   ls_generator **generator);

/** Free it.  Local; does nothing for NULL. */
LS_PUBLIC void ls_generator_destroy(ls_generator *generator);

/** Tokens are 0 to one below this, V.  Local. */
LS_PUBLIC size_t ls_generator_tokens(const ls_generator *generator);

/** The most tokens that the next one depends on, T; behind more, the last T are looked at as if they
 * were all, and each costs all of T even with a cache.  0: it depends on all of them, however many
 * (recurrent layers).  Local. */
LS_PUBLIC size_t ls_generator_window(const ls_generator *generator);

/** Why there is no cache, such as "reshape_1: it can't be run position by position"; NULL: there is
 * one, or none was wanted.  Local; borrowed. */
LS_PUBLIC const char *ls_generator_uncached(const ls_generator *generator);

/** Append n tokens.
 *
 * Local.  @param tokens  [n]
 * @return LS_EDATA: one is no token; then none has been appended */
LS_PUBLIC LS_CHECKED ls_status ls_generator_feed(ls_generator *generator, size_t n,
                                                 const int32_t *tokens);

/** Logits of the token behind those that it has been fed.
 *
 * Local.  @param logits  gets [V], borrowed until the next call with this generator
 * @return LS_EUSAGE: there are no tokens yet; LS_ENONFINITE; LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_generator_logits(ls_generator *generator, const float **logits);

/** How a token is drawn; zeros are greedy. */
typedef struct ls_sampling {
  double temperature; /**< logits are divided by it; 0: the most probable token, always */
  size_t top_k;       /**< of so many of the most probable tokens; 0: of all */
  double top_p;       /**< then of the fewest whose probabilities are this together; 0, 1: of all */
  uint64_t seed;      /**< of the random numbers */
  uint64_t sample;    /**< with one seed, sequences that are drawn independently of each other */
} ls_sampling;

/** Draw the token behind those that it has been fed; it is not fed.
 *
 * Local.  What is drawn depends on the logits, on `how` and on the number of tokens alone: it is the
 * same on any machine.
 * @return as ls_generator_logits; LS_EUSAGE: a temperature below 0, or that is no number, a top_p
 *         that is not from 0 to 1 */
LS_PUBLIC LS_CHECKED ls_status ls_generator_sample(ls_generator *generator, const ls_sampling *how,
                                                   int32_t *token);

/** Forget all tokens.  Local. */
LS_PUBLIC void ls_generator_reset(ls_generator *generator);

/** What ls_generate does; zeros and NULL are the usual, but length must be given. */
typedef struct ls_generate_options {
  const char *prompt;      /**< text to go on from */
  const char *prompt_file; /**< or a file that holds it */
  const int32_t *tokens;   /**< [n_tokens] or tokens; they are written as numbers then, too */
  size_t n_tokens;
  size_t length;        /**< tokens to generate */
  size_t samples;       /**< sequences, independent of each other; 0: one */
  ls_sampling sampling; /**< sample: that of the first sequence, the next has the next */
  bool no_cache;
  const char *output; /**< a file, which appears whole or not at all; NULL: */
  FILE *out;          /**< written to as tokens come; once it can't be written, all ends (ferror) */
  FILE *report;       /**< gets a line, how fast it was, and whether without a cache; NULL: none */
} ls_generate_options;

/** Generate text, or tokens, from a checkpoint: the prompt, and what follows it.
 *
 * Local; needs no MPI.  Where nothing is given to go on from, it begins behind a newline, or, where
 * tokens are numbers or there is no newline among them, behind token 0, which is not written.
 *
 * @param checkpoint  a file or a run directory, as for ls_model_load
 * @return LS_EUSAGE (no network that tells the next token, length 0, ...), LS_EDATA (a character or
 *         token of the prompt that the network doesn't know), as ls_model_load, LS_EIO; LS_ESTOPPED
 *         after ls_stop */
LS_PUBLIC LS_CHECKED ls_status ls_generate(const char *checkpoint,
                                           const ls_generate_options *options);

#ifdef __cplusplus
}
#endif

#endif

/* Failures: a status to return, and one message a thread, written where the fault is seen.
 *
 *   ls_status st = LS_OK;
 *   LS_TRY(first());
 *   if (n == 0) LS_FAIL(LS_EDATA, "%s: no samples", path);
 *  out:
 *   free(...);
 *   return st;
 */
#ifndef LS_BASE_ERROR_H
#define LS_BASE_ERROR_H

#include <lockstep/status.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__GNUC__)
#define LS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define LS_NORETURN __attribute__((noreturn))
#define LS_UNUSED __attribute__((unused))
#else
#define LS_PRINTF(f, a)
#define LS_NORETURN
#define LS_UNUSED
#endif

/* Set this thread's message and return the status: `return ls__fail(LS_EDATA, "%s: ...", path)`. */
ls_status ls__fail(ls_status status, const char *format, ...) LS_PRINTF(2, 3);

/* Put "what: " in front of this thread's message; returns the status unchanged. */
ls_status ls__fail_context(ls_status status, const char *format, ...) LS_PRINTF(2, 3);

/* The static analyzer reads one file at a time: tell it that these return the status they get. */
#ifdef __clang_analyzer__
#define ls__fail(status, ...) (ls__fail(status, __VA_ARGS__), (status))
#define ls__fail_context(status, ...) (ls__fail_context(status, __VA_ARGS__), (status))
#endif

/* Set the message to this text, as agreed between ranks. */
void ls__error_set(const char *text);

/* Bytes of a message, the closing zero included. */
enum { LS__ERROR_BYTES = 1024 };

/* Both need `ls_status st` and a label `out:` in the function. */
#define LS_TRY(call)           \
  do {                         \
    st = (call);               \
    if (st != LS_OK) goto out; \
  } while (0)
#define LS_FAIL(status, ...)               \
  do {                                     \
    (void)ls__fail((status), __VA_ARGS__); \
    st = (status);                         \
    goto out;                              \
  } while (0)

/* The next of a chain of calls, of which none is made after a failure: for what is done on one rank
 * before all agree.
 *
 *   ls_status local = ls__alloc(&a, ...);
 *   LS_THEN(local, ls__alloc(&b, ...));
 *   LS_TRY(ls_comm_agree(comm, local)); */
#define LS_THEN(status, call)                 \
  do {                                        \
    if ((status) == LS_OK) (status) = (call); \
  } while (0)

/* Our own bug: says where, and aborts.  Never for bad input or a bad environment. */
void ls__assert_failed(const char *what, const char *file, int line) LS_NORETURN;
bool ls__assert_has_failed(void); /* async-signal-safe */
#define LS_ASSERT(what) ((what) ? (void)0 : ls__assert_failed(#what, __FILE__, __LINE__))

#endif

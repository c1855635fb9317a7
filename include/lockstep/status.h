/** @file
 * Statuses: what every fallible function returns, its text, and its exit code. */
#ifndef LOCKSTEP_STATUS_H
#define LOCKSTEP_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LS_CHECKED __attribute__((warn_unused_result))
#define LS_PUBLIC __attribute__((visibility("default")))
#define LS_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define LS_CHECKED
#define LS_PUBLIC
#define LS_FORMAT(text, first)
#endif

/** Every status: name, exit code of a program that ends with it, text.
 *
 * Ordered from harmless to bad: where the ranks of a collective call fail differently, all return
 * the worst, the last one here. */
#define LS_STATUS_MAP(X)                                                 \
  X(OK, 0, "done")                                                       \
  X(ESTOPPED, 75, "stopped on request after a checkpoint, run me again") \
  X(ENONFINITE, 4, "the loss is not finite")                             \
  X(EUSAGE, 2, "wrong usage")                                            \
  X(ECONFIG, 2, "wrong configuration")                                   \
  X(EDATA, 3, "a data file is bad")                                      \
  X(EVERSION, 3, "a checkpoint file is of a newer version")              \
  X(ECHECKPOINT, 3, "a checkpoint file is bad")                          \
  X(EIO, 1, "input or output failed")                                    \
  X(ENOMEM, 1, "out of memory")                                          \
  X(ECHECK, 1, "a check failed")                                         \
  X(EMPI, 1, "the MPI library failed")                                   \
  X(ELOST, 5, "a rank was lost or stalled")

typedef enum ls_status {
#define X(name, code, text) LS_##name,
  LS_STATUS_MAP(X)
#undef X
} ls_status;

/** The text of a status, such as "out of memory".  Local; static storage. */
LS_PUBLIC const char *ls_status_text(ls_status status);

/** The exit code that a program ending with this status returns.  Local. */
LS_PUBLIC int ls_status_exit_code(ls_status status);

/** The message of this thread's last failure: one line, "what: where: why".
 *
 * Local.  Valid until the next failure on this thread; empty when nothing has failed.  After a
 * collective call has failed, every rank holds the message of the rank whose status won. */
LS_PUBLIC const char *ls_error_message(void);

/** Leave a message for this thread, and return the status: for callbacks that fail, as in
 * `return ls_fail(LS_EDATA, "sample %zu: no such file", i);`.  Local. */
LS_PUBLIC ls_status ls_fail(ls_status status, const char *format, ...) LS_FORMAT(2, 3);

#ifdef __cplusplus
}
#endif

#endif

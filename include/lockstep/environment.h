/** @file
 * The variables LOCKSTEP_... of the environment. */
#ifndef LOCKSTEP_ENVIRONMENT_H
#define LOCKSTEP_ENVIRONMENT_H

#include <lockstep/status.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Refuse a variable that has a value which it can't have, and a stack that is too small.
 *
 * Local.  The library reads LOCKSTEP_SIMD, LOCKSTEP_BF16 and, for tests, LOCKSTEP_TEST_NODES, the
 * program also LOCKSTEP_ALONE and LOCKSTEP_WATCHDOG.  A value that none of them knows is taken by
 * the library as if the variable were not set; a program that would rather say so asks here first.
 * An empty value is none.
 *
 * @param notes  where a line goes for each variable whose name is nearly one of these, such as
 *               LOCKSTEP_SIMDS; NULL: nowhere
 * @return       LS_EUSAGE, and the message names the variable and what it may be; LS_ENOMEM: the
 *               stack is limited to less than 256 KB, and the limit can't be raised */
LS_PUBLIC LS_CHECKED ls_status ls_environment_check(FILE *notes);

#ifdef __cplusplus
}
#endif

#endif

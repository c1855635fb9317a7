/* A request to stop, such as a signal makes. */
#ifndef LS_BASE_STOP_H
#define LS_BASE_STOP_H

#include "base/error.h"

void ls__stop_ask(void); /* async-signal-safe */
bool ls__stop_asked(void);
void ls__stop_forget(void); /* it was done */

/* A run is being prepared, from one to the other: passes over its data, which may take minutes,
 * look at ls__stop_check between their pieces.  It is LS_OK at all other times. */
void ls__stop_prepare(bool begins);
LS_CHECKED ls_status ls__stop_check(void); /* LS_ESTOPPED */

#endif

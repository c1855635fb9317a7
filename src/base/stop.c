/* A request to stop (stop.h). */
#include "base/stop.h"

#include <signal.h>
#include <stdatomic.h>

static volatile sig_atomic_t asked;
static atomic_bool preparing; /* a thread that reads ahead may look */

void ls__stop_ask(void) {
  asked = 1;
}

bool ls__stop_asked(void) {
  return asked != 0;
}

void ls__stop_forget(void) {
  asked = 0;
}

void ls__stop_prepare(bool begins) {
  atomic_store(&preparing, begins);
}

ls_status ls__stop_check(void) {
  if (asked == 0 || !atomic_load(&preparing)) return LS_OK;
  return ls__fail(LS_ESTOPPED, "stopped on request before the first step: there is nothing to save "
                               "yet");
}

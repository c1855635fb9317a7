/* How long the ranks wait for each other before the configuration is read. */
#include <lockstep/train.h>
#include <stdlib.h>

#include "cli.h"

/* Of a large job MPI may take minutes to start. */
static const double WATCHDOG = 600, START = 300;

ls_status cli_watchdog(int argc, char **argv, double *watchdog, double *start) {
  const char *text = getenv("LOCKSTEP_WATCHDOG");
  char *end = NULL;
  if (text != NULL && *text == '\0') text = NULL; /* empty is none, as of the other variables */
  const double said = text != NULL ? strtod(text, &end) : WATCHDOG;
  const bool right = text == NULL || (*end == '\0' && said >= 0.1 && said <= 1e9);
  *watchdog = ls_train_watchdog((const char *const *)argv + (argc > 0),
                                (size_t)(argc > 0 ? argc - 1 : 0), right ? said : WATCHDOG);
  *start = text != NULL && right ? said : *watchdog > START ? *watchdog : START;
  if (right) return LS_OK;
  return usage_says("LOCKSTEP_WATCHDOG=%s: seconds are wanted, from 0.1 to 1e9", text);
}

/* How many processes the launcher started, against how many MPI knows of: where they never found
 * each other, each would train alone, and all of them write the same files. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* A whole number of the environment, or -1. */
static long number(const char *name) {
  const char *text = getenv(name);
  char *end = NULL;
  if (text == NULL || *text == '\0') return -1;
  const long n = strtol(text, &end, 10);
  return *end == '\0' ? n : -1;
}

typedef struct launch {
  const char *by;
  long tasks, task; /* how many, and which is this; -1: unknown */
} launch;

/* mpirun's own word comes first: under SLURM it starts one helper a node by srun, and these tasks
 * are not its ranks.  In a batch script, outside of steps, SLURM_NTASKS is what was asked for. */
static launch find_launch(void) {
  launch found = {"mpirun", number("OMPI_COMM_WORLD_SIZE"), number("OMPI_COMM_WORLD_RANK")};
  if (found.tasks > 0) return found;
  if (number("SLURM_STEP_ID") >= 0) {
    found = (launch){"srun", number("SLURM_STEP_NUM_TASKS"), number("SLURM_PROCID")};
    if (found.tasks < 0) found.tasks = number("SLURM_NTASKS");
    return found;
  }
  return (launch){"the launcher", number("PMI_SIZE"), number("PMI_RANK")};
}

ls_status cli_check_tasks(cli *c, int ranks) {
  const char *alone = getenv("LOCKSTEP_ALONE");
  const launch found = find_launch();
  const long asked = number("SLURM_NTASKS");
  if (alone != NULL && strcmp(alone, "1") == 0) return LS_OK;
  if (found.tasks > ranks) {
    c->root = c->root && found.task <= 0; /* of all that are alone, one speaks */
    return usage_says("%s started %ld tasks, but MPI knows of %d: each would work alone, on the "
                      "same files; start them with srun --mpi=pmix, or with the mpirun of the MPI "
                      "that this program is built with (LOCKSTEP_ALONE=1: each is meant to be "
                      "alone)",
                      found.by, found.tasks, ranks);
  }
  if (found.tasks < 0 && asked > 1 && ranks == 1)
    fprintf(stderr,
            "lockstep: note: SLURM has %ld tasks for this job, and this is one process: mpirun or "
            "srun --mpi=pmix in front starts them all\n",
            asked);
  return LS_OK;
}

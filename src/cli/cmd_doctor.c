/* doctor: what this machine and its set-up will do to a run. */
#include <lockstep/train.h>

#include "cli.h"

static bool json;

static ls_status run(cli *c) {
  return ls_doctor(c->comm, json, stdout);
}

static const cli_option options[] = {
    CLI_FLAG(0, "json", &json, "one JSON object"),
    CLI_END,
};

const command cmd_doctor = {
    .name = "doctor",
    .summary = "show what this machine and its set-up will do to a run",
    .synopsis = "[mpirun -n N] lockstep doctor [--json]",
    .prose = "Shows hosts, cores and the ranks bound to them, instruction sets, the MPI, BLAS and "
             "HDF5 that are used, memory, and SLURM's settings.  Measures for about a second, all "
             "ranks at once: multiply-adds in registers, which no matrix product exceeds, "
             "lockstep's products and OpenBLAS's, and how fast memory is copied.  Warns of what "
             "would slow a run down or make its results depend on the machine, with the cure.  "
             "Start it exactly as you would start the training.",
    .options = options,
    .computes = true,
    .run = run,
};

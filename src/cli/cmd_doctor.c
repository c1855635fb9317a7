#include <getopt.h>
#include <lockstep/train.h>

#include "cli.h"

static ls_status run(cli *c) {
  static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
  bool json = false;
  opterr = 0;
  for (int code; (code = getopt_long(c->argc, c->argv, ":", options, NULL)) != -1;) {
    if (code != 'j') return unknown_option(c, code);
    json = true;
  }
  if (optind != c->argc) return usage_error(c, "it takes no arguments");
  return ls_doctor(c->comm, json, stdout);
}

const command cmd_doctor = {
    "doctor", "show what this machine and its set-up will do to a run",
    "usage: [mpirun -n N] lockstep doctor [--json]\n"
    "\n"
    "Shows hosts, cores and the ranks bound to them, instruction sets, the MPI, BLAS and HDF5 that\n"
    "are used, memory, and SLURM's settings, and warns of what would slow a run down or make its\n"
    "results depend on the machine.  Start it exactly as you would start the training.\n",
    run};

#!/bin/bash
# Do harm to the program at random, and count what it does not survive.
#
#   scripts/battery.sh NAME [--seed S] [--count N | --seconds T] [--keep 1] [BUILD]
#
#   kill         kill -9 of ranks and mpirun at random moments, then --resume
#   damage       flips, truncation, blocks swapped and zeroed, in checkpoints and datasets
#   stall        one rank is stopped at any phase
#   suspend      the whole job is stopped for longer than the watchdog, and goes on
#   environment  full disks, limits, closed streams, no permission, paths that are something else
#   concurrency  two commands at a time on the same files
#   fuzz         inputs that a fuzzer makes: scripts/battery/fuzz.sh, with its --seconds and --seed
#   all          each of these but the last, one after the other
#
# Without --count or --seconds the long form: minutes.  Cases S, S + 1, ... are run (S is 1 unless given);
# each is drawn from its number alone, so --seed S --count 1 repeats one.  BUILD is the build directory
# (default build/).  The last line of each battery says how many were tried, survived, lost.  Of each loss
# it prints why, how to repeat it, and the folder with its files; with --keep 1 all folders stay.  Exit
# code: 0 when nothing was lost.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

name='' seed=1 count='' seconds='' keep='' build=$project/build
if [ $# -gt 0 ] && [[ $1 != -* ]]; then name=$1 && shift; fi
read_options "seed count seconds keep" "$@"
case $name in
fuzz) exec "$project/scripts/battery/fuzz.sh" ${seconds:+--seconds "$seconds"} --seed "$seed" ;;
kill | damage | stall | suspend | environment | concurrency | all) ;;
*) die "which battery? --help lists them" ;;
esac
has python3 || die "a battery needs python3"
[ -z "$count" ] || [ -z "$seconds" ] || die "--count or --seconds, not both"
mpi_on_one_machine 64 # cases run side by side
export OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
LOCKSTEP_BUILD=$(cd "$build" && pwd) LOCKSTEP_SOURCE=$project exec python3 "$project/scripts/battery/run.py" "$name" \
  --seed "$seed" ${count:+--count "$count"} ${seconds:+--seconds "$seconds"} $([ "$keep" != 1 ] || echo --keep)

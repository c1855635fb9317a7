#!/bin/bash
# From nothing to a trained network: sets the machine up, builds, and trains on handwritten digits.
#
#   scripts/quickstart.sh [--ranks N]      2 MPI ranks unless said otherwise
#
# Installs what is missing where it may (as root or with sudo on Debian), else says what to install;
# LOCKSTEP_NO_INSTALL=1 never installs.  Builds in build/, works in runs/, touches nothing else.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ranks=2
while [ $# -gt 0 ]; do
  case $1 in
    --ranks) [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "--ranks wants a number"; ranks=$2; shift 2 ;;
    -h|--help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit ;;
    *) die "unknown option $1; --help lists them" ;;
  esac
done
begin=$SECONDS
cd "$project"
digits=scripts/examples/digits
lockstep=build/lockstep
run=runs/digits

heading "Dependencies"
need build draw image || die "can't build without these"
good "all there"

heading "Build"
build "$project/build" -DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_TESTS=OFF || die "the build failed"

heading "Data: 5,620 handwritten digits of 8 x 8 pixels"
mkdir -p runs
show "$lockstep" convert csv $digits/optdigits.tra.gz -o runs/digits.h5 --target last \
  --test-source $digits/optdigits.tes.gz --validation 0.1 || die "the conversion failed"

heading "Train on $ranks MPI ranks"
mpi_on_one_machine "$ranks"
# mpirun stands between the program and the terminal: say what is wanted.
if [ -t 1 ]; then progress=bar; else progress=plain; fi
show mpirun -n "$ranks" "$lockstep" train $digits/digits.yaml --progress=$progress || die "the training failed"

heading "Evaluate on 1,797 digits by people the network has never seen"
show "$lockstep" evaluate "$run" --data runs/digits.h5 --split test || die "the evaluation failed"

heading "Learning curve"
if has "${GNUPLOT-gnuplot}"; then
  "$lockstep" plot "$run" --text
  note "pictures of it, of mistakes and of what was right: $run/pictures"
else
  note "no gnuplot here, so no picture; the numbers are in $run/metrics.jsonl"
fi

heading "Done in $(seconds_since "$begin"). What next?"
cat <<END
    The same weights on another number of ranks, bit for bit (compare weights_hash):
      ${bold}mpirun -n 1 $lockstep train $digits/digits.yaml output=runs/digits-1
      grep weights_hash runs/digits/summary.json runs/digits-1/summary.json${plain}

    Your own table, images or HDF5 file: a configuration for it, that trains well as it is:
      ${bold}$lockstep init YOUR.csv -o yours.yaml && mpirun -n $ranks $lockstep train yours.yaml${plain}

    How much a second rank gains you here, and where the time of a step goes:
      ${bold}$lockstep scaling $digits/digits.yaml --ranks 1,2${plain}
END
if [ "$(id -u)" = 0 ]; then
  printf '\n    As root, mpirun wants to be told twice that you mean it. In your shell, first:\n'
  printf '      %sexport OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1%s\n' "$bold" "$plain"
fi

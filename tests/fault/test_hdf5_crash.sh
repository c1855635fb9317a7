# A crash inside HDF5 on one rank or on all of them ends the job with code 3 and one line.
set -u
program=$LOCKSTEP_BUILD/tests/fault/hdf5_crash
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

# run RANKS VICTIM
run() {
  local start=$SECONDS code
  if [[ $1 == 1 ]]; then timeout 60 "$program" "$2" >"$out" 2>&1; else timeout 60 mpirun -n "$1" "$program" "$2" >"$out" 2>&1; fi
  code=$?
  if [[ $code != 3 ]] || ((SECONDS - start > 20)) || [[ $(grep -c '^lockstep: ' "$out") != 1 ]] ||
    ! grep -qx 'lockstep: bad.h5: HDF5 crashed while reading it: the file is damaged' "$out"; then
    echo "$1 ranks, $2 crashes: exit code $code after $((SECONDS - start)) s, wanted 3 and one line:"
    cat "$out"
    failed=1
  fi
}

run 1 0
for victim in 0 2 all all all; do run 3 $victim; done
exit $failed

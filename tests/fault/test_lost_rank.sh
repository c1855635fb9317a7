# A rank that stalls is named by the others, with its step and phase, and the job ends with code 5;
# a rank that is killed ends the job within seconds.
set -u
program=$LOCKSTEP_BUILD/tests/fault/lost_rank
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

# run CODES PATTERN NODES ARGUMENTS...: the exit code is one of CODES, the output has PATTERN once.
run() {
  local codes=$1 pattern=$2 nodes=$3 start=$SECONDS code
  shift 3
  LOCKSTEP_TEST_NODES=$nodes timeout 60 mpirun -n 3 "$program" "$@" >"$out" 2>&1
  code=$?
  if [[ " $codes " != *" $code "* ]]; then
    echo "nodes $nodes, $*: exit code $code, want one of: $codes"
    failed=1
  fi
  if ((SECONDS - start > 20)); then
    echo "nodes $nodes, $*: took $((SECONDS - start)) s"
    failed=1
  fi
  if [[ -n $pattern ]] && ! grep -Eq "$pattern" "$out"; then
    echo "nodes $nodes, $*: no line like: $pattern"
    cat "$out"
    failed=1
  fi
  if [[ $(grep -c '^lockstep: ' "$out") -gt 1 ]]; then
    echo "nodes $nodes, $*: more lines than one:"
    grep '^lockstep: ' "$out"
    failed=1
  fi
}

missing='^lockstep: rank [02] on [^ ]+ \(step 3, [a-z]+\) has waited 2[.0-9]* s for .*missing: rank 1 on'
for exchange in shared tree mpi; do
  run 0 '' 3 "$exchange" none 1
  run 5 "$missing [^ ]+ \(step 3, backward\)\$" 3 "$exchange" stall 1
  run '5 137' '' 3 "$exchange" kill 1
done
run 5 "$missing [^ ]+ \(step 3, evaluation\)\$" 3 tree stall-barrier 1
# Two nodes: rank 2 hears from rank 0 what rank 1 was doing.
run 5 "$missing [^ ]+ \(step 3, backward\)\$" 2,1 shared stall 1
# Three nodes: nobody shares memory with rank 1, so its last step is all that is known.
run 5 "$missing [^ ]+ \(silent since step 3 or the one before\)\$" 1,1,1 shared stall 1
exit $failed

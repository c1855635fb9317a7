#!/bin/bash
# The program itself: a rank that is stopped in the middle of a training run is named by the others
# in one line, with its host, step and phase; a rank that is killed ends the run; either way with an
# exit code that says so, and within seconds nothing of the job is left.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
run_of_epochs endless.yaml 100 1000000

# Process number of a rank of this test's job, from its environment; nothing when it is gone.
process_of() {
  local p
  for p in /proc/[0-9]*; do
    grep -qzxF "output=$work/$1" "$p/cmdline" 2>/dev/null || continue
    grep -qzxE "(OMPI_COMM_WORLD|PMIX)_RANK=$2" "$p/environ" 2>/dev/null || continue
    [ "$(sed 's/.*) //; s/ .*//' "$p/stat")" = Z ] || echo "${p#/proc/}"
  done
}

# lose NODES EXCHANGE SIGNAL CODES [PATTERN]
lose() {
  local nodes=$1 exchange=$2 signal=$3 codes=$4 pattern=${5:-} run="$1-$2-$3" start got victim
  LOCKSTEP_TEST_NODES=$nodes timeout -k 1 60 mpirun -n 3 --oversubscribe --bind-to none "$lockstep" train \
    endless.yaml "exchange=$exchange" "output=$work/$run" --progress=none >"$work/out" 2>&1 &
  local job=$!
  for start in $(seq 300); do
    if [ -s "$run/metrics.jsonl" ] || ! kill -0 $job 2>/dev/null; then break; fi
    sleep 0.1
  done
  victim=$(process_of "$run" 1)
  start=$SECONDS
  if [ -n "$victim" ]; then kill "-$signal" "$victim"; else fail "$run: rank 1 didn't start"; fi
  wait $job
  got=$?
  [[ " $codes " == *" $got "* ]] || fail "$run: exit code $got, want one of: $codes"
  ((SECONDS - start <= 15)) || fail "$run: took $((SECONDS - start)) s to end"
  if [ -n "$pattern" ] && { [ "$(grep -c '^lockstep: ' "$work/out")" != 1 ] || ! grep -Eq "$pattern" "$work/out"; }; then
    fail "$run: wanted one line like: $pattern"
    sed 's/^/  | /' "$work/out" | head -20
  fi
  for start in 0 1 2; do
    [ -z "$(process_of "$run" "$start")" ] || fail "$run: rank $start is still there"
  done
}

host=$(hostname)
words='\((step [0-9]+, [a-z ]+|silent since step [0-9]+ or the one before)\)'
line="^lockstep: rank [02] on $host $words has waited 2[.0-9]* s for .*; missing: rank 1 on $host $words\$"
lose 3 shared STOP 5 "$line"
lose 3 mpi STOP 5 "$line"
lose 2,1 shared STOP 5 "$line"
lose 1,1,1 tree STOP 5 "$line"
lose 3 shared KILL '5 137'
lose 2,1 shared KILL '5 137'
finish

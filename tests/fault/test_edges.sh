#!/bin/bash
# Waits at the edges of a run have an end, too: a rank that stops for good before or after its steps
# ends the job with code 5 and one line.  A job that is suspended as a whole goes on.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
program=$LOCKSTEP_BUILD/tests/fault/edge_rank
host=$(hostname)

# edge NODES WHERE VICTIM CODE [PATTERN]
edge() {
  local got start=$SECONDS
  LOCKSTEP_TEST_NODES=$1 timeout -k 1 60 mpirun -n 3 "$program" "$2" "$3" >out 2>&1
  got=$?
  [ $got = "$4" ] || fail "nodes $1, $2, rank $3: exit code $got, wanted $4"
  ((SECONDS - start <= 25)) || fail "nodes $1, $2, rank $3: took $((SECONDS - start)) s"
  if [ "$(grep -c '^lockstep: ' out)" != $(($# > 4)) ] || { [ $# -gt 4 ] && ! grep -Eq "$5" out; }; then
    fail "nodes $1, $2, rank $3: wanted ${5:-no line}"
    grep '^lockstep' out | sed 's/^/  | /'
  fi
}

at() { echo "^lockstep: rank [02] on $host \\($1\\) has waited [.0-9]+ s for $2"; }
edge 3 none 9 0
edge 3 create 1 5 "$(at 'before its first step' 'the other ranks to start')\$"
edge 3 window 1 5 "$(at 'before its first step' '.*'); missing: rank 1 on $host \\(before its first step\\)\$"
edge 3 free 1 5 "$(at 'step 7, evaluation' '.*'); missing: rank 1 on $host \\(step 7, evaluation\\)\$"
edge 3 end 1 5 "$(at 'step 7, at the end' '.*'); missing: rank 1 on $host \\(step 7, evaluation\\); the results are written\$"
edge 2,1 end 1 5 "$(at 'step 7, at the end' '.*'); missing: rank 1 on $host \\(step 7, evaluation\\); the results are written\$"
# Rank 0 works for longer than the watchdog, and is waited for; but not when it stops.
edge 3 alone 9 0
edge 3 alone 0 5 "^lockstep: rank [12] on .* for the ranks to agree; missing: rank 0 on "

# The program: all ranks are stopped for longer than the watchdog, and continued.
run_of_epochs long.yaml 200 300
ranks_of() { # process numbers of a run's ranks
  local p
  for p in /proc/[0-9]*; do
    grep -qzxF "output=$1" "$p/cmdline" 2>/dev/null && grep -qzE '^(OMPI_COMM_WORLD|PMIX)_RANK=' "$p/environ" 2>/dev/null &&
      echo "${p#/proc/}"
  done
}
accepted "$lockstep" train long.yaml output=whole watchdog=600 --progress=none
timeout -k 1 100 mpirun -n 3 "$lockstep" train long.yaml output=stopped --progress=none >out 2>&1 &
job=$!
for i in $(seq 300); do
  if [ -s stopped/metrics.jsonl ] || ! kill -0 $job 2>/dev/null; then break; fi
  sleep 0.05
done
for i in 1 2; do
  all=$(ranks_of stopped | grep -v "^$job\$")
  for p in $all; do kill -STOP "$p"; done
  sleep 3
  for p in $all; do kill -CONT "$p"; done
  sleep 0.3
done
[ -n "$all" ] || fail "the run was over before it was stopped"
wait $job
same "exit code of the suspended run" $? 0
same "its lines" "$(grep -c '^lockstep: ' out)" 0
same "its weights" "$(hash_of stopped)" "$(hash_of whole)"

# With a variable that is no number nothing starts.
refused 2 'LOCKSTEP_WATCHDOG=soon: seconds are wanted' env LOCKSTEP_WATCHDOG=soon "$lockstep" inspect data.h5
finish

#!/bin/bash
# Several processes and one place: a run that is read while it trains, two runs into one directory, two conversions
# into one file.  Each ends in a right result, or in one right line.
# LOCKSTEP_TEST_FULL=1: more often.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
times=1
[ "${LOCKSTEP_TEST_FULL:-0}" = 1 ] && times=10
run_of_parts run.yaml

# reads WHAT COMMAND...: of a run that writes a checkpoint each step and keeps one; all ranks have the same network
reads() {
  local what=$1
  shift
  "$@" >out 2>err
  same "$what: exit code and lines" "$? $(grep -c '^lockstep: ' err)" "0 0"
  [ -s err ] && grep '^lockstep: ' err
}
"$lockstep" train run.yaml output=busy train.epochs=1000000 checkpoint.every_steps=1 checkpoint.keep=1 --progress=none &
busy=$!
for k in $(seq 200); do compgen -G 'busy/checkpoints/step-*.h5' >/dev/null && break; sleep 0.05; done
for k in $(seq $((3 * times))); do
  reads "evaluate on 3 ranks" ranks 3 "$lockstep" evaluate busy --split validation --json
  reads "evaluate" "$lockstep" evaluate busy --split validation --json
  reads "predict on 2 ranks" ranks 2 "$lockstep" predict busy --split validation -o predicted.h5
done
accepted ranks 3 "$lockstep" train run.yaml output=taken initialize.from=busy train.epochs=1 --progress=none
reads "plot on 2 ranks" ranks 2 "$lockstep" plot busy
refused 1 'busy.*another run' "$lockstep" train run.yaml output=busy train.epochs=1000000 checkpoint.every_steps=1 \
  checkpoint.keep=1 --progress=none --resume
kill -USR1 $busy
wait $busy
same "the run that was read" $? 75

# two COMMAND-A -- COMMAND-B: both at once; their exit codes and lines
two() {
  local a=() pids
  while [ "$1" != -- ]; do a+=("$1"); shift; done
  shift
  "${a[@]}" >out.a 2>err.a &
  pids=$!
  "$@" >out.b 2>err.b &
  wait $pids; code_a=$?
  wait $!; code_b=$?
}
# Of two runs one trains; the other comes after it, or is told of it.
check_two() {
  local x
  for x in a b; do
    local code=code_$x
    case "${!code} $(grep -c '^lockstep: ' err.$x)" in
      '0 0') ;;
      '1 1') grep -qE '^lockstep: output: both: (another run|other runs)' err.$x || fail "$1: $(cat err.$x)" ;;
      *) fail "$1: exit code ${!code}"; sed 's/^/  | /' err.$x ;;
    esac
  done
  [ "$code_a" = 0 ] || [ "$code_b" = 0 ] || fail "$1: neither of the two trained"
  same "$1" "$(hash_of both)" "$whole"
  [ -z "$(find both -name '*.tmp' -o -name '*.partial')" ] || fail "$1: something half-written is left"
  # an earlier run that was moved is whole, too
  for x in both.*; do [ ! -e "$x" ] || [ "$(hash_of "$x")" = "$whole" ] || fail "$1: $x is no run: $(ls "$x")"; done
}
accepted "$lockstep" train run.yaml output=whole --progress=none
accepted "$lockstep" train run.yaml output=half train.max_steps=25 --progress=none
whole=$(hash_of whole)
for k in $(seq $((6 * times))); do
  rm -rf both both.*
  two "$lockstep" train run.yaml output=both --progress=none -- "$lockstep" train run.yaml output=both --progress=none
  check_two "two new runs"
  two "$lockstep" train run.yaml output=both --progress=none -- ranks 2 "$lockstep" train run.yaml output=both --progress=none
  check_two "two new runs over an old one"
  rm -rf both both.*
  cp -r half both
  two "$lockstep" train run.yaml output=both --resume --progress=none train.max_steps=0 -- \
    "$lockstep" train run.yaml output=both --resume --progress=none train.max_steps=0
  sed -i '/^lockstep: resume: /d' err.a err.b
  check_two "two that resume"
done

# one file
accepted "$lockstep" convert csv data.csv -o one.h5 --target y --validation 0.2
for k in $(seq $((5 * times))); do
  two "$lockstep" convert csv data.csv -o both.h5 --target y --validation 0.2 -- \
    "$lockstep" convert csv data.csv -o both.h5 --target y --validation 0.2
  same "two conversions" "$code_a $code_b" "0 0"
  same "what two conversions made" "$("$lockstep" inspect both.h5 | tail -n +2)" "$("$lockstep" inspect one.h5 | tail -n +2)"
  two "$lockstep" predict whole --split validation -o two.h5 -- "$lockstep" predict whole --split validation -o two.h5
  same "two predictions" "$code_a $code_b" "0 0"
done
[ -z "$(find . -name '*.tmp')" ] || fail "something half-written is left"
finish

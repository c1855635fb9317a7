#!/bin/bash
# What the program writes: a standard output that fails or that nobody reads, files and folders
# behind links, names with other letters and control characters, signals that ask for an end.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
table 60 >d.csv
accepted "$lockstep" convert csv d.csv -o d.h5 --target y --quiet
cat >c.yaml <<'YAML'
data: {file: d.h5}
model: [{dense: {units: 1}}]
loss: mse
optimizer: sgd
train: {batch: 20, epochs: 3, seed: 1}
output: run
YAML
accepted "$lockstep" train c.yaml --progress=none
hash=$(hash_of run)

# ---- standard output
# code_of CODE LINES TO COMMAND...: exit code and lines on standard error, with standard output into
# TO, closed where that is "-".
code_of() {
  local code=$1 lines=$2 to=$3 got
  shift 3
  if [ "$to" = - ]; then "$@" 2>err >&-; else "$@" 2>err >"$to"; fi
  got=$?
  [ $got = "$code" ] && [ "$(wc -l <err)" = "$lines" ] ||
    fail "$*: code $got and $(wc -l <err) lines, wanted $code and $lines: $(head -3 err)"
}
commands=("inspect d.h5" "inspect d.h5 --json" "evaluate run --split all" "evaluate run --split all --json"
  "gradcheck c.yaml" "gradcheck c.yaml --json" "doctor" "doctor --json" "train c.yaml --dry-run"
  "bench step mlp_small --rounds 1 --steps 2"
  "--version" "help" "help adam" "help --all" "help --man" "train --help")
for command in "${commands[@]}"; do
  read -ra words <<<"$command"
  code_of 1 1 /dev/full "$lockstep" "${words[@]}"
  grep -q '^lockstep: ' err || fail "$command >/dev/full says $(cat err)"
done
for command in "inspect d.h5" "doctor" "help"; do
  read -ra words <<<"$command"
  code_of 1 1 - "$lockstep" "${words[@]}"
done
# a reader that leaves early: quiet, and the end that cat comes to
for command in "inspect d.h5" "evaluate run --split all" "train c.yaml --dry-run" "help --all"; do
  "$lockstep" $command 2>err | true
  codes=("${PIPESTATUS[@]}")
  case ${codes[0]} in 0 | 141) ;; *) fail "$command | true ends with ${codes[0]}" ;; esac
  [ -s err ] && fail "$command | true says $(cat err)"
done
# training goes on without its lines, and says so at the end; a pipe without reader is as good as none
code_of 1 1 /dev/full "$lockstep" train c.yaml output=full --progress=plain
grep -q 'lines of progress are lost' err || fail "train >/dev/full says $(cat err)"
same "weights of train >/dev/full" "$(hash_of full)" "$hash"
"$lockstep" train c.yaml output=pipe --progress=plain 2>err | true
same "train | true" "${PIPESTATUS[0]} $(cat err)" "0 "
same "weights of train | true" "$(hash_of pipe)" "$hash"
# a closed standard output is not the number of the next file
code_of 0 0 - "$lockstep" train c.yaml output=closed --progress=none
same "weights of train >&-" "$(hash_of closed)" "$hash"
code_of 0 0 - "$lockstep" predict run -o p.h5
accepted "$lockstep" inspect p.h5

# ---- signals that ask for an end; nohup's is none
for signal in HUP XCPU USR2; do
  "$lockstep" train c.yaml output=$signal train.epochs=1000000000 --progress=none 2>err &
  pid=$!
  for i in $(seq 200); do [ -s $signal/metrics.jsonl ] && break; sleep 0.05; done
  kill -$signal $pid
  wait $pid
  same "SIG$signal" "$? $(ls $signal/checkpoints | grep -c '^step-')" "75 1"
done
(trap '' HUP && exec "$lockstep" train c.yaml output=nohup train.epochs=1000000000 --progress=none 2>err) &
pid=$!
for i in $(seq 200); do [ -s nohup/metrics.jsonl ] && break; sleep 0.05; done
kill -HUP $pid
sleep 0.3
kill -0 $pid 2>/dev/null || fail "an ignored SIGHUP ended a run"
kill -TERM $pid
wait $pid
finish

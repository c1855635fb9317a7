#!/bin/bash
# kill -9 at random moments, most of them while a checkpoint is written, then --resume: the same
# weights and metrics as a run that nobody killed, and nothing half-written is left.
# LOCKSTEP_TEST_FULL=1: more kills, on more ranks.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
RANDOM=${LOCKSTEP_TEST_SEED:-17}
losses() { grep -o '"type":"[a-z]*","epoch":[0-9]*,"step":[0-9]*,"loss":[^,]*' "$1/metrics.jsonl"; }

table 230 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.2
cat >crash.yaml <<'YAML'
data: {file: data.h5, normalize: true}
model: [{dense: {units: 200, activation: tanh}}, {dense: {units: 200}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.001}}
early_stopping: {patience: 100}
train: {batch: 20, epochs: 12, seed: 2, lanes: 4}
checkpoint: {every_steps: 1, keep: 2}
exchange: tree
YAML
accepted ranks 1 "$lockstep" train crash.yaml output=whole --progress=none

# The processes that have this run directory in their arguments: ours, whoever started them.
ours() {
  local process
  for process in /proc/[0-9]*; do
    grep -qzxF "output=$work/$1" "$process/cmdline" 2>/dev/null && echo "${process#/proc/}"
  done
}

# crash NAME RANKS KILLS
crash() {
  local name=$1 n=$2 kills=$3 killed=0
  for i in $(seq "$kills"); do
    if [ "$n" = 1 ]; then
      "$lockstep" train crash.yaml "output=$work/$name" --resume --progress=none >"$work/out" 2>&1 &
    else
      mpirun -n "$n" --oversubscribe --bind-to none "$lockstep" train crash.yaml "output=$work/$name" --resume \
        --progress=none >"$work/out" 2>&1 &
    fi
    local pid=$!
    # from the moment when something is written, up to 0.3 s
    for k in $(seq 200); do [ -e "$name/metrics.jsonl" ] && break; sleep 0.02; done
    [ "$n" = 1 ] || sleep 0.5
    sleep "0.$(printf %03d $((RANDOM % 300)))"
    kill -0 $pid 2>/dev/null && killed=$((killed + 1))
    local all
    all=$(ours "$name")
    [ -n "$all" ] && kill -9 $all 2>/dev/null
    wait $pid 2>/dev/null
    [ -e "$name/summary.json" ] && break
  done
  accepted ranks "$n" "$lockstep" train crash.yaml "output=$work/$name" --resume --progress=none
  [ "$(hash_of "$name")" = "$(hash_of whole)" ] || fail "$n ranks, killed $killed times: other weights"
  [ "$(losses "$name")" = "$(losses whole)" ] || fail "$n ranks, killed $killed times: other metrics"
  local left
  left=$(find "$name" -name '*.tmp' -o -name '*.partial')
  [ -z "$left" ] || fail "left behind: $left"
  [ "$(find "$name/checkpoints" -name 'step-*' | wc -l)" = 2 ] || fail "not two checkpoints: $(ls "$name/checkpoints")"
  [ $killed -gt 0 ] || fail "the run was never killed"
  echo "$n ranks: killed $killed times"
}

if [ "${LOCKSTEP_TEST_FULL:-0}" = 1 ]; then
  for round in $(seq 10); do crash "one-$round" 1 40; done
  for round in $(seq 5); do crash "three-$round" 3 40; done
else
  crash one 1 12
  crash two 2 4
fi
finish

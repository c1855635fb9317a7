#!/bin/bash
# What goes by the clock or by the step: train.max_seconds, checkpoint.every_seconds, train.log_steps.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
train() { accepted ranks "$1" "$lockstep" train ../run.yaml "${@:2}"; }
saved() { find "$1/checkpoints" -name 'step-*.h5' | wc -l; }

table 240 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.17
cat >run.yaml <<'YAML'
data: {file: ../data.h5, normalize: true}
model: [{dense: {units: 20, activation: tanh}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.001}}
train: {batch: 20, epochs: 100000000, seed: 2, lanes: 6}
checkpoint: {keep: 1000}
YAML

# max_seconds counts from each start; the run is done with code 0 and goes on from there
max_seconds() {
  train 2 output=timed train.max_seconds=0.7
  shown '^max_seconds have passed: [1-9][0-9]* steps'
  same "status of a run whose time is over" "$(grep -o '"status":"[a-z]*","why":"[a-z_ ]*"' timed/summary.json)" \
    '"status":"done","why":"max_seconds have passed"'
  first=$(number timed steps)
  awk -v s="$(number timed total)" 'BEGIN { exit !(s >= 0.7 && s < 5) }' || fail "0.7 s took $(number timed total) s"
  [ -e timed/checkpoints/final.h5 ] || fail "no final.h5 after max_seconds"
  same "checkpoints without every_seconds coming due" "$(saved timed)" 1
  train 3 output=timed train.max_seconds=0.5 --resume
  second=$(number timed steps)
  [ "$second" -gt "$first" ] || fail "a second start did not go on: $first, then $second steps"
  train 1 output=at-once "train.max_steps=$second"
  same "in two starts of max_seconds" "$(hash_of timed)" "$(hash_of at-once)"
  # less than a step: one or two are taken
  train 1 output=short train.max_seconds=0.000001 train.batch=all
  [ "$(number short steps)" -le 2 ] || fail "max_seconds: 1e-6 trained $(number short steps) steps"
}

# every_seconds: so often and not much more often; 0: at the end alone
every_seconds() {
  for n in 1 3; do
    train $n "output=often-$n" checkpoint.every_seconds=0.2 train.max_seconds=1.3
    got=$(saved "often-$n")
    { [ "$got" -ge 3 ] && [ "$got" -le 7 ]; } || fail "$n ranks: $got checkpoints in 1.3 s, one every 0.2 s"
  done
  train 1 output=never checkpoint.every_seconds=0 train.max_seconds=0.4
  same "checkpoints with every_seconds: 0" "$(saved never)" 1
}

# log_steps: a line every so many steps, the loss since the line before or the epoch's beginning; the
# same on any number of ranks, and for a run that was stopped between two lines
lines() { grep -o '"type":"[a-z]*","epoch":[0-9]*,"step":[0-9]*,"loss":[^,]*' "$1/metrics.jsonl"; }
log_steps() {
  logged='train.epochs=3 train.log_steps=4'
  train 1 output=log $logged
  per_epoch=$(($(number log steps) / 3))
  same "steps with a line" "$(grep -o '"type":"step","epoch":[0-9]*,"step":[0-9]*' log/metrics.jsonl | cut -d: -f3- | tr '\n' ' ')" \
    "$(for ((s = 4; s <= 3 * per_epoch; s += 4)); do printf '%d,"step":%d ' $(((s - 1) / per_epoch + 1)) "$s"; done)"
  train 3 output=parts $logged train.max_steps=6
  train 2 output=parts $logged train.max_steps=$((per_epoch + 2)) --resume
  train 1 output=parts $logged --resume
  same "lines of a run in three parts" "$(lines parts)" "$(lines log)"
  # an epoch of one step: its line says what the epoch's does
  train 2 output=one train.epochs=1 train.batch=all train.log_steps=1
  same "loss of the one step of an epoch" "$(lines one | head -1 | sed 's/.*loss"//')" "$(lines one | tail -1 | sed 's/.*loss"//')"
}

# Side by side, each in a folder of its own.
all=()
for part in max_seconds every_seconds log_steps; do
  (failures=0 work=$work/$part; mkdir "$work" && cd "$work" && $part; exit $((failures > 0))) &
  all+=($!)
done
for part in "${all[@]}"; do wait "$part" || failures=$((failures + 1)); done
finish

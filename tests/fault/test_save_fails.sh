#!/bin/bash
# A checkpoint that can't be written in the middle of a run: one line, exit code 1 on every rank, no
# half-written file, the checkpoints before it untouched, and from them the run goes on to the same
# weights.  The same for a metrics.jsonl that can't grow.  (Full disks: scripts/battery/environment.py.)
# LOCKSTEP_TEST_FULL=1: every failure on 1, 2 and 3 ranks.
. "$LOCKSTEP_SOURCE/tests/fault/jobs.sh"

table 240 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.17
cat >run.yaml <<'YAML'
data: {file: data.h5, normalize: true}
model: [{dense: {units: 200, activation: tanh}}, {dense: {units: 200}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.001}}
train: {batch: 20, epochs: 100, seed: 2, lanes: 6, log_steps: 1}
checkpoint: {every_steps: 10, keep: 100}
YAML

# Its checkpoints are smaller than its metrics.
small='model.0.dense.units=8 model.1.dense.units=8'

third_saved() { [ -e "$1/checkpoints/step-000000000030.h5" ]; }
limit() { prlimit --pid "$held" "--fsize=$1"; }

# What goes wrong in RUN while rank 0 is held.
too_large() { limit 100000; } # as with a quota
lost_folder() { mv "$1/checkpoints" "$1/moved" && : >"$1/checkpoints"; }
metrics_full() { limit $(($(stat -c %s "$1/checkpoints/step-000000000030.h5") + 4096)); }

# goes_on RUN RANKS REFERENCE [OVERRIDES]: resumed, it becomes what the reference is.
goes_on() {
  local run=$1 n=$2 reference=$3
  shift 3
  whole "$run" "$n" run.yaml "$@" --resume
  same "$run" "$(hash_of "$run")" "$(hash_of "$reference")"
  same "$run: steps reported" "$(grep -c '"type":"step"' "$run/metrics.jsonl")" "$(grep -c '"type":"step"' "$reference/metrics.jsonl")"
  same "$run: lines that are none" "$(grep -vc '^{.*}$' "$run/metrics.jsonl")" 0
}

# fails RUN RANKS OTHER-RANKS FAILURE PATTERN REFERENCE [OVERRIDES]
fails() {
  local run=$1 n=$2 other=$3 failure=$4 pattern=$5 reference=$6 before
  shift 6
  start "$run" "$n" run.yaml "$@"
  hold "$run" third_saved "$run" || return
  before=$(cd "$run/checkpoints" && cksum step-*.h5)
  "$failure" "$run" && let_go
  ended "$run" "$n" 1 "^lockstep: $run/$pattern\$"
  if [ -e "$run/moved" ]; then rm "$run/checkpoints" && mv "$run/moved" "$run/checkpoints"; fi
  same "$run: the checkpoints before" "$(cd "$run/checkpoints" && awk '{ print $3 }' <<<"$before" | xargs cksum)" "$before"
  [ ! -e "$run/summary.json" ] || fail "$run: has a summary"
  goes_on "$run" "$other" "$reference" "$@"
}
too_large_on() { fails "large-$1" "$1" "$2" too_large 'checkpoints/step-[0-9]+.h5: cannot be written: File too large' whole; }
lost_folder_on() { fails "lost-$1" "$1" "$2" lost_folder 'checkpoints/step-[0-9]+.h5: cannot be written: Not a directory' whole; }
metrics_full_on() { fails "metrics-$1" "$1" "$2" metrics_full 'metrics.jsonl: cannot be written: .*' small $small; }

together 'whole whole 1 run.yaml checkpoint.every_steps=0' "whole small 1 run.yaml checkpoint.every_steps=0 $small"
all=('lost_folder_on 3 2')
has_prlimit=$(command -v prlimit)
if [ -n "$has_prlimit" ]; then
  all+=('too_large_on 2 1' 'metrics_full_on 1 2')
else
  echo "no prlimit here: limits are left out"
fi
together "${all[@]}"
if [ "${LOCKSTEP_TEST_FULL:-0}" = 1 ]; then
  together 'lost_folder_on 1 3' 'lost_folder_on 2 1'
  [ -z "$has_prlimit" ] || together 'too_large_on 1 3' 'too_large_on 3 2' 'metrics_full_on 2 1' 'metrics_full_on 3 1'
fi
finish

#!/bin/bash
# Parameters and optimizer state of a node do not grow with its ranks; what `train --dry-run` says is what
# a run takes, and validation of many samples takes no more than training.
if ! awk '/^Pss:/ { found = 1 } END { exit !found }' /proc/self/smaps_rollup 2>/dev/null; then
  echo "skipped: the kernel has no /proc/PID/smaps_rollup"
  exit 77
fi
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
table 288 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.9
# run MODEL: into `plan` and `most` the megabytes planned and, at most, taken
run() {
  local job k
  cat >run.yaml <<YAML
data: {file: data.h5}
model: $1
loss: mse
optimizer: {adam: {lr: 0.0001}}
train: {batch: 16, epochs: 1000000}
checkpoint: {every_epochs: 1000000}
YAML
  accepted "$lockstep" train run.yaml output=no --dry-run
  plan=$(awk '$1 == "together" { print $2 * ($3 == "GiB" ? 1024 : $3 == "KiB" ? 1 / 1024 : 1) }' "$work/out")
  rm -rf a
  timeout 120 "$lockstep" train run.yaml output=a --progress=none >taken 2>&1 &
  job=$!
  for ((k = 0; k < 600; k++)); do
    grep -q validation_loss a/metrics.jsonl 2>/dev/null && break
    kill -0 $job 2>/dev/null || break
    sleep 0.1
  done
  k=$(pgrep -P $job)
  most=$(awk '/^VmHWM:/ { print $2 / 1024 }' "/proc/${k:-$job}/status")
  kill "${k:-$job}"
  wait $job 2>/dev/null
}
run '[{dense: {units: 1}}]'
small=$plan base=$most
run '[{dense: {units: 16384}}, {reshape: {shape: [256, 64]}}, {repeat: {times: 6, layers: [
  {residual: {layers: [layer_norm, {attention: {num_heads: 2, causal: true}}]}}]}}, flatten, {dense: {units: 1}}]'
awk -v p="$plan" -v s="$small" -v m="$most" -v b="$base" 'BEGIN {
  printf "planned %.1f MiB more, taken %.1f\n", p - s, m - b
  exit !(p - s > 25 && m - b > 0.8 * (p - s) && m - b < 1.2 * (p - s) + 8) }' ||
  fail "the plan of memory is not what the run takes"
[ $failures = 0 ] || exit 1
bash "$LOCKSTEP_SOURCE/scripts/bench/memory.sh" "$LOCKSTEP_BUILD" --check

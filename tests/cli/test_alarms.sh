#!/bin/bash
# Training that goes wrong without failing is said in one line, when it is first seen and at the end;
# training that goes well is not.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1

table 600 >good.csv
accepted "$lockstep" convert csv good.csv -o good.h5 --target y --validation 0.2 --quiet
cat >good.yaml <<'YAML'
data: {file: good.h5, normalize: true}
model: [{dense: {units: 16, activation: relu}}, {dense: {units: 16, activation: relu}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 32, epochs: 9, seed: 1, lanes: 3}
YAML
awk 'BEGIN { srand(7); print "a,b,kind"; for (i = 0; i < 300; i++) { a = rand(); b = rand();
  printf "%.3f,%.3f,%s\n", a, b, (a > b ? "spam" : "ham") } }' >kind.csv
accepted "$lockstep" convert csv kind.csv -o kind.h5 --quiet
cat >kind.yaml <<'YAML'
data: {file: kind.h5}
model: [{dense: {units: 8, activation: relu}}, {dense: {units: 2}}]
loss: cross_entropy
optimizer: {adam: {lr: 0.02}}
train: {batch: 30, epochs: 9, seed: 1, lanes: 3}
YAML

# warned RANKS SEEN AGAIN PATTERN CONFIG ARGUMENT...: one line like PATTERN where it is seen (SEEN: the
# line begins so), one at the end if AGAIN is 1; the summary has it; nothing else is said; code 0
warned() {
  local n=$1 seen=$2 again=$3 pattern=$4
  shift 4
  rm -rf run
  accepted ranks "$n" "$lockstep" train "$@" output=run --progress=none
  if [ "$(grep -cE "^lockstep: warning: $seen$pattern" "$work/err")" != 1 ] ||
    [ "$(grep -cE "^lockstep: warning: at the end still: $pattern" "$work/err")" != "$again" ]; then
    fail "no warning like /$seen$pattern/ (again: $again) on $n ranks: $*"
    sed 's/^/  | /' "$work/err"
  fi
  grep -q '"warnings":\["' run/summary.json || fail "no warning in the summary: $(cat run/summary.json)"
}
# quiet RANKS CONFIG ARGUMENT...: not a word
quiet() {
  local n=$1
  shift
  rm -rf run
  accepted ranks "$n" "$lockstep" train "$@" output=run --progress=none
  [ -s "$work/err" ] && fail "a false alarm on $n ranks: $*: $(cat "$work/err")"
  grep -q '"warnings":\[\]' run/summary.json || fail "a warning in the summary of $*"
}

for n in 1 3; do
  quiet $n good.yaml
  quiet $n kind.yaml
  # The loss grows: a learning rate that is much too large for a linear network.
  warned $n 'epoch [2-9]: ' 1 'the loss has grown from' good.yaml 'model=[dense: {units: 1}]' 'optimizer={sgd: {lr: 1.5}}' \
    train.epochs=4
done
grep -qE 'epoch 4: r2 is -[0-9.e+]+ on 64 samples' "$work/err" || fail "r2 at the end: $(cat "$work/err")"

# Inputs: large, or of very different size, and nothing that takes them down.
awk -F, 'BEGIN { OFS = "," } NR > 1 { $1 *= 1e6 } { print }' good.csv >large.csv
awk -F, 'BEGIN { OFS = "," } NR > 1 { $1 = sprintf("%.9f", $1 * 1e-5); $2 = $2 } { print }' good.csv >small.csv
for f in large small; do
  accepted "$lockstep" convert csv $f.csv -o $f.h5 --target y --quiet
  quiet 1 good.yaml data.file=$f.h5
done
warned 3 '' 1 'input "input" has values as large as 1e\+06' good.yaml data.file=large.h5 data.normalize=false
warned 1 '' 1 'input "input": column [12] spreads over [0-9.]+ and column 0 over (1e-05|9.9e-06)' good.yaml data.file=small.h5 \
  data.normalize=false

# All relus dead, and with them every prediction the same: weights that a first step has thrown far off.
for n in 1 3; do
  warned $n 'epoch 1: ' 1 'all units of the relu "[a-z0-9_]+" give 0 for all of 64 samples' good.yaml \
    'optimizer={sgd: {lr: 1000}}' clip.norm=100 train.epochs=4
  warned $n 'epoch 2: ' 1 'the prediction is the same for all of 64 samples' good.yaml \
    'optimizer={sgd: {lr: 1000}}' clip.norm=100 train.epochs=4
done

# One class for all; not where it is what nearly all are.
warned 3 'epoch 2: ' 1 'class [01] is predicted for all of 64 samples, of which at most [0-9]+ are of one class' kind.yaml \
  'optimizer={sgd: {lr: 1000}}' clip.norm=100 train.epochs=4
awk -F, 'NR == 1 { print } NR > 1 { print $1 "," $2 "," (NR % 40 == 0 ? "spam" : "ham") }' kind.csv >rare.csv
accepted "$lockstep" convert csv rare.csv -o rare.h5 --quiet
quiet 1 kind.yaml data.file=rare.h5 train.epochs=3

# --- Early stopping says which epoch was best, and whose the weights are; a schedule cut short is noted.
cat >early.yaml <<'YAML'
data: {file: good.h5, normalize: true}
model: [{dense: {units: 16, activation: relu}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.1}}
schedule: cosine
early_stopping: {patience: 2}
train: {batch: 32, epochs: 200, seed: 1, lanes: 3}
output: early
YAML
for n in 1 3; do
  rm -rf early
  accepted ranks $n "$lockstep" train early.yaml --progress=plain
  epoch=$(number early best_epoch)
  shown "^best epoch $epoch, validation_loss [0-9.e-]+: the weights are those"
  grep -q '"best_weights":true' early/summary.json || fail "the summary doesn't say that the best weights are taken"
  best=$(grep '"type":"epoch"' early/metrics.jsonl | sed -E 's/.*"epoch":([0-9]+).*"validation_loss":([^,]*).*/\2 \1/' |
    sort -g | head -1 | cut -d' ' -f2)
  same "best epoch" "$epoch" "$best"
  grep -qE '^lockstep: note: no improvement any more after [0-9]+ of 3200 steps, in the middle of the schedule: the learning rate was 0.0[0-9]+' \
    "$work/err" || fail "the schedule's cut is not said: $(cat "$work/err")"
done
rm -rf early
accepted ranks 1 "$lockstep" train early.yaml --progress=plain early_stopping.restore_best=false schedule=constant
shown "the weights are the last epoch's"
[ -s "$work/err" ] && fail "a constant rate has no middle: $(cat "$work/err")"

finish

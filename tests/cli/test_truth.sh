#!/bin/bash
# What training, evaluating and predicting say is so: scores of targets far from zero, the learning
# rate of a resumed epoch.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1

# epochs RUN KEY: the key's values, one a line
epochs() { grep '"type":"epoch"' "$1/metrics.jsonl" | grep -o "\"$2\":[^,}]*" | cut -d: -f2; }
last() { epochs "$1" "$2" | tail -1; }
# holds CONDITION: of awk
holds() { awk "BEGIN { exit !($1) }" || fail "not so: $1 ($2)"; }

# --- Targets far from zero: r2 is what its own rmse says, normalised or not, in training and after it.
awk 'BEGIN { srand(2); print "x,near,far"; for (i = 0; i < 2000; i++) { x = rand(); e = 3 * x + 0.5 * rand();
  printf "%.4f,%.5f,%.5f\n", x, e, int(32 * e) / 32 - 311030 } }' >far.csv
for target in near far; do
  cut -d, -f1,$([ $target = near ] && echo 2 || echo 3) far.csv >one.csv
  accepted "$lockstep" convert csv one.csv -o $target.h5 --label number --quiet
  cat >$target.yaml <<YAML
data: {file: $target.h5, normalize: {inputs: standard, targets: standard}, split: {validation: 0.2}}
model: [{dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.05}}
metrics: [mae, rmse, r2]
train: {batch: 100, epochs: 15, seed: 1, lanes: 3}
YAML
  for n in 1 3; do
    accepted ranks $n "$lockstep" train $target.yaml output=$target --progress=none
    accepted ranks $n "$lockstep" evaluate $target --split all --json
    cp "$work/out" $target$n.json
  done
  cmp -s ${target}1.json ${target}3.json || fail "evaluate of $target differs at 3 ranks"
done
r2() { grep -o '"r2":[^,}]*' "$1" | cut -d: -f2; }
holds "$(r2 near1.json) > 0.9 && $(r2 far1.json) > 0.9" "r2"
holds "($(r2 near1.json) - $(r2 far1.json)) ^ 2 < 1e-5" "r2 of near and far"
for key in r2 validation_r2; do holds "($(last near $key) - $(last far $key)) ^ 2 < 1e-5" "$key while training"; done
sed 's/, targets: standard//' far.yaml >plain.yaml
accepted ranks 1 "$lockstep" train plain.yaml output=plain --progress=none
accepted ranks 1 "$lockstep" evaluate plain --split all --json
spread=$(awk -F, 'NR > 1 { n++; d = $3 + 311030; a += d; b += d * d } END { printf "%.9g", b / n - (a / n) ^ 2 }' far.csv)
rmse=$(grep -o '"rmse":[^,}]*' "$work/out" | cut -d: -f2)
holds "($(r2 "$work/out") / (1 - $rmse ^ 2 / $spread) - 1) ^ 2 < 1e-6" "r2 of targets that are not normalised"

# --- An epoch that is taken up in its middle has the learning rate of its first step.
cat >lr.yaml <<'YAML'
data: {file: near.h5}
model: [{dense: {units: 1}}]
loss: mse
optimizer: {sgd: {lr: 0.1}}
schedule: cosine
train: {batch: 150, epochs: 3, seed: 1, lanes: 3}
checkpoint: {every_steps: 17, keep: 100}
YAML
for n in 1 3; do
  rm -rf whole cut
  accepted ranks $n "$lockstep" train lr.yaml output=whole --progress=none
  cp -r whole cut
  rm -f cut/summary.json cut/checkpoints/final.h5 cut/checkpoints/step-*3[4-9].h5 cut/checkpoints/step-*4?.h5
  [ "$(ls cut/checkpoints)" = step-000000000017.h5 ] || fail "other checkpoints than wanted: $(ls cut/checkpoints)"
  accepted ranks $n "$lockstep" train lr.yaml output=cut --resume --progress=none
  same "learning rates at $n ranks" "$(epochs cut lr)" "$(epochs whole lr)"
  same "weights at $n ranks" "$(hash_of cut)" "$(hash_of whole)"
done

# --- Names of any length stand above each other.
cat >names.yaml <<'YAML'
data: {file: near.h5, inputs: /train/x, targets: {a_rather_long_name: /train/y, short: /train/y}}
model: [{dense: {units: 1, name: a_rather_long_name}}, {dense: {units: 1, name: short, from: input}}]
outputs: [a_rather_long_name, short]
loss: {a_rather_long_name: mse, short: mse}
optimizer: {sgd: {lr: 0.1}}
train: {batch: 150, epochs: 1}
output: names
YAML
accepted ranks 1 "$lockstep" train names.yaml --progress=none
accepted ranks 1 "$lockstep" evaluate names --split all
[ "$(tail -n +2 "$work/out" | sed -E 's/^(  [^ ]+ +).*/\1/' | awk '{ print length($0) }' | sort -u | wc -l)" = 1 ] ||
  fail "numbers of evaluate don't stand above each other: $(cat "$work/out")"

# --- The loss decides what a target is: few whole numbers are classes in the file, and numbers to mse.
awk 'BEGIN { srand(3); print "x,dose,kind"; for (i = 0; i < 300; i++) { k = int(6 * rand());
  printf "%.4f,%d,%s\n", k + 0.3 * rand(), 50 * k + 100, (k > 2 ? "spam" : "ham") } }' >dose.csv
cut -d, -f1,2 dose.csv >d.csv
cut -d, -f1,3 dose.csv >k.csv
accepted "$lockstep" convert csv d.csv -o classes.h5 --label class --quiet
accepted "$lockstep" convert csv d.csv -o numbers.h5 --label number --quiet
accepted "$lockstep" convert csv k.csv -o kind.h5 --label class --quiet
cat >dose.yaml <<'YAML'
data: {file: numbers.h5, normalize: true}
model: [{dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.05}}
metrics: [mae, r2]
train: {batch: 20, epochs: 20, seed: 1, lanes: 3}
YAML
for n in 1 3; do
  accepted ranks $n "$lockstep" train dose.yaml output=numbers --progress=none
  [ -s "$work/err" ] && fail "a word about numbers: $(cat "$work/err")"
  for memory in node stream; do
    accepted ranks $n "$lockstep" train dose.yaml data.file=classes.h5 data.memory=$memory output=classes --progress=none
    same "notes" "$(cat "$work/err")" \
      'lockstep: note: the 6 classes of "target" are numbers (100, 150, 200, ... 350), and mse compares with these'
    same "weights of labels and numbers" "$(hash_of classes)" "$(hash_of numbers)"
  done
done
holds "$(last classes r2) > 0.9" "r2 of doses"
accepted ranks 3 "$lockstep" evaluate classes --json
cp "$work/out" classes.json
accepted ranks 1 "$lockstep" evaluate numbers --json
same "evaluate of labels and numbers" "$(cat classes.json)" "$(cat "$work/out")"
accepted ranks 1 "$lockstep" predict classes -o p.h5
accepted "$lockstep" inspect p.h5 --json
shown '"/predictions"'
grep -q '/classes' "$work/out" && fail "a regression predicts classes"
refused 2 'dose.yaml:3: loss: mse compares numbers.*ham, spam.*cross_entropy.*--label number' \
  "$lockstep" train dose.yaml data.file=kind.h5 output=none
refused 2 'normalize: targets: binary_cross_entropy takes classes' \
  "$lockstep" train dose.yaml data.file=kind.h5 loss=binary_cross_entropy metrics=[accuracy] \
  'data.normalize={targets: standard}' output=none
accepted ranks 1 "$lockstep" train dose.yaml data.file=kind.h5 loss=binary_cross_entropy metrics=[accuracy] output=kind --progress=none
accepted ranks 1 "$lockstep" gradcheck dose.yaml data.file=classes.h5

# --- Two classes: one output is a probability of the second, with the sigmoid in the network or left to
# the loss; so are two outputs, with the softmax.  evaluate and predict say the same of each sample.
awk 'BEGIN { srand(7); print "a,b,kind"; for (i = 0; i < 240; i++) { a = rand(); b = rand();
  printf "%.3f,%.3f,%s\n", a, b, (a > b + 0.15 * rand() ? "spam" : "ham") } }' >spam.csv
accepted "$lockstep" convert csv spam.csv -o spam.h5 --quiet
sed 's/spam/1/; s/ham/0/' spam.csv >bits.csv # the same without names
accepted "$lockstep" convert csv bits.csv -o bits.h5 --label number --quiet
two() { # NAME LOSS LAYER FILE
  cat >"$1.yaml" <<YAML
data: {file: $4, normalize: {inputs: standard}}
model: [{dense: {units: 8, activation: relu}}, {dense: $3}]
loss: $2
optimizer: {adam: {lr: 0.05}}
train: {batch: 30, epochs: 8, seed: 1, lanes: 3}
output: $1
YAML
  accepted ranks 1 "$lockstep" train "$1.yaml" --progress=none
  for n in 1 3; do
    accepted ranks $n "$lockstep" evaluate "$1" --json
    predicted=$(grep -o '"matrix":.*' "$work/out" | tr -c '0-9\n' ' ' | awk '{ print $2 + $4 }')
    [ "$predicted" -gt 40 ] || fail "$1: the network has learnt nothing"
    accepted ranks $n "$lockstep" predict "$1" -o p.h5
    accepted "$lockstep" inspect p.h5 --json
    holds "$(grep -o '"/predictions".*"max":[^,]*' "$work/out" | sed 's/.*://') <= 1" "$1: probabilities"
    holds "$(grep -o '"/predictions".*"min":[^,]*' "$work/out" | sed -E 's/.*"min":([^,]*).*/\1/') >= 0" "$1: probabilities"
    h5dump -d /classes p.h5 >"$work/chosen" 2>/dev/null || fail "$1: no /classes"
    same "$1 at $n ranks: samples of class 1" "$(grep -o '[01]\(,\|$\)' "$work/chosen" | grep -c 1)" "$predicted"
    h5dump -a /predictions/values p.h5 | grep -q '"probabilities"' || fail "$1: values"
  done
}
if command -v h5dump >/dev/null; then
  two inside binary_cross_entropy '{units: 1, activation: sigmoid}' spam.h5
  two left binary_cross_entropy '{units: 1}' spam.h5
  two bits binary_cross_entropy '{units: 1}' bits.h5
  two ends '{binary_cross_entropy: {from_logits: false}}' '{units: 1, activation: sigmoid}' spam.h5
  two softmax cross_entropy '{units: 2}' spam.h5
  same "logits and sigmoid" "$(hash_of inside)" "$(hash_of left)"
  accepted ranks 1 "$lockstep" predict numbers -o p.h5
  h5dump -a /predictions/values p.h5 | grep -q '"numbers"' || fail "a regression's values"
fi

# --- Labels that a loss can't take: what is wrong, and the cure.
awk -F, 'NR == 1 { print } NR > 1 { print $1 "," $2 "," 1 + NR % 3 }' spam.csv >three.csv
accepted "$lockstep" convert csv three.csv -o three.h5 --label number --quiet
for n in 3 2 1; do
  case $n in
    3) pattern='labels are counted from 1, it seems, 1 to 3.*subtract 1'; loss=cross_entropy ;;
    2) pattern='label 3 is not in 0..1, which are the model.s outputs; an output a class'; loss=cross_entropy ;;
    1) pattern='is not a probability.*more are for cross_entropy'; loss=binary_cross_entropy ;;
  esac
  echo "{data: {file: three.h5}, model: [dense: {units: $n}], loss: $loss, optimizer: sgd, train: {batch: 9, epochs: 1}, output: none}" >labels.yaml
  refused 3 "$pattern" "$lockstep" train labels.yaml
done

# --- The same labels in another file than the training's: evaluate refuses what training refuses, and a
# file without names is read by the names of the network.
accepted "$lockstep" convert csv three.csv -o named.h5 --label class --quiet
echo "{data: {file: named.h5}, model: [dense: {units: 3}], loss: cross_entropy, optimizer: adam, train: {batch: 9, epochs: 1, seed: 1, lanes: 3}, output: named}" >named.yaml
accepted ranks 1 "$lockstep" train named.yaml --progress=none
accepted ranks 1 "$lockstep" evaluate named --split all --json
cp "$work/out" named.json
sed 's/,3$/,4/' three.csv >four.csv
awk -F, -v OFS=, 'NR > 1 { $3 -= 1 } { print }' three.csv >zero.csv
awk -F, -v OFS=, 'NR > 1 { $3 /= 2 } { print }' zero.csv >half.csv
for name in four zero half; do accepted "$lockstep" convert csv $name.csv -o $name.h5 --label number --quiet; done
for n in 1 3; do
  accepted ranks $n "$lockstep" evaluate named --data three.h5 --split all --json
  same "by the names of the network, $n ranks" "$(cat "$work/out")" "$(cat named.json)"
  ranks $n "$lockstep" evaluate named --data four.h5 >"$work/out" 2>"$work/err" # a note is before it
  same "code of a class that the network doesn't know, $n ranks" $? 3
  grep -q "4, which none of the network.s 3 classes is called" "$work/err" || fail "an unknown class, $n ranks"
done
sed 's/named/plain/g; s/plain.h5/zero.h5/' named.yaml >zero.yaml
accepted ranks 1 "$lockstep" train zero.yaml --progress=none output=zero
refused 3 'label 3 is not in 0..2' "$lockstep" evaluate zero --data three.h5
refused 3 'label 0.5 is not in 0..2 and no whole number' "$lockstep" evaluate zero --data half.h5
accepted ranks 1 "$lockstep" train zero.yaml --progress=none output=one data.file=half.h5 loss=binary_cross_entropy model.0.dense.units=1
refused 3 'target 2 of output 0 is not a probability' "$lockstep" evaluate one --data zero.h5

finish

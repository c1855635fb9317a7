#!/bin/bash
# Layer-wise rules, the average of weights, schedules in turn and the scaling rule: the same bits on any number
# of ranks and after a resume on another; settings of single tensors; starting from another run.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
train() { accepted "$@" --progress=none; }
# of the values of a checkpoint's tensor; of a run's epoch; of the loss of evaluate
values() { "$lockstep" inspect --json "$1" | grep "\"name\":\"$2\"" | grep -o '"min":.*"mean":[^,]*'; }
epoch() { sed -n "$2p" "$1/metrics.jsonl" | grep -o "\"$3\":[^,]*" | cut -d: -f2; }
scored() { "$lockstep" evaluate "$1" --data data.h5 --split validation --json 2>/dev/null | grep -o '"loss":[^,]*' | cut -d: -f2; }

table 230 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.2
# Tensors that slices cut, and one of more than a block of the sums.
cat >base.yaml <<'YAML'
data: {file: data.h5, normalize: true}
model:
- dense: {units: 70, activation: tanh}
- dense: {units: 30, activation: tanh, name: middle}
- dense: {units: 1}
loss: mse
optimizer: {lamb: {lr: 0.02, weight_decay: 0.01, use_ema: true, ema_momentum: 0.9}}
clip: {norm: 0.5}
schedule: [{linear: {lr: 0.002, end: 0.02, epochs: 1}}, {cosine: {min: 0.001}}]
lr_scale: {base_batch: 16, warmup_epochs: 2}
parameters: [{match: "*/bias", lr_scale: 2}]
train: {batch: 24, epochs: 4, seed: 2, lanes: 6}
bucket_mb: 0.004
YAML

# ---- Ranks
places='2:tree 3:shared 6:tree 6:shared'
[ -z "${LOCKSTEP_TEST_FULL:-}" ] || places+=' 2:shared 3:tree'
for rule in lamb lars; do
  change="optimizer={$rule: {lr: 0.02, weight_decay: 0.01, use_ema: true, ema_momentum: 0.9}}"
  train "$lockstep" train base.yaml output=$rule "$change"
  for place in $places; do
    train ranks "${place%:*}" "$lockstep" train base.yaml output=other exchange="${place#*:}" "$change"
    same "$rule: weights on ranks $place" "$(hash_of other)" "$(hash_of $rule)"
    same "$rule: validation on ranks $place" "$(number other validation_loss)" "$(number $rule validation_loss)"
  done
  # stopped in the middle of an epoch, and taken up on other ranks
  train ranks 2 "$lockstep" train base.yaml output=cut "$change" train.max_steps=13 2>/dev/null
  train ranks 3 "$lockstep" train base.yaml output=cut "$change" --resume
  same "$rule: weights after a resume" "$(hash_of cut)" "$(hash_of $rule)"
  same "$rule: losses after a resume" "$(epoch cut 4 validation_loss)" "$(epoch $rule 4 validation_loss)"
done
[ "$(hash_of lamb)" != "$(hash_of lars)" ] || fail "lamb and lars are the same"

# ---- The average is what validation, evaluate, best.h5 and final.h5 have; a step's checkpoint has both
last=lamb/checkpoints/step-000000000032.h5
same "evaluate final.h5" "$(scored lamb/checkpoints/final.h5)" "$(number lamb validation_loss)"
same "evaluate a step's checkpoint" "$(scored $last)" "$(number lamb validation_loss)"
for tensor in dense_1/weight middle/bias; do
  same "the average in final.h5" "$(values lamb/checkpoints/final.h5 /parameters/$tensor)" "$(values $last /optimizer/ema/$tensor)"
  [ "$(values $last /parameters/$tensor)" != "$(values $last /optimizer/ema/$tensor)" ] || fail "the average is the weights"
done
train "$lockstep" train base.yaml output=plain optimizer.lamb.use_ema=false
same "weights with an average and without" "$(values plain/checkpoints/final.h5 /parameters/middle/weight)" "$(values $last /parameters/middle/weight)"
same "training losses with an average and without" "$(epoch plain 4 loss)" "$(epoch lamb 4 loss)"
[ "$(number plain validation_loss)" != "$(number lamb validation_loss)" ] || fail "validation is not by the average"
early='early_stopping.patience=2 train.epochs=60 schedule=constant optimizer.lamb.lr=0.05'
train ranks 2 "$lockstep" train base.yaml output=early $early
same "evaluate best.h5" "$(scored early/checkpoints/best.h5)" "$(number early best)"
same "evaluate final.h5, which is the best" "$(scored early/checkpoints/final.h5)" "$(number early best)"
best=$(hash_of early)
train "$lockstep" train base.yaml output=early $early --resume
same "the best after a resume" "$(hash_of early)" "$best"
# stopped where an epoch is the best so far
train "$lockstep" train base.yaml output=half $early train.max_steps=24
train ranks 3 "$lockstep" train base.yaml output=half $early --resume
same "the best after a resume in between" "$(hash_of half)" "$best"
# a run that begins to average in its middle, by force: from the weights that it has
refused 2 'optimizer.lamb.use_ema was false and is true' "$lockstep" train base.yaml output=plain train.epochs=5 --resume --progress=none
train "$lockstep" train base.yaml output=plain train.epochs=5 --resume --force
# defaults are no change
train "$lockstep" train base.yaml output=defaults 'lr_scale={}' schedule=cosine train.epochs=1
train "$lockstep" train base.yaml output=defaults 'lr_scale={}' schedule=cosine train.epochs=1 --resume
grep 'resume: ' err && fail "a change is told of where there is none"
awk -v a="$(number plain validation_loss)" -v b="$(epoch lamb 4 validation_loss)" 'BEGIN { exit !(a > 0 && a < 1.5 * b) }' ||
  fail "an average by force: $(number plain validation_loss)"
train "$lockstep" train base.yaml output=lamb optimizer.lamb.ema_momentum=0.5 train.epochs=5 --resume
grep -q 'resume: optimizer.lamb.ema_momentum was 0.9 and is 0.5' "$work/err" || fail "another ema_momentum was not said"

# ---- Settings of tensors
accepted "$lockstep" train base.yaml output=no --dry-run 'parameters=[{match: "*/bias", weight_decay: 0, lr_scale: 0.5}, {match: middle, trainable: false}]'
shown '^dense_1/bias +\[70\] +lr x 0.5, weight_decay 0$'
shown '^middle/weight +\[30, 70\] +frozen$'
shown '^dense_1/weight +\[70, 3\] *$'
train "$lockstep" train base.yaml output=first train.max_steps=1 "optimizer={sgd: {lr: 0.1}}" 'parameters=[{match: dense_3, trainable: false}]'
train ranks 3 "$lockstep" train base.yaml output=frozen "optimizer={sgd: {lr: 0.1}}" 'parameters=[{match: dense_3, trainable: false}]'
same "a frozen tensor" "$(values frozen/checkpoints/final.h5 /parameters/dense_3/weight)" "$(values first/checkpoints/final.h5 /parameters/dense_3/weight)"
[ "$(values frozen/checkpoints/final.h5 /parameters/middle/weight)" != "$(values first/checkpoints/final.h5 /parameters/middle/weight)" ] ||
  fail "nothing moved"
sed 's|"\*/bias"|convolution|' base.yaml >wrong.yaml
refused 2 'wrong.yaml:11: parameters.0.match: "convolution" matches none of the 6 parameters: dense_1/weight, ' "$lockstep" train wrong.yaml output=no
refused 2 'no layer has parameters that are trained' "$lockstep" train base.yaml output=no 'parameters=[{match: "*", trainable: false}]'

# ---- From another run
cat >tune.yaml <<'YAML'
base: base.yaml
parameters: ~
initialize: {from: lamb}
train: {epochs: 2}
YAML
train "$lockstep" train tune.yaml output=all
grep -q '^lockstep: note: initialize: 6 of 6 tensors are taken from lamb$' "$work/err" || fail "not said: $(cat "$work/err")"
wider='model=[{dense: {units: 70, activation: tanh}}, {dense: {units: 30, activation: tanh, name: middle}}, {dense: {units: 9, name: more}}, {dense: {units: 1, name: dense_3}}]'
freeze='initialize={from: lamb/checkpoints/final.h5, match: [dense_1, "middle/*"], freeze: dense_1}'
train "$lockstep" train tune.yaml output=wide "$wider" "$freeze" checkpoint.every_epochs=1 checkpoint.keep=9
grep -q 'initialize: 4 of 8 tensors are taken from lamb/checkpoints/final.h5; not more/weight, more/bias, dense_3/weight, dense_3/bias$' "$work/err" ||
  fail "not said: $(cat "$work/err")"
same "a tensor that was taken and frozen" "$(values wide/checkpoints/final.h5 /parameters/dense_1/weight)" "$(values lamb/checkpoints/final.h5 /parameters/dense_1/weight)"
[ "$(values wide/checkpoints/final.h5 /parameters/middle/weight)" != "$(values lamb/checkpoints/final.h5 /parameters/middle/weight)" ] ||
  fail "what was taken and not frozen did not move"
train "$lockstep" train tune.yaml output=wide1 "$wider" 'initialize={from: lamb}'
grep -qF 'initialize: 5 of 8 tensors are taken from lamb; not more/weight (not there), more/bias (not there), dense_3/weight [1, 9] ([1, 30] there)' "$work/err" ||
  fail "not said: $(cat "$work/err")"
train ranks 3 "$lockstep" train tune.yaml output=wide3 "$wider" "$freeze"
same "from another run, on 3 ranks" "$(hash_of wide3)" "$(hash_of wide)"
refused 2 'tune.yaml:3: initialize.freeze|initialize.freeze: dense_3/weight is not taken from lamb' \
  "$lockstep" train tune.yaml output=no "$wider" 'initialize={from: lamb, freeze: dense_3}'
refused 2 'initialize.match: dense_3/weight \[1, 9\] \(\[1, 30\] there\): can.t be taken from lamb' \
  "$lockstep" train tune.yaml output=no "$wider" 'initialize={from: lamb, match: "*_3/*"}'
refused 2 'initialize.match: more/weight \(not there\)' "$lockstep" train tune.yaml output=no "$wider" 'initialize={from: lamb, match: "*"}'
refused 2 'initialize.match: "nothing" matches none' "$lockstep" train tune.yaml output=no 'initialize={from: lamb, match: nothing}'
refused 2 'initialize.from: lamb has no tensor of a name and shape' "$lockstep" train tune.yaml output=no \
  'model=[{dense: {units: 5, name: other}}, {dense: {units: 1, name: last}}]'
refused 2 'initialize.from: is missing' "$lockstep" train tune.yaml output=no 'initialize={freeze: middle}'
refused 2 'initialize.form: unknown key|did you mean "from"' "$lockstep" train tune.yaml output=no 'initialize={from: lamb, form: x}'
refused 1 'nowhere' "$lockstep" train tune.yaml output=no initialize.from=nowhere
refused 3 'data.h5' "$lockstep" train tune.yaml output=no initialize.from=data.h5
# another normalisation is told
train "$lockstep" train tune.yaml output=raw data.normalize=false
grep -q 'initialize: "input" is not normalised here, and was for lamb' "$work/err" || fail "not said: $(cat "$work/err")"
awk -F, 'NR > 1 { $1 = $1 * 9 } { print }' OFS=, data.csv >scaled.csv
accepted "$lockstep" convert csv scaled.csv -o scaled.h5 --target y --validation 0.2
train "$lockstep" train tune.yaml output=scaled data.file=scaled.h5
grep -q 'initialize: "input" is normalised otherwise than for lamb: number 0' "$work/err" || fail "not said: $(cat "$work/err")"
# a resume has no need of it
train "$lockstep" train tune.yaml output=cut2 "$wider" "$freeze" train.max_steps=9
mv lamb away
train ranks 2 "$lockstep" train tune.yaml output=cut2 "$wider" "$freeze" --resume
same "resumed without the other run" "$(hash_of cut2)" "$(hash_of wide)"
refused 2 'initialize.from was lamb/checkpoints/final.h5 and is plain' "$lockstep" train tune.yaml output=cut2 "$wider" \
  'initialize={from: plain, match: [dense_1, "middle/*"], freeze: dense_1}' --resume

# ---- Schedules and scale
refused 2 'schedule.0.linear: needs epochs or steps' "$lockstep" train base.yaml output=no 'schedule=[linear, cosine]'
refused 2 'one_cycle: the run.s steps must be known' "$lockstep" train base.yaml output=no schedule=one_cycle 'lr_scale=~' train.epochs=0 train.max_seconds=1
refused 2 'warm-up of its own' "$lockstep" train base.yaml output=no 'schedule={cosine: {warmup_steps: 3}}'
train "$lockstep" train base.yaml output=rate schedule=constant 'lr_scale={base_batch: 12, warmup_epochs: 2}' train.epochs=3
same "lr of the epochs" "$(epoch rate 1 lr) $(epoch rate 2 lr) $(epoch rate 3 lr)" "0.02 0.03 0.04"

# ---- Lanes
refused 2 'train.lanes: "ten": it must be auto or a whole number' "$lockstep" train base.yaml output=no train.lanes=ten
refused 2 'train.batch: "most": it must be all or a whole number' "$lockstep" train base.yaml output=no train.batch=most
train "$lockstep" train base.yaml output=lanes train.max_steps=11
train "$lockstep" train base.yaml output=lanes train.lanes=auto --resume
same "lanes kept" "$(number lanes lanes)" 6
train "$lockstep" train base.yaml output=lanes train.lanes=auto train.epochs=6 --resume --force
grep -q 'resume: train.lanes was 6 and is 2, by --force' "$work/err" || fail "auto lanes by force were not said: $(cat "$work/err")"
same "lanes by force" "$(number lanes lanes)" 2
grep -q '"products":"' lanes/summary.json || fail "summary.json doesn't name the products"
finish

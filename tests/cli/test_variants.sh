#!/bin/bash
# One configuration, many runs: variants over a base, null, literal texts, run directories named by settings, the best
# epoch by any value, and what may change when a run is taken up again.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
table 400 >t.csv
accepted "$lockstep" convert csv t.csv -o t.h5 --target y --validation 0.25
awk 'BEGIN { srand(2); print "a,b,kind"; for (i = 0; i < 300; i++) { a = rand(); b = rand(); print a "," b "," (a > b ? "up" : "down") } }' >k.csv
accepted "$lockstep" convert csv k.csv -o k.h5 --target kind --validation 0.3
cat >t.yaml <<'YAML'
data: {file: t.h5, normalize: true}
model: [{dense: {units: 8, activation: relu}}, {dense: {units: 1}}]
loss: {huber: {delta: 2}}
optimizer: {adam: {lr: 0.01, weight_decay: 0.1}}
schedule: cosine
metrics: [mae, r2]
early_stopping: {patience: 50}
train: {batch: 32, epochs: 3, seed: 1}
pictures: false
YAML

# ---- A kind replaces a kind, with all of its options; null takes back; lists replace lists
cat >v.yaml <<'YAML'
base: t.yaml
loss: {log_cosh: {}}
optimizer: {adam: null, sgd: {momentum: 0.5}}
schedule: {exponential: {gamma: 0.5}}
metrics: [rmse]
early_stopping: null
output: v
YAML
accepted "$lockstep" train v.yaml --progress=none
for gone in adam huber delta beta1 cosine mae r2 patience; do
  grep -qw "$gone" v/config.yaml && fail "$gone is left: $(cat v/config.yaml)"
done
for there in sgd log_cosh exponential rmse; do grep -qw "$there" v/config.yaml || fail "$there is not there"; done
printf 'base: t.yaml\noptimizer: {adamw: {lr: 0.02}}\noutput: w\n' >w.yaml
accepted "$lockstep" train w.yaml --progress=none early_stopping=null 'schedule=null'
grep -q 'lr: 0.02' w/config.yaml || fail "adamw: $(cat w/config.yaml)"
grep -qE '\badam:|patience|cosine' w/config.yaml && fail "null on the command line: $(cat w/config.yaml)"
accepted "$lockstep" train t.yaml output=x --progress=none optimizer.adam=null optimizer.sgd.lr=0.1
grep -q 'sgd' x/config.yaml || fail "one kind for another by paths"

# ---- A text on the command line is taken as it stands
name=$'two\nlines #1.h5'
cp t.h5 "$name"
accepted "$lockstep" train t.yaml "data.file=$name" output=$'out\nof' --progress=none
accepted "$lockstep" evaluate $'out\nof' --data "$name" --split validation
accepted "$lockstep" train $'out\nof/config.yaml' output=again --progress=none
same "from config.yaml" "$(hash_of again)" "$(hash_of $'out\nof')"
refused 2 'a line break in quotes' "$lockstep" train t.yaml $'data.file="a\nb"'

# ---- Run directories that are named by settings: a sweep from one configuration
cat >sweep.txt <<'TXT'
optimizer.adam.lr=0.01 train.batch=16
optimizer.adam.lr=0.001 "loss={mse: {}}"
TXT
xargs -L 1 "$lockstep" train t.yaml 'output=s/{name}/{overrides}' --progress=none train.epochs=1 <sweep.txt || fail "the sweep"
same "directories of a sweep" "$(cd s/t && echo *)" \
  "train.epochs=1,optimizer.adam.lr=0.001,loss=_mse_____ train.epochs=1,optimizer.adam.lr=0.01,train.batch=16"
printf 'base: t.yaml\noutput: "n/{optimizer}-{model.0.dense.units}-{schedule}-{train.lanes}{{}}"\n' >n.yaml
sed -i 's/{optimizer}/{loss.huber.delta}/' n.yaml
accepted "$lockstep" train n.yaml train.epochs=1 --progress=none
accepted "$lockstep" train n.yaml train.epochs=2 --progress=none --resume
same "a name by settings" "$(ls n)" '2-8-cosine-auto{}'
same "config.yaml has the name" "$(grep '^output' n/*/config.yaml)" "output: n/2-8-cosine-auto{}"
accepted "$lockstep" train t.yaml 'output={name}-{train.batch}' train.epochs=1 --progress=none
[ -f t-32/summary.json ] || fail "a name that begins with a brace"
refused 2 'output: \{train.bach\}: this configuration has no such setting' "$lockstep" train t.yaml 'output=s/{train.bach}'
refused 2 '\{model\}: is a list' "$lockstep" train t.yaml 'output=s/{model}'
refused 2 'between \{ and \}' "$lockstep" train t.yaml 'output=s/{train'
accepted "$lockstep" train t.yaml 'output=up/{data.file}/x' data.file=../"$(basename "$work")"/t.h5 train.epochs=1 --progress=none
[ -f "up/_.._$(basename "$work")_t.h5/x/summary.json" ] || fail "a path in a name: $(find up)"

# ---- The best epoch by any value
best_of() { # RUN NAME ORDER: the epoch whose value is the first in that order
  grep '"type":"epoch"' "$1/metrics.jsonl" | sed -E "s/.*\"epoch\":([0-9]+).*[{,]\"$2\":([^,]*),.*/\2 \1/" | sort -s -k1,1$3 | head -1 | cut -d' ' -f2
}
cat >k.yaml <<'YAML'
data: {file: k.h5, normalize: true}
model: [{dense: {units: 8, activation: relu}}, {dense: {units: 2}}]
loss: cross_entropy
metrics: [accuracy, auc]
optimizer: {sgd: {lr: 0.3}}
train: {batch: 16, epochs: 12, seed: 2}
pictures: false
YAML
for n in 1 2; do
  accepted ranks $n "$lockstep" train k.yaml output=acc$n early_stopping.monitor=validation_accuracy early_stopping.patience=4
  best=$(best_of acc$n validation_accuracy gr)
  same "the best by accuracy, on $n" "$(number acc$n best_epoch)" "$best"
  shown "^best epoch $best, validation_accuracy [0-9.]+: the weights are those"
done
same "on any number of ranks" "$(hash_of acc1)" "$(hash_of acc2)"
grep -q '"monitor":"validation_accuracy"' acc1/summary.json || fail "the summary names the monitor"
same "final.h5 is the best" "$("$lockstep" evaluate acc1 --split validation --json | grep -o '"accuracy":[^,}]*')" "\"accuracy\":$(number acc1 best)"
# resumed in the middle: the same end
early="early_stopping.monitor=validation_accuracy early_stopping.patience=4"
accepted "$lockstep" train k.yaml output=cut $early train.max_steps=40 --progress=none
accepted "$lockstep" train k.yaml output=cut $early train.max_steps=0 --resume --progress=none
same "resumed" "$(hash_of cut) $(number cut best_epoch)" "$(hash_of acc1) $(number acc1 best_epoch)"
# another monitor: looked for anew; and it is said
accepted "$lockstep" train k.yaml output=cut early_stopping.monitor=validation_loss early_stopping.patience=30 train.epochs=20 --resume
grep -q 'was the best by validation_accuracy: by validation_loss it is looked for anew' "$work/err" || fail "another monitor: $(cat "$work/err")"
# lower is better of a mae, and mode turns it round
accepted "$lockstep" train t.yaml output=mae train.monitor=validation_mae train.epochs=6 early_stopping=null checkpoint.best=true
same "the lowest mae" "$(number mae best_epoch)" "$(best_of mae validation_mae g)"
[ -f mae/checkpoints/best.h5 ] || fail "checkpoint.best"
accepted "$lockstep" train t.yaml output=max early_stopping.monitor=validation_mae early_stopping.mode=max train.epochs=6
same "mode: max" "$(number max best_epoch)" "$(best_of max validation_mae gr)"
refused 2 'monitor: "validation_f1" is not computed.  This run computes: validation_loss, validation_accuracy, validation_auc, loss, accuracy; more by' \
  "$lockstep" train k.yaml early_stopping.monitor=validation_f1
refused 2 '"auc" is not computed' "$lockstep" train k.yaml train.monitor=auc
refused 2 'did you mean validation_accuracy' "$lockstep" train k.yaml train.monitor=val_acc
refused 2 'one thing is monitored' "$lockstep" train k.yaml train.monitor=loss early_stopping.monitor=accuracy
printf 'a,b,y\n1,2,3\n2,3,4\n3,4,6\n' >few.csv
accepted "$lockstep" convert csv few.csv -o few.h5 --target y
refused 2 'there is no validation part' "$lockstep" train t.yaml data.file=few.h5 early_stopping.monitor=validation_mae
accepted "$lockstep" train t.yaml data.file=few.h5 early_stopping=null output=few
shown '^best epoch [0-9]+, loss '

# ---- More epochs for a run that was done: from its last checkpoint, and the schedule's leap is said
accepted "$lockstep" train t.yaml output=more early_stopping=null --progress=none
accepted "$lockstep" train t.yaml output=more early_stopping=null train.epochs=6 --resume
grep -q 'resume: train.epochs was 3 and is 6' "$work/err" || fail "more epochs: $(cat "$work/err")"
grep -qE 'the schedule went over [0-9]+ steps and goes over [0-9]+: the learning rate was [0-9.e-]+ at step [0-9]+ and is 0.005' "$work/err" ||
  fail "the schedule's leap: $(cat "$work/err")"
shown '^epoch 4/6 '
same "epochs" "$(number more epochs)" 6

# ---- `initialize` has done its work once there is a checkpoint
accepted "$lockstep" train t.yaml output=tuned initialize.from=more early_stopping=null --progress=none
mv more elsewhere
accepted "$lockstep" train t.yaml output=tuned initialize.from=more early_stopping=null train.epochs=4 --resume --progress=none
accepted "$lockstep" train t.yaml output=tuned early_stopping=null train.epochs=5 --resume --progress=none
same "epochs without initialize" "$(number tuned epochs)" 5
accepted "$lockstep" train t.yaml output=frozen initialize.from=elsewhere 'initialize.freeze="dense_1/*"' early_stopping=null --progress=none
refused 2 'initialize.freeze was given and is not given' "$lockstep" train t.yaml output=frozen early_stopping=null train.epochs=4 --resume

finish

#!/bin/bash
# Files that are whole and still not what they should be: best.h5 and final.h5 of another run of the same network,
# a checkpoint from elsewhere without its normalisation, NaN in what the optimizer keeps, huge weights.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
change=$LOCKSTEP_BUILD/tests/fault/change
table 230 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.2
cat >k.yaml <<'YAML'
data: {file: data.h5, normalize: true}
model: [{dense: {units: 12, activation: tanh}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.1}}
train: {batch: 20, epochs: 40, seed: 2, lanes: 4}
early_stopping: {patience: 5}
checkpoint: {every_steps: 10, keep: 100}
pictures: false
exchange: tree
YAML
train() { "$lockstep" train k.yaml --progress=none "$@"; }
resume() {
  local n=$1 run=$2
  shift 2
  accepted ranks "$n" "$lockstep" train k.yaml --progress=none --resume "output=$run" "$@"
}
copy() { rm -rf "$2" "$2".*; cp -rp "$1" "$2"; }
said() { grep -Eq "$1" "$work/err" || { fail "nothing like /$1/ was said:"; sed 's/^/  | /' "$work/err"; }; }
unsaid() { ! grep -q "another run\|which run" "$work/err" || { fail "$1: something was said:"; sed 's/^/  | /' "$work/err"; }; }
network() { "$lockstep" evaluate "$1" --split validation 2>&1; }
run_of() { grep -o '"run":"[0-9a-f]*"' "$1/summary.json"; }
unsealed() { tail -c +513 "$1" >"$1.bare" && mv "$1.bare" "$1"; }

accepted train output=whole
accepted train output=other train.seed=3 train.epochs=10
whole=$(hash_of whole) last=$(number whole steps) id=$(run_of whole)
accepted train output=stopped train.max_steps=$((last - 3))

# A number for a run: the same on any number of ranks and in any place, another with another seed or data.
accepted ranks 3 "$lockstep" train k.yaml --progress=none output=again
same "the run's number on 3 ranks" "$(run_of again) $(hash_of again)" "$id $whole"
[ -n "$id" ] && [ "$(run_of other)" != "$id" ] || fail "another seed: $(run_of other), and $id"
sed 's/0\.9/0.8/' data.csv >data2.csv
accepted "$lockstep" convert csv data2.csv -o data2.h5 --target y --validation 0.2
accepted train output=data data.file=data2.h5 train.epochs=1
[ "$(run_of data)" != "$id" ] || fail "other data: the same number"
copy stopped moved
resume 1 moved
unsaid "resumed elsewhere"
same "resumed elsewhere" "$(run_of moved) $(hash_of moved)" "$(run_of stopped) $whole"

for n in 1 3; do
  # another run's best.h5, in a run that goes on
  copy stopped run
  cp other/checkpoints/best.h5 run/checkpoints/best.h5
  foreign=$(cksum <run/checkpoints/best.h5)
  resume $n run
  said "early_stopping: run/checkpoints/best.h5: is of another run .*is taken from the checkpoint of that epoch"
  same "$n ranks, another's best.h5" "$(hash_of run) $(cksum <run/checkpoints/best.h5.foreign)" "$whole $foreign"
  same "$n ranks, best.h5 anew" "$(network run/checkpoints/best.h5)" "$(network whole/checkpoints/best.h5)"
  # another run's final.h5, in a run that goes on, and in one that is done
  for of in stopped whole; do
    copy $of run
    cp other/checkpoints/final.h5 run/checkpoints/final.h5
    foreign=$(cksum <run/checkpoints/final.h5)
    resume $n run
    said "run/checkpoints/final.h5: is of another run"
    same "$n ranks, another's final.h5, $of" "$(hash_of run) $(cksum <run/checkpoints/final.h5.foreign)" "$whole $foreign"
    same "$n ranks, final.h5 anew, $of" "$(network run/checkpoints/final.h5)" "$(network whole/checkpoints/final.h5)"
    resume $n run
    unsaid "$n ranks, once more"
  done
done
# this run's own, of an epoch that is not the best
accepted train output=twice train.max_steps=20
cp -p twice/checkpoints/best.h5 early.h5
accepted train output=twice train.max_steps=$((last - 3)) --resume
cp early.h5 twice/checkpoints/best.h5
foreign=$(cksum <early.h5)
resume 1 twice
same "an earlier best.h5 is kept" "$(cksum <twice/checkpoints/best.h5.foreign)" "$foreign"
said "early_stopping: twice/checkpoints/best.h5: is of epoch [12]; .*is taken from the checkpoint of that epoch"
same "an earlier best.h5" "$(hash_of twice)" "$whole"
# one that an older lockstep wrote
copy stopped run
unsealed run/checkpoints/best.h5
"$change" run/checkpoints/best.h5 forget run || fail "the attribute run can't be removed"
resume 1 run
said "run/checkpoints/best.h5 does not say which run it is of"
same "an old best.h5" "$(hash_of run) $(grep -c "which run" "$work/err")" "$whole 1"

# ---- from elsewhere ----
cp whole/checkpoints/final.h5 bare.h5
unsealed bare.h5
accepted "$lockstep" evaluate bare.h5 --split validation --data data.h5
"$change" bare.h5 remove /normalization || fail "the normalisation can't be removed"
refused 3 'bare.h5: /normalization has that of 0 inputs and outputs, and the attribute normalized says 2' \
  "$lockstep" evaluate bare.h5 --split validation --data data.h5
"$change" bare.h5 forget normalized
refused 3 'bare.h5: data.normalize of its configuration says .*there is no /normalization' \
  "$lockstep" evaluate bare.h5 --split validation --data data.h5
accepted train output=plain data.normalize=false train.epochs=2
cp plain/checkpoints/final.h5 bare.h5
unsealed bare.h5
"$change" bare.h5 forget normalized
accepted "$lockstep" evaluate bare.h5 --split validation --data data.h5

# ---- a weight that is finite, and no weight ----
cp whole/checkpoints/final.h5 bare.h5
unsealed bare.h5
accepted "$lockstep" evaluate bare.h5 --split validation --data data.h5
same "usual weights" "$(grep -c warning "$work/err")" 0
"$change" bare.h5 first /parameters/dense_1/bias 3e31
for n in 1 3; do
  accepted ranks $n "$lockstep" evaluate bare.h5 --split validation --data data.h5
  same "a huge weight on $n" "$(grep -c 'warning: bare.h5: weights of dense_1/bias are as large as 3e+31' "$work/err")" 1
done
accepted train output=huge initialize.from=bare.h5 train.epochs=1
said "warning: this run's network: weights of dense_1/bias are as large as 3e.31"

copy stopped run
newest=$(ls run/checkpoints/step-* | tail -1)
find run/checkpoints -name 'step-*' ! -name "$(basename "$newest")" -delete
unsealed "$newest"
"$change" "$newest" first /optimizer/exp_avg/dense_1/weight nan || fail "NaN can't be written"
refused 3 "$newest: /optimizer/exp_avg/dense_1/weight holds NaN" "$lockstep" train k.yaml --progress=none output=run --resume
finish

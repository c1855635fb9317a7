#!/bin/bash
# Where a run may be taken up again: finished ones, ones with other settings, ones that lost files.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
epochs_in() { grep -c '"type":"epoch"' "$1/metrics.jsonl"; }
train() { accepted "$@" --progress=none; }

table 230 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.2
cat >base.yaml <<'YAML'
data: {file: data.h5, normalize: true, shuffle_window: 0.0005}
model:
- dense: {units: 12, activation: tanh}
- dropout: {rate: 0.1}
- dense: {units: 1}
loss: mse
optimizer: {adam: {lr: 0.02}}
train: {batch: 20, epochs: 6, seed: 2, lanes: 4}
exchange: tree
YAML

# a finished run ends at once and keeps what it had
train ranks 2 "$lockstep" train base.yaml output=done
before=$(hash_of done) loss=$(number done loss) validation=$(number done validation_loss)
train ranks 1 "$lockstep" train base.yaml output=done --resume
same "weights of a finished run" "$(hash_of done)" "$before"
same "loss of a finished run" "$(number done loss)" "$loss"
same "validation loss of a finished run" "$(number done validation_loss)" "$validation"
same "epochs of a finished run" "$(epochs_in done)" 6
# more epochs: the same as in one go; meanwhile there is no old final.h5 to be mistaken for the new
train ranks 1 "$lockstep" train base.yaml output=long train.epochs=9
train ranks 3 "$lockstep" train base.yaml output=done train.epochs=9 --resume
same "three epochs more" "$(hash_of done)" "$(hash_of long)"
same "epochs after three more" "$(epochs_in done)" 9
train ranks 1 "$lockstep" train base.yaml output=done train.epochs=20 train.max_steps=95 --resume
cmp -s done/checkpoints/final.h5 long/checkpoints/final.h5 && fail "final.h5 is the one of an earlier end"

# stopped at a target: not a step more after a resume
train ranks 2 "$lockstep" train base.yaml output=target train.epochs=100 train.target_loss=0.3
before=$(hash_of target) steps=$(number target steps)
[ "$steps" -lt 900 ] || fail "target_loss was never reached"
train ranks 1 "$lockstep" train base.yaml output=target train.epochs=100 train.target_loss=0.3 --resume
same "weights at the target" "$(hash_of target) $(number target steps)" "$before $steps"

# max_steps at an epoch's end, in its middle, then on
steps_an_epoch=$(($(number long steps) / 9))
train ranks 2 "$lockstep" train base.yaml output=edge train.max_steps=$((2 * steps_an_epoch))
same "epochs at max_steps" "$(epochs_in edge)" 2
train ranks 2 "$lockstep" train base.yaml output=edge train.max_steps=$((2 * steps_an_epoch + 3)) --resume
train ranks 3 "$lockstep" train base.yaml output=edge train.epochs=9 --resume
same "stopped at an epoch's end and in the middle" "$(hash_of edge)" "$(hash_of long)"
same "metrics of both" "$(grep -o '"loss":[^,]*,"mae":[^,]*,' edge/metrics.jsonl | md5sum)" \
  "$(grep -o '"loss":[^,]*,"mae":[^,]*,' long/metrics.jsonl | md5sum)"

# other lanes and batch, by force, exchange and place of the data in the middle of an epoch: it goes on, and the
# loss of that epoch is still about what it is without the change
for change in train.lanes=7 train.batch=9 exchange=mpi data.memory=stream \
  'train.batch=9 data.memory=stream' 'train.lanes=3 data.memory=stream' 'metrics=[rmse]'; do
  rm -rf other
  train ranks 1 "$lockstep" train base.yaml output=other train.max_steps=$((2 * steps_an_epoch + 7))
  train ranks 3 "$lockstep" train base.yaml output=other train.epochs=3 $change --resume --force
  loss=$(number other loss)
  awk -v a="$loss" -v b="$(sed -n 3p long/metrics.jsonl | grep -o '"loss":[^,]*' | cut -d: -f2)" \
    'BEGIN { exit !(a > 0.8 * b && a < 1.25 * b) }' || fail "$change: the loss of the epoch is $loss"
done

# without force lanes and batch stay, and it is said what changes
train ranks 1 "$lockstep" train base.yaml output=kept train.max_steps=$((2 * steps_an_epoch + 7))
refused 2 'train.lanes was 4 and is 7' "$lockstep" train base.yaml output=kept train.lanes=7 --resume --progress=none
refused 2 'train.batch was 20 and is 9.*middle of an epoch' "$lockstep" train base.yaml output=kept train.batch=9 --resume --progress=none
train ranks 2 "$lockstep" train base.yaml output=kept train.max_steps=$((3 * steps_an_epoch)) --resume
grep -q 'resume: train.max_steps was .* and is ' "$work/err" || fail "another max_steps was not said"
train ranks 2 "$lockstep" train base.yaml output=kept train.epochs=5 train.batch=23 --resume
grep -q 'resume: train.batch was 20 and is 23' "$work/err" || fail "another batch after an epoch was not said"

# early stopping: the best network, after a resume too, and never another one in its place
early='early_stopping.patience=4 early_stopping.min_delta=0.001 train.epochs=200 optimizer.adam.lr=0.1'
train ranks 2 "$lockstep" train base.yaml output=early $early
best=$(hash_of early)
train ranks 1 "$lockstep" train base.yaml output=early $early --resume
same "early stopping, resumed at the end" "$(hash_of early)" "$best"
total=$(number early steps)
for cut in $((total - 3)) $((total - 2 * steps_an_epoch)) $((steps_an_epoch / 2)); do
  rm -rf parts
  train ranks 3 "$lockstep" train base.yaml output=parts $early train.max_steps=$cut
  train ranks 2 "$lockstep" train base.yaml output=parts $early --resume
  same "early stopping, resumed at step $cut" "$(hash_of parts) $(number parts steps)" "$best $total"
done
rm -rf parts
train ranks 1 "$lockstep" train base.yaml output=parts $early train.max_steps=$((total - 3))
rm parts/checkpoints/best.h5 # tests/fault/test_keeps.sh has more of these
train ranks 2 "$lockstep" train base.yaml output=parts $early --resume
same "early stopping, resumed without best.h5" "$(hash_of parts) $(number parts steps)" "$best $total"

# reduce_on_plateau goes on where it was, and watches what it is told to
plateau='train.epochs=25 schedule.reduce_on_plateau.patience=1 schedule.reduce_on_plateau.factor=0.5 schedule.reduce_on_plateau.min_delta=0.01 schedule.reduce_on_plateau.monitor=loss'
train ranks 1 "$lockstep" train base.yaml output=plateau $plateau
rm -rf parts
train ranks 3 "$lockstep" train base.yaml output=parts $plateau train.max_steps=$((17 * steps_an_epoch + 2))
train ranks 1 "$lockstep" train base.yaml output=parts $plateau --resume
same "reduce_on_plateau, resumed" "$(hash_of parts)" "$(hash_of plateau)"
train ranks 1 "$lockstep" train base.yaml output=other2 ${plateau/=loss/=validation_loss}
[ "$(hash_of other2)" != "$(hash_of plateau)" ] || fail "reduce_on_plateau: monitor changes nothing"
refused 2 'monitor' "$lockstep" train base.yaml output=other3 data.inputs=/train/x data.targets=/train/y \
  ${plateau/=loss/=validation_loss}

# a newer damaged checkpoint does not hide the good ones, and gets another name
rm -rf parts
train ranks 2 "$lockstep" train base.yaml output=parts train.epochs=9 train.max_steps=40 checkpoint.every_steps=10 checkpoint.keep=2
same "checkpoints kept" "$(ls parts/checkpoints | tr '\n' ' ')" "final.h5 step-000000000030.h5 step-000000000040.h5 "
echo damaged >parts/checkpoints/step-000000000400.h5
echo rest >parts/checkpoints/step-000000000040.h5.4242.tmp
train ranks 2 "$lockstep" train base.yaml output=parts train.epochs=9 checkpoint.keep=1 --resume
same "resumed beside a damaged one" "$(hash_of parts)" "$(hash_of long)"
same "checkpoints kept" "$(ls parts/checkpoints | tr '\n' ' ')" \
  "final.h5 step-000000000$(number parts steps | sed 's/^/00/;s/^.*\(...\)$/\1/').h5 step-000000000400.h5.damaged "
# damage in the optimizer's state is damage, too: two thirds of this network's checkpoint are that
rm -rf parts
large='model.0.dense.units=2000 train.epochs=3 checkpoint.every_steps=10'
train ranks 1 "$lockstep" train base.yaml output=large $large
train ranks 2 "$lockstep" train base.yaml output=parts $large train.max_steps=20
newest=parts/checkpoints/step-000000000020.h5
printf '\377\377\377' | dd of=$newest bs=1 seek=$(($(stat -c %s $newest) * 4 / 5)) conv=notrunc 2>/dev/null
train ranks 2 "$lockstep" train base.yaml output=parts $large --resume
grep -q 'passing over.*checksum does not fit' "$work/err" || fail "damaged state of the optimizer was not noticed"
same "resumed beside damaged state" "$(hash_of parts)" "$(hash_of large)"

# more lanes than samples in a batch, more ranks than lanes, fewer samples than ranks, all in one batch
wide='train.lanes=9 train.batch=4 train.epochs=2'
train ranks 1 "$lockstep" train base.yaml output=wide1 $wide
train ranks 3 "$lockstep" train base.yaml output=wide3 $wide data.memory=stream
same "more lanes than samples" "$(hash_of wide3)" "$(hash_of wide1)"
few='train.lanes=2 train.batch=all data.limit=2 train.epochs=3 exchange=shared'
train ranks 1 "$lockstep" train base.yaml output=few1 $few
train ranks 4 "$lockstep" train base.yaml output=few4 $few
train ranks 4 "$lockstep" train base.yaml output=few5 ${few/=shared/=tree} data.memory=stream
same "fewer samples than ranks" "$(hash_of few4) $(hash_of few5)" "$(hash_of few1) $(hash_of few1)"
# the inputs as targets, of a loss that looks at its targets
train ranks 2 "$lockstep" train base.yaml output=auto data.inputs=/train/x data.targets=inputs data.normalize=false \
  model.2.dense.units=3 loss=binary_cross_entropy train.epochs=1
# only what evaluate reads may be overridden, and that is
accepted "$lockstep" evaluate done --split validation 'metrics=[r2]'
shown ' r2 '
refused 2 'train.epochs' "$lockstep" evaluate done --split validation train.epochs=3

# a limit in seconds alone, and no limit at all
train ranks 2 "$lockstep" train base.yaml output=timed train.epochs=0 train.max_seconds=0.5
[ "$(number timed steps)" -gt 0 ] || fail "epochs: 0 with max_seconds trained nothing"
refused 2 'epochs' "$lockstep" train base.yaml output=endless train.epochs=0

# two runs into one directory; the first is not disturbed
train ranks 1 "$lockstep" train base.yaml output=shared train.epochs=1
"$lockstep" train base.yaml output=shared train.epochs=100000 --progress=none --resume >first.out 2>&1 &
first=$!
for i in $(seq 100); do [ "$(epochs_in shared)" -gt 1 ] && break; sleep 0.05; done
refused 1 'shared.*another run' "$lockstep" train base.yaml output=shared --progress=none
refused 1 'shared.*another run' "$lockstep" train base.yaml output=shared --progress=none --resume
kill -TERM $first
wait $first
same "exit code of the first of two runs" $? 75
[ -e shared.1 ] && fail "a running run was moved"

# paths: spaces, other scripts, a slash at the end, too long ones
train ranks 2 "$lockstep" train base.yaml 'output="Läufe und Übungen/eins/"'
train ranks 2 "$lockstep" train base.yaml 'output="Läufe und Übungen/eins/"'
[ -e "Läufe und Übungen/eins.1/summary.json" ] || fail "a run in a folder with spaces was not moved aside"
accepted ranks 2 "$lockstep" evaluate "Läufe und Übungen/eins" --split validation
long=$(printf 'x%.0s' $(seq 200))
deep=$long/$long/$long/$long
train ranks 1 "$lockstep" train base.yaml output=$deep train.epochs=1
accepted "$lockstep" evaluate $deep --split validation
deep=$deep/$deep/$deep/$deep/$deep
refused 2 'output.*too long' "$lockstep" train base.yaml output=$deep --progress=none
finish

#!/bin/bash
# Messages that lead to the cure: names that Keras and PyTorch use, settings in the wrong place or given
# as options, files in the place of others, another optimizer over that of a base.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
table 40 >d.csv
accepted "$lockstep" convert csv d.csv -o d.h5 --target y --quiet
cat >c.yaml <<'YAML'
data: {file: d.h5}
model: [{dense: {units: 2, activation: relu}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.01}}
early_stopping: {patience: 3, monitor: loss}
train: {batch: 20, epochs: 3, seed: 1}
output: run
YAML
accepted "$lockstep" train c.yaml --progress=none

# says WORDS COMMAND...: code 2, and one line with these words in it.
says() {
  local words=$1 got
  shift
  "$lockstep" "$@" >out 2>err </dev/null
  got=$?
  [ $got = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -qF -- "$words" err ||
    fail "$*: code $got, wanted 2 and \"$words\" in: $(cat err)"
}

while IFS='|' read -r setting meant; do
  says "$meant" train c.yaml output=no "$setting"
done <<'END'
model.0.dense.activation=ReLU|did you mean "relu"?
model.0.dense.activation=Sigmoid|did you mean "sigmoid"?
model.0.dense.activation=swish|did you mean "silu"?
model.0.dense.activation=Linear|did you mean "linear"?
model.0.dense.hidden=3|did you mean "units"?
model.0.dense.neurons=3|did you mean "units"?
model.0.dense.out_features=3|did you mean "units"?
model.0.dense.kernel_initializer=xavier_uniform|did you mean "glorot_uniform"?
model.0={dens: {units: 3}}|did you mean "dense"?
model.0={Linear: {units: 3}}|did you mean "dense"?
model.0={fc: {units: 3}}|did you mean "dense"?
model.0={dense: {neurons: 3}}|units: is missing, it must be a whole number; is "neurons" meant for it?
model.0={MaxPooling2D: {}}|did you mean "max_pool2d"?
model.0={MaxPool2d: {stride: 2}}|did you mean "max_pool2d"?
model.0={GlobalAveragePooling2D: {}}|did you mean "global_avg_pool"?
model.0={UpSampling2D: {}}|did you mean "upsample"?
model.0={ZeroPadding2D: {}}|did you mean "pad"?
model.0={pad: {mode: circular}}|did you mean periodic?
model.0={pad: {mode: replicate}}|did you mean edge?
model.0.dense.activation=Hardswish|did you mean "hard_swish"?
model.0={dropout: {p: 0.1}}|rate: is missing, it must be a number; is "p" meant for it?
model.0={linear: {out_features: 3}}|did you mean "model.N.dense.units"?
optimizer=Adam|did you mean "adam"?
optimizer=AdamW|did you mean "adamw"?
optimizer.adam.learning_rate=0.1|did you mean "lr"?
optimizer.adam.epsilon=0.1|did you mean "eps"?
loss=Cross_Entropy|did you mean "cross_entropy"?
loss=CrossEntropyLoss|did you mean "cross_entropy"?
loss=categorical_crossentropy|did you mean "cross_entropy"?
loss=sparse_categorical_crossentropy|did you mean "cross_entropy"?
loss=BCEWithLogitsLoss|did you mean "binary_cross_entropy"?
loss=MSELoss|did you mean "mse"?
loss=mean_squared_error|did you mean "mse"?
metrics=[acc]|did you mean "accuracy"?
schedule=CosineAnnealingLR|did you mean "cosine"?
lr_scheduler=cosine|did you mean "schedule"?
criterion=mse|did you mean "loss"?
layers=[]|did you mean "model"?
early_stopping.monitor=val_loss|did you mean validation_loss?
train.batch_size=3|did you mean "batch"?
train.epoch=3|did you mean "epochs"?
train.lr=0.1|did you mean "optimizer.NAME.lr"?
learning_rate=0.1|did you mean "optimizer.NAME.lr"?
epochs=3|did you mean "train.epochs"?
batch_size=3|did you mean "train.batch"?
random_state=3|did you mean "train.seed"?
hidden=3|did you mean "model.N.dense.units"?
data.validation_split=0.2|did you mean "data.split.validation"?
data.X=/a|did you mean "inputs"?
END
says 'output: is empty, it must be a directory, or none' train c.yaml "output=''"
# no other spelling is accepted
[ -e no ] && fail "one of these was trained"

says 'given as train.epochs=3;' train c.yaml --epochs 3
says 'given as train.epochs=3;' train --epochs=3 c.yaml
says 'given as train.epochs=VALUE;' train c.yaml --epochs
says 'given as train.epochs=VALUE;' train c.yaml --epochs output=x
says 'given as optimizer.NAME.lr=0.1;' train c.yaml --lr 0.1
says 'given as optimizer.NAME.lr=0.1;' train c.yaml --learning-rate=0.1
says 'given as train.batch=8;' train c.yaml --batch-size 8
says 'given as output=X;' train c.yaml --output X
says 'given as output=DIRECTORY;' train c.yaml -o X
says 'given as watchdog=9;' train c.yaml --watchdog 9
says 'given as data.file=d.h5;' gradcheck c.yaml --file d.h5
says 'did you mean --resume?' train c.yaml --ressume
says 'there is no option --workers;' train c.yaml --workers 3

says 'lockstep train c.yaml?' c.yaml
says 'lockstep init d.h5 or lockstep inspect d.h5?' d.h5
says 'lockstep init d.csv -o d.yaml' d.csv
says 'lockstep init d.csv -o d.yaml writes one' train d.csv
says 'lockstep convert csv d.csv -o d.h5?' d.csv
says 'lockstep convert npy a/b.npy.gz -o b.h5?' a/b.npy.gz
says 'data: {file: d.h5}' train d.h5
cp d.h5 data
says 'data: {file: data}' train data
says 'lockstep convert csv d.csv -o d.h5' train d.csv
says 'lockstep convert csv d.csv -o d.h5' gradcheck d.csv
says 'its configuration is run/config.yaml' train run
says 'runs/c' evaluate c.yaml
says 'run directory' predict c.yaml -o p.h5
says '--data FILE (an HDF5 file, or a table' evaluate d.csv
for name in x.csv x.txt x.json x.npy.gz x.parquet; do
  [ $name = x.csv ] || says 'name it .csv or .tsv' predict run -o $name
  says 'an HDF5 file; name it so, as in -o x.h5' convert csv d.csv -o $name
done
says '-o: the name of a file is wanted' predict run -o ''
[ -n "$(ls x.* 2>/dev/null)" ] && fail "made $(ls x.*)"
# any name will do for a configuration, a run or a file to make
cp c.yaml c.txt
accepted "$lockstep" train c.txt output=odd.csv --progress=none
accepted "$lockstep" evaluate odd.csv --split all
accepted "$lockstep" predict odd.csv -o predicted

# a base, and another optimizer, loss or schedule
for over in 'optimizer: {sgd: {lr: 0.1}}' 'loss: {huber: {delta: 0.5}}' 'schedule: {cosine: {min: 0.1}}' 'optimizer: sgd'; do
  printf 'base: kinds.yaml\noutput: other\n%s\n' "$over" >other.yaml
  printf 'base: c.yaml\nloss: {mae: {}}\nschedule: {exponential: {gamma: 0.9}}\n' >kinds.yaml
  accepted "$lockstep" train other.yaml --progress=none
done
printf 'base: c.yaml\noutput: same\noptimizer: {adam: {beta1: 0.8}}\n' >same.yaml
accepted "$lockstep" train same.yaml --progress=none
grep -q 'lr: 0.01' same/config.yaml || fail "the same optimizer lost the base's lr"
finish

#!/bin/bash
# Networks of nested blocks, from the configuration to predictions: trained on 1, 2 and 3 ranks, saved in
# the middle and taken up again, inspected, scored, predicted from, with outputs that are inside; the same
# bits as the network without blocks.  And a checkpoint from before there were blocks is taken up.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
table 150 >table.csv
accepted "$lockstep" convert csv table.csv -o table.h5 --target y --test 0.2 --quiet

cat >nested.yaml <<'YAML'
data: {file: table.h5, normalize: true}
model:
- dense: {units: 8, activation: relu}
- repeat:
    times: 2
    name: stage
    layers:
    - residual:
        layers: [{dense: {units: 8, activation: relu}}, {dropout: {rate: 0.1}}, {dense: {units: 8}}]
        activation: relu
    - repeat: {times: 2, layers: [{residual: {layers: [{dense: {units: 8, activation: tanh}}]}}]}
- residual: {name: down, layers: [{dense: {units: 4}}], shortcut: [{dense: {units: 4}}], activation: relu}
- parallel: {branches: [[{dense: {units: 3, activation: gelu}}], [linear]], activation: silu}
- dense: {units: 1}
loss: mse
optimizer: {adam: {lr: 0.01}}
metrics: [mae]
train: {batch: 24, epochs: 4, seed: 3, lanes: 6}
checkpoint: {every_steps: 7, keep: 20}
YAML
cat >flat.yaml <<'YAML'
base: nested.yaml
model:
- dense: {units: 8, activation: relu, name: x0}
- dense: {units: 8, activation: relu}
- dropout: {rate: 0.1}
- dense: {units: 8, name: f0}
- add: {from: [f0, x0], activation: relu, name: x1}
- dense: {units: 8, activation: tanh, name: f1}
- add: {from: [f1, x1], name: x2}
- dense: {units: 8, activation: tanh, name: f2}
- add: {from: [f2, x2], name: x3}
- dense: {units: 8, activation: relu}
- dropout: {rate: 0.1}
- dense: {units: 8, name: f3}
- add: {from: [f3, x3], activation: relu, name: x4}
- dense: {units: 8, activation: tanh, name: f4}
- add: {from: [f4, x4], name: x5}
- dense: {units: 8, activation: tanh, name: f5}
- add: {from: [f5, x5], name: x6}
- dense: {units: 4, name: f6}
- dense: {units: 4, name: s6, from: x6}
- add: {from: [f6, s6], activation: relu, name: x7}
- dense: {units: 3, activation: gelu, name: f7}
- concatenate: {from: [f7, x7], activation: silu}
- dense: {units: 1}
YAML

# ---- What is shown before
accepted "$lockstep" train nested.yaml --dry-run
for row in 'stage_1/residual_1/dense_1 +dense +\[8\] +72' 'stage_2/block_2/residual_1/dense_1_tanh +tanh' \
  'stage_1/residual_1 +add' 'stage_1/residual_1_relu +relu' 'down/shortcut/dense_1 +dense +\[4\] +36' \
  'parallel_1/branch_2/linear_1 +linear' 'parallel_1 +concatenate +\[7\]'; do
  shown "^$row"
done
wide=$(grep -E '^(dense_1|stage|down|parallel)' out | awk '{ match($0, / +/); print RSTART + RLENGTH }' | sort -u | wc -l)
same "columns of the table that begin at different places" "$wide" 1
accepted "$lockstep" gradcheck nested.yaml
shown '^stage_2/block_2/residual_1/dense_1/weight +64 '
accepted "$lockstep" help model.1.repeat.layers.0.residual.shortcut
shown '^block.residual.shortcut'

# ---- Trained
for n in 1 2 3; do
  accepted ranks $n "$lockstep" train nested.yaml output=on$n --progress=none
  same "weights on $n ranks and on 1" "$(hash_of on$n)" "$(hash_of on1)"
done
accepted "$lockstep" train flat.yaml output=flat --progress=none
same "weights without blocks" "$(hash_of flat)" "$(hash_of on1)"
[ -n "$(hash_of flat)" ] || fail "no weights_hash"

# in the middle of an epoch, on other ranks
accepted ranks 2 "$lockstep" train nested.yaml output=two train.max_steps=7 --progress=none
accepted ranks 3 "$lockstep" train nested.yaml output=two --resume --progress=none
same "weights after two goes" "$(hash_of two)" "$(hash_of on1)"

# ---- What is saved
accepted "$lockstep" inspect on1/checkpoints/step-000000000007.h5
for name in /parameters/stage_2/block_1/residual_1/dense_1/bias /optimizer/exp_avg/down/shortcut/dense_1/weight \
  /parameters/parallel_1/branch_1/dense_1/weight; do
  shown "^ *$name "
done
for n in 1 2 3; do
  accepted ranks $n "$lockstep" evaluate on$n
  cp out score$n
  accepted ranks $n "$lockstep" predict on$n -o predicted$n.h5 --split test
done
accepted "$lockstep" predict flat -o predicted.h5 --split test
numbers() { "$lockstep" inspect --json "$1" | grep '"name":"/predictions"'; }
for n in 1 2 3; do
  cmp -s score$n score1 || fail "another score on $n ranks"
  same "predictions on $n ranks" "$(numbers predicted$n.h5)" "$(numbers predicted.h5)"
done
[ -n "$(numbers predicted.h5)" ] || fail "no predictions"
# a network with blocks is not taken up as one without, nor the other way round
refused 2 'model' "$lockstep" train flat.yaml output=on1 train.epochs=5 --resume

# ---- Outputs within blocks
cat >fields.yaml <<'YAML'
data:
  file: table.h5
  inputs: /train/x
  targets: {trunk_1/low: /train/y, high/dense_1: /train/y}
  split: {test: 0.2}
model:
- repeat: {times: 2, name: trunk, layers: [{dense: {units: 6, activation: tanh}}, {dense: {units: 1, name: low}}]}
- sequential: {name: high, layers: [{dense: {units: 1}}]}
outputs: [trunk_1/low, high/dense_1]
loss: {trunk_1/low: mse, high/dense_1: {mse: {weight: 2}}}
metrics: {trunk_1/low: [mae], high/dense_1: [r2]}
optimizer: sgd
train: {batch: 16, epochs: 2, lanes: 4}
YAML
for n in 1 3; do
  accepted ranks $n "$lockstep" train fields.yaml output=fields$n --progress=none
  same "weights on $n ranks" "$(hash_of fields$n)" "$(hash_of fields1)"
  accepted ranks $n "$lockstep" evaluate fields$n
  shown 'trunk_1/low_mae'
done
accepted "$lockstep" predict fields1 -o fields.h5 --split test
accepted "$lockstep" inspect fields.h5
shown '^ */predictions/high/dense_1 '
shown '^ */predictions/trunk_1/low '
refused 2 'is called "trunk_1/nowhere"' "$lockstep" train fields.yaml output=no 'outputs=[high, trunk_1/nowhere]'

# ---- Mistakes: one line, with the place
refused 2 'nested.yaml:8: model.1.repeat.layers.0: residual "stage_1/residual_1": its layers give \[7\]' \
  "$lockstep" train nested.yaml output=no model.1.repeat.layers.0.residual.layers.2.dense.units=7
refused 2 'model.1.repeat.times: 0 is not allowed' "$lockstep" train nested.yaml output=no model.1.repeat.times=0
refused 2 'more than 10000 layers' "$lockstep" train nested.yaml output=no model.1.repeat.times=9999
refused 2 'did you mean "units"' "$lockstep" train nested.yaml output=no model.1.repeat.layers.0.residual.layers.0.dense.unit=3

# ---- From before
data=$LOCKSTEP_SOURCE/tests/data
mkdir -p before/checkpoints
cp "$data/flat.h5" before/checkpoints/step-000000000009.h5
cp "$data/flat.yaml" "$data/flat_data.h5" .
accepted "$lockstep" inspect flat_data.h5
wanted=$(grep -o 'weights_hash_after_5_epochs: .*' out | cut -d' ' -f2)
accepted ranks 2 "$lockstep" train flat.yaml output=before --resume train.epochs=5 --progress=none
same "weights of the network from before" "$(hash_of before)" "\"weights_hash\":\"$wanted\""
finish

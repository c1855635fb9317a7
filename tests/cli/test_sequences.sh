#!/bin/bash
# An encoder and a decoder in blocks, of sequences with lengths: the same on any number of ranks and with
# `recompute`; and what is wrong with a sequence is said with its row of the file, wherever it is met.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
make=$(find "$LOCKSTEP_BUILD" -name make_sequences -type f | head -1)

cat >pairs.yaml <<'YAML'
data:
  file: pairs.h5
  inputs: {source: /source, before: /before, steps: /steps}
  targets: /next
  split: {validation: 0.2, test: 0.1, seed: 3}
model:
  - embedding: {input_dim: 11, output_dim: 8, from: source, name: word}
  - repeat:
      times: 2
      name: encoder
      recompute: true
      layers:
      - residual: {layers: [layer_norm, attention: {num_heads: 2, positions: relative, max_distance: 4, dropout: 0.1, from: [previous, steps]}]}
      - residual: {layers: [layer_norm, dense: {units: 16, activation: gelu}, dense: {units: 8}]}
  - layer_norm: {name: memory}
  - embedding: {input_dim: 11, output_dim: 8, from: before, share: word}
  - repeat:
      times: 2
      name: decoder
      layers:
      - residual: {layers: [layer_norm, attention: {num_heads: 2, causal: true, positions: rotary}]}
      - residual: {layers: [layer_norm, attention: {num_heads: 2, from: [previous, memory, steps]}]}
      - residual: {layers: [layer_norm, dense: {units: 16, activation: gelu}, dense: {units: 8}]}
  - layer_norm
  - dense: {units: 11, use_bias: false, weight_of: word}
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 24, epochs: 1, seed: 1, lanes: 6}
YAML
"$make" pairs.h5

accepted "$lockstep" train pairs.yaml --dry-run
shown '^encoder_2/residual_1/attention_1 '
shown '^decoder_1/residual_2/attention_1 '
shown '\(without recompute\)'
for n in 1 3; do
  accepted ranks $n "$lockstep" train pairs.yaml output=on-$n --progress=none
  same "on $n ranks" "$(hash_of on-$n)" "$(hash_of on-1)"
done
accepted "$lockstep" train pairs.yaml output=kept model.1.repeat.recompute=false --progress=none
same "without recompute" "$(hash_of kept)" "$(hash_of on-1)"
accepted "$lockstep" train pairs.yaml output=kept model.1.repeat.recompute=true train.epochs=2 --resume --progress=none
refused 2 'recompute: a block around this one has it' "$lockstep" train pairs.yaml \
  'model.1.repeat.layers.0.residual={recompute: true, layers: [layer_norm]}' output=none
refused 2 'batch_norm looks at the whole batch' "$lockstep" train pairs.yaml \
  'model.1.repeat.layers.0.residual={layers: [batch_norm]}' output=none

# a sequence without steps, one with more than there are, a word that is none
everywhere() {
  local pattern=$1
  refused 3 "$pattern" "$lockstep" train pairs.yaml data.file=bad.h5 output=none 'data.split={validation: 0}' \
    --progress=none
  refused 3 "$pattern" "$lockstep" evaluate on-1 --data bad.h5 --split all
  refused 3 "$pattern" "$lockstep" predict on-1 --data bad.h5 -o none.h5
  [ -e none.h5 ] && fail "a prediction of nothing was written"
}
"$make" bad.h5 steps 17 0
everywhere 'bad.h5: /steps: row 17.* input "steps": 0 is no number of steps, they are 1 to 8'
"$make" bad.h5 steps 118 9
refused 3 'bad.h5: /steps: row 118.* input "steps": 9 is no number of steps, they are 1 to 8' \
  "$lockstep" predict on-1 --data bad.h5 -o none.h5
"$make" bad.h5 source 5 11
refused 3 'bad.h5: /source: row 5, column 0.* input "source": 11 is no index, they are 0 to 10' \
  "$lockstep" evaluate on-1 --data bad.h5 --split all
"$make" bad.h5 longer
refused 3 'bad.h5: input "source": .* shape \[12\], and the network reads \[8\]' \
  "$lockstep" predict on-1 --data bad.h5 -o none.h5

# lengths from padding; a state from layer to layer, under an attention
cat >states.yaml <<'YAML'
data: {file: pairs.h5, inputs: {source: /source, before: /before}, targets: /next, split: {validation: 0.2, test: 0.1}}
model:
  - lengths: {from: source, name: steps}
  - embedding: {input_dim: 11, output_dim: 6, from: source}
  - lstm: {units: 7, return_sequences: true, return_state: true, from: [previous, steps], name: encoder}
  - last_step: {from: [encoder, steps], name: state}
  - global_avg_pool: {from: [encoder, steps], name: mean}
  - dense: {units: 7, activation: tanh, name: first}
  - embedding: {input_dim: 11, output_dim: 6, from: before}
  - lstm: {units: 7, initial_state: input, return_sequences: true, from: [previous, state]}
  - gru: {units: 7, reset_after: false, initial_state: input, return_sequences: true, from: [previous, first]}
  - dense: {units: 11}
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 24, epochs: 1, seed: 1, lanes: 6}
YAML
for n in 1 3; do
  accepted ranks $n "$lockstep" train states.yaml output=states-$n --progress=none
  same "states on $n ranks" "$(hash_of states-$n)" "$(hash_of states-1)"
done

# padding that normalisation would turn into another number
cat >normal.yaml <<'YAML'
data: {file: pairs.h5, inputs: {before: /before}, targets: /next, normalize: true}
model:
  - lengths: {from: before, name: steps}
  - reshape: {shape: [7, 1], from: before}
  - lstm: {units: 4, return_sequences: true, from: [previous, steps]}
  - dense: {units: 11}
loss: cross_entropy
optimizer: sgd
train: {batch: 24, epochs: 1}
YAML
refused 2 'data.normalize: the layer "steps" knows the end of "before" by its padding' \
  "$lockstep" train normal.yaml output=none --progress=none
accepted "$lockstep" train normal.yaml output=normal 'data.normalize={inputs: {before: none}}' --progress=none

# nothing to learn from
cat >ignored.yaml <<'YAML'
data: {file: pairs.h5, inputs: {steps: /steps}, targets: {dataset: /before, select: "[:, 0]"}}
model: [{embedding: {input_dim: 9, output_dim: 4}}, flatten, {dense: {units: 11}}]
loss: {cross_entropy: {ignore_index: 0}}
optimizer: sgd
train: {batch: 24, epochs: 1}
YAML
refused 3 'training part: all targets of .* are 0, the ignore_index: none counts' "$lockstep" train ignored.yaml \
  output=none --progress=none
accepted "$lockstep" train ignored.yaml loss.cross_entropy.ignore_index=1 output=counted --progress=none
finish

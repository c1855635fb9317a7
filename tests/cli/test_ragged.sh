#!/bin/bash
# Sequences of different lengths: the same weights as from a file that was padded by hand, on any number
# of ranks, from memory or streamed, in batches of like length, and after a resume; other files.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
make=$(find "$LOCKSTEP_BUILD" -name make_ragged -type f | head -1)
"$make" 70 14 ragged.h5 padded.h5 || fail "make_ragged"
"$make" 24 20 longer.h5 longer-padded.h5 || fail "make_ragged"
train() { accepted "$@" --progress=none; }

# config NAME FILE X STEPS LABEL MORE
config() {
  cat >"$1.yaml" <<YAML
data:
  file: $2
  inputs: {x: $3, steps: $4}
  targets: {label: $5}
  ${6:-}
model:
- gru: {units: 5, return_sequences: true, bidirectional: concat, name: both, from: [x, steps]}
- attention: {num_heads: 2, from: [both, steps]}
- lstm: {units: 4, return_sequences: true, from: [attention_1, steps]}
- dense: {units: 2, name: label}
outputs: [label]
loss: cross_entropy
metrics: [accuracy]
optimizer: {adam: {lr: 0.01}}
train: {batch: 16, epochs: 2, seed: 2, lanes: 6}
YAML
}
config ragged ragged.h5 x '{lengths_of: x}' '{dataset: label, counts: n}'
config padded padded.h5 x n label 'lengths: {label: n}'

train ranks 1 "$lockstep" train ragged.yaml output=one
train ranks 2 "$lockstep" train padded.yaml output=padded
same "weights from a padded file" "$(hash_of padded)" "$(hash_of one)"
grep -q 'longest: {x: 14, label: 14}' one/config.yaml || fail "the longest is not kept"

# batches of like length
sorted='data.batch_by_length=true data.normalize=true data.shuffle_window=0.003'
weights=
for run in "1 node" "3 stream" "6 node"; do
  train ranks ${run% *} "$lockstep" train ragged.yaml $sorted output=sorted-${run% *} data.memory=${run#* }
  hash=$(hash_of sorted-${run% *})
  weights=${weights:-$hash}
  same "weights of batches of like length, $run" "$hash" "$weights"
done
[ "$weights" != "$(hash_of one)" ] || fail "batches of like length are as all others"
train ranks 2 "$lockstep" train ragged.yaml $sorted output=again train.max_steps=7
train ranks 3 "$lockstep" train ragged.yaml $sorted output=again data.memory=stream --resume
same "taken up in the middle of an epoch" "$(hash_of again)" "$weights"

# evaluation and prediction, in another file too
accepted "$lockstep" evaluate one --json
ragged=$(cat "$work/out")
accepted "$lockstep" evaluate padded --json
same "scores" "$(grep -o '"accuracy":[^,}]*' <<<"$ragged")" "$(grep -o '"accuracy":[^,}]*' "$work/out")"
for n in 1 2; do
  accepted ranks $n "$lockstep" predict one -o p$n.h5
  "$lockstep" inspect p$n.h5 --json | sed "s/p$n.h5//" >p$n.json
done
cmp -s p1.json p2.json || fail "predictions of 1 and 2 ranks differ"
refused 3 'longer.h5: /train/x: sample 12 \(counted from 0\) has 20 entries, and samples have at most 14' \
  "$lockstep" predict one --data longer.h5 -o q.h5
sed -i 's/x: x,/x: {dataset: x, truncate: true},/' ragged.yaml
train ranks 1 "$lockstep" train ragged.yaml output=cut
same "weights where nothing is cut" "$(hash_of cut)" "$(hash_of one)"
accepted ranks 2 "$lockstep" predict cut --data longer.h5 -o q.h5
accepted "$lockstep" inspect q.h5
shown '/predictions +\[30, 14, 2\]'

# what can't be
refused 3 '/train/n: begins with 1, and the first sample is from row 0 on' \
  "$lockstep" train ragged.yaml output=bad 'data.inputs.x={dataset: x, offsets: n}'
refused 2 'lengths_of: the samples of x are of one length' "$lockstep" train padded.yaml output=bad \
  'data.inputs.steps={lengths_of: x}'
refused 2 'batch_by_length: no input or target has lengths' "$lockstep" train padded.yaml output=bad \
  data.batch_by_length=true 'data.lengths=~'
refused 2 '/train/x: its samples are of different lengths \(attribute offsets\), and init proposes' \
  "$lockstep" init ragged.h5 -o proposed.yaml

finish

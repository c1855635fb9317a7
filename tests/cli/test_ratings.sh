#!/bin/bash
# Two ids and real numbers to a rating: a network of embeddings, the same on any number of ranks; an id
# beyond a table is named with its row of the file, wherever it is met.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
make=$(find "$LOCKSTEP_BUILD" -name make_ratings -type f | head -1)

cat >ratings.yaml <<'YAML'
data:
  file: ratings.h5
  inputs: {user: /user, film: /film, when: /when}
  targets: /stars
  split: {validation: 0.2, test: 0.1, seed: 3}
  normalize: true
model:
  - embedding: {input_dim: 30, output_dim: 6, from: user}
  - flatten: {name: u}
  - embedding: {input_dim: 50, output_dim: 6, from: film}
  - flatten: {name: f}
  - concatenate: {from: [u, f, when]}
  - dense: {units: 16, activation: relu}
  - dense: {units: 1}
loss: mse
optimizer: {adam: {lr: 0.02}}
train: {batch: 48, epochs: 15, seed: 1, lanes: 12}
YAML
"$make" ratings.h5

accepted "$lockstep" train ratings.yaml --dry-run
shown '^embedding_1 +embedding +\[1, 6\] +180$'
shown '^user +index +\[1\]'
for n in 1 2 3 6; do
  accepted ranks $n "$lockstep" train ratings.yaml output=on-$n exchange=tree --progress=none
  same "on $n ranks" "$(hash_of on-$n)" "$(hash_of on-1)"
done
accepted "$lockstep" train ratings.yaml output=lane train.pass_mb=0.001 --progress=none
same "a lane at a time" "$(hash_of lane)" "$(hash_of on-1)"
accepted "$lockstep" train ratings.yaml output=streamed data.memory=stream --progress=none
same "streamed" "$(hash_of streamed)" "$(hash_of on-1)"
accepted "$lockstep" evaluate on-2
rmse=$(awk '$1 == "rmse" { print $2 }' out)
awk -v e="${rmse:-9}" 'BEGIN { exit !(e < 0.5) }' || fail "the test's rmse is ${rmse:-missing}: nothing was learnt"
accepted "$lockstep" gradcheck ratings.yaml
accepted ranks 2 "$lockstep" predict on-1 -o predicted.h5

# an id beyond the table, in each part: its row of the file, whatever the part's own numbers are
for row in 0 1 2 5 17 299 598 599; do
  "$make" bad.h5 $row 30
  refused 3 "bad.h5: /user: row $row .*input \"user\": 30 is no index, they are 0 to 29" \
    "$lockstep" train ratings.yaml data.file=bad.h5 data.split.test=0 output=bad train.epochs=1 --progress=none
done
refused 3 "bad.h5: /user: row 599 .*input \"user\": 30 is no index, they are 0 to 29" \
  "$lockstep" train ratings.yaml data.file=bad.h5 data.split.test=0 data.memory=stream output=bad train.epochs=1 --progress=none
refused 3 "bad.h5: /user: row 599 .*30 is no index, they are 0 to 29" \
  "$lockstep" predict on-1 --data bad.h5 -o none.h5
refused 3 "bad.h5: /user: row 599 .*30 is no index, they are 0 to 29" \
  "$lockstep" evaluate on-1 --data bad.h5 --split all
[ -e none.h5 ] && fail "a prediction of nothing was written"
"$make" bad.h5 7 -1
refused 3 "bad.h5: /user: row 7 .*input \"user\": -1 is no index, they are 0 to 29" \
  "$lockstep" train ratings.yaml data.file=bad.h5 data.split='{validation: 0}' data.split.test=0 output=bad --progress=none
"$make" bad.h5 7 30
refused 3 "bad.h5: /user: row 7 .*30 is no index" "$lockstep" gradcheck ratings.yaml data.file=bad.h5 \
  data.split.validation=0 data.split.test=0

# ids are whole numbers
refused 3 '/when: holds no whole numbers' "$lockstep" train ratings.yaml output=bad model.0.embedding.from=when \
  'model.4.concatenate.from=[u, f, user]' --progress=none
refused 2 'input_dim: is missing' "$lockstep" train ratings.yaml output=bad 'model.0={embedding: {output_dim: 3, from: user}}'
finish

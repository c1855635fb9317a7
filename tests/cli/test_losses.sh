#!/bin/bash
# Losses and metrics as a user meets them: weights of classes in a run, its resume and its evaluation;
# gradients; what is refused, with its place; metrics of all answers.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
awk 'BEGIN { srand(4); print "a,b,c,kind,yes,count,u,v,w,many"; for (i = 0; i < 240; i++) {
  a = 4 * rand() - 2; b = 4 * rand() - 2; c = 4 * rand() - 2
  k = (a + rand() > 1.4) ? "spam" : (b > 1) ? "eggs" : "ham"
  s = 1 + a * a + b * b; printf "%.4f,%.4f,%.4f,%s,%d,%d,%.4f,%.4f,%.4f,%d\n", a, b, c, k, (a + c > 0.5), a * a + rand(),
  1 / s, a * a / s, b * b / s, 900 + 10 * a } }' >data.csv
columns() { accepted "$lockstep" convert csv data.csv -o "$1.h5" --validation 0.2 --quiet "${@:2}"; }
columns kind --target kind --label class --drop yes,count,u,v,w,many
columns yes --target yes --label number --drop kind,count,u,v,w,many
columns count --target count --label number --drop kind,yes,u,v,w,many
columns real --target c,b --label number --drop kind,yes,count,u,v,w,many
columns many --target many --label number --drop kind,yes,count,u,v,w
columns share --target u,v,w --drop kind,yes,count,many

# config FILE DATA UNITS LOSS MORE...
config() {
  printf 'data: {file: %s.h5}\nmodel:\n- dense: {units: 6, activation: tanh}\n- dense: {units: %s}\nloss: %s\n' \
    "$2" "$3" "$4" >"$1"
  printf '%s\n' 'optimizer: {adam: {lr: 0.02}}' 'train: {batch: 25, epochs: 4, seed: 2, lanes: 4}' "${@:5}" >>"$1"
}

# ---- Weights of classes
config balanced.yaml kind 3 '{cross_entropy: {class_weights: balanced}}' 'metrics: [accuracy, auc, iou, f1]'
accepted ranks 1 "$lockstep" train balanced.yaml output=one --progress=plain
grep -qE '^lockstep: note: class_weights, balanced over 198 labels: [0-9.]+ \(eggs\), [0-9.]+ \(ham\), [0-9.]+ \(spam\)$' \
  "$work/err" || fail "no line about the weights: $(cat "$work/err")"
shown 'validation_auc 0\.'
grep -q '  auc' "$work/out" && fail "auc of the training part while it is trained on"
grep -q '"validation_auc":0' one/metrics.jsonl || fail "no validation_auc in metrics.jsonl"
accepted ranks 3 "$lockstep" train balanced.yaml output=three --progress=none
same "weights on 3 ranks" "$(hash_of three)" "$(hash_of one)"
same "metrics on 3 ranks" "$(grep -o '"validation_[^,]*' three/metrics.jsonl)" "$(grep -o '"validation_[^,]*' one/metrics.jsonl)"
numbers=$(sed -n '/class_weights/,/^[^ ]/p' one/config.yaml | grep -oE '[0-9]+\.[0-9]+' | paste -sd,)
[ "$(tr , '\n' <<<"$numbers" | wc -l)" = 3 ] || fail "config.yaml has the weights \"$numbers\""
# n / (classes * samples of the class), of the training part
accepted "$lockstep" evaluate one --split train --json
grep -o '"support":[0-9]*' "$work/out" | head -3 | awk -F: -v w="$numbers" '{ n[NR] = $2; all += $2 } END {
  split(w, x, ","); for (k = 1; k <= 3; k++) if (sprintf("%.6g", all / (3 * n[k])) != sprintf("%.6g", x[k])) exit 1
  exit NR != 3 }' || fail "weights $numbers of classes with $(grep -o '"support":[0-9]*' "$work/out")"

config given.yaml kind 3 "{cross_entropy: {class_weights: [$numbers]}}"
accepted "$lockstep" train given.yaml output=given --progress=none
same "the same weights as a list" "$(hash_of given)" "$(hash_of one)"
grep -q class_weights "$work/err" && fail "a line about weights that were given"
IFS=, read -r eggs ham spam <<<"$numbers"
config named.yaml kind 3 "{cross_entropy: {class_weights: {spam: $spam, ham: $ham, eggs: $eggs}}}"
accepted ranks 3 "$lockstep" train named.yaml output=named --progress=none
same "the same weights by names" "$(hash_of named)" "$(hash_of one)"
config plain.yaml kind 3 cross_entropy
accepted "$lockstep" train plain.yaml output=plain --progress=none
[ "$(hash_of plain)" != "$(hash_of one)" ] || fail "class_weights change nothing"

# in the middle of an epoch, and on other ranks
accepted "$lockstep" train balanced.yaml output=two train.max_steps=11 --progress=none
accepted ranks 3 "$lockstep" train balanced.yaml output=two --resume --progress=none
same "weights after a resume" "$(hash_of two)" "$(hash_of one)"
grep 'resume:' "$work/err" | grep -q class_weights && fail "a resume with the same weights says $(cat "$work/err")"
refused 2 'class_weights.0 was .* and is 1: that can.t change at a resume' "$lockstep" train balanced.yaml output=two \
  train.epochs=5 'loss.cross_entropy.class_weights=[1, 2, 3]' --resume --progress=none
accepted "$lockstep" train plain.yaml output=other train.epochs=1 'loss.cross_entropy.class_weights=[1, 2, 3]' --progress=none
"$lockstep" train balanced.yaml output=other --resume --progress=none 2>err >out && fail "other weights are taken up"
grep -qE 'class_weights.0 was 1 and is 1\.' err || fail "of other weights: $(cat err)"
accepted "$lockstep" train plain.yaml output=none-given train.epochs=1 --progress=none
refused 2 'class_weights was not given and is balanced' "$lockstep" train balanced.yaml output=none-given --resume --progress=none

# evaluate has them from the checkpoint
validation=$(grep -o '"validation_loss":[^,]*' one/summary.json | cut -d: -f2)
accepted "$lockstep" evaluate one --split validation --json
same "the loss of evaluate" "$(grep -o '"loss":[^,]*' "$work/out" | cut -d: -f2)" "$validation"
grep -q '"auc":0\.' "$work/out" || fail "no auc: $(cat "$work/out")"
accepted ranks 3 "$lockstep" evaluate one --split train --json
mv "$work/out" three.json
accepted "$lockstep" evaluate one --split train --json
cmp -s "$work/out" three.json || fail "evaluate on 3 ranks differs"
refused 2 'loss.focal.class_weights: balanced weights are counted over a training part' "$lockstep" evaluate one \
  'loss={focal: {class_weights: balanced}}'

# ---- What is refused, with its place
bad() { # PATTERN DATA UNITS LOSS MORE...
  config bad.yaml "${@:2}"
  refused 2 "$1" "$lockstep" train bad.yaml --progress=none
}
bad 'bad.yaml:5: loss.cross_entropy.class_weights: there is no class "egg"' kind 3 '{cross_entropy: {class_weights: {spam: 1, ham: 1, egg: 1}}}'
bad 'class_weights: the class "eggs" has no weight' kind 3 '{cross_entropy: {class_weights: {spam: 1, ham: 1}}}'
bad 'bad.yaml:5: loss: class_weights has 2 numbers, and there are 3 classes' kind 3 '{focal: {class_weights: [1, 2]}}'
bad 'have no names in the data; a list' yes 1 '{binary_cross_entropy: {class_weights: {no: 1, yes: 2}}}'
bad 'bad.yaml:5: loss: log_cosh needs targets in the shape of the model.s output, \[3\], not \[\]' count 3 log_cosh
bad 'bad.yaml:5: loss: focal needs one output a class, at least 2, and the model.s output is \[1\]; for one output there is binary_focal' kind 1 focal
bad 'bad.yaml:5: loss: cosine_similarity compares vectors' count 1 cosine_similarity
bad 'bad.yaml:5: loss: dice of a model output \[4\] needs classes or targets of the same shape, not targets of shape \[3\]' share 4 dice
bad 'bad.yaml:5: loss: kl_divergence needs targets in the shape' kind 3 kl_divergence
bad 'compares numbers, and .* is classes \(eggs, ham, spam\)' kind 1 log_cosh
config bad.yaml count 1 poisson
sed -i 's/^data:.*/data: {file: count.h5, normalize: {targets: standard}}/' bad.yaml
refused 2 'targets: poisson takes classes, probabilities or counts, which are not normalised' "$lockstep" train bad.yaml --progress=none
bad 'metrics.0: mae needs predictions in the targets. units, not logarithms' count 1 poisson 'metrics: [mae]'
bad 'metrics.0: auc needs a classification' count 1 mse 'metrics: [auc]'
rows() { # PATTERN DATA UNITS LOSS
  config bad.yaml "${@:2}"
  refused 3 "$1" "$lockstep" train bad.yaml --progress=none
}
rows 'training part: sample [0-9]+: target -.* of output [01] is no count' real 2 poisson
rows 'training part: sample [0-9]+: target .* of output [01] is no yes \(1\) or no' real 2 hinge
rows 'training part: sample [0-9]+: label 2 is not in 0..1|is not a probability' kind 1 binary_focal
rows 'class 3 doesn.t occur in the training part' kind 4 '{cross_entropy: {class_weights: balanced}}'
columns sums --target u,v --drop kind,yes,count,w,many
rows 'the target is no distribution: its 2 numbers add up to' sums 2 kl_divergence

# ---- Gradients
right() { # DATA UNITS LOSS
  config check.yaml "$@"
  accepted "$lockstep" gradcheck check.yaml
  shown 'all gradients agree'
}
right real 2 log_cosh
right real 2 '{relative_l2: {eps: 0.1}}'
right real 2 cosine_similarity
right count 1 poisson
right share 3 kl_divergence
right kind 3 focal
right kind 3 '{focal: {gamma: 0.5, class_weights: balanced}}'
right kind 3 '{cross_entropy: {class_weights: {spam: 1, ham: 2, eggs: 3}}}'
right yes 1 '{binary_focal: {class_weights: balanced}}'
right yes 1 '{binary_cross_entropy: {class_weights: [1, 3]}}'
right yes 1 '{hinge: {squared: true}}'
sed 's/units: 1}/units: 1, activation: sigmoid}/' check.yaml | sed 's/^loss:.*/loss: {dice: {smooth: 1}}/' >dice.yaml
accepted "$lockstep" gradcheck dice.yaml

# ---- A margin above 0 is a yes; counts are predicted as their loss has them
config margin.yaml yes 1 hinge 'metrics: [accuracy]'
accepted "$lockstep" train margin.yaml output=margin train.epochs=20 --progress=none
accepted "$lockstep" evaluate margin --split train
awk '/accuracy/ { good = $2 > 0.9 } END { exit !good }' "$work/out" || fail "hinge doesn't learn: $(cat "$work/out")"
accepted "$lockstep" predict margin -o margin.h5
accepted "$lockstep" inspect margin.h5
shown classes
config counts.yaml count 1 poisson
sed -i 's/^data:.*/data: {file: count.h5, normalize: true}/' counts.yaml
accepted "$lockstep" train counts.yaml output=counts --progress=plain # targets are not normalised

# No r2 is missed where the logarithm of a count is predicted.
config counts.yaml many 1 poisson
accepted "$lockstep" train counts.yaml output=many --progress=none
grep -q '"warnings":\[\]' many/summary.json || fail "a false alarm: $(cat many/summary.json)"

# ---- Help
for name in focal binary_focal kl_divergence cosine_similarity poisson log_cosh hinge dice relative_l2 auc iou mape f1; do
  accepted "$lockstep" help $name
done
accepted "$lockstep" help focal
shown 'class_weights'
shown 'gamma'
finish

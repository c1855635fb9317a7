#!/bin/bash
# evaluate --split and predict --split: what is named, what is refused (which rows: tests/mpi/test_split).
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
for n in 300 290; do
  awk -v n=$n 'BEGIN { srand(5); print "a,b,y"; for (i = 0; i < n; i++) { a = rand(); b = rand();
    printf "%.4f,%.4f,%.5f\n", a, b, 3 * a * b } }' >rows$n.csv
  accepted "$lockstep" convert csv rows$n.csv -o rows$n.h5 --target y --quiet
done
cat >drawn.yaml <<'YAML'
data: {file: rows300.h5, inputs: /train/x, targets: /train/y, split: {validation: 0.2, test: 0.1, seed: 3}}
model: [{dense: {units: 1}}]
loss: mse
optimizer: {sgd: {lr: 0.1}}
train: {batch: 30, epochs: 3}
output: drawn
YAML
accepted ranks 1 "$lockstep" train drawn.yaml --progress=none

# named RANKS PART SAMPLES ARGUMENT...: evaluate names them as JSON
named() {
  local n=$1 part=$2 samples=$3
  shift 3
  accepted ranks "$n" "$lockstep" evaluate drawn "$@" --json
  shown "^\\{\"split\":\"$part\",\"samples\":$samples,\"loss\":"
}
named 1 test '[23][0-9]'
test_samples=$(sed -E 's/.*"samples":([0-9]+).*/\1/' "$work/out")
accepted ranks 1 "$lockstep" evaluate drawn
shown "^test: $test_samples samples\$"
named 3 validation '[4-7][0-9]' --split validation
grep -qF "$(grep -oE '"validation_loss":[^,]*' drawn/summary.json | sed 's/validation_//')," "$work/out" ||
  fail "the validation part is not the training's: $(cat "$work/out")"
named 1 all 300 --split all
named 1 all 290 --data rows290.h5

refused 2 'split some: one of train, validation, test, all' "$lockstep" evaluate drawn --split some
refused 3 'rows290.h5: there is no test part: it has 290 rows.*300' "$lockstep" evaluate drawn --data rows290.h5 --split test
"$lockstep" predict drawn --data rows290.h5 --split train -o none.h5 2>/dev/null
[ $? = 3 ] || fail "predict of a part that is not there was not refused"
[ -e none.h5 ] && fail "a refused prediction left none.h5"

accepted ranks 3 "$lockstep" predict drawn -o out.h5
accepted "$lockstep" inspect out.h5
shown '/predictions +\[300, 1\]'
shown 'split: all'
accepted ranks 1 "$lockstep" predict drawn --split test -o out.h5
accepted "$lockstep" inspect out.h5
shown "/predictions +\\[$test_samples, 1\\]"
shown 'split: test'
finish

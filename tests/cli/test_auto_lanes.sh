#!/bin/bash
# With no lanes in the config: one weights_hash on 1, 2, 3, 4, 6 and 8 ranks, in passes of any size;
# a resume keeps its lanes, and more ranks than lanes say that this is another sum.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
awk 'BEGIN { srand(3); print "a,b,c,y"; for (i = 0; i < 300; i++) { a = rand(); b = rand(); c = rand();
  printf "%.4f,%.4f,%.4f,%.5f\n", a, b, c, 3 * a * b - c } }' >rows.csv
accepted "$lockstep" convert csv rows.csv -o rows.h5 --target y --quiet
cat >run.yaml <<'YAML'
data: {file: rows.h5, normalize: true}
model: [{dense: {units: 40, activation: gelu}}, {dropout: {rate: 0.1}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 64, epochs: 2, seed: 3}
YAML

train() { # RANKS OUTPUT SETTING...
  local n=$1 output=$2
  shift 2
  accepted ranks "$n" "$lockstep" train run.yaml output="$output" --progress=none "$@"
}

train 1 one
same "lanes of a batch of 64" "$(number one lanes)" 8
for n in 2 3 4 6 8; do
  train $n on$n
  same "on $n ranks" "$(hash_of on$n)" "$(hash_of one)"
  grep -q 'another sum' "$work/err" && fail "$n ranks have lanes enough, and the run says: $(cat "$work/err")"
done
train 1 tiny train.pass_mb=0.001
same "a lane in a pass" "$(hash_of tiny)" "$(hash_of one)"
train 3 small train.pass_mb=0.01
same "small passes on 3 ranks" "$(hash_of small)" "$(hash_of one)"

# More ranks than lanes: one line, and as many lanes as ranks, which a resume on fewer keeps.
train 6 few train.batch=40
grep -q 'auto cuts a batch of 40 into 4 lanes, and here into 6' "$work/err" || fail "nothing said of 6 lanes: $(cat "$work/err")"
same "lines about it" "$(grep -c 'another sum' "$work/err")" 1
same "lanes on 6 ranks" "$(number few lanes)" 6
train 6 part train.batch=40 train.max_steps=9
train 2 part train.batch=40 --resume
same "resumed on 2 ranks" "$(hash_of part)" "$(hash_of few)"
same "lanes of the resumed run" "$(number part lanes)" 6
train 6 alike train.batch=40 train.lanes=6
same "with lanes given" "$(hash_of alike)" "$(hash_of few)"
finish

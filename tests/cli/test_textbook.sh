#!/bin/bash
# The textbook programs of scripts/examples/textbook: (a) against NumPy's loop is tests/mpi/test_golden;
# here all four as a user runs them.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
examples=$LOCKSTEP_SOURCE/scripts/examples/textbook
cd "$work" || exit 1
mkdir data

# No false alarms.
calm() {
  for run in "$@"; do grep -q '"warnings":\[\]' $run/summary.json || fail "($run) $(cat $run/summary.json)"; done
}
loss_of() { sed -E 's/.*"loss":([0-9.e+-]+),"val.*/\1/' "$1/summary.json"; }
steps_of() { sed -E 's/.*"steps":([0-9]+).*/\1/' "$1/summary.json"; }
at_least() { awk -v x="$1" -v y="$2" 'BEGIN { exit !(x >= y) }'; }

# (a) and (c): a layer of three weights
accepted "$lockstep" convert csv "$examples/tiny.csv" --target y --label number -o data/tiny.h5
for n in 1 2 3; do
  accepted ranks $n "$lockstep" train "$examples/a-sigmoid-layer.yaml" --progress=none output=a$n
  [ "$(steps_of a$n)" = 1000 ] || fail "(a) on $n ranks took $(steps_of a$n) steps"
  at_least 0.3 "$(loss_of a$n)" || fail "(a) on $n ranks ended at loss $(loss_of a$n)"
done
accepted ranks 2 "$lockstep" train "$examples/c-stop-at-error.yaml" --progress=plain output=c
shown 'target_loss reached'
at_least 0.01 "$(loss_of c)" || fail "(c) stopped at loss $(loss_of c)"
at_least 9999 "$(steps_of c)" || fail "(c) did not stop early"
accepted ranks 2 "$lockstep" train "$examples/c-stop-at-error.yaml" --progress=none output=c2 train.target_loss=0.02
at_least "$(steps_of c)" "$(steps_of c2)" || fail "(c) needs more steps for a larger error"

calm a1 a2 a3 c c2

# (b) and (d): MNIST
mnist=$LOCKSTEP_SOURCE/../shared/data/mnist
if [ ! -d "$mnist" ]; then
  echo "no MNIST at ${mnist}: (b) and (d) are left out"
  finish
fi
accepted "$lockstep" convert idx "$mnist"/{train-images-idx3,train-labels-idx1,t10k-images-idx3,t10k-labels-idx1}-ubyte.gz \
  -o data/mnist.h5 --quiet
accepted ranks 2 "$lockstep" train "$examples/b-one-hot.yaml" --progress=none output=b
accepted "$lockstep" evaluate b --json
b=$(sed -E 's/.*"accuracy":([0-9.]+).*/\1/;q' "$work/out")
echo "(b) accuracy $b"
at_least "$b" 0.91 || fail "(b) reads $b of the test digits right"
accepted ranks 2 "$lockstep" train "$examples/d-mnist.yaml" --progress=none output=d
accepted "$lockstep" evaluate d --data data/mnist.h5 --split test --json
d=$(sed -E 's/.*"accuracy":([0-9.]+).*/\1/;q' "$work/out")
echo "(d) accuracy $d"
at_least "$d" 0.97 || fail "(d) reads $d of the test digits right"
calm b d
finish

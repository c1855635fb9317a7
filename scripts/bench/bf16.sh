#!/bin/bash
# What bfloat16 costs in accuracy: MNIST with 784-64-64-10, trained in both precisions from several
# seeds; right answers among the 10,000 test images, in percent.
#
#   scripts/bench/bf16.sh FOLDER [--seeds 5] [--epochs 10]
#
# FOLDER: the four files of MNIST, train-images-idx3-ubyte.gz and so on.
# LOCKSTEP: the program (default build/lockstep).
set -euo pipefail
cd "$(dirname "$0")/../.."
folder='' seeds=5 epochs=10
while [ $# -gt 0 ]; do
  case $1 in
    --seeds) seeds=$2; shift 2 ;;
    --epochs) epochs=$2; shift 2 ;;
    -*) sed -n '2,9s/^# \?//p' "$0"; exit 2 ;;
    *) folder=$1; shift ;;
  esac
done
[ -n "$folder" ] || { sed -n '2,9s/^# \?//p' "$0"; exit 2; }
LOCKSTEP=$(realpath "${LOCKSTEP:-build/lockstep}")
folder=$(realpath "$folder")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$LOCKSTEP" convert idx "$folder"/{train-images-idx3,train-labels-idx1,t10k-images-idx3,t10k-labels-idx1}-ubyte.gz \
  -o mnist.h5 --quiet
cat >mnist.yaml <<YAML
data: {file: mnist.h5, normalize: true}
model:
- flatten
- dense: {units: 64, activation: relu}
- dense: {units: 64, activation: relu}
- dense: {units: 10}
loss: cross_entropy
optimizer: {adam: {lr: 0.001}}
schedule: cosine
train: {batch: 32, epochs: $epochs}
output: run
YAML

right() { # PRECISION SEED
  "$LOCKSTEP" train mnist.yaml train.precision="$1" train.seed="$2" --progress=none
  "$LOCKSTEP" evaluate run --split test --json | grep -o '"accuracy":[0-9.]*' | cut -d: -f2
}
printf 'seed    float32   bfloat16\n'
for ((seed = 1; seed <= seeds; seed++)); do
  a=$(right float32 "$seed") b=$(right bfloat16 "$seed")
  echo "$seed $a $b"
done | awk '{ printf "%4d %10.2f %10.2f\n", $1, 100 * $2, 100 * $3; a += $2; b += $3 }
  END { printf "mean %10.3f %10.3f   %+.3f\n", 100 * a / NR, 100 * b / NR, 100 * (b - a) / NR }'
echo "by $(grep -oE '"(products|blas)":"[^"]*"' run/summary.json)"

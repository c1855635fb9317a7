#!/bin/bash
# The same bits on every processor: one weights_hash with the kernels of each instruction set that this
# processor has, and on 64-bit ARM, emulated, on one rank and on two.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# Two classes, and a number, of one input.
awk 'BEGIN { srand(5); for (i = 0; i < 200; i++) { x = rand() - 0.4; n = x * x - x + 0.1 * rand()
  printf "%.4f,%s\n", x, (n > 0.15) ? "high" : "low" > "class.csv"; printf "%.4f,%.5f\n", x, n > "number.csv" } }'
for what in class number; do accepted "$lockstep" convert csv $what.csv -o $what.h5 --quiet; done

# run NAME DATA LOSS OPTIMIZER UNITS LAYERS SCHEDULE: NAME.yaml.  Matrix products here have one summand
# each, so that OpenBLAS rounds as we do: a lane is a sample, and a sample one number.
run() {
  cat >"$1.yaml" <<END
data: {file: $2.h5, normalize: true}
model:
  - dense: {units: $5, use_bias: false, kernel_initializer: he_normal}
$6
loss: $3
optimizer: $4
schedule: $7
train: {batch: 16, lanes: 16, epochs: 2, seed: 3}
END
  names+=("$1")
}
layer() { printf '  - %s\n' "$@"; }
names=() levels=
run tanh class cross_entropy '{adam: {lr: 0.01}}' 2 "$(layer 'dropout: {rate: 0.2}' tanh)" \
  '{cosine: {warmup_steps: 4}}'
run gelu class cross_entropy '{adamw: {lr: 0.01}}' 2 "$(layer gelu 'dropout: {rate: 0.2}')" \
  '{polynomial: {power: 1.7}}'
run sigmoid number mse '{rmsprop: {lr: 0.01}}' 1 "$(layer sigmoid)" \
  '{exponential: {gamma: 0.9, continuous: true}}'
run softplus number huber '{sgd: {lr: 0.1, momentum: 0.9}}' 1 "$(layer softplus)" constant

# trained WHERE NAME PROGRAM...: the run NAME by PROGRAM gives the hash that the first of this name gave.
declare -A wanted=()
trained() {
  local where=$1 name=$2 hash
  shift 2
  accepted "$@" train "$name.yaml" "output=$name-$where" --progress=none
  hash=$(hash_of "$name-$where")
  [ -n "$hash" ] || fail "$name on $where: no hash"
  same "$name on $where" "$hash" "${wanted[$name]:=$hash}"
}

# Of the levels of base/simd.h those that this processor has.
for level in baseline avx2 avx512; do
  accepted env LOCKSTEP_SIMD=$level "$lockstep" train "${names[0]}.yaml" "output=probe-$level"
  [ "$(number "probe-$level" simd)" = "\"$level\"" ] || continue
  levels+="$level "
  for name in "${names[@]}"; do LOCKSTEP_SIMD=$level trained "$level" "$name" "$lockstep"; done
done
for name in "${names[@]}"; do trained 2-ranks "$name" ranks 2 "$lockstep"; done
echo "one hash a run: $levels"
[ $failures = 0 ] || finish

arm=$LOCKSTEP_BUILD/aarch64
bash "$LOCKSTEP_SOURCE/tests/support/aarch64.sh" "$arm" || exit
for name in "${names[@]}"; do
  trained arm "$name" "$arm/run"
  trained arm-2-ranks "$name" ranks 2 "$arm/run"
done
echo "and 64-bit ARM"
for name in "${names[@]}"; do echo "$name: ${wanted[$name]}"; done
finish

#!/bin/bash
# The same bits on every processor: one weights_hash with the kernels of each instruction set that this
# processor has, and on 64-bit ARM, emulated, on one rank and on two.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# Three classes, and a number, of four inputs.
awk 'BEGIN { srand(5); for (i = 0; i < 300; i++) { a = rand(); b = rand(); c = rand(); d = rand()
  k = (a + b > 1.2) ? "high" : (a * c > 0.2) ? "middle" : "low"; x = sprintf("%.4f,%.4f,%.4f,%.4f", a, b, c / 10, d * 1e5)
  print x "," k > "class.csv"; printf "%s,%.5f\n", x, 3 * a * b - c + d / 2 > "number.csv" } }'
for what in class number; do accepted "$lockstep" convert csv $what.csv -o $what.h5 --quiet; done

# run NAME DATA OUTPUTS LOSS OPTIMIZER SCHEDULE LANES: NAME.yaml, with two hidden layers, NAME the first's
# activation.
run() {
  cat >"$1.yaml" <<END
data: {file: $2.h5, normalize: true}
model:
  - dense: {units: 37, activation: $1, kernel_initializer: he_normal}
  - dropout: {rate: 0.1}
  - dense: {units: 16, activation: relu}
  - dense: {units: $3}
loss: $4
optimizer: $5
schedule: $6
train: {batch: 30, lanes: $7, epochs: 3, seed: 3}
END
  names+=("$1")
}
names=() levels=
run tanh class 3 cross_entropy '{adam: {lr: 0.01}}' '{cosine: {warmup_steps: 4}}' 4
run gelu class 3 cross_entropy '{adamw: {lr: 0.01}}' '{polynomial: {power: 1.7}}' 2
run sigmoid number 1 mse '{rmsprop: {lr: 0.01}}' '{exponential: {gamma: 0.9, continuous: true}}' 8
run softplus number 1 huber '{sgd: {lr: 0.1, momentum: 0.9}}' constant 3
run mish class 3 cross_entropy '{sgd: {lr: 0.1, momentum: 0.9}}' constant 3

# Windows over images of 5 x 4 with 17 channels.
cat >windows.yaml <<'END'
data: {file: class.h5, normalize: true}
model:
  - dense: {units: 60}
  - reshape: {shape: [5, 4, 3]}
  - dense: {units: 17}
  - prelu
  - max_pool2d: {pool_size: 3, strides: 2, padding: same}
  - upsample: {size: [2, 3], interpolation: bilinear}
  - pad: {mode: periodic}
  - avg_pool2d: {pool_size: 3, strides: 2, padding: 1}
  - selu
  - permute: {dims: [2, 1, 3]}
  - max_pool2d
  - global_avg_pool
  - dense: {units: 3}
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 30, lanes: 4, epochs: 3, seed: 3}
END
names+=(windows)

cat >convolution.yaml <<'END'
data: {file: class.h5, normalize: true}
model:
  - dense: {units: 48, activation: tanh}
  - reshape: {shape: [4, 4, 3]}
  - conv2d: {filters: 17, kernel_size: 3, padding: same, activation: relu}
  - conv2d: {filters: 20, kernel_size: [2, 3], strides: 2, padding: 1, padding_mode: periodic}
  - depthwise_conv2d: {kernel_size: 2}
  - conv2d_transpose: {filters: 3, kernel_size: 3, strides: 2, padding: same}
  - flatten
  - dense: {units: 3}
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 30, lanes: 4, epochs: 2, seed: 3}
END
names+=(convolution)

cat >recurrent.yaml <<'END'
data: {file: class.h5, normalize: true}
model:
  - dense: {units: 42, activation: tanh}
  - reshape: {shape: [14, 3]}
  - lstm: {units: 19, bidirectional: concat, return_sequences: true}
  - attention: {num_heads: 2, key_dim: 10, positions: rotary, dropout: 0.2}
  - gru: {units: 17, return_sequences: true, initial_state: learned}
  - attention: {num_heads: 1, positions: relative, max_distance: 5, causal: true}
  - gru: {units: 7, return_sequences: true, reset_after: false}
  - rnn: {units: 5, go_backwards: true}
  - dense: {units: 3}
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 30, lanes: 4, epochs: 2, seed: 3}
END
names+=(recurrent)

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

# Of the levels of base/simd.h those with products of ours that this processor has.
for level in avx2 avx512; do
  accepted env LOCKSTEP_SIMD=$level "$lockstep" train "${names[0]}.yaml" "output=probe-$level"
  [ "$(number "probe-$level" simd)" = "\"$level\"" ] || continue
  levels+="$level "
  for name in "${names[@]}"; do LOCKSTEP_SIMD=$level trained "$level" "$name" "$lockstep"; done
done
for name in "${names[@]}"; do trained 2-ranks "$name" ranks 2 "$lockstep"; done
echo "one hash a run: $levels"
[ $failures = 0 ] || finish

arm=$LOCKSTEP_BUILD/aarch64
# Packages of 110 MB over a slow network would hold everything else up.
limit=180
[ -z "${LOCKSTEP_TEST_FULL:-}" ] || limit=560
timeout -k 5 $limit bash "$LOCKSTEP_SOURCE/tests/support/aarch64.sh" "$arm"
rc=$?
[ $rc != 124 ] || { echo "the ARM build was not ready after $limit seconds"; rc=77; }
[ $rc = 0 ] || exit $rc
for name in "${names[@]}"; do trained arm "$name" "$arm/run"; done
# Emulated ranks take seconds to start; what a rank computes doesn't depend on the processor, as the
# others have shown.
[ -n "${LOCKSTEP_TEST_FULL:-}" ] || names=("${names[-1]}")
for name in "${names[@]}"; do trained arm-2-ranks "$name" ranks 2 "$arm/run"; done
echo "and 64-bit ARM"
for name in "${!wanted[@]}"; do echo "$name: ${wanted[$name]}"; done
finish

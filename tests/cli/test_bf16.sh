#!/bin/bash
# train.precision: bfloat16 gives one weights_hash on any number of ranks and in passes of any size, by
# every kind of instruction that is here, says which, and learns as well as float32.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
train() { accepted "$@" --progress=none; }

table 230 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.2
cat >base.yaml <<'YAML'
data: {file: data.h5, normalize: true}
model:
- dense: {units: 40, activation: tanh}
- dropout: {rate: 0.1}
- dense: {units: 70, activation: relu}
- dense: {units: 1}
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 45, epochs: 3, seed: 2, lanes: 6, precision: bfloat16}
YAML

# Kinds of instructions, the best of this processor last; each is asked for, and says whether it is it.
kinds=
for kind in emulated avx512 amx; do
  train env LOCKSTEP_BF16=$kind "$lockstep" train base.yaml output=$kind
  grep -q "\"products\":\"[^\"]*bfloat16 $kind\"" $kind/summary.json || continue
  kinds+=" $kind" best=$kind
  same "precision" "$(number $kind precision)" '"bfloat16"'
  train ranks 3 env LOCKSTEP_BF16=$kind "$lockstep" train base.yaml output=$kind-3
  same "$kind on 3 ranks" "$(hash_of $kind-3)" "$(hash_of $kind)"
  for mb in 0.001 0.02 0.05; do
    train ranks 1 env LOCKSTEP_BF16=$kind "$lockstep" train base.yaml output=$kind-pass train.pass_mb=$mb
    same "$kind in passes of $mb MB" "$(hash_of $kind-pass)" "$(hash_of $kind)"
  done
done
[ -n "$kinds" ] || fail "no kind at all"
train ranks 2 "$lockstep" train base.yaml output=usual
same "what is taken unasked, on 2 ranks" "$(hash_of usual)" "$(hash_of "$best")"

# Emulated, it is the same whatever the width of vectors.
train env LOCKSTEP_SIMD=avx2 "$lockstep" train base.yaml output=avx2
grep -q '"simd":"avx2"' avx2/summary.json && same "emulated by AVX2" "$(hash_of avx2)" "$(hash_of emulated)"

# It is another sum than float32's, which stays as it was, and evaluation is in float32.
train "$lockstep" train base.yaml output=float32 train.precision=float32
same "precision" "$(number float32 precision)" '"float32"'
[ "$(hash_of float32)" != "$(hash_of usual)" ] || fail "bfloat16 gives the weights of float32"
train "$lockstep" train base.yaml output=still train.epochs=1 'optimizer={sgd: {lr: 1e-30}}'
train "$lockstep" train base.yaml output=still32 train.epochs=1 'optimizer={sgd: {lr: 1e-30}}' train.precision=float32
same "validation loss of the same weights" "$(number still validation_loss)" "$(number still32 validation_loss)"
[ "$(number still loss)" != "$(number still32 loss)" ] || fail "training didn't round"

# A resume goes on bit for bit; with another precision, or by other instructions, it says so.
train "$lockstep" train base.yaml output=resumed train.max_steps=7
train ranks 2 "$lockstep" train base.yaml output=resumed --resume
same "resumed on 2 ranks" "$(hash_of resumed)" "$(hash_of usual)"
train "$lockstep" train base.yaml output=resumed train.max_steps=7
train "$lockstep" train base.yaml output=resumed train.precision=float32 --resume
grep -q 'resume: train.precision was bfloat16 and is float32' err || fail "the new precision isn't told: $(cat err)"
if [ "$best" != emulated ]; then
  train "$lockstep" train base.yaml output=other train.max_steps=7
  train env LOCKSTEP_BF16=emulated "$lockstep" train base.yaml output=other --resume
  grep -q "note: this run began with the kernels \".*bfloat16 $best\" and goes on with \".*bfloat16 emulated\"" err ||
    fail "the other instructions aren't told: $(cat err)"
  # shellcheck disable=SC2016
  train ranks 2 bash -c 'export LOCKSTEP_BF16=$([ "$OMPI_COMM_WORLD_RANK" = 1 ] && echo emulated || echo amx)
    exec "$@"' - "$lockstep" train base.yaml output=mixed
  grep -q "note: rank 1 .*bfloat16 emulated, and rank 0 with .*bfloat16" err || fail "mixed ranks aren't told: $(cat err)"
fi
refused 2 'products: openblas computes in float32 alone; take own, or train.precision: float32' \
  "$lockstep" train base.yaml output=none products=openblas
refused 2 'precision.*bfloat16' "$lockstep" train base.yaml output=none train.precision=bf16

# Handwritten digits: as many are right as in float32, within 1 of 100 at these 1,797.
examples=$LOCKSTEP_SOURCE/scripts/examples/digits
digits() { grep -o '"accuracy":[0-9.]*' "$1.json" | cut -d: -f2; }
accepted "$lockstep" convert csv "$examples/optdigits.tra.gz" -o digits.h5 --target last \
  --test-source "$examples/optdigits.tes.gz" --quiet
for precision in float32 bfloat16; do
  train "$lockstep" train "$examples/digits.yaml" data.file=digits.h5 \
    output=$precision train.epochs=8 train.precision=$precision
  "$lockstep" evaluate $precision --split test --json >$precision.json 2>err || fail "evaluate: $(cat err)"
done
awk -v a="$(digits float32)" -v b="$(digits bfloat16)" 'BEGIN { exit !(a > 0.9 && b > a - 0.01 && b < a + 0.01) }' ||
  fail "digits: accuracy $(digits bfloat16) in bfloat16, $(digits float32) in float32"
# Convolutions, by each kind of instructions: strides, few channels and many, a shortcut of one pixel; those
# in groups stay in float32.
cat >images.yaml <<'YAML'
data: {file: digits.h5}
model:
- reshape: {shape: [8, 8, 1]}
- conv2d: {filters: 16, kernel_size: 3, padding: same, activation: relu}
- residual: {layers: [{conv2d: {filters: 40, kernel_size: 3, strides: 2, padding: 1}}, batch_norm, relu,
                      {conv2d: {filters: 40, kernel_size: 3, padding: 1}}],
             shortcut: [{conv2d: {filters: 40, kernel_size: 1, strides: 2}}]}
- conv2d: {filters: 20, kernel_size: 2, groups: 4}
- conv2d_transpose: {filters: 3, kernel_size: 2, strides: 2}
- flatten
- dense: {units: 10}
loss: cross_entropy
optimizer: {sgd: {lr: 0.01, momentum: 0.9}}
train: {batch: 50, max_steps: 8, seed: 4, lanes: 6, precision: bfloat16}
YAML
for kind in $kinds; do
  train env LOCKSTEP_BF16=$kind "$lockstep" train images.yaml output=images-$kind
  for n in 2 3; do
    train ranks $n env LOCKSTEP_BF16=$kind "$lockstep" train images.yaml output=images-$kind-$n
    same "convolutions by $kind on $n ranks" "$(hash_of images-$kind-$n)" "$(hash_of images-$kind)"
  done
  train ranks 1 env LOCKSTEP_BF16=$kind "$lockstep" train images.yaml output=images-$kind-pass train.pass_mb=0.05
  same "convolutions by $kind in passes" "$(hash_of images-$kind-pass)" "$(hash_of images-$kind)"
done
for precision in float32 bfloat16; do
  train ranks 2 "$lockstep" train images.yaml output=epoch-$precision train.epochs=1 train.max_steps=0 train.precision=$precision
done
[ "$(hash_of epoch-float32)" != "$(hash_of epoch-bfloat16)" ] || fail "convolutions in bfloat16 give the weights of float32"
awk -v a="$(number epoch-float32 loss)" -v b="$(number epoch-bfloat16 loss)" \
  'BEGIN { exit !(a > 0 && a < 1.5 && b > 0.98 * a && b < 1.02 * a) }' ||
  fail "convolutions: loss $(number epoch-bfloat16 loss) in bfloat16, $(number epoch-float32 loss) in float32"

echo "by$kinds; digits $(digits float32) in float32, $(digits bfloat16) in bfloat16"
finish

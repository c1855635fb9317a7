#!/bin/bash
# gradcheck passes for every activation, loss and layer, and fails with code 1 where a gradient is
# wrong: in a program that leaves the bias's gradient out.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
awk 'BEGIN { srand(9); print "a,b,c,d,e,y,z,k,p"; for (i = 0; i < 40; i++) { for (j = 0; j < 5; j++) printf "%.4f,",
  4 * rand() - 2; printf "%.4f,%.4f,%d,%d\n", 3 * rand(), rand() - 1, i % 3, i % 2 } }' >data.csv
columns() { accepted "$lockstep" convert csv data.csv -o "$1.h5" --quiet "${@:2}"; }
columns real --target y,z --drop k,p
columns class --target k --label class --drop y,z,p
columns binary --target p --label number --drop y,z,k

# passes DATA UNITS LOSS HIDDEN-LAYERS
passes() {
  printf 'data: {file: %s.h5}\nmodel:\n%b\n- dense: {units: %s%s}\nloss: %s\noptimizer: sgd\n' \
    "$1" "$4" "$2" "${5:-}" "$3" >check.yaml
  accepted "$lockstep" gradcheck check.yaml
  shown 'all gradients agree'
}
hidden='- dense: {units: 6, activation: tanh}'
for activation in sigmoid tanh relu leaky_relu '{leaky_relu: {negative_slope: 0.3}}' elu '{elu: {alpha: 0.5}}' \
  gelu silu softplus softmax selu softsign hard_sigmoid hard_swish mish linear; do
  passes real 2 mse "- dense: {units: 6, activation: $activation}"
done
for loss in mse mae huber '{huber: {delta: 0.3}}' '{mse: {half: true}}' '{mse: {reduction: sum}}'; do
  passes real 2 "$loss" "$hidden"
done
for loss in cross_entropy '{cross_entropy: {label_smoothing: 0.1}}'; do passes class 3 "$loss" "$hidden"; done
passes class 3 cross_entropy "$hidden" ', activation: softmax'
passes class 3 '{cross_entropy: {from_logits: false}}' "$hidden" ', activation: softmax'
for loss in binary_cross_entropy '{binary_cross_entropy: {label_smoothing: 0.1}}'; do
  passes binary 1 "$loss" "$hidden"
done
passes binary 1 binary_cross_entropy "$hidden" ', activation: sigmoid'
passes binary 1 '{binary_cross_entropy: {from_logits: false}}' "$hidden" ', activation: sigmoid'
passes real 2 mse "$hidden\n- dropout: {rate: 0.4}"
passes real 2 mse '- dense: {units: 6, use_bias: false}\n- relu\n- flatten'
passes real 2 mse "- dense: {units: 6, name: one}\n- gelu: {name: two}\n- add: {from: [one, two]}"
passes real 2 mse "- dense: {units: 6, name: one}\n- dense: {units: 3, from: input, name: two}\n- concatenate: {from: [one, two, input]}\n- silu"
image='- dense: {units: 24}\n- reshape: {shape: [3, 4, 2]}\n- dense: {units: 3, name: one}'
passes real 2 mse "$image\n- prelu\n- max_pool2d: {pool_size: 3, strides: 2, padding: same}\n- upsample\n- flatten"
passes real 2 mse "$image\n- upsample: {interpolation: bilinear}\n- pad: {mode: reflect}\n- avg_pool2d\n- global_max_pool"
passes real 2 mse "$image\n- permute: {dims: [2, 1, 3], name: two}\n- multiply: {from: [two, two]}\n- crop: {cropping: 1}\n- global_avg_pool"
passes real 2 mse "- dense: {units: 6, name: one, activation: relu}\n- dropout: {rate: 0.2, name: two}\n- add: {from: [one, two, one]}"

printf 'data: {file: real.h5}\nmodel: [{dense: {units: 4, activation: tanh}}, {dense: {units: 2}}]\nloss: mse\noptimizer: sgd\n' >broken.yaml
accepted "$lockstep" gradcheck broken.yaml
lockstep=$LOCKSTEP_BUILD/tests/cli/lockstep_broken
refused 1 'gradient of dense_[12]/bias is wrong' "$lockstep" gradcheck broken.yaml

# Deep residual relus: some unit changes sides within every step, which makes differences wrong by a few
# thousandths, and hides nothing: the broken program is caught with the same networks.
awk 'BEGIN { srand(9); print "a,b,c,d,e,y,z"; for (i = 0; i < 40; i++) { for (j = 0; j < 5; j++) printf "%.4f,",
  4 * rand() - 2; printf "%.4f,%.4f\n", 3 * rand(), rand() - 1 } }' >residual.csv
lockstep=$LOCKSTEP_BUILD/lockstep
accepted "$lockstep" convert csv residual.csv -o residual.h5 --target y,z --quiet
for network in 1:4 1:6 5:8 16:4 18:6; do
  {
    printf 'data: {file: residual.h5}\nmodel:\n- dense: {units: 16, activation: relu, name: r0}\n'
    for b in $(seq ${network#*:}); do
      printf -- '- dense: {units: 16, activation: relu, name: a%d}\n- dense: {units: 16, name: b%d}\n' $b $b
      printf -- '- add: {from: [b%d, r%d], activation: relu, name: r%d}\n' $b $((b - 1)) $b
    done
    printf -- '- dense: {units: 2}\nloss: mse\noptimizer: sgd\ntrain: {seed: %d}\n' ${network%:*}
  } >residual.yaml
  accepted "$lockstep" gradcheck residual.yaml
  shown 'all gradients agree'
  "$LOCKSTEP_BUILD/tests/cli/lockstep_broken" gradcheck residual.yaml >wrong.txt 2>&1 && fail "$network: not noticed"
  [ "$(grep -c 'bias .*WRONG' wrong.txt)" = $((2 * ${network#*:} + 2)) ] || fail "$network: not all biases: $(cat wrong.txt)"
done

# Convolutions: a weight moves a unit at every pixel, and no step is without kinks.  The broken program
# makes their gradients 5 % too small, which kinks must not hide.
lockstep=$LOCKSTEP_BUILD/lockstep
awk -v n=256 'BEGIN { srand(9); for (j = 0; j < n; j++) printf "a%d,", j; print "y,z"; for (i = 0; i < 20; i++) {
  for (j = 0; j < n; j++) printf "%.4f,", 4 * rand() - 2; printf "%.4f,%.4f\n", 3 * rand(), rand() - 1 } }' >image.csv
accepted "$lockstep" convert csv image.csv -o image.h5 --target y,z --quiet
# images SEED SHAPE LAYERS
images() {
  printf 'data: {file: image.h5}\nmodel:\n- reshape: {shape: %s}\n%b\n- dense: {units: 2}\nloss: mse\noptimizer: sgd\ntrain: {seed: %d}\n' \
    "$2" "$3" "$1" >image.yaml
  accepted "$lockstep" gradcheck image.yaml
  shown 'all gradients agree'
  "$LOCKSTEP_BUILD/tests/cli/lockstep_broken" gradcheck image.yaml >wrong.txt 2>&1 && fail "$3: not noticed"
  [ "$(grep -c 'conv2d.*weight.*WRONG' wrong.txt)" = "$(grep -c 'conv2d.*weight  ' wrong.txt)" ] ||
    fail "$3: not all kernels: $(cat wrong.txt)"
}
conv() { printf -- '- conv2d: {filters: %d, kernel_size: 3, padding: same%s}' "$1" "${2:-}"; }
relu=', activation: relu'
images 1 '[8, 8, 4]' "$(conv 6 "$relu")\n- flatten"
images 5 '[16, 16, 1]' "$(conv 12 "$relu")\n- max_pool2d\n$(conv 6 "$relu")\n- flatten"
for seed in 1 5; do
  images $seed '[8, 8, 4]' "$(conv 6)\n- batch_norm\n- relu\n- max_pool2d\n- residual:\n    layers:\n    $(conv 6 "$relu")\n    - batch_norm\n    - relu\n    $(conv 6)\n    - batch_norm\n- relu\n- global_avg_pool"
done
finish

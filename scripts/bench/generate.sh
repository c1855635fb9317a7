#!/bin/bash
# What the cache of `lockstep generate` is worth: tokens a second with it and without (--no-cache), in turn, of a
# language model of 4 blocks (width 256, 8 heads, 128 tokens) and of two layers of lstm (256 units). Both ways give
# the same text, which is compared.
#
#   scripts/bench/generate.sh [BUILD] [--rounds 5] [--length 100]
#
# BUILD: the build directory (default build). The median of the rounds is printed, of texts that begin anew each
# round; --length is at most 120, so that the window doesn't slide.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
build=$project/build rounds=5 length=100
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --length) length=$2; shift 2 ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    -*) die "$1: no option; --help tells more" ;;
    *) build=$1; shift ;;
  esac
done
[ -x "$build/lockstep" ] || die "no program $build/lockstep: build it first, or name the build directory"
[[ $rounds =~ ^[1-9][0-9]{0,3}$ ]] || die "--rounds $rounds: a whole number from 1 on"
[[ $length =~ ^[1-9][0-9]{0,2}$ && $length -le 120 ]] || die "--length $length: a whole number from 1 to 120"
lockstep=$(realpath "$build/lockstep")
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-generate.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
awk 'BEGIN { for (i = 0; i < 40; i++) print "the quick brown fox jumps over the lazy dog" }' >text.txt
"$lockstep" convert text text.txt -o text.h5 --vocabulary bytes --quiet
cat >base.yaml <<'YAML'
data: {file: text.h5, inputs: tokens, targets: next, time: {window: 128, stride: 128}}
loss: cross_entropy
optimizer: {adam: {lr: 0.001}}
train: {batch: 8, epochs: 1, seed: 1}
YAML
cat >gpt.yaml <<'YAML'
base: base.yaml
model:
  - embedding: {input_dim: 256, output_dim: 256}
  - position_embedding
  - repeat:
      times: 4
      layers:
        - residual: {layers: [layer_norm, {attention: {num_heads: 8, causal: true}}]}
        - residual: {layers: [layer_norm, {dense: {units: 1024, activation: gelu}}, {dense: {units: 256}}]}
  - layer_norm
  - dense: {units: 256, use_bias: false}
output: gpt
YAML
cat >lstm.yaml <<'YAML'
base: base.yaml
model:
  - embedding: {input_dim: 256, output_dim: 256}
  - repeat: {times: 2, layers: [{lstm: {units: 256, return_sequences: true}}]}
  - dense: {units: 256}
output: lstm
YAML

# rate RUN FILE [OPTION]: tokens a second, of a text that goes to FILE
rate() {
  "$lockstep" generate "$1" --prompt the --length "$length" "${@:3}" >"$2" 2>err || { cat err >&2; exit 1; }
  awk '/tokens in/ { print $6 }' err
}

median() { sort -g "$1" | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'; }

printf '%-8s %16s %16s %8s\n' network 'with, tokens/s' without times
for run in gpt lstm; do
  "$lockstep" train $run.yaml --progress=none 2>err || { cat err >&2; exit 1; }
  for ((round = 0; round < rounds; round++)); do
    rate $run with.txt >>$run.with
    rate $run without.txt --no-cache >>$run.without
    cmp -s with.txt without.txt || die "$run: not the same text"
  done
  awk -v n=$run -v a="$(median $run.with)" -v b="$(median $run.without)" \
    'BEGIN { printf "%-8s %16.4g %16.4g %8.3g\n", n, a, b, a / b }'
done

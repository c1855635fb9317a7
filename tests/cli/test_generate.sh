#!/bin/bash
# Text from a trained network: with a cache and without, the same on any processor and under mpirun; of
# prompts, files, tokens; what can't be is told in one line.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1

# The same on 1 rank; on 3, too, with LOCKSTEP_TEST_FULL=1.
refused_alone() {
  if [ -n "${LOCKSTEP_TEST_FULL:-}" ]; then refused "$@"; return; fi
  local code=$1 pattern=$2
  shift 2
  "$@" >out 2>err </dev/null
  same "the code of $*" $? "$code"
  [ "$(wc -l <err)" = 1 ] && grep -qE "$pattern" err || fail "$* says $(head -3 err)"
}

for ((i = 0; i < 150; i++)); do echo "zwölf äpfel"; done >words.txt
accepted "$lockstep" convert text words.txt -o words.h5 --vocabulary characters --quiet
accepted "$lockstep" convert text words.txt -o bytes.h5 --vocabulary bytes --quiet
cat >words.yaml <<'YAML'
data: {file: words.h5, inputs: tokens, targets: next, time: {window: 16, stride: 5}}
model:
  - embedding: {input_dim: 12, output_dim: 16}
  - position_embedding
  - residual: {layers: [layer_norm, {attention: {num_heads: 2, causal: true}}]}
  - residual: {layers: [layer_norm, {dense: {units: 32, activation: gelu}}, {dense: {units: 16}}]}
  - dense: {units: 12}
loss: cross_entropy
optimizer: {adam: {lr: 0.02}}
train: {batch: 16, epochs: 6, seed: 1}
output: words
YAML
cat >bytes.yaml <<'YAML'
base: words.yaml
data: {file: bytes.h5, time: {window: 20}}
model:
  - embedding: {input_dim: 256, output_dim: 16}
  - lstm: {units: 24, return_sequences: true}
  - dense: {units: 256}
train: {epochs: 15}
output: bytes
YAML
accepted "$lockstep" train words.yaml --progress=none
accepted "$lockstep" train bytes.yaml
shown '^      lockstep generate bytes$'

# ---- greedily it goes on as it has learnt, behind the 16 of its window, too
expected=$(printf 'zwölf äpfel\nzwölf äpfel\nzwölf äpfel\n')
for how in "" --no-cache; do
  accepted "$lockstep" generate words --prompt zw --length 33 --temperature 0 $how
  same "the text $how" "$(cat out)" "$expected"
  grep -qE '^33 tokens in [0-9.e-]+ s, [0-9.e+]+ a second$' err || fail "the speed: $(cat err)"
done
accepted "$lockstep" generate bytes --prompt zw --length 39 --temperature 0
same "the text of bytes" "$(cat out)" "$expected"
accepted "$lockstep" generate words --length 35 --temperature 0 # behind a new line
same "the text without a prompt" "$(cat out)" "$expected"
printf 'zwölf ä' >prompt.txt
accepted "$lockstep" generate words --prompt-file prompt.txt --length 28 --top-k 1 -o text.txt
same "the text in a file" "$(cat text.txt)" "$expected"
same "standard output beside it" "$(cat out)" ""

# ---- by numbers: of each letter its place among "\n eflpwzäö"
accepted "$lockstep" generate words --tokens 7,6 --length 4 --temperature 0
same "the tokens" "$(cat out)" "7,6,9,4,3,1"

# ---- drawn: the same with a cache, on another processor, of three ranks; others with another seed
draw() { "$lockstep" generate words --prompt 'äp' --length 40 --temperature 3 --samples 2 "$@" 2>/dev/null; }
draw --seed 5 >drawn
same "two texts" "$(grep -c -- '^----------$' drawn)" 1
draw --seed 5 --no-cache | cmp -s - drawn || fail "other text without a cache"
LOCKSTEP_SIMD=avx2 draw --seed 5 | cmp -s - drawn || fail "other text by AVX2"
ranks 3 "$lockstep" generate words --prompt 'äp' --length 40 --temperature 3 --samples 2 --seed 5 2>err | cmp -s - drawn ||
  fail "other text of 3 ranks: $(head -3 err)"
draw --seed 6 | cmp -s - drawn && fail "the same text with another seed"
sed '/^----------$/,$d' drawn | cmp -s - <(sed '1,/^----------$/d' drawn) && fail "both texts are the same"

# ---- who reads goes, and that is no failure to tell of
(set +o pipefail; "$lockstep" generate bytes --length 100000000 2>err | head -c 10 >part)
same "what a pipe got" "$(wc -c <part)" 10
same "said of it" "$(cat err)" ""

# ---- it is stopped
"$lockstep" generate bytes --length 100000000 >stopped 2>err &
"$lockstep" generate bytes --length 100000000 -o never 2>err2 &
for ((i = 0; i < 500; i++)); do
  if [ -s stopped ] && ls never* >/dev/null 2>&1; then break; fi
  sleep 0.02
done
kill -TERM %1 %2
wait %1
same "the code of one that was stopped" $? 75
wait %2
same "the code of one that wrote a file" $? 75
grep -qE '^lockstep: stopped on request after [0-9]+ tokens$' err || fail "stopped: $(cat err)"
grep -qE '^lockstep: stopped on request after [0-9]+ tokens: nothing is written$' err2 || fail "stopped: $(cat err2)"
same "what is left of the file" "$(ls | grep -c never)" 0

# ---- what can't be
refused 3 "the prompt: line 1, .*\"q\"" "$lockstep" generate words --prompt zwq
refused_alone 2 "length 0: a whole number" "$lockstep" generate words --length 0
refused_alone 2 "temperature -1: a number from 0" "$lockstep" generate words --temperature -1
refused_alone 2 "temperature nan: a number from 0" "$lockstep" generate words --temperature nan
refused_alone 2 "top-p 1.5: a number from 0 to 1" "$lockstep" generate words --top-p 1.5
refused_alone 2 "tokens 1,,2: a list" "$lockstep" generate words --tokens 1,,2
refused_alone 3 "token 1 is 12, tokens are 0 to 11" "$lockstep" generate words --tokens 1,12
refused_alone 2 "exclude each other" "$lockstep" generate words --tokens 1 --prompt z
refused_alone 1 "none.txt: " "$lockstep" generate words --prompt-file none.txt
refused_alone 1 "nowhere" "$lockstep" generate nowhere
refused_alone 1 "nowhere/x" "$lockstep" generate words --length 3 -o nowhere/x
refused_alone 2 "words.yaml" "$lockstep" generate words.yaml
head -c 3000 words/checkpoints/final.h5 >broken.h5
refused_alone 3 "broken.h5" "$lockstep" generate broken.h5
sed 's/causal: true/causal: false/; s/^output: words/output: ahead/; s/epochs: 6/epochs: 1/' words.yaml >ahead.yaml
accepted "$lockstep" train ahead.yaml --progress=none
refused_alone 2 "a position looks at later ones: residual_1/attention_1: it is not causal" "$lockstep" generate ahead
finish

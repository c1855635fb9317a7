#!/bin/bash
# Text from the file to predictions: the same weights on any number of ranks, in memory and streamed, windows
# that overlap or not; the vocabulary goes with the network, and another one is noticed.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
# once CODE PATTERN COMMAND...: as refused, of what one rank does for all.
once() {
  local code=$1 pattern=$2
  shift 2
  "$@" >out 2>err </dev/null
  same "exit code of $*" $? "$code"
  grep -qE "$pattern" err || fail "nothing like /$pattern/ of $*: $(head -1 err)"
}
for i in $(seq 90); do echo "Line $i: what shall $((i * i)) be, and who will read it?"; done >a.txt
accepted "$lockstep" convert text a.txt -o a.h5 --validation 0.15 --test 0.1
grep -q 'a vocabulary of [0-9]* characters, of the training part' err || fail "convert doesn't tell of the vocabulary"
size=$(grep -o 'vocabulary of [0-9]*' err | grep -o '[0-9]*')
cat >a.yaml <<YAML
data: {file: a.h5, inputs: tokens, targets: next, time: {window: 12, stride: 12}}
model: [{embedding: {input_dim: $size, output_dim: 8}}, {lstm: {units: 8, return_sequences: true}}, {dense: {units: $size}}]
loss: cross_entropy
metrics: [accuracy]
optimizer: {adam: {lr: 0.02}}
train: {batch: 24, lanes: 6, epochs: 1, seed: 1}
pictures: false
YAML
accepted "$lockstep" train a.yaml --dry-run
shown 'input +input +\[12\] .*/train/tokens: time 0, entries t \+ 0 to t \+ 11$'
shown 'target +target +\[12\] .*/train/tokens: time 0, entries t \+ 1 to t \+ 12$'

weights=
for how in '1 node' '1 stream' '3 node' '6 stream'; do
  read -r n memory <<<"$how"
  accepted ranks "$n" "$lockstep" train a.yaml output=runs/$n$memory data.memory=$memory --progress=none
  hash=$(grep -o '"weights_hash":"[0-9a-f]*"' runs/$n$memory/summary.json)
  weights=${weights:-$hash}
  same "weights on $n ranks, $memory" "$hash" "$weights"
done
for how in '1 node' '3 stream'; do # windows that overlap
  read -r n memory <<<"$how"
  accepted ranks "$n" "$lockstep" train a.yaml output=runs/o$n data.memory=$memory data.time.stride=5 --progress=none
  grep -o '"weights_hash":"[0-9a-f]*"' runs/o$n/summary.json >>overlapping
done
same "different weights of overlapping windows" "$(sort -u overlapping | wc -l)" 1

# taken up again on other ranks
accepted "$lockstep" train a.yaml output=runs/two train.epochs=2 --progress=none
accepted ranks 2 "$lockstep" train a.yaml output=runs/6stream train.epochs=2 --resume --progress=none
same "weights after a resume" "$(grep -o '"weights_hash":"[0-9a-f]*"' runs/6stream/summary.json)" \
  "$(grep -o '"weights_hash":"[0-9a-f]*"' runs/two/summary.json)"

# the vocabulary goes with the network
final=runs/two/checkpoints/final.h5
accepted "$lockstep" inspect $final
shown "^  vocabulary: $size characters: "
accepted "$lockstep" inspect a.h5
shown "^    vocabulary: $size characters: "
accepted "$lockstep" evaluate runs/two --split test --json
grep -q '"loss":' out || fail "evaluate gives no loss"
accepted "$lockstep" evaluate runs/two --split test
same "lines of evaluate: no table of tokens" "$(wc -l <out)" 3
echo "be who is to read what, and it will be" >b.txt
accepted "$lockstep" convert text b.txt -o b.h5 --vocabulary-from $final
accepted "$lockstep" predict runs/two --data b.h5 --split all -o p1.h5
accepted "$lockstep" inspect p1.h5
shown "/predictions +\[3, 12, $size\]"
"$lockstep" inspect p1.h5 --json | sed "s/p1.h5//" >p1.json
accepted ranks 3 "$lockstep" predict runs/two --data b.txt -o t3.h5
"$lockstep" inspect t3.h5 --json | sed "s/t3.h5//" >t3.json
cmp -s t3.json p1.json || fail "other predictions of the text itself, on 3 ranks"
accepted "$lockstep" evaluate runs/two --data b.txt --json
echo "be who is to read what, and it will be 100 €" >euro.txt
once 3 'euro.txt: line 1, byte 43: the character "€" .U.20AC. is not in the vocabulary of [0-9]+$' "$lockstep" predict runs/two --data euro.txt -o t.h5
once 2 'a text, which has no columns to keep' "$lockstep" predict runs/two --data b.txt --keep x -o t.h5
accepted "$lockstep" convert text b.txt -o c.h5
refused 3 "c.h5: has a vocabulary of 16 characters, the network one of $size characters; .*--vocabulary-from" \
  "$lockstep" predict runs/two --data c.h5 --split all -o p.h5
accepted "$lockstep" convert text a.txt -o d.h5 --vocabulary bytes
refused 3 "d.h5: has a vocabulary of 256 bytes, a.h5 one of $size characters" \
  "$lockstep" train a.yaml 'data.file=[a.h5, d.h5]'
accepted "$lockstep" convert text a.txt -o e.h5 --vocabulary bytes
accepted "$lockstep" train a.yaml data.file=e.h5 output=runs/e model.0.embedding.input_dim=256 model.2.dense.units=256 \
  initialize.from=runs/two --progress=none
grep -q 'note: initialize: the text has another vocabulary than that of runs/two' err || fail "another vocabulary is not said"
# a first configuration, of the file and of the text itself
accepted "$lockstep" init a.h5 -o i.yaml
accepted "$lockstep" train i.yaml --dry-run
shown 'lstm_1 +lstm +\[[0-9]+, 128\]'
accepted "$lockstep" init a.txt --vocabulary byte_pairs --vocabulary-size 300 -o j.yaml
accepted ranks 2 "$lockstep" train j.yaml train.epochs=1 model.1.lstm.units=8 --progress=none
grep -q 'by: time' j.yaml || fail "the end of the text is not kept from training"
printf 'To be, or not to be: that is the question:\nWhether nobler\nin the mind, to suffer,\n' >prose.txt
once 3 'k.h5: 82 tokens to train on are too few' "$lockstep" init prose.txt -o k.yaml --quiet
once 3 'if it is no table but text, say --format text' "$lockstep" init prose.txt -o k.yaml --quiet --missing mean
head -c 20 a.txt >s2.txt
accepted "$lockstep" convert text s2.txt -o s2.h5
once 3 's2.h5: 20 tokens to train on are too few' "$lockstep" init s2.h5
# too short for a window; a token that the network has no row for
echo "who will" >s.txt
accepted "$lockstep" convert text s.txt -o s.h5 --vocabulary-from a.h5
refused 3 's.h5: /train/tokens: has 9 times, and a sample takes 13' "$lockstep" train a.yaml data.file=s.h5
refused 3 'label [0-9]+ is not in 0..' "$lockstep" train a.yaml data.file=d.h5
echo '€' >>a.txt
once 3 'a.txt: line 91, byte .*U\+20AC.*not in the vocabulary of '"$size" \
  "$lockstep" convert text a.txt -o f.h5 --vocabulary-from a.h5
[ $failures = 0 ] && echo "all good"
exit $((failures > 0))

#!/bin/bash
# Training with compressed exchange, on pretended nodes: as good, the same bits through a resume; with
# other ranks it goes on and says what is left out; one node compresses nothing.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
digits=$LOCKSTEP_SOURCE/scripts/examples/digits
train() {
  local n=$1
  shift
  accepted ranks "$n" "$lockstep" train "$digits/digits.yaml" data.file=digits.h5 train.epochs=3 schedule=constant \
    loss.cross_entropy.label_smoothing=0 --progress=none "$@"
}

accepted "$lockstep" convert csv "$digits/optdigits.tra.gz" -o digits.h5 --target last \
  --test-source "$digits/optdigits.tes.gz" --validation 0.1
train 1 output=alone

export LOCKSTEP_TEST_NODES=1,2
for code in compression=bf16 compression.top_k.fraction=0.05; do
  rm -rf whole parts
  train 3 output=whole "$code"
  [ "$(hash_of whole)" != "$(hash_of alone)" ] || fail "$code: nothing was coded"
  grep -q "\"compression\":\"$(sed 's/compression[.=]//; s/[.].*//' <<<"$code")\"" whole/summary.json ||
    fail "$code is not in summary.json"
  accepted "$lockstep" evaluate whole --data digits.h5 --json
  awk -v a="$(grep -o '"accuracy":[0-9.]*' "$work/out" | head -1 | cut -d: -f2)" 'BEGIN { exit !(a > 0.92) }' ||
    fail "$code: $(head -c 300 "$work/out")"
  train 3 output=parts "$code" train.max_steps=81
  train 3 output=parts "$code" --resume
  same "$code, resumed in the middle of an epoch" "$(hash_of parts)" "$(hash_of whole)"
  grep -q 'what had not been sent' "$work/err" && fail "$code: nothing was lost: $(cat "$work/err")"
  rm -rf parts
  train 3 output=parts "$code" train.max_steps=81
  train 2 output=parts "$code" --resume
  grep -q 'what had not been sent is left out' "$work/err" || fail "$code: other ranks, and no word of it"
done
LOCKSTEP_TEST_NODES=99 train 3 output=one_node compression=bf16
same "on one node" "$(hash_of one_node)" "$(hash_of alone)"

config=("$lockstep" train "$digits/digits.yaml" data.file=digits.h5 output=never)
refused 2 "there is no compression .zip.\.  Known: none, bf16, fp16, top_k" "${config[@]}" compression=zip
refused 2 "exchange: mpi can't compress" "${config[@]}" compression=bf16 exchange=mpi
refused 2 'fraction: 0.7 is not allowed' "${config[@]}" compression.top_k.fraction=0.7
refused 2 'fraction' "${config[@]}" compression.bf16.fraction=0.1
[ -e never ] && fail "a refused run leaves a folder"
finish

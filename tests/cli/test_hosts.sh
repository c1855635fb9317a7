#!/bin/bash
# Several hosts joined by a network, with uneven numbers of ranks: one weights_hash, whatever the
# exchange.  Skipped where namespaces can't be made.
if [ "${1:-}" != inside ]; then
  exec bash "$LOCKSTEP_SOURCE/tests/support/hosts.sh" 4 bash "$0" inside
fi
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1

# on HOSTS RANKS COMMAND...
on() {
  local hosts=$1 n=$2
  shift 2
  timeout 120 mpirun --host "$hosts" -n "$n" --bind-to none "$@"
}

awk 'BEGIN { srand(11); print "a,b,c,y"; for (i = 0; i < 500; i++) { a = rand(); b = rand(); c = rand();
  printf "%.4f,%.4f,%.4f,%.5f\n", a, b, c, a * b - c } }' >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.2
cat >hosts.yaml <<'YAML'
data: {file: data.h5, normalize: true}
model: [{dense: {units: 150, activation: tanh}}, batch_norm, {dense: {units: 150}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.001}}
train: {batch: 50, epochs: 3, seed: 4, lanes: 7}
bucket_mb: 0.02
YAML
accepted "$lockstep" train hosts.yaml output=alone --progress=none

for layout in node1:2,node2:1 node1:1,node2:3 node1:1,node2:2,node3:1 node1:2,node2:1,node3:1,node4:3; do
  n=$(tr , '\n' <<<"$layout" | awk -F: '{ n += $2 } END { print n }')
  accepted on "$layout" "$n" hostname
  [ "$(sort -u "$work/out" | wc -l)" = "$(tr , '\n' <<<"$layout" | wc -l)" ] || fail "$layout: not so many hosts"
  # auto takes one of the others: once, where there are most hosts.
  exchanges='shared tree'
  case ${LOCKSTEP_TEST_FULL:-}$layout in 1* | *node4*) exchanges+=' auto' ;; esac
  for exchange in $exchanges; do
    run=$(tr ':,' '--' <<<"$layout-$exchange")
    accepted on "$layout" "$n" "$lockstep" train hosts.yaml "exchange=$exchange" "output=$run" --progress=none
    [ "$(hash_of "$run")" = "$(hash_of alone)" ] || fail "$layout, exchange $exchange: other weights"
  done
done

# what measures this: scripts/bench/between.sh
between=("$LOCKSTEP_SOURCE/scripts/bench/between.sh" "$LOCKSTEP_BUILD")
if [ "${LOCKSTEP_TEST_FULL:-}" = 1 ]; then
  bash "${between[@]}" || fail "between.sh"
else
  accepted bash "${between[@]}" --rounds 1 --steps 2 --sizes 4K --workload mlp_small --rate 1gbit
  shown '2 ranks on 2 nodes'
  grep -q "can't limit" "$work/err" || shown '^compression.top_k.fraction=0.01 +[0-9]+ +[0-9.]+ +[0-9.]+$'
fi
# Each host reads a table for itself, and tidies up after itself.
mkdir tmp
export TMPDIR=$work/tmp
accepted "$lockstep" predict alone --data data.csv --keep a -o alone.csv
accepted on node1:1,node2:2,node3:1 4 -x TMPDIR "$lockstep" predict alone --data data.csv --keep a -o hosts.csv
cmp alone.csv hosts.csv || fail "a table: other predictions on three hosts"
same "temporary folders" "$(ls tmp | grep '^lockstep')" ""

finish

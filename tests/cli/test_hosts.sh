#!/bin/bash
# Several hosts joined by a network, with uneven numbers of ranks: one weights_hash, whatever the
# exchange.  Skipped where namespaces can't be made.  LOCKSTEP_TEST_FULL=1: also how long exchanges
# take between hosts, against MPI_Allreduce, at full speed and over 1 Gbit/s.
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
model: [{dense: {units: 150, activation: tanh}}, {dense: {units: 150}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.001}}
train: {batch: 50, epochs: 3, seed: 4, lanes: 7}
bucket_mb: 0.02
YAML
hash_of() { grep -o '"weights_hash":"[0-9a-f]*"' "$1/summary.json"; }
accepted "$lockstep" train hosts.yaml output=alone --progress=none

for layout in node1:2,node2:1 node1:1,node2:3 node1:1,node2:2,node3:1 node1:2,node2:1,node3:1,node4:3; do
  n=$(tr , '\n' <<<"$layout" | awk -F: '{ n += $2 } END { print n }')
  accepted on "$layout" "$n" hostname
  [ "$(sort -u "$work/out" | wc -l)" = "$(tr , '\n' <<<"$layout" | wc -l)" ] || fail "$layout: not so many hosts"
  for exchange in shared tree auto; do
    run=$(tr ':,' '--' <<<"$layout-$exchange")
    accepted on "$layout" "$n" "$lockstep" train hosts.yaml "exchange=$exchange" "output=$run" --progress=none
    [ "$(hash_of "$run")" = "$(hash_of alone)" ] || fail "$layout, exchange $exchange: other weights"
  done
done

accepted on node1:1,node2:1 2 "$lockstep" bench exchange --sizes 4K,1M --rounds 1
shown '2 ranks on 2 nodes'
if [ "${LOCKSTEP_TEST_FULL:-}" = 1 ]; then
  on node1:1,node2:1 2 "$lockstep" bench exchange --sizes 4K,16K,64K,256K,1M,4M,16M,64M
  if bash "$LOCKSTEP_SOURCE/tests/support/hosts.sh" rate 1gbit; then
    echo "over 1 Gbit/s:"
    on node1:1,node2:1 2 "$lockstep" bench exchange --sizes 4K,64K,1M,16M --rounds 3
    for exchange in shared mpi; do
      on node1:1,node2:1 2 "$lockstep" bench step mlp_large "exchange=$exchange" --rounds 3 --steps 10
    done
    bash "$LOCKSTEP_SOURCE/tests/support/hosts.sh" rate none
  fi
fi
finish

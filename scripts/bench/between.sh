#!/bin/bash
# The exchange between two hosts, one rank each: alone at full speed against MPI_Allreduce, then whole
# steps over a link of a limited rate, by kind and compression, with the time not hidden behind backward.
#
#   scripts/bench/between.sh [BUILD] [--rounds 7] [--rate 1gbit] [--sizes 4K,...] [--workload mlp_large] [--steps 10]
#
# The hosts are network namespaces of this machine (tests/support/hosts.sh): one processor does the
# work of both ends and of the wire, so times are longer than between real hosts, and ratios count.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"
build=$project/build rounds=7 rate=1gbit sizes=4K,16K,64K,256K,1M,4M,16M,64M workload=mlp_large steps=10
read_options "rounds rate sizes workload steps" "$@"
build=$(cd "$build" && pwd)
hosts=$project/tests/support/hosts.sh
[ -n "${LOCKSTEP_HOSTS:-}" ] || exec bash "$hosts" 2 bash "$here/between.sh" "$@"

mpi_on_one_machine 2
export OMPI_MCA_btl=^uct,openib,ofi # the hosts have nothing but TCP
run() { timeout 600 mpirun --host node1:1,node2:1 -n 2 --bind-to none "$build/lockstep" bench "$@"; }

run exchange --sizes "$sizes" --rounds "$rounds" || die "bench exchange failed"
if ! bash "$hosts" rate "$rate" 2>/dev/null; then
  warn "this machine can't limit a link's rate (it takes tc, and a kernel with tbf)"
  exit 0
fi
printf '\n%s over %s, medians of %s rounds of %s steps\n' "$workload" "$rate" "$rounds" "$steps"
printf '%-28s %12s %12s %16s\n' exchange samples/s 'step, ms' 'not hidden, ms'
for kind in exchange=mpi compression=none compression=bf16 compression=fp16 \
  compression.top_k.fraction=0.1 compression.top_k.fraction=0.01; do
  json=$(run step "$workload" $kind --rounds "$rounds" --steps "$steps" --json) || die "$kind failed"
  awk -v kind="$kind" -v json="$json" '
    function number(key) { return match(json, "\"" key "\":[0-9.e+-]*") ? substr(json, RSTART + length(key) + 3) + 0 : 0 }
    BEGIN { printf "%-28s %12.0f %12.1f %16.1f\n", kind, number("bare"), 1e3 * number("batch") / number("bare"),
            1e3 * (number("wait") + number("exchange")) }' </dev/null
done
bash "$hosts" rate none

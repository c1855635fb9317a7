#!/bin/bash
# Whole steps on 2 ranks of this machine: against `exchange: mpi`, and against two processes that do
# the same work at once without exchanging anything (what two cores can reach that share memory,
# caches and clock), with the time not hidden behind backward.
#
#   scripts/bench/weak.sh [BUILD] [--rounds 7] [--workloads mlp_large:256,mlp_wide:128,mlp_wide:32] [--steps N]
#
# A workload is NAME:SAMPLES, samples a rank.  Every round measures all three, one after the other, for
# so many steps or about half a second each; figures are medians over the rounds, of bare steps.
set -u
. "$(dirname "$0")/../lib.sh"
build=$project/build rounds=7 workloads=mlp_large:256,mlp_wide:128,mlp_wide:32 steps=
read_options "rounds workloads steps" "$@"
mpi_on_one_machine 2
unset OMPI_MCA_hwloc_base_binding_policy PRTE_MCA_hwloc_default_binding_policy
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-weak.XXXXXX")
trap 'rm -rf "$work"' EXIT
bench=("$build/lockstep" bench step --rounds 1 --json ${steps:+--steps "$steps"})
both() { mpirun -n 2 --bind-to core --map-by core "${bench[@]}" "$1" --batch $((2 * $2)) "exchange=$3"; }
alone() { # CORE NAME SAMPLES
  if has taskset; then taskset -c "$1" "${bench[@]}" "$2" --batch "$3"; else "${bench[@]}" "$2" --batch "$3"; fi
}

for workload in ${workloads//,/ }; do
  name=${workload%:*} samples=${workload#*:}
  for ((r = 0; r < rounds; r++)); do
    both "$name" "$samples" auto >>"$work/auto" && both "$name" "$samples" mpi >>"$work/mpi" || die "$name failed"
    alone 0 "$name" "$samples" >>"$work/alone.0" &
    alone 1 "$name" "$samples" >>"$work/alone.1" || die "$name failed"
    wait
    # Two processes, samples/s of both together.
    paste -d' ' <(tail -1 "$work/alone.0") <(tail -1 "$work/alone.1") >>"$work/alone"
  done
  for kind in auto mpi alone; do
    sed "s/^/$workload $kind /" "$work/$kind"
  done >>"$work/all"
  rm -f "$work"/auto "$work"/mpi "$work"/alone*
done

printf '%-14s %10s %10s %10s %10s %12s %18s\n' workload lockstep mpi alone 'x mpi' 'of alone' 'not hidden, ms'
for workload in ${workloads//,/ }; do
  awk -v workload="$workload" '
    function number(text, key) { return match(text, "\"" key "\":[0-9.e+-]*") ? substr(text, RSTART + length(key) + 3) + 0 : 0 }
    function median(values, n,   i, j, t) {
      for (i = 2; i <= n; i++) for (j = i; j > 1 && values[j - 1] > values[j]; j--) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
      return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
    }
    $1 == workload && $2 == "auto" { ours[++o] = number($0, "bare"); rest[o] = 1e3 * (number($0, "wait") + number($0, "exchange")) }
    $1 == workload && $2 == "mpi" { mpi[++m] = number($0, "bare") }
    $1 == workload && $2 == "alone" { alone[++a] = number($3, "bare") + number($4, "bare") }
    END { u = median(ours, o); v = median(mpi, m); w = median(alone, a)
          printf "%-14s %10.0f %10.0f %10.0f %10.2f %10.1f %% %18.2f\n", workload, u, v, w, u / v, 100 * u / w, median(rest, o) }
  ' "$work/all"
done

#!/bin/bash
# Memory of a training run on 1, 2, 4 and 8 ranks of this machine, as the kernel counts it: what a page
# costs is divided among those who share it (PSS).  Parameters and optimizer state should not grow with
# the ranks; gradients do, one arena a rank.
#
#   scripts/bench/memory.sh [BUILD] [--check]
#
# For each number of ranks: the sum of PSS over the ranks, for a network of 8 equal layers and for one
# of 2, so that the difference is what 6 layers take, without buffers that do not depend on the depth;
# from it the gradients, one arena a rank, are taken off.  Each sum is the median of three.  --check: 1 and 8
# ranks alone, and exit 1 when a rank more takes more than a fifth of a copy of the parameters: what a run
# touches at one moment and not at another is less, a copy a rank of anything is more.
set -u
. "$(dirname "$0")/../lib.sh"
check='' build=$project/build
for a; do
  case $a in
  --check) check=1 ;;
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
  *) build=$a ;;
  esac
done
[ -x "$build/lockstep" ] || die "no program $build/lockstep: build it first, or name the build directory"
has awk || die "awk is missing"
mpi_on_one_machine
units=1024
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-memory.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
awk 'BEGIN { for (i = 0; i < 48; i++) { for (k = 0; k < 20; k++) printf "%d,", (i * (k + 3)) % 17; print i % 5 } }' >data.csv
"$build/lockstep" convert csv data.csv -o data.h5 --target 20 >/dev/null 2>&1 || exit 1

# pss_of RUN: kilobytes of all ranks that write into that directory, now
pss_of() {
  local p pss=0 one
  for p in /proc/[0-9]*; do
    grep -qzxF "output=$1" "$p/cmdline" 2>/dev/null || continue
    [ "$(cat "$p/comm" 2>/dev/null)" = lockstep ] || continue
    one=$(awk '/^Pss:/ { print $2 }' "$p/smaps_rollup")
    pss=$((pss + one))
  done
  echo $pss
}

# sum_of_pss RANKS LAYERS: kilobytes
sum_of_pss() {
  local run=$work/run.$1.$2 job k # a directory a run: ranks of the one before may still be ending
  cat >run.yaml <<YAML
data: {file: data.h5}
model: [$(yes "{dense: {units: $units, activation: relu}}," | head -n "$2") {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.0001}}
exchange: auto
bucket_mb: 1
train: {batch: 16, epochs: 1000000}
checkpoint: {every_epochs: 1000000}
YAML
  timeout 120 mpirun -n "$1" --oversubscribe --bind-to none "$build/lockstep" train run.yaml "output=$run" \
    --progress=none >out 2>&1 &
  job=$!
  for k in $(seq 600); do
    [ -s "$run/metrics.jsonl" ] && break
    kill -0 $job 2>/dev/null || { cat out >&2; exit 1; }
    sleep 0.1
  done
  for k in 1 2 3; do pss_of "$run"; sleep 0.1; done | sort -n | sed -n 2p
  kill $job
  wait $job 2>/dev/null
}

floats=$((6 * (units * units + units))) # weights and biases of 6 layers
printf '%6s %12s %14s %26s\n' ranks 'total MB' 'gradients MB' 'parameters and state MB'
counts=(1 2 4 8)
[ -z "$check" ] || counts=(1 8)
for ranks in "${counts[@]}"; do
  deep=$(sum_of_pss $ranks 8) flat=$(sum_of_pss $ranks 2)
  line=$(awk -v r=$ranks -v w="$deep" -v n="$flat" -v f=$floats 'BEGIN {
    g = r * f * 4 / 1e6; printf "%6d %12.1f %14.1f %26.1f", r, w * 1.024e-3, g, (w - n) * 1.024e-3 - g }')
  echo "$line"
  rest=${line##* }
  [ $ranks = 1 ] && first=$rest
done
echo "one copy of parameters and two of optimizer state: $(awk -v f=$floats 'BEGIN { printf "%.1f MB", f * 12 / 1e6 }')"
[ -z "$check" ] || awk -v a="$first" -v b="$rest" -v f=$floats 'BEGIN { exit (b - a) / 7 > 0.2 * f * 4 / 1e6 }' ||
  die "it grows with the ranks"

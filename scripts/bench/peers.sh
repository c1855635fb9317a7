#!/bin/bash
# lockstep's step against PyTorch's and JAX's on the reference workloads, in one run: each round
# measures every program once, one after the other, so that a slow spell of the machine meets them
# all; the table holds medians over the rounds, and ratios of medians.
#
#   scripts/bench/peers.sh [--rounds 5] [--workloads mlp_small,mlp_large,mlp_wide] [--ranks 1,2]
#                          [--peers torch,compiled,jax] [--precision float32|bfloat16]
#
# Workloads are also cnn and resnet20.  `compiled` is PyTorch with torch.compile, which takes a minute a run to
# compile.  JAX has no part in bfloat16, nor in cnn and resnet20.
# PYTHON: a Python with torch and jax from pip (default python3).
# LOCKSTEP: the program (default build/lockstep).
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=5 patience=300 peers="torch jax" workloads=mlp_small,mlp_large,mlp_wide,mlp_wide:32 ranks=1,2 precision=float32
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --workloads) workloads=$2; shift 2 ;;
    --ranks) ranks=$2; shift 2 ;;
    --precision) precision=$2; shift 2 ;;
    --peers) peers=${2//,/ }; shift 2 ;;
    *) sed -n '2,14s/^# \?//p' "$0"; exit 2 ;;
  esac
done
PYTHON=${PYTHON:-python3} LOCKSTEP=${LOCKSTEP:-build/lockstep}
bf16=()
if [ "$precision" = bfloat16 ]; then bf16=(bf16) peers=${peers/jax/}; fi
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# Samples a rank, and steps a round for the peers.
batch_of() { case $1 in mlp_small) echo 32 ;; mlp_large) echo 256 ;; mlp_wide:32) echo 32 ;; cnn|resnet20) echo 64 ;; gpt) echo 16 ;; *) echo 128 ;; esac; }
steps_of() { case $1 in mlp_small) echo 400 ;; mlp_large) echo 15 ;; cnn|resnet20) echo 15 ;; *) echo 4 ;; esac; }

note() { # PROGRAM WORKLOAD RANKS SAMPLES/S
  echo "$1 $2 $3 $4" | tee -a "$results" >&2
}
peer() { # NAME WORKLOAD RANKS
  local rate='' batch=$(($(batch_of "$2") * $3)) script=peer_$1.py how=()
  if [ "$1" = compiled ]; then script=peer_torch.py how=(compile); fi
  if [ "$1" = jax ] && [[ $2 != mlp* ]]; then return; fi
  # JAX's processes may wait for each other for minutes after they have printed their figure: take it
  # and end them.
  read -r rate < <(timeout -k 1 "$patience" "$PYTHON" -u "scripts/bench/$script" "${2%:*}" "$3" \
    "$batch" "$(steps_of "$2")" "${bf16[@]}" "${how[@]}" 2>/dev/null | sed -unE 's/.* ([0-9.]+) samples\/s.*/\1/p') || true
  pkill -f "scripts/bench/$script" || true
  [ -z "$rate" ] || note "$1" "$2" "$3" "$rate"
}
ours() { # WORKLOAD RANKS
  local launch="" out batch=$(($(batch_of "$1") * $2))
  [ "$2" = 1 ] || launch="mpirun -n $2 --bind-to core --map-by core"
  out=$($launch "$LOCKSTEP" bench step "${1%:*}" --batch $batch --rounds 3 --json train.precision="$precision")
  note lockstep "$1" "$2" "$(sed -E 's/.*"whole":([0-9.]+).*/\1/' <<<"$out")"
  note bare "$1" "$2" "$(sed -E 's/.*"bare":([0-9.]+).*/\1/' <<<"$out")"
}

for ((r = 0; r < rounds; r++)); do
  for w in ${workloads//,/ }; do
    for n in ${ranks//,/ }; do
      ours "$w" "$n"
      for p in $peers; do peer "$p" "$w" "$n"; done
    done
  done
done

"$PYTHON" - "$results" <<'PY'
import statistics, sys
seen = {}
for line in open(sys.argv[1]):
    name, work, ranks, rate = line.split()
    seen.setdefault((work, int(ranks)), {}).setdefault(name, []).append(float(rate))
peers = [p for p in ("torch", "compiled", "jax") if any(p in v for v in seen.values())]
title = {"torch": "PyTorch", "compiled": "compiled", "jax": "JAX"}
print(f"{'workload':14s} ranks {'lockstep':>10s} {'bare':>10s}" + "".join(f" {title[p]:>10s}" for p in peers) +
      "".join(f" {'x ' + title[p]:>11s}" for p in peers) + "  whole/bare")
for (work, ranks), rates in seen.items():
    m = {k: statistics.median(v) for k, v in rates.items()}
    line = f"{work:14s} {ranks:5d} {m['lockstep']:10.0f} {m['bare']:10.0f}"
    line += "".join(f" {m[p]:10.0f}" if p in m else f" {'-':>10s}" for p in peers)
    line += "".join(f" {m['lockstep'] / m[p]:11.2f}" if p in m else f" {'-':>11s}" for p in peers)
    print(line + f" {m['lockstep'] / m['bare']:11.3f}")
PY

#!/bin/bash
# How a training run scales with its ranks: speed, efficiency, and where the time of a step goes.
#
#   lockstep scaling CONFIG [--ranks 1,2,4] [--mode strong|weak] [--repeat 3] [--steps 100]
#                    [--out DIRECTORY] [key=value...]
#
#   --ranks   rank counts, the first is what the others are compared with
#   --mode    strong: the batch stays, ranks share it (more ranks, less time a step)
#             weak: the batch grows with the ranks (each rank's share stays)
#   --repeat  runs of each kind; the table shows the median and, in brackets, least and most
#   --steps   steps of each run
#   --out     where results.json (with the machine's facts), results.csv, scaling.png, scaling.svg, what
#             gnuplot drew them from (scaling.gp) and the runs go (runs/scaling-MODE)
#
# Other arguments are handed to `lockstep train` as they are.  The program is $LOCKSTEP, else
# build/lockstep, else the one on the PATH; the launcher is $MPIRUN, else "mpirun".  In a SLURM
# allocation mpirun finds the nodes itself; nothing is set that a cluster wouldn't want.
# Rank counts beyond the cores are marked: there, ranks wait for each other's time slices.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

config='' ranks=1,2 mode=strong repeat=3 steps=100 out='' overrides=()
number() { [[ $2 =~ ^[1-9][0-9]*$ ]] || die "$1 wants a whole number from 1 on, not '$2'"; }
while [ $# -gt 0 ]; do
  case $1 in
    --ranks|--mode|--repeat|--steps|--out) [ $# -gt 1 ] || die "$1 wants a value" ;;&
    --ranks) ranks=$2; shift 2 ;;
    --mode) mode=$2; shift 2 ;;
    --repeat) number "$1" "$2"; repeat=$2; shift 2 ;;
    --steps) number "$1" "$2"; steps=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    -h|--help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit ;;
    -*) die "unknown option $1; --help lists them" ;;
    *=*) overrides+=("$1"); shift ;;
    *) [ -z "$config" ] || die "one config, please: $config or $1?"; config=$1; shift ;;
  esac
done
[ -n "$config" ] || die "which config? --help shows how"
[ -r "$config" ] || die "$config: can't read it"
[[ $ranks =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || die "--ranks wants a list such as 1,2,4, not '$ranks'"
case $mode in strong|weak) ;; *) die "--mode is strong or weak, not '$mode'" ;; esac
IFS=, read -ra counts <<<"$ranks"
out=${out:-runs/scaling-$mode}

if [ -z "${LOCKSTEP:-}" ]; then
  if [ -x "$project/build/lockstep" ]; then LOCKSTEP=$project/build/lockstep; else LOCKSTEP=lockstep; fi
fi
has "$LOCKSTEP" || die "no program $LOCKSTEP: run scripts/quickstart.sh first, or set LOCKSTEP"
read -ra mpirun <<<"${MPIRUN:-mpirun}"
has "${mpirun[0]}" || die "no ${mpirun[0]} on the PATH"
has python3 || die "needs python3 (its standard library is enough)"
mkdir -p "$out"
work=$(mktemp -d "$out/runs-XXXXXX")

# The cores that the ranks can have: the allocation's, or this machine's.
available=${SLURM_NTASKS:-$(cores)}
most=0
for count in "${counts[@]}"; do [ "$count" -le "$most" ] || most=$count; done
[ -n "${SLURM_JOB_ID:-}" ] || mpi_on_one_machine "$most"

# train RANKS DIRECTORY STEPS OVERRIDE...: one run without checkpoints on the way.
train() {
  local n=$1 directory=$2 count=$3; shift 3
  if ! "${mpirun[@]}" -n "$n" "$LOCKSTEP" train "$config" "${overrides[@]}" "train.max_steps=$count" \
    train.epochs=1000000 "output=$directory" checkpoint.every_seconds=0 --progress=none "$@" \
    >"$directory.log" 2>&1 </dev/null; then
    without_blocks <"$directory.log" | tail -n 5 >&2
    die "the run on $n ranks failed; all it said is in $directory.log"
  fi
  rm -rf "$directory/checkpoints"
}

heading "Scaling of $config, $mode"
# The first run tells the batch, and brings the data into the file cache.
train "${counts[0]}" "$work/warm-up" $(((steps + 9) / 10))
batch=$(sed -n 's/.*"batch": *\([0-9]*\).*/\1/p' "$work/warm-up/summary.json" | head -1)
[ -n "$batch" ] || die "$work/warm-up/summary.json names no batch"

# What this is measured on.
"${mpirun[@]}" -n "$most" "$LOCKSTEP" doctor --json >"$work/machine.json" 2>/dev/null </dev/null || rm -f "$work/machine.json"

# Kinds of runs take turns, so that a disturbance doesn't fall on one kind alone.
for ((i = 1; i <= repeat; i++)); do
  for count in "${counts[@]}"; do
    [ ! -t 1 ] || printf '\r    run %d of %d on %d ranks ' "$i" "$repeat" "$count"
    more=()
    [ "$mode" = strong ] || more=("train.batch=$((batch * count / counts[0]))")
    train "$count" "$work/$count-$i" "$steps" "${more[@]}"
  done
done
[ ! -t 1 ] || printf '\r%*s\r' 60 ''

python3 -B "$project/scripts/scaling_table.py" "$out" --runs "$work" --mode "$mode" --cores "$available" \
  --ranks "$ranks" --repeat "$repeat" --config "$config"
pictures=("$out/scaling.png" "$out/scaling.svg")
if ! has gnuplot; then
  note "no picture, as there is no gnuplot here (Debian and Ubuntu: gnuplot-nox); where there is:"
  note "gnuplot -c $out/scaling.gp ${pictures[*]}"
elif said=$(gnuplot -c "$out/scaling.gp" "${pictures[@]}" 2>&1); then
  note "picture: ${pictures[0]}, ${pictures[1]}"
else
  warn "no picture, gnuplot says: $(tail -n 1 <<<"$said")"
fi
note "numbers: $out/results.json, $out/results.csv"

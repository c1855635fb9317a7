#!/bin/bash
# Give the readers of files and configurations what nobody would write, and count what they don't survive.
#
#   scripts/battery/fuzz.sh [NAME...] [--seconds T] [--seed S]
#
#   config       YAML and overrides; read, written, read again, and a small network trained
#   csv          tables as text
#   arrays       IDX, NumPy's .npy and .npz, CIFAR
#   data         HDF5 files of any names, shapes, types and attributes, opened as datasets
#   checkpoint   checkpoints in which something was replaced
#
# Each of these, or those that are named, for T seconds (600 unless given).  With clang the harnesses
# (tests/fuzz) are built with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer in build-fuzz/ and
# go on from what earlier runs have found there; without it they mutate their first inputs by seed, in the
# build of build/.  Of each it prints how many inputs were tried, and how many failed; these are kept, and
# `build-fuzz/tests/fuzz/fuzz_NAME FILE` repeats one.  Exit code: 0 when none failed.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

names=() seconds=600 seed=1
while [ $# -gt 0 ]; do
  case $1 in
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
  --seconds | --seed) [ $# -gt 1 ] || die "$1 wants a value"; printf -v "${1#--}" %s "$2"; shift ;;
  config | csv | arrays | data | checkpoint) names+=("$1") ;;
  *) die "what is $1? --help lists the harnesses" ;;
  esac
  shift
done
[ ${#names[@]} -gt 0 ] || names=(config csv arrays data checkpoint)
[[ $seconds =~ ^[1-9][0-9]*$ && $seed =~ ^[0-9]+$ ]] || die "--seconds and --seed want whole numbers"
root=${LOCKSTEP_BUILD_ROOT:-$project}

# libFuzzer comes with clang, but not with every package of it.
has_libfuzzer() {
  has clang && echo 'int LLVMFuzzerTestOneInput(const char *p, long n) { return p != 0 && n < 0; }' |
    clang -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null
}

# tried NAME: run it with libFuzzer; sets $tried and $failed.
run_libfuzzer() {
  local name=$1 dir=$root/build-fuzz/corpus/$1 log=$root/build-fuzz/fuzz-$1.log
  mkdir -p "$dir/inputs" "$dir/first" "$dir/failed"
  LOCKSTEP_FUZZ_SEEDS=$dir/first "$root/build-fuzz/tests/fuzz/fuzz_$name" -runs=0 >/dev/null 2>&1
  UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
    "$root/build-fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -seed="$seed" -timeout=20 \
    -rss_limit_mb=4096 -malloc_limit_mb=65536 -max_len=16384 -dict="$dir/first.dict" -close_fd_mask=2 \
    -artifact_prefix="$dir/failed/" -print_final_stats=1 "$dir/inputs" "$dir/first" >"$log" 2>&1
  failed=$(($? != 0))
  tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  [ $failed = 0 ] || { tail -n 40 "$log"; note "all of it: $log; the inputs: $dir/failed"; }
}

# The same without libFuzzer.
run_driver() {
  local name=$1 program=$root/build/tests/fuzz/fuzz_$1 out
  [ -x "$program" ] || die "no program $program: build it, with its tests, first"
  out=$(cd "$root/build" && "$program" --seconds "$seconds" --seed "$seed")
  failed=$(($? != 0))
  tried=$(sed -n 's/.*: tried \([0-9]*\) inputs.*/\1/p' <<<"$out")
  [ $failed = 0 ] || printf '%s\n' "$out"
}

run=run_driver
if has_libfuzzer; then
  run=run_libfuzzer
  mkdir -p "$root/build-fuzz"
  quietly "$root/build-fuzz/build.log" cmake -S "$project" -B "$root/build-fuzz" -DCMAKE_C_COMPILER=clang \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DLOCKSTEP_FUZZ=ON || exit 1
  for name in "${names[@]}"; do
    quietly "$root/build-fuzz/build.log" cmake --build "$root/build-fuzz" --target "fuzz_$name" \
      --parallel "$(cores)" || exit 1
  done
fi
lost=0
for name in "${names[@]}"; do
  begin=$SECONDS
  $run "$name"
  printf 'fuzz %s: %s inputs tried in %s, %d failed\n' "$name" "${tried:-?}" "$(seconds_since "$begin")" \
    "$failed"
  lost=$((lost + failed))
done
exit $((lost > 0))

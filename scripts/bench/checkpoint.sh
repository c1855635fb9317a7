#!/bin/bash
# Saving and loading a checkpoint: seconds, and the bytes that are read and written for it.
#
#   scripts/bench/checkpoint.sh [BUILD] [--against OTHER-BUILD] [--millions 300] [--rounds 3] [--folder DIR]
#
# 300 million parameters are 1.2 GB: as much as 100 million with what Adam keeps of them.  --against: with
# another build of the library in turn, round by round, and the ratio of the medians, and the median of the
# ratios.  --folder: where the file is written; in /dev/shm, as it is by default, no disk is waited for.
set -u
. "$(dirname "$0")/../lib.sh"
build=$project/build against='' millions=300 rounds=3 folder=/dev/shm
read_options "against millions rounds folder" "$@"
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-checkpoint.XXXXXX")
mkdir -p "$folder" || exit 1
file=$(mktemp "$folder/lockstep-checkpoint.XXXXXX") || exit 1
trap 'rm -rf "$work" "$file"' EXIT
here=$(cd "$(dirname "$0")" && pwd)

# make NAME BUILD: the program with that build's library
make() {
  local library
  library=$(cd "$2" && pwd) || exit 1
  "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -I"$project/include" "$here/checkpoint.c" -o "$work/$1" \
    -L"$library" -Wl,-rpath,"$library" -llockstep -lm ||
     die "it cannot be built with $library"
}
make one "$build"
names=one
if [ -n "$against" ]; then
  make other "$against"
  names='one other'
fi
for round in $(seq "$rounds"); do
  [ $((round % 2)) = 0 ] && order=$names || order=$(echo "$names" | awk '{ for (i = NF; i > 0; i--) printf "%s ", $i }')
  for name in $order; do
    rm -f "$file"
    line=$("$work/$name" "$file" "$millions") || die "$name failed"
    echo "$name $round $line" >>"$work/times"
  done
done
awk '
  function median(list, n,    i, k, x) {
    for (i = 2; i <= n; i++) { x = list[i]; for (k = i - 1; k > 0 && list[k] > x; k--) list[k + 1] = list[k]; list[k + 1] = x }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
  }
  { save[$1, $2] = $3; load[$1, $2] = $4; bytes[$1] = sprintf("%8.2f %8.2f %8.2f", $5 / 1e9, $6 / 1e9, $7 / 1e9); if ($2 > n) n = $2; seen[$1] = 1 }
  function line(name, title,    i) {
    for (i = 1; i <= n; i++) { s[i] = save[name, i]; l[i] = load[name, i] }
    ms[name] = median(s, n); ml[name] = median(l, n)
    printf "%-12s %8.3f %8.3f  %s\n", title, ms[name], ml[name], bytes[name]
  }
  END {
    printf "%-12s %8s %8s  %8s %8s %8s\n", "", "save, s", "load, s", "GB out", "GB in", "GB in"
    line("one", "this build")
    if (!("other" in seen)) exit
    line("other", "the other")
    for (i = 1; i <= n; i++) { s[i] = save["one", i] / save["other", i]; l[i] = load["one", i] / load["other", i] }
    printf "%-12s %8.3f %8.3f\n", "ratio", ms["one"] / ms["other"], ml["one"] / ml["other"]
    printf "%-12s %8.3f %8.3f\n", "of pairs", median(s, n), median(l, n)
  }' "$work/times"

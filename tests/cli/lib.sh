# What the tests that drive the program share; sourced.
set -u
: "${LOCKSTEP_BUILD:?the build directory}" "${LOCKSTEP_SOURCE:?the source directory}"
lockstep=$LOCKSTEP_BUILD/lockstep
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-cli.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0

# ranks N COMMAND...: one rank without mpirun, more with it.
ranks() {
  local n=$1
  shift
  if [ "$n" = 1 ]; then timeout 120 "$@"; else timeout 120 mpirun -n "$n" --oversubscribe --bind-to none "$@"; fi
}

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# refused CODE PATTERN COMMAND...: at 1 and 3 ranks the program exits with CODE and prints exactly
# one line of its own, which matches PATTERN; at 1 rank, where no mpirun adds its own, no other.
# Wrong usage and configurations (code 2) are seen by each rank alone, before it meets the others: of
# these 3 ranks refuse a test's first with each command, and all with LOCKSTEP_TEST_FULL=1.
declare -A refused_on_3=()
refused() {
  local code=$1 pattern=$2 n got lines kind counts=(1 3)
  shift 2
  kind=$(grep -oE "^${lockstep//./\\.} [a-z]+| --resume" <<<"${*#env LOCKSTEP_*=* }" | tr -d '\n')
  if [ "$code" = 2 ] && [ -z "${LOCKSTEP_TEST_FULL:-}" ] && [ -n "${refused_on_3[_$kind]:-}" ]; then counts=(1); fi
  [ "$code" != 2 ] || refused_on_3[_$kind]=yes
  for n in "${counts[@]}"; do
    ranks "$n" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    lines=$(grep -c '^lockstep: ' "$work/err")
    [ "$n" = 1 ] && lines=$(wc -l <"$work/err")
    if [ $got != "$code" ] || [ "$lines" != 1 ] || ! grep '^lockstep: ' "$work/err" | grep -qiE "$pattern"; then
      fail "on $n ranks: $*"
      echo "  exit code $got (wanted $code), $lines lines (wanted 1 like /$pattern/):"
      head -5 "$work/err" | sed 's/^/  | /'
    fi
  done
}

# accepted COMMAND...: exit code 0.
accepted() {
  if ! "$@" >"$work/out" 2>"$work/err" </dev/null; then
    fail "$*"
    tail -5 "$work/err" | sed 's/^/  | /'
  fi
}

# shown PATTERN: the last accepted command printed it.
shown() {
  grep -qE "$1" "$work/out" || { fail "nothing like /$1/ in:"; head -20 "$work/out" | sed 's/^/  | /'; }
}

# same WHAT GOT WANTED
same() { [ "$2" = "$3" ] || fail "$1: ${2:-nothing}, wanted ${3:-nothing}"; }

# Of a run directory: its weights_hash, and a number of summary.json.
hash_of() { grep -o '"weights_hash":"[0-9a-f]*"' "$1/summary.json"; }
number() { grep -o "\"$2\":[^,}]*" "$1/summary.json" | head -1 | cut -d: -f2; }

# table ROWS: a CSV with columns a, b, c and y = 3 a b - c and noise.
table() {
  awk -v n="$1" 'BEGIN { srand(5); print "a,b,c,y"; for (i = 0; i < n; i++) { a = rand(); b = rand(); c = rand();
    printf "%.4f,%.4f,%.4f,%.5f\n", a, b, c, 3 * a * b - c + 0.3 * rand() } }'
}

finish() {
  [ $failures = 0 ] && echo "all good"
  exit $((failures > 0))
}

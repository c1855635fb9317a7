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

# run_of_parts NAME.yaml: data.h5 of table's rows, a fifth of them for validation, and a run of 60 steps that writes
# a checkpoint each 10.
run_of_parts() {
  table 230 >data.csv
  accepted "$lockstep" convert csv data.csv -o data.h5 --target y --validation 0.2
  cat >"$1" <<'YAML'
data: {file: data.h5, normalize: true}
model: [{dense: {units: 12, activation: tanh}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.02}}
train: {batch: 20, epochs: 6, seed: 2, lanes: 4}
checkpoint: {every_steps: 10}
pictures: false
exchange: tree
YAML
}

# run_of_epochs NAME.yaml UNITS EPOCHS: data.h5 of 300 rows, and a run of that many epochs of 5 steps, on lanes for 1
# to 6 ranks, with layers of that many units.
run_of_epochs() {
  awk 'BEGIN { srand(7); print "a,b,y"; for (i = 0; i < 300; i++) { a = rand(); b = rand();
    printf "%.4f,%.4f,%.5f\n", a, b, a * b } }' >data.csv
  accepted "$lockstep" convert csv data.csv -o data.h5 --target y
  cat >"$1" <<YAML
data: {file: data.h5}
model: [{dense: {units: $2, activation: tanh}}, {dense: {units: $2}}, {dense: {units: 1}}]
loss: mse
optimizer: {sgd: {lr: 0.001}}
train: {batch: 60, epochs: $3, lanes: 6}
checkpoint: {keep: 1, every_epochs: $3}
watchdog: 2
YAML
}

finish() {
  [ $failures = 0 ] && echo "all good"
  exit $((failures > 0))
}

# What the tests share that catch a training run at an exact moment; sourced.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
# mpirun kills the other ranks when the first has ended with a code: let them end by themselves.
export OMPI_MCA_orte_abort_on_non_zero_status=0
exec {never}<> <(:) # nothing is ever read from it

# Starts a rank and writes down its process and its exit code, whatever mpirun sends meanwhile.
cat >rank.sh <<'END_OF_RANK'
trap '' TERM
run=$1 rank=${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-0}}
shift
(echo $BASHPID >"$run.process.$rank.partial" && mv "$run.process.$rank.partial" "$run.process.$rank" && exec "$@")
code=$?
echo $code >"$run.code.$rank"
exit $code
END_OF_RANK

# moment: about two milliseconds.
moment() { read -rt 0.002 -u "$never"; }

# start RUN RANKS ARGUMENTS...: `lockstep train` into the run directory RUN, in the background, as $job.
start() {
  local run=$1 n=$2 launch=()
  shift 2
  rm -f "$run".code.* "$run".process.*
  [ "$n" = 1 ] || launch=(mpirun -n "$n" --oversubscribe --bind-to none)
  timeout -k 1 120 "${launch[@]}" bash rank.sh "$run" "$lockstep" train "$@" "output=$run" --progress=none \
    >"$run.out" 2>&1 </dev/null &
  job=$!
}

# until_true COMMAND...: wait for it, 45 s at most; fails when the job has ended before.
until_true() {
  local end=$((SECONDS + 45))
  until "$@"; do
    kill -0 "$job" 2>/dev/null && ((SECONDS < end)) || return 1
    moment
  done
  return 0
}

# process RUN RANK: its number, as $process.
process() {
  until_true test -e "$1.process.$2" || { fail "$1: rank $2 did not start"; return 1; }
  process=$(<"$1.process.$2")
}

# catches RUN RANK SIGNALS: whether the rank has handlers for all of these, a mask.
catches() {
  local key mask
  while read -r key mask; do
    [ "$key" = SigCgt: ] && (((0x$mask & $3) == $3)) && return 0
  done 2>/dev/null <"/proc/$(<"$1.process.$2")/status"
  return 1
}

# is_held: whether $held has come to a stop.
is_held() {
  local line
  read -r line 2>/dev/null <"/proc/$held/stat" && [[ $line == *') T '* ]]
}

# caught RUN TEST...: stops rank 0 at a moment at which TEST holds, and still does after the stop.  Fails
# where the job has ended before.
caught() {
  local run=$1
  shift
  process "$run" 0 || return 1
  held=$process
  while until_true "$@"; do
    kill -STOP "$held" && until_true is_held && "$@" && return 0
    kill -CONT "$held"
  done
  return 1
}

# hold RUN TEST...: the same, for a moment that does not pass unseen.
hold() {
  local run=$1
  shift
  caught "$run" "$@" && return 0
  fail "$run: the moment never came: $*"
  sed 's/^/  | /' "$run.out" | head -5
  return 1
}

# send RUN RANK SIGNAL...
send() {
  local run=$1 rank=$2 signal
  shift 2
  process "$run" "$rank" || return 1
  for signal; do kill "-$signal" "$process" || fail "$run: rank $rank is gone before SIG$signal"; done
}

# let_go: rank 0 goes on.
let_go() { kill -CONT "$held"; }

# ended RUN RANKS CODE [PATTERN]: the job ends within 40 s, every rank with CODE and rank 0 with one
# line like PATTERN (none without it), and nothing half-written is left.
ended() {
  local run=$1 n=$2 code=$3 pattern=${4:-} begun=$SECONDS job_code got r left
  wait "$job"
  job_code=$?
  ((SECONDS - begun <= 40)) || fail "$run: took $((SECONDS - begun)) s to end"
  # Open MPI 4's mpirun returns 0 when told not to kill; another may kill and return the code.
  [ $job_code = "$code" ] || { [ "$n" -gt 1 ] && [ $job_code = 0 ]; } || fail "$run: exit code $job_code, wanted $code"
  for ((r = 0; r < n; r++)); do
    got=$(cat "$run.code.$r" 2>/dev/null)
    if [ -z "$got" ] && [ "$n" -gt 1 ] && [ $job_code = "$code" ]; then continue; fi
    [ "$got" = "$code" ] || fail "$run: exit code of rank $r: ${got:-none}, wanted $code"
  done
  got=$(grep '^lockstep: ' "$run.out" | grep -v '^lockstep: resume: ') # what a resume changes is no failure
  if [ "$(grep -c . <<<"$got")" != $((${#pattern} > 0)) ] || { [ -n "$pattern" ] && ! grep -Eq "$pattern" <<<"$got"; }; then
    fail "$run: wanted ${pattern:-no line}, got: $got"
  fi
  left=$(find "$run" -name '*.tmp' -o -name '*.partial' 2>/dev/null)
  [ -z "$left" ] || fail "$run: left behind: $left"
}

# whole RUN RANKS ARGUMENTS...: from where it is to its end.
whole() {
  start "$@"
  ended "$1" "$2" 0
}

# together FUNCTION-AND-ARGUMENTS...: side by side; their failures count.
together() {
  local all=() one
  for one; do
    (failures=0; $one; exit $((failures > 0))) &
    all+=($!)
  done
  for one in "${all[@]}"; do wait "$one" || failures=$((failures + 1)); done
}

#!/bin/bash
# SIGTERM, SIGINT and SIGUSR1 at exact moments of a training run, to one rank alone: every rank ends
# with code 75 after a whole checkpoint, or with 0 where the run was complete, and taken up again on
# another number of ranks the run comes to the weights of one that nobody disturbed.
# LOCKSTEP_TEST_FULL=1: every moment with every signal on 1, 2 and 3 ranks.
. "$LOCKSTEP_SOURCE/tests/fault/jobs.sh"

dataset() { # ROWS NAME VALIDATION
  table "$1" >"$2.csv"
  accepted "$lockstep" convert csv "$2.csv" -o "$2.h5" --target y --validation "$3"
}
dataset 240 small 0.17
dataset 50000 large 0.7
# Much is written and read, and steps are short.
cat >files.yaml <<'YAML'
data: {file: small.h5, normalize: true}
model: [{dense: {units: 500, activation: tanh}}, {dense: {units: 500}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.001}}
early_stopping: {patience: 100}
train: {batch: 20, epochs: 5, seed: 2, lanes: 6}
checkpoint: {every_steps: 1, keep: 2}
exchange: tree
YAML
# An epoch is two short steps and a long validation.
cat >validation.yaml <<'YAML'
base: files.yaml
data: {file: large.h5, limit: 40}
train: {epochs: 2}
YAML
# The run is two long steps.
cat >steps.yaml <<'YAML'
base: files.yaml
data: {file: large.h5, limit: 10000}
train: {batch: all, epochs: 2}
YAML

# The moments of RUN.
writing() { compgen -G "$1/checkpoints/step-*.tmp" >/dev/null; }
writing_final() { compgen -G "$1/checkpoints/final.h5.*.tmp" >/dev/null; }
behind_step() { [ -e "$1/checkpoints/$(printf 'step-%012d.h5' "$2")" ] && ! writing "$1" && [ ! -e "$1/summary.json" ]; }
validating() { behind_step "$1" 1 && sleep 0.05 && [ ! -s "$1/metrics.jsonl" ]; }
reading() {
  local fd
  for fd in "/proc/$held/fd/"*; do [ "$fd" -ef "$2" ] && return 0; done
  return 1
}
interrupt=$((1 << 1))
asks=$((1 << 14 | 1 << 9 | interrupt)) # SIGTERM, SIGUSR1, SIGINT
begun() { [ -e "$1.process.$2" ] && catches "$1" "$2" $asks; }
interrupted() { ! catches "$1" "$2" $interrupt; }

stopped='^lockstep: stopped on request at step [0-9]+; a checkpoint is written$'
early='^lockstep: stopped on request (at step [0-9]+; a checkpoint is written|before the first step: there is nothing to save yet)$'
newest() { find "$1/checkpoints" -name 'step-*.h5' | sort | tail -1; }

# Each: RUN RANKS SIGNAL, the run new or resumed.
while_writing() {
  start "$1" "$2" files.yaml --resume
  hold "$1" writing "$1" && send "$1" $(($2 - 1)) "$3" && let_go
  ended "$1" "$2" 75 "$stopped"
}
while_reading() {
  local newest
  newest=$(newest "$1")
  start "$1" "$2" files.yaml --resume
  hold "$1" reading "$1" "$newest" && send "$1" $(($2 - 1)) "$3" && let_go
  ended "$1" "$2" 75 "$early"
  [ -n "$(newest "$1")" ] || fail "$1: no checkpoint is left after the resume"
}
while_beginning() { # a stop asked for twice is one stop
  start "$1" "$2" files.yaml --resume
  until_true begun "$1" 0 && until_true begun "$1" $(($2 - 1)) || fail "$1: never began"
  send "$1" 0 "$3"
  if [ "$3" != INT ]; then send "$1" $(($2 - 1)) "$3"; else send "$1" 0 TERM; fi
  ended "$1" "$2" 75 "$early"
}
while_ending() { # a short moment, which a busy machine may not show to us at the first time
  local try
  cp -r "$1" "$1.before"
  for try in 1 2 3 4 5 6 7 8; do
    start "$1" "$2" files.yaml --resume
    caught "$1" writing_final "$1" && break
    wait "$job"
    rm -rf "$1"
    cp -r "$1.before" "$1"
  done
  rm -rf "$1.before"
  send "$1" $(($2 - 1)) "$3" && let_go
  ended "$1" "$2" 0
  same "$1, stopped while it wrote and read files" "$(hash_of "$1")" "$files"
  same "$1: checkpoints" "$(find "$1/checkpoints" -type f | wc -l)" 4
}
in_an_epoch() { # of 500 steps: not at its end
  start "$1" "$2" steps.yaml train.batch=20 train.epochs=1 checkpoint.every_steps=100
  hold "$1" behind_step "$1" 100 && send "$1" $(($2 - 1)) "$3" && let_go
  ended "$1" "$2" 75 '^lockstep: stopped on request at step [1-4][0-9][0-9]; a checkpoint is written$'
}
while_validating() {
  start "$1" "$2" validation.yaml
  hold "$1" validating "$1" && send "$1" $(($2 - 1)) "$3" && let_go
  ended "$1" "$2" 75 "${stopped/'[0-9]+'/2}"
  same "$1: epochs reported" "$(grep -c '"type":"epoch"' "$1/metrics.jsonl")" 1
}
after_validating() {
  whole "$1" "$2" validation.yaml --resume
  same "$1, stopped in a validation" "$(hash_of "$1")" "$validation"
}
# Two interrupts end it at once, whoever gets them; what was on disk stays good.
two_interrupts() {
  local n=$2 before since
  OMPI_MCA_orte_abort_on_non_zero_status=1 start "$1" "$n" steps.yaml
  hold "$1" behind_step "$1" 1 || return
  before=$(cksum <"$(newest "$1")")
  [ "$n" -gt 1 ] || let_go
  send "$1" $((n - 1)) INT
  until_true interrupted "$1" $((n - 1)) || fail "$1: the first interrupt was not caught"
  send "$1" $((n - 1)) INT
  [ "$n" = 1 ] || let_go
  since=$SECONDS
  wait "$job"
  same "$1: exit code after two interrupts" $? 130
  ((SECONDS - since <= 40)) || fail "$1: took $((SECONDS - since)) s to end"
  same "$1: the checkpoint before" "$(cksum <"$(newest "$1")")" "$before"
}
after_interrupts() {
  whole "$1" "$2" steps.yaml --resume
  same "$1, interrupted twice" "$(hash_of "$1")" "$steps"
}
# At the last step a stop comes too late to be one.
in_last_step() {
  start "$1" "$2" steps.yaml
  hold "$1" behind_step "$1" 1 && send "$1" $(($2 - 1)) "$3" && let_go
  ended "$1" "$2" 0
  same "$1, asked to stop in its last step" "$(hash_of "$1")" "$steps"
}

# While a gigabyte is measured for `normalize`, before there is anything to save.
cat >measured.yaml <<'YAML'
data: {file: sparse.h5, normalize: true, memory: stream}
model: [{dense: {units: 1}}]
loss: mse
optimizer: sgd
train: {batch: 1000, epochs: 1, seed: 2}
YAML
in_statistics() {
  local since
  start "$1" "$2" measured.yaml
  until_true begun "$1" 0 && until_true begun "$1" $(($2 - 1)) || fail "$1: never began"
  sleep 1
  since=$SECONDS
  for ((r = 0; r < $2; r++)); do send "$1" $r "$3"; done
  ended "$1" "$2" 75 '^lockstep: stopped on request before the first step: there is nothing to save yet$'
  ((SECONDS - since <= 15)) || fail "$1: took $((SECONDS - since)) s to end"
  [ ! -e "$1" ] || fail "$1: a run directory was made"
}

# A command with nothing to save ends at the first one, once it has set its signals up.
ignores_pipe() { [[ $(grep SigIgn "/proc/$job/status" 2>/dev/null) == *1??? ]]; }
other_command() {
  "$lockstep" bench step mlp_wide --rounds 101 >bench.out 2>&1 &
  job=$!
  until_true ignores_pipe || fail "bench never began"
  kill -TERM $job
  for ((i = 0; i < 2500; i++)); do kill -0 $job 2>/dev/null && moment; done
  kill -KILL $job 2>/dev/null
  wait $job 2>/dev/null
  same "exit code of bench after SIGTERM" $? 143
}

together 'whole files 1 files.yaml' 'whole validation 2 validation.yaml' 'whole steps 3 steps.yaml'
files=$(hash_of files) validation=$(hash_of validation) steps=$(hash_of steps)

files_1() { while_writing files-1 3 INT; while_reading files-1 1 TERM; while_ending files-1 2 USR1; }
files_2() { while_beginning files-2 2 TERM; while_writing files-2 1 USR1; while_ending files-2 3 TERM; }
long_1() { while_validating long-1 2 TERM; after_validating long-1 3; in_an_epoch long-4 2 INT; }
long_2() { two_interrupts long-2 2; after_interrupts long-2 1; in_last_step long-3 3 USR1; }
every() { # RANKS OTHER-RANKS SIGNAL
  local run="$1-$3"
  while_beginning "$run" "$1" "$3"
  while_writing "$run" "$1" "$3"
  while_reading "$run" "$1" "$3"
  while_beginning "$run" "$1" "$3"
  while_ending "$run" "$2" "$3"
  in_an_epoch "$run-epoch" "$1" "$3"
  while_validating "$run-validation" "$1" "$3"
  after_validating "$run-validation" "$2"
  two_interrupts "$run-interrupts" "$1"
  after_interrupts "$run-interrupts" "$2"
  in_last_step "$run-last" "$1" "$3"
}
"$LOCKSTEP_BUILD/tests/fault/change" sparse.h5 sparse 8000000 || fail "no sparse file"
measured() { in_statistics measured-1 1 TERM; in_statistics measured-2 2 USR1; }
together files_1 files_2 long_1 long_2 other_command
measured
if [ "${LOCKSTEP_TEST_FULL:-0}" = 1 ]; then
  for signal in TERM INT USR1; do together "every 1 3 $signal" "every 2 1 $signal" "every 3 2 $signal"; done
fi
finish

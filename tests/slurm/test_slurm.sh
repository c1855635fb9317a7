#!/bin/bash
# slurm/train.sbatch on a real SLURM: by mpirun and by srun, stopped and requeued, submitted again.
# Skipped (exit code 77) where SLURM isn't installed or can't start.
: "${LOCKSTEP:?}" "${LOCKSTEP_SOURCE:?}"
set -uo pipefail
export PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
packages=(slurmctld slurmd slurm-client)
skip() { echo "skipped: $*"; exit 77; }

installed() { command -v slurmctld && command -v slurmd && command -v sbatch; } >/dev/null
if ! installed && [ "$(id -u)" = 0 ] && [ -n "${CI:-}${LOCKSTEP_TEST_INSTALL:-}" ] && command -v apt-get >/dev/null; then
  # The packages would start services that nobody asked for: this file forbids it meanwhile.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; mine=yes; }
  install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q -o DPkg::Lock::Timeout=300 --no-install-recommends "${packages[@]}")
  { "${install[@]}" || { apt-get update -q && "${install[@]}"; }; } >/tmp/lockstep-slurm-apt.log 2>&1
  [ -z "${mine:-}" ] || rm -f $policy
fi
installed || skip "no SLURM here (Debian: apt-get install --no-install-recommends ${packages[*]};" \
  "with LOCKSTEP_TEST_INSTALL=1 this test does it)"

# In a process namespace of its own, nothing that the test starts can outlive it.
if [ -z "${INSIDE:-}" ] && [ "$(id -u)" = 0 ] && unshare --mount --pid --fork --mount-proc true 2>/dev/null; then
  INSIDE=yes exec unshare --mount --pid --fork --kill-child --mount-proc bash "$0"
fi
[ -z "${INSIDE:-}" ] || mount -t tmpfs tmpfs /dev/shm # and no shared memory either

T=$(mktemp -d /tmp/lsXXXX)
chmod a+x "$T"
trap 'bash "$here/slurm-local.sh" down "$T" >/dev/null 2>&1; rm -rf "$T"' EXIT
bash "$here/slurm-local.sh" up "$T" 2 >"$T/up.log" 2>&1 || { cat "$T/up.log"; skip "SLURM does not start on this machine"; }
export SLURM_CONF=$T/slurm.conf TMPDIR=$T
cd "$T" || exit 1

# Both nodes are this machine: TCP between them, and ranks that give way to each other.
export OMPI_MCA_btl=tcp,self OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1

failed=0
fail() { echo "FAILED: $*"; failed=1; }
want() { # want WHAT SEEN WANTED
  if [ "$2" = "$3" ]; then echo "ok: $1 is $3"; else fail "$1: saw '$2', wanted '$3'"; fi
}
field() { sed -n "s/.*\"$2\": *\"\{0,1\}\([^,\"}]*\).*/\1/p" "$1/summary.json" 2>/dev/null | head -1; }
job() { scontrol show job "$1" 2>/dev/null | tr ' ' '\n' | sed -n "s/^$2=//p" | head -1; }
output() {
  echo "--- what job $1 said:"; cat "$T"/*-"$1".out 2>/dev/null
  echo "--- what the nodes said:"; grep -h 'error' "$T"/log/slurmd.* | tail -n 20; echo "---"
}
# ended ID: wait for the end of a job, at most a minute.
ended() {
  local i
  for ((i = 0; i < 600; i++)); do
    case $(job "$1" JobState) in COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL) return ;; esac
    sleep 0.1
  done
  fail "job $1 is $(job "$1" JobState) after a minute"; output "$1"
}
# submit NAME LAUNCHER [KEY=VALUE...]: prints the job's number.
slurm=$LOCKSTEP_SOURCE/slurm
submit() {
  local name=$1 launcher=$2
  shift 2
  LAUNCHER=$launcher sbatch --parsable "${options[@]}" "$slurm/train.sbatch" digits.yaml output="$T/$name" "$@"
}
options=()
# trained RUN: wait until it has ended an epoch.
trained() {
  local i
  for ((i = 0; i < 300; i++)); do grep -qs '"epoch"' "$1/metrics.jsonl" && return; sleep 0.1; done
  fail "$1: no epoch after half a minute"
}
# becomes ID STATE: wait for this state, at most 50 seconds.
becomes() {
  local i
  for ((i = 0; i < 500; i++)); do [ "$(job "$1" JobState)" = "$2" ] && break; sleep 0.1; done
  want "job $1: state" "$(job "$1" JobState)" "$2"
}
# go_on ID: start a requeued job.  SLURM holds it back for two minutes, while its nodes forget the first
# start.  Here a few seconds must do; the nodes refuse a start within the second of the end.
go_on() {
  local i
  sleep 4
  for ((i = 0; i < 50; i++)); do scontrol update jobid="$1" StartTime=now 2>/dev/null && return; sleep 0.1; done
}
says() { # says FILE PATTERN
  grep -qE -- "$2" "$1" || { fail "$1 does not say '$2':"; cat "$1"; }
}

digits=$LOCKSTEP_SOURCE/scripts/examples/digits
"$LOCKSTEP" convert csv "$digits/optdigits.tra.gz" -o digits.h5 --target last --test-source "$digits/optdigits.tes.gz" \
  --validation 0.1 >/dev/null || { echo "FAILED: no data"; exit 1; }
sed "s/^output:.*//; s,^  file:.*,  file: digits.h5," "$digits/digits.yaml" >digits.yaml
short=(train.epochs=3 train.lanes=4 exchange=tree)

# sbatch's arguments reach the program as they are: with spaces, commas and brackets.
launchers=(mpirun)
if srun --mpi=list 2>&1 | grep -q pmix; then launchers+=(srun); else echo "note: this SLURM has no PMIx, so no srun"; fi
for launcher in "${launchers[@]}"; do
  name="by $launcher, once"
  id=$(submit "$name" "$launcher" "${short[@]}" 'metrics=[accuracy, {top_k: {k: 2}}]') || { fail "sbatch refused"; continue; }
  ended "$id"
  want "$launcher: state" "$(job "$id" JobState)" COMPLETED
  want "$launcher: status" "$(field "$name" status)" "done"
  want "$launcher: ranks" "$(field "$name" ranks)" 4
  want "$launcher: nodes" "$(field "$name" nodes)" 2
  want "$launcher: lines of loss in the log" "$(grep -c '^epoch ./3.*loss ' "digits-$id.out")" 3
  want "$launcher: metrics" "$(grep -c 'top_k: *{k: 2}' "$name/config.yaml")" 1
  [ $failed = 0 ] || { output "$id"; exit 1; }
done

# The same four lanes in one process, without SLURM or MPI: the same weights.
"$LOCKSTEP" train digits.yaml output="$T/alone" "${short[@]}" --progress=none >alone.log 2>&1 ||
  { cat alone.log; fail "the run alone"; }
for launcher in "${launchers[@]}"; do
  want "$launcher: weights" "$(field "by $launcher, once" weights_hash)" "$(field alone weights_hash)"
done

# Submitted again, a run that is done stays done.
id=$(submit "by mpirun, once" mpirun "${short[@]}" 'metrics=[accuracy, {top_k: {k: 2}}]')
ended "$id"
want "again: state" "$(job "$id" JobState)" COMPLETED
want "again: weights" "$(field "by mpirun, once" weights_hash)" "$(field alone weights_hash)"
want "again: epochs in metrics.jsonl" "$(grep -c '"type": *"epoch"' "by mpirun, once/metrics.jsonl")" 3

# A list of settings, a task a line; one task too many.  Beside it, at the same time, two different jobs.
cat >list.txt <<'END'
# learning rates

optimizer.adam.lr=0.001 "metrics=[accuracy, {top_k: {k: 3}}]"
  # the second
optimizer.adam.lr=0.01
END
options=(--nodes=1 --ntasks-per-node=1)
one=$(submit one mpirun "${short[@]}")
two=$(STAGE=digits.h5 submit two mpirun "${short[@]}" train.seed=2)
sweep=$(sbatch --parsable --array=1-3 --ntasks-per-node=1 "$slurm/sweep.sbatch" digits.yaml list.txt "${short[@]}")
both=0
for ((i = 0; i < 600; i++)); do
  jobs=$(squeue -h -o '%A %T')
  grep -q "^$one RUNNING" <<<"$jobs" && grep -q "^$two RUNNING" <<<"$jobs" && both=1
  [ -n "$jobs" ] || break
  sleep 0.1
done
want "two jobs ran at the same time" $both 1
want "one: weights" "$(field one weights_hash)" "$(field alone weights_hash)"
want "two: status" "$(field two status)" "done"
[ "$(field one weights_hash)" != "$(field two weights_hash)" ] || fail "the two jobs have the same weights"
says "digits-$two.out" "digits.h5 is copied to .*/digits.h5 on every node"
want "two: data" "$(grep -c "file: .*lockstep-$two/digits.h5" two/config.yaml)" 1
[ ! -e "$T/lockstep-$two" ] || fail "the staged copy is still there"
want "sweep: learning rates" "$(sed -n 's/^ *lr: *//p' runs/digits-list/[12]/config.yaml | tr '\n' ' ')" "0.001 0.01 "
want "sweep: tasks with top_k" "$(grep -l top_k runs/digits-list/[12]/config.yaml)" runs/digits-list/1/config.yaml
want "sweep: status" "$(field runs/digits-list/1 status) $(field runs/digits-list/2 status)" "done done"
says "digits-${sweep}_2.out" '^epoch 3/3 .*loss'
says "lockstep-${sweep}_3.out" 'task 3 has no line: list.txt has 2'
# The line of a run that is there may not change.
sed -i 's/lr=0.01/lr=0.02/' list.txt
sweep=$(sbatch --parsable --array=2 "$slurm/sweep.sbatch" digits.yaml list.txt "${short[@]}")
becomes "${sweep}_2" FAILED
says "lockstep-${sweep}_2.out" 'task 2: the line is not that of runs/digits-list/2.settings'

# Asked to stop in the middle, it writes a checkpoint, goes back into the queue, and ends with the
# weights of a run that nobody stopped.  Its arguments are those of its first start.
long=(train.epochs=40 train.lanes=4 exchange=tree)
"$LOCKSTEP" train digits.yaml output="$T/long-alone" "${long[@]}" --progress=none >alone.log 2>&1 ||
  { cat alone.log; fail "the long run alone"; }
options=()
for launcher in "${launchers[@]}"; do
  name=stopped-$launcher
  id=$(submit "$name" "$launcher" "${long[@]}")
  trained "$name"
  scancel --signal=USR1 --batch "$id"
  becomes "$id" PENDING
  want "$name: status after the signal" "$(field "$name" status | cut -d' ' -f1)" stopped
  ls "$name"/checkpoints/*.h5 >/dev/null 2>&1 || fail "$name: no checkpoint"
  [ $failed = 0 ] || { output "$id"; exit 1; }
  go_on "$id"
  ended "$id"
  want "$name: state" "$(job "$id" JobState)" COMPLETED
  want "$name: restarts" "$(job "$id" Restarts)" 1
  want "$name: status" "$(field "$name" status)" "done"
  want "$name: weights" "$(field "$name" weights_hash)" "$(field long-alone weights_hash)"
  says "digits-$id.2.out" '^resuming at step'
  [ $failed = 0 ] || { output "$id"; exit 1; }
done

# At the time limit the same, by SLURM's own signal (a minute is the shortest limit that there is).
# Beside it a job that may not be requeued: that is said, with what to do.
options=(--nodes=1 --ntasks-per-node=1 --time=1 --signal=B:USR1@50)
limit=$(submit limit mpirun train.epochs=100000)
options=(--nodes=1 --ntasks-per-node=1 --no-requeue)
refused=$(submit refused mpirun train.epochs=100000)
trained refused
scancel --signal=USR1 --batch "$refused"
becomes "$refused" FAILED
want "not to be requeued: exit code" "$(job "$refused" ExitCode)" 75:0
says "digits-$refused.out" 'note: this job may not be requeued'
says "digits-$refused.out" 'SLURM refused: '
says "digits-$refused.out" 'submit the same line again'
becomes "$limit" PENDING
says "digits-$limit.out" '^asked to stop'
says "digits-$limit.out" '^back into the queue'
[ $failed = 0 ] || { output "$limit"; output "$refused"; exit 1; }
go_on "$limit"
for ((i = 0; i < 300; i++)); do grep -qs '^epoch' "digits-$limit.2.out" && break; sleep 0.1; done
says "digits-$limit.2.out" '^resuming at step'
# Cancelled, it ends at once, and what it had written can be used.
scancel "$limit"
becomes "$limit" CANCELLED
"$LOCKSTEP" evaluate limit >evaluate.log 2>&1 || { cat evaluate.log; fail "the checkpoint of a cancelled job"; }

# A fault of the user's ends the job with the program's code, and is not tried again.  The log has the
# program's one line, and nothing of mpirun's about it.
options=()
id=$(submit wrong mpirun epochs=50)
ended "$id"
want "wrong setting: state" "$(job "$id" JobState)" FAILED
want "wrong setting: exit code" "$(job "$id" ExitCode)" 2:0
want "wrong setting: restarts" "$(job "$id" Restarts)" 0
says "digits-$id.out" 'did you mean "train.epochs"'
want "wrong setting: other lines in the log" \
  "$(grep -vc -e '^job ' -e '^digits.yaml, run directory' -e '^lockstep: ' -e '^ended with code 2' "digits-$id.out")" 0
[ $failed = 0 ] || output "$id"

# No such program, no such configuration, none at all.
no_program=$(LOCKSTEP=/nowhere/lockstep submit nowhere mpirun)
no_config=$(CONFIG=nowhere.yaml sbatch --parsable "$slurm/train.sbatch")
none=$(sbatch --parsable "$slurm/train.sbatch")
for id in "$no_program" "$no_config" "$none"; do
  ended "$id"
  want "job $id: exit code" "$(job "$id" ExitCode)" 2:0
done
says "digits-$no_program.out" '/nowhere/lockstep is not on the PATH'
says "nowhere-$no_config.out" "nowhere.yaml can't be read"
says "lockstep-$none.out" 'no configuration is given; usage: '

# What the two files have in common is the same.
for file in train sweep; do sed -n '/^# ---- from here on/,$p' "$slurm/$file.sbatch" >"$file.rest"; done
[ -s train.rest ] || fail "train.sbatch: no common part"
cmp train.rest sweep.rest || fail "train.sbatch and sweep.sbatch differ where they should not"
exit $failed

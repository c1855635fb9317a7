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
# submit NAME LAUNCHER OVERRIDES: prints the job's number.
submit() {
  CONFIG=$LOCKSTEP_SOURCE/scripts/examples/digits/digits.yaml OUTPUT=$T/$1 LAUNCHER=$2 \
    OVERRIDES="data.file=$T/digits.h5 $3" sbatch --parsable --job-name="$1" "$LOCKSTEP_SOURCE/slurm/train.sbatch"
}

digits=$LOCKSTEP_SOURCE/scripts/examples/digits
"$LOCKSTEP" convert csv "$digits/optdigits.tra.gz" -o digits.h5 --target last --test-source "$digits/optdigits.tes.gz" \
  --validation 0.1 >/dev/null || { echo "FAILED: no data"; exit 1; }
short="train.epochs=3 train.lanes=4 exchange=tree"

launchers=(mpirun)
if srun --mpi=list 2>&1 | grep -q pmix; then launchers+=(srun); else echo "note: this SLURM has no PMIx, so no srun"; fi
for launcher in "${launchers[@]}"; do
  id=$(submit "by-$launcher" "$launcher" "$short") || { fail "sbatch refused"; continue; }
  ended "$id"
  want "$launcher: state" "$(job "$id" JobState)" COMPLETED
  want "$launcher: status" "$(field "by-$launcher" status)" "done"
  want "$launcher: ranks" "$(field "by-$launcher" ranks)" 4
  want "$launcher: nodes" "$(field "by-$launcher" nodes)" 2
  [ $failed = 0 ] || { output "$id"; exit 1; }
done

read -ra words <<<"$short"
# The same four lanes in one process, without SLURM or MPI: the same weights.
"$LOCKSTEP" train "$digits/digits.yaml" data.file="$T/digits.h5" output="$T/alone" "${words[@]}" --progress=none >alone.log 2>&1 ||
  { cat alone.log; fail "the run alone"; }
for launcher in "${launchers[@]}"; do
  want "$launcher: weights" "$(field "by-$launcher" weights_hash)" "$(field alone weights_hash)"
done

# Submitted again, a run that is done stays done.
id=$(submit by-mpirun mpirun "$short")
ended "$id"
want "again: state" "$(job "$id" JobState)" COMPLETED
want "again: weights" "$(field by-mpirun weights_hash)" "$(field alone weights_hash)"
want "again: epochs in metrics.jsonl" "$(grep -c '"type": *"epoch"' by-mpirun/metrics.jsonl)" 3

# Asked to stop in the middle, it writes a checkpoint, goes back into the queue, and ends with the
# weights of a run that nobody stopped.
long="train.epochs=40 train.lanes=4 exchange=tree"
read -ra words <<<"$long"
"$LOCKSTEP" train "$digits/digits.yaml" data.file="$T/digits.h5" output="$T/long-alone" "${words[@]}" --progress=none >alone.log 2>&1 ||
  { cat alone.log; fail "the long run alone"; }
for launcher in "${launchers[@]}"; do
  name=stopped-$launcher
  id=$(submit "$name" "$launcher" "$long")
  for ((i = 0; i < 300; i++)); do grep -qs '"epoch"' "$name/metrics.jsonl" && break; sleep 0.1; done
  scancel --signal=USR1 --batch "$id"
  for ((i = 0; i < 200; i++)); do [ "$(job "$id" JobState)" = PENDING ] && break; sleep 0.1; done
  want "$name: state after the signal" "$(job "$id" JobState)" PENDING
  want "$name: status after the signal" "$(field "$name" status | cut -d' ' -f1)" stopped
  ls "$name"/checkpoints/*.h5 >/dev/null 2>&1 || fail "$name: no checkpoint"
  [ $failed = 0 ] || { output "$id"; exit 1; }
  # SLURM holds a requeued job back for two minutes, while its nodes forget the first start.  Here a
  # few seconds must do; the nodes refuse a start within the second of the end.
  sleep 4
  for ((i = 0; i < 50; i++)); do scontrol update jobid="$id" StartTime=now 2>/dev/null && break; sleep 0.1; done
  ended "$id"
  want "$name: state" "$(job "$id" JobState)" COMPLETED
  want "$name: restarts" "$(job "$id" Restarts)" 1
  want "$name: status" "$(field "$name" status)" "done"
  want "$name: weights" "$(field "$name" weights_hash)" "$(field long-alone weights_hash)"
  [ $failed = 0 ] || { output "$id"; exit 1; }
done

# A fault of the user's ends the job with the program's code, and is not tried again.
id=$(submit wrong mpirun "train.nonsense=1")
ended "$id"
want "wrong setting: state" "$(job "$id" JobState)" FAILED
want "wrong setting: exit code" "$(job "$id" ExitCode)" 2:0
want "wrong setting: restarts" "$(job "$id" Restarts)" 0
[ $failed = 0 ] || output "$id"
exit $failed

#!/bin/bash
# A small SLURM on this machine, as any user, without systemd, munge, cgroups or a database.
#
#   slurm-local.sh up DIRECTORY [NODES]    start it; its nodes n1, n2, ... have two cores each
#   slurm-local.sh down DIRECTORY          stop it
#
# Then:  export SLURM_CONF=DIRECTORY/slurm.conf; sbatch ..., squeue ...
# DIRECTORY must be short: socket paths have about a hundred characters.  The nodes are slurmd
# processes that share this machine's name and memory, so MPI jobs on them want
# OMPI_MCA_btl=tcp,self: "nodes" with one host name would mix up their shared-memory files.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
usage() { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 2; }
[ $# -ge 2 ] || usage
dir=$2 nodes=${3:-2}
export SLURM_CONF=$dir/slurm.conf

configure() {
  local me base i
  me=$(id -un)
  base=$((20000 + $$ % 10000)) # ports: the controller's, then one a node
  mkdir -p "$dir"/{state,log,pid}
  cat >"$SLURM_CONF" <<END
ClusterName=local
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$base
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/none
CredType=cred/none
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
TmpFS=$dir/tmp.%n
SlurmctldPidFile=$dir/pid/slurmctld
SlurmdPidFile=$dir/pid/slurmd.%n
SlurmctldLogFile=$dir/log/slurmctld
SlurmdLogFile=$dir/log/slurmd.%n
MailProg=/bin/true
RebootProgram=/bin/true
KillWait=3
ReturnToService=2
JobRequeue=1
SlurmdParameters=config_overrides
END
  for ((i = 1; i <= nodes; i++)); do
    mkdir -p "$dir/spool.n$i" "$dir/tmp.n$i"
    echo "NodeName=n$i NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((base + i)) CPUs=2 Boards=1" \
      "SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=1000"
  done >>"$SLURM_CONF"
  echo "PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=60 State=UP" >>"$SLURM_CONF"
  echo "CgroupPlugin=cgroup/v1" >"$dir/cgroup.conf" # not used, but slurmd asks for a version
}

# These stay behind when a start fails half-way: every pid file names a process of ours.
stop() {
  local file pid i
  scancel --user "$(id -un)" 2>/dev/null || :
  for ((i = 0; i < 100; i++)); do
    [ -n "$(squeue -h 2>/dev/null)" ] || break
    sleep 0.1
  done
  for file in "$dir"/pid/slurmd.* "$dir"/pid/slurmctld; do
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || continue
    for ((i = 0; i < 50; i++)); do
      # A process that ended, but that nobody has waited for yet, has gone as well.
      grep -qs '^State:[[:space:]]*[^Z]' "/proc/$pid/status" || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || :
  done
}

case $1 in
  up)
    configure
    slurmctld
    for ((i = 1; i <= nodes; i++)); do slurmd -N "n$i"; done
    for ((i = 0; i < 200; i++)); do
      [ "$(sinfo -h -N -t idle 2>/dev/null | wc -l)" = "$nodes" ] && exit 0
      sleep 0.1
    done
    echo "the nodes did not come up:" >&2
    sinfo -N -l >&2 || :
    tail -n 5 "$dir"/log/* >&2
    stop
    exit 1 ;;
  down) stop ;;
  *) usage ;;
esac

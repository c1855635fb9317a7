#!/bin/bash
# Several hosts on one machine:
#
#   hosts.sh N COMMAND...     runs COMMAND on the first of N hosts node1 ... nodeN
#
# Each host has a network, a name and shared memory of its own; a bridge joins them, so that ranks on
# different hosts talk over TCP.  mpirun --host node1:2,node2:1 works in COMMAND.  Everything lives in
# namespaces that end with COMMAND.  Exit code 77 where the kernel or the user's rights don't allow it.
#
#   hosts.sh rate 1gbit       within COMMAND: what every host may send; "rate none" lifts the limit
set -u

make_host() { # NAME ADDRESS
  unshare --net --uts --ipc --mount --propagation private sh -c "hostname $1
    mount -t tmpfs tmpfs /dev/shm && mount --bind $LOCKSTEP_HOSTS/names /etc/hosts
    exec sleep infinity" </dev/null >/dev/null 2>"$LOCKSTEP_HOSTS/log" &
  local pid=$!
  for _ in $(seq 250); do
    [ "$(cat /proc/$pid/comm 2>/dev/null)" = sleep ] && break
    sleep 0.02
  done
  echo $pid >"$LOCKSTEP_HOSTS/$1"
  ip link add "to-$1" type veth peer name eth0 netns $pid &&
    ip link set "to-$1" master hub up &&
    nsenter -t $pid -n ip link set lo up &&
    nsenter -t $pid -n ip addr add "$2/24" dev eth0 &&
    nsenter -t $pid -n ip link set eth0 up
}

case ${1:-} in
rate)
  for host in "$LOCKSTEP_HOSTS"/node*; do
    nsenter -t "$(cat "$host")" -n tc qdisc del dev eth0 root 2>/dev/null
    [ "$2" = none ] || nsenter -t "$(cat "$host")" -n \
      tc qdisc add dev eth0 root tbf rate "$2" burst 64kb latency 50ms || exit 77
  done
  ;;
inside)
  hosts=$2
  shift 2
  mount -t tmpfs tmpfs /run && ip link set lo up && ip link add hub type bridge &&
    ip link set hub up || exit 77
  echo "127.0.0.1 localhost" >"$LOCKSTEP_HOSTS/names"
  for i in $(seq "$hosts"); do echo "10.79.0.$i node$i" >>"$LOCKSTEP_HOSTS/names"; done
  for i in $(seq "$hosts"); do make_host "node$i" "10.79.0.$i" || exit 77; done
  # What mpirun calls to start its daemon on another host, in place of ssh.
  cat >"$LOCKSTEP_HOSTS/agent" <<'AGENT'
#!/bin/bash
while [[ ${1:-} == -* ]]; do shift; done
host=$1
shift
exec nsenter -t "$(cat "$LOCKSTEP_HOSTS/$host")" -n -u -i -m --wd="$PWD" -- sh -c "TMPDIR='$TMPDIR'; export TMPDIR; $*"
AGENT
  chmod +x "$LOCKSTEP_HOSTS/agent"
  export OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent=$LOCKSTEP_HOSTS/agent OMPI_MCA_btl=^uct,openib,ofi
  exec nsenter -t "$(cat "$LOCKSTEP_HOSTS/node1")" -n -u -i -m --wd="$PWD" -- "$@"
  ;;
*)
  flags=(--net --mount --propagation private --pid --fork --kill-child --mount-proc)
  [ "$(id -u)" = 0 ] || flags=(--user --map-root-user "${flags[@]}")
  if ! unshare "${flags[@]}" ip link add hub type bridge 2>/dev/null; then
    echo "skipped: no network namespaces or bridges here (or no right to make them)"
    exit 77
  fi
  # Short: the paths of sockets lie below it.
  LOCKSTEP_HOSTS=$(mktemp -d /tmp/lsh.XXXX) || exit 77
  export LOCKSTEP_HOSTS TMPDIR=$LOCKSTEP_HOSTS
  trap 'rm -rf "$LOCKSTEP_HOSTS"' EXIT
  unshare "${flags[@]}" bash "$0" inside "$@"
  ;;
esac

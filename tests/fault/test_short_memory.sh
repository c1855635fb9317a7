#!/bin/bash
# Short of memory, a run ends with a result or with one line, and never waits for memory that does not
# come: under ulimit -v at any size, in a small /dev/shm, in a control group.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
if ldd "$lockstep" | grep -q 'lib[at]san'; then echo "skipped: sanitizers take terabytes of address space"; exit 77; fi
ulimit -c 0
table 200 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y
cat >small.yaml <<'YAML'
data: {file: data.h5}
model: [{dense: {units: 8, activation: relu}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 40, epochs: 2}
output: run
YAML

# within MB RANKS COMMAND...: under ulimit -v; the code, and own lines in $work/lines.
within() {
  local mb=$1 n=$2 launch=()
  shift 2
  [ "$n" = 1 ] || launch=(mpirun -n "$n")
  rm -rf run
  timeout -k 1 60 "${launch[@]}" bash -c 'ulimit -v '"$mb"'000; exec "$@"' - "$@" >out 2>&1 </dev/null
  code=$?
  grep '^lockstep: ' out >lines
}

# As a user starts it, OpenBLAS has a thread for each core, and each wants 128 MB; or many more.
unset OPENBLAS_NUM_THREADS
for mb in 60 90 110 130 160 200 260 400 1000; do
  within $mb 1 "$lockstep" train small.yaml --progress=none
  case $code in
  124 | 137) fail "ulimit -v $mb MB: did not end" ;;
  0) [ -s run/summary.json ] || fail "ulimit -v $mb MB: code 0 and no summary" ;;
  *) [ "$(wc -l <lines)" -le 1 ] || fail "ulimit -v $mb MB: $(wc -l <lines) lines" ;;
  esac
done
[ "$code" = 0 ] || fail "ulimit -v 1000 MB: code $code: $(head -1 out)"
OPENBLAS_NUM_THREADS=64 within 300 1 "$lockstep" train small.yaml --progress=none
same "64 threads and 300 MB" "$code" 0
for mb in 90 160 240 1000; do
  within $mb 3 "$lockstep" train small.yaml --progress=none
  [ "$code" != 124 ] && [ "$code" != 137 ] || fail "ulimit -v $mb MB, 3 ranks: did not end"
done
same "3 ranks and 1000 MB" "$code" 0

# What is wanted, and which limit forbids it.
limited='ulimit -v is [0-9]+ MB, of which [0-9]+ MB are taken'
within 170 1 "$lockstep" train small.yaml --progress=none products=openblas
[ "$code" = 1 ] && grep -Eq "^lockstep: .*OpenBLAS needs 128 MB of address space for matrix products: $limited\$" lines ||
  fail "OpenBLAS in 170 MB: code $code: $(cat lines)"
within 400 1 "$lockstep" train small.yaml --progress=none model.0.dense.units=9000000
[ "$code" = 1 ] && grep -Eq "^lockstep: .* do not fit into memory: $limited\$" lines ||
  fail "a network of 400 MB in 400 MB: code $code: $(cat lines)"

# Files that are whole are never called bad, wherever it runs short while they are read: HDF5 crashes then, or says
# that a filter failed, or gives no reason.
accepted "$lockstep" train small.yaml --progress=none output=good
OPENBLAS_NUM_THREADS=1
export OPENBLAS_NUM_THREADS
said=0
for kb in $(seq 70000 3000 160000); do
  for command in "evaluate good --split training" "inspect data.h5" "train small.yaml output=good train.epochs=2 --resume --progress=none"; do
    # shellcheck disable=SC2086
    { (ulimit -v "$kb" && exec timeout -k 1 60 "$lockstep" $command) >out 2>&1 </dev/null; code=$?; } 2>/dev/null # of bash
    [ $code != 3 ] || fail "ulimit -v $kb, $command: code 3: $(tail -1 out)"
    [ $code != 1 ] || ! grep -q '^lockstep: .*ulimit -v is' out || said=$((said + 1))
  done
done
[ $said -gt 0 ] || fail "at no size did memory run out after the start"
[ -z "$(find . -name '*.crashed' -o -name '*.damaged*')" ] || fail "marks: $(find . -name '*.crashed' -o -name '*.damaged*')"

# A small /dev/shm: what only root can make, or a namespace of one's own.
small_shm='mount -t tmpfs -o size=40m tmpfs /dev/shm && exec "$@"'
if unshare -m true 2>/dev/null; then
  rm -rf run
  timeout -k 1 60 unshare -m bash -c "$small_shm" - mpirun -n 2 "$lockstep" train small.yaml --progress=none \
    exchange=shared 'model=[{dense: {units: 1000}}, {dense: {units: 4000}}, {dense: {units: 1}}]' >out 2>&1
  code=$?
  grep '^lockstep: ' out >lines
  [ $code = 1 ] && [ "$(wc -l <lines)" = 1 ] &&
    grep -Eq 'shared memory: [0-9]+ MB are needed: /dev/shm is 42 MB, of which [0-9]+ MB are left$' lines ||
    fail "a /dev/shm of 40 MB: code $code: $(head -3 out)"
fi

# A control group of version 1, where this test may make one.
group=/sys/fs/cgroup/memory/lockstep-test-$$
if mkdir $group 2>/dev/null && echo 200000000 >$group/memory.limit_in_bytes 2>/dev/null; then
  rm -rf run
  (echo $BASHPID >$group/cgroup.procs && exec timeout -k 1 60 "$lockstep" train small.yaml --progress=none \
    model.0.dense.units=9000000) >out 2>&1
  code=$?
  [ $code = 1 ] && [ "$(wc -l <out)" = 1 ] &&
    grep -Eq "do not fit into memory: memory.limit_in_bytes of the control group /lockstep-test-$$ is 200 MB, of which [0-9]+ MB are taken\$" out ||
    fail "a control group of 200 MB: code $code: $(head -3 out)"
fi
[ ! -d $group ] || rmdir $group
finish

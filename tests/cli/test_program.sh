#!/bin/bash
# The program's commands on data of its own: help, overrides, run directory, dry run, gradcheck,
# doctor, predict, JSON, signals and resuming.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
json() { python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$1" || fail "$1 is not JSON"; }

for command in init convert inspect train evaluate predict plot gradcheck doctor bench; do
  accepted "$lockstep" $command --help
  shown "^usage: .*lockstep $command"
  accepted "$lockstep" --help
  shown "^  $command "
done
awk 'BEGIN { srand(3); print "height,width,colour,area"; for (i = 0; i < 400; i++) { h = rand(); w = rand();
  printf "%.4f,%.4f,%d,%.5f\n", h, w, i % 3, h * w + 0.01 * rand() } }' >shapes.csv
accepted "$lockstep" convert csv shapes.csv -o shapes.h5 --target area --drop colour --validation 0.2 --test 0.2
accepted "$lockstep" inspect shapes.h5
shown '/train/x'
accepted "$lockstep" inspect shapes.h5 --json
json "$work/out"
accepted "$lockstep" convert --help
shown '^convert csv: '
shown '^ +--target COLUMNS '
shown '^convert npy: '
shown 'usage: lockstep convert idx IMAGES LABELS \[TEST-IMAGES TEST-LABELS\] -o OUT.h5'
accepted "$lockstep" convert npy --help
shown '^  --validation SHARE '
shown '^ +--scale NUMBER '
grep -qE '^convert csv|--target' "$work/out" && fail "convert npy --help shows csv too"
python3 - <<'PY'
import array
def save(name, descr, shape, values):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, shape)
    head += " " * (-(len(head) + 11) % 64) + "\n"
    with open(name, "wb") as f:
        f.write(b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head.encode() + values.tobytes())
save("x.npy", "|u1", (6, 2, 2), array.array("B", range(24)))
save("y.npy", "<i8", (6,), array.array("q", [0, 1, 2, 0, 1, 2]))
PY
accepted "$lockstep" convert npy x.npy y.npy x.npy y.npy --scale=23 --quiet -o arrays.h5
accepted "$lockstep" inspect arrays.h5
shown '/test/x +\[6, 2, 2\] +uint8 +0 to 23'
shown 'scale: 23'
shown '3 classes: 0 \(2\), 1 \(2\), 2 \(2\)'
cat >shapes.yaml <<'YAML'
data: {file: shapes.h5, normalize: true}
model:
- dense: {units: 24, activation: tanh}
- dense: {units: 1}
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 32, epochs: 30, seed: 2, lanes: 6}
exchange: tree
YAML
accepted ranks 2 "$lockstep" train shapes.yaml --dry-run
shown 'dense_1 +dense +\[24\] +72'
shown 'rank 1: lanes 3 to 5'
shown 'bucket 0'
[ -e runs ] && fail "--dry-run made files"
accepted ranks 1 "$lockstep" gradcheck shapes.yaml
shown 'all gradients agree'
accepted ranks 1 "$lockstep" gradcheck shapes.yaml --json loss=huber
json "$work/out"
accepted ranks 2 "$lockstep" doctor
shown 'GFLOP/s'
accepted ranks 2 "$lockstep" doctor --json
json "$work/out"

accepted ranks 2 "$lockstep" train shapes.yaml
shown 'epoch 30/30'
json runs/shapes/summary.json
[ "$(grep -c '"type":"epoch"' runs/shapes/metrics.jsonl)" = 30 ] || fail "metrics.jsonl has not 30 epochs"
first=$(hash_of runs/shapes)
accepted ranks 3 "$lockstep" train runs/shapes/config.yaml output=again --progress=none
[ "$first" = "$(hash_of again)" ] || fail "the effective configuration on 3 ranks gave other weights"
accepted ranks 2 "$lockstep" train shapes.yaml train.epochs=2 --progress=none
[ -e runs/shapes.1/summary.json ] || fail "the earlier run was not kept"
accepted "$lockstep" evaluate runs/shapes.1 --json
json "$work/out"
cp "$work/out" one
accepted ranks 3 "$lockstep" evaluate runs/shapes.1 --json
cmp -s one "$work/out" || fail "evaluate depends on the number of ranks"
accepted ranks 2 "$lockstep" predict runs/shapes.1 -o predicted.h5
accepted "$lockstep" inspect predicted.h5
shown '/predictions'
accepted "$lockstep" inspect runs/shapes.1/checkpoints/final.h5
shown 'dense_1'

# stopped by a signal in the middle, then resumed on another number of ranks: the same weights
accepted ranks 1 "$lockstep" train shapes.yaml output=whole train.epochs=1500 checkpoint.every_seconds=0 --progress=none
for launch in "mpirun -n 3 --oversubscribe --bind-to none" ""; do
  rm -rf parts
  # mpirun passes USR1 on to its ranks
  $launch "$lockstep" train shapes.yaml output=parts train.epochs=1500 --progress=none >"$work/out" 2>"$work/err" &
  pid=$!
  for i in $(seq 200); do [ -s parts/metrics.jsonl ] && break; sleep 0.05; done
  kill -USR1 $pid
  wait $pid
  code=$?
  [ $code = 75 ] || { fail "a stopped run exited with $code"; cat "$work/err"; }
  ls parts/checkpoints/step-*.h5 >/dev/null || fail "a stopped run left no checkpoint"
  accepted ranks 2 "$lockstep" train shapes.yaml output=parts train.epochs=1500 --resume
  shown 'resuming at step [1-9]'
  [ "$(hash_of whole)" = "$(hash_of parts)" ] || fail "a resumed run gave other weights"
done
# other processor kernels: one line says so
accepted env LOCKSTEP_SIMD=baseline "$lockstep" train shapes.yaml output=kernels train.epochs=1 --progress=none
if grep -q '"simd":"baseline"' whole/summary.json; then
  echo "this processor has no kernels but the baseline: the note on others is left out"
else
  accepted ranks 2 "$lockstep" train shapes.yaml output=kernels train.epochs=2 --resume --progress=none
  [ "$(grep -c 'note: this run began with the kernels' "$work/err")" = 1 ] || fail "nothing was said of other kernels"
fi
# a damaged newest checkpoint: the one before is taken
newest=$(ls parts/checkpoints/step-*.h5 | tail -1)
head -c 2000 "$newest" >cut && cp cut "$newest"
accepted ranks 2 "$lockstep" train shapes.yaml output=parts train.epochs=1500 --resume --progress=none
grep -q 'passing over a damaged checkpoint' "$work/err" || fail "nothing was said of a damaged checkpoint"
[ "$(hash_of whole)" = "$(hash_of parts)" ] || fail "a run resumed from the checkpoint before gave other weights"
finish

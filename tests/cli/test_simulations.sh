#!/bin/bash
# Files of simulations, by somebody who has never seen the program: from a file to predictions that can
# be mapped back, in a few commands; what goes wrong on the way is said.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
from=$LOCKSTEP_SOURCE/tests/data/simulations
mkdir runs_of_mine
cp "$from"/run-?.h5 runs_of_mine/
cp "$from/packed.nc" "$from/matlab.mat" .

# next LAST-ARGUMENT FILE DATA-LINES: three lines say it
config() {
  cat >"$1.yaml" <<YAML
data:
  file: $2
$3
  normalize: {per: channel, targets: standard}
model: [{reshape: {shape: [5, 1]}}, {conv1d: {filters: 4, kernel_size: 3, padding: same, activation: tanh}},
        {conv1d: {filters: 1, kernel_size: 3, padding: same}}, {reshape: {shape: [5]}}]
loss: mse
optimizer: {adam: {lr: 0.05}}
train: {batch: 5, epochs: 30, lanes: 3}
output: out_$1
YAML
}
steps='  inputs: /u
  targets: inputs
  time: {axis: 1}'

# netCDF-4, trained on 1, 2 and 3 ranks, in memory and streamed: the same weights
config nc packed.nc "$steps
  split: {test: 0.25}"
accepted "$lockstep" train nc.yaml --dry-run
shown '/u: axis 0 x time 1, entry t \+ 1$'
shown 'samples: 15 train, 5 test$'
weights=
for n in 1 2 3; do
  for memory in node stream; do
    accepted ranks $n "$lockstep" train nc.yaml data.memory=$memory output=out_nc_$n$memory --progress=none
    grep -q 'of 4 trajectories 3 are trained on, 1 the test: whole ones, since neighbours in time are alike' \
      "$work/err" || fail "how it is split is not said"
    hash=$(grep -o '"weights_hash":"[0-9a-f]*"' out_nc_$n$memory/summary.json)
    weights=${weights:-$hash}
    same "weights on $n ranks, $memory" "$hash" "$weights"
  done
done
accepted "$lockstep" evaluate out_nc_1node
shown '^test: 5 samples$'
for n in 1 2; do
  accepted ranks $n "$lockstep" predict out_nc_1node -o p$n.h5
done
for n in 1 2; do "$lockstep" inspect p$n.h5 --json | sed "s/p$n.h5//" >p$n.json; done
cmp -s p1.json p2.json || fail "predictions of 1 and 2 ranks differ"
accepted "$lockstep" inspect p1.h5
shown '/index +\[24, 2\] +int64'           # 4 trajectories, 6 times: from the last one, too
shown 'columns: axis_0, time$'
shown '/predictions +\[24, 5\]'
accepted "$lockstep" predict out_nc_1node -o t.h5 --split test
accepted "$lockstep" inspect t.h5
shown '/index +\[6, 2\] +int64'

# A file a run of the simulation; also scored and predicted from another folder, and of other files
config runs 'runs_of_mine/run-*.h5' "${steps/axis: 1/axis: 0}
  split: {validation: 0.25, by: file}"
accepted "$lockstep" train runs.yaml --progress=none
accepted "$lockstep" evaluate out_runs --split validation
shown '^validation: 5 samples$'
accepted "$lockstep" evaluate out_runs --data 'runs_of_mine/run-[12].h5'
shown '^all: 10 samples$'
accepted "$lockstep" predict out_runs --data 'runs_of_mine/run-[12].h5' -o p.h5
accepted "$lockstep" inspect p.h5
shown 'columns: file, time$'
shown 'files: runs_of_mine/run-1.h5, runs_of_mine/run-2.h5$'
! grep -q warning err || fail "warned of the training's own data: $(cat err)"
# The same files by other names: other ones would be called validation, and that is said
mkdir renamed
for k in 0 1 2 3; do cp runs_of_mine/run-$k.h5 renamed/run-$(((k + 1) % 4)).h5; done
accepted "$lockstep" evaluate out_runs --data 'renamed/run-*.h5' --split validation
grep -q 'warning: renamed/run-0.h5 and 3 more: not the data that the parts were drawn from' err ||
  fail "nothing is said of parts of renamed files: $(cat err)"
accepted "$lockstep" predict out_runs --data 'renamed/run-*.h5' -o p.h5 --split validation
grep -q 'not the data that the parts were drawn from' err || fail "nothing is said: $(cat err)"
accepted "$lockstep" predict out_runs --data 'renamed/run-*.h5' -o p.h5
! grep -q 'drawn from' err || fail "a warning of parts that nobody wanted"
accepted "$lockstep" predict out_runs -o p.h5 --split validation # also windows without targets
! grep -q 'drawn from' err || fail "warned of the training's own data: $(cat err)"
cd / && accepted "$lockstep" evaluate "$work/out_runs" --split validation
shown '^validation: 5 samples$'
cd "$work" || exit 1
accepted "$lockstep" train runs.yaml --resume train.epochs=31 --progress=none
cp runs_of_mine/run-0.h5 runs_of_mine/run-9.h5
"$lockstep" train runs.yaml --resume train.epochs=32 2>changed
[ $? = 3 ] && grep -q 'the data have changed: the training part had 15 samples and has 20' changed || fail "$(cat changed)"
rm runs_of_mine/run-9.h5

# MATLAB 7.3: dimensions reversed
config mat matlab.mat "  axis: -1
$steps"
accepted "$lockstep" train mat.yaml --progress=none
accepted "$lockstep" evaluate out_mat --split all
shown '^all: 20 samples$'

refused 2 'no file fits the pattern none/\*.h5' "$lockstep" train runs.yaml 'data.file=none/*.h5'
refused 2 'names runs_of_mine/run-1.h5 twice' "$lockstep" train runs.yaml 'data.file=[runs_of_mine/run-1.h5, runs_of_mine/run-1.h5]'
refused 3 '/u: select \[:, 99\] of its shape \[4, 6, 5\]: index 99' \
  "$lockstep" train nc.yaml 'data.inputs={dataset: /u, select: "[:, 99]"}' data.targets=/u
refused 3 'has 6 times, and a sample takes 7' "$lockstep" train nc.yaml data.time.window=6
refused 2 'files: 4, too few for validation, the test and the training' \
  "$lockstep" train runs.yaml data.split.validation=0.49 data.split.test=0.49
refused 2 "several data files are one pattern in quotation marks" \
  "$lockstep" evaluate out_runs --data runs_of_mine/run-1.h5 runs_of_mine/run-2.h5
refused 2 'run-1.h5: is both the data and the output' \
  "$lockstep" predict out_runs --data 'runs_of_mine/run-*.h5' -o runs_of_mine/run-1.h5
ln -s run-3.h5 runs_of_mine/run-latest.h5
refused 3 'run-latest.h5: is the file runs_of_mine/run-3.h5 by another name' "$lockstep" train runs.yaml
rm runs_of_mine/run-latest.h5
head -c 1500 "$from/run-2.h5" >runs_of_mine/run-2.h5
refused 3 'run-2.h5: truncated HDF5 file' "$lockstep" evaluate out_runs

finish

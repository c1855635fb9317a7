#!/bin/bash
# The batch script without SLURM: which run directory it takes, and whether it sees that a run is done.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
mkdir bin
printf '#!/bin/bash\nshift 2\nexec "$@"\n' >bin/mpirun # one rank
printf '#!/bin/bash\nexit 1\n' >bin/scontrol
chmod +x bin/mpirun bin/scontrol
awk 'BEGIN { print "a,y"; for (i = 0; i < 40; i++) print i * 7 % 11 ".5," i ".25" }' >t.csv
accepted "$lockstep" convert csv t.csv -o t.h5 --label number --quiet
cat >'my conf.yaml' <<'YAML'
data: {file: t.h5}
model: [{dense: {units: 1}}]
loss: mse
optimizer: {sgd: {lr: 0.0001}}
train: {batch: 8, epochs: 1}
YAML
submitted() {
  env PATH="$PWD/bin:$PATH" LOCKSTEP="$lockstep" SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=1 SLURM_NTASKS=1 \
    SLURM_JOB_NODELIST=here RESTARTS=0 bash "$LOCKSTEP_SOURCE/slurm/train.sbatch" 'my conf.yaml' "$@"
}
is_run() { [ -s "$1/summary.json" ] || fail "there is no run in $1: $(find . -name summary.json)"; }
accepted submitted
is_run 'runs/my conf'
# names of settings in braces, which the program fills in; nothing kept
accepted submitted 'output=a/{name}-{train.batch}'
is_run a/my_conf-8
accepted submitted output=none
[ ! -e none ] || fail "a run directory called none"
# a line of another setting is no run directory
accepted submitted 'output=b c' $'metrics=[mae,\n r2]'
is_run 'b c'
finish

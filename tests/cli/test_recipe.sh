# How a table was read stays with the network: through training on two ranks, and a resume on one.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
{
  echo 'size,kind,when,y'
  for i in 1 2 3 4 5 6 7 8 9; do echo "$i.5,$([ $((i % 2)) = 0 ] && echo even || echo '"o""dd, é"'),$i:30,$i"; done
} >table.csv
accepted "$lockstep" convert csv table.csv --label number --date-parts when -o table.h5
cat >config.yaml <<'YAML'
data: {file: table.h5, normalize: true}
model: [{dense: {units: 1}}]
loss: mse
optimizer: {sgd: {lr: 0.01}}
train: {batch: 4, epochs: 1}
output: run
YAML
wanted=$("$lockstep" inspect --json table.h5 | grep -o '"recipe":".*\]}"' | head -n 1)
case $wanted in *'"words\":[\"even\",\"o\\\"dd, é\"]'*) ;; *) fail "no such words in $wanted" ;; esac
holds() {
  "$lockstep" inspect --json "$1" | grep -qF "$wanted" || fail "$1 does not hold the recipe"
}
accepted ranks 2 "$lockstep" train config.yaml
holds run/checkpoints/final.h5
accepted "$lockstep" train config.yaml train.epochs=2 --resume
holds run/checkpoints/final.h5
finish

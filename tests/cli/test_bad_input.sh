#!/bin/bash
# Bad files, bad configurations, bad directories: one line, the right exit code on every rank, and
# earlier results as they were.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
"$LOCKSTEP_BUILD/tests/make_bad" "$work" || exit 1
cat >good.yaml <<'YAML'
data: {file: good.h5}
model: [{dense: {units: 4, activation: relu}}, {dense: {units: 2}}]
loss: cross_entropy
optimizer: {sgd: {lr: 0.1}}
train: {batch: 8, epochs: 2, seed: 1, lanes: 4}
output: run
YAML
accepted ranks 1 "$lockstep" train good.yaml --progress=none train.lanes=1
hash=$(grep -o '"weights_hash":"[0-9a-f]*"' run/summary.json)
accepted ranks 3 "$lockstep" train good.yaml --progress=none output=run3 train.lanes=1 exchange=tree
[ "$hash" = "$(grep -o '"weights_hash":"[0-9a-f]*"' run3/summary.json)" ] || fail "one lane on 3 ranks gave other weights"

# data files
head -c $(($(stat -c %s good.h5) * 2 / 3)) good.h5 >truncated.h5
echo "this is text" >text.h5
refused 3 'truncated.h5' "$lockstep" train good.yaml data.file=truncated.h5
refused 3 'text.h5.*not an HDF5' "$lockstep" train good.yaml data.file=text.h5
refused 1 'nothere.h5' "$lockstep" train good.yaml data.file=nothere.h5
refused 3 '/fields/nope' "$lockstep" train good.yaml data.inputs=/fields/nope data.targets=/train/y
refused 3 '40.*39|39.*40' "$lockstep" train good.yaml data.file=lengths.h5
refused 3 'nan|not finite' "$lockstep" train good.yaml data.file=nan.h5
refused 3 'label.*7|7.*0\.\.1' "$lockstep" train good.yaml data.file=label.h5

# HDF5's own lines, which come when the process ends, are none of ours
cp good.h5 header.h5
printf '\377' | dd of=header.h5 bs=1 seek=$(($(grep -abo OHDR good.h5 | sed -n 3p | cut -d: -f1) + 6)) conv=notrunc 2>/dev/null
refused 3 'header.h5: damaged' "$lockstep" inspect header.h5

# configurations
refused 2 'train.epoch.*did you mean' "$lockstep" train good.yaml train.epoch=3
refused 2 'train.batch.*many' "$lockstep" train good.yaml train.batch=many
refused 2 'units.*-3' "$lockstep" train good.yaml model.1.dense.units=-3
refused 2 'nothere.yaml|No such' "$lockstep" train nothere.yaml
printf 'base: b.yaml\n' >a.yaml
printf 'base: a.yaml\n' >b.yaml
refused 2 'a.yaml.*b.yaml|b.yaml.*a.yaml' "$lockstep" train a.yaml
refused 2 'train' "$lockstep" train good.yaml train=5 train.batch=3
printf 'model: [\n' >broken.yaml
refused 2 'broken.yaml:[0-9]' "$lockstep" train broken.yaml
printf 'model: &m [*m]\n' >loop.yaml
refused 2 'loop.yaml' "$lockstep" train loop.yaml
refused 2 'help' "$lockstep" train
refused 2 'frobnicate' "$lockstep" frobnicate
refused 2 'nosuch' "$lockstep" train good.yaml --nosuch
refused 4 'not finite' "$lockstep" train good.yaml optimizer.sgd.lr=1e6 train.epochs=20 model.0.dense.activation=linear output=diverged

# where numbers stopped being finite: the same on any number of ranks, with sums over the batch or without
cat >steep.yaml <<'YAML'
data: {file: good.h5}
model: [{dense: {units: 8}}, {dense: {units: 8, activation: relu}}, layer_norm, {dense: {units: 2}}]
loss: cross_entropy
optimizer: {sgd: {lr: 1000000}}
train: {batch: 4, epochs: 1, seed: 1, lanes: 4}
output: none
YAML
refused 4 'step [0-9]+ .*: the loss is not finite, and the output of dense_[12] is the first' "$lockstep" train steep.yaml
refused 4 'the loss is not finite, as the weights batch_norm_1/gamma are not any more' "$lockstep" train steep.yaml model.2=batch_norm
for norm in layer_norm batch_norm; do
  for n in 1 2 3 4; do
    ranks $n "$lockstep" train steep.yaml model.2=$norm --progress=none 2>&1 | grep '^lockstep: ' >"$norm-$n.txt"
    cmp "$norm-1.txt" "$norm-$n.txt" || fail "$norm on $n ranks"
  done
done

# paths that are empty, variables that have no such value
refused 2 'data.file: is empty' "$lockstep" train good.yaml "data.file=''"
refused 2 'output: is empty' "$lockstep" train good.yaml "output=''"
refused 2 'initialize.from: is empty' "$lockstep" train good.yaml "initialize.from=''"
refused 2 'CONFIG is an empty' "$lockstep" train ''
refused 2 'CHECKPOINT is an empty' "$lockstep" evaluate ''
refused 2 '\-\-data: the name of a file' "$lockstep" evaluate run --data ''
refused 2 'data.file: is empty' "$lockstep" evaluate run "data.file=''"
refused 2 'SOURCE is an empty' "$lockstep" convert csv '' -o out.h5
refused 2 'test-source: the name of a file' "$lockstep" convert csv missing.csv -o out.h5 --test-source ''
printf "base: ''\n" >empty.yaml
refused 2 'empty.yaml:1: base: is empty' "$lockstep" train empty.yaml
refused 2 'LOCKSTEP_SIMD=nonsense: one of baseline, avx2, avx512 is wanted' env LOCKSTEP_SIMD=nonsense "$lockstep" train good.yaml
refused 2 'LOCKSTEP_BF16=1: one of' env LOCKSTEP_BF16=1 "$lockstep" evaluate run
refused 2 'LOCKSTEP_ALONE=yes: one of 0, 1 is' env LOCKSTEP_ALONE=yes "$lockstep" inspect good.h5
refused 2 'LOCKSTEP_TEST_NODES=1,x: whole numbers' env LOCKSTEP_TEST_NODES=1,x "$lockstep" evaluate run
accepted env LOCKSTEP_SIMD= LOCKSTEP_SIMDS=avx2 LOCKSTEP_BUILT=1 "$lockstep" inspect good.h5
[ "$(grep -c 'LOCKSTEP_SIMDS is set, which means nothing; is LOCKSTEP_SIMD meant' "$work/err")" = 1 ] || fail "a name that is nearly one of ours"
[ "$(wc -l <"$work/err")" = 1 ] || fail "a name that is none of ours"
# a stack that is too small is said, and a soft limit is no limit
small_stack() { bash -c 'ulimit "$1" 64 && shift && exec "$@"' stack "$@"; }
small_stack -s "$lockstep" train good.yaml >out 2>err
same "a stack of 64 KB" "$? $(cat err)" "1 lockstep: the stack is limited to 64 KB (ulimit -s), and 256 are needed"
accepted small_stack -Ss "$lockstep" inspect good.h5

# converters
printf 'a,b,c\n1,2,3\n4,5\n' >ragged.csv
refused 3 'ragged.csv:3' "$lockstep" convert csv ragged.csv -o out.h5
printf 'a,b,c\n1,2,3\n4,,6\n7,8,9\n' >missing.csv
refused 3 'missing.csv:3.*column 2|missing.csv:3.*b' "$lockstep" convert csv missing.csv -o out.h5 --label number
printf '\0\0\10\3\0\0\0\12\0\0\0\34\0\0\0\34abc' >lies.idx
printf '\0\0\10\1\0\0\0\1\7' >labels.idx
refused 2 '"cvs" is unknown; one of csv, idx, npy, npz, cifar10, cifar100, images, text, audio is wanted; did you mean "csv"\?' "$lockstep" convert cvs ragged.csv -o out.h5
refused 2 'there is no option --targte; did you mean --target\? try: lockstep convert csv --help' "$lockstep" convert csv ragged.csv --targte 2 -o out.h5
refused 2 'there is no option --header; try: lockstep convert idx --help' "$lockstep" convert idx --header=yes lies.idx labels.idx -o out.h5
refused 2 ': --missing wants a value; try: lockstep convert csv --help' "$lockstep" convert csv ragged.csv -o out.h5 --missing
refused 2 'missing "all" is not allowed, it must be error, mean or drop' "$lockstep" convert csv ragged.csv -o out.h5 --missing all
refused 2 ': -o OUT.h5 is missing' "$lockstep" convert csv --quiet ragged.csv --missing drop
refused 3 'labels.idx: no .npy file' "$lockstep" convert npy labels.idx labels.idx -o out.h5
refused 3 'lies.idx' "$lockstep" convert idx lies.idx labels.idx -o out.h5
refused 1 'nothere.csv' "$lockstep" convert csv nothere.csv -o out.h5
head -c 20000 /dev/zero | tr '\0' 'x' | gzip -1 | head -c 30 >cut.csv.gz
refused 3 'cut.csv.gz' "$lockstep" convert csv cut.csv.gz -o out.h5
[ -e out.h5 ] && fail "a refused conversion left out.h5"

# checkpoints
cp run/checkpoints/final.h5 damaged.h5
printf 'XXXX' | dd of=damaged.h5 bs=1 seek=$(($(stat -c %s damaged.h5) - 40)) conv=notrunc 2>/dev/null
head -c 1500 run/checkpoints/final.h5 >cut.h5
refused 3 'cut.h5' "$lockstep" evaluate cut.h5 --split train
refused 3 'good.h5.*not a checkpoint' "$lockstep" evaluate good.h5 --split train
refused 1 'nowhere' "$lockstep" evaluate nowhere --split train
refused 3 'test' "$lockstep" evaluate run --split test

# no memory for OpenBLAS, which would wait for it for ever
if (ulimit -v 200000 && "$lockstep" --version >/dev/null 2>&1); then
  (ulimit -v 200000 && timeout 20 "$lockstep" train good.yaml output=none --progress=none products=openblas 2>err)
  same "without memory: the exit code" "$? $(grep -c 'lockstep: out of memory' err)" "1 1"
fi

# what is read is not written over, by whatever name
ln -sf good.h5 alias.h5
refused 2 'both the data and the output' "$lockstep" predict run --data good.h5 -o good.h5
refused 2 'both the data and the output' "$lockstep" predict run --data good.h5 -o alias.h5
refused 2 'both the checkpoint and the output' "$lockstep" predict run --data good.h5 -o run/checkpoints/final.h5
accepted ranks 1 "$lockstep" predict run --data good.h5 -o predicted.h5

# a folder of checkpoints whose disk is not mounted is not an empty one
cp -r run linked && mv linked/checkpoints elsewhere && ln -s "$work/nowhere" linked/checkpoints
refused 1 'linked/checkpoints: cannot be listed: .*it is a link' "$lockstep" train good.yaml output=linked --resume

# places that can't be written
touch file
TMPDIR=$work/file accepted "$lockstep" inspect good.h5 # one process makes nothing there
refused 1 'file/run: .*cannot be made: file: Not a directory' "$lockstep" train good.yaml output=file/run --progress=none
mkdir disk
if mount -t tmpfs -o size=96k none disk 2>/dev/null; then # a disk of 96 KiB
  trap 'umount "$work/disk"; rm -rf "$work"' EXIT
  refused 1 'disk/small' "$lockstep" train good.yaml output=disk/small model.0.dense.units=9000 --progress=none
  ls disk/small/checkpoints 2>/dev/null | grep -q . && fail "a full disk left $(ls disk/small/checkpoints)"
  rm -rf disk/*
  cp good.h5 disk/many.h5
  awk 'BEGIN { for (i = 0; i < 20000; i++) print i "," 2 * i "," i % 2 }' >many.csv
  refused 1 'disk/many.h5' "$lockstep" convert csv many.csv -o disk/many.h5 --quiet
  cmp -s good.h5 disk/many.h5 || fail "a full disk spoiled the earlier many.h5"
  [ "$(ls disk)" = many.h5 ] || fail "a full disk left $(ls disk)"
else
  echo "the full disk is left out: no small file system can be mounted here"
fi

[ "$hash" = "$(grep -o '"weights_hash":"[0-9a-f]*"' run/summary.json)" ] || fail "the earlier run changed"
finish

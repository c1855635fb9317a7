#!/bin/bash
# Predictions in the form people need: of a table as it is, into a table, with its ids and texts; the
# same bytes on any number of ranks; what can't be written, or be read, is told and leaves nothing.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
export TMPDIR=$work/tmp
mkdir tmp

# The same on 1 rank; on 3, too, with LOCKSTEP_TEST_FULL=1.
refused_alone() {
  if [ -n "${LOCKSTEP_TEST_FULL:-}" ]; then refused "$@"; return; fi
  local code=$1 pattern=$2
  shift 2
  "$@" >out 2>err </dev/null
  same "the code of $*" $? "$code"
  [ "$(wc -l <err)" = 1 ] && grep -qE "$pattern" err || fail "$* says $(head -3 err)"
}

# ---- numbers: prices of houses, with words, ids and notes
awk 'BEGIN { srand(3); print "id,area,kind,price"; for (i = 0; i < 300; i++) { a = 40 + int(1600 * rand()) / 10
  k = rand() < 0.5 ? "flat" : "\"old\" house, big"; q = k; gsub("\"", "\"\"", q)
  printf "H-%03d,%.1f,\"%s\",%d\n", i, a, q, a * 3000 * (k == "flat" ? 1 : 1.3) } }' >houses.csv
# other rows, other columns, in another order, without the price
awk 'BEGIN { srand(4); print "kind,note,id,area"; for (i = 0; i < 270; i++)
  printf "%s,\"note, \"\"%d\"\"\tof it\",N-%d,%.1f\n", i % 3 ? "flat" : "\"\"\"old\"\" house, big\"", i, i,
    40 + int(1600 * rand()) / 10 }' >fresh.csv
accepted "$lockstep" convert csv houses.csv -o houses.h5 --target price --drop id --validation 0.2 --quiet
cat >houses.yaml <<'YAML'
data: {file: houses.h5, normalize: true}
model: [{dense: {units: 8, activation: relu}}, {dense: {units: 1}}]
loss: mse
optimizer: {adam: {lr: 0.02}}
train: {batch: 32, epochs: 12, seed: 1}
early_stopping: {patience: 20}
output: houses
YAML
accepted "$lockstep" train houses.yaml --progress=none
"$lockstep" convert csv fresh.csv -o new.h5 2>err && fail "a table without its target is converted: $(cat err)"
accepted "$lockstep" predict houses --data fresh.csv --keep id --keep=note -o new.csv
shown '^new\.csv: 270 rows and 3 columns, predicted by houses/checkpoints/final\.h5 \(epoch [0-9]+, the best\)$'
[ -s err ] && fail "kept columns are said not to be taken: $(cat err)"
same header "$(head -1 new.csv)" "id,note,price"
same "the first row" "$(sed -n 2p new.csv | cut -d, -f1-3)" 'N-0,"note, ""0""	of it"'
same rows "$(wc -l <new.csv)" 271
for n in 2 3 5; do
  accepted ranks $n "$lockstep" predict houses --data fresh.csv --keep id --keep=note -o "new$n.csv"
  cmp new.csv "new$n.csv" || fail "other bytes on $n ranks"
done
accepted "$lockstep" predict houses --data fresh.csv --keep id --keep=note -o new.csv.gz
gzip -dc new.csv.gz | cmp - new.csv || fail "compressed, it is something else"
accepted "$lockstep" predict houses --data fresh.csv --keep note -o new2.tsv
same "a tab in a TSV" "$(sed -n 2p new2.tsv | tr '\t' '|' | cut -d'|' -f1-2)" '"note, ""0""|of it"'
accepted "$lockstep" predict houses --data fresh.csv -o new.npy
# two rows on three ranks
head -3 fresh.csv >two_rows.csv
accepted ranks 3 "$lockstep" predict houses --data two_rows.csv --keep id -o two.csv
same "two rows on three ranks" "$(cat two.csv)" "$(cut -d, -f1 new.csv | paste -d, - <(sed 's/.*,//' new.csv) | head -3)"

# ---- the numbers of the converted file and of its table are the same; prices stand beside them
accepted "$lockstep" predict houses --data houses.csv --keep id --with-targets -o table.csv
same header "$(head -1 table.csv)" "id,price,price_true"
cut -d, -f1,3 table.csv | tail -n +2 >true
sed 's/^\(H-[0-9]*\),.*,\([0-9]*\)$/\1,\2/' houses.csv | tail -n +2 | cmp - true || fail "other true values"
accepted "$lockstep" predict houses --with-targets -o file.csv
shown 'file.csv: 300 rows \(train, then validation\) and 2 columns'
cmp <(tail -n +2 file.csv | sort) <(tail -n +2 table.csv | cut -d, -f2,3 | sort) || fail "file and table differ"
accepted "$lockstep" predict houses --data houses.csv --keep price -o kept.csv
same "two columns of one name" "$(head -1 kept.csv)" "price,price_predicted"
# two columns of a name that is taken or kept: neither is guessed
sed '1s/note/area/' fresh.csv >twice.csv
refused_alone 3 'twice\.csv:1: columns 2 and 4 are both called "area", which the network takes' \
  "$lockstep" predict houses --data twice.csv -o no.csv
sed '1s/note/id/' fresh.csv >twice.csv
refused_alone 2 'columns 2 and 3 are both called "id": say by its number' \
  "$lockstep" predict houses --data twice.csv --keep id -o no.csv
accepted "$lockstep" predict houses --data twice.csv --keep 3 -o kept.csv
same "kept by number" "$(sed -n 2p kept.csv | cut -d, -f1)" N-0
# lines that were skipped above the training's table are skipped here, too: where nothing shows, it is said
awk 'BEGIN { print "made"; print "here"; for (i = 0; i < 40; i++) print i * 7 % 11 ".5," i ".25" }' >above.csv
accepted "$lockstep" convert csv above.csv -o above.h5 --skip-lines 2 --header no --label number --quiet
cat >above.yaml <<'YAML'
data: {file: above.h5, normalize: true}
model: [{dense: {units: 1}}]
loss: mse
train: {batch: 8, epochs: 1}
optimizer: {sgd: {lr: 0.01}}
output: above
YAML
accepted "$lockstep" train above.yaml --progress=none
tail -n +3 above.csv >rows.csv
accepted "$lockstep" predict above --data rows.csv -o rows_out.csv
grep -q "rows.csv: the first lines are skipped, as in the training's table (convert --skip-lines 2)" err ||
  fail "rows that are skipped are not told of: $(cat err)"
cp new.csv before.csv
# evaluate reads the table, too, and the other columns that the file was made of
"$lockstep" evaluate houses --split all --json | sed 's/"split":"[a-z]*"//' >a
"$lockstep" evaluate houses --data houses.csv --json | sed 's/"split":"[a-z]*"//' >b
same "samples of the table" "$(grep -o '"samples":[0-9]*' b)" '"samples":300'
awk -F'[:,}]' '/loss/ { for (i = 1; i < NF; i++) if ($i ~ /"loss"/) print $(i + 1) }' a b >losses
[ "$(wc -l <losses)" = 2 ] && awk 'NR == 1 { a = $1 } NR == 2 { exit !(($1 - a) ^ 2 < 1e-12 * a * a) }' losses ||
  fail "the loss of the table is another: $(cat losses)"

# ---- classes, with a category
awk 'BEGIN { srand(5); print "name,weight,owner,kind"; for (i = 0; i < 300; i++) { w = 30 * rand()
  printf "n%d,%.2f,o%d,%s\n", i, w, int(25 * rand()), w < 8 ? "cat" : w < 20 ? "dog" : "\"big, dog\"" } }' >pets.csv
accepted "$lockstep" convert csv pets.csv -o pets.h5 --target kind --drop name --category owner --quiet
cat >pets.yaml <<'YAML'
data: {file: pets.h5, inputs: {x: x, owner: owner}, targets: y, normalize: true}
model:
  - embedding: {input_dim: 25, output_dim: 2, from: owner}
  - flatten: {name: o}
  - concatenate: {from: [o, x]}
  - dense: {units: 8, activation: relu}
  - dense: {units: 3}
loss: cross_entropy
optimizer: {adam: {lr: 0.03}}
train: {batch: 32, epochs: 6, seed: 1}
output: pets
YAML
accepted "$lockstep" train pets.yaml --progress=none
accepted ranks 2 "$lockstep" predict pets --data pets.csv --keep name --with-targets -o pets.out.csv
shown '7 columns, predicted by pets/checkpoints/final\.h5 \(epoch 6'
same header "$(head -1 pets.out.csv)" 'name,kind,kind_true,probability,"probability_big, dog",probability_cat,probability_dog'
sed 's/"big, dog"/big/g' pets.out.csv | awk -F, 'NR > 1 { best = $5; class = "big"
  if ($6 > best) { best = $6; class = "cat" } if ($7 > best) { best = $7; class = "dog" }
  sum = $5 + $6 + $7; right += $2 == $3; if (class != $2 || best != $4 || (sum - 1) ^ 2 > 1e-10) bad++ }
  END { exit bad > 0 || right < 200 }' || fail "classes and probabilities: $(head -3 pets.out.csv)"
accepted "$lockstep" predict pets --data pets.csv --classes-only -o pets.short.csv
same header "$(head -1 pets.short.csv)" 'kind,probability'
sed 's/,o7,/,o77,/' pets.csv >strange.csv
refused 3 'strange.csv:[0-9]+: column 3 \(owner\): "o77"' "$lockstep" predict pets --data strange.csv -o strange.out.csv

# ---- refused, on all ranks alike; what was there stays, and nothing is left
cp new.csv before.csv
refused 2 'out\.xlsx.*\.csv or \.tsv.*\.npy.*\.h5' "$lockstep" predict houses -o out.xlsx
refused 2 'keep is for \.csv' "$lockstep" predict houses -o out.h5 --keep id
refused 2 'no parts such as train' "$lockstep" predict houses --data houses.csv --split train -o new.csv
refused 2 'no column "nothing" to keep' "$lockstep" predict houses --data houses.csv --keep nothing -o new.csv
refused 3 'no dataset "id" to keep.*--data TABLE' "$lockstep" predict houses --keep id -o new.csv
refused_alone 3 'no column "area"' "$lockstep" predict houses --data pets.csv -o new.csv
printf 'area,kind\n50,flat\n' >bare.csv
refused 3 'targets \("price"' "$lockstep" predict houses --data bare.csv --with-targets -o new.csv
refused_alone 3 'targets \("price"' "$lockstep" evaluate houses --data bare.csv
refused 2 'both the data and the output' "$lockstep" predict houses --data houses.csv -o houses.csv
refused_alone 1 'none\.csv: ' "$lockstep" predict houses --data none.csv -o new.csv
refused_alone 1 'none/new\.csv: cannot be written: No such file' "$lockstep" predict houses -o none/new.csv
mkdir folder.csv
refused_alone 1 'folder\.csv: is a directory' "$lockstep" predict houses -o folder.csv
printf 'id,area,kind\na,1,\n' >hole.csv
refused_alone 3 'hole\.csv:2: column 3 \(kind\)' "$lockstep" predict houses --data hole.csv -o new.csv
printf '\211HDF\r\n\032\n' >binary.csv
refused_alone 3 'binary\.csv' "$lockstep" predict houses --data binary.csv -o new.csv
: >empty.csv
refused_alone 3 'empty\.csv' "$lockstep" predict houses --data empty.csv -o new.csv
cmp new.csv before.csv || fail "a failed prediction has written its output"
TMPDIR=$work/nowhere refused_alone 1 'nowhere: a folder for the numbers of fresh\.csv.*TMPDIR' \
  "$lockstep" predict houses --data fresh.csv -o new.csv
# a network that knows no table
accepted "$lockstep" convert npy new.npy new.npy -o array.h5 --quiet
cat >array.yaml <<'YAML'
data: {file: array.h5, normalize: true}
model: [{dense: {units: 1}}]
loss: mse
optimizer: sgd
train: {batch: 90, epochs: 1, seed: 1}
output: array
YAML
accepted "$lockstep" train array.yaml --progress=none
refused_alone 3 'new\.csv: a table, and array keeps nothing of how one is read' "$lockstep" predict array --data new.csv -o x.csv
accepted "$lockstep" predict array -o array.csv
same "a target without a name" "$(head -1 array.csv)" prediction

# ---- wide outputs: a table has an end
cat >wide.yaml <<'YAML'
base: array.yaml
model: [{dense: {units: 1200}}, {reshape: {shape: [30, 40]}}]
data: {file: wide.h5}
output: wide
YAML
head -c 60000 /dev/zero >zeros
{ printf '\223NUMPY\1\0v\0'; printf '%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (10, 30, 40), }"; head -c 48000 zeros; } >y.npy
{ printf '\223NUMPY\1\0v\0'; printf '%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (10, 1), }"; head -c 40 zeros; } >x.npy
accepted "$lockstep" convert npy x.npy y.npy -o wide.h5 --label number --quiet
accepted "$lockstep" train wide.yaml --progress=none
refused_alone 2 'wide\.csv: 1200 numbers a sample.*at most 1024.*\.h5' "$lockstep" predict wide -o wide.csv
accepted "$lockstep" predict wide -o wide.h5.out.h5
sleep 1.1 # no second in it: the same bytes at any time, on any number of ranks
accepted ranks 2 "$lockstep" predict wide -o wide.again.h5
cmp wide.h5.out.h5 wide.again.h5 || fail "predictions of another second are other bytes"
accepted "$lockstep" inspect wide.h5.out.h5
shown '/predictions .*with checksums'

# ---- ranks that are told different things
timeout 60 mpirun --oversubscribe --bind-to none -n 1 "$lockstep" predict houses -o q1.csv : \
  -n 1 "$lockstep" predict houses -o q2.csv >out 2>err
same "the code of ranks that differ" $? 2
grep -q 'the ranks differ: -o is q2.csv on rank 1' err || fail "ranks that differ: $(head -3 err)"
ls q?.csv 2>/dev/null && fail "ranks that differ have written"

# ---- a full disk
mkdir -p disk
if mount -t tmpfs -o size=16k none disk 2>/dev/null; then
  head -c 16000 /dev/zero >disk/filler
  for name in out.csv out.csv.gz out.npy out.h5; do
    refused$([ $name = out.csv ] || echo _alone) 1 "disk/$name: cannot be written: No space left" "$lockstep" predict houses -o disk/$name
    same "what is left on the disk" "$(ls -A disk)" filler
  done
  umount disk
fi
same "temporary files" "$(ls -A tmp) $(ls | grep -cE '\.tmp$|^none|^out\.|^x\.csv$|^strange\.out')" " 0"
finish

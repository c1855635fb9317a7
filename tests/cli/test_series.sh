#!/bin/bash
# A table with dates, by somebody who has never seen the program: from it to forecasts beyond its last row,
# which are better than saying that nothing changes; rows in any order, gaps, several series.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
export TZ=UTC
# two stations, hours; south lacks some
python3 - <<'PY'
import datetime, math, random
r = random.Random(1)
rows, change, n = [], 0.0, 0
for station, hours in (("north", 420), ("south", 300)):
    noise, load = 0.0, []
    for i in range(hours):
        noise = 0.7 * noise + r.gauss(0, 0.5)
        temperature = 10 + 6 * math.sin(2 * math.pi * (i / 24 - 0.3)) + noise
        load.append(50 + 12 * math.sin(2 * math.pi * (i / 24 - 0.25)) - 0.5 * noise + r.gauss(0, 0.5))
        if station == "south" and 150 <= i < 155:
            continue
        when = datetime.datetime(2024, 2, 27) + datetime.timedelta(hours=i)
        rows.append(f"{station},{when:%Y-%m-%d %H:%M},{temperature:.2f},{load[-1]:.2f}")
    for i in range(hours - 6):
        change, n = change + abs(load[i + 6] - load[i]), n + 1
head = "station,date,temperature,load"
open("load.csv", "w").write("\n".join([head, *rows]) + "\n")
open("twice.csv", "w").write("\n".join([head, *rows, rows[7]]) + "\n")
r.shuffle(rows)
open("shuffled.csv", "w").write("\n".join([head, *rows]) + "\n")
open("persistence", "w").write(f"{change / n:.3f}\n")
PY
options=(--time date --series station --target load)
accepted "$lockstep" convert csv load.csv "${options[@]}" --date-parts date -o load.h5
grep -q 'from 2024-02-27T00:00:00 to 2024-03-15T11:00:00, every 1 h, of 2 series in 3 stretches' "$work/err" ||
  fail "what the times are is not said"
grep -q 'warning: .*1 gap, the longest of 6 h, after 2024-03-04T05:00:00 of south: a new stretch' "$work/err" ||
  fail "the gap is not said"
accepted "$lockstep" inspect load.h5
shown 'columns: date.month_sin, .*, date.hour_cos, temperature, load$'
accepted "$lockstep" convert csv shuffled.csv "${options[@]}" --date-parts date -o shuffled.h5
grep -qE 'shuffled.csv: line [0-9]+ is earlier than line [0-9]+ before it' "$work/err" || fail "the order is not said"
for f in load shuffled; do "$lockstep" inspect $f.h5 | sed "s/$f.h5//" >$f.txt; done
cmp -s load.txt shuffled.txt || fail "shuffled rows make another dataset"
accepted "$lockstep" convert csv load.csv "${options[@]}" --gaps ignore -o ignored.h5
grep -q 'of 2 series in 2 stretches' "$work/err" || fail "--gaps ignore is not obeyed"

refused 3 'twice.csv:717: the time 2024-02-27T07:00:00 of north is there already, in line 9' \
  "$lockstep" convert csv twice.csv "${options[@]}" -o no.h5
refused 3 'load.csv:422: the time .* --series names the column' \
  "$lockstep" convert csv load.csv --time date --target load --drop station -o no.h5
refused 2 'no such column, did you mean "date"' "$lockstep" convert csv load.csv --time data -o no.h5
refused 2 'convert: .*series station wants --time' "$lockstep" convert csv load.csv --series station -o no.h5
refused 2 'neighbours in time are alike' \
  "$lockstep" convert csv load.csv --time date --drop station --test 0.2 -o no.h5

printf 'd,s,y\n1,a,x\n2,a,z\n1,b,x\n2,b,z\n' >class.csv
refused 3 'there is no column for an input' \
  "$lockstep" convert csv class.csv --time d --series s --label class -o no.h5

cat >load.yaml <<'YAML'
data:
  file: load.h5
  time: {window: 24, steps: 6}
  split: {by: time, validation: 0.1, test: 0.2}
  normalize: true
model: [{gru: {units: 16}}, {dense: {units: 6}}]
loss: mse
optimizer: {adam: {lr: 0.01}}
schedule: cosine
train: {batch: 16, epochs: 20, seed: 1, lanes: 6}
output: run
YAML
weights=
for how in "1 node" "2 node" "3 stream"; do
  read -r n memory <<<"$how"
  accepted ranks $n "$lockstep" train load.yaml data.memory=$memory output=run$n --progress=none
  hash=$(grep -o '"weights_hash":"[0-9a-f]*"' run$n/summary.json)
  weights=${weights:-$hash}
  same "weights on $n ranks, $memory" "$hash" "$weights"
done
accepted "$lockstep" evaluate run1 --json
python3 - "$(cat "$work/out")" "$(cat persistence)" <<'PY' || fail "no better than saying that nothing changes"
import json, sys
mae, change = json.loads(sys.argv[1])["mae"], float(sys.argv[2])
print(f"mean absolute error {mae:.2f}, of no change after six hours {change:.2f}")
sys.exit(mae > change / 4)
PY

# forecasts: of each stretch as many as windows end in it, 720 - 5 - 3 x 23, the last ones of the future
for n in 1 2; do accepted ranks $n "$lockstep" predict run1 -o p$n.csv; done
cmp -s p1.csv p2.csv || fail "forecasts of 1 and 2 ranks differ"
same "forecasts" "$(wc -l <p1.csv)" 647
same "the first one" "$(sed -n 2p p1.csv | cut -d, -f1,2)" north,2024-02-28T00:00:00
same "the last one" "$(tail -1 p1.csv | cut -d, -f1,2)" south,2024-03-10T12:00:00
accepted "$lockstep" predict run1 -o p.h5
accepted "$lockstep" inspect p.h5
shown 'columns: series, time$'
for table in load shuffled; do
  accepted "$lockstep" predict run1 --data $table.csv -o t.csv
  cmp -s p1.csv t.csv || fail "forecasts of $table.csv are not those of the file that it was"
done
refused 2 'a sample is no row of the table but a window of them' \
  "$lockstep" predict run1 --data load.csv --keep date -o t.csv
head -20 load.csv >few.csv
refused 3 'has 19 times, and a sample takes 24 ' "$lockstep" predict run1 --data few.csv -o t.csv
cut -d, -f1-3 load.csv >without.csv
refused 3 'there is no column "load"' "$lockstep" predict run1 --data without.csv -o t.csv

# a first configuration, of the table or of the file
accepted "$lockstep" init load.csv --time date --series station --target load --date-parts date -o first.yaml
accepted "$lockstep" train first.yaml train.epochs=1 --progress=none
accepted "$lockstep" predict runs/first --split test -o t.csv
same "columns of the proposal's forecasts" "$(head -1 t.csv | tr , '\n' | wc -l)" 18
accepted "$lockstep" init load.h5
shown 'time: \{window: 33, horizon: 1, steps: 16\}'

# rows by themselves would see their own targets; whole series may be drawn, each is cut at its gap
sed '/time:/d; s/{by: time, .*/{test: 0.2}/' load.yaml >rows.yaml
refused 2 'its rows are the times of series.*data.time' "$lockstep" train rows.yaml
accepted "$lockstep" train load.yaml 'data.split={by: trajectory, test: 0.3}' --dry-run
grep -q 'of 3 trajectories 2 are trained on, 1 the test' "$work/err" || fail "how series are drawn is not said"
# of one's own: a dataset says which series a time is of
accepted "$lockstep" train load.yaml data.inputs=x data.targets=y data.time.series=group --dry-run
shown 'samples of the first series.*: 391 windows'
refused 3 '/x: data.time.series: is \[715, 8\]' \
  "$lockstep" train load.yaml data.inputs=x data.targets=y data.time.series=x --dry-run
finish

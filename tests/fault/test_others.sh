#!/bin/bash
# What others have left or own: an output directory that is no run's, one that holds more than a run, pipes as
# configurations, names that are nearly a checkpoint's, half-written files of a converter that was killed.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
table 200 >data.csv
accepted "$lockstep" convert csv data.csv -o data.h5 --target y
quiet() { [ ! -s "$work/err" ] || { fail "$1: something was said:"; sed 's/^/  | /' "$work/err"; }; }
said() { grep -Eq "$1" "$work/err" || { fail "nothing like /$1/ was said:"; sed 's/^/  | /' "$work/err"; }; }
all_of() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 cksum); }
cat >k.yaml <<YAML
data: {file: $work/data.h5, normalize: true}
model: [{dense: {units: 1}}]
loss: mse
optimizer: sgd
train: {batch: 50, epochs: 1, seed: 2}
pictures: false
YAML
train() { "$lockstep" train k.yaml --progress=none "$@"; }

# ---- directories of others ----
for what in summary.json config.yaml metrics.jsonl checkpoints/model.pt; do
  mkdir -p "other/$(dirname $what)"
  echo '{"precious": 1}' >other/$what
  echo data >other/data.txt
  before=$(all_of other)
  refused 2 "output: other: holds a ${what%/*}/?, and it is not of a run of lockstep: give another output" "$lockstep" train k.yaml output=other
  refused 2 "output: other: holds a" "$lockstep" train k.yaml output=other --resume
  same "a directory with another's $what" "$(all_of other) $(ls -d other.* 2>/dev/null)" "$before "
  rm -r other
done
# what is in nobody's way stays; a run is moved with what lies in it
mkdir own && echo job >own/slurm-1.out
accepted train output=own
same "beside another file" "$(ls own)" "$(printf '%s\n' checkpoints config.yaml metrics.jsonl slurm-1.out summary.json)"
accepted train output=own
same "a run with a file" "$(cat own.1/slurm-1.out) $(ls own)" "job $(printf '%s\n' checkpoints config.yaml metrics.jsonl summary.json)"
# a run beside the data, or where one stands, is not moved with them
mkdir project && cp data.h5 k.yaml project/
accepted train output=project data.file=project/data.h5
before=$(all_of project)
refused 2 'output: project: there is a run, and it would be moved aside with .*project/data.h5' \
  "$lockstep" train k.yaml output=project data.file=project/data.h5
cd project || exit 1
refused 2 'output: \.: there is a run, and it would be moved aside with the directory that this one is started in' "$lockstep" train k.yaml output=.
cd ..
same "what lies beside a run" "$(all_of project)" "$before"
accepted train output=project data.file=project/data.h5 --resume train.epochs=2

# ---- configurations that are no files ----
mkfifo pipe
mkdir folder
echo 'base: pipe' >based.yaml
for n in 1 3; do
  for c in train gradcheck; do
    ranks $n timeout 20 "$lockstep" $c pipe >out 2>err </dev/null
    same "$c of a pipe on $n" "$? $(grep '^lockstep: ' err)" "2 lockstep: pipe: is a pipe, and a file is wanted"
  done
done
refused 2 'based.yaml:1: base: .*pipe: is a pipe' timeout 20 "$lockstep" train based.yaml
refused 2 'folder: is a directory' "$lockstep" train folder
refused 2 '/dev/zero: is a device' timeout 20 "$lockstep" train /dev/zero
"$lockstep" train /dev/stdin output=piped --progress=none <k.yaml || fail "a file as standard input"
cat k.yaml | "$lockstep" train /dev/stdin output=piped --progress=none || fail "a pipe as standard input"
"$lockstep" train <(cat k.yaml) output=piped --progress=none || fail "a pipe that the shell gives"

# ---- a name that is nearly a checkpoint's ----
accepted train output=named
newest=$(ls named/checkpoints/step-*)
mv "$newest" named/checkpoints/step-4.h5
cp named/checkpoints/step-4.h5 named/checkpoints/step-000000000001.h5.old
rm named/checkpoints/final.h5
"$lockstep" evaluate named >out 2>err
same "no other checkpoint" "$? $(grep -c 'named: there is no checkpoint' err)" "1 1"
accepted train output=named --resume
said 'named/checkpoints/step-4.h5: is not called as a checkpoint of a run'
same "lines of names" "$(grep -c 'is not called' err)" 1

# ---- links into other files ----
cp data.h5 linked.h5
"$LOCKSTEP_BUILD/tests/fault/change" linked.h5 link /elsewhere far/away.h5 || fail "no link was made"
accepted "$lockstep" inspect linked.h5
shown '^  /elsewhere  is a link to /elsewhere in the file far/away.h5$'
accepted "$lockstep" inspect linked.h5 --json
shown '"name":"/elsewhere","file":"far/away.h5","object":"/elsewhere"'

# ---- a converter that was killed ----
sleep 0 &
gone=$!
wait $gone
echo half >"out.h5.$gone.tmp"
echo half >"out.h5.$gone-2.tmp"
echo live >"out.h5.$$.tmp"
echo own >"out.h5.$gone.bak"
accepted "$lockstep" convert csv data.csv -o out.h5 --target y --quiet
said "lockstep: note: out.h5.$gone.tmp is removed: process $gone was ended while it wrote it"
same "what is left" "$(ls out.h5*)" "$(printf '%s\n' out.h5 "out.h5.$gone.bak" "out.h5.$$.tmp" | sort)"
accepted "$lockstep" convert csv data.csv -o out.h5 --target y --quiet
quiet "a second converter"
finish

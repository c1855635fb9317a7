#!/bin/bash
# What the program writes: a standard output that fails or that nobody reads, files and folders
# behind links, names with other letters and control characters, signals that ask for an end.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
cd "$work" || exit 1
table 60 >d.csv
accepted "$lockstep" convert csv d.csv -o d.h5 --target y --quiet
cat >c.yaml <<'YAML'
data: {file: d.h5}
model: [{dense: {units: 1}}]
loss: mse
optimizer: sgd
train: {batch: 20, epochs: 3, seed: 1}
output: run
YAML
accepted "$lockstep" train c.yaml --progress=none
hash=$(hash_of run)

# ---- standard output
# code_of CODE LINES TO COMMAND...: exit code and lines on standard error, with standard output into
# TO, closed where that is "-".
code_of() {
  local code=$1 lines=$2 to=$3 got
  shift 3
  if [ "$to" = - ]; then "$@" 2>err >&-; else "$@" 2>err >"$to"; fi
  got=$?
  [ $got = "$code" ] && [ "$(wc -l <err)" = "$lines" ] ||
    fail "$*: code $got and $(wc -l <err) lines, wanted $code and $lines: $(head -3 err)"
}
commands=("inspect d.h5" "inspect d.h5 --json" "evaluate run --split all" "evaluate run --split all --json"
  "gradcheck c.yaml" "gradcheck c.yaml --json" "doctor" "doctor --json" "train c.yaml --dry-run"
  "bench step mlp_small --rounds 1 --steps 2"
  "--version" "help" "help adam" "help --all" "help --man" "train --help")
for command in "${commands[@]}"; do
  read -ra words <<<"$command"
  code_of 1 1 /dev/full "$lockstep" "${words[@]}"
  grep -q '^lockstep: ' err || fail "$command >/dev/full says $(cat err)"
done
for command in "inspect d.h5" "doctor" "help"; do
  read -ra words <<<"$command"
  code_of 1 1 - "$lockstep" "${words[@]}"
done
# a reader that leaves early: quiet, and the end that cat comes to
for command in "inspect d.h5" "evaluate run --split all" "train c.yaml --dry-run" "help --all"; do
  "$lockstep" $command 2>err | true
  codes=("${PIPESTATUS[@]}")
  case ${codes[0]} in 0 | 141) ;; *) fail "$command | true ends with ${codes[0]}" ;; esac
  [ -s err ] && fail "$command | true says $(cat err)"
done
# training goes on without its lines, and says so at the end; a pipe without reader is as good as none
code_of 1 1 /dev/full "$lockstep" train c.yaml output=full --progress=plain
grep -q 'lines of progress are lost' err || fail "train >/dev/full says $(cat err)"
same "weights of train >/dev/full" "$(hash_of full)" "$hash"
"$lockstep" train c.yaml output=pipe --progress=plain 2>err | true
same "train | true" "${PIPESTATUS[0]} $(cat err)" "0 "
same "weights of train | true" "$(hash_of pipe)" "$hash"
# a closed standard output is not the number of the next file
code_of 0 0 - "$lockstep" train c.yaml output=closed --progress=none
same "weights of train >&-" "$(hash_of closed)" "$hash"
code_of 1 1 - "$lockstep" predict run -o p.h5
grep -q 'the predictions are written' err || fail "predict >&- says $(cat err)"
accepted "$lockstep" inspect p.h5

# ---- signals that ask for an end; nohup's is none
for signal in HUP XCPU USR2; do
  "$lockstep" train c.yaml output=$signal train.epochs=1000000000 --progress=none 2>err &
  pid=$!
  for i in $(seq 200); do [ -s $signal/metrics.jsonl ] && break; sleep 0.05; done
  kill -$signal $pid
  wait $pid
  same "SIG$signal" "$? $(ls $signal/checkpoints | grep -c '^step-')" "75 1"
done
(trap '' HUP && exec "$lockstep" train c.yaml output=nohup train.epochs=1000000000 --progress=none 2>err) &
pid=$!
for i in $(seq 200); do [ -s nohup/metrics.jsonl ] && break; sleep 0.05; done
kill -HUP $pid
sleep 0.3
kill -0 $pid 2>/dev/null || fail "an ignored SIGHUP ended a run"
kill -TERM $pid
wait $pid
# ---- links: files and folders are made where they point, there or not
mkdir scratch
refused_alone() { # PATTERN COMMAND...
  local pattern=$1
  shift
  "$@" >"$work/out" 2>err && fail "$* was accepted"
  grep -qE "$pattern" err || fail "$*: nothing like /$pattern/ in: $(cat err)"
}
# kept LINK FILE: still a link, and FILE is there and a file.
kept() {
  [ -L "$1" ] || fail "$1 is no link any more"
  [ -f "$2" ] && [ ! -L "$2" ] || fail "$2 is not there"
}
for name in convert predict; do
  ln -s scratch/$name.h5 $name.h5
  ln -s $name.h5 ${name}2.h5 # a link to a link
done
for k in 1 2; do # dangling, then over a file
  accepted "$lockstep" convert csv d.csv -o convert2.h5 --quiet
  accepted "$lockstep" predict run -o predict2.h5
done
kept convert2.h5 scratch/convert.h5
kept predict2.h5 scratch/predict.h5
kept convert.h5 scratch/convert.h5
[ "$(ls scratch | paste -sd' ')" = "convert.h5 predict.h5" ] || fail "scratch/ holds $(ls scratch)"
ln -s loop.h5 loop.h5
refused_alone 'loop.h5: .*(links|symbolic)' "$lockstep" predict run -o loop.h5
mknod null c 1 3 2>/dev/null && [ -w null ] || ln -s /dev/full null
refused_alone 'null: is not a regular file' "$lockstep" predict run -o null
[ -f null ] && fail "a file took a device's place"
for file in metrics.jsonl config.yaml summary.json; do
  rm -rf device && cp -r run device && rm device/$file device/checkpoints/final.h5 && ln -s "$work/null" device/$file
  refused_alone "$file: is not a regular file|null: is not a regular file" \
    "$lockstep" train c.yaml output=device train.epochs=3 --resume --progress=none
  [ -f null ] && fail "$file took a device's place"
done

# a link to a summary that is to come is not one that can't be looked at
accepted "$lockstep" train c.yaml output=early train.max_steps=2 --progress=none
rm early/summary.json && ln -s "$work/later.json" early/summary.json
accepted "$lockstep" train c.yaml output=early --resume --progress=none

ln -s scratch/one one    # the folder itself, dangling
ln -s scratch/all all    # one above it, dangling
for output in one all/one one/; do
  accepted "$lockstep" train c.yaml output=$output --progress=none
  accepted "$lockstep" train c.yaml output=$output --progress=plain
  shown 'the earlier run in .* is now in .*one\.'
done
kept one scratch/one/summary.json
kept all scratch/all/one/summary.json
same "runs behind links" "$(ls scratch | grep one | paste -sd' ') $(ls scratch/all | paste -sd' ')" \
  "one one.1 one.2 one.3 one one.1"
[ -e one.1 ] && fail "an earlier run left the scratch disk"
accepted "$lockstep" train c.yaml output=one train.epochs=4 --resume --progress=none
kept one scratch/one/checkpoints/final.h5
# files of a run directory, and its folder of checkpoints
mkdir linked scratch/linked
for file in config.yaml metrics.jsonl; do ln -s ../scratch/linked/$file linked/$file; done
ln -s ../scratch/linked/checkpoints linked/checkpoints
accepted "$lockstep" train c.yaml output=linked --resume --progress=none
for file in config.yaml metrics.jsonl; do kept linked/$file scratch/linked/$file; done
kept linked/checkpoints scratch/linked/checkpoints/final.h5
same "weights behind links" "$(hash_of linked)" "$hash"

# ---- names: whole letters, nothing that a terminal obeys
python3 - <<'PY'
names = ["Haltestätte", "日本語の名前はとても長い名前ですからどこかで切られますよね", "\x1b[7mGasse", "a\u202eb", "\x9b2J"]
with open("names.csv", "w", encoding="utf-8", newline="") as f:
    f.write("höhe\x1b[1m,kind\n")
    for i in range(60):
        f.write(f"{i % 5 + 0.01 * i},{names[i % 5]}\n")
PY
cat >names.yaml <<'YAML'
data: {file: names.h5}
model: [{dense: {units: 8, activation: relu}}, {dense: {units: 5}}]
loss: cross_entropy
optimizer: sgd
train: {batch: 20, epochs: 1, seed: 1}
output: "lauf\e[7m"
YAML
run=$(printf 'lauf\033[7m')
clean() { # COMMAND...: what it prints is UTF-8 without control characters
  "$@" >"$work/out" 2>&1
  python3 - "$work/out" "$*" <<'PY' || fail "$*"
import sys, unicodedata
text = open(sys.argv[1], "rb").read().decode("utf-8")  # fails where it is none
bad = {c for c in text if c not in "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}
if bad or not text:
    print("shows", sorted(map(hex, map(ord, bad))), text[:300])
    sys.exit(1)
PY
}
accepted "$lockstep" convert csv names.csv -o names.h5 --quiet
clean "$lockstep" train names.yaml --dry-run
for k in 1 2; do clean "$lockstep" train names.yaml --progress=plain; done
accepted test -f "$run.1/summary.json"
for n in 1 3; do clean ranks $n "$lockstep" evaluate "$run" --split all; done
for command in inspect "evaluate --split all"; do
  clean "$lockstep" $command $'no\n\e[7m\xff.h5'
  same "lines of a message" "$(wc -l <"$work/out")" 1
done
for command in $'fro\e[1m' "train"$' --x\e[1m'; do clean "$lockstep" $command; done
clean "$lockstep" inspect names.h5
clean "$lockstep" train names.yaml $'x\e[1m=3'
clean "$lockstep" train names.yaml $'model.0.dense.name="\\e[2J"' loss=$'\e[1m'
for command in "inspect names.h5 --json" "evaluate $run --split all --json"; do
  accepted "$lockstep" $command
  python3 -c 'import json,sys; json.loads(open(sys.argv[1], "rb").read().decode())' "$work/out" || fail "$command"
done
python3 -c 'import json,sys; json.loads(open(sys.argv[1], "rb").read().decode())' "$run/summary.json" || fail "summary.json"
finish

#!/bin/bash
# A layer, an optimizer, a loss, a metric, a transform and a format are one new file and one word each: the files of
# additions/ go into a copy of the source, the words into its lists, nothing else is changed, and the
# program that is built there trains with all of them.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
here=$LOCKSTEP_SOURCE/tests/headers/additions
copy=$work/source
build=$work/build

# room, file, the list's file, the list, the word
additions="nn row_norm kinds.h LS__LAYER_MAP
nn quantile kinds.h LS__LOSS_MAP
optim adabelief kinds.h LS__OPTIMIZER_MAP
metrics smape kinds.h LS__METRIC_MAP
augment solarize kinds.h LS__AUGMENT_MAP
convert ndjson formats.h LS__FORMAT_MAP"

# ---- The files and the words
mkdir -p "$copy/scripts"
cp -r "$LOCKSTEP_SOURCE"/{src,include,tests,CMakeLists.txt} "$copy" && cp -r "$LOCKSTEP_SOURCE/scripts"/{cmake,packaging} "$copy/scripts" ||
  exit 1
while read -r room name list map; do
  [ -e "$copy/src/$room/$name.c" ] && fail "there is a $name in $room already: an example must be new"
  cp "$here/$name.c" "$copy/src/$room/"
  sed -i "s/^#define $map(X) /&X($name) /" "$copy/src/$room/$list"
done <<<"$additions"
same "files of additions/" "$(cd "$here" && printf '%s\n' * | sort)" "$(cut -d' ' -f2 <<<"$additions" | sed 's/$/.c/' | sort)"

# all that differs from the source: six files more, and five lists, which are what they were without
# the six words
changed=$(for folder in src include CMakeLists.txt scripts/cmake scripts/packaging; do
  diff -rq "$LOCKSTEP_SOURCE/$folder" "$copy/$folder"
done)
same "new files" "$(grep -c "^Only in $copy/src/" <<<"$changed")" 6
same "changed files" "$(grep -c '^Files .* differ$' <<<"$changed")" 5
same "other differences" "$(wc -l <<<"$changed")" 11
words=0
for list in nn/kinds.h optim/kinds.h metrics/kinds.h augment/kinds.h convert/formats.h; do
  words=$((words + $(diff "$LOCKSTEP_SOURCE/src/$list" "$copy/src/$list" | grep -c '^>')))
  while read -r _ name _ _; do echo "s/X($name) //"; done <<<"$additions" | sed -f - "$copy/src/$list" |
    cmp -s - "$LOCKSTEP_SOURCE/src/$list" || fail "$list: more than words was changed"
done
same "changed lines" "$words" 6
[ $failures = 0 ] || finish

# ---- The program with them, of -O2, where a build is quicker and warnings are the usual ones.  The build
# that is tested has compiled already what none of the six words can change: objects of sources that
# don't include one of the five lists.  LOCKSTEP_TEST_FULL=1 compiles all of it.
options=(-DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O2 -DLOCKSTEP_TESTS=ON -DLOCKSTEP_WERROR=ON)
lists='"\(nn\|optim\|metrics\|augment\)/kinds.h"\|"convert/formats.h"'
cat >"$work/compile" <<LAUNCHER
#!/bin/bash
# COMPILER ... -o OBJECT -c SOURCE, within the build's folder: the object of the other build, where it is
# newer than its source, or the compiler's.
source=\${*: -1}
while [ \$# -gt 0 ] && [ "\$1" != -o ]; do command+=("\$1"); shift; done
theirs=$LOCKSTEP_BUILD/\$2
original=$LOCKSTEP_SOURCE/\${source#"$copy/"}
if [ "\$theirs" -nt "\$original" ] && ! grep -q '$lists' "\$source"; then exec cp "\$theirs" "\$2"; fi
exec "\${command[@]}" "\$@"
LAUNCHER
chmod +x "$work/compile"
grep -rl "$lists" "$LOCKSTEP_SOURCE"/{src,tests} --include='*.h' && fail "a header includes a list: this test takes objects of sources that don't"
if [ "${LOCKSTEP_TEST_FULL:-0}" != 1 ] && ! grep -q '^LOCKSTEP_SANITIZE:[A-Z]*=.' "$LOCKSTEP_BUILD/CMakeCache.txt" &&
  [ -z "$(find "$LOCKSTEP_SOURCE"/{src,include} -name '*.h' -newer "$LOCKSTEP_BUILD/liblockstep_internal.a")" ]; then
  options+=(-DCMAKE_C_COMPILER_LAUNCHER="$work/compile")
fi
if ! { cmake -S "$copy" -B "$build" "${options[@]}" &&
  cmake --build "$build" -j2 --target lockstep_program test_layers test_kinds; } >"$work/log" 2>&1; then
  grep -E 'error|warning|Error' "$work/log" | head -20
  fail "the program with the additions can't be built"
  finish
fi
lockstep=$build/lockstep
cd "$work" || exit 1
for test in test_layers test_kinds; do # what is promised of every kind
  "$build/tests/unit/$test" >out 2>&1 || { fail $test; grep -v '^\[  *\(OK\|RUN\)' out; }
done

# ---- The format
awk 'BEGIN { srand(3); for (i = 0; i < 300; i++) { a = rand(); b = rand(); c = rand();
  printf "[%.4f, %.4f,%.4f , %.5f]\n", a, b, c, 1 + 3 * a * b - c } }' >data.ndjson
accepted "$lockstep" convert ndjson data.ndjson -o data.h5 --validation 0.2 --test 0.1
accepted "$lockstep" inspect data.h5
shown '/train/x +\[214, 3\]'
for case in '[1, 2]|[1, 2, 3]|2: 3 numbers, where the first line has 2' '[1, 2]|1, 2|2: a line must be an array' \
  '[1, x]||1: "x" is not a number' '[1, 2] 3||comma, or one ] at the end' '[1]||leave no input'; do
  IFS='|' read -r first second says <<<"$case"
  printf '%s\n%s\n' "$first" "$second" >bad.ndjson
  "$lockstep" convert ndjson bad.ndjson -o bad.h5 --quiet 2>err >/dev/null && fail "took $first $second"
  grep -qF "$says" err || fail "of $first $second, not \"$says\": $(cat err)"
  [ ! -e bad.h5 ] || fail "left a bad.h5"
done
refused 2 'targets "2.5" is not allowed, it must be a whole number' "$lockstep" convert ndjson data.ndjson -o no.h5 --targets 2.5
refused 2 'did you mean --targets' "$lockstep" convert ndjson data.ndjson -o no.h5 --tragets 1
refused 2 'did you mean "ndjson"' "$lockstep" convert ndjsn data.ndjson -o no.h5

# ---- Training: the same bits on any number of ranks, and in two goes
cat >run.yaml <<'YAML'
data: {file: data.h5, normalize: true}
model:
- dense: {units: 12}
- row_norm: {activation: tanh}
- dense: {units: 12, name: middle}
- row_norm: {eps: 1e-3, use_bias: false, activation: gelu}
- dense: {units: 1}
loss: quantile
optimizer: {adabelief: {lr: 0.005, weight_decay: 0.001}}
metrics: [smape, mae]
train: {batch: 32, epochs: 12, seed: 4, lanes: 6}
YAML
for n in 1 3; do
  accepted ranks $n "$lockstep" train run.yaml output=on$n --progress=none
done
same "weights on 3 ranks and on 1" "$(hash_of on3)" "$(hash_of on1)"
[ -n "$(hash_of on1)" ] || fail "no weights_hash"
accepted "$lockstep" train run.yaml output=two train.epochs=5 --progress=none
first=$(number two loss)
accepted ranks 3 "$lockstep" train run.yaml output=two --resume --progress=none
same "weights after two goes" "$(hash_of two)" "$(hash_of on1)"
awk -v a="$(number on1 loss)" -v b="$first" 'BEGIN { exit !(a < b && a < 0.13) }' ||
  fail "it doesn't learn: loss $(number on1 loss), $first after 5 epochs"
accepted "$lockstep" inspect two/checkpoints/step-000000000035.h5
shown /parameters/row_norm_1/gain
shown /optimizer/exp_avg_var/row_norm_1/gain

# ---- The transform: of images, the same on any number of ranks
npy() { # FILE SHAPE, bytes from standard input
  printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': $2, }" >"$1"
  cat >>"$1"
}
awk 'BEGIN { for (i = 0; i < 240; i++) printf "%c", 33 + i * 37 % 90 }' | npy x.npy '(60, 2, 2)'
awk 'BEGIN { for (i = 0; i < 60; i++) printf "%c", 33 + i * 7 % 50 }' | npy y.npy '(60,)'
accepted "$lockstep" convert npy x.npy y.npy -o images.h5
cat >images.yaml <<'YAML'
data: {file: images.h5, normalize: {targets: standard}, augment: [{solarize: 0.2}]}
model: [flatten, {dense: {units: 1}}]
loss: mse
optimizer: sgd
train: {batch: 16, epochs: 2, seed: 4, lanes: 4}
YAML
for n in 1 3; do accepted ranks $n "$lockstep" train images.yaml output=bright$n --progress=none; done
same "with the transform, on 3 ranks and on 1" "$(hash_of bright3)" "$(hash_of bright1)"
accepted "$lockstep" train images.yaml output=plain data.augment='[]' --progress=none
[ "$(hash_of plain)" = "$(hash_of bright1)" ] && fail "the transform changes nothing"
refused 2 'did you mean "solarize"' "$lockstep" train images.yaml output=no data.augment='[{solarise: {}}]'

# ---- Gradients: dense_1/bias and middle/bias, in front of a normalisation, have none
accepted "$lockstep" gradcheck run.yaml
for tensor in dense_1/bias row_norm_1/gain row_norm_1/bias middle/bias row_norm_2/gain; do shown "^$tensor "; done
shown 'all gradients agree'

# ---- What is told
accepted "$lockstep" evaluate on1/checkpoints/final.h5 --data data.h5
shown smape
accepted "$lockstep" help row_norm adabelief quantile smape solarize
for text in 'keeps the divisor away from 0' 'use_bias' 'beta2' '0.999' 'below its target' '100 \|prediction' 'least'; do shown "$text"; done
accepted "$lockstep" help convert ndjson
shown ' --targets NUMBER'
accepted "$lockstep" help --man
for name in row_norm adabelief quantile smape solarize ndjson; do shown "$name"; done
accepted "$lockstep" help --completion
for name in row_norm optimizer.adabelief.beta1 quantile smape ndjson; do shown "[ '.]${name}([ ')]|$)"; done
refused 2 'did you mean "row_norm"' "$lockstep" train run.yaml output=no 'model=[{row_nrom: {}}, {dense: {units: 1}}]'
refused 2 'did you mean "adabelief"' "$lockstep" train run.yaml output=no optimizer=adabelieve
refused 2 'did you mean "quantile"' "$lockstep" train run.yaml output=no loss=quantil
refused 2 'did you mean "smape"' "$lockstep" train run.yaml output=no 'metrics=[smpae]'
refused 2 'did you mean "eps"' "$lockstep" train run.yaml output=no 'model=[{row_norm: {epss: 1}}, {dense: {units: 1}}]'
finish

#!/bin/bash
# doctor: what it measures, and warnings whose causes can be made here; test_doctor.c makes up the
# others.  And OpenBLAS on a processor that it doesn't know: the program starts it with the right
# kernels, the library says that they are wrong.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
unset OPENBLAS_CORETYPE LOCKSTEP_SIMD
# findings COMMAND...: the lines of warning, without those of a busy or odd test machine
findings() { "$@" 2>err | grep '^!' | grep -vE 'of a core while|of the fastest|memory are left|frequency|control group'; }
# found WHAT LINES PATTERN
found() { grep -qE "$3" <<<"$2" || fail "$1: nothing like /$3/ in: ${2:-no findings}"; }

# what was measured, for each rank
accepted ranks 2 "$lockstep" doctor --json
python3 - "$work/out" <<'PY' || fail "doctor --json: $(cat out)"
import json, sys
said = json.load(open(sys.argv[1]))
for rank in said["ranks"]:
    for key in "gflops", "peak_gflops", "copy_gbytes", "core_share":
        assert rank[key] > 0, key
    assert [(p["m"], p["n"], p["k"]) for p in rank["products"]] == [(512, 512, 512), (256, 1024, 1024)], rank
    assert all(p[key] > 0 for p in rank["products"] for key in ("ours", "openblas")), rank
assert not any("OpenBLAS computes" in text for text in said["findings"]), said["findings"]
PY

# the build: Release as CMake was told, or not
build=$(sed -n 's/^LOCKSTEP_SANITIZE:[^=]*=//p' "$LOCKSTEP_BUILD/CMakeCache.txt")
type=$(sed -n 's/^CMAKE_BUILD_TYPE:[^=]*=//p' "$LOCKSTEP_BUILD/CMakeCache.txt")
plain=$(findings "$lockstep" doctor)
if [ -n "$build" ]; then
  found "a build with sanitizers" "$plain" "built with -fsanitize=$build"
elif [ "$type" = Debug ]; then
  found "a debug build" "$plain" 'built without optimization'
else
  same "findings of a $type build" "$plain" ""
fi

# what the environment does
if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
  lines=$(LOCKSTEP_SIMD=baseline OPENBLAS_CORETYPE=Prescott findings "$lockstep" doctor)
  found "LOCKSTEP_SIMD=baseline" "$lines" 'LOCKSTEP_SIMD holds lockstep to baseline, the processor has avx'
  found "OPENBLAS_CORETYPE=Prescott" "$lines" \
    'OpenBLAS computes with its kernels for Prescott, .*: OPENBLAS_CORETYPE=Prescott is set: unset it'
fi
lines=$(OPENBLAS_NUM_THREADS=4000 findings "$lockstep" doctor)
found "too many threads" "$lines" 'OPENBLAS_NUM_THREADS=4000 on 1 rank asks for more threads than'
lines=$(findings ranks "$(($(nproc --all) + 1))" "$lockstep" doctor)
found "too many ranks" "$lines" "$(($(nproc --all) + 1)) ranks share $(nproc --all) cores"
core=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
lines=$(taskset -c "$core" mpirun -n 2 --oversubscribe --bind-to none "$lockstep" doctor 2>err | grep '^!')
found "two ranks on one core" "$lines" "bound to core $core|2 ranks share 1 cores"

# The dynamic loader as a program can't be started again, so OpenBLAS stays as it is: whether it
# knows this processor.
loader=$(sed -n 's/.* \(\/[^ ]*\/ld-linux[^ ]*\)$/\1/p' /proc/self/maps | head -1)
[ -n "$loader" ] || { echo "no dynamic loader found in /proc/self/maps"; finish; }
unknown=$(findings "$loader" "$lockstep" doctor | grep -c 'set OPENBLAS_CORETYPE=[A-Za-z]* before it is started')
echo "OpenBLAS knows this processor: $([ "$unknown" = 0 ] && echo yes || echo no)"
"$loader" "$lockstep" doctor >out 2>err || fail "doctor by the dynamic loader: $(cat err)"
table 40 >t.csv
accepted "$lockstep" convert csv t.csv -o t.h5
printf 'data: {file: t.h5}\nmodel:\n  - dense: {units: 4}\n  - dense: {units: 1}\nloss: mse\noptimizer: {sgd: {lr: 0.1}}\nproducts: openblas\ntrain: {epochs: 1}\n' >c.yaml
notes() { grep -c 'lockstep: note: OpenBLAS' "$work/err"; }
accepted ranks 2 "$lockstep" train c.yaml
same "notes of the program" "$(notes)" 0
accepted ranks 1 "$loader" "$lockstep" train c.yaml products=own
same "notes where OpenBLAS computes nothing" "$(notes)" 0
accepted ranks 1 "$loader" "$lockstep" train c.yaml
same "notes of the library" "$(notes)" "$unknown"
OPENBLAS_CORETYPE=Prescott accepted ranks 1 "$lockstep" train c.yaml
same "notes where the user chose" "$(notes)" 0
finish

#!/bin/bash
# bench product and bench step --layers: tables, JSON, what is refused.  The program itself compares
# the products' results.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
for n in 1 2; do
  accepted ranks $n "$lockstep" bench product --shapes 40x24x10,3x5x7 --rounds 2
  shown '^.*, peak [0-9.]+ GFLOP/s; OpenBLAS with its kernels for [A-Za-z0-9_]+'
  shown '^40x24x10 +x W\^T +40 +10 +24( +[0-9.]+){4} %$'
  shown '^40x24x10 +dy W +40 +24 +10( +[0-9.]+){4} %$'
  shown '^40x24x10 +dy\^T x +10 +24 +40( +[0-9.]+){4} % +[0-9.]+$'
  shown '^3x5x7 +dy\^T x +7 +5 +3( +[0-9.]+){4} %$' # one lane: none
  shown '^at least 0.95 of OpenBLAS on [0-9] of 6 products; the worst ratio is [0-9.]+, [a-zA-Z^ ]+ of [0-9x]+$'
done
shown 'medians of 2 rounds, rank 0 of 2 that compute at once$'

accepted ranks 1 "$lockstep" bench product --shapes 64x100x10,16x16x16 --rounds 3 --json
python3 - "$work/out" <<'PY' || fail "the JSON of products is not as it should be"
import json, sys
r = json.load(open(sys.argv[1]))
assert r["processor"] and r["openblas_core"] and r["rounds"] == 3 and r["peak"] > 0, r
sizes = [(64, 10, 100, False, True), (64, 100, 10, False, False), (10, 100, 64, True, False),
         (16, 16, 16, False, True), (16, 16, 16, False, False), (16, 16, 16, True, False)]
assert [(s["m"], s["n"], s["k"], s["transpose_a"], s["transpose_b"]) for s in r["shapes"]] == sizes, r
for s in r["shapes"]:
    assert 0 < s["ours"] < 10 * r["peak"] and 0 < s["openblas"] < 10 * r["peak"] and s["ratio"] > 0, s
assert [0 < s.get("lanes", -1) < 10 * r["peak"] for s in r["shapes"]] == [False, False, True, False, False, False], r
PY
if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
  OPENBLAS_CORETYPE=Prescott accepted ranks 1 "$lockstep" bench product --shapes 8x8x8 --rounds 1
  shown 'OpenBLAS with its kernels for Prescott \(those for (SkylakeX|Haswell|Zen) would be right\);'
fi
usual=$("$lockstep" bench product --rounds 1 --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["shapes"]))')
same "usual products" "$usual" 48

accepted ranks 2 "$lockstep" bench product --shapes 40x24x10 --rounds 1 --precision bfloat16
shown 'in float32; ours by lockstep; bfloat16 (amx|avx512|emulated); OpenBLAS'
accepted ranks 1 "$lockstep" bench product --shapes 40x24x10 --rounds 1 --precision bfloat16 --json
shown '"precision":"bfloat16","products":"lockstep; bfloat16 (amx|avx512|emulated)"'
refused 2 'precision bf16: float32 or bfloat16 is wanted' "$lockstep" bench product --precision bf16

refused 2 'a list of up to 64 layers, such as' "$lockstep" bench product --shapes 256x1024
for wrong in '' 0x1x1 1x1x 1x1x1, 1x1x1x1 1,1,1 -1x1x1 1x1x99999999999; do
  ranks 1 "$lockstep" bench product --shapes "$wrong" >"$work/out" 2>"$work/err"
  same "exit code of --shapes $wrong" $? 2
  same "lines for --shapes $wrong" "$(grep -c "^lockstep: --shapes $wrong: a list of up to 64 layers" "$work/err")" 1
done
refused 2 'shape 1x65537x1: sizes are 1 to 65536' "$lockstep" bench product --shapes 8x8x8,1x65537x1
refused 2 'not both' "$lockstep" bench product --shapes 8x8x8 --all
refused 2 'at most 101 rounds' "$lockstep" bench product --rounds 102
refused 2 'takes options only' "$lockstep" bench product now

# every layer, and nothing twice: they and the rest make a whole step
for n in 1 2; do
  accepted ranks $n "$lockstep" bench step mlp_small --layers --rounds 1 --steps 20
  shown '^  flatten_1 +- +- +- +- +0\.0 %  the same numbers under another shape$'
  for dense in 1 2 3; do shown "^  dense_$dense( +[0-9]+\.[0-9]+){5} %$"; done
  for relu in 1 2; do shown "^  dense_${relu}_relu +- +- +[0-9.]+ +- +[0-9.]+ %  forward is in dense_$relu$"; done
  for part in input 'loss and metrics' exchange wait update 'the rest' 'a whole step'; do
    shown "^  $part( +[0-9.-]+){2} %$"
  done
done
accepted ranks 1 "$lockstep" bench step mlp_small --layers --rounds 1 --steps 20 --json \
  'model=[flatten, dense: {units: 48, name: first, trainable: false}, tanh, dense: {units: 10}]'
python3 - "$work/out" <<'PY' || fail "the JSON of layers is not as it should be"
import json, sys
r = json.load(open(sys.argv[1]))
layers, parts = r["layers"], r["parts"]
assert [l["name"] for l in layers] == ["flatten_1", "first", "tanh_1", "dense_2"], layers
flatten, first, tanh, last = layers
assert tanh["forward_in"] == "first" and tanh["forward"] == 0, layers
assert first["backward"] == 0 and "backward_gflops" not in first, layers  # nothing before it is trained
for l, flops in (first, 32 * 48 * (2 * 784 + 1)), (last, 32 * 10 * (2 * 48 + 1)):
    assert abs(l["forward_gflops"] * 1e9 * l["forward"] / flops - 1) < 1e-6, l
assert abs(last["backward_gflops"] * 1e9 * last["backward"] / (32 * 10 * (2 * 48 + 1)) - 1) < 1e-6, last
assert all(l["forward"] > 0 for l in (first, last)) and last["backward"] > 0, layers
assert all(parts[p] > 0 for p in ("input", "loss_and_metrics", "update", "rest")), parts
whole = sum(l["forward"] + l["backward"] for l in layers) + sum(v for k, v in parts.items() if k != "whole")
assert abs(whole / parts["whole"] - 1) < 1e-6, r
assert abs(sum(l["share"] for l in layers) * parts["whole"] / sum(l["forward"] + l["backward"] for l in layers) - 1) < 1e-6, r
PY
accepted ranks 1 "$lockstep" bench step mlp_small --rounds 1 --steps 20
grep -q 'forward us' "$work/out" && fail "layers without --layers"

# letters in place of numbers
accepted ranks 1 "$lockstep" bench step gpt --batch 1 --rounds 1 --steps 1
shown '^gpt on 1 rank, batch 1 in '

# how many steps there are is a matter of the clock: how they train is no matter
accepted ranks 1 "$lockstep" bench step mlp_small --rounds 1 --steps 300 optimizer.adam.lr=1
same "warnings of a measurement" "$(cat "$work/err")" ""
finish

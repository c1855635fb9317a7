#!/bin/bash
# bench exchange: its table, its JSON, what it refuses.  The sums are checked by the program itself.
. "$LOCKSTEP_SOURCE/tests/cli/lib.sh"
for n in 2 3; do
  accepted ranks $n "$lockstep" bench exchange --sizes 4,4K,300000 --rounds 2 --bucket 64K
  shown "^$n ranks on 1 node, buckets of 64 KB, medians of 2 rounds"
  for bytes in 4 4096 300000; do shown "^ +$bytes( +[0-9.]+){6} +[0-9]+ %$"; done
done
LOCKSTEP_TEST_NODES=1,1 accepted ranks 2 "$lockstep" bench exchange --sizes 4K,64K --rounds 1 --json
python3 - "$work/out" <<'PY' || fail "the JSON is not as it should be"
import json, sys
r = json.load(open(sys.argv[1]))
assert (r["ranks"], r["nodes"], r["rounds"]) == (2, 2, 1), r
assert [s["bytes"] for s in r["sizes"]] == [4096, 65536], r
for s in r["sizes"]:
    for name in ("shared", "tree", "mpi", "allreduce", "copy", "wire"):
        assert 0 < s[name]["best"] <= s[name]["seconds"] < 10, (name, s)
    assert abs(s["limit"]["seconds"] - s["copy"]["seconds"] - s["wire"]["seconds"]) < 1e-3 * s["limit"]["seconds"], s
    assert abs(s["speedup"] * s["shared"]["seconds"] / s["allreduce"]["seconds"] - 1) < 1e-2, s
PY
ranks 1 "$lockstep" bench exchange >"$work/out" 2>&1
[ $? = 2 ] || fail "one rank: exit code"
shown '^lockstep: one rank has nobody to exchange with'
refused 2 'sizes 4K,x: ' "$lockstep" bench exchange --sizes 4K,x
refused 2 'sizes 2: ' "$lockstep" bench exchange --sizes 2
refused 2 'bucket 1M,2M: ' "$lockstep" bench exchange --bucket 1M,2M
refused 2 'takes options only' "$lockstep" bench exchange now

# two ranks against two lone processes
accepted bash "$LOCKSTEP_SOURCE/scripts/bench/weak.sh" "$LOCKSTEP_BUILD" --rounds 1 --workloads mlp_small:32 --steps 20
shown '^mlp_small:32 +[0-9]+ +[0-9]+ +[0-9]+ +[0-9.]+ +[0-9.]+ % +[0-9.]+$'
finish

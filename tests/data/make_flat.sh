#!/bin/bash
# How flat.h5 and what is in flat_data.h5 were made: by version 0.1.0, which knew no blocks, of commit
# bbd8bf3.  test_nested.sh reads the checkpoint, predicts from it, and goes on from it.
#
#   make_flat.sh LOCKSTEP PYTHON      (PYTHON with h5py and NumPy)
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" - <<'PYTHON'
import h5py
import numpy as np

r = np.random.default_rng(7)
with h5py.File("flat_data.h5", "w", libver="earliest") as f:
    x = r.normal(size=(32, 4)).astype("f4")
    f["train/x"], f["train/y"] = x[:24], np.stack([x[:24, 0] * x[:24, 1], x[:24, 2]], 1)
    f["test/x"], f["test/y"] = x[24:], np.stack([x[24:, 0] * x[24:, 1], x[24:, 2]], 1)
PYTHON
"$1" train flat.yaml output="$work/run" --progress=none
cp "$work"/run/checkpoints/step-*9.h5 flat.h5
"$1" predict flat.h5 --data flat_data.h5 --split test -o "$work/predicted.h5"
"$1" train flat.yaml output="$work/run" --resume train.epochs=5 --progress=none
hash=$(grep -o '"weights_hash":"[^"]*"' "$work/run/summary.json" | cut -d'"' -f4)
"$2" - "$work/predicted.h5" "$hash" <<'PYTHON'
import sys

import h5py

with h5py.File("flat_data.h5", "r+") as f, h5py.File(sys.argv[1]) as p:
    f["expected"] = p["predictions"][:]
    f["expected"].attrs["weights_hash_after_5_epochs"] = sys.argv[2]
PYTHON

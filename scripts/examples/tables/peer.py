#!/usr/bin/env python3
"""What scikit-learn's networks of the same size reach on the tables that lockstep is trained on.

    peer.py NAME FILE.h5 [--seeds 3]

FILE.h5 is lockstep's: the same rows are training and test.  Prints one JSON object: the mean of R2
(regression, of each target, then their mean) or accuracy (classes) over the seeds.
"""
import argparse
import json
import warnings

import h5py
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

HIDDEN = (64, 64)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("name")
    options.add_argument("file")
    options.add_argument("--seeds", type=int, default=3)
    args = options.parse_args()
    warnings.filterwarnings("ignore")
    with h5py.File(args.file) as f:
        part = lambda name: (f[name]["x"][...].astype(np.float64), f[name]["y"][...])
        (x, y), (tx, ty) = part("train"), part("test")
        if "validation" in f:  # scikit-learn keeps its own part of the training rows for that
            vx, vy = part("validation")
            x, y = np.concatenate([x, vx]), np.concatenate([y, vy])
        classes = y.ndim == 1 and y.dtype.kind in "iu"
    scale = StandardScaler().fit(x)
    scores = []
    for seed in range(args.seeds):
        if classes:
            net = MLPClassifier(hidden_layer_sizes=HIDDEN, max_iter=2000, random_state=seed)
            scores.append(net.fit(scale.transform(x), y).score(scale.transform(tx), ty))
            continue
        y2, ty2 = y.reshape(len(y), -1), ty.reshape(len(ty), -1)
        targets = StandardScaler().fit(y2)
        net = MLPRegressor(hidden_layer_sizes=HIDDEN, max_iter=2000, random_state=seed)
        out = net.fit(scale.transform(x), np.squeeze(targets.transform(y2))).predict(scale.transform(tx))
        out = targets.inverse_transform(out.reshape(len(tx), -1))
        scores.append(np.mean(1 - ((out - ty2) ** 2).sum(0) / ((ty2 - ty2.mean(0)) ** 2).sum(0)))
    print(json.dumps({"peer": f"scikit-learn {sklearn.__version__}", "metric": "accuracy" if classes else "r2",
                      "value": float(np.mean(scores)), "seeds": args.seeds}))


if __name__ == "__main__":
    main()

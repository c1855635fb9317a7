#!/usr/bin/env python3
"""What scikit-learn's networks reach on a table once they have been tuned.

    tuned.py NAME FILE.h5... [--seeds 2] [--candidates 24] [--most 4000]

Each FILE.h5 is lockstep's, of the same table split another way.  Candidates (hidden layers, activation,
solver, alpha, learning rate, batch, early stopping) are drawn by a fixed seed, the same for every table, and
compared by three-fold cross-validation on the training rows of the first file (at most --most of them).  The
best is trained anew on all training rows of each file, --seeds times, and scored on its test rows.  Inputs,
and targets that are numbers, are scaled to mean 0 and deviation 1.  Prints one JSON object: the mean of the
accuracy or of R2 (of each target, then their mean), each of them, and what was best.
"""
import argparse
import json
import sys
import warnings

import h5py
import numpy as np
import sklearn
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def candidates(count, large):
    """The first is scikit-learn's default but for the epochs; the others are drawn.  Of large tables L-BFGS,
    which takes all rows at once and very long, is Adam."""
    draw = np.random.RandomState(7)
    pick = lambda of: of[draw.randint(len(of))]
    found = [dict(hidden_layer_sizes=(100,), max_iter=1000)]
    while len(found) < count:
        lbfgs = draw.rand() < 0.25
        one = dict(hidden_layer_sizes=pick([(32,), (64,), (128,), (256,), (32, 32), (64, 64), (128, 128),
                                            (256, 128), (64, 64, 64)]),
                   activation=pick(["relu", "relu", "tanh"]), alpha=float(10 ** draw.uniform(-5, 0.5)))
        rate, batch, early = float(10 ** draw.uniform(-3.3, -1.9)), pick([16, 32, 64, 200]), draw.rand() < 0.3
        if lbfgs and large:
            one.update(max_iter=500)
        elif lbfgs:
            one.update(solver="lbfgs", max_iter=pick([200, 500, 2000]))
        else:
            one.update(learning_rate_init=rate, batch_size=batch, early_stopping=bool(early),
                       n_iter_no_change=20, max_iter=500)
        found.append(one)
    return found


def network(settings, classes, seed):
    if classes:
        return make_pipeline(StandardScaler(), MLPClassifier(random_state=seed, **settings))
    return TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(random_state=seed, **settings)),
        transformer=StandardScaler())


def part(f, name):
    return f[name]["x"][...].astype(np.float64), f[name]["y"][...]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("name")
    options.add_argument("files", nargs="+")
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--candidates", type=int, default=24)
    options.add_argument("--most", type=int, default=4000)
    args = options.parse_args()
    warnings.filterwarnings("ignore")
    best, scores, classes = None, [], False
    for file in args.files:
        with h5py.File(file) as f:
            (x, y), (tx, ty) = part(f, "train"), part(f, "test")
        classes = y.ndim == 1 and y.dtype.kind in "iu"
        if best is None:
            rows = np.random.RandomState(0).permutation(len(x))[:args.most]
            folds = (StratifiedKFold if classes else KFold)(3, shuffle=True, random_state=0)
            tried = []
            for settings in candidates(args.candidates, len(x) > 5000):
                score = float(np.mean(cross_val_score(network(settings, classes, 0), x[rows], y[rows], cv=folds,
                                                      scoring="accuracy" if classes else "r2")))
                tried.append((score if np.isfinite(score) else -9.0, settings))
                print(f"{args.name} {score:.4f} {settings}", file=sys.stderr, flush=True)
            cross, best = max(tried, key=lambda one: one[0])
        for seed in range(args.seeds):
            scores.append(float(network(best, classes, seed).fit(x, y).score(tx, ty)))
    print(json.dumps({"peer": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
                      "metric": "accuracy" if classes else "r2", "value": float(np.mean(scores)),
                      "each": [round(s, 5) for s in scores], "splits": len(args.files), "seeds": args.seeds,
                      "cross_validated": cross, "candidates": args.candidates, "best": best}))


if __name__ == "__main__":
    main()

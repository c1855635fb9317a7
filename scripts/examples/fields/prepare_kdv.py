#!/usr/bin/env python3
"""Pairs of states, one time step apart, of the solution of the Korteweg-de Vries equation.

    prepare_kdv.py pde_snapshots.h5 OUT.h5

Writes OUT.h5 (train: the pairs up to t = 0.8, test: those after it; x and y are [points, 1]) and,
for rollout.c, OUT.f32: the states from t = 0.8 on, one after another, as float32.  Wants h5py.
"""
import sys

import h5py
import numpy as np

LAST = 160   # of the 201 states, the last one that is trained on


def main():
    source, out = sys.argv[1:]
    with h5py.File(source) as f:
        u = f["kdv/u"][...].astype(np.float32)[:, :, None]   # [times, points, 1]
    with h5py.File(out, "w") as f:
        for part, states in (("train", u[:LAST + 1]), ("test", u[LAST:])):
            f[part + "/x"], f[part + "/y"] = states[:-1], states[1:]
    u[LAST:].tofile(out[:-len(".h5")] + ".f32")


if __name__ == "__main__":
    main()

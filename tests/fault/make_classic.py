#!/usr/bin/env python3
"""Make classic.h5, the dataset that scripts/battery/damage.py damages: as h5py writes one by default, in HDF5's
oldest format, which has no checksums, with text of variable length.

    python3 make_classic.py [FILE]

The committed file was made with h5py 3.16.0.
"""
import os
import sys

import h5py
import numpy as np

path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "classic.h5")
random = np.random.default_rng(3)
text = h5py.string_dtype()
with h5py.File(path, "w") as file:
    file.attrs["source"] = "a table from somewhere"
    for name, n in (("train", 24), ("validation", 8)):
        group = file.create_group(name)
        x = group.create_dataset("x", data=random.normal(size=(n, 3)).astype("f4"), chunks=(8, 3),
                                 compression="gzip", shuffle=True, track_times=False)
        x.attrs.create("input_names", ["left", "right", "up"], dtype=text)
        y = group.create_dataset("y", data=random.integers(0, 2, n), track_times=False)
        y.attrs.create("classes", ["no", "yes"], dtype=text)

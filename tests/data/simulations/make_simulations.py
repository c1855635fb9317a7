#!/usr/bin/env python3
"""The files of this folder, by the libraries that people write theirs with: netCDF4, h5py, pandas.

    make_simulations.py [FOLDER]

u[r, t, x] = 100 r + 10 t + x + 0.25 everywhere, of 4 trajectories, 6 times and 5 points.
tests/unit/test_simulations.c reads them.
"""
import os
import sys

import h5py
import netCDF4
import numpy as np
import pandas as pd

R, T, X = 4, 6, 5
u = 100 * np.arange(R)[:, None, None] + 10 * np.arange(T)[:, None] + np.arange(X) + 0.25
os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))

# netCDF-4: dimension scales, an unlimited dimension, packed integers, a value that is missing
with netCDF4.Dataset("packed.nc", "w") as f:
    for name, n in ("trajectory", None), ("time", T), ("x", X):
        f.createDimension(name, n)
        v = f.createVariable(name, "f8", (name,))
        v[:] = np.arange(n or R)
    v = f.createVariable("u", "i2", ("trajectory", "time", "x"), zlib=True, fill_value=-32768)
    v.scale_factor, v.add_offset = 0.25, 50.0
    v[:] = u
    v = f.createVariable("holes", "f4", ("trajectory", "time", "x"), fill_value=9.96921e36)
    v[:] = u
    v[1, 2, 3] = np.ma.masked
    f.createVariable("viscosity", "f4", ("trajectory",))[:] = 0.5 + np.arange(R)

# h5py: compressed chunks, across the trajectories, and a virtual dataset of one file a trajectory
with h5py.File("chunks.h5", "w") as f:
    f.create_dataset("u", data=u.astype("f4"), chunks=(2, 4, 3), compression="gzip", shuffle=True)
    f["time_first"] = u.astype("f8").transpose(1, 0, 2)
    f["name"] = np.array(["calm", "wild", "calm", "wild"], dtype=h5py.string_dtype())
layout = h5py.VirtualLayout(shape=(R, T, X), dtype="f4")
for r in range(R):
    with h5py.File(f"run-{r}.h5", "w") as f:
        f["u"] = u[r].astype("f4")
    layout[r] = h5py.VirtualSource(f"run-{r}.h5", "u", shape=(T, X))
with h5py.File("virtual.h5", "w") as f:
    f.create_virtual_dataset("u", layout)

# pandas: a table of columns, with an index, and the fixed format; a row a time
frame = pd.DataFrame({"temperature": u[0, :, 0], "pressure": u[0, :, 1].astype("f4"),
                      "count": np.arange(T)})
with pd.HDFStore("table.h5", "w", complevel=9, complib="zlib") as store:
    store.append("df", frame, data_columns=True, index=False, expectedrows=T)
frame[["temperature"]].assign(more=u[0, :, 1]).to_hdf("fixed.h5", key="df", format="fixed")

# Waves that travel, each trajectory of another shape at its own phase, by netCDF4 and as MATLAB
r, t, x = np.arange(12)[:, None, None], np.arange(12)[:, None], 2 * np.pi * np.arange(16) / 16
waves = (1 + r % 3) / 2 * np.sin(x + r - t / 4) + 0.3 * np.cos(2 * (x - t / 4) + 2 * r)
with netCDF4.Dataset("waves.nc", "w") as f:
    for name, n in ("run", 12), ("time", 12), ("x", 16):
        f.createDimension(name, n)
    v = f.createVariable("height", "i2", ("run", "time", "x"), zlib=True, fill_value=-32768)
    v.scale_factor = 0.001
    v[:] = waves

# MATLAB 7.3, as its save -v7.3 does: 512 bytes of its own, dimensions in reverse order
with h5py.File("matlab.mat", "w", userblock_size=512) as f:
    for name, x in ("u", u), ("viscosity", 0.5 + np.arange(R)[None, :]):
        d = f.create_dataset(name, data=x.T if name == "u" else x.reshape(1, R))
        d.attrs["MATLAB_class"] = np.bytes_("double")
with h5py.File("waves.mat", "w", userblock_size=512) as f:
    d = f.create_dataset("height", data=waves.T.astype("f4"), chunks=waves.T.shape,
                         compression="gzip", shuffle=True)
    d.attrs["MATLAB_class"] = np.bytes_("single")
for name in "matlab.mat", "waves.mat":
    with open(name, "r+b") as f:
        f.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b"\0" * 8 + b"\0\2IM")

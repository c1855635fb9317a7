#!/usr/bin/env python3
"""Configurations of silicon atoms, each atom told by its surroundings, for silicon.yaml.

    prepare_si.py si_dft.h5 OUT.h5

OUT.h5 has the groups train and test, each with

    atoms   [N, MOST, 26]  symmetry functions of each atom; zeros behind a configuration's last
    share   [N, MOST, 1]   MOST / atoms where there is an atom, 0 behind: the mean of atoms * share over
                           MOST places is the mean over the atoms that are there
    energy  [N]            meV an atom

The symmetry functions are those of Behler (J. Chem. Phys. 134, 074106, 2011): with f(r) that falls from 1
to 0 at the cutoff, sums over neighbours G2 = sum_j exp(-eta (r_ij - s)^2) f(r_ij), and over pairs of them
G4 = 2^(1-zeta) sum_jk (1 + lambda cos angle_jik)^zeta exp(-eta (r_ij^2 + r_ik^2)) f(r_ij) f(r_ik).
They are brought to mean 0 and standard deviation 1 over the atoms of the training part here, where it is
known which places are atoms.  Wants h5py.
"""
import itertools
import sys

import h5py
import numpy as np

CUTOFF, NEAR = 6.0, 4.0                      # angstrom; NEAR for pairs of neighbours
RADIAL = [(8.0, s) for s in np.linspace(2.0, 5.75, 16)]                      # eta, s
ANGULAR = list(itertools.product((0.02, 0.1), (-1, 1), (1, 4))) + [(0.02, -1, 16), (0.02, 1, 16)]


def neighbours(cell, positions):
    """For each atom the vectors to all others, periodic images included, within the cutoff."""
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)   # between opposite sides of the cell
    fractions = positions @ np.linalg.inv(cell)
    positions = (fractions - np.floor(fractions)) @ cell
    reach = [range(-n, n + 1) for n in np.ceil(CUTOFF / heights).astype(int)]
    images = np.array(list(itertools.product(*reach))) @ cell
    others = (positions[None] + images[:, None]).reshape(-1, 3)
    for atom in positions:
        d = others - atom
        r2 = (d * d).sum(1)
        yield d[(r2 < CUTOFF ** 2) & (r2 > 1e-6)]


def describe(d):
    """Symmetry functions of an atom whose neighbours are at d [n, 3]."""
    r = np.linalg.norm(d, axis=1)
    fall = lambda r, cutoff: 0.5 * (1 + np.cos(np.pi * np.minimum(r / cutoff, 1)))
    g = [(np.exp(-eta * (r - s) ** 2) * fall(r, CUTOFF)).sum() for eta, s in RADIAL]
    d, r = d[r < NEAR], r[r < NEAR]
    j, k = np.triu_indices(len(r), 1)
    cosine = (d[j] * d[k]).sum(1) / (r[j] * r[k])
    falls, squares = fall(r[j], NEAR) * fall(r[k], NEAR), r[j] ** 2 + r[k] ** 2
    g += [2.0 ** (1 - zeta) * ((1 + sign * cosine) ** zeta * np.exp(-eta * squares) * falls).sum()
          for eta, sign, zeta in ANGULAR]
    return g


def main():
    source, out = sys.argv[1:]
    atoms, counts, energies = {}, {}, {}
    with h5py.File(source) as f:
        for part in ("train", "test"):
            first, cell, at = (f[part][name][...] for name in ("first_atom", "cell", "positions"))
            atoms[part] = np.array([describe(d) for c in range(len(cell))
                                    for d in neighbours(cell[c], at[first[c]:first[c + 1]])])
            counts[part] = np.diff(first)
            energies[part] = 1000 * f[part]["energy"][...] / counts[part]
    mean, std = atoms["train"].mean(0), atoms["train"].std(0) + 1e-12
    most = max(c.max() for c in counts.values())
    with h5py.File(out, "w") as f:
        for part, n in counts.items():
            there = np.arange(most) < n[:, None]                                # [N, most]
            padded = np.zeros(there.shape + mean.shape, np.float32)
            padded[there] = (atoms[part] - mean) / std
            f[part + "/atoms"] = padded
            f[part + "/share"] = (there * (most / n)[:, None]).astype(np.float32)[:, :, None]
            f[part + "/energy"] = energies[part].astype(np.float32)


if __name__ == "__main__":
    main()

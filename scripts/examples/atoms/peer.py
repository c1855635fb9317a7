#!/usr/bin/env python3
"""The network of silicon.yaml in PyTorch: its mean absolute error on the test, meV an atom.

    peer.py NAME silicon.h5 [--seeds 3]
"""
import os
import sys

import h5py
import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import torch_peer


def reach(file):
    with h5py.File(file) as f:
        atoms, share, energy, t_atoms, t_share, t_energy = (
            torch.tensor(f[part][name][...])
            for part in ("train", "test") for name in ("atoms", "share", "energy"))
    mean, std = energy.mean(), energy.std(correction=0)
    each = nn.Sequential(nn.Linear(atoms.shape[-1], 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(),
                         nn.Linear(32, 1))
    out = lambda net, atoms, share: (net(atoms) * share).mean(1)[:, 0]

    def loss(net, rows):
        return ((out(net, atoms[rows], share[rows]) - (energy[rows] - mean) / std) ** 2).mean()

    net = torch_peer.fit(torch_peer.glorot(each), loss, len(energy), lr=0.003, batch=8, epochs=300)
    with torch.no_grad():
        error = out(net, t_atoms, t_share) * std + mean - t_energy
    return {"value": error.abs().mean().item(), "spread": t_energy.std(correction=0).item()}


if __name__ == "__main__":
    torch_peer.main("mae", reach)

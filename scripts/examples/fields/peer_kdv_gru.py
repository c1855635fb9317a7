#!/usr/bin/env python3
"""The network of kdv_gru.yaml in PyTorch, on the same windows.

    peer_kdv_gru.py NAME pde_snapshots.h5 [--seeds 10]
"""
import os
import sys

import h5py
import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import torch_peer

WINDOW, HORIZON, TEST = 5, 10, 0.2


class Later(nn.Module):
    def __init__(self, points, units=64):
        super().__init__()
        self.gru = nn.GRU(points, units, batch_first=True)
        self.change = nn.Linear(units, points)
        torch_peer.glorot(self)
        nn.init.zeros_(self.change.weight)
        nn.init.xavier_uniform_(self.gru.weight_ih_l0)
        nn.init.orthogonal_(self.gru.weight_hh_l0)
        nn.init.zeros_(self.gru.bias_ih_l0)
        nn.init.zeros_(self.gru.bias_hh_l0)

    def forward(self, states):   # [batch, time, points]
        return states[:, -1] + self.change(self.gru(states)[0][:, -1])


def error(y, want):
    return ((y - want).norm(dim=1) / want.norm(dim=1)).mean().item()


def reach(file):
    with h5py.File(file) as f:
        u = torch.tensor(f["kdv/u"][:, ::4]).float()
    span, end = WINDOW + HORIZON, len(u) - int(TEST * len(u) + 0.5)
    first = torch.arange(len(u) - span + 1)
    x = torch.stack([u[i:i + WINDOW] for i in first])
    y = u[WINDOW - 1 + HORIZON:]
    train, test = first + span <= end, first >= end
    net, tx, ty = Later(u.shape[1]), x[test], y[test]
    x, y = x[train], y[train]
    torch_peer.fit(net, lambda net, rows: ((net(x[rows]) - y[rows]) ** 2).mean(), len(x), lr=0.003,
                   batch=16, epochs=100)
    with torch.no_grad():
        return {"value": error(net(tx), ty), "persistence": error(tx[:, -1], ty)}


if __name__ == "__main__":
    torch_peer.main("relative_l2", reach)

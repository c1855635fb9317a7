#!/usr/bin/env python3
"""The network of burgers.yaml in PyTorch, rolled out from the first state of the test as rollout.c does.

    peer_burgers.py NAME burgers.h5 [--seeds 3]
"""
import os
import sys

import h5py
import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import torch_peer

STEPS = 20


class Step(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv1d(1, 24, 5, padding=2, padding_mode="circular"), nn.GELU()]
        for _ in range(2):
            layers += [nn.Conv1d(24, 24, 5, padding=2, padding_mode="circular"), nn.GELU()]
        self.change = nn.Sequential(*layers, nn.Conv1d(24, 1, 5, padding=2, padding_mode="circular"))

    def forward(self, state):   # [batch, 1, points]
        return state + self.change(state)


def reach(file):
    with h5py.File(file) as f:
        u, test = torch.tensor(f["train/u"][...]), torch.tensor(f["test/u"][0])[:, None, None]
    u = u[torch.randperm(len(u))[len(u) // 10:]]   # a tenth of the trajectories is validation
    x, y = (part.reshape(-1, 1, u.shape[-1]) for part in (u[:, :-1], u[:, 1:]))
    net = torch_peer.glorot(Step())
    nn.init.zeros_(net.change[-1].weight)
    torch_peer.fit(net, lambda net, rows: ((net(x[rows]) - y[rows]) ** 2).mean(), len(x), lr=0.003,
                   batch=32, epochs=40)
    state, curve = test[0], []
    with torch.no_grad():
        for step in range(STEPS):
            state = net(state)
            curve.append(((state - test[step + 1]).norm() / test[step + 1].norm()).item())
    return {"value": curve[-1], "curve": curve}


if __name__ == "__main__":
    torch_peer.main("error after 20 steps", reach)

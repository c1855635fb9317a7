#!/usr/bin/env python3
"""The network of kdv.yaml in PyTorch, rolled out from the first state of the test as rollout.c does.

    peer_kdv.py NAME kdv.h5 [--seeds 3]
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
        for _ in range(3):
            layers += [nn.Conv1d(24, 24, 5, padding=4, dilation=2, padding_mode="circular"), nn.GELU()]
        self.change = nn.Sequential(*layers, nn.Conv1d(24, 1, 5, padding=2, padding_mode="circular"))

    def forward(self, state):   # [batch, 1, points]
        return state + self.change(state)


def reach(file):
    with h5py.File(file) as f:
        x, y, tx, ty = (torch.tensor(f[name][...]).transpose(1, 2)
                        for name in ("train/x", "train/y", "test/x", "test/y"))
    net = torch_peer.glorot(Step())
    nn.init.zeros_(net.change[-1].weight)

    def loss(net, rows):
        noise = 0.001 * 3.5 * torch.randn_like(x[rows])
        return ((net(x[rows] + noise) - y[rows]) ** 2).mean()

    torch_peer.fit(net, loss, len(x), lr=0.003, batch=8, epochs=100)
    state, curve = tx[:1], []
    with torch.no_grad():
        for step in range(STEPS):
            state = net(state)
            curve.append(((state - ty[step]).norm() / ty[step].norm()).item())
    return {"value": curve[-1], "curve": curve}


if __name__ == "__main__":
    torch_peer.main("error after 20 steps", reach)

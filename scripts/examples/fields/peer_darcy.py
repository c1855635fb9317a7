#!/usr/bin/env python3
"""The network of darcy.yaml in PyTorch: its relative L2 error on test16.

    peer_darcy.py NAME darcy_flow.h5 [--seeds 3]
"""
import os
import sys

import h5py
import torch
from torch import nn
from torch.nn.functional import pad

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import torch_peer


def conv(channels, filters, strides=1):
    return nn.Sequential(nn.Conv2d(channels, filters, 3, strides, 1, padding_mode="reflect"), nn.GELU())


class Darcy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fine = nn.Sequential(conv(1, 16), conv(16, 16))
        self.middle = nn.Sequential(conv(16, 32, 2), conv(32, 32))
        self.coarse = nn.Sequential(conv(32, 64, 2), conv(64, 64))
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.middle_again = conv(64 + 32, 32)
        self.fine_again = conv(32 + 16, 16)
        self.last = nn.Conv2d(16, 1, 3, 1, 1, padding_mode="reflect")

    def forward(self, x):   # [batch, 16, 16]
        fine = self.fine(pad(x[:, None], (2, 2, 2, 2), value=2.0))
        middle = self.middle(fine)
        x = self.middle_again(torch.cat([self.up(self.coarse(middle)), middle], 1))
        x = self.fine_again(torch.cat([self.up(x), fine], 1))
        return self.last(x)[:, 0, 2:-2, 2:-2]


def relative_l2(out, y):
    return ((out - y).flatten(1).norm(dim=1) / y.flatten(1).norm(dim=1)).mean()


def reach(file):
    with h5py.File(file) as f:
        x, y, tx, ty = (torch.tensor(f[name][...]).float()
                        for name in ("train16/x", "train16/y", "test16/x", "test16/y"))
    net = torch_peer.glorot(Darcy())
    torch_peer.fit(net, lambda net, rows: relative_l2(net(x[rows]), y[rows]), len(x), lr=0.003, batch=32,
                   epochs=30)
    with torch.no_grad():
        return {"value": relative_l2(net(tx), ty).item()}


if __name__ == "__main__":
    torch_peer.main("relative_l2", reach)

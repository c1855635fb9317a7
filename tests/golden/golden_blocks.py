#!/usr/bin/env python3
"""Golden files of networks of blocks: residual, parallel, repeat and sequential, in each other.

    python3 golden_blocks.py [DIRECTORY]      (default: the directory of this script)

The committed files were made with Python 3.11, NumPy 2.4.6, PyTorch 2.15.0 and h5py 3.16.0.
"""

import os
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch_net import make

RESIDUAL = """\
data: {file: "@FILE@", shuffle: false}
model:
- dense: {units: 8, activation: tanh}
- repeat:
    times: 2
    name: stage
    layers:
    - residual:
        layers: [{dense: {units: 8, activation: relu}}, {dense: {units: 8}}]
        activation: relu
    - residual: {layers: [{dense: {units: 8, activation: silu}}]}
- residual:
    layers: [{dense: {units: 5, activation: tanh}}, {dense: {units: 5}}]
    shortcut: [{dense: {units: 5, use_bias: false}}]
    activation: gelu
- dense: {units: 3}
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 12, epochs: 2, seed: 1}
"""


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(5, 3)
        self.stages = nn.ModuleList(nn.ModuleList(nn.Linear(8, 8) for _ in range(3)) for _ in range(2))
        self.a, self.b, self.shortcut = nn.Linear(8, 5), nn.Linear(5, 5), nn.Linear(8, 5, bias=False)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for f, g, h in self.stages:
            x = F.relu(x + g(F.relu(f(x))))
            x = x + F.silu(h(x))
        return self.last(F.gelu(self.shortcut(x) + self.b(torch.tanh(self.a(x)))))


PARALLEL = """\
data: {file: "@FILE@", shuffle: false}
model:
- parallel:
    branches:
    - [{dense: {units: 5, activation: tanh}}, {dense: {units: 4, activation: relu}}]
    - [linear]
    - [{sequential: {name: one, layers: [{dense: {units: 2}}, sigmoid]}}]
- dense: {units: 6, activation: elu}
- parallel:
    branches: [[{dense: {units: 6}}], [tanh], [{residual: {layers: [{dense: {units: 6}}]}}]]
    join: add
    activation: relu
- dense: {units: 3}
loss: mse
optimizer: {sgd: {lr: 0.1, momentum: 0.9}}
train: {batch: 12, epochs: 2, seed: 1}
"""


class Parallel(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 5), nn.Linear(5, 4), nn.Linear(6, 2)
        self.d, self.e, self.f, self.g = nn.Linear(12, 6), nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        x = torch.cat([F.relu(self.b(torch.tanh(self.a(x)))), x, torch.sigmoid(self.c(x))], -1)
        x = F.elu(self.d(x))
        return self.g(F.relu(self.e(x) + torch.tanh(x) + x + self.f(x)))


def tensors_of(layers):
    """{our name of a layer: function of the module giving PyTorch's layer} to that of tensors."""
    tensors = {}
    for name, get in layers.items():
        tensors[f"{name}/weight"] = lambda net, get=get: get(net).weight
        if name != "residual_1/shortcut/dense_1":
            tensors[f"{name}/bias"] = lambda net, get=get: get(net).bias
    return tensors


def draw(rng):
    x = rng.normal(size=(120, 6)).astype("f4")
    return {"x": x, "y": (x[:, :3] * x[:, 3:] + 0.1 * rng.normal(size=(120, 3))).astype("f4")}


def loss(net, part):
    return F.mse_loss(net(part["x"]), part["y"])


def main(directory):
    stages = {f"stage_{k + 1}/{layer}": lambda net, k=k, i=i: net.stages[k][i] for k in range(2)
              for i, layer in enumerate(["residual_1/dense_1", "residual_1/dense_2", "residual_2/dense_1"])}
    make(directory, "blocks_residual", RESIDUAL, Residual,
         tensors_of({"dense_1": lambda net: net.first, **stages, "residual_1/dense_1": lambda net: net.a,
                     "residual_1/dense_2": lambda net: net.b,
                     "residual_1/shortcut/dense_1": lambda net: net.shortcut, "dense_2": lambda net: net.last}),
         {}, draw, loss, lambda p: torch.optim.Adam(p, lr=0.01), 12, epochs=2)
    make(directory, "blocks_parallel", PARALLEL, Parallel,
         tensors_of({"parallel_1/branch_1/dense_1": lambda net: net.a, "parallel_1/branch_1/dense_2": lambda net: net.b,
                     "parallel_1/branch_3/one/dense_1": lambda net: net.c, "dense_1": lambda net: net.d,
                     "parallel_2/branch_1/dense_1": lambda net: net.e,
                     "parallel_2/branch_3/residual_1/dense_1": lambda net: net.f, "dense_2": lambda net: net.g}),
         {}, draw, loss, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), 12, epochs=2)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))

#!/usr/bin/env python3
"""Golden files of batch_norm, layer_norm and group_norm: python3 golden_norm.py [DIRECTORY].

Batches are in several lanes, and the last of them is short: statistics over anything but the whole
batch would give other weights.  Running statistics are compared, too.
"""

import os
import sys

import numpy as np
import torch
from torch import nn

import torch_net

INPUTS, CLASSES = 7, 4
H, W, C = 3, 2, 8


def rows(rng, n):
    """Inputs far from 0 with unlike spreads, and classes that they tell."""
    x = rng.normal(size=(n, INPUTS)) * (0.5 + np.arange(INPUTS)) + 3
    return {"x": x.astype(np.float32), "y": rng.integers(0, CLASSES, n)}


def images(rng, n):
    x = rng.normal(size=(n, C, H, W)) * (1 + np.arange(C))[:, None, None] + 2
    return {"x": x.astype(np.float32), "y": rng.integers(0, CLASSES, n)}


def cross_entropy(net, part):
    return nn.functional.cross_entropy(net(part["x"]), part["y"])


def flat_order(array):
    """Weights of what PyTorch flattened from [C, H, W], for what we flatten from [H, W, C]."""
    return np.moveaxis(array.reshape(-1, C, H, W), 1, -1).reshape(len(array), -1)


def in_order(array):
    return np.moveaxis(array, 0, -1)


def weights(name, i):
    return {f"{name}/weight": lambda net: net[i].weight, f"{name}/bias": lambda net: net[i].bias}


def affine(name, i):
    return {f"{name}/gamma": lambda net: net[i].weight, f"{name}/beta": lambda net: net[i].bias}


def moving(name, i):
    return {f"{name}/moving_mean": lambda net: net[i].running_mean,
            f"{name}/moving_variance": lambda net: net[i].running_var}


def unlike(net):
    """Gamma and beta that are not 1 and 0."""
    for module in net:
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)):
            if module.weight is not None:
                nn.init.uniform_(module.weight, 0.5, 1.5)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.5, 0.5)
    return net


def config(model, batch, epochs=1, optimizer="sgd: {lr: 0.05, momentum: 0.9}", loss="cross_entropy"):
    return (f'data: {{file: "@FILE@", shuffle: false}}\nmodel:\n{model}loss: {loss}\n'
            f"optimizer: {{{optimizer}}}\ntrain: {{batch: {batch}, epochs: {epochs}, lanes: 5, seed: 1}}\n")


def sgd(parameters):
    return torch.optim.SGD([p for p in parameters if p.requires_grad], lr=0.05, momentum=0.9)


def cases():
    net = "- dense: {units: 9, name: a}\n- %s\n- dense: {units: 4, name: b}\n"
    dense = {**weights("a", 0), **weights("b", 3)}

    def layers(norm):
        return lambda: unlike(nn.Sequential(nn.Linear(INPUTS, 9), norm(), nn.ReLU(), nn.Linear(9, CLASSES)))

    # 10 batches of 23 and one of 6: 5 lanes of 4 and 5 samples, then of 1 and 2
    yield dict(name="batch_norm",
               config=config(net % "batch_norm: {name: n, momentum: 0.9, activation: relu}", 23),
               network=layers(lambda: nn.BatchNorm1d(9, eps=1e-3, momentum=0.1)),
               tensors={**dense, **affine("n", 1), **moving("n", 1)}, orders={},
               draw=lambda rng: rows(rng, 236), batch=23)
    # the last batch is 3 samples: two lanes have none
    yield dict(name="batch_norm_plain",
               config=config(net % "batch_norm: {name: n, center: false, scale: false, epsilon: 1e-2, "
                                   "activation: relu}", 12),
               network=layers(lambda: nn.BatchNorm1d(9, eps=1e-2, momentum=0.01, affine=False)),
               tensors={**dense, **moving("n", 1)}, orders={},
               draw=lambda rng: rows(rng, 123), batch=12)
    yield dict(name="layer_norm", config=config(net % "layer_norm: {name: n, activation: relu}", 23),
               network=layers(lambda: nn.LayerNorm(9, eps=1e-3)),
               tensors={**dense, **affine("n", 1)}, orders={}, draw=lambda rng: rows(rng, 236), batch=23)
    yield dict(name="group_norm",
               config=config(net % "group_norm: {name: n, groups: 3, epsilon: 1e-5, activation: relu}", 23),
               network=layers(lambda: nn.GroupNorm(3, 9)),
               tensors={**dense, **affine("n", 1)}, orders={}, draw=lambda rng: rows(rng, 236), batch=23)

    image = "- %s\n- flatten\n- dense: {units: 4, name: b}\n"

    def pictures(norm):
        return lambda: unlike(nn.Sequential(norm(), nn.ReLU(), nn.Flatten(), nn.Linear(H * W * C, CLASSES)))

    common = dict(store={"x": torch_net.images_last}, draw=lambda rng: images(rng, 64), batch=6)
    yield dict(name="batch_norm_images",
               config=config(image % "batch_norm: {name: n, momentum: 0.5, activation: relu}", 6),
               network=pictures(lambda: nn.BatchNorm2d(C, eps=1e-3, momentum=0.5)),
               tensors={**weights("b", 3), **affine("n", 0), **moving("n", 0)},
               orders={"b/weight": flat_order}, **common)
    yield dict(name="layer_norm_images",
               config=config(image % "layer_norm: {name: n, axis: [0, 1, 2], activation: relu}", 6),
               network=pictures(lambda: nn.LayerNorm([C, H, W], eps=1e-3)),
               tensors={**weights("b", 3), **affine("n", 0)},
               orders={"b/weight": flat_order, "n/gamma": in_order, "n/beta": in_order}, **common)
    yield dict(name="group_norm_images",
               config=config(image % "group_norm: {name: n, groups: 4, activation: relu}", 6),
               network=pictures(lambda: nn.GroupNorm(4, C, eps=1e-3)),
               tensors={**weights("b", 3), **affine("n", 0)}, orders={"b/weight": flat_order}, **common)


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    for case in cases():
        torch_net.make(directory, loss=cross_entropy, optimizer=sgd, **case)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Golden files of pooling, upsampling, padding, permuting, prelu and the rest of the activations.

    python3 golden_pools.py [DIRECTORY]      (default: the directory of this script)

A network is a dense layer on the channels of each position, some layers of the subject, and a dense
layer on all that is left.  Data are channels last, as ours; what PyTorch does to them, it does with
the channels in its place.  Means that leave padding out on one side alone are two convolutions there.
"""

import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import torch_net

STEPS, BATCH, CHANNELS, LR = 10, 6, 4, 0.1


def first(function):
    """A function of channels-first data, for channels-last ones."""
    return lambda z: torch.movedim(function(torch.movedim(z, -1, 1)), 1, -1)


def mean_inside(z, kernel, stride, padding):
    """Mean over what is inside; `padding` as F.pad has it."""
    weight = torch.ones(z.shape[1], 1, *kernel, dtype=z.dtype)
    conv = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[z.ndim]
    total = conv(F.pad(z, padding), weight, stride=stride, groups=z.shape[1])
    return total / conv(F.pad(torch.ones_like(z), padding), weight, stride=stride, groups=z.shape[1])


class Net(torch.nn.Module):
    """Dense on the channels, tanh, `middle`, dense on the rest."""

    def __init__(self, shape, middle, slopes=0):
        super().__init__()
        self.inner = torch.nn.Linear(shape[-1], CHANNELS)
        self.slopes = torch.nn.Parameter(torch.full((slopes,), 0.25)) if slopes else None
        self.middle = middle
        left = self.between(torch.zeros(1, *shape)).numel()
        self.outer = torch.nn.Linear(left, 3)

    def between(self, x):
        z = torch.tanh(self.inner(x))
        return self.middle(z) if self.slopes is None else self.middle(z, self.slopes)

    def forward(self, x):
        return self.outer(self.between(x).flatten(1))


# name: shape of x, our layers, PyTorch's.
CASES = {
    "pool_1d": ((13, 1), """
  - max_pool1d: {pool_size: 3, strides: 1, padding: same}
  - avg_pool1d: {pool_size: 4, strides: 3, padding: 2, count_include_pad: true}
""", first(lambda z: F.avg_pool1d(F.max_pool1d(z, 3, 1, 1), 4, 3, 2))),
    "pool_2d": ((5, 6, 1), """
  - max_pool2d: {}
""", first(lambda z: F.max_pool2d(z, 2))),
    "pool_2d_padded": ((8, 5, 1), """
  - max_pool2d: {pool_size: [3, 2], strides: [2, 1], padding: 1}
  - avg_pool2d: {pool_size: 2, strides: 3, padding: same}
""", first(lambda z: mean_inside(F.max_pool2d(z, (3, 2), (2, 1), 1), (2, 2), 3, (0, 0, 0, 1)))),
    "pool_3d": ((3, 4, 5, 1), """
  - max_pool3d: {pool_size: [1, 2, 3], strides: [1, 2, 1]}
  - avg_pool3d: {pool_size: 2, strides: 1, padding: [[1, 0], 0, [0, 1]]}
""", first(lambda z: mean_inside(F.max_pool3d(z, (1, 2, 3), (1, 2, 1)), (2, 2, 2), 1,
                                 (0, 1, 0, 0, 1, 0)))),
    "pool_global": ((5, 6, 1), """
  - global_avg_pool: {name: mean}
  - global_max_pool: {from: bent, name: most}
  - concatenate: {from: [mean, most]}
""", lambda z: torch.cat([z.mean(dim=(1, 2)), z.amax(dim=(1, 2))], dim=-1)),
    "upsample_nearest": ((3, 2, 1), """
  - upsample: {size: [2, 3]}
  - pad: {padding: [[1, 2], [0, 3]], mode: periodic}
  - crop: {cropping: [[0, 1], 2]}
""", first(lambda z: F.pad(F.interpolate(z, scale_factor=(2, 3)), (0, 3, 1, 2), mode="circular")
           [:, :, :-1, 2:-2])),
    "upsample_bilinear": ((3, 4, 1), """
  - upsample: {size: [3, 2], interpolation: bilinear}
  - pad: {padding: 2, mode: reflect}
  - max_pool2d: {strides: 3}
""", first(lambda z: F.max_pool2d(F.pad(F.interpolate(z, scale_factor=(3, 2), mode="bilinear"),
                                        (2, 2, 2, 2), mode="reflect"), 2, 3))),
    "pad_edge": ((3, 4, 1), """
  - pad: {padding: [1, 0], value: 0.5}
  - pad: {padding: [[0, 1], [2, 0]], mode: edge}
  - avg_pool2d: {pool_size: 3, strides: 2}
""", first(lambda z: F.avg_pool2d(F.pad(F.pad(z, (0, 0, 1, 1), value=0.5), (2, 0, 0, 1),
                                        mode="replicate"), 3, 2))),
    "permute": ((4, 5, 1), """
  - permute: {dims: [2, 3, 1], name: turned}
  - max_pool2d: {pool_size: [2, 1], strides: 1, name: most}
  - avg_pool2d: {pool_size: [2, 1], strides: 1, name: mean, from: turned}
  - multiply: {from: [mean, most]}
""", lambda z: first(lambda t: F.max_pool2d(t, (2, 1), 1) * F.avg_pool2d(t, (2, 1), 1))(
        z.permute(0, 2, 3, 1))),
}

# The same with slopes: how many, and which dimension has them.
SLOPES = {
    "prelu": ("{}", CHANNELS, lambda z, a: first(lambda t: F.prelu(t, a))(z)),
    "prelu_one": ("{shared_axes: [1, 2, 3]}", 1, lambda z, a: F.prelu(z, a)),
    "prelu_shared": ("{shared_axes: [1, 3]}", 5,
                     lambda z, a: F.prelu(z.movedim(2, 1), a).movedim(1, 2)),
}
ACTIVATIONS = {"selu": F.selu, "softsign": F.softsign, "hard_sigmoid": F.hardsigmoid,
               "hard_swish": F.hardswish, "mish": F.mish}


def config(layers):
    return f"""data: {{file: "@FILE@", shuffle: false}}
model:
  - dense: {{units: {CHANNELS}, name: inner}}
  - tanh: {{name: bent}}
{layers.strip(chr(10))}
  - flatten
  - dense: {{units: 3, name: outer}}
loss: mse
optimizer: {{sgd: {{lr: {LR}}}}}
train: {{batch: {BATCH}, epochs: 1, seed: 1}}
"""


def draw(shape):
    def some(rng):
        x = rng.standard_normal((BATCH * STEPS, *shape)).astype(np.float32)
        y = np.tanh(x.reshape(len(x), -1)[:, :3]) + 0.3 * rng.standard_normal((len(x), 3))
        return {"x": x, "y": y.astype(np.float32)}
    return some


def make(directory, name, shape, layers, middle, slopes=0):
    tensors = {f"{layer}/{kind}": lambda net, l=layer, k=kind: getattr(getattr(net, l), k)
               for layer in ("inner", "outer") for kind in ("weight", "bias")}
    if slopes:
        tensors["slopes/alpha"] = lambda net: net.slopes
    torch_net.make(directory, name, config(layers), lambda: Net(shape, middle, slopes), tensors, {},
                   draw(shape), lambda net, part: F.mse_loss(net(part["x"]), part["y"]),
                   lambda parameters: torch.optim.SGD(parameters, lr=LR), BATCH)


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    for name, (shape, layers, middle) in CASES.items():
        make(directory, name, shape, layers, middle)
    for name, (options, slopes, middle) in SLOPES.items():
        layer = "  - prelu: " + options.replace("{", "{name: slopes, ").replace(", }", "}")
        make(directory, name, (4, 5, 1), layer, middle, slopes)
    for name, middle in ACTIVATIONS.items():
        make(directory, "activation_" + name, (6,), f"  - {name}", middle)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Golden files of convolutions.

    python3 golden_conv.py [DIRECTORY]      (default: the directory of this script)

A kernel of one pixel, the layer of the case, tanh behind both; the target is an image.  So the case's
gradient of its input is seen, too.  Batches of 5, of which the last of an epoch has 3.
"""

import os
import sys

import torch
from torch import nn

from torch_net import conv_order, images_last, make

SAMPLES, BATCH, EPOCHS = 23, 5, 2
HEAD = """\
data: {file: "@FILE@", shuffle: false}
model:
  - conv%dd: {name: first, filters: %d, kernel_size: 1, activation: tanh}
  - %s
loss: mse
optimizer: {sgd: {lr: 1.0, momentum: 0.5}}
train: {batch: %d, epochs: %d, seed: 1}
"""


class Net(nn.Module):
    def __init__(self, dims, inputs, channels, before, layer):
        super().__init__()
        one = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1]
        self.first, self.before, self.layer = one(inputs, channels, 1), before, layer

    def forward(self, x):
        return torch.tanh(self.layer(self.before(torch.tanh(self.first(x)))))


def case(directory, name, ours, layer, shape, channels, inputs=2, before=None):
    """ours: the layer in our configuration; layer(): PyTorch's; shape: of the images."""
    dims = len(shape)
    network = lambda: Net(dims, inputs, channels, before or nn.Identity(), layer())
    with torch.no_grad():
        out = network()(torch.zeros(1, inputs, *shape)).shape[1:]
    parts = {"layer/weight": lambda net: net.layer.weight, "layer/bias": lambda net: net.layer.bias,
             "first/weight": lambda net: net.first.weight, "first/bias": lambda net: net.first.bias}
    if layer().bias is None:
        del parts["layer/bias"]

    def draw(rng):
        return {"x": rng.standard_normal((SAMPLES, inputs, *shape)).astype("float32"),
                "y": rng.uniform(-0.9, 0.9, (SAMPLES, *out)).astype("float32")}

    kind, options = ours
    text = HEAD % (dims, channels, f"{kind}: {{name: layer, {options}, activation: tanh}}", BATCH, EPOCHS)
    make(directory, "conv_" + name, text, network, parts,
         {"layer/weight": conv_order, "first/weight": conv_order}, draw,
         lambda net, part: nn.functional.mse_loss(net(part["x"]), part["y"]),
         lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.5), BATCH, EPOCHS,
         store={"x": images_last, "y": images_last})


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    two = lambda name, options, layer, channels=3, before=None: case(
        directory, name, ("conv2d", options), layer, (6, 5), channels, before=before)
    two("valid", "filters: 4, kernel_size: 3", lambda: nn.Conv2d(3, 4, 3))
    two("same", "filters: 4, kernel_size: [3, 2], padding: same",
        lambda: nn.Conv2d(3, 4, (3, 2), padding="same"))
    two("stride", "filters: 4, kernel_size: 3, strides: 2, padding: 1",
        lambda: nn.Conv2d(3, 4, 3, 2, 1))
    # As in TensorFlow: of 6 pixels one is added at the end, of 5 one at either side.
    two("same_stride", "filters: 4, kernel_size: 3, strides: 2, padding: same",
        lambda: nn.Conv2d(3, 4, 3, 2), before=nn.ZeroPad2d((1, 1, 0, 1)))
    two("point_stride", "filters: 4, kernel_size: 1, strides: 2, use_bias: false",
        lambda: nn.Conv2d(3, 4, 1, 2, bias=False))
    two("dilation", "filters: 4, kernel_size: 2, strides: [1, 2], padding: 2, dilation_rate: [2, 3]",
        lambda: nn.Conv2d(3, 4, 2, (1, 2), 2, (2, 3)))
    two("groups", "filters: 6, kernel_size: 3, groups: 2", lambda: nn.Conv2d(4, 6, 3, groups=2), 4)
    two("periodic", "filters: 4, kernel_size: 3, padding: same, padding_mode: periodic",
        lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"))
    two("reflect", "filters: 4, kernel_size: [5, 3], strides: 2, padding: [2, 1], padding_mode: reflect",
        lambda: nn.Conv2d(3, 4, (5, 3), 2, (2, 1), padding_mode="reflect"))
    case(directory, "depthwise", ("depthwise_conv2d", "kernel_size: 3, depth_multiplier: 2, padding: 1"),
         lambda: nn.Conv2d(3, 6, 3, padding=1, groups=3), (6, 5), 3)
    case(directory, "depthwise_stride", ("depthwise_conv2d", "kernel_size: 3, strides: 2"),
         lambda: nn.Conv2d(3, 3, 3, 2, groups=3), (6, 5), 3)
    case(directory, "one", ("conv1d", "filters: 4, kernel_size: 3, strides: 2, padding: 1"),
         lambda: nn.Conv1d(3, 4, 3, 2, 1), (11,), 3)
    case(directory, "one_causal", ("conv1d", "filters: 4, kernel_size: 3, padding: causal, dilation_rate: 2"),
         lambda: nn.Conv1d(3, 4, 3, dilation=2), (11,), 3, before=nn.ConstantPad1d((4, 0), 0.0))
    case(directory, "three", ("conv3d", "filters: 3, kernel_size: [2, 3, 2], strides: [1, 1, 2], padding: 1"),
         lambda: nn.Conv3d(2, 3, (2, 3, 2), (1, 1, 2), 1), (3, 3, 4), 2)
    case(directory, "transpose", ("conv2d_transpose",
                                  "filters: 4, kernel_size: 3, strides: 2, padding: 1, output_padding: 1"),
         lambda: nn.ConvTranspose2d(3, 4, 3, 2, 1, 1), (3, 2), 3)
    case(directory, "transpose_groups", ("conv2d_transpose",
                                         "filters: 4, kernel_size: [2, 3], groups: 2, dilation_rate: 2"),
         lambda: nn.ConvTranspose2d(4, 4, (2, 3), groups=2, dilation=2), (3, 2), 4)
    case(directory, "transpose_one", ("conv1d_transpose", "filters: 2, kernel_size: 4, strides: 3"),
         lambda: nn.ConvTranspose1d(3, 2, 4, 3), (4,), 3)


if __name__ == "__main__":
    main()

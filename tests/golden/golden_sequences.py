#!/usr/bin/env python3
"""Golden files of losses over sequences: ctc, and cross entropy that passes over some positions.

    python3 golden_sequences.py [DIRECTORY] [NAME]

The losses are PyTorch's own: torch.nn.functional.ctc_loss, and F.cross_entropy and
F.binary_cross_entropy_with_logits of the positions that count."""

import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

from torch_net import make

BATCH, STEPS, T, INPUTS, CLASSES, L = 12, 10, 12, 5, 4, 5
BLANK = {"first": 0, "last": CLASSES - 1}


class Net(torch.nn.Module):
    """A convolution over the steps, which may make them half as many, then scores of each step."""

    def __init__(self, stride=1, outputs=CLASSES):
        super().__init__()
        self.conv = torch.nn.Conv1d(INPUTS, 8, 3, stride=stride, padding=1)
        self.output = torch.nn.Linear(8, outputs)

    def forward(self, x):
        return self.output(torch.tanh(self.conv(x.movedim(2, 1))).movedim(1, 2))


def draw_labels(blank, stride=1, padding=None, zeros=False):
    """Labels of 0 to L, with repeats, that fit into their steps (with `zeros` not all do)."""
    labels = [k for k in range(CLASSES) if k != BLANK[blank]]

    def of(rng):
        n = BATCH * STEPS
        steps = rng.integers(1, T + 1, n)
        y = np.full((n, L), -1 if padding is None else padding)
        lengths = np.zeros(n, int)
        x = rng.standard_normal((n, T, INPUTS))
        for i in range(n):
            room = -(-steps[i] * (T // stride) // T)
            k = rng.integers(0, L + 1)
            row = rng.choice(labels, k)
            while not zeros and k + (row[1:] == row[:-1]).sum() > room:
                k -= 1
                row = row[:k]
            y[i, :k], lengths[i] = row, k
            for place, label in enumerate(row):  # something to be learnt
                x[i, place * T // max(k, 1), label] += 2
        return {"x": x.astype(np.float32), "steps": steps, "y": y, "labels": lengths}
    return of


def ctc(blank, stride=1, **options):
    def loss(net, part):
        out = F.log_softmax(net(part["x"]), -1)
        steps = -(-part["steps"] * out.shape[1] // T)
        return F.ctc_loss(out.movedim(0, 1), part["y"].clamp(min=0), steps, part["labels"],
                          blank=BLANK[blank], **options)
    return loss


def ctc_sum(net, part):
    out = F.log_softmax(net(part["x"]), -1)
    return F.ctc_loss(out.movedim(0, 1), part["y"].clamp(min=0), part["steps"], part["labels"],
                      reduction="none").mean()


def draw_ignored(bits):
    """A class or a bit at each step, of which some don't count: -100, or behind a length."""
    def of(rng):
        n = BATCH * STEPS
        x = rng.standard_normal((n, T, INPUTS))
        y = (x[..., :1] > 0).astype(np.float32) if bits else x[..., :CLASSES].argmax(2)
        y[rng.random(y.shape) < 0.3] = -100
        y[3] = -100  # a sample without any
        steps = rng.integers(0, T + 1, n)
        return {"x": x.astype(np.float32), "y": y, "steps": steps}
    return of


def counted(values, real):
    """The mean over what counts in a sample, 0 where nothing does; then over samples."""
    return ((values * real).sum(1) / real.sum(1).clamp(min=1)).mean()


def cross_entropy(net, part):
    y = part["y"]
    real = (y != -100) & (torch.arange(T)[None] < part["steps"][:, None])
    return counted(F.cross_entropy(net(part["x"]).movedim(2, 1), y, ignore_index=-100,
                                   reduction="none"), real)


def bits(net, part):
    y = part["y"]
    real = y[..., 0] != -100
    return counted(F.binary_cross_entropy_with_logits(
        net(part["x"]), torch.where(y == -100, 0, y), reduction="none")[..., 0], real)


CONFIG = """\
data: {{file: "@FILE@", {data}, shuffle: false}}
model:
  - conv1d: {{name: conv, filters: 8, kernel_size: 3, padding: 1, strides: {stride}, activation: tanh{source}}}
  - dense: {{name: output, units: {outputs}}}
loss: {loss}
optimizer: {{sgd: {{lr: 0.3, momentum: 0.9}}}}
train: {{batch: 12, epochs: 1, seed: 1, lanes: 5}}
"""

NAMES = {"conv/weight": lambda m: m.conv.weight, "conv/bias": lambda m: m.conv.bias,
         "output/weight": lambda m: m.output.weight, "output/bias": lambda m: m.output.bias}
ORDERS = {"conv/weight": lambda w: w.transpose(0, 2, 1)}

BOTH = "inputs: x, targets: y, lengths: {input: steps, target: labels}"
TARGETS = "inputs: x, targets: y"

# name, data, loss, stride, outputs, draw, PyTorch's loss
CASES = [
    ("ctc", BOTH, "ctc", 1, CLASSES, draw_labels("first"), ctc("first")),
    ("ctc_last", BOTH, "{ctc: {blank: -1, divide_by_length: false}}", 1, CLASSES, draw_labels("last"),
     lambda net, part: ctc("last", reduction="sum")(net, part) / BATCH),
    ("ctc_stride", BOTH, "ctc", 2, CLASSES, draw_labels("first", stride=2), ctc("first", 2)),
    ("ctc_padding", "inputs: x, targets: y, lengths: {input: steps}", "{ctc: {padding: 0}}", 1, CLASSES,
     draw_labels("first", padding=0), ctc("first")),
    ("ctc_zero_infinity", BOTH, "{ctc: {zero_infinity: true}}", 1, CLASSES,
     draw_labels("first", zeros=True), ctc("first", zero_infinity=True)),
    ("ignored", TARGETS + ", lengths: {target: steps}", "{cross_entropy: {ignore_index: -100}}", 1,
     CLASSES, draw_ignored(False), cross_entropy),
    ("ignored_bits", TARGETS, "{binary_cross_entropy: {ignore_index: -100}}", 1, 1, draw_ignored(True),
     bits),
]


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    torch.set_num_threads(1)
    for name, data, loss, stride, outputs, draw, of in CASES:
        if only not in name:
            continue
        config = CONFIG.format(data=data, stride=stride, outputs=outputs, loss=loss, source="")
        make(directory, "sequence_" + name, config,
             lambda stride=stride, outputs=outputs: Net(stride, outputs), NAMES, ORDERS, draw, of,
             lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9), BATCH)


if __name__ == "__main__":
    main()

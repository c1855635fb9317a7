#!/usr/bin/env python3
"""Golden files of losses (torch_net.py): what 10 steps with each make of the weights in PyTorch.

    python3 golden_losses.py [DIRECTORY] [NAME]     (default: the directory of this script)

Losses that PyTorch has are its own; of the others (focal, log_cosh, hinge, dice, relative L2) the formula
is written here.  The committed files were made with PyTorch 2.15.0.
"""

import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

from torch_net import make

SAMPLES, BATCH, INPUTS, HIDDEN = 110, 11, 5, 7
WEIGHTS = [1, 2.5, 0.5]


class Net(torch.nn.Module):
    def __init__(self, outputs, last):
        super().__init__()
        self.hidden = torch.nn.Linear(INPUTS, HIDDEN)
        self.output = torch.nn.Linear(HIDDEN, outputs)
        self.last = last

    def forward(self, x):
        return self.last(self.output(torch.tanh(self.hidden(x))))


def draw(kind, outputs):
    """Samples whose targets follow from the inputs, with noise."""
    def of(rng):
        x = rng.standard_normal((SAMPLES, INPUTS)).astype(np.float32)
        score = np.tanh(x @ rng.standard_normal((INPUTS, outputs))) + 0.3 * rng.standard_normal(
            (SAMPLES, outputs))
        if kind == "numbers":
            y = (2 * score + 0.5).astype(np.float32)
        elif kind == "classes":
            y = score.argmax(1)
        elif kind == "bits":
            y = (score > 0.2).astype(np.float32)
        elif kind == "counts":
            y = rng.poisson(np.exp(score)).astype(np.float32)
        elif kind == "pixels":  # a class for each of the positions of a sample
            y = score.reshape(SAMPLES, -1, 3).argmax(2)
        else:
            y = np.exp(2 * score)
            y = (y / y.sum(1, keepdims=True)).astype(np.float32)
        return {"x": x, "y": y}
    return of


def per_sample(values):
    """The mean over a sample's numbers; then over samples."""
    return values.flatten(1).mean(1).mean()


def focal(out, y, gamma=2.0, alpha=0.25, smoothing=0.0, weight=None):
    q = F.one_hot(y, out.shape[-1]).to(out.dtype) if y.dtype == torch.int64 else y
    q = q * (1 - smoothing) + smoothing / out.shape[-1]
    if weight is not None:
        q = q * torch.tensor(weight, dtype=out.dtype)
    log_p = F.log_softmax(out, -1)
    return (-alpha * q * (1 - log_p.exp()) ** gamma * log_p).sum(-1).mean()


def binary_focal(out, y, gamma=2.0, alpha=None, smoothing=0.0, no=1.0, yes=1.0):
    q = y * (1 - smoothing) + smoothing / 2
    p = torch.sigmoid(out)
    entropy = -(yes * q * F.logsigmoid(out) + no * (1 - q) * F.logsigmoid(-out))
    balance = 1 if alpha is None else q * alpha + (1 - q) * (1 - alpha)
    return per_sample(balance * (1 - q * p - (1 - q) * (1 - p)) ** gamma * entropy)


def margin(out, y):
    return F.relu(1 - (2 * y - 1) * out)


def dice(p, t, smooth):
    """p, t [N, positions, classes]"""
    over, under = 2 * (p * t).sum(1) + smooth, p.sum(1) + t.sum(1) + smooth
    return (1 - over / under).mean(1).mean()


def pixels(out):
    return out.reshape(len(out), -1, 3)


def soft(out):
    return F.softmax(pixels(out), -1)


def one_hot(y):
    return F.one_hot(y, 3).to(torch.float64)


def weighted(out, y, **options):
    """PyTorch's sum over the samples' own number: it divides by the sum of weights."""
    weight = torch.tensor(WEIGHTS, dtype=out.dtype)
    return F.cross_entropy(out, y, weight=weight, reduction="sum", **options) / len(out)


PIXELS = "\n  - reshape: {shape: [2, 3, 3]}"
SMOOTH_L = "\n  - reshape: {shape: [6, 3]}\n  - softmax"

# name, loss in the configuration, targets, outputs, layers behind the last one, PyTorch's loss
CASES = [
    ("log_cosh", "log_cosh", "numbers", 3, "",
     lambda o, y: per_sample(torch.log(torch.cosh(o - y)))),
    ("relative_l2", "relative_l2", "numbers", 3, "",
     lambda o, y: ((o - y).norm(dim=1) / y.norm(dim=1)).mean()),
    ("relative_l2_eps", "{relative_l2: {eps: 0.5}}", "numbers", 3, "",
     lambda o, y: ((o - y).norm(dim=1) / (y.norm(dim=1) + 0.5)).mean()),
    ("cosine_similarity", "cosine_similarity", "numbers", 3, "",
     lambda o, y: F.cosine_embedding_loss(o, y, torch.ones(len(o), dtype=o.dtype))),
    ("poisson", "poisson", "counts", 3, "", lambda o, y: F.poisson_nll_loss(o, y)),
    ("poisson_rate", "{poisson: {log_input: false}}", "counts", 3, "\n  - softplus",
     lambda o, y: F.poisson_nll_loss(F.softplus(o), y, log_input=False)),
    ("hinge", "hinge", "bits", 3, "", lambda o, y: per_sample(margin(o, y))),
    ("hinge_squared", "{hinge: {squared: true}}", "bits", 3, "",
     lambda o, y: per_sample(margin(o, y) ** 2)),
    ("kl_divergence", "kl_divergence", "shares", 3, "",
     lambda o, y: F.kl_div(F.log_softmax(o, -1), y, reduction="batchmean")),
    ("kl_divergence_probabilities", "{kl_divergence: {from_logits: false}}", "shares", 3,
     "\n  - softmax", lambda o, y: F.kl_div(F.log_softmax(o, -1), y, reduction="batchmean")),
    ("focal", "focal", "classes", 3, "", focal),
    ("focal_softmax", "{focal: {gamma: 1.5, alpha: 1, label_smoothing: 0.1}}", "classes", 3,
     "\n  - softmax", lambda o, y: focal(o, y, 1.5, 1, 0.1)),
    ("focal_probabilities", "{focal: {from_logits: false, alpha: 1}}", "classes", 3,
     "\n  - softmax", lambda o, y: focal(o, y, alpha=1)),
    ("focal_weights", "{focal: {alpha: 1, class_weights: [1, 2.5, 0.5]}}", "shares", 3, "",
     lambda o, y: focal(o, y, alpha=1, weight=WEIGHTS)),
    ("binary_focal", "binary_focal", "bits", 3, "", binary_focal),
    ("binary_focal_balance",
     "{binary_focal: {apply_class_balancing: true, gamma: 1, label_smoothing: 0.1}}", "bits", 3, "",
     lambda o, y: binary_focal(o, y, 1, 0.25, 0.1)),
    ("binary_focal_weights", "{binary_focal: {class_weights: [0.5, 3]}}", "bits", 3, "",
     lambda o, y: binary_focal(o, y, no=0.5, yes=3)),
    ("binary_focal_probabilities", "{binary_focal: {from_logits: false}}", "bits", 3,
     "\n  - sigmoid", binary_focal),
    ("cross_entropy_weights", "{cross_entropy: {class_weights: [1, 2.5, 0.5]}}", "classes", 3, "",
     weighted),
    ("cross_entropy_weights_smoothing",
     "{cross_entropy: {class_weights: [1, 2.5, 0.5], label_smoothing: 0.1}}", "classes", 3, "",
     lambda o, y: weighted(o, y, label_smoothing=0.1)),
    ("binary_cross_entropy_weights", "{binary_cross_entropy: {class_weights: [0.5, 3]}}", "bits", 3,
     "", lambda o, y: 0.5 * F.binary_cross_entropy_with_logits(
         o, y, pos_weight=torch.tensor(6, dtype=o.dtype))),
    ("cross_entropy_pixels", "cross_entropy", "pixels", 18, PIXELS,
     lambda o, y: F.cross_entropy(pixels(o).movedim(-1, 1), y)),
    ("dice", "dice", "pixels", 18, SMOOTH_L, lambda o, y: dice(soft(o), one_hot(y).to(o.dtype), 1e-7)),
    ("dice_smooth", "{dice: {smooth: 1}}", "bits", 6, "\n  - sigmoid\n  - reshape: {shape: [6, 1]}",
     lambda o, y: dice(torch.sigmoid(o)[..., None], y[..., None], 1)),
]

CONFIG = """\
data: {{file: "@FILE@", shuffle: false}}
model:
  - dense: {{name: hidden, units: 7, activation: tanh}}
  - dense: {{name: output, units: {outputs}}}{behind}
loss: {loss}
optimizer: {{sgd: {{lr: 0.3}}}}
train: {{batch: 11, epochs: 1, seed: 1, lanes: 3}}
"""

TENSORS = {f"{layer}/{name}": lambda net, layer=layer, name=name: getattr(getattr(net, layer), name)
           for layer in ("hidden", "output") for name in ("weight", "bias")}


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    torch.set_num_threads(1)
    for name, loss, targets, outputs, behind, of in CASES:
        if only not in name:
            continue
        store = {}
        if targets == "pixels" and name == "cross_entropy_pixels":
            store["y"] = lambda y: y.reshape(-1, 2, 3)  # [height, width]; PyTorch gets a row of them
        make(directory, "loss_" + name,
             CONFIG.format(outputs=outputs, behind=behind, loss=loss),
             lambda outputs=outputs: Net(outputs, torch.nn.Identity()), TENSORS, {},
             draw(targets, outputs), lambda net, part, of=of: of(net(part["x"]), part["y"]),
             lambda p: torch.optim.SGD(p, lr=0.3), BATCH, store=store)


if __name__ == "__main__":
    main()

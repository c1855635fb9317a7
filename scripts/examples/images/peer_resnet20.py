#!/usr/bin/env python3
"""The accuracy of resnet20 in PyTorch on lockstep's CIFAR-10 file, with the settings of resnet20.yaml.

    peer_resnet20.py NAME FILE.h5 [--seeds 3] [--epochs 10] [--threads 1]

SGD with momentum 0.9, lr 0.1 falling along half a cosine, weight decay 5e-4 on all weights, batches of
64; random crops of the image padded by 4 black pixels, and flips; then pixels to mean 0 and deviation 1
over all of the training part.  Weights begin as he_normal (convolutions) and glorot_uniform (dense).
Prints one JSON object; each seed's accuracy to stderr.
"""
import argparse
import json
import math
import sys

import h5py
import numpy as np
import torch
import torch.nn as nn


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Sequential() if inputs == outputs else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.layers(x) + self.shortcut(x))


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    for outputs, inputs in ((16, 16), (32, 16), (64, 32)):
        layers += [Residual(inputs, outputs, 1 if inputs == outputs else 2),
                   Residual(outputs, outputs, 1), Residual(outputs, outputs, 1)]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    for part in net.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)
    return net


def augment(x, rng):
    padded = np.pad(x, ((0, 0), (0, 0), (4, 4), (4, 4)))
    out = np.empty_like(x)
    for i in range(len(x)):
        top, left = rng.integers(0, 9, 2)
        out[i] = padded[i, :, top:top + 32, left:left + 32]
        if rng.random() < 0.5:
            out[i] = out[i, :, :, ::-1]
    return out


def accuracy(train, test, seed, epochs, batch=64):
    (x, y), (tx, ty) = train, test
    mean, std = x.mean(), x.std()
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = resnet20()
    steps = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=5e-4)
    total, step, loss = epochs * math.ceil(len(x) / batch), 0, nn.CrossEntropyLoss()
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for lo in range(0, len(x), batch):
            for group in steps.param_groups:
                group["lr"] = 0.05 * (1 + math.cos(math.pi * step / total))
            step += 1
            rows = order[lo:lo + batch]
            steps.zero_grad()
            out = net(torch.tensor((augment(x[rows], rng) - mean) / std))
            loss(out, torch.tensor(y[rows])).backward()
            steps.step()
    net.eval()
    with torch.no_grad():
        right = sum((net(torch.tensor((tx[lo:lo + 500] - mean) / std)).argmax(1).numpy() ==
                     ty[lo:lo + 500]).sum() for lo in range(0, len(tx), 500))
    print(f"seed {seed}: {right / len(tx):.4f}", file=sys.stderr, flush=True)
    return right / len(tx)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("name")
    options.add_argument("file")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--threads", type=int, default=1)
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    with h5py.File(args.file) as f:
        part = lambda name: (f[name]["x"][...].astype(np.float32).transpose(0, 3, 1, 2),
                             f[name]["y"][...].astype(np.int64))
        train, test = part("train"), part("test")
    values = [accuracy(train, test, seed, args.epochs) for seed in range(1, args.seeds + 1)]
    print(json.dumps({"peer": f"PyTorch {torch.__version__}", "metric": "accuracy", "value": float(np.mean(values)),
                      "each": [float(v) for v in values], "seeds": args.seeds, "epochs": args.epochs}))


if __name__ == "__main__":
    main()

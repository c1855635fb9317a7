#!/usr/bin/env python3
"""What PyTorch reaches with the networks and the settings of shakespeare_gpt.yaml and shakespeare_lstm.yaml
on the same windows: the best mean cross entropy over the validation part, in nats a character.

    peer.py NAME FILE.h5 [--seeds 1] [--epochs N] [--limit N]

NAME is shakespeare_gpt or shakespeare_lstm, FILE.h5 lockstep's.  Prints one JSON object.  --epochs and
--limit (of training windows) are for a trial.
"""
import argparse
import json
import math
import time

import h5py
import torch
from torch import nn

T, BATCH, WARMUP = 128, 32, 100


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n, t, width = x.shape
        q, k, v = (part.view(n, t, self.heads, -1).transpose(1, 2)
                   for part in self.qkv(self.norm1(x)).split(width, 2))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, t, width))
        return x + self.narrow(nn.functional.gelu(self.wide(self.norm2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, vocabulary, width=256, heads=8, layers=4, length=T):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids):
        return self.head(self.norm(self.blocks(self.token(ids) + self.position.weight)))


class LSTM(nn.Module):
    def __init__(self, vocabulary, width=128, units=256):
        super().__init__()
        self.token, self.lstm = nn.Embedding(vocabulary, width), nn.LSTM(width, units, batch_first=True)
        self.head = nn.Linear(units, vocabulary)
        self.lstm.bias_hh_l0.requires_grad_(False)  # PyTorch has two biases where one would do

    def forward(self, ids):
        return self.head(self.lstm(self.token(ids))[0])


def begin(net):
    """Weights begin as lockstep's and Keras's do."""
    for module in net.modules():
        if isinstance(module, nn.Embedding):
            nn.init.uniform_(module.weight, -0.05, 0.05)
        elif isinstance(module, nn.Linear):
            for rows in module.weight.split(module.in_features) if isinstance(net, GPT) and \
                    module.out_features == 3 * module.in_features else [module.weight]:  # q, k and v apart
                nn.init.xavier_uniform_(rows)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LSTM):
            nn.init.xavier_uniform_(module.weight_ih_l0)
            nn.init.orthogonal_(module.weight_hh_l0)
            nn.init.zeros_(module.bias_ih_l0)
            nn.init.zeros_(module.bias_hh_l0)
            module.bias_ih_l0[module.hidden_size:2 * module.hidden_size] = 1  # of the forget gate
    return net


def windows(tokens):
    """[n, T] tokens, and those one later."""
    n = (len(tokens) - 1) // T
    return tokens[:n * T].view(n, T), tokens[1:n * T + 1].view(n, T)


def network(name, vocabulary):
    """The network, its optimizer and how many epochs."""
    with torch.no_grad():
        net = begin(GPT(vocabulary) if name == "shakespeare_gpt" else LSTM(vocabulary))
    if name == "shakespeare_gpt":  # weights decay, biases and norms don't
        groups = [{"params": [p for p in net.parameters() if p.dim() >= 2], "weight_decay": 0.01},
                  {"params": [p for p in net.parameters() if p.dim() < 2], "weight_decay": 0}]
        return net, torch.optim.AdamW(groups, lr=0.001), 4
    return net, torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=0.004), 8


def rate(step, steps):
    """The share of lr in step `step`, counted from 0: up to 1 in WARMUP steps, then a cosine to 0."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    return (1 + math.cos(math.pi * (step - WARMUP) / (steps - WARMUP))) / 2


def entropy(net, x, y):
    return nn.functional.cross_entropy(net(x).flatten(0, 1), y.flatten())


def reach(args, seed):
    torch.manual_seed(seed)
    with h5py.File(args.file) as file:
        tokens = {part: torch.from_numpy(file[part]["tokens"][...]).long() for part in ("train", "validation")}
        vocabulary = len(json.loads(file["train/tokens"].attrs["vocabulary"])["tokens"])
    (x, y), (vx, vy) = windows(tokens["train"]), windows(tokens["validation"])
    x, y = x[:args.limit], y[:args.limit]
    net, optimizer, epochs = network(args.name, vocabulary)
    epochs = args.epochs or epochs
    steps, step, best = epochs * math.ceil(len(x) / BATCH), 0, math.inf
    lr = optimizer.param_groups[0]["lr"]
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH):
            for group in optimizer.param_groups:
                group["lr"] = lr * rate(step, steps)
            optimizer.zero_grad()
            entropy(net, x[rows], y[rows]).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1)
            optimizer.step()
            step += 1
        with torch.no_grad():
            total = sum(entropy(net, a, b).item() * len(a) for a, b in zip(vx.split(64), vy.split(64)))
        best = min(best, total / len(vx))
    return best


def main():
    options = argparse.ArgumentParser()
    options.add_argument("name", choices=["shakespeare_gpt", "shakespeare_lstm"])
    options.add_argument("file")
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument("--epochs", type=int)
    options.add_argument("--limit", type=int)
    args = options.parse_args()
    torch.set_num_threads(1)
    start = time.perf_counter()
    values = [reach(args, seed) for seed in range(1, args.seeds + 1)]
    print(json.dumps({"peer": f"PyTorch {torch.__version__}", "metric": "loss", "seeds": args.seeds,
                      "value": sum(values) / len(values),
                      "seconds": round((time.perf_counter() - start) / args.seeds)}))


if __name__ == "__main__":
    main()

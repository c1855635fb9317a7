#!/usr/bin/env python3
"""Golden files of rnn, lstm, gru and last_step: python3 golden_recurrent.py [DIRECTORY]

Also an encoder that hands its state to a decoder, states that are learnt, and a gru whose reset gate
comes before the product, which PyTorch hasn't: it is written out.

Of PyTorch's two biases of an lstm and an rnn the second is kept at zero: we have one.  Sequences of
different lengths are packed ones."""

import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import torch_net

BATCH, STEPS, T, INPUTS, UNITS, CLASSES = 20, 10, 7, 4, 6, 3


class Net(torch.nn.Module):
    """kind over x, then a dense layer: of what the last step gives, or of every step (`all`)."""

    def __init__(self, kind, every=False, flip=False, lengths=False, add=False, **options):
        super().__init__()
        self.cell = kind(INPUTS, UNITS, batch_first=True, **options)
        self.every, self.flip, self.lengths, self.add = every, flip, lengths, add
        width = UNITS * (2 if self.cell.bidirectional and not add else 1)
        self.last = torch.nn.Linear(width, CLASSES)
        if kind is not torch.nn.GRU:
            for name, p in self.cell.named_parameters():
                if name.startswith("bias_hh"):
                    p.requires_grad_(False).zero_()

    def forward(self, part):
        x = part["x"].flip(1) if self.flip else part["x"]
        if self.lengths:
            x = pack_padded_sequence(x, part["length"], batch_first=True, enforce_sorted=False)
        h, state = self.cell(x)
        if self.lengths:
            h, _ = pad_packed_sequence(h, batch_first=True, total_length=T)
        if self.flip:
            h = h.flip(1)
        state = state[0] if isinstance(state, tuple) else state
        if not self.every:
            h = torch.cat(list(state[-2:] if self.cell.bidirectional else state[-1:]), dim=1)
        if self.add:
            h = h[..., :UNITS] + h[..., UNITS:]
        return self.last(h)


def of_class(net, part):
    return F.cross_entropy(net(part), part["y"])


def of_steps(net, part):
    """The mean over the real steps of a sample, and over samples."""
    apart = (net(part) - part["y"]) ** 2
    if "length" not in part:
        return apart.mean()
    real = torch.arange(T)[None, :] < part["length"][:, None]
    return ((apart.mean(2) * real).sum(1) / part["length"]).mean()


def draw(every, lengths):
    def numbers(rng):
        n = BATCH * STEPS
        x = rng.standard_normal((n, T, INPUTS))
        arrays = {"x": x.astype(np.float32)}
        if lengths:
            arrays["length"] = rng.integers(1, T + 1, n)
        if every:
            y = np.sin(np.cumsum(x[..., :CLASSES], axis=1))
            arrays["y"] = y.astype(np.float32)
        else:
            arrays["y"] = (x[:, :, 0].sum(axis=1) > x[:, :, 1].sum(axis=1)) + (x[:, 0, 2] > 0).astype(int)
        return arrays
    return numbers


def tensors(kind, directions, layers=1):
    names = {"last/weight": lambda m: m.last.weight, "last/bias": lambda m: m.last.bias}
    for layer in range(layers):
        for d in range(directions):
            ours = f"block_{layer + 1}/cell/" if layers > 1 else "cell/"
            ours += "backward_" if d == 1 else ""
            end = f"_l{layer}" + ("_reverse" if d == 1 else "")
            pairs = {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias_ih"}
            if kind is torch.nn.GRU:
                pairs["recurrent_bias"] = "bias_hh"
            for name, theirs in pairs.items():
                names[ours + name] = lambda m, theirs=theirs, end=end: getattr(m.cell, theirs + end)
    return names


def case(directory, name, kind, options, layers=1, every=False, lengths=False, last_step=False, flip=False,
         adam=False, data="", **torch_options):
    word = {torch.nn.LSTM: "lstm", torch.nn.GRU: "gru", torch.nn.RNN: "rnn"}[kind]
    x = "[x, length]" if lengths else "x"
    sequences = every or last_step or layers > 1
    entry = f"{word}: {{units: {UNITS}, name: cell{options}{', return_sequences: true' if sequences else ''}"
    model = f"- {entry}, from: {x}}}\n"
    if layers > 1:
        model = f"- repeat: {{times: {layers}, from: x, layers: [{entry}}}]}}\n"
    if last_step:
        model += "- last_step: {from: [cell, length]}\n" if lengths else "- last_step\n"
    inputs = "{x: x, length: length}" if lengths else "{x: x}"
    config = (f'data: {{file: "@FILE@", inputs: {inputs}, targets: y, shuffle: false{data}}}\n'
              f"model:\n{model}- dense: {{name: last, units: {CLASSES}}}\n"
              f"loss: {'mse' if every else 'cross_entropy'}\n"
              f"optimizer: {'{adam: {lr: 0.01}}' if adam else '{sgd: {lr: 0.3, momentum: 0.9}}'}\n"
              f"train: {{batch: {BATCH}, epochs: 1, lanes: 5, seed: 1}}\n")
    directions = 2 if torch_options.get("bidirectional") else 1
    names = tensors(kind, directions, layers)
    if layers > 1:
        torch_options["num_layers"] = layers
    torch_net.make(directory, name, config,
                   lambda: Net(kind, every=every, lengths=lengths, flip=flip, **torch_options), names, {},
                   draw(every, lengths), of_steps if every else of_class,
                   (lambda p: torch.optim.Adam([q for q in p if q.requires_grad], lr=0.01)) if adam else
                   (lambda p: torch.optim.SGD([q for q in p if q.requires_grad], lr=0.3, momentum=0.9)),
                   BATCH)


CODER_CONFIG = """\
data: {file: "@FILE@", inputs: {x: x, length: length, z: z}, targets: y, shuffle: false}
model:
- lstm: {units: 6, return_state: true, bidirectional: concat, name: encoder, from: [x, length]}
- dense: {units: 10, activation: tanh, name: bridge}
- lstm: {units: 5, initial_state: input, return_sequences: true, name: decoder, from: [z, bridge]}
- gru: {units: 4, initial_state: learned, return_sequences: true, bidirectional: concat, name: both, from: [decoder, length]}
- gru: {units: 6, reset_after: false, initial_state: learned, return_sequences: true, name: early}
- gru: {units: 3, reset_after: false, return_sequences: true, go_backwards: true, use_bias: false, name: late}
outputs: [late]
loss: mse
optimizer: {sgd: {lr: 0.5, momentum: 0.9}}
train: {batch: 20, epochs: 1, lanes: 5, seed: 1}
"""


class EarlyGru(torch.nn.Module):
    def __init__(self, inputs, units, bias=True):
        super().__init__()
        self.w, self.u = torch.nn.Linear(inputs, 3 * units, bias=bias), torch.nn.Linear(units, 3 * units, bias=False)

    def forward(self, x, h):
        out = []
        ur, uz, un = self.u.weight.chunk(3)
        for t in range(x.shape[1]):
            r, z, n = self.w(x[:, t]).chunk(3, 1)
            r, z = torch.sigmoid(r + h @ ur.T), torch.sigmoid(z + h @ uz.T)
            h = (1 - z) * torch.tanh(n + (r * h) @ un.T) + z * h
            out.append(h)
        return torch.stack(out, 1)


class Coder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.LSTM(INPUTS, 6, batch_first=True, bidirectional=True)
        self.bridge = torch.nn.Linear(24, 10)
        self.decoder = torch.nn.LSTM(2, 5, batch_first=True)
        self.both = torch.nn.GRU(5, 4, batch_first=True, bidirectional=True)
        self.first = torch.nn.ParameterList(0.3 * torch.randn(n) for n in (4, 4, 6))
        self.early, self.late = EarlyGru(8, 6), EarlyGru(6, 3, bias=False)
        for cell in (self.encoder, self.decoder):
            for name, p in cell.named_parameters():
                if name.startswith("bias_hh"):
                    p.requires_grad_(False).zero_()

    def forward(self, part):
        def packed(x):
            return pack_padded_sequence(x, part["length"], batch_first=True, enforce_sorted=False)

        n = len(part["x"])
        _, (h, c) = self.encoder(packed(part["x"]))
        state = torch.tanh(self.bridge(torch.cat([h[0], c[0], h[1], c[1]], 1)))
        x, _ = self.decoder(part["z"], (state[None, :, :5].contiguous(), state[None, :, 5:].contiguous()))
        first = torch.stack([self.first[d].expand(n, 4) for d in range(2)])
        x, _ = self.both(packed(x), first)
        x, _ = pad_packed_sequence(x, batch_first=True, total_length=T)
        x = self.early(x, self.first[2].expand(n, 6))
        return self.late(x.flip(1), x.new_zeros(n, 3)).flip(1)


def coder_tensors():
    names = {"bridge/weight": lambda m: m.bridge.weight, "bridge/bias": lambda m: m.bridge.bias}
    pairs = {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias_ih", "recurrent_bias": "bias_hh"}
    for cell in ("encoder", "decoder", "both"):
        for end, before in (("_l0", ""), ("_l0_reverse", "backward_")):
            if cell == "decoder" and before:
                continue
            for ours, theirs in pairs.items():
                if ours == "recurrent_bias" and cell != "both":
                    continue
                names[f"{cell}/{before}{ours}"] = lambda m, c=cell, k=theirs + end: getattr(getattr(m, c), k)
    for cell in ("early", "late"):
        names[f"{cell}/kernel"] = lambda m, c=cell: getattr(m, c).w.weight
        names[f"{cell}/recurrent_kernel"] = lambda m, c=cell: getattr(m, c).u.weight
    names["early/bias"] = lambda m: m.early.w.bias
    for k, name in enumerate(("both/initial_state", "both/backward_initial_state", "early/initial_state")):
        names[name] = lambda m, k=k: m.first[k]
    return names


def draw_pairs(rng):
    """The signs of sums over x, and what z is so far."""
    n = BATCH * STEPS
    x, z = rng.standard_normal((n, T, INPUTS)), rng.standard_normal((n, T, 2))
    length = rng.integers(1, T + 1, n)
    sums = np.stack([x[i, :length[i]].sum(0)[:3] for i in range(n)])
    y = 0.5 * np.tanh(sums)[:, None] + 0.4 * np.tanh(np.cumsum(z, 1).sum(2))[..., None]
    return {"x": x.astype(np.float32), "length": length, "z": z.astype(np.float32), "y": y.astype(np.float32)}


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    LSTM, GRU, RNN = torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN
    case(directory, "lstm", LSTM, "", adam=True)
    case(directory, "lstm_layers", LSTM, "", layers=2, every=True)
    case(directory, "lstm_lengths", LSTM, "", lengths=True)
    case(directory, "lstm_both_ways", LSTM, ", bidirectional: concat", lengths=True, bidirectional=True)
    case(directory, "lstm_both_ways_steps", LSTM, ", bidirectional: concat", lengths=True, every=True,
         bidirectional=True, data=", lengths: {target: length}")
    case(directory, "lstm_last_step", LSTM, "", lengths=True, last_step=True)
    case(directory, "gru", GRU, "", adam=True)
    case(directory, "gru_both_ways", GRU, ", bidirectional: add", lengths=True,
         bidirectional=True, add=True)
    case(directory, "gru_both_ways_steps", GRU, ", bidirectional: concat", lengths=True, every=True,
         bidirectional=True, data=", lengths: {target: length}")
    case(directory, "rnn", RNN, "", last_step=True)
    case(directory, "rnn_relu", RNN, ", activation: relu, bidirectional: concat", adam=True,
         nonlinearity="relu", bidirectional=True)
    case(directory, "rnn_backwards", RNN, ", go_backwards: true", every=True, flip=True)
    torch_net.make(directory, "recurrent_states", CODER_CONFIG, Coder, coder_tensors(), {}, draw_pairs,
                   lambda net, part: F.mse_loss(net(part), part["y"]),
                   lambda p: torch.optim.SGD([q for q in p if q.requires_grad], lr=0.5, momentum=0.9), BATCH)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Golden files of attention: python3 golden_attention.py [DIRECTORY]

A small GPT, its output tied to its embedding, over more than a block of rows; and an encoder whose
samples have lengths, with a decoder that looks at it; and layers that know of positions: relative ones
in samples of several lengths, rotary and relative ones in causal order.

The committed files were made with Python 3.11, NumPy 2.4.6, PyTorch 2.15.0 and h5py 3.16.0.
"""

import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import torch_net

STEPS = 10


def attend(q, k, v, heads, **how):
    """[N, T, E] of each; PyTorch's own."""
    q, k, v = (t.unflatten(2, (heads, -1)).transpose(1, 2) for t in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, **how).transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    def __init__(self, width, heads, inner, bias=True):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * inner, bias=bias), nn.Linear(inner, width, bias=bias)

    def forward(self, x, **how):
        return self.out(attend(*self.qkv(x).chunk(3, 2), self.heads, **how))


VOCABULARY, LONG, WIDTH = 11, 70, 12

GPT_CONFIG = """\
data: {file: "@FILE@", inputs: x, targets: y, shuffle: false}
model:
- embedding: {input_dim: 11, output_dim: 12, name: token}
- position_embedding
- repeat:
    times: 2
    layers:
    - residual: {layers: [{layer_norm: {epsilon: 1e-5}}, {attention: {num_heads: 3, causal: true}}]}
    - residual:
        layers:
        - layer_norm: {epsilon: 1e-5}
        - dense: {units: 48, activation: {gelu: {approximate: tanh}}}
        - dense: {units: 12}
- layer_norm: {epsilon: 1e-5}
- dense: {units: 11, use_bias: false, weight_of: token}
loss: cross_entropy
optimizer: {sgd: {lr: 0.1, momentum: 0.9}}
train: {batch: 7, epochs: 1, lanes: 5, seed: 1}
"""


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = SelfAttention(WIDTH, 3, WIDTH)
        self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        x = x + self.attention(self.first(x), is_causal=True)
        return x + self.narrow(F.gelu(self.wide(self.second(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.position = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LONG, WIDTH)
        self.blocks, self.last = nn.ModuleList(Block() for _ in range(2)), nn.LayerNorm(WIDTH)

    def forward(self, x):
        x = self.token(x) + self.position.weight
        for block in self.blocks:
            x = block(x)
        return self.last(x) @ self.token.weight.T


def weights(name, get):
    return {f"{name}/weight": lambda net: get(net).weight, f"{name}/bias": lambda net: get(net).bias}


def affine(name, get):
    return {f"{name}/gamma": lambda net: get(net).weight, f"{name}/beta": lambda net: get(net).bias}


def of_attention(name, get):
    return {f"{name}/{layer}_{part}": lambda net, layer=layer, part=part: getattr(getattr(get(net), layer), part)
            for layer in ("qkv", "out") for part in ("weight", "bias")}


def gpt_tensors():
    tensors = {"token/weight": lambda net: net.token.weight,
               "position_embedding_1/weight": lambda net: net.position.weight,
               **affine("layer_norm_1", lambda net: net.last)}
    for k in range(2):
        def block(net, k=k):
            return net.blocks[k]
        one, two = f"block_{k + 1}/residual_1", f"block_{k + 1}/residual_2"
        tensors.update(affine(f"{one}/layer_norm_1", lambda net, b=block: b(net).first))
        tensors.update(of_attention(f"{one}/attention_1", lambda net, b=block: b(net).attention))
        tensors.update(affine(f"{two}/layer_norm_1", lambda net, b=block: b(net).second))
        tensors.update(weights(f"{two}/dense_1", lambda net, b=block: b(net).wide))
        tensors.update(weights(f"{two}/dense_2", lambda net, b=block: b(net).narrow))
    return tensors


def draw_text(rng):
    """Each letter is the last but one, moved by one, or any."""
    text = rng.integers(0, VOCABULARY, (7 * STEPS, LONG + 1))
    for t in range(2, LONG + 1):
        same = rng.random(len(text)) < 0.8
        text[same, t] = (text[same, t - 2] + 1) % VOCABULARY
    return {"x": text[:, :-1], "y": text[:, 1:]}


def loss_of_text(net, part):
    return F.cross_entropy(net(part["x"]).flatten(0, 1), part["y"].flatten())


CODER_CONFIG = """\
data: {file: "@FILE@", inputs: {a: a, b: b, length: length}, targets: y, shuffle: false}
model:
- dense: {units: 8, from: a, name: wide}
- position_embedding: {kind: sinusoidal, name: place}
- attention: {num_heads: 2, from: [place, length], name: own}
- add: {from: [place, own], name: sum}
- rms_norm: {name: norm}
- attention: {num_heads: 3, key_dim: 4, use_bias: false, from: [b, norm, length], name: across}
- rms_norm: {scale: false, epsilon: 1e-3, activation: tanh}
- dense: {units: 2, name: last}
loss: mse
optimizer: {sgd: {lr: 0.2, momentum: 0.9}}
train: {batch: 11, epochs: 1, lanes: 4, seed: 1}
"""


class Coder(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.own = nn.Linear(5, 8), SelfAttention(8, 2, 8)
        self.norm, self.q = nn.RMSNorm(8, eps=1e-6), nn.Linear(6, 12, bias=False)
        self.kv, self.out = nn.Linear(8, 24, bias=False), nn.Linear(12, 6, bias=False)
        self.plain, self.last = nn.RMSNorm(6, eps=1e-3, elementwise_affine=False), nn.Linear(6, 2)
        place = np.zeros((9, 8))
        angle = np.arange(9)[:, None] / 10000 ** (np.arange(0, 8, 2) / 8)
        place[:, ::2], place[:, 1::2] = np.sin(angle), np.cos(angle)
        self.register_buffer("place", torch.tensor(place))
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)

    def forward(self, part):
        seen = (torch.arange(9) < part["length"].reshape(-1, 1))[:, None, None]
        x = self.wide(part["a"]) + self.place
        x = self.norm(x + self.own(x, attn_mask=seen))
        x = self.out(attend(self.q(part["b"]), *self.kv(x).chunk(2, 2), 3, attn_mask=seen))
        return self.last(torch.tanh(self.plain(x)))


def coder_tensors():
    return {**weights("wide", lambda net: net.wide), "place/weight": lambda net: net.place,
            **of_attention("own", lambda net: net.own), "norm/gamma": lambda net: net.norm.weight,
            "across/q_weight": lambda net: net.q.weight, "across/kv_weight": lambda net: net.kv.weight,
            "across/out_weight": lambda net: net.out.weight, **weights("last", lambda net: net.last)}


def draw_pairs(rng):
    n = 11 * STEPS
    a, b = rng.normal(size=(n, 9, 5)), rng.normal(size=(n, 7, 6))
    length = rng.integers(1, 10, n)
    mean = np.stack([a[i, :length[i], :2].mean(axis=0) for i in range(n)])
    y = mean[:, None] + 0.5 * b[:, :, :2]
    return {"a": a.astype(np.float32), "b": b.astype(np.float32), "length": length, "y": y.astype(np.float32)}


PLACES_CONFIG = """\
data: {file: "@FILE@", inputs: {a: a, length: length}, targets: y, shuffle: false}
model:
- dense: {units: 8, from: a, name: wide}
- attention: {num_heads: 2, positions: relative, max_distance: 3, from: [wide, length], name: near}
- attention: {num_heads: 2, key_dim: 6, positions: rotary, base: 50, causal: true, name: turning}
- attention: {num_heads: 4, positions: relative, max_distance: 20, causal: true, name: before}
- add: {from: [wide, before], name: sum}
- attention: {num_heads: 1, positions: rotary, use_bias: false, from: [sum, length], name: far}
- dense: {units: 2, name: last}
loss: mse
optimizer: {sgd: {lr: 0.3, momentum: 0.9}}
train: {batch: 11, epochs: 1, lanes: 4, seed: 1}
"""

LONGER = 70


class PlacedAttention(SelfAttention):
    """Rotary: halves of a head as the parts of complex numbers.  Relative: a bias of the scores."""

    def __init__(self, width, heads, inner, base=None, far=None, causal=False, bias=True):
        super().__init__(width, heads, inner, bias)
        self.base, self.far, self.causal = base, far, causal
        if far is not None:
            self.table = nn.Parameter(0.5 * torch.randn(heads, (1 if causal else 2) * far + 1))

    def turn(self, x):
        x = x.unflatten(2, (self.heads, -1))
        half = x.shape[-1] // 2
        angle = torch.outer(torch.arange(x.shape[1], dtype=torch.float64),
                            self.base ** (-torch.arange(half, dtype=torch.float64) / half))[:, None]
        z = torch.complex(x[..., :half].double(), x[..., half:].double()) * torch.polar(torch.ones_like(angle), angle)
        return torch.cat([z.real, z.imag], -1).to(x.dtype).flatten(2)

    def forward(self, x, length=None):
        t = x.shape[1]
        q, k, v = self.qkv(x).chunk(3, 2)
        if self.base is not None:
            q, k = self.turn(q), self.turn(k)
        place = torch.arange(t)
        mask = torch.zeros(1, 1, t, t, dtype=x.dtype)
        if self.far is not None:
            mask = mask + self.table[:, (place[None] - place[:, None]).clamp(-self.far, 0 if self.causal else self.far)
                                     + self.far]
        if self.causal:
            mask = mask.masked_fill(place[None] > place[:, None], -torch.inf)
        if length is not None:
            mask = mask.masked_fill((place >= length.reshape(-1, 1))[:, None, None], -torch.inf)
        return self.out(attend(q, k, v, self.heads, attn_mask=mask))


class Places(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.last = nn.Linear(5, 8), nn.Linear(8, 2)
        self.near = PlacedAttention(8, 2, 8, far=3)
        self.turning = PlacedAttention(8, 2, 12, base=50, causal=True)
        self.before = PlacedAttention(8, 4, 8, far=20, causal=True)
        self.far = PlacedAttention(8, 1, 8, base=1e4, bias=False)

    def forward(self, part):
        x = self.wide(part["a"])
        x = x + self.before(self.turning(self.near(x, part["length"])))
        return self.last(self.far(x, part["length"]))


def places_tensors():
    tensors = {**weights("wide", lambda net: net.wide), **weights("last", lambda net: net.last)}
    for name in ("near", "turning", "before", "far"):
        tensors.update(of_attention(name, lambda net, name=name: getattr(net, name)))
    for name in ("near", "before"):
        tensors[f"{name}/relative_bias"] = lambda net, name=name: getattr(net, name).table
    del tensors["far/qkv_bias"], tensors["far/out_bias"]
    return tensors


def draw_places(rng):
    """What stands two places before, and how far from the begin it is."""
    n = 11 * STEPS
    a = rng.normal(size=(n, LONGER, 5))
    length = rng.integers(30, LONGER + 1, n)
    y = np.roll(a[:, :, :2], 2, axis=1) + np.linspace(-1, 1, LONGER)[:, None]
    return {"a": a.astype(np.float32), "length": length, "y": y.astype(np.float32)}


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    torch_net.make(directory, "attention_gpt", GPT_CONFIG, Gpt, gpt_tensors(), {}, draw_text, loss_of_text,
                   lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), 7)
    torch_net.make(directory, "attention_memory", CODER_CONFIG, Coder, coder_tensors(), {}, draw_pairs,
                   lambda net, part: F.mse_loss(net(part), part["y"]),
                   lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9), 11)
    torch_net.make(directory, "attention_positions", PLACES_CONFIG, Places, places_tensors(), {}, draw_places,
                   lambda net, part: F.mse_loss(net(part), part["y"]),
                   lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9), 11)


if __name__ == "__main__":
    main()

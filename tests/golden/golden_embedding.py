#!/usr/bin/env python3
"""Golden files of embeddings: python3 golden_embedding.py [DIRECTORY]

Two tables and a real input, and a table for each word of a sequence; ids stand several times in a
sample, in a lane and in a batch, and some never."""

import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import torch_net

ROWS, STEPS = 20, 10


class Ratings(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.user = torch.nn.Embedding(7, 3)
        self.film = torch.nn.Embedding(11, 4)
        self.hidden = torch.nn.Linear(3 + 4 + 2, 6)
        self.last = torch.nn.Linear(6, 1)

    def forward(self, part):
        h = torch.cat([self.user(part["user"]), self.film(part["film"]), part["when"]], dim=1)
        return self.last(torch.tanh(self.hidden(h)))


RATINGS = """\
data:
  file: "@FILE@"
  inputs: {user: user, film: film, when: when}
  targets: y
  shuffle: false
model:
  - embedding: {input_dim: 7, output_dim: 3, from: user, name: user_row}
  - flatten: {name: u}
  - embedding: {input_dim: 11, output_dim: 4, from: film, name: film_row}
  - flatten: {name: f}
  - concatenate: {from: [u, f, when]}
  - dense: {name: hidden, units: 6, activation: tanh}
  - dense: {name: last, units: 1}
loss: mse
optimizer: {sgd: {lr: 0.2, momentum: 0.9}}
train: {batch: 20, epochs: 1, seed: 1}
"""


def draw_ratings(rng):
    n = ROWS * STEPS
    user, film = rng.integers(0, 6, n), rng.integers(0, 11, n) // 2 * 2  # user 6 and odd films: never
    when = rng.standard_normal((n, 2))
    y = np.sin(user) + 0.5 * np.cos(film) * when[:, 0] + 0.1 * rng.standard_normal(n)
    return {"user": user, "film": film, "when": when.astype(np.float32), "y": y.astype(np.float32)[:, None]}


class Words(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(9, 5)
        self.last = torch.nn.Linear(6 * 5, 3)

    def forward(self, part):
        return self.last(torch.tanh(self.table(part["word"]).flatten(1)))


WORDS = """\
data: {file: "@FILE@", inputs: word, targets: y, shuffle: false}
model:
  - embedding: {input_dim: 9, output_dim: 5, name: table}
  - tanh
  - flatten
  - dense: {name: last, units: 3}
loss: cross_entropy
optimizer: {adam: {lr: 0.02}}
regularization: {l2: 0.01}
train: {batch: 20, epochs: 1, seed: 1}
"""


def draw_words(rng):
    n = ROWS * STEPS
    word = np.minimum(rng.geometric(0.3, (n, 6)) - 1, 8)
    return {"word": word, "y": (word.sum(axis=1) + rng.integers(0, 2, n)) % 3}


class Decayed(torch.optim.Adam):
    """L2 in the gradient, of weights alone, as `regularization` has it."""

    def step(self, closure=None):
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.ndim > 1:
                        p.grad += 0.01 * p
        return super().step(closure)


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    torch_net.make(directory, "embedding_ratings", RATINGS, Ratings,
                   {"user_row/weight": lambda m: m.user.weight, "film_row/weight": lambda m: m.film.weight,
                    "hidden/weight": lambda m: m.hidden.weight, "hidden/bias": lambda m: m.hidden.bias,
                    "last/weight": lambda m: m.last.weight, "last/bias": lambda m: m.last.bias},
                   {}, draw_ratings, lambda net, part: F.mse_loss(net(part), part["y"]),
                   lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9), ROWS)
    torch_net.make(directory, "embedding_words", WORDS, Words,
                   {"table/weight": lambda m: m.table.weight,
                    "last/weight": lambda m: m.last.weight, "last/bias": lambda m: m.last.bias},
                   {}, draw_words, lambda net, part: F.cross_entropy(net(part), part["y"]),
                   lambda p: Decayed(p, lr=0.02), ROWS)


if __name__ == "__main__":
    main()

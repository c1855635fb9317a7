#!/usr/bin/env python3
"""What PyTorch reaches with the network and the settings of ratings.yaml on the same rows.

    peer.py NAME FILE.h5 [--seeds 3]

FILE.h5 is lockstep's: the same rows are training and test.  Prints one JSON object: the mean of RMSE
on the test part, in stars, over the seeds.
"""
import argparse
import json
import math

import h5py
import torch
from torch import nn

WIDTH, HIDDEN, DROPOUT = 16, 64, 0.5
BATCH, EPOCHS, LR, WEIGHT_DECAY = 256, 6, 0.002, 0.003


class Ratings(nn.Module):
    def __init__(self, users, films):
        super().__init__()
        self.user, self.film = nn.Embedding(users, WIDTH), nn.Embedding(films, WIDTH)
        self.join = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(2 * WIDTH, HIDDEN), nn.ReLU(),
                                  nn.Linear(HIDDEN, 1))
        for table in self.user, self.film:  # weights begin as lockstep's and Keras's do
            nn.init.uniform_(table.weight, -0.05, 0.05)
        for layer in self.join[1], self.join[3]:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, ids):
        return self.join(torch.cat([self.user(ids[:, 0]), self.film(ids[:, 1])], 1))[:, 0]


def train(seed, ids, stars, users, films):
    torch.manual_seed(seed)
    mean, deviation = stars.mean(), stars.std(correction=0)
    targets = (stars - mean) / deviation
    net = Ratings(users, films)
    optimizer = torch.optim.Adam(net.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * math.ceil(len(ids) / BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(ids)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(ids[rows]), targets[rows]).backward()
            optimizer.step()
            schedule.step()
    net.eval()
    return lambda x: net(x) * deviation + mean


def main():
    options = argparse.ArgumentParser()
    options.add_argument("name")
    options.add_argument("file")
    options.add_argument("--seeds", type=int, default=3)
    args = options.parse_args()
    with h5py.File(args.file) as f:
        def part(name):
            columns = [torch.from_numpy(f[name][c][...]).long() for c in ("column_1", "column_2")]
            return torch.stack(columns, 1), torch.from_numpy(f[name]["y"][...])
        ids, stars = part("train")
        test_ids, test_stars = part("test")
    users, films = (torch.cat([ids, test_ids]).max(0).values + 1).tolist()
    scores = []
    for seed in range(args.seeds):
        answer = train(seed, ids, stars, users, films)
        with torch.no_grad():
            scores.append((answer(test_ids) - test_stars).square().mean().sqrt().item())
    print(json.dumps({"peer": f"PyTorch {torch.__version__}", "metric": "rmse",
                      "value": sum(scores) / len(scores), "seeds": args.seeds}))


if __name__ == "__main__":
    main()

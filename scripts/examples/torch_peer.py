"""What the peers in PyTorch share: they begin, learn and are called as lockstep's networks are."""
import argparse
import json
import math

import torch


def glorot(net):
    """Weights of dense layers and convolutions as Keras and lockstep begin: glorot_uniform and zeros."""
    for module in net.modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d)):
            torch.nn.init.xavier_uniform_(module.weight)
            torch.nn.init.zeros_(module.bias)
    return net


def fit(net, loss, samples, lr, batch, epochs):
    """Adam with a cosine from lr to 0, step by step; loss(net, rows) is the mean of a batch."""
    adam = torch.optim.Adam(net.parameters(), lr=lr)
    steps, step = epochs * math.ceil(samples / batch), 0
    for _ in range(epochs):
        for rows in torch.randperm(samples).split(batch):
            for group in adam.param_groups:
                group["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2
            adam.zero_grad()
            loss(net, rows).backward()
            adam.step()
            step += 1
    return net.eval()


def main(metric, reach):
    """Called with NAME FILE.h5 --seeds N: prints the mean over the seeds of what reach(FILE) gives, a map
    of numbers or lists of numbers with "value" among them."""
    options = argparse.ArgumentParser()
    options.add_argument("name")
    options.add_argument("file")
    options.add_argument("--seeds", type=int, default=3)
    args = options.parse_args()
    torch.set_num_threads(1)
    runs = []
    for seed in range(1, args.seeds + 1):
        torch.manual_seed(seed)
        runs.append(reach(args.file))
    means = {key: torch.tensor([r[key] for r in runs], dtype=torch.float64).mean(0).tolist()
             for key in runs[0]}
    print(json.dumps({"peer": f"PyTorch {torch.__version__}", "metric": metric, "seeds": args.seeds,
                      **means}))

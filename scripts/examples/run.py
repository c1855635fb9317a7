#!/usr/bin/env python3
"""Train the examples, and hold what they reach against what the same network reaches elsewhere.

    run.py [NAME ...]            all examples, or these (run.py --list tells which there are)
      --data DIR                 where the data sets lie (default: $LOCKSTEP_DATA, else ../shared/data
                                 beside the checkout); README.md in this folder says where to get each
      --short                    one seed and few epochs: whether it runs and learns, in seconds
      --ranks N                  with mpirun (default 1)
      --peer                     measure the peers anew (wants scikit-learn, PyTorch and h5py) and keep
                                 what they reach in peers.json
      --keep DIR                 work in DIR and leave everything there, with the pictures (default: a
                                 temporary folder, without)
      --build DIR                where the program is (default: build)

Exit code 0: each reached what it must; 1: one did not; 77: data sets are not there.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers.json")


@dataclass
class Example:
    """What is trained on what, and how good it must be."""
    data: list                 # files below the data folder that it needs
    convert: list              # words after `lockstep convert`; @DATA@ is the data folder
    config: str                # below this folder
    metric: str                # of `lockstep evaluate --json`
    must: callable             # (value, peer's value or None) -> whether it is good
    says: str                  # the same in words
    overrides: list = field(default_factory=list)
    short: list = field(default_factory=list)   # further overrides for --short
    short_must: float = None   # of the metric after --short
    higher: bool = True        # is better
    peer: str = ""             # script below this folder, called with NAME FILE.h5 --seeds N
    seeds: int = 3
    short_convert: list = None  # in place of convert, for --short: less data


def at_least(margin):
    return lambda value, peer: peer is not None and value >= peer - margin


def numbers(data, convert, outputs=1, overrides=(), short_must=0.5):
    return Example(
        [data], ["csv", "@DATA@/" + data, "--test", "0.2", "--validation", "0.1"] + convert,
        "tables/numbers.yaml", "r2", at_least(0.01), "R2 of scikit-learn's network - 0.01",
        [f"model.2.dense.units={outputs}", *overrides], ["train.epochs=20"], short_must,
        peer="tables/peer.py")


def classes(data, convert, outputs, short_must=0.8):
    return Example(
        [data], ["csv", "@DATA@/" + data, "--test", "0.3"] + convert,
        "tables/classes.yaml", "accuracy", at_least(0.02), "accuracy of scikit-learn's network - 2 points",
        [f"model.2.dense.units={outputs}"], ["train.epochs=20"], short_must, peer="tables/peer.py",
        seeds=5)


MNIST = ["mnist/" + file for file in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                                      "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")]
CIFAR = ["cifar10-jpeg/train_5000.bin.gz", "cifar10-jpeg/test_1000.bin.gz"]

EXAMPLES = {
    "mnist": Example(
        MNIST, ["idx", *("@DATA@/" + file for file in MNIST), "--validation", "0.05"],
        "images/mnist_cnn.yaml", "accuracy", lambda value, peer: value >= 0.99, "0.99", seeds=1,
        short=["data.limit=800", "train.epochs=1", "train.batch=16"], short_must=0.7,
        short_convert=["idx", *("@DATA@/" + file for file in MNIST[2:]), "--test", "0.1"]),
    "cifar10": Example(
        CIFAR, ["cifar10", "@DATA@/" + CIFAR[0], "--test-source", "@DATA@/" + CIFAR[1]],
        "images/resnet20.yaml", "accuracy", at_least(0.01), "accuracy of PyTorch's network - 1 point",
        short=["data.limit=256", "train.epochs=2", "train.batch=16", "optimizer.sgd.lr=0.03"],
        short_must=0.15, peer="images/peer_resnet20.py",
        short_convert=["cifar10", "@DATA@/" + CIFAR[1], "--test", "0.2"]),
    "housing": numbers("cal-housing/cal_housing.data", [],
                       overrides=["train.epochs=60", "train.batch=128"]),
    "airfoil": numbers("airfoil/airfoil_self_noise.dat", []),
    "concrete": numbers("concrete/concrete.csv", []),
    "energy": numbers("energy/energy.csv", ["--target=-2,-1"], outputs=2, short_must=0.8),
    "iris": classes("iris/iris.csv", [], 3),
    "wine": classes("wine/wine.csv", [], 3),
    "wdbc": classes("wdbc/wdbc.data", ["--target", "2", "--drop", "1"], 2),
}


def command(args, words):
    words = [str(w) for w in words]
    if args.ranks > 1:
        words = ["mpirun", "-n", str(args.ranks)] + words
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def reach(args, name, example, work):
    """The mean of the metric over the seeds."""
    lockstep, alone = os.path.join(args.build, "lockstep"), argparse.Namespace(ranks=1)
    file = os.path.join(work, name + ".h5")
    if not os.path.exists(file):
        words = args.short and example.short_convert or example.convert
        words = [w.replace("@DATA@", args.data) for w in words]
        command(alone, [lockstep, "convert", *words, "-o", file, "--quiet"])
    values = []
    for seed in range(1, 2 if args.short else example.seeds + 1):
        run = os.path.join(work, f"{name}-{seed}")
        overrides = dict(o.split("=", 1) for o in
                         example.overrides + (example.short if args.short else []))
        command(args, [lockstep, "train", os.path.join(HERE, example.config), f"data.file={file}",
                       f"output={run}", f"train.seed={seed}", "--progress=none",
                       f"pictures={'true' if args.keep else 'false'}",
                       *(f"{k}={v}" for k, v in overrides.items())])
        out = command(args, [lockstep, "evaluate", run, "--data", file, "--split", "test", "--json"])
        values.append(json.loads(out)[example.metric])
    return sum(values) / len(values)


def measure_peer(name, example, work):
    done = subprocess.run([sys.executable, os.path.join(HERE, example.peer), name,
                           os.path.join(work, name + ".h5"), "--seeds", str(example.seeds)],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    options = argparse.ArgumentParser(usage=__doc__, add_help=True)
    options.add_argument("names", nargs="*")
    options.add_argument("--list", action="store_true")
    options.add_argument("--data", default=os.environ.get(
        "LOCKSTEP_DATA", os.path.join(HERE, "..", "..", "..", "shared", "data")))
    options.add_argument("--short", action="store_true")
    options.add_argument("--peer", action="store_true")
    options.add_argument("--ranks", type=int, default=1)
    options.add_argument("--keep")
    options.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    args = options.parse_args()
    if args.list:
        print("\n".join(EXAMPLES))
        return 0
    names = args.names or list(EXAMPLES)
    for name in names:
        if name not in EXAMPLES:
            sys.exit(f"no example {name}; there are {', '.join(EXAMPLES)}")
    known = json.load(open(PEERS)) if os.path.exists(PEERS) else {}
    work = args.keep or tempfile.mkdtemp(prefix="lockstep-examples-")
    os.makedirs(work, exist_ok=True)
    bad, missing = 0, 0
    for name in names:
        example = EXAMPLES[name]
        absent = [f for f in example.data if not os.path.exists(os.path.join(args.data, f))]
        if absent:
            print(f"{name:10} skipped: no {absent[0]} in {args.data}")
            missing += 1
            continue
        value = reach(args, name, example, work)
        if args.short:
            good = value >= example.short_must if example.higher else value <= example.short_must
            print(f"{name:10} {example.metric} {value:.4f}, must be {example.short_must} in the short form"
                  f"{'' if good else '  NOT REACHED'}")
            bad += not good
            continue
        if args.peer and example.peer:
            known[name] = measure_peer(name, example, work)
            json.dump(known, open(PEERS, "w"), indent=1, sort_keys=True)
        peer = known.get(name, {}).get("value")
        good = example.must(value, peer)
        beside = "" if peer is None else f", {known[name]['peer']} {peer:.4f}"
        print(f"{name:10} {example.metric} {value:.4f}{beside}; must reach {example.says}"
              f"{'' if good else '  NOT REACHED'}", flush=True)
        bad += not good
    if not args.keep:
        shutil.rmtree(work)
    return 1 if bad else 77 if missing == len(names) else 0


if __name__ == "__main__":
    sys.exit(main())

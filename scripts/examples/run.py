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
import tarfile
import tempfile
import time
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers.json")
PYTHON = os.environ.get("LOCKSTEP_TEST_PYTHON", sys.executable)   # for scripts that prepare data, and peers


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
    unpack: bool = False       # the first of data is a tar archive, and its folder @UNPACKED@ in convert
    table: list = None         # script that makes @TABLE@ in convert, and its words
    short_table: list = None   # in place of table, for --short
    prepare: str = ""          # script that makes the data file, called with the first of data and its name
    evaluate: tuple = ("--split", "test")       # further words after `lockstep evaluate`
    program: str = ""          # C program, called with the run and the data file's name with .f32: a line a
                               # step, whose last number is an error; that of the last step is the metric


def at_least(margin):
    return lambda value, peer: peer is not None and value >= peer - margin


def times(factor):
    return lambda value, peer: peer is not None and value <= factor * peer


def at_most(margin):
    return lambda value, peer: peer is not None and value <= peer + margin


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


def shakespeare(kind, short, short_must):
    """Of the text the first nine tenths are trained on; the loss is that of the best epoch."""
    text = "tinyshakespeare/input.txt"
    return Example(
        [text], ["text", "@DATA@/" + text, "--validation", "0.1"], f"text/shakespeare_{kind}.yaml", "loss",
        at_most(0.02), "cross entropy of PyTorch's network + 0.02 (nats a character)",
        short=["data.time.window=32", "data.time.stride=32", "data.limit=1600", "train.batch=16",
               "schedule.cosine.warmup_steps=10", *short],
        short_must=short_must, higher=False, peer="text/peer.py", seeds=1,
        short_convert=["text", "@DATA@/" + text, "--validation", "0.01"], evaluate=("--split", "validation"))


MNIST = ["mnist/" + file for file in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                                      "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")]
CIFAR = ["cifar10-jpeg/train_5000.bin.gz", "cifar10-jpeg/test_1000.bin.gz"]

EXAMPLES = {
    "mnist": Example(
        MNIST, ["idx", *("@DATA@/" + file for file in MNIST), "--validation", "0.05"],
        "images/mnist_cnn.yaml", "accuracy", lambda value, peer: value >= 0.99, "0.99",
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
    "darcy": Example(
        ["darcy/darcy_flow.h5"], [], "fields/darcy.yaml", "relative_l2", times(1.05),
        "error of PyTorch's network + 5 %", short=["data.limit=480", "train.epochs=4"], short_must=0.5,
        higher=False, peer="fields/peer_darcy.py", evaluate=("data.inputs=/test16/x", "data.targets=/test16/y")),
    "kdv": Example(
        ["pde-snapshots/pde_snapshots.h5"], [], "fields/kdv.yaml", "error after 20 steps", times(1.25),
        "error of PyTorch's network + 25 %", higher=False,
        short=["train.epochs=20", "data.augment.0.noise.stddev=0.004"], short_must=0.15,   # no change at all: 0.31
        peer="fields/peer_kdv.py", prepare="fields/prepare_kdv.py", program="fields/rollout.c"),
    "kdv_gru": Example(
        ["pde-snapshots/pde_snapshots.h5"], [], "fields/kdv_gru.yaml", "relative_l2", times(1.05),
        "error of PyTorch's network + 5 %", short=["train.epochs=30"], short_must=0.14,   # no change at all: 0.163
        higher=False, peer="fields/peer_kdv_gru.py", seeds=10),
    "burgers": Example(
        [], [], "fields/burgers.yaml", "error after 20 steps", times(1.25),
        "error of PyTorch's network + 25 %", higher=False,
        short=["train.epochs=3"], short_must=0.15,   # no change at all: 0.63
        peer="fields/peer_burgers.py", prepare="fields/prepare_burgers.py", program="fields/rollout.c"),
    "silicon": Example(
        ["si-dft/si_dft.h5"], [], "atoms/silicon.yaml", "mae", times(1.1),
        "error of PyTorch's network + 10 % (meV an atom)", short=["train.epochs=20"], short_must=40, higher=False,
        peer="atoms/peer.py", seeds=5, prepare="atoms/prepare_si.py"),
    "spoken": Example(
        ["fsdd/recordings.tar.gz"],
        ["audio", "@UNPACKED@/recordings", "--label-pattern", "{label}_{speaker}_{index}.wav",
         "--test-pattern", "*_[0-4].wav"],
        "speech/digits.yaml", "accuracy", lambda value, peer: value >= 0.95, "0.95", unpack=True,
        short=["train.epochs=12", "train.batch=16"], short_must=0.7,
        short_convert=["audio", "@UNPACKED@/recordings/*_george_?.wav", "@UNPACKED@/recordings/*_george_1?.wav",
                       "--label-pattern", "{label}_{speaker}_{index}.wav", "--test-pattern", "*_[0-4].wav"]),
    "strings": Example(
        ["fsdd/recordings.tar.gz"],
        ["audio", "@UNPACKED@/recordings", "--labels", "@TABLE@", "--label", "words",
         "--window", "40", "--hop", "20"],
        "speech/strings.yaml", "character_error_rate", lambda value, peer: value <= 0.02, "0.02", unpack=True,
        table=["speech/strings.py", "@UNPACKED@/recordings", "@TABLE@"],
        short=["data.longest.sound=100", "model.0.conv1d.filters=32", "model.3.lstm.units=32", "train.batch=16",
               "train.epochs=8", "optimizer.adam.lr=0.01"],
        short_must=0.4, higher=False,   # of blanks alone: 1
        short_table=["speech/strings.py", "@UNPACKED@/recordings", "@TABLE@", "--speakers", "george",
                     "--shortest", "1", "--longest", "2", "--train", "600", "--test", "60"]),
    "ratings": Example(
        ["movietweetings/ratings.dat"],
        ["csv", "@DATA@/movietweetings/ratings.dat", "--category", "1,2", "--target", "3", "--drop", "4",
         "--label", "number", "--test", "0.2", "--validation", "0.1"],
        "ratings/ratings.yaml", "rmse", at_most(0.01), "RMSE of PyTorch's network + 0.01",
        short=["train.epochs=2"], short_must=1.58, higher=False, peer="ratings/peer.py"),
    "shakespeare_gpt": shakespeare(
        "gpt", ["model.0.embedding.output_dim=32", "model.2.repeat.times=1",
                "model.2.repeat.layers.1.residual.layers.1.dense.units=64",
                "model.2.repeat.layers.1.residual.layers.2.dense.units=32", "train.epochs=3",
                "optimizer.adamw.lr=0.01"], 2.8),   # a guess by how often each character comes: 3.31
    "shakespeare_lstm": shakespeare(
        "lstm", ["model.0.embedding.output_dim=32", "model.1.lstm.units=48", "train.epochs=3",
                 "optimizer.adam.lr=0.01"], 2.8),
}


class Absent(Exception):
    """A library that lockstep was built without."""


def command(words, ranks=1):
    words = [str(w) for w in words]
    if ranks > 1:
        words = ["mpirun", "-n", str(ranks)] + words
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode == 3 and "was built without" in done.stderr:
        raise Absent(done.stderr.strip())
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def filled(words, places):
    """Words with files and folders in place of @NAMES@."""
    for name, place in places.items():
        words = [w.replace(name, place) for w in words]
    return words


def data_file(args, name, example, work):
    """The file that is trained on: one of the data themselves, where nothing makes another of it."""
    if not example.convert and not example.prepare:
        return os.path.join(args.data, example.data[0])
    return os.path.join(work, name + ".h5")


def errors(args, example, file, run, work):
    """What the example's program prints: the error after each step."""
    program, build = os.path.join(work, "program"), os.path.abspath(args.build)
    command([os.environ.get("CC", "cc"), "-O2", os.path.join(HERE, example.program),
             "-I" + os.path.join(HERE, "..", "..", "include"), "-L" + build, "-llockstep", "-lm",
             "-Wl,-rpath," + build, "-o", program])
    out = command([program, run, file[:-len(".h5")] + ".f32"])
    return [float(line.split()[-1]) for line in out.splitlines()]


def reach(args, name, example, work):
    """The mean of the metric over the seeds; of a program, of each of its steps.  And seconds a training."""
    lockstep = os.path.join(args.build, "lockstep")
    file = data_file(args, name, example, work)
    if example.prepare and not os.path.exists(file):
        command([PYTHON, os.path.join(HERE, example.prepare),
                 *(os.path.join(args.data, d) for d in example.data[:1]), file])
    if not os.path.exists(file):
        places = {"@DATA@": args.data, "@UNPACKED@": os.path.join(work, name),
                  "@TABLE@": os.path.join(work, name + ".csv")}
        if example.unpack:
            with tarfile.open(os.path.join(args.data, example.data[0])) as archive:
                archive.extractall(places["@UNPACKED@"])
        if example.table:
            script, *words = filled(args.short and example.short_table or example.table, places)
            command([PYTHON, os.path.join(HERE, script), *words])
        words = filled(args.short and example.short_convert or example.convert, places)
        command([lockstep, "convert", *words, "-o", file, "--quiet"])
    values, seconds = [], 0
    for seed in range(1, 2 if args.short else example.seeds + 1):
        run = os.path.join(work, f"{name}-{seed}")
        overrides = dict(o.split("=", 1) for o in
                         example.overrides + (example.short if args.short else []))
        start = time.perf_counter()
        command([lockstep, "train", os.path.join(HERE, example.config), f"data.file={file}",
                 f"output={run}", f"train.seed={seed}", "--progress=none",
                 f"pictures={'true' if args.keep else 'false'}",
                 *(f"{k}={v}" for k, v in overrides.items())], args.ranks)
        seconds += time.perf_counter() - start
        if example.program:
            values.append(errors(args, example, file, run, work))
            continue
        out = command([lockstep, "evaluate", run, "--data", file, *example.evaluate, "--json"], args.ranks)
        values.append([json.loads(out)[example.metric]])
    return [sum(column) / len(values) for column in zip(*values)], seconds / len(values)


def measure_peer(args, name, example, work):
    done = subprocess.run([PYTHON, os.path.join(HERE, example.peer), name,
                           data_file(args, name, example, work), "--seeds", str(example.seeds)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def read_options(usage):
    """Those of this script, and of init.py beside it."""
    options = argparse.ArgumentParser(usage=usage, add_help=True)
    options.add_argument("names", nargs="*")
    options.add_argument("--list", action="store_true")
    options.add_argument("--data", default=os.environ.get(
        "LOCKSTEP_DATA", os.path.join(HERE, "..", "..", "..", "shared", "data")))
    options.add_argument("--short", action="store_true")
    options.add_argument("--peer", action="store_true")
    options.add_argument("--ranks", type=int, default=1)
    options.add_argument("--keep")
    options.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    return options.parse_args()


def main():
    args = read_options(__doc__)
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
        if example.prepare and subprocess.run([PYTHON, "-c", "import h5py"], capture_output=True).returncode:
            print(f"{name:10} skipped: {PYTHON} has no h5py, which {example.prepare} wants")
            missing += 1
            continue
        try:
            reached, seconds = reach(args, name, example, work)
        except Absent as why:
            print(f"{name:10} skipped: {why}")
            missing += 1
            continue
        value = reached[-1]
        if args.short:
            good = value >= example.short_must if example.higher else value <= example.short_must
            print(f"{name:10} {example.metric} {value:.4f}, must be {example.short_must} in the short form"
                  f"{'' if good else '  NOT REACHED'}")
            bad += not good
            continue
        if args.peer and example.peer:
            known[name] = measure_peer(args, name, example, work)
            json.dump(known, open(PEERS, "w"), indent=1, sort_keys=True)
        peer = known.get(name, {}).get("value")
        good = example.must(value, peer)
        beside = "" if peer is None else f", {known[name]['peer']} {peer:.4f}"
        print(f"{name:10} {example.metric} {value:.4f}{beside}; must reach {example.says}"
              f"{'' if good else '  NOT REACHED'}", flush=True)
        there = known.get(name, {}).get("seconds")
        print(f"{'':10} {seconds:.0f} s a training{'' if there is None else f', {there} s there'}", flush=True)
        if "spread" in known.get(name, {}):
            print(f"{'':10} standard deviation of the targets {known[name]['spread']:.4f}")
        for step, (here, there) in enumerate(zip(reached, known.get(name, {}).get("curve", [])), 1):
            print(f"{'':10} step {step:2}: {here:.4f}, {known[name]['peer']} {there:.4f}")
        bad += not good
    if not args.keep:
        shutil.rmtree(work)
    return 1 if bad else 77 if missing == len(names) else 0


if __name__ == "__main__":
    sys.exit(main())

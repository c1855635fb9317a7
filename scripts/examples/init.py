#!/usr/bin/env python3
"""Train what `lockstep init` proposes, untouched, and hold it against scikit-learn's networks after tuning.

    init.py [NAME ...]           all data, or these (init.py --list tells which there are)
      --data DIR                 where the data sets lie (default: $LOCKSTEP_DATA, else ../shared/data
                                 beside the checkout); README.md in this folder says where to get each
      --short                    small tables, one split, one seed: in seconds
      --ranks N                  with mpirun (default 1)
      --peer                     tune the peers anew (tables/tuned.py; wants scikit-learn and h5py) and keep
                                 what they reach in tuned.json
      --keep DIR                 work in DIR and leave everything there (default: a temporary folder)
      --build DIR                where the program is (default: build)

A table is split into training and test rows in several ways, by seed, and each split is trained with several
seeds; what counts is the mean over all of them, for both.  Exit code 0: each reached what it must; 1: one did
not; 77: data sets are not there.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from run import command, read_options

HERE = os.path.dirname(os.path.abspath(__file__))
TUNED = os.path.join(HERE, "tuned.json")
PYTHON = os.environ.get("LOCKSTEP_TEST_PYTHON", sys.executable)   # for the peers


@dataclass
class Case:
    sources: list              # below the data folder; of digits in this one
    words: list                # further words after `lockstep init`
    metric: str
    must: callable             # (value, tuned or None) -> whether it is good
    says: str
    splits: int = 3            # 0: the file's own
    seeds: int = 2
    here: bool = False
    short: float = None        # what it must reach in the short form
    higher: bool = True
    peer: list = field(default_factory=list)   # options of tables/tuned.py
    scored: tuple = ("--split", "test")        # further words after `lockstep evaluate`


def near(value, tuned):
    return tuned is not None and value >= tuned - 0.02


def numbers(source, words=(), splits=3, **more):
    return Case([source], ["--test", "0.2", *words], "r2", near, "R2 of the tuned network - 0.02", splits, **more)


def classes(source, words=(), splits=3, **more):
    return Case([source], ["--test", "0.3", *words], "accuracy", near, "accuracy of the tuned network - 2 points",
                splits, **more)


MNIST = ["mnist/" + file for file in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                                      "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")]
CASES = {
    "iris": classes("iris/iris.csv", splits=5, short=0.8),
    "wine": classes("wine/wine.csv", splits=5, short=0.9),
    "wdbc": classes("wdbc/wdbc.data", ["--target", "2", "--drop", "1"]),
    "energy": numbers("energy/energy.csv", ["--target=-2,-1"]),
    "concrete": numbers("concrete/concrete.csv"),
    "airfoil": numbers("airfoil/airfoil_self_noise.dat"),
    "housing": numbers("cal-housing/cal_housing.data", splits=1, seeds=1,
                       peer=["--candidates", "10", "--seeds", "1", "--most", "8000"]),
    "digits": Case(["digits/optdigits.tra.gz"], ["--format", "csv", "--test-source", "@HERE@/digits/optdigits.tes.gz"],
                   "accuracy", near, "accuracy of the tuned network - 2 points", 0, here=True, short=0.95),
    "mnist": Case(MNIST, [], "accuracy", lambda value, tuned: value >= 0.985, "0.985", 0, 1),
    "darcy": Case(["darcy/darcy_flow.h5"], ["--inputs", "/train16/x", "--targets", "/train16/y"], "relative_l2",
                  lambda value, tuned: value <= 0.15, "0.15 or less", 0, 1, higher=False,
                  scored=("data.inputs=/test16/x", "data.targets=/test16/y")),
}


def propose(args, name, case, split, work):
    """The configuration and the dataset of a split."""
    lockstep, yaml = os.path.join(args.build, "lockstep"), os.path.join(work, f"{name}-{split}.yaml")
    sources = [os.path.join(HERE if case.here else args.data, file) for file in case.sources]
    words = [w.replace("@HERE@", HERE) for w in case.words]
    if case.splits > 0:
        words += ["--seed", str(split)]
    command([lockstep, "init", *sources, *words, "-o", yaml, "--force", "--quiet"])
    data = yaml[:-len("yaml")] + "h5"
    return yaml, data if os.path.exists(data) else sources[0]


def reach(args, name, case, work):
    """What each split and seed reached, and the mean time of a training."""
    lockstep, values, seconds = os.path.join(args.build, "lockstep"), [], []
    for split in range(1 if args.short else max(case.splits, 1)):
        yaml, data = propose(args, name, case, split, work)
        for seed in range(1, 2 if args.short else case.seeds + 1):
            run = os.path.join(work, f"{name}-{split}-{seed}")
            begin = time.monotonic()
            command([lockstep, "train", yaml, f"output={run}", f"train.seed={seed}", "--progress=none",
                     "pictures=false"], args.ranks)
            seconds.append(time.monotonic() - begin)
            out = command([lockstep, "evaluate", run, "--data", data, *case.scored, "--json"])
            values.append(json.loads(out)[case.metric])
    return values, sum(seconds) / len(seconds)


def tune(args, name, case, work):
    files = [propose(args, name, case, split, work)[1] for split in range(max(case.splits, 1))]
    done = subprocess.run([PYTHON, os.path.join(HERE, "tables", "tuned.py"), name, *files,
                           *(case.peer or ["--candidates", "16"])],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main():
    args = read_options(__doc__)
    if args.list:
        print("\n".join(CASES))
        return 0
    names = args.names or [n for n in CASES if not args.short or CASES[n].short is not None]
    for name in names:
        if name not in CASES:
            sys.exit(f"no data called {name}; there are {', '.join(CASES)}")
    known = json.load(open(TUNED)) if os.path.exists(TUNED) else {}
    work = args.keep or tempfile.mkdtemp(prefix="lockstep-init-")
    os.makedirs(work, exist_ok=True)
    bad, missing = 0, 0
    for name in names:
        case = CASES[name]
        absent = [f for f in case.sources if not os.path.exists(os.path.join(HERE if case.here else args.data, f))]
        if absent:
            print(f"{name:10} skipped: no {absent[0]} in {args.data}")
            missing += 1
            continue
        if args.peer and case.must is near:
            known[name] = tune(args, name, case, work)
            with open(TUNED, "w") as file:
                json.dump(known, file, indent=1, sort_keys=True)
                file.write("\n")
        values, seconds = reach(args, name, case, work)
        value = sum(values) / len(values)
        tuned = known.get(name, {}).get("value")
        if args.short:
            good = case.short is None or value >= case.short
            says = f"must be {case.short} in the short form"
        elif case.must is near and tuned is None:
            good, says = True, "nothing to hold it against: init.py --peer tunes a network"
        else:
            good = case.must(value, tuned)
            says = f"must reach {case.says}"
        beside = "" if tuned is None else f", tuned {tuned:.4f}"
        each = " ".join(f"{v:.3f}" for v in values)
        print(f"{name:10} {case.metric} {value:.4f}{beside}, {seconds:.1f} s a training; {says}"
              f"{'' if good else '  NOT REACHED'}  ({each})", flush=True)
        bad += not good
    if not args.keep:
        shutil.rmtree(work)
    return 1 if bad else 77 if missing == len(names) else 0


if __name__ == "__main__":
    sys.exit(main())

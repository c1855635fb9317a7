"""A newcomer's first hour: images, a table of houses, time steps in netCDF-4 and in MATLAB's format, each from the
files as they are to predictions in a form that is of use, in four commands, without editing anything."""
import csv
import gzip
import math
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

BUILD, SOURCE = os.environ["LOCKSTEP_BUILD"], os.environ["LOCKSTEP_SOURCE"]
LOCKSTEP = os.path.join(BUILD, "lockstep")
MPIRUN = os.environ.get("LOCKSTEP_MPIRUN", "mpirun --oversubscribe").split()
work = tempfile.mkdtemp(prefix="lockstep-first-hour-")
failures = []


def fail(what, done=None):
    failures.append(what)
    print("FAILED:", what)
    if done is not None:
        print("  exit code", done.returncode)
        print("  | " + "\n  | ".join((done.stdout + done.stderr)[-3000:].splitlines()))


def run(*words, ranks=0):
    start = [*MPIRUN, "-n", str(ranks)] if ranks else []
    return subprocess.run([*start, LOCKSTEP, *words], capture_output=True, text=True, cwd=work,
                          stdin=subprocess.DEVNULL, timeout=300)


def commands(text):
    """The commands that `init` and `train` print as the next ones."""
    found = re.findall(r"^ *(?:next: +|)((?:mpirun -n 2 )?lockstep .*)$", text, re.M)
    return [line.split() for line in found]


def follow(line):
    """Run a command as it was printed."""
    return run(*line[4:], ranks=2) if line[0] == "mpirun" else run(*line[1:])


def flow(name, init, predicts, *patterns):
    """init, and the three commands that it prints; what `evaluate` says."""
    first = run("init", *init, "-o", f"{name}.yaml")
    if first.returncode != 0:
        return fail(f"{name}: init", first)
    for pattern in patterns:
        if not re.search(pattern, first.stderr):
            fail(f"{name}: init says /{pattern}/", first)
    printed = commands(first.stdout)
    if [line[line.index("lockstep") + 1] for line in printed] != ["train", "evaluate", "predict"]:
        return fail(f"{name}: the next three commands", first)
    if printed[2][-2:] != ["-o", predicts]:
        fail(f"{name}: predictions in {predicts}", first)
    for line in printed:
        done = follow(line)
        if done.returncode != 0:
            return fail(f"{name}: {' '.join(line)}", done)
        if line[1] == "evaluate":
            scores = done.stdout
        if "train" in line and ["lockstep", "predict"] not in [also[:2] for also in commands(done.stdout)]:
            fail(f"{name}: train ends with the next commands", done)
    if predicts not in done.stdout + done.stderr:
        fail(f"{name}: predict says what it wrote", done)
    return scores


def score(name, scores, metric, least=None, most=None):
    found = re.search(rf"\b{metric} *:? *([-0-9.e+]+)", scores or "")
    value = float(found.group(1)) if found else math.nan
    print(f"{name}: {metric} {value}")
    if not (value >= least if least is not None else value <= most):
        fail(f"{name}: {metric} {value} of\n{scores}")


# ---- Images, as MNIST's files are ----

def image(draw, kind):
    """A garment, roughly: ten kinds of bars and frames, somewhere near the middle, on noise."""
    x, y, ink = 5 + draw.randrange(3), 5 + draw.randrange(3), 150 + draw.randrange(100)
    a, b = kind // 5, kind % 5
    pixels = bytearray(draw.randrange(40) for _ in range(28 * 28))
    for r in range(16):
        for c in range(16):
            on = (r // 4 == b if b < 4 else r in (0, 1, 14, 15)) if a == 0 else \
                 (c // 4 == b if b < 4 else abs(r - c) < 2)
            if on:
                pixels[(y + r) * 28 + x + c] = ink
    return pixels


def idx(part, rows, draw):
    labels = bytearray(i % 10 for i in range(rows))
    with gzip.open(os.path.join(work, f"{part}-images-idx3-ubyte.gz"), "wb", 1) as file:
        file.write(struct.pack(">IIII", 0x803, rows, 28, 28))
        file.write(b"".join(image(draw, kind) for kind in labels))
    with gzip.open(os.path.join(work, f"{part}-labels-idx1-ubyte.gz"), "wb", 1) as file:
        file.write(struct.pack(">II", 0x801, rows) + labels)


def clothes():
    draw = random.Random(1)
    idx("train", 600, draw)
    idx("t10k", 100, draw)
    sources = [f"{part}-{what}-ubyte.gz" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
    scores = flow("clothes", sources, "predictions.csv", "10 classes", "from images", "convolutions")
    if scores is None:
        return
    score("clothes", scores, "accuracy", least=0.9)
    rows = read_csv("predictions.csv")
    if len(rows) != 100 or not {"class", "probability"} <= set(rows[0]):
        fail(f"clothes: predictions of the test part, {len(rows)} rows of {list(rows[0])}")


def read_csv(name):
    with open(os.path.join(work, name), newline="") as file:
        return list(csv.DictReader(file))


# ---- Houses ----

def houses():
    draw = random.Random(2)
    towns = ["".join(draw.choice("bdfgklmnprst") + draw.choice("aeiou") for _ in range(3)).title() for _ in range(60)]
    dear = {town: draw.uniform(-60000, 60000) for town in towns}
    kinds = {"house": 40000, "flat": 0, "villa, old": 90000}
    lines = []
    for i in range(1, 1501):
        town, kind = draw.choice(towns), draw.choice(list(kinds))
        size, year = draw.uniform(40, 200), draw.randrange(1900, 2020)
        date = f"20{draw.randrange(10, 24)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
        price = 100000 + 1500 * size + 300 * (year - 1950) + dear[town] + kinds[kind] + draw.gauss(0, 5000)
        lines.append([i, f"{draw.randrange(10**6):06}-{i}x", date, town, kind, f"{size:.1f}", year, round(price)])
    with open(os.path.join(work, "houses.csv"), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "plot", "sold", "town", "kind", "size_m2", "built", "price"])
        writer.writerows(lines)
    scores = flow("houses", ["houses.csv"], "predictions.csv", r"\(id\): another whole number in each row.*left out",
                  r"\(plot\): 1500 different words in 1500 rows.*left out", r"\(town\): \d+ different words.*category",
                  r"\(kind\): 3 words", "regression, 1 number")
    if scores is None:
        return
    score("houses", scores, "r2", least=0.95)
    rows = read_csv("predictions.csv")
    if not 100 <= len(rows) <= 200 or not all(5e4 < float(row["price"]) < 8e5 for row in rows):
        fail(f"houses: prices of the test part, {len(rows)} rows")
    done = run("predict", "runs/houses", "--data", "houses.csv", "--keep", "id", "-o", "all.csv")
    rows = read_csv("all.csv") if done.returncode == 0 else []
    worst = sorted(abs(float(row["price"]) - line[-1]) for row, line in zip(rows, lines))
    if [row["id"] for row in rows] != [str(i) for i in range(1, 1501)] or worst[750] > 15000:
        fail("houses: a price for each id", done)


# ---- Time steps ----

def waves(name, source, *options):
    shutil.copy(os.path.join(SOURCE, "tests/data/simulations", source), work)
    scores = flow(name, [source, *options], "predictions.h5", "the next state from this one",
                  "trajectories are drawn", "convolutions that keep the grid")
    if scores is None:
        return
    score(name, scores, "relative_l2", most=0.2)
    done = run("inspect", "predictions.h5")
    for pattern in (r"/predictions +\[\d+, 16\]", "columns: axis_\\d, time"):
        if not re.search(pattern, done.stdout):
            fail(f"{name}: predictions have /{pattern}/", done)


if __name__ == "__main__":
    clothes()
    houses()
    waves("netcdf", "waves.nc")
    waves("matlab", "waves.mat", "--time", "1")
    shutil.rmtree(work)
    sys.exit(1 if failures else 0)

"""Bits of converted datasets flipped at random: training ends with the same weights, or with exit
code 3 and one line; never with others.

The short form takes some; LOCKSTEP_TEST_FULL=1 takes 300.  By hand: test_flips.py NAME SEED...
tries these and shows what is printed."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

PROGRAM = os.path.join(os.environ["LOCKSTEP_BUILD"], "lockstep")
SECONDS = 100
FULL = os.environ.get("LOCKSTEP_TEST_FULL", "0") == "1"
CONFIG = """
data: {file: plain.h5, inputs: {x: x, town: town}, targets: y, normalize: {inputs: {x: standard}, targets: none}}
model:
  - embedding: {input_dim: 5, output_dim: 2, from: town}
  - flatten: {name: t}
  - concatenate: {from: [t, x]}
  - dense: {units: 6, activation: relu}
  - dense: {units: 3}
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 32, epochs: 1, seed: 1}
output: none
"""


def table(path):
    draw = random.Random(5)
    with open(path, "w") as out:
        out.write("a,b,town,kind\n")
        for _ in range(400):
            a, b = draw.random(), draw.random()
            out.write(f"{a:.4f},{b:.4f},{draw.choice(TOWNS)},{KINDS[int(3 * a * b) % 3]}\n")


TOWNS = ["Aachen", "Bonn", "Celle", "Dortmund", "Essen"]
KINDS = ["low", "middle", "high"]


def run(command):
    """Exit code (None after the time limit), standard output and error."""
    try:
        done = subprocess.run([PROGRAM] + command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, "", ""
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def result(path):
    """Exit code, the weights that a training ends with, standard error."""
    code, out, err = run(["train", "flips.yaml", f"data.file={path}", "--progress=plain"])
    weights = re.search(r"weights ([0-9a-f]{16})", out)
    return code, weights and weights.group(1), err


def try_one(case):
    """What is wrong, or None; and whether it was refused."""
    name, whole, wanted, seed = case
    draw = random.Random(seed)
    data = bytearray(whole)
    at = draw.randrange(len(data))
    data[at] ^= 1 << draw.randrange(8)
    path = f"{name}-{seed}.h5"
    with open(path, "wb") as out:
        out.write(data)
    code, weights, err = result(path)
    os.unlink(path)
    lines = err.splitlines()
    if code == 0 and weights == wanted and not lines:
        return None, False
    if code == 3 and len(lines) == 1 and lines[0].startswith(f"lockstep: {path}: "):
        return None, True
    return f"{name}, seed {seed}, byte {at}: code {code}, weights {weights}, wanted {wanted}\n{err}", False


def main():
    work = tempfile.mkdtemp(prefix="lockstep-flips.")
    try:
        os.chdir(work)
        table("table.csv")
        with open("flips.yaml", "w") as out:
            out.write(CONFIG)
        cases = []
        for name, options in (("plain", []), ("gzip", ["--gzip", "1"])):
            code, _, err = run(["convert", "csv", "table.csv", "-o", f"{name}.h5", "--category", "town", "--quiet"] + options)
            assert code == 0, err
            code, wanted, err = result(f"{name}.h5")
            assert code == 0 and wanted, err
            with open(f"{name}.h5", "rb") as file:
                whole = file.read()
            seeds = range(150 if FULL else 15)
            if len(sys.argv) > 2:
                seeds = [int(seed) for seed in sys.argv[2:]] if sys.argv[1] == name else []
            cases += [(name, whole, wanted, seed) for seed in seeds]
        with ThreadPoolExecutor(max_workers=2) as pool:
            tried = list(pool.map(try_one, cases))
        wrong = [what for what, _ in tried if what]
        refused = sum(was for _, was in tried)
        print(f"{len(tried)} flips: {refused} refused, {len(tried) - refused - len(wrong)} without effect, {len(wrong)} wrong")
        print("\n".join(wrong))
        return 1 if wrong or refused == 0 else 0
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())

"""Checkpoints damaged anywhere: evaluate and predict give what they gave or end with exit code 3 and one
line, and a resume passes over the damaged one and gives what it would have given.  HDF5 never sees them.

    test_sealed.py [CASES [SEED]]   or LOCKSTEP_TEST_FULL=1: 1,000 cases, the first resumes included

prints what was tried and how it ended.  A case is a bit or some bits flipped, pieces exchanged, repeated or
zero, the end or the beginning missing, bytes too many."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SOURCE, BUILD = os.environ["LOCKSTEP_SOURCE"], os.environ["LOCKSTEP_BUILD"]
PROGRAM = os.path.join(BUILD, "lockstep")
SEAL = 512
CONFIG = """
data: {file: classic.h5, normalize: true}
model: [{dense: {units: 9, activation: relu}}, {dense: {units: 2}}]
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 8, epochs: 6, seed: 1}
checkpoint: {every_epochs: 1, keep: 3}
output: run
"""
KINDS = ("bit", "bit", "bits", "exchange", "repeat", "zero", "cut", "front", "more")


def damage(whole, case, seed):
    """(what was done, the bytes)."""
    draw = random.Random(seed * 1000003 + case)
    kind, data = KINDS[case % len(KINDS)], bytearray(whole)
    size = min(8 << draw.randrange(10), len(data) // 2)  # 8 to 4096
    a, b = (draw.randrange(len(data) // size) * size for _ in range(2))
    if kind in ("bit", "bits"):
        for _ in range(1 if kind == "bit" else draw.choice((2, 3, 8, 64))):
            a = draw.randrange(len(data))
            data[a] ^= 1 << draw.randrange(8)
    elif kind == "exchange":
        data[a:a + size], data[b:b + size] = data[b:b + size], data[a:a + size]
    elif kind == "repeat":
        data[a:a + size] = data[b:b + size]
    elif kind == "zero":
        data[a:a + size] = bytes(size)
    elif kind == "cut":
        data = data[:draw.randrange(len(data))]
    elif kind == "front":
        gone = draw.choice((1, 8, 64, 1024, draw.randrange(1, len(data))))
        data = data[gone + (gone == SEAL):]  # without its seal it is another program's file
    else:
        data += draw.choice((b"\0", bytes(size), data[a:a + size], bytes(data)))
    return f"case {case} of seed {seed}: {kind} at {a}, {size} bytes", bytes(data)


def run(command, folder="."):
    done = subprocess.run([PROGRAM] + command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300, cwd=folder)
    return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace").splitlines()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def judge(code, result, lines, wanted, intact):
    """What is wrong, or None."""
    if any("HDF5 crashed" in line or "damaged HDF5" in line for line in lines):
        return "HDF5 has met it"
    if code == 0:
        if result != wanted:
            return "another result"
        return None if intact and not lines else f"read, with {len(lines)} lines"
    if code != 3:
        return f"exit code {code}"
    return None if len(lines) == 1 else f"{len(lines)} lines"


def use(command, folder, data):
    """Evaluate or predict with a checkpoint of these bytes: exit code, result, lines."""
    os.makedirs(folder)
    with open(os.path.join(folder, "network.h5"), "wb") as file:
        file.write(data)
    options = ["--json"] if command == "evaluate" else ["-o", "out.h5"]
    code, result, lines = run([command, "network.h5", "--data", "../classic.h5"] + options, folder)
    if command == "predict" and code == 0:  # HDF5 writes the time into the file, too
        result = run(["inspect", "out.h5", "--json"], folder)[1]
    shutil.rmtree(folder)
    return code, result, lines


def try_one(case, seed, whole, step, wanted, resumes):
    """[(command, code, what is wrong, lines)]"""
    name, results = f"case-{case}", []
    what, data = damage(whole, case, seed)
    intact = len(data) == len(whole) and data[SEAL:] == whole[SEAL:]
    for command in ("evaluate", "predict"):
        code, result, lines = use(command, name, data)
        results.append((command, code, judge(code, result, lines, wanted[command], intact), lines))
    if resumes:
        shutil.copytree("part", name)
        what, data = damage(step, case, seed)
        intact = len(data) == len(step) and data[SEAL:] == step[SEAL:]
        with open(os.path.join(name, "checkpoints", wanted["newest"]), "wb") as file:
            file.write(data)
        code, _, lines = run(["train", "small.yaml", "output=" + name, "--resume", "--progress=none"])
        passed = [line for line in lines if "passing over" in line]
        got, wrong = "", None
        if code == 0:
            got = re.search('"weights_hash":"[0-9a-f]*"', read(name + "/summary.json").decode()).group()
        if code != 0 or got != wanted["hash"] or len(passed) != (0 if intact or data == step else 1):
            wrong = f"exit code {code}, {got}, {len(passed)} passed over"
        results.append(("resume", code, wrong, lines))
        shutil.rmtree(name, ignore_errors=True)
    return what, results


def main():
    full = os.environ.get("LOCKSTEP_TEST_FULL", "0") == "1"
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1000 if full else 3 * len(KINDS)
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    work = tempfile.mkdtemp(prefix="lockstep-sealed.")
    try:
        os.chdir(work)
        shutil.copy(os.path.join(SOURCE, "tests/fault/classic.h5"), "classic.h5")
        with open("small.yaml", "w") as file:
            file.write(CONFIG)
        subprocess.run([PROGRAM, "train", "small.yaml", "--progress=none"], check=True)
        subprocess.run([PROGRAM, "train", "small.yaml", "output=part", "train.epochs=4", "--progress=none"], check=True)
        os.unlink("part/checkpoints/final.h5")
        newest = sorted(os.listdir("part/checkpoints"))[-1]
        whole, step = read("run/checkpoints/final.h5"), read("part/checkpoints/" + newest)
        wanted = {command: use(command, "wanted", whole)[1] for command in ("evaluate", "predict")}
        wanted["newest"] = newest
        wanted["hash"] = re.search('"weights_hash":"[0-9a-f]*"', read("run/summary.json").decode()).group()
        failed, ends = 0, {}
        with ThreadPoolExecutor(max_workers=int(os.environ.get("WORKERS", "2"))) as pool:
            tried = pool.map(lambda case: try_one(case, seed, whole, step, wanted, full or case % 4 == 0), range(cases))
            for what, results in tried:
                for command, code, wrong, lines in results:
                    ends[command, code] = ends.get((command, code), 0) + 1
                    if wrong is not None:
                        failed += 1
                        print(f"FAILED: {what}: {command}: {wrong}")
                        print("".join(f"  | {line}\n" for line in lines[:5]), end="", flush=True)
        for (command, code), n in sorted(ends.items()):
            print(f"{command}: {n} ended with exit code {code}")
        print(f"{cases} damaged checkpoints tried, {failed} not as they should be")
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    return failed > 0


sys.exit(main())

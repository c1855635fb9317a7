"""Datasets and checkpoints damaged at random: the program reads them as something else or ends with
exit code 2 or 3 and one line, never by a signal and never later than a time limit.

HDF5 itself crashes on a few of them, or loops for ever; the short form takes those that made 1.10.8 crash, and some
others.  LOCKSTEP_TEST_FULL=1 takes thousands.  By hand: test_damaged.py NAME SEED... tries these and
shows what is printed."""
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
SECONDS = 400  # a case takes 0.3 s, and a minute of computing where HDF5 loops
CRASHED = re.compile("HDF5 (crashed|loops) while reading it: the file is damaged")
CONFIG = """
data: {file: classic.h5}
model: [{dense: {units: 3, activation: relu}}, {dense: {units: 2}}]
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 8, epochs: 1, seed: 1}
output: run
"""
# What is damaged, and what is done with it; @ is the damaged file.
COMMANDS = {
    "dataset": [["inspect", "@"],
                ["train", "small.yaml", "data.file=@", "output=@.run", "--progress=none"],
                ["evaluate", "run", "--data", "@"]],
    "checkpoint": [["inspect", "@"],
                   ["evaluate", "@", "--data", "classic.h5"]],
}
KNOWN = {"dataset": [3, 129, 483, 860, 1470, 2541, 2558], "checkpoint": []}


def damage(whole, seed):
    """A few bytes changed, or a piece put elsewhere, or the end cut off."""
    draw = random.Random(seed)
    data = bytearray(whole)
    for _ in range(draw.choice((1, 1, 2, 4, 8))):
        at, n = draw.randrange(len(data)), draw.choice((1, 1, 1, 2, 4, 8))
        kind = draw.randrange(10)
        if kind < 4:
            data[at] ^= 1 << draw.randrange(8)
        elif kind < 7:
            data[at:at + n] = draw.randbytes(n)[:len(data) - at]
        elif kind < 9:
            data[at:at + n] = (b"\0" * n if kind == 7 else b"\xff" * n)[:len(data) - at]
        elif draw.randrange(4) > 0:
            piece = data[at:at + 8 * n]
            to = draw.randrange(len(data) - len(piece) + 1)
            data[to:to + len(piece)] = piece
        else:
            data = data[:max(at, 1)]
    return bytes(data)


def run(command, ranks=1):
    """Exit code (or None after the time limit) and standard error."""
    start = [PROGRAM] if ranks == 1 else ["mpirun", "-n", str(ranks), PROGRAM]
    try:
        done = subprocess.run(start + command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stderr.decode(errors="replace")


def judge(code, printed):
    """What is wrong, or None."""
    lines = sum(line.startswith("lockstep: ") for line in printed.splitlines())
    if code is None:
        return f"not done after {SECONDS} s"
    if code not in (0, 2, 3):
        return f"exit code {code}"
    if code != 0 and lines != 1:
        return f"{lines} lines"
    return None


def try_one(kind, whole, seed):
    """[(command, code, printed, what is wrong)] of one damaged file."""
    path = os.path.abspath(f"{kind}-{seed}.h5")
    results = []
    with open(path, "wb") as file:
        file.write(damage(whole, seed))
    for command in COMMANDS[kind]:
        code, printed = run([word.replace("@", path) for word in command])
        results.append((command[0], code, printed, judge(code, printed)))
        shutil.rmtree(path + ".run", ignore_errors=True)
    os.unlink(path)
    return results


def main():
    work = tempfile.mkdtemp(prefix="lockstep-damaged.")
    try:
        os.chdir(work)
        shutil.copy(os.path.join(SOURCE, "tests/fault/classic.h5"), "classic.h5")
        with open("small.yaml", "w") as file:
            file.write(CONFIG)
        subprocess.run([PROGRAM, "train", "small.yaml", "--progress=none"], check=True)
        whole = {"dataset": open("classic.h5", "rb").read(), "checkpoint": open("run/checkpoints/final.h5", "rb").read()}
        if len(sys.argv) > 2:
            cases = [(sys.argv[1], int(seed)) for seed in sys.argv[2:]]
        elif os.environ.get("LOCKSTEP_TEST_FULL", "0") == "1":
            cases = [("dataset", seed) for seed in range(3000)] + [("checkpoint", seed) for seed in range(1000)]
        else:
            cases = [(kind, seed) for kind in KNOWN for seed in KNOWN[kind] + list(range(4))]
        failed, codes, crashes = 0, {}, []
        with ThreadPoolExecutor(max_workers=int(os.environ.get("WORKERS", "4"))) as pool:
            tried = pool.map(lambda case: try_one(case[0], whole[case[0]], case[1]), cases)
            for (kind, seed), results in zip(cases, tried):
                for name, code, printed, wrong in results:
                    codes[code] = codes.get(code, 0) + 1
                    if CRASHED.search(printed):
                        crashes.append((kind, seed, name))
                    if len(sys.argv) > 2:
                        print(f"{kind} {seed}: {name}: exit code {code}\n{printed}", end="")
                    if wrong is not None:
                        failed += 1
                        print(f"FAILED: {kind} {seed}: {name}: {wrong}")
                        print("".join(f"  | {line}\n" for line in printed.splitlines()[:5]), end="", flush=True)
        with open("three.h5", "wb") as file:  # all ranks read it, one tells
            file.write(damage(whole["dataset"], KNOWN["dataset"][0]))
        code, printed = run(["train", "small.yaml", "data.file=three.h5", "output=three", "--progress=none"], 3)
        wrong = judge(code, printed)
        if wrong is not None:
            failed += 1
            print(f"FAILED: on 3 ranks: {wrong}\n{printed}")
        print(f"{len(cases)} files; exit codes {codes}; HDF5 crashed {len(crashes)} times: {crashes}")
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    return failed > 0


sys.exit(main())

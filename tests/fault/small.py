"""What the tests of damaged and refused files share: a folder with small data of every sort and two short
runs, and the program run in it."""
import os
import random
import struct
import subprocess

SOURCE, BUILD = os.environ["LOCKSTEP_SOURCE"], os.environ["LOCKSTEP_BUILD"]
PROGRAM = os.path.join(BUILD, "lockstep")

CONFIG = """
base: base.yaml
data: {file: table.h5, normalize: true}
model: [{dense: {units: 6, activation: tanh}}, {dense: {units: 3}}]
"""
BASE = """
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 20, seed: 3, lanes: 4, epochs: 4}
checkpoint: {every_steps: 4, keep: 3}
output: run
"""
IMAGES = """
data: {file: images.h5}
model: [flatten, {dense: {units: 6, activation: relu}}, {dense: {units: 3}}]
loss: cross_entropy
optimizer: {adam: {lr: 0.01}}
train: {batch: 20, seed: 3, lanes: 4, epochs: 2}
output: images
"""


def run(words, preload=None, folder=".", ranks=1, **variables):
    """(exit code, standard output, standard error); of more ranks than one, without mpirun's own lines."""
    environment = dict(os.environ, **variables)
    if preload is not None:  # a sanitizer would be first itself
        environment["LD_PRELOAD"] = preload
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    start = [] if ranks == 1 else ["mpirun", "-n", str(ranks)]
    if ranks > 1 and preload is not None:  # not for mpirun itself
        start += ["env", "LD_PRELOAD=" + environment.pop("LD_PRELOAD")]
    done = subprocess.run([*start, PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment, cwd=folder, timeout=200)
    said = done.stderr.decode(errors="replace")
    if ranks > 1:
        said = "".join(line + "\n" for line in said.splitlines() if line.startswith("lockstep: "))
    return done.returncode, done.stdout.decode(errors="replace"), said


def must(words):
    code, _, printed = run(words)
    if code != 0:
        raise SystemExit(f"{' '.join(words)}: exit code {code}: {printed}")


def make():
    """In this folder, beside cifar.bin and pictures/: table.csv and table.h5 (columns, classes, three parts), images.x and so on and images.h5 (bytes
    with a scale, a validation part), run.yaml with base.yaml and its run, images.yaml and its run."""
    draw = random.Random(5)
    with open("table.csv", "w") as file:
        file.write("a,b,c,kind\n")
        for _ in range(150):
            a, b, c = (draw.random() for _ in range(3))
            file.write(f"{a:.4f},{b:.4f},{c:.4f},{'low' if a < 0.3 else 'mid' if a + b < 1.2 else 'high'}\n")
    for part, n in (("images", 100), ("more", 40)):
        with open(part + ".x", "wb") as file:
            file.write(struct.pack(">BBBBIII", 0, 0, 8, 3, n, 4, 4) + bytes(draw.randrange(256) for _ in range(16 * n)))
        with open(part + ".y", "wb") as file:
            file.write(struct.pack(">BBBBI", 0, 0, 8, 1, n) + bytes(draw.randrange(3) for _ in range(n)))
    with open("cifar.bin", "wb") as file:
        file.write(b"".join(bytes([i % 10]) + bytes(draw.randrange(256) for _ in range(3072)) for i in range(20)))
    with open("batches.meta.txt", "w") as file:
        file.write("".join(f"class {i}\n" for i in range(10)))
    for i in range(6):
        os.makedirs(f"pictures/{i % 2}", exist_ok=True)
        with open(f"pictures/{i % 2}/{i}.ppm", "wb") as file:
            file.write(b"P6 4 4 255\n" + bytes(draw.randrange(256) for _ in range(48)))
    for name, text in (("run.yaml", CONFIG), ("base.yaml", BASE), ("images.yaml", IMAGES)):
        with open(name, "w") as file:
            file.write(text)
    must(["convert", "csv", "table.csv", "-o", "table.h5", "--target", "kind", "--validation", "0.2", "--test", "0.2", "--quiet"])
    must(["convert", "idx", "images.x", "images.y", "more.x", "more.y", "-o", "images.h5", "--validation", "0.2", "--quiet"])
    must(["train", "run.yaml", "--progress=none"])
    must(["train", "images.yaml", "--progress=none"])

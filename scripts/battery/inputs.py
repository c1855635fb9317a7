"""Small inputs of the batteries: tables, images, configurations, and the runs that nobody disturbs."""
import json
import os
import random
import struct

from jobs import run, hash_of

MLP = """
data: {{file: {data}, normalize: true}}
model: [{{dense: {{units: {units}, activation: tanh}}}}, {{dense: {{units: {units}}}}}, {{dense: {{units: 1}}}}]
loss: mse
optimizer: {{adam: {{lr: 0.003}}}}
train: {{batch: 20, epochs: {epochs}, seed: {seed}, lanes: 6}}
checkpoint: {{every_steps: {every}, keep: {keep}}}
exchange: tree
pictures: false
watchdog: {watchdog}
output: run
"""


def table(path, rows, seed=5):
    """A CSV with columns a, b, c and y = 3 a b - c and noise."""
    draw = random.Random(seed)
    with open(path, "w") as file:
        file.write("a,b,c,y\n")
        for _ in range(rows):
            a, b, c = draw.random(), draw.random(), draw.random()
            file.write(f"{a:.4f},{b:.4f},{c:.4f},{3 * a * b - c + 0.3 * draw.random():.5f}\n")


def images(folder, rows, seed=1):
    """IDX files of 4 x 4 bytes in 3 classes; their names."""
    draw = random.Random(seed)
    names = []
    for name, n in (("train", rows), ("test", rows // 4)):
        for kind, header, size, most in (("x", struct.pack(">BBBBIII", 0, 0, 8, 3, n, 4, 4), 16 * n, 256),
                                         ("y", struct.pack(">BBBBI", 0, 0, 8, 1, n), n, 3)):
            names.append(f"{name}.{kind}")
            with open(os.path.join(folder, names[-1]), "wb") as file:
                file.write(header + bytes(draw.randrange(most) for _ in range(size)))
    return names


def dataset(folder, name, rows, *options, seed=5):
    """A dataset of a table; its absolute path."""
    table(os.path.join(folder, name + ".csv"), rows, seed)
    run(folder, ["convert", "csv", name + ".csv", "-o", name + ".h5", "--target", "y", "--quiet", *options])
    return os.path.join(folder, name + ".h5")


def config(folder, name, data, units=32, epochs=5, seed=2, every=1, keep=2, watchdog=600, more=""):
    """A configuration; its absolute path."""
    path = os.path.join(folder, name + ".yaml")
    with open(path, "w") as file:
        file.write(MLP.format(data=data, units=units, epochs=epochs, seed=seed, every=every, keep=keep,
                              watchdog=watchdog) + more)
    return path


def train(path, *overrides):
    return ["train", path, *overrides, "--progress=none"]


def reference(folder, path, name, ranks=1, overrides=()):
    """An undisturbed run into folder/name: its weights_hash, its losses, its seconds."""
    job = run(folder, train(path, f"output={name}", *overrides), ranks=ranks, name=name)
    return {"hash": hash_of(os.path.join(folder, name)), "losses": losses(os.path.join(folder, name)),
            "seconds": job.seconds()}


def losses(run_directory):
    """What metrics.jsonl says of losses, without times."""
    said = []
    try:
        with open(os.path.join(run_directory, "metrics.jsonl")) as file:
            for line in file:
                one = json.loads(line)
                said.append([one.get(key) for key in ("type", "epoch", "step", "loss", "validation_loss")])
    except (OSError, ValueError) as why:
        return str(why)
    return said

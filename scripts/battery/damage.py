"""Checkpoints and datasets damaged at random: flipped bits, bytes, zeroed, swapped and copied blocks, ends
that are cut off or added.  Right is: what the whole file gives, or exit code 3 and one line.  A resume takes
an older checkpoint, to the same weights, and leaves whole files alone where it can't go on.

A file of another program (classic.h5, as h5py writes one) has no checksums: there any values are right, but
no end by a signal, without a line, or never.  HDF5 1.10.8 crashes on those of CRASHED, and loops on some."""
import os
import random
import shutil

from inputs import config, dataset, images, losses, reference, train
from jobs import BAD, DONE, USAGE, Job, files, half_written, hash_of, run, same, steps, summary

LONG = 1700  # 1,000 checkpoints, 300 datasets, 400 files of other programs
LIMIT = 400  # seconds: a minute of computing where HDF5 loops
CLASSIC = os.path.join(os.environ["LOCKSTEP_SOURCE"], "tests/fault/classic.h5")
CRASHED = (70, 374, 522, 572, 620, 785, 826, 1089)
IMAGES = """
data: {{file: {data}}}
model: [flatten, {{dense: {{units: 8, activation: relu}}}}, {{dense: {{units: 3}}}}]
loss: cross_entropy
optimizer: {{adam: {{lr: 0.01}}}}
train: {{batch: 40, epochs: 2, seed: 3, lanes: 4}}
pictures: false
output: run
"""
FOREIGN = """
data: {{file: {data}}}
model: [{{dense: {{units: 3, activation: relu}}}}, {{dense: {{units: 2}}}}]
loss: cross_entropy
optimizer: {{adam: {{lr: 0.01}}}}
train: {{batch: 8, epochs: 1, seed: 1}}
pictures: false
output: run
"""


def written(folder, name, text, data):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text.format(data=data))
    return path


def known(work, data, path, name):
    """A dataset, its configuration and what training and scoring make of it."""
    made = reference(work, path, name)
    run_directory = os.path.join(work, name)
    made.update(data=data, config=path, run=run_directory)
    made["score"] = run(work, ["evaluate", run_directory, "--json"]).result()
    return made


def prepare(work):
    plain = dataset(work, "plain", 1000, "--validation", "0.2", "--test", "0.2")
    small = dataset(work, "small", 1000, "--test", "0.2", "--gzip", "1")
    run(work, ["convert", "idx", *images(work, 600), "-o", "images.h5", "--validation", "0.2", "--quiet"])
    pixels = os.path.join(work, "images.h5")
    shutil.copy(CLASSIC, os.path.join(work, "classic.h5"))
    shared = {"datasets": [
        known(work, plain, config(work, "plain", plain, units=8, epochs=2, every=0), "plain-run"),
        known(work, small, config(work, "small", small, units=8, epochs=2, every=0), "small-run"),
        known(work, pixels, written(work, "images.yaml", IMAGES, pixels), "images-run")]}
    foreign = written(work, "foreign.yaml", FOREIGN, os.path.join(work, "classic.h5"))
    shared["foreign"] = known(work, os.path.join(work, "classic.h5"), foreign, "foreign-run")
    # A run that has stopped at step 35 of 60, with three checkpoints and the best one, and one that went on.
    path = config(work, "resume", plain, units=8, epochs=2, every=10, keep=3, more="early_stopping: {patience: 100}\n")
    run(work, train(path, "train.max_steps=35"))
    os.rename(os.path.join(work, "run"), os.path.join(work, "stopped"))
    shared["resume"] = known(work, plain, path, "whole")
    shared["stopped"] = os.path.join(work, "stopped")
    shared["score"] = run(work, ["evaluate", "stopped/checkpoints/" + steps(work + "/stopped")[-1], "--json"]).result()
    return shared


def damage(whole, draw):
    """The bytes with one thing done to them, or some, and its name."""
    data = bytearray(whole)
    kind = draw.choice(("bit",) * 6 + ("bytes", "bytes", "zeroed", "swapped", "copied", "cut", "longer"))
    n = min(draw.choice((8, 64, 512, 4096)), len(data) // 4)
    at, other = draw.randrange(len(data) - n), draw.randrange(len(data) - n)
    if kind == "bit":
        for _ in range(draw.choice((1, 1, 1, 2, 5))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif kind == "bytes":
        few = draw.choice((1, 2, 4, 8))
        data[at:at + few] = draw.choice((draw.randbytes(few), b"\xff" * few))
    elif kind == "zeroed":
        data[at:at + n] = bytes(n)
    elif kind == "swapped" and abs(at - other) >= n:
        data[at:at + n], data[other:other + n] = data[other:other + n], data[at:at + n]
    elif kind == "cut":
        del data[draw.choice((at, len(data) - draw.randint(1, 64))):]
    elif kind == "longer":
        data += draw.choice((bytes(n), draw.randbytes(n)))
    else:
        kind = "copied"
        data[other:other + n] = data[at:at + n]
    return (kind, bytes(data)) if data != whole else damage(whole, draw)


def spoil(path, draw, to=None):
    """Damages a file in place, or into another; the kind of damage."""
    with open(path, "rb") as file:
        kind, data = damage(file.read(), draw)
    with open(to or path, "wb") as file:
        file.write(data)
    return kind


def used_or_refused(folder, command, whole, result, ranks=1):
    """The command gives what it gives with the whole file, or code 3 and one line."""
    job = Job(folder, command, ranks=ranks)
    job.wait(LIMIT)
    if job.judge(DONE, BAD) == DONE and result(job) != whole:
        job.lost("another result, without a word")
    return f"code {job.code}"


def evaluate_checkpoint(shared, draw, folder):
    whole = os.path.join(shared["stopped"], "checkpoints", steps(shared["stopped"])[-1])
    bad = os.path.join(folder, "bad.h5")
    spoil(whole, draw, bad)
    return used_or_refused(folder, ["evaluate", bad, "--json"], shared["score"], lambda job: job.result(),
                           draw.choice((1, 1, 1, 1, 1, 1, 1, 2, 3)))


def resume(shared, draw, folder):
    """The newest one, two or all of three checkpoints are damaged, or the best one."""
    target = os.path.join(folder, "run")
    shutil.copytree(shared["stopped"], target)
    names = steps(target)
    bad = draw.choice((names[-1:], names[-1:], names[1:], names, ["best.h5"]))
    for name in bad:
        spoil(os.path.join(target, "checkpoints", name), draw)
    before = files(target)
    job = Job(folder, train(shared["resume"]["config"], "--resume"), ranks=draw.choice((1, 1, 1, 1, 1, 2, 3)))
    job.wait(LIMIT)
    job.judge(*((DONE, BAD) if bad == names else (DONE,)))
    if job.code == DONE:
        if summary(target)["samples"] >= summary(shared["resume"]["run"])["samples"]:
            job.lost("began at step 0 again")
        same("weights", hash_of(target), shared["resume"]["hash"])
        same("losses", losses(target), shared["resume"]["losses"])
        same("left behind", half_written(target), [])
    else:
        after = files(target)
        gone = [name for name in before if name.startswith("checkpoints/") and after.get(name) != before[name]]
        if gone:
            job.lost(f"changed or deleted: {gone}")
    return f"resume with {len(bad) if bad[0] != 'best.h5' else 'best'} damaged: code {job.code}"


def made_dataset(shared, draw, folder):
    """A file that convert made."""
    of = draw.choice(shared["datasets"])
    bad = os.path.join(folder, "bad.h5")
    spoil(of["data"], draw, bad)
    ranks = draw.choice((1, 1, 1, 1, 1, 1, 1, 2, 3))
    if draw.random() < 0.5:
        return used_or_refused(folder, ["evaluate", of["run"], "--data", bad, "--json"], of["score"],
                               lambda job: job.result(), ranks)
    return used_or_refused(folder, train(of["config"], f"data.file={bad}"), (of["hash"], of["losses"]),
                           lambda job: (hash_of(folder + "/run"), losses(folder + "/run")), ranks)


def foreign(shared, draw, folder, seed):
    """A file of another program."""
    bad = os.path.join(folder, "bad.h5")
    spoil(CLASSIC, random.Random(seed), bad)
    of = shared["foreign"]
    said = []
    for command in (["inspect", bad], train(of["config"], f"data.file={bad}"), ["evaluate", of["run"], "--data", bad]):
        job = Job(folder, command, ranks=draw.choice((1,) * 9 + (3,)), name=command[0])
        job.wait(LIMIT)
        said.append(job.judge(DONE, USAGE, BAD))
    return f"codes {' '.join(map(str, said))}"


def case(shared, draw, folder, seed):
    turn = seed % 17  # ten checkpoints, three datasets, four files of other programs
    if turn < 7:
        what, how = "checkpoint", evaluate_checkpoint(shared, draw, folder)
    elif turn < 10:
        what, how = "checkpoint", resume(shared, draw, folder)
    elif turn < 13:
        what, how = "dataset", made_dataset(shared, draw, folder)
    else:
        before = seed // 17 * 4 + turn - 13  # those that HDF5 has crashed on come first
        what, how = "other", foreign(shared, draw, folder, CRASHED[before] if before < len(CRASHED) else seed)
    return {f"{what}: {how}": 1}

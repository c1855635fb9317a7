"""Things that must belong together, in pairs of which one thing is changed: two ranks, a run and its
resume, a file and a checkpoint.  Each change is noticed, or has no effect.

    test_together.py [PAIRS [SEED]]      24 pairs here; 200 to be thorough
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 24
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
LOCKSTEP = os.path.join(os.environ["LOCKSTEP_BUILD"], "lockstep")
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none"]
work = tempfile.mkdtemp(prefix="lockstep-together.")
failures = 0


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def run(*command, env=None):
    """Exit code, standard output, our own lines of standard error."""
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, [l for l in done.stderr.splitlines() if l.startswith("lockstep: ")]


def must(*command):
    code, out, err = run(*command)
    if code != 0:
        sys.exit(f"FAILED: {command}: {code} {err}")
    return out


def train(*arguments, ranks=1):
    start = MPIRUN + ["-n", str(ranks)] if ranks > 1 else []
    return run(*start, LOCKSTEP, "train", *arguments, "--progress=none")


def summary(output):
    with open(os.path.join(work, output, "summary.json"), encoding="utf-8") as file:
        return re.search(r'"weights_hash":"(\w+)"', file.read()).group(1)


def table(name, columns, rows, target, labels=None):
    """A dataset of these columns of the same numbers, whatever their order."""
    with open(os.path.join(work, name + ".csv"), "w", encoding="utf-8") as file:
        print(*columns, "y", sep=",", file=file)
        for r in rows:
            print(*(r.get(c, r["a"]) for c in columns), labels(r) if labels else target(r), sep=",", file=file)
    must(LOCKSTEP, "convert", "csv", name + ".csv", "-o", name + ".h5", "--target", "y", "--quiet")


def price(r):
    return round(3 * r["a"] - 2 * r["b"] * r["c"] + r["d"], 5)


def animal(r):
    return ["ape", "bee", "cow"][(r["a"] > 0.3) + (r["b"] > 0.6)]


draw = random.Random(SEED)
COLUMNS = ["a", "b", "c", "d"]
ROWS = [{c: round(draw.random(), 4) for c in COLUMNS} for _ in range(240)]
table("data", COLUMNS, ROWS, price)
table("other", COLUMNS, [{c: 10 * v for c, v in r.items()} for r in ROWS], price)
table("bent", COLUMNS, ROWS, lambda r: round(price(r) ** 2, 5))
table("short", COLUMNS, ROWS[:200], price)
table("classes", COLUMNS, ROWS, None, animal)
shutil.copy(os.path.join(work, "data.h5"), os.path.join(work, "copy.h5"))
CONFIG = """data: {file: data.h5, normalize: true}
model: [{dense: {units: 8, activation: tanh}}, {dense: {units: 1}}]
loss: mse
optimizer: {sgd: {lr: 0.02, momentum: 0.9}}
train: {batch: 20, epochs: 3, seed: 2, lanes: 4}
watchdog: 20
"""
with open(os.path.join(work, "c.yaml"), "w", encoding="utf-8") as text:
    text.write(CONFIG)
with open(os.path.join(work, "k.yaml"), "w", encoding="utf-8") as text:
    text.write(CONFIG.replace("data.h5", "classes.h5").replace("units: 1}", "units: 3}").replace("mse", "cross_entropy"))
if train("c.yaml", "output=whole")[0] != 0 or train("c.yaml", "output=part", "train.max_steps=17")[0] != 0 or \
        train("k.yaml", "output=kinds")[0] != 0:
    sys.exit("FAILED: nothing trains")
WHOLE = summary("whole")

# ---- Two ranks

RANKS = ["optimizer.sgd.lr=0.3", "optimizer.sgd.momentum=0.5", "optimizer=adam", "model.0.dense.units=9", "loss=mae",
         "model.0.dense.activation=relu", "train.batch=40", "train.epochs=4", "train.seed=3", "train.lanes=2",
         "train.max_steps=5", "data.normalize=false", "data.memory=stream", "exchange=tree", "bucket_mb=1",
         "early_stopping={monitor: loss}", "clip={norm: 1}", "metrics=[r2]", "schedule=cosine", "output=none",
         "data.limit=100", "data.split.validation=0.1", "compression=bf16", "checkpoint.every_steps=3", "watchdog=9",
         "--resume", "--force", "--no-such-option", "train.nothing=1", "LOCKSTEP_OTHER=1"]
SAME = ["data.file=copy.h5", "optimizer.sgd.lr=0.0200", "optimizer={sgd: {momentum: 0.9, lr: 2e-2}}"]


def two_ranks():
    change = draw.choice(RANKS + SAME)
    first = [LOCKSTEP, "train", "c.yaml", "output=two", "--progress=none"]
    if change.startswith("LOCKSTEP_"):
        second = ["-n", "1", "-x", change] + first
    else:
        second = ["-n", "1"] + [a for a in first if not (change.startswith("output=") and a == "output=two")] + [change]
    code, _, err = run(*MPIRUN, "-n", "1", *first, ":", *second)
    key = re.split(r"[={]", change)[0]
    if change in SAME:
        if code != 0 or summary("two") != WHOLE:
            fail(f"two ranks, {change}: code {code}, {err}")
    elif code != 2 or len(err) != 1 or not ("the ranks differ" in err[0] or key in err[0]) or \
            key.split(".")[0] not in err[0]:
        fail(f"two ranks, {change}: code {code}, {err}")


# ---- A run and its resume

# What the change is, the code, and what is said of it; None: nothing, and the weights are those of an
# uninterrupted run.
RESUMES = [("loss=mae", 2, "loss was mse and is mae"), ("optimizer=adam", 2, "optimizer was sgd and is adam"),
           ("optimizer.sgd.momentum=0", 2, "optimizer.sgd.momentum was 0.9 and is 0"),
           ("optimizer.sgd.momentum=0.5", 0, "optimizer.sgd.momentum was 0.9 and is 0.5"),
           ("optimizer.sgd.lr=0.01", 0, "optimizer.sgd.lr was 0.02 and is 0.01"),
           ("optimizer.sgd.weight_decay=0.1", 0, "optimizer.sgd.weight_decay was 0 and is 0.1"),
           ("model.0.dense.units=9", 2, "model.0.dense.units was 8 and is 9"),
           ("model.0.dense.activation=relu", 2, "model.0.dense.activation was tanh and is relu"),
           ("model.0.dense.use_bias=false", 2, "use_bias was true and is false"),
           ("train.lanes=2", 2, "train.lanes was 4 and is 2"), ("train.batch=40", 2, "train.batch was 20 and is 40"),
           ("train.seed=3", 2, "train.seed was 2 and is 3"), ("train.epochs=4", 0, "train.epochs was 3 and is 4"),
           ("schedule=cosine", 0, "schedule was not given and is {cosine"),
           ("clip.norm=0.5", 0, "clip was not given and is {norm: 0.5"),
           ("data.normalize=false", 2, "data.normalize was true and is false"),
           ("data.limit=100", 2, "data.limit was 0 and is 100"), ("data.shuffle=false", 2, "data.shuffle was true and"),
           ("data.split.validation=0.2", 2, "data.split.validation was 0 and is 0.2"),
           ("data.file=other.h5", 3, "the data have changed: a of the input had mean"),
           ("data.file=bent.h5", 3, "the data have changed"), ("data.file=short.h5", 3, "had 240 samples and has 200"),
           ("data.file=copy.h5", 0, "data.file was data.h5 and is copy.h5"),
           ("data.file=turned.h5", 0, "data.file was data.h5 and is turned.h5"),
           ("data.memory=stream", 0, "data.memory was auto and is stream"), ("exchange=tree", 0, "exchange was auto"),
           ("checkpoint.keep=1", 0, "checkpoint.keep was 3 and is 1"), ("metrics=[r2]", 0, "metrics was"),
           ("watchdog=30", 0, "watchdog was 20 and is 30"), ("optimizer.sgd.lr=2e-2", 0, None),
           ("optimizer.sgd.nesterov=false", 0, None), ("loss={mse: {half: false}}", 0, None)]
EFFECT = ("optimizer.", "train.epochs", "schedule", "clip")  # of those that are accepted


def commands():
    """Ranks that run different commands say so, and don't wait for each other."""
    for other in ("inspect data.h5", "train c.yaml --dry-run", ""):
        code, _, err = run(*MPIRUN, "-n", "1", LOCKSTEP, "train", "c.yaml", "output=commands", ":", "-n", "1", LOCKSTEP,
                           *other.split())
        lines = [line for line in err if "the ranks differ: the command is" in line]
        if code != 2 or len(lines) != 1:
            fail(f"train beside {other or 'no command'}: {code} {err}")


def resume():
    change, wanted, said = draw.choice(RESUMES)
    shutil.rmtree(os.path.join(work, "again"), ignore_errors=True)
    shutil.copytree(os.path.join(work, "part"), os.path.join(work, "again"))
    code, _, err = train("c.yaml", "output=again", change, "--resume", ranks=draw.choice([1, 2]))
    text = "\n".join(err)
    if code != wanted or (said is not None and said not in text) or (wanted != 0 and len(err) != 1):
        fail(f"resume, {change}: code {code} (wanted {wanted}), {err}")
    elif said is None and change.split("=")[0] in text:
        fail(f"resume, {change}: said, but nothing changed: {err}")
    elif code == 0 and (said is None or not change.startswith(EFFECT)) and summary("again") != WHOLE:
        fail(f"resume, {change}: other weights, {err}")
    elif code == 2:  # --force means it, unless the networks don't fit each other
        forced, _, err = train("c.yaml", "output=again", change, "--resume", "--force")
        other = "units" in change or "bias" in change
        if forced != (2 if other else 0) or ("holds another network" if other else said) not in "\n".join(err):
            fail(f"resume by force, {change}: code {forced}, {err}")


# ---- A file and a checkpoint

def evaluate(run_directory, name, ranks):
    start = MPIRUN + ["-n", str(ranks)] if ranks > 1 else []
    return run(*start, LOCKSTEP, "evaluate", run_directory, "--data", name, "--split", "all", "--json")


TRUTH = {d: evaluate(d, f, 1)[1] for d, f in [("whole", "data.h5"), ("kinds", "classes.h5")]}


def file_and_checkpoint():
    kinds = draw.choice([False, True])
    directory, labels = ("kinds", animal) if kinds else ("whole", None)
    columns = draw.sample(COLUMNS, 4)
    what = draw.choice(["order", "name", "fewer", "more"] + (["class", "some"] if kinds else []))
    rows = ROWS
    if what == "name":
        columns[draw.randrange(4)] = "e"
    if what == "fewer":
        columns.pop()
    if what == "more":
        columns.append("e")
    if what == "class":
        labels = lambda r: animal(r).replace("bee", "bat")
    if what == "some":
        rows = [r for r in ROWS if animal(r) != "bee"]
    table("changed", columns, rows, price, labels)
    code, out, err = evaluate(directory, "changed.h5", draw.choice([1, 2]))
    if what == "order":
        good = code == 0 and out == TRUTH[directory]
    elif what == "some":  # labels count from 0 to 1 in this file
        found = re.findall(r'"name":"(\w+)"', out)
        good = code == 0 and found == ["ape", "bee", "cow"] and \
            column(out, "cow") == column(TRUTH["kinds"], "cow")
    elif what == "class":
        good = code == 3 and 'class "bat"' in err[0] and "ape, bee, cow" in err[0]
    else:
        good = code == 3 and ", ".join(columns) in err[0] and "a, b, c, d" in err[0]
    if not good:
        fail(f"{directory}, {what} {columns}: code {code}, {err} {out}")


def column(out, name):
    """How many of a class are there, and found: its recall."""
    return re.search(r'"name":"%s"[^}]*"recall":([^,}]*)' % name, out).group(1)


table("turned", COLUMNS[::-1], ROWS, price)
KINDS = [two_ranks, resume, file_and_checkpoint]
for pair in range(PAIRS):
    KINDS[pair % 3]()

# ---- A finished run stays as it is, and its files are found from elsewhere

before = {f: open(os.path.join(work, "whole", f), "rb").read() for f in ("config.yaml", "summary.json")}
code, _, err = train("c.yaml", "output=whole", "optimizer.sgd.lr=0.5", "--resume", ranks=2)
if code != 0 or any(open(os.path.join(work, "whole", f), "rb").read() != before[f] for f in before):
    fail(f"a finished run was rewritten: {code} {err}")
must("mkdir", "-p", "runs")
must(LOCKSTEP, "train", "c.yaml", "output=runs/deep", "--progress=none")
for folder, name in [(".", "runs/deep"), ("runs", "deep"), ("runs/deep", "."), ("/", os.path.join(work, "runs/deep")),
                     ("runs/deep/checkpoints", "final.h5")]:
    done = subprocess.run([LOCKSTEP, "evaluate", name, "--json"], cwd=os.path.join(work, folder), capture_output=True,
                          text=True)
    if done.returncode != 0 or done.stdout != TRUTH["whole"]:
        fail(f"evaluate {name} in {folder}: {done.returncode} {done.stderr}")

commands()

# ---- Tasks that never found each other

STEP = {"SLURM_STEP_ID": "0", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}
for given, wanted, lines in [(STEP, 2, 1), ({**STEP, "SLURM_PROCID": "3"}, 2, 0), ({**STEP, "LOCKSTEP_ALONE": "1"}, 0, 0),
                             ({"SLURM_NTASKS": "4"}, 0, 1), ({"PMI_SIZE": "2", "PMI_RANK": "0"}, 2, 1),
                             ({**STEP, "SLURM_STEP_NUM_TASKS": "1"}, 0, 0)]:
    code, _, err = run(LOCKSTEP, "train", "c.yaml", "output=none", "--progress=none", env=given)
    if code != wanted or len(err) != lines or (lines == 1 and "srun --mpi=pmix" not in err[0]):
        fail(f"{given}: {code} {err}")
code, _, err = run(*MPIRUN, "-n", "2", LOCKSTEP, "train", "c.yaml", "output=none", "--progress=none", env=STEP)
if code != 0 or err:
    fail(f"mpirun within a SLURM step: {code} {err}")

shutil.rmtree(work)
print("all good" if failures == 0 else f"{failures} failed")
sys.exit(failures > 0)

"""The README's configuration reference against the program: each key is accepted, each default is the
program's own, each choice is one, and no key that the program knows is left out."""
import os
import re
import subprocess
import sys
import tempfile

LOCKSTEP = os.path.join(os.environ["LOCKSTEP_BUILD"], "lockstep")
README = os.path.join(os.environ["LOCKSTEP_SOURCE"], "README.md")
# One process needs no helper of Open MPI's beside it; many short runs are much faster without.
os.environ["OMPI_MCA_ess_singleton_isolated"] = "1"
failures = 0

BASE = """
data: {file: data.h5}
model: [{dense: {units: 1}}]
loss: mse
optimizer: sgd
output: run
"""
# kind -> (overrides that make a config with {key: value} in it, the section of config.yaml it is in,
#          where an override of one more key goes)
KINDS = {}
for top in ("train", "early_stopping", "regularization", "clip", "checkpoint", "data"):
    KINDS[top] = ([f"{top}.%s"], top, top)
for name in ("data.split", "data.normalize"):
    KINDS[name] = ([f"{name}.%s"], "data", name)
for name in ("sgd", "adagrad", "rmsprop", "adam", "adamw"):
    KINDS[name] = ([f"optimizer={{{name}: {{%s}}}}"], "optimizer", f"optimizer.{name}")
for name in ("step", "exponential", "cosine", "linear", "polynomial", "reduce_on_plateau"):
    KINDS[name] = ([f"schedule={{{name}: {{%s}}}}"], "schedule", f"schedule.{name}")
for name in ("mse", "mae", "huber", "binary_cross_entropy"):
    KINDS[name] = ([f"loss={{{name}: {{%s}}}}"], "loss", f"loss.{name}")
CLASSES = ["data.file=classes.h5", "model=[{dense: {units: 8}}]"]
KINDS["cross_entropy"] = (["loss={cross_entropy: {%s}}"] + CLASSES, "loss", "loss.cross_entropy")
KINDS["compression.top_k"] = (["compression={top_k: {%s}}"], "compression", "compression.top_k")
KINDS["top_k"] = (["metrics=[{top_k: {%s}}]", "loss=cross_entropy"] + CLASSES, "metrics", "metrics.0.top_k")
for name in ("dense", "dropout", "reshape", "leaky_relu", "elu", "gelu"):
    KINDS[name] = (["model=[{dense: {units: 4}}, {%s: {%%s}}, {dense: {units: 1}}]" % name], "model",
                   f"model.1.{name}")
KINDS["concatenate"] = (["model=[{dense: {units: 4}}, {concatenate: {from: [input, dense_1], %s}}, "
                         "{dense: {units: 1}}]"], "model", "model.1.concatenate")
for name in ("constant", "uniform", "normal"):
    KINDS[name] = (["model=[{dense: {units: 1, kernel_initializer: {%s: {%%s}}}}]" % name], "model",
                   f"model.0.dense.kernel_initializer.{name}")
# Values where a default can't be written down as it is: required keys, and keys without a default.
NEEDED = {"dense": "units: 4", "dropout": "rate: 0.5", "reshape": "shape: [-1]", "step": "every_epochs: 3",
          "early_stopping": "monitor: loss", "regularization": "l1: 0", "clip": "value: 0"}
VALUES = {"data.inputs": "/train/x", "data.targets": "/train/y",
          "data.sample_weight": "/train/y", "data.lengths": "{}", "data.normalize": "true", "train.lanes": "4",
          "train.target_loss": "0.5", "step.every_steps": "10", "dense.activation": "relu",
          "data.file": "data.h5"}
EITHER = {"every_steps"}  # excludes another key
# Keys that the text describes for several kinds at once.
COMMON = {"name", "from", "activation"}   # of layers
WARMUP = {"warmup_steps", "warmup_epochs"}  # of schedules


FULL = os.environ.get("LOCKSTEP_TEST_FULL") is not None


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def run(*arguments):
    done = subprocess.run([LOCKSTEP, *arguments], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.strip()


def train(overrides, *options):
    short = [] if any(o.startswith("train.epochs=") for o in overrides) else ["train.epochs=1"]
    return run("train", "base.yaml", *overrides, *short, "--progress=none", *options)


def rows():
    """(full key, type, default) of each row of the reference."""
    text = open(README, encoding="utf-8").read()
    text = text[text.index("## Configuration"):text.index("## How lanes work")]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            for key in re.findall(r"`([a-z_0-9.]+)`", cells[0]):
                yield key, cells[1], cells[2].strip("`")
        elif line.startswith("| `"):
            fail(f"no row of four cells: {line}")


def same(a, b):
    try:
        return float(a) == float(b)
    except ValueError:
        return a == b


def fill(kind, text):
    overrides, _, _ = KINDS[kind]
    if kind.split(".")[0] in ("data", "train", "early_stopping", "regularization", "clip", "checkpoint"):
        pairs = [p.split(": ", 1) for p in text.split("; ") if p]
        return [f"{kind}.{key}={value}" for key, value in pairs] or [f"{kind}={{}}"] * (kind == "data.normalize")
    return [o % text.replace("; ", ", ") if "%s" in o else o for o in overrides]


def effective(section):
    """The lines of a section of the run's config.yaml."""
    inside, lines = False, []
    for line in open("run/config.yaml", encoding="utf-8"):
        if not line.startswith((" ", "-")):
            inside = line.startswith(section + ":")
        if inside:
            lines.append(line)
    return "".join(lines)


def check_kind(kind, keys):
    needed = NEEDED.get(kind, "")
    given = dict(pair.split(": ", 1) for pair in needed.split("; ") if pair)
    # Defaults: what the program fills in where nothing is said.
    code, _, error = train(fill(kind, needed))
    if code != 0:
        return fail(f"{kind} with nothing but what is required: {error}")
    text = effective(KINDS[kind][1])
    values, others = dict(given), []
    for key, what, default in keys:
        found = re.findall(rf"(?:^|[ {{]){key}: ([^,}}\n]+)", text, re.M)
        full = f"{kind}.{key}"
        if default not in ("*required*", "—", "ranks") and key not in given and full != "train.epochs":
            if not any(same(default, f.strip()) for f in found):
                fail(f"{full}: the README's default is {default}, the program's {found}")
        values[key] = given.get(key) or VALUES.get(full) or default
        others += [(key, choice) for choice in re.findall(r"`([a-z_]+)`", what) if choice != values[key]]
    for key in EITHER & set(values):
        others.append((key, values.pop(key)))
    # All keys at once, then (LOCKSTEP_TEST_FULL) each other choice alone.
    for change in [None] + (others if FULL else []):
        pairs = values if change is None else {**given, change[0]: change[1]}
        if change is not None and change[0] in EITHER:
            pairs = {change[0]: change[1]}
        code, _, error = train(fill(kind, "; ".join(f"{k}: {v}" for k, v in pairs.items()))
                               + ["data.split.validation=0.2"] * ("validation_loss" in pairs.values()))
        if code != 0:
            fail(f"{kind}: {pairs}: {error}")
    # the program names all keys that it knows when it meets another
    code, _, error = train(fill(kind, "; ".join(filter(None, [needed, "zzz: 1"]))))
    known = re.search(r"Known: ([a-z_0-9, ]+)", error)
    if code != 2 or not known:
        return fail(f"{kind}.zzz was not refused with a list of keys: {error}")
    known = set(known.group(1).split(", "))
    described = {key for key, _, _ in keys}
    section = KINDS[kind][1]
    described |= {m.rsplit(".", 1)[1] for m in ("data.split",) if kind == "data"}
    if section == "schedule":
        described |= WARMUP
    if section == "model" and "initializer" not in KINDS[kind][2]:
        described |= COMMON & known
    if known != described:
        fail(f"{kind}: the program knows {sorted(known)}, the README describes {sorted(described)}")


def main():
    open("base.yaml", "w").write(BASE)
    with open("data.csv", "w") as table, open("classes.csv", "w") as labels:
        for i in range(60):
            table.write(f"{i},{i % 7}.5,{(i % 2)}.0,0.{i}\n")
            labels.write(f"{i},{i % 7}.5,{(i % 2)}.0,{'abcdefgh'[i % 8]}\n")
    for name, target in (("data", []), ("classes", [])):
        code, _, error = run("convert", "csv", f"{name}.csv", "-o", f"{name}.h5", "--quiet", *target)
        if code != 0:
            fail(error)
    kinds, tops, single = {}, set(), []
    for key, what, default in rows():
        if "." in key:
            kind, leaf = key.rsplit(".", 1)
            kinds.setdefault(kind, []).append((leaf, what, default))
        else:
            tops.add(key)
            single.append((key, what, default))
    print(sum(len(k) for k in kinds.values()) + len(tops), "keys")
    for kind in kinds:
        if kind in KINDS:
            check_kind(kind, kinds[kind])
        else:
            fail(f"the test doesn't know where {kind} belongs")
    # the top level
    code, _, error = train(["zzz=1"])
    known = re.search(r"Known: ([a-z_0-9, ]+)", error)
    if not known or set(known.group(1).split(", ")) | {"base"} != tops:
        fail(f"top level: the README describes {sorted(tops)}, the program says: {error}")
    train([])
    whole = open("run/config.yaml", encoding="utf-8").read()
    for key, what, default in single:
        if not re.fullmatch(r"auto|[0-9.]+|constant", default):
            continue
        for choice in re.findall(r"`([a-z_]+)`", what) or [default]:
            code, _, error = train([f"{key}={choice}"])
            if code != 0:
                fail(f"{key}={choice}: {error}")
        found = re.search(rf"^{key}: (.+)$|^{key}:\n  ([a-z]+):", whole, re.M)
        if key == "schedule" or found and same(default, found.group(1) or found.group(2)):
            continue
        fail(f"{key}: the README's default is {default}, config.yaml says {found and found.group(0)}")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    main()
    os.chdir("/")
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)

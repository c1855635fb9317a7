"""src/config/README.md against the program: the page is what `lockstep help --markdown` prints; each key
on it is accepted, each default is the program's own, each choice is one, no key that the program knows
is left out, and `lockstep help KEY` answers for each."""
import difflib
import os
import re
import struct
import subprocess
import sys
import tempfile

LOCKSTEP = os.path.join(os.environ["LOCKSTEP_BUILD"], "lockstep")
PAGE = os.path.join(os.environ["LOCKSTEP_SOURCE"], "src/config/README.md")
# One process needs no helper of Open MPI's beside it; many short runs are much faster without.
os.environ["OMPI_MCA_ess_singleton_isolated"] = "1"
FULL = os.environ.get("LOCKSTEP_TEST_FULL") is not None
failures = 0

BASE = """
data: {file: data.h5}
model: [{dense: {units: 1}}]
loss: mse
optimizer: sgd
output: run
"""
MAPS = ("train", "early_stopping", "regularization", "clip", "checkpoint", "data", "data.split", "data.normalize",
        "data.time", "data.groups", "lr_scale", "initialize")
# Of 8 classes in place of a number.
CLASSES = ["data.file=classes.h5", "model=[{dense: {units: 8}}]"]
OF_CLASSES = ("accuracy", "top_k", "precision", "recall", "f1", "iou", "auc", "token_accuracy", "sequence_accuracy",
              "perplexity", "character_error_rate", "word_error_rate")
# What losses need that a number doesn't give: classes, vectors, yes or no, shares.
VECTORS = ["data.targets=inputs", "model=[{dense: {units: 3}}]"]
FOR_LOSS = {"cross_entropy": CLASSES, "focal": CLASSES, "cosine_similarity": VECTORS, "relative_l2": VECTORS,
            "ctc": ["data.file=labels.h5", "data.inputs=x", "data.targets=x", "data.lengths={input: y}",
                    "model=[{dense: {units: 8}}, {reshape: {shape: [4, 2]}}]"], "hinge": ["data.file=bits.h5"], "kl_divergence": ["data.file=shares.h5", "model=[{dense: {units: 2}}]"]}
# Values for keys whose default can't be written down as it is: required keys, and keys without one.
NEEDED = {"model.dense": {"units": "3"}, "model.dropout": {"rate": "0.5"}, "model.reshape": {"shape": "[-1]"},
          "model.add": {"from": "[input, dense_1]"}, "model.concatenate": {"from": "[input, dense_1]"},
          "block.residual": {"layers": "[{dense: {units: 3}}]"},
          "block.parallel": {"branches": "[[{dense: {units: 2}}, tanh], [linear]]"},
          "block.repeat": {"times": "2", "layers": "[tanh]"}, "block.sequential": {"layers": "[tanh, relu]"},
          "model.multiply": {"from": "[input, dense_1]"}, "model.permute": {"dims": "[2, 1]"},
          "model.crop": {"cropping": "[0, 1]"}, "schedule.step": {"every_epochs": "3"}, "early_stopping": {"monitor": "loss"},
          "regularization": {"l1": "0"}, "clip": {"value": "0"}, "initialize": {"from": "run"},
          "parameters": {"match": "dense_1/bias"}, "data.time": {"axis": "1"}, "data.groups": {"train": "train"},
          "data.inputs": {"dataset": "/train/x"}, "metrics.word_error_rate": {"space": "1"}}
VALUES = {"data.axis": "0", "data.split.by": "sample", "data.time.series": "~",
          "data.groups.validation": "~", "data.groups.test": "~",
          "data.inputs.select": '"[:, :2]"', "data.inputs.axis": "0", "data.inputs.time": "false",
          "data.inputs": "/train/x", "data.targets": "/train/y", "data.sample_weight": "/train/y",
          "data.lengths": "{}", "data.longest": "{}", "data.normalize": "true", "data.file": "data.h5", "train.lanes": "4",
          "train.target_loss": "0.5", "train.monitor": "loss", "schedule.step.every_steps": "10", "model.*.name": "other",
          "schedule.*.epochs": "1", "schedule.*.steps": "2", "schedule.*.lr": "0.1",
          "initialize.match": "dense_1", "initialize.freeze": "dense_1/bias", "parameters.lr_scale": "2",
          "parameters.weight_decay": "0.1", "parameters.l1": "0.1", "parameters.l2": "0.1",
          "parameters.trainable": "true",
          "model.*.strides": "1", "model.prelu.shared_axes": "[1]", "model.prelu.alpha_initializer": "zeros",
          "model.*.from": "dense_1", "model.*.activation": "relu", "model.*.share": "dense_1",
          "block.*.name": "other", "block.*.from": "dense_1", "block.*.activation": "relu",
          "block.residual.shortcut": "[{dense: {units: 3}}]",
          "loss.*.class_weights": "balanced", "loss.*.ignore_index": "-1", "loss.ctc.input_lengths": "input"}
# These stand alone: they exclude another key.
ALONE = {"every_steps", "warmup_epochs", "share", "steps", "weight_of"}
# Defaults that config.yaml doesn't show.
WORDS = {"*required*", "—", "ranks"}
HIDDEN = {"warmup_epochs", "trainable", "shortcut", "join", "batch_by_length"}
# Of data.inputs, where samples are of different lengths: check_ragged has them.
RAGGED = {"offsets", "counts", "length", "truncate", "padding", "empty", "lengths_of"}
# What stands before a layer that doesn't take a row of numbers, or shares with its like.
POSITIONS = {"1d": "[4, 2]", "2d": "[2, 2, 2]", "3d": "[2, 2, 2, 1]", "global_avg_pool": "[4, 2]",
             "global_max_pool": "[4, 2]", "upsample": "[2, 2, 2]", "pad": "[4, 2]", "crop": "[4, 2]",
             "permute": "[4, 2]", "last_step": "[4, 2]", "position_embedding": "[4, 2]", "attention": "[4, 2]"}
BEFORE = {"prelu": "{prelu: {name: dense_1}}", "layer_norm": "{layer_norm: {name: dense_1}}",
          "group_norm": "{dense: {units: 3, name: row}}, {group_norm: {groups: 1, name: dense_1}}"}
for kind in ("rnn", "lstm", "gru"):
    NEEDED[f"model.{kind}"] = {"units": "2"}
    BEFORE[kind] = ("{dense: {units: 8, name: row}}, {reshape: {shape: [4, 2], name: steps}}, "
                    f"{{{kind}: {{units: 2, return_sequences: true, name: dense_1}}}}")
BEFORE["rms_norm"] = "{rms_norm: {name: dense_1}}"
BEFORE["position_embedding"] = ("{dense: {units: 8, name: row}}, {reshape: {shape: [4, 2]}}, "
                                "{position_embedding: {name: dense_1}}")
BEFORE["attention"] = ("{dense: {units: 8, name: row}}, {reshape: {shape: [4, 2]}}, "
                       "{attention: {num_heads: 1, key_dim: 3, name: dense_1}}")
NEEDED["model.attention"] = {"num_heads": "1", "key_dim": "3"}
NEEDED["model.group_norm"] = {"groups": "1"}
UNSHARED = {"model.batch_norm"}  # statistics belong to one place
for dims, shape in enumerate(("[8, 1]", "[4, 2, 1]", "[2, 2, 2, 1]"), 1):
    for kind in (f"conv{dims}d", f"conv{dims}d_transpose") + (f"depthwise_conv{dims}d",) * (dims < 3):
        NEEDED[f"model.{kind}"] = {"kernel_size": "1"} if "depthwise" in kind else {"filters": "1", "kernel_size": "1"}
        options = ", ".join(f"{key}: {value}" for key, value in NEEDED[f"model.{kind}"].items())
        BEFORE[kind] = (f"{{dense: {{units: 8, name: row}}}}, {{reshape: {{shape: {shape}, name: image}}}}, "
                        f"{{{kind}: {{{options}, name: dense_1}}}}")

# Ids, and images, in place of rows.
NEEDED["model.embedding"] = {"input_dim": "100", "output_dim": "3"}
NEEDED.update({f"data.augment.{transform}": {key: value} for transform, key, value in (
    ("random_crop", "padding", "1"), ("shift", "height", "0.1"), ("rotation", "factor", "0.1"),
    ("zoom", "height", "0.1"), ("brightness", "factor", "0.1"), ("contrast", "factor", "[-0.1, 0.2]"),
    ("time_shift", "steps", "1"), ("time_mask", "width", "1"), ("frequency_mask", "width", "1"),
    ("noise", "stddev", "0.1"), ("cutout", "size", "1"), ("mixup", "alpha", "0.3"))})
VALUES.update({"model.embedding.from": "input", "model.embedding.share": "table", "data.augment": "[]",
               "data.*.value_range": "[0, 60]", "data.augment.zoom.width": "0.2"})
WORDS |= {"0 to 255 of bytes", "as the height"}
HIDDEN |= {"embeddings_initializer", "recurrent_initializer"}
VALUES["model.dense.weight_of"] = "dense_1"
IMAGES = ["model=[flatten, {dense: {units: 1}}]", "data.file=images.h5"]


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def run(*arguments):
    done = subprocess.run([LOCKSTEP, *arguments], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.strip()


def train(overrides):
    short = [] if any(o.startswith("train.epochs=") for o in overrides) else ["train.epochs=1"]
    return run("train", "base.yaml", *overrides, *short, "--progress=none")


def read_page(text):
    """{place: [(key, type, default)]}; a place is a section, "train", or a name in one, "optimizer.adam"."""
    places, each, section = {}, {}, None
    for line in text.splitlines():
        heading, bullet = re.match(r"###? (.+)", line), re.match(r"- `(\w+)`", line)
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        row = re.fullmatch(r"(each: )?`([a-z_0-9.]+)`", cells[0]) if len(cells) == 4 else None
        if heading:
            section = "" if heading.group(1) == "Top level" else heading.group(1)
        elif bullet:
            places[f"{section}.{bullet.group(1)}"] = []
        elif row and row.group(1):
            each.setdefault(section, []).append((row.group(2), cells[1], cells[2].strip("`")))
        elif row and not cells[1]:
            places[f"{section}.{row.group(2)}"] = []
        elif row:
            of_section = section == "" or row.group(2).startswith(section + ".")
            full = row.group(2) if of_section else f"{section}.{row.group(2)}"
            place, key = full.rsplit(".", 1) if "." in full else ("", full)
            places.setdefault(place, []).append((key, cells[1], cells[2].strip("`")))
        elif line.startswith("| `"):
            fail(f"no row of four cells: {line}")
    for place in places:
        places[place] += each.get(place.split(".")[0], []) if "." in place and place not in MAPS else []
    return places


def overrides_of(place, values):
    """Overrides that make a config in which these values stand in this place, and the section of
    config.yaml that shows them."""
    section, _, name = place.partition(".")
    inside = f"{{{name}: {{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}}"
    if place in MAPS:
        return [f"{place}.{key}={value}" for key, value in values.items()] or [f"{place}={{}}"], section
    if place == "data.inputs":   # a column of a table wants a table, which convert doesn't make
        inside = ", ".join(f"{key}: {value}" for key, value in values.items() if key not in RAGGED | {"field"})
        return [f"data.inputs=[/train/x, {{{inside}}}]", "data.targets=/train/y", "data.time.axis=1"], section
    if section == "parameters":
        return ["parameters=[{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}]"], section
    if section == "initializer":
        return [f"model=[{{dense: {{units: 1, kernel_initializer: {inside}}}}}]"], "model"
    if place.startswith("data.augment."):
        return ["data.augment=[" + inside.replace("augment.", "", 1) + "]"] + IMAGES, section
    if name == "embedding":
        first = "{embedding: {input_dim: 100, output_dim: 3, name: table}}, "
        both = ", {add: {from: [table, embedding_2]}}"
        if "share" in values:
            inside = first + inside.replace("share", "from: input, share") + both
        return [f"model=[{inside}, flatten, {{dense: {{units: 1}}}}]", "data.file=ids.h5"], "model"
    if name == "lengths":  # other layers read it, and no activation can
        inside = inside.replace(", activation: relu", "").replace("activation: relu", "")
        before = "{dense: {units: 8, name: row}}, {reshape: {shape: [4, 2], name: dense_1}}"
        after = f"{{last_step: {{from: [dense_1, {values.get('name', 'lengths_1')}]}}}}"
        return [f"model=[{before}, {inside}, {after}, {{dense: {{units: 1}}}}]"], "model"
    if section in ("model", "block"):
        shape = POSITIONS.get(name) or POSITIONS.get(name[-2:])
        before = f"{{dense: {{units: 8, name: row}}}}, {{reshape: {{shape: {shape}, name: dense_1}}}}" if shape \
            else "{dense: {units: 3}}"
        before = BEFORE.get(name, before)
        return [f"model=[{before}, {inside}, flatten, {{dense: {{units: 1}}}}]"], "model"
    if section == "metrics":
        classes = ["loss=cross_entropy"] + CLASSES if name in OF_CLASSES else []
        return [f"metrics=[{inside}]"] + classes, "metrics"
    return [f"{section}={inside}"] + (FOR_LOSS.get(name, []) if section == "loss" else []), section


def effective(section):
    """The lines of a section of the run's config.yaml."""
    inside, lines = False, []
    for line in open("run/config.yaml", encoding="utf-8"):
        if not line.startswith((" ", "-")):
            inside = line.startswith(section + ":")
        if inside:
            lines.append(line)
    return "".join(lines)


def same(a, b):
    try:
        return float(a) == float(b)
    except ValueError:
        return a == b


def value_of(place, key, default):
    every = f"{place.split('.')[0]}.*.{key}"
    return NEEDED.get(place, {}).get(key) or VALUES.get(f"{place}.{key}") or VALUES.get(every) or default


def check_place(place, keys):
    needed = NEEDED.get(place, {})
    overrides, section = overrides_of(place, needed)
    keys = check_known(place, overrides_of(place, {**needed, "zzz": "1"})[0], keys)
    if place not in ("data", "train"):  # which the base has said, or has defaults for
        code, _, error = train(overrides)
        if code != 0:
            return fail(f"{place} with nothing but what is required: {error}")
    else:
        train([])
    text = effective(section)
    values, others = dict(needed), []
    for key, what, default in keys:
        found = re.findall(rf"(?:^|[ {{]){key}: ([^,}}\n]+)", text, re.M)
        shown = default not in WORDS and key not in needed and key not in HIDDEN and f"{place}.{key}" != "train.epochs" \
            and not (place == "data.inputs" and key in RAGGED)
        if shown and not any(same(default, f.strip()) for f in found):
            fail(f"{place}.{key}: the page's default is {default}, the program's {found}")
        values[key] = value_of(place, key, default)
        others += [{key: choice} for choice in re.findall(r"`([a-z_]+)`", what) if choice != values[key]]
    others = others if FULL else []
    alone = set() if place.startswith("data.augment.") else ALONE
    others += [{key: values.pop(key)} for key in alone & set(values)]
    for pairs in [values] + [{**({} if "every_steps" in o else needed), **o} for o in others]:
        if "share" in pairs and place in UNSHARED:
            continue
        split = ["data.split.validation=0.2"] * ("validation_loss" in pairs.values())
        code, _, error = train(overrides_of(place, pairs)[0] + split)
        if code != 0:
            fail(f"{place}: {pairs}: {error}")


def not_for(layer, known):
    """Keys of all layers that the page says this one doesn't have."""
    code, _, _ = train([f"model=[{{dense: {{units: 1, activation: {layer}}}}}]"])
    weights = {"trainable", "share"} & known
    if layer == "dense" and not weights or len(weights) == 1:
        fail(f"{layer} has {weights or 'no weights'}")
    return ({"activation"} if code == 0 else set()) | (set() if weights else {"trainable", "share"})


def check_known(place, overrides, keys):
    """The program names all keys that it knows when it meets another, and has help for each.  Returns
    the keys that this place has."""
    code, _, error = train(overrides)
    if code != 2 or "zzz" not in error:
        fail(f"{place}.zzz was not refused: exit code {code}, {error}")
        return []
    known = re.search(r"Known: ([a-z_0-9, ]+)", error)
    known = set(known.group(1).split(", ")) if known else set()
    if place.startswith("model."):
        others = not_for(place.split(".")[1], known)
        keys = [key for key in keys if key[0] not in others]
    described = {key for key, _, _ in keys} | ({"split", "time", "groups"} if place == "data" else set())
    if known | ({"base"} if place == "" else set()) != described:
        fail(f"{place}: the program knows {sorted(known)}, the page describes {sorted(described)}")
    names = [f"{place}.{key}" if place else key for key in sorted(known)]
    code, out, error = run("help", *names) if names else (0, "", "")
    missing = [name for name in names if not re.search(rf"^(?:configuration: )?{re.escape(name)}$", out, re.M)]
    if code != 0 or missing:
        fail(f"lockstep help has no {', '.join(missing)} {error}")
    return keys


def check_top(keys):
    check_known("", ["zzz=1"], keys)
    train([])
    whole = open("run/config.yaml", encoding="utf-8").read()
    for key, what, default in keys:
        if not re.fullmatch(r"auto|none|[0-9.]+|constant", default):
            continue
        for choice in re.findall(r"`([a-z_]+)`", what) or [default]:
            code, _, error = train([f"{key}={choice}"])
            if code != 0:
                fail(f"{key}={choice}: {error}")
        found = re.search(rf"^{key}: (.+)$|^{key}:\n  ([a-z]+):", whole, re.M)
        if not found or not same(default, found.group(1) or found.group(2)):
            if key != "schedule":  # one that is not named isn't shown either
                fail(f"{key}: the page's default is {default}, config.yaml says {found and found.group(0)}")


def check_ragged():
    """Keys of datasets whose samples are of different lengths."""
    make = os.path.join(os.environ["LOCKSTEP_BUILD"], "tests", "cli", "make_ragged")
    subprocess.run([make, "24", "10", "ragged.h5", "padded.h5"], check=True)
    for where in "offsets: x_offsets", "counts: n":
        x = f"{{dataset: x, {where}, length: 9, truncate: true, padding: 2, empty: drop}}"
        code, _, error = train(["data.file=ragged.h5", f"data.inputs={{x: {x}, steps: {{lengths_of: x}}}}",
                                "data.targets=y", "data.batch_by_length=true", "loss=cross_entropy",
                                "model=[{lstm: {units: 3, from: [x, steps]}}, {dense: {units: 2}}]"])
        shown = effective("data")
        lost = [v for v in (*x[1:-1].split(", "), "lengths_of: x", "batch_by_length: true") if v not in shown]
        if code != 0 or lost:
            fail(f"{x}: {error}{lost}")


def check_forms():
    """Keys that have several forms: data and outputs by name."""
    ports = ["data.inputs={a: x, b: [x, x]}", "data.targets={p: y, q: y}", "outputs=[p, q]",
             "model=[{dense: {units: 3, from: a, name: one}}, {dense: {units: 3, from: b}}, "
             "{add: {from: [one, dense_2], name: both}}, {dense: {units: 1, name: p}}, "
             "{dense: {units: 1, name: q, from: both, trainable: false}}]",
             "loss={p: mse, q: {huber: {weight: 0.5}}}", "metrics={p: [mae], q: []}", "data.sample_weight=y"]
    lengths = ["data.file=lengths.h5", "data.inputs=x", "data.targets={t: x}", "data.lengths={t: y}",
               "model=[{dense: {units: 3}}]"]
    joined = ["data.inputs=[x, x]", "data.targets=y"]
    own = ["data.targets=inputs", "model=[{dense: {units: 3}}]"]
    for overrides in ports, lengths, joined, own:
        code, _, error = train(overrides)
        if code != 0:
            fail(f"{overrides}: {error}")


def array(name, kind, shape, values):
    """A file of NumPy's."""
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    open(name, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + values)


def make_data():
    array("images.npy", "|u1", (60, 4, 5), bytes(i * 7 % 251 for i in range(1200)))
    array("ids.npy", "<i4", (60, 3), struct.pack("<180i", *(i % 90 for i in range(180))))
    array("labels.npy", "<i4", (60, 3), struct.pack("<3i", 1, -1, -1) * 60)
    array("real.npy", "<i4", (60,), struct.pack("<60i", *(1 + i % 3 for i in range(60))))
    array("y.npy", "<f4", (60,), struct.pack("<60f", *(0.1 * i for i in range(60))))
    for name, y in ("images", "y"), ("ids", "y"), ("labels", "real"):
        code, _, error = run("convert", "npy", f"{name}.npy", f"{y}.npy", "-o", f"{name}.h5", "--quiet")
        if code != 0:
            fail(error)
    open("base.yaml", "w").write(BASE)
    targets = {"data": lambda i: f"0.{i}", "classes": lambda i: "abcdefgh"[i % 8], "lengths": lambda i: str(i % 4),
               "bits": lambda i: str(i % 2), "shares": lambda i: "0.25,0.75"}
    for name, target in targets.items():
        with open(f"{name}.csv", "w") as table:
            table.writelines(f"{i},{i % 7}.5,{i % 2}.0,{target(i)}\n" for i in range(60))
        several = ["--target", "4,5", "--label", "number"] if name == "shares" else []
        several = ["--label", "number"] if name == "bits" else several
        code, _, error = run("convert", "csv", f"{name}.csv", "-o", f"{name}.h5", "--quiet", *several)
        if code != 0:
            fail(error)


def main(work):
    page = open(PAGE, encoding="utf-8").read() if os.path.exists(PAGE) else ""
    _, printed, _ = run("help", "--markdown")
    if page != printed:
        lines = difflib.unified_diff(page.splitlines(), printed.splitlines(), "the page", "printed", n=0)
        fail("src/config/README.md isn't what the program prints:\n" + "\n".join(list(lines)[:20]) +
             "\nupdate it: build/lockstep help --markdown > src/config/README.md")
    os.chdir(work)
    make_data()
    places = read_page(printed)
    print(sum(len(keys) for keys in places.values()), "keys in", len(places), "places")
    check_top(places.pop(""))
    for place in places:
        check_place(place, places[place])
    check_forms()
    check_ragged()
    os.chdir("/")


with tempfile.TemporaryDirectory() as folder:
    main(folder)
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)

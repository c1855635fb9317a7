"""Learning curves of runs that are made up here, as `lockstep plot` lays them over each other: what the SVG holds
(names, numbers of curves, their dashes and marks, where the legend is), sizes, axes, and what is refused."""
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

PROGRAM = os.path.join(os.environ["LOCKSTEP_BUILD"], "lockstep")
if shutil.which("gnuplot") is None:
    print("gnuplot is not here")
    sys.exit(77)
failures = 0
work = tempfile.mkdtemp(prefix="lockstep-plot.")
os.chdir(work)


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def plot(*args, gnuplot=None):
    env = {key: value for key, value in os.environ.items() if key != "GNUPLOT"}
    if gnuplot is not None:
        env["GNUPLOT"] = gnuplot
    return subprocess.run([PROGRAM, "plot", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=env)


def make(name, epochs, values, best=None, loss="mse"):
    """values(epoch): what an epoch came to; None is a number that was not finite."""
    os.makedirs(name)
    with open(os.path.join(name, "metrics.jsonl"), "w") as f:
        for epoch in range(1, epochs + 1):
            line = {"type": "epoch", "epoch": epoch, "step": 10 * epoch, **values(epoch), "lr": 0.001,
                    "samples_per_second": 1.5, "seconds": {"input": 0.5}}
            f.write(json.dumps(line, separators=(",", ":")) + "\n")
    with open(os.path.join(name, "config.yaml"), "w") as f:
        f.write(f"loss: {loss}\n")
    if best is not None:
        with open(os.path.join(name, "summary.json"), "w") as f:
            f.write(f'{{"status":"done","best_epoch":{best}}}')


def falling(slow=4.0, **more):
    return lambda epoch: {"loss": math.exp(-epoch / slow) + 0.2, "validation_loss": math.exp(-epoch / slow) + 0.3, **more}


class Picture:
    """An SVG: its texts, its size, its curves as lists of points with their dashes."""

    def __init__(self, path):
        root = xml.etree.ElementTree.parse(path).getroot()
        self.size = [float(v) for v in root.get("viewBox").split()[2:]]
        self.texts, self.places = [], []
        self.walk(root, None)
        self.curves, self.dashes, self.colours = [], [], []
        for node in root.iter():
            stroke = node.get("stroke", "").replace(" ", "")
            if not node.tag.endswith("}path") or not stroke.startswith("rgb") or stroke == "rgb(96,96,96)" or "Z" in node.get("d"):
                continue
            for line in node.get("d").split("M"):
                points = [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", line)]
                if len(points) > 2:
                    self.curves.append(points)
                    self.colours.append(stroke)
                    self.dashes.append(node.get("stroke-dasharray"))

    def walk(self, node, place):
        moved = re.match(r"translate\(([\d.]+),([\d.]+)\)", node.get("transform", ""))
        if moved:
            place = (float(moved.group(1)), float(moved.group(2)))
        if node.tag.endswith("}text"):
            self.texts.append("".join(node.itertext()).strip())
            self.places.append(place)
        for child in node:
            self.walk(child, place)


def drawn(*args, wants=(), lacks=()):
    """The picture of these arguments, and what it must say."""
    got = plot(*args, "-o", "picture.svg")
    if got.returncode != 0 or got.stdout != "picture: picture.svg\n" or got.stderr:
        fail(f"{args}: {got.returncode} {got.stdout} {got.stderr}")
        return None
    if os.path.exists("picture.svg.gp"):
        fail(f"{args}: the script of a picture that is drawn is left")
    is_there = Picture("picture.svg")
    for text in wants:
        if text not in is_there.texts:
            fail(f"{args}: no text {text!r} in {is_there.texts}")
    for text in lacks:
        if text in is_there.texts:
            fail(f"{args}: a text {text!r}")
    return is_there


def equal(what, saw, wanted):
    if saw != wanted:
        fail(f"{what}: {saw}, wanted {wanted}")


# One run: training dashed, validation not, the legend in a corner where neither is.
make("runs/one", 12, falling())
p = drawn("runs/one", wants=["loss (mse)", "epoch", "training", "validation", "lowest validation loss: epoch 12"], lacks=["lr", "learning rate"])
equal("curves of one run", [len(c) for c in p.curves], [12, 12])
equal("which is dashed", [d is not None for d in p.dashes], [True, False])


def check_legend(picture):
    at = [place for text, place in zip(picture.texts, picture.places) if text in ("training", "validation")]
    for x, y in at:
        for curve in picture.curves:
            if any(abs(u - x) < 60 and abs(v - y) < 8 for u, v in curve):
                fail(f"a curve runs through the legend at {x}, {y}")
    return at


check_legend(p)
# Where curves rise, that is another corner; where they are everywhere, it is below them.
make("runs/rising", 12, lambda e: {"loss": 1.0 * e, "validation_loss": 1.1 * e})
check_legend(drawn("runs/rising"))
make("runs/wild", 60, lambda e: {"loss": 1 + math.sin(1.3 * e), "validation_loss": 1 + math.cos(1.3 * e)})
p = drawn("runs/wild")
if min(y for x, y in check_legend(p)) < max(v for c in p.curves for u, v in c):
    fail("the legend is not below curves that are everywhere")
# Early stopping's best epoch is taken from the summary.
make("runs/stopped", 12, falling(), best=7)
drawn("runs/stopped", wants=["best epoch: 7"])
# Several: common parts of their paths are no names; other metrics have panels of their own; nothing in a name is obeyed.
names = ["it's \"quoted\"", "{Bold=80 x}@y^2", "under_scored", "ünï", "`touch hacked`", "a&b<c>", "$(touch hacked)"]
for i, name in enumerate(names[:2]):
    make(f"sweep/{name}/run", 12, falling(3 + i, **({"accuracy": 0.5} if i == 0 else {"mae": 1.5})))
p = drawn("sweep/" + names[0] + "/run", "sweep/" + names[1] + "/run/",
          wants=["loss (mse)", "accuracy", "mae", *names[:2], "training", "lowest validation loss"])
equal("curves of two runs", len(p.curves), 6)
for i, name in enumerate(names[2:]):
    make(f"sweep/{name}/run", 12, falling(5 + i))
p = drawn(*("sweep/" + name + "/run" for name in names), wants=["validation loss (mse)", *(n.replace("`", '"') for n in names)], lacks=["training"])
below = [place[1] for text, place in zip(p.texts, p.places) if text in names]
if min(below) < max(v for c in p.curves for u, v in c):
    fail("the legend of seven runs is not below their curves")
if os.path.exists("hacked"):
    fail("a name was obeyed")
# Quotes where gnuplot takes none.
for name in ("'; print 1; '", "''a", "b''c'"):
    make("quoted/" + name, 3, falling())
drawn(*("quoted/" + name for name in ("'; print 1; '", "''a", "b''c'")), wants=["\u2019; print 1; '", "\u2019\u2019a", "b'\u2019c'"])
# Twelve runs: each has its own pair of colour and dash.
for i in range(12):
    make(f"twelve/lr={i}", 20, falling(3 + i))
p = drawn(*(f"twelve/lr={i}" for i in range(12)), wants=[f"lr={i}" for i in range(12)])
equal("curves of twelve runs", len(p.curves), 12)
equal("looks of twelve runs", len(set(zip(p.colours, p.dashes))), 12)
# Axes: a decade and a half is where the logarithmic one begins, and it has a place for 0; a number that isn't finite is marked.
make("axes/log", 10, lambda e: {"loss": 10 ** (-e / 3), "validation_loss": 2 * 10 ** (-e / 3)})
p = drawn("axes/log", wants=["0.1", "0.01"])
falls = [b[1] - a[1] for a, b in zip(p.curves[0], p.curves[0][1:])]
equal("a falling exponential is straight on a logarithmic axis", max(falls) - min(falls) < 1.5 < min(falls), True)
make("axes/linear", 10, lambda e: {"loss": 2.0 - 0.19 * e})
p = drawn("axes/linear", wants=["0.5", "1"], lacks=["0.1", "validation"])
make("axes/zero", 10, lambda e: {"loss": max(0.0, 10.0 ** -e - 1e-6)})
drawn("axes/zero", wants=["0", "0.01"])
make("axes/nan", 10, lambda e: {"loss": None if e == 5 else 1.0 / e, "validation_loss": 1.5 / e})
p = drawn("axes/nan", wants=["not finite"])
equal("a gap where the loss was not finite", sorted(len(c) for c in p.curves), [4, 5, 10])
make("axes/r2", 10, lambda e: {"loss": 1.0 / e, "r2": -1e9 if e == 1 else 0.05 * e})
drawn("axes/r2", wants=["r2, first epoch cut"])
make("axes/one", 1, falling())
drawn("axes/one", wants=["1"])
make("axes/thousand", 1000, falling(100.0))
drawn("axes/thousand", wants=["200", "1000"])
drawn("axes/r2", "--show", "r2", wants=["r2, first epoch cut"], lacks=["loss (mse)"])
# Sizes, and formats by the name's end.
p = drawn("runs/one", "--size", "480x320")
equal("the size", p.size, [480, 320])
for size in ((480, 320), (1600, 1200)):
    got = plot("runs/one", "runs/stopped", "--size", "{}x{}".format(*size), "-o", "picture.png")
    head = open("picture.png", "rb").read(24) if got.returncode == 0 else b""
    equal("a PNG of", head[16:24], size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big"))
got = plot("runs/one", "-o", "picture.pdf")
equal("a PDF", (got.returncode, open("picture.pdf", "rb").read(5) if got.returncode == 0 else got.stderr), (0, b"%PDF-"))
got = plot("runs/one", "runs/stopped")
equal("without -o", (got.stdout, os.path.exists("comparison.png"), os.path.exists("comparison.svg")),
      ("pictures: comparison.png, comparison.svg\n", True, True))
# With characters, as wide as is said.
os.environ["COLUMNS"] = "70"
got = plot("runs/one", "--text")
if got.returncode != 0 or "training" not in got.stdout or "loss (mse)" not in got.stdout or max(map(len, got.stdout.splitlines())) > 70:
    fail(f"--text: {got}")
# A gnuplot that fails, or is not there: one line, code 1, and the script, which draws the picture later.
with open("fails.sh", "w") as f:
    f.write('#!/bin/sh\necho "line 7: no such terminal" >&2\nexit 2\n')
os.chmod("fails.sh", 0o755)
for gnuplot, wanted in (("no-such-gnuplot", "install gnuplot"), (os.path.join(work, "fails.sh"), "line 7: no such terminal"), ("", "GNUPLOT is empty")):
    if os.path.exists("later.svg.gp"):
        os.remove("later.svg.gp")
    got = plot("runs/one", "-o", "later.svg", gnuplot=gnuplot)
    if got.returncode != 1 or wanted not in got.stderr or len(got.stderr.splitlines()) != 1 or os.path.exists("later.svg"):
        fail(f"GNUPLOT={gnuplot}: {got}")
    if subprocess.run(["gnuplot", "-c", "later.svg.gp", "later.svg"], capture_output=True).returncode != 0 or not os.path.exists("later.svg"):
        fail(f"GNUPLOT={gnuplot}: the script does not draw it")
    else:
        os.remove("later.svg")
# What is refused.
os.makedirs("empty")
os.makedirs("begun")
open("begun/metrics.jsonl", "w").close()
make("diverged", 3, lambda e: {"loss": None, "validation_loss": None})
for args, code, wanted in ((["empty", "runs/one"], 1, "empty: there is no metrics.jsonl"), (["begun", "runs/one"], 1, "no epoch has been finished yet"),
                           (["diverged", "-o", "x.png"], 1, "no epoch has a loss or metric that is finite"),
                           (["runs/one", "-o", "x.gif"], 2, ".png, .svg or .pdf"), (["runs/one", "--show", "nose", "-o", "x.png"], 2, "there are: loss, lr"),
                           (["runs/one", "--size", "800"], 2, "800x600"), (["runs/one", "runs/stopped", "--split", "test"], 2, "--split"),
                           (["runs/one", "runs/stopped", "loss=mae"], 2, "loss=mae"), (["runs/one", "-o", "x.png", "--text"], 2, "one of them"),
                           (["runs/one", "-o", "nowhere/x.png"], 1, "nowhere/x.png.gp")):
    got = plot(*args)
    if got.returncode != code or wanted not in got.stderr or len(got.stderr.splitlines()) != 1:
        fail(f"{args}: {got}")
os.chdir("/")
shutil.rmtree(work)
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)

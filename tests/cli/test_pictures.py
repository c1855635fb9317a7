"""The pictures of a run: they are there and whole for each sort of network, the same scripts on any number
of ranks and from `lockstep plot`; no name and no path is ever obeyed; where gnuplot is missing, hangs or
fails, a line says so and the run is as it was."""
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import xml.dom.minidom
import zipfile
import zlib

BUILD = os.environ["LOCKSTEP_BUILD"]
PROGRAM = os.path.join(BUILD, "lockstep")
failures = 0
work = tempfile.mkdtemp(prefix="lockstep-pictures.")
os.chdir(work)
draw = random.Random(1)


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def run(*args, ranks=1, gnuplot=None, path=None):
    env = dict(os.environ)
    env.pop("GNUPLOT", None)
    if gnuplot is not None:
        env["GNUPLOT"] = gnuplot
    if path is not None:
        env["PATH"] = path
    start = [] if ranks == 1 else ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none"]
    return subprocess.run([*start, PROGRAM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=250, env=env)


def good(*args, **how):
    got = run(*args, **how)
    if got.returncode != 0:
        fail(f"{args}: exit code {got.returncode}: {got.stderr}")
    return got.stdout


def npy(code, shape, data):
    head = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def data(name, x_shape, x, y_shape, y, y_code="<f4"):
    n = len(y) if not y_shape else len(y) // math.prod(y_shape)
    with zipfile.ZipFile(name + ".npz", "w") as z:
        z.writestr("x.npy", npy("<f4", (n, *x_shape), struct.pack(f"<{len(x)}f", *x)))
        z.writestr("y.npy", npy(y_code, (n, *y_shape), struct.pack(f"<{len(y)}{'f' if y_code == '<f4' else 'q'}", *y)))
    good("convert", "npz", name + ".npz", "-o", name + ".h5", "--validation", "0.3", "--quiet")


def config(name, model, loss, more=""):
    with open(name + ".yaml", "w") as f:
        f.write(f"data: {{file: {name}.h5}}\nmodel: [{model}]\nloss: {loss}\noptimizer: {{sgd: {{lr: 0.01}}}}\n"
                f"train: {{batch: 32, epochs: 3}}\n{more}\n")


def is_png(path):
    with open(path, "rb") as f:
        text = f.read()
    if text[:8] != b"\x89PNG\r\n\x1a\n":
        return False
    at, pixels, kinds = 8, b"", []
    while at < len(text):
        size, kind = struct.unpack(">I4s", text[at:at + 8])
        if zlib.crc32(text[at + 4:at + 8 + size]) != struct.unpack(">I", text[at + 8 + size:at + 12 + size])[0]:
            return False
        kinds.append(kind)
        if kind == b"IDAT":
            pixels += text[at + 8:at + 8 + size]
        at += 12 + size
    width, height = struct.unpack(">II", text[16:24])
    whole = zlib.decompress(pixels)
    return kinds[-1] == b"IEND" and width > 300 and height > 300 and len(set(whole)) > 8


def check_pictures(run_directory, names, wanted_in_svg=()):
    folder = os.path.join(run_directory, "pictures")
    have = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    wanted = sorted(f"{name}.{end}" for name in names for end in ("gp", "png", "svg"))
    if have != wanted:
        fail(f"{run_directory}: {have}, wanted {wanted}")
        return
    text = ""
    for name in names:
        if not is_png(os.path.join(folder, name + ".png")):
            fail(f"{run_directory}: {name}.png is no picture")
        try:
            xml.dom.minidom.parse(os.path.join(folder, name + ".svg"))
        except Exception as error:  # whatever the parser finds
            fail(f"{run_directory}: {name}.svg: {error}")
        with open(os.path.join(folder, name + ".svg")) as f:
            text += f.read()
    for part in wanted_in_svg:
        if part not in text:
            fail(f"{run_directory}: no picture says {part!r}")


def scripts(run_directory):
    folder = os.path.join(run_directory, "pictures")
    return {name: open(os.path.join(folder, name)).read() for name in sorted(os.listdir(folder)) if name.endswith(".gp")}


n = 200
noise = [draw.random() for _ in range(n * 64)]
labels = [int(2 * noise[64 * i]) + int(2 * noise[64 * i + 1]) for i in range(n)]
data("images", (8, 8), noise, (), labels, "<i8")
config("images", "{flatten: {}}, {dense: {units: 3}}", "cross_entropy")
data("fields", (8, 8), noise, (8, 8), [2 * v for v in noise])
config("fields", "{flatten: {}}, {dense: {units: 64}}, {reshape: {shape: [8, 8]}}", "mse")
data("lines", (64,), noise, (64,), [2 * v for v in noise])
config("lines", "{dense: {units: 64}}", "mse")
data("numbers", (64,), noise, (2,), [noise[64 * i + k] * 3 for i in range(n) for k in (0, 1)])
config("numbers", "{dense: {units: 2}}", "mse")
data("table", (3,), noise[:3 * n], (), [int(v > 0.5) for v in noise[:3 * n:3]], "<i8")
config("table", "{dense: {units: 1}}", "binary_cross_entropy")

if shutil.which("gnuplot") is None:
    print("gnuplot is not here: what it draws is not looked at")
else:
    said = good("train", "images.yaml")
    line = "pictures: confusion, learning_curves, predictions (.png, .svg) in runs/images/pictures"
    if said.splitlines()[-1] != line:
        fail(f"the last line: {said.splitlines()[-1]!r}")
    check_pictures("runs/images", ["confusion", "learning_curves", "predictions"],
                   ["training", "validation", "accuracy", "prediction", "truth", "right ones", "samples, and per cent of those of a class", " %</text>"])
    before = scripts("runs/images")
    for name in os.listdir("runs/images/pictures"):
        os.remove("runs/images/pictures/" + name)
    good("plot", "runs/images")
    check_pictures("runs/images", ["confusion", "learning_curves", "predictions"])
    if scripts("runs/images") != before:
        fail("plot: other scripts than the run's own")
    good("train", "images.yaml", "output=three", "--progress", "none", ranks=3)
    check_pictures("three", ["confusion", "learning_curves", "predictions"])
    if {k: v for k, v in scripts("three").items()} != before:
        fail("other scripts on 3 ranks than on 1")
    for name, wanted in (("fields", ["input", "target", "prediction - target"]), ("lines", ["position", "error"]),
                         ("numbers", ["target", "prediction", "R2", "prediction - target", "rmse"])):
        good("train", name + ".yaml")
        check_pictures("runs/" + name, ["learning_curves", "predictions"], wanted)
    # Of another part, and in another size: what has a shape of its own fits in, the others fill it.
    good("plot", "runs/numbers", "--split", "train", "--size", "640x400")
    check_pictures("runs/numbers", ["learning_curves", "predictions"], ["samples of the training part", 'viewBox="0 0 640 400"'])
    good("plot", "runs/images", "--size", "400x300")
    with open("runs/images/pictures/confusion.png", "rb") as f:
        width, height = struct.unpack(">II", f.read(24)[16:])
    if height != 300 or not 200 < width < 400:
        fail(f"a confusion matrix within 400x300: {width}x{height}")
    good("train", "table.yaml")
    check_pictures("runs/table", ["confusion", "learning_curves"])
    # Names and paths that would mean something to a shell or to gnuplot.
    names = ["it's", "'; print 1; '", "你好", "`touch hacked`", '"', "$(touch hacked)", "{/Bold=80 x}", "@x", "a\\nb", "|touch hacked", "ä_ö^2", "} END"]
    with open("names.csv", "w") as f:
        for i in range(300):
            name = names[i % len(names)].replace('"', '""')
            f.write(",".join(f"{v:.4f}" for v in noise[64 * (i % n):64 * (i % n) + 64]) + f',"{name}"\n')
    good("convert", "csv", "names.csv", "--header", "no", "-o", "names.h5", "--quiet")
    config("names", f"{{dense: {{units: {len(names)}}}}}", "cross_entropy")
    for place in ["|touch hacked; a 'b' \"c\" `touch hacked` $(touch hacked)", "-e", "~"]:
        said = good("train", "names.yaml", "output='" + place.replace("'", "''") + "'")
        check_pictures("./" + place, ["confusion", "learning_curves", "predictions"], ["it's", "touch hacked"])
    if os.path.exists("hacked"):
        fail("a name was obeyed")
    # A finished run that is resumed is as it was.
    stamp = os.stat("runs/images/pictures/predictions.png").st_mtime_ns
    if "pictures:" in good("train", "images.yaml", "--resume"):
        fail("pictures are drawn again where nothing was trained")
    if os.stat("runs/images/pictures/predictions.png").st_mtime_ns != stamp:
        fail("a finished run got new pictures")

# Without gnuplot: one line, and the scripts.
said = good("train", "images.yaml", "output=without", gnuplot="no-such-gnuplot")
if [line for line in said.splitlines() if "picture" in line] != [
        "no pictures: there is no no-such-gnuplot here: install gnuplot (Debian and Ubuntu: gnuplot-nox), or name it in the "
        "variable GNUPLOT; the data are kept as scripts: without/pictures"]:
    fail(f"without gnuplot: {said}")
got = run("plot", "without", gnuplot="no-such-gnuplot")
if got.returncode != 1 or "there is no no-such-gnuplot here: install gnuplot" not in got.stderr or len(got.stderr.splitlines()) != 1:
    fail(f"plot without gnuplot: {got.returncode} {got.stderr}")
if sorted(os.listdir("without/pictures")) != ["confusion.gp", "learning_curves.gp", "predictions.gp"]:
    fail(f"without gnuplot: {os.listdir('without/pictures')}")
for how, gnuplot in ((["pictures=false"], None), ([], "")):
    said = good("train", "images.yaml", "output=none-wanted", *how, gnuplot=gnuplot)
    if "picture" in said or os.path.exists("none-wanted/pictures"):
        fail(f"{how} {gnuplot}: {said}")
if "picture" in good("train", "images.yaml", "output=none", gnuplot="no-such-gnuplot"):
    fail("pictures of a run without a directory")


def stand_in(name, text):
    with open(name, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(name, 0o755)
    return os.path.join(work, name)


fails = stand_in("fails.sh", 'echo "\n   ^\nline 3: unknown terminal" >&2; exit 1\n')
said = good("train", "images.yaml", "output=fails", gnuplot=fails)
if "not drawn by gnuplot: confusion, learning_curves, predictions: line 3: unknown terminal; the scripts are in fails/pictures" not in said:
    fail(f"gnuplot fails: {said}")
got = run("plot", "fails", gnuplot=fails)
if got.returncode != 1 or "line 3: unknown terminal" not in got.stderr or len(got.stderr.splitlines()) != 1:
    fail(f"plot, gnuplot fails: {got.returncode} {got.stderr}")
half = stand_in("half.sh", 'echo x > "$3"; case $2 in *confusion*) kill -9 $$ ;; esac; echo "<svg>" > "$4"\n')
said = good("train", "images.yaml", "output=half", gnuplot=half)
if ("pictures: learning_curves, predictions (.png, .svg) in half/pictures\nnot drawn by gnuplot: confusion: it said nothing; "
        "the scripts are in half/pictures") not in said:
    fail(f"gnuplot dies once: {said}")
if [name for name in os.listdir("half/pictures") if "new" in name or name == "confusion.png"]:
    fail(f"gnuplot dies once: {os.listdir('half/pictures')} is left")
start = time.monotonic()
if os.environ.get("LOCKSTEP_TEST_FULL"):
    said = good("train", "images.yaml", "output=hangs", gnuplot=stand_in("hangs.sh", "exec sleep 1000\n"))
    if "not drawn by gnuplot: confusion: it took more than 30 seconds" not in said or time.monotonic() - start > 60:
        fail(f"gnuplot hangs: {said}, {time.monotonic() - start:.0f} s")
# A folder that can't be made costs the pictures alone.
os.makedirs("blocked")
open("blocked/pictures", "w").close()
got = run("train", "images.yaml", "output=blocked")
if got.returncode != 0 or "no pictures: blocked/pictures" not in got.stderr or not os.path.exists("blocked/summary.json"):
    fail(f"a file in the way: {got.returncode} {got.stderr}")
got = run("plot", "nowhere")
if got.returncode == 0 or len(got.stderr.splitlines()) != 1:
    fail(f"plot of nothing: {got.returncode} {got.stderr}")
got = run("plot", "images.h5")
if got.returncode != 2 or "images.h5 is a file; a run directory is wanted" not in got.stderr:
    fail(f"plot of a file: {got.returncode} {got.stderr}")
os.chdir("/")
shutil.rmtree(work)
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)

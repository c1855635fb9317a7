"""`lockstep init`: what it says of data of many kinds, that what it writes passes `train --dry-run`, what it
refuses, and that its files are whole or not there."""
import math
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import wave

BUILD, SOURCE = os.environ["LOCKSTEP_BUILD"], os.environ["LOCKSTEP_SOURCE"]
LOCKSTEP = os.path.join(BUILD, "lockstep")
work = tempfile.mkdtemp(prefix="lockstep-init-")
failures = []


def run(*words):
    return subprocess.run([LOCKSTEP, *words], capture_output=True, text=True, cwd=work, stdin=subprocess.DEVNULL,
                          timeout=120)


def fail(what, done=None):
    failures.append(what)
    print("FAILED:", what)
    if done is not None:
        print("  exit code", done.returncode)
        print("  | " + "\n  | ".join((done.stdout + done.stderr)[-1500:].splitlines()))


def accepted(words, *patterns, steps=False):
    """The configuration has each pattern (a pattern that begins with ! is not there), and can be trained."""
    done = run("init", *words)
    if done.returncode != 0:
        return fail(f"init {words}", done)
    text = done.stdout
    for pattern in patterns:
        if (re.search(pattern.lstrip("!"), text) is not None) == pattern.startswith("!"):
            fail(f"init {words}: /{pattern}/ in:\n{text}")
    for line in done.stderr.splitlines():
        if not line.startswith(("init: ", "convert: ", "lockstep: note:", "lockstep: warning:")):
            fail(f"init {words}: a line that nobody owns: {line}")
    with open(os.path.join(work, "this.yaml"), "w", encoding="utf-8") as file:
        file.write(text)
    done = run("train", "this.yaml", "--dry-run")
    if done.returncode != 0:
        fail(f"train --dry-run of init {words}:\n{text}", done)
    if steps:
        done = run("train", "this.yaml", "output=none", "train.max_steps=2", "--progress=none")
        if done.returncode != 0:
            fail(f"train of init {words}:\n{text}", done)


def refused(code, pattern, words):
    done = run("init", *words)
    lines = done.stderr.splitlines()
    if done.returncode != code or len(lines) != 1 or not re.search(pattern, lines[0]):
        fail(f"init {words}: wanted exit code {code} and one line like /{pattern}/", done)
    if done.stdout:
        fail(f"init {words}: a configuration after all", done)


def write(name, text):
    with open(os.path.join(work, name), "wb" if isinstance(text, bytes) else "w") as file:
        file.write(text)


def there(*names):
    return [os.path.exists(os.path.join(work, name)) for name in names]


def hdf5():
    accepted(["numbers.h5"], "regression, 1 number", "loss: mse", "targets: standard", "dense: {units: 1}",
             "split: {test: 0.2", "!missing", steps=True)
    accepted(["missing.h5"], "missing: mean", "86 of 600 values are missing", steps=True)
    accepted(["targets_missing.h5"], "missing: drop", "14 of 120 values", steps=True)
    accepted(["classes.h5"], "classification, 4 classes", "labels begin at 1", "loss: cross_entropy",
             "inputs: /features", "targets: /labels", "dense: {units: 4}", "!targets: standard", steps=True)
    accepted(["many_whole.h5"], "regression", "loss: mse")
    accepted(["three_rows.h5"], "too few", "!split: {", "!early_stopping: {monitor")
    accepted(["wide.h5"], "12000 numbers", "binary")
    accepted(["channels_first.h5"], "layout: channels_first", "from images", "per: channel", "conv2d",
             "random_crop", "!reshape", steps=True)
    accepted(["channels_last.h5"], "!layout", "!reshape", "per: channel", steps=True)
    accepted(["groups.h5"], "inputs: images", "targets: labels", r"reshape: {shape: \[12, 12, 1\]}",
             "per: dataset", "split: {validation: 0.1, seed", steps=True)
    accepted(["fields.h5"], "fields to fields", "inputs: /a/x", "upsample", r"reshape: {shape: \[16, 16\]}",
             "relative_l2", steps=True)
    accepted(["land.h5"], "fields to fields", "missing: mean", "per: dataset", steps=True)
    accepted(["fields_first.h5"], "layout: channels_first", "residual", "dilation_rate", "filters: 1,",
             "!upsample", steps=True)
    accepted(["mask.h5"], "class of each point", "cross_entropy", "filters: 3,", "iou", steps=True)
    accepted(["lines.h5"], "fields to fields", "conv1d", steps=True)
    accepted(["volumes.h5"], "from volumes", "conv3d", "dense: {units: 3}", steps=True)
    accepted(["series.h5"], "from series", "conv1d", "binary", steps=True)
    accepted(["to_field.h5"], "256 numbers", r"reshape: {shape: \[16, 16\]}", steps=True)
    accepted(["one_hot.h5"], "3 classes, a one among zeros", "loss: cross_entropy", steps=True)
    accepted(["yes_no.h5"], "3 questions", "binary_cross_entropy", steps=True)
    accepted(["sizes.h5"], "inputs: /rho", "targets: /energy")
    accepted(["several.h5", "--inputs", "/settings,/map,/user_id", "--targets", "/energy,/phase"],
             "2 outputs at once", "embedding: {input_dim: 40", r"outputs: \[energy, phase\]",
             "loss: {energy: mse, phase: cross_entropy}", steps=True)
    accepted(["several.h5", "--inputs", "/map,/settings", "--targets", "/phase"], "from images", "concatenate",
             steps=True)
    accepted(["several.h5", "--inputs", "/settings", "--inputs", "/energy", "--targets", "/phase"],
             r"inputs: \[/settings, /energy\]", steps=True)
    accepted(["several.h5", "--inputs", '/odd name "so": #1', "--targets", "/phase"], "classification", steps=True)
    accepted(["several.h5", "--inputs", "/user_id", "--targets", "/phase"], "embedding")
    accepted(["images_alone.h5", "--inputs", "/images", "--targets", "inputs"], "autoencoder", "targets: inputs",
             steps=True)
    accepted(["channels_first.h5", "--inputs", "/images", "--targets", "inputs"], "autoencoder",
             r"reshape: {shape: \[20, 24, 3\]}", steps=True)

    accepted(["numbers.h5", "--label", "number"], "regression")
    accepted(["classes.h5", "--label", "number"], "regression", "not taken for classes", steps=True)
    accepted(["fields.h5", "--label", "class"], "fields to fields")
    refused(2, "/y, .* is no class", ["numbers.h5", "--label", "class"])
    for words in (["-o", "numbers.h5"], ["-o", "numbers.h5", "--force"]):
        refused(2, "a configuration is written", ["numbers.h5", *words])
    os.link(os.path.join(work, "numbers.h5"), os.path.join(work, "also.yaml"))
    refused(2, "is the data themselves", ["numbers.h5", "-o", "also.yaml", "--force"])
    refused(2, "is not a file", ["numbers.h5", "-o", "/dev/stdout", "--force"])
    refused(3, "/x: 86 of 600 values are infinite", ["infinite.h5"])
    refused(3, "/y is 3.5 in all 120 rows", ["constant.h5"])
    refused(3, "/x: element 0 of a sample.* has no value", ["hollow.h5"])
    refused(3, "/labels is the same class in all 120 rows", ["one_class.h5"])
    refused(2, r"can't be told.*--inputs.*--targets.*/x \[120, 5\] float64, /y \[119\]", ["other_lengths.h5"])
    refused(3, "/x has 120 rows and /y 119", ["other_lengths.h5", "--inputs", "/x", "--targets", "/y"])
    refused(2, "--targets inputs.*autoencoder.*/images", ["images_alone.h5"])
    refused(2, "several groups.*/a/x .*/b/y", ["two_folders.h5"])
    refused(3, "no datasets", ["nothing.h5"])
    refused(2, "no dataset /rho;.*/settings", ["several.h5", "--inputs", "/rho", "--targets", "/phase"])
    refused(2, "targets are not named", ["several.h5", "--inputs", "/settings"])
    refused(2, "--header is for files that are converted", ["numbers.h5", "--header", "no"])
    refused(2, "data.split", ["numbers.h5", "--test", "0.1"])
    refused(2, "data.split", ["numbers.h5", "--gzip", "4"])
    shutil.copy(os.path.join(work, "numbers.h5"), os.path.join(work, "it's \u00e9 \u0085 \"so\": #1.h5"))
    accepted(["it's \u00e9 \u0085 \"so\": #1.h5"], "regression")
    shutil.copy(os.path.join(work, "numbers.h5"), os.path.join(os.fsencode(work), b"latin-\xe9.h5"))
    refused(3, "no UTF-8", [b"latin-\xe9.h5"])


def series():
    """Files of simulations: u of 4 trajectories, 6 times, 5 points; waves of 12, 12, 16."""
    for name in os.listdir(os.path.join(SOURCE, "tests/data/simulations")):
        shutil.copy(os.path.join(SOURCE, "tests/data/simulations", name), work)
    later = ("next state from this one", "targets: inputs", r"time: {axis: 1}", "split: {validation: 0.1, test: 0.2")
    accepted(["packed.nc", "--inputs", "/u"], "as it is called", "0.25 to 354.25", *later, steps=True)
    accepted(["waves.nc"], r"\[16\] int16: a grid without channels, -1.8 to 1.2", "inputs: /height", "upsample", *later, steps=True)
    accepted(["waves.nc", "--inputs", "/height", "--targets", "inputs", "--time", "none"], "autoencoder", "!time: {")
    accepted(["waves.mat", "--time", "1"], "axis: -1", "reverse order", "inputs: /height", *later, steps=True)
    accepted(["matlab.mat", "--inputs", "/viscosity", "--targets", "/u"], "axis: -1", "0.5 to 3.5", "0.25 to 354.25")
    accepted(["chunks.h5", "--inputs", "/time_first", "--axis", "1", "--time", "0"], "axis: 1 ", r"time: {axis: 0}", steps=True)
    accepted(["chunks.h5", "--inputs", "/u", "--targets", "/name"], "2 classes", "!time: {")
    accepted(["run-*.h5", "--time", "0"], 'file: "run-\\*.h5"', "0.25 to 354.25", "whole trajectories", steps=True)
    accepted(["run-0.h5", "run-3.h5", "--time", "0"], r"file: \[run-0.h5, run-3.h5\]", "0.25 to 354.25")
    accepted(["run-1.h5", "--time", "0"], "6 times are too few", "!split: {")
    refused(2, "--inputs NAME alone", ["packed.nc"])
    refused(2, "--time 7: /u has the shape", ["chunks.h5", "--inputs", "/u", "--time", "7"])
    refused(2, "--axis x: the number of a dimension", ["chunks.h5", "--inputs", "/u", "--axis", "x"])
    refused(1, "no file fits the pattern none", ["none-*.h5"])
    refused(2, "run-1.h5 twice", ["run-1.h5", "run-1.h5", "--time", "0"])
    refused(3, r"chunks.h5: /u is \[4, 6, 5\], and \[6, 5\] in run-1.h5", ["run-1.h5", "chunks.h5", "--time", "0"])


def tables():
    write("names.csv", "name,y\n" + "".join(f"n{i}x,{i * 0.7}\n" for i in range(60)))
    digits = os.path.join(SOURCE, "scripts/examples/digits/optdigits.tes.gz")
    done = run("init", digits, "--format", "csv", "-o", "digits.yaml")
    if done.returncode != 0 or not all(there("digits.yaml", "digits.h5")):
        return fail("init of a table", done)
    if "mpirun -n 2 lockstep train digits.yaml\n  lockstep evaluate runs/digits" not in done.stdout:
        fail("the next two commands", done)
    for words in (["train", "digits.yaml", "train.epochs=12", "--progress=none", "pictures=false"],
                  ["evaluate", "runs/digits"]):
        done = run(*words)
        if done.returncode != 0:
            fail(f"{words} after init", done)
    found = re.search(r"accuracy *:? *([0-9.]+)", done.stdout)
    if not found or float(found.group(1)) < 0.9:
        fail("the digits are read by what init proposes", done)
    before = open(os.path.join(work, "digits.yaml")).read()
    refused(2, "digits.yaml is there already; --force", [digits, "--format", "csv", "-o", "digits.yaml"])
    done = run("init", digits, "--format", "csv", "-o", "digits.yaml", "--force", "--quiet")
    if done.returncode != 0 or done.stderr or open(os.path.join(work, "digits.yaml")).read() != before:
        fail("--force --quiet writes the same again", done)
    refused(2, "-o MY.yaml is missing", [digits, "--format", "csv"])
    accepted(["digits.h5"], "64 numbers", "10 classes")
    done = run("init", "runs/digits/checkpoints/final.h5")
    if done.returncode != 3 or "is a checkpoint" not in done.stderr:
        fail("a checkpoint is no dataset", done)
    accepted(["digits.h5", "--label", "number"], "regression, 1 number")
    refused(2, "is a run directory", ["runs/digits"])

    rows = "".join(f"{i % 7},{'red' if i % 3 else 'blue'},{i * 0.37 % 5:.3f},{i % 7 + i * 0.37 % 5:.3f}\n" for i in range(400))
    write("cat.csv", "who,colour,width,price\n" + rows)
    done = run("init", "cat.csv", "-o", "cat.yaml", "--category", "who,colour", "--target", "price")
    if done.returncode != 0:
        return fail("init of a table with categories", done)
    text = open(os.path.join(work, "cat.yaml")).read()
    for part in ("inputs: {x: x, colour: colour, who: who}", "embedding: {input_dim: 7", "concatenate", "loss: mse"):
        if part not in text:
            fail(f"{part} is missing in {text}")
    done = run("train", "cat.yaml", "--dry-run")
    if done.returncode != 0:
        fail("train --dry-run of a table with categories", done)
    write("count.csv", "nr,width,price\n" + "".join(f"{i + 7},{i * 0.37 % 5:.3f},{i * 0.9 % 4:.3f}\n" for i in range(60)))
    done = run("init", "count.csv", "-o", "count.yaml")
    if done.returncode != 0 or "x: width\n" not in done.stderr or "(nr): another whole number in each row: an id" not in done.stderr:
        fail("an id is left out", done)
    write("count.csv", "step,width,price\n" + "".join(f"{i + 7},{i * 0.37 % 5:.3f},{i * 0.9 % 4:.3f}\n" for i in range(60)))
    done = run("init", "count.csv", "-o", "count.yaml", "--force")
    if done.returncode != 0 or "x: step, width\n" not in done.stderr or "x: step is a larger whole number" not in done.stderr:
        fail("a column that numbers the rows is told of", done)
    refused(3, "no column is left", ["names.csv", "-o", "names.yaml"])
    refused(3, "more than 20 different words", ["names.csv", "-o", "names.yaml", "--words", "error"])
    refused(2, "--axis is for HDF5 files", ["names.csv", "-o", "names.yaml", "--axis", "1"])
    write("group.csv", "who,w,a,y\n" + "".join(f"p{i % 25},{1 + i % 3},{i * 0.37 % 5:.3f},{i * 0.9 % 4:.3f}\n" for i in range(200)))
    done = run("init", "group.csv", "-o", "group.yaml", "--group", "who", "--weight", "w")
    text = open(os.path.join(work, "group.yaml")).read() if done.returncode == 0 else ""
    for part in ("split: {test: 0.1, by: group,", "sample_weight: weight", "  inputs: x\n"):
        if part not in text:
            fail(f"{part} is missing in {text}", done)
    if run("train", "group.yaml", "--dry-run").returncode != 0:
        fail("train --dry-run of a table with groups")
    # What can't be proposed for leaves nothing behind.
    write("same.csv", "a,b\n" + "1,7.5\n2,7.5\n3,7.5\n4,7.5\n" * 10)
    done = run("init", "same.csv", "-o", "same.yaml", "--quiet")
    if done.returncode != 3 or any(there("same.yaml", "same.h5")):
        fail("a constant target leaves no file", done)


def sound_file(name, tones):
    """A recording of 8000 samples a second, a tone of 0.1 s after another."""
    os.makedirs(os.path.dirname(os.path.join(work, name)), exist_ok=True)
    with wave.open(os.path.join(work, name), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(hz * i / 1273.24)))
                                  for hz in tones for i in range(800)))


def made(name, source, *options, said=(), after=""):
    """init makes NAME.yaml of a source that it has to recognize, and two steps of it can be trained."""
    done = run("init", *source, "-o", name + ".yaml", *options)
    if done.returncode != 0:
        return fail(f"init of {name}", done)
    if after not in done.stdout:
        fail(f"init of {name} doesn't say: {after}", done)
    with open(os.path.join(work, name + ".yaml"), encoding="utf-8") as file:
        text = file.read()
    for part in said:
        if part not in text:
            fail(f"init of {name}: no {part} in\n{text}")
    done = run("train", name + ".yaml", "output=none", "train.max_steps=2", "--progress=none")
    if done.returncode != 0:
        fail(f"train of {name}", done)


def recognized():
    """Prose, programs and recordings are told from tables and images."""
    lines = [f"{'And then, ' * (i % 4)}the rain fell on the {'old ' * (i % 3)}town again" for i in range(60)]
    code = [f"{'    ' * (i % 3)}call advance(state{', step' * (i % 2)})" for i in range(90)]
    write("prose.txt", "\n".join(lines))
    write("code.f90", "\n".join(code))
    write("table.txt", "material,finish,kind\n" + "oak,fine,a\nsteel,coarse,b\n" * 20)
    made("prose", ["prose.txt"], said=["targets: next"], after="lockstep generate runs/prose")
    made("code", ["code.f90"], said=["targets: next"])
    made("words", ["table.txt"], said=["cross_entropy", "classification"], after="lockstep predict runs/words")
    write("hours.csv", "date,load\n" + "".join(f"2024-02-{1 + h // 24:02d} {h % 24:02d}:00,{50 + h * h % 24}\n"
                                               for h in range(480)))
    made("hours", ["hours.csv"], "--time", "date", "--target", "load", said=["gru", "by: time"])
    for i in range(12):
        sound_file(f"clips/{'low' if i % 2 else 'high'}/{i}.wav", [300 if i % 2 else 1200] * (1 + i % 3))
    sequences = [[1 + i % 2] * (1 + i % 3) for i in range(60)]
    for i, tones in enumerate(sequences):
        sound_file(f"tunes/{i}.wav", [400 * tone for tone in tones] + [0])
    write("tunes.csv", "file,label\n" + "".join(f"{i}.wav,{' '.join('abc'[t] for t in s)}\n"
                                                for i, s in enumerate(sequences)))
    if "built without libsndfile" in run("init", "clips", "-o", "none.yaml").stderr:
        return
    os.remove(os.path.join(work, "none.yaml"))
    made("clips", ["clips"], said=["lengths_of: sound", "dense: {units: 2}"])
    # The longest is in the test part.
    os.makedirs(os.path.join(work, "parts/train"))
    shutil.copytree(os.path.join(work, "clips"), os.path.join(work, "parts/test"))
    for kind in ("low", "high"):
        sound_file(f"parts/train/{kind}/1.wav", [300])
        sound_file(f"parts/train/{kind}/2.wav", [400])
    made("parts", ["parts"], said=["truncate: true"])
    made("padded", ["clips"], "--length", "longest", "--test", "0.2", said=["frames: length", "lengths: {sound: length}"])
    made("tunes", ["tunes"], "--labels", "tunes.csv", "--label", "words", said=["loss: ctc", "dense: {units: 3}", "validation: 0.1"])
    made("tunes-padded", ["tunes"], "--labels", "tunes.csv", "--label", "words", "--length", "longest",
         said=["text: y_length"])
    refused(3, "recordings without labels", ["clips", "--unlabelled", "-o", "e.yaml", "--quiet"])
    refused(2, "one of csv|words", ["cat.csv", "--label", "words", "-o", "e.yaml"])
    if any(there("e.yaml", "e.h5")):
        fail("something refused left a file behind")


def hostile():
    write("empty.csv", "")
    write("empty.h5", b"")
    write("text.txt", "It was a dark and stormy night; the rain fell in torrents.\nAnd so on.\n")
    write("noise.bin", bytes(range(256)) * 8)
    write("broken.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 200)
    write("sheet.xlsx", b"PK\3\4" + b"\0" * 50)
    os.makedirs(os.path.join(work, "folder"))
    refused(3, "empty", ["empty.csv", "-o", "e.yaml"])
    refused(3, "empty", ["empty.h5"])
    refused(2, "--format, one of csv", ["noise.bin", "-o", "e.yaml"])
    refused(3, "broken.h5", ["broken.h5"])
    refused(2, "export it as CSV", ["sheet.xlsx", "-o", "e.yaml"])
    refused(1, "no_such.csv", ["no_such.csv", "-o", "e.yaml"])
    refused(2, "is a configuration already", ["digits.yaml", "-o", "e.yaml"])
    refused(2, "DATA|a dataset is missing", [])
    refused(2, "--grey is no option of the format csv", ["cat.csv", "--grey", "-o", "e.yaml"])
    refused(2, "one of csv", ["cat.csv", "--format", "tables", "-o", "e.yaml"])
    refused(2, "is not a file", ["numbers.h5", "-o", "folder"])
    for name in ("text.txt", "folder"):
        done = run("init", name, "-o", "e.yaml")
        if done.returncode not in (2, 3) or done.stderr.count("lockstep: ") != 1:
            fail(f"init {name}", done)
    done = run("init", "numbers.h5", "-o", "no/such/folder/e.yaml")
    if done.returncode != 1 or "cannot write" not in done.stderr:
        fail("a folder that isn't there", done)
    if any(there("e.yaml", "e.h5")):
        fail("something refused left a file behind")


if __name__ == "__main__":
    subprocess.run([os.path.join(BUILD, "tests/cli/make_init"), work], check=True)
    hdf5()
    series()
    tables()
    recognized()
    hostile()
    shutil.rmtree(work)
    sys.exit(1 if failures else 0)

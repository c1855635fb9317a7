"""Inputs that cost far more than they are long: each is done, or refused in one line, in seconds of computing
and in memory that has a bound.  (What looks for one name in a list for each of its names took minutes.)"""
import os
import resource
import shutil
import subprocess
import sys
import tempfile

LOCKSTEP = os.path.join(os.environ["LOCKSTEP_BUILD"], "lockstep")
SECONDS, MEGABYTES = 10, 1500  # of computing, far above what each takes; the largest file here is 30 MB
work = tempfile.mkdtemp(prefix="lockstep-slow.")
failures = 0

TOP = "loss: mse\noptimizer: {sgd: {lr: 0.1}}\ntrain: {batch: 8, epochs: 1}\noutput: none\n"
GOOD = "data: {file: data.h5, inputs: x, targets: x}\n" + TOP
MODEL = "model: [{dense: {units: 3}}]\n"


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))


def write(name, text):
    with open(os.path.join(work, name), "w", encoding="utf8") as file:
        file.write(text)


def run(what, code, words, *command):
    """Its exit code, and one line with these words where it isn't 0."""
    global failures
    errors = open(os.path.join(work, "errors"), "w+", encoding="utf8")
    job = subprocess.Popen([LOCKSTEP, *command], cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=errors, preexec_fn=limit)
    _, status, used = os.wait4(job.pid, 0)
    job.returncode = os.waitstatus_to_exitcode(status)
    errors.seek(0)
    lines = errors.read().splitlines()
    megabytes = used.ru_maxrss / 1024
    one_line = code == 0 or (len(lines) == 1 and words in lines[0])
    if job.returncode != code or not one_line or megabytes > MEGABYTES:
        failures += 1
        print(f"FAILED: {what}: exit code {job.returncode} (wanted {code}), {used.ru_utime:.1f} s, {megabytes:.0f} MB")
        print(*[f"  | {line[:300]}" for line in lines[:5]], f"  wanted one line with {words!r}", sep="\n")


def train(what, code, words, text, *overrides):
    write("c.yaml", text)
    run(what, code, words, "train", "c.yaml", "--dry-run", *overrides)


write("t.csv", "a,b,c\n" + "1,2,3\n" * 20)
run("a table", 0, "", "convert", "csv", "t.csv", "-o", "data.h5", "--target", "none")
train("nothing odd", 0, "", GOOD + MODEL)

# Aliases and anchors: many, of one thing, of large things, of things that hold others.
names = range(400000)
train("400,000 aliases", 2, "more than 100000 values", GOOD + "a: &a 1\nb:\n" + "- *a\n" * 400000)
train("400,000 anchors", 2, "more than 100000 values",
      GOOD + "b:\n" + "".join(f"- &a{i} 1\n" for i in names) + "- *a0\n" * 400000)
train("as many as there may be", 2, "b: unknown key",
      GOOD + MODEL + "b:\n" + "".join(f"- &a{i} 1\n" for i in range(49000)) + "- *a0\n" * 49000)
train("large text, again and again", 2, "more than 16 MB of text",
      GOOD + "a: &a " + "x" * 8000000 + "\nb: [" + "*a," * 90000 + "1]\n")
train("a config of 20 MB", 2, "larger than 16 MB", GOOD + "a: " + "x" * 20000000)
train("60,000 directives", 2, "lines begin with %", "".join(f"%TAG !a{i}! x:{i}\n" for i in range(60000)) + "---\n" + GOOD)

# Keys.
keys = "".join(f"  k{i}: 1\n" for i in range(9900))
train("60 maps of 10,000 keys", 2, "more than 100000 values", GOOD + "".join(f"m{k}:\n{keys}" for k in range(60)))
write("base.yaml", GOOD + MODEL + "".join(f"m{k}:\n{keys}" for k in range(9)))
backwards = "".join(f"  k{9899 - i}: 2\n" for i in range(9900))
train("a base with the same keys", 2, "m0: unknown key",
      "base: base.yaml\n" + "".join(f"m{k}:\n{backwards}" for k in range(9)))
train("60,000 overrides", 2, "a: unknown key", GOOD + MODEL, *(f"a.k{i}=1" for i in range(60000)))

# Layers and their names.
train("20,000 layers", 2, "more than 10000 layers", GOOD + "model:\n" + "- dense: {units: 3}\n" * 20000)
train("repeats in repeats", 2, "more than 10000 layers",
      GOOD + "model: [" + "{repeat: {times: 10000, layers: [" * 12 + "{dense: {units: 3}}" + "]}}" * 12 + "]\n")
train("5,000 names that are taken", 0, "",
      GOOD + "model:\n" + "".join(f"- linear: {{name: dense_{i + 1}}}\n" for i in range(2500)) +
      "- dense: {units: 3}\n" * 2500)
train("patterns times parameters", 2, "are too many",
      GOOD + "model:\n" + "- dense: {units: 3}\n" * 2500 + "parameters:\n" + '- {match: "*e*_*t", l2: 0}\n' * 9000)
train("a pattern of 100,000 stars", 2, "longer than any name",
      GOOD + MODEL + 'parameters: [{match: "' + "*/" * 50000 + '", l2: 0}]\n')

# Paths.
for path in "x/" * 50000, "x" + "/" * 100000:
    train("a path of 100,000 letters", 3, "has more than", GOOD.replace(": x", f': "{path}"') + MODEL)

# Tables.
wide = 300000
write("wide.csv", ",".join(f"c{i}" for i in range(wide)) + "\n" + ("1," * (wide - 1) + "2\n") * 3)
run("20,000 of 300,000 columns", 0, "", "convert", "csv", "wide.csv", "-o", "wide.h5",
    "--drop", ",".join(f"c{i}" for i in range(20000)))
write("line.csv", "1,2," * 17000000)
run("a line of 68 MB", 3, "a record of more than 64 MB", "convert", "csv", "line.csv", "-o", "line.h5")

shutil.rmtree(work)
sys.exit(failures > 0)

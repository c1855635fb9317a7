"""convert audio: recordings that are made here, against sums of cosines written out in plain Python, and
hostile ones.  Each is read exactly, or refused in one line that names the file and leaves no output."""
import base64
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile

BUILD = os.environ["LOCKSTEP_BUILD"]
PROGRAM = os.path.join(BUILD, "lockstep")
DUMP = os.path.join(BUILD, "tests/fault/dump_rows")
PLAIN = os.path.join(BUILD, "tests/cli/lockstep_without_images")
MPIRUN = os.environ.get("LOCKSTEP_MPIRUN", "mpirun --oversubscribe").split()
failures = 0
work = tempfile.mkdtemp(prefix="lockstep-audio.")
os.chdir(work)


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def run(*args, program=PROGRAM):
    return subprocess.run([program, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def convert(*args, out="out.h5"):
    got = run("convert", "audio", *args, "-o", out)
    if got.returncode != 0:
        fail(f"convert {args}: {got.stderr}")
    return got.stderr


def dump(*names):
    got = run("out.h5", *names, program=DUMP)
    if got.returncode != 0:
        fail(f"dump {names}: {got.stderr}")
        sys.exit(1)
    return json.loads(got.stdout)


def rows(name):
    """Flat, where a row is one number."""
    got = dump(name)[name]["rows"]
    return [r[0] for r in got] if got and len(got[0]) == 1 else got


def same(what, got, wanted):
    if got != wanted:
        fail(f"{what}: {str(got)[:300]}, wanted {str(wanted)[:300]}")


def close(what, got, wanted, most):
    if len(got) != len(wanted):
        fail(f"{what}: {len(got)} numbers, wanted {len(wanted)}")
        return
    far = max((abs(g - w) for g, w in zip(got, wanted)), default=0)
    if not far <= most:
        fail(f"{what}: off by {far}, at most {most} is wanted")


def refused(code, part, *args, program=PROGRAM):
    if os.path.exists("out.h5"):
        os.remove("out.h5")
    got = run("convert", "audio", *args, "-o", "out.h5", program=program)
    lines = [line for line in got.stderr.splitlines() if line]
    if got.returncode != code or len(lines) != 1 or part not in got.stderr or os.path.exists("out.h5"):
        fail(f"convert audio {args}: exit code {got.returncode}, {got.stderr!r}; wanted {code}, ... {part!r}")


def write(path, data):
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def wav(samples, rate=8000, channels=1, bits=16, form=1):
    kind = {(16, 1): "h", (32, 1): "i", (32, 3): "f", (64, 3): "d", (8, 1): "B"}[bits, form]
    data = struct.pack(f"<{len(samples)}{kind}", *samples)
    block = channels * bits // 8
    head = struct.pack("<HHIIHH", form, channels, rate, rate * block, block, bits)
    return (b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + head +
            b"data" + struct.pack("<I", len(data)) + data)


def tone(n, seed=1):
    return [(i * i * (37 + seed) + seed * 991) % 20011 - 10000 for i in range(n)]


# 40 samples (37 i mod 101 - 50) 100 at 8 kHz.
FLAC = base64.b64decode(
    "ZkxhQwAAACIQABAAAABHAABHAfQA8AAAAChZHhQqeO6PnjvC/H5bNME5hAAAKCAAAAByZWZlcmVuY2UgbGliRkxBQyAxLjQuMyAy"
    "MDIzMDYyMwAAAAD/+GQIACcWEUCi4eiUsHz5KtSLt1eJMfn6kUtvmqM5zABzpUW+hS7qP6CS9XV3Go5LPoJX6KLia7R+IAzHZyYN"
    "pYRmQZAkMw==")


# ---- The formulas, written out

def mel(kind, f):
    if kind == "htk":
        return 2595 * math.log10(1 + f / 700)
    return f * 3 / 200 if f < 1000 else 15 + 27 * math.log(f / 1000) / math.log(6.4)


def hz(kind, m):
    if kind == "htk":
        return 700 * (10 ** (m / 2595) - 1)
    return m * 200 / 3 if m < 15 else 1000 * 6.4 ** ((m - 15) / 27)


def log_mel(x, rate, window, hop, bands, kind, low, high, floor):
    n = 1
    while n < window:
        n *= 2
    at = [hz(kind, mel(kind, low) + i * (mel(kind, high) - mel(kind, low)) / (bands + 1)) for i in range(bands + 2)]
    frames = max(1, 1 + math.ceil((len(x) - window) / hop))
    result = []
    for t in range(frames):
        frame = [x[t * hop + i] * (0.5 - 0.5 * math.cos(2 * math.pi * i / window))
                 for i in range(window) if t * hop + i < len(x)]
        power = []
        for k in range(n // 2 + 1):
            re = sum(v * math.cos(2 * math.pi * i * k / n) for i, v in enumerate(frame))
            im = sum(v * math.sin(2 * math.pi * i * k / n) for i, v in enumerate(frame))
            power.append(re * re + im * im)
        row = []
        for b in range(bands):
            total = 0
            for k, p in enumerate(power):
                f = k * rate / n
                w = max(0, min((f - at[b]) / (at[b + 1] - at[b]), (at[b + 2] - f) / (at[b + 2] - at[b + 1])))
                total += p * w * (2 / (at[b + 2] - at[b]) if kind == "slaney" else 1)
            row.append(math.log(max(total, floor)))
        result.append(row)
    return result


def cepstrum(row, count):
    n = len(row)
    return [math.sqrt((1 if k == 0 else 2) / n) *
            sum(v * math.cos(math.pi * k * (2 * b + 1) / (2 * n)) for b, v in enumerate(row)) for k in range(count)]


def flat(lists):
    return [v for row in lists for v in row]


def check_features():
    x, y = tone(250), [0] * 30
    write("f/x.wav", wav(x))
    write("f/y.wav", wav(y))
    sounds = [[v / 32768 for v in s] for s in (x, y)]
    how = ["--window", "8ms", "--hop", "0.005s", "--bands", "6"]      # 64 samples, 40 samples
    for kind in ("htk", "slaney"):
        wanted = flat(log_mel(s, 8000, 64, 40, 6, kind, 0, 4000, 1e-10) for s in sounds)
        convert("f", "--unlabelled", "--mel", kind, *how, "--quiet")
        close(f"log_mel {kind}", flat(rows("/train/x")), flat(wanted), 1e-5)
        same("offsets", rows("/train/x_offsets"), [0, 6, 7])
        convert("f", "--unlabelled", "--mel", kind, *how, "--features", "mfcc", "--coefficients", "4", "--quiet")
        close(f"mfcc {kind}", flat(rows("/train/x")), flat(cepstrum(row, 4) for row in wanted), 1e-5)
    convert("f", "--unlabelled", "--window", "5", "--hop", "5", "--bands", "3", "--low", "300", "--high", "3000",
            "--floor", "0.5", "--quiet")
    wanted = flat(log_mel(s, 8000, 40, 40, 3, "htk", 300, 3000, 0.5) for s in sounds)
    close("a window that is no power of two", flat(rows("/train/x")), flat(wanted), 1e-5)
    convert("f", "--unlabelled", *how, "--length", "8", "--quiet")
    wanted = [log_mel(s, 8000, 64, 40, 6, "htk", 0, 4000, 1e-10) for s in sounds]
    padded = flat(flat(w + [[math.log(1e-10)] * 6] * (8 - len(w))) for w in wanted)
    close("padded with silence", flat(rows("/train/x")), padded, 1e-5)
    same("lengths", rows("/train/length"), [6, 1])
    convert("f", "--unlabelled", *how, "--length", "2", "--cut", "--quiet")
    close("cut", flat(rows("/train/x")), flat(flat(w[:2] + [[math.log(1e-10)] * 6] * (2 - len(w))) for w in wanted),
          1e-5)
    same("lengths of what was cut", rows("/train/length"), [2, 1])
    refused(3, "f/x.wav: has 6 frames, more than --length 5; --length longest", "f", "--unlabelled", *how,
            "--length", "5")
    refused(2, "band 1 of 40", "f", "--unlabelled", "--window", "4")
    refused(2, "must lie within 0 and 4000 Hz", "f", "--unlabelled", "--high", "5000")
    refused(2, "14 coefficients of 6 bands", "f", "--unlabelled", *how, "--features", "mfcc", "--coefficients", "14")
    for bad in ("0", "-5", "x", "11s", "1e9", ""):
        refused(2, f'window "{bad}" is not allowed', "f", "--unlabelled", f"--window={bad}")
    for bad in ("0", "1.5", "most"):
        refused(2, f'length "{bad}" is not allowed', "f", "--unlabelled", *how, f"--length={bad}")


# ---- Files

def check_files():
    x = tone(50)
    ways = {"a.wav": wav(x), "b.WAV": wav([v * 65536 for v in x], bits=32), "c.wav": wav([v / 32768 for v in x],
            bits=32, form=3), "d.wave": wav([v / 32768 for v in x], bits=64, form=3),
            "e.wav": wav(flat((v + 3, v - 3) for v in x), channels=2)}
    for name, data in ways.items():
        write(f"w/{name}", data)
    write("w/notes.txt", b"no sound")
    said = convert("w", "--unlabelled", "--features", "samples")
    same("samples", rows("/train/x"), [v / 32768 for v in x] * len(ways))
    for part in ("1 file left out", "1 file has several channels: their mean was taken", "{lengths_of: sound}",
                 "5 training, 0 validation, 0 test samples of 50 to 50 samples of 1 (samples)"):
        if part not in said:
            fail(f"files: {said}, wanted {part}")
    write("flac/a.flac", FLAC)
    convert("flac", "--unlabelled", "--features", "samples", "--quiet")
    same("flac", rows("/train/x"), [(37 * i % 101 - 50) * 100 / 32768 for i in range(40)])
    write("eight.wav", wav([0, 128, 255], bits=8))
    convert("eight.wav", "--unlabelled", "--features", "samples", "--quiet")
    same("8 bits", rows("/train/x"), [-1, 0, 127 / 128])
    # Rates
    write("r/a.wav", wav([1000] * 400, rate=8000))
    write("r/b.wav", wav([1000] * 600, rate=12000))
    refused(3, "r/b.wav: 12000 samples a second, where r/a.wav has 8000; --resample", "r", "--unlabelled")
    refused(3, "r/a.wav: 8000 samples a second, where --rate says 16000; --resample", "r", "--unlabelled", "--rate",
            "16000")
    said = convert("r", "--unlabelled", "--features", "samples", "--resample")
    if "1 file resampled to 8000 samples a second" not in said:
        fail(f"rates: {said}")
    got = rows("/train/x")
    same("resampled lengths", rows("/train/x_offsets"), [0, 400, 800])
    close("what is constant stays so", got[460:740], [1000 / 32768] * 280, 1e-7)
    write("r/c.wav", wav([round(9000 * math.sin(2 * math.pi * 440 * i / 44100)) for i in range(4410)], rate=44100))
    convert("r/c.wav", "--unlabelled", "--features", "samples", "--resample", "--rate", "8000", "--quiet")
    close("a tone", rows("/train/x")[100:700],
          [9000 / 32768 * math.sin(2 * math.pi * 440 * i / 8000) for i in range(100, 700)], 3e-5)
    # Hostile ones
    good, data = wav(x), wav([0.5, float("nan")], bits=32, form=3)
    bad = {"empty.wav": (b"", "the file is empty"), "text.wav": (b"hello, world, hello", "begins like no WAV or FLAC"),
           "head.wav": (good[:12], "can't be read as WAV or FLAC"), "cut.wav": (good[:80], "is cut off: 100 bytes"),
           "none.wav": (wav([]), "holds no samples"), "nan.wav": (data, "sample 1 is no number (NaN)"),
           "inf.wav": (wav([float("inf")], bits=32, form=3), "sample 0 is beyond 1e30"),
           "short.flac": (FLAC[:-20], "damaged or cut off"), "huge.flac":
           (FLAC[:21] + b"\xff\xff\xff\xff\xff" + FLAC[26:], "huge.flac: "),
           "mp3.wav": (wav([1])[:20] + b"\x55" + wav([1])[21:], "can't be read as WAV or FLAC")}
    for name, (data, part) in bad.items():
        shutil.rmtree("bad", ignore_errors=True)
        write(f"bad/{name}", data)
        refused(3, part, "bad", "--unlabelled", "--features", "samples")
        refused(3, f"bad/{name}: ", "bad", "--unlabelled", "--features", "samples")
    for data, name in ((good[:60], "a.wav"), (FLAC, "a.flac")):
        for at in range(0, len(data), 1 if os.environ.get("LOCKSTEP_TEST_FULL") else 6):
            write(f"flip/{name}", data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1:])
            got = run("convert", "audio", "flip", "--unlabelled", "--features", "samples", "-o", "out.h5", "--quiet")
            if got.returncode not in (0, 3):
                fail(f"{name} with byte {at} changed: {got.returncode} {got.stderr}")
        shutil.rmtree("flip")


# ---- Labels and parts

def check_labels():
    for k, word in enumerate(("yes", "no", "yes", "no", "yes", "no")):
        for speaker in ("ann", "bob"):
            write(f"s/{word}_{speaker}_{k}.wav", wav([100 * k + (speaker == "bob")]))
    value = lambda name: [round(v * 32768) for v in rows(f"/{name}/x")]
    samples = ["--features", "samples"]
    convert("s", "--label-pattern", "{label}_{speaker}_{index}.wav", "--test-pattern", "*_[45].wav", *samples,
            "--group", "speaker")
    same("by names, classes in turn", value("train"), [100, 0, 300, 200, 101, 1, 301, 201])
    same("labels", rows("/train/y"), [0, 1] * 4)
    same("the test part", value("test"), [500, 400, 501, 401])
    same("groups", rows("/train/group"), [0] * 4 + [1] * 4)
    same("names", (dump("/train/y")["/train/y"]["classes"], dump("/train/group")["/train/group"]["classes"]),
         (["no", "yes"], ["ann", "bob"]))
    convert("s/*.wav", "--label-pattern", "{label}_{speaker}_*", "--group", "speaker", "--test", "0.5", *samples,
            "--quiet")
    same("whole groups", sorted(len({v % 100 for v in value(p)}) for p in ("train", "test")), [1, 1])
    convert("s", "--label-pattern", "*_{label}_?", *samples, "--quiet")
    same("another field", dump("/train/y")["/train/y"]["classes"], ["ann", "bob"])
    for word in ("yes", "no"):
        for part in ("train", "test"):
            write(f"d/{part}/{word}/1.wav", wav([len(word) * 10 + len(part)]))
    convert("d", *samples, "--quiet")
    same("by folders", [value("train"), value("test"), rows("/test/y")], [[25, 35], [24, 34], [0, 1]])
    convert("d", *samples, "--length", "longest", "--label-pattern", "{label}/?.wav", "--quiet")
    same("a pattern with a folder", dump("/train/y")["/train/y"]["classes"], ["no", "yes"])
    write("d/test/maybe/1.wav", wav([1]))
    refused(3, "d/test/maybe/1.wav: is of class maybe in the test part, and the training part has none of it", "d")
    shutil.rmtree("d/test/maybe")
    # A table
    write("t.csv", b"file,label,split,who\nyes_ann_0.wav,first,train,a\nno_bob_1.wav+yes_bob_2.wav,second,,b\n"
                   b"no_ann_3.wav,first,test,a\n")
    convert("s", "--labels", "t.csv", *samples, "--group", "who", "--quiet")
    same("a table", [value("train"), rows("/train/x_offsets"), rows("/train/y"), value("test"), rows("/test/group")],
         [[0, 101, 201], [0, 1, 3], [0, 1], [300], [0]])
    write("t.tsv", "file\tlabel\nyes_ann_0.wav\tnein ja nein\nno_bob_1.wav\tjä\n".encode())
    convert("s", "--labels", "t.tsv", "--label", "words", *samples, "--quiet")
    same("words", [rows("/train/y"), rows("/train/y_offsets"), dump("/train/y")["/train/y"]["classes"]],
         [[3, 1, 3, 2], [0, 3, 4], ["<blank>", "ja", "jä", "nein"]])
    convert("s", "--labels", "t.tsv", "--label", "characters", *samples, "--length", "1", "--quiet")
    same("characters", [dump("/train/y")["/train/y"]["rows"][1], rows("/train/y_length"), rows("/train/length"),
                        dump("/train/y")["/train/y"]["classes"]],
         [[5, 7] + [0] * 10, [12, 2], [1, 1], ["<blank>", " ", "a", "e", "i", "j", "n", "ä"]])
    table = {b"file,label\nnone.wav,x\n": (3, "b.csv:2: s/none.wav: No such file"),
             b"file,label\nyes_ann_0.wav+none.wav,x\n": (3, "b.csv:2: s/none.wav: No such file"),
             b"file,label\n,x\n": (3, "b.csv:2: the name of the file is empty"),
             b"file,label\nyes_ann_0.wav,\n": (3, "b.csv:2: the label is empty"),
             b"file,label,split\nyes_ann_0.wav,x,dev\n": (3, 'b.csv:2: "dev" is no part'),
             b"file,text\nyes_ann_0.wav,x\n": (3, 'b.csv:1: there is no column "label"'),
             b"file,label\n": (3, "b.csv: holds no rows"), b"": (3, "b.csv: the file is empty"),
             b"file,label\nyes_ann_0.wav\n": (3, "b.csv:2: 1 field"),
             b"file,label\nyes_ann_0.wav,x <blank>\n": (3, "stands in its label")}
    for data, (code, part) in table.items():
        write("b.csv", data)
        refused(code, part, "s", "--labels", "b.csv", "--label", "words")
    shutil.copy("t.csv", "keep.csv")
    got = run("convert", "audio", "s", "--labels", "keep.csv", "-o", "keep.csv")
    same("onto the table", (got.returncode, open("keep.csv", "rb").read() == open("t.csv", "rb").read()), (2, True))
    os.mkfifo("pipe.wav")
    refused(2, "pipe.wav: ", "pipe.wav", "--unlabelled")
    refused(2, "--labels the source is one folder", "s/no_ann_1.wav", "--labels", "t.csv")
    refused(3, "s/no_ann_1.wav: has no label: it lies in no folder of a class", "s")
    refused(2, "s/no_ann_1.wav: is a file, and no folder of it is a class", "s/no_ann_1.wav")
    refused(3, "s/no_ann_1.wav: is not named as --label-pattern says", "s", "--label-pattern", "{label}-{index}")
    refused(2, "has no field {label}", "s", "--label-pattern", "{word}_*")
    refused(2, "a field is a name in braces", "s", "--label-pattern", "{label")
    refused(2, "has two fields {a}", "s", "--label-pattern", "{a}_{a}")
    refused(2, "has no field {who}", "s", "--label-pattern", "{label}_*", "--group", "who")
    refused(2, '--test-pattern "*_9.wav" fits none of 12 recordings', "s", "--label-pattern", "{label}_*",
            "--test-pattern", "*_9.wav")
    refused(2, "none of 12 recordings is left for the training part", "s", "--label-pattern", "{label}_*",
            "--test-pattern", "*")
    refused(2, "there is a share of 0.2 for the same part", "s", "--label-pattern", "{label}_*", "--test-pattern",
            "*_1.wav", "--test", "0.2")
    os.makedirs("nothing/below")
    refused(3, "nothing: holds no recordings", "nothing")
    refused(1, "nowhere: No such file", "nowhere")
    slow = "{a}" + "".join(f"_{{{c}}}" for c in "bcdefghijklmn") + "_{label}-"
    write("slow/" + "_" * 200 + ".wav", wav([1]))
    refused(3, "is not named as", "slow", "--label-pattern", slow)
    convert("s", "--unlabelled", "--quiet", "--bands", "8")
    plain = dump("/train/x", "/train/x_offsets")
    convert("s", "--unlabelled", "--quiet", "--gzip", "3", "--bands", "8")
    same("compressed", dump("/train/x", "/train/x_offsets"), plain)
    shutil.copy("s/no_ann_1.wav", "keep.wav")
    same("onto itself", (run("convert", "audio", "keep.wav", "--unlabelled", "-o", "keep.wav").returncode,
                         open("keep.wav", "rb").read() == wav([100])), (2, True))


# ---- Training

CONFIG = """
data:
  file: {file}
  inputs: {inputs}
  targets: {targets}
  {more}
  normalize: {{per: channel, inputs: {{frames: none}}}}
  augment: [time_shift: {shift}, noise: {{stddev: 0.1, value_range: [0, 1]}}, time_mask: {{width: 4, share: 0.5, count: 2}},
    frequency_mask: 2]
model:
  - gru: {{units: 6, from: [sound, frames], return_sequences: {sequence}}}
  - dense: {{units: 10}}
loss: cross_entropy
optimizer: {{adam: {{lr: 0.01}}}}
train: {{batch: 8, epochs: 2, lanes: 4}}
pictures: false
output: run
"""


def weights(ranks, **words):
    """The hash of the weights, or what was said instead."""
    words = {"targets": "y", "more": "", "sequence": "false", "shift": "2", **words}
    write("c.yaml", CONFIG.format(**words).encode())
    shutil.rmtree("run", ignore_errors=True)
    got = subprocess.run([*MPIRUN, "-n", str(ranks), PROGRAM, "train", "c.yaml", "--progress=none"],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if got.returncode != 0:
        return got.stderr
    return json.load(open("run/summary.json"))["weights_hash"]


def check_training():
    for i in range(20):
        write(f"n/{i % 10}_{i}.wav", wav([v * (1 + i % 3) for v in tone(300 + 71 * (i * 7 % 20), i)]))
    how = ["n", "--window", "8ms", "--hop", "8ms", "--bands", "5", "--quiet", "--label-pattern", "{label}_*"]
    convert(*how, out="ragged.h5")
    convert(*how, "--length", "longest", out="padded.h5")
    ragged = weights(3, file="ragged.h5", inputs="{sound: x, frames: {lengths_of: sound}}")
    convert(*how, "--mel", "slaney", out="slaney.h5")
    got = run("evaluate", "run", "--data", "slaney.h5")
    if got.returncode != 3 or "slaney.h5: holds log_mel" not in got.stderr or "(htk, 0 to" not in got.stderr:
        fail(f"features of another scale: {got.returncode} {got.stderr}")
    padded = weights(1, file="padded.h5", inputs="{sound: x, frames: length}", more="lengths: {sound: length}")
    if len(ragged) != 16:
        fail(f"training: {ragged}")
    same("padded as ragged, on 1 and 3 ranks", padded, ragged)
    # 27 letters a label, 27 frames: which may be of the same times
    write("long.csv", b"file,label\n" + b"".join(f"{i % 10}_{i}.wav,{'abc' * 9}\n".encode() for i in range(20)))
    convert("n", "--window", "8ms", "--hop", "8ms", "--bands", "5", "--quiet", "--labels", "long.csv", "--label",
            "characters", "--length", "27", out="times.h5")
    words = {"file": "times.h5", "inputs": "{sound: x, frames: length}", "sequence": "true"}
    said = weights(1, **words)
    if '"target" has as many entries as the inputs, 27: say time_shift: {..., targets: move}' not in said:
        fail(f"a target of the same times: {said}")
    move, both, stay = (weights(n, shift=f"{{steps: 2, targets: {how}}}", **words)
                        for n, how in ((1, "move"), (2, "move"), (1, "stay")))
    same("targets that move, on 1 and 2 ranks", both, move)
    if len(move) != 16 or len(stay) != 16 or move == stay:
        fail(f"targets that move or stay: {move} {stay}")


write("one.wav", wav([1, 2, 3]))
refused(3, "one.wav: a recording, and this lockstep was built without libsndfile", "one.wav", "--unlabelled",
        program=PLAIN)
if "built without libsndfile" in run("convert", "audio", "one.wav", "--unlabelled", "-o", "out.h5").stderr:
    print("built without libsndfile: nothing else is tested")
else:
    check_features()
    check_files()
    check_labels()
    check_training()
os.chdir("/")
shutil.rmtree(work)
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)

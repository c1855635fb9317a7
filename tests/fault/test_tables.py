"""Random tables whose truth is known: each is read right, or refused with line and column, never
silently otherwise.

A table has columns of numbers in many notations, a target, and oddities: words for missing values,
another encoding, quotes, CRLF, lines above the header, headers of numbers, an index.  Where the
notation can't be told apart, or where an option is needed that isn't given, the program must refuse.
LOCKSTEP_TEST_FULL=1 takes 300.  By hand: test_tables.py SEED... tries these and shows what is printed."""
import datetime
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

BUILD = os.environ["LOCKSTEP_BUILD"]
PROGRAM = os.path.join(BUILD, "lockstep")
DUMP = os.path.join(BUILD, "tests/fault/dump_rows")
EPOCH = datetime.datetime(1970, 1, 1)
# A message leads to the place: FILE:LINE, and a column unless the line as a whole is wrong.
PLACE = re.compile(r"t\.csv(:\d+)?: ")


def group(digits, sign):
    """1234567 -> 1.234.567"""
    out = ""
    while len(digits) > 3:
        out = sign + digits[-3:] + out
        digits = digits[:-3]
    return digits + out


def decimal(draw, point, thousands=""):
    """(text, value) of a number with a decimal sign, and signs between thousands."""
    places = draw.choice((1, 2, 4, 5))
    text = f"{draw.uniform(-5000, 5000):.{places}f}"
    whole, fraction = text.split(".")
    sign = "-" if whole.startswith("-") else ""
    return sign + group(whole.lstrip("-"), thousands) + point + fraction, float(text)


def fortran(draw):
    x = f"{draw.uniform(-10, 10):.6f}"
    exponent = draw.randrange(-20, 20)
    return f"{x}{draw.choice('Dd')}{exponent:+03d}", float(f"{x}e{exponent}")


def date(draw):
    t = EPOCH + datetime.timedelta(seconds=draw.randrange(0, 2000000000))
    return t.strftime("%Y-%m-%d"), (t.replace(hour=0, minute=0, second=0) - EPOCH).total_seconds()


def moment(draw):
    t = EPOCH + datetime.timedelta(seconds=draw.randrange(0, 2000000000))
    return t.strftime(draw.choice(("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"))), (t - EPOCH).total_seconds()


def clock(draw):
    h, m, s = draw.randrange(24), draw.randrange(60), draw.randrange(60)
    return f"{h:02}:{m:02}:{s:02}", 3600 * h + 60 * m + s


def european_date(draw):
    t = EPOCH + datetime.timedelta(days=draw.randrange(0, 20000))
    return t.strftime("%d/%m/%Y"), (t - EPOCH).total_seconds()


def seconds(draw):
    x = 1700000000 + draw.randrange(0, 100000)
    return str(x), x


# Notation -> (text, value) of one number.
NOTATIONS = {
    "plain": lambda d: decimal(d, "."),
    "whole": lambda d: (lambda x: (str(x), x))(d.randrange(-1000, 1000)),
    "exponent": lambda d: (lambda x: (x, float(x)))(f"{d.uniform(-10, 10):.5e}"),
    "long": lambda d: (lambda x: (repr(x), x))(d.random()),
    "comma": lambda d: decimal(d, ","),
    "comma with points": lambda d: decimal(d, ",", "."),
    "point with commas": lambda d: decimal(d, ".", ","),
    "spaces": lambda d: decimal(d, ".", "\u00a0"),
    "fortran": fortran,
    "dollars": lambda d: (lambda t: (("-$" + t[0][1:]) if t[0][0] == "-" else "$" + t[0], t[1]))(decimal(d, ".", ",")),
    "euros": lambda d: (lambda t: (t[0] + " \u20ac", t[1]))(decimal(d, ",", ".")),
    "percent": lambda d: (lambda x: (f"{x:.1f}%", float(f"{x:.1f}")))(d.uniform(0, 100)),
    "kilograms": lambda d: (lambda x: (f"{x:.2f} kg", float(f"{x:.2f}")))(d.uniform(0, 100)),
    "date": date,
    "moment": moment,
    "clock": clock,
    "european date": european_date,
    "seconds": seconds,
    "offset": lambda d: (lambda x: (f"{x:.5f}", float(f"{x:.5f}")))(d.uniform(100000, 100001)),
}
COMMAS = {"comma", "comma with points", "euros"}
POINTS = {"plain", "exponent", "long", "fortran", "point with commas", "spaces", "dollars", "percent", "kilograms", "offset"}
MISSING = ["", "NA", "nan", "NULL", "?", "<NA>", "None", "-", "#N/A", "n.a.", "NaT", "-1.#IND", "missing"]
LETTERS = ["M\u00fcller", "Gr\u00fcne", "Wei\u00df", "caf\u00e9", "na\u00efve"]


def quote(text, delimiter, draw, always):
    if delimiter in text or '"' in text or "\n" in text or always or (draw.random() < 0.02 and text):
        return '"' + text.replace('"', '""') + '"'
    return text


class Table:
    """What is written, what to call the program with, and what it must make of it."""

    def __init__(self, seed):
        draw = self.draw = random.Random(seed)
        self.options, self.reasons, self.may_refuse = [], [], None
        rows, width = draw.randrange(25, 90), draw.randrange(1, 5)
        self.delimiter = draw.choice(",,;;\t| ")
        commas = draw.random() < 0.35
        pool = [n for n in NOTATIONS if n not in (POINTS if commas else COMMAS)]
        if self.delimiter == " ":
            pool = [n for n in pool if n not in ("euros", "kilograms", "moment", "spaces")]
        kinds = [draw.choice(pool) for _ in range(width)]
        kinds = [k if draw.random() < 0.6 else ("comma" if commas else "plain") for k in kinds]
        cells = [[NOTATIONS[k](draw)[:2] for k in kinds] for _ in range(rows)]
        if "european date" in kinds:
            if draw.random() < 0.7:
                self.options += ["--date", "dmy"]
            else:
                self.reasons.append("column")
        target = self.make_target(rows, commas)
        names = draw.sample(["a", "Temperature", "b 2", "x_y", "l\u00e4nge", "p (Pa)", "k"], width) + ["target"]
        if self.delimiter == " ":
            names = [n.replace(" ", "_") for n in names]
        header = draw.choice(("names", "names", "names", "none", "numbers", "index"))
        if header == "index":
            names = [""] + names
            start = draw.randrange(2)
        if header == "numbers":
            if width < 2:
                header = "names"
            else:
                names = [str(i) for i in range(width + 1)]
        # Missing words.
        self.truth_x = [[c[1] for c in row] for row in cells]
        self.truth_y = target["values"]
        text = [[c[0] for c in row] for row in cells]
        self.keep = [True] * rows
        if draw.random() < 0.4:
            how = draw.choice(("mean", "mean", "drop", "drop", "error"))
            word = draw.choice(MISSING)
            if self.delimiter == " " and word == "":
                word = "NA"
            if draw.random() < 0.2:
                word = "-999"
                self.options += ["--missing-words", "-999"]
            for _ in range(draw.randrange(1, 6)):
                r, c = draw.randrange(3, rows), draw.randrange(width)
                text[r][c] = word
                self.truth_x[r][c] = None
                if how == "drop":
                    self.keep[r] = False
            if how == "error":
                self.reasons.append("the value is missing")
            else:
                self.options += ["--missing", how]
            if how == "mean":
                for c in range(width):
                    known = [row[c] for row in self.truth_x if row[c] is not None]
                    for row in self.truth_x:
                        row[c] = sum(known) / len(known) if row[c] is None else row[c]
        lines = []
        crlf = draw.random() < 0.3
        quoted = draw.random() < 0.15 and self.delimiter != " "
        for r in range(rows):
            cut = text[r] + [target["text"][r]]
            if header == "index":
                cut = [str(r + start)] + cut
            lines.append(self.delimiter.join(quote(c, self.delimiter, draw, quoted) for c in cut))
        if header != "none":
            lines.insert(0, self.delimiter.join(quote(n, self.delimiter, draw, quoted or n == "" and self.delimiter == " ")
                                                for n in names))
        self.names = names[1:-1] if header == "index" else names[:-1]
        # A wrong value somewhere.
        if draw.random() < 0.15 and not self.reasons:
            r, c = draw.randrange(4, rows), draw.randrange(width)
            wrong = draw.choice(("abc", "1.2.3.4", "12 34", "--5", "0x1F", "1,2,3", "inf", "5..2"))
            if self.keep[r] and self.delimiter not in wrong:
                at = r + (header != "none")
                cut = text[r] + [target["text"][r]]
                cut[c] = wrong
                if header == "index":
                    cut = [str(r + start)] + cut
                lines[at] = self.delimiter.join(quote(x, self.delimiter, draw, quoted) for x in cut)
                self.reasons.append("column")
        # Lines above, comments, encoding.
        if draw.random() < 0.1:
            lines.insert(0, "sep=" + self.delimiter)
        elif draw.random() < 0.15:
            above = draw.choice(("Report of the year", "made by solver 3"))
            lines[0:0] = [above, ""]
            if draw.random() < 0.6:
                self.options += ["--skip-lines", "2"]
            else:
                self.may_refuse = "skip-lines|header"
        elif draw.random() < 0.1:
            for _ in range(3):
                lines.insert(draw.randrange(1, len(lines)), "% a remark, with; signs\tin it")
            self.options += ["--comment", "%"]
        data = ("\r\n" if crlf else "\n").join(lines) + ("" if draw.random() < 0.3 else "\n")
        try:
            self.bytes = data.encode("latin-1" if draw.random() < 0.25 else "utf-8")
        except UnicodeEncodeError:
            self.bytes = data.encode("cp1252") if draw.random() < 0.5 else data.encode("utf-8")
        try:
            self.bytes.decode("utf-8")
            if draw.random() < 0.2:
                self.bytes = b"\xef\xbb\xbf" + self.bytes
        except UnicodeDecodeError:
            if draw.random() < 0.6:
                self.options += ["--encoding", draw.choice(("latin1", "auto"))]
            else:
                self.reasons.append("UTF-8")
        if draw.random() < 0.2:
            self.options += ["--delimiter", {",": "comma", ";": "semicolon", "\t": "tab", "|": "|", " ": "space"}[self.delimiter]]
        self.header = header
        self.refused = "|".join(self.reasons)

    def make_target(self, rows, commas):
        draw = self.draw
        kind = draw.choice(("number", "number", "words", "letters", "few whole", "padded", "long", "number", "words", "mixed"))
        if kind == "number":
            pairs = [NOTATIONS["comma" if commas else "plain"](draw) for _ in range(rows)]
            return {"text": [p[0] for p in pairs], "values": [p[1] for p in pairs]}
        if kind == "mixed":
            self.reasons.append("column")
            pairs = [NOTATIONS["comma" if commas else "plain"](draw) for _ in range(rows)]
            text = [p[0] for p in pairs]
            text[draw.randrange(5, rows)] = draw.choice(("abc", "n/k", "12 apples"))
            if self.delimiter == " ":
                text = [t.replace(" ", "_") for t in text]
            return {"text": text, "values": None}
        names = {"words": ["low", "middle", "high"], "letters": LETTERS, "few whole": ["1", "2", "15", "30"],
                 "padded": ["007", "07", "7", "02134"],
                 "long": ["6221888200042590280", "6221888200042590281", "6221888200042590282"]}[kind]
        text = [draw.choice(names) for _ in range(rows)]
        if kind == "padded" and "007" not in text and "07" not in text and "02134" not in text:
            text[0] = "007"
        return {"text": text, "values": text}


def near(a, b, single):
    if b is None:
        return False
    room = 1e-6 if single else 4e-16
    return abs(a - b) <= room * abs(b) + 1e-300


def compare(table, made):
    """What is wrong with what was made, or None."""
    x, y = made["x"]["rows"], made["y"]["rows"]
    want_x = [r for r, k in zip(table.truth_x, table.keep) if k]
    want_y = [r for r, k in zip(table.truth_y, table.keep) if k]
    if len(x) != len(want_x):
        return f"{len(x)} rows, wanted {len(want_x)}"
    if table.header not in ("none",) and made["x"].get("columns") != table.names:
        return f"names {made['x'].get('columns')}, wanted {table.names}"
    single = made["x"]["type"] == made["single"]
    for r, (got, want) in enumerate(zip(x, want_x)):
        if len(got) != len(want):
            return f"{len(got)} columns, wanted {len(want)}"
        for c, (g, w) in enumerate(zip(got, want)):
            if not near(g, w, single):
                return f"row {r}, column {c}: {g!r}, wanted {w!r}"
    # Differences within a column outlive the type.
    for c in range(len(want_x[0])):
        got, want = [row[c] for row in x], [row[c] for row in want_x]
        spread = max(want) - min(want)
        if spread > 0 and max(abs((g - got[0]) - (w - want[0])) for g, w in zip(got, want)) > 2e-4 * spread:
            return f"column {c}: differences are lost"
    if isinstance(want_y[0], str):
        classes = made["y"].get("classes")
        if classes is None:
            return "the target has no classes"
        names = [classes[int(v[0])] for v in y]
        if names != want_y:
            return f"labels {names[:5]}, wanted {want_y[:5]}"
        return None
    if "classes" in made["y"]:
        return "the target has classes"
    for r, (g, w) in enumerate(zip(y, want_y)):
        if not near(g[0], w, True):
            return f"target {r}: {g[0]!r}, wanted {w!r}"
    return None


def try_one(seed):
    """(what is wrong or None, exit code, what was printed)"""
    table = Table(seed)
    folder = f"t{seed}"
    os.mkdir(folder)
    source, output = os.path.join(folder, "t.csv"), os.path.join(folder, "o.h5")
    with open(source, "wb") as file:
        file.write(table.bytes)
    run = subprocess.run([PROGRAM, "convert", "csv", source, "-o", output] + table.options, stdin=subprocess.DEVNULL,
                         capture_output=True, timeout=100)
    printed = " ".join(table.options) + "\n" + run.stderr.decode(errors="replace")
    wrong = None
    if run.returncode == 0:
        if table.refused:
            wrong = f"read, wanted a refusal ({table.refused})"
        else:
            dump = subprocess.run([DUMP, output], capture_output=True, check=True)
            made = json.loads(dump.stdout.decode("utf-8"))
            made["single"] = SINGLE
            wrong = compare(table, made)
    elif run.returncode not in (2, 3):
        wrong = f"exit code {run.returncode}"
    else:
        message = [line for line in printed.splitlines() if line.startswith("lockstep: ")]
        if len(message) != 1 or not PLACE.search(message[0]):
            wrong = "refused without a place"
        elif table.refused:
            if not re.search("|".join(filter(None, (table.refused, table.may_refuse))), message[0]):
                wrong = f"refused for another reason than {table.refused}"
        elif table.may_refuse:
            if not re.search(table.may_refuse, message[0]):
                wrong = f"refused for another reason than {table.may_refuse}"
        else:
            wrong = "refused, wanted to be read"
    if wrong is None:
        shutil.rmtree(folder)
    return wrong, run.returncode, printed


def single_type():
    """The dump's number for 32-bit floats, from a table that needs no more."""
    with open("s.csv", "w") as file:
        file.write("a,b\n0.5,0.25\n1.5,0.75\n")
    subprocess.run([PROGRAM, "convert", "csv", "s.csv", "-o", "s.h5", "--quiet"], check=True)
    return json.loads(subprocess.run([DUMP, "s.h5"], capture_output=True, check=True).stdout)["x"]["type"]


def main():
    global SINGLE
    work = tempfile.mkdtemp(prefix="lockstep-tables.")
    failed, codes = 0, {}
    try:
        os.chdir(work)
        SINGLE = single_type()
        if len(sys.argv) > 1:
            seeds = [int(seed) for seed in sys.argv[1:]]
        else:
            seeds = range(300 if os.environ.get("LOCKSTEP_TEST_FULL", "0") == "1" else 40)
        with ThreadPoolExecutor(max_workers=int(os.environ.get("WORKERS", "2"))) as pool:
            for seed, (wrong, code, printed) in zip(seeds, pool.map(try_one, seeds)):
                codes[code] = codes.get(code, 0) + 1
                if len(sys.argv) > 1:
                    print(f"{seed}: exit code {code}\n{printed}")
                if wrong is not None:
                    failed += 1
                    print(f"FAILED: table {seed}: {wrong}")
                    with open(f"t{seed}/t.csv", "rb") as file:
                        head = b"".join(file.readlines()[:4])
                    print("".join(f"  | {line}\n" for line in (head.decode(errors="replace") + printed).splitlines()[:12]), end="")
        print(f"{len(seeds)} tables; exit codes {codes}")
    finally:
        os.chdir("/")
        shutil.rmtree(work)
    return failed > 0


SINGLE = None
sys.exit(main())

"""The rooms of src/ include only what lies to their left, and the tree keeps its shape.

The rule is read from the layer picture in src/README.md, so that there is one place to change it.
After checking the checkout, the script plants one breach of each rule in a copy and expects to be
told of exactly that one.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP_LEVEL = {"src", "include", "tests", "scripts", "slurm", "CMakeLists.txt", "README.md"}
LIBRARY_HEADERS = {  # header: where it may be included
    "mpi.h": r"src/comm/|src/cli/main\.c$|include/lockstep/comm\.h$",
    "cblas.h": r"src/tensor/",
    "hdf5.h": r"src/h5/",
}
RANKLESS = ("base", "text", "config", "tensor", "nn", "optim", "metrics", "h5")  # these never see a communicator
LONG, TOO_LONG = 600, 700
OPENING = re.compile(r"/\*+( @file\n \*)? (.*?)\*/", re.S)  # the comment that a source begins with
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def layers(root):
    """Rooms and what each may include, from the picture: `a <- b, c` lets b and c include a."""
    text = open(os.path.join(root, "src/README.md")).read()
    pictures = [p for p in re.findall(r"```\w*\n(.*?)```", text, re.S) if "<-" in p]
    if not pictures:
        sys.exit("FAILED: src/README.md: no picture of the layers (a block with `base <- ...`)")
    left = {}
    everyone = []
    for sentence in re.split(r"\n|;|\s{2,}", pictures[0]):
        if "<-" not in sentence:
            continue
        chain = [re.findall(r"[a-z0-9]+", part) for part in sentence.split("<-")]
        if "these" in chain[0]:  # "all of these <- train"
            everyone += chain[1]
            continue
        for lower, upper in zip(chain, chain[1:]):
            for name in lower:
                left.setdefault(name, set())
            for name in upper:
                left.setdefault(name, set()).update(lower)
    for name in everyone:
        left[name] = set(left) - {name}
    grown = True
    while grown:  # what lies left of one's left lies left of oneself
        grown = False
        for name, below in left.items():
            more = set().union(*(left[b] for b in below)) - below if below else set()
            if more:
                below |= more
                grown = True
    for name, below in left.items():
        if name in below:
            sys.exit(f"FAILED: src/README.md: {name} lies left of itself")
    left["cli"] = set()
    return left


def sources(root, folder):
    for where, folders, files in os.walk(os.path.join(root, folder)):
        folders.sort()
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                path = os.path.join(where, name)
                with open(path, encoding="utf-8") as file:
                    yield os.path.relpath(path, root), file.read()


def room_of(path):
    return path.split("/")[1]


def types(text):
    """Names of the structs, enums and unions that a header's typedefs define."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    while re.search(r"\{[^{}]*\}", text):
        text = re.sub(r"\{[^{}]*\}", "", text)
    return set(re.findall(r"\btypedef\s+(?:struct|enum|union)\b[^;]*?(\w+)\s*;", text))


def twice(texts):
    """Types of the same name in two headers: nobody could include both.  Public ones may be
    repeated by name, for headers that do without mpi.h."""
    faults, home = [], {}
    for path, text in texts.items():
        if not path.startswith("src/") or not path.endswith(".h"):
            continue
        for name in sorted(types(text)):
            if re.match(r"ls_[a-z]", name):
                continue
            if name in home:
                faults.append(f"{path}: {home[name]} defines a type {name} too")
            home[name] = path
    return faults


def reaches(path, texts, seen):
    """Every project file that path includes, directly or not."""
    for _, name in INCLUDE.findall(texts[path]):
        for candidate in ("src/" + name, "include/" + name, os.path.join(os.path.dirname(path), name)):
            if candidate in texts and candidate not in seen:
                seen.add(candidate)
                reaches(candidate, texts, seen)
    return seen


def check(root, top_level):
    """All breaches, one line each."""
    left = layers(root)
    texts = dict(sources(root, "src"))
    texts.update(sources(root, "include"))
    faults = []
    for path, text in texts.items():
        lines = text.count("\n")
        if lines > TOO_LONG:
            faults.append(f"{path}: {lines} lines; split it by idea (at most {LONG})")
        elif lines > LONG:
            print(f"note: {path}: {lines} lines, soon too long")
        opening = OPENING.match(text)
        if not opening or len(opening.group(2).split()) < 3:
            faults.append(f"{path}: the first line says what the file is for, in a comment")
        public = path.startswith("include/")
        room = None if public else room_of(path)
        if not public and room not in left:
            faults.append(f"{path}: the room {room} is not in the picture of src/README.md")
            continue
        for bracket, name in INCLUDE.findall(text):
            if name in LIBRARY_HEADERS and not re.match(LIBRARY_HEADERS[name], path):
                faults.append(f"{path}: may not include {name}")
            if public and bracket == '"':
                faults.append(f"{path}: a public header includes <lockstep/...>, not \"{name}\"")
            if public or bracket != '"':
                continue
            if "src/" + name in texts:
                other = room_of("src/" + name)
                if other != room and other not in left[room]:
                    faults.append(f"{path}: {room} may not include {name}")
            elif os.path.join(os.path.dirname(path), name) not in texts:
                faults.append(f"{path}: \"{name}\" is no file of src/")
    for path in texts:
        if path.startswith("src/") and room_of(path) in RANKLESS:
            for header in ("include/lockstep/comm.h",):
                if header in reaches(path, texts, set()):
                    faults.append(f"{path}: {room_of(path)} knows no ranks, yet includes {header} on some way")
    faults += twice(texts)
    for name in sorted(top_level - TOP_LEVEL):
        faults.append(f"{name}: the top level holds only {' '.join(sorted(TOP_LEVEL))} and dotfiles")
    return faults


def listing(root):
    """The top level: what git knows, or in a bare folder what is there, builds and runs aside."""
    known = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "--cached", "--others",
                            "--exclude-standard"], capture_output=True, text=True) if shutil.which("git") else None
    if known and known.returncode == 0 and known.stdout:
        names = {line.split("/")[0] for line in known.stdout.splitlines()}
    else:
        names = {n for n in os.listdir(root) if not re.match(r"build|runs$", n)}
    return {n for n in names if not n.startswith(".")}


NAKED = "naked: "  # planted without an opening comment


def plant(root):
    """One breach a rule, in a copy; returns those that nobody noticed."""
    breaches = [  # file, text to add, what must be said
        ("src/base/x.c", '#include "tensor/product.h"', "base may not include tensor/product.h"),
        ("src/comm/x.c", '#include "tensor/span.h"', "comm may not include tensor/span.h"),
        ("src/nn/x.c", '#include "comm/comm.h"', "nn may not include comm/comm.h"),
        ("src/optim/x.h", "#include <lockstep/comm.h>", "optim knows no ranks"),
        ("src/metrics/x.c", '#include "nn/layer.h"', "metrics may not include nn/layer.h"),
        ("src/cli/x.c", '#include "base/alloc.h"', "cli may not include base/alloc.h"),
        ("src/train/x.c", "#include <mpi.h>", "may not include mpi.h"),
        ("src/nn/x.c", "#include <cblas.h>", "may not include cblas.h"),
        ("src/data/x.c", '#include "convert/format.h"', "data may not include convert/format.h"),
        ("src/data/x.c", "#include <hdf5.h>", "may not include hdf5.h"),
        ("src/attic/x.c", "", "the room attic is not in the picture"),
        ("src/base/x.c", '#include "gone.h"', "is no file of src/"),
        ("src/base/x.c", "\n" * 701, "split it by idea"),
        ("src/nn/x.h", "typedef struct ls__rng {\n  struct {\n    int a;\n  } b;\n} ls__rng;",
         "src/base/rng.h defines a type ls__rng too"),
        ("src/nn/x.h", "typedef struct ls__rng ls__rng;", "src/base/rng.h defines a type ls__rng too"),
        ("src/base/x.c", NAKED + "int x;", "the first line says what the file is for"),
        ("src/base/x.c", NAKED + "/* x.c */", "the first line says what the file is for"),
        ("include/lockstep/x.h", '#include "status.h"', "a public header includes <lockstep/...>"),
    ]
    unnoticed = []
    for path, text, said in breaches:
        with tempfile.TemporaryDirectory() as copy:
            for folder in ("src", "include"):
                shutil.copytree(os.path.join(root, folder), os.path.join(copy, folder))
            os.makedirs(os.path.dirname(os.path.join(copy, path)), exist_ok=True)
            with open(os.path.join(copy, path), "w") as file:
                opening = "" if text.startswith(NAKED) else "/* A file with a breach. */\n"
                file.write(opening + text.replace(NAKED, "") + "\n")
            faults = check(copy, set())
            if len(faults) != 1 or said not in faults[0]:
                unnoticed.append(f"planted {path} with {text.strip()!r}, was told {faults}")
    if not any("notes.txt" in f for f in check(root, {"notes.txt"})):
        unnoticed.append("planted notes.txt at the top level")
    return unnoticed


def main():
    root = os.environ.get("LOCKSTEP_SOURCE") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
    faults = check(root, listing(root))
    if not faults:
        faults = plant(root)
    for fault in faults:
        print(f"FAILED: {fault}")
    if not faults:
        print("every file in its room")
    return 1 if faults else 0


sys.exit(main())

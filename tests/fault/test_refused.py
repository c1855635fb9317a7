"""What the system refuses is not missing: each command, while looking at, opening or reading one of its files fails
with each errno, ends with exit code 1 and one line that has the system's words, and nothing is written or deleted.
Where it never asks, or does without, it gives what it gave before.  The same for each block of an HDF5 file that
can't be read: a tool that takes an error for "it isn't there" would go on without it.

LOCKSTEP_TEST_FULL=1 takes every errno and every block.  By hand: test_refused.py WORD... tries the cases that have
these words, and shows what is printed."""
import errno
import os
import random
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import small

LIBRARY = os.path.join(small.BUILD, "tests/librefuse.so")
ERRNOS = [errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOMEM, errno.ELOOP]
FULL = os.environ.get("LOCKSTEP_TEST_FULL", "0") == "1"
# What ends each path that is refused, and the command.
COMMANDS = {
    "train": (["train", "run.yaml", "output=new", "--progress=none"], ["run.yaml", "base.yaml", "table.h5"]),
    "train over": (["train", "run.yaml", "pictures=false", "--progress=none"], ["run/checkpoints", "run/metrics.jsonl"]),
    "train from": (["train", "run.yaml", "output=new", "initialize={from: run/checkpoints/final.h5}", "--progress=none"],
                   ["final.h5"]),
    "plot": (["plot", "run"], ["run/metrics.jsonl", "table.h5"]),
    "resume": (["train", "run.yaml", "train.epochs=5", "--resume", "--progress=none"],
               ["run.yaml", "base.yaml", "table.h5", "run/checkpoints", "run/metrics.jsonl", "final.h5"]),
    "evaluate": (["evaluate", "run/checkpoints/final.h5", "--json"], ["final.h5", "table.h5"]),
    "evaluate a run": (["evaluate", "run", "--json"], ["run", "final.h5"]),
    "evaluate from afar": (["evaluate", "/../FOLDER/run/checkpoints/final.h5", "--json"], ["table.h5"]),
    "evaluate images": (["evaluate", "images/checkpoints/final.h5", "--json"], ["images.h5"]),
    "predict": (["predict", "run/checkpoints/final.h5", "-o", "out.h5"], ["final.h5", "table.h5", "out.h5"]),
    "inspect": (["inspect", "table.h5", "--json"], ["table.h5"]),
    "inspect a checkpoint": (["inspect", "run/checkpoints/final.h5"], ["final.h5"]),
    "convert csv": (["convert", "csv", "table.csv", "-o", "c.h5", "--target", "kind", "--quiet"], ["table.csv", "c.h5"]),
    "convert idx": (["convert", "idx", "images.x", "images.y", "-o", "c.h5", "--quiet"], ["images.x", "images.y"]),
    "convert cifar": (["convert", "cifar10", "cifar.bin", "-o", "c.h5", "--quiet"], ["cifar.bin", "batches.meta.txt"]),
    "convert images": (["convert", "images", "pictures", "-o", "c.h5", "--quiet"],
                       ["/pictures", "pictures/1", "pictures/1/3.ppm"]),
    "gradcheck": (["gradcheck", "run.yaml"], ["run.yaml", "base.yaml", "table.h5"]),
}
# Refused on the second of two ranks alone: both end; a network rank 0 alone reads.
ONE_OF_TWO = {"train": ["run.yaml", "table.h5"], "evaluate": ["final.h5", "table.h5"]}
BLOCKS = {"train": "table.h5", "evaluate": "final.h5", "evaluate images": "images.h5", "inspect": "table.h5"}
SIGNATURE = re.compile(b"\x89HDF|OHDR|OCHK|FRHP|FHDB|FHIB|BTHD|BTLF|BTIN|FADB|FAHD|EADB|EAHD")


def tree(folder):
    """All that is there, and what it holds."""
    found = {}
    for above, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(above, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def stable(text):
    return re.sub(r"[0-9.]+ (s|ms|samples/s)\b", "", text)


def results(folder):
    """What a command that succeeds has left: weights, predictions."""
    found = tree(folder)
    return {name: re.findall(b'"weights_hash":"[0-9a-f]*"', content) if name.endswith("summary.json") else None
            for name, content in found.items() if not name.endswith((".log", ".mark", ".unreadable"))}  # the last: set aside, and said


class Case:
    def __init__(self, name, path, call, error, at=None, ranks=1):
        self.name, self.path, self.call, self.error, self.at, self.ranks = name, path, call, error, at, ranks

    def __str__(self):
        where = "" if self.at is None else f" byte {self.at}"
        where += f" on rank 1 of {self.ranks}" if self.ranks > 1 else ""
        return f"{self.name}: {self.call} {self.path}{where}: {errno.errorcode[self.error]}"


class Tester:
    def __init__(self, template):
        self.template, self.base = template, {}

    def folder(self):
        to = tempfile.mkdtemp(prefix="case.", dir=os.path.dirname(self.template))
        shutil.rmtree(to)
        shutil.copytree(self.template, to, symlinks=True)
        return to

    def start(self, name, folder, **variables):
        words = [word.replace("/../FOLDER", folder) for word in COMMANDS[name][0]]
        where = "/" if name.endswith("from afar") else folder
        return small.run(words, folder=where, **variables)

    def whole(self, name):
        folder = self.folder()
        code, printed, said = self.start(name, folder)
        if code != 0:
            raise SystemExit(f"{name}: exit code {code}: {said}")
        self.base[name] = stable(printed), results(folder)
        shutil.rmtree(folder)

    def judge(self, case, folder, before, code, printed, said, asked):
        """What is wrong, or None."""
        if case.ranks > 1 and case.path == "final.h5" and (asked or code != 0):
            return f"exit code {code}{', and it read the network itself' if asked else ''}"
        if code == 0:  # never asked, or the answer changes nothing
            if (stable(printed), results(folder)) != self.base[case.name]:
                return "another result, and exit code 0"
            return None
        if not asked:
            return f"exit code {code}, and nothing was refused"
        if code != 1:
            return f"exit code {code}"
        if len(said.splitlines()) != 1 or not said.startswith("lockstep: "):
            return "not one line"
        if os.strerror(case.error) not in said:
            return f"no word of \"{os.strerror(case.error)}\""
        after = tree(folder)
        moved = {name.replace("run.1/", "run/", 1): content for name, content in after.items() if name.startswith("run.1/")}
        if case.name == "train over" and moved:  # an earlier run is whole, too, where it was moved
            after = {name: content for name, content in after.items() if not name.startswith(("run/", "run.1/"))} | moved
        if after != before:
            changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
            return f"changed: {changed}"
        return None

    def one(self, case):
        folder = self.folder()
        log = folder + ".log"
        before = tree(folder)
        some = {} if case.at is None else {"REFUSE_AT": str(case.at)}
        if case.ranks > 1:
            some = {"REFUSE_RANK": "1", "ranks": case.ranks}
        code, printed, said = self.start(case.name, folder, preload=LIBRARY, REFUSE_PATH=case.path, REFUSE_CALLS=case.call,
                                         REFUSE_ERRNO=str(case.error), REFUSE_LOG=log, **some)
        asked = os.path.exists(log)
        wrong = self.judge(case, folder, before, code, printed, said, asked)
        shutil.rmtree(folder)
        if asked:
            os.unlink(log)
        return case, code, said, asked, wrong


def cases():
    turn = 0
    for name, (_, paths) in COMMANDS.items():
        for path in paths:
            for call in ("look", "open", "read"):
                turn += 1
                for error in ERRNOS if FULL else [ERRNOS[turn % len(ERRNOS)]]:
                    yield Case(name, path, call, error)
    for name, paths in ONE_OF_TWO.items():
        for path in paths:
            for call in ("open", "read"):
                yield Case(name, path, call, errno.ESTALE, ranks=2)
    draw = random.Random(1)
    for name, path in BLOCKS.items():
        with open("run/checkpoints/final.h5" if path == "final.h5" else path, "rb") as file:
            blocks = [match.start() for match in SIGNATURE.finditer(file.read())]
        for at in blocks if FULL else draw.sample(blocks, min(8, len(blocks))):
            yield Case(name, path, "read", errno.EIO, at)


def main():
    work = tempfile.mkdtemp(prefix="lockstep-refused.")
    try:
        template = os.path.join(work, "template")
        os.mkdir(template)
        os.chdir(template)
        small.make()
        tester = Tester(template)
        for name in COMMANDS:
            tester.whole(name)
        chosen = [case for case in cases() if all(word in str(case) for word in sys.argv[1:])]
        failed, codes, refused = 0, {}, 0
        with ThreadPoolExecutor(max_workers=int(os.environ.get("WORKERS", "2"))) as pool:
            for case, code, said, asked, wrong in pool.map(tester.one, chosen):
                codes[code] = codes.get(code, 0) + 1
                refused += asked
                if wrong is not None:
                    failed += 1
                    print(f"FAILED: {case}: {wrong}")
                if wrong is not None or len(sys.argv) > 1:
                    print(f"{case}: exit code {code}{'' if asked else ', not asked'}\n"
                          + "".join(f"  | {line}\n" for line in said.splitlines()[:5]), end="", flush=True)
        print(f"{len(chosen)} cases, {refused} met a refusal; exit codes {codes}")
        if refused < len(chosen) / 3:
            failed += 1
            print("FAILED: too few cases met a refusal: is the library loaded?")
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    return failed > 0


sys.exit(main())
